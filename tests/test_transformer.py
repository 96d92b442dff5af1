"""The encoder and the windows of the project beside those of transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fakes import SEEDS

from rag.errors import ModelError
from rag.models.reader import SHIPPED
from rag.models.transformer import load_transformer
from rag.models.windows import MAX_QUESTION_TOKENS, STRIDE, Windows


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_the_encoder_computes_what_transformers_does(kind: str, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel

    sizes = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}
    config = AutoConfig.for_model(kind, vocab_size=90, **sizes)
    library = AutoModel.from_config(config, add_pooling_layer=False).eval()
    library.save_pretrained(tmp_path)
    own = load_transformer(tmp_path, torch.float32)
    mask = (torch.arange(300) < torch.tensor([[300], [200], [7]])).long()
    ids = torch.randint(2, 90, (3, 300)).where(mask == 1, config.pad_token_id)  # by which MPNet knows padding
    kinds = {"token_type_ids": (torch.arange(300) > 5).long().expand(3, -1)} if kind == "bert" else {}
    with torch.inference_mode():
        found = own(ids, mask, **kinds)
        expected = library(input_ids=ids, attention_mask=mask, **kinds).last_hidden_state
    assert (found - expected)[mask == 1].abs().max() < 1e-5


def test_an_encoder_of_another_kind_is_named(tmp_path: Path) -> None:
    for config, came in (('{"model_type": "t5"}', "'t5'"), ('{"model_type": "bert", "hidden_act": "relu"}', "'relu'")):
        (tmp_path / "config.json").write_text(config)
        with pytest.raises(ModelError, match=f"{came}.* came, expected bert or mpnet with 'gelu'"):
            load_transformer(tmp_path, torch.float32)


@pytest.mark.parametrize("name", ["default", "small"])
def test_windows_are_those_that_transformers_cuts(name: str) -> None:
    from transformers import AutoTokenizer

    texts = [path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.txt"))]
    question = "Why did López Miera visit Belarus in 1994?"
    library = AutoTokenizer.from_pretrained(SHIPPED[name])
    encoded = library(
        [question] * len(texts),
        texts,
        truncation="only_second",
        max_length=288,
        stride=STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    cut = Windows.load(SHIPPED[name], 288).cut([(question, text) for text in texts])
    assert [window.ids for window in cut] == encoded["input_ids"]
    assert [window.offsets for window in cut] == encoded["offset_mapping"]
    assert [window.pair for window in cut] == encoded["overflow_to_sample_mapping"]
    assert all(window.inside == [of == 1 for of in encoded.sequence_ids(i)] for i, window in enumerate(cut))


def test_a_long_question_leaves_room_for_the_passage() -> None:
    windows = Windows.load(SHIPPED["small"], 288)
    (window,) = windows.cut([("why " * 500, "A tower fell.")])
    assert window.inside.count(False) == MAX_QUESTION_TOKENS + 3
    assert window.inside.count(True) == 4
    assert not windows.fits("why " * 500)
    assert windows.fits("why " * MAX_QUESTION_TOKENS)
