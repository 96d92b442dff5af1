"""The page in other languages: catalogues that have all that the page says, and a page that says nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from rag.present import html
from rag.present.text import unsaid, with_text, written_date
from rag.present.words import Told, languages, negotiated, speaking
from rag.types import Overview
from tests.web.conftest import Talk
from tests.web.fakes import FakeBot, document

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "gettext": None, "noted": None, "Told": None, "ngettext": (1, 2)}
OTHERS = [language for language in languages() if language != "en"]
SEEN = """() => {
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("script, style"))
        found.push(walk.currentNode.textContent);
    for (const element of document.querySelectorAll("body *"))
        for (const name of ["aria-label", "placeholder", "title", "alt", "data-said", "data-drop"])
            if (element.hasAttribute(name)) found.push(element.getAttribute(name));
    return [...found, document.title, document.body.dataset.drop];
}"""


def catalogue(language: str) -> Catalog:
    with (ROOT / "rag" / "present" / "catalogues" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def messages(found: Catalog) -> list[Message]:
    return [message for message in found if message.id]


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_what_the_page_says_and_no_more(language: str) -> None:
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    options = {mapping["pattern"]: {k: v for k, v in mapping.items() if k == "trimmed"} for mapping in mappings}
    said = {found[2] for found in extract_from_dir(ROOT, methods, options, KEYWORDS)}
    assert {message.id for message in messages(catalogue(language))} == said


@pytest.mark.parametrize("language", OTHERS)
def test_each_message_is_translated_with_its_values(language: str) -> None:
    for message in messages(catalogue(language)):
        assert not message.fuzzy
        assert not list(message.check())
        for text in [message.string] if isinstance(message.string, str) else message.string:
            assert text
            assert not re.search(r'[<>"]', re.sub("</?em>", "", text)), "it goes into HTML as it is"


@pytest.mark.parametrize(
    ("asked", "accepted", "spoken"),
    [
        ("", "", "en"), ("", "es", "es"), ("", "es-MX,es;q=0.9", "es"), ("", "en-GB,es;q=0.9", "en"),
        ("", "en;q=0.1,es;q=0.9", "es"), ("", "fr,es;q=0.5", "es"), ("", "fr", "en"), ("", "*", "en"),
        ("", "es;q=0,en", "en"), ("", ";q=,;,es;q=x", "en"), ("es", "en", "es"), ("ES", "en", "es"),
        ("../x", "en", "en"),
    ],
)  # fmt: skip
def test_which_language_is_spoken(asked: str, accepted: str, spoken: str) -> None:
    assert negotiated(asked, accepted) == spoken


def test_days_counts_and_stages_are_told_in_the_language() -> None:
    told = Told("reading %(count)d passages", count=7)
    assert (told, html.stage_words(told)) == ("reading 7 passages", "Reading 7 passages")
    with speaking("es"):
        assert html.stage_words(told) == "Leyendo 7 pasajes"
        assert [written_date(date) for date in ("2024-07-03", "2023-06", "2023", None)] == [
            "3 de julio de 2024", "junio de 2023", "2023", "sin fecha",
        ]  # fmt: skip
        assert "1 artículo<" in html.header(1, "")
        assert html.plain(Overview("herons", "", (), 0.0, 0)) == "Nada en los artículos trata de «herons»."
    assert written_date("2024-07-03") == "3 July 2024"


def test_an_answer_is_kept_in_english_and_shown_in_the_language() -> None:
    with speaking("es"):
        answer = with_text(FakeBot([document("a.txt", "Herons eat eels.")]).ask("Who is the king of Veldmar?"))
        assert answer.text == "The articles do not say."
        assert unsaid(answer) == "Los artículos no lo dicen."


def english(language: str) -> list[re.Pattern[str]]:
    """What is left on a page that is not translated: each message that is another one in the language."""
    found = []
    for message in messages(catalogue(language)):
        ids, strings = (one if isinstance(one, (tuple, list)) else (one,) for one in (message.id, message.string))
        for one in set(ids) - set(strings):
            parts = re.split(r"%\(\w+\)[ds]", re.sub("</?em>", "", one))
            if any(len(part.strip()) > 2 for part in parts):
                text = ".+".join(map(re.escape, parts))
                found.append(re.compile(text + "[.…:]?", re.IGNORECASE | re.DOTALL))
    return found


@pytest.mark.parametrize("way", ["browser", "address"])
def test_the_spanish_page_has_no_english_of_ours(
    visit: Callable[..., Talk], served: str, tmp_path: Path, way: str
) -> None:
    talk = visit(served, locale="es-ES") if way == "browser" else visit(f"{served}?lang=es")
    page, left = talk.page, english("es")

    def looked_at() -> list[str]:
        seen = page.evaluate(SEEN)
        return [text for text in map(str.strip, seen) if any(pattern.fullmatch(text) for pattern in left)]

    page.wait_for_function("document.querySelector('#ask-row button')?.textContent.trim() === 'Panorama'")
    page.wait_for_selector("#modes >> text=Comprobar un texto")
    assert page.evaluate("document.documentElement.lang") == "es"
    assert looked_at() == []
    talk.ask("When did the minister arrive in Minsk?")
    talk.ask("Who is the king of Veldmar?")
    assert "Los artículos no lo dicen." in page.inner_text("#log")
    talk.ask("?")
    assert looked_at() == []
    page.get_by_role("button", name="Panorama").click()
    talk.turn(3)
    page.locator("#log .turn").first.locator(".mark").first.click()
    page.wait_for_selector("#sources .sources")
    talk.tab("Artículos")
    (tmp_path / "stray.txt").write_bytes("The gannet – a día – nests. ".encode() + b"Pe\xf1a" + "ñ año".encode())
    (tmp_path / "run.txt").write_bytes(b"")
    page.set_input_files("#upload input[type=file]", [tmp_path / "stray.txt", tmp_path / "run.txt"])
    page.wait_for_selector("#own .noted")
    page.locator("#own .only").first.click()
    page.wait_for_selector("#filters .chosen")
    page.locator("#corpus .title").first.click()
    page.wait_for_selector("#whole dialog")
    assert looked_at() == []
    page.locator("#whole .close").click()
    page.get_by_role("button", name="Comprobar un texto").click()
    page.fill("#draft textarea", "The minister arrived in Minsk on Monday. The heron is the king of Veldmar.")
    page.click("#check")
    page.wait_for_selector("#checked .sum")
    page.locator("#checked .verdict").first.click()
    page.wait_for_selector("#evidence .said-of")
    assert looked_at() == []


def test_english_is_spoken_where_nothing_is_asked(visit: Callable[..., Talk], served: str) -> None:
    page = visit(served, locale="fr-FR").page
    page.wait_for_selector("#modes >> text=Check a text")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == "Ask the articles"
