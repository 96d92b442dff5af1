"""Keys in a model's text become markers, however the text is cut and however the model writes them."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding.generators import Markers, passage_key

A, B = "cite-0a1b2c3d", "cite-ffffffff"


def parsed(text: str, *cuts: int) -> tuple[str, list[str]]:
    markers = Markers([A, B])
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    return "".join(markers.feed(piece) for piece in pieces) + markers.close(), markers.cited


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"He came [{A}]. He left [{B}].", "He came [1]. He left [2]."),
        (f"He came [{B}]. He left [{A}][{B}].", "He came [1]. He left [2][1]."),
        (f"Nested [[{A}]], doubled [{A}][{A}] [{A}].", "Nested [1], doubled [1] ."),
        (f"Lists [{A}, {B}] and [{A}; {B}].", "Lists [1][2] and [1][2]."),
        (f"Full width 【{A}†L1-L3】 ［{B}］.", "Full width [1] [2]."),
        (f"Fenced ```\n[{A}]\n``` and `[{B}]`.", "Fenced [1] and [2]."),
        (f"Bare {A}, in brackets ({B}).", "Bare [1], in brackets [2]."),
        (f"Labelled [source: {A}] [passage {B}] [^{A}].", "Labelled [1] [2] ."),
        (f"A link [{A}](http://x.example/y).", "A link [1]."),
        (f"Upper case [{A.upper()}], short [{A[5:]}].", "Upper case [1], short [1]."),
        (f"Frame <{A}> and </{A}>.", "Frame [1] and [1]."),
        ("Unknown [cite-12345678] cite-1234 [cite-].", "Unknown   ."),
        ("The model's own [1], [2] and [^3], 【4】.", "The model's own ,  and , ."),
        ("[2023] is a year, [sic] a word, cited a verb.", "[\u20602023] is a year, [sic] a word, cited a verb."),
        ("The anthracite-fired plant, calcite-rich.", "The anthracite-fired plant, calcite-rich."),
        ("About [300] soldiers.", "About [\u2060300] soldiers."),
        (f"In brackets ([{A}]), (see [{B}]), ({A}, {B}).", "In brackets [1], [2], [1][2]."),
        (f"With its title [{A}: visit.txt], its page [{A}, p. 3].", "With its title [1], its page [1]."),
        (f"Glued{A} and ci[cite-x]te-0a1b2c3d.", "Glued[1] and ci te-0a1b2c3d."),
        ("Half a key [cite-0a1b", "Half a key ["),
    ],
)  # fmt: skip
def test_each_malformed_form(text: str, shown: str) -> None:
    assert parsed(text)[0] == shown
    assert parsed(text, *range(len(text)))[0] == shown


FRAGMENTS = [
    "cite-deadbeef",
    "cite-",
    "cite",
    "ci",
    "te-",
    "0a1b2c3d",
    "[",
    "]",
    "[[",
    "]]",
    "【",
    "】",
    "［",
    "］",
    "(",
    ")",
    "<",
    ">",
    "</",
    "`",
    "```",
    ",",
    ";",
    "1",
    "12",
    "2023",
    "source:",
    "†",
    "http://x.example",
]
pieces = st.lists(st.sampled_from([A, B, A.upper(), *FRAGMENTS, "\n", " ", "A man came."]), max_size=40).map("".join)


@given(pieces | st.text(max_size=200), st.lists(st.integers(0, 500), max_size=12))
def test_cuts_change_nothing_and_only_known_markers_are_shown(text: str, cuts: list[int]) -> None:
    shown, cited = parsed(text, *cuts)
    assert (shown, cited) == parsed(text)
    assert len(set(cited)) == len(cited)
    assert set(cited) <= {A, B}
    assert {int(n) for n in re.findall(r"\[(\d+)\]", shown)} == set(range(1, len(cited) + 1))
    assert not re.search(r"(?<![^\W_])cite-[0-9a-f]|cite-[0-9a-f]{8}", shown, re.I)


@given(pieces, st.lists(st.integers(0, 500), max_size=12))
def test_what_is_shown_is_never_taken_back(text: str, cuts: list[int]) -> None:
    markers, so_far = Markers([A, B]), ""
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    whole = parsed(text)[0]
    for a, b in itertools.pairwise(edges):
        so_far += markers.feed(text[a:b])
        assert whole.startswith(so_far)


@pytest.mark.parametrize("piece", ["[", f"[{A},", "(`[", "[ ", "[cite-", "`", "cite", "<cite-a>", "a"])
def test_time_is_linear(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        start = time.process_time()
        markers = Markers([A])
        for i in range(0, length, 7):
            markers.feed(text[i : i + 7])
        markers.close()
        return time.process_time() - start

    seconds(2_000)
    assert seconds(64_000) < 16 * max(seconds(8_000), 0.01)  # eight times the text; squared would be 64 times


def test_keys_depend_on_content_and_on_a_secret() -> None:
    assert passage_key("one", b"s") == passage_key("one", b"s")
    assert passage_key("one", b"s") != passage_key("two", b"s")
    assert passage_key("one", b"s") != passage_key("one", b"t")
    assert re.fullmatch(r"cite-[0-9a-f]{8}", passage_key("one"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"He came [{A}]. She", "He came [1]. She"),
        (f"He came. [{A}] She left for a ci", "He came. [1] She left for a "),
        ("In 2023 (a Friday) they", "In 2023 (a Friday) they"),
        ("He `said` [sic] that they", "He `said` [sic] that they"),
        (f"He came [{A}]", "He came "),  # a second key, or a link's address, may follow
        (f"He came [{A}](http://x", "He came "),
        (f"He came [{A}", "He came "),
    ],
)
def test_what_can_become_no_marker_is_not_waited_for(text: str, shown: str) -> None:
    assert Markers([A, B]).feed(text) == shown
    letter_by_letter = Markers([A, B])
    assert "".join(map(letter_by_letter.feed, text)) == shown
