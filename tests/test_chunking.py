"""Chunks are whole sentences in their places, and never longer than allowed."""

from __future__ import annotations

import itertools
import time

import pytest
from fakes import SEEDS, FakeEmbedder, make_document
from hypothesis import given
from hypothesis import strategies as st

from rag.articles.chunking import TokenOffsets, chunk_document, is_boilerplate
from rag.language.text import sentences
from rag.types import Document


def by_word(text: str) -> list[tuple[int, int]]:
    return FakeEmbedder().token_offsets(text)


def by_character(text: str) -> list[tuple[int, int]]:
    return [(i, i + 1) for i, character in enumerate(text) if not character.isspace()]


def by_byte(text: str) -> list[tuple[int, int]]:
    """Several tokens for one character, as byte-level tokenizers have them."""
    return [(i, i + 1) for i, c in enumerate(text) if not c.isspace() for _ in c.encode("utf-8", "surrogatepass")]


TOKENIZERS = st.sampled_from([by_word, by_character, by_byte])
PROSE = st.lists(
    st.sampled_from(
        [
            "He came.",
            "Why?",
            "The minister met 20 officials in Minsk!",
            "\n",
            "\n\n",
            "a" * 40,
            "ñandú 中文。",
            "🙂",
            "e.g. one",
            "For Latest Updates Follow us on Google News",
            "Comments are closed.",
        ]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    max_size=25,
).map(" ".join)


@given(PROSE | st.text(), TOKENIZERS, st.integers(4, 30), st.integers(0, 3))
def test_chunks_are_their_places_and_fit(text: str, tokens: TokenOffsets, most: int, overlap: int) -> None:
    document = make_document("a.txt", text)
    chunks = chunk_document(document, tokens, most, overlap)
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        assert (chunk.sentences[0][0], chunk.sentences[-1][1]) == (chunk.start, chunk.end)
        assert len(tokens(chunk.text)) <= most
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@given(PROSE, TOKENIZERS, st.integers(4, 30), st.integers(0, 3))
def test_nothing_of_the_article_is_lost(text: str, tokens: TokenOffsets, most: int, overlap: int) -> None:
    chunks = chunk_document(make_document("a.txt", text), tokens, most, overlap)
    covered = {place for chunk in chunks for start, end in chunk.sentences for place in range(start, end)}
    for start, end in sentences(text):
        line = text[text.rfind("\n", 0, start) + 1 : (text + "\n").index("\n", end)].strip()
        if not is_boilerplate(line):
            assert all(place in covered for place in range(start, end) if not text[place].isspace())
        else:
            assert not covered & set(range(start, end))


@given(PROSE, TOKENIZERS, st.integers(4, 30), st.integers(0, 3))
def test_every_chunk_brings_something_new(text: str, tokens: TokenOffsets, most: int, overlap: int) -> None:
    chunks = chunk_document(make_document("a.txt", text), tokens, most, overlap)
    for before, after in itertools.pairwise(chunks):
        assert after.start > before.start
        assert after.end > before.end


def numbered(n: int) -> Document:
    return make_document("n.txt", " ".join(f"Sentence number {i} has seven words." for i in range(n)))


def test_overlap_is_whole_sentences() -> None:
    chunks = chunk_document(numbered(20), by_word, 24, 1)
    assert [len(chunk.sentences) for chunk in chunks] == [4, 4, 4, 4, 4, 4, 2]
    for before, after in itertools.pairwise(chunks):
        assert after.sentences[0] == before.sentences[-1]


def test_overlap_takes_a_third_of_a_chunk_at_most() -> None:
    chunks = chunk_document(numbered(20), by_word, 24, 3)
    shared = [set(a.sentences) & set(b.sentences) for a, b in itertools.pairwise(chunks)]
    assert {len(sentence) for sentence in shared} == {1}


def test_without_overlap_no_sentence_comes_twice() -> None:
    chunks = chunk_document(numbered(20), by_word, 24, 0)
    assert [sentence for chunk in chunks for sentence in chunk.sentences] == sentences(numbered(20).text)


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    document = make_document("long.txt", "Short one. " + " ".join(["extraordinary"] * 100) + ".")
    chunks = chunk_document(document, by_character, 50, 0)
    assert {word.strip(".") for chunk in chunks[1:] for word in chunk.text.split()} == {"extraordinary"}
    assert all(len(by_character(chunk.text)) <= 50 for chunk in chunks)


def test_a_single_word_that_is_too_long_is_cut_between_tokens() -> None:
    chunks = chunk_document(make_document("w.txt", "a" * 100), by_character, 30, 1)
    assert "".join(chunk.text for chunk in chunks[:1]) == "a" * 30
    assert max(chunk.end for chunk in chunks) == 100


@pytest.mark.parametrize(
    "text", ["", " \n ", "Comments are closed.", "For Latest Updates Follow us on Google News\n\nComments are closed."]
)
def test_nothing_but_white_space_and_frame_gives_no_chunks(text: str) -> None:
    assert chunk_document(make_document("e.txt", text), by_word, 10) == []


def test_no_tokens_at_all_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="max_tokens is 0, expected at least 1"):
        chunk_document(numbered(1), by_word, 0)


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.stem[:3])
def test_the_frame_of_the_seeds_is_in_no_chunk(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    joined = "\n".join(chunk.text for chunk in chunk_document(make_document("s", text), by_word, 100))
    for phrase in (
        "For Latest Updates", "Follow us", "Comments are closed", "COLLABORATE WITH OUR WORK", "continue reading HERE",
        "Continue reading", "becoming a member", "Related news", "thoughts on “", "thought on “",
    ):  # fmt: skip
        assert phrase not in joined
    kept = sum(
        end - start
        for start, end in {s for c in chunk_document(make_document("s", text), by_word, 100) for s in c.sentences}
    )
    assert kept > 0.85 * len(text)


@pytest.mark.parametrize(
    "line",
    [
        "“They support us and we support them,” he said.",
        "“We share this view,” the minister said.",
        "Belarus hopes for becoming a member of the alliance.",
        "The party urged readers to click here and there on its page.",
        "He said that related news had reached Minsk.",
        "Officials continue reading the document.",
        "The comments of the minister were welcomed.",
    ],
)
def test_short_lines_of_an_article_are_not_taken_for_its_frame(line: str) -> None:
    assert not is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        "Follow us on Facebook",
        "Please subscribe to our newsletter",
        "Read more:",
        "Share this article",
        "Continue reading (in Spanish) HERE.",
        "1 thought on “Cuba confirms its military alliance with Belarus”",
        "Suscríbete a nuestro boletín",
        "© 2024 Example. All rights reserved.",
    ],
)
def test_calls_and_notices_are_frame(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize("text", ["He came. " * 20_000, "a" * 100_000, "word " * 50_000, "Word.\n" * 20_000])
def test_no_text_takes_long(text: str) -> None:
    start = time.perf_counter()
    chunk_document(make_document("big.txt", text), by_word, 160)
    assert time.perf_counter() - start < 5.0
