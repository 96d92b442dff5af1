"""An Overview as text for a terminal and as a plain record for programs."""

from __future__ import annotations

from dataclasses import replace

from typing_extensions import TypedDict

from rag.present.records import CitationRecord, citation_record
from rag.present.text import place
from rag.present.words import ENGLISH, Told, ngettext, speaking
from rag.present.words import gettext as _
from rag.types import Overview

LOOKING = Told("looking through the articles")


class OverviewRecord(TypedDict):
    """What the articles hold about a topic, or, where `topic` is empty, in all; no citations: nothing."""

    topic: str
    text: str
    citations: list[CitationRecord]
    about: float
    articles: int
    seconds: float


def heading(topic: str) -> str:
    """What stands above an overview."""
    return _("Overview: %(topic)s") % {"topic": topic} if topic else _("Overview of the articles")


def spoken(overview: Overview) -> str:
    """What a screen reader is told when an overview has come."""
    count = len(overview.citations)
    said = ngettext("Overview: %(count)d sentence.", "Overview: %(count)d sentences.", count) % {"count": count}
    return said if count else overview_text(overview)


def overview_with_text(overview: Overview) -> Overview:
    """The overview with its text, in English whoever asks: it is kept, and sent to programs."""
    with speaking(ENGLISH):
        return replace(overview, text=overview_text(overview))


def overview_text(overview: Overview) -> str:
    """Its sentences with markers [1], [2] into its citations, a line each; or why it has none."""
    if overview.citations:
        return "\n".join(f"{' '.join(c.quote.split())} [{n}]" for n, c in enumerate(overview.citations, start=1))
    if not overview.topic:
        return _("There are no articles.")
    return _("Nothing in the articles is about “%(topic)s”.") % {"topic": overview.topic}


def overview_record(overview: Overview) -> OverviewRecord:
    """An Overview for programs; it tells no path of this machine."""
    return OverviewRecord(
        topic=overview.topic,
        text=overview.text,
        citations=[citation_record(citation) for citation in overview.citations],
        about=overview.about,
        articles=overview.articles,
        seconds=overview.seconds,
    )


def for_terminal(overview: Overview) -> str:
    """The sentences, each below the date and title of its article."""
    if not overview.citations:
        return overview.text
    lines = [f"{overview.articles} {'article' if overview.articles == 1 else 'articles'}"]
    for number, citation in enumerate(overview.citations, start=1):
        lines.append(f"\n[{number}] {citation.date or 'undated'}, {citation.title}")
        lines.append(f'    "{" ".join(citation.quote.split())}"')
        lines.append(f"    {place(citation)}")
    return "\n".join(lines)
