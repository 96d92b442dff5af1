"""Accounts that differ and accounts that agree: what an answer shows of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import make_bot, make_document

from eval.accounts import Told, judged, measured, outlets_asked, read
from eval.datasets import DatasetError
from eval.sets import HERE
from rag.answering.citations import cite
from rag.types import Account, Answer

FIRST = make_document("a.txt", "Seven people died in the harbour.")
LATER = make_document("b.txt", "The harbour has buried its dead. Eight people lost their lives.")
SEVEN, EIGHT, GRIEF = cite(FIRST, 0, 33, 5.0), cite(LATER, 33, 63, 4.0), cite(LATER, 0, 32, 3.0)
ROW = {
    "question": "How many people died?",
    "kind": "figure",
    "corrects": False,
    "accounts": [
        {"article": "a", "answers": ["Seven people", "Seven"], "sentence": "Seven people died in the harbour."},
        {"article": "b", "answers": ["Eight people", "Eight"], "sentence": "Eight people lost their lives."},
    ],
}


def answer(*told: tuple[str, int], certainty: str = "answered") -> Answer:
    cited = (SEVEN, EIGHT, GRIEF)
    accounts = tuple(Account(text, cited[n].quote, None, (i,)) for i, (text, n) in enumerate(told, start=1))
    return Answer(
        question="",
        text="",
        confidence=0.9,
        passages=(),
        understood="",
        short_answer=told[0][0],
        certainty=certainty,  # type: ignore[arg-type]
        abstained=certainty != "answered",
        citations=tuple(cited[n] for _, n in told),
        accounts=accounts if len(told) > 1 else (),
    )


@pytest.mark.parametrize(
    ("given", "one", "both", "several"),
    [
        (answer(("Seven", 0), ("Eight", 1)), True, True, True),
        (answer(("Seven", 0)), True, False, False),
        (answer(("Seven", 0), ("its dead", 2)), True, False, True),  # of that article, but not what it tells
        (answer(("its dead", 2)), False, False, False),
        (answer(("Seven", 0), ("Seven", 0)), True, False, True),
        (answer(("Seven", 0), ("Eight", 1), certainty="perhaps"), False, False, False),
    ],
)
def test_what_is_shown_of_two_accounts(given: Answer, one: bool, both: bool, several: bool) -> None:
    told = judged(ROW, given)
    assert (told.kind, told.group, told.one, told.both, told.several) == ("differ", "a", one, both, several)


def test_a_yes_or_no_is_told_by_its_sentence() -> None:
    polar = ROW | {"accounts": [account | {"answers": ["no"]} for account in ROW["accounts"]]}
    quote = make_document("a.txt", "Nobody, no, not one died.")
    given = answer(("Seven", 0))
    assert judged(polar, given).one
    assert not judged(polar, replace(given, citations=(cite(quote, 0, 25, 5.0),))).one


def test_each_of_three_accounts_has_one_of_its_own() -> None:
    """Two of them in one account, and the third in two, is not all side by side."""
    three = ROW | {"accounts": [*ROW["accounts"], {"article": "b", "answers": ["its dead"], "sentence": GRIEF.quote}]}
    two = answer(("Seven", 0), ("Seven", 0), ("Eight", 1))
    both = replace(two.accounts[2], citations=(3, 4))
    given = replace(two, citations=(*two.citations, GRIEF), accounts=(*two.accounts[:2], both))
    assert not judged(three, given).both
    assert judged(three, answer(("Seven", 0), ("Eight", 1), ("its dead", 2))).both


def test_a_row_of_the_table_for_each_kind() -> None:
    def told(kind: str, both: bool) -> Told:
        return Told(kind, "a", answered=True, one=True, both=both, several=both)

    table = measured([told("differ", True), told("agree", False), told("differ", False)])
    assert [(row[0], row[1], row[4].value) for row in table.rows] == [("differ", 2, 0.5), ("agree", 1, 0.0)]


def test_a_line_without_a_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "accounts.jsonl"
    path.write_text('{"question": "Who?", "kind": "name", "corrects": false}\n', encoding="utf-8")
    with pytest.raises(DatasetError, match="lacks accounts"):
        read(path)


def test_the_set_quotes_its_articles() -> None:
    for row in read(HERE / "accounts.jsonl"):
        for account in row["accounts"]:
            text = (HERE / "news" / "articles" / f"{account['article']}.txt").read_text(encoding="utf-8")
            assert account["sentence"] in text


def test_an_outlet_that_is_asked_counts_where_it_alone_is_cited() -> None:
    bot = make_bot()
    first = make_document("a.txt", "The baker Anna sells rye bread here.", "A")
    second = make_document("b.txt", "The baker Boris sells rye bread here.", "B")
    bot.add_documents([replace(first, outlet="Reform"), replace(second, outlet="Mirror")])
    told = [
        {"article": "a", "answers": ["Anna"], "sentence": first.text},
        {"article": "b", "answers": ["Boris"], "sentence": second.text},
        {"article": "c", "answers": ["Clara"], "sentence": "No article of any outlet."},
    ]
    row = {"question": "Who sells rye bread?", "kind": "cause", "corrects": False, "accounts": told}
    table = outlets_asked([row, row | {"kind": "agree"}], bot)
    ((asked, answered, its_account, alone),) = table.rows
    assert (asked, answered.value, its_account.value, alone.value) == (2, 1.0, 1.0, 1.0)
    other = [told[0] | {"answers": ["Dora"], "sentence": "Dora sells rye bread here."}]
    ((asked, answered, its_account, alone),) = outlets_asked([row | {"accounts": other}], bot).rows
    assert (asked, answered.value, its_account.value, alone.value) == (1, 1.0, 0.0, 0.0)
