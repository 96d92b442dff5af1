"""An Answer as plain text: markers, accounts, what may be said."""

from __future__ import annotations

from rag.present.text import Marker, marked, paragraphs, with_text
from rag.types import Account, Answer, Doubt, Statement


def answer(*statements: Statement, **more: object) -> Answer:
    return Answer("q", "q", "s", "", (), 0.9, bool(more.pop("abstained", False)), (), statements=statements, **more)  # type: ignore[arg-type]


def test_each_statement_has_a_line_and_its_markers() -> None:
    text, markers = marked(answer(Statement("Norway joined.", (1, 2)), Statement("Sweden did, too.", (3,))))
    assert text == "Norway joined. [1][2]\nSweden did, too. [3]"
    assert markers == (Marker(15, 18, 1), Marker(18, 21, 2), Marker(39, 42, 3))
    assert [text[m.start : m.end] for m in markers] == ["[1]", "[2]", "[3]"]


def test_a_bracketed_number_of_an_article_is_no_marker() -> None:
    text, markers = marked(answer(Statement("Anna Berg opened the bridge [2] in May.", (1,))))
    assert text == "Anna Berg opened the bridge [\u20602] in May. [1]"
    assert [marker.number for marker in markers] == [1]


def test_a_language_model_writes_prose_and_what_is_unsupported_is_marked() -> None:
    made = with_text(answer(Statement("One.", (1,)), Statement("Two.", ()), generator="llama"))
    assert made.text == "One. [1] Two. (the articles do not say this)"


def test_accounts_that_a_model_words_are_no_prose() -> None:
    told = Statement("One.", (1,)), Statement("Two.", (2,))
    accounts = (Account("a", "One.", "2024", (1,)), Account("b", "Two.", "2023", (2,)))
    assert paragraphs(answer(*told, accounts=accounts, generator="llama")) == [told[:1], told[1:]]
    assert paragraphs(answer(*told, generator="llama")) == [told]


def test_accounts_stand_under_their_dates() -> None:
    accounts = (Account("a", "One.", "2024-07-03", (1,)), Account("b", "Two.", None, (2,)))
    made = with_text(answer(Statement("One.", (1,)), Statement("Two.", (2,)), accounts=accounts))
    assert made.text == (
        "The articles give different accounts.\nArticle of 2024-07-03: One. [1]\nUndated article: Two. [2]"
    )


def test_what_may_be_said_says_why_it_is_doubtful() -> None:
    doubts = (Doubt("name", ("Anna", "Berg")), Doubt("figure", ("2023",)))
    made = with_text(answer(Statement("One.", (1,)), abstained=True, certainty="perhaps", doubts=doubts))
    assert made.text == (
        "The articles may say: One. [1]\n(The passage does not name Anna, Berg.)\n(The passage does not give 2023.)"
    )
    assert with_text(answer(abstained=True)).text == "The articles do not say."
