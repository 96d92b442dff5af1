"""Questions from disk, the groups held out of training, and small text helpers."""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from eval.datasets import read_lines
from eval.metrics import normalise
from rag.models.phrasing import in_conversation
from training.records import Article, Claim, Question
from training.written import DRAFTS, QUESTIONS, TALKS, TWINS, load_drafts, load_questions, load_twins

# Whole groups kept out of training, for calibration and for choosing between recipes. The SQuAD articles are named so
# that Disfl-QA, which asks about the same articles, leaves them out too; the others are drawn by a fixed seed.
HELD_OUT_ARTICLES = ("1973_oil_crisis", "Genghis_Khan", "Private_school")
HELD_OUT_SHARE = 0.02
HELD_OUT_SEED = 20

HELD_OUT_NEWS = 0.1  # share of the news groups, which stand for a stranger's folder in calibration

# Sets of which it is known whether a question wants one answer or a list of them.
ONE_OR_MANY = ("multispanqa", "news", "nq_open_gold", "qed_nq", "quoref")

_FAMILY = {"squad1.1": "squad", "squad2.0": "squad"}


RUN = 12  # words; texts that share so many in a row have one source


def data_folder(name: str) -> Path:
    """DATA, as the programs take it: an argparse type."""
    path = Path(name)
    if not (path / "train").is_dir():
        raise ArgumentTypeError(f"{name} has no folder train/; see training/README.md for what DATA is")
    return path


def load_articles(data: Path) -> dict[str, Article]:
    """The news articles by id; none where the folder has none."""
    path = data / "train" / "news_articles.jsonl.gz"
    if not path.exists():
        return {}
    return {
        row["id"]: Article(row["id"], row["group"], row["title"], row["date"], row["text"]) for row in read_lines(path)
    }


def load_jsonl(path: Path, articles: Mapping[str, Article] = MappingProxyType({})) -> list[Question]:
    """Questions of one `train/` file (JSON Lines, gzip), in file order; follow-ups complete, and once more as asked."""
    questions = []
    for row in read_lines(path):
        answers = tuple((answer["start"], answer["text"]) for answer in row["answers"] if answer["text"].strip())
        denial, polar = None, row.get("type") == "yes-no"
        if polar:
            denial = answers[0][1].lower() == "no"
            answers = ((row["context"].find(row["sentence"]), row["sentence"]),)
        if row["is_impossible"]:
            answers = ()
        elif not answers or answers[0][0] < 0:
            continue
        article = articles.get(row["title"])
        dataset = _FAMILY.get(row["dataset"], row["dataset"])
        made = Question(
            id=row["id"],
            dataset=dataset,
            title=article.title if article else row["title"].replace("_", " "),
            context=row["context"],
            text=row.get("rewrite") or row["question"].strip(),
            answers=answers,
            group=row.get("group") or _group(row),
            date=article.date if article else None,
            article=article.id if article else "",
            polar=polar,
            denial=denial,
            many=bool(row.get("multi")) if dataset in ONE_OR_MANY else None,
        )
        questions.append(made)
        if earlier := row.get("history"):
            asked = in_conversation(row["question"].strip(), [(turn, "") for turn in earlier])
            questions.append(replace(made, id=f"{made.id}-talk", dataset="news-talks", text=asked))
    return questions


def left_out_twins(data: Path) -> list[Question]:
    """The yes-no questions of `twins.jsonl`, decided and open, on the texts that training left out."""
    left_out = _divided(load_articles(data))[1]
    asked = load_twins(TWINS, left_out)[0] + load_twins(TWINS, _passages(_on(data)[1]), "passages")[0]
    return [question for question in asked if question.polar]


def _passages(questions: Sequence[Question]) -> dict[str, Article]:
    """The passages of questions, by the ids of these."""
    return {q.id: Article(q.id, q.group, q.title, None, q.context) for q in questions if not q.article}


def _group(row: Mapping[str, Any]) -> str:
    """The title, or the passage where there is none or one title covers a whole site."""
    return str(row["context"] if row["title"] in ("", "Filtered_Reddit_Comments") else row["title"])


def load_claims(data: Path) -> tuple[list[Claim], list[Claim]]:
    """Claims to train on and claims held out, from `data`/train; no text lies on both sides."""
    articles = load_articles(data)
    train: list[Claim] = []
    held_out: list[Claim] = []
    news = data / "train" / "news_claims.jsonl.gz"
    for path in [*sorted((data / "train" / "claims").glob("*.jsonl.gz")), *([news] if news.exists() else [])]:
        found = []
        for row in read_lines(path):
            article = articles.get(row.get("article", ""))
            found.append(
                Claim(
                    dataset=row["dataset"],
                    group=row["group"],
                    premise=row["premise"],
                    text=row["claim"],
                    label=row["label"],
                    evidence=row.get("evidence", ""),
                    title=article.title if article else row.get("title", ""),
                    date=article.date if article else None,
                    article=article.id if article else "",
                )
            )
        groups = _held_out_news(articles) if path == news else _drawn([claim.group for claim in found])
        for claim in found:
            (held_out if claim.group in groups else train).append(claim)
    seen = _runs(
        {text for c in train for text in (c.premise, c.text)}, _runs(t for c in held_out for t in (c.premise, c.text))
    )
    held_out = [claim for claim in held_out if seen.isdisjoint(_runs([claim.premise, claim.text]))]
    for side, texts, questions in zip((train, held_out), _divided(articles), _on(data), strict=True):
        side += load_twins(TWINS, texts)[1]
        side += load_twins(TWINS, _passages(questions), "passages")[1]
        side += load_drafts(DRAFTS, texts)
        side += load_drafts(DRAFTS, _passages(questions), "passage-drafts")
    return train, held_out


def _divided(articles: Mapping[str, Article]) -> tuple[dict[str, Article], dict[str, Article]]:
    """The articles that training sees and those of the groups that it leaves out, by id."""
    groups = _held_out_news(articles)
    known, left_out = (
        {key: article for key, article in articles.items() if (article.group in groups) is held_out}
        for held_out in (False, True)
    )
    return known, left_out


def _held_out_news(articles: Mapping[str, Article]) -> set[str]:
    names = sorted({article.group for article in articles.values()})
    Random(HELD_OUT_SEED).shuffle(names)
    return set(names[: round(HELD_OUT_NEWS * len(names))])


def _drawn(groups: Sequence[str]) -> set[str]:
    """Groups that hold at most `HELD_OUT_SHARE` of the rows together, drawn by a fixed seed; one group a row."""
    sizes = Counter(groups)
    names = sorted(sizes)
    Random(HELD_OUT_SEED).shuffle(names)
    chosen: set[str] = set()
    count = 0
    for name in names:
        if count + sizes[name] <= HELD_OUT_SHARE * len(groups):
            chosen.add(name)
            count += sizes[name]
    return chosen


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
                    Question(
                        id=row["id"],
                        dataset=path.stem,
                        title=article["title"].replace("_", " "),
                        context=paragraph["context"],
                        text=row["question"],
                        answers=answers,
                        group=article["title"],
                    )
                )
    return questions


def load_clapnq(path: Path) -> list[Question]:
    """CLAPNQ questions; their evidence sentences stand for the answers."""
    questions = []
    for row in read_lines(path):
        evidence = tuple((sentence["start"], sentence["text"]) for sentence in row["evidence"])
        answers = () if row["is_impossible"] else evidence
        questions.append(Question(row["id"], "clapnq", row["title"], row["context"], row["question"], answers))
    return questions


def load_training(data: Path) -> tuple[list[Question], list[Question]]:
    """Questions to train on and questions held out, from `data`/train; no text lies on both sides."""
    public, divided = _on(data), _divided(load_articles(data))
    train, held_out = map(list, _questions(data)[::2])
    train += load_twins(TWINS, divided[0])[0]
    train += load_twins(TWINS, _passages(public[0]), "passages")[0]
    for side, texts, questions in zip((train, held_out), divided, public, strict=True):
        side += load_questions(QUESTIONS, texts)
        side += load_questions(QUESTIONS, _passages(questions), "passage-questions")
        side += load_questions(TALKS, texts, "news-talks")
        side += load_questions(TALKS, _passages(questions), "passage-talks")
    return train, held_out


def _on(data: Path) -> tuple[list[Question], list[Question]]:
    """The questions on whose passages what is written for this project stands: for training, and held out."""
    train, shared, held_out = _questions(data)
    return train + shared, held_out


@lru_cache(maxsize=1)  # as the claims of `twins.jsonl` are on these questions' passages
def _questions(data: Path) -> tuple[list[Question], list[Question], list[Question]]:
    """Questions to train on, those of groups held out whose text training sees all the same, and those held out."""
    articles = load_articles(data)
    train: list[Question] = []
    held_out: list[Question] = []
    for path in sorted((data / "train").glob("*.jsonl.gz")):
        if path.name in ("news_articles.jsonl.gz", "news_claims.jsonl.gz"):
            continue
        # SQuAD 2.0 repeats questions of 1.1: each stays once.
        questions = list({(q.context, q.text): q for q in load_jsonl(path, articles)}.values())
        if path.name.startswith(("squad_dev", "disfl")):
            groups = set(HELD_OUT_ARTICLES)
        elif path.name.startswith("news"):
            groups = _held_out_news(articles)
        else:
            groups = _drawn([question.group for question in questions])
        for question in questions:
            (held_out if question.group in groups else train).append(question)
    # Two sets may ask about one text, in other cuts, of which each draws its own groups.
    seen = _runs({q.context for q in train}, among=_runs({q.context for q in held_out}))
    is_seen = {text: not seen.isdisjoint(_runs([text])) for text in {q.context for q in held_out}}
    return train, [q for q in held_out if is_seen[q.context]], [q for q in held_out if not is_seen[q.context]]


def _runs(texts: Iterable[str], among: Set[int] | None = None) -> set[int]:
    """Hashes of the runs of `RUN` words in texts, of a shorter text the whole; only those `among` the given ones."""
    found: set[int] = set()
    for text in texts:
        words = text.lower().split()
        own = {hash(tuple(words[at : at + RUN])) for at in range(max(1, len(words) - RUN + 1))}
        found |= own if among is None else own & among
    return found


def holds_answer(passage: str, answers: tuple[tuple[int, str], ...]) -> bool:
    """Whether the passage holds any accepted answer as a run of whole normalised words."""
    text = f" {normalise(passage)} "
    return any(f" {normalise(answer)} " in text for _, answer in answers)


_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])|\n+")


def sentences(text: str) -> list[tuple[int, int]]:
    """[start, end) of each sentence, by punctuation followed by a capital; covers the text without gaps."""
    bounds = [0] + [match.end() for match in _SENTENCE_END.finditer(text)] + [len(text)]
    return [(start, end) for start, end in pairwise(bounds) if end > start]
