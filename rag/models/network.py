"""The reader's network: an encoder and one linear head over each token's state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from torch import nn
from torch.nn import functional

from rag.models.packing import pack, unpack
from rag.models.transformer import Transformer, assign, read_config, renamed

N_OUTPUTS = 5  # start, end, denial, polar, many


class ReaderNetwork(nn.Module):
    """Scores of each token as the first and as the last of the span that answers; the first token stands for "nothing".

    The other outputs are read at the first token alone: the logits that the passage denies what is asked or claimed,
    that the question asks for yes or no, and that it asks for a list.
    """

    def __init__(self, encoder: Transformer) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config["hidden_size"], N_OUTPUTS)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of start and end, (n_windows, n_tokens), and of denial, polar and many, (n_windows, 3); float32."""
        return self.score(self.encoder(input_ids, attention_mask, token_type_ids))

    def score(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The outputs of the encoder's last states, (n_windows, n_tokens, dim); the head computes in float32."""
        logits = functional.linear(hidden.float(), self.head.weight.float(), self.head.bias.float())
        return logits[..., 0], logits[..., 1], logits[:, 0, 2:]


def save_network(network: ReaderNetwork, folder: Path, packed: bool = False) -> None:
    """Writes config.json and model.safetensors, in the precision that the network has, or packed into fewer bits."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = network.encoder.config
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    state = renamed(network.state_dict(), config["model_type"], to_file=True)
    state = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(pack(state) if packed else state, folder / "model.safetensors")


def load_network(
    folder: Path, dtype: torch.dtype = torch.float32, options: Mapping[str, float] = MappingProxyType({})
) -> ReaderNetwork:
    """The network of a folder that `save_network` wrote, or of an encoder, whose head then starts at random.

    `options` replace values of the encoder's configuration.
    """
    from safetensors.torch import load_file

    config = read_config(folder) | dict(options)
    with torch.device("meta"):
        network = ReaderNetwork(Transformer(config))
    state = unpack(load_file(folder / "model.safetensors"), dtype)
    if "head.weight" not in state:
        width = config["hidden_size"]
        state = {f"encoder.{name.removeprefix(config['model_type'] + '.')}": state[name] for name in state}
        state |= {"head.weight": torch.randn(N_OUTPUTS, width, dtype=dtype) * 0.02}
        state |= {"head.bias": torch.zeros(N_OUTPUTS, dtype=dtype)}
    assign(network, state, config["model_type"], dtype)
    return network
