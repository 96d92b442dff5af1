"""Retrieval measures, computed by ir-measures (MacAvaney et al., 2022) from ranked passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ir_measures import RR, R, Success, nDCG

from eval.datasets import Question
from eval.evidence import TextOf, groups_covered, groups_wanted, passage_places

ALL = 1000  # items; more than any number of passages shows

MEASURES: dict[str, tuple[Any, int]] = {
    "Success@1": (Success @ 1, 1),
    "Success@5": (Success @ 5, 5),
    "Recall@1": (R @ ALL, 1),
    "Recall@5": (R @ ALL, 5),
    "Recall@10": (R @ ALL, 10),
    "Recall@100": (R @ ALL, 100),
    "RR@10": (RR @ 10, 10),
    "nDCG@10": (nDCG @ 10, 10),
}
"""Name -> the library's measure, and how many passages it is shown."""

Ranking = list[list[str]]
"""For each rank, what the passage shows that none before it showed; never empty."""


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
        return dict(question.relevant), [[document] for document in dict.fromkeys(documents)]
    wanted = groups_wanted(question.evidence)
    missing = set(wanted)
    ranking: Ranking = []
    for rank, passage in enumerate(passages, start=1):
        new = missing & groups_covered(passage_places(passage), question.evidence, text_of)
        missing -= new
        ranking.append([f"evidence {group}" for group in sorted(new)] or [f"passage {rank}"])
    return {f"evidence {group}": 1 for group in wanted}, ranking


def score(rankings: Mapping[str, tuple[Mapping[str, int], Ranking]]) -> dict[str, dict[str, float]]:
    """Question id -> measure -> value, for the questions to which anything is relevant.

    A question for which nothing was found scores 0 in each. Recall@k is that of the first k passages,
    however many items one of them shows; to the other measures, items of one passage are at successive ranks.
    """
    qrels = {id: dict(relevant) for id, (relevant, _) in rankings.items() if relevant}
    if not qrels:
        return {}
    scores = {id: dict.fromkeys(MEASURES, 0.0) for id in qrels}
    for name, (measure, depth) in MEASURES.items():
        run = {id: _flat(rankings[id][1][:depth]) for id in qrels}
        for metric in measure.iter_calc(qrels, run):
            scores[metric.query_id][name] = float(metric.value)
    return scores


def _flat(ranking: Ranking) -> dict[str, float]:
    items = [item for shown in ranking for item in shown]
    return {item: -float(place) for place, item in enumerate(items)}
