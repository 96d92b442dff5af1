"""Questions and claims written for this project: those of `fields.jsonl`, `everyday.jsonl`, `notices.jsonl`,
`tables.jsonl`, `asking.jsonl`, `plain.jsonl` and `strangers.jsonl` on their own texts, the others on those of `data`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from eval.datasets import read_lines
from rag.models.phrasing import behind, in_conversation
from training.leaning import DATASET, following
from training.records import Article, Claim, Question

TWINS = Path(__file__).parent / "twins.jsonl"
FIELDS = Path(__file__).parent / "fields.jsonl"
EVERYDAY = Path(__file__).parent / "everyday.jsonl"
NOTICES = Path(__file__).parent / "notices.jsonl"
FOLDERS = Path(__file__).parent / "folders.jsonl"
TABLES = Path(__file__).parent / "tables.jsonl"
ASKING = Path(__file__).parent / "asking.jsonl"
PLAIN = Path(__file__).parent / "plain.jsonl"
STRANGERS = Path(__file__).parent / "strangers.jsonl"
DRAFTS = Path(__file__).parent / "drafts.jsonl"
QUESTIONS = Path(__file__).parent / "questions.jsonl"
TALKS = Path(__file__).parent / "talks.jsonl"
HELD_OUT_FIELDS = 0.25  # share of the groups of each such file that training leaves out; all of the strangers'
NEAR = 500  # characters from the first to the last run that decides a sentence, which one chunk of an index may hold
SEED = 20


def load_twins(
    path: Path, articles: Mapping[str, Article], dataset: str = "news"
) -> tuple[list[Question], list[Claim]]:
    """Questions of `twins.jsonl`, and what yes-no ones ask as claims; those whose article is not there are left out.

    `dataset` is what they are said to be of.

    Each that an article answers stands before its twin, which sounds like it and is not answered, and is read beside
    `near`, the sentence that tempts to answer it (without one, beside the answer of the other). Of yes-no questions the
    sentence that decides is the answer; an article leaves those open that have a `near` in its place.
    """
    questions, claims = [], []
    rows: Iterator[Any] = read_lines(path)
    for number, row in enumerate(rows):
        if not (article := articles.get(row["article"])):
            continue
        key, polar, says = f"twin-{number}", row["kind"] in ("yes-no", "undecided"), row.get("says")

        def place(span: str, text: str = article.text) -> tuple[int, str]:
            return text.index(span), span

        decides = row["sentence"] if says else row.get("answer")
        near, source = row.get("near", decides), article.id if dataset == "news" else ""
        asked = Question(
            key, dataset, article.title, article.text, row["question"], (place(decides),) if decides else (),
            article.group, article.date, source, polar, says == "no" if says else None, many=False,
            near=None if decides else place(near),
        )  # fmt: skip
        questions.append(asked)
        if not polar:
            denial = row.get("denies")
            questions.append(
                replace(asked, id=f"{key}-not", text=row["twin"], answers=(), near=place(near), denial=denial)
            )
        elif "claim" in row:
            label = {"yes": "supported", "no": "contradicted", None: "not_stated"}[says]
            claims.append(
                Claim(dataset, article.group, article.text, row["claim"], label, near, article.title, article.date,
                      source)
            )  # fmt: skip
    return questions, claims


def load_fields(
    paths: Sequence[Path] = (FIELDS, EVERYDAY, NOTICES, FOLDERS, TABLES, ASKING, PLAIN), held_out: bool = False
) -> tuple[dict[str, Article], list[Question], list[Claim]]:
    """Texts of many fields by id, their questions and their claims; of the groups held out, or of the others.

    All of `strangers.jsonl` is held out: whole folders by writers who saw neither the program nor other rows.

    A list has all its items as answers; of "open", "denied", "wrong-detail" and "untold" questions, which nothing
    answers, `near` is the sentence that tempts. The sentences of drafts are claims, too.
    """
    articles: dict[str, Article] = {}
    questions: list[Question] = []
    claims: list[Claim] = []
    rows = ((row, "fields" if path in (FIELDS, EVERYDAY, FOLDERS) else path.stem) for path in paths
            for row in _rows(path, held_out))  # fmt: skip
    for row, dataset in rows:
        # A news article may have the same id.
        article = Article(f"fields/{row['id']}", row["group"], row["title"], row["date"], row["text"])
        articles[article.id] = article
        asked = row.get("questions", ())
        questions += [_question(dataset, article, f"{article.id}-{n}", question) for n, question in enumerate(asked)]
        claims += [_claim(dataset, article, said) for said in row.get("claims", ())]
        claims += _drafts("drafts", article, row)
    return articles, questions, claims


def _rows(path: Path, held_out: bool) -> list[dict[str, Any]]:
    """The rows of the groups of a file that are held out, or of the others."""
    rows = list(read_lines(path))
    groups = sorted({row["group"] for row in rows})
    Random(SEED).shuffle(groups)
    left_out = set(groups if path == STRANGERS else groups[: round(HELD_OUT_FIELDS * len(groups))])
    return [row for row in rows if (row["group"] in left_out) is held_out]


def load_drafts(path: Path, articles: Mapping[str, Article], dataset: str = "news-drafts") -> list[Claim]:
    """The sentences of `drafts.jsonl`, as claims of `dataset`; those whose article is not there are left out.

    As of `twins.jsonl`, only news have an article besides their premise.
    """
    known = [(articles[row["article"]], row) for row in read_lines(path) if row["article"] in articles]
    made = [claim for article, row in known for claim in _drafts(dataset, article, row)]
    return made if dataset == "news-drafts" else [replace(claim, article="") for claim in made]


def load_questions(path: Path, articles: Mapping[str, Article], dataset: str = "news-questions") -> list[Question]:
    """The questions of `questions.jsonl` or `talks.jsonl`, as questions of `dataset`; of the form of `load_fields`.

    Those whose article is not there are left out; only news have an article besides their passage. What was asked and
    answered `before` stands in front of a question. Those on what an article leaves "untold" are a set of their own, as
    another article may tell it.
    """
    asked = [(articles[row["article"]], row["questions"]) for row in read_lines(path) if row["article"] in articles]
    untold = f"{dataset.split('-')[0]}-untold"
    made = [
        _question(untold if row["type"] == "untold" else dataset, article, f"{dataset}-{article.id}-{n}", row)
        for article, rows in asked
        for n, row in enumerate(rows)
    ]
    return made if dataset.startswith("news") else [replace(question, article="") for question in made]


def _claim(dataset: str, article: Article, row: Mapping[str, Any]) -> Claim:
    text, before = row["claim"], row.get("before")
    dataset, text = (DATASET, behind(before, text)) if before else (dataset, text)
    return Claim(dataset, article.group, article.text, text, row["label"], row.get("evidence", ""), article.title,
                 article.date, article.id)  # fmt: skip


def _drafts(dataset: str, article: Article, row: Mapping[str, Any]) -> list[Claim]:
    """The sentences of a row's drafts, alone and behind what they lean on; an answer means nothing alone."""
    made: list[Claim] = []
    drafts = row.get("drafts", ())
    for draft, asked in zip(drafts, row.get("asked") or [""] * len(drafts), strict=True):
        claims = [_drafted(dataset, article, said) for said in draft]
        made += claims[1 if asked else 0 :] + following(claims, asked)
    return made


def _drafted(dataset: str, article: Article, row: Mapping[str, Any]) -> Claim:
    """A sentence of a draft, with what decides it: one run of its article or, where that lies far apart, several."""
    runs = sorted(set(row["evidence"]), key=article.text.index)
    start, end = article.text.index(runs[0]), article.text.index(runs[-1]) + len(runs[-1])
    near = len(runs) == 1 or end - start <= NEAR
    return Claim(
        dataset, article.group, article.text, row["s"], row["label"], article.text[start:end] if near else "",
        article.title, article.date, article.id, () if near else tuple(runs),
    )  # fmt: skip


def _question(dataset: str, article: Article, key: str, row: Mapping[str, Any]) -> Question:
    kind, near = row["type"], row.get("near")
    first = article.text.find(row.get("sentence", ""))

    def place(span: str) -> tuple[int, str]:
        whole = re.compile(rf"(?<!\w){re.escape(span)}(?!\w)")  # no part of a longer word
        inside = whole.search(article.text, first, first + len(row.get("sentence", ""))) or whole.search(article.text)
        return (inside.start() if inside else article.text.index(span)), span

    polar, decided = kind in ("yes-no", "open"), kind == "yes-no"
    answers = [row["sentence"]] if decided else row["answers"]
    denial = row["answers"] == ["no"] if decided else True if kind == "denied" else None
    return Question(
        key, dataset, article.title, article.text,
        in_conversation(row["q"], [(turn["q"], turn["a"]) for turn in row.get("before", ())]),
        tuple(place(span) for span in answers), article.group, article.date, article.id, polar, denial,
        many=kind == "list",
        near=(article.text.index(near), near) if near else None,
    )  # fmt: skip
