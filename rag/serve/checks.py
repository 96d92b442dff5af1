"""Texts of programs, checked sentence by sentence: a long one lets questions in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request

from rag.articles.drafts import pasted
from rag.errors import RagError
from rag.grounding.checking import Checks
from rag.language.characters import readable
from rag.present.records import CheckedRecord, check_record
from rag.serve.desk import Desk
from rag.serve.limits import MAX_CHECKED
from rag.serve.schemas import CheckRequest
from rag.types import Check, Document

Step = Callable[[], Check | None]


def add_checks(app: FastAPI, desk: Desk) -> None:
    """Add the route to an application."""

    @app.post("/api/check")
    async def check(request: Request, asked: CheckRequest) -> CheckedRecord:
        """Say of each sentence of a text whether the articles support or contradict it, with exact quotes."""
        return await checked(desk, asked, request)


async def checked(desk: Desk, asked: CheckRequest, request: Request | None = None) -> CheckedRecord:
    """The checks of a text, made on the desk's threads; whoever has sent the request and leaves stops them."""
    draft = await desk.run(lambda cancelled: draft_of(asked.text, asked.markdown), request)
    return await in_steps(desk.among(asked.scope), draft, lambda step: desk.run(lambda cancelled: step(), request))


async def in_steps(bot: Checks, draft: Document, run: Callable[[Step], Awaitable[Check | None]]) -> CheckedRecord:
    """The checks of a draft; `run` is given one sentence's work at a time."""
    checks = bot.check_text(draft)
    made = []
    while (found := await run(lambda: next(checks, None))) is not None:
        made.append(check_record(found))
    return CheckedRecord(text=draft.text, checks=made)


def draft_of(text: object, markdown: bool) -> Document:
    """A text that a program sent.

    Raises
    ------
    RagError
        It is no text, empty, or too long.
    """
    if not isinstance(text, str):
        raise RagError(f"the text is of type {type(text).__name__}; expected text")
    if len(text) > MAX_CHECKED:
        raise RagError(f"the text has {len(text):,} characters, expected at most {MAX_CHECKED:,}; check it in parts")
    return pasted(readable(text), markdown)
