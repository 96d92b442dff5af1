"""`python -m training.train`: trains the reader; the same command goes on from its last checkpoint.

The network runs in bfloat16, or in float32 on a processor that does not compute in it; its weights and their moments
are kept in float32. The word embeddings stay as they are: they are a fifth of the weights, and moving them costs time
and blurs names that the training text never shows.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Self

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from rag.models.hardware import inference_dtype
from rag.models.network import ReaderNetwork, load_network, save_network
from training.data import data_folder, load_articles, load_claims, load_training
from training.features import Features, batches, collate, encode
from training.mixture import Example, build
from training.written import load_fields


def learning_rate(progress: float, peak: float, warm_up: float = 0.03) -> float:
    """Rate at a share of the run in [0, 1]: linear to `peak` over `warm_up`, then linear to a hundredth of it."""
    if progress < warm_up:
        return peak * max(progress, 0.001) / warm_up
    return peak * max(0.01, (1 - progress) / (1 - warm_up))


HEAD_RATE = 20  # times the encoder's rate: the head starts at nothing, the encoder knows much already

FIXED = (
    "init",
    "keep",
    "negatives",
    "seed",
    "first",
    "frozen",
    "dropout",
    "inner_dropout",
    "tokens",
    "micro_batches",
    "pool",
)
"""Options that a run keeps; its length and rate may change on the way."""

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


def kept(examples: Sequence[Example], shares: Mapping[str, float], random: Random) -> list[Example]:
    """Of the examples of each kind a share, by the longest name that the kind begins with; "" is one of them.

    A name with which no kind begins is told; ValueError where nothing is kept.
    """
    for name in shares:
        if not any(example.kind.startswith(name) for example in examples):
            print(f"--keep {name}: no kind begins so", flush=True)

    def share(kind: str) -> float:
        return max((len(name), share) for name, share in shares.items() if kind.startswith(name))[1]

    if not (chosen := [example for example in examples if random.random() < share(example.kind)]):
        raise ValueError("--keep leaves no window")
    return chosen


def share_of_kind(text: str) -> tuple[str, float]:
    """Name and share of "news/twin=0.5"."""
    name, _, share = text.rpartition("=")
    return name, float(share)


def prepared(
    work: Path,
    data: Path,
    negatives: Path | None,
    shares: Mapping[str, float],
    tokenizer: PreTrainedTokenizerBase,
    seed: int,
    number: int,
) -> Features:
    """Features of one pass, built once and kept in `work`."""
    path = work / f"pass-{seed}-{number}.npz"
    if not path.exists():
        retrieved = json.loads(negatives.read_text(encoding="utf-8")) if negatives else {}
        (questions, _), (claims, _) = load_training(data), load_claims(data)
        texts, asked, said = load_fields()
        made = build(questions + asked, retrieved, seed * 1000 + number, claims + said, load_articles(data) | texts)
        examples = kept(made, {"": 1.0} | dict(shares), Random(seed * 1000 + number))
        partial = path.with_suffix(".partial.npz")
        encode(examples, tokenizer, seed * 1000 + number).save(partial)
        partial.replace(path)
        kinds = dict(sorted(Counter(example.kind for example in examples).items()))
        (work / f"pass-{seed}-{number}.json").write_text(json.dumps(kinds, indent=1))
    return Features.load(path)


def options(description: str | None) -> argparse.ArgumentParser:
    """The options of every training program."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=data_folder, required=True, help="folder that holds train/")
    parser.add_argument("--init", type=Path, required=True, help="folder of the weights to start from")
    parser.add_argument("--work", type=Path, required=True, help="folder for features and checkpoints")
    parser.add_argument("--negatives", type=Path, help="file written by training.mine")
    parser.add_argument(
        "--keep",
        type=share_of_kind,
        nargs="*",
        default=[],
        metavar="KIND=SHARE",
        help="share that a pass keeps of the kinds of windows that begin so; a pass's kinds stand beside it in --work",
    )
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="length of the run in time; the rate falls with the clock")
    length.add_argument("--steps", type=int, help="length of the run in optimiser steps; repeats exactly")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first pass")
    parser.add_argument("--rate", type=float, default=4e-5, help="peak learning rate")
    parser.add_argument("--dropout", type=float, default=0.1, help="behind the embeddings and before the head")
    parser.add_argument("--inner-dropout", type=float, default=0.0, help="in layers and embeddings; slower on CPUs")
    parser.add_argument("--frozen", type=int, default=0, help="embeddings and so many of the first layers do not learn")
    parser.add_argument("--average", type=float, default=0.995, help="decay of the moving average, per step")
    parser.add_argument("--tokens", type=int, default=4096, help="padded tokens in a micro-batch")
    parser.add_argument("--micro-batches", type=int, default=1, help="micro-batches of a step")
    parser.add_argument("--pool", type=int, default=4096, help="windows sorted by length together")
    parser.add_argument("--save-minutes", type=float, default=5.0)
    parser.add_argument("--snapshot-minutes", type=float, default=25.0, help="averaged weights kept for the curve")
    parser.add_argument("--stop-after", type=int, help="end early at this step, with the schedule as planned")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def run(
    trainer: Trainer,
    tokenizer: PreTrainedTokenizerBase,
    arguments: argparse.Namespace,
    kept_with: PreTrainedTokenizerBase | None = None,
) -> None:
    """Train from the last checkpoint, or from the start, to the end of the schedule.

    `tokenizer` cuts the windows; the weights are kept with `kept_with`, where that is another.
    """
    arguments.work.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.work / "checkpoint.pt"
    number, position, elapsed, seen, snapshot = arguments.first, 0, 0.0, 0, 0.0
    given = {name: str(getattr(arguments, name)) for name in FIXED}
    options_file = arguments.work / "options.json"
    if options_file.exists() and (begun := json.loads(options_file.read_text(encoding="utf-8"))) != given:
        other = ", ".join(f"--{name} {begun.get(name)}" for name in given if begun.get(name) != given[name])
        raise ValueError(
            f"{arguments.work} was begun with {other.replace('_', '-')}: go on with that, or name another --work"
        )
    options_file.write_text(json.dumps(given, indent=1), encoding="utf-8")
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=False)
        trainer.restore(state)
        number, position, elapsed, seen, snapshot = (
            state[name] for name in ("number", "position", "elapsed", "seen", "snapshot")
        )
        print(f"resumed at step {trainer.steps}, {elapsed / 60:.1f} minutes", flush=True)

    def save() -> None:
        place = {"number": number, "position": position, "elapsed": elapsed, "seen": seen, "snapshot": snapshot}
        partial = checkpoint.with_suffix(".partial")
        torch.save(trainer.state() | place, partial)
        partial.replace(checkpoint)

    def keep(name: str) -> None:
        save_network(trainer.averaged, arguments.work / name)
        (kept_with or tokenizer).save_pretrained(arguments.work / name)

    def progress() -> float:
        """Share of the run done, in [0, 1]."""
        return float(trainer.steps / arguments.steps if arguments.steps else elapsed / (60 * arguments.minutes))

    saved = elapsed
    smooth = None

    def over() -> bool:
        return progress() >= 1 or (arguments.stop_after is not None and trainer.steps >= arguments.stop_after)

    while not over():
        features = prepared(
            arguments.work, arguments.data, arguments.negatives, dict(arguments.keep), tokenizer, arguments.seed, number
        )
        cut = batches(np.diff(features.bounds), arguments.tokens, arguments.pool, arguments.seed * 1000 + number)
        windows = float(np.mean([len(part) for part in cut])) * arguments.micro_batches
        clock = time.monotonic()
        while position < len(cut) and not over():
            chosen = cut[position : position + arguments.micro_batches]
            loss = trainer.step(
                [collate(features, part, tokenizer.pad_token_id) for part in chosen], progress(), windows
            )
            position += len(chosen)
            seen += sum(map(len, chosen))
            now = time.monotonic()
            elapsed, clock = elapsed + now - clock, now
            smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss} at step {trainer.steps}: lower --rate")
            if trainer.steps % 50 == 0:
                print(
                    f"step {trainer.steps} pass {number} {position}/{len(cut)} loss {smooth:.3f} "
                    f"{seen / elapsed:.1f} windows/s {elapsed / 60:.1f} min {progress():.3f}",
                    flush=True,
                )
            if elapsed - saved > 60 * arguments.save_minutes:
                save()
                saved = elapsed
            if elapsed - snapshot > 60 * arguments.snapshot_minutes:
                snapshot = elapsed
                keep(f"snapshot-{trainer.steps}")
                save()
        if position >= len(cut):
            number, position = number + 1, 0
    save()
    keep("final")
    print(f"done: {trainer.steps} steps, {seen} windows, {elapsed / 60:.1f} minutes", flush=True)


def main(argv: list[str] | None = None) -> None:
    arguments = options(__doc__).parse_args(argv)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    run(Trainer.of(arguments), AutoTokenizer.from_pretrained(arguments.init), arguments)


if __name__ == "__main__":
    main()
