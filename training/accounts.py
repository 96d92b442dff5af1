"""`python -m training.accounts --data DIR`: from which logit another article's span is another account.

Asks the questions of `accounts.jsonl`, on texts that training left out, among others, and prints for several bounds
what `eval.accounts` measures; `ACCOUNT` and `CONTRADICTING` of `rag.answering.composing` are chosen by it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path

from tqdm import tqdm

from eval import accounts, figures
from eval.ablate import Remembering
from rag.answering import composing
from rag.config import Settings
from rag.parts import Parts
from rag.pipeline import Chatbot
from training.corpora import folder
from training.data import data_folder, load_articles
from training.written import load_fields

QUESTIONS = Path(__file__).with_suffix(".jsonl")
BOUNDS = (0.0, -0.4, -0.8, -1.2, -1.6)
LOWER = (0.0, 0.7, 1.4, 2.1)  # by which less is asked of what contradicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=data_folder, required=True, help="folder that holds train/")
    given = parser.parse_args()
    rows = accounts.read(QUESTIONS)
    news, fields = load_articles(given.data), load_fields()[0] | load_fields(held_out=True)[0]
    groups = {
        news[account["article"]].group for row in rows for account in row["accounts"] if account["article"] in news
    }
    texts = folder(news | fields, groups | {article.group for article in fields.values()})
    parts = Parts.load(Settings())
    bot = Chatbot.from_documents(texts, Settings(), replace(parts, reader=Remembering(parts.reader)))
    for bound, lower in tqdm(list(product(BOUNDS, LOWER)), disable=None):
        composing.ACCOUNT, composing.CONTRADICTING = bound, bound - lower
        table = accounts.measured([accounts.judged(row, bot.ask(row["question"])) for row in rows])
        print(f"from {bound}, contradicting from {bound - lower:.1f}:\n{figures.markdown(table)}", flush=True)


if __name__ == "__main__":
    main()
