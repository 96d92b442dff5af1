"""Drafts written by hand, as strong models write, through the whole path: `python -m eval.generate --replay FILE`.

Each draft was written for a question of the fixed or the news set, and each of its sentences is labelled. The chatbot
is asked the question, a generator that says the draft stands in for the model, and what the answer shows is compared
with the labels. A draft cites the passages that its author was given; each is found again, by its document and a
quote, among those that are retrieved now. One that is not among them keeps a key that nobody knows, as from a model
that cites what it was not given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval import bootstrap
from eval.datasets import DatasetError, Question, read_lines
from eval.sets import SetName, own
from eval.systems import build_bot
from rag.config import Settings
from rag.grounding.generators import Delta, Prompt
from rag.grounding.prompt import passage_key
from rag.language.text import words
from rag.pipeline import Chatbot
from rag.types import Answer

SUPPORTED, UNSUPPORTED, NO_CLAIM = LABELS = ("supported", "unsupported", "no claim")
LEAD = 1 / 3  # share of a sentence's words that may be cut off its beginning ("The article adds that")
CHARACTERS_A_TOKEN = 3  # errs on the high side


@dataclass(frozen=True, slots=True)
class DraftPassage:
    """A passage that the author was given, and the key that stands for it in the draft."""

    key: str
    document_id: str
    quote: str


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A sentence of a draft.

    Attributes
    ----------
    text : str
        Without keys and list marks.
    label : str
        "supported", "unsupported" or "no claim" (a refusal, what only leads to a list).
    reason : str
        Of an unsupported one, what is wrong ("contradicted", "not stated", "two passages joined", "hedge dropped");
        of a supported one, what is unusual ("two passages", "wrong key", "no key"); else empty.
    passages : tuple of str
        Keys of the passages that state it.
    """

    text: str
    label: str
    reason: str
    passages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenDraft:
    """A draft for a question of a set, with its sentences in their order."""

    id: str
    question_id: str
    set: SetName
    kind: str
    passages: tuple[DraftPassage, ...]
    text: str
    sentences: tuple[DraftSentence, ...]

    @property
    def good(self) -> bool:
        """Whether it states something, and nothing that the passages do not."""
        labels = {sentence.label for sentence in self.sentences}
        return SUPPORTED in labels and UNSUPPORTED not in labels


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a draft.

    Attributes
    ----------
    draft : WrittenDraft
    answer : Answer
    asked : bool
        Whether the chatbot put the question to the model at all.
    found : int
        Passages of the draft among those that the model was given.
    shown : tuple of bool
        For each sentence, whether the answer shows it.
    """

    draft: WrittenDraft
    answer: Answer
    asked: bool
    found: int
    shown: tuple[bool, ...]


class DraftGenerator:
    """Says the draft that was put before it, with the keys of the passages that it is given."""

    name = "the draft"
    context_tokens = 32_000

    def __init__(self) -> None:
        self._draft: WrittenDraft | None = None
        self.found: int | None = None  # None until it was asked

    def put(self, draft: WrittenDraft) -> None:
        """Say this draft next."""
        self._draft, self.found = draft, None

    def count_tokens(self, text: str) -> int:
        """An estimate."""
        return len(text) // CHARACTERS_A_TOKEN + 1

    def stream(self, prompt: Prompt) -> Iterator[Delta]:
        """The draft, word by word."""
        if self._draft is None:
            raise ValueError("DraftGenerator was asked before a draft was put before it; call put() first")
        text, self.found = rekeyed(self._draft, prompt)
        for piece in text.split(" "):
            yield Delta(piece + " ")
        yield Delta("", "stop")


def load_drafts(path: Path) -> tuple[WrittenDraft, ...]:
    """The drafts of a file, one a line.

    Raises
    ------
    DatasetError
        A line is no draft, has a label of no known kind, or names a key that its passages lack.
    """
    drafts = []
    try:
        for row in read_lines(path):
            drafts.append(_draft(row))
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}, draft {len(drafts) + 1}: {error}; eval/README.md shows what a draft is") from error
    return tuple(drafts)


def _draft(row: Mapping[str, Any]) -> WrittenDraft:
    passages = tuple(DraftPassage(p["key"], p["document_id"], p["quote"]) for p in row["passages"])
    sentences = tuple(DraftSentence(s["text"], s["label"], s["reason"], tuple(s["passages"])) for s in row["sentences"])
    keys = {passage.key for passage in passages}
    for sentence in sentences:
        if sentence.label not in LABELS:
            raise ValueError(f"got the label {sentence.label!r}, expected one of {', '.join(LABELS)}")
        if strange := set(sentence.passages) - keys:
            raise ValueError(f"a sentence names {', '.join(sorted(strange))}, which is no passage of the draft")
    return WrittenDraft(
        row["id"], row["question_id"], SetName(row["set"]), row["kind"], passages, row["text"], sentences
    )


def rekeyed(draft: WrittenDraft, prompt: Prompt) -> tuple[str, int]:
    """The draft's text with the prompt's keys for its own, and how many of its passages the prompt holds."""
    text, found = draft.text, 0
    for wanted in draft.passages:
        for passage in prompt.passages:
            ours = passage_key(wanted.document_id + passage.text) == passage.key
            if ours and wanted.quote in passage.text:
                text = text.replace(wanted.key, passage.key)
                found += 1
                break
    return text, found


def replay_all(drafts: Sequence[WrittenDraft], settings: Settings) -> list[Replayed]:
    """What becomes of drafts, each asked over the articles of its set."""
    made = []
    for name in dict.fromkeys(draft.set for draft in drafts):
        dataset, generator = own(name), DraftGenerator()
        bot = build_bot(dataset, settings)
        speaking = Chatbot(replace(bot.parts, generator=generator), bot.index, settings)
        questions = {question.id: question for question in dataset.questions}
        made += replay([draft for draft in drafts if draft.set == name], questions, speaking, generator)
    return made


def replay(
    drafts: Sequence[WrittenDraft], questions: Mapping[str, Question], bot: Chatbot, generator: DraftGenerator
) -> list[Replayed]:
    """What becomes of each draft, in the order of the drafts.

    Parameters
    ----------
    drafts : sequence of WrittenDraft
    questions : Mapping
        By their ids.
    bot : Chatbot
        Over the articles of the questions, with `generator` for its language model.
    generator : DraftGenerator

    Raises
    ------
    DatasetError
        A draft is for a question that the set does not have.
    """
    made = []
    for draft in tqdm(drafts, desc="drafts", disable=None):
        if draft.question_id not in questions:
            raise DatasetError(f"{draft.id} is for {draft.question_id}, which the set {draft.set} does not have")
        question = questions[draft.question_id]
        generator.put(draft)
        answer = bot.ask(question.question, list(question.history))
        told = [s.text for s in answer.statements if answer.generator and s.citations]
        shown = tuple(any(_holds(text, sentence.text) for text in told) for sentence in draft.sentences)
        made.append(Replayed(draft, answer, generator.found is not None, generator.found or 0, shown))
    return made


def _holds(text: str, sentence: str) -> bool:
    """Whether a text holds a sentence, word by word; what leads to its statement may be missing."""
    told, wanted = f" {' '.join(words(text))} ", words(sentence)
    return any(f" {' '.join(wanted[cut:])} " in told for cut in range(int(len(wanted) * LEAD) + 1))


def figures(replayed: Sequence[Replayed]) -> dict[str, Any]:
    """What was shown and kept, with 95 % intervals; drafts for one question are resampled together.

    Sentences without a claim count neither as supported nor as unsupported. What the chatbot did not put to the model
    counts in the first figures alone.
    """
    asked = [item for item in replayed if item.asked]
    rows = [
        (item, sentence, shown)
        for item in asked
        for sentence, shown in zip(item.draft.sentences, item.shown, strict=True)
        if sentence.label != NO_CLAIM
    ]
    false = [(item, s, shown) for item, s, shown in rows if s.label == UNSUPPORTED]
    true = [(item, s, shown) for item, s, shown in rows if s.label == SUPPORTED]
    good = [item for item in asked if item.draft.good]
    return {
        "drafts": len(replayed),
        "put_to_the_model": len(asked),
        "passages_retrieved": _share([(item, item.found / len(item.draft.passages)) for item in asked]),
        "unsupported_before": _share([(item, s.label == UNSUPPORTED) for item, s, _ in rows]),
        "unsupported_after": _share([(item, s.label == UNSUPPORTED) for item, s, shown in rows if shown]),
        "unsupported_let_through": _share([(item, shown) for item, _, shown in false]),
        "supported_kept": _share([(item, shown) for item, _, shown in true]),
        "in_the_models_words": _share([(item, bool(item.answer.generator)) for item in asked]),
        "good_drafts_in_the_models_words": _share([(item, bool(item.answer.generator)) for item in good]),
        "unsupported_let_through_by_reason": _by_reason([(s, shown) for _, s, shown in false]),
        "supported_kept_by_reason": _by_reason([(s, shown) for _, s, shown in true]),
        "why_not_in_the_models_words": dict(
            Counter(item.answer.notes[-1] for item in asked if not item.answer.generator and item.answer.notes)
        ),
    }


def sentence_rows(replayed: Sequence[Replayed]) -> list[dict[str, Any]]:
    """Each sentence with its label and whether it was shown, for reading."""
    return [
        {
            "draft": item.draft.id,
            "question": item.answer.question,
            "sentence": sentence.text,
            "label": sentence.label,
            "reason": sentence.reason,
            "asked": item.asked,
            "shown": shown,
        }
        for item in replayed
        for sentence, shown in zip(item.draft.sentences, item.shown, strict=True)
    ]


def _share(values: Sequence[tuple[Replayed, float]]) -> dict[str, float | None] | None:
    """Mean and interval, in percent."""
    clusters = [f"{item.draft.set} {item.draft.question_id}" for item, _ in values]
    estimate = bootstrap.mean([float(value) for _, value in values], clusters)
    if estimate is None:
        return None
    return {
        "percent": round(100 * estimate.value, 1),
        "low": None if estimate.low is None else round(100 * estimate.low, 1),
        "high": None if estimate.high is None else round(100 * estimate.high, 1),
        "of": estimate.count,
    }


def _by_reason(values: Sequence[tuple[DraftSentence, bool]]) -> dict[str, str]:
    whole = Counter(sentence.reason or "plain" for sentence, _ in values)
    shown = Counter(sentence.reason or "plain" for sentence, kept in values if kept)
    return {reason: f"{shown[reason]} of {count}" for reason, count in whole.most_common()}
