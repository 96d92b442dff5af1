"""The page: its layout, which event calls what, and how a server shows it."""

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

from rag.articles.documents import SUFFIXES
from rag.present import html
from rag.serve.access import Access
from rag.serve.limits import MEGABYTE, SESSION_STATES, SWEEP_SECONDS, Limits
from rag.serve.page.blocks import LocalBlocks
from rag.serve.page.checking import add_checking
from rag.serve.page.handlers import ALL, ONLY_OWN, OWN_WORDS, Page
from rag.serve.page.programs import add_programs
from rag.serve.page.sessions import Corpus, Sessions

TITLE = "Ask the articles"
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
        token = _layout(demo, page)
        add_checking(demo, page, token)
        add_programs(bot, page.submit)
    return demo


def _layout(demo: gr.Blocks, page: Page) -> gr.Textbox:
    """The conversation and its sources; the hidden value in which the session's token travels."""
    private: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    plain: dict[str, Any] = {"apply_default_css": False}
    at_once: dict[str, Any] = {**private, "queue": False}
    # Hidden values travel with each event: the session's token, the question taken, texts to save or to say.
    token, asked, news, payload = (gr.Textbox(visible=False) for _ in range(4))
    keeping = gr.BrowserState([], storage_key="rag-conversation", secret="kept-in-your-browser")
    header = gr.HTML(html.header(0, ""), elem_id="top", **plain)
    with gr.Row(elem_id="desk"):
        with gr.Column(elem_id="chat", scale=3, min_width=300):
            talk = gr.HTML(elem_id="log", **plain, js_on_load="window.ragChat.attach(trigger)")
            pending = gr.HTML(elem_id="pending", **plain)
            with gr.Column(elem_id="composer"):
                with gr.Row(elem_id="ask-row"):
                    box = gr.Textbox(
                        label="Your question",
                        placeholder="Ask about the articles",
                        lines=1,
                        max_lines=6,
                        elem_id="question",
                        autofocus=True,
                        scale=1,
                        html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=True),
                    )
                    send = gr.Button("Ask", variant="primary", elem_id="send", scale=0, min_width=80)
                with gr.Row(elem_id="tools"):
                    scope = gr.Radio([ALL, ONLY_OWN], value=ALL, label="Search in", visible=False, elem_id="scope")
                    generator = page.sessions.bot.generator
                    worded = [f"Worded by {generator.name}"] if generator else []
                    words = gr.Radio(
                        [*worded, OWN_WORDS],
                        value=(*worded, OWN_WORDS)[0],
                        label="Answers in",
                        visible=bool(worded),
                        elem_id="words",
                    )
                    clear = gr.Button("New conversation", size="sm", elem_id="clear", scale=0)
                    as_markdown = gr.Button("Save as Markdown", size="sm", elem_id="markdown", scale=0)
                    as_json = gr.Button("Save as JSON", size="sm", elem_id="json", scale=0)
        with gr.Column(elem_id="side", scale=2, min_width=300), gr.Tabs(elem_id="panel") as panel:
            with gr.Tab("Sources", id="sources"):
                sources = gr.HTML(elem_id="sources", **plain)
            with gr.Tab("Articles", id="articles", render_children=True):
                corpus = gr.HTML(elem_id="corpus", **plain)
                gr.HTML(_invitation(page.sessions), **plain)
                upload = gr.File(
                    label="Add articles",
                    file_count="multiple",
                    file_types=list(SUFFIXES),
                    elem_id="upload",
                    height=130,
                )
                own = gr.HTML(elem_id="own", **plain)
    whole = gr.HTML(elem_id="whole", **plain)

    demo.load(
        page.enter,
        [keeping, token],
        [token, header, talk, sources, corpus, own, scope, keeping, pending],
        js="(kept) => { window.ragChat.ready(); return [kept, window.ragChat.token()]; }",
        api_name="page_enter",
        **at_once,
    ).success(None, token, js="(token) => window.ragChat.keepToken(token)").success(
        page.catch_up, token, [talk, pending, sources, keeping], api_name="page_catch_up", **at_once
    ).success(page.welcome, token, talk, api_name="page_welcome", **at_once)
    demo.unload(page.leave)

    begun = [pending, box, asked]
    for begin in (
        gr.on([send.click, box.submit], page.begin, box, begun, api_name="page_begin", **at_once),
        talk.submit(page.begin_event, None, begun, api_name="page_begin_event", **at_once),
    ):
        begin.then(None, js="() => window.ragChat.asking()")
        begin.success(
            page.ask,
            [asked, token, scope, words],
            [talk, pending, sources, keeping, news, panel],
            api_name=f"page_ask_{begin.id}" if hasattr(begin, "id") else "page_ask",
            concurrency_id="ask",
            concurrency_limit=page.at_once,
            **private,
        ).success(None, news, js="(news) => window.ragChat.answered(news)")
    talk.stop(page.stop, token, None, api_name="page_stop", **at_once)

    say = "(news) => window.ragChat.say(news)"
    talk.select(page.select, token, [sources, panel], api_name="page_select", **at_once).success(
        None, js="() => window.ragChat.sourcesShown()"
    )
    talk.expand(page.open, token, whole, api_name="page_open", **at_once).success(
        None, js="() => window.ragChat.openWhole()"
    )
    talk.like(page.complain, token, news, api_name="page_complain", **at_once).success(None, news, js=say)
    articles = [own, scope, upload, corpus, header, news]
    upload.upload(
        page.upload,
        [upload, token],
        articles,
        api_name="page_upload",
        concurrency_id="ask",
        concurrency_limit=page.at_once,
        **private,
    ).success(None, news, js=say)
    talk.delete(page.remove, token, articles, api_name="page_remove", **at_once).success(None, news, js=say)
    clear.click(page.clear, token, [talk, sources, keeping, news], api_name="page_clear", **at_once).success(
        None, news, js=say
    )
    for button, make, name, kind in (
        (as_markdown, page.as_markdown, "conversation.md", "text/markdown"),
        (as_json, page.as_json, "conversation.json", "application/json"),
    ):
        button.click(make, token, payload, api_name=f"page_{make.__name__}", **at_once).success(
            None, payload, js=f"(text) => window.ragChat.save(text, '{name}', '{kind}')"
        )
    return token


def _invitation(sessions: Sessions) -> str:
    limits, generator = sessions.limits, sessions.bot.generator
    kinds = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES if suffix not in (".markdown", ".htm"))
    return html.invitation(
        kinds, limits.files, limits.file_megabytes, sessions.keep is not None, generator.name if generator else ""
    )


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
