"""`python -m eval.conversation`: are follow-ups understood, and complete questions left unharmed by what went before?

The `follow-up` and `mid-conversation` questions of a set, each asked in several ways: without its history, with the
last question always put before it, the firmer of these two answers, as the chatbot takes the history, and, where the
set tells it, as the complete question that is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eval import bootstrap, command, figures
from eval.bootstrap import Difference, Estimate
from eval.datasets import Dataset, Question, select
from eval.report import named, origin
from eval.run import Prediction, run
from eval.scoring import is_refusal, score
from eval.sets import SetName, Split, own
from eval.systems import build_bot, settings_from, texts, weights

if TYPE_CHECKING:
    from rag.pipeline import Chatbot

KINDS = ("follow-up", "mid-conversation")
ALONE, PREPENDED, FIRMER = "no rewriting", "last question prepended", "firmer of the two"
UNDERSTOOD, MEANT = "understood", "complete question"
WAYS: dict[str, Callable[[Question], tuple[str, tuple[str, ...]]]] = {
    ALONE: lambda question: (question.question, ()),
    PREPENDED: lambda question: (" ".join((*question.history[-1:], question.question)), ()),
    UNDERSTOOD: lambda question: (question.question, question.history),
    MEANT: lambda question: (question.rewrite or question.question, ()),
}


def main(
    set_name: Annotated[SetName, typer.Option("--set", help="Which of the project's own sets.")] = SetName.fixed,
    split: Annotated[Split | None, typer.Option(help="Only this half; test only for final figures.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, evenly spread.")] = None,
    seed: Annotated[int | None, typer.Option(help="With --limit: whole groups, drawn at random by this seed.")] = None,
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of rag.Settings; may be repeated.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that keeps the answers, for --resume.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --output that was cut off.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print each question that failed.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Keep the table for the documents.")] = False,
) -> None:
    """Share right and cited (refused, where there is no answer), with 95 % intervals and what understanding gains."""
    whole = own(set_name)
    of_kinds = replace(whole, questions=tuple(question for question in whole.questions if question.kind in KINDS))
    dataset = select(of_kinds, split and split.value, limit, seed)
    settings = settings_from(setting or ())
    bot, text_of = build_bot(dataset, settings), texts(dataset)
    conditions = {"dataset": origin(dataset), "settings": asdict(settings), "models": weights(settings)}
    said = {}
    for way, asked in WAYS.items():
        if way == MEANT and not any(question.rewrite for question in dataset.questions):
            continue
        folder = output / way.replace(" ", "-") if output else None
        ask = partial(_ask, bot, asked)
        said[way] = run(dataset, ask, folder, {**conditions, "way": way}, resume)
    said[FIRMER] = {id: firmer(alone, said[PREPENDED][id]) for id, alone in said[ALONE].items()}
    passed = {
        way: {q.id: score(q, predictions[q.id].answer, text_of)["passed"] for q in dataset.questions}
        for way, predictions in said.items()
    }
    if show:
        _show(dataset, said, passed)
    print(named(origin(whole)) + "\n")
    columns = ("kind", "way", "all", "answerable", "unanswerable", "gain of understood")
    table = figures.Table(columns, _rows(dataset, passed), f"{len(dataset.questions)} questions")
    print(figures.markdown(table))
    if record:
        name = figures.named("conversation", set_name, split, limit, seed, *(setting or ()))
        figures.record(name, table, weights(settings))


def _ask(bot: Chatbot, asked: Callable[[Question], tuple[str, tuple[str, ...]]], question: Question) -> dict[str, Any]:
    text, history = asked(question)
    return dict(bot.ask(text, history=list(history)).to_dict())


def firmer(alone: Prediction, prepended: Prediction) -> Prediction:
    """Of a question read alone and with the last one put before it: the answer of the higher confidence.

    An answer goes before a refusal, a refusal before an error; read alone goes first at a tie.
    """

    def firmness(prediction: Prediction) -> tuple[bool, bool, float]:
        answer = prediction.answer
        return "error" not in answer, not is_refusal(answer), float(answer.get("confidence") or 0.0)

    return max(alone, prepended, key=firmness)


def _rows(dataset: Dataset, passed: Mapping[str, Mapping[str, float | None]]) -> tuple[tuple[Any, ...], ...]:
    rows = []
    for kind in KINDS:
        chosen = [question for question in dataset.questions if question.kind == kind]
        parts = (chosen, [q for q in chosen if q.answerable], [q for q in chosen if not q.answerable])
        for way in passed if chosen else ():
            cells = [_mean(part, passed[way]) for part in parts]
            gain = None if way == UNDERSTOOD else _gain(chosen, passed[way], passed[UNDERSTOOD])
            rows.append((kind, way, *cells, gain))
    return tuple(rows)


def _mean(questions: Sequence[Question], passed: Mapping[str, float | None]) -> Estimate | None:
    return bootstrap.mean([passed[q.id] for q in questions], [q.cluster for q in questions]) if questions else None


def _gain(
    questions: Sequence[Question], other: Mapping[str, float | None], understood: Mapping[str, float | None]
) -> Difference | None:
    before, after = ({q.id: passed[q.id] for q in questions} for passed in (other, understood))
    return bootstrap.paired(before, after, {q.id: q.cluster for q in questions})


def _show(
    dataset: Dataset, said: Mapping[str, Mapping[str, Prediction]], passed: Mapping[str, Mapping[str, float | None]]
) -> None:
    for way, predictions in said.items():
        for question in dataset.questions:
            answer = predictions[question.id].answer
            if not passed[way][question.id]:
                short = answer.get("error") or answer["short_answer"] or "-"
                sure = answer.get("confidence", 0)
                print(f"{way}: {question.id} {answer.get('understood')} -> {short} ({sure:.2f})")


if __name__ == "__main__":
    command.run(main)
