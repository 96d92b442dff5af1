"""Two indexes searched as one find what one index of all documents finds."""

from __future__ import annotations

import numpy as np
import pytest

from rag.index import Index, JoinedEngine, open_index
from rag.index.contract import Vectors
from rag.types import Chunk, Document

WORDS = ["heron", "stork", "gannet", "puffin", "eider", "plover", "dunlin", "curlew"]


def put(index: Index, name: str, number: int) -> None:
    text = f"The {WORDS[number]} nests on island {number}, far from the {WORDS[(number + 3) % 8]}."
    document = Document(name, WORDS[number], text, name, "en", None, f"hash{number}")
    chunk = Chunk(f"{name}#0", name, 0, len(text), text, document.title, ((0, len(text)),))
    index.add(document, [chunk], unit(number)[None])


def unit(seed: int) -> Vectors:
    vector = np.random.default_rng(seed).normal(size=8).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def indexes() -> tuple[Index, Index]:
    shared, own, whole = (open_index(None, {"made": "for tests"}) for _ in range(3))
    for number in range(8):
        name = f"{'own/' if number % 3 == 0 else ''}{number}.txt"
        put(own if number % 3 == 0 else shared, name, number)
        put(whole, name, number)
    return Index(JoinedEngine(shared.engine, own.engine)), whole


@pytest.mark.parametrize("k", [1, 3, 8, 50])
def test_dense_search_is_that_of_one_index(indexes: tuple[Index, Index], k: int) -> None:
    joined, whole = indexes
    found, wanted = joined.search(None, unit(99), k), whole.search(None, unit(99), k)
    assert [p.chunk.id for p in found] == [p.chunk.id for p in wanted]
    assert [p.rank for p in found] == list(range(1, len(found) + 1))


def test_fused_search_puts_the_named_bird_first(indexes: tuple[Index, Index]) -> None:
    joined, _ = indexes
    for number, word in enumerate(WORDS):
        assert joined.search(f"Where does the {word} nest?", unit(number), 3)[0].chunk.title == word


def test_nothing_matches_and_reading_by_id(indexes: tuple[Index, Index]) -> None:
    joined, whole = indexes
    assert joined.search("xyzzy", None, 5) == []
    assert joined.headers() == whole.headers()
    assert list(joined.documents()) == list(whole.documents())
    assert joined.count() == 8
    assert joined.document("own/3.txt") == whole.document("own/3.txt")
    assert joined.get("1.txt#0") == whole.get("1.txt#0")
    with pytest.raises(KeyError):
        joined.document("none.txt")


def test_a_change_goes_where_the_document_lies(indexes: tuple[Index, Index]) -> None:
    joined, _ = indexes
    assert joined.remove("1.txt") is True
    put(joined, "own/new.txt", 1)
    assert [header.id for header in joined.headers() if header.title == WORDS[1]] == ["own/new.txt"]
