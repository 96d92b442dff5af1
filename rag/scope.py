"""Which of the articles are asked: a time, and outlets, folders or single documents. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rag.errors import RagError
from rag.language.text import fold
from rag.types import Header

_DAY = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


@dataclass(frozen=True, slots=True)
class Scope:
    """A choice among the articles; without arguments, all of them.

    Attributes
    ----------
    since, until : str or None
        First and last day, "YYYY", "YYYY-MM" or "YYYY-MM-DD", both included. An article that is dated by its year or
        month alone is in when some day of it is; an undated one is out.
    within : tuple of str
        Outlets, folders or document ids; an article of any of them is in. Capitals and accents of an outlet do not
        matter. A text is one of them.

    Raises
    ------
    RagError
        A day in another form, or a first day after the last.
    """

    since: str | None = None
    until: str | None = None
    within: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.within, str):
            object.__setattr__(self, "within", (self.within,))
        for name, day in (("since", self.since), ("until", self.until)):
            if day is not None and not _DAY.fullmatch(day):
                raise RagError(f"{name} is {day!r}; expected YYYY, YYYY-MM or YYYY-MM-DD")
        if self.since and self.until and not _not_before(self.until, self.since):
            raise RagError(f"since {self.since} comes after until {self.until}; exchange them")

    def __bool__(self) -> bool:
        return bool(self.since or self.until or self.within)

    def __str__(self) -> str:
        """As a person reads it: "since 2023-05, until 2024, in 14ymedio"."""
        named = [f"in {' or '.join(self.within)}"] if self.within else []
        days = [f"{name} {day}" for name, day in (("since", self.since), ("until", self.until)) if day]
        return ", ".join([*days, *named])

    def admits(self, header: Header) -> bool:
        """Whether an article is among the chosen."""
        date = header.date
        if (self.since or self.until) and date is None:
            return False
        if self.since and date and not _not_before(date, self.since):
            return False
        if self.until and date and not _not_before(self.until, date):
            return False
        return not self.within or any(_is_of(header, name) for name in self.within)

    def choose(self, headers: Sequence[Header]) -> Collection[str] | None:
        """Ids of the chosen articles; None for all of them.

        Raises
        ------
        RagError
            A name in `within` that no article, folder or outlet has.
        """
        if not self:
            return None
        for name in self.within:
            if not any(_is_of(header, name) for header in headers):
                raise RagError(f"no article, folder or outlet is called {name!r}; `rag documents` lists them")
        return frozenset(header.id for header in headers if self.admits(header))


EVERYTHING = Scope()
"""All the articles."""


def _not_before(later: str, earlier: str) -> bool:
    """Whether a day, month or year may lie at or after another: compared as far as both are told."""
    told = min(len(later), len(earlier))
    return later[:told] >= earlier[:told]


def _is_of(header: Header, name: str) -> bool:
    place, chosen = _composed(header.id), _composed(name)
    if place == chosen or place.startswith(f"{chosen.rstrip('/')}/"):
        return True
    return header.outlet is not None and fold(header.outlet) == fold(name)


def _composed(name: str) -> str:
    """A name with its accents in the letters: some systems write those of files behind them."""
    return unicodedata.normalize("NFC", name)
