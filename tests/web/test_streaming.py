"""A language model writes, and the page shows each sentence as it is checked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import gradio as gr
import pytest
from fakes import make_bot, make_document
from test_writing import QUESTION, VISIT, FakeGenerator, WordVerifier

from rag.grounding.generators import Delta, Prompt
from rag.pipeline import Chatbot
from rag.present import html
from rag.serve.page.handlers import Page
from rag.serve.page.kept import kept, restored
from rag.serve.page.progress import Progress
from rag.serve.page.sessions import Sessions
from rag.serve.server import running
from rag.types import Account, Answer, Statement
from tests.web.conftest import Talk
from tests.web.test_render import inert

FIRST, SECOND = "Anna Petrova came to Minsk on 30 June 2023.", "She met the minister."


class Slow(FakeGenerator):
    """Writes its second sentence when a test lets it, then goes on without an end; `closed` says it was stopped."""

    name = "slow"

    def __init__(self) -> None:
        super().__init__()
        self.go_on, self.finish, self.closed = threading.Event(), threading.Event(), threading.Event()

    def stream(self, prompt: Prompt) -> Iterator[Delta]:
        try:
            yield Delta(f"{FIRST} She ")
            self.go_on.wait(30)
            yield Delta("met the minister. She ")
            while not self.finish.wait(0.02):
                yield Delta("conquered ")
            yield Delta("Paris.", "stop", 70, 30)
        finally:
            self.closed.set()


@pytest.fixture
def generator() -> Slow:
    return Slow()


@pytest.fixture
def bot(generator: Slow) -> Chatbot:
    made = make_bot(generator=generator)
    made.add_documents([make_document("visit.txt", VISIT)])
    return Chatbot(replace(made.parts, verifier=WordVerifier()), made.index)


def asking(bot: Chatbot, words: str = "") -> tuple[Page, str, Iterator[tuple[object, ...]]]:
    """A page, its session's token, and what it shows of a question."""
    page = Page(Sessions(bot), [], None)
    token = page.sessions.enter("")[0].token
    return page, token, page.ask(json.dumps({"question": QUESTION, "alone": True}), token, words)


def test_each_sentence_is_shown_while_the_model_writes(bot: Chatbot, generator: Slow) -> None:
    page, token, shown = asking(bot)
    pictures = [str(next(shown)[1]) for _ in range(4)]
    assert FIRST not in pictures[2]
    assert FIRST in pictures[3]
    assert SECOND not in pictures[3]
    assert 'data-action="stop"' in pictures[3]
    assert page.enter([], token, gr.Request(session_hash="again"))[-1] == pictures[3]  # a page that is opened meanwhile
    generator.go_on.set()
    assert SECOND in str(next(shown)[1])
    generator.finish.set()
    (log, pending, *_) = list(shown)[-1]
    assert pending == ""
    assert FIRST in str(log)
    assert "How it was checked" in str(log)


def test_stopping_ends_the_model_and_keeps_what_is_checked(bot: Chatbot, generator: Slow) -> None:
    page, token, shown = asking(bot)
    generator.go_on.set()
    while SECOND not in str(next(shown)[1]):
        pass
    page.stop(token)
    list(shown)
    assert generator.closed.wait(10)
    answer = page.sessions.find(token).exchanges[-1].answer
    assert answer is not None
    assert answer.text == f"{FIRST} [1] {SECOND} [2]"
    assert "slow did not finish (the question was withdrawn)" in answer.notes


def test_a_new_conversation_stops_the_answer_and_does_not_take_it(bot: Chatbot, generator: Slow) -> None:
    page, token, shown = asking(bot)
    waits = page.begin("Who else came?", token)[2]  # in the queue, behind others
    generator.go_on.set()
    while SECOND not in str(next(shown)[1]):
        pass
    page.clear(token)
    assert list(shown)[-1][1] == ""
    assert generator.closed.wait(10)
    list(page.ask(waits, token, ""))
    assert page.sessions.find(token).exchanges == []
    asked = page.begin(QUESTION, token)[2]
    list(page.ask(asked, token, "The articles' own words"))
    assert [e.question for e in page.sessions.find(token).exchanges] == [QUESTION]


def test_in_the_articles_own_words_there_is_nothing_to_stop(bot: Chatbot) -> None:
    *_, shown = asking(bot, "The articles' own words")
    *pictures, _ = [str(values[1]) for values in shown]
    assert pictures
    assert not any("data-action" in picture for picture in pictures)


def test_accounts_and_hostile_sentences_are_shown_as_text(bot: Chatbot) -> None:
    answer = bot.ask(QUESTION, generate=False)
    said = (Statement("<b>One</b> {{x}}", (1,)), Statement("Two", ()))
    progress = Progress("<i>Who?</i>", can_stop=True)
    progress.answer(replace(answer, statements=said, generator="slow"))
    assert "<b>One</b> {{x}} 1 Two (the articles do not say this)" in inert(progress.shown).text
    accounts = (Account("1", "One", "2023", (1,)), Account("2", "Two", None, ()))
    progress.answer(replace(answer, statements=said, accounts=accounts, generator="slow"))
    assert "Article of 2023: <b>One</b>" in inert(progress.shown).text


def checked(bot: Chatbot, generator: Slow) -> Answer:
    generator.go_on.set()
    generator.finish.set()
    return bot.ask(QUESTION)


def test_how_it_was_checked_is_told_and_kept(bot: Chatbot, generator: Slow) -> None:
    answer = checked(bot, generator)
    exchange = html.Exchange(QUESTION, answer)
    text = inert(html.conversation([exchange], 0)).text
    assert f"Kept, supported with 90 %: {FIRST}" in " ".join(text.split())
    assert "Dropped, supported with 0 %: She Paris." in " ".join(text.split())
    record = json.loads(json.dumps(kept([exchange])))
    assert "/articles/" not in json.dumps(record)  # no path of this machine
    (back,) = restored(record)
    assert back.answer is not None
    assert [check.statement for check in back.answer.draft] == [check.statement for check in answer.draft]


@pytest.mark.timeout(120)
def test_the_stream_in_a_browser(visit: Callable[..., Talk], bot: Chatbot, generator: Slow) -> None:
    with running(bot, examples=[]) as address:
        page = visit(address).page
        page.fill("#question textarea", QUESTION)
        page.keyboard.press("Enter")
        page.get_by_text(FIRST).wait_for()
        assert page.locator("#log .turn").count() == 0
        generator.go_on.set()
        page.wait_for_function(f"document.querySelector('#pending')?.innerText.includes('{SECOND}')")
        page.get_by_role("button", name="Stop").click()
        page.wait_for_selector("#log #turn-0")
        assert generator.closed.wait(10)
        assert SECOND in page.inner_text("#log .told")
        page.get_by_text("How it was checked").click()
        assert "Kept, supported with 90 %" in page.inner_text("#log .checks")
