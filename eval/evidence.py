"""Where gold evidence, citations and passages meet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eval.datasets import Evidence

TextOf = Callable[[str], str | None]
"""Document id -> its text; None when the corpus has no such document."""

COPY_LENGTH = 40  # characters; a shorter quote found elsewhere may be chance
_CHUNK_ID = re.compile(r"(.+)#(\d+)-(\d+)", re.DOTALL)

Place = tuple[str, int | None, int | None, str]
"""Document id, start, end, text."""


def locate(evidence: Evidence, text_of: TextOf) -> list[tuple[int, int]]:
    """Every [start, end) at which the evidence stands in its document."""
    if evidence.start is not None and evidence.end is not None:
        return [(evidence.start, evidence.end)]
    text = text_of(evidence.document_id) or ""
    return [(m.start(), m.end()) for m in re.finditer(re.escape(evidence.quote), text)] if evidence.quote else []


def covers(place: Place, evidence: Evidence, text_of: TextOf) -> bool:
    """Whether a passage or a citation shows the evidence, or a part of it.

    It does when it overlaps it in the same document, or holds a verbatim copy of it in another (two
    articles may share a paragraph), or is itself such a copy of a part of it. A place without
    offsets shows what its text holds.
    """
    document_id, start, end, text = place
    if document_id == evidence.document_id and start is not None and end is not None:
        return any(start < stop and begin < end for begin, stop in locate(evidence, text_of))
    inner, outer = sorted((_flat(text), _flat(evidence.quote)), key=len)
    least = 1 if document_id == evidence.document_id else COPY_LENGTH
    return len(inner) >= least and inner in outer


def groups_covered(places: Sequence[Place], evidence: Sequence[Evidence], text_of: TextOf) -> set[int | None]:
    """Groups of evidence that at least one of the places shows; None among them stands for context."""
    return {item.group for item in evidence if any(covers(place, item, text_of) for place in places)}


def groups_wanted(evidence: Sequence[Evidence]) -> set[int]:
    """Groups that a full answer shows."""
    return {item.group for item in evidence if item.group is not None}


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


def citation_place(citation: Mapping[str, Any]) -> Place:
    """A citation's place."""
    return citation["document_id"], citation.get("start"), citation.get("end"), citation.get("quote", "")


def passage_places(passage: Mapping[str, Any]) -> list[Place]:
    """A passage's place, and those of the near-copies it stands for."""
    chunk = passage.get("chunk", passage)
    places: list[Place] = [(chunk["document_id"], chunk.get("start"), chunk.get("end"), chunk.get("text", ""))]
    for duplicate in passage.get("duplicates", ()):
        if match := _CHUNK_ID.fullmatch(duplicate):
            places.append((match[1], int(match[2]), int(match[3]), ""))
    return places
