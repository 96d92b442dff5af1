"""Folders of files -> an index in line with them: what is new, changed, moved, gone, and what was removed by hand."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from rag.articles.documents import find_files, kind_of, other_files, read_file, source_of
from rag.articles.formats.guard import HELPER, Helper
from rag.errors import RagError, StoreError
from rag.index import Index
from rag.traces import Trace, Traces, is_below, stamp
from rag.types import Document, Header, IndexReport

EXCLUDED = "excluded"  # setting of an index: documents that were removed by hand, id -> content hash and source
UNFINISHED = "unfinished"  # setting of an index: the files and folders whose first filling has not come to its end
UNNAMED = "yes"  # the same as an earlier version kept it, which did not say which
BATCH = 64  # documents of a first filling that are kept together: what an interruption costs at most
T = TypeVar("T")


class Removed(NamedTuple):
    """What is known of a document that was removed by hand."""

    content_hash: str
    source: str  # empty where an earlier version kept the hash alone


def excluded(index: Index) -> dict[str, Removed]:
    """The documents that were removed from an index by hand, by their ids."""
    kept = json.loads(index.read_setting(EXCLUDED) or "{}")
    return {i: Removed(told, "") if isinstance(told, str) else Removed(*told) for i, told in kept.items()}


def keep_excluded(index: Index, removed: Mapping[str, Removed]) -> None:
    """Write into an index which documents were removed by hand."""
    if excluded(index) != removed:
        index.write_setting(EXCLUDED, json.dumps(removed))


def unfinished(index: Index) -> set[str]:
    """The files and folders whose first filling goes on, or was interrupted."""
    kept = index.read_setting(UNFINISHED)
    return {UNNAMED} if kept == UNNAMED else set(json.loads(kept or "[]"))


def is_unfinished(index: Index) -> bool:
    """Whether an index is being filled for the first time, or that was interrupted."""
    return bool(unfinished(index))


def check_there(roots: Sequence[Path]) -> None:
    """RagError for the first of some files and folders that does not exist."""
    for root in roots:
        if not root.exists():
            raise RagError(f"{root} does not exist; expected a file or a folder of articles")


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
    renamed stays one document, under its new id. Where nothing changed, nothing is written or locked.

    Parameters
    ----------
    add : callable
        Adds or replaces documents in the index.
    max_bytes : int
        Larger files are reported, not read.
    restore : bool
        Whether documents that were removed by hand come back; else they stay away until their file changes, and an
        index that cannot be written is left as it is, with a note.
    helper : Helper
        The process that parses.

    Raises
    ------
    RagError
        A root does not exist, or is a folder of which nothing is read (what the others hold is kept).
    """
    check_there(roots)
    files, places = find_files(roots), [_place(root) for root in roots]
    first = is_unfinished(index) or not index.count()
    start = partial(_Run, index, add, max_bytes, restore, first, helper, places)
    if first:
        _begin(index, places)
        run = start()
        run.bring(files, progress)
        _finish(index, places)
        return run.report(roots)
    run = start()
    if run.is_in_line(files):
        return run.report(roots)
    with ExitStack() as changing:
        try:
            changing.enter_context(index.transaction())
        except StoreError as error:
            if restore:
                raise
            return IndexReport(notes=tuple((str(root), f"taken as it was indexed before: {error}") for root in roots))
        run = start()  # what is known may have changed before the lock
        run.bring(files, progress)
    return run.report(roots)


def _begin(index: Index, places: Sequence[Path]) -> None:
    with index.transaction():
        index.write_setting(UNFINISHED, json.dumps(sorted(unfinished(index) | set(map(str, places)))))


def _finish(index: Index, places: Sequence[Path]) -> None:
    """Note that these were read to their end; what is no longer there never will be, and is forgotten."""
    with index.transaction():
        left = sorted(name for name in unfinished(index) if Path(name).exists() and not is_below(name, places))
        index.write_setting(UNFINISHED, json.dumps(left) if left else "")


@dataclass
class _Run:
    index: Index
    add: Callable[[Sequence[Document]], None]
    max_bytes: int
    restore: bool
    first: bool
    helper: Helper
    places: Sequence[Path]
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # in archives
    fresh: list[Document] = field(default_factory=list)  # to be added
    copies: list[Document] = field(default_factory=list)  # new, of a content that was there: moved, if that is gone
    seen: dict[str, str] = field(default_factory=dict)  # id -> source of what was met in this run
    kept_out: dict[str, Removed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {header.id: header for header in self.index.headers()}
        self.excluded = {i: old for i, old in excluded(self.index).items() if i not in self.known}
        self.traces = Traces(self.index)
        before: dict[str, Header | Removed] = {**self.excluded, **self.known}
        self.ids = {old.source: document_id for document_id, old in before.items()}
        self.contents = {old.content_hash for old in before.values()}

    def is_in_line(self, files: Sequence[tuple[str, Path]]) -> bool:
        """Whether the index holds these files as they are, and nothing that is gone."""
        for _, path in files:
            trace = self._trace(path)
            if trace is None:
                return False
            self._pass(trace)
        return not self._gone()

    def bring(self, files: Sequence[tuple[str, Path]], progress: bool) -> None:
        """Read what is new or changed, and write what comes of it."""
        for document_id, path in with_progress(files, "reading", progress):
            trace = self._trace(path)
            if trace is not None:
                self._pass(trace)
            else:
                trace = self._read(document_id, path)
            if trace is not None:
                self.traces.keep(path, trace)
            if self.first and len(self.fresh) >= BATCH:
                self._keep()
        with self.index.transaction():
            self._settle()
            self._keep()
            for old in self._gone():
                self.seen[old.id] = old.source
                self.counts["removed"] += self.index.remove(old.id)
            self.traces.save(self.places)
            keep_excluded(self.index, self.excluded)

    def report(self, roots: Sequence[Path]) -> IndexReport:
        """What was done. RagError for a folder of which nothing is in the index, nor was before."""
        skipped = (*((str(path), kind_of(path)) for path in other_files(roots)), *self.skipped)
        for root, place in zip(roots, self.places, strict=True):
            if root.is_dir() and not self._is_read(root, place):
                raise RagError(f"no article could be read in {root}: {self._why(place, skipped)}")
        shown = {name: self.counts[name] for name in ("added", "updated", "removed", "unchanged")}
        return IndexReport(failed=tuple(self.failed), skipped=skipped, notes=tuple(self.notes), **shown)

    def _is_read(self, root: Path, place: Path) -> bool:
        """Whether something of a folder was met, if only in another root that leads to the same files."""
        if any(is_below(path, [place]) for path in self.seen.values()):
            return True
        real = [Path(os.path.realpath(path)) for path, _ in self.failed]
        failed = {step for path in real for step in (path, *path.parents)}  # an archive with what is in it
        return any(Path(os.path.realpath(path)) not in failed for _, path in find_files([root]))

    def _why(self, place: Path, skipped: Sequence[tuple[str, str]]) -> str:
        failed, others = (
            [(path, said) for path, said in told if is_below(source_of(path), [place])]
            for told in (self.failed, skipped)
        )
        reasons = [reason for _, reason in failed[:3]]
        if len(failed) > 3:
            reasons.append(f"{len(failed) - 3} more could not be read")
        if others:
            reasons.append(f"{by_number(others)} that {'is' if len(others) == 1 else 'are'} not read")
        return "; ".join(reasons) or "it holds no files; check the path"

    def _trace(self, path: Path) -> Trace | None:
        """The trace of a file that is as it was, and whose documents are still its own."""
        trace = self.traces.unchanged(path)
        if trace is None:
            return None
        held = [self.known.get(document_id) for document_id in trace.documents]
        return trace if all(old is not None and is_below(old.source, [source_of(path)]) for old in held) else None

    def _pass(self, trace: Trace) -> None:
        """Leave a file as it was read before."""
        self.seen.update((document_id, self.known[document_id].source) for document_id in trace.documents)
        self.notes += trace.notes
        self.skipped += trace.skipped
        self.counts["unchanged"] += len(trace.documents)

    def _read(self, document_id: str, path: Path) -> Trace | None:
        """Take what a file holds; None where not all of it could be read, or might have changed meanwhile."""
        before = stamp(path)
        reading = read_file(path, document_id, self.max_bytes, helper=self.helper)
        self.failed += reading.failed
        self.notes += reading.notes
        self.skipped += reading.skipped
        if reading.failed:  # what cannot be read today does not cost what was read before
            within = [source_of(failing) for failing, _ in reading.failed]
            self.seen.update((i, old.source) for i, old in self.known.items() if is_below(old.source, within))
        own = tuple(self._take(document) for document in reading.documents)
        return Trace(before, own, reading.notes, reading.skipped) if before and not reading.failed else None

    def _take(self, document: Document) -> str:
        """Sort a document that was read among those that are new, changed or neither; its id in the index."""
        document = replace(document, id=self._own_id(document))
        self.seen[document.id] = document.source
        old, removed = self.known.get(document.id), self.excluded.get(document.id)
        content = document.content_hash
        if old is not None and (old.content_hash, old.source) == (content, document.source):
            self.counts["unchanged"] += 1
        elif old is not None:
            self.counts["updated"] += 1
            self.fresh.append(document)
        elif not self.restore and removed is not None and removed.content_hash == content:
            self.kept_out[document.id] = Removed(content, document.source)
        elif content in self.contents:
            self.copies.append(document)
        else:
            self.counts["added"] += 1
            self.fresh.append(document)
        return document.id

    def _own_id(self, document: Document) -> str:
        """The id that a document has in the index already, or a new one that no other's is."""
        if document.source in self.ids:
            return self.ids[document.source]
        document_id, folder = document.id, Path(document.source).parent
        while self._is_taken(document_id, document):
            document_id = f"{folder.name or 'other'}/{document_id}"
            folder = folder.parent
        return document_id

    def _is_taken(self, document_id: str, document: Document) -> bool:
        if self.seen.get(document_id, document.source) != document.source:
            return True
        old = self.known.get(document_id) or self.excluded.get(document_id)
        if old is None or not old.source:
            return False
        if _is_there(old.source):
            return True
        # Gone, or out of reach: only where this is looked through is it known to be gone.
        return old.content_hash != document.content_hash and not is_below(old.source, self.places)

    def _settle(self) -> None:
        """Tell of each copy whether it is what has gone from elsewhere, and whether that was removed by hand."""
        moved, lost = self._left(self.known), self._left(self.excluded)
        for document in self.copies:
            content = document.content_hash
            if moved[content]:
                old = self.known[moved[content].pop()]
                self.seen[old.id] = old.source
                self.index.remove(old.id)
                self.counts["updated"] += 1
            elif lost[content]:
                del self.excluded[lost[content].pop()]
                if not self.restore:
                    self.kept_out[document.id] = Removed(content, document.source)
                    continue
                self.counts["added"] += 1
            else:
                self.counts["added"] += 1
            self.fresh.append(document)
        self.excluded = {i: old for i, old in self.excluded.items() if i not in self.seen} | self.kept_out

    def _left(self, before: Mapping[str, Header | Removed]) -> defaultdict[str, list[str]]:
        """Of what was there before with the content of a copy, what has left its place: content -> ids."""
        contents = {document.content_hash for document in self.copies}
        found = defaultdict[str, list[str]](list)
        for document_id, old in before.items():
            if old.content_hash in contents and self._has_left(document_id, old):
                found[old.content_hash].append(document_id)
        return found

    def _has_left(self, document_id: str, old: Header | Removed) -> bool:
        """Whether a content is no longer where it was."""
        if document_id in self.seen:
            return document_id in self.excluded and document_id not in self.kept_out
        return not (old.source and _is_there(old.source)) or is_below(old.source, self.places)

    def _gone(self) -> list[Header]:
        """What was indexed from these places and is not there any more."""
        return [old for i, old in self.known.items() if i not in self.seen and is_below(old.source, self.places)]

    def _keep(self) -> None:
        if self.fresh:
            self.add(self.fresh)
            self.fresh = []


def by_number(files: Sequence[tuple[str, str]]) -> str:
    """Files by their kinds: "6 files of another kind (3 .jpg, 2 .doc, 1 without suffix)"."""
    kinds = Counter(kind for _, kind in files)
    named = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0])))
    return f"{len(files)} file{'s' * (len(files) > 1)} of another kind ({named})"


def _place(root: Path) -> Path:
    """Below what `find_files` finds all that a root holds: a folder is resolved, a link to a file is not."""
    return Path(source_of(root.resolve() if root.is_dir() else root.parent.resolve() / root.name))


def _is_there(source: str) -> bool:
    """Whether a document's file is still there, or the archive that it lay in."""
    path = Path(source)
    return path.exists() or any(parent.is_file() for parent in path.parents)


def with_progress(items: Sequence[T], label: str, show: bool) -> Iterable[T]:
    """The items, with a bar on a terminal that shows how far they are."""
    if not show:
        return items
    from tqdm import tqdm

    return tqdm(items, desc=label, disable=None, leave=False)
