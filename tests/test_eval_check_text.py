"""Verdicts against labels: which check is compared with which label, and the table of it."""

from __future__ import annotations

import pytest
from fakes import make_document

from eval.bootstrap import Estimate
from eval.check_text import Label, matched, measured
from eval.datasets import DatasetError
from rag.answering.citations import cite
from rag.types import Check, Document

ARTICLE = make_document("a.txt", "It rained in Oslo. The mayor of Oslo came at noon.")
DRAFT = make_document("draft.md", "It rained in Oslo. The mayor stayed away. A mule barked. Who knows?")
RAIN, MAYOR = cite(ARTICLE, 0, 18, 0.9), cite(ARTICLE, 19, 50, 0.8)
CHECKS = [
    Check("It rained in Oslo.", "supported", 0.9, (RAIN,), (), 0, 18),
    Check("The mayor stayed away.", "contradicted", 0.1, (RAIN,), (), 19, 41),
    Check("A mule barked.", "supported", 0.6, (MAYOR,), (), 42, 56),
    Check("Who knows?", "no claim", 0.0, (), (), 57, 67),
]
LABELS = [
    Label("It rained in Oslo.", "supported", "a.txt", "It rained in Oslo."),
    Label("The mayor stayed away.", "contradicted", "a.txt", "The mayor of Oslo came at noon."),
    Label("A mule barked.", "not stated", None, None),
    Label("Who knows?", "no claim", None, None),
]


class Articles:
    def document(self, document_id: str) -> Document:
        return {ARTICLE.id: ARTICLE}[document_id]


def test_a_right_verdict_is_asked_for_the_quote_that_decides() -> None:
    rows = matched(DRAFT, CHECKS, LABELS, Articles())
    assert [row.check.statement for row in rows] == [label.text for label in LABELS]
    assert [row.cited for row in rows] == [True, False, None, None]


def test_the_table_has_a_row_for_each_label() -> None:
    table = measured(matched(DRAFT, CHECKS, LABELS, Articles()), [0.2, 0.4, 0.3])
    assert [row[:6] for row in table.rows] == [
        ("supported", 1, 1, 0, 0, 0), ("contradicted", 1, 0, 1, 0, 0), ("not stated", 1, 1, 0, 0, 0),
        ("no claim", 1, 0, 0, 0, 1), ("all", 4, 2, 1, 0, 1),
    ]  # fmt: skip
    right, cited = table.rows[-1][6:]
    assert isinstance(right, Estimate)
    assert (right.value, cited.value) == (0.75, 0.5)
    assert table.note.startswith("AUROC of the probability, supported against the rest: 1.000")
    assert table.note.endswith("; 0.30 s a sentence (median), 0.40 s at most")


def test_a_label_of_another_draft_is_refused() -> None:
    with pytest.raises(DatasetError, match="does not hold 'Snow fell"):
        matched(DRAFT, CHECKS, [Label("Snow fell.", "supported", None, None)], Articles())
