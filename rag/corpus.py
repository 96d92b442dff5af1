"""Folders of articles -> an index that is in line with them, and what was removed from it by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rag.articles.chunking import CUTTING_VERSION, chunk_document
from rag.articles.formats.guard import HELPER, OCR_HELPER
from rag.articles.formats.ocr import check_installed
from rag.config import IndexSettings, Settings
from rag.errors import RagError
from rag.index import Index, open_index
from rag.models.embedding import TITLE_TOKENS, Embedder
from rag.sync import Removed, excluded, keep_excluded, sync, with_progress
from rag.types import Chunk, Document, IndexReport

MAX_MEGABYTES = 10_000
"""Largest limit on a file: room for so much is made before it is read."""


def making(settings: IndexSettings) -> dict[str, str]:
    """How articles are cut and embedded under these settings: indexes that differ in any of it are different ones."""
    # How large a file may be says which are read: those that were too large are read the next time.
    made = {name: str(value) for name, value in settings.made().items() if name != "max_file_megabytes"}
    return {"cutting": CUTTING_VERSION, **made}


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


def keep_settings(index: Index, settings: IndexSettings) -> None:
    """Write into an index how it was made, so that `rag ask` need not be told again."""
    made = json.dumps(settings.made())
    if index.read_setting("settings") != made:
        index.write_setting("settings", made)


def kept_settings(folder: Path, settings: Settings) -> Settings:
    """The settings, with those that the index in a folder was made with."""
    index = open_index(folder, {})
    try:
        return replace(settings, **json.loads(index.read_setting("settings") or "{}"))
    finally:
        index.close()


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
        """Bring the index in line with files and folders; see `rag.sync.sync`."""
        add = partial(self.add_documents, progress=progress)
        if not 0 < self._settings.max_file_megabytes <= MAX_MEGABYTES:
            raise RagError(
                f"max_file_megabytes is {self._settings.max_file_megabytes}; expected at most {MAX_MEGABYTES}"
            )
        max_bytes = int(self._settings.max_file_megabytes * 1e6)
        if self._settings.ocr:
            check_installed()
        helper = OCR_HELPER if self._settings.ocr else HELPER
        return sync(self.index, [Path(path) for path in paths], add, max_bytes, progress, restore, helper)

    def add_documents(self, documents: Sequence[Document], progress: bool = False) -> None:
        """Add or replace ready documents, all at once."""
        chunked = [self.cut(document) for document in with_progress(documents, "cutting", progress)]
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
            keep_excluded(self.index, excluded(self.index) | {document_id: Removed(old.content_hash, old.source)})
