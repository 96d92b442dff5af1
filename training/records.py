"""What training data are made of."""

from __future__ import annotations

from dataclasses import dataclass

LABELS = ("supported", "contradicted", "not_stated", "unsupported")


@dataclass(frozen=True)
class Question:
    """One question on one passage; `answers` are (start, text) pairs, none when the passage does not answer.

    `title` and `date` are what stands before the passage when it is read. `group` is what is held out as a whole.
    Of a yes-no question (`polar`) `answers` is the sentence that decides it and `denial` tells whether it says no.
    `many`: all the answers are wanted together, as a list; None where nobody said. `near`: of one that nothing
    answers, what tempts to answer it; `denial` then tells whether it denies what is asked.
    """

    id: str
    dataset: str
    title: str
    context: str
    text: str
    answers: tuple[tuple[int, str], ...]
    group: str = ""
    date: str | None = None
    article: str = ""
    polar: bool = False
    denial: bool | None = None
    many: bool | None = None
    near: tuple[int, str] | None = None


@dataclass(frozen=True)
class Claim:
    """One statement and the premise that may support it; `label` is one of `LABELS`.

    `evidence` is a verbatim run of the premise that supports or contradicts the claim, empty where nobody marked one or
    several places decide, too far from each other for one passage of an index: these are `runs`.
    """

    dataset: str
    group: str
    premise: str
    text: str
    label: str
    evidence: str = ""
    title: str = ""
    date: str | None = None
    article: str = ""
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Article:
    """A news article, the last of its group on another event than the first two; or a text by itself."""

    id: str
    group: str
    title: str
    date: str | None
    text: str


@dataclass(frozen=True)
class Example:
    """A question or claim on a passage; `start` and `end` are characters of it, both -1 when it answers nothing.

    `somewhere`: the passage supports the claim at a place nobody marked. `whole`: what is known holds of the whole
    passage and of no part of it. `answers`: all that is accepted, as in `Question`. `denial`: whether the passage
    denies the claim or what a yes-no question asks. `polar`: whether it asks for yes or no. `many`: whether it asks for
    a list. None where nobody said.
    """

    question: str
    passage: str
    start: int
    end: int
    kind: str
    somewhere: bool = False
    whole: bool = False
    answers: tuple[tuple[int, str], ...] = ()
    denial: bool | None = None
    polar: bool | None = None
    many: bool | None = None
