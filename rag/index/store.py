"""The index of one machine: a folder with one SQLite database, searched by FAISS and by SQLite's BM25.

SQLite gives what an index must have and is hard to write: one atomic step from the old index to the new, whatever
is killed when, many readers beside one writer, and deletion. Vectors are kept in it and searched in memory with
FAISS; they are read again when another process has changed the index.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import StoreError
from rag.index.dense import DenseIndex
from rag.index.fusion import near_duplicates, reciprocal_rank_fusion
from rag.index.lexical import Vocabulary, match_expression, names_and_words
from rag.types import Chunk, Document, ScoredChunk

Vectors = npt.NDArray[np.float32]

FILE_NAME = "index.sqlite"
APPLICATION_ID = 0x72616701  # "rag" and the kind of file
FORMAT_VERSION = 1
BUSY_SECONDS = 30.0
TITLE_WEIGHT = 0.5  # of a word in the title against one in the text

_SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL, language TEXT NOT NULL,
    date TEXT, content_hash TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, sentences TEXT NOT NULL, vector BLOB NOT NULL);
CREATE INDEX chunks_document ON chunks(document_id);
CREATE TABLE words (
    word TEXT NOT NULL, document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, is_name INTEGER NOT NULL,
    PRIMARY KEY (word, document_id)) WITHOUT ROWID;
CREATE INDEX words_document ON words(document_id);
CREATE VIRTUAL TABLE passages USING fts5(title, text, tokenize='porter unicode61 remove_diacritics 2');
CREATE TRIGGER chunks_deleted AFTER DELETE ON chunks BEGIN DELETE FROM passages WHERE rowid = old.key; END;
"""


class LocalIndex:
    """An Index in a folder, or in memory. Safe to use from several threads and processes."""

    def __init__(self, connection: sqlite3.Connection, manifest: Mapping[str, str], spelling: bool = True) -> None:
        self._connection = connection
        self._manifest = dict(manifest)
        self._spelling = spelling
        self._lock = threading.RLock()
        self._depth = 0
        self._generation = -1
        self._dense = DenseIndex([], np.zeros((0, 0), np.float32))
        self._vocabulary = Vocabulary([])

    @classmethod
    def open(cls, folder: Path | None, manifest: Mapping[str, str], spelling: bool = True) -> LocalIndex:
        """Open the index in a folder, or make a new one there; None makes one in memory.

        Parameters
        ----------
        folder : Path or None
        manifest : Mapping[str, str]
            How the chunks and vectors are made (embedding model and hash, chunk settings).
        spelling : bool
            Whether lexical search looks for other spellings of names.

        Raises
        ------
        StoreError
            The folder holds something else, a damaged index, or one made in another way.
        """
        if folder is not None:
            _check_folder(folder)
        path = ":memory:" if folder is None else str(folder / FILE_NAME)
        try:
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            if folder is not None:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                _prepare(connection, manifest, path)
            except BaseException:
                connection.execute("ROLLBACK")
                connection.close()
                raise
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise StoreError(f"the index {path} cannot be opened ({error}); is another program writing it?") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(_damaged(path, error)) from error
        return cls(connection, manifest, spelling)

    # --- changing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            if self._depth == 0:
                self._execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._execute("UPDATE manifest SET value = value + 1 WHERE key = 'generation'")
                self._execute("COMMIT")

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        if len(chunks) != len(vectors):
            raise ValueError(f"{len(vectors)} vectors for {len(chunks)} chunks; expected as many")
        with self.transaction():
            self.remove(document.id)
            self._execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)",
                (document.id, document.title, document.text, document.source, document.language, document.date,
                 document.content_hash),
            )  # fmt: skip
            for chunk, vector in zip(chunks, vectors, strict=True):
                if document.text[chunk.start : chunk.end] != chunk.text:
                    raise ValueError(f"chunk {chunk.id} is not the text of its document at that place")
                blob = np.ascontiguousarray(vector, "<f4").tobytes()
                cursor = self._execute(
                    "INSERT INTO chunks (id, document_id, start, end, sentences, vector) VALUES (?, ?, ?, ?, ?, ?)",
                    (chunk.id, document.id, chunk.start, chunk.end, json.dumps(chunk.sentences), blob),
                )
                self._execute(
                    "INSERT INTO passages (rowid, title, text) VALUES (?, ?, ?)",
                    (cursor.lastrowid, chunk.title, chunk.text),
                )
            entries = names_and_words(document.title + "\n" + document.text).items()
            self._connection.executemany(
                "INSERT INTO words VALUES (?, ?, ?)", [(word, document.id, int(is_name)) for word, is_name in entries]
            )

    def remove(self, document_id: str) -> bool:
        with self.transaction():
            removed = self._execute("DELETE FROM documents WHERE id = ?", (document_id,)).rowcount > 0
            if removed:
                # FTS5 keeps the words of deleted rows until segments merge: what is deleted must be gone.
                self._execute("INSERT INTO passages (passages) VALUES ('optimize')")
            return removed

    def close(self) -> None:
        """Close the files. The index cannot be used after it."""
        with self._lock:
            self._connection.close()

    # --- asking ------------------------------------------------------------------------------------------------------

    def search(self, text: str | None, vector: Vectors | None, k: int, candidates: int = 50) -> list[ScoredChunk]:
        with self._snapshot():
            depth = max(k, candidates)
            found: dict[str, list[tuple[int, float]]] = {}
            if vector is not None:
                found["dense"] = self._dense.search(vector, depth)
            if text is not None:
                found["lexical"] = self._lexical(text, depth)
            keys = sorted({key for ranking in found.values() for key, _ in ranking})
            chunks = self._chunks(keys)
        ids = {key: chunk.id for key, chunk in chunks.items()}
        rankings = {
            stage: sorted(ranking, key=lambda item: (-round(item[1], 6), ids[item[0]]))
            for stage, ranking in found.items()
        }
        scores: dict[int, dict[str, float]] = {key: {} for key in keys}
        for stage, ranking in rankings.items():
            for key, score in ranking:
                scores[key][stage] = score
        if len(rankings) > 1:
            fused = reciprocal_rank_fusion([[key for key, _ in ranking] for ranking in rankings.values()])
            for key, score in fused.items():
                scores[key]["fused"] = score
        by = "fused" if len(rankings) > 1 else next(iter(rankings), "fused")
        order = sorted(keys, key=lambda key: (-round(scores[key][by], 6), ids[key]))
        kept = near_duplicates([chunks[key] for key in order])
        by_id = {chunk.id: key for key, chunk in chunks.items()}
        return [
            ScoredChunk(chunks[by_id[i]], scores[by_id[i]][by], rank, scores[by_id[i]], tuple(duplicates))
            for rank, (i, duplicates) in enumerate(list(kept.items())[:k], start=1)
        ]

    def get(self, chunk_id: str) -> Chunk:
        with self._lock:
            row = self._execute("SELECT key FROM chunks WHERE id = ?", (chunk_id,)).fetchone()
            if row is None:
                raise KeyError(chunk_id)
            return self._chunks([row[0]])[row[0]]

    def document(self, document_id: str) -> Document:
        with self._lock:
            row = self._execute("SELECT * FROM documents WHERE id = ?", (document_id,)).fetchone()
        if row is None:
            raise KeyError(document_id)
        return Document(*row)

    def documents(self) -> Iterator[Document]:
        with self._lock:
            rows = self._execute("SELECT * FROM documents ORDER BY id").fetchall()
        return (Document(*row) for row in rows)

    def hashes(self) -> dict[str, tuple[str, str]]:
        """Content hash and source of each document, without reading its text."""
        with self._lock:
            rows = self._execute("SELECT id, content_hash, source FROM documents").fetchall()
        return {document_id: (content_hash, source) for document_id, content_hash, source in rows}

    def read_setting(self, key: str, default: str = "") -> str:
        """A value kept beside the manifest under a name of the caller's."""
        with self._lock:
            row = self._execute("SELECT value FROM manifest WHERE key = ?", (f"setting.{key}",)).fetchone()
        return default if row is None else str(row[0])

    def write_setting(self, key: str, value: str) -> None:
        """Keep a value; inside a transaction it takes effect with the rest."""
        with self.transaction():
            self._execute("INSERT OR REPLACE INTO manifest VALUES (?, ?)", (f"setting.{key}", value))

    # --- inside ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One state of the index for all reads inside; vectors are read again if it has changed."""
        with self._lock:
            outer = self._depth > 0
            if not outer:
                self._execute("BEGIN")
            try:
                generation = int(self._execute("SELECT value FROM manifest WHERE key = 'generation'").fetchone()[0])
                if generation != self._generation or outer:
                    self._reload()
                    self._generation = -1 if outer else generation
                yield
            finally:
                if not outer:
                    self._connection.execute("ROLLBACK")  # nothing was written

    def _reload(self) -> None:
        rows = self._execute("SELECT key, vector FROM chunks ORDER BY key").fetchall()
        vectors = np.frombuffer(b"".join(row[1] for row in rows), "<f4").astype(np.float32)
        self._dense = DenseIndex([row[0] for row in rows], vectors.reshape(len(rows), -1) if rows else vectors)
        entries = self._execute("SELECT word, MIN(is_name) FROM words GROUP BY word").fetchall()
        self._vocabulary = Vocabulary((word, bool(is_name)) for word, is_name in entries)

    def _lexical(self, text: str, k: int) -> list[tuple[int, float]]:
        expression = match_expression(text, self._vocabulary if self._spelling else None)
        if not expression:
            return []
        rows = self._execute(
            "SELECT rowid, -bm25(passages, ?, 1.0) AS score FROM passages WHERE passages MATCH ? "
            "ORDER BY score DESC, rowid LIMIT ?",
            (TITLE_WEIGHT, expression, k),
        )
        return [(int(key), float(score)) for key, score in rows]

    def _chunks(self, keys: Iterable[int]) -> dict[int, Chunk]:
        chosen = list(keys)
        rows = self._execute(
            "SELECT c.key, c.id, c.document_id, c.start, c.end, c.sentences, p.title, p.text FROM chunks c "
            f"JOIN passages p ON p.rowid = c.key WHERE c.key IN ({','.join('?' * len(chosen))})",
            chosen,
        )
        return {
            key: Chunk(chunk_id, document_id, start, end, text, title, tuple((a, b) for a, b in json.loads(sentences)))
            for key, chunk_id, document_id, start, end, sentences, title, text in rows
        }

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreError("another process is writing this index; try again when it has finished") from error
            raise
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise StoreError(_damaged("the index", error)) from error


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file, expected a folder for the index; name another place")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / FILE_NAME).exists():
        raise StoreError(f"{folder} holds other files and no index; name an empty or a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} cannot be made ({error.strerror}); name another place") from error


def _prepare(connection: sqlite3.Connection, manifest: Mapping[str, str], path: str) -> None:
    """Write the schema into an empty database, or check that a filled one is an index made in the same way."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        for statement in _statements(_SCHEMA):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.executemany("INSERT INTO manifest VALUES (?, ?)", [("generation", "0"), *manifest.items()])
        return
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program; name another folder for the index")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT_VERSION:
        raise StoreError(f"{path} has format {version}, expected {FORMAT_VERSION}; delete the folder and index again")
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise StoreError(_damaged(path, problem))
    found = dict(connection.execute("SELECT key, value FROM manifest"))
    for key, value in manifest.items():
        if found.get(key) != value:
            raise StoreError(
                f"{path} was built with {key} = {found.get(key)!r}, asked for is {value!r}; "
                "ask with the former, or delete the folder and index again"
            )


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _damaged(path: str, reason: object) -> str:
    return f"{path} is damaged or not an index ({reason}); delete the folder and index the articles again"
