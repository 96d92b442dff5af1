"""Follow-ups are read alone and behind the question before them."""

import pytest

from rag.answering.rewriting import MAX_LENGTH, LastQuestion, firmest
from rag.types import Answer, Turn

readings = LastQuestion().readings


def answered(question: str, understood: str) -> Turn:
    return Turn(question, Answer(question, understood, "", "", (), 0.9, abstained=False, passages=()))


def test_without_history_a_question_is_read_alone() -> None:
    assert readings(" why? ", []) == ["why?"]


def test_a_question_is_read_alone_and_behind_the_one_before_it() -> None:
    history = [Turn("Who is Anna Berg?"), Turn("Did Khrenin visit Havana?")]
    assert readings("When was that?", history) == ["When was that?", "Did Khrenin visit Havana? When was that?"]


def test_what_the_question_before_leaned_on_stays() -> None:
    history = [answered("When was she born?", "Who is Anna Berg? When was she born?")]
    assert readings("Where?", history) == ["Where?", "Who is Anna Berg? When was she born? Where?"]


def test_of_a_long_context_the_last_sentences_stay_whole() -> None:
    history = [Turn(f"My name is {'x' * MAX_LENGTH}. Who is Anna Berg? When was she born?")]
    assert readings("Where?", history)[1] == "Who is Anna Berg? When was she born? Where?"


@pytest.mark.parametrize("before", ["", " ", "x" * (MAX_LENGTH + 1), "Where?"])
def test_what_adds_nothing_is_no_context(before: str) -> None:
    assert readings("Where?", [Turn(before)]) == ["Where?"]


def test_a_long_question_brings_its_own_context() -> None:
    long = "x" * (MAX_LENGTH + 1)
    assert readings(long, [Turn("Who is Anna Berg?")]) == [long]


def gave(short: str, confidence: float) -> Answer:
    return Answer("", "", short, short, (), confidence, abstained=not short, passages=())


def never() -> Answer:
    raise AssertionError("the last question was answered without need")


def test_the_firmer_answer_is_given_and_the_question_alone_wins_ties() -> None:
    alone, behind = gave("in May", 0.7), gave("in June", 0.9)
    assert firmest([alone, behind], lambda: gave("Havana", 0.9)) is behind
    assert firmest([alone, gave("in June", 0.7)], never) is alone
    assert firmest([alone, gave("", 0.9)], never) is alone
    assert firmest([gave("", 0.2), behind], lambda: gave("", 0.2)) is behind


def test_an_answer_to_the_last_question_is_none_to_this_one() -> None:
    alone, behind = gave("", 0.3), gave("the Order of Friendship", 0.95)
    assert firmest([alone, behind], lambda: gave("Order of Friendship", 0.9)) is alone
    assert firmest([alone, behind, gave("Moscow", 0.8)], lambda: gave("Order of Friendship", 0.9)).text == "Moscow"
