"""What stands before Gradio: only the routes the page needs, a limit on bodies, and headers that keep it in."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# Gradio runs inline scripts and templates of its own, so these stay allowed; nothing may come from or go elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
)
_ROUTES = re.compile(
    r"/(?:(?:config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|login|logout)?"
    r"|(?:assets|static)/[\w./@+-]+"
    r"|gradio_api/(?:info|openapi\.json|login_check|user|token|app_id|startup-events|theme\.css|upload|upload_progress"
    r"|queue/(?:join|data)|heartbeat/\w+|cancel|reset"
    r"|call/(?:v2/)?(?:ask|retrieve)(?:/\w+)?|(?:run|api)/\w+|mcp(?:/[\w./-]*)?))/?"
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is this machine's own."""
    return host in LOOPBACK or host.startswith("127.")


def login() -> tuple[str, str] | None:
    """Name and password from the environment (RAG_USER, RAG_PASSWORD); None where no password is asked for."""
    password = os.environ.get("RAG_PASSWORD")
    return (os.environ.get("RAG_USER") or "reader", password) if password else None


class Guard:
    """ASGI middleware. What is not among `_ROUTES` does not exist: Gradio's file, proxy and stream routes among it."""

    def __init__(
        self,
        app: App,
        uploads: Path,
        body_megabytes: float,
        disk_megabytes: float,
        loopback: bool,
        login: tuple[str, str] | None = None,
    ) -> None:
        """
        Parameters
        ----------
        app : App
        uploads : Path
            Folder that Gradio writes uploads to.
        body_megabytes : float
            Largest body of a request.
        disk_megabytes : float
            Uploads that may wait on disk, of all sessions together.
        loopback : bool
            Whether only this machine asks; then other host names (DNS rebinding) are refused.
        login : tuple of str, optional
            Name and password that the MCP tools ask for; Gradio's own login leaves them open.
        """
        self._app = app
        self._uploads = uploads
        self._body = int(body_megabytes * 1e6)
        self._disk = int(disk_megabytes * 1e6)
        self._loopback = loopback
        self._basic = b"Basic " + base64.b64encode(":".join(login).encode()) if login else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused:
            await _refuse(send, *refused)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(b"content-security-policy", POLICY.encode()), *_HEADERS]
                named = {name for name, _ in headers}
                message["headers"] = [h for h in message.get("headers", []) if h[0].lower() not in named] + headers
            await send(message)

        await self._app(scope, receive, sealed)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = re.sub(r":\d+$", "", headers.get(b"host", ""))
        if self._loopback and host not in LOOPBACK:
            return 421, "This server answers to its own machine alone."
        path = scope["path"]
        if not _ROUTES.fullmatch(path) or ".." in path:
            return 404, "There is nothing here."
        given = headers.get(b"authorization", "").encode("latin-1")
        if self._basic and path.startswith("/gradio_api/mcp") and not secrets.compare_digest(given, self._basic):
            return 401, "Send the name and password by HTTP basic authentication."
        if scope["method"] in ("POST", "PUT", "PATCH"):
            return self._body_refusal(path, headers)
        return None

    def _body_refusal(self, path: str, headers: dict[bytes, str]) -> tuple[int, str] | None:
        length = headers.get(b"content-length", "")
        if not length.isdigit():
            return 411, "Say how long the body is."
        if int(length) > self._body:
            return 413, f"That is too large; at most {self._body // 1_000_000} MB at once."
        if "upload" in path and self._held() + int(length) > self._disk:
            return 507, "The server has too many uploads waiting; try again later."
        return None

    def _held(self) -> int:
        held = 0
        for file in self._uploads.rglob("*"):
            try:
                held += file.stat().st_size if file.is_file() else 0
            except OSError:  # deleted in between
                continue
        return held


_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]


async def _refuse(send: Send, status: int, why: str) -> None:
    body = why.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *_HEADERS]})
    await send({"type": "http.response.body", "body": body})
