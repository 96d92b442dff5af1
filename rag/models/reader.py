"""Question x chunks -> answer spans, each with a score over "this passage does not answer"."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.errors import ModelError
from rag.language.text import WORD, content_words, same_name, words
from rag.models.embedding import Embedder
from rag.models.hardware import check_sha256, inference_dtype, quiet, read_text
from rag.types import Chunk, Span

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DEFAULT_FOLDER = Path(__file__).parent / "weights" / "reader"
MAX_TOKENS = 256  # question and window together, as in training
STRIDE = 96  # tokens that two windows of one passage share
MAX_SPAN_TOKENS = 48
MAX_QUESTION_TOKENS = 96
BATCH_TOKENS = 4096
NOTHING = -100.0  # logit of a passage in which there is nothing to read; JSON has no infinity
N_SPANS = 5  # spans kept of one passage, for lists


class Reader(Protocol):
    """What the pipeline needs of a reader."""

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        """The best span of each chunk, in the order of the chunks; `alternatives` hold further ones."""


class ExtractiveReader:
    """Any Hugging Face model of the kind AutoModelForQuestionAnswering, with the no-answer score at its first token.

    A span's score is the sum of its start and end logits less that of the first token, at the best of
    the passage's windows (Devlin et al., 2019, section 4.3). Spans of different passages compare because each
    is measured against "no answer" in its own window.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self._model = model
        self._model.eval()  # type: ignore[no-untyped-call]
        self._tokenizer = tokenizer
        self._tokenizing = threading.Lock()  # its truncation is a state that calls change

    @classmethod
    def load(cls, name: str = "default") -> ExtractiveReader:
        """Load the project's own reader, or a folder or name of another."""
        quiet()
        location = DEFAULT_FOLDER if name == "default" else Path(name)
        if name == "default":
            check_sha256(location / "model.safetensors", read_text(location / "SHA256").split()[0])
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        local = location.is_dir()
        try:
            model, loading = AutoModelForQuestionAnswering.from_pretrained(
                str(location) if local else name,
                dtype=inference_dtype(),
                use_safetensors=True,
                local_files_only=local,
                output_loading_info=True,
            )
            tokenizer = AutoTokenizer.from_pretrained(str(location) if local else name, local_files_only=local)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"the reader {name!r} could not be loaded ({str(error).splitlines()[0]}); expected "
                f'"default", "sentence", or a folder or name of a question-answering model with safetensors weights'
            ) from error
        if loading["missing_keys"]:
            raise ModelError(
                f"the reader {name!r} has no weights for {', '.join(sorted(loading['missing_keys'])[:3])}; "
                f"name a model that was trained to answer questions"
            )
        if not tokenizer.is_fast:
            raise ModelError(f"the reader {name!r} has no fast tokenizer, which character offsets need; name another")
        return cls(model, tokenizer)

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        if not chunks:
            return []
        import torch

        leads = [_lead(question, chunk) for chunk in chunks]
        encoding = self._encode(question, [lead + chunk.text for lead, chunk in zip(leads, chunks, strict=True)])
        owner: list[int] = encoding["overflow_to_sample_mapping"]
        found: list[list[tuple[float, int, int]]] = [[] for _ in chunks]
        for batch in _batches([len(ids) for ids in encoding["input_ids"]]):
            padded = self._tokenizer.pad(
                {key: [encoding[key][i] for i in batch] for key in self._tokenizer.model_input_names},
                return_tensors="pt",
            )
            with torch.inference_mode():
                output = self._model(**padded)
            starts, ends = output.start_logits.float().numpy(), output.end_logits.float().numpy()
            for row, window in enumerate(batch):
                offsets = encoding["offset_mapping"][window]
                lead = len(leads[owner[window]])
                sequences = encoding.sequence_ids(window)
                inside = [s == 1 and start >= lead for s, (start, _) in zip(sequences, offsets, strict=True)]
                length = len(inside)
                spans = _best_spans(starts[row][:length], ends[row][:length], np.array(inside))
                found[owner[window]] += [(score, offsets[a][0] - lead, offsets[b][1] - lead) for score, a, b in spans]
        return [_span(chunk, candidates) for chunk, candidates in zip(chunks, found, strict=True)]

    def _encode(self, question: str, texts: Sequence[str]) -> Any:
        """Question and passage of each window, a BatchEncoding."""
        with self._tokenizing:
            question_ids = self._tokenizer(question, add_special_tokens=False, truncation=True)["input_ids"]
            if len(question_ids) > MAX_QUESTION_TOKENS:
                question = str(self._tokenizer.decode(question_ids[:MAX_QUESTION_TOKENS]))
            return self._tokenizer(
                [question] * len(texts),
                list(texts),
                truncation="only_second",
                max_length=MAX_TOKENS,
                stride=STRIDE,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
            )


class SentenceReader:
    """Ranks whole sentences by embedding similarity and word overlap; needs no weights of its own.

    The score is a logit-like figure, 10 * (mean of cosine and overlap) - 5: a plain baseline, not calibrated.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        if not chunks:
            return []
        places = [(i, start, end) for i, chunk in enumerate(chunks) for start, end in chunk.sentences]
        texts = [chunks[i].between(start, end) for i, start, end in places]
        vectors = self._embedder.embed_texts([question, *texts])
        wanted = content_words(question)
        found: list[list[tuple[float, int, int]]] = [[] for _ in chunks]
        for (i, start, end), text, cosine in zip(places, texts, vectors[1:] @ vectors[0], strict=True):
            present = content_words(text)
            overlap = sum(any(same_name(word, other) for other in present) for word in wanted) / max(len(wanted), 1)
            # A question among the sentences repeats the words and answers nothing.
            score = -5.0 if text.rstrip().endswith("?") else 5 * (float(cosine) + overlap) - 5
            found[i].append((score, start - chunks[i].start, end - chunks[i].start))
        return [_span(chunk, candidates) for chunk, candidates in zip(chunks, found, strict=True)]


def load_reader(name: str, embedder: Embedder | None = None) -> Reader:
    """The reader of that name: "default", "sentence" (needs the embedder), or a model's folder or name."""
    if name == "sentence":
        if embedder is None:
            raise ModelError('the reader "sentence" ranks by embeddings: pass an embedder')
        return SentenceReader(embedder)
    return ExtractiveReader.load(name)


def _lead(question: str, chunk: Chunk) -> str:
    """The title, to be read before a passage that lacks a name of the question which the title has; else nothing.

    "In 1913 she married" answers "Whom did Castellane marry?" only to a reader who knows whom the article is about.
    """
    named = {word for match in WORD.finditer(question) if match.group()[0].isupper() for word in words(match.group())}
    missing = named.intersection(content_words(question)).difference(words(chunk.text))
    return f"{chunk.title}. " if missing.intersection(words(chunk.title)) else ""


def _batches(lengths: list[int]) -> list[list[int]]:
    """Window numbers in batches of similar length, at most BATCH_TOKENS each after padding."""
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= BATCH_TOKENS:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def _best_spans(
    starts: npt.NDArray[np.float32], ends: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]
) -> list[tuple[float, int, int]]:
    """(score, first token, last token) of the best spans that do not overlap, best first; at most N_SPANS."""
    null = float(starts[0] + ends[0])
    scores = starts[:, None] + ends[None, :] - null
    length = len(starts)
    allowed = np.triu(np.ones((length, length), bool)) & ~np.triu(np.ones((length, length), bool), MAX_SPAN_TOKENS)
    scores = np.where(allowed & inside[:, None] & inside[None, :], scores, -np.inf)
    spans: list[tuple[float, int, int]] = []
    for _ in range(N_SPANS):
        first, last = divmod(int(scores.argmax()), length)
        if not np.isfinite(scores[first, last]):
            break
        spans.append((float(scores[first, last]), first, last))
        scores[: last + 1, first:] = -np.inf  # whatever overlaps
    return spans


def _span(chunk: Chunk, candidates: list[tuple[float, int, int]]) -> Span:
    """The best candidate as a Span, with the others that do not overlap it as alternatives."""
    kept: list[tuple[float, int, int]] = []
    for score, start, end in sorted(candidates, key=lambda c: (-c[0], c[1])):
        # A heading and the paragraph below it are two things: no answer runs over both.
        if start < end and "\n\n" not in chunk.text[start:end] and all(end <= s or e <= start for _, s, e in kept):
            kept.append((score, start, end))
    if not kept:  # a passage without a single token the model knows
        kept = [(NOTHING, 0, len(chunk.text))]
    spans = [_make(chunk, *candidate) for candidate in kept[:N_SPANS]]
    best = spans[0]
    return Span(best.chunk_id, best.document_id, best.start, best.end, best.text, best.score, tuple(spans[1:]))


def _make(chunk: Chunk, score: float, start: int, end: int) -> Span:
    """A span over whole words, its offsets counted in the document."""
    text = chunk.text
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return Span(chunk.id, chunk.document_id, chunk.start + start, chunk.start + end, text[start:end], score)
