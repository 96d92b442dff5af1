"""Overviews: which sentences are chosen, in which order, and when there is nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeEmbedder, make_bot, make_document

from rag.answering.overview import ABOUT, Pick, diverse, of_topic, overview
from rag.errors import RagError
from rag.pipeline import Chatbot
from rag.present.overview import overview_text, overview_with_text
from rag.present.words import speaking

BREAD = (
    "The baker Anna Kowalska sells rye bread in Gdansk every morning. She was born in a village near Torun in 1961. "
    "Does she like rye bread? Anna Kowalska opened her own bakery in the old town after the war."
)
PRIZE = "The city of Gdansk gave the baker Anna Kowalska a prize for her rye bread on Friday."
SHIPS = "Sailors repaired three ships near the harbour of Odesa on the third of May."


@pytest.fixture
def bot() -> Chatbot:
    made = make_bot()
    made.add_documents([
        replace(make_document("bread.txt", BREAD, "A baker in Gdansk"), date="2021-05-03"),
        replace(make_document("prize.txt", PRIZE, "A prize for a baker"), date="2019"),
        make_document("ships.txt", SHIPS, "Ships in Odesa"),
    ])  # fmt: skip
    return made


def test_a_topic_brings_its_sentences_word_for_word_and_the_oldest_first(bot: Chatbot) -> None:
    made = bot.overview("Anna Kowalska")
    assert [(c.document_id, c.date) for c in made.citations] == [
        ("prize.txt", "2019"), ("bread.txt", "2021-05-03"), ("bread.txt", "2021-05-03")
    ]  # fmt: skip
    assert made.citations[0].quote == PRIZE
    for citation in made.citations:
        assert bot.document(citation.document_id).text[citation.start : citation.end] == citation.quote
    assert made.text.splitlines()[0] == f"{PRIZE} [1]"
    assert made.about >= ABOUT
    assert made.articles == 3


def test_a_question_in_an_article_is_not_shown(bot: Chatbot) -> None:
    assert not any("?" in citation.quote for citation in bot.overview("rye bread").citations)


def test_another_spelling_of_a_name_is_the_same_person(bot: Chatbot) -> None:
    assert bot.overview("Anna Kowalsky").citations


def test_what_the_articles_are_not_about_is_said(bot: Chatbot) -> None:
    made = bot.overview("volcanic eruptions")
    assert made.citations == ()
    assert made.text == "Nothing in the articles is about “volcanic eruptions”."
    assert made.about < ABOUT


def test_without_a_topic_every_kind_of_article_is_shown_once(bot: Chatbot) -> None:
    made = bot.overview()
    assert [c.document_id for c in made.citations] == ["prize.txt", "bread.txt", "ships.txt"]
    assert made.topic == ""


def test_an_article_that_begins_with_blank_lines_is_shown(bot: Chatbot) -> None:
    bot.add_documents([make_document("blank.txt", " \n" * 700 + SHIPS.replace("Odesa", "Gdynia"), "Gdynia")])
    assert "blank.txt" in [c.document_id for c in bot.overview().citations]


def test_copies_are_shown_once(bot: Chatbot) -> None:
    bot.add_documents([make_document("copy.txt", PRIZE, "A prize for a baker")])
    for made in (bot.overview(), bot.overview("Anna Kowalska")):
        assert [c.quote for c in made.citations].count(PRIZE) == 1


@pytest.mark.parametrize("title", ["Weekly report", "Weekly report on ships, sailors, trains and prices in Gdansk, {}"])
def test_articles_of_like_titles_are_told_apart_by_how_they_open(title: str) -> None:
    made = make_bot()
    for town, goods in (("Reval", "timber"), ("Odesa", "grain"), ("Hull", "fish"), ("Riga", "cotton")):
        text = f"{goods.title()} from {town} came to {town} on {goods} carts and {goods} ships."
        made.add_documents([make_document(f"{town}.txt", text, title.format(town))])
    assert len(made.overview().citations) == 4


def test_an_article_without_text_is_left_out(bot: Chatbot) -> None:
    bot.add_documents([make_document("empty.txt", " \n ", "An empty sheet")])
    assert len(bot.overview().citations) == 3


def test_a_sentence_is_measured_in_tokens_since_not_all_languages_write_spaces() -> None:
    class Characters(FakeEmbedder):
        def token_offsets(self, text: str) -> list[tuple[int, int]]:
            return [(n, n + 1) for n, character in enumerate(text) if not character.isspace()]

    text = "古巴国防部长访问了白俄罗斯首都明斯克。"
    made = make_bot(embedder=Characters())
    made.add_documents([replace(make_document("cuba.txt", text), language="zh")])
    assert [c.quote for c in made.overview("古巴国防部长访问了白俄罗斯首都明斯克").citations] == [text]


def test_an_empty_folder_says_so() -> None:
    assert make_bot().overview().text == "There are no articles."
    assert make_bot().overview("bread").text == "Nothing in the articles is about “bread”."


@pytest.mark.parametrize("spoken", ["en", "es"])
@pytest.mark.parametrize("topic", ["Anna Kowalska", "ships", "volcanic eruptions", None])
def test_what_is_kept_is_english_whoever_asks(bot: Chatbot, topic: str | None, spoken: str) -> None:
    with speaking(spoken):
        asked = bot.overview(topic)
        shown = overview_text(asked)
    assert replace(asked, seconds=0.0) == replace(bot.overview(topic), seconds=0.0)
    assert (shown == asked.text) is (spoken == "en" or bool(asked.citations))


def test_the_stage_cites_and_leaves_the_words_to_present() -> None:
    document = make_document("ships.txt", SHIPS)
    made = overview("ships", [Pick("ships.txt", 0, len(SHIPS), 1.0)], {"ships.txt": document}, 1.0, 1)
    assert made.text == ""
    assert overview_with_text(made).text == f"{SHIPS} [1]"


def test_an_empty_topic_is_refused(bot: Chatbot) -> None:
    with pytest.raises(RagError, match="the topic is empty"):
        bot.overview(" ")


def test_nothing_to_read_is_about_nothing() -> None:
    assert of_topic("bread", [], FakeEmbedder()) == (0.0, [])


def test_marginal_relevance_prefers_what_is_unlike_the_chosen() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1], [1, 0]], np.float32)
    relevance = np.array([0.9, 0.8, 0.6, 0.85], np.float32)
    # 0.7 * 0.8 - 0.3 * 0.8 = 0.32 falls below 0.7 * 0.6 - 0 = 0.42; the copy of row 0 never comes
    assert diverse(relevance, vectors, 4) == [0, 2, 1]
    assert diverse(relevance[:0], vectors[:0], 3) == []


def test_an_article_that_tells_most_leaves_room_for_the_others() -> None:
    relevance = np.array([0.9, 0.9, 0.9, 0.9, 0.5, 0.5], np.float32)
    apart = np.eye(6, dtype=np.float32)
    sources = ["long", "long", "long", "long", "short", "other"]
    assert diverse(relevance, apart, 4, sources, 2) == [0, 1, 4, 5]
    assert diverse(relevance, apart, 6, sources, 2) == [0, 1, 4, 5, 2, 3]
    assert diverse(relevance, apart, 4) == [0, 1, 2, 3]


def test_a_topic_is_told_by_every_article_about_it() -> None:
    told = [f"The harbour of Odesa was built for the {kind} ships of the empire." for kind in ("grain", "oil", "war")]
    more = [f"In the harbour of Odesa stand cranes of {maker} beside the {place}." for maker, place in
            (("Kiel", "quay"), ("Essen", "mole"), ("Turin", "gate"))]  # fmt: skip
    made = make_bot()
    made.add_documents(
        [
            make_document("a.txt", " ".join([*told, *more])),
            make_document("b.txt", "The harbour of Odesa closed its northern basin for nine months."),
            make_document("c.txt", "Pilots of the harbour of Odesa went on strike over their wages."),
        ]
    )
    cited = [citation.document_id for citation in made.overview("harbour of Odesa").citations]
    assert {"b.txt", "c.txt"} < {*cited}
    assert cited.count("a.txt") == 4  # there is room
