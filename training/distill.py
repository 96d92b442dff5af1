"""`python -m training.distill`: trains the small reader on what the large one says of the same windows.

The student learns the teacher's soft scores (Hinton et al., 2015) on passes that it draws anew, and a little of the
labels. Both cut text into the same word pieces; the student's window has one separator less.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from rag.models.network import load_network, save_network
from training.attention import speed_up
from training.features import batches, collate, separators
from training.train import FORBIDDEN, OUTPUT_WEIGHTS, Trainer, prepared, window_loss

TEMPERATURE = 2.0  # by which both scores are divided: the teacher's second thoughts then count
LABEL_WEIGHT = 0.3  # of the labels' loss beside the teacher's


def vocabulary(teacher: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase) -> torch.Tensor:
    """The student's id of each of the teacher's, (n_ids,); ValueError where they do not cut text alike."""
    special = {
        teacher.cls_token: student.cls_token,
        teacher.sep_token: student.sep_token,
        teacher.pad_token: student.pad_token,
        teacher.unk_token: student.unk_token,
    }
    known = student.get_vocab()
    ids = torch.full((len(teacher),), student.unk_token_id)
    for token, number in teacher.get_vocab().items():
        ids[number] = known.get(special.get(token, token), student.unk_token_id)
    text = "Why did López Miera visit Belarus in 1994?"
    if (
        ids[teacher(text, add_special_tokens=False)["input_ids"]].tolist()
        != student(text, add_special_tokens=False)["input_ids"]
    ):
        raise ValueError("teacher and student cut text into other pieces: distil into a reader of the same vocabulary")
    return ids


class Distiller(Trainer):
    """The student in training, and the teacher that it listens to."""

    def listen(self, teacher: Path, tokenizer: PreTrainedTokenizerBase, own: PreTrainedTokenizerBase) -> None:
        """Take the teacher of a folder, whose windows the batches then are."""
        self.teacher = load_network(teacher).to(self.device, self.dtype).eval()
        speed_up(self.teacher.encoder)
        self.ids = vocabulary(tokenizer, own).to(self.device)
        self.extra = separators(tokenizer) - separators(own)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        with torch.no_grad():
            taught = self.scores(self.teacher, batch)
        lead = batch["segments"].argmax(1, keepdim=True)
        places = torch.arange(batch["input_ids"].shape[1] - self.extra, device=lead.device).expand(len(lead), -1)
        kept = places + self.extra * (places >= lead - self.extra)  # without the last of the separators
        own = {
            "input_ids": self.ids[batch["input_ids"].gather(1, kept)],
            **{name: batch[name].gather(1, kept) for name in ("attention_mask", "segments")},
            **{name: batch[name] - self.extra * (batch[name] > 0) for name in ("start", "end")},
            **{name: batch[name] for name in OUTPUT_WEIGHTS},
        }
        said = self.scores(self.worker, own, self.dropout)
        allowed = (own["segments"] == 1) & (own["attention_mask"] == 1)
        allowed[:, 0] = True
        total = LABEL_WEIGHT * window_loss(*said, own)
        for mine, theirs in zip(said[:2], taught[:2], strict=True):
            target = theirs.gather(1, kept).masked_fill(~allowed, FORBIDDEN).div(TEMPERATURE).softmax(1)
            learned = mine.masked_fill(~allowed, FORBIDDEN).div(TEMPERATURE).log_softmax(1)
            total = total + 0.5 * TEMPERATURE**2 * functional.kl_div(learned, target, reduction="sum")
        return total + functional.binary_cross_entropy_with_logits(said[2], taught[2].sigmoid(), reduction="sum") / 3


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/")
    parser.add_argument("--teacher", type=Path, required=True, help="folder of the large reader's weights")
    parser.add_argument("--init", type=Path, required=True, help="folder of the weights to start from")
    parser.add_argument("--work", type=Path, required=True, help="folder for features and the student")
    parser.add_argument("--negatives", type=Path, help="file written by training.mine")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="length of the run in time; the rate falls with the clock")
    length.add_argument("--steps", type=int, help="length of the run in optimiser steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first pass")
    parser.add_argument("--rate", type=float, default=2e-4, help="peak learning rate")
    parser.add_argument("--average", type=float, default=0.999, help="decay of the moving average, per step")
    parser.add_argument("--tokens", type=int, default=16384, help="padded tokens of a step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args(argv)
    torch.manual_seed(given.seed)
    given.work.mkdir(parents=True, exist_ok=True)
    tokenizer, own = AutoTokenizer.from_pretrained(given.teacher), AutoTokenizer.from_pretrained(given.init)
    student = Distiller(given.init, given.rate, given.average, 0.0, 0.0, given.device)
    student.listen(given.teacher, tokenizer, own)
    number, seen, began, smooth = given.first, 0, time.monotonic(), 0.0

    def progress() -> float:
        done = student.steps / given.steps if given.steps else (time.monotonic() - began) / (60 * given.minutes)
        return float(done)

    while progress() < 1:
        features = prepared(given.work, given.data, given.negatives, tokenizer, given.seed, number)
        for chosen in batches(np.diff(features.bounds), given.tokens, 4096, given.seed * 1000 + number):
            if progress() >= 1:
                break
            loss = student.step([collate(features, chosen, tokenizer.pad_token_id)], progress())
            seen += len(chosen)
            smooth = loss if smooth == 0.0 else 0.98 * smooth + 0.02 * loss
            if student.steps % 50 == 0:
                print(f"step {student.steps} pass {number} loss {smooth:.3f} {progress():.3f}", flush=True)
        number += 1
    save_network(student.averaged, given.work / "student")
    own.save_pretrained(given.work / "student")
    print(f"done: {student.steps} steps, {seen} windows, {(time.monotonic() - began) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
