"""The reader's network: an encoder and one linear head over each token's state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from rag.models.packing import pack, unpack

if TYPE_CHECKING:
    from transformers import PreTrainedModel

N_OUTPUTS = 5  # start, end, denial, polar, many


class ReaderNetwork(nn.Module):
    """Scores of each token as the first and as the last of the span that answers; the first token stands for "nothing".

    The other outputs are read at the first token alone: the logits that the passage denies what is asked or claimed,
    that the question asks for yes or no, and that it asks for a list.
    """

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder: Any = encoder
        self.head = nn.Linear(encoder.config.hidden_size, N_OUTPUTS)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of start and end, (n_windows, n_tokens), and of denial, polar and many, (n_windows, 3); float32."""
        kinds = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **kinds).last_hidden_state
        return self.score(hidden)

    def score(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The outputs of the encoder's last states, (n_windows, n_tokens, dim); the head computes in float32."""
        logits = functional.linear(hidden.float(), self.head.weight.float(), self.head.bias.float())
        return logits[..., 0], logits[..., 1], logits[:, 0, 2:]


def save_network(network: ReaderNetwork, folder: Path, packed: bool = False) -> None:
    """Writes config.json and model.safetensors, in the precision that the network has, or packed into fewer bits."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    network.encoder.config.save_pretrained(folder)
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(pack(state) if packed else state, folder / "model.safetensors")


def load_network(
    folder: Path, dtype: torch.dtype = torch.float32, options: Mapping[str, float] = MappingProxyType({})
) -> ReaderNetwork:
    """The network of a folder that `save_network` wrote, or of an encoder, whose head then starts at random.

    `options` replace values of the encoder's configuration.
    """
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(folder, **options)
    config._attn_implementation = "eager"
    state = unpack(load_file(folder / "model.safetensors"), dtype)
    with torch.device("meta"):
        network = ReaderNetwork(AutoModel.from_config(config, add_pooling_layer=False))  # type: ignore[no-untyped-call]
    if "head.weight" not in state:
        prefix = f"{network.encoder.base_model_prefix}."
        state = {f"encoder.{name.removeprefix(prefix)}": tensor for name, tensor in state.items()}
        state = {name: tensor for name, tensor in state.items() if name in network.state_dict()}
        width = network.encoder.config.hidden_size
        state |= {"head.weight": torch.randn(N_OUTPUTS, width, dtype=dtype) * 0.02}
        state |= {"head.bias": torch.zeros(N_OUTPUTS, dtype=dtype)}
    network.load_state_dict(state, assign=True)
    for module in network.modules():  # what is no weight and so in no file
        for name in ("position_ids", "token_type_ids"):
            if isinstance(getattr(module, name, None), torch.Tensor):
                size = getattr(module, name).shape[-1]
                fresh = torch.arange(size) if name == "position_ids" else torch.zeros(size, dtype=torch.long)
                setattr(module, name, fresh.expand((1, -1)))
    return network
