"""`import rag` is quick and loads no model library; imports run one way."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "rag").rglob("*.py")
}

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


def imported(module: str) -> Iterator[str]:
    """The modules of the package that one imports, anywhere in it."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else str(node.module) for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("depth", [None, 2], ids=["modules", "rooms"])
def test_imports_make_no_circle(depth: int | None) -> None:
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        node, *others = (".".join(name.split(".")[:depth]) for name in (module, *imported(module)))
        graph.setdefault(node, set()).update(set(others) - {node, "rag"})
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(("room", "known"), [("types", "types"), ("errors", ""), ("config", "errors")])
def test_records_errors_and_settings_know_nothing_of_the_rest(room: str, known: str) -> None:
    inside = [module for module in MODULES if f"{module}.".startswith(f"rag.{room}.")]
    reached = {name.split(".")[1] for module in inside for name in imported(module) if name.startswith("rag.")}
    assert reached == set(known.split())
