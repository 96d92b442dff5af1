"""Answer -> HTML. Pure functions; every character that came from an article or a person goes through `escape`."""

from __future__ import annotations

import datetime
import html
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.answering.citations import is_exact
from rag.present.text import PERHAPS, UNSUPPORTED, doubt_words, paragraphs
from rag.types import Answer, Citation, Document, Header, ScoredChunk, Statement

AROUND = 240
"""Characters of the article shown on each side of a quote."""
TIED = 24
"""Characters of a last word that a marker may stand beside on one line."""
# Gradio fills templates: braces, dollars and backticks of an article must mean nothing to any of its engines.
_ENTITIES = str.maketrans(
    {"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;", "\\": "&#92;", "\r": "&#13;", "\0": "&#65533;"}
)
Lookup = Callable[[str], Document | None]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question with what came back: an Answer, or a sentence that says why none did."""

    question: str
    answer: Answer | None = None
    problem: str = ""


def escape(text: str) -> str:
    """Text as HTML that shows it character by character and does nothing else, in content and in attributes."""
    return html.escape(text, quote=True).translate(_ENTITIES)


def written_date(date: str | None) -> str:
    """A date as people write it: "3 July 2024", "June 2023", "2023"; "undated" for None."""
    if not date:
        return "undated"
    parts = date.split("-")
    try:
        if len(parts) == 3:
            day = datetime.date.fromisoformat(date)
            return f"{day.day} {day:%B} {day.year}"
        if len(parts) == 2:
            return f"{datetime.date(int(parts[0]), int(parts[1]), 1):%B} {parts[0]}"
    except ValueError:
        pass
    return date


def likelihood(confidence: float) -> str:
    """A probability of being right in words."""
    steps = ((0.9, "very likely right"), (0.75, "likely right"), (0.6, "probably right"))
    return next((word for least, word in steps if confidence >= least), "uncertain, read the source")


def percent(confidence: float) -> str:
    """A probability as whole percent; only certainty is 100 %."""
    return f"{min(99, max(1, round(confidence * 100)))} %" if 0.0 < confidence < 1.0 else f"{confidence * 100:.0f} %"


# --- the conversation ------------------------------------------------------------------------------------------------


def conversation(exchanges: Sequence[Exchange], shown: int | None) -> str:
    """All exchanges, oldest first; `shown` is the one whose sources lie beside."""
    turns = "".join(_exchange(number, entry, number == shown) for number, entry in enumerate(exchanges))
    return f'<div class="turns">{turns}</div>'


def _exchange(number: int, entry: Exchange, shown: bool) -> str:
    title = entry.question if entry.question.strip() else "(nothing typed)"
    asked = f'<h2 class="asked" id="turn-{number}" dir="auto" tabindex="-1">{escape(title)}</h2>'
    if entry.answer is None:
        body = f'<div class="card problem"><p>{escape(entry.problem)}</p></div>'
    elif entry.answer.certainty == "not said":
        body = _abstention(number, entry.answer, shown)
    elif entry.answer.certainty == "perhaps":
        body = _perhaps(number, entry.answer, shown)
    else:
        body = _answer(number, entry.answer, shown)
    return f'<article class="turn{" shown" if shown else ""}" aria-labelledby="turn-{number}">{asked}{body}</article>'


def _answer(number: int, answer: Answer, shown: bool) -> str:
    differing = len(answer.accounts) > 1
    short = "" if differing else f'<p class="short" dir="auto">{escape(answer.short_answer)}</p>'
    told = _accounts(answer) if differing else _told(answer)
    return (
        f'<div class="card answer">{_understood(number, answer)}{short}<div class="told">{told}</div>{_sure(answer)}'
        f"{_actions(number, answer, shown)}</div>"
    )


def _sure(answer: Answer) -> str:
    return (
        f'<p class="sure"><span class="meter" style="--part:{min(1.0, max(0.0, answer.confidence)):.2f}" '
        f'aria-hidden="true"></span>Confidence: {likelihood(answer.confidence)} '
        f'<span class="number">({percent(answer.confidence)})</span></p>'
    )


def _perhaps(number: int, answer: Answer, shown: bool) -> str:
    why = "".join(f'<p class="note" dir="auto">{escape(doubt_words(doubt))}</p>' for doubt in answer.doubts)
    return (
        f'<div class="card abstention perhaps">{_understood(number, answer)}<p class="short">{PERHAPS}</p>'
        f'<div class="told">{_told(answer)}</div>{why}{_sure(answer)}{_actions(number, answer, shown)}</div>'
    )


def _abstention(number: int, answer: Answer, shown: bool) -> str:
    if answer.passages:
        nearest = (
            "The nearest passages are listed with the sources, in case one helps. They are <em>not</em> an answer."
        )
    else:
        nearest = "No passage came near it."
    return (
        f'<div class="card abstention">{_understood(number, answer)}'
        f'<p class="short"><span class="sign" aria-hidden="true">∅</span> {escape(answer.text)}</p>'
        f"<p>I would rather say so than guess. {nearest}</p>"
        '<p class="hint">It can help to name the person, place or date, and to ask in the language of the articles.</p>'
        f"{_actions(number, answer, shown)}</div>"
    )


def _understood(number: int, answer: Answer) -> str:
    """The question as it was searched, where it is not as typed, and what else a person should know."""
    said = ""
    if not _as_typed(answer):
        said = f'<p class="understood">Understood as <q dir="auto">{escape(answer.understood)}</q></p>'
        said += _editor(number, answer, "Change it")
    notes = "".join(f'<p class="note" dir="auto">{escape(_sentence(note))}</p>' for note in answer.notes)
    return f'<div class="reading">{said}{notes}</div>' if said or notes else ""


def _as_typed(answer: Answer) -> bool:
    return answer.understood.strip() == answer.question.strip()


def _editor(number: int, answer: Answer, label: str) -> str:
    return (
        f'<details class="again"><summary>{label}</summary><form data-action="again">'
        f'<label for="again-{number}">The question, complete in itself</label>'
        f'<input id="again-{number}" name="question" maxlength="2000" dir="auto" autocomplete="off" '
        f'value="{escape(answer.understood)}"><button type="submit">Ask it this way</button></form></details>'
    )


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _accounts(answer: Answer) -> str:
    cards = "".join(
        f'<section class="account"><h3>{_time(account.date, "Article of ")}</h3>'
        f'<p class="short" dir="auto">{escape(account.short_answer)}</p>'
        f"{_paragraph((statement,), answer.citations)}</section>"
        for account, statement in zip(answer.accounts, answer.statements, strict=True)
    )
    return f'<p class="differ">The articles give different accounts.</p><div class="accounts">{cards}</div>'


def _time(date: str | None, before: str = "") -> str:
    if not date:
        return "Undated article" if before else "undated"
    return f'{before}<time datetime="{escape(date)}">{escape(written_date(date))}</time>'


def _told(answer: Answer) -> str:
    return "".join(_paragraph(statements, answer.citations) for statements in paragraphs(answer))


def _paragraph(statements: Sequence[Statement], citations: Sequence[Citation]) -> str:
    return f'<p dir="auto">{" ".join(_statement(statement, citations) for statement in statements)}</p>'


def _statement(statement: Statement, citations: Sequence[Citation]) -> str:
    """A statement with its markers as buttons, tied to its last word."""
    if not statement.citations:
        return escape(f"{statement.text} {UNSUPPORTED}")
    buttons = "".join(_mark(n, citations[n - 1]) for n in statement.citations)
    tied = statement.text.split(" ")[-1][-TIED:]
    before = statement.text[: len(statement.text) - len(tied)]
    return f'{escape(before)}<span class="tie">{escape(tied)}{buttons}</span>'


def _mark(n: int, citation: Citation) -> str:
    label = escape(f"Source {n}: {citation.title}")
    return (
        f'<button type="button" class="mark" data-action="source" data-n="{n}" aria-label="{label}" '
        f'title="{label}">{n}</button>'
    )


def _actions(number: int, answer: Answer, shown: bool) -> str:
    count = len({citation.document_id for citation in answer.citations})
    label = "Nearest passages" if answer.abstained else f"Sources ({count})"
    choices = "".join(
        f'<label><input type="radio" name="wrong" value="{value}" required> {words}</label>'
        for value, words in COMPLAINTS.items()
        if not (answer.abstained and value in ("answer", "citation", "unanswerable"))
        and not (not answer.abstained and value == "missed")
    )
    return (
        f'<div class="actions" data-turn="{number}">'
        f'<button type="button" data-action="turn" aria-pressed="{"true" if shown else "false"}">{label}</button>'
        f'<button type="button" data-action="copy" data-copy="{escape(plain(answer))}">Copy</button>'
        f"{_editor(number, answer, 'Ask differently') if _as_typed(answer) else ''}"
        f'<details class="wrong"><summary>Something wrong?</summary><form data-action="complain">'
        f"<fieldset><legend>What was wrong?</legend>{choices}</fieldset>"
        f'<label for="why-{number}">What would have been right? (optional)</label>'
        f'<textarea id="why-{number}" name="remark" maxlength="1000" rows="2" dir="auto"></textarea>'
        f'<button type="submit">Send</button></form></details></div>'
    )


COMPLAINTS: Mapping[str, str] = {
    "answer": "The answer is wrong",
    "citation": "The source does not say that",
    "missed": "The articles do hold the answer",
    "unanswerable": "The articles do not answer this",
}


def plain(answer: Answer) -> str:
    """The answer with its citations as text, for the clipboard."""
    sources = [
        f"[{n}] {c.title} ({written_date(c.date)}): “{' '.join(c.quote.split())}”"
        for n, c in enumerate(answer.citations, start=1)
    ]
    return "\n\n".join([answer.text, "\n".join(sources)]) if sources else answer.text


# --- the sources -----------------------------------------------------------------------------------------------------


def sources(number: int, answer: Answer | None, find: Lookup) -> str:
    """The cited places of an answer in their surroundings, then what was found and not cited."""
    if answer is None:
        return '<p class="empty">The sources of an answer appear here.</p>'
    cards = "".join(
        _card(n, citation, find(citation.document_id)) for n, citation in enumerate(answer.citations, start=1)
    )
    other = [passage for passage in answer.passages if not _is_cited(passage, answer.citations)]
    head = f'<p class="about" dir="auto">For <q>{escape(answer.question)}</q></p>'
    return f'<div class="sources" data-turn="{number}">{head}{cards}{_uncited(answer, other)}</div>'


def _card(n: int, citation: Citation, document: Document | None) -> str:
    known = document is not None and is_exact(citation, document)
    if known and document is not None:
        start, end = _surroundings(document.text, citation.start, citation.end)
        before, after = document.text[start : citation.start], document.text[citation.end : end]
        text = (
            f"{'…' if start else ''}{escape(before)}<mark>{escape(citation.quote)}</mark>"
            f"{escape(after)}{'…' if end < len(document.text) else ''}"
        )
        link = _open(citation.document_id, citation.start, citation.end, f"Open the whole article of source {n}")
    else:
        text = f"<mark>{escape(citation.quote)}</mark>"
        link = '<p class="note">The article has changed or is no longer here; this is the quote as it was.</p>'
    return (
        f'<section class="source" id="source-{n}" tabindex="-1" aria-labelledby="source-title-{n}">'
        f'<h3 id="source-title-{n}"><span class="n">{n}</span> <bdi>{escape(citation.title)}</bdi></h3>'
        f'<p class="where">{_time(citation.date)} · <bdi>{escape(citation.document_id)}</bdi></p>'
        f'<blockquote dir="auto">{text}</blockquote>{link}</section>'
    )


def _open(document_id: str, start: int, end: int, label: str) -> str:
    return (
        f'<button type="button" class="open" data-action="open" data-document="{escape(document_id)}" '
        f'data-start="{start}" data-end="{end}" aria-label="{escape(label)}">Whole article</button>'
    )


def _surroundings(text: str, start: int, end: int) -> tuple[int, int]:
    """[start, end) widened by about `AROUND` characters on each side, to the edges of words."""
    first = max(0, start - AROUND)
    while 0 < first < start and not text[first - 1].isspace():
        first += 1
    last = min(len(text), end + AROUND)
    while end < last < len(text) and not text[last].isspace():
        last -= 1
    return first, last


def _is_cited(passage: ScoredChunk, citations: Iterable[Citation]) -> bool:
    chunk = passage.chunk
    return any(c.document_id == chunk.document_id and c.start < chunk.end and chunk.start < c.end for c in citations)


def _uncited(answer: Answer, passages: Sequence[ScoredChunk]) -> str:
    if not passages:
        return ""
    known = answer.documents
    items = "".join(_passage(p, known.get(p.chunk.document_id, {}), answer.nearest) for p in passages)
    if answer.abstained:
        return (
            '<section class="uncited"><h3>Nearest passages <span class="tag">not an answer</span></h3>'
            f"<ol>{items}</ol></section>"
        )
    return (
        f'<details class="uncited"><summary>Also found, not cited ({len(passages)})</summary><ol>{items}</ol></details>'
    )


def _passage(passage: ScoredChunk, document: Mapping[str, str | None], nearest: Sequence[Citation]) -> str:
    chunk = passage.chunk
    start, end = chunk.start, chunk.start  # of the nearest sentence
    for citation in nearest:
        if citation.document_id == chunk.document_id and chunk.start <= citation.start and citation.end <= chunk.end:
            start, end = citation.start, citation.end
    quoted = f"<mark>{escape(chunk.between(start, end))}</mark>" if start < end else ""
    text = f"{escape(chunk.between(chunk.start, start))}{quoted}{escape(chunk.between(end, chunk.end))}"
    return (
        f'<li><p class="where"><bdi>{escape(chunk.title)}</bdi> · {_time(document.get("date"))}</p>'
        f'<blockquote dir="auto">{text}</blockquote>'
        f"{_open(chunk.document_id, chunk.start, chunk.end, f'Open the whole article {chunk.title}')}</li>"
    )


# --- articles --------------------------------------------------------------------------------------------------------


def article(document: Document, places: Sequence[tuple[int, int]], chosen: tuple[int, int]) -> str:
    """A dialog with the whole article, verbatim, its quoted places marked and the chosen one to scroll to."""
    chosen = _within(document, *chosen)
    cuts = sorted({0, len(document.text), *chosen, *(i for place in places for i in _within(document, *place))})
    text = []
    for start, end in itertools.pairwise(cuts):
        piece = escape(document.text[start:end])
        if chosen[0] <= start and end <= chosen[1]:
            piece = f'<mark class="chosen">{piece}</mark>'
        elif any(a <= start and end <= b for a, b in places):
            piece = f"<mark>{piece}</mark>"
        text.append(piece)
    return (
        '<dialog class="whole" aria-labelledby="whole-title"><header><div>'
        f'<h2 id="whole-title" dir="auto">{escape(document.title)}</h2>'
        f'<p class="where">{_time(document.date)} · <bdi>{escape(document.id)}</bdi></p></div>'
        '<button type="button" data-action="close" class="close" aria-label="Close the article">✕</button></header>'
        f'<div class="text" tabindex="0" role="group" aria-label="Text of the article" dir="auto">{"".join(text)}</div>'
        "</dialog>"
    )


def _within(document: Document, start: int, end: int) -> tuple[int, int]:
    size = len(document.text)
    start = min(max(0, start), size)
    return start, min(max(start, end), size)


def corpus(headers: Sequence[Header]) -> str:
    """What the corpus holds: title and date of each article, each of which opens."""
    if not headers:
        return '<p class="empty">There are no articles yet. Add your own below.</p>'
    return f'<ul class="articles">{"".join(_entry(header, removable=False) for header in headers)}</ul>'


def own_articles(headers: Sequence[Header], failed: Sequence[tuple[str, str]] = (), progress: str = "") -> str:
    """The articles a person brought, each with a way to remove it, and why others could not be read."""
    parts = [f'<p class="progress" role="status">{escape(progress)}</p>'] if progress else []
    if headers:
        parts.append(f'<ul class="articles own">{"".join(_entry(h, removable=True) for h in headers)}</ul>')
    if failed:
        items = "".join(f"<li><strong><bdi>{escape(name)}</bdi></strong> {escape(why)}</li>" for name, why in failed)
        parts.append(f'<div class="failed" role="alert"><p>Not read:</p><ul>{items}</ul></div>')
    return "".join(parts)


def _entry(header: Header, removable: bool) -> str:
    remove = (
        f'<button type="button" class="remove" data-action="remove" data-document="{escape(header.id)}" '
        f'aria-label="{escape(f"Remove {header.title}")}">Remove</button>'
        if removable
        else ""
    )
    return (
        f'<li><button type="button" class="title" data-action="open" data-document="{escape(header.id)}" '
        f'data-start="0" data-end="0"><bdi>{escape(header.title)}</bdi></button>'
        f'<span class="where">{_time(header.date)}</span>{remove}</li>'
    )


# --- around ----------------------------------------------------------------------------------------------------------


def header(count: int, span: str) -> str:
    """The head of the page with what the corpus holds."""
    noun = "article" if count == 1 else "articles"
    return (
        '<header class="top"><h1>Ask the articles</h1>'
        f"<p>{count} {noun}{f', {escape(span)}' if span else ''}</p>"
        '<button type="button" data-action="theme" aria-label="Switch between light and dark">◐</button></header>'
    )


def dates_span(headers: Iterable[Header]) -> str:
    """ "May 2023 to July 2024": the dates of the oldest and newest article; "" when none is dated."""
    dates = sorted(header.date for header in headers if header.date)
    if not dates:
        return ""
    first, last = written_date(dates[0]), written_date(dates[-1])
    return first if first == last else f"{first} to {last}"


def welcome(count: int, examples: Sequence[str] | None) -> str:
    """What stands in place of the conversation before the first question; `examples` are None while they are sought."""
    buttons = "".join(
        f'<li><button type="button" data-action="example" dir="auto">{escape(example)}</button></li>'
        for example in examples or ()
    )
    asked = f'<h2>For example</h2><ul class="examples">{buttons}</ul>' if examples else ""
    if examples is None and count:
        asked = '<p class="stage">Looking for questions that these articles answer…</p>'
    says = (
        "Answers are taken from the articles alone, word for word, with the place they stand. "
        "When the articles do not say, neither do I."
        if count
        else "There is nothing to search yet: add articles on the right (below, on a phone)."
    )
    return f'<div class="welcome"><p>{says}</p>{asked}</div>'


def pending(question: str, stage: str) -> str:
    """A question that is being answered, and what is being done."""
    return (
        f'<div class="turn waiting"><p class="asked" dir="auto">{escape(question)}</p>'
        f'<p class="stage"><span class="dots" aria-hidden="true">{"<span></span>" * 3}</span>{escape(stage)}</p></div>'
    )
