"""Evidence, citations and retrieval of single answers, worked by hand."""

from __future__ import annotations

from dataclasses import asdict, replace
from math import log2
from typing import Any

import pytest

from eval import metrics, retrieval
from eval.conversation import firmer
from eval.datasets import Evidence, Question
from eval.evidence import covers
from eval.run import Prediction
from eval.scoring import failure, score
from rag.present.text import with_text
from rag.types import Account, Answer, Citation, Doubt, Statement

SENTENCE = "The minister arrived in Minsk at the invitation of his colleague."
DOCUMENTS = {"a": f"Before. {SENTENCE} After.", "b": f"Another opening. {SENTENCE}", "c": "Nothing to see in Minsk."}
text_of = DOCUMENTS.get
QUESTION = Question("1", "why", "Why?", answers=("invitation of his colleague",), evidence=(Evidence("a", SENTENCE),))


def cite(document: str, start: int, end: int) -> dict[str, Any]:
    return {"document_id": document, "start": start, "end": end, "quote": DOCUMENTS[document][start:end]}


GOOD, ELSEWHERE = cite("a", 8, 8 + len(SENTENCE)), cite("c", 0, 7)


def answer(**changed: Any) -> dict[str, Any]:
    plain = {"short_answer": "the invitation of his colleague", "text": f"{SENTENCE} [1]", "citations": [GOOD]}
    return plain | {"abstained": False, "confidence": 0.9} | changed


def test_a_good_answer() -> None:
    scores = score(QUESTION, answer(), text_of)
    for name in ("passed", "right_cited", "right", "short_right", "text_right", "answered", "em", "f1"):
        assert scores[name] == 1, name
    for name in ("citation_exact", "citation_precision", "citation_recall", "evidence_cited"):
        assert scores[name] == 1, name
    assert scores["refused"] is None


def test_short_answer_and_text_are_scored_apart() -> None:
    scores = score(QUESTION, answer(short_answer="Minsk"), text_of)
    assert (scores["short_right"], scores["text_right"], scores["right"]) == (0, 1, 1)


@pytest.mark.parametrize("broken", [GOOD | {"start": 9}, GOOD | {"quote": "The minister"}, GOOD | {"document_id": "z"}])
def test_a_broken_citation_is_caught(broken: dict[str, Any]) -> None:
    assert score(QUESTION, answer(citations=[broken]), text_of)["citation_exact"] == 0
    assert score(QUESTION, answer(citations=[GOOD, broken]), text_of)["citation_exact"] == 0.5


def test_right_but_cited_elsewhere_does_not_pass() -> None:
    scores = score(QUESTION, answer(citations=[ELSEWHERE]), text_of)
    assert (scores["right"], scores["right_cited"], scores["passed"]) == (1, 0, 0)
    assert failure(QUESTION, answer(), scores, text_of) == "right, but cites nothing that shows it"


def test_citation_precision_and_recall() -> None:
    text = "It was an invitation. [1] Minsk is large. [2] And this stands alone."
    scores = score(QUESTION, answer(text=text, citations=[GOOD, ELSEWHERE]), text_of)
    assert scores["citation_precision"] == 0.5
    assert scores["citation_recall"] == pytest.approx(1 / 3)
    both = score(QUESTION, answer(text="It was an invitation. [1][2]", citations=[GOOD, ELSEWHERE]), text_of)
    assert both["citation_recall"] == 1
    none = score(QUESTION, answer(citations=[]), text_of)
    assert (none["citation_precision"], none["citation_recall"], none["citation_exact"]) == (0, 0, None)


TOLD = (Statement(SENTENCE, (1,)), Statement("Nothing", (2,)))


@pytest.mark.parametrize(
    "changed",
    [
        {"statements": TOLD[:1]},
        {"statements": TOLD},
        {"statements": (Statement(SENTENCE, (1, 2)), Statement("Nothing [1]", (2,)))},  # a number of the article's own
        {"statements": (Statement("Nothing", (2,)), Statement("Nothing", (2,)), Statement(SENTENCE, (1,)))},
        {"statements": TOLD, "generator": "a model"},
        {"statements": TOLD, "accounts": (Account("a", SENTENCE, "2024-07-03", (1,)), Account("b", "b", None, (2,)))},
        {"statements": TOLD, "certainty": "perhaps", "abstained": True, "doubts": (Doubt("word"),)},
        {"statements": (), "certainty": "not said", "abstained": True},
    ],
)
def test_statements_tell_what_the_markers_of_the_text_tell(changed: dict[str, Any]) -> None:
    citations = tuple(Citation(**one, title="", date=None, source="", score=1.0) for one in (GOOD, ELSEWHERE))
    plain = Answer("Why?", "Why?", "the invitation of his colleague", "", citations, 0.9, False, ())
    told = with_text(replace(plain, **changed)).to_dict()
    assert told["statements"] == tuple(map(asdict, changed["statements"]))
    parsed = score(QUESTION, told | {"statements": None}, text_of)
    assert score(QUESTION, told, text_of) == parsed
    assert (parsed["citation_recall"] or 0) <= 1


@pytest.mark.parametrize("text", ["", f"{SENTENCE} [2]", f"{SENTENCE} [1] Nothing."])
def test_whose_statements_are_told_is_not_parsed(text: str) -> None:
    told = [{"text": SENTENCE, "citations": [1]}, {"text": "Nothing.", "citations": []}]
    assert score(QUESTION, answer(text=text, statements=told), text_of)["citation_recall"] == 0.5


def test_a_refusal_says_nothing() -> None:
    refusal = answer(abstained=True, text=f"Not said. {SENTENCE}")
    scores = score(QUESTION, refusal, text_of)
    assert (scores["passed"], scores["right"], scores["answered"], scores["f1"]) == (0, 0, 0, 0)
    unanswerable = Question("2", "unanswerable", "What?", answerable=False)
    scores = score(unanswerable, refusal, text_of)
    assert (scores["refused"], scores["passed"], scores["em"], scores["f1"]) == (1, 1, 1, 1)
    scores = score(unanswerable, answer(), text_of)
    assert (scores["refused"], scores["passed"], scores["em"], scores["right"]) == (0, 0, 0, None)


def test_a_foreign_answer_may_be_bare() -> None:
    assert score(QUESTION, {"short_answer": "invitation of his colleague"}, text_of)["right"] == 1
    assert score(Question("2", "x", "?", answerable=False), {}, text_of)["refused"] == 1


def test_all_parts_are_needed() -> None:
    question = Question("1", "list", "Which?", answers=("A and B",), parts=(("Minsk",), ("Moscow", "Moskva")))
    scores = score(question, answer(short_answer="Minsk", text="Also Moskva."), text_of)
    assert (scores["right"], scores["part_recall"], scores["short_right"]) == (1, 1, 0)
    scores = score(question, answer(short_answer="Minsk", text=""), text_of)
    assert (scores["right"], scores["part_recall"]) == (0, 0.5)


def test_evidence_is_met_by_overlap_or_by_a_copy() -> None:
    gold = QUESTION.evidence[0]
    assert covers(("a", 0, 9, "Before. T"), gold, text_of)
    assert not covers(("a", 0, 8, "Before. "), gold, text_of)
    assert covers(("b", 0, 100, DOCUMENTS["b"]), gold, text_of)
    assert not covers(("c", 0, 24, "Minsk"), gold, text_of)  # too short to be a copy
    assert covers(("a", None, None, "in Minsk"), gold, text_of)


def passage(document: str, start: int, end: int, **more: Any) -> dict[str, Any]:
    return {"chunk": cite(document, start, end) | {"text": DOCUMENTS[document][start:end]}} | more


def test_retrieval_figures() -> None:
    evidence = (Evidence("a", SENTENCE, group=0), Evidence("c", "to see", group=1))
    question = Question("1", "list", "?", evidence=evidence)
    ranked = [passage("a", 0, 7), passage("b", 0, 82), passage("a", 8, 40), passage("c", 0, 24)]
    relevant, ranking = retrieval.judged(question, ranked, text_of)
    # The third shows what the second showed already.
    assert ranking == [["passage 1"], ["evidence 0"], ["passage 3"], ["evidence 1"]]
    silent: tuple[dict[str, int], retrieval.Ranking] = (relevant, [])
    scores = retrieval.score({"1": (relevant, ranking), "2": silent, "3": ({}, [["passage 1"]])})
    assert scores["1"]["Recall@1"] == 0
    assert scores["1"]["Recall@5"] == 1
    assert scores["1"]["Success@1"] == 0
    assert scores["1"]["Success@5"] == 1
    assert scores["1"]["RR@10"] == 0.5
    assert scores["1"]["nDCG@10"] == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)))
    assert set(scores["2"].values()) == {0}
    assert "3" not in scores


def test_a_passage_may_show_several_parts_at_once() -> None:
    # Part 0 stands in a and b, part 1 in a alone; the quote of c is context.
    evidence = [Evidence("a", SENTENCE, group=0), Evidence("a", SENTENCE, group=1), Evidence("b", SENTENCE, group=0)]
    question = Question("1", "list", "?", answers=("x",), evidence=(*evidence, Evidence("c", "to see", group=None)))
    both = retrieval.score({"1": retrieval.judged(question, [passage("a", 0, 70)], text_of)})["1"]
    assert (both["Recall@1"], both["nDCG@10"]) == (1, 1)
    context = retrieval.score({"1": retrieval.judged(question, [passage("c", 0, 24), passage("a", 0, 70)], text_of)})
    assert (context["1"]["Success@1"], context["1"]["Recall@1"], context["1"]["Recall@5"]) == (0, 0, 1)
    assert context["1"]["nDCG@10"] == pytest.approx((1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3)))


def test_one_quote_of_each_part_is_wanted_and_context_may_be_cited() -> None:
    copy = "A visit to Riga."
    documents = {"a": "Riga it was. ", "b": copy, "c": "Oslo came later.", "d": "The journey was long."}
    quotes = [
        Evidence(id, text.strip(), group=group)
        for (id, text), group in zip(documents.items(), (0, 0, 1, None), strict=True)
    ]
    question = Question("1", "list", "?", parts=(("Riga",), ("Oslo",)), evidence=tuple(quotes))

    def cited(*ids: str) -> tuple[float | None, ...]:
        citations = [{"document_id": id, "start": 0, "end": 9, "quote": documents[id][:9]} for id in ids]
        said = {"short_answer": "Riga and Oslo", "text": "Riga and Oslo [1]", "citations": citations}
        scores = score(question, said, documents.get)
        return scores["right_cited"], scores["citation_precision"], scores["evidence_cited"]

    assert cited("b") == (1, 1, 0.5)  # a says the same: not missed
    assert cited("a", "b", "d") == (1, 1, 0.5)
    assert cited("b", "c") == (1, 1, 1)
    assert cited("d") == (1, 1, 0)


def test_a_passage_counts_for_the_copies_left_out_in_its_favour() -> None:
    question = Question("1", "why", "?", evidence=(Evidence("a", "After."),))
    other = passage("c", 0, 7)
    assert retrieval.judged(question, [other], text_of)[1] == [["passage 1"]]
    assert retrieval.judged(question, [other | {"duplicates": ["a#70-80"]}], text_of)[1] == [["evidence 0"]]


def test_passages_count_as_documents_where_documents_are_judged() -> None:
    question = Question("1", "query", "?", relevant={"a": 1})
    ranked = [passage("c", 0, 7), passage("c", 8, 20), passage("a", 0, 7)]
    scores = retrieval.score({"1": retrieval.judged(question, ranked, text_of)})
    assert scores["1"]["RR@10"] == 0.5


@pytest.mark.parametrize(
    ("changed", "stage"),
    [
        ({"error": "ValueError"}, "error"),
        ({"passages": [passage("c", 0, 7)], "abstained": True}, "evidence not retrieved"),
        ({"passages": [passage("a", 0, 20)], "abstained": True}, "refused, though there is an answer"),
        ({"passages": [passage("a", 0, 20)], "short_answer": "Minsk", "text": "Minsk"}, "wrong answer"),
    ],
)
def test_where_it_went_wrong(changed: dict[str, Any], stage: str) -> None:
    said = answer(**{"short_answer": "", "text": ""} | changed)
    assert failure(QUESTION, said, score(QUESTION, said, text_of), text_of) == stage


def perhaps(**changed: Any) -> dict[str, Any]:
    return answer(certainty="perhaps") | changed


def test_perhaps_is_no_answer_and_is_counted_beside() -> None:
    scores = score(QUESTION, perhaps(), text_of)
    assert (scores["passed"], scores["right_cited"], scores["answered"], scores["f1"]) == (0, 0, 0, 0)
    assert (scores["perhaps"], scores["perhaps_right"]) == (1, 1)
    assert failure(QUESTION, perhaps(), scores, text_of) == "right, but offered with perhaps"
    wrong = score(QUESTION, perhaps(short_answer="Havana", text="It is Havana. [1]"), text_of)
    assert (wrong["perhaps"], wrong["perhaps_right"]) == (1, 0)
    assert score(QUESTION, answer(certainty="answered"), text_of)["passed"] == 1
    assert score(QUESTION, answer(certainty="answered"), text_of)["perhaps_right"] is None


def test_perhaps_refuses_a_question_without_an_answer_but_offers_something() -> None:
    unanswerable = Question("2", "unanswerable", "What?", answerable=False)
    for certainty, refused, offered in (("perhaps", 1, 1), ("not said", 1, 0), ("answered", 0, 1)):
        scores = score(unanswerable, answer(certainty=certainty), text_of)
        assert (scores["refused"], scores["offered"], scores["perhaps_right"]) == (refused, offered, None)
    silent = score(unanswerable, answer(abstained=True), text_of)  # a system that knows no certainty
    assert (silent["refused"], silent["offered"], silent["perhaps"]) == (1, 0, None)


YES = Question("3", "yes-no", "Did he?", answers=("yes",), evidence=(Evidence("a", SENTENCE),))
BOTH = Question(
    "4",
    "yes-no",
    "Did he?",
    answers=("yes", "no"),
    evidence=(Evidence("a", SENTENCE), Evidence("c", "Nothing", group=1)),
)


@pytest.mark.parametrize(
    ("said", "right", "reversed_", "passed"),
    [("Yes", 1, 0, 1), ("Yes, he did.", 1, 0, 1), ("No", 0, 1, 0), ("in Minsk", 0, 0, 0), ("Nothing", 0, 0, 0)],
)
def test_yes_and_no(said: str, right: float, reversed_: float, passed: float) -> None:
    scores = score(YES, answer(short_answer=said), text_of)
    assert (scores["right"], scores["reversed"], scores["right_cited"]) == (right, reversed_, passed)
    if said == "No":
        assert failure(YES, answer(), scores, text_of) == "answered the wrong way round"


def test_yes_without_what_shows_it_does_not_pass() -> None:
    scores = score(YES, answer(short_answer="Yes", citations=[ELSEWHERE]), text_of)
    assert (scores["right"], scores["right_cited"], scores["reversed"]) == (1, 0, 0)
    refused = score(YES, answer(short_answer="Yes", abstained=True), text_of)
    assert (refused["right"], refused["reversed"], refused["answered"]) == (0, 0, 0)


def test_where_accounts_differ_each_word_stands_on_its_own_evidence() -> None:
    for word, citations, passed, shown in (
        ("Yes", [GOOD], 1, 0.5),
        ("No", [GOOD], 0, 0.5),
        ("No", [ELSEWHERE], 1, 0.5),
        ("Yes", [GOOD, ELSEWHERE], 1, 1),
    ):
        scores = score(BOTH, answer(short_answer=word, citations=citations), text_of)
        assert (scores["right_cited"], scores["evidence_cited"], scores["reversed"]) == (passed, shown, 0)


def test_wrong_items_of_a_list_count() -> None:
    question = Question(
        "5", "list", "Which?", answers=("Rome and Oslo",), parts=(("Rome",), ("Oslo", "the city of Oslo"))
    )
    for said, recall, precision, f1 in (
        ("Rome; Oslo", 1, 1, 1),
        ("Rome, Oslo and Bern", 1, 2 / 3, 0.8),
        ("Rome", 0.5, 1, 2 / 3),
        ("Bern; Riga", 0, 0, 0),
        ("the city; Rome", 0.5, 1, 2 / 3),
        ("", 0, 0, 0),
    ):
        scores = score(question, answer(short_answer=said, text="", citations=[]), text_of)
        assert scores["part_recall"] == pytest.approx(recall)
        assert scores["item_precision"] == pytest.approx(precision)
        assert scores["item_f1"] == pytest.approx(f1)
    assert score(QUESTION, answer(), text_of)["item_f1"] is None


def test_a_figure_is_one_item() -> None:
    parts = [["640,000 dollars"], ["1,500,000 francs"]]
    assert metrics.items("640,000 dollars, 1,500,000 francs", parts) == (1, 1)
    assert metrics.items("1941,1942,1943", [["1941"], ["1942"], ["1943"]]) == (1, 1)
    assert metrics.items("640 dollars, 640,000 dollars", parts[:1])[0] == 0.5


def test_an_error_is_no_refusal_and_nothing_right() -> None:
    error = {"short_answer": "", "abstained": False, "error": "RuntimeError: down"}
    unanswerable = Question("2", "unanswerable", "What?", answerable=False)
    scores = score(unanswerable, error, text_of)
    assert [scores[name] for name in ("passed", "refused", "em", "f1")] == [0, 0, 0, 0]
    scores = score(QUESTION, error, text_of)
    assert [scores[name] for name in ("passed", "right", "answered", "em", "f1")] == [0, 0, 0, 0, 0]


def test_the_firmer_is_an_answer_before_a_refusal_before_an_error() -> None:
    error, refusal, weak = (
        Prediction("1", 0.1, said)
        for said in (
            {"short_answer": "", "abstained": False, "error": "RuntimeError: down"},
            {"short_answer": "", "abstained": True, "confidence": 0.3},
            {"short_answer": "Minsk", "abstained": False, "confidence": 0.1},
        )
    )
    assert firmer(error, refusal) is firmer(refusal, error) is refusal
    assert firmer(refusal, weak) is firmer(weak, error) is weak
