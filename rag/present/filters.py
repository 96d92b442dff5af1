"""A choice among the articles in words for people, and what there is to choose from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from rag.present.text import written_date
from rag.present.words import gettext as _
from rag.present.words import ngettext
from rag.scope import Scope
from rag.types import Header

SUGGESTED = 500
"""Outlets and folders that are suggested while a person types; any other can be typed all the same."""


def conditions(scope: Scope, headers: Sequence[Header], own: str) -> list[tuple[str, str]]:
    """Each condition of a scope: what it is called ("since", "until", or the name) and its words.

    Parameters
    ----------
    scope : Scope
    headers : sequence of Header
        Of the articles that are chosen among; an article is named by its title.
    own : str
        The folder of a person's own articles.
    """
    titles = {header.id: header.title for header in headers} | {own: _("your own articles")}
    days = (("since", _("since %(day)s"), scope.since), ("until", _("until %(day)s"), scope.until))
    return [
        *((name, words % {"day": written_date(day)}) for name, words, day in days if day),
        *((name, _("in %(name)s") % {"name": titles.get(name, name)}) for name in scope.within),
    ]


def suggestions(headers: Sequence[Header], own: str) -> list[tuple[str, str]]:
    """Outlets and folders by name, each with how many articles it has: ("Port Vila Courier", "outlet, 3 articles")."""
    outlets = Counter(header.outlet for header in headers if header.outlet)
    folders = Counter(
        folder.as_posix() for header in headers for folder in PurePosixPath(header.id).parents if folder.name
    )
    del folders[own]
    counts = [(_("outlet"), *entry) for entry in outlets.items()]
    counts += [(_("folder"), *entry) for entry in folders.items()]
    counts.sort(key=lambda entry: (-entry[2], entry[1]))
    return sorted((name, f"{kind}, {articles(count)}") for kind, name, count in counts[:SUGGESTED])


def articles(count: int) -> str:
    """ "3 articles"."""
    return ngettext("%(count)d article", "%(count)d articles", count) % {"count": count}
