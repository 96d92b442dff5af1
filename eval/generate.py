"""Unsupported sentences that a person would be shown, before and after verification: `python -m eval.generate`.

Each answerable question of the fixed set's test half is put to a generator. "Before" counts what it wrote, "after" what
the chatbot shows of it: nothing, where the articles' own words stand in its place. Sentences are judged by the set's
gold evidence, not by the verifier: one is supported when all its names, numbers and dates stand in a single piece of
evidence of any question, no negation differs, and most of its content words are there. What is true by other words of
the articles counts as unsupported, before and after alike, and the judge does not see who does what: `--dump` writes
the sentences for reading. A follow-up is read by the rules, as without a model.

With `--replay eval/drafts.jsonl` no model is asked: drafts written and labelled by hand go through the whole path
(`eval.replay`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from eval import command
from eval.datasets import DatasetError, Question, select, spread
from eval.replay import figures, load_drafts, replay_all, sentence_rows
from eval.sets import SetName, Split, own
from eval.systems import build_bot
from rag.config import Settings
from rag.grounding.generators import load_generator
from rag.grounding.writing import Asked, Writer
from rag.language.english import STOPWORDS
from rag.language.facts import facts
from rag.language.text import WORD, content_words, covered, same_name, words
from rag.pipeline import Chatbot

MOST = 0.8  # of a sentence's content words
SECRET = b"the same keys in every run"


def supported(sentence: str, evidence: str) -> bool:
    """Whether the gold evidence says a sentence, as far as words can tell: no denial of it."""
    stated, told = facts(sentence), facts(evidence)
    present = set(words(evidence))
    capital = [match.group() for match in list(WORD.finditer(sentence))[1:] if match.group()[0].isupper()]
    names = [word for found in capital for word in words(found) if word not in STOPWORDS]
    return (
        stated.numbers <= told.numbers
        and stated.dates <= told.dates
        and all(any(same_name(word, other) for other in present) for word in names)
        and covered(content_words(sentence), evidence) >= MOST
    )


def measure(bot: Chatbot, writer: Writer, questions: Sequence[Question], evidence: Sequence[str]) -> dict[str, Any]:
    """Counts over the questions that the chatbot puts to a model, and every sentence under "sentences"."""
    rows: list[dict[str, Any]] = []
    asked, failed, own_words, seconds = 0, 0, 0, 0.0
    for question in tqdm(questions, desc="questions", disable=None):
        answer = bot.ask(question.question, list(question.history), generate=False)
        start = time.monotonic()
        shown = writer.write(answer, Asked(question.history))
        if shown is answer:  # the model was not asked
            continue
        asked += 1
        if not shown.draft:
            failed += 1
            continue
        seconds += time.monotonic() - start
        own_words += not shown.generator
        told = {statement.text for statement in shown.statements} if shown.generator else set()
        for check in shown.draft:
            rows.append(
                {
                    "question": question.question,
                    "sentence": check.statement,
                    "supported": any(supported(check.statement, quote) for quote in evidence),
                    "shown": check.statement in told,
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


def main(
    generator: Annotated[str | None, typer.Argument(help="As for rag ask --generator.")] = None,
    drafts: Annotated[
        Path | None, typer.Option("--replay", help="Labelled drafts in place of a generator.", exists=True)
    ] = None,
    split: Annotated[Split | None, typer.Option(help="Only this half of the questions; default: test.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions or drafts, evenly spread.")] = None,
    dump: Annotated[Path | None, typer.Option(help="Write each sentence and both judgements here.")] = None,
) -> None:
    """Print the figures as JSON."""
    if drafts is None and generator is not None:
        made = _generated(generator, split or Split.test, limit)
        rows = made.pop("sentences")
    elif drafts is not None and generator is None:
        if split is not None:
            raise DatasetError("got --replay and --split; a file of drafts has no halves")
        replayed = replay_all(spread(load_drafts(drafts), limit), Settings())
        made, rows = figures(replayed), sentence_rows(replayed)
    else:
        raise DatasetError("expected a generator or --replay FILE, and not both")
    if dump:
        dump.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(json.dumps(made, indent=2, ensure_ascii=False))


def _generated(generator: str, split: Split, limit: int | None) -> dict[str, Any]:
    everything = own(SetName.fixed)
    whole = select(everything, split.value)
    bot = build_bot(whole, Settings())
    answerable = [question for question in whole.questions if question.answerable]
    evidence = list(dict.fromkeys(e.quote for q in everything.questions for e in q.evidence))
    writer = Writer(load_generator(generator), bot.parts.verifier, bot.document, secret=SECRET)
    return measure(bot, writer, spread(answerable, limit), evidence)


if __name__ == "__main__":
    command.run(main)
