"""`python -m eval.figures`: puts what was measured into the documents; no figure of theirs is written by hand.

A command that measures keeps its table, when given --record, in `results.json`, with the weights it was measured with;
`python -m eval.figures NAME -- MODULE ARGUMENTS` keeps what any other command of the evaluation prints. Without
arguments it writes what is kept into the documents, between two markers:

    <!-- figures: NAME -->
    <!-- /figures -->
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from eval import command
from eval.datasets import DatasetError
from eval.sets import HERE
from eval.systems import weights
from rag.config import Settings
from rag.models.reader import SHIPPED

ROOT = HERE.parent
RESULTS = HERE / "results.json"
_SECTION = re.compile(r"(<!-- figures: (\S+) -->\n)(.*?)(<!-- /figures -->)", re.DOTALL)
_SHOWN = ("value", "low", "high", "before")
_SILENT = {"--record", "--resume"}
_FOLDERS = {"--output", "--compare"}
_HEAD = re.compile(r"^[^/]*[=:](?!//)")  # what stands before a path, as in "gguf:/models/a.gguf"

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """What a command measured.

    Attributes
    ----------
    columns : tuple of str
    rows : tuple of tuple
        Cells: text, a number, None (not measured), an `Estimate` or a `Difference`.
    note : str
        What the rows rest on, as "194 questions".
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


def named(*parts: object) -> str:
    """The name of a record, of those of the parts that are not empty.

    What was measured on a part of a set or with other settings goes under another name than the whole.
    """
    return "-".join(_without_folders(str(part)) for part in parts if part)


def record(name: str, table: Table, weights: Mapping[str, str], results: Path = RESULTS) -> None:
    """Keep a table under a name; what stood there is replaced.

    Parameters
    ----------
    name : str
    table : Table
    weights : Mapping
        File -> start of its sha256, of the weights it was measured with.
    results : Path
    """
    kept = read(results)
    called = ["python", "-m", _module(), *shown_arguments(sys.argv[1:])]
    kept[name] = {
        "command": " ".join(called),
        "weights": dict(weights),
        "note": table.note,
        "columns": list(table.columns),
        "rows": [[_cell(cell) for cell in row] for row in table.rows],
    }
    write(kept, results)


def capture(name: str, called: Sequence[str], weights: Mapping[str, str], results: Path = RESULTS) -> int:
    """Run a module of the evaluation and keep what it prints under a name; its exit code.

    A demand that was not met is a result, too; of any other failure nothing is kept.
    """
    process = subprocess.run([sys.executable, "-m", *called], stdout=subprocess.PIPE, text=True)
    print(process.stdout)
    if process.returncode in (0, command.UNMET) and process.stdout.strip():
        kept = read(results)
        shown = " ".join(["python", "-m", *shown_arguments(called)])
        kept[name] = {"command": shown, "weights": dict(weights), "text": process.stdout.strip("\n").split("\n")}
        write(kept, results)
    return process.returncode


def _module() -> str:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return str(spec.name).removesuffix(".__main__") if spec else Path(sys.argv[0]).stem


def shown_arguments(arguments: Sequence[str]) -> list[str]:
    """A command's arguments without those that change no figure, and without the folders of one machine."""
    return [
        _without_folders(argument)
        for before, argument in pairwise(["", *arguments])
        if argument not in _SILENT and not _FOLDERS & {before, argument.partition("=")[0]}
    ]


def _without_folders(argument: str) -> str:
    name = _HEAD.sub("", argument)
    path = (Path.cwd() / name).resolve()
    if "/" not in name or not (name.startswith("/") or path.exists()):
        return argument
    own = path.exists() and path.is_relative_to(ROOT)
    return argument.removesuffix(name) + (path.relative_to(ROOT).as_posix() if own else f"SETS/{path.name}")


def _cell(cell: Any) -> Any:
    if is_dataclass(cell) and not isinstance(cell, type):
        return {name: value and round(value, 4) for name, value in asdict(cell).items() if name in _SHOWN}
    return round(cell, 4) if isinstance(cell, float) else cell


def read(results: Path = RESULTS) -> dict[str, Record]:
    """Name -> what was measured."""
    return dict(json.loads(results.read_text(encoding="utf-8"))) if results.is_file() else {}


def write(kept: Mapping[str, Record], results: Path = RESULTS) -> None:
    """Write what was measured, one line a row, so that a diff can be read."""
    records = []
    for name, made in sorted(kept.items()):
        fields = [f"  {json.dumps(key)}: {_lines(value)}" for key, value in made.items()]
        records.append(f" {json.dumps(name)}: {{\n" + ",\n".join(fields) + "\n }")
    new = results.with_name(f"{results.name}.new")
    new.write_text("{\n" + ",\n".join(records) + "\n}\n", encoding="utf-8")
    new.replace(results)


def _lines(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"   {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n  ]"
    return json.dumps(value, ensure_ascii=False)


def markdown(table: Table | Record) -> str:
    """A table in Markdown, of a `Table` or of a record of one."""
    if isinstance(table, Table):
        columns: Sequence[str] = table.columns
        rows: Sequence[Sequence[Any]] = [[_cell(cell) for cell in row] for row in table.rows]
    else:
        columns, rows = table["columns"], table["rows"]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(map(_shown, row)) + " |" for row in rows)])


def _shown(cell: Any) -> str:
    """A cell as people read it; a difference has its sign."""
    if cell is None:
        return ""
    if isinstance(cell, dict):
        if "before" in cell:
            return "{value:+.3f} ({low:+.3f} to {high:+.3f})".format(**cell)
        form = "{value:.3f}" if cell["low"] is None else "{value:.3f} ({low:.3f}–{high:.3f})"
        return form.format(**cell)
    if isinstance(cell, float):
        return f"{cell:.3f}" if abs(cell) < 100 else f"{cell:.0f}"
    return str(cell)


def rendered(made: Record) -> str:
    """What a document shows of a record: the command, the weights, the figures."""
    digests = made["weights"].items()
    earlier = "" if any(digests <= shipped.items() for shipped in _shipped()) else "earlier weights: "
    told = ", ".join(f"{name} {digest[:8]}" for name, digest in digests)
    source = f"`{made['command']}`" + (f" ({earlier}{told})" if told else "")
    if made.get("note"):
        source += f"; {made['note']}"
    if "text" in made:
        blocks = ["\n".join(block).strip("\n") for block in _blocks(made["text"])]
        return "\n\n".join([source, *blocks]) + "\n"
    return f"{source}\n\n{markdown(made)}\n"


@cache
def _shipped() -> list[dict[str, str]]:
    """The weights that each reader of the project has now."""
    return [weights(Settings(reader=name)) for name in SHIPPED]


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Tables in Markdown as they are, what else a command prints as code."""
    for is_table, block in groupby(lines, key=lambda line: line.startswith("|")):
        shown = list(block)
        if any(shown):
            yield shown if is_table else [f"    {line}".rstrip() for line in shown]


def filled(text: str, kept: Mapping[str, Record]) -> str:
    """A document with its sections made anew.

    Raises
    ------
    DatasetError
        A section names what was never measured.
    """

    def section(match: re.Match[str]) -> str:
        if match[2] not in kept:
            raise DatasetError(
                f"nothing was measured under {match[2]!r}; run its command with --record, or "
                f"`python -m eval.figures {match[2]} -- MODULE ARGUMENTS`"
            )
        return f"{match[1]}\n{rendered(kept[match[2]])}\n{match[4]}"

    return _SECTION.sub(section, text)


def documents() -> list[Path]:
    """The documents of the project that show figures."""
    places = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("eval/*.md"), *ROOT.glob("rag/**/*.md")]
    return sorted(path for path in places if _SECTION.search(path.read_text(encoding="utf-8")))


def main(
    called: Annotated[list[str] | None, typer.Argument(help="NAME -- MODULE ARGUMENTS: measure, and keep it.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit with 1 when a document would.")] = False,
) -> None:
    """Write the kept figures into every document that shows them."""
    if called:
        name, *module = called
        if code := capture(name, module, weights(Settings())):
            raise typer.Exit(code)
    kept = read()
    changed = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        new = filled(text, kept)
        if new != text:
            changed.append(path.relative_to(ROOT).as_posix())
            if not check:
                path.write_text(new, encoding="utf-8")
    print("\n".join(changed) or "every document shows what was measured")
    if check and changed:
        raise typer.Exit(1)


if __name__ == "__main__":
    command.run(main)
