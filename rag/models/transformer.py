"""The encoder of BERT (Devlin et al., 2019) and of MPNet (Song et al., 2020): token ids to states.

The figures are those of `transformers`, whose import takes longer than an answer does. Files of weights keep its names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from rag.errors import ModelError

_LAYER = {
    "encoder.layer.": "layers.",
    "embeddings.LayerNorm.": "embeddings.norm.",
    "intermediate.dense.": "widen.",
}
_OUTPUT = {"output.dense.": "narrow.", "output.LayerNorm.": "norm."}
# Names in a file of weights -> names here, to be replaced in this order.
NAMES: Mapping[str, Mapping[str, str]] = {
    "bert": _LAYER
    | {f"attention.self.{name}.": f"{name}." for name in ("query", "key", "value")}
    | {"attention.output.dense.": "mix.", "attention.output.LayerNorm.": "mix_norm."}
    | _OUTPUT,
    "mpnet": _LAYER
    | {f"attention.attn.{name[0]}.": f"{name}." for name in ("query", "key", "value")}
    | {"attention.attn.o.": "mix.", "attention.LayerNorm.": "mix_norm."}
    | {"encoder.relative_attention_bias.": "distance."}
    | _OUTPUT,
}
MAX_DISTANCE = 128  # tokens, from which on MPNet tells no distances apart


class Transformer(nn.Module):
    """An encoder whose `config` is a transformers config.json of the kinds in `NAMES`; its weights are to be given.

    ModelError for another kind.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        kind, activation = config["model_type"], config.get("hidden_act", "gelu")
        if kind not in NAMES or activation != "gelu":
            kinds = " or ".join(sorted(NAMES))
            raise ModelError(f"an encoder of the kind {kind!r} with {activation!r} came, expected {kinds} with 'gelu'")
        self.config = dict(config)
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.distance = None
        if config["model_type"] == "mpnet":
            self.distance = _table(config["relative_attention_num_buckets"], config["num_attention_heads"])

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Ids, mask (1 for a token, 0 for padding) and segments, (n, n_tokens) -> states, (n, n_tokens, dim)."""
        return self.contextualise(self.embeddings(input_ids, token_type_ids), attention_mask)

    def contextualise(self, embedded: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Embedded tokens, (n, n_tokens, dim), through the layers."""
        bias = (1 - attention_mask[:, None, None, :].to(embedded.dtype)) * -1e4
        if self.distance is not None:
            places = torch.arange(embedded.shape[1], device=embedded.device)
            buckets = distance_buckets(places[None, :] - places[:, None], self.distance.num_embeddings)
            bias = bias + self.distance(buckets).permute(2, 0, 1)
        for layer in self.layers:
            embedded = layer(embedded, bias)
        return embedded


class Embeddings(nn.Module):
    """A token's vector by word, place and, where the encoder knows them, segment."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.word_embeddings = _table(config["vocab_size"], width)
        self.position_embeddings = _table(config["max_position_embeddings"], width)
        self.token_type_embeddings = None
        if config["model_type"] == "bert":
            self.token_type_embeddings = _table(config["type_vocab_size"], width)
        # MPNet counts the places of a text from behind the one that padding has.
        self.first = config["pad_token_id"] + 1 if config["model_type"] == "mpnet" else 0
        self.norm = nn.LayerNorm(width, config["layer_norm_eps"])
        self.dropout = nn.Dropout(config["hidden_dropout_prob"])

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None = None) -> torch.Tensor:
        places = torch.arange(self.first, self.first + input_ids.shape[1], device=input_ids.device)
        embedded = self.word_embeddings(input_ids) + self.position_embeddings(places)
        if self.token_type_embeddings is not None:
            kinds = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
            embedded = embedded + self.token_type_embeddings(kinds)
        hidden: torch.Tensor = self.dropout(self.norm(embedded))
        return hidden


class Layer(nn.Module):
    """Self-attention and a feed-forward network, each added to what came in and normed."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, inner, eps = config["hidden_size"], config["intermediate_size"], config["layer_norm_eps"]
        self.heads = config["num_attention_heads"]
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.mix, self.mix_norm = nn.Linear(width, width), nn.LayerNorm(width, eps)
        self.widen, self.narrow, self.norm = nn.Linear(width, inner), nn.Linear(inner, width), nn.LayerNorm(width, eps)
        self.dropout = nn.Dropout(config["hidden_dropout_prob"])

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            linear(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        found = functional.scaled_dot_product_attention(query, key, value, bias).transpose(1, 2).flatten(2)
        hidden = self.mix_norm(hidden + self.dropout(self.mix(found)))
        narrowed = self.narrow(functional.gelu(self.widen(hidden)))
        out: torch.Tensor = self.norm(hidden + self.dropout(narrowed))
        return out


def _table(n_rows: int, width: int) -> nn.Embedding:
    """Embeddings without values. Drawing them on the device "meta" would import torch's compiler: two seconds."""
    return nn.Embedding(n_rows, width, _weight=torch.empty(n_rows, width))


def distance_buckets(distance: torch.Tensor, n_buckets: int) -> torch.Tensor:
    """Of each signed distance in tokens its bucket: half of them for either side, the far ones growing by logarithm.

    As T5 does it (Raffel et al., 2020), whose scheme MPNet took over.
    """
    half = n_buckets // 2
    exact = half // 2
    far = distance.abs().clamp(min=exact).float()
    steps = ((far / exact).log() / math.log(MAX_DISTANCE / exact) * (half - exact)).long()
    near = torch.where(distance.abs() < exact, distance.abs(), (exact + steps).clamp(max=half - 1))
    return near + half * (distance > 0)


def renamed(state: Mapping[str, torch.Tensor], kind: str, to_file: bool = False) -> dict[str, torch.Tensor]:
    """Tensors of an encoder of that kind under the names of this module, or `to_file` under those of a file."""
    pairs = list(NAMES[kind].items())
    if to_file:
        pairs = [(mine, theirs) for theirs, mine in pairs]
    found = {}
    for name, tensor in state.items():
        for old, new in pairs:
            name = name.replace(old, new)
        found[name] = tensor
    return found


def load_transformer(folder: Path, dtype: torch.dtype) -> Transformer:
    """The encoder of a folder, for inference."""
    from safetensors.torch import load_file

    config = read_config(folder)
    with torch.device("meta"):
        encoder = Transformer(config)
    assign(encoder, load_file(folder / "model.safetensors"), config["model_type"], dtype)
    return encoder.eval()


def read_config(folder: Path) -> dict[str, Any]:
    """A folder's config.json."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def assign(network: nn.Module, state: Mapping[str, torch.Tensor], kind: str, dtype: torch.dtype) -> None:
    """Give a network made on the device "meta" a file's tensors; those that it has no place for are left out."""
    places = network.state_dict()
    found = {name: tensor.to(dtype) for name, tensor in renamed(state, kind).items() if name in places}
    network.load_state_dict(found, assign=True)
