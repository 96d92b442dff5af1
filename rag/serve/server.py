"""`rag serve`: the page and the interfaces on one port."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI

from rag.errors import RagError
from rag.models.hardware import steady_memory
from rag.pipeline import Chatbot
from rag.serve.access import Access
from rag.serve.api import create_app
from rag.serve.limits import FINISH_SECONDS, Limits
from rag.serve.local import Local
from rag.serve.page import layout
from rag.serve.record import BACKGROUND, Record, announced
from rag.serve.watch import log, log_as_json
from rag.served import Served


def build(
    bot: Chatbot, access: Access, limits: Limits | None = None, local: Local | None = None, **page_options: Any
) -> FastAPI:
    """The page, made with the further arguments of `rag.serve.page.layout.mount`, and the interfaces before it.

    Parameters
    ----------
    bot : Chatbot
    access : Access
        Who may ask.
    limits : Limits, optional
        Of what sessions may bring.
    local : Local, optional
        What `rag ask` on this machine may use.
    """
    limits = limits or Limits()
    app = create_app(bot, access, limits, layout.upload_folder(), local)
    return layout.mount(app, bot, access, limits, **page_options)


def serve(
    bot: Chatbot,
    host: str = "127.0.0.1",
    port: int = 7860,
    keep_uploads: Path | None = None,
    open_browser: bool = False,
    root_path: str = "",
    allowed_hosts: Sequence[str] = (),
    served: Served | None = None,
    articles: Path | None = None,
) -> None:
    """Serve until told to stop; then what is running is finished.

    From the environment: see `Access.from_environment`. The proxies that are believed about whom they ask for are
    those of FORWARDED_ALLOW_IPS, by default this machine's. `served` and `articles` let `rag ask` find it: see `Local`.

    Raises
    ------
    RagError
        The port cannot be listened on.
    """
    log_as_json()
    steady_memory()
    access = Access.from_environment(host, allowed_hosts, root_path)
    if not access.loopback and access.login is None:
        log.warning("anybody who reaches %s can ask and read the articles; set RAG_PASSWORD to ask for one", host)
    listener = _listen(host, port)
    local = Local(_record(listener, access, served), articles) if served else None
    server = _server(build(bot, access, local=local, keep_uploads=keep_uploads))
    print(f"The chat is at {_address(listener)} (Ctrl-C stops it)", flush=True)
    if open_browser:
        webbrowser.open(_address(listener))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # or it would end Python before the record is taken away
    with announced(local.record) if local else nullcontext(), suppress(KeyboardInterrupt):  # Ctrl-C is the usual end
        server.run(sockets=[listener])


@contextmanager
def running(
    bot: Chatbot, host: str = "127.0.0.1", port: int = 0, access: Access | None = None, **page_options: Any
) -> Iterator[str]:
    """The same on a thread of this process while the block lasts; its address. Port 0 takes a free one."""
    listener = _listen(host, port)
    server = _server(build(bot, access or Access.from_environment(host), **page_options))
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
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, UnicodeError) as error:  # the latter of a name that no host can have
        raise RagError(
            f"{host} port {port} cannot be listened on ({error}); give others with --host and --port"
        ) from error
    return listener


def _record(listener: socket.socket, access: Access, served: Served) -> Record:
    in_background = os.environ.pop(BACKGROUND, "") == "1"  # it is said of this process and of none that it starts
    return Record(_address(listener), os.getpid(), served, bool(access.credentials), in_background)


def _address(listener: socket.socket) -> str:
    """Where a browser on this machine finds what listens."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class _Server(uvicorn.Server):
    """Uvicorn, which would wait for the open pages' heartbeats: they last until Gradio is told of the end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is running."""
        for route in self.config.app.routes:  # type: ignore[union-attr]
            mounted = getattr(route, "app", None)
            if isinstance(mounted, gr.routes.App):
                mounted.stop_event.set()
        await super().shutdown(sockets)


def _server(app: FastAPI) -> uvicorn.Server:
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,  # its entries go where all others go
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=FINISH_SECONDS,
        )
    )
