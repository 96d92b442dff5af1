"""Follow-ups are completed from what went before; complete questions stay as they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from rag.answering.followups import understand
from rag.language.clauses import mentions, parse
from rag.models.reader import in_conversation
from rag.types import Answer, Turn

EVAL = Path(__file__).resolve().parents[1] / "eval"


def answer(question: str, short: str) -> Answer:
    return Answer(question, question, short, short, (), 0.9, abstained=not short, passages=())


def turns(history: list[str | tuple[str, str]]) -> list[Turn]:
    return [Turn(entry) if isinstance(entry, str) else Turn(entry[0], answer(*entry)) for entry in history]


def rows_of(name: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (EVAL / name).read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if "question" in row]


COMPLETED = [
    # The question word alone, or with its noun
    (["Did López Miera visit Belarus?"], "why?", "Why did López Miera visit Belarus?"),
    (["Why did López Miera visit Belarus?"], "When?", "When did López Miera visit Belarus?"),
    (["Did Khrenin visit Havana?"], "On what date in 2023?", "On what date in 2023 did Khrenin visit Havana?"),
    (["Did Revenko meet an attaché?"], "During what event?", "During what event did Revenko meet an attaché?"),
    (["Will soldiers be trained in Belarus?"], "How many?", "How many soldiers will be trained in Belarus?"),
    (["Will soldiers be trained in Belarus?"], "Why not?", "Why will soldiers not be trained in Belarus?"),
    ([("Who may vote?", "Cubans")], "Why not?", "Why may Cubans not vote?"),
    ([("Who is the minister?", "López Miera")], "Why not?", "Why is López Miera not the minister?"),
    (["Who attended the fair in Moscow?"], "Who else?", "Who else attended the fair in Moscow?"),
    (["Who attended the fair in Moscow?"], "anyone else?", "Who else attended the fair in Moscow?"),
    # The last question's event
    (["Did Khrenin ever go to Havana?"], "When was that?", "When did Khrenin go to Havana?"),
    ([("Who decorated him?", "Putin")], "when did he do that?", "When was it that Putin decorated him?"),
    (["Did Khrenin visit Havana?"], "Who reported this?", "Who reported the fact that Khrenin visited Havana?"),
    # Its frame with another part
    (["What was said about Cuba in Minsk?"], "And in Moscow?", "What was said about Cuba in Moscow?"),
    (["What happened at the meeting?"], "And what about the parade?", "What happened at the parade?"),
    (["Does Belarus have ties with Cuba?"], "Which countries do?", "Which countries do have ties with Cuba?"),
    # Pronouns
    (["Who is Nikolai Patrushev?"], "When did he go to Cuba?", "When did Nikolai Patrushev go to Cuba?"),
    (["Who is Viktor Khrenin?"], "What is his rank?", "What is Viktor Khrenin's rank?"),
    (["Who is Viktor Khrenin?", "thanks"], "What did he say about his visit?",
     "What did Viktor Khrenin say about his visit?"),
    (["Who is Viktor Khrenin?"], "Tell me more about him.", "Tell me more about Viktor Khrenin."),
    (["Which order did López Miera receive?"], "Who gave it to him?",
     "Who gave the order that López Miera received to López Miera?"),
    ([("Which order did López Miera receive?", "the Order of Friendship")], "Who gave it to him?",
     "Who gave the Order of Friendship to López Miera?"),
    ([("Who decorated López Miera?", "Putin")], "Which country does he lead?", "Which country does Putin lead?"),
    ([("Who decorated López Miera?", "")], "Which country does he lead?",
     "Which country does the person who decorated López Miera lead?"),
    (["Which memorial did the Cuban delegation visit in Brest?"], "What did they do there?",
     "What did the Cuban delegation do in Brest?"),
    ([("Where did López Miera meet Khrenin?", "Minsk")], "Who else was there?", "Who else was in Minsk?"),
    (["What is the Azart system?", "Were the Cubans interested in it?"], "What does it cost?",
     "What does the Azart system cost?"),
    (["What is throat cancer?"], "Is it treatable?", "Is throat cancer treatable?"),
    (["Has Merkel met Putin?"], "What did they discuss?", "What did Merkel and Putin discuss?"),
    (["Did Turkey buy the missiles from Russia?"], "What can they do?", "What can the missiles do?"),
    (["Why did the factory close?"], "Where is it?", "Where is the factory?"),
    (["Which award did Anna Smith get?"], "On what date?", "On what date did Anna Smith get the award?"),
    (["Who heads the World Bank?"], "And the IMF?", "Who heads the IMF?"),
    (["Is Peru an ally of Chile?"], "What other allies does it have?", "What other allies does Peru have?"),
    # Nothing said of what
    (["When did Khrenin visit Havana?"], "What was signed?", "What was signed when Khrenin visited Havana?"),
    (["When did Khrenin visit Havana?"], "What was signed then?", "What was signed when Khrenin visited Havana?"),
]  # fmt: skip


@pytest.mark.parametrize(("history", "question", "expected"), COMPLETED)
def test_a_follow_up_is_completed(history: list[str | tuple[str, str]], question: str, expected: str) -> None:
    assert understand(question, turns(history)) == [expected]


@pytest.mark.parametrize(
    "question",
    [
        "When was the parade in Minsk?",
        "What did López Miera say about his visit to Minsk?",
        "What did Putin say when he decorated López Miera?",
        "Which system did the Cubans want that cannot be blocked?",
        "Is there a memorial in Brest?",
        "What did Putin say this week?",
        "What is ketosis and why is it important?",
        "What is taurine?",
        "military parade Minsk July",
        "What if Cuba sends soldiers?",
        "thanks",
        "hello!",
        "?",
        "😀",
        "¿Quién es Shoigu?",
    ],
)
def test_a_complete_question_is_not_touched_by_history(question: str) -> None:
    history = ["Who is Sergey Shoigu?", "Where did he receive López Miera?", "What did he say about Cuba?"]
    assert understand(question, turns([*history])) == [question]


def test_doubtful_questions_keep_both_readings() -> None:
    both = understand("When was the meeting?", [Turn("Did Khrenin and López Miera meet in Minsk?")])
    assert both == ["When was the meeting?", "When was the meeting when Khrenin and López Miera met in Minsk?"]
    assert understand("And Shoigu?", [Turn("Did Khrenin visit Havana?")])[0] == "Did Shoigu visit Havana?"


@pytest.mark.parametrize(
    "question",
    [
        "Which cousins of Simasiku Libonga were convicted with him?",
        "How did they search for the lost ballot box?",
        "Is it raining in Havana?",
        "is it legal to smoke there",
        "Is it true that Cuba joined NATO?",
    ],
)
def test_a_question_that_may_be_complete_is_kept_beside_its_completion(question: str) -> None:
    read = understand(question, [Turn("Why did Khrenin visit Minsk?")])
    assert read[0] == question
    assert len(read) == 2


@pytest.mark.parametrize("earlier", ["Why did Khrenin visit Havana?", "Did Cuba and Belarus sign the agreement?"])
def test_no_complete_question_of_our_sets_is_thrown_away_for_what_was_asked_before(earlier: str) -> None:
    names = ("questions.jsonl", "news/questions.jsonl", "yes_no.jsonl", "news/left_open.jsonl")
    rows = [row for name in names for row in rows_of(name) if not row.get("history")]
    read = {row["question"]: understand(row["question"], [Turn(earlier)]) for row in rows}
    assert len(read) > 1500
    assert [question for question, readings in read.items() if question.strip() not in readings] == []
    assert sum(len(readings) > 1 for readings in read.values()) <= 11


@pytest.mark.parametrize("question", ["Source?", "Почему?", "Killed by whom?"])
def test_the_capital_that_begins_a_sentence_makes_no_name(question: str) -> None:
    assert understand(question, [Turn("Who received López Miera in Moscow?")]) == [question]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("On what date in 2023 did it close?", "On what date in 2023 did the factory close?"),
        ("Why wasn't he freed?", "Why wasn't Khrenin freed?"),
        ("At which edition did it close?", "At which edition did the factory close?"),
    ],
)
def test_a_question_with_a_verb_of_its_own_is_not_asked_as_the_last_one(question: str, expected: str) -> None:
    assert expected in understand(question, [Turn("Why did Khrenin visit the factory?")])


def test_without_history_nothing_changes() -> None:
    assert understand(" why? ", []) == ["why?"]


@pytest.mark.parametrize("history", ["", "?", "😀", "why?", "he", "And?", "what", "which of the"])
@pytest.mark.parametrize("question", ["why?", "when was that?", "And he?", "what was signed?", "the meeting", "it"])
def test_odd_histories_do_no_harm(history: str, question: str) -> None:
    readings = understand(question, [Turn(history), Turn(history)])
    assert all(reading.strip() for reading in readings)


@pytest.mark.parametrize("word", ["it ", "A ", "x's ", "the ", "A.", "he and "])
def test_long_turns_cost_no_time(word: str) -> None:
    long = (word * 2000)[:2000]
    assert understand(long, [Turn(long)] * 8) == [long.strip()]
    assert understand("When was that?", [Turn(long)] * 8)
    assert understand("What did he say about it there?", [Turn((word * 300)[:290])] * 8)


def test_an_earlier_question_is_answered_only_where_a_pronoun_stands_for_its_answer() -> None:
    asked: list[str] = []

    def answer_of(question: str) -> Answer:
        asked.append(question)
        return answer(question, "Sergey Shoigu")

    understand("When was the parade in Minsk?", [Turn("Who met him in Russia?")], answer_of)
    understand("When did he go to Cuba?", [Turn("Who is Nikolai Patrushev?")], answer_of)
    assert asked == []
    met = [Turn("Who did López Miera meet in Russia?")]
    assert understand("What did he say about Cuba?", met, answer_of) == ["What did Sergey Shoigu say about Cuba?"]
    assert asked == ["Who did López Miera meet in Russia?"]


def test_a_long_or_numeric_answer_is_no_antecedent() -> None:
    history = turns([("What did Shoigu propose to López Miera?", "to address in detail all existing projects")])
    assert understand("Which agency reported this?", history) == [
        "Which agency reported what Shoigu proposed to López Miera?"
    ]
    history = turns([("How many soldiers will march in the parade?", "5,000")])
    assert understand("And what day is it?", history) == ["What day will soldiers march in the parade?"]


def test_complete_questions_of_the_fixed_set_are_unharmed() -> None:
    rows = rows_of("questions.jsonl")
    complete = [row for row in rows if row["type"] == "mid-conversation" and row["split"] == "tune"]
    assert len(complete) == 23
    for row in complete:
        assert understand(row["question"], turns(row["history"])) == [row["question"]]


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Did Khrenin visit Havana?", ("", "did", "Khrenin", "visit Havana", "adjunct")),
        ("In which countries has he fought?", ("In which countries", "has", "he", "fought", "object")),
        ("Who decorated him?", ("Who", "", "", "decorated him", "subject")),
        ("What was signed there?", ("What", "was", "", "signed there", "subject")),
        ("Who is Cuba's armed forces minister?", ("Who", "is", "Cuba's armed forces minister", "", "identity")),
        ("When did the secretary of the Russian Security Council visit Cuba?",
         ("When", "did", "the secretary of the Russian Security Council", "visit Cuba", "adjunct")),
        ("Where did the delegation lay flowers?", ("Where", "did", "the delegation", "lay flowers", "adjunct")),
        ("During what event?", ("During what event", "", "", "", "whole")),
    ],
)  # fmt: skip
def test_parts_of_a_question(question: str, parts: tuple[str, ...]) -> None:
    clause = parse(question)
    assert (clause.lead, clause.auxiliary, clause.subject, clause.rest, clause.gap) == parts


def test_mentions_have_kinds() -> None:
    found = {mention.text: mention.kind for mention in mentions("Did Colonel Milian Gómez attend the fair in Moscow?")}
    assert found == {"Colonel Milian Gómez": "person", "Moscow": "place", "the fair": "thing"}


def test_what_was_asked_before_stands_in_brackets_the_latest_as_far_as_there_is_room() -> None:
    assert in_conversation("Since when?", []) == "Since when?"
    turns = [("Who runs the mill", "Ilse Korn"), ("Is it old?", "")]
    assert in_conversation("Since when?", turns) == "(Who runs the mill? Ilse Korn. Is it old?) Since when?"
    told = in_conversation("Why?", [("first " * 20, "x"), ("second " * 20, "y")])
    assert told.endswith("y.) Why?")
    assert "first" not in told
    assert in_conversation("Why?", [("long " * 90, "")]) == "Why?"
