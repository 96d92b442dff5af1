"""Joining rankings, and leaving out near-identical chunks. Pure functions."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from rag.language.facts import contradict
from rag.language.text import WORD, fold, words
from rag.types import Chunk

K = TypeVar("K", bound=Hashable)

RRF_K = 60  # Cormack et al. (2009); flat between 10 and 100 in eval.ablate
SHINGLE = 4  # words
SAME = 0.6  # share of a chunk's shingles that another must hold to make it superfluous


def reciprocal_rank_fusion(rankings: Sequence[Sequence[K]], k: int = RRF_K) -> dict[K, float]:
    """Sum over the rankings of 1 / (k + rank), ranks from 1 (Cormack, Clarke and Büttcher, SIGIR 2009)."""
    fused: dict[K, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            fused[key] = fused.get(key, 0.0) + 1.0 / (k + rank)
    return fused


def _shingles(text: str) -> set[tuple[str, ...]]:
    # Folded whole: word by word would cost more than all the rest of a search.
    tokens = WORD.findall(text.casefold() if text.isascii() else fold(text))
    return set(zip(*(tokens[i:] for i in range(SHINGLE)), strict=False)) or {tuple(tokens)}


def near_duplicates(chunks: Sequence[Chunk]) -> Mapping[str, list[str]]:
    """Chunk ids to keep, in the order given, each with the ids of later chunks that tell the same.

    A chunk is left out when an earlier one, of another document, holds 60 % of its runs of four words (the
    containment of Broder, 1997). Chunks of one document overlap by a sentence and stay apart, and so does a story of
    which a sentence was changed to another figure or day.
    """
    shingles = [_shingles(chunk.text) for chunk in chunks]
    seen: set[tuple[str, ...]] = set()
    twice: set[tuple[str, ...]] = set()
    for own in shingles:
        twice |= own & seen
        seen |= own
    kept: dict[str, list[str]] = {}
    earlier: list[tuple[Chunk, set[tuple[str, ...]]]] = []
    for chunk, own in zip(chunks, shingles, strict=True):
        wanted = SAME * len(own)
        copied = (
            i
            for i, other in earlier
            if i.document_id != chunk.document_id and len(own & other) >= wanted and not _corrects(chunk, i)
        )
        first = next(copied, None) if len(own & twice) >= wanted else None  # most chunks are like no other
        if first is not None:
            kept[first.id].append(chunk.id)
            continue
        kept[chunk.id] = []
        earlier.append((chunk, own))
    return kept


def _corrects(chunk: Chunk, other: Chunk) -> bool:
    """Whether a sentence of one chunk contradicts the sentence of the other that is like it but for figures.

    Sentences are alike when they share 60 % of their words, and four that are no figures: a time stamp has fewer.
    """
    left, right = ({each.between(*place) for place in each.sentences} for each in (chunk, other))
    return any(_alike(own, its) and contradict(own, its) for own in left - right for its in right - left)


def _alike(left: str, right: str) -> bool:
    a, b = set(words(left)), set(words(right))
    shared = a & b
    return len(shared) >= SAME * min(len(a), len(b)) and sum(not word[:1].isdigit() for word in shared) >= SHINGLE
