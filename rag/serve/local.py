"""For processes of the same user on this machine: the whole Answer, from the articles as they are now."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from rag.pipeline import Chatbot
from rag.present.text import for_terminal
from rag.scope import Scope
from rag.serve.desk import Desk
from rag.serve.gate import problem
from rag.serve.record import Record
from rag.sync import is_unfinished
from rag.types import IndexReport


class Question(BaseModel):
    """What `rag ask` asks, as it was typed."""

    question: str
    history: list[str] = []
    since: str | None = None
    until: str | None = None
    within: list[str] = []
    explain: bool = False


class Local:
    """What a server knows of itself: its record, and the articles that its index is made from."""

    def __init__(self, record: Record, articles: Path | None) -> None:
        """articles: the folder that the index is kept in line with; None where `rag index` fills it."""
        self.record = record
        self._articles = articles

    def look(self, bot: Chatbot) -> IndexReport:
        """Take up what has changed in the articles, as each `rag ask` does; what `rag index` made is read as it is."""
        return bot.sync([self._articles], restore=False) if self._articles is not None else IndexReport()


def add_local(app: FastAPI, desk: Desk, local: Local) -> None:
    """Add the route to an application. It tells paths of this machine, so it wants the token of the record."""
    key = f"Bearer {local.record.token}".encode()

    @app.post("/api/local/ask", include_in_schema=False, response_model=None)
    async def ask(request: Request, asked: Question) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode("latin-1"), key):
            return JSONResponse(problem("the token of this server's record is needed"), 401)
        if is_unfinished(desk.bot.index):
            return JSONResponse(problem("the index is not finished"), 503)
        scope = Scope(asked.since, asked.until, tuple(asked.within))
        report = await desk.run(lambda cancelled: local.look(desk.bot), request)
        answer = await desk.ask(request, asked.question, asked.history, True, scope=scope)
        told = {"answer": answer.to_dict(), "text": for_terminal(answer, asked.explain), "report": asdict(report)}
        return Response(json.dumps(told), media_type="application/json")  # as `rag ask` writes it
