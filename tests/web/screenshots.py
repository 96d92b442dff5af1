"""Screenshots for the README: `python -m tests.web.screenshots` writes docs/images/*.png from the real bot."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from rag.pipeline import Chatbot
from rag.places import seeds
from rag.serve.server import running
from tests.web.conftest import FLAGS, INSTALL, READY, Talk

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
ANSWERED = "Which order did Putin give López Miera?"
FOLLOWED = "Who received him in Moscow?"
UNANSWERED = "What does Belarus pay Cuba for the soldiers?"


def main() -> None:
    """Write the images and name them."""
    path = shutil.which("chromium")
    if path is None:
        sys.exit(INSTALL)
    IMAGES.mkdir(parents=True, exist_ok=True)
    shots = [
        ("welcome", 1360, 860, False, []),
        ("answer", 1360, 860, False, [ANSWERED, FOLLOWED]),
        ("abstention", 1360, 860, False, [ANSWERED, UNANSWERED]),
        ("dark", 1360, 860, True, [ANSWERED, FOLLOWED]),
        ("phone", 390, 844, False, [ANSWERED]),
    ]
    with running(Chatbot.from_directory(seeds())) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for name, width, height, dark, questions in shots:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                device_scale_factor=2 if width < 500 else 1,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(address)
            page.wait_for_selector(READY)
            if questions:
                for question in questions:
                    Talk(page).ask(question)
            else:
                page.wait_for_selector(".examples", timeout=120_000)
                page.get_by_role("tab", name="Articles").click()
            if name in ("answer", "dark"):
                page.locator("#log .mark").last.click()
                page.wait_for_selector(".source.lit")
            page.wait_for_timeout(700)
            page.screenshot(path=IMAGES / f"{name}.png", full_page=width < 500)
            print(IMAGES / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
