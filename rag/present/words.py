"""The page's words in the language of whoever looks: gettext over the catalogues in `catalogues/`, one file a language.

English is what the code says. Which language is spoken holds for the call that is running (and what it starts in a
copy of its context), so that no function hands it on; where nothing was chosen it is English.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from typing import Any

ENGLISH = "en"
_spoken: ContextVar[str] = ContextVar("spoken", default=ENGLISH)


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """The languages that the page speaks, English first."""
    names = (file.name for file in resources.files("rag.present").joinpath("catalogues").iterdir())
    return (ENGLISH, *sorted(name.removesuffix(".po") for name in names if name.endswith(".po")))


def negotiated(asked: str, accepted: str) -> str:
    """The language to speak.

    Parameters
    ----------
    asked : str
        What the address asks for (`?lang=es`), "" for nothing.
    accepted : str
        What the browser says (`es-MX,es;q=0.9,en;q=0.8`).
    """
    from babel import negotiate_locale

    weighed = []
    for part in accepted[:1000].split(","):
        name, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), name.strip()))
        except ValueError:
            continue
    wanted = [asked, *(name for weight, name in sorted(weighed, key=lambda one: one[0]) if weight)]
    return negotiate_locale([name.lower() for name in wanted if name], languages(), sep="-") or ENGLISH


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language, one of `languages()`, within."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def language() -> str:
    """The language that is spoken."""
    return _spoken.get()


def gettext(message: str) -> str:
    """A message in the language that is spoken."""
    return _catalogue(language()).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The same for a count."""
    return _catalogue(language()).ngettext(one, many, count)


def noted(message: str) -> str:
    """A message as it is, to be translated where it is shown."""
    return message


class Told(str):
    """A sentence of the pipeline's that is shown while it works: its message and the values in it, for translation."""

    message: str
    values: dict[str, Any]

    def __new__(cls, message: str, **values: Any) -> Told:
        made = super().__new__(cls, message % values)
        made.message, made.values = message, values
        return made

    def spoken(self) -> str:
        """It, in the language that is spoken."""
        return gettext(self.message) % self.values


@lru_cache(maxsize=8)
def _catalogue(spoken: str) -> NullTranslations:
    if spoken == ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with resources.files("rag.present").joinpath("catalogues", f"{spoken}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=spoken))
    compiled.seek(0)
    return GNUTranslations(compiled)
