"""The project's own question sets, each with its articles."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from eval.datasets import Dataset, load

HERE = Path(__file__).parent
QUESTIONS = HERE / "questions.jsonl"
SEEDS = HERE.parent / "seeds"
CLAIMS = HERE / "news" / "claims.jsonl"


class Split(StrEnum):
    """Halves of a set: `tune` may be fitted on, `test` is only measured."""

    tune = "tune"
    test = "test"


class SetName(StrEnum):
    """The sets that `python -m eval` asks when it is told nothing else."""

    fixed = "fixed"
    news = "news"
    yes_no = "yes-no"
    left_open = "left-open"
    strangers = "strangers"
    files = "files"


_PLACES = {
    SetName.fixed: (QUESTIONS, SEEDS),
    SetName.news: (HERE / "news" / "questions.jsonl", HERE / "news" / "articles"),
    SetName.yes_no: (HERE / "yes_no.jsonl", SEEDS),
    SetName.left_open: (HERE / "news" / "left_open.jsonl", HERE / "news" / "articles"),
    SetName.strangers: (HERE / "strangers" / "questions.jsonl", HERE / "strangers" / "articles"),
    SetName.files: (HERE / "files" / "questions.jsonl", HERE / "files" / "articles"),
}


def own(name: SetName) -> Dataset:
    """One of the project's own sets."""
    return replace(load(*_PLACES[name]), name=name.value)
