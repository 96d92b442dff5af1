"""Asks a system every question of a set, and keeps what came so that a long run can be resumed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval.datasets import Dataset, DatasetError
from eval.systems import Answerer

PREDICTIONS = "predictions.jsonl"
FINGERPRINT = "run.json"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system said to a question, and the seconds that the call took."""

    id: str
    seconds: float
    answer: dict[str, Any]


def run(
    dataset: Dataset,
    answer: Answerer,
    output: Path | None = None,
    fingerprint: dict[str, Any] | None = None,
    resume: bool = False,
) -> dict[str, Prediction]:
    """Question id -> Prediction.

    With `output`, each answer is on disk before the next question is asked. `resume` goes on with a
    run that was cut off, when it had the same fingerprint (data set, system, settings). A system
    that raises has given no answer; the error is kept and counts as a failed question.

    Raises
    ------
    DatasetError
        The run in `output` is another one.
    """
    done: dict[str, Prediction] = {}
    with ExitStack() as stack:
        lines = None
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
            done = dict(_resumed(output, fingerprint)) if resume else {}
            # At no moment is a line lost, nor do another run's lines stand under this run's fingerprint.
            whole = output / f"{PREDICTIONS}.new"
            whole.write_text("".join(map(_line, done.values())), encoding="utf-8")
            whole.replace(output / PREDICTIONS)
            (output / FINGERPRINT).write_text(json.dumps(fingerprint, indent=1) + "\n", encoding="utf-8")
            lines = stack.enter_context((output / PREDICTIONS).open("a", encoding="utf-8"))
        for question in tqdm(dataset.questions, desc=dataset.name, unit="question", disable=None):
            if question.id in done:
                continue
            started = time.perf_counter()
            try:
                said = answer(question)
            except DatasetError:
                raise
            except Exception as error:  # another's system: its failure is a result, and the run goes on
                said = {"short_answer": "", "abstained": False, "error": f"{type(error).__name__}: {error}"}
            done[question.id] = Prediction(question.id, time.perf_counter() - started, said)
            if lines is not None:
                lines.write(_line(done[question.id]))
                lines.flush()
    return {question.id: done[question.id] for question in dataset.questions}


def _line(prediction: Prediction) -> str:
    record = {"id": prediction.id, "seconds": round(prediction.seconds, 6), "answer": prediction.answer}
    return json.dumps(record, ensure_ascii=False) + "\n"


def _resumed(output: Path, fingerprint: dict[str, Any] | None) -> Iterator[tuple[str, Prediction]]:
    """The whole lines of a run that was cut off; the line at which it was cut is asked again."""
    if not (output / PREDICTIONS).is_file() or not (output / FINGERPRINT).is_file():
        return
    held = json.loads((output / FINGERPRINT).read_text(encoding="utf-8"))
    if held != json.loads(json.dumps(fingerprint)):
        raise DatasetError(
            f"{output} holds a run of {held}, not of {fingerprint}; choose another --output or leave --resume out"
        )
    for line in (output / PREDICTIONS).read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        yield record["id"], Prediction(record["id"], record["seconds"], record["answer"])
