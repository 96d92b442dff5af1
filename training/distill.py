"""`python -m training.distill`: trains the small reader on what the large one says of the same windows.

The student learns the teacher's soft scores (Hinton et al., 2015) on passes that it draws anew, and a little of the
labels. Both cut text into the same word pieces; the student's window has one separator less.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from rag.models.network import load_network
from training.features import separators
from training.train import Run, options
from training.trainer import OUTPUT_WEIGHTS, Trainer, network_scores, window_loss, within_passage

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
        self.ids = vocabulary(tokenizer, own).to(self.device)
        self.extra = separators(tokenizer) - separators(own)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        with torch.no_grad():
            taught = network_scores(self.teacher, batch)
        lead = batch["segments"].argmax(1, keepdim=True)
        places = torch.arange(batch["input_ids"].shape[1] - self.extra, device=lead.device).expand(len(lead), -1)
        kept = places + self.extra * (places >= lead - self.extra)  # without the last of the separators
        own = {
            "input_ids": self.ids[batch["input_ids"].gather(1, kept)],
            **{name: batch[name].gather(1, kept) for name in ("attention_mask", "segments")},
            **{name: batch[name] - self.extra * (batch[name] > 0) for name in ("start", "end")},
            **{name: batch[name] for name in OUTPUT_WEIGHTS},
        }
        said = network_scores(self.worker, own, self.dropout)
        total = LABEL_WEIGHT * window_loss(*said, own)
        for mine, theirs in zip(said[:2], taught[:2], strict=True):
            target = within_passage(theirs.gather(1, kept), own).div(TEMPERATURE).softmax(1)
            learned = within_passage(mine, own).div(TEMPERATURE).log_softmax(1)
            total = total + 0.5 * TEMPERATURE**2 * functional.kl_div(learned, target, reduction="sum")
        return total + functional.binary_cross_entropy_with_logits(said[2], taught[2].sigmoid(), reduction="sum") / 3


def main(argv: list[str] | None = None) -> None:
    parser = options(__doc__)
    parser.add_argument("--teacher", type=Path, required=True, help="folder of the large reader's weights")
    parser.set_defaults(rate=2e-4, dropout=0.0, average=0.999, tokens=16384)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    tokenizer, own = (AutoTokenizer.from_pretrained(folder) for folder in (arguments.teacher, arguments.init))
    student = Distiller.of(arguments)
    student.listen(arguments.teacher, tokenizer, own)
    Run(student, tokenizer, arguments, own).go()


if __name__ == "__main__":
    main()
