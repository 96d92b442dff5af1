"""`rag serve`: the page and the interfaces on one port."""

from __future__ import annotations

import base64
import logging
import os
import socket
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from rag.errors import RagError
from rag.models.hardware import steady_memory
from rag.pipeline import Chatbot
from rag.serve.app import create_app
from rag.serve.page import page
from rag.serve.page.guard import is_loopback, login

PER_MINUTE = 600
FINISH_SECONDS = 15
"""What is running when the server is told to stop may take so long."""


def build(bot: Chatbot, host: str = "127.0.0.1", **page_options: Any) -> FastAPI:
    """The page, made with the further arguments of `rag.serve.page.page.mount`, and the interfaces before it.

    From the environment: RAG_API_KEY (programs must send it as bearer key), RAG_PASSWORD and RAG_USER (for the page;
    programs may send them as HTTP basic authentication), RAG_RATE (requests of one client in a minute, 0 for no limit),
    RAG_LOG_QUESTIONS (1 writes what people ask into the log).

    Raises
    ------
    RagError
        RAG_RATE is no number.
    """
    key, asked = os.environ.get("RAG_API_KEY"), login()
    credentials = [f"Bearer {key}"] if key else []
    if asked:
        credentials.append(f"Basic {base64.b64encode(':'.join(asked).encode()).decode()}")
    rate = os.environ.get("RAG_RATE") or str(PER_MINUTE)
    if not rate.isdigit():
        raise RagError(f"RAG_RATE is {rate!r}; expected requests a minute, 0 for no limit")
    questions = os.environ.get("RAG_LOG_QUESTIONS") == "1"
    app = create_app(bot, credentials, int(rate), is_loopback(host), questions)
    return page.mount(app, bot, host, **page_options)


def serve(
    bot: Chatbot,
    host: str = "127.0.0.1",
    port: int = 7860,
    keep_uploads: Path | None = None,
    open_browser: bool = False,
) -> None:
    """Serve until told to stop; then what is running is finished.

    Raises
    ------
    RagError
        The port cannot be listened on.
    """
    steady_memory()
    listener = _listen(host, port)
    server = _server(build(bot, host, keep_uploads=keep_uploads))
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger("rag.serve").addHandler(handler)
    logging.getLogger("rag.serve").setLevel(logging.INFO)
    print(f"The chat is at {_address(listener)} (Ctrl-C stops it)", flush=True)
    if open_browser:
        webbrowser.open(_address(listener))
    server.run(sockets=[listener])


@contextmanager
def running(bot: Chatbot, host: str = "127.0.0.1", port: int = 0, **page_options: Any) -> Iterator[str]:
    """The same on a thread of this process while the block lasts; its address. Port 0 takes a free one."""
    listener = _listen(host, port)
    server = _server(build(bot, host, **page_options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    try:
        yield _address(listener)
    finally:
        server.should_exit = True
        thread.join()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise RagError(f"port {port} cannot be listened on ({error}); give another with --port") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _server(app: FastAPI) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=FINISH_SECONDS
        )
    )
