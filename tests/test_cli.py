"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from fakes import BREAD, FakeEmbedder, fake_parts
from test_writing import FakeGenerator, WordVerifier

import rag
from rag.config import Settings
from rag.console import Growing
from rag.grounding.generators import Delta, Generator, Prompt
from rag.parts import Parts

Run = Callable[..., Result]


def one_object(result: Result) -> dict[str, object]:
    """The one JSON object on standard output, with nothing else there."""
    assert result.stdout.count("\n") == 1

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads(result.stdout, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"rag {rag.__version__}\n"


def test_an_answer_is_printed_with_its_source(run: Run, articles: Path) -> None:
    out = run("ask", "--corpus", articles, "Who sells rye bread in Gdansk?").stdout
    assert out.startswith("The baker Anna Kowalska sells rye bread in Gdansk. [1]\n")
    assert "bread.txt, characters 0-50\n" in out
    assert '"The baker Anna Kowalska sells rye bread in Gdansk."\n' in out


def test_an_abstention_is_no_error(run: Run, articles: Path) -> None:
    out = run("ask", "--corpus", articles, "How many people live in Reykjavik?").stdout
    assert out.startswith("The articles do not say.\n")
    assert "Nearest sentences (not an answer):" in out
    assert '"Sailors repaired three ships near the harbour of Odesa, 3 May 2021."' in out


def test_json_is_one_object_and_nothing_else(run: Run, articles: Path) -> None:
    (articles / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    result = run("ask", "--json", "--corpus", articles, "Who sells rye bread in Gdansk?")
    answer = one_object(result)
    assert answer["abstained"] is False
    [citation] = answer["citations"]  # type: ignore[misc]
    assert BREAD[citation["start"] : citation["end"]] == citation["quote"]
    assert "broken.pdf" in result.stderr
    abstention = one_object(run("ask", "--json", "--corpus", articles, "How many people live in Reykjavik?"))
    assert (abstention["abstained"], abstention["citations"]) == (True, [])


def test_history_reaches_the_bot(run: Run, articles: Path) -> None:
    earlier = ["--history", "Where did sailors repair three ships?", "--history", "Who is Anna Kowalska?"]
    answer = one_object(run("ask", "--json", "--corpus", articles, *earlier, "When did she open her shop?"))
    last = "Who is Anna Kowalska? The baker Anna Kowalska sells rye bread in Gdansk."
    assert answer["understood"] == f"(Where did sailors repair three ships? {last}) When did she open her shop?"
    assert answer["short_answer"] == "She opened her shop in 1994."


def test_without_a_corpus_the_five_articles_are_asked(run: Run) -> None:
    answer = one_object(run("ask", "--json", "Who is Minister of the Revolutionary Armed Forces of Cuba?"))
    assert str(answer["passages"][0]["chunk"]["document_id"]).startswith("00")  # type: ignore[index]


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask"],
        ["index"],
        ["nonsense"],
        ["ask", "--nonsense", "x"],
        ["ask", "one", "two"],
        ["remove"],
        ["index", "--chunk-tokens", "many", "x"],
        ["index", "--chunk-tokens", "1", "x"],
        ["serve", "--port", "70000"],
    ],
)
def test_wrong_usage_exits_with_two(run: Run, arguments: list[str]) -> None:
    result = run(*arguments, code=2)
    assert result.stdout == ""
    assert "rag" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", ""], "the question is empty; type one"),
        (["ask", "x" * 2001], "the question has 2001 characters, expected at most 2000"),
        (["ask", "--corpus", "/no/such/folder", "Why?"], "/no/such/folder does not exist"),
        (["index", "/no/such/folder"], "/no/such/folder does not exist"),
        (["remove", "none.txt"], "no document is called 'none.txt'"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_person_can_mend_is_one_line(run: Run, arguments: list[str], message: str, as_json: bool) -> None:
    if as_json and arguments[0] == "remove":
        pytest.skip("prints no JSON")
    result = run(*arguments, *(["--json"] if as_json else []), code=1)
    assert result.stdout == ""
    assert result.stderr.startswith("rag: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_damaged_index_is_one_line(run: Run, articles: Path, tmp_path: Path) -> None:
    run("index", "--index", tmp_path / "index", articles)
    gc.collect()  # closes the index, whose log would mend the file
    (tmp_path / "index" / "index.sqlite").write_bytes(b"damaged" * 1000)
    for arguments in (["ask", "Why?", "--corpus"], ["documents", "--corpus"]):
        result = run(*arguments, tmp_path / "index", code=1)
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "delete the folder and index the articles again" in result.stderr


def test_index_documents_remove(run: Run, articles: Path) -> None:
    out = run("index", articles).stdout
    assert out.startswith("2 added, 0 updated, 0 removed, 0 unchanged (2 documents in ")
    assert run("documents").stdout.splitlines() == [
        f"bread.txt\tundated\t{BREAD}",
        "ships.txt\tundated\tSailors repaired three ships near the harbour of Odesa, 3 May 2021.",
    ]
    listed = json.loads(run("documents", "--json").stdout)
    assert [entry["id"] for entry in listed] == ["bread.txt", "ships.txt"]
    assert run("remove", "bread.txt").stdout == "removed bread.txt\n"
    assert run("documents").stdout.count("\n") == 1
    assert run("ask", "Who sells rye bread in Gdansk?").stdout.startswith("The articles do not say.")
    (articles / "ships.txt").write_text("Sailors repaired four ships.")
    report = one_object(run("index", "--json", articles))
    assert report == {
        "added": 1, "updated": 1, "removed": 0, "unchanged": 0, "failed": [], "skipped": [], "notes": [],
    }  # fmt: skip
    assert run("ask", "Who sells rye bread in Gdansk?").stdout.startswith("The baker")


def test_bad_files_are_named_with_the_reason_on_standard_error(run: Run, articles: Path) -> None:
    (articles / "empty.txt").write_text("")
    (articles / "binary.md").write_bytes(b"a\x00b")
    (articles / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    result = run("index", articles)
    assert result.stdout.startswith("2 added, 0 updated, 0 removed, 0 unchanged, 3 could not be read (2 documents in ")
    lines = [line for line in result.stderr.splitlines() if line.startswith("rag: left out ")]
    assert len(lines) == 3
    for name, reason in (("binary.md", "is binary"), ("broken.pdf", "broken.pdf "), ("empty.txt", "is empty")):
        assert sum(f"/{name}: {name} " in line and reason in line for line in lines) == 1
    failed = one_object(run("index", "--json", articles))["failed"]
    assert [Path(path).name for path, _ in failed] == ["binary.md", "broken.pdf", "empty.txt"]  # type: ignore[attr-defined]


def test_an_index_made_otherwise_is_asked_as_it_was_made(run: Run, articles: Path, tmp_path: Path) -> None:
    def load(settings: Settings, generator: Generator | None) -> Parts:
        return fake_parts(settings, generator, FakeEmbedder(f"fake|{settings.embedding_model}"))

    made = ["--embedding-model", "other", "--chunk-tokens", "50"]
    folder = tmp_path / "index"
    run("index", articles, "--index", folder, *made, load=load)
    assert "Kowalska" in run("ask", "--corpus", folder, "Who sells rye bread in Gdansk?", load=load).stdout
    assert run("documents", "--corpus", folder).stdout.count("\n") == 2
    result = run("index", articles, "--index", folder, code=1, load=load)
    assert "was built with embedding = 'fake|other', asked for is 'fake|default'" in result.stderr


def test_chat_goes_on_after_a_mistake_and_ends_at_an_empty_line(run: Run, articles: Path) -> None:
    typed = f"Who sells rye bread in Gdansk?\n{'x' * 2001}\nWhen did she open her shop?\n\nnever asked\n"
    result = run("chat", "--corpus", articles, text=typed)
    assert "2 articles." in result.stdout
    assert "rye bread in Gdansk. [1]" in result.stdout
    assert "1994" in result.stdout
    assert "never asked" not in result.stdout
    assert "the question has 2001 characters" in result.stderr
    assert "2 articles." in run("chat", "--corpus", articles, text="").stdout  # Ctrl-D


CHOICES = [
    (["--since", "2021-05"], "Boris"),
    (["--until", "2021"], "Anna"),
    (["--in", "2022-06-01.txt"], "Boris"),
    (["--since", "2021", "--until", "2021-04", "--in", "2021-04-03.txt"], "Anna"),
]
"""Options, and the baker of the one article that they choose."""


@pytest.fixture
def bakers(tmp_path: Path) -> Path:
    """Two articles that differ in their day and in their baker."""
    folder = tmp_path / "bakers"
    folder.mkdir()
    for day, baker in (("2021-04-03", "Anna"), ("2022-06-01", "Boris")):
        (folder / f"{day}.txt").write_text(f"The baker {baker} sells rye bread in Gdansk.")
    return folder


@pytest.mark.parametrize(("chosen", "baker"), CHOICES)
def test_each_command_that_asks_takes_the_choice_of_articles(
    run: Run, bakers: Path, chosen: list[str], baker: str
) -> None:
    asked = ["--corpus", bakers, *chosen]
    other = {"Anna": "Boris", "Boris": "Anna"}[baker]
    question = "Who sells rye bread in Gdansk?"
    for out in (
        run("ask", *asked, question).stdout,
        run("overview", *asked, "rye bread").stdout,
        run("chat", *asked, text=f"{question}\n").stdout,
        run("check", *asked, f"{baker} sells rye bread in Gdansk.").stdout,
    ):
        assert f"The baker {baker} sells rye bread in Gdansk." in out
        assert f"The baker {other}" not in out
    assert "1 articles." in run("chat", *asked, text="").stdout


@pytest.mark.parametrize("command", [["ask", "Why?"], ["overview"], ["chat"], ["check", "It rained."]])
@pytest.mark.parametrize(
    ("chosen", "said"),
    [(["--since", "May"], "expected YYYY"), (["--since", "2024", "--until", "2023"], "exchange them"),
     (["--in", "Pravda"], "no article, folder or outlet is called 'Pravda'")],
)  # fmt: skip
def test_a_choice_that_makes_no_sense_is_one_line(
    run: Run, articles: Path, command: list[str], chosen: list[str], said: str
) -> None:
    result = run(*command, "--corpus", articles, *chosen, code=1)
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["ask", "Who sells rye bread?"], 0),
        (["overview"], 0),
        (["chat"], 0),
        (["check", "Nobody sells ships."], 3),
        (["documents"], 0),
        (["remove", "bread.txt"], 0),
    ],
)
def test_the_option_that_a_message_names_is_there(run: Run, articles: Path, command: list[str], code: int) -> None:
    (articles / "rain.txt").write_text("It rained on the whole of that day. " * 100)
    asked = [*command, "--corpus", articles]
    said = run(*asked, "--max-file-megabytes", "0.001", text="", code=code).stderr
    assert re.search(r"rain\.txt: .*raise the limit \(--max-file-megabytes\)", said)
    if command[0] != "remove":  # which has been removed
        assert "rain.txt" not in run(*asked, "--max-file-megabytes", "0.01", text="", code=code).stderr


@pytest.mark.parametrize(("megabytes", "code"), [("0.001", 1), ("0.01", 3)])
def test_a_draft_has_the_limit_of_the_articles(
    run: Run, articles: Path, tmp_path: Path, megabytes: str, code: int
) -> None:
    draft = tmp_path / "draft.txt"
    draft.write_text("It rained on the whole of that day. " * 100)
    said = run("check", draft, "--corpus", articles, "--max-file-megabytes", megabytes, code=code).stderr
    assert ("--max-file-megabytes" in said) is (code == 1)


def rag_process(*arguments: str | Path | bytes) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rag", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_real_process_prints_its_version_and_mistakes() -> None:
    done = rag_process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"rag {rag.__version__}\n", "")
    assert rag_process("nonsense").returncode == 2


@pytest.mark.models
def test_a_real_process_prints_one_object(articles: Path) -> None:
    # Bytes that are no UTF-8 must not end in a traceback either.
    done = rag_process("ask", "--json", "--corpus", articles, b"Who sells rye bread in Gdansk \xff?")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 1
    answer = json.loads(done.stdout)
    assert answer["question"] == "Who sells rye bread in Gdansk \N{REPLACEMENT CHARACTER}?"
    assert answer["citations"][0]["quote"] == "The baker Anna Kowalska sells rye bread in Gdansk."


@pytest.mark.models
def test_a_real_process_indexes_and_lists(articles: Path) -> None:
    assert rag_process("index", articles).stdout.startswith("2 added")
    assert rag_process("documents").stdout.count("\n") == 2
    done = rag_process("index", articles / "none.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"rag: {articles / 'none.txt'} does not exist; expected a file or a folder of articles\n"


def test_overview_prints_sentences_with_their_places(run: Run, articles: Path) -> None:
    shown = run("overview", "rye bread", "--corpus", articles).stdout
    assert "[1] undated, The baker Anna Kowalska sells rye bread in Gdansk." in shown
    assert "bread.txt, characters 0-50" in shown
    record = one_object(run("overview", "--json", "--corpus", articles))
    assert [citation["document_id"] for citation in record["citations"]] == ["bread.txt", "ships.txt"]  # type: ignore[attr-defined]
    assert (
        run("overview", "volcanoes", "--corpus", articles).stdout == "Nothing in the articles is about “volcanoes”.\n"
    )


# --- a language model ------------------------------------------------------------------------------------------------


class Baker(FakeGenerator):
    """Writes its second sentence only once the first was printed."""

    name = "baker"

    def __init__(self) -> None:
        super().__init__()
        self.printed = threading.Event()

    def stream(self, prompt: Prompt) -> Iterator[Delta]:
        yield Delta(f"Anna Kowalska sells rye bread in Gdansk [{prompt.passages[0].key}]. She ")
        assert self.printed.wait(20)
        yield Delta("opened her shop in 1994. She sells ships.")
        yield Delta("", "stop", 70, 30)


@pytest.fixture
def baker(monkeypatch: pytest.MonkeyPatch) -> Baker:
    made, show = Baker(), Growing.show

    def shown(growing: Growing, text: str) -> None:
        show(growing, text)
        made.printed.set()

    monkeypatch.setattr("rag.grounding.generators.load_generator", lambda name: made)
    monkeypatch.setattr(Growing, "show", shown)
    return made


def by_words(settings: Settings, generator: Generator | None = None) -> Parts:
    return replace(fake_parts(settings, generator), verifier=WordVerifier())


def test_sentences_are_printed_as_they_are_checked(run: Run, articles: Path, baker: Baker) -> None:
    asked = ["--corpus", articles, "--generator", "baker"]
    out = run("ask", *asked, "Who sells rye bread in Gdansk?", load=by_words).stdout
    assert out.startswith(
        "Anna Kowalska sells rye bread in Gdansk. [1] She opened her shop in 1994. [2]\n(worded by baker;"
    )
    assert out.count("[1] She opened") == 1
    baker.printed.clear()
    talk = run("chat", *asked, text="Who sells rye bread in Gdansk?\n\n", load=by_words).stdout
    assert "> Anna Kowalska sells rye bread in Gdansk. [1] She opened her shop in 1994. [2]\n(worded" in talk


def test_explain_tells_how_each_sentence_was_checked(run: Run, articles: Path, baker: Baker) -> None:
    asked = ["--corpus", articles, "--explain", "Who sells rye bread in Gdansk?"]
    out = run("ask", "--generator", "baker", *asked, load=by_words).stdout
    told = [line for line in out.partition("How it was checked:\n")[2].splitlines() if "bread.txt, char" not in line]
    title = f"    {BREAD}"
    assert told == [
        "kept, supported with 90%: Anna Kowalska sells rye bread in Gdansk.",
        title,
        '    "The baker Anna Kowalska sells rye bread in Gdansk."',
        "kept, supported with 90%: She opened her shop in 1994.",
        title,
        '    "She opened her shop in 1994."',
        "dropped, supported with 0%: She sells ships.",
        "    states nothing that can be checked",
    ]
    assert run("ask", *asked).stdout.endswith("How it was checked:\nno language model was asked\n")
