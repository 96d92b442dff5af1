"""Screenshots for the documents, from the real bot: `python -m tests.web.screenshots [NAME …]` writes docs/images."""

from __future__ import annotations

import html
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from rag.articles.documents import find_files, read_document
from rag.pipeline import Chatbot
from rag.places import seeds
from rag.serve.server import running
from tests.web.conftest import FLAGS, INSTALL, READY, Talk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
NEWS = ROOT / "eval" / "news" / "articles"
PRINTED = ("A-010.txt", "A-011.txt", "A-012.txt")
"""Articles of the news set that are printed as a magazine."""
MAGAZINE = """<style>@page {{ size: A4; margin: 18mm }} body {{ font: 10.5pt/1.45 'Liberation Serif', serif }}
main {{ columns: 2; column-gap: 8mm; text-align: justify; hyphens: auto }} h1 {{ font-size: 20pt; margin: 0 0 6mm }}
h2 {{ font-size: 13pt; margin: 5mm 0 2mm; text-align: left }} p {{ margin: 0 0 2.2mm }}</style>
<html lang=en><title>The Plywood Files</title><h1>The Plywood Files</h1><main>{}</main>"""
Do = Callable[[Talk], None]


def ask(*questions: str) -> Do:
    """Ask, and show the sources of the last answer."""

    def do(talk: Talk) -> None:
        for question in questions:
            talk.ask(question)
        mark = talk.page.locator("#log .mark")
        if mark.count() and talk.page.viewport_size and talk.page.viewport_size["width"] > 900:
            mark.last.click()
            talk.page.wait_for_selector(".source.lit")

    return do


def welcome(talk: Talk) -> None:
    talk.page.wait_for_selector(".examples li:nth-child(2)", timeout=180_000)
    talk.tab("Articles")


def listed(talk: Talk) -> None:
    talk.page.wait_for_selector(".examples li:nth-child(2)", timeout=180_000)
    talk.tab("Articles")
    talk.page.get_by_label("Sort by").select_option("outlet")
    talk.page.wait_for_timeout(1000)
    talk.page.get_by_label("Find an article").evaluate("field => field.scrollIntoView()")


def chosen(talk: Talk) -> None:
    talk.page.locator("#filters summary").click()
    talk.page.get_by_label("From").fill("2024-01-01")
    talk.page.get_by_label("Outlet, folder or article").fill("Nordic Panel Monitor")
    talk.page.get_by_role("button", name="Ask only these").click()
    talk.page.wait_for_selector("#filters .chosen")
    talk.ask("Where was the cargo of plywood seized?")
    talk.page.locator("#filters summary").click()


def refused(talk: Talk) -> None:
    for question in (
        "Who owns the coaster Ance?",
        "What does a ticket to Mars cost?",
        "How deep is the port of Gdynia?",
    ):
        talk.ask(question)
    talk.page.locator("#log .abstention > summary").last.click()


def overview(talk: Talk) -> None:
    talk.page.fill("#question textarea", "the elephants of Savuti")
    talk.page.get_by_role("button", name="Overview", exact=True).click()
    talk.turn(0)


def page_of_pdf(talk: Talk) -> None:
    talk.page.locator("#filters summary").click()
    talk.page.get_by_label("Outlet, folder or article").fill("magazine.pdf")
    talk.page.get_by_role("button", name="Ask only these").click()
    talk.page.wait_for_selector("#filters .chosen")
    talk.ask("Which port was the cargo seized in?")
    talk.page.locator("#source-1 .open, #sources .open").first.click()
    talk.page.wait_for_selector("dialog[open] img")


ANSWERED, FOLLOWED = "Which order did Putin give López Miera?", "Who received him in Moscow?"
LISTED = "What will be shown in the parade?"
DECIDED = "Does Manoylo still sit on the scientific council of the Russian Security Council?"
DOUBTED = (
    "Where abroad had the guest at the Belarusian liberation festivities taken part in Cuban military interventions?"
)
TOLD_TWICE = "Did the hackers of Wheatland Sun get hold of members' social insurance numbers?"
WIDE, TALL, PHONE = (1360, 860), (1360, 1180), (390, 844)
SEEDS: dict[str, tuple[tuple[int, int], Do]] = {
    "welcome": (WIDE, welcome),
    "answer": (WIDE, ask(ANSWERED, FOLLOWED)),
    "dark": (WIDE, ask(ANSWERED, FOLLOWED)),
    "phone": (PHONE, ask(ANSWERED)),
    "yes-no": (WIDE, ask(LISTED, DECIDED)),
    "yes-no-phone": (PHONE, ask(DECIDED)),
    "list": (WIDE, ask(LISTED)),
    "list-phone": (PHONE, ask(LISTED)),
    "perhaps": (WIDE, ask(DOUBTED)),
    "perhaps-phone": (PHONE, ask(DOUBTED)),
}
SIXTY: dict[str, tuple[tuple[int, int], Do]] = {
    "accounts": (WIDE, ask(TOLD_TWICE)),
    "accounts-phone": (PHONE, ask(TOLD_TWICE)),
    "articles": (WIDE, listed),
    "articles-phone": (PHONE, listed),
    "filter": (WIDE, chosen),
    "filter-phone": (PHONE, chosen),
    "abstention": (WIDE, refused),
    "abstention-phone": (PHONE, refused),
    "overview": (WIDE, overview),
    "overview-phone": (PHONE, overview),
    "pdf": (TALL, page_of_pdf),
    "pdf-phone": (PHONE, page_of_pdf),
}


def shoot(browser: Browser, bot: Chatbot, shots: dict[str, tuple[tuple[int, int], Do]], wanted: Iterable[str]) -> None:
    """Write the pictures of those names and name them."""
    with running(bot) as address:
        for name in wanted:
            (width, height), do = shots[name]
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if name == "dark" else "light",
                device_scale_factor=2 if width < 500 else 1,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.set_default_timeout(180_000)
            page.goto(address)
            page.wait_for_selector(READY)
            do(Talk(page))
            page.wait_for_timeout(4500)  # until what is said for a moment has gone
            page.screenshot(path=IMAGES / f"{name}.png")
            print(IMAGES / f"{name}.png", flush=True)
            context.close()


def sixty(browser: Browser, folder: Path) -> Chatbot:
    """The news set, and three of its articles again as a magazine."""
    texts = [(NEWS / name).read_text(encoding="utf-8").split("\n\n") for name in PRINTED]
    printed = "".join(
        f"<h2>{html.escape(title)}</h2>" + "".join(f"<p>{html.escape(part)}</p>" for part in parts)
        for title, *parts in texts
    )
    page = browser.new_page()
    page.set_content(MAGAZINE.format(printed))
    page.pdf(path=folder / "magazine.pdf", prefer_css_page_size=True)
    page.close()
    found = find_files([NEWS, folder / "magazine.pdf"])
    return Chatbot.from_documents(read_document(path, name, 10**7) for name, path in found)


def main(names: list[str]) -> None:
    """Write the images of these names, or all."""
    path = shutil.which("chromium")
    if path is None:
        sys.exit(INSTALL)
    unknown = set(names) - {*SEEDS, *SIXTY}
    if unknown:
        sys.exit(f"there are no pictures {', '.join(sorted(unknown))}; expected some of {', '.join([*SEEDS, *SIXTY])}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for shots, bot in (
            (SEEDS, lambda: Chatbot.from_directory(seeds())),
            (SIXTY, lambda: sixty(browser, Path(folder))),
        ):
            wanted = [name for name in shots if not names or name in names]
            if wanted:
                shoot(browser, bot(), shots, wanted)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
