"""What stands before the interfaces: key, rate, size, request ids, logs and metrics. Pure ASGI."""

from __future__ import annotations

import hmac
import json
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from rag.serve.page.guard import LOOPBACK, App, Message, Receive, Scope, Send

MAX_BODY = 1_000_000  # bytes
CLIENTS = 10_000  # whose rates are remembered
INTERFACES = ("/api/", "/v1/", "/metrics")
log = logging.getLogger("rag.serve")


class Meters:
    """What Prometheus reads; a registry of its own, so that two servers in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "rag_requests_total", "Requests by route and status.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram("rag_request_seconds", "Time of a request.", ["route"], registry=self.registry)
        self.running = Gauge("rag_requests_running", "Requests being answered.", registry=self.registry)
        self.answers = Counter("rag_answers_total", "Answers by who worded them.", ["words"], registry=self.registry)
        self.tokens = Counter(
            "rag_generator_tokens_total", "Tokens of the language model.", ["direction"], registry=self.registry
        )


class Gate:
    """ASGI middleware for the interfaces of programs; the page has a guard of its own."""

    def __init__(self, app: App, meters: Meters, credentials: Sequence[str], per_minute: int, loopback: bool) -> None:
        """
        Parameters
        ----------
        app : App
        meters : Meters
        credentials : sequence of str
            Values of the Authorization header that are let in; none lets everybody in.
        per_minute : int
            Requests of one client in a minute; 0 for no limit.
        loopback : bool
            Whether only this machine asks; then other host names (DNS rebinding) are refused.
        """
        self._app = app
        self._meters = meters
        self._credentials = [value.encode() for value in credentials]
        self._per_minute = per_minute
        self._loopback = loopback
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path.startswith(INTERFACES) or path in ("/healthz", "/openapi.json")):
            await self._app(scope, receive, send)
            return
        identity = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = identity
        start, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", identity.encode())]
            await send(message)

        self._meters.running.inc()
        try:
            refused = self._refusal(scope)
            if refused:
                await _refuse(watched, *refused)
            else:
                await self._app(scope, receive, watched)
        finally:
            self._meters.running.dec()
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", "") or "other"
            self._meters.requests.labels(route, str(status)).inc()
            self._meters.seconds.labels(route).observe(seconds)
            write_log(
                event="request",
                request_id=identity,
                method=scope["method"],
                path=path[:200],
                status=status,
                milliseconds=round(1000 * seconds, 1),
            )

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        host = re.sub(r":\d+$", "", headers.get(b"host", b"").decode("latin-1"))
        if self._loopback and host not in LOOPBACK:
            return 421, "this server answers to its own machine alone"
        if scope["path"] in ("/healthz",):
            return None
        given = headers.get(b"authorization", b"")
        if self._credentials and not any(hmac.compare_digest(given, known) for known in self._credentials):
            return 401, "a key is needed: send the header Authorization: Bearer KEY"
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            return None
        length = headers.get(b"content-length", b"").decode("latin-1")
        if not length.isdigit():
            return 411, "say how long the body is (Content-Length)"
        if int(length) > MAX_BODY:
            return 413, f"the body has {length} bytes, expected at most {MAX_BODY}"
        client = (scope.get("client") or ("",))[0]
        if self._per_minute and not self._let(client):
            return 429, f"at most {self._per_minute} requests a minute; wait a little"
        return None

    def _let(self, client: str) -> bool:
        """Whether a client's bucket, filled evenly over a minute, holds another request."""
        now = time.monotonic()
        left, then = self._left.pop(client, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - then) * self._per_minute / 60.0)
        self._left[client] = (left - 1.0 if left >= 1.0 else left, now)
        while len(self._left) > CLIENTS:
            self._left.popitem(last=False)
        return left >= 1.0


def write_log(**fields: object) -> None:
    """One line of JSON."""
    log.info("%s", json.dumps(fields, ensure_ascii=False))


def problem(message: str, kind: str = "invalid_request_error") -> dict[str, object]:
    """A reason in the form that OpenAI's clients read."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps(problem(why)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", b"5"))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
