"""The engine of many machines: Milvus, for collections that no longer fit on one, or that several write."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from rag.errors import StoreError
from rag.index.contract import Ranking, Vectors, best
from rag.index.milvus_rows import (
    LITE,
    PIECE,
    PLACEHOLDER,
    TITLE,
    WINDOW,
    WORD,
    Row,
    Rows,
    any_of,
    bm25,
    connect,
    counted,
    key_of,
    packed,
    packed_chunk,
    parts,
    passages,
    records,
    tokens,
    vocabulary,
)
from rag.index.milvus_words import MilvusVocabulary, word_id
from rag.index.spelling import names_and_words
from rag.language.text import MIN_NAME, sound_key
from rag.types import Chunk, Document, Header

FORMAT = "1"
_TOGETHER = 20_000  # heads that are written in one message, and so become visible together
_LITE = threading.RLock()  # Milvus Lite wants the writes of a process one after the other


class MilvusEngine:
    """An Engine in three collections of a Milvus. Safe to use from several threads and processes.

    A document or setting is its *head*, a small row; what it holds (passages, pieces of text) are rows that carry the
    head's stamp, and only what carries the stamp of a head is found. So a change writes new rows under a new stamp,
    which nobody sees, then the heads, then removes what the old stamps had.

    What it promises: a document is seen whole, in its old form or its new one. Inside `transaction` the own thread
    sees its changes; after an error nothing of them is seen. A process that is killed before the heads are written has
    changed nothing; what it left takes room until `sweep`.

    What it does not:

    - No transaction over entities: the heads of up to 20,000 documents go out in one message, which Milvus makes
      visible together in practice and does not promise to. A change of more may be seen in parts.
    - No `snapshot`: each read sees the newest state, a search that of a moment ago where another process wrote it.
    - Writers do not wait for each other, but for the threads of one engine. Of two that change the same document or
      setting at once, the last one's stands.
    - How rare a word is, Milvus counts over all documents, or over a segment of them (Lite); removed passages count
      until it compacts. Until then, too, what was removed lies in its files.
    - Spelling: a word counts as no name as long as any passage holds it, once it was written small; it is forgotten
      when no passage holds its stem. Where one writer removes a word's last document while another adds one, its other
      spellings may be forgotten too early.
    - Of a title it keeps 1,000 characters, and a word counts by its first 200 letters: fields are no longer.
    - Milvus Lite (a folder): one process at a time.
    """

    def __init__(self, client: Any, uri: str, name: str) -> None:
        """client: from `milvus_rows.connect`; uri: as errors name it; name: what the collections' names begin with."""
        self._client = client
        self._passages, self._records, self._words = (
            Rows(client, uri, f"{name}_{kind}") for kind in ("passages", "records", "words")
        )
        self._fields_of_passages = partial(passages, uri)
        self._writing = _LITE if uri.endswith(LITE) else threading.RLock()
        self._changes: _Changes | None = None
        self._owner: int | None = None  # thread inside a transaction
        self._dimension: int | None = None

    @classmethod
    def open(cls, uri: str, manifest: Mapping[str, str], name: str = "rag") -> MilvusEngine:
        """Open an index in a Milvus, or make a new one there.

        Parameters
        ----------
        uri : str
            `http://host:19530`, or the path of a Milvus Lite, which ends in `.db`. A password or token is taken from
            RAG_MILVUS_TOKEN.
        manifest : Mapping[str, str]
            How the chunks and vectors are made (embedding model and hash, chunk settings).
        name : str
            What the names of its collections begin with: letters, figures and underscores. An index each.

        Raises
        ------
        StoreError
            Nothing answers, or the index was made in another way.
        """
        engine = cls(connect(uri), uri, name)
        try:
            engine._prepare(manifest, f"{name} at {uri}")
        except BaseException:
            engine.close()
            raise
        return engine

    def _prepare(self, manifest: Mapping[str, str], place: str) -> None:
        for rows, described in ((self._words, vocabulary), (self._records, records)):
            if rows.exist():
                rows.load()
            else:
                rows.create(*described())
        if self._passages.exist():
            self._passages.load()
        kept = self._text("manifest:")
        if kept is not None:
            self._check(json.loads(kept), {**manifest, "format": FORMAT}, place)
        elif manifest:  # who only looks whether there is something binds nobody
            with self.transaction():
                self._write("manifest", "", json.dumps({**manifest, "format": FORMAT}), "")

    @staticmethod
    def _check(found: Mapping[str, str], manifest: Mapping[str, str], place: str) -> None:
        for key, value in manifest.items():
            if found.get(key) != value:
                raise StoreError(
                    f"{place} was built with {key} = {found.get(key)!r}, asked for is {value!r}; "
                    "ask with the former, or name another --collection and index again"
                )

    # --- changing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._writing:
            if self._changes is not None:  # a transaction around this one
                yield
                return
            self._changes, self._owner = _Changes(), threading.get_ident()
            try:
                try:
                    yield
                    self._keep_words(self._changes.words)
                except BaseException:
                    with suppress(StoreError):  # Milvus may be what failed; nobody sees what is left
                        self._sweep(self._changes.stamps)
                    raise
                self._take_effect(self._changes)
            finally:
                self._changes = self._owner = None

    def _take_effect(self, changes: _Changes) -> None:
        """Write the heads, the one step that is seen; then remove what the old ones had."""
        old = self._records.holding("id", changes.heads, ["stamp"])
        gone = {"kind": "gone", "stamp": "", "value": "", **PLACEHOLDER}
        self._records.put([head or {"id": i} | gone for i, head in changes.heads.items()], _TOGETHER)
        for some in parts([i for i, head in changes.heads.items() if head is None], 1000):
            self._records.remove(f'{any_of("id", some)} and kind == "gone"')
        current = {head["stamp"] for head in changes.heads.values() if head}
        self._sweep((changes.stamps | {row["stamp"] for row in old}) - current)
        self._forget_words(changes.left)

    def _sweep(self, stamps: Collection[str]) -> None:
        """Remove what carries these stamps."""
        for some in parts(stamps, 1000):
            if self.dimension is not None:
                self._passages.remove(any_of("stamp", some))
            self._records.remove(f'{any_of("stamp", some)} and kind == "piece"')

    def sweep(self) -> int:
        """Remove what killed writers left, when no writer is at work. Returns how many changes had left something."""
        held = {row["stamp"] for row in self._records.all('kind == "piece"', ["stamp"])}
        if self.dimension is not None:
            held |= {row["stamp"] for row in self._passages.all("", ["stamp"])}
        left = held - {row["stamp"] for row in self._records.all('kind != "piece"', ["stamp"])}
        self._sweep(left)
        return len(left)

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        with self.transaction():
            self.remove(document.id)
            document = replace(document, title=document.title[:TITLE])
            kept = [
                replace(chunk, title=chunk.title[:TITLE], date=document.date, outlet=document.outlet)
                for chunk in chunks
            ]
            body = packed({"text": document.text, "pages": document.pages})
            stamp = self._write("document", document.id, body, packed(astuple(Header.of(document))))
            if chunks and self.dimension is None:
                self._passages.create(*self._fields_of_passages(vectors.shape[1]))
            self._passages.add(
                [
                    {"id": f"{stamp}:{number}", "chunk": key_of(chunk.id), "document": key_of(document.id),
                     "stamp": stamp, "name": chunk.id,
                     "value": packed_chunk(chunk), "words": counted(chunk.title, chunk.text),
                     "vector": vector.tolist()}
                    for number, (chunk, vector) in enumerate(zip(kept, vectors, strict=True))
                ]
            )  # fmt: skip
            self._own().words |= _entries(document)

    def remove(self, document_id: str) -> bool:
        with self.transaction():
            try:
                old = self.document(document_id)
            except KeyError:
                return False
            changes = self._own()
            changes.heads[_id("document", document_id)] = None
            changes.left |= {word for word, _ in _entries(old)}
            return True

    def write_setting(self, key: str, value: str) -> None:
        with self.transaction():
            self._write("setting", key, value, "")

    def _write(self, kind: str, name: str, body: str, value: str) -> str:
        """Write the pieces of a body, and note its head; returns their stamp."""
        stamp, changes = uuid.uuid4().hex, self._own()
        changes.stamps.add(stamp)
        pieces = [body[at : at + PIECE] for at in range(0, len(body), PIECE)] or [""]
        self._records.add(
            [
                {"id": f"{stamp}:{number:06}", "kind": "piece", "stamp": stamp, "value": piece, **PLACEHOLDER}
                for number, piece in enumerate(pieces)
            ]
        )
        head_id = _id(kind, name)
        changes.heads[head_id] = {"id": head_id, "kind": kind, "stamp": stamp, "value": value, **PLACEHOLDER}
        return stamp

    def _keep_words(self, entries: Collection[tuple[str, bool]]) -> None:
        """Add those words to the vocabulary that it lacks: most of a text's are there."""
        rows = {word_id(word, is_name): (word, is_name) for word, is_name in entries if len(word) <= WORD}
        there = {row["id"] for row in self._words.holding("id", rows, ["id"])}
        self._words.put(
            [
                {"id": i, "word": word, "initial": key_of(word[0]), "length": len(word),
                 "sound": key_of(sound_key(word)) if len(word) >= MIN_NAME else "", **PLACEHOLDER}
                for i, (word, _) in rows.items() if i not in there
            ]
        )  # fmt: skip

    def _forget_words(self, gone: Collection[str]) -> None:
        """Remove those words from the vocabulary whose stem no passage holds any more."""
        left = {word: token for word in gone for token in tokens([word])}
        while left and self.dimension is not None:
            asked = set(islice(left.values(), 400))
            held = self._passages.find(f"text_match(words, '{' '.join(sorted(asked))}')", ["words"], limit=256)
            done = {token for row in held for token in row["words"].split()} if held else asked
            if not held:
                gone = [word for word, token in left.items() if token in asked]
                self._words.remove(any_of("id", [word_id(word, kind) for word in gone for kind in (True, False)]))
            left = {word: token for word, token in left.items() if token not in done}

    def close(self) -> None:
        self._client.close()

    # --- asking ------------------------------------------------------------------------------------------------------

    def snapshot(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _own(self) -> _Changes:
        """The changes of the transaction that this thread is in; none outside."""
        own = self._changes if self._owner == threading.get_ident() else None
        return own or _Changes()

    @property
    def dimension(self) -> int | None:
        if self._dimension is None and self._passages.exist():
            self._dimension = self._passages.dimension()
        return self._dimension

    def dense(self, vector: Vectors, k: int, among: Collection[str] | None = None) -> Ranking:
        return self._best("vector", vector.tolist(), k, among, float)

    def lexical(self, terms: Sequence[str], k: int, among: Collection[str] | None = None) -> Ranking:
        return self._best("lexical", " ".join(tokens(terms)), k, among, bm25)

    def _best(
        self, by: str, asked: object, k: int, among: Collection[str] | None, score: Callable[[float], float]
    ) -> Ranking:
        """The k best passages that are seen; Milvus is asked for more until the last one's equals are among them."""
        if self.dimension is None or not asked or (among is not None and not among):
            return []
        condition = "" if among is None else any_of("document", map(key_of, sorted(among)))
        limit = k + 1
        while True:
            limit = min(limit, WINDOW)
            rows = self._passages.search(by, asked, limit, condition, ["name", "document", "stamp"])
            seen = self._seen(rows)
            found = best([(row["name"], score(row["score"])) for row in seen], len(seen))
            if len(rows) < limit or limit == WINDOW:
                return found[:k]
            if len(found) > k and round(found[-1][1], 6) < round(found[k - 1][1], 6):
                return found[:k]
            limit *= 4

    def _seen(self, rows: Sequence[Row]) -> list[Row]:
        """Those passages whose stamp is that of their document's head."""
        heads = self._heads({f"document:{row['document']}" for row in rows}, behind=True)
        stamps = {i: head["stamp"] for i, head in heads.items()}
        return [row for row in rows if stamps.get(f"document:{row['document']}") == row["stamp"]]

    def _heads(self, ids: Collection[str], behind: bool = False) -> dict[str, Row]:
        """Heads by id, as the own transaction has them."""
        rows = self._records.holding("id", ids, ["id", "kind", "stamp", "value"], behind)
        own = self._own().heads
        found = {row["id"]: row for row in rows} | {i: own[i] for i in ids if i in own}
        return {i: head for i, head in found.items() if head and head["kind"] != "gone"}

    def _held(self, head_id: str) -> tuple[Row, str] | None:
        """A head, and what its pieces hold; None when there is no such head."""
        for _ in range(3):  # a writer may replace it in between
            head = self._heads([head_id]).get(head_id)
            if head is None:
                return None
            if body := self._body(head["stamp"]):
                return head, "".join(body)
        raise StoreError(f"{self._records.name} lacks what {head_id} holds; index the articles again")

    def _body(self, stamp: str) -> list[str]:
        """The pieces under a stamp, in order."""
        pieces = self._records.find(f'stamp == "{stamp}" and kind == "piece"', ["id", "value"])
        return [row["value"] for row in sorted(pieces, key=lambda row: row["id"])]

    def _text(self, head_id: str) -> str | None:
        held = self._held(head_id)
        return None if held is None else held[1]

    def vocabulary(self) -> MilvusVocabulary:
        return MilvusVocabulary(self._words)

    def chunks(self, ids: Iterable[str]) -> dict[str, Chunk]:
        if self.dimension is None:
            return {}
        keys = {key_of(i) for i in ids}
        rows = self._passages.holding("chunk", keys, ["name", "document", "stamp", "value"], behind=True)
        found = {row["name"]: self._chunk(row) for row in self._seen(rows)}
        return {name: chunk for name, chunk in found.items() if chunk is not None}

    def _chunk(self, row: Row) -> Chunk | None:
        """The chunk of a passage; None where a writer has just removed the text that it is to be taken from."""
        kept = json.loads(row["value"])
        if kept["text"] is None:
            body = self._body(row["stamp"])
            if not body:
                return None
            kept["text"] = json.loads("".join(body))["text"][kept["start"] : kept["end"]]
        return Chunk(**kept | {"sentences": tuple((start, end) for start, end in kept["sentences"])})

    def document(self, document_id: str) -> Document:
        held = self._held(_id("document", document_id))
        if held is None:
            raise KeyError(document_id)
        head, kept = held[0], json.loads(held[1])
        i, title, source, language, date, content_hash, outlet, _ = json.loads(head["value"])
        document = Document(i, title, kept["text"], source, language, date, content_hash, outlet)
        return replace(document, pages=tuple(kept["pages"]))

    def headers(self) -> list[Header]:
        own = self._own().heads
        kept = [row for row in self._records.all('kind == "document"', ["id", "value"]) if row["id"] not in own]
        kept += [head for head in own.values() if head and head["kind"] == "document"]
        return sorted((Header(*json.loads(row["value"])) for row in kept), key=lambda header: header.id)

    def count(self) -> int:
        return len(self.headers()) if self._own().heads else self._records.count('kind == "document"')

    def read_setting(self, key: str) -> str:
        return self._text(_id("setting", key)) or ""


@dataclass
class _Changes:
    """What a transaction has changed so far."""

    heads: dict[str, Row | None] = field(default_factory=dict)  # by id; None: removed
    stamps: set[str] = field(default_factory=set)  # under which something was written
    words: set[tuple[str, bool]] = field(default_factory=set)  # of new documents, with whether each is a name
    left: set[str] = field(default_factory=set)  # words of documents that are gone


def _id(kind: str, name: str) -> str:
    return f"{kind}:{key_of(name) if name else ''}"


def _entries(document: Document) -> set[tuple[str, bool]]:
    return set(names_and_words(f"{document.title}\n{document.text}").items())
