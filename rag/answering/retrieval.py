"""A question -> the passages to read, in one state of the index, with the documents that they are cited from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.config import Settings
from rag.errors import RagError
from rag.index import Index
from rag.language.detection import may_be_learned
from rag.language.text import WORD, content_words, respell, words
from rag.models.embedding import Embedder
from rag.types import Chunk, Document, ScoredChunk

SEARCHES = 5  # for one answer, when articles change between search and citation


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a question.

    Attributes
    ----------
    question : str
        In the passages' own spelling.
    notes : tuple of str
        What was respelled.
    passages : sequence of ScoredChunk
        Best first.
    documents : Mapping of str to Document
        Those of the passages and copies, by id; every chunk is verbatim text of its document.
    copies : Mapping of str to Chunk
        Near-identical chunks that were left out, by id.
    """

    question: str
    notes: tuple[str, ...]
    passages: Sequence[ScoredChunk]
    documents: Mapping[str, Document]
    copies: Mapping[str, Chunk]


class Retriever:
    """Searches an index by meaning and by words."""

    def __init__(self, index: Index, embedder: Embedder, settings: Settings) -> None:
        self._index = index
        self._embedder = embedder
        self._settings = settings

    def search(self, question: str, k: int) -> list[ScoredChunk]:
        """The k best passages, best first."""
        mode = self._settings.retrieval
        vector = self._embedder.embed_texts([question])[0] if mode != "lexical" else None
        return self._index.search(question if mode != "dense" else None, vector, k, self._settings.candidates)

    def chunks(self, text: str) -> list[Chunk]:
        """As many of the best passages as are read, best first."""
        return [found.chunk for found in self.search(text, self._settings.read)]

    def find(self, question: str, k: int | None = None) -> Found:
        """The k passages to read for a question, in whatever spelling it names what they name; k: by the settings.

        Raises
        ------
        RagError
            Articles changed under each of several searches.
        """
        for _ in range(SEARCHES):
            try:
                understood, notes, passages = self._respelled(question, k or self._settings.read)
                return Found(understood, notes, passages, *self._sources(passages))
            except KeyError:  # an article was changed or removed since it was found: search again
                continue
        raise RagError("the articles are being changed all the time; ask again when that has ended")

    def find_each(self, question: str, typed: str) -> list[Found]:
        """What to read for a question: first of the outlets that it names, where it names any of those found, then all.

        "What is the fee, according to the Port Vila Courier?" is to be answered from it, though others say as much.
        What was asked before it names one where the question as typed names none. Who is told of is no source: an
        outlet that articles of others name, too, counts as any other word.
        """
        found = self.find(question)
        chunks = [*(passage.chunk for passage in found.passages), *found.copies.values()]
        outlets = {chunk.outlet for chunk in chunks if chunk.outlet is not None}
        named = next(filter(None, ([o for o in outlets if _names(text, o)] for text in (typed, question))), [])
        named = [o for o in named if not any(_names(c.text, o) for c in chunks if c.outlet != o)]
        named = [o for o in named if not any(_names(other, o) for other in named if other != o)]
        if not named:
            return [found]
        theirs = self._index.only({header.id for header in self._index.headers() if header.outlet in named})
        return [Retriever(theirs, self._embedder, self._settings).find(question), found]

    def _respelled(self, question: str, k: int) -> tuple[str, tuple[str, ...], list[ScoredChunk]]:
        passages = self.search(question, k)
        if not self._settings.spelling:
            return question, (), passages
        respelled, replaced = respell(question, _vocabulary(passages), self._is_word)
        if replaced:  # what other languages inflect is no misspelling
            languages = {i: self._index.document(i).language for i in {p.chunk.document_id for p in passages}}
            known = [passage for passage in passages if may_be_learned(languages[passage.chunk.document_id])]
            respelled, replaced = respell(question, _vocabulary(known), self._is_word)
        if replaced:
            passages = self.search(respelled, k)
        return respelled, tuple(f"read {old!r} as {new!r}" for old, new in replaced.items()), passages

    def _is_word(self, word: str) -> bool:
        """Whether the embedding model knows a word whole, as it does the usual words of its language."""
        return len(self._embedder.token_offsets(word)) == 1

    def _sources(self, passages: Sequence[ScoredChunk]) -> tuple[dict[str, Document], dict[str, Chunk]]:
        """The documents and near-identical chunks of passages; KeyError when they are no longer what was found."""
        copies = {i: self._index.get(i) for passage in passages for i in passage.duplicates}
        chunks = [*(passage.chunk for passage in passages), *copies.values()]
        documents = {i: self._index.document(i) for i in dict.fromkeys(chunk.document_id for chunk in chunks)}
        for chunk in chunks:
            if documents[chunk.document_id].text[chunk.start : chunk.end] != chunk.text:
                raise KeyError(chunk.id)
        return documents, copies


def _vocabulary(passages: Sequence[ScoredChunk]) -> dict[str, None]:
    texts = (f"{passage.chunk.title}\n{passage.chunk.text}" for passage in passages)
    return dict.fromkeys(match.group() for text in texts for match in WORD.finditer(text))


def _names(text: str, outlet: str) -> bool:
    """Whether an outlet stands in a text as a name: "the Guardian's", but no guardian, for "The Guardian"."""
    asked, told = ([match.group() for match in WORD.finditer(text)] for text in (text, outlet))
    while told and not content_words(told[0]):
        told = told[1:]
    written = [words(word)[:1] for word in told]
    return bool(told) and any(
        [words(word)[:1] for word in asked[i : i + len(told)]] == written
        and asked[i][0].isupper() is told[0][0].isupper()
        for i in range(len(asked))
    )
