"""Which articles the page lists: searched, sorted, one page of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rag.language.text import fold
from rag.types import Header

PER_PAGE = 20
"""Articles that are listed at once."""
ORDERS: dict[str, tuple[Callable[[Header], str], bool]] = {
    "newest": (lambda header: header.date or "", True),
    "oldest": (lambda header: header.date or "", False),
    "title": (lambda header: fold(header.title), False),
    "outlet": (lambda header: fold(header.outlet or ""), False),
}
"""What the list is sorted by, and whether the last comes first; what lacks it (a date, an outlet) always ends it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a person wants to see of the list.

    Attributes
    ----------
    find : str
        Words that title, outlet, id and date of an article must hold, in any capitals and accents.
    order : str
        One of `ORDERS`.
    page : int
        From 0.
    """

    find: str = ""
    order: str = "newest"
    page: int = 0

    @classmethod
    def asked(cls, data: dict[str, Any]) -> Listing:
        """What a browser asks for; whatever is malformed is the default."""
        page, order = data.get("page"), str(data.get("order"))
        return cls(
            str(data.get("find") or "")[:200],
            order if order in ORDERS else "newest",
            page if isinstance(page, int) and page > 0 else 0,
        )

    def of(self, headers: Sequence[Header]) -> Listed:
        """The page of the list, or the last one where there are fewer pages."""
        words = fold(self.find).split()
        found = [header for header in headers if _holds(header, words)]
        key, backwards = ORDERS[self.order]
        found.sort(key=lambda header: fold(header.title))
        found.sort(key=key, reverse=backwards)
        found.sort(key=lambda header: not key(header))
        page = min(self.page, max(0, (len(found) - 1) // PER_PAGE))
        return Listed(found[page * PER_PAGE : (page + 1) * PER_PAGE], page, page * PER_PAGE, len(found), len(headers))


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list: its articles, its number from 0, how many come before it, were found, and are there."""

    headers: Sequence[Header]
    page: int
    before: int
    found: int
    count: int


def _holds(header: Header, words: Sequence[str]) -> bool:
    text = fold(f"{header.title} {header.outlet or ''} {header.id} {header.date or ''}")
    return all(word in text for word in words)
