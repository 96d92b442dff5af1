"""The one gate before page, interfaces and tools: hosts, routes, login, rate, sizes, and headers that keep the page in.
Pure ASGI."""

from __future__ import annotations

import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.serve.access import Access
from rag.serve.limits import API_BYTES, CHAT_BYTES, CLIENTS, PAGE_BYTES, Limits

_PROGRAMS = re.compile(r"/(?:api|v1)/.+|/metrics|/healthz|/openapi\.json|/(?:gradio_api/)?mcp(?:/http)?")
# What Gradio serves and the page needs. Its file, proxy and stream routes are not among it.
_PAGE = re.compile(
    r"/(?:(?:config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|login|logout)?"
    r"|(?:assets|static)/[\w./@+-]+"
    r"|gradio_api/(?:info|openapi\.json|login_check|user|token|app_id|startup-events|theme\.css|upload|upload_progress"
    r"|queue/(?:join|data)|heartbeat/\w+|cancel|reset"
    r"|call/(?:v2/)?(?:ask|retrieve|check)(?:/\w+)?|(?:run|api)/\w+))/?"
)
_UPLOAD = "/gradio_api/upload"
# Gradio runs inline scripts and templates of its own, so these stay allowed; nothing may come from or go elsewhere.
_HEADERS = {
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-src 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def is_for_programs(path: str) -> bool:
    """Whether a path is one of the interfaces' or the tools', and not the page's; slashes at its end mean nothing."""
    return bool(_PROGRAMS.fullmatch(path.rstrip("/")))


class Gate:
    """ASGI middleware. What is neither a program's route nor the page's does not exist."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        limits: Limits | None = None,
        uploads: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Parameters
        ----------
        app : ASGIApp
        access : Access
        limits : Limits, optional
            Of uploads.
        uploads : Path, optional
            Folder that uploads are written to; None where there is no page.
        clock : callable
            Seconds that only grow.
        """
        self._app = app
        self._access = access
        self._limits = limits or Limits()
        self._uploads = uploads
        self._clock = clock
        self._credentials = access.credentials
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, sealed)
            return
        path, headers = scope["path"], Headers(scope=scope)
        size = self._limits.upload_bytes if path.startswith(_UPLOAD) else PAGE_BYTES
        if is_for_programs(path):
            size = CHAT_BYTES if path.startswith("/v1/") else API_BYTES
        else:
            # Gradio would tell the page its own idea of its address; below any proxy, "here" is right.
            named = [(k, v) for k, v in scope["headers"] if k not in (b"x-forwarded-host", b"x-gradio-server")]
            scope["headers"] = [*named, (b"x-gradio-server", b".")]
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > size:
            too_large = f"the body has {length} bytes; at most {size:,} are taken at once"
            await _refusal(path, 413, too_large)(scope, receive, sealed)
            return
        if path.startswith(_UPLOAD):
            receive = self._within_disk(receive)
        # A body without a length (Transfer-Encoding: chunked) is counted while it is read.
        await RequestBodyLimitMiddleware(self._app, size)(scope, receive, sealed)

    def _refusal(self, scope: Scope) -> Response | None:
        """Why a request is not passed on; its path loses the root path that a proxy left, and slashes at its end."""
        headers = Headers(scope=scope)
        path, root = scope["path"], self._access.root_path
        if not self._access.answers_to(headers.get("host", "")):
            why = "this server does not answer to that name; --allowed-host adds one"
            return _refusal(path, 421, why)
        if root and path == root:
            query = scope.get("query_string", b"").decode("latin-1")  # ?lang=es
            return RedirectResponse(f"{root}/?{query}" if query else f"{root}/")
        if root and path.startswith(root + "/"):
            path = path[len(root) :]
            scope["path"], scope["raw_path"] = path, scope.get("raw_path", b"")[len(root) :]
        programs = is_for_programs(path)
        if programs:  # a redirect to the path without its slash would not know what a proxy stripped
            scope["path"] = path = path.rstrip("/")
        if ".." in path or not (programs or _PAGE.fullmatch(path)):
            return _refusal(path, 404, "there is nothing here")
        if path == "/healthz":
            return None
        given = headers.get("authorization", "").encode("latin-1")
        if programs and self._credentials and not any(hmac.compare_digest(given, known) for known in self._credentials):
            return _refusal(path, 401, "a key is needed: send the header Authorization: Bearer KEY")
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            return None
        if self._access.per_minute and not self._let((scope.get("client") or ("",))[0]):
            return _refusal(path, 429, f"at most {self._access.per_minute} requests a minute; wait a little")
        length = headers.get("content-length", "")
        if path.startswith(_UPLOAD) and int(length if length.isdigit() else 0) > self._room():
            return _refusal(path, 507, "the server has too many uploads waiting; try again later")
        return None

    def _let(self, client: str) -> bool:
        """Whether a client's bucket, filled evenly over a minute, holds another request."""
        most, now = float(self._access.per_minute), self._clock()
        left, then = self._left.pop(client, (most, now))
        left = min(most, left + max(0.0, now - then) * most / 60.0)
        self._left[client] = (left - 1.0 if left >= 1.0 else left, now)
        while len(self._left) > CLIENTS:
            self._left.popitem(last=False)
        return left >= 1.0

    def _room(self) -> int:
        """Bytes that uploads may still take on the disk."""
        held = 0
        for file in self._uploads.rglob("*") if self._uploads else ():
            try:
                held += file.stat().st_size if file.is_file() else 0
            except OSError:  # deleted in between
                continue
        return self._limits.waiting_bytes - held

    def _within_disk(self, receive: Receive) -> Receive:
        room = self._room()

        async def counted() -> Message:
            nonlocal room
            message = await receive()
            room -= len(message.get("body", b""))
            if room < 0:
                raise HTTPException(507, "the server has too many uploads waiting; try again later")
            return message

        return counted


def problem(message: str, kind: str = "invalid_request_error", code: str | None = None) -> dict[str, object]:
    """A reason in the form that OpenAI's clients read."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _refusal(path: str, status: int, why: str) -> Response:
    extra = {429: {"retry-after": "5"}, 401: {"www-authenticate": 'Bearer, Basic realm="rag-articles"'}}.get(status, {})
    if is_for_programs(path) or path.startswith(("/api/", "/v1/")):
        return JSONResponse(problem(why), status, extra)
    return PlainTextResponse(f"{why[:1].upper()}{why[1:]}.", status, extra)
