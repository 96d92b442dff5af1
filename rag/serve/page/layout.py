"""The page as one Blocks, and how a server shows it."""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import tempfile
import threading
from importlib import resources
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.themes import Base, Font, LocalFont

from rag.present.words import noted
from rag.serve.access import Access
from rag.serve.limits import MEGABYTE, SESSION_STATES, SWEEP_SECONDS, Limits
from rag.serve.page.blocks import LocalBlocks
from rag.serve.page.bots import Corpus
from rag.serve.page.chat import add_chat
from rag.serve.page.checking import add_checking
from rag.serve.page.handlers import Page
from rag.serve.page.labels import Pieces, add_labels
from rag.serve.page.programs import add_programs
from rag.serve.page.sessions import Sessions

TITLE = noted("Ask the articles")
_NO_STATISTICS = {"GRADIO_ANALYTICS_MAX_EVENTS": "1", "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000"}
"""Gradio sums up its last 10,000 events after each, for a monitoring page that is not served here."""


def build(
    bot: Corpus,
    limits: Limits | None = None,
    keep_uploads: Path | None = None,
    examples: list[str] | None = None,
    feedback_to: Path | None = None,
    sessions: Sessions | None = None,
) -> gr.Blocks:
    """The page over a bot, not yet launched.

    Parameters
    ----------
    bot : Corpus
        Its articles are shared by all who open the page.
    limits : Limits, optional
        Of what sessions may bring.
    keep_uploads : Path, optional
        Folder in which uploads are kept and shared; default: they are private and gone after the session.
    examples : list of str, optional
        Example questions; default: made from the articles and tried out in the background, about a dozen.
    feedback_to : Path, optional
        Where complaints go; default: `rag.serve.page.feedback.feedback_file()`.
    sessions : Sessions, optional
        Ready sessions, for tests.
    """
    upload_folder()
    os.environ |= _NO_STATISTICS
    sessions = sessions or Sessions(bot, limits, keep=keep_uploads)
    page = Page(sessions, examples, feedback_to)
    demo = LocalBlocks(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(600, 600))
    with demo:
        pieces: Pieces = {}
        token = add_chat(demo, page, pieces)
        add_checking(demo, page, token, pieces)
        add_labels(demo, pieces)
        add_programs(bot, page.submit)
    return demo


def mount(app: FastAPI, bot: Corpus, access: Access, limits: Limits | None = None, **built: Any) -> FastAPI:
    """An application with the page behind its own routes, and its gate before both.

    Parameters
    ----------
    app : FastAPI
    bot : Corpus
    access : Access
        Name and password that the page asks for.
    limits : Limits, optional
    **built
        Further arguments of `build`.
    """
    limits = limits or Limits()
    sessions = built.pop("sessions", None) or Sessions(bot, limits, keep=built.pop("keep_uploads", None))
    demo = build(bot, sessions=sessions, **built)
    demo.state_session_capacity = SESSION_STATES
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        demo,
        path="",
        auth=access.login,
        show_error=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size=int(limits.file_megabytes * MEGABYTE),
        ssr_mode=False,
        pwa=False,
        mcp_server=False,  # `rag.serve.tools` is one
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        theme=_theme(),
        head=_head(),
    )
    demo.is_running = True
    _sweep_from_time_to_time(demo, sessions)
    return mounted


# The characters of each file of the serif; a page with others falls back to the system's.
_RANGES = {
    "latin": "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2191,U+2193",
    "latin-ext": "U+0100-0130,U+0132-0151,U+0154-02BA,U+02BD-02C5,U+02C7-02CC,U+1E00-1E9F,U+1EF2-1EFF,U+20A0-20AB",
    "cyrillic": "U+0301,U+0400-045F,U+0490-0491,U+04B0-04B1,U+2116",
}


def _head() -> str:
    files = resources.files("rag.serve.page")
    style, script = (
        "\n".join((files / name).read_text(encoding="utf-8") for name in names)
        for names in (("style.css", "checking.css"), ("page.js", "checking.js"))
    )
    faces = []
    for part, characters in _RANGES.items():
        for weight in (400, 600):
            data = (files / "fonts" / f"source-serif-4-{part}-{weight}-normal.woff2").read_bytes()
            faces.append(
                f"@font-face{{font-family:'Source Serif 4';font-weight:{weight};font-display:block;"
                f"src:url(data:font/woff2;base64,{base64.b64encode(data).decode()}) format('woff2');"
                f"unicode-range:{characters}}}"
            )
    return f"<style>{''.join(faces)}{style}</style>\n<script>{script}</script>"


def _theme() -> Base:
    sans: list[Font | str] = [LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"]
    return Base(primary_hue="teal", neutral_hue="stone", font=sans, font_mono=["ui-monospace", "monospace"])


def upload_folder() -> Path:
    """The folder of uploads, this process's own and deleted with it; Gradio takes it from the environment."""
    if "GRADIO_TEMP_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="rag-uploads-")
        os.environ["GRADIO_TEMP_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(os.environ["GRADIO_TEMP_DIR"])


def _sweep_from_time_to_time(demo: gr.Blocks, sessions: Sessions) -> None:
    stop = threading.Event()

    def sweep() -> None:
        while not stop.wait(SWEEP_SECONDS) and demo.is_running:
            sessions.sweep()

    threading.Thread(target=sweep, name="rag-sweep", daemon=True).start()
    atexit.register(stop.set)
