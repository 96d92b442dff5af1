"""Answer -> HTML, from the templates beside this module. Nothing that came from an article or a person acts as HTML."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from rag.answering.citations import is_exact
from rag.articles.pictures import Picture
from rag.models.phrasing import told_before
from rag.present.checks import SIGNS, Checked
from rag.present.filters import articles, conditions, suggestions
from rag.present.listing import Listed
from rag.present.overview import overview_text
from rag.present.text import (
    NEAREST,
    PERHAPS,
    UNSUPPORTED,
    doubt_words,
    fate,
    marked,
    paragraphs,
    unsaid,
    written_date,
    written_page,
)
from rag.present.words import Told, language, ngettext, noted
from rag.present.words import gettext as _
from rag.scope import Scope
from rag.types import Answer, Check, Chunk, Citation, Document, Header, Overview, ScoredChunk

AROUND = 240
"""Characters of the article shown on each side of a quote."""
TIED = 24
"""Characters of a last word that a marker may stand beside on one line."""
# Gradio fills templates, too: braces, dollars and backticks of an article must mean nothing to any of its engines.
# No template here writes one itself.
_ENTITIES = str.maketrans(
    {"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;", "\\": "&#92;", "\r": "&#13;", "\0": "&#65533;"}
)
KINDS = noted("text, web pages, PDF, Office files, mails, e-books, and .zip archives of them")
"""What may be added, in words: the suffixes are three dozen."""
Lookup = Callable[[str], Document | None]
NOT_KEPT = noted("the file of an article of your own is not kept; this is its text")
COMPLAINTS: Mapping[str, str] = {
    "answer": noted("The answer is wrong"),
    "citation": noted("The source does not say that"),
    "missed": noted("The articles do hold the answer"),
    "unanswerable": noted("The articles do not answer this"),
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question with what came back: an Answer, an Overview, or a sentence that says why neither did.

    `scope` says of which articles it was asked ("since 3 May 2024, in the Port Vila Courier"); "" for all of them.
    """

    question: str
    answer: Answer | None = None
    problem: str = ""
    overview: Overview | None = None
    scope: str = ""

    @property
    def came(self) -> Answer | Overview | None:
        """What came back, if anything did."""
        return self.answer or self.overview


def likelihood(confidence: float) -> str:
    """A probability of being right in words."""
    steps = ((0.9, _("very likely right")), (0.75, _("likely right")), (0.6, _("probably right")))
    return next((word for least, word in steps if confidence >= least), _("uncertain, read the source"))


def percent(confidence: float) -> str:
    """A probability as whole percent; only certainty is 100 %."""
    return f"{min(99, max(1, round(confidence * 100)))} %" if 0.0 < confidence < 1.0 else f"{confidence * 100:.0f} %"


def plain(answer: Answer | Overview) -> str:
    """An answer or an overview with its citations, or what is nearest to a question, as text, for the clipboard."""

    def source(c: Citation) -> str:
        return f"{c.title} ({written_date(c.date)}{written_page(c)}): “{' '.join(c.quote.split())}”"

    lines = [f"[{n}] {source(c)}" for n, c in enumerate(answer.citations, start=1)]
    if isinstance(answer, Answer) and answer.nearest:
        lines += [_(NEAREST), *(f"- {source(c)}" for c in answer.nearest)]
    text = overview_text(answer) if isinstance(answer, Overview) else marked(answer)[0]
    return "\n\n".join([text, "\n".join(lines)]) if lines else text


# --- the pieces of the page ------------------------------------------------------------------------------------------


def conversation(exchanges: Sequence[Exchange], shown: int | None) -> str:
    """All exchanges, oldest first; `shown` is the one whose sources lie beside."""
    return _filled("conversation", exchanges=exchanges, shown=shown)


def sources(number: int, exchange: Exchange | None, find: Lookup) -> str:
    """The cited places of what came back, in their surroundings, then what was found for an answer and not cited."""
    if exchange is None or exchange.came is None:
        return _filled("sources", exchange=None)
    answer = exchange.answer

    def with_nearest(chunk: Chunk) -> tuple[str, str, str]:
        start, end = chunk.start, chunk.start
        for c in answer.nearest if answer else ():
            if c.document_id == chunk.document_id and chunk.start <= c.start and c.end <= chunk.end:
                start, end = c.start, c.end
        return chunk.between(chunk.start, start), chunk.between(start, end), chunk.between(end, chunk.end)

    return _filled(
        "sources",
        number=number,
        exchange=exchange,
        answer=answer,
        cards=[(c, _surroundings(c, find(c.document_id))) for c in exchange.came.citations],
        uncited=[p for p in answer.passages if not _is_cited(p, answer.citations)] if answer else [],
        with_nearest=with_nearest,
    )


def checked(text: Checked) -> str:
    """A text with the verdict on each sentence, as far as it was checked; each opens what the articles say of it."""
    return _filled("checked", text=text)


def unchecked(problem: str) -> str:
    """Why a text was not checked."""
    return _filled("unchecked", problem=problem)


def modes() -> str:
    """The choice between asking and checking."""
    return _filled("modes")


def evidence(check: Check | None, find: Lookup) -> str:
    """What the articles say of a sentence, in its surroundings."""
    found = () if check is None else (*check.citations, *check.nearest)
    cards = [(citation, _surroundings(citation, find(citation.document_id))) for citation in found]
    return _filled("evidence", check=check, cards=cards)


def article(
    document: Document,
    places: Sequence[tuple[int, int]],
    chosen: tuple[int, int],
    pages: Sequence[Picture] = (),
    told: str = "",
) -> str:
    """A dialog with the whole article, verbatim, its quoted places marked and the chosen one to scroll to.

    Parameters
    ----------
    document : Document
    places, chosen
        [start, end) of what is quoted, in characters.
    pages : sequence of Picture, optional
        The pages of the file on which the chosen place stands, shown before the text.
    told : str, optional
        Why there are none, where a person could expect them.
    """
    chosen = _within(document, *chosen)
    cuts = sorted({0, len(document.text), *chosen, *(i for place in places for i in _within(document, *place))})
    pieces = []
    for start, end in itertools.pairwise(cuts):
        mark = "chosen" if chosen[0] <= start and end <= chosen[1] else ""
        if not mark and any(a <= start and end <= b for a, b in places):
            mark = "quoted"
        pieces.append((document.text[start:end], mark))
    return _filled("article", document=document, pieces=pieces, pages=pages, told=told)


def finder(orders: Iterable[str]) -> str:
    """By what the list of articles is searched and sorted."""
    return _filled("finder", orders=orders)


def corpus(listed: Listed) -> str:
    """One page of the list of articles, each of which opens, and the way to the others."""
    return _filled("corpus", listed=listed)


def filters(scope: Scope, headers: Sequence[Header], own: str, problem: str = "") -> str:
    """Which articles are asked, each condition to be undone by a click, and a form for others.

    Parameters
    ----------
    scope : Scope
    headers : sequence of Header
        Of all that could be asked.
    own : str
        The folder of a person's own articles.
    problem : str, optional
        Why the form was not taken.
    """
    chosen = sum(map(scope.admits, headers))
    return _filled(
        "filters",
        scope=scope,
        conditions=conditions(scope, headers, own),
        suggestions=suggestions(headers, own),
        chosen=chosen,
        count=len(headers),
        problem=problem,
    )


def own_articles(
    headers: Sequence[Header],
    own: str,
    failed: Sequence[tuple[str, str]] = (),
    notes: Sequence[tuple[str, str]] = (),
    progress: str = "",
) -> str:
    """The articles a person brought, in the folder `own`, each to be removed.

    `failed` says why others were not read, `notes` what to know of those that were, each by name.
    """
    return _filled("own_articles", headers=headers, own=own, failed=failed, notes=notes, progress=progress)


def header(count: int, span: str) -> str:
    """The head of the page with what the corpus holds."""
    return _filled("header", count=count, span=span)


def welcome(count: int, examples: Sequence[str] | None) -> str:
    """What stands in place of the conversation before the first question; `examples` are None while they are sought."""
    return _filled("welcome", count=count, examples=examples)


def pending(question: str, stage: str, answer: Answer | None = None, can_stop: bool = False) -> str:
    """A question that is being answered, what is being done and, once a language model writes, the answer so far."""
    return _filled("pending", question=question, stage=stage, answer=answer, can_stop=can_stop)


def invitation(files: int, megabytes: float, shared: bool, generator: str) -> str:
    """What a person may add, and who sees it; `generator` is "" where no language model words answers."""
    return _filled("invitation", kinds=_(KINDS), files=files, megabytes=megabytes, shared=shared, generator=generator)


def scope_words(scope: Scope, headers: Sequence[Header], own: str) -> str:
    """A scope in words; see `filters`."""
    told = conditions(scope, headers, own)
    days, names = ([words for name, words in told if (name in scope.within) is within] for within in (False, True))
    return ", ".join([*days, *([_(" or ").join(names)] if names else [])])


def asked_now(chosen: int, count: int) -> str:
    """How many articles are asked after a choice."""
    if chosen == count:
        return _("All articles are asked.")
    return _("%(chosen)d of %(count)d articles are asked.") % {"chosen": chosen, "count": count}


# --- what the templates are given ------------------------------------------------------------------------------------


def dates_span(headers: Iterable[Header]) -> str:
    """ "May 2023 to July 2024": the dates of the oldest and newest article; "" when none is dated."""
    dates = sorted(header.date for header in headers if header.date)
    if not dates:
        return ""
    first, last = written_date(dates[0]), written_date(dates[-1])
    return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def _surroundings(citation: Citation, document: Document | None) -> dict[str, Any]:
    """The article's text before and after a quote, about `AROUND` characters each, from and to the edges of words."""
    if document is None or not is_exact(citation, document):
        return {"known": False, "before": "", "after": ""}
    text, start, end = document.text, citation.start, citation.end
    first = max(0, start - AROUND)
    while 0 < first < start and not text[first - 1].isspace():
        first += 1
    last = min(len(text), end + AROUND)
    while end < last < len(text) and not text[last].isspace():
        last -= 1
    before = ("…" if first else "") + text[first:start]
    return {"known": True, "before": before, "after": text[end:last] + ("…" if last < len(text) else "")}


def _is_cited(passage: ScoredChunk, citations: Iterable[Citation]) -> bool:
    chunk = passage.chunk
    return any(c.document_id == chunk.document_id and c.start < chunk.end and chunk.start < c.end for c in citations)


def _within(document: Document, start: int, end: int) -> tuple[int, int]:
    size = len(document.text)
    start = min(max(0, start), size)
    return start, min(max(start, end), size)


def stage_words(stage: str) -> str:
    """What is being done, as the beginning of a sentence."""
    words = stage.spoken() if isinstance(stage, Told) else stage
    return words[:1].upper() + words[1:]


def _as_typed(answer: Answer) -> bool:
    return answer.understood.strip() == answer.question.strip()


def _told_before(answer: Answer) -> str:
    """What the question, as typed but for that, was read behind."""
    return told_before(answer.understood.strip(), answer.question.strip())


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _tie(text: str) -> tuple[str, str]:
    """A text cut before its last word, beside which its markers stay."""
    tied = text.split(" ")[-1][-TIED:]
    return text[: len(text) - len(tied)], tied


def _complaints(answer: Answer) -> list[tuple[str, str]]:
    """What may be wrong with an answer, or with its absence."""
    return [(value, _(words)) for value, words in COMPLAINTS.items() if answer.abstained == (value == "missed")]


_templates = Environment(
    loader=PackageLoader("rag.present"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
_templates.install_gettext_callables(_, ngettext, newstyle=True)  # type: ignore[attr-defined]
_templates.globals.update(
    PERHAPS=PERHAPS,
    SIGNS=SIGNS,
    UNSUPPORTED=UNSUPPORTED,
    articles=articles,
    as_typed=_as_typed,
    told_before=_told_before,
    complaints=_complaints,
    doubt_words=doubt_words,
    fate=fate,
    language=language,
    likelihood=likelihood,
    overview_text=overview_text,
    paragraphs=paragraphs,
    percent=percent,
    plain=plain,
    sentence=_sentence,
    sources_of=lambda answer: len({citation.document_id for citation in answer.citations}),
    stage_words=stage_words,
    tie=_tie,
    unsaid=unsaid,
    within=lambda confidence: min(1.0, max(0.0, confidence)),
    written_date=written_date,
)


def _filled(name: str, **values: Any) -> str:
    """A template with its values; what could mean anything to another engine is written as entities."""
    return _templates.get_template(f"{name}.html.j2").render(**values).translate(_ENTITIES)
