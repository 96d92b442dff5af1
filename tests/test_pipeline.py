"""Files to index and question to Answer, with models that are stand-ins."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import SEEDS, FakeEmbedder, fake_parts, make_bot, make_document

import rag
from rag.answering.citations import cite, is_exact, on_pages
from rag.asking import MAX_QUESTION, turns_of
from rag.config import Settings
from rag.corpus import keep_settings, kept_settings, making, manifest
from rag.errors import RagError, StoreError
from rag.index import open_index
from rag.language.detection import language_of
from rag.models.embedding import Vectors, load_embedder
from rag.models.encoding import SentenceTransformerEncoder
from rag.pipeline import Chatbot
from rag.places import corpus_index
from rag.present.records import answer_record
from rag.scope import Scope
from rag.types import Answer, Chunk, IndexReport, Turn

BREAD = "The baker Anna Kowalska sells rye bread in Gdansk. She opened her shop in 1994."
SHIPS = "Sailors repaired three ships near the harbour of Odesa. The work took a month."
STARS = "Astronomers counted stars over Chile. They used a new telescope."


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    (folder / "sub").mkdir(parents=True)
    (folder / "bread.txt").write_text(BREAD)
    (folder / "ships.md").write_text(SHIPS)
    (folder / "sub" / "stars.txt").write_text(STARS)
    return folder


@pytest.fixture
def bot(articles: Path) -> Chatbot:
    made = make_bot()
    made.add(articles)
    return made


def embedded(bot: Chatbot) -> list[str]:
    """Documents embedded since the last call."""
    embedder = bot.parts.embedder
    assert isinstance(embedder, FakeEmbedder)
    found = sorted({chunk_id.split("#")[0] for chunk_id in embedder.embedded})
    embedder.embedded.clear()
    return found


def ids(bot: Chatbot) -> list[str]:
    return [document.id for document in bot.documents()]


# --- keeping up with files -------------------------------------------------------------------------------------------


def test_a_folder_is_indexed_and_only_changes_are_embedded(articles: Path) -> None:
    bot = make_bot()
    assert bot.sync([articles]) == IndexReport(added=3)
    assert embedded(bot) == ["bread.txt", "ships.md", "sub/stars.txt"]
    assert bot.sync([articles]) == IndexReport(unchanged=3)
    assert embedded(bot) == []
    (articles / "ships.md").write_text(SHIPS + " All went well.")
    (articles / "new.txt").write_text("Penguins live in Antarctica.")
    (articles / "bread.txt").unlink()
    report = bot.sync([articles])
    assert report == IndexReport(added=1, updated=1, removed=1, unchanged=1)
    assert str(report) == "1 added, 1 updated, 1 removed, 1 unchanged"
    assert embedded(bot) == ["new.txt", "ships.md"]
    assert ids(bot) == ["new.txt", "ships.md", "sub/stars.txt"]
    assert bot.document("ships.md").text == SHIPS + " All went well."


def test_touching_a_file_changes_nothing(bot: Chatbot, articles: Path) -> None:
    os.utime(articles / "bread.txt", (1, 1))
    assert bot.add(articles) == IndexReport(unchanged=3)


def test_a_file_by_itself_can_be_added_and_takes_nothing_else_away(bot: Chatbot, tmp_path: Path) -> None:
    extra = tmp_path / "extra.txt"
    extra.write_text("Penguins live in Antarctica.")
    assert bot.add(extra) == IndexReport(added=1)
    assert ids(bot) == ["bread.txt", "extra.txt", "ships.md", "sub/stars.txt"]


def test_other_folders_stay(bot: Chatbot, articles: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "penguins.txt").write_text("Penguins live in Antarctica.")
    assert bot.add(other) == IndexReport(added=1)
    (articles / "bread.txt").unlink()
    assert bot.add(articles) == IndexReport(removed=1, unchanged=2)
    assert ids(bot) == ["penguins.txt", "ships.md", "sub/stars.txt"]


def test_files_of_one_name_in_two_folders_are_two_documents(bot: Chatbot, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "bread.txt").write_text("Penguins live in Antarctica.")
    assert bot.add(other).added == 1
    assert sorted(document.text for document in bot.documents()) == sorted(
        [BREAD, SHIPS, STARS, "Penguins live in Antarctica."]
    )


def test_unreadable_files_are_named_and_the_rest_goes_on(articles: Path) -> None:
    (articles / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (articles / "empty.txt").write_text("")
    (articles / "binary.txt").write_bytes(b"\x00\x01\x02")
    (articles / "big.txt").write_text("word " * 1000)
    bot = make_bot(settings=Settings(max_file_megabytes=0.004))
    report = bot.sync([articles])
    assert (report.added, report.updated, report.removed, report.unchanged) == (3, 0, 0, 0)
    reasons = {Path(path).name: reason for path, reason in report.failed}
    assert set(reasons) == {"broken.pdf", "empty.txt", "binary.txt", "big.txt"}
    assert "is empty" in reasons["empty.txt"]
    assert "is binary" in reasons["binary.txt"]
    assert "5,000 bytes: expected at most 4,000" in reasons["big.txt"]
    assert all(reason.startswith(name) for name, reason in reasons.items())
    assert str(report) == "3 added, 0 updated, 0 removed, 0 unchanged, 4 could not be read"


def test_a_file_that_was_too_large_is_read_when_it_may_be(articles: Path, tmp_path: Path) -> None:
    (articles / "big.txt").write_text("Penguins live in Antarctica. " * 200)
    index = tmp_path / "index"
    small = Settings(max_file_megabytes=0.004)
    assert make_bot(index, small).sync([articles]).added == 3
    assert make_bot(index).sync([articles]).added == 1
    bot = make_bot(index, small)
    assert (bot.sync([articles]).removed, len(bot.documents())) == (0, 4)  # what was read stays


def test_a_file_that_breaks_does_not_cost_what_was_read_before(bot: Chatbot, articles: Path) -> None:
    (articles / "bread.txt").write_bytes(b"\x00broken")
    report = bot.add(articles)
    assert (report.unchanged, report.removed, len(report.failed)) == (2, 0, 1)
    assert bot.document("bread.txt").text == BREAD


def test_an_error_while_indexing_leaves_the_index_as_it_was(bot: Chatbot, articles: Path) -> None:
    (articles / "bread.txt").unlink()
    (articles / "new.txt").write_text("Penguins live in Antarctica.")

    class FullEmbedder(FakeEmbedder):
        def embed_passages(self, chunks: Sequence[Chunk], progress: bool = False) -> Vectors:
            raise MemoryError

    with pytest.raises(MemoryError):
        Chatbot(fake_parts(embedder=FullEmbedder()), bot.index).add(articles)
    assert ids(bot) == ["bread.txt", "ships.md", "sub/stars.txt"]


def test_what_is_removed_by_hand_stays_away_until_it_changes(bot: Chatbot, articles: Path) -> None:
    bot.remove("bread.txt")
    assert ids(bot) == ["ships.md", "sub/stars.txt"]
    assert bot.sync([articles], restore=False) == IndexReport(unchanged=2)
    assert ids(bot) == ["ships.md", "sub/stars.txt"]
    (articles / "bread.txt").write_text(BREAD + " It is good.")
    assert bot.sync([articles], restore=False) == IndexReport(added=1, unchanged=2)
    assert ids(bot) == ["bread.txt", "ships.md", "sub/stars.txt"]


def test_what_is_removed_by_hand_comes_back_when_it_is_added_again(bot: Chatbot, articles: Path) -> None:
    bot.remove("bread.txt")
    assert bot.add(articles / "bread.txt") == IndexReport(added=1)
    assert ids(bot) == ["bread.txt", "ships.md", "sub/stars.txt"]


def test_removing_what_is_not_there_says_so(bot: Chatbot) -> None:
    with pytest.raises(RagError, match=r"no document is called 'none.txt'; `rag documents` lists them"):
        bot.remove("none.txt")


def test_a_path_that_does_not_exist_says_so(bot: Chatbot, tmp_path: Path) -> None:
    with pytest.raises(RagError, match="does not exist"):
        bot.add(tmp_path / "none")
    assert len(bot.documents()) == 3


def test_from_directory_keeps_its_index_between_processes(articles: Path, home: Path) -> None:
    first = Chatbot.from_directory(articles, parts=fake_parts())
    assert first.report == IndexReport(added=3)
    first.remove("ships.md")
    again = Chatbot.from_directory(articles, parts=fake_parts())
    assert again.report == IndexReport(unchanged=2)
    assert embedded(again) == []
    assert len(list(home.rglob("index.sqlite"))) == 1
    Chatbot.from_directory(articles, Settings(chunk_tokens=50), parts=fake_parts())
    assert len(list(home.rglob("index.sqlite"))) == 2


def test_from_documents_keeps_nothing_on_disk(home: Path) -> None:
    bot = Chatbot.from_documents([make_document("a", BREAD)], parts=fake_parts())
    assert bot.ask("Who sells rye bread in Gdansk?").citations[0].document_id == "a"
    assert not home.exists()


def test_a_bot_over_another_index_shares_its_parts(bot: Chatbot) -> None:
    other = bot.over()
    assert (other.parts, other.settings) == (bot.parts, bot.settings)
    assert other.documents() == []
    other.add_documents([make_document("a", "Penguins live in Antarctica.")])
    assert embedded(bot) == ["a", "bread.txt", "ships.md", "sub/stars.txt"]  # by the one embedder
    assert ids(bot) == ["bread.txt", "ships.md", "sub/stars.txt"]
    assert bot.over(other.index, Settings(read=2)).ask("Where do penguins live?").citations[0].document_id == "a"


@pytest.mark.models
def test_rag_ask_is_over_the_seeds() -> None:
    answer = rag.ask("Who proposed to support the Island's army with technical aid?")
    assert len(answer.passages) > 3
    assert {p.chunk.document_id for p in answer.passages} <= {path.name for path in SEEDS.iterdir()}


def test_chunks_that_the_embedder_would_cut_are_refused() -> None:
    with pytest.raises(RagError, match="chunk_tokens is 160, but the embedding model reads 128 tokens"):
        manifest(Settings(), FakeEmbedder(max_tokens=128))


def test_an_index_of_another_model_is_refused(tmp_path: Path) -> None:
    make_bot(tmp_path / "index").index.close()  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match=r"built with embedding = 'fake\|1', asked for is 'fake\|2'"):
        make_bot(tmp_path / "index", embedder=FakeEmbedder("fake|2"))


# --- answering -------------------------------------------------------------------------------------------------------


def check(bot: Chatbot, answer: Answer) -> None:
    """What holds for every answer."""
    for citation in answer.citations:
        document = bot.document(citation.document_id)
        assert document.text[citation.start : citation.end] == citation.quote != ""
        assert is_exact(citation, document)
        assert (citation.title, citation.date, citation.source) == (document.title, document.date, document.source)
    for number in range(1, len(answer.citations) + 1):
        assert f"[{number}]" in answer.text
    assert f"[{len(answer.citations) + 1}]" not in answer.text
    assert 0.0 <= answer.confidence <= 1.0
    assert [passage.rank for passage in answer.passages] == list(range(1, len(answer.passages) + 1))
    assert set(answer.documents) == {passage.chunk.document_id for passage in answer.passages}
    assert answer.seconds["total"] >= max(answer.seconds.values())
    assert json.loads(json.dumps(answer.to_dict(), allow_nan=False))["text"] == answer.text
    if answer.abstained:
        assert (answer.short_answer, answer.citations, answer.accounts) == ("", (), ())


SAID = "Anna sells rye bread in Gdansk. "


@pytest.mark.parametrize("rerank", [False, True])
@pytest.mark.parametrize(
    ("pages", "expected"), [((), None), ((0,), 1), ((0, 40), 1), ((0, 0, 40), 2), ((len(SAID),), None)]
)
def test_a_passage_tells_the_page_on_which_it_begins(
    rerank: bool, pages: tuple[int, ...], expected: int | None
) -> None:
    bot = make_bot(settings=Settings(rerank=rerank))
    bot.add_documents([replace(make_document("bread.pdf", SAID + "She opened her shop in 1994."), pages=pages)])
    for question in ("Who sells rye bread in Gdansk?", "How many people live in Reykjavik?"):
        answer = bot.ask(question)
        assert [passage.page for passage in answer.passages] == [expected]
        assert [passage.page for passage in bot.retrieve(question)] == [expected]
        assert [record["page"] for record in answer_record(answer)["passages"]] == [expected]


def test_a_passage_whose_article_is_changed_or_removed_meanwhile_tells_no_page() -> None:
    bot = make_bot()
    bot.add_documents([replace(make_document("bread.pdf", SAID), pages=(0,))])
    [found] = bot.retrieve("Who sells rye bread in Gdansk?")
    [placed] = on_pages([replace(found, page=None)], {"bread.pdf": make_document("bread.pdf", "Other.")}.__getitem__)
    assert placed.page is None
    assert on_pages([found], {}.__getitem__) == (found,)


def test_what_is_doubtful_is_told_as_such(articles: Path) -> None:
    bot = make_bot(settings=Settings(abstain_below=0.999, perhaps_from=0.5))
    bot.add(articles)
    answer = bot.ask("Who sells rye bread in Gdansk?")
    assert (answer.certainty, answer.abstained) == ("perhaps", True)
    assert answer.text == "The articles may say: The baker Anna Kowalska sells rye bread in Gdansk. [1]"
    assert answer.citations[0].quote == "The baker Anna Kowalska sells rye bread in Gdansk."
    assert bot.ask("How many people live in Reykjavik?").certainty == "not said"


def test_an_answer_is_cited_exactly(bot: Chatbot, articles: Path) -> None:
    answer = bot.ask("Who sells rye bread in Gdansk?")
    check(bot, answer)
    assert not answer.abstained
    assert answer.text == "The baker Anna Kowalska sells rye bread in Gdansk. [1]"
    [citation] = answer.citations
    assert (citation.document_id, citation.start, citation.end) == ("bread.txt", 0, 50)
    assert citation.quote == "The baker Anna Kowalska sells rye bread in Gdansk."
    assert citation.source == str(articles / "bread.txt")
    assert answer.confidence > 0.9
    assert answer.question == answer.understood == "Who sells rye bread in Gdansk?"
    assert answer.passages[0].chunk.document_id == "bread.txt"
    assert {"dense", "lexical", "fused", "reader"} <= set(answer.passages[0].scores)


def test_the_answer_is_found_in_another_spelling(bot: Chatbot) -> None:
    answer = bot.ask("Does Kowalzka sell rye bread in Gdansk?")
    check(bot, answer)
    assert answer.understood == "Does Kowalska sell rye bread in Gdansk?"
    assert answer.notes == ("read 'Kowalzka' as 'Kowalska'",)


@pytest.mark.parametrize(
    ("article", "question", "word"),
    [
        ("Вера Лунина открыла новый музей в пятницу вечером в присутствии мэра города.", "Кто открыл музей?", "открыл"),
        ("Die neuen Brücken wurden am Freitag von der Ministerin eröffnet.", "Wer hat die Brücke eröffnet?", "Brücke"),
        ("La ministra aprirai il ponte venerdì insieme al sindaco della città.", "Chi aprirà il ponte?", "aprirà"),
        ("Burmistrz przyjechał do Gdańska w piątek razem z żoną i synami.", "Kto jedzie do Gdańsku?", "Gdańsku"),
    ],
)
def test_an_ending_of_a_language_that_the_program_does_not_know_is_no_misspelling(
    article: str, question: str, word: str
) -> None:
    made = make_bot()
    made.add_documents([replace(make_document("a.txt", article), language=language_of(article))])
    answer = made.ask(question)
    assert word in answer.understood
    assert answer.notes == ()


def test_what_the_articles_do_not_hold_is_not_answered(bot: Chatbot) -> None:
    answer = bot.ask("How many people live in Reykjavik?")
    check(bot, answer)
    assert answer.abstained
    assert answer.text == "The articles do not say."
    assert answer.confidence < 0.5
    assert len(answer.passages) == 3  # the nearest passages, as such
    assert len(answer.nearest) == 3
    for citation in answer.nearest:
        assert is_exact(citation, bot.document(citation.document_id))


@pytest.mark.parametrize("question", ["🙂🙂", "?", "the", "...", "“”", "1", "\u200b?"])
def test_a_question_without_a_word_is_not_answered(bot: Chatbot, question: str) -> None:
    answer = bot.ask(question)
    check(bot, answer)
    assert answer.abstained


def test_no_articles_hold_no_answer() -> None:
    bot = make_bot()
    for history in ([], ["Who sells bread?"]):
        answer = bot.ask("Who sells bread?", history)
        check(bot, answer)
        assert answer.abstained
        assert (answer.passages, answer.confidence) == ((), 0.0)
    assert bot.retrieve("Who sells bread?") == []


@pytest.mark.parametrize("question", ["", " ", "\n\t "])
def test_an_empty_question_is_refused(bot: Chatbot, question: str) -> None:
    with pytest.raises(RagError, match="the question is empty; type one"):
        bot.ask(question)
    with pytest.raises(RagError, match="the question is empty; type one"):
        bot.retrieve(question)


def test_a_question_that_is_too_long_is_refused(bot: Chatbot) -> None:
    check(bot, bot.ask("x" * MAX_QUESTION))
    with pytest.raises(RagError, match="the question has 2001 characters, expected at most 2000; shorten it"):
        bot.ask("x" * (MAX_QUESTION + 1))


@pytest.mark.parametrize("retrieval", ["hybrid", "dense", "lexical"])
@pytest.mark.parametrize("rerank", [True, False])
def test_passages_are_retrieved(articles: Path, retrieval: str, rerank: bool) -> None:
    bot = make_bot(settings=Settings(retrieval=retrieval, rerank=rerank))  # type: ignore[arg-type]
    bot.add(articles)
    found = bot.retrieve("rye bread Gdansk", k=2)
    assert found[0].chunk.document_id == "bread.txt"
    assert [one.rank for one in found] == list(range(1, len(found) + 1))
    assert bot.retrieve("rye bread Gdansk", k=1) == found[:1]
    check(bot, bot.ask("Who sells rye bread in Gdansk?"))


def test_ranks_go_on_after_the_passages_that_were_read(tmp_path: Path) -> None:
    bot = make_bot(settings=Settings(read=2))
    bot.add_documents([make_document(f"{i}.txt", f"Bread number {'xyzuvw'[i] * 4} is good.") for i in range(6)])
    assert [one.rank for one in bot.retrieve("bread", k=6)] == [1, 2, 3, 4, 5, 6]


def test_earlier_turns_may_be_given_in_each_form(bot: Chatbot) -> None:
    first = bot.ask("Who sells rye bread in Gdansk?")
    turn = Turn(first.question, first)
    answers = [
        bot.ask("When did she open her shop?", history)
        for history in ([first.question], [(first.question, first)], [turn], [(first.question, None)])
    ]
    for answer in answers:
        check(bot, answer)
    assert answers[1].text == answers[2].text


def test_of_two_readings_the_firmer_answer_is_given(articles: Path) -> None:
    class Both:
        def readings(self, question: str, history: Sequence[Turn], answer_of: object) -> list[str]:
            return [question, "Who sells rye bread in Gdansk?"] if history else [question]

    bot = make_bot()
    bot.add(articles)
    bot = Chatbot(replace(bot.parts, rewriter=Both()), bot.index)
    earlier = ["Where did sailors repair three ships?"]
    assert bot.ask("And there?", earlier).understood == "Who sells rye bread in Gdansk?"
    assert bot.ask("Who sells rye bread in Gdansk?", earlier).understood == "Who sells rye bread in Gdansk?"
    assert bot.ask("How many live in Reykjavik?", []).understood == "How many live in Reykjavik?"


def test_stages_are_told_and_timed(bot: Chatbot) -> None:
    told: list[str] = []
    answer = bot.ask("Who sells rye bread in Gdansk?", on_stage=told.append)
    assert told == ["searching", "reading 3 passages"]
    assert {"understanding", "retrieval", "reading", "deciding", "total"} <= set(answer.seconds)


def test_near_identical_articles_are_cited_together(articles: Path) -> None:
    (articles / "copy.txt").write_text(BREAD + " Copied from elsewhere.")
    bot = make_bot()
    bot.add(articles)
    answer = bot.ask("Who sells rye bread in Gdansk?")
    check(bot, answer)
    assert {citation.document_id for citation in answer.citations} == {"bread.txt", "copy.txt"}
    assert answer.text == "The baker Anna Kowalska sells rye bread in Gdansk. [1][2]"


def test_a_bracketed_number_of_an_article_does_not_pass_for_a_citation() -> None:
    bot = make_bot()
    bot.add_documents([make_document("a", "The baker Anna Kowalska [7] sells rye bread in Gdansk [2].")])
    answer = bot.ask("Who sells rye bread in Gdansk?")
    assert "[7]" not in answer.text
    assert answer.text.endswith("[1]")
    assert answer.citations[0].quote == "The baker Anna Kowalska [7] sells rye bread in Gdansk [2]."


def test_threads_get_the_answers_that_one_gets_alone(bot: Chatbot) -> None:
    questions = [
        "Who sells rye bread in Gdansk?",
        "Where did sailors repair three ships?",
        "Who counted stars over Chile?",
    ]
    expected = {question: bot.ask(question).text for question in questions}
    wrong: list[object] = []

    def ask(question: str) -> None:
        try:
            for _ in range(10):
                text = bot.ask(question).text
                if text != expected[question]:
                    wrong.append(text)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(question,)) for question in questions * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_answers_stay_exact_while_articles_come_and_go(tmp_path: Path) -> None:
    """A document may change or vanish between search and citation: never a wrong quote, never an error."""
    bot = make_bot(tmp_path / "index")
    other = make_bot(tmp_path / "index")
    texts = [BREAD, "Long before that day nobody had heard of him at all. " + BREAD]
    bot.add_documents([make_document("bread.txt", texts[0])])
    stop, wrong = threading.Event(), []

    def change() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            if turn % 3 == 2:
                other.index.remove("bread.txt")
            else:
                other.add_documents([make_document("bread.txt", texts[turn % 3 // 1 % 2])])

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(150):
            answer = bot.ask("Who sells rye bread in Gdansk?")
            wrong += [c.quote for c in answer.citations if c.quote != texts[0].partition(" She")[0]]
    finally:
        stop.set()
        thread.join()
    assert wrong == []


def test_a_place_outside_the_text_cannot_be_cited() -> None:
    document = make_document("a", "Some text.")
    assert cite(document, 0, 4, 1.0).quote == "Some"
    for start, end in ((-1, 4), (4, 4), (5, 4), (0, 11)):
        with pytest.raises(ValueError, match="is no place in a, which has 10 characters"):
            cite(document, start, end, 1.0)


def test_a_scope_in_a_scope_holds_what_both_hold(bot: Chatbot) -> None:
    chosen = bot.within(Scope(within=("bread.txt", "sub/stars.txt")))
    assert ids(chosen.within(Scope())) == ["bread.txt", "sub/stars.txt"]
    assert ids(chosen.within(Scope(within=("sub/stars.txt",)))) == ["sub/stars.txt"]
    assert chosen.index.only({"sub/stars.txt", "ships.md"}).among == {"sub/stars.txt"}


def test_bots_that_are_joined_keep_their_scopes(bot: Chatbot) -> None:
    own = make_bot()
    own.add_documents(
        [make_document("own/a", "Penguins live near Ushuaia."), make_document("own/b", "Owls live here.")]
    )
    bread, penguins = bot.within(Scope(within=("bread.txt",))), own.within(Scope(within=("own/a",)))
    assert ids(bread.joined(own)) == ["bread.txt", "own/a", "own/b"]
    both = bread.joined(penguins)
    assert ids(both) == ["bread.txt", "own/a"]
    assert {found.chunk.document_id for found in both.retrieve("ships owls")} <= {"bread.txt", "own/a"}
    assert both.ask("Where do penguins live?").citations[0].document_id == "own/a"


def test_a_change_within_a_scope_leaves_what_lies_outside(bot: Chatbot, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "bread.txt").write_text("Penguins live near Ushuaia.", encoding="utf-8")
    stars = bot.within(Scope(within=("sub/stars.txt",)))
    stars.add(other)
    assert ids(bot) == ["bread.txt", "other/bread.txt", "ships.md", "sub/stars.txt"]
    assert bot.document("bread.txt").text == BREAD
    stars.remove("ships.md")
    assert ids(bot) == ["bread.txt", "other/bread.txt", "sub/stars.txt"]


def test_a_model_s_folder_is_known_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "models" / "e5").mkdir(parents=True)
    there.mkdir()
    monkeypatch.setattr(SentenceTransformerEncoder, "load", lambda name: None)
    monkeypatch.chdir(here)
    index = open_index(tmp_path / "index", {})
    keep_settings(index, Settings("models/e5"))
    index.close()
    fingerprint = load_embedder("models/e5").fingerprint
    monkeypatch.chdir(there)
    kept = kept_settings(tmp_path / "index", Settings())
    assert Path(kept.embedding_model) == here / "models" / "e5"
    assert load_embedder(kept.embedding_model).fingerprint == fingerprint
    assert making(kept) == making(Settings(str(here / "models" / "e5")))
    for name in ("default", "models/e5"):  # no folders here
        assert Settings(name).made()["embedding_model"] == name


def test_a_folder_of_any_name_has_its_index(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / os.fsdecode(b"articles\xff")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    (folder / "bread.txt").write_text(BREAD, encoding="utf-8")
    assert Chatbot.from_directory(folder, parts=fake_parts()).count() == 1
    assert Chatbot.from_directory(folder, parts=fake_parts()).report.unchanged == 1
    name = hashlib.sha256(str(tmp_path.resolve()).encode()).hexdigest()[:16]
    assert corpus_index(tmp_path, {}).name.startswith(name)  # as ever


def test_half_a_character_and_a_history_that_is_one_text_are_read() -> None:
    bot = make_bot()
    bot.add_documents([make_document("bread.txt", "The baker Anna sells rye bread.")])
    half = "Who sells rye bread\ud83d?"
    assert bot.ask(half, history="Who is Anna\ud83d?").question == "Who sells rye bread\ufffd?"
    assert bot.retrieve(half)
    assert bot.overview(half).topic == "Who sells rye bread\ufffd?"
    assert bot.check(half).statement == "Who sells rye bread\ufffd?"
    assert [check.statement for check in bot.check_text(half)] == ["Who sells rye bread\ufffd?"]
    assert bot.consider(half)[0] == "Who sells rye bread\ufffd?"
    assert turns_of((half, (half, None), Turn(half))) == [Turn("Who sells rye bread\ufffd?")] * 3
    assert turns_of(half) == [Turn("Who sells rye bread\ufffd?")]
