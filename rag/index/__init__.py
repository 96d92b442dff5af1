"""Search over chunks: an engine finds them by vector and by word, `Index` fuses what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rag.index.contract import Engine
from rag.index.elsewhere import Elsewhere
from rag.index.hybrid import Index
from rag.index.joined import JoinedEngine
from rag.index.sqlite import SqliteEngine

__all__ = ["Elsewhere", "Engine", "Index", "JoinedEngine", "SqliteEngine", "open_index"]


def open_index(folder: Path | None, manifest: Mapping[str, str], spelling: bool = True) -> Index:
    """The index in a folder, which is made when it is not there, or (None) in memory.

    A folder holds the index itself, or names the engine that does. See `SqliteEngine.open` and `MilvusEngine.open` for
    what can be wrong with either.
    """
    elsewhere = None if folder is None else Elsewhere.of(folder)
    return Index(elsewhere.open(manifest) if elsewhere else SqliteEngine.open(folder, manifest), spelling)
