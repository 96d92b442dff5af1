# ruff: noqa: E501 (a line of text is a line)
"""PDF: order by layout, sentences over lines and pages, running heads and notes aside, hyphens, tables, scans."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from rag.articles.documents import read_document
from rag.articles.formats import format_of
from rag.articles.formats.contract import Source
from rag.articles.formats.layout import Character, pieces_of, regions_of
from rag.articles.formats.pdf import direction_notes
from rag.language.sentences import sentences
from rag.types import Document
from tests.test_documents import pdf

TODAY = datetime.date(2026, 11, 21)
LEFT = ("The museum of Tarsk reopened on Friday", "after four years of repair. The roof", "was replaced and the cellar was dried.",
        "The director, Ilse Korn, said that the", "cost had been 7.2 million crowns, paid", "by the region.")  # fmt: skip
RIGHT = ("The swimming pool of Tarsk stays", "closed until May. A pipe burst in", "January and flooded the machine room.",
         "The manager, Jon Reeve, said that the", "cost had been 310,000 crowns, paid by", "the insurer.")  # fmt: skip


def at(x: float, y: float, text: str, size: float = 10) -> bytes:
    escaped = text.replace("(", r"\(").replace(")", r"\)").encode("cp1252")
    return b"BT /F %f Tf %f %f Td (%s) Tj ET\n" % (size, x, y, escaped)


def column(x: float, y: float, *lines: str, size: float = 10) -> bytes:
    return b"".join(at(x, y - 14 * n, line, size) for n, line in enumerate(lines))


def read(folder: Path, *pages: bytes) -> Document:
    path = folder / "a.pdf"
    path.write_bytes(pdf(*pages))
    document = read_document(path, "a.pdf", 2_000_000, TODAY)
    assert "\n".join(document.text[block.start : block.end] for block in document.blocks) == document.text
    assert len(document.pages) == len(pages)
    return document


def blocks(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def rows(left: tuple[str, ...], right: tuple[str, ...], y: float = 700, apart: float = 270) -> bytes:
    """Two columns drawn row by row."""
    pairs = zip(left, right, strict=True)
    return b"".join(at(60, y - 14 * n, a) + at(60 + apart, y - 14 * n, b) for n, (a, b) in enumerate(pairs))


# ---------------------------------------------------------------- order


@pytest.mark.parametrize("head", [b"", at(60, 740, "Tarsk news in brief", 16), at(60, 740, "News " * 9, 20)])
@pytest.mark.parametrize(
    "drawn",
    [
        rows(LEFT, RIGHT),
        column(60, 700, *LEFT) + column(330, 700, *RIGHT),
        column(330, 693, *RIGHT) + column(60, 700, *LEFT),
    ],
)
def test_columns_are_read_one_after_the_other_however_they_are_drawn(tmp_path: Path, head: bytes, drawn: bytes) -> None:
    document = read(tmp_path, head + drawn)
    assert [text for kind, text in blocks(document) if kind == "paragraph"] == [" ".join(LEFT), " ".join(RIGHT)]


def test_three_columns_and_full_lines_above_and_below(tmp_path: Path) -> None:
    narrow = ("It rained all day in", "the town of Tarsk, and", "nobody went out.")
    second = ("Snow fell on the hills", "of Veldmar, where two", "roads were closed.")
    third = ("The sun shone on the", "coast, and the beaches", "were full of people.")
    drawn = b"".join(
        at(x, 700 - 14 * n, lines[n]) for n in range(3) for x, lines in ((50, narrow), (200, second), (350, third))
    )
    wide = (
        "The weather of the week in all of the country, as the office saw it and as people told us about it by letter."
    )
    document = read(tmp_path, at(50, 730, wide) + drawn + at(50, 640, wide))
    assert [text for _, text in blocks(document)] == [wide, " ".join(narrow), " ".join(second), " ".join(third), wide]


def test_a_sentence_goes_on_in_the_next_column(tmp_path: Path) -> None:
    left, right = (*LEFT[:5], "by the region of Veldmar and by the"), ("friends of the museum, who gave", *RIGHT[1:])
    document = read(tmp_path, rows(left, right))
    assert blocks(document) == [("paragraph", " ".join((*left, *right)))]


def test_a_head_wider_than_the_only_column_does_not_cut_its_sentences(tmp_path: Path) -> None:
    head = at(60, 750, "THE LANTERN MONTHLY" + " " * 120 + "September 2023", 8)
    lines = ("Each of the nine former workers put in", "40,000 crowns; the rest came from the Orrin", "Savings Bank.")
    after = ("Reddick says that the panes sell best of", "all that they make.")
    document = read(tmp_path, head + column(60, 700, *lines) + column(60, 640, *after))
    assert [text for kind, text in blocks(document) if kind == "paragraph"] == [" ".join(lines), " ".join(after)]


def test_a_table_is_read_row_by_row_with_its_heads(tmp_path: Path) -> None:
    table = (("Town", "Mayor", "Votes"), ("Tarsk", "Ilse Korn", "3,410"), ("Veldmar", "Oda Brandt", "12,007"))
    drawn = b"".join(
        at(x, 660 - 14 * n, cell) for n, row in enumerate(table) for x, cell in zip((60, 200, 330), row, strict=True)
    )
    document = read(
        tmp_path,
        at(60, 700, "The votes were counted on Sunday in all of the towns of the region by the office.") + drawn,
    )
    assert blocks(document)[1:] == [
        ("row", "Town: Tarsk | Mayor: Ilse Korn | Votes: 3,410"), ("row", "Town: Veldmar | Mayor: Oda Brandt | Votes: 12,007"),
    ]  # fmt: skip


def test_a_cell_of_several_lines_is_one_in_a_table_of_two_columns(tmp_path: Path) -> None:
    drawn = b"".join(
        at(60, y, time) + column(140, y, *lines)
        for y, time, *lines in (
            (700, "14:00", "Opening of the meeting by the mayor, who greets", "the guests from Orrin and thanks the firemen."),
            (660, "14:20", "Report of the engineer on the cables of the bridge,", "with questions of the council."),
            (620, "15:00", "Vote."),
        )
    )  # fmt: skip
    assert read(tmp_path, drawn).text.split("\n") == [
        "14:00 | Opening of the meeting by the mayor, who greets the guests from Orrin and thanks the firemen.",
        "14:20 | Report of the engineer on the cables of the bridge, with questions of the council.", "15:00 | Vote.",
    ]  # fmt: skip


def test_a_form_is_read_row_by_row(tmp_path: Path) -> None:
    form = (("Name", "Ilse Korn"), ("Born", "12 May 1970"), ("Office", "Mayor of Tarsk since 2019"))
    drawn = b"".join(at(60, 700 - 14 * n, a) + at(180, 700 - 14 * n, b) for n, (a, b) in enumerate(form))
    assert [text for _, text in blocks(read(tmp_path, drawn))] == [" | ".join(row) for row in form]


def test_what_was_filled_into_a_form_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(column(60, 700, "Name:", "Office:"), field=column(180, 700, "Ilse Korn", "Mayor")))
    assert read_document(path, "a.pdf", 2_000_000, TODAY).text == "Name: Ilse Korn\nOffice: Mayor"


def test_what_is_noted_on_a_page_is_read_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    said = ("It rained on Monday.", "It snowed on Friday.")
    path.write_bytes(pdf(*(at(60, 700, text) for text in said), noted=b"Ask Ilse\\(Korn\\) for it."))
    found = blocks(read_document(path, "a.pdf", 2_000_000, TODAY))
    note = ("note", "Ask Ilse(Korn) for it.")
    assert found == [("paragraph", said[0]), note, ("paragraph", said[1]), note]


def test_lines_above_and_below_a_table_are_none_of_its_rows(tmp_path: Path) -> None:
    table = (("Route", "Adult", "Child"), ("Tarsk - Veldmar", "7.80", "3.90"), ("Veldmar - Orrin", "4.10", "2.05"))
    drawn = b"".join(
        at(x, 660 - 14 * n, cell) for n, row in enumerate(table) for x, cell in zip((60, 150, 330), row, strict=True)
    )
    above, below = ("Fares of the ferries from July", "They are those of last year."), "Dogs pay the fare of a child."
    document = read(tmp_path, at(60, 700, above[0], 16) + at(60, 680, above[1]) + drawn + at(60, 600, below))
    assert blocks(document) == [
        ("heading", above[0]), ("paragraph", above[1]),
        ("row", "Route: Tarsk - Veldmar | Adult: 7.80 | Child: 3.90"),
        ("row", "Route: Veldmar - Orrin | Adult: 4.10 | Child: 2.05"), ("paragraph", below),
    ]  # fmt: skip


def test_a_number_between_columns_makes_them_no_table(tmp_path: Path) -> None:
    document = read(tmp_path, rows(LEFT, RIGHT, apart=300) + at(325, 616, "102"))
    assert [text for _, text in blocks(document)] == [" ".join(LEFT), "102", " ".join(RIGHT)]


def test_a_sentence_goes_on_past_the_note_below_its_column(tmp_path: Path) -> None:
    left, right = (*LEFT[:5], "by the region of Veldmar and by the"), ("friends of the museum, who gave", *RIGHT[1:])
    note = "1 Letter of 9 May 2022."
    document = read(tmp_path, rows(left, right, y=300) + at(60, 200, note, 7))
    assert blocks(document) == [("paragraph", " ".join((*left, *right))), ("note", note)]


def test_a_large_first_letter_belongs_to_its_word(tmp_path: Path) -> None:
    drawn = at(60, 672, "T", 40) + column(88, 700, *(line + " again" for line in LEFT[:3])) + column(60, 658, *LEFT[3:])
    text = " ".join([*(line + " again" for line in LEFT[:3]), *LEFT[3:]])
    assert blocks(read(tmp_path, drawn.replace(b"(The museum", b"(he museum"))) == [("paragraph", text)]


@pytest.mark.parametrize(("left", "lines"), [(95, 95), (90, 87)])
def test_a_large_first_letter_may_be_a_word(tmp_path: Path, left: float, lines: float) -> None:
    drawn = at(60, 672, "A", 40) + at(left, 700, "man of Tarsk reopened the museum") + column(lines, 686, *LEFT[1:3])
    assert read(tmp_path, drawn + column(60, 658, *LEFT[3:])).text.startswith(
        "A man of Tarsk reopened the museum after"
    )


def test_the_mark_of_a_note_is_no_figure_of_the_text(tmp_path: Path) -> None:
    drawn = (
        at(60, 700, "It was sold in 2014.")
        + at(146, 704, "13", 6)
        + at(156, 700, "The mayor signed ")
        + at(234, 700, "mp3", 8)
    )
    document = read(tmp_path, drawn)
    assert [document.text[a:b] for a, b in sentences(document.text)] == [
        "It was sold in 2014.¹³",
        "The mayor signed mp3",
    ]


def test_wide_spaces_in_a_line_are_no_columns(tmp_path: Path) -> None:
    full = "The council of Tarsk met on Friday and talked about the bridge over the river, which is closed since May."
    drawn = (
        at(60, 714, full)
        + at(60, 700, "It decided nothing,")
        + at(190, 700, "as the mayor was not there and two others had left.")
    )
    assert blocks(read(tmp_path, drawn + at(60, 686, full))) == [
        ("paragraph", f"{full} It decided nothing, as the mayor was not there and two others had left. {full}")
    ]


def test_items_have_their_bullets_taken_off(tmp_path: Path) -> None:
    drawn = b"".join(
        at(60, 700 - 14 * n, "•") + at(90, 700 - 14 * n, line)
        for n, line in enumerate(("opened in May", "closed in June"))
    )
    assert blocks(read(tmp_path, drawn)) == [("item", "opened in May"), ("item", "closed in June")]


# ---------------------------------------------------------------- pages


HEAD, TITLE = "VELDMAR GAZETTE  |  Local politics", "Council approves the flood barrier of Veldmar"
FIRST = (
    "The council of Veldmar met on 14 March 2024 to discuss the flood barrier. Residents had asked",
    "for it. After a long debate the council decided that the barrier will be built by the company",
)
SECOND = ("Harlow and Finch for 18.6 million euros before the end of 2026. The mayor voted against the", "plan.")


def page(number: int, *lines: str, head: bool = False, note: str = "") -> bytes:
    drawn = at(72, 760, HEAD, 8) + at(280, 40, f"Page {number} of 2", 8) + column(72, 690, *lines, size=11)
    return drawn + (at(72, 730, TITLE, 16) if head else b"") + (at(72, 80, note, 8) if note else b"")


def test_a_sentence_goes_on_over_pages_past_running_heads_and_footnotes(tmp_path: Path) -> None:
    document = read(tmp_path, page(1, *FIRST, head=True, note="1 Voted on by all 12 members."), page(2, *SECOND))
    assert document.title == TITLE
    assert blocks(document) == [
        ("heading", TITLE), ("note", "VELDMAR GAZETTE | Local politics"), ("note", "Page 1 of 2"),
        ("note", "1 Voted on by all 12 members."), ("paragraph", " ".join(FIRST + SECOND)),
    ]  # fmt: skip
    assert document.text[document.pages[1] :] == " ".join(SECOND)


def test_a_page_number_alone_is_no_text(tmp_path: Path) -> None:
    document = read(
        tmp_path, at(72, 700, "The bridge of Tarsk was opened on Friday by the mayor.") + at(300, 30, "- 1 -")
    )
    assert document.text == "The bridge of Tarsk was opened on Friday by the mayor."


def test_what_comes_once_in_the_margin_stays_where_it_is(tmp_path: Path) -> None:
    document = read(
        tmp_path, at(72, 770, "The bridge of Tarsk was opened on Friday by the mayor.") + at(72, 30, "It is 12 m long.")
    )
    assert [kind for kind, _ in blocks(document)] == ["paragraph", "paragraph"]


@pytest.mark.parametrize(("number", "kind"), [("{}", "note"), ("{}0", "paragraph")])
def test_a_running_head_may_change_but_its_number_grows_with_the_page(tmp_path: Path, number: str, kind: str) -> None:
    heads = [f"{words} {number.format(n)}" for n, words in ((1, "The vote of the council"), (2, "The price of it"))]
    first, second = (
        at(72, 760, head) + column(72, 690, *lines) for head, lines in zip(heads, (FIRST, SECOND), strict=True)
    )
    found = blocks(read(tmp_path, first, second))
    assert [text for own, text in found if own == "note"] == (heads if kind == "note" else [])
    assert (("paragraph", " ".join(FIRST + SECOND)) in found) == (kind == "note")


def test_a_numbered_item_at_the_head_of_each_page_is_no_running_head(tmp_path: Path) -> None:
    first, second = "1. The council met on Friday.", "2. It voted for the barrier."
    document = read(tmp_path, at(72, 760, first), at(72, 760, second))
    assert [text for kind, text in blocks(document) if kind == "item"] == [first, second]


def test_words_across_the_page_are_a_note_and_no_part_of_its_lines(tmp_path: Path) -> None:
    across = b"BT /F 60 Tf .7 .7 -.7 .7 90 620 Tm (NOT FOR SALE) Tj ET\n"
    document = read(tmp_path, column(72, 690, *FIRST) + across, across + column(72, 690, *SECOND))
    assert blocks(document) == [("note", "NOT FOR SALE"), ("paragraph", " ".join(FIRST + SECOND))]


def test_slanted_letters_stand_upright(tmp_path: Path) -> None:
    slanted = b"BT /F 10 Tf 1 0 .33 1 72 676 Tm (of Tarsk on Friday.) Tj ET\n"
    assert read(tmp_path, at(72, 690, "The bridge was opened by the mayor") + slanted).text.endswith(
        "of Tarsk on Friday."
    )


def test_a_paragraph_that_ends_with_its_page_does_not_go_on(tmp_path: Path) -> None:
    document = read(tmp_path, page(1, FIRST[0], "for it."), page(2, *SECOND))
    assert [text for kind, text in blocks(document) if kind == "paragraph"] == [f"{FIRST[0]} for it.", " ".join(SECOND)]


def test_what_runs_from_right_to_left_is_noted() -> None:
    assert direction_notes(0, 0) == direction_notes(20, 100) == ()
    assert "right to left" in "".join(direction_notes(60, 100))


SCAN = b"q 600 0 0 700 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q "


def test_pages_of_pictures_are_named() -> None:
    scan, extract = SCAN, format_of(".pdf").read
    words = at(72, 700, "The contract was signed on 3 February 2024 in Tarsk.")
    for pages, said in (
        ((words, scan, scan, words), "pages 2-3 of 4 hold no text (scans?); read with --ocr, or run ocrmypdf first"),
        ((scan, words, b"", scan), "pages 1, 4 of 4 hold no text (scans?); read with --ocr, or run ocrmypdf first"),
        ((words, scan), "page 2 of 2 holds no text (scan?); read with --ocr, or run ocrmypdf first"),
        ((words, b""), ""),
    ):
        assert "".join(extract(Source(pdf(*pages), "a.pdf", 10_000, TODAY)).notes) == said


@pytest.mark.parametrize(
    ("page", "noted"),
    [
        (SCAN + at(72, 750, "Filed 03/04/20 Page 1 of 15"), True),
        (SCAN.replace(b"700", b"300") + SCAN.replace(b"700 0 0", b"300 0 300") + at(72, 750, "Page 1"), True),
        (SCAN + b"0 1 -1 0 20 300 cm " + at(0, 0, "Page 1"), True),  # it stands on its side
        (SCAN.replace(b"700", b"300") + at(72, 750, "The bridge of Tarsk"), False),
        (SCAN + column(72, 700, *LEFT), False),
        (SCAN + b"3 Tr " + at(72, 750, "Read by OCR already"), False),
    ],
)
def test_a_picture_with_a_stamp_is_a_picture(page: bytes, noted: bool) -> None:
    found = format_of(".pdf").read(Source(pdf(page), "a.pdf", 10_000, TODAY))
    assert found.text
    note = "page 1 of 1 holds hardly any text (scan?); read with --ocr, or run ocrmypdf first"
    assert found.notes == (note,) * noted


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("They spoke about the agree-", "ment of the two countries."), "They spoke about the agreement of the two countries."),
        (("It was signed by López-", "Miera on Friday in Minsk."), "It was signed by López-Miera on Friday in Minsk."),
        (("A well known fact. It is a well-", "known fact. It is well-known."), "A well known fact. It is a well-known fact. It is well-known."),
        (("All of the years 2019-", "2024 were dry in Tarsk."), "All of the years 2019-2024 were dry in Tarsk."),
    ],
)  # fmt: skip
def test_hyphens_at_the_end_of_a_line(tmp_path: Path, lines: tuple[str, ...], text: str) -> None:
    assert read(tmp_path, column(72, 700, *lines)).text == text


def test_a_word_divided_over_pages_is_whole(tmp_path: Path) -> None:
    first, second = (
        ("The council decided after a long debate that the bar-",),
        ("rier will be built before the end of 2026 at last.",),
    )
    assert "the barrier will be built" in read(tmp_path, page(1, *first), page(2, *second)).text


def test_text_on_its_side_is_read_when_the_page_lies_on_its_side(tmp_path: Path) -> None:
    turned = b"".join(
        b"BT /F 10 Tf 0 1 -1 0 %d 60 Tm (%s) Tj ET\n" % (100 + 14 * n, line.encode()) for n, line in enumerate(LEFT)
    )
    assert read(tmp_path, turned).text == " ".join(LEFT)


def test_pieces_and_regions_of_nothing_are_none() -> None:
    assert regions_of(pieces_of([])) == []
    assert [piece.text for piece in pieces_of([Character("a", 0, 0, 5, 10, 10), Character("ﬁ", 5, 0, 9, 10, 10)])] == [
        "aﬁ"
    ]
