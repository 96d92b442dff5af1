"""Servers and a real browser for the tests of the chat."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.serve.limits import Limits
from rag.serve.page.sessions import Sessions
from rag.serve.server import running
from tests.web.fakes import HOSTILE, FakeBot, document

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
READY = "#log .welcome, #log .turn"
INSTALL = "no Chromium: `apt-get install -y chromium`, then run the tests again"
LONG = (
    "The heron of the harbour stands still. "
    + "It waits for the tide. " * 400
    + "The heron eats eels at noon.\n"
    + "The tide turns. " * 200
)


def articles() -> FakeBot:
    """A small corpus, one article of which is hostile."""
    visit = "The minister arrived in Minsk on Monday. He received the Order of Friendship."
    other = "The minister arrived in Minsk on Tuesday, say others."
    title = "<img src=x onerror=\"document.title='owned'\"> [1] {{title}}"
    return FakeBot(
        [
            document("belarus.txt", visit, "A visit to Minsk", "2023-06-30"),
            document("later.txt", other, "Another account", "2024-07-03"),
            document("heron.txt", LONG, "The heron"),
            document("hostile.txt", HOSTILE, title, "2031-09-01"),
        ]
    )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def feedback_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback") / "feedback.jsonl"


@pytest.fixture(scope="session")
def served(feedback_file: Path) -> Iterator[str]:
    """Address of the page over the fake bot."""
    bot = articles()
    sessions = Sessions(bot, Limits(files=4, file_megabytes=0.1))
    with running(
        bot, limits=sessions.limits, sessions=sessions,
        examples=["When did the minister arrive in Minsk?"], feedback_to=feedback_file,
    ) as address:  # fmt: skip
        yield address


@pytest.fixture(scope="session")
def served_real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page over the five articles and the project's own models."""
    from rag.pipeline import Chatbot
    from rag.places import seeds

    bot = Chatbot.from_directory(seeds(), index_folder=tmp_path_factory.mktemp("index"))
    with running(bot, examples=["Who is Viktor Khrenin?"]) as address:
        yield address


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a page that asks for a password."""
    monkeypatch.setenv("RAG_PASSWORD", "heron")
    with running(articles(), examples=[]) as address:
        yield address


class Talk:
    """What a person does with the page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def ask(self, question: str) -> None:
        """Type a question, press Enter, wait for what comes."""
        count = self.page.locator("#log .turn").count()
        self.page.fill("#question textarea", question)
        self.page.keyboard.press("Enter")
        self.turn(count)

    def turn(self, number: int) -> None:
        """Wait until the turn of that number stands and nothing is pending."""
        self.page.wait_for_selector(f"#log #turn-{number}", timeout=30_000)
        self.page.wait_for_function("!document.querySelector('#pending .turn')")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Talk]]:
    """Opens the page in a fresh browser context; fails when a request left this machine or a script broke."""
    from playwright.sync_api import Request

    outside: list[str] = []
    broken: list[str] = []
    contexts = []

    def note(request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:http://127.0.0.1:", "about:")):
            outside.append(request.url)

    def open_page(
        address: str,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        ready: str = READY,
        locale: str = "en-US",
    ) -> Talk:
        made = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
            locale=locale,
        )
        contexts.append(made)
        page = made.new_page()
        page.on("request", note)
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda m: broken.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(address)
        page.wait_for_selector(ready)
        return Talk(page)

    yield open_page
    for context in contexts:
        context.close()
    assert outside == []
    assert broken == []
