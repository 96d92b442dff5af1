"""Follow-ups that a language model completes: what it is asked, and what of its words may be searched."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest
from fakes import make_bot, make_document
from test_writing import FakeGenerator, WordVerifier

from rag.answering.rewriting import AnswerOf
from rag.grounding.generators import GenerationError
from rag.grounding.rewriting import SYSTEM, ModelRewriter
from rag.pipeline import Chatbot
from rag.types import Answer, Turn

EARLIER = "Who sells rye bread in Gdansk?"
BREAD = "Anna Kowalska sells rye bread in Gdansk. Anna Kowalska did paint the door blue."


class Alone:
    def readings(self, question: str, history: Sequence[Turn], answer_of: AnswerOf) -> list[str]:
        return [question]


def nobody(question: str) -> Answer:
    raise AssertionError("an earlier question was answered without need")


def readings(says: str | Exception, question: str, *history: Turn) -> list[str]:
    return ModelRewriter(FakeGenerator(says), Alone()).readings(question, history, nobody)


def test_the_completed_question_is_one_more_reading() -> None:
    made = readings("When did Anna Kowalska open her shop?", "When did she open her shop?", Turn(EARLIER))
    assert made == ["When did she open her shop?", "When did Anna Kowalska open her shop?"]


@pytest.mark.parametrize(
    "says",
    [
        "Who is Boris?",  # another question
        "When did Anna Kowalska open her shop?\nI hope this helps!",
        "When did she open her shop? " * 20,
        "",
    ],
)
def test_what_is_no_completion_is_left_out(says: str) -> None:
    asked = "When did she open her shop?"
    assert readings(says, asked, Turn(EARLIER)) == [asked]


@pytest.mark.parametrize(
    ("asked", "says", "taken"),
    [
        ("Why did she not open her shop?", "Why did Anna Kowalska open her shop?", False),
        ("Why not in Gdansk?", "Why did Anna Kowalska sell rye bread in Gdansk?", False),
        ("When was it closed before the war?", "When was the shop closed after the war?", False),
        ("Did she pay Boris?", "Did Boris pay Anna Kowalska?", False),
        ("And why?", "Boris was shot in Minsk.", False),
        ("And he?", "Boris was shot in Minsk.", False),
        ("😀", "Boris was shot in Minsk.", False),
        ("Why did she not open it?", "Why did Anna Kowalska not open the shop?", True),
        ("And why?", "Why does Anna Kowalska sell rye bread in Gdansk?", True),
        ("When was that?", "When was rye bread sold in Gdansk?", True),
    ],
)
def test_a_completion_keeps_the_small_words_of_a_question_too(asked: str, says: str, taken: bool) -> None:
    assert readings(says, asked, Turn(EARLIER)) == [asked, says][: 1 + taken]


def test_a_question_that_is_withdrawn_waits_for_no_model() -> None:
    generator = FakeGenerator("When did Anna Kowalska open her shop?")
    bot = make_bot(generator=generator)
    bot.add_documents([make_document("bread.txt", BREAD)])
    bot = Chatbot(replace(bot.parts, rewriter=Alone()), bot.index)
    asked = "When did she open her shop?"
    assert bot.ask(asked, [EARLIER], cancelled=lambda: True).understood == asked
    assert generator.prompts == []


def test_a_first_question_asks_no_model() -> None:
    generator = FakeGenerator("x")
    assert ModelRewriter(generator, Alone()).readings(EARLIER, [], nobody) == [EARLIER]
    assert generator.prompts == []


def test_a_model_that_is_down_costs_its_reading_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        made = readings(GenerationError("down"), "And when?", Turn(EARLIER))
    assert made == ["And when?"]
    assert "fake did not complete a follow-up question (down)" in caplog.text


def test_the_bot_asks_its_model_what_is_meant_unless_told_to_generate_nothing() -> None:
    generator = FakeGenerator("Did Anna Kowalska really repaint the door blue?")
    bot = make_bot(generator=generator)
    bot.add_documents([make_document("bread.txt", BREAD)])
    bot = Chatbot(replace(bot.parts, verifier=WordVerifier(), rewriter=Alone()), bot.index)
    first = bot.ask(EARLIER, generate=False)
    asked = "Did she really repaint it?"
    assert bot.ask(asked, [(EARLIER, first)], generate=False).understood == asked
    assert generator.prompts == []
    stages: list[str] = []
    assert bot.ask(asked, [(EARLIER, first)], stages.append).understood == generator.says
    system, user = generator.prompts[0].messages
    assert system["content"] == SYSTEM
    assert f"Question: {EARLIER}\nAnswer: {first.short_answer}\n" in user["content"]
    assert stages[0] == "asking fake what is meant"
