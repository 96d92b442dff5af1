"""The command: run, resume, compare, fail, and a report that stands alone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from fakes import FakeEmbedder, FakeReader, make_document
from typer.testing import CliRunner

from eval import ablate
from eval.__main__ import main
from eval.command import UNMET
from eval.datasets import Dataset, DatasetError, Question
from eval.run import PREDICTIONS, run
from eval.sets import HERE
from rag.answering.confidence import agree
from rag.articles.chunking import chunk_document
from rag.types import Chunk, Span

CITIES = [
    "Minsk",
    "Brest",
    "Moscow",
    "Havana",
    "Ankara",
    "Riga",
    "Vilnius",
    "Warsaw",
    "Prague",
    "Madrid",
    "Lima",
    "Oslo",
]


@pytest.fixture
def questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve answerable questions and four that are not, over one article a city, and three systems."""
    (tmp_path / "corpus").mkdir()
    rows = []
    for i, city in enumerate(CITIES):
        text = f"Visit number {i} of the delegation took place in {city} & <surroundings>.\nThe weather was fair.\n"
        (tmp_path / "corpus" / f"{city}.txt").write_text(text)
        evidence = [{"document_id": f"{city}.txt", "quote": text.split("\n")[0]}]
        question = {"id": city, "type": "where", "question": f"Where was visit {i}?", "answerable": True}
        rows.append(question | {"answers": [city], "evidence": evidence, "split": "tune" if i % 2 else "test"})
    for i in range(4):
        question = {"id": f"no-{i}", "type": "unanswerable", "question": f"Who paid for {i}?", "answerable": False}
        rows.append(question | {"answers": [], "evidence": [], "split": "test"})
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "eval_fake_systems.py").write_text(
        f"""
CITIES = {CITIES!r}

def good(question, history):
    if question.startswith("Who"):
        return {{"short_answer": "", "abstained": True, "confidence": 0.1, "passages": []}}
    i = int(question.split()[-1][:-1])
    city = CITIES[i]
    quote = f"Visit number {{i}} of the delegation took place in {{city}} & <surroundings>."
    place = {{"document_id": city + ".txt", "start": 0, "end": len(quote)}}
    return {{
        "short_answer": city, "text": quote + " [1]", "confidence": 0.9, "abstained": False,
        "citations": [place | {{"quote": quote}}], "passages": [place | {{"text": quote}}],
        "seconds": {{"reading": 0.5}},
    }}

def worse(question, history):
    answer = good(question, history)
    if question.startswith("Where") and int(question.split()[-1][:-1]) % 2:
        answer |= {{"short_answer": "Atlantis", "text": "Atlantis [1]"}}
    return answer

def misquoting(question, history):
    answer = good(question, history)
    return answer | {{"citations": [c | {{"start": c["start"] + 1}} for c in answer.get("citations", [])]}}

def slow(question, history):
    return good(question, history) | {{"seconds": {{"reading": 500.0}}}}

def silent(question, history):
    return {{"short_answer": good(question, history)["short_answer"]}}

def sometimes_failing(question, history):
    if question.startswith("Where was visit 3"):
        raise RuntimeError("out of order")
    return good(question, history)

def numpyish(question, history):
    import numpy

    return good(question, history) | {{"confidence": numpy.float32(0.75), "number": numpy.int64(3)}}

def unquoting(question, history):
    answer = good(question, history)
    for citation in answer.get("citations", ()):
        del citation["quote"]
    return answer

def nowhere(question, history):
    return good(question, history) | {{"citations": [{{"start": 0, "end": 5}}]}}

def unsupported(question, history):
    return good(question, history) | {{"statements": ["They met."]}}

def unsure(question, history):
    return good(question, history) | {{"confidence": float("nan")}}

def once_misquoting(question, history):
    return (misquoting if question.startswith("Where was visit 3") else good)(question, history)

def offering(question, history):
    if question.startswith("Who"):
        return {{"short_answer": "Anna", "text": "Anna", "abstained": False, "confidence": 0.1, "passages": []}}
    return good(question, history)

def failing(question, history):
    raise RuntimeError("out of order")
"""
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "set.jsonl"


def command(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, ["--dataset", "set.jsonl", "--corpus", "corpus", *arguments])


def figures(folder: str) -> dict[str, float]:
    report = json.loads((Path(folder) / "report.json").read_text())
    return {name: figure["value"] for name, figure in report["figures"]["all"].items()}


def test_a_worse_system_scores_worse_and_is_caught(questions: Path) -> None:
    assert command("--system", "eval_fake_systems:good", "--output", "good").exit_code == 0
    assert command("--system", "eval_fake_systems:good", "--compare", "good").exit_code == 0
    result = command("--system", "eval_fake_systems:worse", "--output", "worse", "--compare", "good")
    assert result.exit_code == UNMET
    assert "right_cited fell beyond chance" in result.output
    good, worse = figures("good"), figures("worse")
    assert (good["passed"], good["right_cited"], good["refused"], good["citation_exact"]) == (1, 1, 1, 1)
    assert (worse["passed"], worse["right_cited"], worse["refused"]) == (10 / 16, 0.5, 1)
    assert good["auroc"] == worse["auroc"] == 1
    assert good["ece"] == pytest.approx(0.1)
    assert worse["ece"] == pytest.approx(0.4)


def test_time_and_chance_fail_no_comparison(questions: Path) -> None:
    command("--system", "eval_fake_systems:good", "--output", "good")
    for system in ("slow", "good"):
        assert command("--system", f"eval_fake_systems:{system}", "--compare", "good").exit_code == 0
    # The committed baseline is report.json alone.
    Path("baseline").mkdir()
    Path("good/report.json").rename("baseline/report.json")
    result = command("--system", "eval_fake_systems:worse", "--compare", "baseline")
    assert result.exit_code == UNMET
    assert "passed fell beyond chance, compared with baseline" in result.output


def test_a_comparison_is_of_the_same_set(questions: Path) -> None:
    assert command("--system", "eval_fake_systems:good", "--split", "test", "--output", "good").exit_code == 0
    result = command("--system", "eval_fake_systems:good", "--split", "tune", "--compare", "good")
    assert result.exit_code == UNMET
    assert "passed is measured in good, but on no question of this run" in result.output
    result = command("--system", "eval_fake_systems:silent", "--compare", "good")
    assert result.exit_code == UNMET
    assert "Success@5 is measured in good, but on no question of this run" in result.output
    questions.write_text('{"version": "2"}\n' + questions.read_text())
    result = command("--system", "eval_fake_systems:good", "--compare", "good")
    assert result.exit_code == 2
    assert "good was made on another set: set, sha256" in result.output
    assert "this is set, version 2, sha256" in result.output


def test_a_misquoting_system_is_caught(questions: Path) -> None:
    result = command("--system", "eval_fake_systems:misquoting", "--fail-under", "citation_exact=1")
    assert result.exit_code == UNMET
    assert "citation_exact is 0.000, below 1.0" in result.output


def test_a_comparison_fails_at_one_broken_citation(questions: Path) -> None:
    command("--system", "eval_fake_systems:good", "--output", "good")
    result = command("--system", "eval_fake_systems:once_misquoting", "--compare", "good")
    assert result.exit_code == UNMET
    assert "citation_exact is 0.917, below 1.0" in result.output
    assert "beyond chance" not in result.output


def test_a_set_with_other_articles_is_another_set(questions: Path) -> None:
    good = ("--system", "eval_fake_systems:good")
    assert command(*good, "--output", "good").exit_code == 0
    report = Path("good/report.json")
    told = report.read_text()
    (questions.parent / "corpus" / "Minsk.txt").write_text("Nothing happened.\n")
    for arguments in (("--compare", "good"), ("--output", "good", "--resume")):
        result = command(*good, *arguments)
        assert (result.exit_code, "articles" in result.output) == (2, True)
    report.write_text(re.sub(r',\s*"articles": "\w+"', "", told))  # of a version that did not tell them
    assert "made on another set" not in command(*good, "--compare", "good").output


def test_a_rise_of_what_should_be_low_is_shown_as_bad(questions: Path) -> None:
    command("--system", "eval_fake_systems:good", "--output", "good")
    rows = [json.loads(line) for line in questions.read_text().splitlines()]
    rows += [row | {"id": f"more-{row['id']}"} for row in rows if not row["answerable"]]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command("--system", "eval_fake_systems:good", "--output", "good")
    result = command("--system", "eval_fake_systems:offering", "--output", "out", "--compare", "good")
    assert "offered rose beyond chance" in result.output
    page = Path("out/report.html").read_text()
    assert re.search(r"<td>offered</td>(?:<td>[\d.]+</td>\s*)+<td class=\"bad\">\+1.000", page)
    assert re.search(r"<td>refused</td>(?:<td>[\d.]+</td>\s*)+<td class=\"bad\">-1.000", page)


def test_every_baseline_is_read_before_anything_is_asked(questions: Path) -> None:
    app = typer.Typer()
    app.command()(main)
    Path("old/fixed").mkdir(parents=True)
    shutil.copy(HERE / "baseline" / "fixed" / "report.json", "old/fixed")
    asked = ["--set", "fixed", "--set", "yes-no", "--limit", "10", "--system", "eval_fake_systems:failing"]
    result = CliRunner().invoke(app, [*asked, "--compare", "old", "--output", "out"])
    assert (result.exit_code, "yes-no holds no report.json" in result.output) == (2, True)
    assert not Path("out").exists()


def test_an_answer_of_another_system_is_taken_in_its_numbers_or_refused(questions: Path) -> None:
    assert command("--system", "eval_fake_systems:numpyish", "--output", "out").exit_code == 0
    assert json.loads(Path("out/predictions.jsonl").read_text().split("\n")[0])["answer"]["number"] == 3
    assert command("--system", "eval_fake_systems:unquoting", "--output", "out").exit_code == 0
    assert figures("out")["citation_exact"] == 0
    for system, said in (
        ("nowhere", "one of its citations has no document_id"),
        ("unsupported", "one of its statements has no citations"),
        ("unsure", "Out of range float"),
    ):
        assert command("--system", f"eval_fake_systems:{system}", "--output", "out").exit_code == 0
        assert json.loads(Path("out/report.json").read_text())["errors"] > 0
        assert said in Path("out/predictions.jsonl").read_text()


def test_bounds(questions: Path) -> None:
    worse = ("--system", "eval_fake_systems:worse", "--fail-under")
    assert command(*worse, "right_cited=0.5", "--fail-under", "unanswerable/refused=1").exit_code == 0
    assert command(*worse, "where/passed=0.6").exit_code == UNMET
    assert command(*worse, "right_sited=0.5").exit_code == UNMET
    assert command(*worse, "much").exit_code == 2


def test_own_sets_have_a_folder_each(questions: Path) -> None:
    app = typer.Typer()
    app.command()(main)
    asked = [
        "--set",
        "yes-no",
        "--set",
        "fixed",
        "--system",
        "eval_fake_systems:failing",
        "--limit",
        "10",
        "--seed",
        "1",
    ]
    result = CliRunner().invoke(app, [*asked, "--output", "out"])
    assert result.exit_code == 0
    assert re.search(
        r"^yes-no, version 1, sha256 .*^fixed, version 1, sha256 ", result.output, re.MULTILINE | re.DOTALL
    )
    for name in ("yes-no", "fixed"):
        report = json.loads(Path("out", name, "report.json").read_text())
        assert report["errors"] == len(report["questions"]["id"]) >= 10
        assert report["run"]["seed"] == 1
    misplaced = CliRunner().invoke(app, ["--set", "fixed", "--corpus", "corpus"])
    assert (misplaced.exit_code, "have theirs" in misplaced.output) == (2, True)
    both = CliRunner().invoke(app, ["--set", "fixed", "--dataset", "set.jsonl"])
    assert (both.exit_code, "expected one of them" in both.output) == (2, True)


def test_wrong_use_is_one_line(questions: Path) -> None:
    for arguments, said in (
        (["--system", "eval_fake_systems:none"], "cannot be imported"),
        (["--setting", "readers=x"], "expected NAME=VALUE with one of"),
        (["--setting", "read=many"], "expected int for read"),
        (["--resume"], "name that folder"),
        (["--compare", "nowhere"], "holds no report.json"),
        (["--system", "eval_fake_systems:good", "--gold-passage"], "leave them or --system out"),
        (["--system", "eval_fake_systems:good", "--setting", "reader=sentence"], "leave them or --system out"),
    ):
        result = command(*arguments)
        assert result.exit_code == 2
        assert said in result.output
        assert "Traceback" not in result.output


def test_errors_of_a_system_are_failures(questions: Path) -> None:
    assert command("--system", "eval_fake_systems:failing", "--output", "out").exit_code == 0
    report = json.loads(Path("out/report.json").read_text())
    assert report["errors"] == 16
    assert report["failures"]["all"] == {"error": 16}
    assert figures("out")["passed"] == 0
    result = command("--system", "eval_fake_systems:sometimes_failing", "--output", "some")
    assert re.search(r"^errors +1 ", result.output, re.MULTILINE)
    assert figures("some")["Success@5"] == figures("some")["right_cited"] == pytest.approx(11 / 12)


def test_the_report_stands_alone(questions: Path) -> None:
    command("--system", "eval_fake_systems:good", "--output", "good")
    command("--system", "eval_fake_systems:worse", "--output", "out", "--compare", "good")
    page = Path("out/report.html").read_text()
    assert not re.search(r"https?:|//[a-z]|@import|<script|<link|<iframe|\ssrc=", page)
    assert all(target.startswith("#") for target in re.findall(r"""href=["']?([^"'\s>]+)""", page))
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert page.count("<svg") == 4
    assert "<surroundings>" not in page  # escaped
    assert "Atlantis" in page
    assert page.index("where (12)") < page.index("unanswerable (4)")  # weakest first
    assert "Against the run compared with" in page
    report = json.loads(Path("out/report.json").read_text())
    assert report["dataset"]["sha256"] in json.dumps(report)
    assert report["seconds"]["all"]["reading"] == {"median": 0.5, "p95": 0.5, "count": 12}
    assert len(Path("out/predictions.jsonl").read_text().splitlines()) == 16


def test_the_same_run_gives_the_same_figures(questions: Path) -> None:
    for folder in ("one", "two"):
        command("--system", "eval_fake_systems:worse", "--split", "test", "--output", folder)
    one, two = (json.loads((Path(folder) / "report.json").read_text()) for folder in ("one", "two"))
    assert one["figures"] == two["figures"]
    assert one["questions"] == two["questions"]
    assert len(one["questions"]["id"]) == 10


def test_a_run_that_was_cut_off_is_resumed(tmp_path: Path) -> None:
    dataset = Dataset("set", "1", "f00", tuple(Question(str(i), "x", f"q{i}") for i in range(6)))
    asked: list[str] = []

    def cut_off(question: Question) -> dict[str, Any]:
        if question.id == "4":
            raise KeyboardInterrupt
        return {"short_answer": f"first\u2028{question.id}"}

    def second(question: Question) -> dict[str, Any]:
        asked.append(question.id)
        return {"short_answer": f"second {question.id}"}

    with pytest.raises(KeyboardInterrupt):
        run(dataset, cut_off, tmp_path, {"system": "a"})
    kept = (tmp_path / PREDICTIONS).read_text()
    (tmp_path / PREDICTIONS).write_text(kept[:-10])  # the last line half written
    with pytest.raises(DatasetError, match="choose another --output"):
        run(dataset, second, tmp_path, {"system": "b"}, resume=True)
    predictions = run(dataset, second, tmp_path, {"system": "a"}, resume=True)
    assert asked == ["3", "4", "5"]
    assert [p.answer["short_answer"] for p in predictions.values()] == [
        *(f"first\u2028{i}" for i in range(3)),
        *(f"second {i}" for i in range(3, 6)),
    ]
    kept = (tmp_path / PREDICTIONS).read_text()

    def killed(question: Question) -> dict[str, Any]:
        # What a kill at this moment would leave: nothing is waiting to be written.
        assert (tmp_path / PREDICTIONS).read_text() == kept
        raise KeyboardInterrupt

    longer = replace(dataset, questions=(Question("first", "x", "q"), *dataset.questions))
    with pytest.raises(KeyboardInterrupt):
        run(longer, killed, tmp_path, {"system": "a"}, resume=True)
    asked.clear()
    run(dataset, second, tmp_path, {"system": "a"})
    assert len(asked) == 6  # without --resume, all anew


def test_every_rule_that_is_left_out_is_one_of_the_program_s() -> None:
    for variant in ablate.VARIANTS.values():
        with ablate.without(variant.rules):
            pass
    with ablate.without(ablate.VARIANTS["figures and days say nothing"].rules):
        assert agree("780 million people", "640 million people")
    assert not agree("780 million people", "640 million people")


def test_a_passage_is_read_once_for_a_question() -> None:
    asked: list[int] = []

    class Counting(FakeReader):
        def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
            asked.append(len(chunks))
            return super().read(question, chunks)

    one, two = (
        chunk_document(make_document(name, "She met the mayor."), FakeEmbedder().token_offsets, 60)[0]
        for name in ("one", "two")
    )
    reader = ablate.Remembering(Counting())
    reader.read("Who?", [one])
    assert [span.document_id for span in reader.read("Who?", [two, one])] == ["two", "one"]
    assert asked == [1, 1]
