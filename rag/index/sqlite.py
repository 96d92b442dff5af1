"""The index of one machine: a folder with one SQLite database, searched by FAISS and by SQLite's BM25.

SQLite gives what an index must have and is hard to write: one atomic step from the old index to the new, whatever
is killed when, many readers beside one writer, and deletion. Vectors are kept in it and searched in memory with
FAISS; they are read again when the index has changed. SQLite does not notice a changed byte inside a value: a
checksum over all rows, written with every change and verified on opening, does.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.errors import StoreError
from rag.index.dense import DenseIndex
from rag.index.fusion import near_duplicates, reciprocal_rank_fusion
from rag.index.lexical import Vocabulary, match_expression, names_and_words
from rag.language.text import words
from rag.types import Chunk, Document, ScoredChunk

Vectors = npt.NDArray[np.float32]

FILE_NAME = "index.sqlite"
APPLICATION_ID = 0x72616701  # "rag" and the kind of file
FORMAT_VERSION = 2
BUSY_SECONDS = 30.0
TITLE_WEIGHT = 0.5  # of a word in the title against one in the text

# `words` of a document: [names, other words], folded. `passages` holds folded words and not the text itself, so that
# what SQLite takes for a word is what `rag.language.text` takes for one, in any script.
_SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL, language TEXT NOT NULL,
    date TEXT, content_hash TEXT NOT NULL, words TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, title TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, text TEXT NOT NULL, sentences TEXT NOT NULL, vector BLOB NOT NULL);
CREATE INDEX chunks_document ON chunks(document_id);
CREATE VIRTUAL TABLE passages USING fts5(title, text, tokenize='porter unicode61 remove_diacritics 0');
CREATE TRIGGER chunks_deleted AFTER DELETE ON chunks BEGIN DELETE FROM passages WHERE rowid = old.key; END;
"""
_CONTENT = (  # all that is stored, in a fixed order
    "SELECT key, value FROM manifest WHERE key <> 'checksum' ORDER BY key",
    "SELECT * FROM documents ORDER BY id",
    "SELECT * FROM chunks ORDER BY key",
    "SELECT * FROM passages_content ORDER BY id",
    "SELECT * FROM passages_data ORDER BY id",
    "SELECT * FROM passages_idx ORDER BY segid, term",
    "SELECT * FROM passages_docsize ORDER BY id",
    "SELECT * FROM passages_config ORDER BY k",
)
_DOCUMENT = "id, title, text, source, language, date, content_hash"


class LocalIndex:
    """An Index in a folder, or in memory. Safe to use from several threads and processes.

    In a folder, other threads go on reading the last complete state while one thread changes the index; a thread
    inside `transaction` sees its own changes.
    """

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection, spelling: bool = True) -> None:
        """writer and reader: two connections to one prepared database, or the same one twice (in memory)."""
        self._writer = writer
        self._reader = reader
        self._spelling = spelling
        self._writing = threading.RLock()
        self._reading = self._writing if reader is writer else threading.RLock()
        self._owner: int | None = None  # thread inside a transaction
        self._depth = 0
        self._removed = False  # within the transaction
        self._changes = 0  # rows changed before it
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
        if folder is None:
            connection = _connect(":memory:")
            _create(connection, manifest)
            return cls(connection, connection, spelling)
        _check_folder(folder)
        path = folder / FILE_NAME
        opened: list[sqlite3.Connection] = []
        with _mendable(str(path)):
            try:
                opened.append(_connect(path))
                if _is_empty(opened[0]):
                    _patiently(opened[0], "PRAGMA journal_mode = WAL")
                    _create(opened[0], manifest)
                _check(opened[0], manifest, str(path))
                opened.append(_connect(path))
            except BaseException:
                for connection in opened:
                    connection.close()
                raise
        return cls(opened[0], opened[1], spelling)

    # --- changing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._writing:
            if self._depth == 0:
                with _mendable():
                    self._writer.execute("BEGIN IMMEDIATE")
                self._owner, self._removed = threading.get_ident(), False
                self._changes = self._writer.total_changes
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    with _mendable():
                        self._finish()
            except BaseException:
                if self._depth == 1 and self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._owner = None

    def _finish(self) -> None:
        if self._writer.total_changes == self._changes:  # readers need not read anew what is as it was
            self._writer.execute("COMMIT")
            return
        if self._removed:
            # FTS5 keeps the words of deleted rows until segments merge: what is deleted must be gone.
            self._writer.execute("INSERT INTO passages (passages) VALUES ('optimize')")
        self._writer.execute("UPDATE manifest SET value = value + 1 WHERE key = 'generation'")
        _seal(self._writer)
        self._writer.execute("COMMIT")
        if self._removed and self._writer is not self._reader:
            with suppress(sqlite3.OperationalError):  # readers are in the way: the next one to close does it
                self._writer.execute("PRAGMA busy_timeout = 0")
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._writer.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        if len(chunks) != len(vectors):
            raise ValueError(f"{len(vectors)} vectors for {len(chunks)} chunks; expected as many")
        for chunk in chunks:
            if document.text[chunk.start : chunk.end] != chunk.text or chunk.document_id != document.id:
                raise ValueError(f"chunk {chunk.id} is not the text of document {document.id} at that place")
        rows = np.ascontiguousarray(vectors, "<f4")
        with self.transaction(), _mendable():
            self.remove(document.id)
            self._check_dimension(rows)
            entries = names_and_words(document.title + "\n" + document.text)
            split = [[w for w, is_name in entries.items() if is_name is kind] for kind in (True, False)]
            self._writer.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (document.id, document.title, document.text, document.source, document.language, document.date,
                 document.content_hash, json.dumps(split, ensure_ascii=False)),
            )  # fmt: skip
            for chunk, row in zip(chunks, rows, strict=True):
                cursor = self._writer.execute(
                    "INSERT INTO chunks (id, document_id, title, start, end, text, sentences, vector) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (chunk.id, document.id, chunk.title, chunk.start, chunk.end, chunk.text,
                     json.dumps(chunk.sentences), row.tobytes()),
                )  # fmt: skip
                self._writer.execute(
                    "INSERT INTO passages (rowid, title, text) VALUES (?, ?, ?)",
                    (cursor.lastrowid, " ".join(words(chunk.title)), " ".join(words(chunk.text))),
                )

    def _check_dimension(self, rows: Vectors) -> None:
        known = self._writer.execute("SELECT length(vector) FROM chunks LIMIT 1").fetchone()
        if len(rows) and (rows.ndim != 2 or (known and known[0] != rows[0].nbytes)):
            expected = f"(n_chunks, {known[0] // 4})" if known else "(n_chunks, dim)"
            raise ValueError(f"the vectors have the shape {rows.shape}, expected {expected}")

    def remove(self, document_id: str) -> bool:
        with self.transaction(), _mendable():
            removed = self._writer.execute("DELETE FROM documents WHERE id = ?", (document_id,)).rowcount > 0
            self._removed |= removed
            return removed

    def close(self) -> None:
        """Close the files. The index cannot be used after it."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    # --- asking ------------------------------------------------------------------------------------------------------

    def search(self, text: str | None, vector: Vectors | None, k: int, candidates: int = 50) -> list[ScoredChunk]:
        if k < 1:
            return []
        with self._snapshot() as connection:
            self._refresh(connection)
            depth = max(k, candidates)
            found: dict[str, list[tuple[int, float]]] = {}
            if vector is not None:
                found["dense"] = self._dense.search(vector, depth)
            if text is not None:
                found["lexical"] = self._lexical(connection, text, depth)
            keys = sorted({key for ranking in found.values() for key, _ in ranking})
            chunks = _chunks(connection, keys)
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
        with self._snapshot() as connection:
            row = connection.execute("SELECT key FROM chunks WHERE id = ?", (chunk_id,)).fetchone()
            if row is None:
                raise KeyError(chunk_id)
            return _chunks(connection, [row[0]])[row[0]]

    def document(self, document_id: str) -> Document:
        with self._snapshot() as connection:
            row = connection.execute(f"SELECT {_DOCUMENT} FROM documents WHERE id = ?", (document_id,)).fetchone()
        if row is None:
            raise KeyError(document_id)
        return Document(*row)

    def documents(self) -> Iterator[Document]:
        with self._snapshot() as connection:
            rows = connection.execute(f"SELECT {_DOCUMENT} FROM documents ORDER BY id").fetchall()
        return (Document(*row) for row in rows)

    def read_setting(self, key: str) -> str:
        """A value kept beside the manifest under a name of the caller's; empty when there is none."""
        with self._snapshot() as connection:
            row = connection.execute("SELECT value FROM manifest WHERE key = ?", (f"setting.{key}",)).fetchone()
        return "" if row is None else str(row[0])

    def write_setting(self, key: str, value: str) -> None:
        """Keep a value; inside a transaction it takes effect with the rest."""
        with self.transaction(), _mendable():
            self._writer.execute("INSERT OR REPLACE INTO manifest VALUES (?, ?)", (f"setting.{key}", value))

    # --- inside ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """One state of the index for all reads inside: the last complete one, or the own transaction's."""
        if self._owner == threading.get_ident():
            with self._reading, _mendable():
                yield self._writer
            return
        with self._reading, _mendable():
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("ROLLBACK")  # nothing was written

    def _refresh(self, connection: sqlite3.Connection) -> None:
        """Read vectors and words again if they are of another state than the connection's."""
        own = self._owner == threading.get_ident()
        generation = int(connection.execute("SELECT value FROM manifest WHERE key = 'generation'").fetchone()[0])
        if generation == self._generation and not own:
            return
        rows = connection.execute("SELECT key, vector FROM chunks ORDER BY id").fetchall()
        vectors = np.frombuffer(b"".join(row[1] for row in rows), "<f4").astype(np.float32)
        self._dense = DenseIndex([row[0] for row in rows], vectors.reshape(len(rows), -1) if rows else vectors)
        names: set[str] = set()
        others: set[str] = set()
        for (entries,) in connection.execute("SELECT words FROM documents"):
            some_names, some_others = json.loads(entries)
            names.update(some_names)
            others.update(some_others)
        # a name is what every document writes with a capital
        self._vocabulary = Vocabulary((word, word not in others) for word in sorted(names | others))
        self._generation = -1 if own else generation

    def _lexical(self, connection: sqlite3.Connection, text: str, k: int) -> list[tuple[int, float]]:
        expression = match_expression(text, self._vocabulary if self._spelling else None)
        if not expression:
            return []
        rows = connection.execute(
            "SELECT c.key, -bm25(passages, ?, 1.0) AS score FROM passages JOIN chunks c ON c.key = passages.rowid "
            "WHERE passages MATCH ? ORDER BY round(score, 6) DESC, c.id LIMIT ?",
            (TITLE_WEIGHT, expression, k),
        )
        return [(int(key), float(score)) for key, score in rows]


def _chunks(connection: sqlite3.Connection, keys: Iterable[int]) -> dict[int, Chunk]:
    rows = connection.execute(
        "SELECT key, id, document_id, start, end, text, title, sentences FROM chunks "
        "WHERE key IN (SELECT value FROM json_each(?))",
        (json.dumps(list(keys)),),
    )
    return {
        key: Chunk(chunk_id, document_id, start, end, text, title, tuple((a, b) for a, b in json.loads(sentences)))
        for key, chunk_id, document_id, start, end, text, title, sentences in rows
    }


def _check_folder(folder: Path) -> None:
    try:
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder} is a file, expected a folder for the index; name another place")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / FILE_NAME).exists():
            raise StoreError(f"{folder} holds other files and no index; name an empty or a new folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} cannot be used ({error.strerror}); name another place") from error


def _connect(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Execute what SQLite refuses at once, without waiting, while another process opens the same new file."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _create(connection: sqlite3.Connection, manifest: Mapping[str, str]) -> None:
    """Write the schema, unless another process has just done so."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection):
            for statement in _statements(_SCHEMA):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            connection.executemany("INSERT INTO manifest VALUES (?, ?)", [("generation", "0"), *manifest.items()])
            _seal(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check(connection: sqlite3.Connection, manifest: Mapping[str, str], path: str) -> None:
    """Check that a filled database is a whole index made in the same way; nothing is written or locked."""
    connection.execute("BEGIN")
    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError(f"{path} is a database of another program; name another folder for the index")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != FORMAT_VERSION:
            raise StoreError(f"{path} has format {version}, expected {FORMAT_VERSION}; "
                             "delete the folder and index again")  # fmt: skip
        problem = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if problem != "ok":
            raise StoreError(_damaged(path, problem))
        found = dict(connection.execute("SELECT key, value FROM manifest"))
        if found.get("checksum") != _checksum(connection):
            raise StoreError(_damaged(path, "its checksum does not fit"))
        for key, value in manifest.items():
            if found.get(key) != value:
                raise StoreError(
                    f"{path} was built with {key} = {found.get(key)!r}, asked for is {value!r}; "
                    "ask with the former, or delete the folder and index again"
                )
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _seal(connection: sqlite3.Connection) -> None:
    """Write the checksum of the open transaction's state."""
    connection.execute("SAVEPOINT seal")  # makes FTS5 write what it holds in memory
    connection.execute("RELEASE seal")
    connection.execute("INSERT OR REPLACE INTO manifest VALUES ('checksum', ?)", (_checksum(connection),))


def _checksum(connection: sqlite3.Connection) -> str:
    checksum = 0
    for query in _CONTENT:
        for row in connection.execute(query):
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
                checksum = zlib.crc32(data, checksum)
    return str(checksum)


@contextmanager
def _mendable(path: str = "the index") -> Iterator[None]:
    """Say what a person can do about an error of SQLite's; misuse of the connection surfaces as it is."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.InterfaceError):
        raise
    except sqlite3.OperationalError as error:
        reason = str(error)
        if "locked" in reason:
            raise StoreError(f"another process is writing {path}; try again when it has finished") from error
        if any(sign in reason for sign in ("full", "readonly", "unable to open", "I/O")):
            raise StoreError(f"{path} cannot be read or written ({reason}); check the disk and its rights") from error
        raise StoreError(_damaged(path, reason)) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter of a broken name in SQLite's message
        raise StoreError(_damaged(path, error)) from error


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _damaged(path: str, reason: object) -> str:
    return f"{path} is damaged or not an index ({reason}); delete the folder and index the articles again"
