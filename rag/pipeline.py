"""The one place that joins the stages: files to index, question to Answer."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from rag.answering.citations import sentences_around
from rag.answering.composing import compose, doubts, is_question, nearest, whole_phrase, without_questions
from rag.answering.confidence import Candidate
from rag.answering.rewriting import understand
from rag.articles.chunking import CUTTING_VERSION, chunk_document
from rag.articles.documents import find_files, read_document
from rag.config import Settings
from rag.errors import DocumentError, RagError
from rag.index import Index, open_index
from rag.language.questions import without_date
from rag.language.text import WORD, respell
from rag.models.embedding import TITLE_TOKENS, Embedder
from rag.parts import Parts
from rag.places import corpus_index
from rag.present.text import with_text
from rag.types import Answer, Certainty, Chunk, Citation, Document, Header, IndexReport, ScoredChunk, Span, Turn

if TYPE_CHECKING:
    from rag.grounding.generators import Generator
    from rag.grounding.writing import Writer

History: TypeAlias = Sequence["str | Turn | tuple[str, Answer | None]"]
T = TypeVar("T")
SPANS_PER_PASSAGE = 2  # that may be the answer; a list takes more of them
MAX_QUESTION = 2000  # characters
SEARCHES = 5  # for one answer, when articles change between search and citation
EXCLUDED = "excluded"  # documents that were removed by hand: id -> content hash


class Chatbot:
    """Answers questions from an index of articles. The constructor takes ready parts; `from_*` load them."""

    def __init__(self, parts: Parts, index: Index, settings: Settings | None = None) -> None:
        """
        Parameters
        ----------
        parts : Parts
            Shared with every other bot that is given them.
        index : Index
            Made with the same embedder.
        settings : Settings, optional
        """
        self.parts = parts
        self.index = index
        self.settings = settings or Settings()

    # --- making ------------------------------------------------------------------------------------------------------

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
        `bot.report.failed` names them.

        Raises
        ------
        RagError
            The path does not exist.
        """
        settings = settings or Settings()
        folder = Path(index_folder) if index_folder is not None else corpus_index(Path(path), settings)
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
        if index is None:
            return Chatbot.open(None, settings, self.parts)
        return Chatbot(self.parts, index, settings)

    @property
    def generator(self) -> Generator | None:
        """The language model that words the answers, where there is one."""
        return self.parts.generator

    report: IndexReport = IndexReport()

    # --- the articles ------------------------------------------------------------------------------------------------

    def add(self, path: str | Path, progress: bool = False) -> IndexReport:
        """Add or update a file or folder; what is unchanged is not embedded again."""
        return self.sync([path], progress=progress)

    def sync(self, paths: Sequence[str | Path], progress: bool = False, restore: bool = True) -> IndexReport:
        """Bring the index in line with files and folders, in one atomic step.

        Documents that were read from one of these folders and are gone from it are removed. With `restore`,
        documents removed by hand come back; without, they stay away until their file changes.
        """
        roots = [Path(path) for path in paths]
        for root in roots:
            if not root.exists():
                raise RagError(f"{root} does not exist; expected a file or a folder of articles")
        with self.index.transaction():
            return self._sync(roots, progress, restore)

    def _sync(self, roots: list[Path], progress: bool, restore: bool) -> IndexReport:
        known = {header.id: header for header in self.index.headers()}
        excluded: dict[str, str] = json.loads(self.index.read_setting(EXCLUDED) or "{}")
        counts = {"added": 0, "updated": 0, "unchanged": 0, "removed": 0}
        failed: list[tuple[str, str]] = []
        fresh: list[Document] = []
        seen: set[str] = set()
        by_source = {header.source: document_id for document_id, header in known.items()}
        for document_id, path in _progress(find_files(roots), "reading", progress):
            document_id = _own_id(document_id, path, known, by_source)
            try:
                document = read_document(path, document_id, int(self.settings.max_file_megabytes * 1e6))
            except DocumentError as error:
                failed.append((str(path), str(error)))
                seen.add(document_id)  # a file that cannot be read today does not cost what was read before
                continue
            seen.add(document_id)
            old = known.get(document_id)
            if excluded.get(document_id) == document.content_hash and not restore:
                continue
            excluded.pop(document_id, None)
            if old is None or old.content_hash != document.content_hash or old.source != document.source:
                counts["added" if old is None else "updated"] += 1
                fresh.append(document)
            else:
                counts["unchanged"] += 1
        folders = [str(root.resolve()) for root in roots if root.is_dir()]
        for document_id, old in known.items():
            if document_id not in seen and any(Path(old.source).is_relative_to(folder) for folder in folders):
                counts["removed"] += self.index.remove(document_id)
        self.add_documents(fresh, progress)
        self._keep_setting(EXCLUDED, json.dumps(excluded))
        return IndexReport(failed=tuple(failed), **counts)

    def add_documents(self, documents: Sequence[Document], progress: bool = False) -> None:
        """Add or replace ready documents, all at once."""
        chunked = [self._chunk(document) for document in _progress(documents, "cutting", progress)]
        flat = [chunk for chunks in chunked for chunk in chunks]
        vectors = self.parts.embedder.embed_passages(flat, progress=progress)
        with self.index.transaction():
            start = 0
            for document, chunks in zip(documents, chunked, strict=True):
                self.index.add(document, chunks, vectors[start : start + len(chunks)])
                start += len(chunks)

    def remove(self, document_id: str) -> None:
        """Remove a document from every structure; it stays away until its file changes or is added again.

        Raises
        ------
        RagError
            There is no document of that id.
        """
        try:
            old = self.index.document(document_id)
        except KeyError:
            raise RagError(f"no document is called {document_id!r}; `rag documents` lists them") from None
        with self.index.transaction():
            self.index.remove(document_id)
            excluded = json.loads(self.index.read_setting(EXCLUDED) or "{}")
            self._keep_setting(EXCLUDED, json.dumps(excluded | {document_id: old.content_hash}))

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

    # --- asking ------------------------------------------------------------------------------------------------------

    def retrieve(self, question: str, k: int = 10) -> list[ScoredChunk]:
        """The k best passages, best first; re-ranked by the reader where the settings say so."""
        _check_question(question)
        if not self.settings.rerank:
            return self._search(question, k)
        found = self._search(question, max(k, self.settings.read))
        head = _reranked(self.candidates(question, found[: self.settings.read]))
        least = min((passage.score for passage in head), default=0.0)
        # What was not read ranks below what was.
        tail = [replace(passage, score=least - n) for n, passage in enumerate(found[self.settings.read :], start=1)]
        return [*head, *tail][:k]

    def ask(
        self,
        question: str,
        history: History = (),
        on_stage: Callable[[str], None] | None = None,
        generate: bool = True,
        cancelled: Callable[[], bool] | None = None,
    ) -> Answer:
        """Answer a question from the articles, or say that they do not.

        Parameters
        ----------
        question : str
            At most 2,000 characters.
        history : sequence
            Earlier turns, oldest first: each a question, a (question, Answer) pair, or a Turn.
        on_stage : callable, optional
            Told what is being done ("searching", "reading 8 passages").
        generate : bool
            Whether the generator, where there is one, may put the answer in its own words.
        cancelled : callable, optional
            Asked while the generator writes whether to stop it.

        Raises
        ------
        RagError
            The question is empty or too long.
        """
        _check_question(question)
        clock = _Clock()
        tell = on_stage or (lambda stage: None)
        turns = [_turn(entry) for entry in history]
        with clock.stage("understanding"):
            understood = understand(
                question, turns, lambda earlier: self._answer(earlier, earlier, _Clock(), lambda stage: None)
            )
        tell("searching")
        answers = [self._answer(question, reading, clock, tell) for reading in understood]
        # Read alone and with history: what stands on firmer ground wins, the complete question at a tie.
        answer = max(answers, key=lambda a: (not a.abstained, a.confidence))
        if generate and self.generator is not None and not answer.abstained:
            tell(f"asking {self.generator.name}")
            with clock.stage("writing"):
                answer = self._writer(self.generator).write(answer, [turn.question for turn in turns], cancelled)
        return with_text(replace(answer, seconds=clock.seconds()))

    def _answer(self, question: str, understood: str, clock: _Clock, tell: Callable[[str], None]) -> Answer:
        for _ in range(SEARCHES):
            understood, notes, passages = self._find(understood, clock)
            try:
                sources, copies = self._sources(passages)
                break
            except KeyError:  # an article was changed or removed since it was found: search again
                continue
        else:
            raise RagError("the articles are being changed all the time; ask again when that has ended")
        tell(f"reading {len(passages)} passages")
        with clock.stage("reading"):
            candidates = self.candidates(understood, passages)
        if not candidates:
            return _abstention(question, understood, passages, 0.0, notes, {})
        with clock.stage("deciding"):
            confidence = self.parts.confidence.probability(understood, candidates)
            documents = {
                i: {"title": d.title, "date": d.date, "source": d.source}
                for i in dict.fromkeys(p.chunk.document_id for p in passages)
                for d in [sources[i]]
            }
            passages = _reranked(candidates) if self.settings.rerank else passages
            certainty = self._certainty(confidence)
            if certainty == "not said":
                near = nearest(candidates, sources.__getitem__)
                return _abstention(question, understood, passages, confidence, notes, documents, near)
            chosen = candidates if certainty == "answered" else candidates[:1]
            composed = compose(understood, chosen, sources.__getitem__, copies.__getitem__)
        return Answer(
            question=question,
            understood=understood,
            short_answer=composed.short_answer,
            text="",
            citations=composed.citations,
            accounts=composed.accounts,
            confidence=confidence,
            abstained=certainty != "answered",
            certainty=certainty,
            statements=composed.statements,
            doubts=doubts(understood, candidates[0]) if certainty == "perhaps" else (),
            passages=tuple(passages),
            documents=documents,
            notes=notes,
        )

    def _certainty(self, confidence: float) -> Certainty:
        if confidence >= self.settings.abstain_below:
            return "answered"
        return "perhaps" if confidence >= self.settings.perhaps_from else "not said"

    def _writer(self, generator: Generator) -> Writer:
        from rag.grounding.writing import Writer

        return Writer(generator, self.parts.verifier, self.document, self.settings.strict, self.settings.write_seconds)

    def _sources(self, passages: Sequence[ScoredChunk]) -> tuple[dict[str, Document], dict[str, Chunk]]:
        """The documents and near-identical chunks of passages; KeyError when they are no longer what was found."""
        copies = {i: self.index.get(i) for passage in passages for i in passage.duplicates}
        chunks = [*(passage.chunk for passage in passages), *copies.values()]
        documents = {i: self.index.document(i) for i in dict.fromkeys(chunk.document_id for chunk in chunks)}
        for chunk in chunks:
            if documents[chunk.document_id].text[chunk.start : chunk.end] != chunk.text:
                raise KeyError(chunk.id)
        return documents, copies

    def consider(self, question: str) -> tuple[str, list[Candidate]]:
        """The question as understood, and the spans that may answer it, best first, before any decision."""
        understood, _, passages = self._find(question, _Clock())
        return understood, self.candidates(understood, passages)

    def _find(self, question: str, clock: _Clock) -> tuple[str, tuple[str, ...], list[ScoredChunk]]:
        """The question in the passages' own spelling, notes on what was respelled, and the passages to read."""
        with clock.stage("retrieval"):
            passages = self._search(question, self.settings.read)
            if not self.settings.spelling:
                return question, (), passages
            texts = (f"{passage.chunk.title}\n{passage.chunk.text}" for passage in passages)
            vocabulary = dict.fromkeys(match.group() for text in texts for match in WORD.finditer(text))
            respelled, replaced = respell(question, vocabulary, self._is_word)
            if replaced:
                passages = self._search(respelled, self.settings.read)
            return respelled, tuple(f"read {old!r} as {new!r}" for old, new in replaced.items()), passages

    def _is_word(self, word: str) -> bool:
        """Whether the embedding model knows a word whole, as it does the usual words of its language."""
        return len(self.parts.embedder.token_offsets(word)) == 1

    def _search(self, question: str, k: int) -> list[ScoredChunk]:
        mode = self.settings.retrieval
        vector = self.parts.embedder.embed_texts([question])[0] if mode != "lexical" else None
        return self.index.search(question if mode != "dense" else None, vector, k, self.settings.candidates)

    def candidates(self, question: str, passages: Sequence[ScoredChunk]) -> list[Candidate]:
        """The spans that may answer, best first: the best of each passage and the next best in it."""
        found: list[Candidate] = []
        asked = [without_date(question, passage.chunk.date) for passage in passages]
        spans: dict[str, Span] = {}
        for text in dict.fromkeys(asked):
            chunks = [passage.chunk for passage, own in zip(passages, asked, strict=True) if own == text]
            read = self.parts.reader.read(text, [without_questions(chunk) for chunk in chunks])
            spans |= {chunk.id: span for chunk, span in zip(chunks, read, strict=True)}
        for passage in passages:
            best = spans[passage.chunk.id]
            scored = replace(passage, scores={**passage.scores, "reader": best.score})
            found += [_candidate(scored, span) for span in (best, *best.alternatives[: SPANS_PER_PASSAGE - 1])]
        if not found:
            return []
        sentences = list(dict.fromkeys(candidate.sentence for candidate in found))
        vectors = self.parts.embedder.embed_texts([question, *sentences])
        by_sentence = dict(zip(sentences, vectors[1:], strict=True))
        placed = [
            replace(c, vector=by_sentence[c.sentence], sentence_cosine=float(by_sentence[c.sentence] @ vectors[0]))
            for c in found
        ]
        return self.parts.confidence.rank(question, placed)

    def _chunk(self, document: Document) -> list[Chunk]:
        return chunk_document(
            document, self.parts.embedder.token_offsets, self.settings.chunk_tokens, self.settings.overlap_sentences
        )

    def _keep_setting(self, key: str, value: str) -> None:
        if self.index.read_setting(key) != value:
            self.index.write_setting(key, value)


# --- inside ----------------------------------------------------------------------------------------------------------


def manifest(settings: Settings, embedder: Embedder) -> dict[str, str]:
    """How chunks and vectors are made: an index made in another way does not fit.

    Raises
    ------
    RagError
        Chunks of this size would be cut by the embedding model.
    """
    room = embedder.max_tokens - TITLE_TOKENS - 4
    if settings.chunk_tokens > room:
        raise RagError(
            f"chunk_tokens is {settings.chunk_tokens}, but the embedding model reads {embedder.max_tokens} tokens, "
            f"title included; expected at most {room}"
        )
    return {
        "embedding": embedder.fingerprint,
        "chunk_tokens": str(settings.chunk_tokens),
        "overlap_sentences": str(settings.overlap_sentences),
        "cutting": CUTTING_VERSION,
    }


class _Clock:
    """Seconds of each stage, added up when a stage runs more than once."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    def seconds(self) -> dict[str, float]:
        return {**self._seconds, "total": time.perf_counter() - self._start}


def _own_id(document_id: str, path: Path, known: Mapping[str, Header], by_source: Mapping[str, str]) -> str:
    """The id that a file has in the index already, or a new one that no other folder's file of that name has."""
    source = os.path.abspath(path)
    if source in by_source:
        return by_source[source]
    folder = path.parent
    while (other := known.get(document_id)) and other.source != source and os.path.exists(other.source):
        document_id = f"{folder.name or 'other'}/{document_id}"
        folder = folder.parent
    return document_id


def _check_question(question: str) -> None:
    if not question.strip():
        raise RagError("the question is empty; type one")
    if len(question) > MAX_QUESTION:
        raise RagError(f"the question has {len(question)} characters, expected at most {MAX_QUESTION}; shorten it")


def _turn(entry: str | Turn | tuple[str, Answer | None]) -> Turn:
    if isinstance(entry, Turn):
        return entry
    return Turn(entry) if isinstance(entry, str) else Turn(entry[0], entry[1])


def _candidate(passage: ScoredChunk, span: Span) -> Candidate:
    chunk = passage.chunk
    first, last = whole_phrase(chunk, span.start, span.end)
    span = replace(span, start=first, end=last, text=chunk.between(first, last))
    start, end = sentences_around(chunk, span.start, span.end)
    earlier = [chunk.between(a, b) for a, b in chunk.sentences if b <= start]
    return Candidate(
        passage,
        span,
        sentence=chunk.between(start, end),
        before=chunk.between(start, span.start),
        heading=earlier[-1] if earlier and is_question(earlier[-1]) else "",
        date=chunk.date,
    )


def _reranked(candidates: Sequence[Candidate]) -> list[ScoredChunk]:
    """Each passage once, in the order of its best candidate, scored by its evidence."""
    best = {candidate.passage.chunk.id: candidate for candidate in reversed(candidates)}
    ordered = sorted(best.values(), key=lambda c: (-c.evidence, c.passage.chunk.id))
    return [replace(c.passage, score=c.evidence, rank=rank) for rank, c in enumerate(ordered, start=1)]


def _abstention(
    question: str,
    understood: str,
    passages: Sequence[ScoredChunk],
    confidence: float,
    notes: tuple[str, ...],
    documents: dict[str, dict[str, str | None]],
    near: tuple[Citation, ...] = (),
) -> Answer:
    return Answer(
        question=question,
        understood=understood,
        short_answer="",
        text="",
        citations=(),
        confidence=confidence,
        abstained=True,
        nearest=near,
        passages=tuple(passages),
        documents=documents,
        notes=notes,
    )


def _progress(items: Sequence[T], label: str, show: bool) -> Iterable[T]:
    if not show:
        return items
    from tqdm import tqdm

    return tqdm(items, desc=label, disable=None, leave=False)
