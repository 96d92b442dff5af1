"""Chunks are whole sentences in their places, and never longer than allowed."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import SEEDS, FakeEmbedder, make_document
from hypothesis import given
from hypothesis import strategies as st

from rag.articles.chunking import TokenOffsets, chunk_document, units
from rag.language.sentences import sentences
from rag.types import Block, Document


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
        assert all(place in covered for place in range(start, end) if text[place].isalnum())


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


@pytest.mark.parametrize("text", ["", " \n ", "* * *", "---\n\n|---|---|"])
def test_nothing_but_white_space_and_marks_gives_no_chunks(text: str) -> None:
    assert chunk_document(make_document("e.txt", text), by_word, 10) == []


def test_no_tokens_at_all_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="max_tokens is 0, expected at least 1"):
        chunk_document(numbered(1), by_word, 0)


# ---------------------------------------------------------------- nothing vanishes


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.stem[:3])
def test_every_word_of_the_seeds_is_in_a_chunk(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    covered = {s for c in chunk_document(make_document("s", text), by_word, 100) for s in c.sentences}
    assert sum(len("".join(text[a:b].split())) for a, b in covered) == len("".join(text.split()))


@pytest.mark.parametrize(
    "paragraph",
    [
        "The bank changed its cookie policy in May.",
        "Support us, the mayor asked the voters of Lund on Monday.",
        "The shop was fined under the privacy law because it shared data; all rights reserved, said its lawyer.",
        "Comments are closed.",
        "Follow us on Facebook for the latest updates",
    ],
)
def test_a_paragraph_that_looks_like_a_page_s_frame_is_found_and_cited(paragraph: str) -> None:
    text = f"The council met in Lund.\n\n{paragraph}\n\nIt rained all day."
    assert paragraph in places(make_document("a.txt", text))


# ---------------------------------------------------------------- units: lines, items, rows, questions


def places(document: Document) -> list[str]:
    return [document.text[unit.start : unit.end] for unit in units(document)]


def blocks_of(text: str, *kinds: str) -> tuple[Block, ...]:
    """A block a line."""
    ends = list(itertools.accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    return tuple(Block(kind, a, b - 1) for kind, (a, b) in zip(kinds, itertools.pairwise(ends), strict=True))


CHRONOLOGY = [
    "1 March 2021: The dyke of Sundby breaks",
    "4 March 2021: Warden Ole Falk is suspended",
    "19 June 2021: A new dyke is voted for by the island's council",
    "2 July 2021: Building begins",
]


@pytest.mark.parametrize(
    ("lines", "bullet"),
    [
        (CHRONOLOGY, "- "),
        (CHRONOLOGY, ""),
        (CHRONOLOGY, "• "),
        ([f"{n}. {line}" for n, line in enumerate(CHRONOLOGY, start=1)], ""),
        (["Ilse Korn, mayor", "Bo Lind, clerk", "Eva Ruud, engineer of the harbour", "Nils Aas, pilot"], "* "),
        (["Tarsk: 12 (9)", "Upper Tarsk: 3 (4)", "Vell-on-the-Water: 40 (38)", "Wend: 0 (1)"], ""),
        (["Name: Ole Falk", "Born: 3 May 1961", "Profession: warden of the dyke", "Married: yes"], ""),
        (["堤防决口", "看守人停职", "议会表决修建新堤", "开工"], "- "),
    ],
)
def test_each_line_of_a_list_without_full_stops_is_a_unit(lines: list[str], bullet: str) -> None:
    items = [bullet + line for line in lines]
    document = make_document("a.md", "What happened when\n\n" + "\n".join(items) + "\n\nThe dyke held. It is new.")
    assert places(document) == ["What happened when", *items, "The dyke held.", "It is new."]


def test_lines_that_were_wrapped_go_on_beside_a_list() -> None:
    prose = (
        "The dyke of Sundby broke in the night before the first of March, when\n"
        "the water stood higher than in any year since it was built, and it took\n"
        "the warden an hour to find anybody who would ring the bell. The island's\n"
        "council met the next day."
    )
    document = make_document("a.txt", f"{prose}\n\n- Ole Falk\n- Ilse Korn\n\n{prose}")
    first, second = prose[: prose.index(" The island's")], prose[prose.index("The island's") :]
    assert places(document) == [first, second, "- Ole Falk", "- Ilse Korn", first, second]


def test_the_format_says_what_a_unit_is() -> None:
    rows = "Town: Tarsk | Mayor: I. Korn. Elected.\nTown: Vell | Mayor: B. Lind"
    text = f"Towns\n{rows}\nThe square. In May\nA text. Its end."
    kinds = ("heading", "row", "row", "caption", "paragraph")
    document = replace(make_document("a", text), blocks=blocks_of(text, *kinds))
    assert places(document) == [
        "Towns",
        "Town: Tarsk | Mayor: I. Korn. Elected.",
        "Town: Vell | Mayor: B. Lind",
        "The square.",
        "In May",
        "A text.",
        "Its end.",
    ]


def test_line_ends_within_a_block_mean_nothing_and_what_lies_between_blocks_is_kept() -> None:
    text = "One line\nand its end.\nA stray line\nA note"
    document = replace(make_document("a", text), blocks=(Block("item", 0, 21), Block("note", 35, 41)))
    assert places(document) == ["One line\nand its end.", "A stray line", "A note"]


INTERVIEWS = {
    "paragraphs": "We met her there.\n\nWhy did it break?\n\nBecause of moles. They dig.\n\nWho pays?\n\nThe island.",
    "marked": "We met her there.\nQ: Why did it break?\nA: Because of moles. They dig.\nQ: Who pays?\nA: The island.",
    "run in": "We met her at the dyke.\n\nWhy did it break? Because of moles. They dig.\n\nWho pays? The island.",
    "Spanish": "La vimos en el dique.\n\n¿Por qué se rompió?\n\nPor los topos. Cavan.\n\n«¿Quién paga?»\n\nLa isla.",
    "Chinese": "我们在堤上见到她。\n\n为什么决口？\n\n因为鼹鼠。它们打洞。\n\n谁付钱？\n\n岛上。",
}


@pytest.mark.parametrize("text", INTERVIEWS.values(), ids=INTERVIEWS)
@pytest.mark.parametrize("most", range(8, 26))
def test_a_question_is_in_one_chunk_with_its_answer(text: str, most: int) -> None:
    document = make_document("a.txt", text)
    first, second = places(document)[1:4], places(document)[4:6]
    chunks = chunk_document(document, by_character if "堤" in text else by_word, most, 1)
    for group in (first, second):
        fits = len((by_character if "堤" in text else by_word)(" ".join(group))) <= most
        assert any(all(part in chunk.text for part in group) for chunk in chunks) or not fits


def test_a_question_whose_answer_is_too_long_begins_a_chunk() -> None:
    answer = " ".join(f"Answer number {i} has six words." for i in range(6))
    chunks = chunk_document(make_document("a.txt", f"Before it all.\n\nWhy so?\n\n{answer}"), by_word, 20, 1)
    assert [chunk.text.split(".")[0] for chunk in chunks][:2] == [
        "Before it all",
        "Why so?\n\nAnswer number 0 has six words",
    ]


def test_a_heading_stays_with_what_it_heads() -> None:
    text = "He came to the town of Tarsk.\nThe harbour\nIt was built in 1931 by the town."
    document = replace(make_document("a", text), blocks=blocks_of(text, "paragraph", "heading", "paragraph"))
    assert [chunk.text for chunk in chunk_document(document, by_word, 12, 0)] == [
        "He came to the town of Tarsk.",
        "The harbour\nIt was built in 1931 by the town.",
    ]


def test_a_chunk_says_under_which_heading_it_begins() -> None:
    text = (
        "Minutes\nThe mayor opened the meeting.\nThe flood\nIt came at night. It cost a lot.\nThe harbour\nIt is old."
    )
    kinds = ("heading", "paragraph", "heading", "paragraph", "heading", "paragraph")
    document = replace(make_document("a", text), title="Minutes", blocks=blocks_of(text, *kinds))
    assert [(chunk.title, chunk.text) for chunk in chunk_document(document, by_word, 7, 0)] == [
        ("Minutes", "Minutes\nThe mayor opened the meeting."),
        ("Minutes", "The flood\nIt came at night."),
        ("Minutes: The flood", "It cost a lot."),
        ("Minutes", "The harbour\nIt is old."),
    ]


@pytest.mark.parametrize(
    "text",
    ["He came. " * 20_000, "Why? " * 20_000, "Why?\n" * 20_000, "a" * 100_000, "word " * 50_000, "Word.\n" * 20_000],
)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    chunk_document(make_document("big.txt", text), by_word, 160)
    assert time.process_time() - start < 5.0
