"""A question's way through the stages: read, searched, answered, worded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from rag.answering.addressee import to_program
from rag.answering.candidates import SpanFinder
from rag.answering.citations import on_pages
from rag.answering.deciding import decide
from rag.answering.overview import PASSAGES, of_folder, of_topic, overview
from rag.answering.retrieval import Found, Retriever
from rag.answering.rewriting import ConversationRewriter
from rag.clock import Clock
from rag.config import Settings
from rag.errors import RagError
from rag.grounding.rewriting import ModelRewriter
from rag.grounding.writing import Asked, Writer
from rag.index import Index
from rag.language.characters import readable
from rag.parts import Parts
from rag.present.overview import overview_with_text
from rag.present.text import with_text
from rag.present.words import Told
from rag.types import Answer, History, Overview, ScoredChunk, Turn

MAX_QUESTION = 2000  # characters


@dataclass(frozen=True, slots=True)
class Asker:
    """Takes questions to the parts of a Chatbot; `writer` is there where a language model words the answers."""

    parts: Parts
    retriever: Retriever
    finder: SpanFinder
    writer: Writer | None
    settings: Settings

    def ask(
        self,
        question: str,
        history: History,
        on_stage: Callable[[str], None] | None,
        generate: bool,
        cancelled: Callable[[], bool] | None,
        on_answer: Callable[[Answer], None] | None,
    ) -> Answer:
        """The Answer to a question after earlier turns; see `rag.pipeline.Chatbot.ask`."""
        question, turns = checked(question), turns_of(history)
        clock, tell = Clock(), on_stage or _silent
        with clock.stage("understanding"):
            readings = self._readings(question, turns, generate, cancelled, tell)
        if not turns and self._is_to_program(question):
            return with_text(replace(to_program(question), seconds=clock.seconds()))
        tell(Told("searching"))
        answers: list[Answer] = []
        while readings and all(answer.abstained for answer in answers):
            answers.append(self._answer(question, readings.pop(0), clock, tell))
        answer = max(answers, key=lambda a: (not a.abstained, a.confidence))
        # In a conversation what sounds so may be a follow-up ("And what day is it?"): there the articles go first.
        if turns and answer.certainty == "not said" and self._is_to_program(question):
            answer = to_program(question)
        if generate and self.writer is not None and answer.certainty != "not said":
            tell(Told("asking %(name)s", name=self.writer.name))
            grown = (lambda partial: on_answer(with_text(partial))) if on_answer else _silent
            with clock.stage("writing"):
                answer = self.writer.write(answer, Asked(tuple(turn.question for turn in turns), cancelled, grown))
        return with_text(replace(answer, seconds=clock.seconds()))

    def retrieve(self, question: str, k: int, index: Index) -> list[ScoredChunk]:
        """The k best passages; see `rag.pipeline.Chatbot.retrieve`."""
        question, read = checked(question), self.settings.read
        found = self.retriever.search(question, max(k, read) if self.settings.rerank else k)
        best = self.finder.rerank(question, found, read)[:k] if self.settings.rerank else found
        return list(on_pages(best, cache(index.document)))

    def overview(self, topic: str | None, index: Index) -> Overview:
        """What the articles hold; see `rag.pipeline.Chatbot.overview`."""
        topic = topic if topic is None else checked(topic, "topic")
        clock, embedder = Clock(), self.parts.embedder
        if topic is None:
            picks, documents = of_folder(index.headers(), index.document, embedder)
            made = overview("", picks, documents, 0.0, index.count())
        else:
            found = self.retriever.find(topic, PASSAGES)
            about, picks = of_topic(found.question, [passage.chunk for passage in found.passages], embedder)
            made = overview(topic, picks, found.documents, about, index.count())
        return overview_with_text(replace(made, seconds=clock.seconds()["total"]))

    def _is_to_program(self, question: str) -> bool:
        return self.parts.addressee is not None and self.parts.addressee.is_program(question)

    def _readings(
        self,
        question: str,
        turns: Sequence[Turn],
        generate: bool,
        cancelled: Callable[[], bool] | None,
        tell: Callable[[str], None],
    ) -> list[str]:
        """What may be meant; the generator, where it may be asked, completes a follow-up."""
        generator = self.parts.generator
        rewriter = self.parts.rewriter or ConversationRewriter(self.parts.reader)
        if turns and generate and generator is not None:
            tell(Told("asking %(name)s what is meant", name=generator.name))
            rewriter = ModelRewriter(generator, rewriter, cancelled=cancelled)
        return rewriter.readings(question, turns, lambda earlier: self._answer(earlier, earlier, Clock(), _silent))

    def _answer(self, question: str, understood: str, clock: Clock, tell: Callable[[str], None]) -> Answer:
        with clock.stage("retrieval"):
            ways = self.retriever.find_each(understood, question)
        answers = (self._read(question, found, clock, tell) for found in ways)
        answer = next(answers)
        return next(answers, answer) if answer.certainty == "not said" else answer

    def _read(self, question: str, found: Found, clock: Clock, tell: Callable[[str], None]) -> Answer:
        tell(Told("reading %(count)d passages", count=len(found.passages)))
        with clock.stage("reading"):
            candidates = self.finder.candidates(found.question, found.passages)
        with clock.stage("deciding"):
            given = self.parts.confidence, self.settings
            return decide(question, found, candidates, *given, self.finder.denials)


def turns_of(history: History) -> list[Turn]:
    """Earlier turns, each of a question, a (question, Answer) pair or a Turn; a text is one question."""
    entries = [history] if isinstance(history, str) else history
    turns = (e if isinstance(e, Turn) else Turn(e) if isinstance(e, str) else Turn(*e) for e in entries)
    return [replace(turn, question=readable(turn.question)) for turn in turns]


def checked(question: str, name: str = "question") -> str:
    """The question as models and indexes can read it. RagError when it is empty or too long, which calls it `name`."""
    question = readable(question)
    if not question.strip():
        raise RagError(f"the {name} is empty; type one")
    if len(question) > MAX_QUESTION:
        raise RagError(f"the {name} has {len(question)} characters, expected at most {MAX_QUESTION}; shorten it")
    return question


def _silent(told: object) -> None:
    pass
