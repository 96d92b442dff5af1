"""The list of articles: searched, sorted, paged."""

from __future__ import annotations

import pytest

from rag.present.filters import conditions, suggestions
from rag.present.listing import PER_PAGE, Listing
from rag.scope import Scope
from rag.types import Header


def header(number: int, title: str, date: str | None = None, outlet: str | None = None) -> Header:
    return Header(f"{'ab'[number % 2]}/{number}.txt", title, "", "en", date, "", outlet, 10)


SOME = [
    header(1, "Žebřík in the harbour", "2024-03", "The Courier"),
    header(2, "apples", None, "Āmber"),
    header(3, "Boats", "2024-03-05", None),
    header(4, "Cats", "2021", "the courier"),
]


@pytest.mark.parametrize(
    ("order", "numbers"),
    [("newest", "3142"), ("oldest", "4132"), ("title", "2341"), ("outlet", "2413")],
)
def test_sorted_and_what_lacks_the_key_comes_last(order: str, numbers: str) -> None:
    listed = Listing(order=order).of(SOME)
    assert "".join(h.id[2] for h in listed.headers) == numbers


@pytest.mark.parametrize(
    ("find", "numbers"),
    [("zebrik", "1"), ("HARBOUR 2024", "1"), ("courier", "14"), ("b/", "13"), ("zebra", ""), (" ", "3142")],
)
def test_every_word_must_be_in_title_outlet_id_or_date(find: str, numbers: str) -> None:
    listed = Listing(find).of(SOME)
    assert sorted(h.id[2] for h in listed.headers) == sorted(numbers)
    assert (listed.found, listed.count) == (len(numbers), 4)


def test_pages_hold_every_article_once_and_a_page_too_many_is_the_last() -> None:
    many = [header(n, f"Title {n:03}") for n in range(2 * PER_PAGE + 3)]
    pages = [Listing(order="title", page=n).of(many) for n in range(3)]
    assert [h.title for page in pages for h in page.headers] == [h.title for h in many]
    assert [page.before for page in pages] == [0, PER_PAGE, 2 * PER_PAGE]
    assert [len(page.headers) for page in pages] == [PER_PAGE, PER_PAGE, 3]
    assert Listing(order="title", page=9).of(many) == pages[2]


@pytest.mark.parametrize("data", [{}, {"find": None, "order": "rank", "page": -1}, {"page": True}, {"page": "2"}])
def test_what_a_browser_sends_wrong_is_the_default(data: dict[str, object]) -> None:
    assert Listing.asked(data).page in (0, 1)
    assert Listing.asked(data).order == "newest"


def test_a_choice_in_words_and_what_there_is_to_choose() -> None:
    scope = Scope("2024-03-01", "2025", ("a/2.txt", "own", "The Courier"))
    assert conditions(scope, SOME, "own") == [
        ("since", "since 1 March 2024"),
        ("until", "until 2025"),
        ("a/2.txt", "in apples"),
        ("own", "in your own articles"),
        ("The Courier", "in The Courier"),
    ]
    assert suggestions([*SOME, header(6, "x", outlet="The Courier")], "b") == [
        ("The Courier", "outlet, 2 articles"),
        ("a", "folder, 3 articles"),
        ("the courier", "outlet, 1 article"),
        ("Āmber", "outlet, 1 article"),
    ]
