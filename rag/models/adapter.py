"""A network told as a small change of another: to each matrix the product of two thin ones is added.

As in low-rank adaptation (Hu et al., 2022), but taken of weights that were trained whole. What is not changed is shared
in memory with the other network. Names are those of the modules, as a change fits no other library.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from rag.models.network import ReaderNetwork
from rag.models.packing import unpack
from rag.models.transformer import Transformer

OUT, IN = ".out", ".in"


def change_of(base: ReaderNetwork, other: ReaderNetwork, rank: int) -> dict[str, torch.Tensor]:
    """What turns `base` into about `other`: matrices by some directions each; vectors, and what is no larger, whole.

    The matrices have `rank` directions in the mean: the largest of all of them, so that where more has changed more is
    told.
    """
    found: dict[str, torch.Tensor] = {}
    told: dict[str, tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}
    before, after = base.state_dict(), other.state_dict()
    for name, tensor in after.items():
        change = tensor.float() - before[name].float()
        if not change.any():
            continue
        if change.ndim < 2 or min(change.shape) <= rank:
            found[name] = tensor
        else:
            told[name] = torch.linalg.svd(change, full_matrices=False)
    sizes = sorted((size for _, each, _ in told.values() for size in each.tolist()), reverse=True)
    for name, (left, size, right) in told.items():
        kept = int((size >= sizes[rank * len(told) - 1]).sum())
        root = size[:kept].sqrt()
        found[name + OUT] = left[:, :kept] * root
        found[name + IN] = root[:, None] * right[:kept]
    return {name: tensor.contiguous() for name, tensor in found.items()}


def changed(network: ReaderNetwork, change: Mapping[str, torch.Tensor]) -> ReaderNetwork:
    """The other network of a `change_of`, in the precision of the first and sharing with it what is the same."""
    state = network.state_dict()
    for name, tensor in change.items():
        if name.endswith(OUT):
            name = name.removesuffix(OUT)
            added = tensor @ change[name + IN]
            state[name] = (state[name].float() + added).to(state[name].dtype)
        elif not name.endswith(IN):
            state[name] = tensor.to(state[name].dtype)
    with torch.device("meta"):
        other = ReaderNetwork(Transformer(network.encoder.config))
    other.load_state_dict(state, assign=True)
    return other.eval()


def load_changed(network: ReaderNetwork, path: Path) -> ReaderNetwork:
    """The network that a file of `change_of`, packed, turns another into."""
    from safetensors.torch import load_file

    return changed(network, unpack(load_file(path), torch.float32))
