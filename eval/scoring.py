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
    "refused": "Of the unanswerable: abstained.",
    "right": "Of the answerable: the short answer or the text holds an accepted answer (all its parts), "
    "or shares F1 >= 0.5 with one. The project's own.",
    "short_right": "The same of the short answer alone.",
    "text_right": "The same of the whole text alone (its first 150 words).",
    "part_recall": "Share of the needed parts found, where a question has parts.",
    "answered": "Of the answerable: not abstained.",
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
GUARDED = ("passed", "right_cited", "refused", "f1", "citation_exact", "Success@5", "nDCG@10")
"""Measures whose fall beyond the interval makes a comparison fail."""

_MARKERS = re.compile(r"(?:\s*\[\d+\])+")
_MARKER = re.compile(r"\[(\d+)\]")

Answer = Mapping[str, Any]
Scores = dict[str, float | None]


def is_refusal(answer: Answer) -> bool:
    """Whether a system said that it has no answer; one that does not tell has none when it says nothing."""
    said = answer.get("abstained")
    return bool(said) if said is not None else not (answer.get("short_answer") or answer.get("text"))


def score(question: Question, answer: Answer, text_of: TextOf) -> Scores:
    """Every figure of one answer; None where a measure does not apply.

    An abstention is scored as saying nothing, whatever words or passages come with it.
    """
    refused = is_refusal(answer)
    short = "" if refused else str(answer.get("short_answer") or "")
    marked = "" if refused else str(answer.get("text") or "")
    text = _MARKERS.sub("", marked)
    scores: Scores = dict.fromkeys(MEASURES)
    scores["em"] = metrics.exact_match(short, question.answers if question.answerable else ())
    scores["f1"] = metrics.f1(short, question.answers if question.answerable else ())
    cites = answer.get("citations", ()) is not None
    citations: Sequence[Mapping[str, Any]] = [] if refused or not cites else answer.get("citations", ())
    if citations:
        scores["citation_exact"] = sum(map(_is_exact(text_of), citations)) / len(citations)
    if not question.answerable:
        scores["refused"] = scores["passed"] = float(refused)
        return scores

    scores["answered"] = float(not refused)
    scores["short_right"] = float(metrics.is_right(short, question.answers, question.parts))
    scores["text_right"] = float(metrics.is_right(text, question.answers, question.parts))
    scores["text_f1"] = metrics.f1(text, question.answers)
    right = bool(scores["short_right"] or scores["text_right"])
    if question.parts:
        scores["part_recall"] = metrics.parts_found([short, text], question.parts)
        right = scores["part_recall"] == 1.0
    scores["right"] = scores["passed"] = float(right)
    if "span" in answer:
        scores["em_always"] = metrics.exact_match(answer["span"], question.answers)
        scores["f1_always"] = metrics.f1(answer["span"], question.answers)
    if cites and question.evidence:
        scores.update(_citation_scores(question, marked, citations, text_of))
        scores["right_cited"] = scores["passed"] = float(right and bool(scores["citation_precision"]))
    return scores


def _is_exact(text_of: TextOf) -> Any:
    def exact(citation: Mapping[str, Any]) -> bool:
        text = text_of(citation["document_id"])
        start, end = citation.get("start"), citation.get("end")
        quote = citation.get("quote")
        return bool(quote) and text is not None and start is not None and start >= 0 and text[start:end] == quote

    return exact


def _citation_scores(
    question: Question, marked: str, citations: Sequence[Mapping[str, Any]], text_of: TextOf
) -> Scores:
    """Citation precision and recall after ALCE (Gao et al., 2023), the gold evidence in the entailment model's place.

    A statement is a stretch of the text up to its markers; what follows the last marker is a
    statement without support. A text without markers is one statement, supported by all citations.
    """
    shown = [groups_covered([citation_place(citation)], question.evidence, text_of) for citation in citations]
    good = [bool(groups) for groups in shown]
    statements = [[int(number) for number in _MARKER.findall(match[0])] for match in _MARKERS.finditer(marked)]
    if statements:
        supported = sum(any(0 < n <= len(good) and good[n - 1] for n in numbers) for numbers in statements)
        tail = _MARKERS.split(marked)[-1]
        recall = supported / (len(statements) + any(character.isalnum() for character in tail))
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
    if is_refusal(answer):
        return "refused, though there is an answer"
    if scores["part_recall"]:
        return "incomplete answer"
    return "wrong answer"
