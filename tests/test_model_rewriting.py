"""Follow-ups that a language model completes: what it is asked, and what of its words may be searched."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from fakes import make_bot, make_document
from test_writing import FakeGenerator, WordVerifier

from rag.answering.rewriting import LastQuestion
from rag.grounding.generators import GenerationError
from rag.grounding.rewriting import SYSTEM, ModelRewriter
from rag.pipeline import Chatbot
from rag.types import Turn

EARLIER = "Who sells rye bread in Gdansk?"
BREAD = "Anna Kowalska sells rye bread in Gdansk. Anna Kowalska did paint the door blue."


def readings(says: str | Exception, question: str, *history: Turn) -> list[str]:
    return ModelRewriter(FakeGenerator(says), LastQuestion()).readings(question, history)


def test_the_completed_question_is_one_more_reading() -> None:
    made = readings("When did Anna Kowalska open her shop?", "When did she open her shop?", Turn(EARLIER))
    assert made == [
        "When did she open her shop?",
        f"{EARLIER} When did she open her shop?",
        "When did Anna Kowalska open her shop?",
    ]


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
    assert readings(says, asked, Turn(EARLIER)) == LastQuestion().readings(asked, [Turn(EARLIER)])


def test_a_first_question_asks_no_model() -> None:
    generator = FakeGenerator("x")
    assert ModelRewriter(generator, LastQuestion()).readings(EARLIER, []) == [EARLIER]
    assert generator.prompts == []


def test_a_model_that_is_down_costs_its_reading_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        made = readings(GenerationError("down"), "And when?", Turn(EARLIER))
    assert made == LastQuestion().readings("And when?", [Turn(EARLIER)])
    assert "fake did not complete a follow-up question (down)" in caplog.text


def test_the_bot_asks_its_model_what_is_meant_unless_told_to_generate_nothing() -> None:
    generator = FakeGenerator("Did Anna Kowalska really paint the door blue?")
    bot = make_bot(generator=generator)
    bot.add_documents([make_document("bread.txt", BREAD)])
    bot = Chatbot(replace(bot.parts, verifier=WordVerifier()), bot.index)
    first = bot.ask(EARLIER, generate=False)
    asked = "Did she really paint it blue?"
    assert bot.ask(asked, [(EARLIER, first)], generate=False).understood == asked
    assert generator.prompts == []
    stages: list[str] = []
    assert bot.ask(asked, [(EARLIER, first)], stages.append).understood == generator.says
    system, user = generator.prompts[0].messages
    assert system["content"] == SYSTEM
    assert f"Question: {EARLIER}\nAnswer: {first.short_answer}\n" in user["content"]
    assert stages[0] == "asking fake what is meant"
