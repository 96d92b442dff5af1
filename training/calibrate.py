"""Fit the ranking of candidates and the confidence of the first one, on questions asked of whole corpora.

`python -m training.calibrate --data DIR --work DIR` asks the tune half of the fixed set and the questions that training
left out (`training.corpora`) through retrieval and reader, keeps what came in `--work`, and fits the two logistic
regressions of `rag.answering.confidence` to it. A third of the paragraphs' questions that have an answer are asked
again with every passage taken away that holds it: then nothing is right. What the fit is worth is printed for each
corpus, by a fit that left out it and what is over the same texts.
"""

from __future__ import annotations

import argparse
import json
import pickle
import zlib
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from eval import calibration
from eval.calibration import WEIGHTS, Asked, fit, report
from eval.datasets import select
from eval.metrics import contains, is_right
from eval.sets import SetName, own
from eval.systems import build_bot
from rag.answering.confidence import FILE_NAME, Candidate, says_no
from rag.config import Settings
from rag.models.reader import SHIPPED
from rag.pipeline import Chatbot
from training.corpora import Corpus, Item, corpora
from training.data import data_folder

FAMILIES = ({"news", "talks", "yes-no"}, {"mixed", "passages", "SQuAD"})
"""Corpora over the same texts: what is fitted to one of them knows something of the others."""
ARTICLES = ("news", "talks", "fields", "notices", "tables", "asking", "plain", "strangers")
"""Corpora of whole articles, of which questions without an answer were written."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=data_folder, required=True, help="folder that holds train/")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the reader said")
    parser.add_argument(
        "--reader", default="default", choices=list(SHIPPED), help="the reader to fit, as in the settings"
    )
    parser.add_argument("--questions", type=int, default=300, help="of each corpus, at most")
    parser.add_argument("--output", type=Path, help="file to write (beside the shipped weights)")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    digest = (SHIPPED[arguments.reader] / "SHA256").read_text(encoding="utf-8")[:8]
    kept = arguments.work / f"asked-{digest}-{arguments.questions}.pickle"  # of these weights
    if kept.exists():
        asked = pickle.loads(kept.read_bytes())
        print(f"read {len(asked)} questions from {kept}; remove it to ask them again")
    else:
        settings = Settings(reader=arguments.reader, decide="margin")  # ranked anew by the fit, whatever ships now
        fixed = own(SetName.fixed)
        bot = build_bot(fixed, settings)
        asked = calibration.ask(select(fixed, split="tune"), bot, arguments.questions)
        for corpus in corpora(arguments.data, arguments.questions):
            asked += ask(corpus, Chatbot.from_documents(corpus.documents, settings))
        partial = kept.with_suffix(".partial")
        partial.write_bytes(pickle.dumps(asked))
        partial.replace(kept)
    for name in WEIGHTS:
        alike = next((family for family in FAMILIES if name in family), {name})
        rest = [item for item in asked if item.corpus not in alike]
        part = [item for item in asked if item.corpus == name]
        if rest and part:
            print(report(f"{name}, by a fit on the others", part, fit(rest)))
    fitted = fit(asked)
    print(report("all, by the fit on all", asked, fitted))
    output = arguments.output or SHIPPED[arguments.reader] / FILE_NAME
    output.write_text(json.dumps(fitted.to_dict(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {output}")


# --- asking


def ask(corpus: Corpus, bot: Chatbot) -> list[Asked]:
    """What the reader says of a corpus's questions; `bot` is over its documents."""
    asked = []
    for item in tqdm(corpus.questions, desc=corpus.name, disable=None):
        _, candidates = bot.consider(item.text)
        right = tuple(_is_right(item, c) for c in candidates)
        tells = tuple(r or _tells_in_sentence(item, c) for r, c in zip(right, candidates, strict=True))
        made = Asked(
            corpus.name,
            item.text,
            tuple(candidates),
            right,
            tells,
            bool(item.answers or item.sentence),
            item.polar,
            item.many,
            mistaken=tuple(_decides(item, c) and not r for c, r in zip(candidates, right, strict=True)),
        )
        asked.append(made)
        if item.answers and corpus.name not in ARTICLES and zlib.crc32(item.text.encode()) % 3 == 0:
            rest = tuple(
                c
                for c in candidates
                if c.span.document_id not in item.gold and not contains(c.passage.chunk.text, item.answers)
            )
            nothing = (False,) * len(rest)
            asked.append(
                replace(made, candidates=rest, right=nothing, tells=nothing, mistaken=nothing, answerable=False)
            )
    return asked


def _is_right(item: Item, candidate: Candidate) -> bool:
    """Whether the span is an answer; of a yes-no question, whether the deciding sentence is met and not mistaken."""
    if item.denial is None:
        return candidate.span.document_id in item.gold and is_right(candidate.span.text, item.answers)
    return _decides(item, candidate) and says_no(candidate) in (None, item.denial)


def _decides(item: Item, candidate: Candidate) -> bool:
    """Whether the candidate's sentence decides a yes-no question."""
    met = item.sentence in candidate.sentence or candidate.sentence in item.sentence
    return item.denial is not None and candidate.span.document_id in item.gold and met


def _tells_in_sentence(item: Item, candidate: Candidate) -> bool:
    return candidate.span.document_id in item.gold and contains(candidate.sentence, item.answers)


if __name__ == "__main__":
    main()
