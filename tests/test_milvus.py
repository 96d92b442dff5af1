"""What the Milvus engine promises beyond the contract: several writers, killed ones, deletion, being found again."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import add, fake_parts, make_document, vector_of
from typer.testing import CliRunner

pytest.importorskip("milvus_lite", reason="the extra `milvus` is not installed")

import grpc
from milvus_lite.server_manager import server_manager_instance
from pymilvus.exceptions import MilvusException

from rag.cli import app
from rag.errors import StoreError
from rag.index import Index, SqliteEngine, open_index
from rag.index.milvus import MilvusEngine
from rag.index.milvus_rows import PIECE, Rows, connect, mendable

MANIFEST = {"embedding": "fake"}


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path / "milvus.db")
    server_manager_instance.release_all()


def opened(uri: str) -> Index:
    return Index(MilvusEngine.open(uri, MANIFEST))


def rows(uri: str) -> list[str]:
    """Every row of an index's collections, as text."""
    client = connect(uri)
    fields = {"passages": ["name", "value", "words"], "records": ["value"], "words": ["word"]}
    return [str(row) for kind, names in fields.items() for row in Rows(client, uri, f"rag_{kind}").all("", names)]


def test_what_was_written_is_there_when_it_is_opened_again(uri: str) -> None:
    first = opened(uri)
    add(first, make_document("bread.txt", "The baker sells bread."))
    first.write_setting("kept", "yes")
    first.close()
    server_manager_instance.release_server(uri)
    again = opened(uri)
    assert [found.chunk.document_id for found in again.search("baker", vector_of("baker"), 5)] == ["bread.txt"]
    assert again.read_setting("kept") == "yes"
    assert again.search("bakre sels", None, 5)[0].chunk.document_id == "bread.txt"


def test_indexes_of_other_names_know_nothing_of_each_other(uri: str) -> None:
    add(opened(uri), make_document("bread.txt", "The baker sells bread."))
    assert MilvusEngine.open(uri, {"embedding": "other"}, "second").count() == 0


def test_an_index_made_in_another_way_is_refused(uri: str) -> None:
    MilvusEngine.open(uri, {}).close()  # binds nobody
    opened(uri).close()
    MilvusEngine.open(uri, {}).close()
    with pytest.raises(StoreError, match=r"was built with embedding = 'fake', asked for is 'other'; ask with"):
        MilvusEngine.open(uri, {"embedding": "other"})


def test_long_texts_and_settings_are_cut_and_joined(uri: str) -> None:
    index = opened(uri)
    document = make_document("long.txt", "Ein 🙂 Satz über Brot. " * (3 * PIECE // 20))
    add(index, document)
    index.write_setting("long", "é🙂" * PIECE)
    assert index.document("long.txt") == document
    assert index.read_setting("long") == "é🙂" * PIECE
    index.write_setting("long", "")
    assert index.read_setting("long") == ""


def test_what_is_longer_than_a_field_is_cut_or_read_from_the_text(uri: str) -> None:
    index = opened(uri)
    sequence = "acgt" * 18_000
    chunks = add(index, make_document("dna.txt", f"The sequence is {sequence} as published.", title="Genes"))
    assert max(len(chunk.text) for chunk in chunks) > 65_535
    assert [index.get(chunk.id) for chunk in chunks] == chunks
    for question in ("sequence", sequence):
        assert index.search(question, None, 1)[0].chunk == chunks[0]
    add(index, make_document("title.txt", "Bread again.", title="Über Brot " * 8_000))
    assert index.document("title.txt").title == ("Über Brot " * 100)
    assert index.search("again", None, 1)[0].chunk.title == ("Über Brot " * 100)
    assert index.remove("dna.txt") is True
    assert not [row for row in rows(uri) if "acgt" in row]


@pytest.mark.parametrize("reads", [1, 2])  # of the head, then of the pieces
def test_a_document_is_of_one_state(uri: str, monkeypatch: pytest.MonkeyPatch, reads: int) -> None:
    index = opened(uri)
    old, new = (replace(make_document("a.txt", f"Text of {year}."), date=year) for year in ("2001", "2024"))
    add(index, old)
    find, left = Rows.find, [1] * reads

    def then_replaced(held: Rows, *asked: Any, **more: Any) -> Any:
        """What is found; after so many reads of the records a writer replaces the document."""
        found = find(held, *asked, **more)
        if held.name == "rag_records" and left:
            left.pop()
            if not left:
                add(index, new)
        return found

    monkeypatch.setattr(Rows, "find", then_replaced)
    assert index.document("a.txt") in (old, new)


def test_lexical_scores_are_nearly_those_of_the_engine_in_one_file(uri: str) -> None:
    index, other = opened(uri), Index(SqliteEngine.open(None, {}))
    texts = ["The old baker of the town sells bread.", "Ships and ships lay near the harbour of ships."]
    texts += [f"On the evening of that day we counted star {i} in the sky." for i in range(60)]
    for one in (index, other):
        with one.transaction():
            for i, text in enumerate(texts):
                add(one, make_document(f"{i:02}.txt", text, title="Stars" if i else "Harbour"))
    for question in ("baker bread", "ships harbour"):
        mine, theirs = index.search(question, None, 2), other.search(question, None, 2)
        assert [one.chunk.id for one in mine] == [one.chunk.id for one in theirs]
        assert [one.score for one in mine] == pytest.approx([one.score for one in theirs], rel=0.03)


def test_of_a_removed_document_no_row_holds_anything(uri: str) -> None:
    index = opened(uri)
    add(index, make_document("bread.txt", "The baker sells bread in Gdansk."))
    add(index, make_document("ships.txt", "Sailors repaired ships in Gdansk."))
    index.remove("ships.txt")
    left = rows(uri)
    assert not [row for row in left if "sailor" in row.lower() or "ships" in row or "gone" in row]
    assert any("gdansk" in row for row in left)
    index.remove("bread.txt")
    assert [row for row in rows(uri) if "'id': 'manifest:'" not in row and "fake" not in row] == []


def test_others_see_a_change_when_it_is_whole(uri: str) -> None:
    writer, reader = opened(uri), opened(uri)
    add(writer, make_document("bread.txt", "The baker sells bread."))
    seen: list[tuple[list[str], int]] = []

    def look() -> None:
        seen.append(([one.chunk.text for one in reader.search("baker penguins", None, 5)], reader.count()))

    with writer.transaction():
        add(writer, make_document("bread.txt", "The baker feeds penguins."))
        add(writer, make_document("ice.txt", "Penguins swim."))
        look()
    look()
    assert seen[0] == (["The baker sells bread."], 1)
    assert sorted(seen[1][0]) == ["Penguins swim.", "The baker feeds penguins."]
    assert seen[1][1] == 2


def test_several_writers_lose_nothing_of_each_other(uri: str) -> None:
    indexes = [opened(uri) for _ in range(3)]

    def write(number: int) -> None:
        for i in range(5):
            add(indexes[number], make_document(f"{number}-{i}.txt", f"Writer {number} tells story {i} of penguins."))
            add(indexes[number], make_document("same.txt", f"Writer {number} was the last."))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert indexes[0].count() == 16
    assert (
        len(indexes[1].search("penguins", None, 50))
        + sum(len(one.duplicates) for one in indexes[1].search("penguins", None, 50))
        == 15
    )
    [last] = indexes[2].search("last", None, 50)
    assert indexes[0].document("same.txt").text == last.chunk.text
    assert MilvusEngine.open(uri, MANIFEST).sweep() == 0


KILLED = """
import os, sys
sys.path[:0] = ["tests"]
from fakes import add, make_document
from rag.index import Index
from rag.index.milvus import MilvusEngine
index = Index(MilvusEngine.open(sys.argv[1], {"embedding": "fake"}))
add(index, make_document("bread.txt", "The baker sells bread."))
with index.transaction():
    index.remove("bread.txt")
    add(index, make_document("ships.txt", "Sailors repaired ships."))
    os._exit(9)
"""


def test_a_killed_writer_has_changed_nothing(uri: str) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, uri], check=False).returncode == 9
    index = opened(uri)
    assert [header.id for header in index.headers()] == ["bread.txt"]
    assert index.search("sailors", None, 5) == []
    assert [one.chunk.document_id for one in index.search("sailors", vector_of("sailors ships"), 5)] == ["bread.txt"]
    engine = index.engine
    assert isinstance(engine, MilvusEngine)
    assert engine.sweep() == 1
    assert not [row for row in rows(uri) if "Sailors" in row]
    assert index.search("baker", None, 5)[0].chunk.document_id == "bread.txt"


def test_a_name_is_one_as_long_as_it_is_written_so(uri: str) -> None:
    index = opened(uri)
    add(index, make_document("a.txt", "Yesterday Baker spoke."))
    assert index.engine.vocabulary().is_name("baker") is True
    assert index.engine.vocabulary().is_name("butcher") is None
    add(index, make_document("b.txt", "A baker came."))
    assert index.engine.vocabulary().is_name("baker") is False


def test_where_nothing_answers_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"Milvus at http://127.0.0.1:1 refused .*is it running"):
        MilvusEngine.open("http://127.0.0.1:1", {})
    with pytest.raises(StoreError, match=r"its folder must exist"):
        MilvusEngine.open(str(tmp_path / "none" / "x.db"), {})


@pytest.mark.parametrize("place", ["http://127.0.0.1:1", "articles.db"])
def test_how_to_reach_it_is_told_where_it_was_not_reached(place: str) -> None:
    for code, told in ((1100, False), (2, True), (grpc.StatusCode.UNAVAILABLE, True)):
        with pytest.raises(StoreError, match=r"refused \(why\)") as raised, mendable(place):
            raise MilvusException(code, "why")
        assert ("it answers, and does not take this" not in str(raised.value)) is told


def test_more_equals_than_asked_for_come_in_the_order_of_their_ids(uri: str) -> None:
    index = opened(uri)
    with index.transaction():
        for i in reversed(range(30)):
            add(index, make_document(f"{i:02}.txt", "Bread.", title="same"))
    engine = index.engine
    best = [f"{i:02}.txt#0-6" for i in range(3)]
    assert [i for i, _ in engine.lexical(["bread"], 3)] == best
    assert engine.lexical([], 3) == []
    assert [i for i, _ in engine.dense(vector_of("same\nBread."), 3)] == best
    assert [i for i, _ in engine.dense(np.eye(64, dtype=np.float32)[7], 3, {"07.txt"})] == ["07.txt#0-6"]


def rag(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="rag", obj=fake_parts)
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_the_command_line_finds_it_again(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_HOME", str(tmp_path / "home"))
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "bread.txt").write_text("The baker Anna Kowalska sells rye bread in Gdansk.")
    assert "1 added" in rag("index", "--engine", "milvus", "--uri", uri, articles)
    assert (tmp_path / "home/own/engine.json").is_file()
    assert "sells rye bread in Gdansk" in rag("ask", "Who sells rye bread in Gdansk?")
    assert rag("documents").startswith("bread.txt\t")
    assert "1 unchanged" in rag("index", articles)  # the folder tells where
    assert open_index(tmp_path / "home/own", {}).count() == 1
    assert f"lies in {uri}; only one" in rag("verify", code=1)
    rag("remove", "bread.txt")
    assert rag("documents") == ""


def test_what_the_command_line_cannot_open_it_refuses(uri: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Bread.")
    folder = tmp_path / "index"
    assert "wants both --engine and --uri" in rag("index", "--engine", "milvus", tmp_path / "a.txt", code=1)
    wrong = ("index", "--index", folder, "--engine", "other", "--uri", uri, tmp_path / "a.txt")
    assert "no engine is called 'other'; expected milvus" in rag(*wrong, code=1)
    assert not folder.exists()
    rag("index", "--index", folder, tmp_path / "a.txt")
    assert "holds an index already" in rag(
        "index", "--index", folder, "--engine", "milvus", "--uri", uri, tmp_path / "a.txt", code=1
    )
    (tmp_path / "other").mkdir()
    (tmp_path / "other/engine.json").write_text('{"engine": "milvus"}')
    assert "expected a JSON object of engine, uri, collection" in rag(
        "ask", "--corpus", tmp_path / "other", "Who?", code=1
    )


def test_a_folder_names_no_index_that_does_not_fit(uri: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Bread.")
    folder = tmp_path / "index"
    MilvusEngine.open(uri, {"embedding": "other"}, "second").close()
    rag("index", "--index", folder, "--engine", "milvus", "--uri", uri, tmp_path / "a.txt")
    named = (folder / "engine.json").read_text()
    wrong = (
        "index",
        "--index",
        folder,
        "--engine",
        "milvus",
        "--uri",
        uri,
        "--collection",
        "second",
        tmp_path / "a.txt",
    )
    assert "was built with embedding = 'other'" in rag(*wrong, code=1)
    assert (folder / "engine.json").read_text() == named
