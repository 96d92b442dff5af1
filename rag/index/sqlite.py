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
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from rag.errors import StoreError
from rag.index.contract import Ranking, Vectors
from rag.index.dense import DenseIndex
from rag.index.spelling import Words, names_and_words
from rag.language.text import words
from rag.types import Chunk, Document, Header

FILE_NAME = "index.sqlite"
APPLICATION_ID = 0x72616701  # "rag" and the kind of file
FORMAT_VERSION = 3
BUSY_SECONDS = 30.0
TITLE_WEIGHT = 0.5  # of a word in the title against one in the text

# `words` of a document: [names, other words], folded. `passages` holds folded words and not the text itself, so that
# what SQLite takes for a word is what `rag.language.text` takes for one, in any script.
_SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, source TEXT NOT NULL, language TEXT NOT NULL, date TEXT,
    content_hash TEXT NOT NULL, outlet TEXT, characters INTEGER NOT NULL, pages TEXT NOT NULL, words TEXT NOT NULL,
    text TEXT NOT NULL) WITHOUT ROWID;
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
_HEADER = "id, title, source, language, date, content_hash, outlet, characters"


class SqliteEngine:
    """An Engine in a folder, or in memory. Safe to use from several threads and processes.

    In a folder, other threads go on reading the last complete state while one thread changes the index; a thread
    inside `transaction` sees its own changes.
    """

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        """writer and reader: two connections to one prepared database, or the same one twice (in memory)."""
        self._writer = writer
        self._reader = reader
        self._writing = threading.RLock()
        self._reading = self._writing if reader is writer else threading.RLock()
        self._owner: int | None = None  # thread inside a transaction
        self._depth = 0
        self._removed = False  # within the transaction
        self._changes = 0  # rows changed before it
        self._generation = -1
        self._dense = DenseIndex([], np.zeros((0, 0), np.float32))
        self._vocabulary = Words([])

    @classmethod
    def open(cls, folder: Path | None, manifest: Mapping[str, str]) -> SqliteEngine:
        """Open the index in a folder, or make a new one there; None makes one in memory.

        Parameters
        ----------
        folder : Path or None
        manifest : Mapping[str, str]
            How the chunks and vectors are made (embedding model and hash, chunk settings).

        Raises
        ------
        StoreError
            The folder holds something else, a damaged index, or one made in another way.
        """
        if folder is None:
            connection = _connect(":memory:")
            _create(connection, manifest)
            return cls(connection, connection)
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
        return cls(opened[0], opened[1])

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
        rows = np.ascontiguousarray(vectors, "<f4")
        with self.transaction(), _mendable():
            self.remove(document.id)
            entries = names_and_words(document.title + "\n" + document.text)
            split = [[w for w, is_name in entries.items() if is_name is kind] for kind in (True, False)]
            self._writer.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (document.id, document.title, document.source, document.language, document.date,
                 document.content_hash, document.outlet, len(document.text), json.dumps(document.pages),
                 json.dumps(split, ensure_ascii=False), document.text),
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

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        own = self._owner == threading.get_ident()
        with self._reading, _mendable():
            connection = self._writer if own else self._reader
            if connection.in_transaction:  # the own transaction, or a snapshot around this one
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")  # nothing was written

    @property
    def dimension(self) -> int | None:
        with self.snapshot() as connection:
            row = connection.execute("SELECT length(vector) / 4 FROM chunks LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def dense(self, vector: Vectors, k: int, among: Collection[str] | None = None) -> Ranking:
        with self.snapshot() as connection:
            self._refresh(connection)
            if among is None:
                return self._dense.search(vector, k)
            held = connection.execute(
                "SELECT id FROM chunks WHERE document_id IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(among)),),
            )
            return self._dense.search(vector, k, {chunk_id for (chunk_id,) in held})

    def lexical(self, terms: Sequence[str], k: int, among: Collection[str] | None = None) -> Ranking:
        expression = " OR ".join(f'"{term}"' for term in terms)
        chosen = None if among is None else json.dumps(sorted(among))
        with self.snapshot() as connection:
            rows = connection.execute(
                "SELECT c.id, -bm25(passages, ?1, 1.0) AS score FROM passages JOIN chunks c ON c.key = passages.rowid "
                "WHERE passages MATCH ?2 AND (?3 IS NULL OR c.document_id IN (SELECT value FROM json_each(?3))) "
                "ORDER BY round(score, 6) DESC, c.id LIMIT ?4",
                (TITLE_WEIGHT, expression, chosen, k),
            )
            return [(str(chunk_id), float(score)) for chunk_id, score in rows]

    def vocabulary(self) -> Words:
        with self.snapshot() as connection:
            self._refresh(connection)
            return self._vocabulary

    def chunks(self, ids: Iterable[str]) -> dict[str, Chunk]:
        with self.snapshot() as connection:
            rows = connection.execute(
                "SELECT c.id, c.document_id, c.start, c.end, c.text, c.title, c.sentences, d.date, d.outlet "
                "FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            ).fetchall()
        return {
            i: Chunk(i, document, start, end, text, title, tuple((a, b) for a, b in json.loads(places)), date, outlet)
            for i, document, start, end, text, title, places, date, outlet in rows
        }

    def document(self, document_id: str) -> Document:
        with self.snapshot() as connection:
            row = connection.execute(
                "SELECT id, title, text, source, language, date, content_hash, outlet, pages FROM documents "
                "WHERE id = ?",
                (document_id,),
            ).fetchone()
        if row is None:
            raise KeyError(document_id)
        return replace(Document(*row[:8]), pages=tuple(json.loads(row[8])))

    def headers(self) -> list[Header]:
        with self.snapshot() as connection:
            return [Header(*row) for row in connection.execute(f"SELECT {_HEADER} FROM documents ORDER BY id")]

    def count(self) -> int:
        with self.snapshot() as connection:
            return int(connection.execute("SELECT count(*) FROM documents").fetchone()[0])

    def read_setting(self, key: str) -> str:
        """A value kept beside the manifest under a name of the caller's; empty when there is none."""
        with self.snapshot() as connection:
            row = connection.execute("SELECT value FROM manifest WHERE key = ?", (f"setting.{key}",)).fetchone()
        return "" if row is None else str(row[0])

    def write_setting(self, key: str, value: str) -> None:
        """Keep a value; inside a transaction it takes effect with the rest."""
        with self.transaction(), _mendable():
            self._writer.execute("INSERT OR REPLACE INTO manifest VALUES (?, ?)", (f"setting.{key}", value))

    # --- inside ------------------------------------------------------------------------------------------------------

    def _refresh(self, connection: sqlite3.Connection) -> None:
        """Read vectors and words again if they are of another state than the connection's."""
        own = self._owner == threading.get_ident()
        generation = int(connection.execute("SELECT value FROM manifest WHERE key = 'generation'").fetchone()[0])
        if generation == self._generation and not own:
            return
        rows = connection.execute("SELECT id, vector FROM chunks ORDER BY id").fetchall()
        vectors = np.frombuffer(b"".join(row[1] for row in rows), "<f4").astype(np.float32)
        self._dense = DenseIndex([row[0] for row in rows], vectors.reshape(len(rows), -1) if rows else vectors)
        names: set[str] = set()
        others: set[str] = set()
        for (entries,) in connection.execute("SELECT words FROM documents"):
            some_names, some_others = json.loads(entries)
            names.update(some_names)
            others.update(some_others)
        # a name is what every document writes with a capital
        self._vocabulary = Words((word, word not in others) for word in sorted(names | others))
        self._generation = -1 if own else generation


def _check_folder(folder: Path) -> None:
    try:
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder} is a file, expected a folder for the index; name another place")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / FILE_NAME).exists():
            raise StoreError(f"{folder} holds other files and no index; name an empty or a new folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder {folder} cannot be used ({error.strerror}); name another place, with RAG_HOME or --index"
        ) from error


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
