"""The one place that joins the stages: files to index, question to Answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rag.answering.candidates import SpanFinder
from rag.answering.confidence import Candidate
from rag.answering.retrieval import Retriever
from rag.asking import Asker
from rag.config import Settings
from rag.corpus import Corpus, making, manifest
from rag.grounding.checking import Checker
from rag.grounding.generators import Generator
from rag.grounding.writing import Writer
from rag.index import Index, JoinedEngine, open_index
from rag.language.characters import readable
from rag.parts import Parts
from rag.places import corpus_index
from rag.scope import Scope
from rag.types import Answer, Check, Document, Header, History, IndexReport, Overview, ScoredChunk


class Chatbot:
    """Answers questions from an index of articles.

    The constructor takes ready parts, which bots may share, and an index made with the same embedder; `open` and
    `from_*` load them.
    """

    def __init__(self, parts: Parts, index: Index, settings: Settings | None = None) -> None:
        self.parts = parts
        self.index = index
        self.settings = settings or Settings()
        self.corpus = Corpus(Index(index.engine), parts.embedder, self.settings)  # a change sees beyond a scope
        self._retriever = Retriever(index, parts.embedder, self.settings)
        self._finder = SpanFinder(parts.reader, parts.embedder, parts.confidence)
        given = parts.verifier, self.document, self.settings.strict, self.settings.write_seconds
        writer = Writer(parts.generator, *given) if parts.generator else None
        self._asker = Asker(parts, self._retriever, self._finder, writer, self.settings)
        self._checker = Checker(parts.verifier, self._retriever.chunks, self.document)
        self.report = IndexReport()

    @classmethod
    def open(
        cls, index_folder: str | Path | None, settings: Settings | None = None, parts: Parts | None = None
    ) -> Chatbot:
        """Open (or make) the index in a folder; None keeps it in memory. `parts` default to those of the settings."""
        settings = settings or Settings()
        parts = parts or Parts.load(settings)
        folder = None if index_folder is None else Path(index_folder)
        return cls(parts, open_index(folder, manifest(settings, parts.embedder), settings.spelling), settings)

    @classmethod
    def from_directory(
        cls,
        path: str | Path,
        settings: Settings | None = None,
        index_folder: str | Path | None = None,
        progress: bool = False,
        parts: Parts | None = None,
    ) -> Chatbot:
        """A bot over a folder of articles (or one file), indexed in the user's cache folder.

        The index is brought up to date: only what changed is embedded. Files that cannot be read are left out;
        `bot.report.failed` names them. RagError when the path does not exist.
        """
        settings = settings or Settings()
        folder = Path(index_folder) if index_folder is not None else corpus_index(Path(path), making(settings))
        bot = cls.open(folder, settings, parts)
        bot.report = bot.sync([path], progress=progress, restore=False)
        return bot

    @classmethod
    def from_documents(
        cls, documents: Iterable[Document], settings: Settings | None = None, parts: Parts | None = None
    ) -> Chatbot:
        """A bot over ready documents, indexed in memory."""
        bot = cls.open(None, settings, parts)
        bot.add_documents(list(documents))
        return bot

    def over(self, index: Index | None = None, settings: Settings | None = None) -> Chatbot:
        """A bot with the same parts over another index; without one, over an empty one in memory."""
        settings = settings or self.settings
        return Chatbot.open(None, settings, self.parts) if index is None else Chatbot(self.parts, index, settings)

    def joined(self, other: Chatbot) -> Chatbot:
        """A bot with the same parts over both indexes; it reads half as many passages again, to have room for both."""
        settings = replace(self.settings, read=self.settings.read * 3 // 2)
        both = self.index, other.index
        index = Index(JoinedEngine(*(one.engine for one in both)), self.index.spelling)
        if any(one.among is not None for one in both):  # each keeps its scope
            index = index.only({header.id for one in both for header in one.headers()})
        return self.over(index, settings)

    def within(self, scope: Scope) -> Chatbot:
        """A bot that asks, finds and lists nothing but the articles of a scope: `bot.within(Scope("2024")).ask(…)`.

        RagError for a name that no article, folder or outlet has.
        """
        return self.over(self.index.only(scope.choose(self.index.headers())))

    @property
    def generator(self) -> Generator | None:
        """The language model that words the answers, where there is one."""
        return self.parts.generator

    def add(self, path: str | Path, progress: bool = False) -> IndexReport:
        """Add or update a file or folder; what is unchanged is not embedded again."""
        return self.sync([path], progress)

    def sync(self, paths: Sequence[str | Path], progress: bool = False, restore: bool = True) -> IndexReport:
        """Bring the index in line with files and folders; see `Corpus.sync`."""
        return self.corpus.sync(paths, progress, restore)

    def add_documents(self, documents: Sequence[Document], progress: bool = False) -> None:
        """Add or replace ready documents, all at once."""
        self.corpus.add_documents(documents, progress)

    def remove(self, document_id: str) -> None:
        """Remove a document; it stays away until its file changes or is added again. RagError when there is none."""
        self.corpus.remove(document_id)

    def documents(self) -> list[Document]:
        """All documents with their texts, ordered by id; `headers` tells what there is without reading them."""
        return list(self.index.documents())

    def headers(self) -> list[Header]:
        """All documents without their texts, ordered by id."""
        return self.index.headers()

    def count(self) -> int:
        """How many documents there are."""
        return self.index.count()

    def document(self, document_id: str) -> Document:
        """The document; KeyError when there is none of that id."""
        return self.index.document(document_id)

    def retrieve(self, question: str, k: int = 10) -> list[ScoredChunk]:
        """The k best passages, best first; re-ranked by the reader where the settings say so."""
        return self._asker.retrieve(question, k, self.index)

    def ask(
        self,
        question: str,
        history: History = (),
        on_stage: Callable[[str], None] | None = None,
        generate: bool = True,
        cancelled: Callable[[], bool] | None = None,
        on_answer: Callable[[Answer], None] | None = None,
    ) -> Answer:
        """Answer a question from the articles, or say that they do not. RagError when it is empty or too long.

        Parameters
        ----------
        question : str
            At most 2,000 characters.
        history : sequence
            Earlier turns, oldest first: each a question, a (question, Answer) pair, or a Turn. A text is one question.
        on_stage : callable, optional
            Told what is being done ("searching", "reading 8 passages").
        generate : bool
            Whether the generator, where there is one, may put the answer in its own words.
        cancelled : callable, optional
            Asked while the generator completes a follow-up or writes whether to stop it.
        on_answer : callable, optional
            Told the answer as far as it is checked, each time that a sentence of the generator's has been added to it.
            The text of each, and of what comes back, begins with the text of the one before.
        """
        return self._asker.ask(question, history, on_stage, generate, cancelled, on_answer)

    def overview(self, topic: str | None = None) -> Overview:
        """What the articles hold about a topic, or in all: up to six of their own sentences, the oldest first.

        `topic` is a person, a thing or a subject, at most 2,000 characters; without one, what the folder holds.
        RagError when it is empty or too long.
        """
        return self._asker.overview(topic, self.index)

    def check(self, statement: str) -> Check:
        """Whether the articles support, contradict or do not state it, with quotes. RagError when it is empty."""
        return self._checker.check(readable(statement))

    def check_text(self, text: str | Document) -> Iterator[Check]:
        """The same for each sentence of a text in turn; of a document (a draft that was read) by its blocks."""
        return self._checker.check_text(readable(text) if isinstance(text, str) else text)

    def consider(self, question: str) -> tuple[str, list[Candidate]]:
        """The question as understood, and the spans that may answer it, best first, before any decision."""
        found = self._retriever.find(readable(question))
        return found.question, self._finder.candidates(found.question, found.passages)
