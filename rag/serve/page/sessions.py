"""What belongs to one browser session: its conversation, and its own articles, gone after it."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from rag.articles.documents import READABLE, read_file
from rag.errors import DocumentError, RagError
from rag.present.checks import Checked
from rag.present.html import KINDS, Exchange
from rag.present.listing import Listing
from rag.present.words import gettext as _
from rag.scope import EVERYTHING, Scope
from rag.serve.limits import MAX_EXCHANGES, MEGABYTE, Limits
from rag.serve.page.bots import Asker, Corpus
from rag.serve.page.progress import Progress
from rag.sync import by_number, excluded
from rag.types import Document, Header, Turn

log = logging.getLogger("rag.serve.page")
OWN = "own/"
"""What the id of a session's own article begins with."""
KEPT = "kept/"
"""The same of one that the server keeps for everybody."""
Run: TypeAlias = Callable[[Callable[[], Any]], Any]
Named: TypeAlias = tuple[tuple[str, str], ...]
"""Files by the names that their giver knows, each with a sentence about it."""
_UPLOAD = re.compile(re.escape(KEPT) + r"([0-9a-f]{12}-[^/]+)")
"""What the id of a kept upload begins with; the group is its file."""
_DEVICES = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.I)


class Added(NamedTuple):
    """What was left out of a file that was added, with the reasons, and what to know of what was read."""

    failed: Named = ()
    notes: Named = ()


@dataclass(slots=True)
class Session:
    """One browser session. `lock` is held by whoever changes it; `conversation` numbers those that it has had."""

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
    conversation: int = 0
    listing: Listing = field(default_factory=Listing)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def is_asking(self) -> bool:
        """Whether an answer is being made."""
        return self.running is not None and not self.running.done()

    def forget(self) -> None:
        """Begin another conversation; what is still answered in this one belongs to it no more."""
        with self.lock:
            self.exchanges.clear()
            self.shown = self.running = None
            self.conversation += 1

    def take(self, exchange: Exchange, conversation: int) -> None:
        """Add what came back for a question of that conversation, unless it is over; its sources are shown."""
        with self.lock:
            if conversation != self.conversation:
                return
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
            It has ended or, without a token, not begun.
        """
        with self._lock:
            session = self._sessions.get(token)
            if session is None and not token:
                raise RagError(_("this page is still being opened; ask again in a moment"))
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

    def add(self, session: Session, path: Path, run: Run = lambda work: work()) -> Added:
        """Index a file, which is deleted as soon as it has been read; what is named is the file, or files in it.

        `run` has a function run on the threads of the models: reading may take a minute and needs none of them.
        """
        name = safe_name(path.name)
        try:
            return self._add(session, path, name, run)
        except RagError as error:
            return Added(((name, _reason(str(error), name)),))
        except OSError as error:
            log.error("%s could not be taken in", name, exc_info=error)
            why = _("could not be stored (%(why)s); tell whoever runs this server") % {"why": error.strerror}
            return Added(((name, why),))
        finally:
            path.unlink(missing_ok=True)

    def _add(self, session: Session, path: Path, name: str, run: Run) -> Added:
        if Path(name).suffix.lower() not in READABLE:
            raise DocumentError(_("is of a kind that is not read; expected %(kinds)s") % {"kinds": _(KINDS)})
        if self.keep is not None:
            documents, added = self._read(path, name, name)
            run(partial(self._keep, path, name, documents))
            return added
        self._room(session)
        documents, added = self._read(path, name, OWN + name)
        run(partial(self._own, session, documents))  # no lock is held: an answer made there takes it
        return added

    def _room(self, session: Session) -> int:
        """How many articles a session may still add, at least one."""
        room = self.limits.files - len(session.own_articles())
        if room < 1:
            many = _("is one too many; at most %(most)d articles, remove one first")
            raise DocumentError(many % {"most": self.limits.files})
        return room

    def _own(self, session: Session, documents: list[Document]) -> None:
        with session.lock:
            room = self._room(session)
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

    def _read(self, path: Path, name: str, document_id: str) -> tuple[list[Document], Added]:
        """The articles in a file, at least one, and what there is to say of it."""
        made = read_file(path, document_id, int(self.limits.file_megabytes * MEGABYTE), name=name)
        if not made.documents:
            raise DocumentError(made.failed[0][1])

        def named(said: Named) -> Named:
            inside = [(Path(place).relative_to(path).as_posix(), Path(place).name, words) for place, words in said]
            return tuple((f"{name}/{i}" if i != "." else name, _reason(words, last)) for i, last, words in inside)

        others = ((name, f"left out {by_number(made.skipped)}"),) if made.skipped else ()
        return list(made.documents), Added(named(made.failed), (*named(made.notes), *others))

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

    def _keep(self, path: Path, name: str, documents: list[Document]) -> None:
        assert self.keep is not None
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
            [replace(d, id=f"{KEPT}{place.name}{d.id.removeprefix(name)}", source=str(place)) for d in documents]
        )

    def _load_kept(self) -> None:
        """Bring back what earlier servers kept, unless the corpus holds it anyway or it was removed by hand."""
        if self.keep is None:
            return
        self._drop_gone(self.keep)
        known = {key for header in self.bot.headers() for key in (header.id, header.content_hash)}
        known |= excluded(self.bot.index).keys()
        for path in sorted(self.keep.iterdir()) if self.keep.is_dir() else []:
            if KEPT + path.name in known:
                continue
            try:
                documents, _ = self._read(path, path.name.partition("-")[2], KEPT + path.name)
            except RagError as error:
                log.warning("%s is kept but cannot be read: %s", path, error)
            else:
                fresh = [d for d in documents if not known & {d.id, d.content_hash}]
                if fresh:
                    self.bot.add_documents(fresh)

    def _drop_gone(self, keep: Path) -> None:
        """Forget what was kept and has been deleted since."""
        kept = [(header, named[1]) for header in self.bot.headers() if (named := _UPLOAD.match(header.id))]
        # Where it is in no folder of this server's, it may be in another's, whose index this is as well.
        gone = [h.id for h, name in kept if not (keep / name).exists() and not _is_there(Path(h.source))]
        if gone:
            with self.bot.index.transaction():
                for document_id in gone:  # not as if removed by hand: the file may be given again
                    self.bot.index.remove(document_id)

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


def _is_there(source: Path) -> bool:
    """Whether a document's file is there, or the archive that it lay in."""
    return any(place.is_file() for place in (source, *source.parents))


def _reason(message: str, name: str) -> str:
    """Why a file was not read, without its name, which is shown before."""
    return message.removeprefix(name).strip() or message
