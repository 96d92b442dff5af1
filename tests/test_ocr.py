"""Pages of a PDF that are pictures: named by default, read with the extra `ocr`."""

from __future__ import annotations

import datetime
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from fakes import make_bot
from PIL import Image, ImageDraw, ImageFont
from test_documents import pdf, shown

from rag.articles.documents import Reading, read_file
from rag.articles.formats.guard import OCR_SECONDS, Helper
from rag.config import Settings
from rag.errors import RagError

TODAY = datetime.date(2026, 11, 21)
DOTS = 150  # an inch
PROSE = (
    "The bridge of Tarsk was opened on 12 May 2024.",
    "Ilse Korn, the mayor, said that the cost had been",
    "7.2 million crowns, paid by the region.",
)
LEFT = ("The museum of Tarsk reopened", "on Friday after four years of", "repair. The roof was replaced.")
RIGHT = ("The swimming pool stays closed", "until May. A pipe burst in", "January and flooded a room.")


@pytest.fixture(scope="module")
def helper() -> Iterator[Helper]:
    made = Helper(OCR_SECONDS, ocr=True)
    yield made
    made.close()


def picture(*texts: tuple[int, int, int, tuple[str, ...]]) -> Image.Image:
    """A drawn page: (left, top, size of the letters, lines) of each text, in pixels."""
    image = Image.new("L", (int(8.5 * DOTS), 11 * DOTS), 255)
    for left, top, size, lines in texts:
        for number, line in enumerate(lines):
            place = left, top + number * size * 3 // 2
            ImageDraw.Draw(image).text(place, line, fill=0, font=ImageFont.load_default(size=size))
    return image


def read(path: Path, helper: Helper) -> Reading:
    return read_file(path, path.name, 2_000_000, TODAY, helper)


def test_a_picture_of_prose_is_read_and_said_to_be_one(tmp_path: Path, helper: Helper) -> None:
    path = tmp_path / "a.pdf"
    picture((120, 150, 44, ("The bridge",)), (120, 300, 24, PROSE)).save(path, resolution=DOTS)
    made = read(path, helper)
    assert made.documents[0].text == f"The bridge\n{' '.join(PROSE)}"
    assert made.documents[0].title == "The bridge"
    assert made.notes == ((str(path), "page 1 of 1 is a picture, read by OCR: expect misread letters"),)


def test_columns_of_a_picture_are_read_one_after_the_other(tmp_path: Path, helper: Helper) -> None:
    path = tmp_path / "a.pdf"
    picture((100, 300, 24, LEFT), (680, 300, 24, RIGHT)).save(path, resolution=DOTS)
    assert read(path, helper).documents[0].text == f"{' '.join(LEFT)}\n{' '.join(RIGHT)}"


def test_pictures_between_pages_of_text_stand_where_they_are(tmp_path: Path, helper: Helper) -> None:
    scan, path = tmp_path / "scan.pdf", tmp_path / "a.pdf"
    picture((120, 300, 24, PROSE)).save(scan, resolution=DOTS)
    made = pypdfium2.PdfDocument.new()
    for part in (pdf(shown("It rained.")), scan.read_bytes(), pdf(shown("It snowed."))):
        made.import_pages(pypdfium2.PdfDocument(part))
    made.save(path)
    found = read(path, helper)
    document = found.documents[0]
    pages = [
        document.text[start:end].strip() for start, end in zip(document.pages, [*document.pages[1:], None], strict=True)
    ]
    assert pages == ["It rained.", " ".join(PROSE), "It snowed."]
    assert found.notes[0][1].startswith("page 2 of 3 is a picture")
    unread = read_file(path, "a.pdf", 2_000_000, TODAY)
    assert unread.documents[0].text == "It rained.\nIt snowed."
    assert unread.notes[0][1] == "page 2 of 3 holds no text (scan?); read with --ocr, or run ocrmypdf first"


def test_a_stamp_is_kept_and_not_read_twice(tmp_path: Path, helper: Helper) -> None:
    scan, path = tmp_path / "scan.pdf", tmp_path / "a.pdf"
    picture((120, 300, 24, PROSE)).save(scan, resolution=DOTS)
    made = pypdfium2.PdfDocument(pdf(shown("Filed in Tarsk")))
    image = pypdfium2.PdfDocument(scan)
    xobject = pypdfium2.raw.FPDF_NewXObjectFromPage(made, image, 0)
    form = pypdfium2.raw.FPDF_NewFormObjectFromXObject(xobject)
    page = made[0]
    pypdfium2.raw.FPDFPage_InsertObjectAtIndex(page, form, 0)
    page.gen_content()
    made.save(path)
    found = read(path, helper)
    assert found.documents[0].text.split("\n") == ["Filed in Tarsk", " ".join(PROSE)]
    assert found.notes[0][1].startswith("page 1 of 1 is a picture, read by OCR")


def test_a_picture_without_letters_holds_no_text(tmp_path: Path, helper: Helper) -> None:
    path = tmp_path / "a.pdf"
    picture().save(path, resolution=DOTS)
    assert "holds no text" in read(path, helper).failed[0][1]


def test_without_the_extra_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("It rained.")
    bot = make_bot(settings=Settings(ocr=True))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RagError, match=r"needs the extra `ocr`.*install"):
        bot.add(tmp_path)
