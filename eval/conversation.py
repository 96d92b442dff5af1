"""`python -m eval.conversation`: are follow-ups understood, and complete questions left unharmed by what went before?

The `follow-up` and `mid-conversation` questions of the fixed set, each asked in three ways: without its history, with
the last question always put before it, and with the history as the chatbot takes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from eval import bootstrap, command
from eval.bootstrap import Estimate
from eval.datasets import Question, load, select
from eval.report import named, origin
from eval.run import run
from eval.scoring import score
from eval.sets import QUESTIONS, SEEDS, Split
from eval.systems import build_bot, settings_from, texts

KINDS = ("follow-up", "mid-conversation")
WAYS: dict[str, Callable[[Question], tuple[str, tuple[str, ...]]]] = {
    "no rewriting": lambda question: (question.question, ()),
    "last question prepended": lambda question: (" ".join((*question.history[-1:], question.question)), ()),
    "understood": lambda question: (question.question, question.history),
}


def main(
    split: Annotated[Split | None, typer.Option(help="Only this half; test only for final figures.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, evenly spread.")] = None,
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of rag.Settings; may be repeated.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print each question that failed.")] = False,
) -> None:
    """Share right and cited (refused, where there is no answer), with 95 % intervals and the gain of understanding."""
    whole = select(load(QUESTIONS, SEEDS), split)
    of_kinds = replace(whole, questions=tuple(question for question in whole.questions if question.kind in KINDS))
    dataset = select(of_kinds, limit=limit)
    bot, text_of = build_bot(dataset, settings_from(setting or ())), texts(dataset)
    passed: dict[str, dict[str, float | None]] = {}
    for way, asked in WAYS.items():
        predictions = run(dataset, lambda question, asked=asked: dict(bot.ask(*asked(question)).to_dict()))  # type: ignore[misc]
        passed[way] = {q.id: score(q, predictions[q.id].answer, text_of)["passed"] for q in dataset.questions}
        if show:
            for question in dataset.questions:
                answer = predictions[question.id].answer
                if not passed[way][question.id]:
                    said = answer.get("error") or answer["short_answer"] or "-"
                    print(
                        f"{way}: {question.id} {answer.get('understood')} -> {said} ({answer.get('confidence', 0):.2f})"
                    )
    print(named(origin(whole)) + "\n")
    print(f"{'':30}{'':26}{'all':>20}{'answerable':>20}{'unanswerable':>20}")
    for kind in KINDS:
        for half in (split,) if split else tuple(Split):
            chosen = [q for q in dataset.questions if q.kind == kind and q.split == half.value]
            for way in WAYS:
                parts = (chosen, [q for q in chosen if q.answerable], [q for q in chosen if not q.answerable])
                cells = [bootstrap.mean([passed[way][q.id] for q in part], [q.cluster for q in part]) for part in parts]
                print(f"{kind + ' (' + half.value + ')':30}{way:26}" + "".join(f"{_cell(cell):>20}" for cell in cells))
            for way in list(WAYS)[:-1]:
                ids = [q.id for q in chosen]
                gain = bootstrap.paired(
                    {id: passed[way][id] for id in ids},
                    {id: passed["understood"][id] for id in ids},
                    {q.id: q.cluster for q in chosen},
                )
                if gain is not None:
                    print(f"{'':30}gain over {way}: {gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]")


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


if __name__ == "__main__":
    command.run(main)
