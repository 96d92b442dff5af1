"""`ask`, `retrieve`, `check` and `overview` as MCP tools over streamable HTTP: JSON, as text and as structure."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import PARSE_ERROR, TextContent, Tool
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import TypedDict

import rag
from rag.errors import RagError
from rag.present.overview import OverviewRecord, overview_record
from rag.present.records import AnswerRecord, CheckedRecord, PassageRecord, answer_record, passage_record
from rag.serve.checks import checked
from rag.serve.desk import BusyError, Desk
from rag.serve.failures import failure
from rag.serve.schemas import AskRequest, CheckRequest, OverviewRequest, RetrieveRequest, mistake

PATHS = ("/mcp", "/gradio_api/mcp", "/gradio_api/mcp/http")
"""Where the tools are found; the second is where Gradio puts those of a page."""


class Passages(TypedDict):
    """Passages that were found, best first."""

    passages: list[PassageRecord]


def add_tools(app: FastAPI, desk: Desk) -> Callable[[], AbstractAsyncContextManager[None]]:
    """Add the tools' routes to an application; what must run around it while it serves."""
    server: Server[Any, Request] = Server("rag-articles", version=rag.__version__)

    @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
    async def list_tools() -> list[Tool]:
        return _tools()

    @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]
    async def call_tool(name: str, arguments: dict[str, Any]) -> tuple[list[TextContent], dict[str, Any]]:
        made = await _made(desk, server.request_context.request, name, arguments)
        return [TextContent(type="text", text=json.dumps(made, ensure_ascii=False))], made

    manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)

    class Endpoint:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            try:
                body = await Request(scope, receive).body()
                body.decode()
            except ClientDisconnect:
                return
            except UnicodeDecodeError as error:  # the library takes it for an error of its own
                told = {"code": PARSE_ERROR, "message": f"Parse error: {error.reason}"}
                await JSONResponse({"jsonrpc": "2.0", "id": None, "error": told}, 400)(scope, receive, send)
                return
            _accept_json(MutableHeaders(scope=scope))
            unread: list[Message] = [{"type": "http.request", "body": body}]

            async def again() -> Message:
                return unread.pop() if unread else await receive()

            await manager.handle_request(scope, again, send)

    app.router.routes += [Route(path, Endpoint()) for path in PATHS]
    return manager.run


def _accept_json(headers: MutableHeaders) -> None:
    """Name JSON where a client takes it without naming it: the library reads one header, and no wildcards in it."""
    kinds = [kind.partition(";")[0].strip() for kind in ",".join(headers.getlist("accept")).split(",")]
    if {"", "*/*", "application/*"}.intersection(kinds):
        kinds.append("application/json")
    headers["accept"] = ", ".join(kinds)


def _tools() -> list[Tool]:
    return [
        _tool(
            "ask",
            "Answer a question from the indexed articles, with exact quotes, or say that they do not hold the "
            "answer. Returns the answer with its citations (document, characters, quote), confidence in [0, 1], "
            "differing accounts and the passages found.",
            AskRequest.model_json_schema(),
            AnswerRecord,
        ),
        _tool(
            "retrieve",
            "Find the passages of the indexed articles that are nearest to a question, best first. Returns "
            "passages with rank, score, document, characters and text.",
            RetrieveRequest.model_json_schema(),
            Passages,
        ),
        _tool(
            "overview",
            "Show what the indexed articles hold about a person, a thing or a subject, or in all where none is "
            "named: up to six of their own sentences, the oldest first; none where they hold nothing about it.",
            OverviewRequest.model_json_schema(),
            OverviewRecord,
        ),
        _tool(
            "check",
            "Check each sentence of a text against the indexed articles. Returns for each whether they support or "
            "contradict it, with exact quotes, or do not state it, and the probability that it is supported.",
            CheckRequest.model_json_schema(),
            CheckedRecord,
        ),
    ]


def _tool(name: str, description: str, takes: dict[str, Any], gives: Any) -> Tool:
    returned = TypeAdapter(gives).json_schema()
    return Tool(name=name, description=description, inputSchema=takes, outputSchema=returned)


async def _made(desk: Desk, request: Request | None, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a tool gives; whatever is raised becomes the text of a result that says it is an error."""
    try:
        return await result_of(desk, request, name, arguments)
    except ValidationError as error:
        raise mistake(error) from None
    except (RagError, BusyError) as error:
        raise RagError(str(error)) from None
    except Exception as error:
        raise RagError(failure(error)) from None


async def result_of(desk: Desk, request: Request | None, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a tool gives, as plain dicts; what cannot be asked of it, or not now, is raised."""
    if name == "ask":
        asked = AskRequest.model_validate(arguments)
        answer = await desk.ask(request, asked.question, asked.history, asked.generate, scope=asked.scope)
        return dict(answer_record(answer))
    if name == "retrieve":
        wanted = RetrieveRequest.model_validate(arguments)
        found = await desk.run(lambda cancelled: desk.among(wanted.scope).retrieve(wanted.question, wanted.k), request)
        return {"passages": [passage_record(passage) for passage in found]}
    if name == "check":
        return dict(await checked(desk, CheckRequest.model_validate(arguments), request))
    if name == "overview":
        looked = OverviewRequest.model_validate(arguments)
        made = await desk.run(lambda cancelled: desk.among(looked.scope).overview(looked.topic), request)
        return dict(overview_record(made))
    raise RagError(f"there is no tool {name[:100]!r}; expected ask, retrieve, check or overview")
