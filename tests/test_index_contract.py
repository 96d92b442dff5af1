"""What every Index does, whichever way it is searched and wherever it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import DIMENSION, add, make_bot, make_document, vector_of
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from examples.memory_index import MemoryEngine
from rag.errors import RagError
from rag.index import Engine, Index, JoinedEngine, SqliteEngine, open_index
from rag.index.fusion import near_duplicates, reciprocal_rank_fusion
from rag.index.milvus import MilvusEngine
from rag.language.sentences import sentences
from rag.types import Chunk, Header, ScoredChunk

Search = Callable[..., list[ScoredChunk]]


class ScatteredEngine(JoinedEngine):
    """Two parts, to which documents go in turn: what is found in both must read as one."""

    def part_of(self, document_id: str) -> Engine:
        return self._parts[sum(document_id.encode()) % 2]


def milvus(folder: Path) -> Engine:
    pytest.importorskip("milvus_lite", reason="the extra `milvus` is not installed")
    return MilvusEngine.open(str(folder / "milvus.db"), {"embedding": "fake"})


ENGINES: dict[str, Callable[[Path], Engine]] = {
    "folder": lambda folder: SqliteEngine.open(folder / "index", {"embedding": "fake"}),
    "memory": lambda folder: SqliteEngine.open(None, {"embedding": "fake"}),
    "example": lambda folder: MemoryEngine(),
    "joined": lambda folder: JoinedEngine(MemoryEngine(), SqliteEngine.open(folder / "own", {})),
    "scattered": lambda folder: ScatteredEngine(SqliteEngine.open(None, {}), SqliteEngine.open(folder / "own", {})),
    "milvus": milvus,
}


@pytest.fixture(params=ENGINES)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    opened = Index(ENGINES[request.param](tmp_path))
    yield opened
    opened.close()


@pytest.fixture(params=["dense", "lexical", "hybrid"])
def search(request: pytest.FixtureRequest) -> Search:
    def run(index: Index, question: str, k: int = 5, candidates: int = 50) -> list[ScoredChunk]:
        text = None if request.param == "dense" else question
        vector = None if request.param == "lexical" else vector_of(question)
        return index.search(text, vector, k, candidates)

    run.mode = request.param  # type: ignore[attr-defined]
    return run


def fill(index: Index) -> None:
    add(index, make_document("bread.txt", "The baker sells bread in the morning."))
    add(index, make_document("ships.txt", "Sailors repaired three ships near the harbour."))
    add(index, make_document("stars.txt", "Astronomers counted stars over Chile."))


def ids(found: list[ScoredChunk]) -> list[str]:
    return [one.chunk.document_id for one in found]


def test_an_empty_index_finds_nothing(index: Index, search: Search) -> None:
    assert search(index, "bread") == []
    assert list(index.documents()) == []


def test_only_chosen_documents_are_found_and_listed(index: Index, search: Search) -> None:
    fill(index)
    add(index, make_document("bread2.txt", "The baker sells bread and bread again."))
    chosen = index.only({"bread.txt", "stars.txt"})
    assert ids(search(chosen, "baker bread", k=1)) == ["bread.txt"]
    assert set(ids(search(chosen, "baker bread ships stars", k=9))) == {"bread.txt", "stars.txt"}
    assert [header.id for header in chosen.headers()] == ["bread.txt", "stars.txt"]
    assert search(index.only(()), "bread") == []


def test_the_best_comes_first(index: Index, search: Search) -> None:
    fill(index)
    for question, best in (("baker bread", "bread.txt"), ("ships harbour", "ships.txt"), ("stars Chile", "stars.txt")):
        assert ids(search(index, question))[0] == best


def test_ranks_count_from_one_and_scores_fall(index: Index, search: Search) -> None:
    fill(index)
    found = search(index, "bread ships stars")
    assert [one.rank for one in found] == [1, 2, 3]
    scores = [round(one.score, 6) for one in found]  # equal from there on
    assert scores == sorted(scores, reverse=True)


def test_scores_of_each_stage_are_told(index: Index, search: Search) -> None:
    fill(index)
    best = search(index, "ships harbour sailors")[0]
    expected = {"dense": {"dense"}, "lexical": {"lexical"}, "hybrid": {"dense", "lexical", "fused"}}
    assert set(best.scores) == expected[search.mode]  # type: ignore[attr-defined]
    assert best.score == best.scores["fused" if search.mode == "hybrid" else search.mode]  # type: ignore[attr-defined]


def test_dense_scores_are_cosines(index: Index) -> None:
    fill(index)
    found = index.search(None, vector_of("ships.txt\nSailors repaired three ships near the harbour."), 1)
    assert found[0].score == pytest.approx(1.0, abs=1e-5)


def test_lexical_search_finds_nothing_where_no_word_matches(index: Index) -> None:
    fill(index)
    assert index.search("zebra", None, 5) == []
    assert index.search("", None, 5) == []
    assert index.search("🙂 ?!", None, 5) == []
    assert index.search(None, None, 5) == []


def test_hybrid_search_without_a_word_in_common_is_dense(index: Index) -> None:
    fill(index)
    vector = vector_of("ships")
    assert ids(index.search("zebra", vector, 5)) == ids(index.search(None, vector, 5))


def test_more_may_be_asked_for_than_there_is(index: Index, search: Search) -> None:
    fill(index)
    assert sorted(ids(search(index, "bread ships stars", 1000))) == ["bread.txt", "ships.txt", "stars.txt"]


def test_k_cuts(index: Index, search: Search) -> None:
    fill(index)
    everything = search(index, "bread ships stars", 3)
    assert search(index, "bread ships stars", 2) == everything[:2]
    assert search(index, "bread ships stars", 0) == []
    assert search(index, "bread ships stars", -1) == []


@pytest.mark.parametrize("reverse", [False, True])
def test_ties_break_by_chunk_id(index: Index, search: Search, reverse: bool) -> None:
    names = [f"{i:02}.txt" for i in range(40)]
    for i, name in enumerate(sorted(names, reverse=reverse)):
        # The same words in another order: the same scores, and no run of four words in common.
        words = ["harbour", "lighthouse", "ferries", "anchors", "sailors", "bridges"]
        order = np.random.default_rng(i).permutation(len(words))
        add(index, make_document(name, " ".join(words[j] for j in order) + ".", title="same"))
    for k in (1, 7, 40):
        found = search(index, "harbour lighthouse ferries", k, 1)
        kept = [one.chunk.id for one in found]
        assert kept == sorted(kept)
        assert kept[0].startswith("00.txt")


def test_adding_a_document_again_replaces_it(index: Index, search: Search) -> None:
    fill(index)
    new = make_document("bread.txt", "Penguins live in Antarctica.")
    chunks = add(index, new)
    assert index.document("bread.txt") == new
    assert len(list(index.documents())) == 3
    assert search(index, "penguins Antarctica")[0].chunk == chunks[0]
    assert index.search("baker", None, 5) == []
    assert all("baker" not in one.chunk.text for one in search(index, "baker bread morning", 10))


def test_a_removed_document_is_gone(index: Index, search: Search) -> None:
    fill(index)
    [chunk] = [one.chunk for one in search(index, "ships harbour sailors", 1)]
    assert index.remove("ships.txt") is True
    assert index.remove("ships.txt") is False
    assert "ships.txt" not in ids(search(index, "ships harbour sailors", 10))
    assert index.search("ships", None, 5) == []
    assert index.search("shipz sailorz", None, 5) == []  # its words are no spellings any more
    with pytest.raises(KeyError):
        index.get(chunk.id)
    with pytest.raises(KeyError):
        index.document("ships.txt")


def test_removing_all_leaves_an_empty_index(index: Index, search: Search) -> None:
    fill(index)
    for document in list(index.documents()):
        index.remove(document.id)
    assert search(index, "bread ships stars") == []
    fill(index)
    assert len(search(index, "bread ships stars")) == 3


def test_what_is_fetched_is_what_was_added(index: Index) -> None:
    text = "\ufeffÁlvaro López 🙂 spoke.\r\n\r\n  “Yes”, he said.\x00 End…"
    document = replace(
        make_document("odd/ñ #1.txt", text, title="Títle"), date="2024-07", outlet="Prensa Láser", pages=(0, 17)
    )
    chunks = add(index, document)
    assert index.document(document.id) == document
    assert [index.get(chunk.id) for chunk in chunks] == chunks
    assert {(chunk.date, chunk.outlet) for chunk in chunks} == {("2024-07", "Prensa Láser")}
    assert list(index.documents()) == [document]
    assert index.headers() == [
        Header(document.id, "Títle", document.source, "en", "2024-07", document.content_hash, "Prensa Láser", len(text))
    ]


def test_headers_and_count_tell_what_there_is(index: Index) -> None:
    assert (index.headers(), index.count()) == ([], 0)
    fill(index)
    assert [header.id for header in index.headers()] == ["bread.txt", "ships.txt", "stars.txt"]
    assert [header.characters for header in index.headers()] == [37, 46, 37]
    assert index.count() == 3


def test_a_query_vector_of_another_model_is_refused(index: Index) -> None:
    fill(index)
    with pytest.raises(RagError, match=rf"shape \(3,\), the index holds vectors of {DIMENSION} numbers; ask with"):
        index.search(None, np.ones(3, np.float32), 5)


def test_a_bot_asks_it_adds_to_it_and_removes_from_it(index: Index, tmp_path: Path) -> None:
    bot = make_bot(index=index)
    (tmp_path / "ships.txt").write_text("Sailors repaired three ships near the harbour.", encoding="utf-8")
    assert bot.add(tmp_path / "ships.txt").added == 1
    assert bot.ask("Who repaired three ships?").citations[0].quote == "Sailors repaired three ships near the harbour."
    bot.remove("ships.txt")
    assert bot.ask("Who repaired three ships?").abstained
    assert bot.sync([tmp_path / "ships.txt"], restore=False).added == 0  # it stays away, as any engine remembers


@pytest.mark.parametrize("missing", ["", "none.txt", "bread.txt#0-5", "' OR 1=1 --"])
def test_unknown_ids_are_key_errors(index: Index, missing: str) -> None:
    fill(index)
    with pytest.raises(KeyError):
        index.get(missing)
    with pytest.raises(KeyError):
        index.document(missing)


def test_documents_come_ordered_by_id(index: Index) -> None:
    for name in ("c.txt", "a.txt", "b/z.txt", "b.txt"):
        add(index, make_document(name, f"Text of {name}."))
    assert [document.id for document in index.documents()] == ["a.txt", "b.txt", "b/z.txt", "c.txt"]


def test_a_transaction_takes_effect_as_a_whole(index: Index, search: Search) -> None:
    fill(index)
    with index.transaction():
        index.remove("bread.txt")
        add(index, make_document("new.txt", "Penguins live in Antarctica."))
        assert ids(search(index, "penguins Antarctica", 1)) == ["new.txt"]  # its own thread sees it at once
    assert ids(search(index, "penguins Antarctica", 1)) == ["new.txt"]
    assert [document.id for document in index.documents()] == ["new.txt", "ships.txt", "stars.txt"]


def test_after_an_error_nothing_of_a_transaction_remains(index: Index, search: Search) -> None:
    fill(index)
    index.write_setting("kept", "before")
    before = list(index.documents()), search(index, "bread ships stars")
    with pytest.raises(ZeroDivisionError), index.transaction():  # noqa: PT012
        index.remove("bread.txt")
        with index.transaction():
            add(index, make_document("new.txt", "Penguins live in Antarctica."))
        index.write_setting("kept", "after")
        assert ids(search(index, "penguins Antarctica", 1)) == ["new.txt"]
        raise ZeroDivisionError
    assert (list(index.documents()), search(index, "bread ships stars")) == before
    assert index.read_setting("kept") == "before"
    assert index.search("penguins", None, 5) == []
    add(index, make_document("later.txt", "Bridges cross rivers."))  # and it goes on working
    assert ids(search(index, "bridges rivers", 1)) == ["later.txt"]


def test_settings_are_kept_under_their_names(index: Index) -> None:
    assert index.read_setting("a") == ""
    index.write_setting("a", "1")
    index.write_setting("a", "2")
    assert index.read_setting("a") == "2"


def test_what_cannot_be_added_is_refused_and_changes_nothing(index: Index) -> None:
    fill(index)
    document = make_document("x.txt", "Some text.")
    chunk = Chunk("x.txt#0-4", "x.txt", 0, 4, "Some", "x", ((0, 4),))
    vector = vector_of("x")[None, :]
    with pytest.raises(ValueError, match="2 vectors for 1 chunks"):
        index.add(document, [chunk], np.concatenate([vector, vector]))
    with pytest.raises(ValueError, match=r"is not the text of document x.txt at that place"):
        index.add(document, [Chunk("x.txt#0-4", "x.txt", 1, 5, "Some", "x", ((1, 5),))], vector)
    with pytest.raises(ValueError, match=rf"the vectors have the shape \(1, 3\), expected \(n_chunks, {DIMENSION}\)"):
        index.add(document, [chunk], np.ones((1, 3), np.float32))
    assert [document.id for document in index.documents()] == ["bread.txt", "ships.txt", "stars.txt"]


def test_a_document_without_chunks_is_kept(index: Index, search: Search) -> None:
    document = make_document("frame.txt", "* * *")
    assert add(index, document) == []
    assert list(index.documents()) == [document]
    assert search(index, "comments closed") == []


SHARED = (
    "According to the agency, the head of the department met the naval attaché of the embassy in Minsk last Thursday."
)


def test_near_identical_passages_come_once_with_the_others_named(index: Index, search: Search) -> None:
    first = add(index, make_document("a.txt", SHARED, title="same"))
    second = add(index, make_document("b.txt", SHARED.replace("naval attaché", "attaché"), title="same"))
    add(index, make_document("c.txt", "The attaché of the embassy likes tea.", title="same"))
    found = search(index, "attaché embassy Minsk Thursday agency")
    assert len(found) == 2
    assert {found[0].chunk.id, *found[0].duplicates} == {first[0].id, second[0].id}
    assert [one.rank for one in found] == [1, 2]
    assert found[1].duplicates == ()


def test_what_lies_behind_many_copies_is_found(index: Index, search: Search) -> None:
    wire = "The harbour of Orlovka was opened on Sunday by the engineer Marta Lind and the town was glad."
    others = (
        "Marta Lind studied in Riga.",
        "Orlovka paid for it with a loan.",
        "Critics call the harbour too shallow.",
    )
    with index.transaction():
        for i in range(12):
            add(index, make_document(f"a{i:02}.txt", wire, title="same"))
        for i, text in enumerate(others):
            add(index, make_document(f"b{i}.txt", text, title="same"))
    found = search(index, "Marta Lind harbour Orlovka", k=4, candidates=5)
    assert [len(one.duplicates) for one in found] == [11, 0, 0, 0]
    assert set(ids(found)[1:]) == {"b0.txt", "b1.txt", "b2.txt"}
    assert search(index, "Marta Lind harbour Orlovka", k=9, candidates=5) == found  # there is no more


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("Jrenin", "Khrenin"),
        ("Khrenin", "Jrenin"),
        ("Patrushev", "Pátrushev"),
        ("Patrouchev", "Patrushev"),
        ("Lopez", "López"),
        ("LÓPEZ", "Lopez"),
        ("bielorussia", "Belarus"),
        ("Strasse", "Straße"),
        ("Finanzamt", "ﬁnanzamt"),
        ("Николай", "Николай"),
        ("Алёна", "Алена"),
        ("서울", "서울"),
        ("Łódź", "łódz"),
    ],
)
def test_names_spelled_differently_meet(index: Index, asked: str, written: str) -> None:
    add(index, make_document("a.txt", f"Yesterday {written} spoke to them."))
    add(index, make_document("b.txt", "Astronomers counted stars."))
    assert ids(index.search(f"what about {asked}", None, 5)) == ["a.txt"]


def test_both_spellings_of_a_name_are_found(index: Index) -> None:
    add(index, make_document("a.txt", "Yesterday Khrenin spoke in the town hall."))
    add(index, make_document("b.txt", "Later Jrenin left by plane for Havana."))
    for asked in ("Khrenin", "Jrenin", "Hrenin"):
        assert sorted(ids(index.search(asked, None, 5))) == ["a.txt", "b.txt"]


def test_without_spelling_only_the_written_form_is_found() -> None:
    index = open_index(None, {}, spelling=False)
    add(index, make_document("a.txt", "Yesterday Khrenin spoke."))
    assert index.search("Jrenin", None, 5) == []
    assert ids(index.search("khrenin", None, 5)) == ["a.txt"]


@pytest.fixture(scope="module")
def filled() -> Index:
    index = open_index(None, {})
    fill(index)
    return index


@examples(max_examples=200)
@given(question=st.text() | st.text("\"'*^:()-+ANDORNEAR{}½ﷺ’").map(lambda text: f"bread {text} ships"))
def test_any_text_may_be_asked(filled: Index, question: str) -> None:
    assert len(filled.search(question, vector_of(question), 5)) == 3


def test_reciprocal_rank_fusion_by_hand() -> None:
    fused = reciprocal_rank_fusion([["a", "b"], ["b", "c", "a"]], k=60)
    assert fused == pytest.approx({"a": 1 / 61 + 1 / 63, "b": 1 / 62 + 1 / 61, "c": 1 / 62})
    assert reciprocal_rank_fusion([]) == {}


def chunk(document_id: str, start: int, text: str) -> Chunk:
    return Chunk(f"{document_id}#{start}", document_id, start, start + len(text), text, "", ())


def test_chunks_of_one_document_are_no_duplicates_of_each_other() -> None:
    text = "one two three four five six seven"
    assert near_duplicates([chunk("a", 0, text), chunk("a", 9, text), chunk("b", 0, text)]) == {
        "a#0": ["b#0"],
        "a#9": [],
    }


def test_duplicates_share_three_fifths_of_their_runs_of_four_words() -> None:
    earlier = chunk("a", 0, "one two three four five six seven eight nine")
    # Five runs of four words: three, then two of them in the earlier chunk.
    assert near_duplicates([earlier, chunk("b", 0, "one two three four five six x y")]) == {"a#0": ["b#0"]}
    assert near_duplicates([earlier, chunk("b", 0, "one two three four five x y z")]) == {"a#0": [], "b#0": []}


WIRE = (
    "{stamp}A fire broke out on Monday night in the old harbour of Odesa after an explosion in a warehouse. "
    "It {killed} people and wounded dozens of others. Rescue teams from three regions searched the ruins until morning."
)


@pytest.mark.parametrize(
    ("earlier", "later", "copies"),
    [
        ({"killed": "killed 12"}, {"killed": "killed 12"}, 1),
        ({"killed": "killed 12"}, {"killed": "killed 41"}, 0),
        ({"killed": "killed 12", "stamp": "Updated 10:35\n"}, {"killed": "killed 12", "stamp": "Updated 18:20\n"}, 1),
    ],
)
def test_a_story_with_another_figure_is_no_copy_but_one_with_another_time_is(
    earlier: dict[str, str], later: dict[str, str], copies: int
) -> None:
    texts = {name: WIRE.format(**{"stamp": "", **told}) for name, told in (("a", earlier), ("b", later))}
    made = [replace(chunk(name, 0, text), sentences=tuple(sentences(text))) for name, text in texts.items()]
    assert len(near_duplicates(made)["a#0"]) == copies
