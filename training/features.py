"""Examples as token ids with labels, and batches of like length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from rag.models.reader import MAX_TOKENS
from rag.models.windows import MAX_QUESTION_TOKENS, STRIDE
from training.data import holds_answer
from training.records import Example

BUCKET = 16
SOMEWHERE = -1  # start and end of a window that supports the claim at a place nobody marked
LABELS = ("start", "end", "denial", "polar", "many")
UNKNOWN = -1  # a yes or no that nobody told


@dataclass(frozen=True)
class Features:
    """Windows of question and passage, flat: window i is tokens[bounds[i]:bounds[i + 1]].

    `lead` is the number of tokens before the passage (question and special tokens); `start` and `end` are token
    positions of the answer in the window, inclusive, both 0 (the first token) where there is none, both `SOMEWHERE`
    where only that there is one is known. `denial`, `polar` and `many`: 1, 0 or `UNKNOWN`, as in `training.mixture`.
    """

    tokens: np.ndarray
    bounds: np.ndarray
    lead: np.ndarray
    start: np.ndarray
    end: np.ndarray
    denial: np.ndarray
    polar: np.ndarray
    many: np.ndarray

    def __len__(self) -> int:
        return len(self.lead)

    def save(self, path: Path) -> None:
        np.savez(path, **self.__dict__)

    @classmethod
    def load(cls, path: Path) -> Features:
        with np.load(path) as arrays:
            return cls(**dict(arrays))


def separators(tokenizer: PreTrainedTokenizerBase) -> int:
    """How many separator tokens stand between question and passage: one for BERT's kind, two for MPNet's."""
    ids = tokenizer("a", "a")["input_ids"]
    return len(ids) - 2 * len(tokenizer("a", add_special_tokens=False)["input_ids"]) - 2


def encode(
    examples: list[Example],
    tokenizer: PreTrainedTokenizerBase,
    seed: int,
    max_tokens: int = MAX_TOKENS,
    stride: int = STRIDE,
) -> Features:
    """At most one window per example.

    A passage longer than one window gives, for an answered example, a window with the whole answer seven times in
    eight (else one without any, labelled as null); for an unanswered one, any window. Where only the whole passage is
    known to support or not, a longer one is left out.
    """
    random = Random(seed)
    questions = tokenizer([example.question for example in examples], add_special_tokens=False)["input_ids"]
    passages = tokenizer(
        [example.passage for example in examples], add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    cls_id, sep_id = tokenizer.cls_token_id, tokenizer.sep_token_id
    between = separators(tokenizer)
    tokens: list[int] = []
    bounds, lead, starts, ends, denials, polar, many = [0], [], [], [], [], [], []
    for row, example in enumerate(examples):
        question = questions[row][:MAX_QUESTION_TOKENS]
        passage, offsets = passages["input_ids"][row], passages["offset_mapping"][row]
        room = max_tokens - len(question) - 2 - between
        if example.whole and len(passage) > room:
            continue
        first = last = -1
        if example.start >= 0:
            covered = [i for i, (left, right) in enumerate(offsets) if left < example.end and right > example.start]
            if not covered:
                continue
            first, last = covered[0], covered[-1]
        windows, first, denial = _windows(example, (first, last), passage, offsets, room, stride, random)
        if not windows:
            continue
        left = random.choice(windows)
        window = passage[left : left + room]
        shift = len(question) + 1 + between - left
        tokens += [cls_id, *question, *[sep_id] * between, *window, sep_id]
        bounds.append(len(tokens))
        lead.append(len(question) + 1 + between)
        nothing = SOMEWHERE if example.somewhere else 0
        starts.append(first + shift if first >= 0 else nothing)
        ends.append(last + shift if first >= 0 else nothing)
        denials.append(denial)
        polar.append(_known(example.polar))
        many.append(_known(example.many))
    parts = (tokens, bounds, lead, starts, ends, denials, polar, many)
    return Features(*(np.asarray(part, dtype=np.int32) for part in parts))


def _windows(
    example: Example,
    place: tuple[int, int],
    passage: Sequence[int],
    offsets: Sequence[tuple[int, int]],
    room: int,
    stride: int,
    random: Random,
) -> tuple[list[int], int, int]:
    """Where the windows begin of which one is taken, the answer's first token there (-1 for none), and the denial.

    `place`: the first and the last token of the answer in the passage, -1 where there is none.
    """
    first, last = place
    denial = _known(example.denial)
    if len(passage) <= room:
        return [0], first, denial
    windows = list(range(0, len(passage) - stride, room - stride))
    if example.start < 0:
        return windows, first, UNKNOWN if denial == 1 else denial  # the window may lack what denies
    whole = [left for left in windows if left <= first and last < left + room]
    shown = {left: example.passage[offsets[left][0] : offsets[left : left + room][-1][1]] for left in windows}
    elsewhere = [left for left in windows if left > last or left + room <= first]
    without = [left for left in elsewhere if not holds_answer(shown[left], example.answers)]
    if (without and random.random() < 0.125) or not whole:
        return without, -1, 0
    return whole, first, denial


def _known(told: bool | None) -> int:
    return UNKNOWN if told is None else int(told)


def batches(lengths: np.ndarray, budget: int, pool: int, seed: int) -> list[np.ndarray]:
    """Window indexes of each micro-batch, in random order: of like length, `budget` padded tokens each.

    Within a pool the windows of one bucket (lengths up to the same multiple of `BUCKET`) fill batches of one size, and
    the rest goes up to the next bucket: few shapes, since each new one costs the kernels of a processor a set-up.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(lengths))
    cut: list[np.ndarray] = []
    for begin in range(0, len(order), pool):
        chosen = order[begin : begin + pool]
        buckets = -(-lengths[chosen] // BUCKET)
        rest = chosen[:0]
        for bucket in np.unique(buckets):
            size = max(1, budget // (int(bucket) * BUCKET))
            rest = np.concatenate([rest, chosen[buckets == bucket]])
            whole = len(rest) // size * size
            cut.extend(rest[:whole].reshape(-1, size))
            rest = rest[whole:]
        if len(rest):
            cut.append(rest)
    return [cut[index] for index in random.permutation(len(cut))]


def collate(features: Features, chosen: np.ndarray, padding: int) -> dict[str, torch.Tensor]:
    """Padded int64 tensors (n_windows, longest) of the chosen windows, and their labels (n_windows,).

    `segments` is 1 from the passage's first token to the window's last.
    """
    lengths = features.bounds[chosen + 1] - features.bounds[chosen]
    ids = np.full((len(chosen), -(-int(lengths.max()) // BUCKET) * BUCKET), padding, dtype=np.int64)
    mask = np.zeros_like(ids)
    segments = np.zeros_like(ids)
    for row, index in enumerate(chosen):
        length = lengths[row]
        ids[row, :length] = features.tokens[features.bounds[index] : features.bounds[index + 1]]
        mask[row, :length] = 1
        segments[row, features.lead[index] : length] = 1
    labels = {name: torch.from_numpy(getattr(features, name)[chosen].astype(np.int64)) for name in LABELS}
    arrays = {"input_ids": ids, "attention_mask": mask, "segments": segments}
    return {name: torch.from_numpy(array) for name, array in arrays.items()} | labels
