"""OpenAI's dialect: models and chat completions, whole or as a stream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from rag.asking import MAX_QUESTION
from rag.errors import RagError
from rag.serve import dialect
from rag.serve.desk import BusyError, Desk, request_id
from rag.serve.failures import failure
from rag.serve.gate import problem
from rag.serve.limits import SILENCE_SECONDS
from rag.serve.schemas import ChatRequest, Model, Models, Problem
from rag.types import Answer


def add_completions(app: FastAPI, desk: Desk) -> None:
    """Add the routes of the dialect to an application."""
    bot = desk.bot
    names = [*([f"{dialect.OWN_WORDS}+{bot.generator.name}"] if bot.generator else []), dialect.OWN_WORDS]

    def unknown(name: str) -> JSONResponse:
        said = f"there is no model {name[:100]!r}; expected {' or '.join(names)}"
        return JSONResponse(problem(said, code="model_not_found"), 404)

    @app.get("/v1/models")
    async def list_models() -> Models:
        """The ways to answer: worded by the language model where there is one, or in the articles' own words."""
        return Models(data=[Model(id=name) for name in names])

    @app.get("/v1/models/{name:path}", response_model=None, responses={404: {"model": Problem}})
    async def find_model(name: str) -> Response:
        """One of the ways to answer."""
        return JSONResponse(Model(id=name).model_dump()) if name in names else unknown(name)

    @app.post("/v1/chat/completions", response_model=None, responses={404: {"model": Problem}})
    async def complete(request: Request, asked: ChatRequest) -> Response:
        """Answer the last user message; earlier ones are its history. X-Ignored-Parameters names what does nothing."""
        if asked.model not in names:
            return unknown(asked.model)
        question, history = asked.asked()
        if not question or len(question) > MAX_QUESTION:
            raise RagError(f"the last user message has {len(question)} characters; expected 1 to {MAX_QUESTION}")
        ignored = asked.ignored()[:20]
        headers = {"X-Ignored-Parameters": ", ".join(ignored)} if ignored else {}
        made = f"chatcmpl-{request_id(request)}", int(time.time()), asked.model
        generate = asked.model != dialect.OWN_WORDS
        ask = partial(desk.ask, request, question, history, generate, scope=asked.scope)
        if not asked.stream:
            return JSONResponse(dialect.completion(await ask(), *made), headers=headers)
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        return StreamingResponse(
            _stream(ask, made, with_usage),
            media_type="text/event-stream",
            # nginx would hold the stream back to send it in larger pieces
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no", **headers},
        )


def _failed(told: dict[str, object]) -> str:
    return f"data: {json.dumps(told)}\n\n"


async def _stream(
    ask: Callable[..., Awaitable[Answer]], made: tuple[str, int, str], with_usage: bool
) -> AsyncIterator[str]:
    """The events; `made` is the identity, the time and the model that each of them tells."""
    yield dialect.opening(*made)
    told: asyncio.Queue[str | None] = asyncio.Queue()  # the text as it grows, None at its end
    loop = asyncio.get_running_loop()

    def hear(grown: Answer) -> None:
        loop.call_soon_threadsafe(told.put_nowait, grown.text)

    waiting = asyncio.ensure_future(ask(watch=False, on_answer=hear))
    waiting.add_done_callback(lambda _: told.put_nowait(None))
    sent = ""
    try:
        while True:
            try:
                text = await asyncio.wait_for(told.get(), SILENCE_SECONDS)
            except TimeoutError:
                yield ": still at it\n\n"
                continue
            if text is None:
                break
            yield dialect.piece(text[len(sent) :], *made)
            sent = text
        try:
            answer = waiting.result()
        except (RagError, BusyError) as error:
            yield _failed(problem(str(error)))
            return
        except Exception as error:
            yield _failed(problem(failure(error), "server_error"))
            return
        for event in dialect.events(answer, *made, with_usage, sent):
            yield event
    finally:
        waiting.cancel()
