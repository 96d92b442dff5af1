"""One question, what came back, and the figures of it. The one place that joins data sets and metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eval import metrics
from eval.datasets import Question
from eval.evidence import TextOf, citation_place, groups_covered, groups_wanted, passage_places

MEASURES = {
    "passed": "Right and cited where there is an answer, refused where there is none. The headline over all questions.",
    "right_cited": "Of the answerable: right, and at least one citation shows gold evidence. The project's own.",
    "refused": "Of the unanswerable: abstained, or answered with perhaps.",
    "right": "Of the answerable: the short answer or the text holds an accepted answer (all its parts), "
    "or shares F1 >= 0.5 with one. The project's own.",
    "short_right": "The same of the short answer alone.",
    "text_right": "The same of the whole text alone (its first 150 words).",
    "part_recall": "Share of the needed parts found, where a question has parts.",
    "item_precision": "Of the items of the short answer, the share that is wanted, where it has parts.",
    "item_f1": "Harmonic mean of item_precision and the share of the parts found among the items.",
    "reversed": "Of the questions for yes or no: answered the wrong way round. Lower is better.",
    "answered": "Of the answerable: answered, neither with perhaps nor with not said.",
    "perhaps": "Share of the questions answered with perhaps, which counts as a refusal in every other measure.",
    "perhaps_right": "Of the answerable ones answered with perhaps: what was offered is right.",
    "offered": "Of the unanswerable: got more than not said (an answer, or perhaps). Lower is better.",
    "em": "Short answer equals an accepted one, as SQuAD 2.0 normalises; a refusal is right where there is no answer.",
    "f1": "Words shared with the best accepted answer, as SQuAD 2.0 counts.",
    "text_f1": "F1 of the whole text, of the answerable.",
    "citation_exact": "Share of citations with text[start:end] == quote. Anything below 1 is a bug.",
    "citation_precision": "Share of citations that show gold evidence (after ALCE, the gold as judge); none given: 0.",
    "citation_recall": "Share of statements with a citation that shows gold evidence (after ALCE); none made: 0.",
    "evidence_cited": "Share of the wanted evidence (one quote of each part) that the citations show.",
    "Success@1": "The first passage shows gold evidence.",
    "Success@5": "One of the first five passages shows gold evidence.",
    "Recall@1": "Share of the wanted evidence (one quote of each part) in the first passage.",
    "Recall@5": "Share of the wanted evidence in the first five passages.",
    "Recall@10": "Share of the wanted evidence in the first ten passages.",
    "Recall@100": "Share of the wanted evidence in the first hundred passages.",
    "RR@10": "1 / rank of the first passage that shows gold evidence; 0 beyond ten.",
    "nDCG@10": "Discounted gain of the first ten passages over the best possible.",
    "em_always": "Gold passage given: EM of the best span of the answerable, refusals ignored.",
    "f1_always": "Gold passage given: F1 of the best span of the answerable, refusals ignored.",
}
EXACT = "citation_exact"
"""The measure of which anything below 1 makes a comparison fail, whatever the interval."""
GUARDED = ("passed", "right_cited", "refused", "f1", EXACT, "Success@5", "nDCG@10")
"""Measures whose fall beyond the interval makes a comparison fail."""
GUARDED_LOW = ("reversed", "offered")
"""The same of a rise."""

_MARKERS = re.compile(r"(?:\s*\[\d+\])+")
_MARKER = re.compile(r"\[(\d+)\]")

Answer = Mapping[str, Any]
Scores = dict[str, float | None]


def is_refusal(answer: Answer) -> bool:
    """Whether a system gave no answer, or none that it stands by.

    Of its three degrees of certainty ("answered", "perhaps", "not said") only the first is an answer. A system that
    tells neither that nor whether it abstained has none when it says nothing.
    """
    if certainty := answer.get("certainty"):
        return bool(certainty != "answered")
    said = answer.get("abstained")
    return bool(said) if said is not None else not (answer.get("short_answer") or answer.get("text"))


def score(question: Question, answer: Answer, text_of: TextOf) -> Scores:
    """Every figure of one answer; None where a measure does not apply.

    An abstention is scored as saying nothing, whatever words or passages come with it; an error as a failure, not as
    a refusal.
    """
    failed = bool(answer.get("error"))
    refused = is_refusal(answer)
    perhaps = answer.get("certainty") == "perhaps"
    short = "" if refused else str(answer.get("short_answer") or "")
    text, numbers = ("", []) if refused else _told(answer)
    scores: Scores = dict.fromkeys(MEASURES)
    gold = question.answers if question.answerable else ()
    scores["em"] = 0.0 if failed else metrics.exact_match(short, gold)
    scores["f1"] = 0.0 if failed else metrics.f1(short, gold)
    if answer.get("certainty"):
        scores["perhaps"] = float(perhaps)
    cites = answer.get("citations", ()) is not None
    citations: Sequence[Mapping[str, Any]] = [] if refused or not cites else answer.get("citations", ())
    if citations:
        scores["citation_exact"] = sum(map(_is_exact(text_of), citations)) / len(citations)
    if not question.answerable:
        scores["refused"] = scores["passed"] = float(refused)
        scores["offered"] = float(perhaps or not refused)
        return scores

    scores["answered"] = float(not refused and not failed)
    scores.update(_answer_scores(question, short, text))
    scores["passed"] = scores["right"]
    if perhaps:
        offered = str(answer.get("short_answer") or ""), _told(answer)[0]
        scores["perhaps_right"] = _answer_scores(question, *offered)["right"]
    if "span" in answer:
        scores["em_always"] = metrics.exact_match(answer["span"], question.answers)
        scores["f1_always"] = metrics.f1(answer["span"], question.answers)
    if cites and question.evidence:
        scores.update(_citation_scores(question, numbers, citations, text_of))
        shown = _shown_word(question, short, citations, text_of) if question.polar else scores["citation_precision"]
        scores["right_cited"] = scores["passed"] = float(bool(scores["right"] and shown))
    return scores


def _told(answer: Answer) -> tuple[str, list[list[int]]]:
    """The text of an answer without its markers, and for each of its statements the numbers of its citations, from 1.

    Of a system that tells no statements, one is a stretch of the text up to its markers; what follows the last marker
    is a statement without support.
    """
    marked = str(answer.get("text") or "")
    if answer.get("statements") is not None:
        numbers = [list(statement["citations"]) for statement in answer["statements"]]
    else:
        numbers = [[int(number) for number in _MARKER.findall(match[0])] for match in _MARKERS.finditer(marked)]
        numbers += [[]] * any(map(str.isalnum, _MARKERS.split(marked)[-1]))
    return _MARKERS.sub("", marked), numbers


def _answer_scores(question: Question, short: str, text: str) -> Scores:
    """Whether an answer's words are right; `text` without markers."""
    if question.polar:
        words = [metrics.polar(said) for said in (short, text)]
        short_right, text_right = (word in question.answers for word in words)
        opposite = words[0] is not None and not short_right
        scores: Scores = {"right": float(short_right), "reversed": float(opposite)}
    else:
        short_right, text_right = (metrics.is_right(said, question.answers, question.parts) for said in (short, text))
        scores = {"right": float(short_right or text_right)}
    if question.parts:
        recall = metrics.parts_found([short, text], question.parts)
        precision, f1 = metrics.items(short, question.parts)
        scores |= {"right": float(recall == 1.0), "part_recall": recall, "item_precision": precision, "item_f1": f1}
    text_f1 = metrics.f1(text, question.answers)
    return scores | {"short_right": float(short_right), "text_right": float(text_right), "text_f1": text_f1}


def _shown_word(question: Question, short: str, citations: Sequence[Mapping[str, Any]], text_of: TextOf) -> bool:
    """Whether a citation shows what the word that was said, yes or no, stands on: its own group of evidence."""
    word = metrics.polar(short)
    places = [citation_place(citation) for citation in citations]
    return word in question.answers and question.answers.index(word) in groups_covered(
        places, question.evidence, text_of
    )


def _is_exact(text_of: TextOf) -> Any:
    def exact(citation: Mapping[str, Any]) -> bool:
        text = text_of(citation["document_id"])
        start, end = citation.get("start"), citation.get("end")
        quote = citation.get("quote")
        return bool(quote) and text is not None and start is not None and start >= 0 and text[start:end] == quote

    return exact


def _citation_scores(
    question: Question, numbers: Sequence[Sequence[int]], citations: Sequence[Mapping[str, Any]], text_of: TextOf
) -> Scores:
    """Citation precision and recall after ALCE (Gao et al., 2023), the gold evidence in the entailment model's place.

    `numbers` are those of the citations of each statement; without any, the whole is one, supported by all citations.
    """
    shown = [groups_covered([citation_place(citation)], question.evidence, text_of) for citation in citations]
    good = [bool(groups) for groups in shown]
    if any(numbers):
        recall = sum(any(0 < n <= len(good) and good[n - 1] for n in cited) for cited in numbers) / len(numbers)
    else:
        recall = float(any(good))
    wanted = groups_wanted(question.evidence)
    return {
        "citation_precision": sum(good) / len(good) if good else 0.0,
        "citation_recall": recall,
        "evidence_cited": len(wanted & set().union(*shown)) / len(wanted),
    }


def failure(question: Question, answer: Answer, scores: Scores, text_of: TextOf) -> str | None:
    """Where a failed question went wrong, the earliest stage first; None when it passed."""
    if scores["passed"] != 0.0:
        return None
    if answer.get("error"):
        return "error"
    if not question.answerable:
        return "answered, though there is no answer"
    if scores["right"]:
        return "right, but cites nothing that shows it"
    passages = answer.get("passages")
    if passages is not None and question.evidence:
        places = [place for passage in passages for place in passage_places(passage)]
        if not groups_covered(places, question.evidence, text_of):
            return "evidence not retrieved"
    if scores["perhaps_right"]:
        return "right, but offered with perhaps"
    if is_refusal(answer):
        return "refused, though there is an answer"
    if scores["reversed"]:
        return "answered the wrong way round"
    if scores["part_recall"]:
        return "incomplete answer"
    return "wrong answer"
