"""The project's other sets are verbatim in their evidence and split without leaks: the news set, and yes or no."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval.accounts import read
from eval.claims_set import load_claims
from eval.datasets import read_lines
from eval.sets import CLAIMS, QUESTIONS, SetName, Split, own
from rag.articles.documents import find_files, read_file

NEWS = CLAIMS.parent
ARTICLES = {path.name: path.read_bytes().decode("utf-8") for path in sorted((NEWS / "articles").glob("*.txt"))}


def lines(path: Path) -> list[dict[str, Any]]:
    return [row for row in read_lines(path) if "id" in row]


def test_the_news_set_is_whole() -> None:
    questions, claims = lines(NEWS / "questions.jsonl"), lines(CLAIMS)
    assert (len(ARTICLES), len(questions), len(claims)) == (60, 1163, 605)
    assert len({row["id"] for row in questions}) == 1163
    assert len({row["id"] for row in claims}) == 605
    assert Counter(row["label"] for row in claims) == {"supported": 308, "contradicted": 177, "not_stated": 120}
    assert all(quote["quote"] in ARTICLES[quote["document_id"]] for row in questions for quote in row["evidence"])
    assert all(row.get("evidence", "") in ARTICLES[row["document_id"]] for row in claims)


def test_news_is_halved_by_article_group() -> None:
    halves: dict[str, set[str]] = {}
    articles: dict[str, set[str]] = {}
    for row in lines(NEWS / "questions.jsonl"):
        halves.setdefault(row["group"], set()).add(row["split"])
        articles.setdefault(row["group"], set()).update(quote["document_id"] for quote in row["evidence"])
    for row in lines(CLAIMS):
        halves[row["group"]].add(row["split"])
        articles[row["group"]].add(row["document_id"])
    assert all(len(found) == 1 for found in halves.values())
    assert Counter(half for found in halves.values() for half in found) == {"tune": 10, "test": 10}
    assert sorted(document for found in articles.values() for document in found) == list(ARTICLES)  # none in two
    assert {question.cluster for question in own(SetName.news).questions} == set(halves)


def test_every_kind_of_news_question_is_in_both_halves() -> None:
    counts = Counter((question.kind, question.split) for question in own(SetName.news).questions)
    for kind in {kind for kind, _ in counts}:
        assert counts[kind, Split.tune] >= 0.35 * (counts[kind, Split.tune] + counts[kind, Split.test]), kind


def test_yes_and_no_are_asked_equally_often() -> None:
    dataset = own(SetName.yes_no)
    counts = Counter(question.answers for question in dataset.questions)
    assert counts == {("yes",): 13, ("no",): 13, ("yes", "no"): 4, (): 8}
    assert {question.kind for question in dataset.questions} == {"yes-no"}
    assert all(question.polar for question in dataset.questions if question.answerable)
    for question in dataset.questions:
        assert {item.group for item in question.evidence} == set(range(len(question.answers))), question.id


def test_as_many_questions_are_left_open_as_are_decided() -> None:
    dataset = own(SetName.left_open)
    assert Counter((question.kind, question.answers) for question in dataset.questions) == {
        ("left-open", ()): 60, ("yes-no", ("yes",)): 30, ("yes-no", ("no",)): 30,
    }  # fmt: skip
    halves = {question.cluster: question.split for question in own(SetName.news).questions}
    assert all(halves[question.cluster] == question.split for question in dataset.questions)


@pytest.mark.parametrize("name", [SetName.fixed, SetName.yes_no, SetName.left_open, SetName.strangers])
def test_evidence_is_verbatim(name: SetName) -> None:
    dataset = own(name)
    assert dataset.corpus is not None
    texts = {path.name: path.read_bytes().decode("utf-8") for path in dataset.corpus.glob("*.txt")}
    assert all(item.quote in texts[item.document_id] for question in dataset.questions for item in question.evidence)


def test_the_folder_of_strangers_is_whole() -> None:
    dataset = own(SetName.strangers)
    assert Counter(question.answerable for question in dataset.questions) == {True: 178, False: 62}
    assert {question.split for question in dataset.questions} == {"test"}
    folder = Path(str(dataset.corpus)).parent
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "articles").iterdir()}
    for row in read(folder / "accounts.jsonl"):
        for account in row["accounts"]:
            assert account["sentence"] in texts[account["article"]]
            assert all(answer in account["sentence"] for answer in account["answers"])
    assert len(load_claims(folder / "claims.jsonl")[0]) == 280


def test_what_decides_stands_in_the_files_as_they_are_read() -> None:
    dataset = own(SetName.files)
    assert Counter(question.answerable for question in dataset.questions) == {True: 59, False: 20}
    folder = Path(str(dataset.corpus))
    readings = [read_file(path, name, 10**7) for name, path in find_files([folder])]
    texts = {document.id: document.text for reading in readings for document in reading.documents}
    assert [Path(path).name for reading in readings for path, _ in reading.failed] == [
        "New Text Document.txt", "Neu.txt",
    ]  # fmt: skip
    assert len({Path(name).suffix.lower() for name in texts}) == 14
    assert all(item.quote in texts[item.document_id] for question in dataset.questions for item in question.evidence)


def test_a_fact_lies_in_the_same_half_of_both_sets_on_the_five_articles() -> None:
    halves = {row["group"]: row["split"] for row in lines(QUESTIONS)}
    for question in own(SetName.yes_no).questions:
        assert halves.get(question.cluster, question.split) == question.split, question.id
