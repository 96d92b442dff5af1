"""Documents show what was measured, with the weights it was measured with, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eval import figures
from eval.bootstrap import Difference, Estimate
from eval.command import UNMET
from eval.datasets import DatasetError
from eval.systems import weights
from rag.config import Settings
from rag.models.reader import SHIPPED

TABLE = figures.Table(
    ("kind", "questions", "passed", "gain"),
    (("why", 3, 0.25, None), ("all", 8, Estimate(0.5, 0.25, 0.75, 8), Difference(0.5, 0.6, -0.1, -0.2, 0.05, 8, 8))),
    "f1 0.5",
)
SECTION = "Before.\n<!-- figures: fixed -->\nold\n<!-- /figures -->\nAfter.\n"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.argv", ["x", "--split", "test", "--output", "/a/b", "--record", "/home/me/set.json"])
    path = tmp_path / "results.json"
    figures.record("fixed", TABLE, {"model.safetensors": "0123456789abcdef"}, path)
    return path


def test_a_document_shows_command_weights_and_figures(results: Path) -> None:
    shown = figures.filled(SECTION, figures.read(results))
    assert shown.startswith("Before.\n<!-- figures: fixed -->\n\n`python -m ")
    assert (
        " --split test SETS/set.json` (earlier weights: model.safetensors 01234567); f1 0.5\n" in shown
    )  # no path of a machine
    assert "| kind | questions | passed | gain |\n|---|---|---|---|\n| why | 3 | 0.250 |  |\n" in shown
    assert "| all | 8 | 0.500 (0.250–0.750) | -0.100 (-0.200 to +0.050) |\n" in shown
    assert shown.endswith("\n<!-- /figures -->\nAfter.\n")
    assert figures.filled(shown, figures.read(results)) == shown


def test_what_was_measured_before_under_a_name_is_replaced(results: Path) -> None:
    figures.record("fixed", figures.Table(("a",), ((1,),)), {}, results)
    assert figures.read(results)["fixed"]["rows"] == [[1]]


def test_a_section_that_nobody_measured_is_refused(results: Path) -> None:
    with pytest.raises(DatasetError, match=r"eval\.figures speed"):
        figures.filled(SECTION.replace("fixed", "speed"), figures.read(results))


def test_what_a_command_prints_is_kept(results: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert figures.capture("printed", ["json.tool", "--help"], {}, results) == 0
    capfd.readouterr()
    kept = figures.read(results)
    assert kept["printed"]["command"] == "python -m json.tool --help"
    assert "    usage: " in figures.filled(SECTION.replace("fixed", "printed"), kept)
    assert figures.capture("failed", ["json.tool", "--nothing"], {}, results) == 2
    assert "failed" not in figures.read(results)
    kept["printed"]["text"] = ["found:", "", "| a |", "|---|", "| 1 |", "", "end"]
    assert "\n    found:\n\n| a |\n|---|\n| 1 |\n\n    end\n" in figures.rendered(kept["printed"])


def test_a_demand_that_was_not_met_is_kept_and_a_crash_is_not(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "measuring.py").write_text("import sys\nprint('10 of 20')\nsys.exit(int(sys.argv[1]))\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert figures.capture("load", ["measuring", "3"], {}, results) == UNMET == 3
    before = results.read_text(encoding="utf-8")
    assert "measuring 3" in before
    for code in (1, 2):  # 1 is a traceback's
        assert figures.capture("load", ["measuring", str(code)], {}, results) == code
        assert results.read_text(encoding="utf-8") == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".new"] == []


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        (["--split", "test", "--output=/tmp/out", "--compare", "/tmp/old", "--resume"], ["--split", "test"]),
        (["openai:http://127.0.0.1:8080/v1"], ["openai:http://127.0.0.1:8080/v1"]),
        (["gguf:/models/a.gguf", "transformers:maker/model"], ["gguf:SETS/a.gguf", "transformers:maker/model"]),
        (["--setting", "reader=/home/me/model"], ["--setting", "reader=SETS/model"]),
        ([str(figures.HERE / "drafts.jsonl"), f"--corpus={figures.HERE}"], ["eval/drafts.jsonl", "--corpus=eval"]),
    ],
)
def test_a_command_is_shown_without_the_folders_of_one_machine(called: list[str], shown: list[str]) -> None:
    assert figures.shown_arguments(called) == shown


def test_weights_are_earlier_when_any_of_them_has_changed() -> None:
    made = {"command": "python -m eval", "weights": {}, "text": ["1"]}
    for reader in SHIPPED:
        now = weights(Settings(reader=reader))
        assert "earlier" not in figures.rendered(made | {"weights": now})
        for name in now:
            assert "(earlier weights: " in figures.rendered(made | {"weights": now | {name: "0123456789abcdef"}})


def test_a_part_has_a_name_of_its_own() -> None:
    assert figures.named("fixed", None, "", False, None) == "fixed"
    assert figures.named("fixed", "test", 20) == "fixed-test-20"


def test_every_document_shows_what_was_measured() -> None:
    kept = figures.read()
    shown = figures.documents()
    assert figures.ROOT / "eval" / "README.md" in shown
    for path in shown:
        text = path.read_text(encoding="utf-8")
        assert figures.filled(text, kept) == text, f"{path}: run python -m eval.figures"
    for made in kept.values():
        assert made["command"].startswith("python -m eval")
        assert not re.search(r"(?<![\w:/])/", made["command"]), "a path of one machine"


def test_what_the_readme_tells_of_yes_and_no_is_counted_from_the_baseline() -> None:
    wrong: dict[str, tuple[int, int]] = {}
    said = 0
    for path in (figures.HERE / "baseline").glob("*/report.json"):
        questions = json.loads(path.read_text(encoding="utf-8"))["questions"]
        turned = [(i, value) for i, value in enumerate(questions.get("reversed", ())) if value is not None]
        if turned:
            wrong[path.parent.name] = (round(sum(value for _, value in turned)), len(turned))
            said += round(sum(value or questions["short_right"][i] for i, value in turned))
    told = (figures.ROOT / "README.md").read_text(encoding="utf-8").split('It says "Yes" or "No"')[1].split("\n- ")[0]
    assert f"({said} of {sum(asked for _, asked in wrong.values())} in the committed runs)" in told
    shown = re.findall(r"`([\w-]+)` (\d+) of (\d+)", told)
    assert {name: (int(some), int(asked)) for name, some, asked in shown} == wrong
