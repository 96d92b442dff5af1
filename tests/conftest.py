"""Every test is offline and keeps its indexes in a folder of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import settings

# Before any test imports a model library, and for the processes that tests start.
os.environ.update(
    HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", GRADIO_ANALYTICS_ENABLED="False"
)
sys.path.insert(0, str(Path(__file__).parent))  # tests import `fakes`

# Times on a busy machine vary; examples are the same in every run.
settings.register_profile("rag", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("rag")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that indexes go to, empty for each test."""
    folder = tmp_path / "rag-home"
    monkeypatch.setenv("RAG_HOME", str(folder))
    return folder


@pytest.fixture
def run() -> Callable[..., Result]:
    """The command line with fake parts: what it printed and how it ended."""
    from fakes import fake_parts
    from typer.testing import CliRunner

    from rag.cli import app

    def invoke(
        *arguments: str | Path, code: int = 0, text: str | None = None, load: Callable[..., Any] = fake_parts
    ) -> Result:
        given = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, given, input=text, prog_name="rag", obj=load)
        assert result.exit_code == code, (result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A folder of two."""
    from fakes import BREAD

    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "bread.txt").write_text(BREAD)
    (folder / "ships.txt").write_text("Sailors repaired three ships near the harbour of Odesa, 3 May 2021.")
    return folder
