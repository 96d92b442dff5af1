"""A confidence fitted to a reader that nobody calibrated, made here with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig, BertForQuestionAnswering

from rag.answering.confidence import SIGNS, Calibration
from rag.cli import run
from rag.config import Settings
from rag.models.embedding import default_model_folder
from rag.parts import Parts
from rag.places import calibration_of


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RAG_HOME", str(tmp_path / "home"))
    tokenizer = AutoTokenizer.from_pretrained(default_model_folder())
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertForQuestionAnswering(BertConfig(vocab_size=len(tokenizer), **sizes))
    model.save_pretrained(tmp_path / "reader")
    tokenizer.save_pretrained(tmp_path / "reader")
    return str(tmp_path / "reader")


def test_a_fitted_reader_is_used_with_its_fit(
    reader: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    margin = Calibration.of_margin().to_dict()
    assert Parts.load(Settings(reader=reader)).confidence.to_dict() == margin
    with pytest.raises(SystemExit) as ended:
        run(["evaluate-reader", reader, "--questions", "20"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert [printed.count(name) for name in ("fixed, its score alone", "news, fitted")] == [1, 1]
    assert f"kept in {calibration_of(reader)}" in printed
    fitted = json.loads(calibration_of(reader).read_text(encoding="utf-8"))
    assert Parts.load(Settings(reader=reader)).confidence.to_dict() == fitted != margin
    # More of what speaks for an answer never lowers what was fitted, however little the random weights know.
    regressions = (fitted["evidence"], fitted["decision"])
    assert all(w * SIGNS[n] >= 0 for part in regressions for n, w in part.items() if n != "bias")
    assert Parts.load(Settings(reader=reader, decide="margin")).confidence.to_dict() == margin
    monkeypatch.chdir(Path(reader).parent)
    assert Parts.load(Settings(reader="reader")).confidence.to_dict() == fitted  # the same folder by another path
    weights = Path(reader) / "model.safetensors"
    save_file({name: tensor + 0.01 for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    assert Parts.load(Settings(reader=reader)).confidence.to_dict() == margin  # other weights: another reader


@pytest.mark.parametrize("reader", ["default", "small"])
def test_readers_that_ship_keep_their_own(reader: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["evaluate-reader", reader])
    assert ended.value.code == 1
    assert "has a confidence of its own" in capsys.readouterr().err
