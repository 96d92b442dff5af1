"""What the page's events call about the articles: the list of them, which are asked, one's own, a whole one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import gradio as gr

from rag.articles.pictures import Picture, pictures
from rag.errors import DocumentError, RagError
from rag.present import html
from rag.present.listing import Listing
from rag.present.words import gettext as _
from rag.present.words import ngettext
from rag.scope import EVERYTHING, Scope
from rag.serve.failures import failure
from rag.serve.limits import DRAWN_BYTES
from rag.serve.page.programs import guarded
from rag.serve.page.sessions import OWN, Added, Session, Sessions, safe_name
from rag.types import Document, Header

OWN_FOLDER = OWN.rstrip("/")
NOTHING = Added()
Values: TypeAlias = tuple[Any, ...]


class Collection:
    """The articles as a session sees them; whose they are says the token that each event brings."""

    def __init__(self, sessions: Sessions, run: Callable[[Callable[[], Any]], Any]) -> None:
        """
        Parameters
        ----------
        sessions : Sessions
        run : callable
            What a function returns, run on the threads of the models.
        """
        self._sessions = sessions
        self._run = run

    # --- what is shown -----------------------------------------------------------------------------------------------

    def listed(self, session: Session) -> str:
        """The server's articles, as the session wants to see them listed."""
        return html.corpus(session.listing.of(self._sessions.bot.headers()))

    def filters(self, session: Session, problem: str = "") -> str:
        """Which articles are asked."""
        return html.filters(session.scope, self._headers(session), OWN_FOLDER, problem)

    def scope_words(self, session: Session) -> str:
        """Which articles are asked, in words; "" for all of them."""
        return html.scope_words(session.scope, self._headers(session), OWN_FOLDER) if session.scope else ""

    def header(self) -> str:
        """The head of the page."""
        headers = self._sessions.bot.headers()
        return html.header(len(headers), html.dates_span(headers))

    def own(self, session: Session, added: Added = NOTHING, progress: str = "") -> str:
        """The session's own articles."""
        return html.own_articles(session.own_articles(), OWN_FOLDER, added.failed, added.notes, progress)

    def _headers(self, session: Session) -> list[Header]:
        return [*self._sessions.bot.headers(), *session.own_articles()]

    # --- choosing ----------------------------------------------------------------------------------------------------

    def list_articles(self, token: str, event: gr.EventData) -> str:
        """The list, searched, sorted or turned to another page."""
        session = guarded(lambda: self._sessions.find(token))
        session.listing = Listing.asked(event._data)
        return self.listed(session)

    def choose(self, token: str, event: gr.EventData) -> Values:
        """Choose the articles that are asked from now on: by the form, by a click on one, or by undoing a choice."""
        session = guarded(lambda: self._sessions.find(token))
        headers = self._headers(session)
        try:
            scope = _chosen(session.scope, event._data)
            scope.choose(headers)
        except RagError as error:
            return self.filters(session, str(error)), ""
        session.scope = scope
        return self.filters(session), html.asked_now(sum(map(scope.admits, headers)), len(headers))

    # --- a whole article ---------------------------------------------------------------------------------------------

    def open(self, token: str, event: gr.EventData) -> str:
        """The whole article, with the places that are quoted of it; of a PDF first the page with the chosen one."""
        data = event._data

        def find() -> str:
            session = self._sessions.find(token)
            document = self._sessions.article(session, str(data.get("document")))
            if document is None:
                raise RagError(_("that article is no longer here; it was removed or its session has ended"))
            came = None if session.shown is None else session.exchanges[session.shown].came
            cited = () if came is None else came.citations
            places = [(c.start, c.end) for c in cited if c.document_id == document.id]
            chosen = _number(data.get("start")), _number(data.get("end"))
            return html.article(document, places, chosen, *_pages(document, *chosen))

        return guarded(find)

    # --- own articles ------------------------------------------------------------------------------------------------

    def upload(self, files: list[str] | None, token: str) -> Iterator[Values]:
        """Index files with progress; those that cannot be read are named, the rest goes on.

        Of those that can be read, what `rag index` would print is told, too.
        """
        session = guarded(lambda: self._sessions.find(token))
        paths = [Path(file) for file in files or []]
        added = NOTHING
        done = 0
        yield self.own(session, added, _reading(1, len(paths))), gr.skip(), None, gr.skip(), gr.skip(), ""
        for path in paths:
            try:
                one = self._sessions.add(session, path, self._run)
            except Exception as error:
                one = Added(((safe_name(path.name), failure(error)),))
            added = Added(added.failed + one.failed, added.notes + one.notes)
            done += 1
            if done < len(paths):
                yield self.own(session, added, _reading(done + 1, len(paths))), *(gr.skip(),) * 5
        good = done - sum(
            "/" not in name for name, _ in added.failed
        )  # an archive is added without what it could not give
        news = ngettext("%(good)d of %(done)d file added.", "%(good)d of %(done)d files added.", done)
        yield (*self._changed(session, added), news % {"good": good, "done": done})

    def remove(self, token: str, event: gr.EventData) -> Values:
        """Remove one of the session's own articles; it is no longer among those that are chosen."""
        session = guarded(lambda: self._sessions.find(token))
        guarded(lambda: self._sessions.remove(session, str(event._data.get("document"))))
        headers = self._headers(session)
        within = (name for name in session.scope.within if any(map(Scope(within=(name,)).admits, headers)))
        session.scope = replace(session.scope, within=tuple(within))
        return (*self._changed(session, NOTHING), _("Removed."))

    def _changed(self, session: Session, added: Added) -> Values:
        return self.own(session, added), self.filters(session), None, self.listed(session), self.header()


def _reading(number: int, count: int) -> str:
    return _("Reading %(number)d of %(count)d…") % {"number": number, "count": count}


def _chosen(scope: Scope, data: dict[str, Any]) -> Scope:
    """A scope after a click: `only` one name, all but what is called `drop` ("" for all), or what a form says."""
    if "only" in data:
        return Scope(within=(str(data["only"]),))
    if "drop" in data:
        dropped = str(data["drop"])
        if not dropped:
            return EVERYTHING
        return Scope(
            scope.since if dropped != "since" else None,
            scope.until if dropped != "until" else None,
            tuple(name for name in scope.within if name != dropped),
        )
    since, until, name = (str(data.get(key) or "").strip() or None for key in ("since", "until", "name"))
    return Scope(since, until, tuple(dict.fromkeys((*scope.within, *([name] if name else [])))))


def _pages(document: Document, start: int, end: int) -> tuple[list[Picture], str]:
    """The pages of a PDF that hold a place, or why they cannot be shown; neither for what has no pages or no place."""
    if not document.pages or start >= end:
        return [], ""
    if document.id.startswith(OWN):
        return [], html.NOT_KEPT
    try:
        return pictures(document, start, end, DRAWN_BYTES), ""
    except DocumentError as error:
        return [], str(error)


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
