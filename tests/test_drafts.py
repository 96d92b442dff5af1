"""Checking a text: what is read of it, what is printed and returned, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from fakes import FakeEmbedder, make_document
from fastapi.testclient import TestClient
from test_verifier import CLOSED, VISIT, WEIGHTS, WordReader, chunks_of
from typer.testing import CliRunner

from rag.answering.confidence import Calibration
from rag.articles.drafts import MAX_DRAFT, pasted
from rag.cli import app
from rag.config import Settings
from rag.draft_report import check
from rag.errors import RagError
from rag.grounding.checking import Checker, sentences_of
from rag.grounding.generators import Generator
from rag.grounding.verifier import Verifier
from rag.parts import Parts
from rag.pipeline import Chatbot
from rag.present.checks import Checked
from rag.serve.api import create_app
from rag.types import Check, Document

MARKDOWN = "# Bridges of Minsk city\n\nAnna Petrova **came to Minsk**. Why?\n\n- The bridge in Minsk is open to cars\n"
TRUE, FALSE, UNKNOWN = "Anna Petrova came to Minsk.", "The bridge in Minsk is open to cars.", "Havana has a harbour."


def parts(settings: Settings | None = None, generator: Generator | None = None) -> Parts:
    reader = WordReader()
    return Parts(FakeEmbedder(), reader, Calibration.of_margin(), Verifier(reader, WEIGHTS, 0.9), generator)


@pytest.fixture
def bot() -> Chatbot:
    return Chatbot.from_documents([VISIT, CLOSED], parts=parts())


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for document in (VISIT, CLOSED):
        (folder / document.id).write_text(document.text)
    return folder


Run = Callable[..., Result]


@pytest.fixture
def run(articles: Path) -> Run:
    def invoke(*arguments: str | Path, code: int, text: str | None = None) -> Result:
        given = ["check", "--corpus", str(articles), *map(str, arguments)]
        result = CliRunner().invoke(app, given, input=text, prog_name="rag", obj=parts)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


# --- what is read ----------------------------------------------------------------------------------------------------


def test_markdown_is_read_where_it_has_headings_or_lists_and_words_as_they_are_elsewhere() -> None:
    read = pasted(MARKDOWN)
    assert read.text == ("Bridges of Minsk city\nAnna Petrova came to Minsk. Why?\nThe bridge in Minsk is open to cars")
    found = [(place.kind, read.text[place.start : place.end]) for place in sentences_of(read)]
    assert found == [
        ("heading", "Bridges of Minsk city"), ("paragraph", TRUE), ("paragraph", "Why?"), ("item", FALSE[:-1]),
    ]  # fmt: skip
    plain = "The price was 3 * 4 euros.\nA *second* line."
    assert pasted(plain).text == plain
    assert pasted(MARKDOWN, markdown=False).text == MARKDOWN
    assert pasted(plain, markdown=True).text == "The price was 3 * 4 euros. A second line."


@pytest.mark.parametrize(("text", "why"), [("", "no text"), (" \n…", "no text"), ("word " * MAX_DRAFT, "at most")])
def test_what_cannot_be_checked_is_told(text: str, why: str) -> None:
    with pytest.raises(RagError, match=why):
        pasted(text)


def test_short_lines_of_a_list_are_sentences_of_their_own() -> None:
    lines = ["The mayor opened the bridge in the town", "The baker closed her shop in the town", "Nobody came at all"]
    read = pasted("\n".join(f"- {line}" for line in [*lines, "It rained on the whole of that day"]))
    assert [read.text[place.start : place.end] for place in sentences_of(read)][:3] == lines


def test_a_draft_is_cut_as_an_article_is() -> None:
    german = "Die Brücke über die Swislatsch stammt aus dem 18. Jahrhundert. Die Stadt hat kein Geld, sie zu öffnen."
    table = pasted("# Tanks\n\n| Country | Note |\n|---|---|\n| Belarus | Shows 300 tanks. Of these 20 are old |\n")
    for read, last in ((pasted(german), german[german.index("Die Stadt") :]), (table, table.text.split("\n")[-1])):
        found = [read.text[place.start : place.end] for place in sentences_of(read)]
        assert len(found) == 2
        assert found[-1] == last


# --- the bot ---------------------------------------------------------------------------------------------------------


def test_a_bot_checks_a_statement_with_exact_quotes(bot: Chatbot) -> None:
    supported = bot.check(TRUE)
    assert (supported.verdict, supported.citations[0].quote) == ("supported", "Anna Petrova came to Minsk on 30 June.")
    against = bot.check(FALSE)
    assert (against.verdict, against.citations[0].quote) == (
        "contradicted", "The bridge in Minsk is not open to cars.",
    )  # fmt: skip
    unknown = bot.check(UNKNOWN)
    assert (unknown.verdict, unknown.citations) == ("not stated", ())
    assert unknown.nearest
    for citation in (*supported.citations, *against.citations, *unknown.nearest):
        assert bot.document(citation.document_id).text[citation.start : citation.end] == citation.quote
    with pytest.raises(RagError, match="empty"):
        bot.check("  ")


def test_a_bot_checks_a_draft_by_its_blocks_and_passes_its_headings_over(bot: Chatbot) -> None:
    found = list(bot.check_text(pasted(MARKDOWN)))
    assert [check.verdict for check in found] == ["no claim", "supported", "no claim", "contradicted"]


def test_an_article_that_changes_is_looked_for_again() -> None:
    """The first search finds a passage of a text that is another by now."""
    now = replace(VISIT, text=f"Corrected. {VISIT.text}")
    searches = iter([chunks_of(VISIT), chunks_of(now)])
    checker = Checker(Verifier(WordReader(), WEIGHTS, 0.9), lambda _: next(searches), {now.id: now}.__getitem__)
    (citation,) = checker.check(TRUE).citations
    assert now.text[citation.start : citation.end] == citation.quote == "Anna Petrova came to Minsk on 30 June."
    restless = Checker(Verifier(WordReader(), WEIGHTS, 0.9), lambda _: chunks_of(VISIT), {now.id: now}.__getitem__)
    with pytest.raises(RagError, match="changed all the time"):
        restless.check(TRUE)


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_report_names_each_verdict_with_its_source(run: Run) -> None:
    out = run(f"{TRUE} Why did she come? {FALSE} {UNKNOWN}", code=3).stdout
    assert "✓ SUPPORTED (98% supported): Anna Petrova came to Minsk.\n" in out
    assert 'visit.txt, characters 0-38\n    "Anna Petrova came to Minsk on 30 June."' in out
    assert "· Why did she come?\n" in out
    assert "✗ CONTRADICTED" in out
    assert "nearest, neither for nor against it:" in out
    assert out.endswith("\n1 supported, 1 contradicted, 1 not stated, 1 no claim.\n")


def test_the_exit_code_tells_whether_all_stands(run: Run, tmp_path: Path) -> None:
    draft = tmp_path / "draft.md"
    draft.write_text(f"# A visit to the town\n\n{TRUE}\n")
    assert "1 supported, 0 contradicted, 0 not stated, 1 no claim." in run(draft, code=0).stdout
    assert "1 supported" in run("-", code=0, text=f"{TRUE}\n").stdout
    draft.write_text(f"{TRUE} {UNKNOWN}")
    run(draft, code=3)
    assert "does not exist" in run("drfat.md", code=1).stderr
    assert "no text" in run("", code=1).stderr


def test_a_path_that_leads_to_no_text_is_told_and_a_long_statement_is_none(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "my drafts"
    folder.mkdir()
    (folder / "draft.md").write_text(TRUE)
    run(folder / "draft.md", code=0)
    assert "does not exist" in run(folder / "drfat.md", code=1).stderr
    assert "does not exist" in run(folder / "draft.wpd", code=1).stderr
    assert "is a folder" in run(folder, code=1).stderr
    run(f"{TRUE} " * 30, code=0)
    run("Anna Petrova came to Minsk and/or paid 3.5", code=3)


def test_what_to_know_of_a_file_that_was_read_is_told(run: Run, tmp_path: Path) -> None:
    draft = tmp_path / "draft.txt"
    draft.write_bytes(TRUE.encode() + " Álvaro ".encode() + b"Pe\xf1a said so por la ma\xf1ana, d\xc3\xada bonito.")
    for more in ([], ["--json"]):
        result = run(draft, *more, code=3)
        assert f"rag: {draft}: it is not UTF-8" in result.stderr
        assert "UTF-8" not in result.stdout
    (tmp_path / "draft.zip").write_bytes(b"PK")
    assert "unpack it" in run(tmp_path / "draft.zip", code=1).stderr


def test_json_holds_each_sentence_with_its_place(run: Run) -> None:
    out = run("--json", f"{TRUE} {UNKNOWN}", code=3).stdout
    assert out.count("\n") == 1
    made = json.loads(out)
    assert [made["text"][c["start"] : c["end"]] for c in made["checks"]] == [TRUE, UNKNOWN]
    assert [c["verdict"] for c in made["checks"]] == ["supported", "not stated"]
    assert made["counts"] == {"supported": 1, "contradicted": 0, "not stated": 1, "no claim": 0}
    assert made["complete"] is True
    assert "articles/" not in out  # no path of this machine


def test_an_interruption_keeps_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupted:
        def check_text(self, text: str | Document) -> Iterator[Check]:
            yield Check(TRUE, "supported", 0.9)
            raise KeyboardInterrupt

    made, code = check(Interrupted(), pasted(f"{TRUE} {UNKNOWN}"), as_json=False)
    assert (len(made["checks"]), made["complete"], code) == (1, False, 1)
    out = capsys.readouterr().out
    assert out.startswith("✓ SUPPORTED")
    assert out.endswith("Stopped after 1 of 2 sentences: 1 supported, 0 contradicted, 0 not stated, 0 no claim.\n")


# --- the routes ------------------------------------------------------------------------------------------------------


def test_the_route_checks_a_text(bot: Chatbot) -> None:
    with TestClient(create_app(bot), base_url="http://127.0.0.1") as client:
        made = client.post("/api/check", json={"text": f"{TRUE} {FALSE}"}).json()
        assert [c["verdict"] for c in made["checks"]] == ["supported", "contradicted"]
        assert made["checks"][0]["citations"][0]["quote"] == "Anna Petrova came to Minsk on 30 June."
        assert "/articles/" not in json.dumps(made)
        made = client.post("/api/check", json={"text": MARKDOWN, "markdown": True}).json()
        assert [c["verdict"] for c in made["checks"]] == ["no claim", "supported", "no claim", "contradicted"]
        assert client.post("/api/check", json={"text": "?!"}).status_code == 400
        assert client.post("/api/check", json={}).status_code == 422
        assert client.post("/api/check", json={"text": "x" * 50_001}).status_code == 422


def test_the_tool_checks_a_text(bot: Chatbot) -> None:
    call = {"name": "check", "arguments": {"text": f"{TRUE} {UNKNOWN}"}}
    headers = {"Accept": "application/json, text/event-stream"}
    with TestClient(create_app(bot), base_url="http://127.0.0.1") as client:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        result = client.post("/mcp", json=body, headers=headers).json()["result"]
    assert [c["verdict"] for c in result["structuredContent"]["checks"]] == ["supported", "not stated"]


# --- what the page shows ---------------------------------------------------------------------------------------------


def test_a_text_is_shown_in_its_lines_with_what_was_checked() -> None:
    document = make_document("draft", f"{TRUE} {FALSE}\n{UNKNOWN}")
    text = Checked(document, sentences_of(document), [Check(TRUE, "supported", 0.9)])
    first, second = text.paragraphs()
    assert [(number, words, check and check.verdict) for number, words, check in first[1]] == [
        (0, TRUE, "supported"), (1, FALSE, None),
    ]  # fmt: skip
    assert [words for _, words, _ in second[1]] == [UNKNOWN]
