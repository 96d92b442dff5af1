"""Which files an index has read and need not read again, told by their status, as git tells it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.articles.documents import source_of
from rag.index import Index

FILES = "files"  # setting of an index: source -> stamp, documents, notes, skipped
SETTLED = 2.0  # seconds since its last change after which a file's next one shows in its times, on any file system


@dataclass(frozen=True, slots=True)
class Trace:
    """What a file was when it was read, and what it held."""

    stamp: tuple[int, ...]  # size, times of content and status in nanoseconds, number
    documents: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...] = ()


class Traces:
    """The traces that an index keeps, and those of the files met in this run."""

    def __init__(self, index: Index) -> None:
        self._index = index
        kept: dict[str, Any] = json.loads(index.read_setting(FILES) or "{}")
        self._old = {path: _trace(*fields) for path, fields in kept.items()}
        self._new: dict[str, Trace] = {}

    def unchanged(self, path: Path) -> Trace | None:
        """The trace of a file that is as it was."""
        trace = self._old.get(source_of(path))
        return trace if trace and trace.stamp == stamp(path) else None

    def keep(self, path: Path, trace: Trace) -> None:
        """Remember a file that was read."""
        self._new[source_of(path)] = trace

    def save(self, places: Sequence[Path]) -> None:
        """Write them into the index, without those of files that are gone from these places."""
        elsewhere = {path: old for path, old in self._old.items() if not is_below(path, places)}
        found = elsewhere | self._new
        if found != self._old:
            rows = {path: (trace.stamp, trace.documents, trace.notes, trace.skipped) for path, trace in found.items()}
            self._index.write_setting(FILES, json.dumps(rows))


def stamp(path: Path) -> tuple[int, ...]:
    """The status of a file; empty for one that changed just now, whose next change its times might not show."""
    try:
        status = path.stat()
    except OSError:
        return ()
    settled = time.time() - max(status.st_mtime, status.st_ctime) > SETTLED
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino) if settled else ()


def is_below(source: str, places: Iterable[str | Path]) -> bool:
    """Whether a file is one of these, or lies in one of these folders or archives."""
    return any(map(Path(source).is_relative_to, places))


def _trace(stamp: list[int], documents: list[str], *told: list[tuple[str, str]]) -> Trace:
    return Trace(tuple(stamp), tuple(documents), *(tuple((path, words) for path, words in pairs) for pairs in told))
