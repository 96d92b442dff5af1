"""Unsupported sentences that a person would be shown, before and after verification: `python -m eval.generate`.

Each answerable question of the fixed set's test half is put to a generator. "Before" counts what it wrote, "after" what
the chatbot shows of it: nothing, where the articles' own words stand in its place. Sentences are judged by the set's
gold evidence, not by the verifier: one is supported when all its names, numbers and dates stand in a single piece of
evidence of any question, no negation differs, and most of its content words are there. What is true by other words of
the articles counts as unsupported, before and after alike, and the judge does not see who does what: `--dump` writes
the sentences for reading.

With `--replay eval/drafts.jsonl` no model is asked: drafts written and labelled by hand go through the whole path
(`eval.replay`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval.datasets import Question, load, select
from eval.replay import figures, load_drafts, replay_all, sentence_rows
from eval.sets import QUESTIONS, SEEDS
from eval.systems import build_bot
from rag.answering.confidence import covered
from rag.config import Settings
from rag.grounding.generators import load_generator
from rag.grounding.writing import Writer
from rag.language.facts import facts
from rag.language.text import STOPWORDS, WORD, content_words, same_name, words
from rag.pipeline import Chatbot

MOST = 0.8  # of a sentence's content words
SECRET = b"the same keys in every run"


def supported(sentence: str, evidence: str) -> bool:
    """Whether the gold evidence says a sentence, as far as words can tell."""
    stated, told = facts(sentence), facts(evidence)
    present = set(words(evidence))
    capital = [match.group() for match in list(WORD.finditer(sentence))[1:] if match.group()[0].isupper()]
    names = [word for found in capital for word in words(found) if word not in STOPWORDS]
    return (
        stated.numbers <= told.numbers
        and stated.dates <= told.dates
        and bool(stated.negated) == bool(stated.negated & told.negated)
        and all(any(same_name(word, other) for other in present) for word in names)
        and covered(content_words(sentence), evidence) >= MOST
    )


def measure(bot: Chatbot, writer: Writer, questions: Sequence[Question], evidence: Sequence[str]) -> dict[str, Any]:
    """Counts over the questions that the bot does not refuse, and every sentence under "sentences"."""
    rows: list[dict[str, Any]] = []
    asked, failed, own_words, seconds = 0, 0, 0, 0.0
    for question in tqdm(questions, desc="questions", disable=None):
        answer = bot.ask(question.question, list(question.history), generate=False)
        if answer.abstained or answer.accounts:
            continue
        asked += 1
        start = time.monotonic()
        shown = writer.write(answer)
        if not shown.draft:
            failed += 1
            continue
        seconds += time.monotonic() - start
        own_words += not shown.generator
        for check in shown.draft:
            kept = check.verdict == "supported"
            rows.append(
                {
                    "question": question.question,
                    "sentence": check.statement,
                    "supported": any(supported(check.statement, quote) for quote in evidence),
                    "shown": kept and bool(shown.generator),
                }
            )
    after = [row for row in rows if row["shown"]]
    right = [row for row in rows if row["supported"]]
    return {
        "questions_put_to_the_model": asked,
        "model_failed": failed,
        "answered_in_the_articles_own_words": own_words,
        "seconds_a_question": round(seconds / max(1, asked - failed), 1),
        "unsupported_before": _share(len(rows) - len(right), len(rows)),
        "unsupported_after": _share(sum(not row["supported"] for row in after), len(after)),
        "supported_kept": _share(sum(row["shown"] for row in right), len(right)),
        "sentences": rows,
    }


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({part / whole:.1%})" if whole else "")


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Unsupported sentences before and after verification")
    parser.add_argument("generator", nargs="?", help="as for rag ask --generator")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="labelled drafts in place of a generator")
    parser.add_argument("--split", default="test", choices=["tune", "test"])
    parser.add_argument("--limit", type=int, help="only so many questions, evenly spread")
    parser.add_argument("--dump", type=Path, help="write each sentence and both judgements here")
    given = parser.parse_args()
    if (given.generator is None) == (given.replay is None):
        parser.error("expected a generator or --replay FILE, and not both")
    made, rows = _replayed(given.replay, given.limit) if given.replay else _generated(given)
    if given.dump:
        given.dump.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(json.dumps(made, indent=2, ensure_ascii=False))


def _replayed(path: Path, limit: int | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    drafts = load_drafts(path)
    if limit is not None:
        drafts = drafts[:: max(1, len(drafts) // limit)][:limit]
    made = replay_all(drafts, Settings())
    return figures(made), sentence_rows(made)


def _generated(given: argparse.Namespace) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    everything = load(QUESTIONS, SEEDS)
    whole = select(everything, given.split)
    bot = build_bot(whole, Settings())
    answerable = replace(whole, questions=tuple(q for q in whole.questions if q.answerable))
    questions = select(answerable, limit=given.limit).questions
    evidence = list(dict.fromkeys(e.quote for q in everything.questions for e in q.evidence))
    writer = Writer(load_generator(given.generator), bot.parts.verifier, bot.document, secret=SECRET)
    made = measure(bot, writer, questions, evidence)
    rows = made.pop("sentences")
    return made, rows


if __name__ == "__main__":
    main()
