"""Folders of files -> an index in line with them: what is new, changed, moved, gone, and what was removed by hand."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from rag.articles.documents import find_files, other_files, read_file
from rag.articles.formats import ARCHIVE
from rag.articles.formats.guard import HELPER, Helper
from rag.errors import RagError
from rag.index import Index
from rag.traces import Trace, Traces, stamp
from rag.types import Document, Header, IndexReport

EXCLUDED = "excluded"  # setting of an index: documents that were removed by hand, id -> content hash
UNFINISHED = "unfinished"  # setting of an index whose first filling has not come to its end
BATCH = 64  # documents of a first filling that are kept together: what an interruption costs at most
T = TypeVar("T")


def excluded(index: Index) -> dict[str, str]:
    """The documents that were removed from an index by hand: id -> content hash."""
    found: dict[str, str] = json.loads(index.read_setting(EXCLUDED) or "{}")
    return found


def sync(
    index: Index,
    roots: Sequence[Path],
    add: Callable[[Sequence[Document]], None],
    max_bytes: int,
    progress: bool = False,
    restore: bool = True,
    helper: Helper = HELPER,
) -> IndexReport:
    """Bring an index in line with files and folders: the first time batch by batch, later in one atomic step.

    Documents that were read from one of these folders and are gone from it are removed; a file that was moved or
    renamed stays one document, under its new id.

    Parameters
    ----------
    add : callable
        Adds or replaces documents in the index.
    max_bytes : int
        Larger files are reported, not read.
    restore : bool
        Whether documents that were removed by hand come back; else they stay away until their file changes.
    helper : Helper
        The process that parses.

    Raises
    ------
    RagError
        A root does not exist, or is a folder of which nothing could be read.
    """
    for root in roots:
        if not root.exists():
            raise RagError(f"{root} does not exist; expected a file or a folder of articles")
    first = index.read_setting(UNFINISHED) != "" or not index.count()
    run = _Run(index, add, max_bytes, restore, first, helper)
    if not first:
        with index.transaction():
            return run.report(roots, progress)
    index.write_setting(UNFINISHED, "yes")
    try:
        report = run.report(roots, progress)
    except RagError:
        if not index.count():
            index.write_setting(UNFINISHED, "")
        raise
    index.write_setting(UNFINISHED, "")
    return report


def is_unfinished(index: Index) -> bool:
    """Whether an index is being filled for the first time, or that was interrupted."""
    return index.read_setting(UNFINISHED) != ""


@dataclass
class _Run:
    index: Index
    add: Callable[[Sequence[Document]], None]
    max_bytes: int
    restore: bool
    first: bool
    helper: Helper
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    fresh: list[Document] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def report(self, roots: Sequence[Path], progress: bool) -> IndexReport:
        self.known = {header.id: header for header in self.index.headers()}
        self.by_source = {header.source: document_id for document_id, header in self.known.items()}
        self.by_hash = {header.content_hash: header for header in self.known.values()}
        self.excluded = excluded(self.index)
        traces = Traces(self.index)
        for document_id, path in with_progress(find_files(roots), "reading", progress):
            trace = traces.unchanged(path)
            if trace is not None and self.known.keys() >= set(trace.documents):
                self._pass(trace)
            else:
                trace = self._read(_own_id(document_id, str(path), self.known, self.by_source), path)
            if trace is not None:
                traces.keep(path, trace)
            if self.first and len(self.fresh) >= BATCH:
                self._keep()
        skipped = tuple((str(path), _kind(path)) for path in other_files(roots))
        with self.index.transaction():
            self._keep()
            self._drop(roots)
            traces.save(roots)
            if self.index.read_setting(EXCLUDED) != (kept := json.dumps(self.excluded)):
                self.index.write_setting(EXCLUDED, kept)
        for root in roots:
            if root.is_dir() and not any(self.counts.values()):
                raise RagError(f"no article could be read in {root}: {self._why(skipped)}")
        shown = {name: self.counts[name] for name in ("added", "updated", "removed", "unchanged")}
        return IndexReport(failed=tuple(self.failed), skipped=skipped, notes=tuple(self.notes), **shown)

    def _why(self, skipped: Sequence[tuple[str, str]]) -> str:
        reasons = [reason for _, reason in self.failed[:3]]
        if len(self.failed) > 3:
            reasons.append(f"{len(self.failed) - 3} more could not be read")
        if skipped:
            reasons.append(f"{by_number(skipped)} that {'is' if len(skipped) == 1 else 'are'} not read")
        return "; ".join(reasons) or "it holds no files; check the path"

    def _pass(self, trace: Trace) -> None:
        """Leave a file as it was read before."""
        self.seen.update(trace.documents)
        self.notes += trace.notes
        self.counts["unchanged"] += len(trace.documents)

    def _read(self, document_id: str, path: Path) -> Trace | None:
        """Take what a file holds; None where not all of it could be read, or might have changed meanwhile."""
        before = stamp(path)
        reading = read_file(path, document_id, self.max_bytes, helper=self.helper)
        self.failed += reading.failed
        self.notes += reading.notes
        if reading.failed:  # what cannot be read today does not cost what was read before
            within = [os.path.abspath(failing) for failing, _ in reading.failed]
            self.seen.update(
                i for i, old in self.known.items() if any(Path(old.source).is_relative_to(place) for place in within)
            )
        own = [_own_id(document.id, document.source, self.known, self.by_source) for document in reading.documents]
        for name, document in zip(own, reading.documents, strict=True):
            self._take(document if name == document.id else replace(document, id=name))
        return Trace(before, tuple(own), reading.notes) if before and not reading.failed else None

    def _take(self, document: Document) -> None:
        self.seen.add(document.id)
        old = self.known.get(document.id)
        if not self.restore and self._is_excluded(document, old):
            self.counts["kept out"] += 1
            return
        self.excluded.pop(document.id, None)
        if old is not None and (old.content_hash, old.source) == (document.content_hash, document.source):
            self.counts["unchanged"] += 1
            return
        moved = self.by_hash.get(document.content_hash) if old is None else None
        if moved is not None and not _is_there(moved.source) and moved.id not in self.seen:
            self.index.remove(moved.id)
            self.seen.add(moved.id)
            old = moved
        self.counts["added" if old is None else "updated"] += 1
        self.fresh.append(document)

    def _is_excluded(self, document: Document, old: Header | None) -> bool:
        if document.id in self.excluded:
            return self.excluded[document.id] == document.content_hash
        return old is None and document.content_hash in self.excluded.values()  # moved since it was removed

    def _keep(self) -> None:
        if self.fresh:
            self.add(self.fresh)
            self.fresh = []

    def _drop(self, roots: Sequence[Path]) -> None:
        places = [root.resolve() for root in roots if root.is_dir() or root.suffix.lower() == ARCHIVE]
        for document_id, old in self.known.items():
            if document_id not in self.seen and any(Path(old.source).is_relative_to(place) for place in places):
                self.counts["removed"] += self.index.remove(document_id)


def by_number(files: Sequence[tuple[str, str]]) -> str:
    """Files by their kinds: "6 files of another kind (3 .jpg, 2 .doc, 1 without suffix)"."""
    kinds = Counter(kind for _, kind in files)
    named = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0])))
    return f"{len(files)} file{'s' * (len(files) > 1)} of another kind ({named})"


def _kind(path: Path) -> str:
    return path.suffix.lower() or "without suffix"


def _is_there(source: str) -> bool:
    """Whether a document's file is still there, or the archive that it lay in."""
    path = Path(source)
    return path.exists() or any(parent.is_file() for parent in path.parents)


def _own_id(document_id: str, source: str, known: Mapping[str, Header], by_source: Mapping[str, str]) -> str:
    """The id that a file has in the index already, or a new one that no other folder's file of that name has."""
    source = os.path.abspath(source)
    if source in by_source:
        return by_source[source]
    folder = Path(source).parent
    while (other := known.get(document_id)) and other.source != source and _is_there(other.source):
        document_id = f"{folder.name or 'other'}/{document_id}"
        folder = folder.parent
    return document_id


def with_progress(items: Sequence[T], label: str, show: bool) -> Iterable[T]:
    """The items, with a bar on a terminal that shows how far they are."""
    if not show:
        return items
    from tqdm import tqdm

    return tqdm(items, desc=label, disable=None, leave=False)
