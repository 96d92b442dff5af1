"""Questions answered from a folder of articles, each sentence with the exact passage it stands on.

>>> import rag
>>> answer = rag.ask("Why did López Miera visit Belarus?")
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from rag.config import Settings
from rag.errors import RagError
from rag.scope import EVERYTHING, Scope
from rag.types import (
    Account,
    Answer,
    Check,
    Chunk,
    Citation,
    Document,
    IndexReport,
    Overview,
    ScoredChunk,
    Span,
    Statement,
    Turn,
)

if TYPE_CHECKING:
    from rag.pipeline import Chatbot
    from rag.types import History

__version__ = "0.1.0"
__all__ = [
    "Account", "Answer", "Chatbot", "Check", "Chunk", "Citation", "Document", "IndexReport", "Overview",
    "RagError", "Scope", "ScoredChunk", "Settings", "Span", "Statement", "Turn", "ask",
]  # fmt: skip


def ask(question: str, history: History = (), scope: Scope = EVERYTHING) -> Answer:
    """Answer a question from the five articles in `seeds/`, or those of a scope among them.

    Models and index are loaded on first use, and kept.
    """
    return _seeds_bot().within(scope).ask(question, history)


@cache
def _seeds_bot() -> Chatbot:
    from rag.pipeline import Chatbot
    from rag.places import seeds

    return Chatbot.from_directory(seeds())


def __getattr__(name: str) -> Any:
    # The pipeline imports numpy and more: only those who use it pay for it.
    if name == "Chatbot":
        from rag.pipeline import Chatbot

        return Chatbot
    raise AttributeError(f"module 'rag' has no attribute {name!r}")
