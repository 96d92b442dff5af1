"""Claims against their articles: figures worked by hand, both forms of file, samples of whole groups."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from eval import metrics
from eval.claims_set import Claim, load_claims, measured
from eval.datasets import DatasetError
from eval.sets import CLAIMS


def test_true_kept_at_a_share_of_false_let_through() -> None:
    scores = np.array([0.9, 0.8, 0.3, 0.2, 0.85, 0.1, 0.1, 0.1])
    true = np.array([1, 1, 1, 1, 0, 0, 0, 0], dtype=bool)
    assert metrics.kept_at(scores, true, 0.05) == 0.25  # none may pass
    assert metrics.kept_at(scores, true, 0.25) == 1.0  # one of four may
    assert metrics.kept_at(np.full(8, 0.5), true, 0.25) == 0.0  # a tie keeps nothing
    assert metrics.kept_at(scores[:4], true[:4]) is None


def test_each_label_is_measured_against_the_supported() -> None:
    labels = ["supported"] * 4 + ["contradicted"] * 2 + ["not_stated"] * 2
    claims = [Claim(str(i), label, "a", f"article {i % 2}") for i, label in enumerate(labels)]
    table = measured(claims, np.array([0.9, 0.8, 0.7, 0.4, 0.75, 0.1, 0.2, 0.1]), 0.5)
    rows = {row[0]: [getattr(cell, "value", cell) for cell in row[1:]] for row in table.rows}
    assert list(rows) == ["contradicted against supported", "not_stated against supported", "all against supported"]
    assert rows["contradicted against supported"] == pytest.approx([2, 6 / 8, 0.5, 0.75, 0.5])
    assert rows["not_stated against supported"] == pytest.approx([2, 1.0, 0.0, 0.75, 1.0])
    assert rows["all against supported"] == pytest.approx([4, 14 / 16, 0.25, 0.75, 0.5])
    assert table.note == "8 claims, 4 supported; threshold 0.50"


def test_the_news_claims_and_their_halves() -> None:
    claims, documents = load_claims(CLAIMS)
    assert (len(claims), len(documents)) == (605, 60)
    half, articles = load_claims(CLAIMS, "test", 90, 1)
    assert {claim.document_id for claim in half} == {document.id for document in articles}
    assert len(articles) % 3 == 0  # whole groups
    assert len(half) >= 90


def test_claims_that_bring_their_text(tmp_path: Path) -> None:
    row = {"id": "1", "group": "g", "claim": "It rained.", "label": "supported", "premise": "Rain fell."}
    path = tmp_path / "set.jsonl.gz"
    path.write_bytes(gzip.compress((json.dumps(row) + "\n").encode()))
    claims, documents = load_claims(path)
    assert claims == [Claim("It rained.", "supported", "1", "g")]
    assert [(document.id, document.text) for document in documents] == [("1", "Rain fell.")]
    path.write_bytes(gzip.compress(b'{"id": "1"}\n'))
    with pytest.raises(DatasetError, match="cannot be read"):
        load_claims(path)
