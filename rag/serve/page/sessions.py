"""What belongs to one browser session: its conversation, and its own articles, gone after it."""

from __future__ import annotations

import hashlib
import logging
import queue
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from rag.articles.documents import READABLE, read_file
from rag.errors import DocumentError, RagError
from rag.present import html
from rag.present.checks import Checked
from rag.present.html import KINDS, Exchange
from rag.present.listing import Listing
from rag.present.words import Told
from rag.present.words import gettext as _
from rag.scope import EVERYTHING, Scope
from rag.serve.limits import MAX_EXCHANGES, MEGABYTE, Limits
from rag.serve.page.bots import Asker, Corpus
from rag.types import Answer, Document, Header, Turn

log = logging.getLogger("rag.serve.page")
WAITING = Told("waiting for its turn")
OWN = "own/"
"""What the id of a session's own article begins with."""
Named: TypeAlias = tuple[tuple[str, str], ...]
"""Files by the names that their giver knows, each with a sentence about it."""
_DEVICES = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.I)


class Added(NamedTuple):
    """What was left out of a file that was added, with the reasons, and what to know of what was read."""

    failed: Named = ()
    notes: Named = ()


class Progress:
    """What the page shows while a question is answered, and how a person ends the language model that writes.

    Attributes
    ----------
    told : queue of str or None
        Each picture of it, as HTML; None at the end.
    shown : str
        The last one.
    stopped : Event
        Set by the person.
    """

    def __init__(self, question: str, can_stop: bool = False) -> None:
        self.told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.stopped = threading.Event()
        self._question = question
        self._can_stop = can_stop
        self._stage: str = WAITING
        self._answer: Answer | None = None
        self.shown = self._picture()

    def stage(self, stage: str) -> None:
        """Show what is being done."""
        self._stage = stage
        self._show()

    def answer(self, answer: Answer) -> None:
        """Show the answer as far as it is checked."""
        self._answer = answer
        self._show()

    def _show(self) -> None:
        self.shown = self._picture()
        self.told.put(self.shown)

    def _picture(self) -> str:
        return html.pending(self._question, self._stage, self._answer, self._can_stop)


@dataclass(slots=True)
class Session:
    """One browser session. `lock` is held by whoever changes it."""

    token: str
    exchanges: list[Exchange] = field(default_factory=list)
    shown: int | None = None
    own: Corpus | None = None
    own_characters: int = 0
    used: float = 0.0
    closed: float | None = None
    progress: Progress = field(default_factory=lambda: Progress(""))
    running: Future[None] | None = None
    checked: Checked | None = None
    scope: Scope = EVERYTHING
    listing: Listing = field(default_factory=Listing)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def is_asking(self) -> bool:
        """Whether an answer is being made."""
        return self.running is not None and not self.running.done()

    def take(self, exchange: Exchange) -> None:
        """Add what came back for a question; its sources are shown."""
        with self.lock:
            self.exchanges.append(exchange)
            del self.exchanges[:-MAX_EXCHANGES]
            if exchange.came is not None:
                self.shown = len(self.exchanges) - 1
            elif self.shown is not None:
                self.shown = min(self.shown, len(self.exchanges) - 1)

    def own_articles(self) -> list[Header]:
        """The session's own articles, without their texts."""
        return [] if self.own is None else self.own.headers()

    def history(self, most: int = 6) -> list[Turn]:
        """The last answered questions, oldest first."""
        return [Turn(e.question, e.answer) for e in self.exchanges if e.answer is not None][-most:]


class Sessions:
    """All sessions of a server. A session is found by a secret token that only its browser knows."""

    def __init__(
        self,
        bot: Corpus,
        limits: Limits | None = None,
        keep: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Parameters
        ----------
        bot : Corpus
            The server's articles, shared by all.
        limits : Limits, optional
        keep : Path, optional
            A folder in which uploads are kept, and shared with everybody, instead of being private.
        clock : callable
            Seconds that only grow.
        """
        self.bot = bot
        self.limits = limits or Limits()
        self.keep = keep
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._pages: dict[str, str] = {}  # Gradio's session hash -> token
        self._lock = threading.RLock()
        self._load_kept()

    # --- sessions ----------------------------------------------------------------------------------------------------

    def enter(self, token: str, page: str = "") -> tuple[Session, bool]:
        """The session of a token, and whether it was there; an unknown token gets a new session and another token."""
        with self._lock:
            self.sweep()
            session = self._sessions.get(token)
            known = session is not None
            if session is None:
                while len(self._sessions) >= self.limits.sessions:
                    self._drop(min(self._sessions.values(), key=lambda s: s.used))
                session = Session(secrets.token_urlsafe(32))
                self._sessions[session.token] = session
            session.used, session.closed = self._clock(), None
            if page:
                self._pages[page] = session.token
            return session, known

    def find(self, token: str) -> Session:
        """The session of a token.

        Raises
        ------
        RagError
            It has ended.
        """
        with self._lock:
            session = self._sessions.get(token)
            if session is None:
                raise RagError(_("this page's session has ended on the server; reload the page to go on"))
            session.used = self._clock()
            return session

    def leave(self, page: str) -> None:
        """A page has closed; its session ends soon unless a page takes it up again."""
        with self._lock:
            session = self._sessions.get(self._pages.pop(page, ""))
            if session is not None and session.token not in self._pages.values():
                session.closed = self._clock()

    def sweep(self) -> None:
        """End the sessions whose time is over."""
        now = self._clock()
        with self._lock:
            for session in list(self._sessions.values()):
                closed = session.closed is not None and now - session.closed > self.limits.closed_seconds
                if closed or now - session.used > self.limits.idle_seconds:
                    self._drop(session)

    def _drop(self, session: Session) -> None:
        self._sessions.pop(session.token, None)
        self._pages = {page: token for page, token in self._pages.items() if token != session.token}
        session.own = session.checked = None
        session.own_characters = 0
        session.exchanges.clear()

    @property
    def count(self) -> int:
        """Sessions that are held now."""
        return len(self._sessions)

    # --- asking ------------------------------------------------------------------------------------------------------

    def asker(self, session: Session) -> Asker:
        """Whom a session asks about everything that it may see."""
        if session.own is None or not session.own.count():
            return self.bot
        return self.bot.joined(session.own)

    def article(self, session: Session, document_id: str) -> Document | None:
        """An article that the session may see; None when there is none of that id."""
        holder = session.own if document_id.startswith(OWN) else self.bot
        try:
            return None if holder is None else holder.document(document_id)
        except KeyError:
            return None

    # --- own articles ------------------------------------------------------------------------------------------------

    def add(self, session: Session, path: Path) -> Added:
        """Index a file, which is deleted as soon as it has been read; what is named is the file, or files in it."""
        name = safe_name(path.name)
        try:
            return self._add(session, path, name)
        except RagError as error:
            return Added(((name, _reason(str(error), name)),))
        except OSError as error:
            log.error("%s could not be taken in", name, exc_info=error)
            why = _("could not be stored (%(why)s); tell whoever runs this server") % {"why": error.strerror}
            return Added(((name, why),))
        finally:
            path.unlink(missing_ok=True)

    def _add(self, session: Session, path: Path, name: str) -> Added:
        if Path(name).suffix.lower() not in READABLE:
            raise DocumentError(_("is of a kind that is not read; expected %(kinds)s") % {"kinds": _(KINDS)})
        with session.lock:
            if self.keep is not None:
                return self._keep(path, name)
            room = self.limits.files - len(session.own_articles())
            if room < 1:
                many = _("is one too many; at most %(most)d articles, remove one first")
                raise DocumentError(many % {"most": self.limits.files})
            documents, added = self._read(path, name, OWN + name)
            if len(documents) > room:
                many = _("holds %(count)d articles; there is room for %(room)d, remove some first")
                raise DocumentError(many % {"count": len(documents), "room": room})
            documents = [
                replace(document, id=self._free_id(session, document), source=document.id.removeprefix(OWN))
                for document in documents
            ]
            self._check_room(session, sum(len(document.text) for document in documents))
            if session.own is None:
                session.own = self.bot.over()
            session.own.add_documents(documents)
            session.own_characters = sum(header.characters for header in session.own.headers())
            return added

    def _read(self, path: Path, name: str, document_id: str) -> tuple[list[Document], Added]:
        """The articles in a file, at least one, and what there is to say of it."""
        made = read_file(path, document_id, int(self.limits.file_megabytes * MEGABYTE), name=name)
        if not made.documents:
            raise DocumentError(made.failed[0][1])

        def named(said: Named) -> Named:
            inside = [(Path(place).relative_to(path).as_posix(), Path(place).name, words) for place, words in said]
            return tuple((f"{name}/{i}" if i != "." else name, _reason(words, last)) for i, last, words in inside)

        return list(made.documents), Added(named(made.failed), named(made.notes))

    def _check_room(self, session: Session, characters: int) -> None:
        size = session.own_characters + characters
        if size > self.limits.session_characters:
            large = _("would make %(size)s characters; at most %(most)s")
            raise DocumentError(large % {"size": f"{size:,}", "most": f"{self.limits.session_characters:,}"})
        with self._lock:
            held = sum(other.own_characters for other in self._sessions.values()) + characters
        if held > self.limits.server_characters:
            raise DocumentError(_("does not fit, the server holds as much as it can; try again later"))

    def _free_id(self, session: Session, document: Document) -> str:
        """The document's id, with a number when another article has it; the same content keeps its id."""
        taken = {d.id: d.content_hash for d in session.own_articles()}
        stem, dot, suffix = document.id.rpartition(".")
        number, free = 1, document.id
        while free in taken and taken[free] != document.content_hash:
            number += 1
            free = f"{stem} ({number}){dot}{suffix}"
        return free

    def _keep(self, path: Path, name: str) -> Added:
        if self.keep is None:
            return Added()
        documents, added = self._read(path, name, name)
        self.keep.mkdir(parents=True, exist_ok=True)
        held = sum(file.stat().st_size for file in self.keep.iterdir()) + path.stat().st_size
        if held > self.limits.kept_megabytes * MEGABYTE:
            large = _("does not fit, the server keeps at most %(size)s MB")
            raise DocumentError(large % {"size": f"{self.limits.kept_megabytes:g}"})
        place = self.keep / f"{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}-{name}"
        part = place.with_name(f".{place.name}.part")  # a disk that becomes full leaves no half of an article
        try:
            shutil.copyfile(path, part)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
        self.bot.add_documents(
            [replace(d, id=f"kept/{place.name}{d.id.removeprefix(name)}", source=str(place)) for d in documents]
        )
        return added

    def _load_kept(self) -> None:
        """Bring back what earlier servers kept, unless the corpus holds it anyway."""
        headers = self.bot.headers() if self.keep is not None else []
        known = {key for header in headers for key in (header.id, header.content_hash)}
        for path in sorted(self.keep.iterdir()) if self.keep is not None and self.keep.is_dir() else []:
            if f"kept/{path.name}" in known:
                continue
            try:
                documents, _ = self._read(path, path.name.partition("-")[2], f"kept/{path.name}")
            except RagError as error:
                log.warning("%s is kept but cannot be read: %s", path, error)
            else:
                fresh = [d for d in documents if not known & {d.id, d.content_hash}]
                if fresh:
                    self.bot.add_documents(fresh)

    def remove(self, session: Session, document_id: str) -> None:
        """Remove one of the session's own articles.

        Raises
        ------
        RagError
            It is not one of them.
        """
        with session.lock:
            if session.own is None or document_id not in {header.id for header in session.own.headers()}:
                raise RagError(_("that is not one of your articles; reload the page to see them"))
            session.own.remove(document_id)
            session.own_characters = sum(header.characters for header in session.own.headers())


def safe_name(name: str) -> str:
    """A file's name without folders, control characters and names that devices have; its suffix stays."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").split("/")[-1])
    name = "".join(c for c in name if c.isprintable() and c not in '<>:"|?*').strip(" .")
    if not name or _DEVICES.match(name):
        name = f"article-{name}" if name else "article"
    return name if len(name) <= 120 else name[:100] + name[-20:]


def _reason(message: str, name: str) -> str:
    """Why a file was not read, without its name, which is shown before."""
    return message.removeprefix(name).strip() or message
