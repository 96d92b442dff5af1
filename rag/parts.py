"""What answering takes besides articles: the models and fitted decisions, loaded once and handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.answering import confidence
from rag.answering.addressee import Addressee
from rag.answering.confidence import Calibration
from rag.answering.rewriting import QueryRewriter
from rag.config import Settings
from rag.grounding.verifier import DEFAULT_FILE, FILE_NAME, Verifier
from rag.models.embedding import Embedder, load_embedder
from rag.models.reader import CLAIMS, SHIPPED, Reader, load_claim_reader, load_reader
from rag.places import calibration_of

if TYPE_CHECKING:
    from rag.grounding.generators import Generator


@dataclass(frozen=True, slots=True)
class Parts:
    """The exchangeable parts of a Chatbot. Any may be another that keeps to the same protocol.

    Attributes
    ----------
    embedder : Embedder
    reader : Reader
    confidence : Calibration
        Ranks the reader's spans and says how likely the first is to be right.
    verifier : Verifier
        Decides what of a language model's text the passages support.
    generator : Generator or None
        The language model that words the answers; None leaves them in the articles' own words.
    rewriter : QueryRewriter or None
        Finds out what a follow-up question means; None leaves that to the reader.
    addressee : Addressee or None
        Knows questions to the program itself; None takes every question for one to the articles.
    """

    embedder: Embedder
    reader: Reader
    confidence: Calibration
    verifier: Verifier
    generator: Generator | None = None
    rewriter: QueryRewriter | None = None
    addressee: Addressee | None = None

    @classmethod
    def load(cls, settings: Settings | None = None, generator: Generator | None = None) -> Parts:
        """Load what the settings name: about a second and 300 MB for the default ones.

        Raises
        ------
        ModelError
            Weights that are missing, altered or of another kind.
        """
        settings = settings or Settings()
        if settings.threads:
            import torch

            torch.set_num_threads(settings.threads)
        embedder = load_embedder(settings.embedding_model, settings.query_prefix, settings.passage_prefix)
        reader = load_reader(settings.reader, embedder)
        return cls(
            embedder,
            reader,
            _confidence(settings),
            _verifier(settings, reader),
            generator,
            addressee=Addressee.load(embedder),
        )


def _verifier(settings: Settings, reader: Reader) -> Verifier:
    """By what reads claims beside the reader, with the weights fitted to it."""
    fitted = CLAIMS / FILE_NAME if settings.reader == "default" else DEFAULT_FILE
    return Verifier.load(load_claim_reader(settings.reader, reader), fitted, reader)


def _confidence(settings: Settings) -> Calibration:
    """What was fitted to the reader, by the project or here by `rag evaluate-reader`; else its margin."""
    if settings.decide == "margin":
        return Calibration.of_margin()
    if settings.reader in SHIPPED:
        return Calibration.load(SHIPPED[settings.reader] / confidence.FILE_NAME)
    fitted = calibration_of(settings.reader)
    return Calibration.load(fitted) if fitted.is_file() else Calibration.of_margin()
