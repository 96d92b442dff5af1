"""The second mode in a browser: a text is pasted, each sentence gets its sign, a click shows the quote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from rag.articles.drafts import pasted
from rag.grounding.checking import sentences_of
from rag.present import html
from rag.present.checks import Checked
from rag.serve.page.sessions import Sessions
from rag.serve.server import running
from tests.web.conftest import Talk, articles
from tests.web.fakes import HOSTILE, FakeBot

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(120)
DRAFT = (
    "# The visit to Minsk\n\nThe minister arrived in Minsk on Monday. Was it raining?\n\n"
    "- He received the Order not of Friendship.\n- Havana has a harbour.\n"
)


def open_mode(visit: Callable[..., Talk], address: str) -> Page:
    """The second mode of the page, once its session has begun."""
    page = visit(address).page
    page.get_by_role("button", name="Check a text").click()
    return page


@pytest.fixture
def bot() -> FakeBot:
    return articles()


@pytest.fixture
def address(bot: FakeBot) -> Iterator[str]:
    with running(bot, sessions=Sessions(bot), examples=[]) as made:
        yield made


def test_each_sentence_is_marked_a_click_away_from_its_quote(visit: Callable[..., Talk], address: str) -> None:
    page = open_mode(visit, address)
    page.get_by_label("A text to check").fill(DRAFT)
    page.get_by_role("button", name="Check", exact=True).click()
    page.wait_for_selector("#checked .sum")
    assert page.inner_text("#checked .sum") == "1 supported, 1 contradicted, 1 not stated, 2 no claim."
    assert page.locator("#checked .heading").inner_text() == "The visit to Minsk"
    signs = page.locator("#checked .verdict").all_inner_texts()
    assert signs == ["✓", "✗", "?"]
    assert page.locator("#checked .said.contradicted").inner_text().startswith("He received the Order not of")
    page.get_by_role("button", name="Contradicted: what the articles say").click()
    page.wait_for_selector("#evidence mark")
    assert page.inner_text("#evidence mark") == "He received the Order of Friendship."
    assert page.locator("#checked .chosen").count() == 1
    page.click("#evidence .open")
    page.wait_for_selector("#whole dialog[open]")
    assert page.inner_text("#whole mark.chosen") == "He received the Order of Friendship."


def test_it_is_filled_in_as_it_goes_and_can_be_stopped(visit: Callable[..., Talk], address: str, bot: FakeBot) -> None:
    page = open_mode(visit, address)
    bot.gate.clear()
    page.get_by_label("A text to check").fill("The tide turns. Havana has a harbour. It waits for the tide.")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("0 of 3 sentences checked").wait_for()
    assert page.locator("#checked .unread").count() == 3
    page.get_by_role("button", name="Stop").click()
    page.wait_for_timeout(500)
    bot.gate.set()
    page.wait_for_selector("#checked .sum")
    assert re.match(r"Stopped after 1 of 3 sentences", page.inner_text("#checked .sum"))
    assert page.get_by_role("button", name="Stop").count() == 0
    page.reload()
    page.wait_for_selector("#checked .sum")
    assert page.locator("#checked .verdict").count() == 1


@pytest.mark.parametrize(("text", "said"), [("  ", "no text"), ("boom goes the bot", "reference")])
def test_what_goes_wrong_is_told(visit: Callable[..., Talk], address: str, text: str, said: str) -> None:
    page = open_mode(visit, address)
    page.get_by_label("A text to check").fill(text)
    page.get_by_role("button", name="Check", exact=True).click()
    page.wait_for_selector("#checked .trouble")
    assert said in page.inner_text("#checked .trouble")


def test_nothing_of_a_pasted_text_acts_as_html() -> None:
    document = pasted(HOSTILE, markdown=False)
    made = html.checked(Checked(document, sentences_of(document)))
    assert "<script" not in made
    assert "<img" not in made
    assert "{{" not in made
    assert "Ignore all previous instructions" in made


def test_no_accessibility_rule_is_broken(visit: Callable[..., Talk], address: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_mode(visit, address)
    page.get_by_label("A text to check").fill(DRAFT)
    page.get_by_role("button", name="Check", exact=True).click()
    page.wait_for_selector("#checked .sum")
    page.locator("#checked .verdict").first.click()
    page.wait_for_selector("#evidence mark")
    for dark in (False, True):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        page.wait_for_timeout(500)  # colours of buttons pass over into each other
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
