"""Question and passage -> windows of token ids, as networks read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

STRIDE = 96  # tokens that two windows of one passage share
MAX_QUESTION_TOKENS = 96


@dataclass(frozen=True, slots=True)
class Window:
    """A question and a stretch of a passage; the lists have an entry for each token."""

    pair: int  # the number of the question and passage that were cut
    ids: list[int]
    kinds: list[int]  # segments
    offsets: list[tuple[int, int]]  # [start, end) in characters of the question or the passage
    inside: list[bool]  # whether a token is one of the passage


class Windows:
    """Cuts what is too long for a network into windows that overlap."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, pad: int, names: Sequence[str]) -> None:
        """pad: the id of padding; names: the inputs that the network takes."""
        from tokenizers import Tokenizer

        self._plain = tokenizer
        self._plain.no_truncation()
        self._plain.no_padding()
        # Truncation is a state of a tokenizer: two of them need no lock.
        self._cutting = Tokenizer.from_str(tokenizer.to_str())
        self._cutting.enable_truncation(max_tokens, stride=STRIDE, strategy="only_second")
        self._pad, self._names = pad, names

    @classmethod
    def load(cls, folder: Path, max_tokens: int) -> Windows:
        """With the tokenizer of a reader of the project's own."""
        from tokenizers import Tokenizer

        from rag.models.transformer import read_config

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        names = ("input_ids", "attention_mask", "token_type_ids")
        return cls(tokenizer, max_tokens, read_config(folder)["pad_token_id"], names)

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> Windows:
        """With a fast tokenizer of transformers."""
        from tokenizers import Tokenizer

        copied = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        return cls(copied, max_tokens, tokenizer.pad_token_id or 0, tokenizer.model_input_names)

    def cut(self, pairs: Sequence[tuple[str, str]]) -> list[Window]:
        """The windows of questions, each with a passage, in their order; a question of more tokens than 96 is cut."""
        short = {question: self._shortened(question) for question in {question for question, _ in pairs}}
        encodings = self._cutting.encode_batch([(short[question], passage) for question, passage in pairs])
        return [
            Window(number, part.ids, part.type_ids, part.offsets, [place == 1 for place in part.sequence_ids])
            for number, encoding in enumerate(encodings)
            for part in (encoding, *encoding.overflowing)
        ]

    def fits(self, question: str) -> bool:
        """Whether a question is read to its end."""
        return self._shortened(question) == question

    def _shortened(self, question: str) -> str:
        offsets = self._plain.encode(question, add_special_tokens=False).offsets
        return question[: offsets[MAX_QUESTION_TOKENS - 1][1]] if len(offsets) > MAX_QUESTION_TOKENS else question

    def inputs(self, windows: Sequence[Window]) -> dict[str, Tensor]:
        """A network's inputs, each (n_windows, n_tokens of the longest)."""
        import torch

        longest = max(len(window.ids) for window in windows)
        rows = {
            "input_ids": ([window.ids for window in windows], self._pad),
            "attention_mask": ([[1] * len(window.ids) for window in windows], 0),
            "token_type_ids": ([window.kinds for window in windows], 0),
        }

        def filled(lists: list[list[int]], padding: int) -> Tensor:
            return torch.tensor([row + [padding] * (longest - len(row)) for row in lists])

        return {name: filled(*rows[name]) for name in self._names}
