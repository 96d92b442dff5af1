"""`python -m eval.peers`: Haystack and txtai beside the chatbot, on the same passages, questions and weights."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eval import command, figures, summary, systems
from eval.datasets import Dataset, load, select
from eval.report import comparison, estimate, named, origin
from eval.run import Prediction
from eval.sets import HERE, QUESTIONS, SEEDS, Split
from rag.config import Settings
from rag.models.reader import WEIGHTS

WORKER = HERE / "worker.py"
COLUMNS = (
    "passed",
    "right_cited",
    "refused",
    "right",
    "short_right",
    "em",
    "f1",
    "citation_precision",
    "Success@5",
    "nDCG@10",
)


def main(
    dataset: Annotated[Path, typer.Option(help="Question set.")] = QUESTIONS,
    corpus: Annotated[Path, typer.Option(help="Folder of articles for a set that brings none.")] = SEEDS,
    split: Annotated[Split | None, typer.Option(help="Only this half.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, evenly spread.")] = None,
    python: Annotated[str, typer.Option(help="Interpreter that has Haystack and txtai.")] = sys.executable,
    peer: Annotated[list[str] | None, typer.Option(help="haystack, txtai; default both.")] = None,
) -> None:
    """Run each system in a process of its own, one after the other, and print them side by side."""
    chosen = select(load(dataset, corpus), split.value if split else None, limit)
    peers = peer or ["haystack", "txtai"]
    if complaint := missing(peers, python):
        typer.echo(complaint, err=True)
        raise typer.Exit(2)
    text_of = systems.texts(chosen)
    work = make_work(chosen)
    reports: dict[str, dict[str, Any]] = {}
    costs: dict[str, dict[str, float]] = {}
    failed: list[str] = []
    for name in ["rag", *peers]:
        try:
            result = run_worker(name, work, sys.executable if name == "rag" else python)
        except subprocess.CalledProcessError as error:
            failed.append(f"{name}: {error}")
            continue
        predictions = {
            question.id: Prediction(question.id, seconds, answer)
            for question, seconds, answer in zip(chosen.questions, result["seconds"], result["answers"], strict=True)
        }
        scores = summary.score_all(chosen, predictions, text_of)
        reports[name] = summary.summarise(chosen, predictions, scores, text_of)
        costs[name] = {
            "median, s": float(np.median(result["seconds"])),
            "95th percentile, s": float(np.percentile(result["seconds"], 95)),
            "passages indexed/s": len(work["passages"]) / result["index"],
            "imports and models, s": result["load"],
            "first answer, s": result["first"],
            "peak memory, MB": result["peak_megabytes"],
        }
    print(f"{named(origin(chosen))}; {len(chosen.questions)} questions, {len(work['passages'])} passages\n")
    print(figures.markdown(table(reports, costs)))
    for name, report in reports.items():
        if name != "rag" and "rag" in reports:
            print(f"\nrag against {name}:")
            print(comparison(summary.compare(report, reports["rag"])))
    if failed:
        typer.echo("\n".join(failed), err=True)
        raise typer.Exit(1)


def missing(peers: Sequence[str], python: str) -> str | None:
    """What to do about peers that are unknown or not installed; None when all are there."""
    if unknown := set(peers) - {"haystack", "txtai"}:
        return f"got --peer {', '.join(sorted(unknown))}, expected haystack or txtai"
    modules = {"haystack": ["haystack", "haystack_integrations"], "txtai": ["txtai"]}
    wanted = [module for peer in peers for module in modules[peer]]
    script = "import sys, importlib.util as u; print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])"
    try:
        absent = subprocess.run(
            [python, "-P", "-c", script, *wanted], check=True, capture_output=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        return f"--python {python} does not run: {error}"
    if not absent.strip():
        return None
    return (
        f"{python} has no {', '.join(absent.split())}; install the peers with "
        "`pip install -c constraints.txt -e '.[peers]'`, or name an interpreter that has them with --python"
    )


def make_work(dataset: Dataset) -> dict[str, Any]:
    """What a worker needs: the documents, the same cut into the chatbot's own passages, questions, weights."""
    from rag.models.embedding import default_model_folder
    from rag.parts import Parts

    settings = Settings()
    documents = dataset.documents if dataset.corpus is None else systems.read_corpus(dataset.corpus)
    chunks = systems.cut(documents, Parts.load(settings).embedder)
    fields = ("id", "document_id", "start", "end", "text", "title")
    return {
        "root": str(HERE.parent),
        "settings": asdict(settings),
        "documents": [asdict(document) for document in documents],
        "passages": [{field: getattr(chunk, field) for field in fields} for chunk in chunks],
        "questions": [[question.question, list(question.history)] for question in dataset.questions],
        "embedding": str(default_model_folder()),
        "reader": settings.reader,
    }


def as_transformers(reader: Path, folder: Path) -> Path:
    """The project's reader, its start and its end, as a question-answering model of transformers in a folder."""
    from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer

    from rag.models.network import load_network
    from rag.models.transformer import renamed

    network = load_network(reader)
    model = AutoModelForQuestionAnswering.from_config(AutoConfig.from_pretrained(reader))  # type: ignore[no-untyped-call]
    state = renamed(network.encoder.state_dict(), network.encoder.config["model_type"], to_file=True)
    state = {f"{model.base_model_prefix}.{name}": tensor for name, tensor in state.items()}
    head = {"qa_outputs.weight": network.head.weight[:2], "qa_outputs.bias": network.head.bias[:2]}
    model.load_state_dict(state | head)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(reader).save_pretrained(folder)
    return folder


def run_worker(name: str, work: dict[str, Any], python: str = sys.executable) -> dict[str, Any]:
    """The result of one worker process; CalledProcessError when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        if name != "rag":
            work = work | {"reader": str(as_transformers(WEIGHTS / "reader", Path(folder) / "reader"))}
        paths = [str(Path(folder) / "work.json"), str(Path(folder) / "result.json")]
        Path(paths[0]).write_text(json.dumps(work), encoding="utf-8")
        # -P: this folder's datasets.py must not stand in for the package of that name.
        subprocess.run([python, "-P", str(WORKER), name, *paths], check=True)
        result: dict[str, Any] = json.loads(Path(paths[1]).read_text(encoding="utf-8"))
        return result


def table(reports: Mapping[str, Mapping[str, Any]], costs: Mapping[str, Mapping[str, float]]) -> figures.Table:
    """A column for each system; quality with intervals, then cost."""
    rows: list[tuple[Any, ...]] = []
    for measure in COLUMNS:
        cells = [estimate(report, measure) for report in reports.values()]
        if any(cells):
            rows.append((measure, *cells))
    for cost in next(iter(costs.values()), {}):
        rows.append((cost, *(f"{costs[name][cost]:.3g}" for name in reports)))
    return figures.Table(("", *reports), tuple(rows))


if __name__ == "__main__":
    command.run(main)
