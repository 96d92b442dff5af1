"""Questions from disk, the groups held out of training, and small text helpers."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from eval.metrics import normalise

# Whole groups kept out of training, for calibration and for choosing between recipes. The SQuAD articles are named so
# that Disfl-QA, which asks about the same articles, leaves them out too; the others are drawn by a fixed seed.
HELD_OUT_ARTICLES = ("1973_oil_crisis", "Genghis_Khan", "Private_school")
HELD_OUT_SHARE = 0.02
HELD_OUT_SEED = 20


_FAMILY = {"squad1.1": "squad", "squad2.0": "squad"}


@dataclass(frozen=True)
class Question:
    """One question on one passage; `answers` are (start, text) pairs, none when the passage does not answer."""

    id: str
    dataset: str
    title: str
    context: str
    text: str
    answers: tuple[tuple[int, str], ...]


def load_jsonl(path: Path) -> list[Question]:
    """Questions of one `train/` file (JSON Lines, gzip), in file order."""
    questions = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            answers = tuple((answer["start"], answer["text"]) for answer in row["answers"] if answer["text"].strip())
            if row["is_impossible"]:
                answers = ()
            elif not answers:
                continue
            questions.append(
                Question(
                    row["id"],
                    _FAMILY.get(row["dataset"], row["dataset"]),
                    row["title"],
                    row["context"],
                    row["question"].strip(),
                    answers,
                )
            )
    return questions


def load_squad_json(path: Path) -> list[Question]:
    """Questions of a SQuAD-shaped JSON file (1.1 or 2.0), in file order."""
    questions = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for row in paragraph["qas"]:
                answers = tuple((answer["answer_start"], answer["text"]) for answer in row.get("answers", ()))
                if row.get("is_impossible"):
                    answers = ()
                questions.append(
                    Question(row["id"], path.stem, article["title"], paragraph["context"], row["question"], answers)
                )
    return questions


def load_clapnq(path: Path) -> list[Question]:
    """CLAPNQ questions; their evidence sentences stand for the answers."""
    questions = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            evidence = tuple((sentence["start"], sentence["text"]) for sentence in row["evidence"])
            answers = () if row["is_impossible"] else evidence
            questions.append(Question(row["id"], "clapnq", row["title"], row["context"], row["question"], answers))
    return questions


def group_of(question: Question) -> str:
    """The group that is held out as a whole: the title, or the passage where one title covers a whole site."""
    return question.context if question.title == "Filtered_Reddit_Comments" else question.title


def load_training(data: Path) -> tuple[list[Question], list[Question]]:
    """Questions to train on and questions held out, from `data`/train; no group lies on both sides."""
    train: list[Question] = []
    held_out: list[Question] = []
    for path in sorted((data / "train").glob("*.jsonl.gz")):
        # SQuAD 2.0 repeats questions of 1.1: each stays once.
        questions = list({(question.context, question.text): question for question in load_jsonl(path)}.values())
        if path.name.startswith(("squad_dev", "disfl")):
            groups = set(HELD_OUT_ARTICLES)
        else:
            names = sorted({group_of(question) for question in questions})
            Random(HELD_OUT_SEED).shuffle(names)
            groups, count = set(), 0
            sizes = dict.fromkeys(names, 0)
            for question in questions:
                sizes[group_of(question)] += 1
            for name in names:
                if count + sizes[name] > HELD_OUT_SHARE * len(questions):
                    continue
                groups.add(name)
                count += sizes[name]
        for question in questions:
            (held_out if group_of(question) in groups else train).append(question)
    return train, held_out


def holds_answer(passage: str, answers: tuple[tuple[int, str], ...]) -> bool:
    """Whether the passage holds any accepted answer as a run of whole normalised words."""
    text = f" {normalise(passage)} "
    return any(f" {normalise(answer)} " in text for _, answer in answers)


_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])|\n+")


def sentences(text: str) -> list[tuple[int, int]]:
    """[start, end) of each sentence, by punctuation followed by a capital; covers the text without gaps."""
    bounds = [0] + [match.end() for match in _SENTENCE_END.finditer(text)] + [len(text)]
    return [(start, end) for start, end in pairwise(bounds) if end > start]
