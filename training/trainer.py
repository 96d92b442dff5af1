"""The reader in training: its losses, its weights and the copy of them that runs, its optimiser.

The network runs in bfloat16, or in float32 on a processor that does not compute in it; its weights and their moments
are kept in float32. The word embeddings stay as they are: they are a fifth of the weights, and moving them costs time
and blurs names that the training text never shows.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import Any, Self

import torch
from torch.nn import functional

from rag.models.hardware import inference_dtype
from rag.models.network import ReaderNetwork, load_network


def learning_rate(progress: float, peak: float, warm_up: float = 0.03) -> float:
    """Rate at a share of the run in [0, 1]: linear to `peak` over `warm_up`, then linear to a hundredth of it."""
    if progress < warm_up:
        return peak * max(progress, 0.001) / warm_up
    return peak * max(0.01, (1 - progress) / (1 - warm_up))


HEAD_RATE = 20  # times the encoder's rate: the head starts at nothing, the encoder knows much already

FORBIDDEN = -1e4  # logit of a token that can be no answer; finite, so that weights of 0 leave nothing of it

# Of the losses of the outputs that are read at the first token, beside that of the span.
OUTPUT_WEIGHTS = {"denial": 0.5, "polar": 0.2, "many": 0.2}


def window_loss(
    start: torch.Tensor, end: torch.Tensor, asked: torch.Tensor, batch: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Sum of the windows' losses. Only the first token and the passage's take part, as when the reader answers.

    Where the span is known (or that there is none): the mean cross-entropy of start and end. Where it is only known
    that there is one: the loss of "nothing" against all spans together. Where it is known, the cross-entropy of what
    is read at the first token besides, `asked` (n_windows, 3).
    """
    start, end = within_passage(start, batch), within_passage(end, batch)
    # By weights of 0 and 1, not by picking rows: what a mask picks is of unknown size, for which a GPU has to be asked.
    marked = (batch["start"] >= 0).to(start.dtype)
    total = functional.softplus(-evidence_margin(start, end)) @ (1 - marked)
    for logits, name in ((start, "start"), (end, "end")):
        total = total + 0.5 * (functional.cross_entropy(logits, batch[name].clamp(min=0), reduction="none") @ marked)
    for output, (name, weight) in enumerate(OUTPUT_WEIGHTS.items()):
        known, target = (batch[name] >= 0).to(asked.dtype), batch[name].clamp(min=0).to(asked.dtype)
        losses = functional.binary_cross_entropy_with_logits(asked[:, output], target, reduction="none")
        total = total + weight * (losses @ known)
    return total


def within_passage(logits: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Logits (n_windows, n_tokens) of which only the first token's and the passage's take part."""
    allowed = (batch["segments"] == 1) & (batch["attention_mask"] == 1)
    allowed[:, 0] = True
    return logits.masked_fill(~allowed, FORBIDDEN)


def evidence_margin(start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """Logit of all spans together over "nothing", (n_windows,), from masked logits, (n_windows, n_tokens)."""
    return start[:, 1:].logsumexp(1) + end[:, 1:].logsumexp(1) - start[:, 0] - end[:, 0]


def network_scores(
    network: ReaderNetwork, batch: dict[str, torch.Tensor], dropout: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a network says of a batch, as `ReaderNetwork.score` gives it."""
    embedded = functional.dropout(network.encoder.embeddings(batch["input_ids"], batch["segments"]), dropout)
    hidden = network.encoder.contextualise(embedded, batch["attention_mask"])
    return network.score(functional.dropout(hidden.float(), dropout))


class Trainer:
    """The reader in training: float32 weights, their copy that runs, their moving average, the optimiser."""

    def __init__(
        self, init: Path, peak: float, average: float, dropout: float, inner_dropout: float, device: str, frozen: int
    ) -> None:
        self.model = load_network(init, options={"hidden_dropout_prob": inner_dropout}).to(device)
        encoder = self.model.encoder
        # Of MPNet's table of distances, 384 weights, what pre-training gave them is kept.
        for part in (encoder.embeddings.word_embeddings, encoder.distance):
            if part is not None:
                part.requires_grad_(False)
        if frozen:  # a step is then up to three times as fast, as nothing is derived below the layers that learn
            encoder.embeddings.requires_grad_(False)
            encoder.layers[:frozen].requires_grad_(False)
        self.dtype = torch.bfloat16 if torch.device(device).type == "cuda" else inference_dtype()
        self.worker = copy.deepcopy(self.model).to(self.dtype).train()
        self.averaged = copy.deepcopy(self.model).eval()
        pairs = [
            (p, w) for p, w in zip(self.model.parameters(), self.worker.parameters(), strict=True) if p.requires_grad
        ]
        self.weights, self.copies = map(list, zip(*pairs, strict=True))
        self.averages = [p for p in self.averaged.parameters() if p.requires_grad]
        learned = [p for p in encoder.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in learned if p.ndim > 1], "weight_decay": 0.01, "times": 1},
            {"params": [p for p in learned if p.ndim == 1], "weight_decay": 0.0, "times": 1},
            {"params": list(self.model.head.parameters()), "weight_decay": 0.0, "times": HEAD_RATE},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), fused=True)
        self.peak, self.average, self.dropout, self.device = peak, average, dropout, device
        self.steps = 0

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Self:
        """By the options of a program."""
        names = ("init", "rate", "average", "dropout", "inner_dropout", "device", "frozen")
        return cls(*(getattr(arguments, name) for name in names))

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Summed loss of one micro-batch."""
        return window_loss(*network_scores(self.worker, batch, self.dropout), batch)

    def step(self, micro_batches: list[dict[str, torch.Tensor]], progress: float, windows: float) -> float:
        """Mean loss per window of one optimiser step over several micro-batches.

        `windows`: how many a step holds in the mean, by which its loss counts. By its own number a long window, of
        which few make a step, would count five times as much as a short one.
        """
        count = sum(len(batch["start"]) for batch in micro_batches)
        total = torch.zeros((), device=self.device)
        for batch in micro_batches:
            loss = self.forward({name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()})
            (loss / windows).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        for weight, running in zip(self.weights, self.copies, strict=True):
            weight.grad = torch.zeros_like(weight) if running.grad is None else running.grad.float()
            running.grad = None
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = group["times"] * learning_rate(progress, self.peak)
        self.optimizer.step()
        self.steps += 1
        with torch.no_grad():
            torch._foreach_copy_(self.copies, self.weights)
            keep = min(self.average, (1 + self.steps) / (10 + self.steps))
            torch._foreach_lerp_(list[torch.Tensor](self.averages), list[torch.Tensor](self.weights), 1 - keep)
        return total.item() / count

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
            "rng": torch.get_rng_state(),
            "rng_of_gpus": torch.cuda.get_rng_state_all(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps = state["steps"]
        torch.set_rng_state(state["rng"])
        torch.cuda.set_rng_state_all(state["rng_of_gpus"])
        self.worker.load_state_dict(self.model.state_dict())
