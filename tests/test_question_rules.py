"""What kind of answer a question asks for, whether a span is of that kind, and dates that an article takes as read."""

from __future__ import annotations

import pytest

from rag.language.questions import fits, kind_of, without_date


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who opened the bridge?", "person"),
        ("How many soldiers marched?", "number"),
        ("On what day did they meet?", "date"),
        ("Why did he travel?", "reason"),
        ("What was the purpose of the visit?", "reason"),
        ("Which countries did he visit?", "list"),
        ("Where was the parade?", "place"),
        ("What did they sign?", "other"),
        ("How much did the bridge cost?", "money"),
        ("How much does she earn?", "money"),
    ],
)
def test_kinds_of_questions(question: str, kind: str) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize(
    ("kind", "span", "before", "degree"),
    [
        ("number", "more than 5,000 soldiers", "", 1.0),
        ("number", "some soldiers", "", 0.0),
        ("number", "the first woman", "", 0.0),
        ("money", "120 beds", "", 0.0),
        ("money", "780 million euros", "", 1.0),
        ("date", "last June", "", 1.0),
        ("person", "the minister", "", 0.0),
        ("reason", "to sing", "", 1.0),
        ("reason", "singing", "he came for ", 1.0),
        ("other", "anything", "", 0.5),
    ],
)
def test_spans_of_the_kind_asked_for(kind: str, span: str, before: str, degree: float) -> None:
    assert fits(kind, span, before) == degree  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "date", "read"),
    [
        ("Why did he travel in 2023?", "2023-06-30", "Why did he travel?"),
        ("Why did he travel in June 2023?", "2023-06-30", "Why did he travel?"),
        ("In 2023, why did he travel?", "2023", "why did he travel?"),
        ("Who came on 30 June 2023?", "2023-06", "Who came?"),
        ("What came of the June 2023 visit?", "2023-06-30", "What came of the visit?"),
        ("Why did he travel in May 2023?", "2023-06-30", None),
        ("Why did he travel in 2022?", "2023-06-30", None),
        ("Why did he travel in 2023?", None, None),
        ("Was it in 2023 or in 2024?", "2023-06-30", None),
        ("Why did he travel?", "2023-06-30", None),
    ],
)
def test_an_article_need_not_repeat_its_own_date(question: str, date: str | None, read: str | None) -> None:
    assert without_date(question, date) == (question if read is None else read)
