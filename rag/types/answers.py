"""What comes back to those who ask, check or look over, and what went before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from rag.types.evidence import Citation, ScoredChunk

Certainty: TypeAlias = Literal["answered", "perhaps", "not said"]
DoubtKind: TypeAlias = Literal["name", "figure", "word", "denial", "language"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What an answer says in one place, without markers.

    `citations` are marker numbers, counted from 1; none where the articles do not support it.
    """

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why an answer is doubtful, as far as the program knows a reason.

    The passage lacks `missing`, words of the question: names or figures, as `kind` says. Or it is not clear whether its
    sentence says yes or no ("word"), it seems to deny what is asked ("denial"), or its article is in a language that
    the reader has not learned ("language").
    """

    kind: DoubtKind
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What the articles say of one statement.

    Attributes
    ----------
    statement : str
        As given.
    verdict : str
        "supported", "contradicted", "not stated", or "no claim" for a question or a text that states nothing.
    probability : float
        That a passage, or several sentences of one document, support it, in [0, 1].
    citations : tuple of Citation
        Exact quotes for it or, where contradicted, against it; none otherwise.
    nearest : tuple of Citation
        Where nothing was found: the nearest sentences, which neither support nor deny it.
    start, end : int
        Of the statement in the text that was checked, in characters.
    note : str
        Why it was not looked for; mostly empty.
    """

    statement: str
    verdict: str
    probability: float
    citations: tuple[Citation, ...] = ()
    nearest: tuple[Citation, ...] = ()
    start: int = 0
    end: int = 0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The check as plain dicts, lists, strings and numbers, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Account:
    """One of several accounts that differ; `text` is without markers, `citations` are their numbers, from 1."""

    short_answer: str
    text: str
    date: str | None
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back for a question.

    Attributes
    ----------
    question : str
        As typed.
    understood : str
        The question that was searched: names in the articles' spelling, follow-ups completed.
    short_answer : str
        The span; empty when nothing is said.
    text : str
        The statements as plain text with markers [1], [2] into `citations`, made by `rag.present.text`; when abstained,
        words that say so.
    citations : tuple of Citation
    accounts : tuple of Account
        Two or more when the articles give accounts that differ; else empty.
    confidence : float
        Calibrated probability in [0, 1] that `short_answer` is a right answer to the question, by the passages alone:
        where a language model's checked sentences made an answer of what was "perhaps" one, it stays what it was.
    abstained : bool
        Whether there is no answer to rely on: True unless `certainty` is "answered".
    passages : tuple of ScoredChunk
        What was retrieved, best first. When abstained: the nearest passages, not an answer.
    documents : Mapping[str, Mapping]
        Title, date and source of each document among `passages`.
    seconds : Mapping[str, float]
        Time of each stage and "total".
    notes : tuple of str
        What a person should know ("read 'Hrenin' as 'Khrenin'").
    generator : str
        Language model that wrote `text`, each sentence checked; empty when the words are the articles' own.
    tokens_in, tokens_out : int
        What asking it took, in its own tokens; 0 when none was asked or it does not tell.
    statements : tuple of Statement
        What the answer says, without markers; one for each account where they differ.
    certainty : {"answered", "perhaps", "not said"}
        "perhaps" says what may be the answer, for a person to judge; a program treats it as no answer.
    doubts : tuple of Doubt
        Why it is "perhaps", where a reason is known.
    nearest : tuple of Citation
        When "not said": the nearest sentence of each of the nearest passages. Not an answer.
    draft : tuple of Check
        Each sentence that a language model wrote, and what the passages say of it; empty when none was asked.
    to_program : bool
        Whether it was a question to the program itself ("Who are you?"), for which nothing was searched; "not said".
    """

    question: str
    understood: str
    short_answer: str
    text: str
    citations: tuple[Citation, ...]
    confidence: float
    abstained: bool
    passages: tuple[ScoredChunk, ...]
    accounts: tuple[Account, ...] = ()
    documents: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    generator: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    statements: tuple[Statement, ...] = ()
    certainty: Certainty | Literal[""] = ""
    doubts: tuple[Doubt, ...] = ()
    nearest: tuple[Citation, ...] = ()
    draft: tuple[Check, ...] = ()
    to_program: bool = False

    def __post_init__(self) -> None:
        """Derive what was not given, refuse what contradicts itself."""
        if not self.certainty:
            object.__setattr__(self, "certainty", "not said" if self.abstained else "answered")
        if self.abstained is (self.certainty == "answered"):
            raise ValueError(f"abstained is {self.abstained} of an answer that is {self.certainty!r}")

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain dicts, lists, strings and numbers, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the articles hold about a topic, or in all: their own sentences, nothing else.

    Attributes
    ----------
    topic : str
        As typed; empty for all the articles.
    text : str
        The sentences with markers [1], [2] into `citations`, a line each, made by `rag.present.overview`; else words
        that say that there is nothing.
    citations : tuple of Citation
        Up to six, the oldest first, undated ones last; empty when nothing is about the topic.
    about : float
        How far the closest passage is about the topic, from -1 to 2 (`rag.answering.overview`); 0 without a topic.
    articles : int
        How many articles were there to choose from.
    seconds : float
    """

    topic: str
    text: str
    citations: tuple[Citation, ...]
    about: float
    articles: int
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The overview as plain dicts, lists, strings and numbers, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question and, where known, its Answer."""

    question: str
    answer: Answer | None = None


History: TypeAlias = Sequence["str | Turn | tuple[str, Answer | None]"]
