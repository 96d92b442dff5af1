"""A server that speaks OpenAI's dialect as well, or as badly, as a test tells it to."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-scripted-3f9c0a7d51e84b26"


@dataclass
class Script:
    """What the server does with the next requests, and what it was asked.

    `reply` is the text, or a function of the request's body that makes it.
    """

    reply: str | Callable[[dict[str, Any]], str] = "The articles do not say."
    status: int = 200
    raw: bytes | None = None  # sent instead of anything sensible
    cut_after: int | None = None  # characters, then the connection ends
    pause: float = 0.0  # seconds before each piece
    endless: bool = False
    finish: str = "stop"
    models: tuple[str, ...] = ("tiny",)
    keys: list[str] = field(default_factory=list)  # that came with requests for the models
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    gone: threading.Event = field(default_factory=threading.Event)  # the client left before the end


@contextlib.contextmanager
def scripted() -> Iterator[Script]:
    """A server on a free port of this machine."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            script.keys.append(str(self.headers["Authorization"]))
            self.close_connection = True
            self._head("application/json")
            models = [{"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in script.models]
            self.wfile.write(script.raw or json.dumps({"object": "list", "data": models}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.asked.append(body)
            self.close_connection = True
            try:
                self._answer(body)
            except OSError:
                script.gone.set()

        def _answer(self, body: dict[str, Any]) -> None:
            if script.raw is not None or script.status != 200:
                # Some servers repeat the key that they were sent.
                error = {"error": {"message": f"bad: {self.headers['Authorization']}", "type": "x", "code": "x"}}
                data = script.raw if script.raw is not None else json.dumps(error).encode()
                self._head("application/json" if script.raw is None else "text/event-stream")
                self.wfile.write(data)
                return
            self._head("text/event-stream")
            text = script.reply if isinstance(script.reply, str) else script.reply(body)
            pieces = [text[i : i + 5] for i in range(0, len(text), 5)]
            sent = 0
            while pieces:
                for piece in pieces:
                    time.sleep(script.pause)
                    if script.cut_after is not None and sent >= script.cut_after:
                        return
                    self._event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
                    sent += len(piece)
                if not script.endless:
                    break
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": script.finish}]})
            self._event({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}})
            self.wfile.write(b"data: [DONE]\n\n")

        def _head(self, kind: str) -> None:
            self.send_response(script.status)
            self.send_header("Content-Type", kind)
            self.send_header("Connection", "close")
            self.send_header("X-Seen-Key", str(self.headers["Authorization"]))
            self.end_headers()

        def _event(self, data: dict[str, Any]) -> None:
            record = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", **data}
            self.wfile.write(f"data: {json.dumps(record)}\n\n".encode())
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
