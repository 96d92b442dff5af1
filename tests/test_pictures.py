"""A quote in the picture of its page: the boxes hold the quote's letters and no others."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from rag.articles.documents import read_document
from rag.articles.formats.guard import Helper
from rag.articles.pictures import Picture, pictures, places_of
from rag.errors import DocumentError
from rag.language.text import letters
from rag.types import Document
from tests.test_documents import pdf
from tests.test_pdf import LEFT, RIGHT, at, column, read, rows


@pytest.fixture(scope="module")
def helper() -> Iterator[Helper]:
    made = Helper(seconds=60)
    yield made
    made.close()


def drawn(document: Document, quote: str, helper: Helper, nth: int = 0) -> list[Picture]:
    start = -1
    for _ in range(nth + 1):
        start = document.text.index(quote, start + 1)
    return pictures(document, start, start + len(quote), 10**7, helper)


def in_boxes(document: Document, picture: Picture) -> str:
    """The letters of the page whose middles lie in the boxes, box by box."""
    page = pypdfium2.PdfDocument(document.source)[picture.number - 1]
    text = page.get_textpage()
    width, height = page.get_size()
    found = ""
    for left, top, right, bottom in picture.boxes:
        for n in range(text.count_chars()):
            a, b, c, d = text.get_charbox(n)
            if left <= (a + c) / 2 / width <= right and top <= 1 - (b + d) / 2 / height <= bottom:
                found += text.get_text_range(n, 1)
    return letters(found)


@pytest.mark.parametrize("page", [rows(LEFT, RIGHT), column(60, 700, *LEFT) + column(330, 700, *RIGHT)])
def test_quote_in_columns_however_they_are_drawn(tmp_path: Path, helper: Helper, page: bytes) -> None:
    document = read(tmp_path, page)
    quote = "The manager, Jon Reeve, said that the cost had been 310,000 crowns, paid by the insurer."
    (picture,) = drawn(document, quote, helper)
    assert in_boxes(document, picture) == letters(quote)
    assert len(picture.boxes) == 3
    assert all(box[0] > 0.5 for box in picture.boxes)


def test_picture_is_one_of_the_page(tmp_path: Path, helper: Helper) -> None:
    document = read(tmp_path, column(60, 700, *LEFT))
    (picture,) = drawn(document, "The museum of Tarsk", helper)
    head, data = picture.address.split(",")
    assert head == "data:image/webp;base64"
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.size == (picture.width, picture.height)
    left, top, right, bottom = picture.boxes[0]
    box = (int(left * image.width), int(top * image.height), int(right * image.width), int(bottom * image.height))
    assert min(image.convert("L").crop(box).getdata()) < 100  # ink
    assert min(image.convert("L").crop((0, 0, image.width, box[1] - 5)).getdata()) > 200  # none above it


def test_quote_over_the_end_of_a_page_is_on_both(tmp_path: Path, helper: Helper) -> None:
    first = column(60, 100, "Nobody knew when the bridge over the river", "would be open to traffic, since the")
    second = column(60, 700, "company that builds it has gone bankrupt.", "The mayor was away on that day.")
    document = read(tmp_path, first, second)
    quote = document.text[: document.text.index("The mayor")].strip()
    pages = drawn(document, quote, helper)
    assert [page.number for page in pages] == [1, 2]
    assert "".join(in_boxes(document, page) for page in pages) == letters(quote)


def test_the_same_words_twice_are_told_apart(tmp_path: Path, helper: Helper) -> None:
    lines = ("The gate is shut on Sundays.", "Bring a coat and a lamp with you.", "The gate is shut on Sundays.")
    document = read(tmp_path, b"".join(at(60, 700 - 60 * n, line) for n, line in enumerate(lines)))
    upper, lower = (drawn(document, lines[0], helper, nth)[0].boxes[0] for nth in (0, 1))
    assert lower[1] - upper[1] == pytest.approx(120 / 792, abs=0.005)
    assert [place.nth for place in places_of(document, len(document.text) - 28, len(document.text))] == [1]


def test_word_that_a_line_divides_is_found(tmp_path: Path, helper: Helper) -> None:
    document = read(
        tmp_path, column(60, 700, "The commission has con-", "firmed the result of the vote on Friday evening.")
    )
    assert "confirmed the result" in document.text
    (picture,) = drawn(document, "The commission has confirmed the result", helper)
    assert in_boxes(document, picture) == "thecommissionhasconfirmedtheresult"


def test_page_that_is_turned_is_shown_turned(tmp_path: Path, helper: Helper) -> None:
    path = tmp_path / "turned.pdf"
    path.write_bytes(pdf(column(60, 700, *LEFT)).replace(b"/Type /Page /Parent", b"/Type /Page /Rotate 90 /Parent"))
    document = read_document(path, "turned.pdf", 10**6)
    (picture,) = drawn(document, "The museum of Tarsk reopened on Friday", helper)
    assert picture.width > picture.height
    ((left, top, right, bottom),) = picture.boxes
    assert top == pytest.approx(60 / 612, abs=0.01)  # what was to the left is above
    assert (bottom - top) * picture.height > 5 * (right - left) * picture.width


def test_what_stands_on_no_page_is_marked_nowhere(tmp_path: Path, helper: Helper) -> None:
    document = read(tmp_path, column(60, 700, *LEFT))
    other = replace(document, text=document.text.replace("museum", "theatre"))
    (picture,) = drawn(other, "The theatre of Tarsk", helper)
    assert picture.boxes == ()


@pytest.mark.parametrize(("change", "told"), [("gone", "no longer at hand"), ("other", "has changed")])
def test_only_the_file_that_was_read_is_drawn(tmp_path: Path, helper: Helper, change: str, told: str) -> None:
    document = read(tmp_path, column(60, 700, *LEFT))
    path = Path(document.source)
    path.unlink() if change == "gone" else path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(DocumentError, match=told):
        drawn(document, "The museum", helper)


def test_why_a_page_is_not_drawn(tmp_path: Path, helper: Helper) -> None:
    document = read(tmp_path, column(60, 700, *LEFT))
    with pytest.raises(DocumentError, match="more than 10 bytes"):
        pictures(document, 0, 5, 10, helper)
    with pytest.raises(DocumentError, match="lies in an archive"):
        pictures(replace(document, source=f"{document.source}/a.pdf"), 0, 5, 10**7, helper)


def test_broken_file_is_named(helper: Helper) -> None:
    with pytest.raises(DocumentError, match=r"broken\.pdf is broken"):
        helper.draw(b"%PDF-1.4 nothing", "broken.pdf", [])
