"""Exact search over 8-bit codes, and lists by nearness once there are many vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.index.contract import Vectors
from rag.index.sqlite import SqliteEngine
from rag.types import Chunk, Document

DIMENSION, DOCUMENTS, PASSAGES = 24, 60, 30


def rows(seed: int) -> Vectors:
    """(PASSAGES, DIMENSION) around 20 topics, which are the same for every seed."""
    topics = np.random.default_rng(99).normal(size=(20, DIMENSION))
    chance = np.random.default_rng(seed)
    made = topics[chance.integers(20, size=PASSAGES)] + 0.5 * chance.normal(size=(PASSAGES, DIMENSION))
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def put(engine: SqliteEngine, number: int) -> None:
    name = f"{number:03}"
    text = " ".join(f"word{number}" for _ in range(PASSAGES))
    chunks = [Chunk(f"{name}#{i:02}", name, 0, 4, "word", "", ((0, 4),)) for i in range(PASSAGES)]
    engine.add(Document(name, name, text, name), chunks, rows(number))


def nearest(held: dict[str, Vectors], query: Vectors, k: int) -> list[str]:
    scored = [
        (-round(float(row @ query), 6), f"{name}#{i:02}") for name, made in held.items() for i, row in enumerate(made)
    ]
    return [i for _, i in sorted(scored)[:k]]


@pytest.fixture
def held() -> dict[str, Vectors]:
    return {f"{number:03}": rows(number) for number in range(DOCUMENTS)}


def test_search_over_codes_is_exact(held: dict[str, Vectors]) -> None:
    engine = SqliteEngine.open(None, {})
    with engine.transaction():
        for number in range(DOCUMENTS):
            put(engine, number)
    for query in rows(1000):
        found = engine.dense(query, 10)
        assert [i for i, _ in found] == nearest(held, query, 10)
        assert found[0][1] == pytest.approx(float(max((made @ query).max() for made in held.values())), abs=1e-6)


def test_equal_vectors_come_in_the_order_of_their_ids_beyond_the_cutoff() -> None:
    engine = SqliteEngine.open(None, {})
    same = np.zeros((300, 4), np.float32)
    same[:, 1] = 1.0
    same[7] = [1, 0, 0, 0]
    chunks = [Chunk(f"a#{i:03}", "a", 0, 4, "word", "", ((0, 4),)) for i in range(300)]
    engine.add(Document("a", "a", "word", "a"), chunks[::-1], same[::-1])
    query = np.array([0, 1, 0, 0], np.float32)
    assert engine.dense(query, 3) == [("a#000", 1.0), ("a#001", 1.0), ("a#002", 1.0)]
    assert [i for i, _ in engine.dense(query, 299)] == [f"a#{i:03}" for i in range(300) if i != 7]
    assert engine.dense(query, 300)[-1] == ("a#007", 0.0)


def test_lists_find_nearly_all_and_follow_every_change(held: dict[str, Vectors], tmp_path: Path) -> None:
    engine = SqliteEngine.open(tmp_path / "index", {}, exact=1000)
    other = SqliteEngine.open(tmp_path / "index", {}, exact=1000)
    for number in range(DOCUMENTS):
        put(engine, number)  # one by one: the lists are made on the way, and filled after
    queries = rows(1000)

    def recall(asked: SqliteEngine) -> float:
        shares = [len({i for i, _ in asked.dense(query, 10)} & set(nearest(held, query, 10))) / 10 for query in queries]
        return float(np.mean(shares))

    assert recall(engine) >= 0.95
    assert recall(other) == recall(engine)  # a reader takes the lists up
    with engine.snapshot() as connection:
        sizes = [size for (size,) in connection.execute("SELECT count(*) FROM codes GROUP BY name")]
    assert len(sizes) > 10
    for number in range(0, DOCUMENTS, 2):
        engine.remove(f"{number:03}")
        del held[f"{number:03}"]
    assert recall(engine) >= 0.95
    assert all(int(i.split("#")[0]) % 2 for query in queries for i, _ in engine.dense(query, 50))
    engine.verify()
    engine.close()
    other.close()


def test_search_is_exact_again_once_few_are_left(held: dict[str, Vectors], tmp_path: Path) -> None:
    engine, other = (SqliteEngine.open(tmp_path / "index", {}, exact=300) for _ in range(2))

    def lists() -> int:
        with engine.snapshot() as connection:
            return len(connection.execute("SELECT name FROM lists").fetchall())

    with engine.transaction():
        for number in range(DOCUMENTS):
            put(engine, number)
    assert lists() > 10
    other.dense(rows(1000)[0], 5)  # it holds the lists' centres
    with engine.transaction():
        for number in range(10, DOCUMENTS):
            engine.remove(f"{number:03}")
            del held[f"{number:03}"]
    assert lists() == 0
    for asked in (engine, other):
        assert all([i for i, _ in asked.dense(query, 10)] == nearest(held, query, 10) for query in rows(1000))
    put(engine, 0)  # changed as an index that never had lists
    engine.verify()
    with engine.transaction():
        for number in range(DOCUMENTS):
            put(engine, number)
    assert lists() > 10
    for number in range(DOCUMENTS):
        engine.remove(f"{number:03}")
    assert (lists(), engine.dense(rows(1000)[0], 5)) == (0, [])
    engine.verify()
    engine.close()
    other.close()


def test_a_change_rewrites_little_of_a_large_index(tmp_path: Path) -> None:
    engine = SqliteEngine.open(tmp_path / "index", {})
    with engine.transaction():
        for number in range(DOCUMENTS):
            put(engine, number)
    with engine.snapshot() as connection:
        before = dict(connection.execute("SELECT name || ' ' || first, data FROM codes").fetchall())
    put(engine, DOCUMENTS)
    with engine.snapshot() as connection:
        after = dict(connection.execute("SELECT name || ' ' || first, data FROM codes").fetchall())
    assert len(before) == 8  # of 256 codes each
    assert sum(before.get(name) != data for name, data in after.items()) == 1
    engine.close()
