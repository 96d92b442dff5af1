"""Two indexes searched as one find what one index of all documents finds."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from examples.memory_index import MemoryEngine
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


@pytest.mark.parametrize(
    "question", ["heron", "Which gannet nests far from the puffin?", "island 3", "the heron dunlin"]
)
def test_lexical_search_is_that_of_one_index(indexes: tuple[Index, Index], question: str) -> None:
    joined, whole = indexes
    found, wanted = joined.search(question, None, 50), whole.search(question, None, 50)
    assert [(p.chunk.id, p.score) for p in found] == [(p.chunk.id, pytest.approx(p.score)) for p in wanted]


@pytest.mark.parametrize("counting", [True, False])
def test_what_only_an_upload_tells_is_found(counting: bool) -> None:
    """In an upload of one passage no word is rare; in the corpus, here one that tells no counts, it would be."""
    shared = Index(open_index(None, {}).engine if counting else MemoryEngine())
    own = open_index(None, {})
    for number in range(8):
        put(shared, f"{number}.txt", number)
    text = "Kowalska sells bread on island 9."
    chunk = Chunk("own/k.txt#0", "own/k.txt", 0, len(text), text, "", ())
    own.add(Document("own/k.txt", "", text, "own/k.txt"), [chunk], unit(9)[None])
    question = "What does Kowalska tell of the heron, the stork and the gannet?"
    found = Index(JoinedEngine(shared.engine, own.engine)).search(question, None, 3)
    assert "own/k.txt#0" in [p.chunk.id for p in found]


def test_it_is_changed_while_it_is_asked(tmp_path: Path) -> None:
    shared, own = open_index(tmp_path / "index", {}), open_index(None, {})
    put(shared, "0.txt", 0)
    put(own, "own/1.txt", 1)
    joined = Index(JoinedEngine(shared.engine, own.engine))
    found: list[int] = []
    asking = threading.Thread(target=lambda: found.append(len(joined.search("nests", unit(1), 9))), daemon=True)

    def change() -> None:
        with joined.transaction():
            asking.start()
            asking.join(0.3)  # it holds what it reads of the corpus, and waits for the part in memory
            put(joined, "own/2.txt", 2)

    changing = threading.Thread(target=change, daemon=True)
    changing.start()
    changing.join(20)
    asking.join(20)
    assert found == [3]
    assert not changing.is_alive()
    joined.close()


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
