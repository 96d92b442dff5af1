"""`python -m training.mine --data DIR --encoder DIR --out FILE`: hard negatives of the training questions."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from random import Random

from training.data import data_folder, load_training
from training.mixture import is_specific
from training.negatives import corpus_of, mine
from training.records import Question
from training.sets import WEIGHTS

TIMES = 2  # as many questions of a set get negatives as one pass takes on average, at most all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=data_folder, required=True)
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    train, _ = load_training(arguments.data)
    random = Random(arguments.seed)
    passages: dict[str, list[str]] = defaultdict(list)
    for text, name in sorted({(question.context, corpus_of(question)) for question in train}):
        passages[name].append(text)
    chosen: list[Question] = []
    for question in train:
        if (
            question.answers
            and not question.article
            and is_specific(question)
            and random.random() < TIMES * WEIGHTS[question.dataset].retrieved
        ):
            chosen.append(question)
    found = mine(chosen, passages, arguments.encoder)
    arguments.out.write_text(json.dumps(found), encoding="utf-8")
    print(f"{len(chosen)} questions, {sum(map(len, found.values()))} negatives")


if __name__ == "__main__":
    main()
