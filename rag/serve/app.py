"""The interfaces for programs: questions, passages, OpenAI's dialect, health and metrics."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import rag
from rag.errors import RagError
from rag.pipeline import MAX_QUESTION, Chatbot
from rag.present.records import PassageRecord, passage_record
from rag.serve import dialect
from rag.serve.gate import Gate, Meters, log, problem, write_log
from rag.serve.requests import (
    AnswerRecord,
    AskRequest,
    ChatRequest,
    Health,
    Model,
    Models,
    Problem,
    RetrieveRequest,
    answer_record,
)
from rag.types import Answer

T = TypeVar("T")
QUEUE = 200  # requests that may wait; more are told to come back
POLL_SECONDS = 0.5
SILENCE_SECONDS = 5.0  # after which a waiting stream is sent a sign of life
MAX_HISTORY = 20


class BusyError(Exception):
    """A request is not answered: too many wait, or whoever asked has gone."""


class Desk:
    """Runs questions on threads of its own; whoever leaves takes the question along."""

    def __init__(self, bot: Chatbot) -> None:
        self.bot = bot
        # The models use all cores for one question; a generator mostly waits for another machine.
        self._threads = ThreadPoolExecutor(4 if bot.generator else 1, thread_name_prefix="rag-api")
        self._waiting = 0

    async def run(self, work: Callable[[Callable[[], bool]], T], gone: Callable[[], Any] | None = None) -> T:
        """What `work` returns; it is told how to ask whether it is still wanted."""
        if self._waiting >= QUEUE:
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


def create_app(
    bot: Chatbot,
    credentials: Sequence[str] = (),
    per_minute: int = 0,
    loopback: bool = True,
    log_questions: bool = False,
) -> FastAPI:
    """The interfaces over a bot; the page is not among them.

    Parameters
    ----------
    bot : Chatbot
    credentials, per_minute, loopback
        See `Gate`.
    log_questions : bool
        Whether the log holds what people ask.
    """
    desk, meters = Desk(bot), Meters()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": why}
        for status, why in {
            400: "The request makes no sense.", 401: "A key is needed.", 411: "The body's length is not given.",
            413: "The body is too large.", 421: "Another host was asked for.", 422: "A field is missing or wrong.",
            429: "Too many requests.", 503: "Too many requests wait.",
        }.items()
    }  # fmt: skip
    app = FastAPI(
        title="rag-articles",
        version=rag.__version__,
        description="Questions answered from a folder of articles, each sentence with the exact passage.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=refusals,
    )
    app.add_middleware(Gate, meters=meters, credentials=credentials, per_minute=per_minute, loopback=loopback)

    @app.exception_handler(RagError)
    async def mendable(request: Request, error: RagError) -> JSONResponse:
        return JSONResponse(problem(str(error)), 400)

    @app.exception_handler(BusyError)
    async def busy(request: Request, error: BusyError) -> JSONResponse:
        return JSONResponse(problem("too many requests wait; try again later"), 503, {"Retry-After": "5"})

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body")
        return JSONResponse(problem(f"{place or 'the body'}: {first['msg']}"), 422)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        identity = request.scope.get("state", {}).get("request_id", "")
        log.error("request %s failed", identity, exc_info=error)
        return JSONResponse(problem(f"something went wrong; report {identity}", "server_error"), 500)

    def note(request: Request, answer: Answer) -> None:
        meters.answers.labels("none" if answer.abstained else "generator" if answer.generator else "articles").inc()
        meters.tokens.labels("in").inc(answer.tokens_in)
        meters.tokens.labels("out").inc(answer.tokens_out)
        write_log(
            event="answer",
            request_id=request.scope.get("state", {}).get("request_id", ""),
            abstained=answer.abstained,
            generator=answer.generator,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            **({"question": answer.question} if log_questions else {}),
        )

    async def answered(
        request: Request, question: str, history: Sequence[str], generate: bool, watch: bool = True
    ) -> Answer:
        question = _clean(question)
        earlier = [_clean(text) for text in history if text.strip()]
        answer = await desk.run(
            lambda cancelled: bot.ask(question, earlier, generate=generate, cancelled=cancelled),
            request.is_disconnected if watch else None,
        )
        note(request, answer)
        return answer

    @app.get("/healthz")
    def healthz() -> Health:
        """Whether the server answers."""
        return Health(documents=bot.count())

    @app.get("/metrics", response_class=Response, include_in_schema=False)
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(generate_latest(meters.registry), media_type=CONTENT_TYPE_LATEST)

    @app.post("/api/ask")
    async def ask(request: Request, asked: AskRequest) -> AnswerRecord:
        """Answer a question with exact quotes, or say that the articles do not hold the answer."""
        return answer_record(await answered(request, asked.question, asked.history, asked.generate))

    @app.post("/api/retrieve")
    async def retrieve(asked: RetrieveRequest) -> list[PassageRecord]:
        """The passages nearest to a question, best first."""
        found = await desk.run(lambda cancelled: bot.retrieve(_clean(asked.question), asked.k))
        return [passage_record(passage) for passage in found]

    def models() -> list[str]:
        return [*([f"{dialect.OWN_WORDS}+{bot.generator.name}"] if bot.generator else []), dialect.OWN_WORDS]

    @app.get("/v1/models")
    async def list_models() -> Models:
        """The ways to answer: worded by the language model where there is one, or in the articles' own words."""
        return Models(data=[Model(id=name) for name in models()])

    @app.post("/v1/chat/completions", response_model=None, responses={404: {"model": Problem}})
    async def complete(request: Request, asked: ChatRequest) -> Response:
        """Answer the last user message; earlier ones are its history."""
        if asked.model not in models():
            return JSONResponse(
                problem(f"there is no model {asked.model[:100]!r}; expected {' or '.join(models())}"), 404
            )
        users = [message.words() for message in asked.messages if message.role == "user"]
        question = users[-1].strip() if users else ""
        if not question or len(question) > MAX_QUESTION:
            raise RagError(f"the last user message has {len(question)} characters; expected 1 to {MAX_QUESTION}")
        history = [text[:MAX_QUESTION] for text in users[:-1]][-MAX_HISTORY:]
        generate = asked.model != dialect.OWN_WORDS
        made = f"chatcmpl-{request.scope['state']['request_id']}", int(time.time()), asked.model
        if not asked.stream:
            return JSONResponse(dialect.completion(await answered(request, question, history, generate), *made))
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)

        async def stream() -> AsyncIterator[str]:
            yield dialect.opening(*made)
            waiting = asyncio.ensure_future(answered(request, question, history, generate, watch=False))
            try:
                while not waiting.done():
                    await asyncio.wait([waiting], timeout=SILENCE_SECONDS)
                    if not waiting.done():
                        yield ": still at it\n\n"
                try:
                    answer = waiting.result()
                except (RagError, BusyError) as error:
                    yield f"data: {JSONResponse(problem(str(error) or 'busy')).body.decode()}\n\n"  # type: ignore[union-attr]
                    return
                for event in dialect.events(answer, *made, with_usage):
                    yield event
            finally:
                waiting.cancel()

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    return app


def _clean(text: str) -> str:
    """Text that every model and index can read: no lone surrogates, no null characters."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", " ")
