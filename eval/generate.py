"""Unsupported sentences that a person would be shown, before and after verification: `python -m eval.generate`.

Each answerable question of the fixed set's test half is put to a generator. Its sentences are judged by the gold
evidence, not by the verifier: a sentence is supported when all its names, numbers and dates stand in the question's
gold quotes, no negation differs, and most of its content words do. That judge is strict: what is true by another
passage counts as unsupported, before and after alike.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.__main__ import QUESTIONS, SEEDS
from eval.datasets import Question, load, select
from eval.systems import build_bot
from rag.confidence import covered
from rag.config import Settings
from rag.facts import facts
from rag.generation import GenerationError, load_generator
from rag.pipeline import Chatbot
from rag.text import content_words, same_name, words
from rag.verification import Verifier
from rag.writing import Writer

MOST = 0.8  # of a sentence's content words
SECRET = b"the same keys in every run"


def supported(sentence: str, evidence: str) -> bool:
    """Whether the gold evidence says a sentence, as far as words can tell."""
    stated, told = facts(sentence), facts(evidence)
    present = set(words(evidence))
    names = {word for name in stated.names for word in words(name)}
    return (
        stated.numbers <= told.numbers
        and stated.dates <= told.dates
        and bool(stated.negated) == bool(stated.negated & told.negated)
        and all(any(same_name(word, other) for other in present) for word in names)
        and covered(content_words(sentence), evidence) >= MOST
    )


def measure(bot: Chatbot, writer: Writer, questions: Sequence[Question], dump: Path | None) -> dict[str, Any]:
    """Counts over the questions that the bot does not refuse."""
    texts = {document.id: document.text for document in bot.documents()}
    before: list[bool] = []
    kept: list[bool] = []
    rows, asked, failed, own_words, seconds = [], 0, 0, 0, 0.0
    for question in questions:
        answer = bot.ask(question.question, list(question.history), generate=False)
        if answer.abstained or answer.accounts:
            continue
        asked += 1
        start = time.monotonic()
        try:
            draft = writer.draft(answer)
        except GenerationError:
            failed += 1
            continue
        places = writer.supports(answer, draft)
        seconds += time.monotonic() - start
        own_words += not any(places)
        evidence = "\n".join(e.quote for e in question.evidence if e.document_id in texts)
        for claim, place in zip(draft.claims, places, strict=True):
            right = supported(claim.text, evidence)
            before.append(right)
            kept.extend([right] if place else [])
            rows.append({"question": question.question, "claim": claim.text, "gold": right, "kept": place is not None})
    if dump:
        dump.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return {
        "questions_put_to_the_model": asked,
        "model_failed": failed,
        "answered_in_the_articles_own_words": own_words,
        "seconds_a_question": round(seconds / max(1, asked - failed), 1),
        "sentences_before": len(before),
        "unsupported_before": _share(before.count(False), len(before)),
        "sentences_after": len(kept),
        "unsupported_after": _share(kept.count(False), len(kept)),
        "supported_kept": _share(kept.count(True), before.count(True)),
    }


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({part / whole:.1%})" if whole else "")


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Unsupported sentences before and after verification")
    parser.add_argument("generator", help="as for rag ask --generator")
    parser.add_argument("--limit", type=int, help="only so many questions, evenly spread")
    parser.add_argument("--dump", type=Path, help="write each sentence and both judgements here")
    given = parser.parse_args()
    whole = select(load(QUESTIONS, SEEDS), "test")
    bot = build_bot(whole, Settings())
    answerable = replace(whole, questions=tuple(q for q in whole.questions if q.answerable))
    questions = select(answerable, limit=given.limit).questions
    # The parts of the bot that the verifier stands on.
    verifier = Verifier.load(bot._embedder, bot._reader)
    writer = Writer(load_generator(given.generator), verifier, bot.document, secret=SECRET)
    print(json.dumps(measure(bot, writer, questions, given.dump), indent=2))


if __name__ == "__main__":
    main()
