"""The page with many articles: its list, which of them are asked, an overview of them, a page of a PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.articles.documents import read_document
from rag.serve.page.examples import example_questions
from rag.serve.page.sessions import Sessions
from rag.serve.server import running
from rag.types import Answer
from tests.test_documents import pdf
from tests.test_pdf import LEFT, RIGHT, rows
from tests.web.conftest import Talk
from tests.web.fakes import FakeBot, document

pytestmark = pytest.mark.timeout(120)
Visit = Callable[..., Talk]
TOWNS = ("Ålborg", "Bergen", "Cork", "Delft", "Essen", "Faro")


def many() -> FakeBot:
    """Sixty articles of six towns, the last ten undated."""
    made = []
    for n in range(60):
        text = f"The harbour of {TOWNS[n % 6]} was closed for {n + 1} days. The mayor was angry."
        date = f"20{10 + n // 5}-03-{n % 5 + 1:02}" if n < 50 else None
        made.append(document(f"{TOWNS[n % 6].lower()}/{n:02}.txt", text, f"Harbour {n:02} closed", date))
    return FakeBot(made)


@pytest.fixture(scope="module")
def sixty() -> Iterator[str]:
    bot = many()
    with running(bot, sessions=Sessions(bot), examples=[]) as address:
        yield address


def titles(talk: Talk) -> list[str]:
    return talk.page.locator("#corpus .title").all_inner_texts()


def test_list_is_searched_sorted_and_paged(visit: Visit, sixty: str) -> None:
    page = (talk := visit(sixty)).page
    talk.tab("Articles")
    status = page.locator("#corpus [role=status]")
    assert status.inner_text() == "1 to 20 of 60"
    assert titles(talk)[0] == "Harbour 49 closed"
    page.get_by_role("button", name="Next").click()
    page.wait_for_function("document.querySelector('#corpus [role=status]').innerText === '21 to 40 of 60'")
    page.get_by_label("Sort by").select_option("title")
    page.wait_for_function("document.querySelector('#corpus .title').innerText === 'Harbour 00 closed'")
    assert status.inner_text() == "1 to 20 of 60"
    page.get_by_label("Find an article").press_sequentially("alborg 20", delay=40)
    page.wait_for_function("document.querySelector('#corpus [role=status]').innerText === '1 to 9 of 9'")
    assert titles(talk) == [f"Harbour {n:02} closed" for n in range(0, 54, 6)]
    page.get_by_label("Find an article").fill("zebra")
    page.wait_for_selector("#corpus .empty")
    page.get_by_label("Find an article").fill("")
    page.wait_for_selector("#corpus .title")
    page.get_by_role("button", name="Harbour 00 closed", exact=True).click()
    page.wait_for_selector("dialog[open]")
    assert "Ålborg" in page.inner_text("dialog .text")


def test_choice_is_seen_beside_the_question_and_undone_by_a_click(visit: Visit, sixty: str) -> None:
    page = (talk := visit(sixty)).page
    chips = page.locator("#filters .chosen button")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("From").fill("2012-01-01")
    page.get_by_label("To", exact=True).fill("2013-12-31")
    page.get_by_label("Outlet, folder or article").fill("cork")
    page.get_by_role("button", name="Ask only these").click()
    page.wait_for_function("document.querySelectorAll('#filters .chosen button').length === 4")
    assert [chip.removesuffix(" ✕") for chip in chips.all_inner_texts()] == [
        "since 1 January 2012", "until 31 December 2013", "in cork", "All articles",
    ]  # fmt: skip
    assert "1 of 60 articles" in page.inner_text("#filters summary")
    talk.ask("How many days was the harbour of Cork closed?")
    assert "closed for 15 days" in page.inner_text("#log .told")
    assert "since 1 January 2012, until 31 December 2013, in cork" in page.inner_text("#log .among")
    talk.ask("How many days was the harbour of Bergen closed, after the mayor was angry?")
    assert "Bergen" not in page.locator("#log .card").last.inner_text()
    page.reload()  # what is chosen stays, and stays visible
    page.wait_for_selector("#filters .chosen")
    page.get_by_role("button", name="Do not choose: since 1 January 2012").click()
    page.wait_for_function("document.querySelector('#filters summary').innerText.includes('3 of 60')")
    page.get_by_role("button", name="All articles").click()
    page.wait_for_selector("#filters .chosen", state="detached")
    talk.ask("How many days was the harbour of Bergen closed?")
    assert "Bergen" in page.locator("#log .card").last.inner_text()
    assert page.locator("#log .turn").last.locator(".among").count() == 0


def test_one_article_is_chosen_in_the_list_and_a_wrong_choice_is_told(visit: Visit, sixty: str) -> None:
    page = (talk := visit(sixty)).page
    talk.tab("Articles")
    page.get_by_role("button", name="Ask only Harbour 44 closed").click()
    page.get_by_role("button", name="Do not choose: in Harbour 44 closed").wait_for()
    page.locator("#filters summary").click()
    page.get_by_label("Outlet, folder or article").fill("Atlantis")
    page.get_by_role("button", name="Ask only these").click()
    page.wait_for_selector("#filters .trouble")
    assert "'Atlantis'" in page.inner_text("#filters .trouble")
    assert "1 of 60 articles" in page.inner_text("#filters summary")


def test_own_articles_alone_are_asked_until_they_are_gone(visit: Visit, sixty: str, tmp_path: Path) -> None:
    page = (talk := visit(sixty)).page
    talk.tab("Articles")
    (tmp_path / "mine.txt").write_text("The harbour of Galway was closed for 99 days.", encoding="utf-8")
    page.set_input_files("#upload input[type=file]", tmp_path / "mine.txt")
    page.get_by_role("button", name="Ask only your own articles").click()
    page.get_by_role("button", name="Do not choose: in your own articles").wait_for()
    talk.ask("How many days was the harbour closed?")
    assert "99 days" in page.inner_text("#log .told")
    talk.tab("Articles")
    page.get_by_role("button", name="Remove").click()
    page.wait_for_selector("#filters .chosen", state="detached")


def test_overview_of_a_topic_and_of_all_leads_to_its_sources(visit: Visit, sixty: str, tmp_path: Path) -> None:
    page = (talk := visit(sixty)).page
    page.get_by_role("button", name="What is in these articles?").click()
    talk.turn(0)
    assert page.inner_text("#turn-0") == "Overview of the articles"
    assert page.locator("#log .overview li").count() == 6
    page.fill("#question textarea", "Bergen")
    page.get_by_role("button", name="Overview", exact=True).click()
    talk.turn(1)
    assert page.inner_text("#turn-1") == "Overview: Bergen"
    dates = page.locator("#turn-1 ~ .overview time").all_inner_texts()
    assert dates == ["2 March 2010", "3 March 2011", "4 March 2012", "5 March 2013", "1 March 2015", "2 March 2016"]
    page.locator("#turn-1 ~ .overview .mark").nth(2).click()
    page.wait_for_selector("#source-3.lit")
    assert page.inner_text("#source-3 mark") == "The harbour of Bergen was closed for 14 days."
    page.reload()
    page.wait_for_selector("#log #turn-1")
    page.evaluate("sessionStorage.clear()")  # as after the session's end: the browser brings it back itself
    page.reload()
    page.wait_for_selector("#log #turn-1")
    assert page.locator("#turn-1 ~ .overview .mark").count() == 6
    with page.expect_download() as started:
        page.get_by_role("button", name="Save as Markdown").click()
    started.value.save_as(tmp_path / "c.md")
    made = (tmp_path / "c.md").read_text("utf-8")
    assert "- 4 March 2012: The harbour of Bergen was closed for 14 days. [^9]" in made
    page.fill("#question textarea", "zebras")
    page.get_by_role("button", name="Overview", exact=True).click()
    talk.turn(2)
    assert "Nothing in the articles is about “zebras”." in page.locator("#log .overview").last.inner_text()


def test_three_refusals_are_three_lines_that_open(visit: Visit, sixty: str) -> None:
    page = (talk := visit(sixty)).page
    for question in ("Who is Zoe?", "Why Zed?", "What of zinc?"):
        talk.ask(question)
    cards = page.locator("#log .abstention")
    heights = cards.evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    assert len(heights) == 3
    assert max(heights) < 50
    cards.last.locator("summary").first.click()
    assert page.get_by_role("button", name="Nearest passages").last.is_visible()


def test_examples_name_something_and_are_answered() -> None:
    asked = "What do you lack? Money. What did the satellite Curumim carry? The satellite Curumim did carry four cubes."
    unanswered = "Who painted Zorro? Nobody knows."
    bot = FakeBot([document("a.txt", asked), document("b.txt", unanswered, "Why was Faro dark?")])
    tried: list[str] = []

    def ask(question: str) -> Answer:
        tried.append(question)
        return replace(bot.ask(question), abstained="Curumim" not in question, certainty="")

    assert example_questions(bot.documents(), ask) == ["What did the satellite Curumim carry?"]
    assert "Why was Faro dark?" in tried
    assert "What do you lack?" not in tried


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1360, 860)])
def test_modes_and_buttons_lie_where_they_are_seen(visit: Visit, sixty: str, width: int, height: int) -> None:
    page = visit(sixty, width=width, height=height).page
    for name in ("Check a text", "Overview", "Ask"):
        box = page.get_by_role("button", name=name, exact=True).last.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height, name
    check, ask = (page.locator(place).bounding_box() for place in ("#modes", "#ask-row"))
    assert check is not None
    assert ask is not None
    assert check["y"] < ask["y"]


@pytest.fixture
def magazine(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A page over a magazine as PDF and a text, and the PDF's place."""
    path = tmp_path / "magazine.pdf"
    path.write_bytes(pdf(rows(LEFT, RIGHT), rows(RIGHT, LEFT)))
    bot = FakeBot([read_document(path, "magazine.pdf", 10**6)])
    with running(bot, sessions=Sessions(bot), examples=[]) as address:
        yield address, path


def test_quote_is_marked_in_the_picture_of_its_page(visit: Visit, magazine: tuple[str, Path]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    address, path = magazine
    page = (talk := visit(address)).page
    talk.ask("When was the pipe that burst in January flooded?")
    assert "page 1" in page.inner_text("#source-1 .where")
    page.get_by_role("button", name="Open the whole article of source 1").click()
    page.wait_for_selector("dialog[open] .box")
    image = page.locator("dialog img")
    assert image.evaluate("i => i.complete && i.naturalWidth") == image.evaluate("i => Number(i.getAttribute('width'))")
    sheet, *boxes = page.locator("dialog .sheet, dialog .box").evaluate_all(
        "all => all.map(e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; })"
    )
    middle = (sheet[0] + sheet[2]) / 2
    assert len(boxes) == 2
    for left, top, right, bottom in boxes:
        assert middle < left < right < sheet[2]
        assert sheet[1] < top < bottom < sheet[3]
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []
    page.get_by_role("button", name="Text", exact=True).click()
    assert (
        page.locator("dialog mark.chosen")
        .inner_text()
        .endswith("A pipe burst in January and flooded the machine room.")
    )
    page.keyboard.press("Escape")
    path.write_bytes(path.read_bytes() + b"\n")
    page.get_by_role("button", name="Open the whole article of source 1").click()
    page.wait_for_selector("dialog[open] [role=note]")
    assert "The file has changed since it was read" in page.inner_text("dialog [role=note]")
    assert page.locator("dialog img").count() == 0
    assert page.locator("dialog mark.chosen").is_visible()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)])
def test_no_accessibility_rule_is_broken(visit: Visit, sixty: str, width: int, dark: bool) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = (talk := visit(sixty, width=width, dark=dark)).page
    page.locator("#filters summary").click()
    page.get_by_label("From").fill("2012-01-01")
    page.get_by_label("Outlet, folder or article").fill("cork")
    page.get_by_role("button", name="Ask only these").click()
    page.wait_for_selector("#filters .chosen")
    page.get_by_role("button", name="Overview", exact=True).click()
    talk.turn(0)
    talk.ask("Who is Zoe?")
    page.locator("#log .abstention > summary").click()
    page.locator("#filters summary").click()
    talk.tab("Articles")
    page.wait_for_timeout(500)  # colours of buttons pass over into each other
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
