"""`python -m training.train`: trains the reader; the same command goes on from its last checkpoint."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from rag.models.network import save_network
from training.data import data_folder, load_articles, load_claims, load_training
from training.features import Features, batches, collate, encode
from training.leaning import replies
from training.mixture import build
from training.records import Example
from training.trainer import Trainer
from training.written import load_fields

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
        questions, articles = questions + asked, load_articles(data) | texts
        claims += said + replies(questions, Random(seed * 1000 + number))
        made = build(questions, retrieved, seed * 1000 + number, claims, articles)
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


@dataclass(slots=True)
class Place:
    """How far a run has come: pass, micro-batch of it, seconds, windows, and the second of the last snapshot."""

    number: int
    position: int = 0
    elapsed: float = 0.0
    seen: int = 0
    snapshot: float = 0.0


class Run:
    """One run of `training.train`: its schedule, its checkpoints."""

    def __init__(
        self,
        trainer: Trainer,
        tokenizer: PreTrainedTokenizerBase,
        arguments: argparse.Namespace,
        kept_with: PreTrainedTokenizerBase | None = None,
    ) -> None:
        """`tokenizer` cuts the windows; the weights are kept with `kept_with`, where that is another."""
        self._trainer, self._tokenizer, self._given = trainer, tokenizer, arguments
        self._kept_with = kept_with or tokenizer
        self._checkpoint = arguments.work / "checkpoint.pt"
        self._place = Place(arguments.first)
        self._saved = 0.0
        self._loss: float | None = None  # a moving average

    def go(self) -> None:
        """From the last checkpoint, or from the start, to the end of the schedule.

        Raises
        ------
        ValueError
            `--work` holds a run of other options.
        """
        given, trainer = self._given, self._trainer
        given.work.mkdir(parents=True, exist_ok=True)
        self._check_options()
        if self._checkpoint.exists():
            self._resume()
        place = self._place
        while not self._over():
            shares = dict(given.keep)
            features = prepared(
                given.work, given.data, given.negatives, shares, self._tokenizer, given.seed, place.number
            )
            cut = batches(np.diff(features.bounds), given.tokens, given.pool, given.seed * 1000 + place.number)
            self._train(features, cut)
            if place.position >= len(cut):
                place.number, place.position = place.number + 1, 0
        self._save()
        self._keep("final")
        print(f"done: {trainer.steps} steps, {place.seen} windows, {place.elapsed / 60:.1f} minutes", flush=True)

    def _train(self, features: Features, cut: list[npt.NDArray[np.int64]]) -> None:
        """On the micro-batches of a pass that are left, until the schedule ends."""
        given, trainer, place, padding = self._given, self._trainer, self._place, self._tokenizer.pad_token_id
        windows = float(np.mean([len(part) for part in cut])) * given.micro_batches
        clock = time.monotonic()
        while place.position < len(cut) and not self._over():
            chosen = cut[place.position : place.position + given.micro_batches]
            loss = trainer.step([collate(features, part, padding) for part in chosen], self._progress(), windows)
            place.position += len(chosen)
            place.seen += sum(map(len, chosen))
            now = time.monotonic()
            place.elapsed, clock = place.elapsed + now - clock, now
            self._loss = loss if self._loss is None else 0.98 * self._loss + 0.02 * loss
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss} at step {trainer.steps}: lower --rate")
            if trainer.steps % 50 == 0:
                print(
                    f"step {trainer.steps} pass {place.number} {place.position}/{len(cut)} loss {self._loss:.3f} "
                    f"{place.seen / place.elapsed:.1f} windows/s {place.elapsed / 60:.1f} min {self._progress():.3f}",
                    flush=True,
                )
            if place.elapsed - self._saved > 60 * given.save_minutes:
                self._save()
            if place.elapsed - place.snapshot > 60 * given.snapshot_minutes:
                place.snapshot = place.elapsed
                self._keep(f"snapshot-{trainer.steps}")
                self._save()

    def _check_options(self) -> None:
        given = {name: str(getattr(self._given, name)) for name in FIXED}
        file = self._given.work / "options.json"
        if file.exists() and (begun := json.loads(file.read_text(encoding="utf-8"))) != given:
            other = ", ".join(f"--{name} {begun.get(name)}" for name in given if begun.get(name) != given[name])
            other = other.replace("_", "-")
            raise ValueError(f"{self._given.work} was begun with {other}: go on with that, or name another --work")
        file.write_text(json.dumps(given, indent=1), encoding="utf-8")

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, weights_only=False)
        self._trainer.restore(state)
        self._place = Place(**{field.name: state[field.name] for field in fields(Place)})
        self._saved = self._place.elapsed
        print(f"resumed at step {self._trainer.steps}, {self._place.elapsed / 60:.1f} minutes", flush=True)

    def _save(self) -> None:
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(self._trainer.state() | asdict(self._place), partial)
        partial.replace(self._checkpoint)
        self._saved = self._place.elapsed

    def _keep(self, name: str) -> None:
        save_network(self._trainer.averaged, self._given.work / name)
        self._kept_with.save_pretrained(self._given.work / name)

    def _progress(self) -> float:
        """Share of the run done, in [0, 1]."""
        steps = self._given.steps
        return float(self._trainer.steps / steps if steps else self._place.elapsed / (60 * self._given.minutes))

    def _over(self) -> bool:
        stop = self._given.stop_after
        return self._progress() >= 1 or (stop is not None and self._trainer.steps >= stop)


def main(argv: list[str] | None = None) -> None:
    arguments = options(__doc__).parse_args(argv)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    Run(Trainer.of(arguments), AutoTokenizer.from_pretrained(arguments.init), arguments).go()


if __name__ == "__main__":
    main()
