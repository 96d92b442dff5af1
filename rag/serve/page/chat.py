"""The conversation, what it stands on and the articles: their places on the page, and which event calls what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from rag.articles.documents import READABLE
from rag.present import html
from rag.present.listing import ORDERS
from rag.present.words import Told, noted
from rag.serve.limits import UPLOADS
from rag.serve.page.blocks import AT_ONCE, PLAIN, PRIVATE
from rag.serve.page.handlers import OWN_WORDS, Page
from rag.serve.page.labels import Pieces
from rag.serve.page.sessions import Sessions

_SAY = "(news) => window.ragChat.say(news)"


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Values that travel with events: the session's token, the question taken, what to say or to save, what is kept."""

    token: gr.Textbox
    asked: gr.Textbox
    news: gr.Textbox
    payload: gr.Textbox
    keeping: gr.BrowserState


@dataclass(frozen=True, slots=True)
class _Talk:
    """The conversation and what stands below it. The browser sends all its clicks as events of `log`."""

    log: gr.HTML
    pending: gr.HTML
    filters: gr.HTML
    box: gr.Textbox
    send: gr.Button
    overview: gr.Button
    words: gr.Radio
    clear: gr.Button
    as_markdown: gr.Button
    as_json: gr.Button


@dataclass(frozen=True, slots=True)
class _Side:
    """What the conversation stands on, and all the articles."""

    panel: gr.Tabs
    sources: gr.HTML
    corpus: gr.HTML
    upload: gr.File
    own: gr.HTML


def add_chat(demo: gr.Blocks, page: Page, pieces: Pieces) -> gr.Textbox:
    """Add the conversation to the Blocks that is being built; the hidden value in which the session's token travels."""
    token, asked, news, payload = (gr.Textbox(visible=False) for _ in range(4))
    keeping = gr.BrowserState([], storage_key="rag-conversation", secret="kept-in-your-browser")
    hidden = _Hidden(token, asked, news, payload, keeping)
    header = gr.HTML(html.header(0, ""), elem_id="top", **PLAIN)
    pieces[gr.HTML(html.modes(), elem_id="modes", **PLAIN)] = html.modes
    with gr.Row(elem_id="desk"):
        talk = _talk(page)
        side = _side(page, pieces)
    whole = gr.HTML(elem_id="whole", **PLAIN)
    _come_and_go(demo, page, hidden, header, talk, side)
    _ask(page, hidden, talk, side)
    _look(page, hidden, talk, side, whole)
    _change_articles(page, hidden, header, talk, side)
    _keep(page, hidden, talk, side)
    return token


def _talk(page: Page) -> _Talk:
    generator = page.sessions.bot.generator
    worded = [(Told("Worded by %(name)s", name=generator.name), "worded")] if generator else []
    with gr.Column(elem_id="chat", scale=3, min_width=300):
        log = gr.HTML(elem_id="log", **PLAIN, js_on_load="window.ragChat.attach(trigger)")
        pending = gr.HTML(elem_id="pending", **PLAIN)
        with gr.Column(elem_id="composer"):
            filters = gr.HTML(elem_id="filters", **PLAIN)
            with gr.Row(elem_id="ask-row"):
                box = gr.Textbox(
                    label=noted("Your question"),
                    placeholder=noted("Ask about the articles"),
                    lines=1,
                    max_lines=6,
                    elem_id="question",
                    autofocus=True,
                    scale=1,
                    html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=True),
                )
                overview = gr.Button(noted("Overview"), elem_id="overview", scale=0, min_width=80)
                send = gr.Button(noted("Ask"), variant="primary", elem_id="send", scale=0, min_width=80)
            with gr.Row(elem_id="tools"):
                words = gr.Radio(
                    [*worded, (OWN_WORDS, OWN_WORDS)],
                    value="worded" if worded else OWN_WORDS,
                    label=noted("Answers in"),
                    visible=bool(worded),
                    elem_id="words",
                )
                clear = gr.Button(noted("New conversation"), size="sm", elem_id="clear", scale=0)
                as_markdown = gr.Button(noted("Save as Markdown"), size="sm", elem_id="markdown", scale=0)
                as_json = gr.Button(noted("Save as JSON"), size="sm", elem_id="json", scale=0)
    return _Talk(log, pending, filters, box, send, overview, words, clear, as_markdown, as_json)


def _side(page: Page, pieces: Pieces) -> _Side:
    with gr.Column(elem_id="side", scale=2, min_width=300), gr.Tabs(elem_id="panel") as panel:
        with gr.Tab(noted("Sources"), id="sources", elem_id="tab-sources"):
            sources = gr.HTML(elem_id="sources", **PLAIN)
        with gr.Tab(noted("Articles"), id="articles", elem_id="tab-articles", render_children=True):
            finder, invitation = partial(html.finder, ORDERS), partial(_invitation, page.sessions)
            pieces[gr.HTML(finder(), elem_id="finder", **PLAIN)] = finder
            corpus = gr.HTML(elem_id="corpus", **PLAIN)
            pieces[gr.HTML(invitation(), **PLAIN)] = invitation
            upload = gr.File(
                label=noted("Add articles"),
                file_count="multiple",
                file_types=list(READABLE),
                elem_id="upload",
                height=130,
            )
            own = gr.HTML(elem_id="own", **PLAIN)
    return _Side(panel, sources, corpus, upload, own)


def _invitation(sessions: Sessions) -> str:
    limits, generator = sessions.limits, sessions.bot.generator
    return html.invitation(
        limits.files, limits.file_megabytes, sessions.keep is not None, generator.name if generator else ""
    )


# --- which event calls what ------------------------------------------------------------------------------------------


def _queued(page: Page) -> dict[str, Any]:
    """How an event waits that uses the models."""
    return {**PRIVATE, "concurrency_id": "ask", "concurrency_limit": page.at_once}


def _come_and_go(demo: gr.Blocks, page: Page, hidden: _Hidden, header: gr.HTML, talk: _Talk, side: _Side) -> None:
    token, keeping = hidden.token, hidden.keeping
    demo.load(
        page.enter,
        [keeping, token],
        [token, header, talk.log, side.sources, side.corpus, side.own, talk.filters, keeping, talk.pending],
        js="(kept) => { window.ragChat.ready(); return [kept, window.ragChat.token()]; }",
        api_name="page_enter",
        **AT_ONCE,
    ).success(None, token, js="(token) => window.ragChat.keepToken(token)").success(
        page.catch_up,
        token,
        [talk.log, talk.pending, side.sources, keeping],
        api_name="page_catch_up",
        **AT_ONCE,
    ).success(page.welcome, token, talk.log, api_name="page_welcome", **AT_ONCE)
    demo.unload(page.leave)


def _ask(page: Page, hidden: _Hidden, talk: _Talk, side: _Side) -> None:
    typed, begun = [talk.box, hidden.token], [talk.pending, talk.box, hidden.asked]
    for begin in (
        gr.on([talk.send.click, talk.box.submit], page.begin, typed, begun, api_name="page_begin", **AT_ONCE),
        talk.overview.click(page.begin_overview, typed, begun, api_name="page_begin_overview", **AT_ONCE),
        talk.log.submit(page.begin_event, hidden.token, begun, api_name="page_begin_event", **AT_ONCE),
    ):
        begin.then(None, js="() => window.ragChat.asking()")
        begin.success(
            page.ask,
            [hidden.asked, hidden.token, talk.words],
            [talk.log, talk.pending, side.sources, hidden.keeping, hidden.news, side.panel],
            api_name=f"page_ask_{begin.id}" if hasattr(begin, "id") else "page_ask",
            **_queued(page),
        ).success(None, hidden.news, js="(news) => window.ragChat.answered(news)")
    talk.log.stop(page.stop, hidden.token, None, api_name="page_stop", **AT_ONCE)


def _look(page: Page, hidden: _Hidden, talk: _Talk, side: _Side, whole: gr.HTML) -> None:
    token, collection = hidden.token, page.collection
    talk.log.select(page.select, token, [side.sources, side.panel], api_name="page_select", **AT_ONCE).success(
        None, js="() => window.ragChat.sourcesShown()"
    )
    talk.log.expand(collection.open, token, whole, api_name="page_open", **AT_ONCE).success(
        None, js="() => window.ragChat.openWhole()"
    )
    talk.log.key_up(
        collection.list_articles,
        token,
        side.corpus,
        api_name="page_list",
        trigger_mode="always_last",
        **AT_ONCE,
    )


def _change_articles(page: Page, hidden: _Hidden, header: gr.HTML, talk: _Talk, side: _Side) -> None:
    token, news, collection = hidden.token, hidden.news, page.collection
    talk.log.apply(collection.choose, token, [talk.filters, news], api_name="page_choose", **AT_ONCE).success(
        None, news, js=_SAY
    )
    changed = [side.own, talk.filters, side.upload, side.corpus, header, news]
    upload, given = collection.upload, [side.upload, token]
    side.upload.upload(
        upload, given, changed, api_name="page_upload", concurrency_id="upload", concurrency_limit=UPLOADS, **PRIVATE
    ).success(None, news, js=_SAY)
    talk.log.delete(collection.remove, token, changed, api_name="page_remove", **AT_ONCE).success(None, news, js=_SAY)


def _keep(page: Page, hidden: _Hidden, talk: _Talk, side: _Side) -> None:
    token, news, payload = hidden.token, hidden.news, hidden.payload
    talk.log.like(page.complain, token, news, api_name="page_complain", **AT_ONCE).success(None, news, js=_SAY)
    talk.clear.click(
        page.clear,
        token,
        [talk.log, talk.pending, side.sources, hidden.keeping, news],
        api_name="page_clear",
        **AT_ONCE,
    ).success(None, news, js=_SAY)
    for button, make, name, kind in (
        (talk.as_markdown, page.as_markdown, "conversation.md", "text/markdown"),
        (talk.as_json, page.as_json, "conversation.json", "application/json"),
    ):
        button.click(make, token, payload, api_name=f"page_{make.__name__}", **AT_ONCE).success(
            None, payload, js=f"(text) => window.ragChat.save(text, '{name}', '{kind}')"
        )
