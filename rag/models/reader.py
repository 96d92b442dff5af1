"""Question x chunks -> answer spans, each with a score over "this passage does not answer"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable
from unicodedata import combining

import numpy as np
import numpy.typing as npt

from rag.errors import ModelError
from rag.language.text import content_words, same_name
from rag.models.embedding import Embedder
from rag.models.hardware import check_sha256, inference_dtype, quiet, read_text
from rag.models.phrasing import lead_of, title_if_missing, with_stops
from rag.models.windows import Window, Windows
from rag.types import Chunk, Judgement, Span

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = {"default": WEIGHTS / "reader", "small": WEIGHTS / "small"}
CLAIMS = WEIGHTS / "claims"  # what makes the default reader one of claims
MAX_TOKENS = 288  # question and window together, as in training
OTHER_TOKENS = 256  # the same for the readers of others
MAX_SPAN_TOKENS = 48
BATCH_TOKENS = 4096
NOTHING = -100.0  # logit of a passage in which there is nothing to read; JSON has no infinity
N_SPANS = 8  # spans kept of one passage, for lists

Logits: TypeAlias = "npt.NDArray[np.float32]"
Scored: TypeAlias = "tuple[float, int, int]"  # score, first and last place of a span


class Reader(Protocol):
    """What the pipeline needs of a reader."""

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        """The best span of each chunk, in the order of the chunks; `alternatives` hold further ones."""


@runtime_checkable
class Limited(Protocol):
    """A reader to which a question may be too long."""

    def fits(self, question: str) -> bool:
        """Whether a question is read to its end; else what comes last changes nothing."""


class Network(Protocol):
    """Windows of token ids -> logits of start and end, (n_windows, n_tokens), and further ones or None.

    The further ones, (n_windows, 3), are those of `rag.types.Judgement` but for the support.
    """

    def __call__(self, **inputs: Tensor) -> tuple[Tensor, Tensor, Tensor | None]: ...


class ExtractiveReader:
    """A network that points at the first and the last token of an answer, or at the first of all for "no answer".

    A span's score is the sum of its start and end logits less that of the first token, at the best of
    the passage's windows (Devlin et al., 2019, section 4.3). Spans of different passages compare because each
    is measured against "no answer" in its own window.
    """

    def __init__(self, network: Network, windows: Windows, lead: Callable[[str, Chunk], str]) -> None:
        """`lead` makes what is read before a passage, of question and chunk; nothing in it can be the answer."""
        self._network = network
        self._windows = windows
        self._lead = lead

    @classmethod
    def load(cls, name: str = "default") -> ExtractiveReader:
        """The project's own reader ("default"), its small one ("small"), or a folder or name of another.

        Raises
        ------
        ModelError
            There is no such reader, or it is damaged or of another kind.
        """
        quiet()
        location = checked(SHIPPED[name], "model.safetensors").parent if name in SHIPPED else Path(name)
        if is_own(location):
            return cls(*load_parts(location), lead_of)
        return cls(*load_parts(location, name), title_if_missing)

    def changed(self, change: Path) -> ExtractiveReader:
        """The reader that a file of `rag.models.adapter` makes of this one; what stays the same they share."""
        from rag.models.adapter import load_changed
        from rag.models.network import ReaderNetwork

        if not isinstance(self._network, ReaderNetwork):
            raise TypeError(f"{change.name} changes the project's own network, not {type(self._network).__name__}")
        return ExtractiveReader(load_changed(self._network, change), self._windows, self._lead)

    def fits(self, question: str) -> bool:
        return self._windows.fits(question)

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        if not chunks:
            return []
        import torch

        leads = [self._lead(question, chunk) for chunk in chunks]
        shown = [with_stops(chunk) for chunk in chunks]
        windows = self._windows.cut([(question, lead + text) for lead, text in zip(leads, shown, strict=True)])
        found: list[list[Scored]] = [[] for _ in chunks]
        judged: list[list[Judgement]] = [[] for _ in chunks]
        for batch in _batches(windows):
            with torch.inference_mode():
                first, last, asked = self._network(**self._windows.inputs(batch))
            starts, ends = first.float().numpy(), last.float().numpy()
            for row, window in enumerate(batch):
                number, offsets, lead = window.pair, window.offsets, len(leads[window.pair])
                passage = np.array(window.inside)
                inside = passage & np.array([start >= lead for start, _ in offsets])
                places = [slice(max(0, a - lead), max(0, b - lead)) for a, b in offsets]
                stops = inside & np.array([shown[number][at] != chunks[number].text[at] for at in places])
                start, end = starts[row][: len(inside)], ends[row][: len(inside)]
                spans = _best_spans(start, end, inside & ~stops, np.cumsum(stops))
                found[number] += [(score, offsets[a][0] - lead, offsets[b][1] - lead) for score, a, b in spans]
                if asked is not None:
                    judged[number].append(Judgement(_support(start, end, passage), *asked[row].tolist()))
        return [_span(*parts) for parts in zip(chunks, found, judged, strict=True)]


def checked(folder: Path, file: str) -> Path:
    """A file of weights that ships in a folder with its SHA256; ModelError when it is missing or altered."""
    check_sha256(folder / file, _digests(folder)[file])
    return folder / file


def _digests(folder: Path) -> dict[str, str]:
    """File -> sha256, of the lines of a folder's SHA256, as `sha256sum` writes them."""
    return {file: digest for digest, file in map(str.split, read_text(folder / "SHA256").splitlines())}


def is_own(folder: Path) -> bool:
    """Whether a folder holds a network of `rag.models.network`, and not one of another library."""
    path = folder / "model.safetensors"
    if not path.is_file():
        return False
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return "head.weight" in file.keys()  # noqa: SIM118, it is no mapping


def load_parts(location: Path, name: str = "") -> tuple[Network, Windows]:
    """The network of a folder and what cuts texts for it; `name` is what a person called it."""
    if not is_own(location):
        return _foreign(location, name or str(location))
    from rag.models.network import load_network

    try:
        return load_network(location, inference_dtype()).eval(), Windows.load(location, MAX_TOKENS)
    except Exception as error:  # of the libraries that read its files each has its own, tokenizers none at all
        raise ModelError(f"the reader in {location} is damaged ({error}); copy or install it again") from error


def _foreign(location: Path, name: str) -> tuple[Network, Windows]:
    """A model of the kind AutoModelForQuestionAnswering, and its tokenizer's windows."""
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    local = location.is_dir()
    where = str(location) if local else name
    try:
        model, loading = AutoModelForQuestionAnswering.from_pretrained(
            where, dtype=inference_dtype(), use_safetensors=True, local_files_only=local, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(where, local_files_only=local)
    except (OSError, ValueError) as error:
        raise ModelError(
            f'the reader {name!r} could not be loaded ({str(error).splitlines()[0]}); expected "default", "small", '
            f'"sentence", or a folder or name of a question-answering model with safetensors weights'
        ) from error
    if loading["missing_keys"]:
        raise ModelError(
            f"the reader {name!r} has no weights for {', '.join(sorted(loading['missing_keys'])[:3])}; "
            f"name a model that was trained to answer questions"
        )
    if not tokenizer.is_fast:
        raise ModelError(f"the reader {name!r} has no fast tokenizer, which character offsets need; name another")
    return pointing(model), Windows.of(tokenizer, OTHER_TOKENS)


def pointing(model: PreTrainedModel) -> Network:
    """A question-answering model of transformers as a `Network`."""
    model.eval()  # type: ignore[no-untyped-call]

    def score(**inputs: Tensor) -> tuple[Tensor, Tensor, None]:
        output = model(**inputs)
        return output.start_logits, output.end_logits, None

    return score


class ChangedReader:
    """A reader in changed weights, loaded when it first reads: answers in the articles' own words need no claims."""

    def __init__(self, reader: ExtractiveReader, change: Path) -> None:
        self._reader = reader
        self._change = change

    @cached_property
    def _changed(self) -> ExtractiveReader:
        return self._reader.changed(self._change)

    def fits(self, question: str) -> bool:
        return self._reader.fits(question)

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        return self._changed.read(question, chunks)


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
        found: list[list[Scored]] = [[] for _ in chunks]
        for (i, start, end), text, cosine in zip(places, texts, vectors[1:] @ vectors[0], strict=True):
            present = content_words(text)
            overlap = sum(any(same_name(word, other) for other in present) for word in wanted) / max(len(wanted), 1)
            # A question among the sentences repeats the words and answers nothing.
            score = -5.0 if text.rstrip().endswith("?") else 5 * (float(cosine) + overlap) - 5
            found[i].append((score, start - chunks[i].start, end - chunks[i].start))
        return [_span(chunk, candidates) for chunk, candidates in zip(chunks, found, strict=True)]


def load_reader(name: str, embedder: Embedder | None = None) -> Reader:
    """The reader of that name: "default", "small", "sentence" (needs the embedder), or a model's folder or name."""
    if name == "sentence":
        if embedder is None:
            raise ModelError('the reader "sentence" ranks by embeddings: pass an embedder')
        return SentenceReader(embedder)
    return ExtractiveReader.load(name)


def load_claim_reader(name: str, reader: Reader) -> Reader:
    """What reads claims beside the reader of that name: the default one in weights changed for them, others themselves.

    ModelError when the change is damaged, or one of other weights.
    """
    if name != "default" or not isinstance(reader, ExtractiveReader):
        return reader
    change = checked(CLAIMS, "change.safetensors")
    if _digests(CLAIMS)["../reader/model.safetensors"] != _digests(SHIPPED[name])["model.safetensors"]:
        raise ModelError(f"{change} changes other weights than those of {SHIPPED[name]}; run training.export anew")
    return ChangedReader(reader, change)


def _batches(windows: Sequence[Window]) -> list[list[Window]]:
    """Windows in batches of similar length, at most BATCH_TOKENS each after padding."""
    batches: list[list[Window]] = []
    for window in sorted(windows, key=lambda window: -len(window.ids)):
        if batches and (len(batches[-1]) + 1) * len(batches[-1][0].ids) <= BATCH_TOKENS:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches


def _best_spans(
    starts: Logits, ends: Logits, inside: npt.NDArray[np.bool_], stretch: npt.NDArray[np.int_]
) -> list[Scored]:
    """(score, first token, last token) of the best spans that do not overlap, best first; at most N_SPANS.

    Each lies `inside` and within one `stretch`, whose number each token has.
    """
    null = float(starts[0] + ends[0])
    scores = starts[:, None] + ends[None, :] - null
    length = len(starts)
    allowed = np.triu(np.ones((length, length), bool)) & ~np.triu(np.ones((length, length), bool), MAX_SPAN_TOKENS)
    allowed &= inside[:, None] & inside[None, :] & (stretch[:, None] == stretch[None, :])
    scores = np.where(allowed, scores, -np.inf)
    spans: list[Scored] = []
    for _ in range(N_SPANS):
        first, last = divmod(int(scores.argmax()), length)
        if not np.isfinite(scores[first, last]):
            break
        spans.append((float(scores[first, last]), first, last))
        scores[: last + 1, first:] = -np.inf  # whatever overlaps
    return spans


def _support(start: Logits, end: Logits, passage: npt.NDArray[np.bool_]) -> float:
    """Logit of all spans of a passage together over "nothing"; their bounds count as independent, as in training."""
    null = float(start[0] + end[0])
    return float(np.logaddexp.reduce(start[passage]) + np.logaddexp.reduce(end[passage])) - null


def _span(chunk: Chunk, candidates: list[Scored], judged: Sequence[Judgement] = ()) -> Span:
    """The best candidate as a Span, with the others that do not overlap it as alternatives."""
    kept: list[Scored] = []
    for score, start, end in sorted(candidates, key=lambda c: (-c[0], c[1])):
        # A heading and the paragraph below it are two things: no answer runs over both.
        if start < end and "\n\n" not in chunk.text[start:end] and all(end <= s or e <= start for _, s, e in kept):
            kept.append((score, start, end))
    if not kept:  # a passage without a single token the model knows
        kept = [(NOTHING, 0, len(chunk.text))]
    spans = [_make(chunk, *candidate) for candidate in kept[:N_SPANS]]
    judgement = max(judged, key=lambda j: j.support, default=None)  # of the window that says most
    return replace(spans[0], alternatives=tuple(spans[1:]), judgement=judgement)


def _make(chunk: Chunk, score: float, start: int, end: int) -> Span:
    """A span over whole words, its offsets counted in the document."""
    text = chunk.text
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and (combining(text[end]) or (text[end].isalnum() and text[end - 1].isalnum())):
        end += 1
    return Span(chunk.id, chunk.document_id, chunk.start + start, chunk.start + end, text[start:end], score)
