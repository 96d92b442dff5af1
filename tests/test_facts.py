"""Numbers, dates and negations, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("5,000, 5000, 5 000, 5\u202f000 and 5.000", {"5000"}),
        ("1.234.567,8 and 1,234,567.8 and 1 234 567.8", {"1234567.8"}),
        ("1,50,000", {"150000"}),
        ("2.5 million, 2,5 million and 2.500 million", {"2500000"}),
        ("$2.5bn, £2.5 billion, twelve billion", {"2500000000", "12000000000"}),
        ("$2.5m", {"2500000"}),
        ("2.5m", {"2.5", "2500000"}),
        ("152mm, 5,000km", {"152", "5000"}),
        ("in the 1990s", set()),
        ("0.125, 12.05.2024", {"0.125", "12.05", "2024"}),
        ("2023-24, 2023/24 and 2023–2024", {"2023", "2024"}),
        ("2023-06", {"2023", "6"}),
        ("a hundred and fifty", {"150"}),
        ("half a million, a man, two hundred a day", {"200"}),
        ("two trillion or 2 trillion", {"2000000000000"}),
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
        ("on 30\nJune and on June\u00a030", {"06-30"}, set()),
        ("in May 100 came", {"05"}, {"100"}),
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


@given(st.text("0123456789,. $-abmn٣２"))
def test_any_figure_is_read(text: str) -> None:
    assert all(float(number) >= 0 for number in facts(f"{text} million").numbers)
