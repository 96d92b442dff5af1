"""`ask`, `retrieve` and `check` for programs over Gradio's API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeAlias, TypeVar

import gradio as gr
from gradio.events import api
from pydantic import ValidationError

from rag.errors import RagError
from rag.language.characters import readable
from rag.present.records import AnswerRecord, CheckedRecord, PassageRecord, answer_record, passage_record
from rag.present.words import gettext as _
from rag.serve.checks import draft_of, in_steps
from rag.serve.failures import failure
from rag.serve.limits import MAX_PASSAGES
from rag.serve.page.bots import Asker
from rag.serve.schemas import Choice, latest, mistake
from rag.types import Check

T = TypeVar("T")
Answered: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Has a function run on the threads that the models use; what it returned."""


def add_programs(bot: Asker, submit: Callable[[Callable[[], Any]], Future[Any]]) -> None:
    """Add the functions to the Blocks that is being built.

    They wait for the models' threads and not in Gradio's queue.

    Parameters
    ----------
    bot : Asker
    submit : callable
        Has a function run on the threads that the models use.
    """

    async def answered(work: Callable[[], Any]) -> Any:
        return await asyncio.wrap_future(submit(partial(guarded, work)))

    _add_questions(bot, answered)
    _add_check(bot, answered)


def _add_questions(bot: Asker, answered: Answered) -> None:
    # Gradio reads "Parameters:" and "Returns:" out of the docstrings and shows them to programs.
    async def ask(
        question: str,
        history: list[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        within: list[str] | None = None,
    ) -> AnswerRecord:
        """Answer a question from the indexed articles, with exact quotes, or say that they do not hold the answer.

        Parameters:
            question: The question, at most 2,000 characters.
            history: Earlier questions of the conversation, oldest first, so that "and when?" is understood.
            since: The first day of the articles that are asked: YYYY, YYYY-MM or YYYY-MM-DD.
            until: The last day, itself included; undated articles are left out then.
            within: Outlets, folders or ids of articles; those of any of them are asked.
        Returns:
            The answer with its citations (document, characters, quote), confidence in [0, 1], differing accounts and the passages found.
        """  # noqa: E501
        earlier = earlier_questions(history)
        made: AnswerRecord = await answered(
            lambda: answer_record(_among(bot, since, until, within).ask(question_text(question), earlier))
        )
        return made

    async def retrieve(
        question: str,
        k: int = 10,
        since: str | None = None,
        until: str | None = None,
        within: list[str] | None = None,
    ) -> list[PassageRecord]:
        """Find the passages of the indexed articles that are nearest to a question, best first.

        Parameters:
            question: The question or search words, at most 2,000 characters.
            k: How many passages, from 1 to 50.
            since: The first day of the articles that are asked: YYYY, YYYY-MM or YYYY-MM-DD.
            until: The last day, itself included; undated articles are left out then.
            within: Outlets, folders or ids of articles; those of any of them are asked.
        Returns:
            Passages with rank, score, document, characters and text.
        """
        if not isinstance(k, int) or not 1 <= k <= MAX_PASSAGES:
            raise gr.Error(f"k is {k!r:.100}; expected 1 to {MAX_PASSAGES}", print_exception=False)
        found = await answered(lambda: _among(bot, since, until, within).retrieve(question_text(question), k))
        return [passage_record(passage) for passage in found]

    api(ask, api_name="ask", queue=False)
    api(retrieve, api_name="retrieve", queue=False)


def _add_check(bot: Asker, answered: Answered) -> None:
    async def check(
        text: str,
        markdown: bool = False,
        since: str | None = None,
        until: str | None = None,
        within: list[str] | None = None,
    ) -> CheckedRecord:
        """Check each sentence of a text against the indexed articles: supported, contradicted, or not stated.

        Parameters:
            text: A statement or a text, at most 50,000 characters.
            markdown: Whether to read it as Markdown: headings are passed over.
            since: The first day of the articles that are asked: YYYY, YYYY-MM or YYYY-MM-DD.
            until: The last day, itself included; undated articles are left out then.
            within: Outlets, folders or ids of articles; those of any of them are asked.
        Returns:
            The text as it was read, and for each sentence its place, verdict, probability of being supported and exact quotes.
        """  # noqa: E501

        async def step(work: Callable[[], Check | None]) -> Check | None:
            made: Check | None = await answered(work)
            return made

        draft = guarded(lambda: draft_of(text, markdown))
        return await in_steps(await answered(lambda: _among(bot, since, until, within)), draft, step)

    api(check, api_name="check", queue=False)


def question_text(question: Any) -> str:
    """The question as models can read it, when there are words in it.

    Raises
    ------
    RagError
        It is no text, or holds no letter and no digit.
    """
    if not isinstance(question, str):
        raise RagError(f"the question is of type {type(question).__name__}; expected text")
    if not question.strip():
        raise RagError(_("The question is empty. Type one."))
    if not any(character.isalnum() for character in question):
        raise RagError(_("There are no words in that to search for. Ask with a few words."))
    return readable(question)


def guarded(work: Callable[[], T]) -> T:
    """What `work` returns; what a person can mend becomes its message, all else a sentence with a reference."""
    try:
        return work()
    except RagError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except Exception as error:
        raise gr.Error(failure(error), print_exception=False) from error


def _among(bot: Asker, since: Any, until: Any, within: Any) -> Asker:
    """The bot over the chosen articles; RagError for a choice that the other interfaces would refuse."""
    try:
        scope = Choice(since=since, until=until, within=within).scope
    except ValidationError as error:
        raise mistake(error) from None
    return bot.within(scope) if scope else bot


def earlier_questions(history: Any) -> list[str]:
    """The latest of the earlier questions, as models can read them; gr.Error when they are no list of texts."""
    if history is None:
        return []
    if not isinstance(history, list) or not all(isinstance(entry, str) for entry in history):
        raise gr.Error("history is expected to be a list of earlier questions", print_exception=False)
    return latest(history)
