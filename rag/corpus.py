"""Folders of articles -> an index that is in line with them, and what was removed from it by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rag.articles.chunking import CUTTING_VERSION, chunk_document
from rag.articles.documents import find_files, read_document
from rag.config import IndexSettings
from rag.errors import DocumentError, RagError
from rag.index import Index
from rag.models.embedding import TITLE_TOKENS, Embedder
from rag.types import Chunk, Document, Header, IndexReport

T = TypeVar("T")
EXCLUDED = "excluded"  # documents that were removed by hand: id -> content hash


def making(settings: IndexSettings) -> dict[str, str]:
    """How articles are cut and embedded under these settings: indexes that differ in any of it are different ones."""
    return {"cutting": CUTTING_VERSION, **{name: str(value) for name, value in settings.made().items()}}


def manifest(settings: IndexSettings, embedder: Embedder) -> dict[str, str]:
    """The same with the embedder's weights: an index of another manifest does not fit.

    Raises
    ------
    RagError
        Chunks of this size would be cut by the embedding model.
    """
    room = embedder.max_tokens - TITLE_TOKENS - 4
    if settings.chunk_tokens > room:
        raise RagError(
            f"chunk_tokens is {settings.chunk_tokens}, but the embedding model reads {embedder.max_tokens} tokens, "
            f"title included; expected at most {room}"
        )
    return {"embedding": embedder.fingerprint, **making(settings)}


class Corpus:
    """The articles of an index. Reads files, cuts and embeds what changed, forgets what is gone."""

    def __init__(self, index: Index, embedder: Embedder, settings: IndexSettings) -> None:
        """
        Parameters
        ----------
        index : Index
        embedder : Embedder
            The one that the index was made with.
        settings : IndexSettings
        """
        self.index = index
        self._embedder = embedder
        self._settings = settings

    def cut(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        return chunk_document(
            document, self._embedder.token_offsets, self._settings.chunk_tokens, self._settings.overlap_sentences
        )

    def sync(self, paths: Sequence[str | Path], progress: bool = False, restore: bool = True) -> IndexReport:
        """Bring the index in line with files and folders, in one atomic step.

        Documents that were read from one of these folders and are gone from it are removed. With `restore`,
        documents removed by hand come back; without, they stay away until their file changes.
        """
        roots = [Path(path) for path in paths]
        for root in roots:
            if not root.exists():
                raise RagError(f"{root} does not exist; expected a file or a folder of articles")
        with self.index.transaction():
            return self._sync(roots, progress, restore)

    def _sync(self, roots: list[Path], progress: bool, restore: bool) -> IndexReport:
        known = {header.id: header for header in self.index.headers()}
        excluded = self._excluded()
        fresh, seen, counts, failed = self._read(roots, known, excluded, progress, restore)
        folders = [str(root.resolve()) for root in roots if root.is_dir()]
        for document_id, old in known.items():
            if document_id not in seen and any(Path(old.source).is_relative_to(folder) for folder in folders):
                counts["removed"] += self.index.remove(document_id)
        self.add_documents(fresh, progress)
        self._exclude(excluded)
        return IndexReport(failed=tuple(failed), **counts)

    def _read(
        self, roots: list[Path], known: Mapping[str, Header], excluded: dict[str, str], progress: bool, restore: bool
    ) -> tuple[list[Document], set[str], dict[str, int], list[tuple[str, str]]]:
        """What is new or changed, the ids that were seen, counts, and what could not be read."""
        counts = {"added": 0, "updated": 0, "unchanged": 0, "removed": 0}
        failed: list[tuple[str, str]] = []
        fresh: list[Document] = []
        seen: set[str] = set()
        by_source = {header.source: document_id for document_id, header in known.items()}
        for document_id, path in _progress(find_files(roots), "reading", progress):
            document_id = _own_id(document_id, path, known, by_source)
            seen.add(document_id)  # a file that cannot be read today does not cost what was read before
            try:
                document = read_document(path, document_id, int(self._settings.max_file_megabytes * 1e6))
            except DocumentError as error:
                failed.append((str(path), str(error)))
                continue
            old = known.get(document_id)
            if excluded.get(document_id) == document.content_hash and not restore:
                continue
            excluded.pop(document_id, None)
            if old is None or old.content_hash != document.content_hash or old.source != document.source:
                counts["added" if old is None else "updated"] += 1
                fresh.append(document)
            else:
                counts["unchanged"] += 1
        return fresh, seen, counts, failed

    def add_documents(self, documents: Sequence[Document], progress: bool = False) -> None:
        """Add or replace ready documents, all at once."""
        chunked = [self.cut(document) for document in _progress(documents, "cutting", progress)]
        flat = [chunk for chunks in chunked for chunk in chunks]
        vectors = self._embedder.embed_passages(flat, progress=progress)
        with self.index.transaction():
            start = 0
            for document, chunks in zip(documents, chunked, strict=True):
                self.index.add(document, chunks, vectors[start : start + len(chunks)])
                start += len(chunks)

    def remove(self, document_id: str) -> None:
        """Remove a document from every structure; it stays away until its file changes or is added again.

        Raises
        ------
        RagError
            There is no document of that id.
        """
        try:
            old = self.index.document(document_id)
        except KeyError:
            raise RagError(f"no document is called {document_id!r}; `rag documents` lists them") from None
        with self.index.transaction():
            self.index.remove(document_id)
            self._exclude(self._excluded() | {document_id: old.content_hash})

    def _excluded(self) -> dict[str, str]:
        excluded: dict[str, str] = json.loads(self.index.read_setting(EXCLUDED) or "{}")
        return excluded

    def _exclude(self, excluded: Mapping[str, str]) -> None:
        value = json.dumps(excluded)
        if self.index.read_setting(EXCLUDED) != value:
            self.index.write_setting(EXCLUDED, value)


def _own_id(document_id: str, path: Path, known: Mapping[str, Header], by_source: Mapping[str, str]) -> str:
    """The id that a file has in the index already, or a new one that no other folder's file of that name has."""
    source = os.path.abspath(path)
    if source in by_source:
        return by_source[source]
    folder = path.parent
    while (other := known.get(document_id)) and other.source != source and os.path.exists(other.source):
        document_id = f"{folder.name or 'other'}/{document_id}"
        folder = folder.parent
    return document_id


def _progress(items: Sequence[T], label: str, show: bool) -> Iterable[T]:
    if not show:
        return items
    from tqdm import tqdm

    return tqdm(items, desc=label, disable=None, leave=False)
