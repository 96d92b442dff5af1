"""An Answer as plain text: with markers [1], [2], and as the terminal shows it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace

from rag.present.words import ENGLISH, language, noted, speaking
from rag.present.words import gettext as _
from rag.types import Answer, Check, Citation, Doubt, Statement

ABSTENTION = noted("The articles do not say.")
TO_PROGRAM = noted(
    "I am a program that finds answers in these articles and quotes them. "
    "I know nothing beyond them: not who asks, not what day it is."
)
DIFFERING = noted("The articles give different accounts.")
PERHAPS = noted("The articles may say:")
NEAREST = noted("Nearest sentences (not an answer):")
UNSUPPORTED = noted("(the articles do not say this)")
_OWN_NUMBER = re.compile(r"\[(?=\d+\])")


@dataclass(frozen=True, slots=True)
class Marker:
    """Where a marker stands in a text, in characters, and which citation it means, from 1."""

    start: int
    end: int
    number: int


def with_text(answer: Answer) -> Answer:
    """The answer with its text made from its statements, in English whoever asks: it is kept, and sent to programs."""
    with speaking(ENGLISH):
        return replace(answer, text=marked(answer)[0])


def marked(answer: Answer) -> tuple[str, tuple[Marker, ...]]:
    """The text of an answer and the places of its markers in it."""
    text, markers = "", []
    for piece in _pieces(answer):
        shown = f"[{piece}]" if isinstance(piece, int) else piece
        if isinstance(piece, int):
            markers.append(Marker(len(text), len(text) + len(shown), piece))
        text += shown
    return text, tuple(markers)


def paragraphs(answer: Answer) -> list[tuple[Statement, ...]]:
    """Statements that stand together: a language model writes prose, else each has a place of its own."""
    if answer.generator and not answer.accounts:
        return [answer.statements]
    return [(statement,) for statement in answer.statements]


def written_date(date: str | None) -> str:
    """A date as people write it: "3 July 2024", "June 2023", "2023"; "undated" for None."""
    if not date:
        return _("undated")
    parts = date.split("-")
    try:
        if len(parts) == 3:
            day = datetime.date.fromisoformat(date)
            return _as_written(day, "long", f"{day.day} {day:%B} {day.year}")
        if len(parts) == 2:
            day = datetime.date(int(parts[0]), int(parts[1]), 1)
            return _as_written(day, "yMMMM", f"{day:%B} {parts[0]}")
    except ValueError:
        pass
    return date


def _as_written(day: datetime.date, form: str, in_english: str) -> str:
    """A day in one of Unicode's forms for the language that is spoken; English is written without commas."""
    if language() == ENGLISH:
        return in_english
    from babel.dates import format_date, format_skeleton

    if form == "long":
        return format_date(day, form, locale=language())
    return format_skeleton(form, day, locale=language())


def written_page(citation: Citation) -> str:
    """ ", page 7": on which page the quote begins; "" where there are no pages."""
    return ", " + _("page %(number)d") % {"number": citation.page} if citation.page else ""


def unsaid(answer: Answer) -> str:
    """What stands in place of an answer that is "not said"."""
    return _(TO_PROGRAM) if answer.to_program else _(ABSTENTION)


def account_head(date: str | None) -> str:
    """What stands before an account: of when the article is."""
    return _("Article of %(date)s") % {"date": date} if date else _("Undated article")


def doubt_words(doubt: Doubt) -> str:
    """A doubt as a sentence."""
    return {
        "name": _("The passage does not name %(names)s."),
        "figure": _("The passage does not give %(names)s."),
        "word": _("Whether that means yes or no is left to you."),
        "denial": _("It seems to deny what is asked."),
        "language": _("The program has learned to read English alone."),
    }[doubt.kind] % {"names": ", ".join(doubt.missing)}


def fate(answer: Answer, check: Check) -> str:
    """What became of a sentence of the draft: "kept", "marked" as unsupported, or "dropped"."""
    if not answer.generator or all(check.statement != statement.text for statement in answer.statements):
        return noted("dropped")
    return noted("kept") if check.citations else noted("marked")


def opening(answer: Answer) -> str:
    """How `for_terminal` begins: the question where it was understood otherwise, and the text."""
    understood = f"(understood as: {answer.understood})\n" if answer.understood != answer.question else ""
    return understood + answer.text


def for_terminal(answer: Answer, explain: bool = False) -> str:
    """An answer with its notes, confidence and sources, in lines; `explain` adds how a model's draft was checked."""
    lines = [opening(answer)]
    lines += [f"({note})" for note in answer.notes]
    if not answer.to_program:
        lines.append(f"\nconfidence {answer.confidence:.0%}")
    for number, citation in enumerate(answer.citations, start=1):
        lines += source_lines(f"[{number}]", citation)
    lines += nearest_lines(answer)
    if explain:
        lines += ["\nHow it was checked:", *(_explained(answer) or ["no language model was asked"])]
    return "\n".join(lines)


def nearest_lines(answer: Answer) -> list[str]:
    """The nearest sentences of what is "not said", below words that call them no answer; nothing without any."""
    listed = [line for citation in answer.nearest for line in source_lines("-", citation)]
    return [_(NEAREST), *listed] if listed else []


def _explained(answer: Answer) -> list[str]:
    """Each sentence of a draft: kept or not, how probably a passage supports it, and which comes nearest to that."""
    lines = []
    for check in answer.draft:
        lines.append(f"{fate(answer, check)}, supported with {check.probability:.0%}: {check.statement}")
        for citation in (*check.citations, *check.nearest):
            lines += source_lines("   ", citation)
        if not (check.citations or check.nearest):
            lines.append(f"    {check.note or 'states nothing that can be checked'}")
    return lines


def place(citation: Citation) -> str:
    """Where a quote stands: document, page where it has pages, characters."""
    page = f", page {citation.page}" if citation.page else ""
    return f"{citation.document_id}{page}, characters {citation.start}-{citation.end}"


def source_lines(mark: str, citation: Citation) -> list[str]:
    dated = f", {citation.date}" if citation.date else ""
    return [f"{mark} {citation.title}{dated}", f"    {place(citation)}", f'    "{" ".join(citation.quote.split())}"']


def _pieces(answer: Answer) -> list[str | int]:
    """Stretches of text, and numbers where markers stand."""
    if answer.certainty == "not said":
        return [unsaid(answer)]
    pieces: list[str | int] = []
    if answer.certainty == "perhaps":
        pieces.append(f"{_(PERHAPS)} ")
    if answer.accounts:
        pieces.append(_(DIFFERING))
    for number, statement in enumerate(answer.statements):
        if answer.accounts:
            pieces.append(f"\n{account_head(answer.accounts[number].date)}: ")
        elif number:
            pieces.append(" " if answer.generator else "\n")
        # A bracketed number of the article's own must not pass for a marker.
        pieces.append(_OWN_NUMBER.sub("[\u2060", statement.text) + " ")
        pieces += statement.citations or [_(UNSUPPORTED)]
    pieces += [f"\n({doubt_words(doubt)})" for doubt in answer.doubts]
    return pieces
