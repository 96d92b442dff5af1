"""Question and passages -> the spans that may answer it, each with its sentence, ranked. All calls of the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from rag.answering.citations import sentences_around, told_alike
from rag.answering.confidence import Calibration, Candidate, best_of_passages, is_denied, is_polar, says_no
from rag.language.sentences import is_question
from rag.language.text import words
from rag.models.embedding import Embedder
from rag.models.phrasing import as_question
from rag.models.reader import Limited, Reader
from rag.types import Chunk, ScoredChunk, Span

SPANS_PER_PASSAGE = 2  # that may be the answer; a list takes more of them


class SpanFinder:
    """Reads passages and ranks what it finds in them."""

    def __init__(self, reader: Reader, embedder: Embedder, confidence: Calibration) -> None:
        self._reader = reader
        self._embedder = embedder
        self._confidence = confidence

    def candidates(self, question: str, passages: Sequence[ScoredChunk]) -> list[Candidate]:
        """The spans that may answer, best first: the best of each passage and the next best in it."""
        spans = _asked_alike(self._reader.read(question, [passage.chunk for passage in passages]))
        found: list[Candidate] = []
        for passage, best in zip(passages, spans, strict=True):
            scored = replace(passage, scores={**passage.scores, "reader": best.score})
            for number, span in enumerate((best, *best.alternatives[: SPANS_PER_PASSAGE - 1])):
                made = _candidate(scored, span)
                found.append(replace(made, judgement=best.judgement, second=number > 0))
        if not found:
            return []
        sentences = list(dict.fromkeys(candidate.sentence for candidate in found))
        by_sentence = dict(zip(sentences, self._embedder.embed_texts(sentences), strict=True))
        return self._confidence.rank([replace(c, vector=by_sentence[c.sentence]) for c in found])

    def denials(self, candidates: Sequence[Candidate], copies: Mapping[str, Chunk]) -> list[Candidate]:
        """The sentences of other articles that deny what the best candidate's says, one an article.

        To "Who approved the plan?" a passage that says "The council did not approve it" has no answer, so nothing that
        it says is ranked high. But the reader tells that it denies what is asked, or says the other of yes and no: such
        passages are asked whether the answer's sentence is true, and so are near-copies of the best one, by id in
        `copies`, that word it otherwise.
        """
        best, *others = best_of_passages(candidates)
        said = as_question(" ".join(best.sentence.split()))
        others = [c for c in others if c.span.document_id != best.span.document_id and may_deny(c, best)]
        edited = [chunk for i in best.passage.duplicates if not told_alike(chunk := copies[i], best.sentence)]
        suspects = [*(c.passage for c in others), *(replace(best.passage, chunk=chunk) for chunk in edited)]
        if not suspects or (isinstance(self._reader, Limited) and not self._reader.fits(said)):
            return []
        spans = self._reader.read(said, [suspect.chunk for suspect in suspects])
        found: dict[str, Candidate] = {}
        for suspect, span in sorted(zip(suspects, spans, strict=True), key=lambda read: -read[1].score):
            sure = span.judgement is not None and span.judgement.denial > best.bounds.decided
            if span.score > 0 and sure:
                made = replace(_candidate(suspect, span), judgement=span.judgement, bounds=best.bounds)
                found.setdefault(span.document_id, made)
        return list(found.values())

    def rerank(self, question: str, passages: Sequence[ScoredChunk], read: int) -> list[ScoredChunk]:
        """Passages in the order of what the reader finds in the first `read` of them; the rest follows unread."""
        head = reranked(self.candidates(question, passages[:read]))
        least = min((passage.score for passage in head), default=0.0)
        tail = [replace(passage, score=least - n) for n, passage in enumerate(passages[read:], start=1)]
        return [*head, *tail]


def may_deny(candidate: Candidate, best: Candidate) -> bool:
    """Whether a passage denies what is asked and the best candidate's does not, or one says yes and the other no."""
    if is_polar(best):
        return {says_no(candidate), says_no(best)} == {True, False}
    return is_denied(candidate) and not is_denied(best)


def _asked_alike(spans: Sequence[Span]) -> list[Span]:
    """Spans whose judgements say the same of the question: what it asks for, in the mean of all its passages.

    A network reads it off one passage's window less surely, since it asks for the same beside each of them.
    """
    judged = [span.judgement for span in spans if span.judgement]
    if not judged:
        return list(spans)
    polar, many = fmean(each.polar for each in judged), fmean(each.many for each in judged)
    return [
        replace(span, judgement=span.judgement and replace(span.judgement, polar=polar, many=many)) for span in spans
    ]


def reranked(candidates: Sequence[Candidate]) -> list[ScoredChunk]:
    """Each passage once, in the order of its best candidate, scored by its logit; candidates best first."""
    best = best_of_passages(candidates)
    return [replace(c.passage, score=c.logit, rank=rank) for rank, c in enumerate(best, start=1)]


def _candidate(passage: ScoredChunk, span: Span) -> Candidate:
    chunk = passage.chunk
    first, last = within_sentence(chunk, span.start, span.end)
    start, end = sentences_around(chunk, first, last)
    if not words(chunk.between(first, last)):  # a comma tells nothing; its sentence may
        first, last = start, end
    span = replace(span, start=first, end=last, text=chunk.between(first, last))
    earlier = [chunk.between(a, b) for a, b in chunk.sentences if b <= start]
    return Candidate(
        passage,
        span,
        sentence=chunk.between(start, end),
        heading=earlier[-1] if earlier and is_question(earlier[-1]) else "",
    )


def within_sentence(chunk: Chunk, start: int, end: int) -> tuple[int, int]:
    """The longest part of a span that lies in one sentence, as an answer is told in one; all in document characters."""
    parts = [(max(a, start), min(b, end)) for a, b in chunk.sentences if a < end and start < b]
    return max(parts, key=lambda part: part[1] - part[0], default=(start, end))
