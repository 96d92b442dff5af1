"""A question is read behind the ones before it, as far as the reader has room for them, and else alone."""

from dataclasses import dataclass

import pytest
from fakes import FakeReader

from rag.answering.rewriting import MEMORY, ConversationRewriter
from rag.models.phrasing import behind, in_conversation, told_before
from rag.models.reader import ExtractiveReader
from rag.types import Answer, Turn


def answer(question: str, short: str) -> Answer:
    return Answer(question, question, short, short, (), 0.9, abstained=not short, passages=())


def nobody(question: str) -> Answer:
    raise AssertionError(f"{question} was answered")


@dataclass
class Short(FakeReader):
    """A reader to which a question of more than `room` characters is too long."""

    room: int = 60

    def fits(self, question: str) -> bool:
        return len(question) <= self.room


def test_a_question_stands_behind_those_before_it_and_their_answers() -> None:
    history = [Turn("Who runs the mill?", answer("Who runs the mill?", "Ilse Korn"))]
    readings = ConversationRewriter(FakeReader()).readings("Since when?", history, nobody)
    assert readings == ["(Who runs the mill? Ilse Korn.) Since when?", "Since when?"]


def test_the_first_question_stays_as_it_is() -> None:
    assert ConversationRewriter(Short()).readings("Since when?", [], nobody) == ["Since when?"]


def test_what_was_not_answered_tells_its_question_alone() -> None:
    history = [Turn("Who runs the mill?", answer("Who runs the mill?", ""))]
    readings = ConversationRewriter(FakeReader()).readings("Since when?", history, nobody)
    assert readings == ["(Who runs the mill?) Since when?", "Since when?"]


def test_the_last_question_is_answered_where_nobody_kept_its_answer() -> None:
    asked: list[str] = []

    def answer_of(question: str) -> Answer:
        asked.append(question)
        return answer(question, "Ilse Korn")

    history = [Turn("What is the mill called?"), Turn("Who runs it?")]
    readings = ConversationRewriter(FakeReader()).readings("Since when?", history, answer_of)
    assert readings == ["(What is the mill called? Who runs it? Ilse Korn.) Since when?", "Since when?"]
    assert asked == ["(What is the mill called?) Who runs it?"]


def test_only_the_last_turns_are_leant_on() -> None:
    history = [Turn(f"Is it {n}?", answer("", "yes")) for n in range(MEMORY + 2)]
    read = ConversationRewriter(FakeReader()).readings("Why?", history, nobody)[0]
    assert read.startswith("(Is it 2? yes.")
    assert read.endswith("Is it 4? yes.) Why?")


def test_earlier_turns_give_way_to_a_question_that_would_not_be_read_to_its_end() -> None:
    history = [Turn("Who runs the old mill?", answer("", "Ilse Korn")), Turn("Is it open?", answer("", "yes"))]
    rewriter = ConversationRewriter(Short())
    asked = "Since when is that so?"
    assert rewriter.readings(asked, history, nobody) == [f"(Is it open? yes.) {asked}", asked]
    long = "Since when has the mill by the river been run by her and by nobody else?"
    assert rewriter.readings(long, history, nobody) == [long]


def test_the_shipped_reader_is_asked_nothing_that_it_does_not_read_to_the_end() -> None:
    reader = ExtractiveReader.load("small")
    history = [Turn("Ω" * 60, answer("", "Ж" * 60)), Turn("Who runs it?", answer("", "Ilse Korn"))]
    for length in (10, 60, 90):
        question = "ж " * length + "?"
        read = ConversationRewriter(reader).readings(question, history, nobody)[0]
        assert read.endswith(question)
        assert reader.fits(read) or read == question


@pytest.mark.parametrize("earlier", ["", "?", "😀", "(", "he", "x" * 2000])
@pytest.mark.parametrize("question", ["why?", "?", "the meeting", "x" * 2000])
def test_odd_turns_do_no_harm(earlier: str, question: str) -> None:
    history = [Turn(earlier, answer(earlier, short)) for short in ("", "x" * 2000, ")")]
    assert ConversationRewriter(FakeReader()).readings(question, history, nobody)[0].endswith(question)


def test_what_was_asked_before_stands_in_brackets_the_latest_as_far_as_there_is_room() -> None:
    assert in_conversation("Since when?", []) == "Since when?"
    turns = [("Who runs the mill", "Ilse Korn"), ("Is it old?", "")]
    assert in_conversation("Since when?", turns) == "(Who runs the mill? Ilse Korn. Is it old?) Since when?"
    told = in_conversation("Why?", [("first " * 20, "x"), ("second " * 20, "y")])
    assert told.endswith("y.) Why?")
    assert "first" not in told
    assert in_conversation("Why?", [("long " * 90, "")]) == "Why?"
    assert in_conversation("Why?", [("Who runs the mill?", "long " * 90)]) == "(Who runs the mill?) Why?"


@pytest.mark.parametrize("text", ["Since when?", "(a) why?", "(Who?) (a) why?"])
@pytest.mark.parametrize("before", ["", "Who runs the mill? Ilse Korn.", "(both) Why? (yes)", " "])
def test_what_stands_before_a_text_is_told_again(before: str, text: str) -> None:
    assert told_before(behind(before, text), text) == before
    assert told_before(f"{text} of the mill", text) == ""
    assert told_before("Who?", text) == ""
