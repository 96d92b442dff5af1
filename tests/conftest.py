"""Every test is offline and keeps its indexes in a folder of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
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
