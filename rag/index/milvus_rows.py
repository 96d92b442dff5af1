"""Milvus, as far as an engine needs it: a connection, three collections, and rows that go in and come out."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeAlias

from rag.errors import StoreError
from rag.index.postings import K1, TITLE_WEIGHT, B
from rag.language.text import stems, words
from rag.types import Chunk

Row: TypeAlias = dict[str, Any]

LITE = ".db"  # how the path of a Milvus Lite ends
TOKEN = "RAG_MILVUS_TOKEN"
PIECE = 16_000  # characters of a value: at most 64,000 bytes of the 65,535 that a field takes
WINDOW = 16_384  # rows that Milvus gives to one search at most
TITLE = 1_000  # characters of a title that are kept
WORD = 200  # letters of a word that count
_LONGEST = 65_535  # bytes
_UNREACHED = (1, 2)  # codes that pymilvus itself gives, beside gRPC's, which are no numbers; others are the server's
_KEYS = 5_000  # keys in one condition
_ROWS = 500  # rows of one message; Milvus takes 64 MB
_TEXT_WEIGHT = round(1 / TITLE_WEIGHT)  # how often a word of the text stands in `words`, for one of the title


def key_of(text: str) -> str:
    """A text as a key: 32 characters that need no quoting in a condition and fit every field."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def any_of(field: str, keys: Iterable[str]) -> str:
    """The condition that a field holds one of some keys, which need no quoting."""
    return f"{field} in {json.dumps(list(keys))}"


def parts(items: Collection[Any], size: int) -> Iterator[list[Any]]:
    """The items, so many at a time."""
    listed = list(items)
    return (listed[at : at + size] for at in range(0, len(listed), size))


def connect(uri: str) -> Any:
    """A client of the Milvus at an address, or of the Milvus Lite in a file.

    Raises
    ------
    StoreError
        The library is missing, or nothing answers there.
    """
    try:
        from pymilvus import MilvusClient
    except ModuleNotFoundError as error:
        raise StoreError(f"{error.name} is missing; install the extra: pip install -e '.[milvus]'") from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)  # it logs a traceback of each error that it raises
    logging.getLogger("milvus_lite").setLevel(logging.CRITICAL + 1)
    with mendable(uri):
        return MilvusClient(uri, token=os.environ.get(TOKEN, ""))


@contextmanager
def mendable(uri: str) -> Iterator[None]:
    """Say what a person can do about an error of Milvus', where it could not be reached."""
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except MilvusException as error:
        if isinstance(error.code, int) and error.code not in _UNREACHED:
            advice = "it answers, and does not take this: its version may be another than this program's tests know"
        elif uri.endswith(LITE):
            advice = (
                "this is Milvus Lite: its folder must exist, and one process at a time opens it; several want a server"
            )
        else:
            advice = f"is it running, and is {TOKEN} set where it asks for a password?"
        raise StoreError(f"Milvus at {uri} refused ({error.message or type(error).__name__}); {advice}") from error


class Rows:
    """The rows of one collection, each a dict by field. What was written before is read, but where `behind` is said."""

    def __init__(self, client: Any, uri: str, name: str) -> None:
        """client: from `connect`; uri: as errors name it."""
        self._client = client
        self._uri = uri
        self.name = name

    def exist(self) -> bool:
        """Whether the collection is there."""
        with mendable(self._uri):
            return bool(self._client.has_collection(self.name))

    def create(self, fields: Any, indexes: Any) -> None:
        """Make the collection, in one shard: what one message writes becomes visible together."""
        with mendable(self._uri):
            self._client.create_collection(self.name, schema=fields, num_shards=1, consistency_level="Strong")
            self._client.create_index(self.name, indexes, sync=False)  # there is nothing yet to wait for
            self._client.load_collection(self.name)

    def load(self) -> None:
        """Make the collection ready to be asked."""
        with mendable(self._uri):
            self._client.load_collection(self.name)

    def dimension(self) -> int:
        """Numbers of a vector."""
        with mendable(self._uri):
            fields = self._client.describe_collection(self.name)["fields"]
        return next(int(field["params"]["dim"]) for field in fields if field["name"] == "vector")

    def add(self, rows: Collection[Row]) -> None:
        """Add rows whose ids are new."""
        with mendable(self._uri):
            for some in parts(rows, _ROWS):
                self._client.insert(self.name, some)

    def put(self, rows: Collection[Row], together: int = _ROWS) -> None:
        """Add rows, or replace those of the same id, so many in one message."""
        with mendable(self._uri):
            for some in parts(rows, together):
                self._client.upsert(self.name, some)

    def remove(self, condition: str) -> None:
        """Remove the rows of a condition."""
        with mendable(self._uri):
            self._client.delete(self.name, filter=condition)

    def find(self, condition: str, fields: Sequence[str], behind: bool = False, limit: int | None = None) -> list[Row]:
        """The rows of a condition. behind: without waiting for what others have just written."""
        more = {"limit": limit} if limit else {}
        if behind:
            more["consistency_level"] = "Session"  # type: ignore[assignment]
        with mendable(self._uri):
            return list(self._client.query(self.name, filter=condition, output_fields=list(fields), **more))

    def holding(self, field: str, keys: Collection[str], fields: Sequence[str], behind: bool = False) -> list[Row]:
        """The rows whose field is one of the keys, however many these are."""
        found = [self.find(any_of(field, some), fields, behind) for some in parts(keys, _KEYS)]
        return [row for rows in found for row in rows]

    def all(self, condition: str, fields: Sequence[str]) -> Iterator[Row]:
        """The rows of a condition, however many there are."""
        with mendable(self._uri):
            batches = self._client.query_iterator(
                self.name, batch_size=1000, filter=condition, output_fields=list(fields)
            )
            try:
                while found := batches.next():
                    yield from found
            finally:
                batches.close()

    def count(self, condition: str) -> int:
        """How many rows a condition has."""
        return int(self.find(condition, ["count(*)"])[0]["count(*)"])

    def search(self, field: str, asked: object, limit: int, condition: str, fields: Sequence[str]) -> list[Row]:
        """The best rows by a vector or by words, each with the score as `score`, the best first."""
        looked_at = {} if isinstance(asked, str) else {"params": {"ef": 4 * limit}}  # nodes of the graph
        with mendable(self._uri):
            [hits] = self._client.search(
                self.name, [asked], anns_field=field, limit=limit, filter=condition, output_fields=list(fields),
                search_params=looked_at, consistency_level="Session",
            )  # fmt: skip
        return [{**hit["entity"], "score": float(hit["distance"])} for hit in hits]


def passages(uri: str, dimension: int) -> tuple[Any, Any]:
    """Fields and indexes of the collection of passages; their words are the project's, Milvus only parts them."""
    from pymilvus import DataType, Function, FunctionType

    # Lite has no tokenizer that parts at spaces alone; its standard one keeps tokens of letters, figures and _ whole.
    tokenizer = "standard" if uri.endswith(LITE) else "whitespace"
    fields, indexes = _described(["chunk", "document", "stamp"])
    fields.add_field("name", DataType.VARCHAR, max_length=_LONGEST)
    fields.add_field("value", DataType.VARCHAR, max_length=_LONGEST, mmap_enabled=True)
    fields.add_field(
        "words", DataType.VARCHAR, max_length=_LONGEST, enable_analyzer=True, enable_match=True,
        analyzer_params={"tokenizer": tokenizer}, mmap_enabled=True,
    )  # fmt: skip
    fields.add_field("lexical", DataType.SPARSE_FLOAT_VECTOR)
    fields.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    fields.add_function(Function("bm25", FunctionType.BM25, ["words"], ["lexical"]))
    # By name, since AUTOINDEX is another one with each release; params nested as pymilvus' older interface sends them:
    # Lite reads them nowhere else.
    graph = {"params": {"M": 16, "efConstruction": 200}}
    indexes.add_index("vector", index_type="HNSW", metric_type="COSINE", params=graph)
    # Counts are those of the engine in one file times _TEXT_WEIGHT; so is K1, and each passage scores as there.
    weights = {"params": {"bm25_k1": K1 * _TEXT_WEIGHT, "bm25_b": B}}
    indexes.add_index("lexical", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=weights)
    return fields, indexes


def records() -> tuple[Any, Any]:
    """Fields and indexes of the collection of heads (of documents and settings), and of the pieces of their bodies."""
    from pymilvus import DataType

    fields, indexes = _described(["kind", "stamp"])
    fields.add_field("value", DataType.VARCHAR, max_length=_LONGEST, mmap_enabled=True)
    return _with_placeholder(fields, indexes)


def vocabulary() -> tuple[Any, Any]:
    """Fields and indexes of the collection of words."""
    from pymilvus import DataType

    fields, indexes = _described(["sound", "initial"])
    fields.add_field("word", DataType.VARCHAR, max_length=_LONGEST)
    fields.add_field("length", DataType.INT64)
    return _with_placeholder(fields, indexes)


PLACEHOLDER = {"vector": [1.0, 0.0]}


def _described(keys: Sequence[str]) -> tuple[Any, Any]:
    """A schema with an id and some keys that are looked up, and its indexes."""
    from pymilvus import DataType, MilvusClient

    fields, indexes = MilvusClient.create_schema(auto_id=False), MilvusClient.prepare_index_params()
    fields.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    for key in keys:
        fields.add_field(key, DataType.VARCHAR, max_length=64)
        indexes.add_index(key, index_type="INVERTED")
    return fields, indexes


def _with_placeholder(fields: Any, indexes: Any) -> tuple[Any, Any]:
    """Milvus takes no collection without a vector."""
    from pymilvus import DataType

    fields.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    indexes.add_index("vector", index_type="FLAT", metric_type="L2")
    return fields, indexes


def _fits(value: str) -> bool:
    """Whether a field takes a value."""
    return len(value.encode("utf-8", "surrogatepass")) <= _LONGEST


def packed(value: object) -> str:
    """A value of plain lists and dicts as text."""
    return json.dumps(value, ensure_ascii=False)


def packed_chunk(chunk: Chunk) -> str:
    """A chunk as a field takes it: where its text is too long, without (null), as the document's pieces hold it too."""
    kept = asdict(chunk)
    whole = packed(kept)
    return whole if _fits(whole) else packed(kept | {"text": None})


def tokens(folded: Iterable[str]) -> list[str]:
    """The stems of folded words, each a token that every analyzer leaves whole."""
    return [re.sub(r"\W", "_", stem)[:WORD] for stem in stems(folded) if stem]


def counted(title: str, text: str) -> str:
    """What Milvus counts of a passage: tokens between spaces, the title's with TITLE_WEIGHT; what a field takes."""
    found = " ".join([*tokens(words(title)), *(tokens(words(text)) * _TEXT_WEIGHT)])
    return found if _fits(found) else found.encode()[:_LONGEST].rpartition(b" ")[0].decode()


def bm25(distance: float) -> float:
    """The score that the engine in one file gives, of what Milvus tells; Lite tells it below zero."""
    return abs(distance) * (K1 + 1) / (K1 * _TEXT_WEIGHT + 1)
