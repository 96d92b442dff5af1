"""A confidence for any question-answering model, fitted on the sets at hand: `rag evaluate-reader`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from eval.calibration import Asked, ask, fit, report
from eval.datasets import select
from eval.sets import SetName, Split, own
from eval.systems import build_bot
from rag.answering.confidence import Calibration
from rag.config import Settings
from rag.errors import RagError
from rag.models.reader import SHIPPED
from rag.places import calibration_of

SETS = (SetName.fixed, SetName.news)


def evaluate(reader: str, questions: int, tell: Callable[[str], None]) -> Path:
    """Fit the ranking and the confidence to a reader and keep them where `Parts.load` looks; the file.

    Fitted on the tune halves of the fixed set and of the news set; told are the figures of the test halves, by the
    reader's score taken at its word and by the fit.

    Parameters
    ----------
    reader : str
        As in the settings, but none that ships, whose fit is the project's.
    questions : int
        Of each half, at most.
    tell : callable
        Told each line of figures.
    """
    if reader in SHIPPED:
        raise RagError(f"the reader {reader!r} has a confidence of its own; name one that does not ship")
    settings = Settings(reader=reader, decide="margin")
    asked: dict[Split, list[Asked]] = {split: [] for split in Split}
    for name in SETS:
        dataset = own(name)
        bot = build_bot(dataset, settings)
        for split in Split:
            asked[split] += ask(select(dataset, split), bot, questions)
    fitted = fit(asked[Split.tune])
    for how, calibration in (("its score alone", Calibration.of_margin()), ("fitted", fitted)):
        for part in SETS:
            tell(report(f"{part}, {how}", [a for a in asked[Split.test] if a.corpus == part], calibration))
    file = calibration_of(reader)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(fitted.to_dict(), indent=1) + "\n", encoding="utf-8")
    return file
