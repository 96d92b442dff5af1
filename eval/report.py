"""report.json, report.html, and the table on the terminal."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from eval.bootstrap import Difference, Estimate
from eval.datasets import Dataset, DatasetError, digest
from eval.evidence import TextOf, groups_covered, passage_places
from eval.figures import Table
from eval.run import Prediction
from eval.scoring import GUARDED_LOW, MEASURES
from eval.summary import ALL, FIGURES
from rag.articles.documents import find_files

REPORT = "report.json"
PAGE = "report.html"
SHOWN = 300  # failed questions on the page
ABOUT = MEASURES | FIGURES

TABLES: tuple[tuple[str, str, str], ...] = (
    (
        "Answers",
        "passed right_cited refused right short_right text_right part_recall item_precision item_f1 reversed answered "
        "em f1 text_f1 em_always f1_always best_em best_f1",
        "",
    ),
    (
        "Citations",
        "right citation_exact citation_precision citation_recall evidence_cited",
        "Read them beside correctness: echoing the top passage gets a fine citation precision and answers nothing.",
    ),
    ("Retrieval", "Success@1 Success@5 Recall@1 Recall@5 Recall@10 Recall@100 RR@10 nDCG@10", ""),
    (
        "Perhaps",
        "perhaps perhaps_right offered",
        "An answer with perhaps is a refusal everywhere else: it may not be used to look better.",
    ),
    ("Abstention and confidence", "abstention_precision abstention_f1 auroc aurc ece", ""),
)
HEADLINES = (
    "passed",
    "right_cited",
    "refused",
    "item_precision",
    "item_f1",
    "reversed",
    "perhaps",
    "perhaps_right",
    "offered",
    "em",
    "f1",
    "em_always",
    "f1_always",
    "citation_exact",
    "citation_precision",
    "Success@5",
    "Recall@10",
    "Recall@100",
    "nDCG@10",
    "auroc",
)
COLUMNS = (
    "passed",
    "right_cited",
    "refused",
    "right",
    "part_recall",
    "item_precision",
    "item_f1",
    "reversed",
    "perhaps",
    "perhaps_right",
    "offered",
    "f1",
    "f1_always",
    "citation_precision",
    "Success@5",
    "nDCG@10",
)

DOCUMENTED = (
    "passed",
    "right_cited",
    "refused",
    "item_f1",
    "reversed",
    "perhaps",
    "perhaps_right",
    "offered",
    "em_always",
    "f1_always",
    "Success@5",
)

_EMPTY: dict[str, Any] = {
    "short_answer": "", "text": "", "confidence": None, "error": "", "understood": "", "citations": [], "notes": [],
}  # fmt: skip
Report = dict[str, Any]


def environment() -> dict[str, str]:
    """What a figure may depend on besides the code: versions and the machine, in words."""
    packages = {}
    for name in ("torch", "transformers", "sentence-transformers", "faiss-cpu", "ir-measures"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": str(os.cpu_count()),
        **packages,
    }


def origin(dataset: Dataset) -> dict[str, str]:
    """Which set was asked, and about which articles, where it brings none: a figure means nothing without it."""
    told = {"name": dataset.name, "version": dataset.version, "sha256": dataset.sha256}
    return told if dataset.corpus is None else told | {"articles": digest(find_files([dataset.corpus]))}


def named(dataset: Mapping[str, str]) -> str:
    """An `origin` as a line of text."""
    version = f", version {dataset['version']}" if dataset["version"] else ""
    articles = f", articles {dataset['articles'][:16]}" if "articles" in dataset else ""
    return f"{dataset['name']}{version}, sha256 {dataset['sha256']}{articles}"


def number(value: float) -> str:
    """Three digits after the point for shares, as many as tell something for small seconds."""
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"


def interval(figure: Mapping[str, float | None], form: str) -> str:
    """The bounds of a figure of a report, in a form; "" where they are not known."""
    bounds = [number(bound) for name in ("low", "high") if (bound := figure[name]) is not None]
    return form.format(*bounds) if bounds else ""


def weakest_first(report: Report) -> list[str]:
    """The kinds of a report, the one with the lowest share passed first."""
    figures = report["figures"]
    kinds = [kind for kind in figures if kind != ALL and "passed" in figures[kind]]
    return sorted(kinds, key=lambda kind: (figures[kind]["passed"]["value"], kind))


def table(report: Report) -> str:
    """The run as one table of text, weakest kinds first, the whole set last."""
    figures = report["figures"]
    kinds = [*weakest_first(report), ALL]
    columns = [name for name in COLUMNS if name in figures[ALL]]
    width = max(len(kind) for kind in kinds)
    heads = "".join(f"{name:>{max(len(name), 5) + 2}}" for name in columns)
    lines = [named(report["dataset"]), "", f"{'kind':<{width}}  questions{heads}  seconds"]
    for kind in kinds:
        cells = "".join(
            f"{figures[kind][name]['value']:>{max(len(name), 5) + 2}.3f}"
            if name in figures[kind]
            else f"{'-':>{max(len(name), 5) + 2}}"
            for name in columns
        )
        seconds = report["seconds"][kind]["call"]
        lines.append(f"{kind:<{width}}{seconds['count']:>11}{cells}  {seconds['median']:.3f}")
    lines.append("")
    if report["errors"]:
        lines.append(f"errors{report['errors']:>25}  questions at which the system raised; each counts as failed")
    for name in dict.fromkeys((*HEADLINES, *FIGURES)):
        if figure := figures[ALL].get(name):
            lines.append(f"{name:<23}{number(figure['value']):>8}{interval(figure, '  ({} to {})')}")
    for stage, seconds in report["seconds"][ALL].items():
        lines.append(
            f"{'seconds, ' + stage:<23}{number(seconds['median']):>8}  (95th percentile {number(seconds['p95'])})"
        )
    return "\n".join(lines)


def estimate(report: Mapping[str, Any], name: str) -> Estimate | None:
    """A figure of the whole set; None where it was not measured."""
    held = report["figures"][ALL].get(name)
    return Estimate(**held) if held else None


def figures_table(report: Report) -> Table:
    """The run as a table for the documents: weakest kinds first, intervals for the whole set alone."""
    figures = report["figures"]
    columns = [name for name in DOCUMENTED if name in figures[ALL]]
    rows = [
        (
            kind,
            report["seconds"][kind]["call"]["count"],
            *(figures[kind].get(name, {}).get("value") for name in columns),
        )
        for kind in weakest_first(report)
    ]
    whole = (ALL, report["seconds"][ALL]["call"]["count"], *(Estimate(**figures[ALL][name]) for name in columns))
    others = [name for name in (*HEADLINES, *FIGURES) if name in figures[ALL] and name not in columns]
    note = ", ".join(f"{name} {number(figures[ALL][name]['value'])}" for name in dict.fromkeys(others))
    return Table(("kind", "questions", *columns), (*rows, whole), note)


def comparison(differences: Mapping[str, Difference]) -> str:
    """Gains over another run as a table of text."""
    lines = [f"{'measure':<20}{'before':>8}{'after':>8}{'gain':>8}   95 % interval"]
    for name, d in differences.items():
        mark = "  fell" if d.fell else "  rose" if d.rose else ""
        lines.append(f"{name:<20}{d.before:>8.3f}{d.after:>8.3f}{d.value:>+8.3f}   {d.low:+.3f} to {d.high:+.3f}{mark}")
    return "\n".join(lines)


def read(folder: Path, dataset: Dataset) -> Report:
    """The report.json of a folder, made on the same set.

    Raises
    ------
    DatasetError
        There is none, or it was made on another set, another version of it or other articles.
    """
    if not (folder / REPORT).is_file():
        raise DatasetError(f"{folder} holds no {REPORT}; --compare expects the --output folder of an earlier run")
    report: Report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    own, held = origin(dataset), report["dataset"]
    # Reports of earlier versions do not tell their articles.
    if any(held.get(key, own.get(key)) != own.get(key) for key in ("sha256", "articles")):
        raise DatasetError(
            f"{folder} was made on another set: {named(held)}; this is {named(own)}. "
            "Make the earlier run anew on this set (--output) and compare with that"
        )
    return report


def write(
    folder: Path,
    report: Report,
    dataset: Dataset,
    predictions: Mapping[str, Prediction],
    text_of: TextOf,
    differences: Mapping[str, Difference] | None = None,
) -> None:
    """Write report.json and report.html into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPORT).write_text(_json(report), encoding="utf-8")
    page = _page(report, dataset, predictions, text_of, differences or {})
    (folder / PAGE).write_text(page, encoding="utf-8")


def _json(report: Report) -> str:
    """JSON with one line for each figure and each column of the questions, so that a diff can be read."""
    text = json.dumps({key: value for key, value in report.items() if key != "questions"}, indent=1, ensure_ascii=False)
    columns = ",\n".join(f"  {json.dumps(name)}: {json.dumps(column)}" for name, column in report["questions"].items())
    return f'{text[:-2]},\n "questions": {{\n{columns}\n }}\n}}\n'


def _page(
    report: Report,
    dataset: Dataset,
    predictions: Mapping[str, Prediction],
    text_of: TextOf,
    differences: Mapping[str, Difference],
) -> str:
    from eval import plots

    figures, curves = report["figures"], report["curves"]
    weakest = weakest_first(report)
    drawn = {"times": plots.times([prediction.seconds for prediction in predictions.values()])}
    if weakest:
        drawn["bars"] = plots.bars(weakest, [figures[kind]["passed"] for kind in weakest])
    if curves:
        drawn["risk"] = plots.risk_coverage(curves)
        drawn["reliability"] = plots.reliability(curves["reliability"])
    kinds = [ALL, *(weakest or [kind for kind in figures if kind != ALL])]
    tables = []
    for title, measures, note in TABLES:
        held = [name for name in measures.split() if name in figures[ALL]]
        rows = [kind for kind in kinds if any(name in figures[kind] for name in held)]
        if held:
            tables.append({"title": title, "measures": held, "kinds": rows, "note": note})
    failed = _failed(report, dataset, predictions, weakest, text_of)
    failed_count = sum(stage is not None for stage in report["questions"]["failure"])
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    ).get_template("report.html.j2")  # fmt: skip
    return template.render(
        title=f"Evaluation: {dataset.name}",
        count=len(dataset.questions),
        run=report["run"],
        dataset=report["dataset"],
        environment=report["environment"],
        errors=report["errors"],
        figures=figures,
        overall=figures[ALL],
        headlines=[name for name in HEADLINES if name in figures[ALL]],
        about=ABOUT,
        used=[name for name in ABOUT if name in figures[ALL]],
        weakest=weakest,
        verdict=_verdict(report, weakest),
        stages=list(report["failures"][ALL]),
        failures=report["failures"],
        tables=tables,
        seconds=report["seconds"][ALL],
        plots={name: Markup(drawn.get(name, "")) for name in ("bars", "risk", "reliability", "times")},
        differences=differences,
        guarded_low=GUARDED_LOW,
        failed=failed,
        failed_count=failed_count,
        shown=sum(map(len, failed.values())),
        number=number,
        interval=interval,
    )


def _verdict(report: Report, weakest: Sequence[str]) -> str:
    """The worst weakness in a sentence or two."""
    if not weakest:
        return ""
    figures, failures = report["figures"], report["failures"]
    if not failures[ALL]:
        return "Every question passed."
    kind = weakest[0]
    passed = figures[kind]["passed"]
    said = f"The weakest kind is {kind}: {passed['value']:.0%} of {passed['count']} passed"
    said += f", mostly for this: {next(iter(failures[kind]))}. " if failures[kind] else ". "
    stage, count = next(iter(failures[ALL].items()))
    total = sum(failures[ALL].values())
    most = max((k for k in weakest), key=lambda k: sum(failures[k].values()))
    said += f"Of all {total} failures the commonest is “{stage}” ({count}); most failures are of the kind {most}"
    return said + f" ({sum(failures[most].values())})."


def _failed(
    report: Report, dataset: Dataset, predictions: Mapping[str, Prediction], weakest: Sequence[str], text_of: TextOf
) -> dict[str, list[dict[str, Any]]]:
    """Kind -> its failed questions with what was expected and what came, at most SHOWN in all."""
    stages = dict(zip(report["questions"]["id"], report["questions"]["failure"], strict=True))
    room = SHOWN
    failed: dict[str, list[dict[str, Any]]] = {}
    for kind in weakest:
        for question in dataset.questions:
            if question.kind != kind or stages[question.id] is None or room == 0:
                continue
            room -= 1
            answer = {**_EMPTY, **predictions[question.id].answer}
            passages = []
            for passage in answer.get("passages") or ():
                places = passage_places(passage)
                gold = bool(groups_covered(places, question.evidence, text_of))
                passages.append({"document_id": places[0][0], "text": places[0][3], "gold": gold})
            evidence = dict.fromkeys((e.document_id, e.quote) for e in question.evidence)
            item = {"question": question, "failure": stages[question.id], "answer": answer, "passages": passages}
            item["evidence"] = [{"document_id": id, "quote": quote} for id, quote in evidence]
            failed.setdefault(kind, []).append(item)
    return failed
