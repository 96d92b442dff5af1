"""Candidates -> an Answer, without its text: how certain it is, what it states, what it cites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from rag.answering.candidates import reranked
from rag.answering.citations import on_pages
from rag.answering.composing import compose, doubts, nearest
from rag.answering.confidence import Calibration, Candidate
from rag.answering.retrieval import Found
from rag.config import Settings
from rag.language.detection import UNDETERMINED, language_of, may_be_learned
from rag.models.reader import SHIPPED
from rag.types import Answer, Certainty, Chunk, Doubt, DoubtKind

LEFT_TO_THE_PERSON: frozenset[DoubtKind] = frozenset({"word", "denial", "language"})
"""Doubts on which no span is an answer by itself: its whole sentence is shown, and that is left to the person."""


def decide(
    question: str,
    found: Found,
    candidates: Sequence[Candidate],
    confidence: Calibration,
    settings: Settings,
    denials: Callable[[Sequence[Candidate], Mapping[str, Chunk]], Sequence[Candidate]] = lambda *_: (),
) -> Answer:
    """The answer to a question as typed.

    Parameters
    ----------
    question : str
    found : Found
        For the question as understood.
    candidates : sequence of Candidate
        Best first; none when there is nothing to read.
    confidence : Calibration
    settings : Settings
    denials : callable
        Finds what denies the first of candidates in other articles and in near-copies, by their ids; not called where
        that is not the answer.
    """
    sure = confidence.probability(candidates) if candidates else 0.0
    certainty = certainty_of(sure, settings) if candidates else "not said"
    doubted = _doubts(found, candidates[0], settings) if candidates else ()
    whole = any(doubt.kind in LEFT_TO_THE_PERSON for doubt in doubted)
    if certainty == "answered" and whole:
        certainty = "perhaps"
    passages = reranked(candidates) if settings.rerank else found.passages
    shown = dict.fromkeys(passage.chunk.document_id for passage in passages)
    known = [(i, found.documents[i]) for i in shown]
    answer = Answer(
        question=question,
        understood=found.question,
        short_answer="",
        text="",
        citations=(),
        confidence=sure,
        abstained=certainty != "answered",
        certainty=certainty,
        passages=on_pages(passages, found.documents.__getitem__),
        documents={i: {"title": d.title, "date": d.date, "source": d.source} for i, d in known},
        notes=found.notes,
    )
    if certainty == "not said":
        return replace(answer, nearest=nearest(candidates, found.documents.__getitem__))
    sought = partial(denials, candidates, found.copies)
    chosen, against = (candidates, sought) if certainty == "answered" else (candidates[:1], tuple)
    fetch = found.documents.__getitem__, found.copies.__getitem__
    composed = compose(found.question, chosen, *fetch, against)
    return replace(
        answer,
        short_answer=composed.statements[0].text if whole else composed.short_answer,
        statements=composed.statements,
        citations=composed.citations,
        accounts=composed.accounts,
        doubts=doubted if certainty == "perhaps" else (),
    )


def _doubts(found: Found, candidate: Candidate, settings: Settings) -> tuple[Doubt, ...]:
    return doubts(found.question, candidate, settings.reader in SHIPPED and not _in_english(found, candidate))


def _in_english(found: Found, candidate: Candidate) -> bool:
    """Whether the reader has learned a candidate's language; else its spans and its confidence mean little.

    The project's own were trained on English alone; of a reader that a person names nothing is known. What an article
    is too short to tell, passage and question tell together: English names and figures do not make a question foreign.
    """
    language = found.documents[candidate.span.document_id].language
    if language == UNDETERMINED:
        language = language_of(f"{found.question}\n{candidate.passage.chunk.text}")
    return may_be_learned(language)


def certainty_of(confidence: float, settings: Settings) -> Certainty:
    """Which of the three degrees a probability of being right is."""
    if confidence >= settings.abstain_below:
        return "answered"
    return "perhaps" if confidence >= settings.perhaps_from else "not said"
