"""The page's second mode: a text that a person pastes, checked sentence by sentence while it is looked at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import gradio as gr

from rag.articles.drafts import pasted
from rag.errors import RagError
from rag.grounding.checking import sentences_of
from rag.language.characters import readable
from rag.present import html
from rag.present.checks import Checked
from rag.present.words import noted
from rag.serve.failures import failure
from rag.serve.limits import CHECKERS
from rag.serve.page.blocks import AT_ONCE, PLAIN, PRIVATE
from rag.serve.page.collection import Values
from rag.serve.page.handlers import Page
from rag.serve.page.labels import Pieces
from rag.serve.page.programs import guarded
from rag.serve.page.sessions import Session

SHOWN_SECONDS = 0.7
"""Between two pictures of a text that is being checked: a long one is some 100 kB."""


class Checking:
    """What the mode's events call; whose text it is says the token that each event brings."""

    def __init__(self, page: Page) -> None:
        self._sessions = page.sessions
        self._run = page.run

    def restore(self, token: str) -> Values:
        """The text that a session checked before its page was loaded again."""
        try:
            checked = self._sessions.find(token).checked
        except RagError:
            checked = None
        return (gr.skip(), "") if checked is None else (html.checked(checked), html.evidence(None, _nothing))

    def check(self, text: str, token: str) -> Iterator[Values]:
        """Check a text and show it every now and then; a text that the session checks already is stopped."""
        try:
            session = self._sessions.find(token)
            document = pasted(readable(text))
        except RagError as error:
            yield html.unchecked(str(error)), gr.skip(), gr.update(visible=False), str(error)
            return
        self.stop(token)
        session.checked = checked = Checked(document, sentences_of(document))
        yield html.checked(checked), html.evidence(None, _nothing), gr.update(visible=True), ""
        shown = time.monotonic()
        for _ in self._checks(session, checked):
            if time.monotonic() - shown >= SHOWN_SECONDS:
                yield html.checked(checked), gr.skip(), gr.skip(), gr.skip()
                shown = time.monotonic()
        if session.checked is checked:
            yield html.checked(checked), gr.skip(), gr.update(visible=False), checked.problem or checked.summary()

    def _checks(self, session: Session, checked: Checked) -> Iterator[None]:
        """Add the check of one sentence after the other, each on the threads of the models, until told to stop."""
        checks = self._sessions.asker(session).check_text(checked.document)
        try:
            while checked.state == "running":
                found = self._run(lambda: next(checks, None))
                if found is None:
                    checked.state = "done"
                else:
                    checked.checks.append(found)
                    yield
        except RagError as error:
            checked.state, checked.problem = "stopped", str(error)
        except Exception as error:
            checked.state, checked.problem = "stopped", failure(error)
        finally:
            if checked.state == "running":  # the page has gone
                checked.state = "stopped"

    def stop(self, token: str) -> None:
        """End a running check behind the sentence that is being read."""
        checked = guarded(lambda: self._sessions.find(token)).checked
        if checked is not None and checked.state == "running":
            checked.state = "stopped"

    def evidence(self, token: str, event: gr.EventData) -> str:
        """What the articles say of a sentence."""
        session = guarded(lambda: self._sessions.find(token))
        number = event._data.get("sentence")
        checks = [] if session.checked is None else session.checked.checks
        found = checks[number] if isinstance(number, int) and 0 <= number < len(checks) else None
        return html.evidence(found, lambda document_id: self._sessions.article(session, document_id))


def add_checking(demo: gr.Blocks, page: Page, token: gr.Textbox, pieces: Pieces) -> None:
    """Add the mode to the Blocks that is being built; the browser shows one mode at a time."""
    checking = Checking(page)
    news = gr.Textbox(visible=False)
    with gr.Row(elem_id="check-desk"):
        with gr.Column(elem_id="check-main", scale=3, min_width=300):
            text = gr.Textbox(
                label=noted("A text to check against the articles"),
                placeholder=noted(
                    "Paste a draft, plain or in Markdown. Each of its sentences is looked up in the articles."
                ),
                lines=6,
                max_lines=14,
                elem_id="draft",
                html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=True),
            )
            with gr.Row(elem_id="check-row"):
                begin = gr.Button(noted("Check"), variant="primary", elem_id="check", scale=0, min_width=90)
                stop = gr.Button(noted("Stop"), elem_id="stop-check", scale=0, min_width=90, visible=False)
            checked = gr.HTML(elem_id="checked", **PLAIN, js_on_load="window.ragChecking.attach(trigger)")
        with gr.Column(elem_id="check-side", scale=2, min_width=300):
            key = partial(html.evidence, None, _nothing)
            evidence = gr.HTML(key(), elem_id="evidence", **PLAIN)
            pieces[evidence] = key
    demo.load(
        checking.restore,
        token,
        [checked, evidence],
        js="() => { window.ragChecking.ready(); return window.ragChat.token(); }",
        api_name="page_restore_check",
        **AT_ONCE,
    )
    begin.click(
        checking.check,
        [text, token],
        [checked, evidence, stop, news],
        api_name="page_check",
        concurrency_id="check",
        concurrency_limit=CHECKERS,
        **PRIVATE,
    ).success(None, news, js="(news) => window.ragChat.say(news, false)")
    stop.click(checking.stop, token, None, api_name="page_stop_check", **AT_ONCE)
    checked.select(checking.evidence, token, evidence, api_name="page_evidence", **AT_ONCE).success(
        None, js="() => window.ragChecking.shown()"
    )


def _nothing(document_id: str) -> None:
    return None
