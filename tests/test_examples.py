"""The programs of `examples/` run and print what they are there to show."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
PRINTED = {
    "ask": ["Miera", "answered", "exact: True"],
    "own_documents": ["Ilse Korn. [1]", "The articles do not say."],
    "certainty": ["answered", "exact quote(s)", "not said", "near: "],
    "follow_up": ["Anna Berg", "3 May 2021"],
    "another_reader": ["[1]", "The harbour of Lund was opened by Ilse Korn. [1]"],
    "another_embedder": ["256 The harbour of Lund was opened by Ilse Korn. [1]"],
    "another_language": ["answered", "Ilse Korn eröffnet. [1]", "not said"],
    "memory_index": ["Miera", "confidence"],
}


def test_every_example_is_run() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(PRINTED)


@pytest.mark.models
@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [f"{name}.py"])
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert "exact: False" not in printed
    for expected in PRINTED[name]:
        assert expected in printed
