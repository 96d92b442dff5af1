"""Questions of programs: on threads of their own, counted and logged."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import Request

from rag.pipeline import Chatbot
from rag.scope import EVERYTHING, Scope
from rag.serve.limits import POLL_SECONDS, QUEUE, at_once
from rag.serve.watch import Meters, write_log
from rag.types import Answer

T = TypeVar("T")


class BusyError(Exception):
    """A request is not answered: too many wait, or whoever asked has gone."""

    def __str__(self) -> str:
        return "too many requests wait; try again later"


class Desk:
    """Runs questions on threads of its own; whoever leaves takes the question along."""

    def __init__(self, bot: Chatbot, meters: Meters, log_questions: bool = False) -> None:
        """
        Parameters
        ----------
        bot : Chatbot
        meters : Meters
            Count the answers.
        log_questions : bool
            Whether the log holds what people ask.
        """
        self.bot = bot
        self._meters = meters
        self._log_questions = log_questions
        self._threads = ThreadPoolExecutor(at_once(bot.generator is not None), thread_name_prefix="rag-api")
        self._waiting = 0

    async def ask(
        self,
        request: Request | None,
        question: str,
        history: Sequence[str],
        generate: bool,
        watch: bool = True,
        scope: Scope = EVERYTHING,
        on_answer: Callable[[Answer], None] | None = None,
    ) -> Answer:
        """The bot's answer from the articles of a scope.

        `watch` gives it up when whoever sent the request has gone. `on_answer` is called on a thread of the desk's.
        """
        answer = await self.run(
            lambda cancelled: self.among(scope).ask(
                question, history, generate=generate, cancelled=cancelled, on_answer=on_answer
            ),
            request if watch else None,
        )
        words = "none" if answer.abstained else "generator" if answer.generator else "articles"
        self._meters.answers.labels(words).inc()
        self._meters.tokens.labels("in").inc(answer.tokens_in)
        self._meters.tokens.labels("out").inc(answer.tokens_out)
        write_log(
            event="answer",
            request_id="" if request is None else request_id(request),
            abstained=answer.abstained,
            generator=answer.generator,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            **({"question": answer.question} if self._log_questions else {}),
        )
        return answer

    def among(self, scope: Scope) -> Chatbot:
        """The bot over the articles of a scope."""
        return self.bot.within(scope) if scope else self.bot

    async def run(self, work: Callable[[Callable[[], bool]], T], request: Request | None = None) -> T:
        """What `work` returns; it is told how to ask whether it is still wanted.

        Raises
        ------
        BusyError
            Too many wait, or whoever sent the request had gone before the work began.
        """
        gone = request.is_disconnected if request is not None else None
        if (gone is not None and await gone()) or self._waiting >= QUEUE:
            raise BusyError
        left = threading.Event()
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._unless, left, work)
        future.add_done_callback(self._done)
        try:
            while True:
                done, _ = await asyncio.wait([future], timeout=POLL_SECONDS)
                if done:
                    return future.result()
                if gone is not None and await gone():
                    left.set()
                    gone = None
        finally:
            left.set()

    @staticmethod
    def _unless(left: threading.Event, work: Callable[[Callable[[], bool]], T]) -> T:
        if left.is_set():
            raise BusyError  # whoever asked has gone; nobody is told
        return work(left.is_set)

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # that of an abandoned question is nobody's

    def close(self) -> None:
        """Finish what is running."""
        self._threads.shutdown(wait=True)


def request_id(request: Request) -> str:
    """The id that the request has in the log."""
    return str(request.scope.get("state", {}).get("request_id", ""))
