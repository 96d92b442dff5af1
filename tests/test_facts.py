"""Numbers, dates and negations, however they are written."""

from __future__ import annotations

import pytest

from rag.language.facts import facts


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("the 80th anniversary", {"80"}),
        ("the eightieth anniversary", {"80"}),
        ("eighty years", {"80"}),
        ("more than 5,000 soldiers and 300 pieces", {"5000", "300"}),
        ("more than five thousand soldiers", {"5000"}),
        ("two hundred and fifty tanks", {"250"}),
        ("twenty-one days", {"21"}),
        ("5.5 million and 1.2 billion", {"5500000", "1200000000"}),
        ("in 1943", {"1943"}),
        ("two, three and four", {"2", "3", "4"}),
        ("twenty-two and two hundred and five", {"22", "205"}),
        ("one of the first; a second later", set()),
        ("it cost 3.50 in 2023.", {"3.5", "2023"}),
    ],
)
def test_numbers(text: str, numbers: set[str]) -> None:
    assert facts(text).numbers == numbers


@pytest.mark.parametrize(
    ("text", "dates", "numbers"),
    [
        ("on 30 June 2023", {"06-30"}, {"2023"}),
        ("on June 30, 2023", {"06-30"}, {"2023"}),
        ("on the 30th of June", {"06-30"}, set()),
        ("on 2023-06-30", {"06-30"}, {"2023"}),
        ("last June", {"06"}, set()),
        ("in August 2022", {"08"}, {"2022"}),
        ("Wednesday, July 3", {"07-03", "wednesday"}, set()),
        ("they may march", set(), set()),
    ],
)
def test_dates(text: str, dates: set[str], numbers: set[str]) -> None:
    assert facts(text).dates == dates
    assert facts(text).numbers == numbers


def test_negations() -> None:
    assert facts("Cuba did not send any soldiers to Ukraine.").negated == {"send", "soldiers", "ukraine"}
    assert facts("Cuba didn’t agree. Russia agreed.").negated == {"agree"}
    assert facts("Cuba sent soldiers.").negated == frozenset()
    assert facts("It was not Putin's decision.").negated == {"putin", "decision"}
