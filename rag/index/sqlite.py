"""The engine of one machine: one SQLite file, in which a change costs what it changes.

SQLite gives what an index must have and is hard to write: one atomic step from the old index to the new, whatever
is killed when, many readers beside one writer, and deletion. Words and vectors lie in it as lists of blocks
(`postings`, `vectors`), so that a reader reads what a question needs and holds nothing that a change makes old.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import apsw
import numpy as np

from rag.errors import StoreError
from rag.index import postings, vectors
from rag.index.contract import Counts, Ranking, Vectors, best
from rag.index.database import BUSY_SECONDS, FILE_NAME, all_rows, connect, create, damaged, first_row, mendable, prepare
from rag.index.postings import POSTING, Postings
from rag.index.spelling import names_and_words
from rag.index.vectors import EXACT, VectorLists, code_type
from rag.language.text import MIN_NAME, sound_key, words
from rag.types import Chunk, Document, Header

# `words` of a document: [names, other words, what else its passages hold], folded. `words` the table: in how many
# documents a word occurs, and in how many of them not as a name.
_SCHEMA = f"""
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, source TEXT NOT NULL, language TEXT NOT NULL, date TEXT,
    content_hash TEXT NOT NULL, outlet TEXT, characters INTEGER NOT NULL, pages TEXT NOT NULL, words TEXT NOT NULL,
    text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, title TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, sentences TEXT NOT NULL, length INTEGER NOT NULL,
    list INTEGER NOT NULL, vector BLOB NOT NULL, text TEXT NOT NULL);
CREATE INDEX chunks_document ON chunks(document_id);
CREATE TABLE words (
    word TEXT PRIMARY KEY, documents INTEGER NOT NULL, others INTEGER NOT NULL, sound TEXT) WITHOUT ROWID;
CREATE INDEX words_sound ON words(sound) WHERE sound IS NOT NULL;
{postings.SCHEMA}
{vectors.SCHEMA}
INSERT INTO manifest VALUES ('passages', '0'), ('tokens', '0');
"""
_HEADER = "id, title, source, language, date, content_hash, outlet, characters"


class SqliteEngine:
    """An Engine in a folder, or in memory. Safe to use from several threads and processes.

    In a folder, other threads go on reading the last complete state while one thread changes the index; a thread
    inside `transaction` sees its own changes.
    """

    def __init__(self, writer: apsw.Connection, reader: apsw.Connection, exact: int = EXACT) -> None:
        """writer and reader: two connections to one prepared database, or the same one twice (in memory)."""
        self._writer = writer
        self._reader = reader
        self._writing = threading.RLock()
        self._reading = self._writing if reader is writer else threading.RLock()
        self._owner: int | None = None  # thread inside a transaction
        self._depth = 0
        self._removed = False  # within the transaction
        self._postings = Postings()
        self._written, self._read = VectorLists(exact), VectorLists(exact)  # of either connection
        self._words: Counter[tuple[str, bool]] = Counter()  # (word, is a name) of new documents
        self._totals = [0, 0]  # passages and words that are new, less those that are gone

    @classmethod
    def open(cls, folder: Path | None, manifest: Mapping[str, str], exact: int = EXACT) -> SqliteEngine:
        """Open the index in a folder, or make a new one there; None makes one in memory.

        Parameters
        ----------
        folder : Path or None
        manifest : Mapping[str, str]
            How the chunks and vectors are made (embedding model and hash, chunk settings).
        exact : int
            Vectors up to which dense search is exact.

        Raises
        ------
        StoreError
            The folder holds something else, a damaged index, or one made in another way.
        """
        if folder is None:
            connection = connect(None)
            create(connection, _SCHEMA, manifest)
            return cls(connection, connection, exact)
        writer, reader = prepare(folder / FILE_NAME, _SCHEMA, manifest)
        return cls(writer, reader, exact)

    # --- changing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._writing:
            if self._depth == 0:
                with mendable():
                    self._writer.execute("BEGIN IMMEDIATE")
                self._owner, self._removed = threading.get_ident(), False
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    with mendable():
                        self._finish()
            except BaseException:
                if self._depth == 1:
                    self._forget()
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._owner = None

    def _finish(self) -> None:
        self._flush()
        passages, _ = self._sizes(self._writer)
        self._written.arrange(self._writer, passages)
        self._writer.execute("COMMIT")
        if self._removed and self._writer is not self._reader:
            # What is deleted must be gone from the log, too. The change itself stands, whatever comes: where readers
            # are in the way, or the disk is full, the next such change or the last one to close does it.
            self._writer.set_busy_timeout(0)
            with suppress(apsw.Error):
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._writer.set_busy_timeout(int(BUSY_SECONDS * 1000))

    def _flush(self) -> None:
        """Write what waits: words and vectors of many documents go into their lists at once."""
        self._postings.flush(self._writer)
        self._written.flush(self._writer)
        self._writer.executemany(
            "INSERT INTO words VALUES (?1, ?2, ?3, ?4) ON CONFLICT (word) DO UPDATE SET "
            "documents = documents + excluded.documents, others = others + excluded.others",
            [
                (word, count, 0 if is_name else count, sound_key(word) if len(word) >= MIN_NAME else None)
                for (word, is_name), count in self._words.items()
            ],
        )
        self._writer.executemany(
            "UPDATE manifest SET value = value + ? WHERE key = ?",
            list(zip(self._totals, ("passages", "tokens"), strict=True)),
        )
        self._forget()

    def _forget(self) -> None:
        self._postings.forget()
        self._written.forget()
        self._words.clear()
        self._totals = [0, 0]

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        exact = np.ascontiguousarray(vectors, "<f4")
        with self.transaction(), mendable():
            self.remove(document.id)
            entries = names_and_words(document.title + "\n" + document.text)
            kinds: list[list[str]] = [
                [w for w, is_name in entries.items() if is_name is kind] for kind in (True, False)
            ]
            texts = [(words(chunk.title), words(chunk.text)) for chunk in chunks]
            kinds.append(sorted({word for pair in texts for part in pair for word in part} - entries.keys()))
            self._words.update(entries.items())
            self._writer.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (document.id, document.title, document.source, document.language, document.date,
                 document.content_hash, document.outlet, len(document.text), json.dumps(document.pages),
                 json.dumps(kinds, ensure_ascii=False), document.text),
            )  # fmt: skip
            first = first_row(self._writer, "SELECT coalesce(max(key), 0) + 1 FROM chunks")[0]
            keys = range(first, first + len(chunks))
            lists = self._written.add(self._writer, keys, exact)
            for key, name, chunk, vector, (in_title, in_text) in zip(keys, lists, chunks, exact, texts, strict=True):
                length = self._postings.add(key, in_title, in_text)
                self._totals = [self._totals[0] + 1, self._totals[1] + length]
                self._writer.execute(
                    "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (key, chunk.id, document.id, chunk.title, chunk.start, chunk.end,
                     json.dumps(chunk.sentences), length, name, vector.tobytes(), chunk.text),
                )  # fmt: skip
            if self._postings.full:
                self._flush()

    def remove(self, document_id: str) -> bool:
        with self.transaction(), mendable():
            found = first_row(self._writer, "SELECT words FROM documents WHERE id = ?", (document_id,))
            if found is None:
                return False
            self._flush()
            names, others, rest = json.loads(found[0])
            held = all_rows(
                self._writer,
                "SELECT key, list, length, length(vector) / 4 FROM chunks WHERE document_id = ?",
                (document_id,),
            )
            if held:
                keys, lists, lengths, dimensions = zip(*held, strict=True)
                Postings.remove(self._writer, [*names, *others, *rest], keys)
                VectorLists.remove(self._writer, lists, keys, dimensions[0])
                self._totals = [-len(keys), -sum(lengths)]
            self._writer.executemany(
                "UPDATE words SET documents = documents - 1, others = others - ? WHERE word = ?",
                [(0, word) for word in names] + [(1, word) for word in others],
            )
            self._writer.execute(
                "DELETE FROM words WHERE documents = 0 AND word IN (SELECT value FROM json_each(?))",
                (json.dumps([*names, *others]),),
            )
            self._writer.execute("DELETE FROM documents WHERE id = ?", (document_id,))
            self._removed = True
            return True

    def write_setting(self, key: str, value: str) -> None:
        with self.transaction(), mendable():
            self._writer.execute("INSERT OR REPLACE INTO manifest VALUES (?, ?)", (f"setting.{key}", value))

    def close(self) -> None:
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    # --- asking ------------------------------------------------------------------------------------------------------

    @contextmanager
    def snapshot(self) -> Iterator[apsw.Connection]:
        if self._own():
            # Without the readers' lock: who has that may wait for the writer of an engine joined to this one.
            with mendable():
                yield self._writer
            return
        with self._reading, mendable():
            if self._reader.in_transaction:  # a snapshot around this one
                yield self._reader
            else:
                self._reader.execute("BEGIN")
                try:
                    yield self._reader
                finally:
                    if self._reader.in_transaction:
                        self._reader.execute("ROLLBACK")  # nothing was written

    @contextmanager
    def _searched(self) -> Iterator[apsw.Connection]:
        """A snapshot in which what waits to be written is there."""
        with self.snapshot() as connection:
            if self._own():
                self._flush()
            yield connection

    def _own(self) -> bool:
        return self._owner == threading.get_ident()

    @staticmethod
    def _sizes(connection: apsw.Connection) -> tuple[int, int]:
        """How many passages there are, and words in them."""
        found = dict(all_rows(connection, "SELECT key, value FROM manifest WHERE key IN ('passages', 'tokens')"))
        return int(found["passages"]), int(found["tokens"])

    @property
    def dimension(self) -> int | None:
        with self.snapshot() as connection:
            found = first_row(connection, "SELECT length(vector) / 4 FROM chunks LIMIT 1")
        return None if found is None else int(found[0])

    def dense(self, vector: Vectors, k: int, among: Collection[str] | None = None) -> Ranking:
        with self._searched() as connection:
            lists = self._written if connection is self._writer else self._read
            found = lists.search(connection, vector, k, _keys(connection, among))
        return best(found, k)

    def counts(self, terms: Sequence[str]) -> Counts:
        with self._searched() as connection:
            return Counts(*self._sizes(connection), Postings.holding(connection, terms))

    def lexical(
        self, terms: Sequence[str], k: int, among: Collection[str] | None = None, counts: Counts | None = None
    ) -> Ranking:
        with self._searched() as connection:
            counts = counts or Counts(*self._sizes(connection), {})
            found = Postings.search(connection, terms, k, counts, _keys(connection, among))
            ids = dict(
                all_rows(
                    connection,
                    "SELECT key, id FROM chunks WHERE key IN (SELECT value FROM json_each(?))",
                    (json.dumps([key for key, _ in found]),),
                )
            )
        return best([(ids[key], score) for key, score in found], k)

    def vocabulary(self) -> _Vocabulary:
        return _Vocabulary(self._searched)

    def chunks(self, ids: Iterable[str]) -> dict[str, Chunk]:
        with self.snapshot() as connection:
            found = all_rows(
                connection,
                "SELECT c.id, c.document_id, c.start, c.end, c.text, c.title, c.sentences, d.date, d.outlet "
                "FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            )
        return {
            i: Chunk(i, document, start, end, text, title, tuple((a, b) for a, b in json.loads(places)), date, outlet)
            for i, document, start, end, text, title, places, date, outlet in found
        }

    def document(self, document_id: str) -> Document:
        with self.snapshot() as connection:
            found = first_row(
                connection,
                "SELECT id, title, text, source, language, date, content_hash, outlet, pages FROM documents "
                "WHERE id = ?",
                (document_id,),
            )
        if found is None:
            raise KeyError(document_id)
        return replace(Document(*found[:8]), pages=tuple(json.loads(found[8])))

    def headers(self) -> list[Header]:
        with self.snapshot() as connection:
            return [Header(*fields) for fields in all_rows(connection, f"SELECT {_HEADER} FROM documents ORDER BY id")]

    def count(self) -> int:
        with self.snapshot() as connection:
            return int(first_row(connection, "SELECT count(*) FROM documents")[0])

    def read_setting(self, key: str) -> str:
        with self.snapshot() as connection:
            found = first_row(connection, "SELECT value FROM manifest WHERE key = ?", (f"setting.{key}",))
        return "" if found is None else str(found[0])

    def verify(self) -> None:
        """Read every page, and compare words and vectors with the passages.

        Raises
        ------
        StoreError
            Something is damaged or missing.
        """
        with self._searched() as connection:
            problem = first_row(connection, "PRAGMA integrity_check(1)")[0]
            if problem != "ok":
                raise StoreError(damaged("the index", problem))
            held = [key for (key,) in connection.execute("SELECT key FROM chunks ORDER BY key")]
            coded = [
                key
                for (data,) in connection.execute("SELECT data FROM codes")
                for key in np.frombuffer(data, code_type(self.dimension or 0))["key"].tolist()
            ]
            worded: set[int] = set()
            for (data,) in connection.execute("SELECT data FROM postings"):
                worded.update(np.frombuffer(data, POSTING)["key"].tolist())
            if sorted(coded) != held or not worded <= set(held) or self._sizes(connection)[0] != len(held):
                raise StoreError(damaged("the index", "its words or vectors are of other passages"))


class _Vocabulary:
    """The words of the documents, looked up when they are asked for."""

    def __init__(self, searched: Callable[[], AbstractContextManager[apsw.Connection]]) -> None:
        self._searched = searched

    def is_name(self, word: str) -> bool | None:
        found = self._ask("SELECT others = 0 FROM words WHERE word = ?", word)
        return bool(found[0]) if found else None

    def sounding(self, key: str) -> list[str]:
        return self._ask("SELECT word FROM words WHERE sound = ?", key)

    def resembling(self, word: str) -> list[str]:
        return self._ask(
            "SELECT word FROM words WHERE word >= ? AND word < ? AND abs(length(word) - ?) <= 2",
            word[0], chr(ord(word[0]) + 1), len(word),
        )  # fmt: skip

    def _ask(self, query: str, *values: object) -> list[str]:
        with self._searched() as connection:
            return [row[0] for row in all_rows(connection, query, values)]


def _keys(connection: apsw.Connection, among: Collection[str] | None) -> list[int] | None:
    """Keys of the passages of these documents; None for all."""
    if among is None:
        return None
    query = "SELECT key FROM chunks WHERE document_id IN (SELECT value FROM json_each(?))"
    return [key for (key,) in all_rows(connection, query, (json.dumps(sorted(among)),))]
