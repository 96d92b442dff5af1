"""Questions to the program itself get a fixed reply; questions that articles can answer never do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from fakes import FakeEmbedder, fake_parts, make_document

from rag.answering.addressee import Addressee
from rag.models.embedding import load_embedder
from rag.models.hardware import inference_dtype
from rag.pipeline import Chatbot
from rag.present import export
from rag.present.html import Exchange, conversation
from rag.present.records import answer_record
from rag.present.text import TO_PROGRAM, for_terminal

# None of these is among the examples (rag/answering/addressee.json), and no bound was chosen by them.
TO_THE_PROGRAM = (
    "Hey, who am I speaking with?",
    "What should I call you?",
    "What's your purpose?",
    "Are you real?",
    "Are you some kind of artificial intelligence?",
    "Who created you?",
    "Which company trained you?",
    "What do you do?",
    "What else can you do?",
    "What topics can I ask about?",
    "Can you explain how you work?",
    "How accurate are your answers?",
    "Do you ever make mistakes?",
    "What do you think about the war?",
    "Good morning!",
    "Thanks, that was helpful.",
    "Can you understand French?",
    "What is the date today, please?",
    "What is the current time?",
    "Which day of the week is today?",
)
TO_ARTICLES = (
    "What is the date of the election?",
    "On which day of the week was the parade?",
    "What time is the press conference?",
    "Who is the new mayor?",
    "What is the name of the ship's captain?",
    "Who created the vaccine?",
    "Which company trained the pilots?",
    "What does the foundation do?",
    "What is the purpose of the visit?",
    "How does the new reactor work?",
    "How accurate are the missiles?",
    "Did the ministry make mistakes?",
    "What does Lukashenko think about the war?",
    "What did the ambassador say this morning?",
    "Was the aid helpful?",
    "Does Ilse Korn understand French?",
    "What is the current price of gas?",
    "Can you explain why the bridge was closed?",
    "Can you tell me who signed the agreement?",
    "What do you know about the training of Cuban soldiers?",
)


@pytest.fixture
def bot() -> Chatbot:
    parts = fake_parts()
    addressee = Addressee(parts.embedder, ["Robot today?"], ["Robot bakery?"], 0.9, 0.2)
    bot = Chatbot.open(None, parts=replace(parts, addressee=addressee))
    bot.add_documents([make_document("a", "The robot of the bakery was sold today in Gdansk.")])
    return bot


def test_a_question_to_the_program_gets_a_fixed_reply_and_no_passage(bot: Chatbot) -> None:
    answer = bot.ask("Robot today?")
    assert (answer.to_program, answer.certainty, answer.abstained) == (True, "not said", True)
    assert (answer.text, answer.passages, answer.citations, answer.confidence) == (TO_PROGRAM, (), (), 0.0)
    assert answer_record(answer)["to_program"]
    assert for_terminal(answer) == TO_PROGRAM
    assert export.as_markdown([Exchange("Robot today?", answer)]).endswith(f"{TO_PROGRAM}\n")
    page = conversation([Exchange("Robot today?", answer)], None)
    assert TO_PROGRAM in page
    assert "No passage came near it" not in page


def test_what_is_as_like_to_a_question_for_articles_goes_to_them(bot: Chatbot) -> None:
    for question in ("Robot bakery?", "Robot today bakery?", "Gdansk?"):
        answer = bot.ask(question)
        assert not answer.to_program, question
        assert answer.passages


def test_in_a_conversation_the_articles_go_first(bot: Chatbot) -> None:
    bot.add_documents([make_document("b", "Robot today: the robot of the bakery speaks today.")])
    assert bot.ask("Robot today?").to_program
    answer = bot.ask("Robot today?", ["Who sold the bakery?"])
    assert (answer.to_program, answer.certainty) == (False, "answered")


def test_bounds_hold_for_the_embedder_that_they_were_measured_with() -> None:
    assert Addressee.load(FakeEmbedder()) is None


@pytest.mark.models
def test_new_questions_to_the_program_are_known_and_near_misses_are_not() -> None:
    addressee = Addressee.load(load_embedder("default"))
    assert addressee is not None
    for question in ("What is today's date?", "Who are you?", "What can you do?", "What is your name?"):
        assert addressee.is_program(question), question
    least = 13 if inference_dtype() is torch.bfloat16 else 14  # one lies so near the bound that rounding decides
    assert sum(addressee.is_program(question) for question in TO_THE_PROGRAM) >= least
    assert [question for question in TO_ARTICLES if addressee.is_program(question)] == []
