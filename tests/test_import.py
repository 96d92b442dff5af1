"""`import rag` is quick and loads no model library."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = [
    "torch",
    "transformers",
    "sentence_transformers",
    "faiss",
    "gradio",
    "numpy",
    "scipy",
    "sklearn",
    "trafilatura",
]


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_rag_takes_less_than_a_fifth_of_a_second() -> None:
    code = "import time; start = time.perf_counter(); import rag; print(time.perf_counter() - start)"
    assert min(float(fresh(code)) for _ in range(5)) < 0.2


def test_importing_rag_loads_no_model_library() -> None:
    loaded = json.loads(fresh("import json, sys, rag; print(json.dumps(sorted(sys.modules)))"))
    assert "rag.config" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_the_command_line_loads_no_model_library() -> None:
    loaded = json.loads(fresh("import json, sys, rag.cli; print(json.dumps(sorted(sys.modules)))"))
    assert [name for name in HEAVY if name in loaded] == []


def test_the_public_names_are_there() -> None:
    code = "import rag; print([getattr(rag, name).__name__ for name in rag.__all__] == rag.__all__)"
    assert fresh(code) == "True\n"
