"""Weights in few bits: a matrix as integers with one scale a row, an embedding table as halves of bytes.

Rounding to the nearest of 255 steps a row (Jacob et al., 2018, without their activations: the network computes in
bfloat16 or float32 as before, and only the file is small). Rows of an embedding table are cut into groups with a scale
each, since four bits leave too few steps for a whole row.
"""

from __future__ import annotations

import torch

GROUP = 32  # values of an embedding that share a scale
LEAST = 4096  # elements from which a matrix is packed; the rest stays in half precision
BYTES, HALVES, SCALE = ".int8", ".int4", ".scale"


def pack(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a network as they are stored: int8, uint8 (two values a byte) and float16."""
    packed: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        tensor = tensor.float()
        if tensor.ndim != 2 or tensor.numel() < LEAST:
            packed[name] = tensor.half()
        elif name.endswith("word_embeddings.weight"):
            groups = tensor.reshape(len(tensor), -1, GROUP)
            scale = groups.abs().amax(2).div(7).clamp(min=1e-8).half()
            steps = (groups / scale.float()[..., None]).round().clamp(-7, 7).add(8).to(torch.uint8).flatten(1)
            packed[name + HALVES] = steps[:, ::2] | steps[:, 1::2] << 4
            packed[name + SCALE] = scale
        else:
            scale = tensor.abs().amax(1).div(127).clamp(min=1e-8).half()
            packed[name + BYTES] = (tensor / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
            packed[name + SCALE] = scale
    return {name: tensor.contiguous() for name, tensor in packed.items()}


def unpack(packed: dict[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The tensors that `pack` was given, rounded, in `dtype`; tensors that are not packed pass through."""
    state: dict[str, torch.Tensor] = {}
    for name, tensor in packed.items():
        if name.endswith(BYTES):
            name = name.removesuffix(BYTES)
            state[name] = (tensor.float() * packed[name + SCALE].float()[:, None]).to(dtype)
        elif name.endswith(HALVES):
            name = name.removesuffix(HALVES)
            steps = torch.stack([tensor & 15, tensor >> 4], dim=2).flatten(1).float().sub(8)
            scale = packed[name + SCALE].float()[..., None]
            state[name] = (steps.reshape(len(steps), -1, GROUP) * scale).flatten(1).to(dtype)
        elif not name.endswith(SCALE):
            state[name] = tensor.to(dtype)
    return state
