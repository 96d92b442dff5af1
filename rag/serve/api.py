"""The interfaces for programs: questions, passages, health and metrics; OpenAI's dialect and the tools beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

import rag
from rag.errors import RagError
from rag.pipeline import Chatbot
from rag.present.overview import OverviewRecord, overview_record
from rag.present.records import PassageRecord, passage_record
from rag.serve.access import Access
from rag.serve.checks import add_checks
from rag.serve.completions import add_completions
from rag.serve.desk import BusyError, Desk, request_id
from rag.serve.gate import Gate, problem
from rag.serve.limits import Limits
from rag.serve.local import Local, add_local
from rag.serve.schemas import AnswerRecord, AskRequest, Health, OverviewRequest, Problem, RetrieveRequest, answer_record
from rag.serve.tools import add_tools
from rag.serve.watch import Meters, Watch, log

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": why}
    for status, why in {
        400: "The request makes no sense.", 401: "A key is needed.", 413: "The body is too large.",
        415: "The body is compressed.", 421: "Another host was asked for.", 422: "A field is missing or wrong.",
        429: "Too many requests.",
        503: "Too many requests wait.",
    }.items()
}  # fmt: skip


def create_app(
    bot: Chatbot,
    access: Access | None = None,
    limits: Limits | None = None,
    uploads: Path | None = None,
    local: Local | None = None,
) -> FastAPI:
    """The interfaces over a bot, behind the gate; the page is not among them, but its gate is the same.

    Parameters
    ----------
    bot : Chatbot
    access : Access, optional
        Who may ask; default: this machine, without a key.
    limits, uploads
        See `Gate`.
    local : Local, optional
        What `rag ask` on this machine may use.
    """
    access = access or Access()
    meters = Meters()
    desk = Desk(bot, meters, access.log_questions)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with tools():
            yield
        desk.close()

    app = FastAPI(
        title="rag-articles",
        version=rag.__version__,
        description="Questions answered from a folder of articles, each sentence with the exact passage.",
        lifespan=lifespan,
        servers=[{"url": access.root_path}] if access.root_path else None,
        docs_url=None,
        redoc_url=None,
        responses=REFUSALS,
    )
    app.add_middleware(Gate, access=access, limits=limits, uploads=uploads)
    app.add_middleware(Watch, meters=meters, root_path=access.root_path)
    _add_problems(app)
    _add_questions(app, desk, local)
    add_checks(app, desk)
    add_completions(app, desk)
    if local is not None:
        add_local(app, desk, local)

    @app.get("/metrics", response_class=Response, include_in_schema=False)
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(generate_latest(meters.registry), media_type=CONTENT_TYPE_LATEST)

    for route in [route for route in app.routes if isinstance(route, APIRoute) and "GET" in (route.methods or ())]:
        probe = copy(route)  # whoever looks whether a server is there asks for the head alone
        probe.methods, probe.include_in_schema = {"HEAD"}, False
        app.routes.append(probe)
    tools = add_tools(app, desk)
    return app


def _add_questions(app: FastAPI, desk: Desk, local: Local | None) -> None:
    @app.get("/healthz", response_model_exclude_none=True)
    def healthz(nonce: Annotated[str, Query(max_length=64)] = "") -> Health:
        """Whether the server answers."""
        proof = local.record.proof(nonce) if local and nonce else None
        return Health(documents=desk.bot.count(), proof=proof)

    @app.post("/api/ask")
    async def ask(request: Request, asked: AskRequest) -> AnswerRecord:
        """Answer a question with exact quotes, or say that the articles do not hold the answer."""
        return answer_record(await desk.ask(request, asked.question, asked.history, asked.generate, scope=asked.scope))

    @app.post("/api/retrieve")
    async def retrieve(request: Request, asked: RetrieveRequest) -> list[PassageRecord]:
        """The passages nearest to a question, best first."""
        found = await desk.run(lambda cancelled: desk.among(asked.scope).retrieve(asked.question, asked.k), request)
        return [passage_record(passage) for passage in found]

    @app.post("/api/overview")
    async def overview(request: Request, asked: OverviewRequest) -> OverviewRecord:
        """What the articles hold about a topic, or in all: a few of their own sentences, the oldest first."""
        made = await desk.run(lambda cancelled: desk.among(asked.scope).overview(asked.topic), request)
        return overview_record(made)


def _add_problems(app: FastAPI) -> None:
    """Every error in the form that OpenAI's clients read."""

    @app.exception_handler(RagError)
    async def mendable(request: Request, error: RagError) -> JSONResponse:
        return JSONResponse(problem(str(error)), 400)

    @app.exception_handler(BusyError)
    async def busy(request: Request, error: BusyError) -> JSONResponse:
        return JSONResponse(problem(str(error)), 503, {"Retry-After": "5"})

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400 and error.__cause__ is not None:  # FastAPI could not decode the body
            return _unread(request)
        return JSONResponse(problem(str(error.detail)), error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(problem(_mistake(request, error.errors()[0])), 422)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        identity = request_id(request)
        log.error("request %s failed", identity, exc_info=error)
        return JSONResponse(problem(f"something went wrong; report {identity}", "server_error"), 500)


def _unread(request: Request) -> JSONResponse:
    """That a body is not text in which JSON could be looked for."""
    coding = request.headers.get("content-encoding")
    if coding:
        said = f"the body came with the Content-Encoding {coding[:100]!r}; send it without one"
        return JSONResponse(problem(said), 415, {"Accept-Encoding": "identity"})
    return JSONResponse(problem("the body could not be read; expected a JSON object in UTF-8"), 422)


def _mistake(request: Request, first: dict[str, Any]) -> str:
    """What is wrong with a request's body or one of its fields."""
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    if first["type"] == "json_invalid":
        return f"the body is not valid JSON at character {place} ({first['ctx']['error']}); expected a JSON object"
    if place:
        return f"{place}: {first['msg']}"
    kind = request.headers.get("content-type")
    came = f"with the Content-Type {kind[:100]!r}" if kind else "without a Content-Type"
    return f"the body came {came} and was not read as an object; send a JSON object with Content-Type: application/json"
