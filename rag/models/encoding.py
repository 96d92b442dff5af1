"""What computes an embedding: a network with its tokenizer, or a whole sentence-transformers model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from rag.models.hardware import inference_dtype

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    from rag.models.transformer import Transformer

Vectors = npt.NDArray[np.float32]
BATCH = 32  # measured on two cores: larger batches gain nothing


class Encoder(Protocol):
    """Texts to vectors of any length."""

    @property
    def max_tokens(self) -> int:
        """Longest input, in tokens, special tokens included; what is longer is cut."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """[start, end) of each token in characters, without special tokens."""

    def encode(self, texts: Sequence[str], progress: bool = False) -> Vectors:
        """(n_texts, dim) float32."""


class MeanEncoder:
    """The mean of an encoder's last states: all-MiniLM-L6-v2 and its like.

    The same figures as sentence-transformers', without its import, which is most of a cold start.
    """

    def __init__(self, tokenizer: Tokenizer, network: Transformer, max_tokens: int) -> None:
        """network: for inference; tokenizer: of BERT's kind, without truncation and padding."""
        self._tokenizer = tokenizer
        self._network = network
        self._first, self._last = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        self.max_tokens = max_tokens

    @classmethod
    def load(cls, folder: Path, max_tokens: int) -> MeanEncoder:
        """Load the weights of a folder, mapped into memory."""
        from tokenizers import Tokenizer

        from rag.models.transformer import load_transformer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(tokenizer, load_transformer(folder, inference_dtype()), max_tokens)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def encode(self, texts: Sequence[str], progress: bool = False) -> Vectors:
        import torch
        from tqdm import tqdm

        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        rows = [[self._first, *e.ids[: self.max_tokens - 2], self._last] for e in encodings]
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))  # little padding
        vectors = np.zeros((len(rows), self._network.config["hidden_size"]), np.float32)
        for start in tqdm(range(0, len(rows), BATCH), desc="embedding", disable=not progress):
            batch = order[start : start + BATCH]
            tokens = [torch.tensor(rows[i]) for i in batch]
            ids = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True)
            lengths = torch.tensor([len(row) for row in tokens])
            mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
            with torch.inference_mode():
                states = self._network(ids, mask).float()
            mean = (states * mask[..., None]).sum(1) / lengths[:, None]
            vectors[batch] = mean.numpy()
        return vectors


class SentenceTransformerEncoder:
    """Any sentence-transformers model."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model
        self._tokenizing = threading.Lock()  # the tokenizer's truncation is a state that calls change

    @classmethod
    def load(cls, name: str) -> SentenceTransformerEncoder:
        """Load a folder or, over the network, a name. OSError or ValueError when there is no such model."""
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        return cls(
            SentenceTransformer(
                name,
                device="cpu",
                local_files_only=Path(name).is_dir(),
                trust_remote_code=False,
                model_kwargs={"dtype": inference_dtype(), "use_safetensors": True},
            )
        )

    @property
    def max_tokens(self) -> int:
        return int(self._model.max_seq_length or 512)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        with self._tokenizing:
            encoding = self._model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(int(start), int(end)) for start, end in encoding["offset_mapping"]]

    def encode(self, texts: Sequence[str], progress: bool = False) -> Vectors:
        # encode() sorts by length before it batches.
        with self._tokenizing:
            raw = self._model.encode(list(texts), batch_size=BATCH, show_progress_bar=progress, convert_to_numpy=True)
        return np.asarray(raw, np.float32).reshape(len(texts), -1)
