"""Retrieval measures, computed by ir-measures (MacAvaney et al., 2022) from ranked passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ir_measures
from ir_measures import RR, R, Success, nDCG

from eval.datasets import Question
from eval.evidence import TextOf, covers, passage_places

MEASURES = {
    "Success@1": Success @ 1,
    "Success@5": Success @ 5,
    "Recall@1": R @ 1,
    "Recall@5": R @ 5,
    "Recall@10": R @ 10,
    "Recall@100": R @ 100,
    "RR@10": RR @ 10,
    "nDCG@10": nDCG @ 10,
}

Ranking = list[str]


def judged(
    question: Question, passages: Sequence[Mapping[str, Any]], text_of: TextOf
) -> tuple[dict[str, int], Ranking]:
    """What is relevant to a question, and the ranking of what was found.

    Where the set grades documents, passages count as their documents, at the best rank of each.
    Else each group of evidence is one relevant item, found by the first passage that shows it; a
    passage that shows nothing new is an irrelevant item at its rank.
    """
    if question.relevant:
        documents = [str(passage_places(passage)[0][0]) for passage in passages]
        return dict(question.relevant), list(dict.fromkeys(documents))
    wanted = {item.group for item in question.evidence}
    missing = set(wanted)
    ranking: Ranking = []
    for rank, passage in enumerate(passages, start=1):
        places = passage_places(passage)
        new = {
            item.group
            for item in question.evidence
            if item.group in missing and any(covers(place, item, text_of) for place in places)
        }
        missing -= new
        ranking += [f"evidence {group}" for group in sorted(new)] or [f"passage {rank}"]
    return {f"evidence {group}": 1 for group in wanted}, ranking


def score(rankings: Mapping[str, tuple[Mapping[str, int], Ranking]]) -> dict[str, dict[str, float]]:
    """Question id -> measure -> value, for the questions to which anything is relevant.

    A question for which nothing was found scores 0 in each.
    """
    qrels = {id: dict(relevant) for id, (relevant, _) in rankings.items() if relevant}
    if not qrels:
        return {}
    run = {id: {item: -float(rank) for rank, item in enumerate(rankings[id][1])} for id in qrels}
    scores = {id: dict.fromkeys(MEASURES, 0.0) for id in qrels}
    names = {measure: name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(MEASURES.values()), qrels, run):
        scores[metric.query_id][names[metric.measure]] = float(metric.value)
    return scores
