"""How much the server takes, keeps and does at once: the one place with these numbers."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1_000_000
MAX_HISTORY = 20
"""Earlier questions of a conversation that a program may send; older ones are left out."""
MAX_PASSAGES = 50
"""Passages that a program may ask for at once."""
MAX_EXCHANGES = 100
"""Exchanges of one conversation on the page; older ones make room."""
DRAWN_BYTES = 200 * MEGABYTE
"""Largest PDF whose pages are drawn for the page."""
MAX_KEPT = 40
"""Exchanges that a browser keeps; localStorage holds about 5 MB."""
MAX_CHECKED = 50_000
"""Characters of a text that a program may have checked at once: some 400 sentences, and minutes."""
CHECKERS = 8
"""Texts of the page checked at once; each of their sentences waits for the models like a question."""
UPLOADS = 1
"""Uploads of the page read at once; there is one process that parses."""
QUEUE = 200
"""Requests of programs that may wait; more are told to come back."""
CLIENTS = 10_000
"""Clients whose rates are remembered."""
PER_MINUTE = 600
"""Requests of one client in a minute, where RAG_RATE names no other number."""
FEEDBACK_BYTES = 20 * MEGABYTE
"""Largest feedback file; a full one asks for review before it takes more."""
API_BYTES = 1 * MEGABYTE
CHAT_BYTES = 10 * MEGABYTE
"""Largest body of OpenAI's dialect, whose messages may carry pictures that nobody here looks at."""
PAGE_BYTES = 10 * MEGABYTE
"""Largest body of the page's events; a browser brings its conversation back in one."""
CONCURRENCY, WRITING = 1, 4
"""Questions answered at once, without a language model and with one: see `at_once`."""
POLL_SECONDS = 0.5
SILENCE_SECONDS = 5.0
"""After which a waiting stream is sent a sign of life."""
FINISH_SECONDS = 15
"""What is running when the server is told to stop may take so long."""
SWEEP_SECONDS = 60.0
SESSION_STATES = 64
"""Sessions whose last values Gradio keeps: the page needs none, and each call of a program adds one."""


def at_once(writing: bool) -> int:
    """Questions answered at once; `writing` says whether a language model words them.

    The models here use all cores for one question (`python -m eval.load`); a language model is mostly waited for.
    """
    return WRITING if writing else CONCURRENCY


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a session may bring, and how long what it brought stays.

    Attributes
    ----------
    files : int
        Own articles of one session.
    file_megabytes : float
    session_characters, server_characters : int
        Text of all own articles of one session, and of all sessions together.
    kept_megabytes : float
        Files of a server that keeps uploads, all together.
    sessions : int
        Sessions held at once; the longest unused gives way.
    closed_seconds : float
        How long a session outlives its page: a reload takes it up again.
    idle_seconds : float
        How long a session without a request lives, whatever its page.
    """

    files: int = 20
    file_megabytes: float = 10.0
    session_characters: int = 4_000_000
    server_characters: int = 40_000_000
    kept_megabytes: float = 500.0
    sessions: int = 1000
    closed_seconds: float = 600.0
    idle_seconds: float = 12 * 3600.0

    @property
    def upload_bytes(self) -> int:
        """Largest body of an upload: all files of a session at once, and what stands around them."""
        return int(self.file_megabytes * self.files * MEGABYTE) + PAGE_BYTES

    @property
    def waiting_bytes(self) -> int:
        """Uploads that may wait on the disk to be read, of all sessions together."""
        return 4 * self.upload_bytes
