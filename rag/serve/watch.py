"""What is known of each request afterwards: its id, a line in the log, numbers for Prometheus."""

from __future__ import annotations

import datetime
import json
import logging
import secrets
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.serve.gate import is_for_programs

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


class Watch:
    """ASGI middleware around the interfaces for programs; the page's many small requests are not counted."""

    def __init__(self, app: ASGIApp, meters: Meters, root_path: str = "") -> None:
        self._app = app
        self._meters = meters
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(self._root)
        if scope["type"] != "http" or not is_for_programs(path):
            await self._app(scope, receive, send)
            return
        identity = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = identity
        start, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = identity
            await send(message)

        self._meters.running.inc()
        try:
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


class JsonLines(logging.Formatter):
    """A log entry as one JSON object on one line, whatever it holds: ASCII, its trace as a field."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        when = datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds")
        fields = getattr(record, "fields", None) or {"event": "log", "message": record.getMessage()}
        entry = {"time": when, "level": record.levelname.lower(), "logger": record.name, **fields}
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def write_log(**fields: object) -> None:
    """An entry of these fields."""
    log.info("%s", json.dumps(fields, ensure_ascii=False), extra={"fields": fields})


def log_as_json() -> None:
    """Send every library's log to standard error through one handler, so that no entry comes twice or in another form.

    A handler on one logger alone would see its entries again as soon as a library sets up the root logger.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    log.setLevel(logging.INFO)
