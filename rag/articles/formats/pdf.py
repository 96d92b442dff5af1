"""PDF: PDFium gives the characters, `layout` their order, `paragraphs` what they make; here a file becomes a text."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Sequence
from typing import Any

import pypdfium2  # type: ignore[import-untyped,unused-ignore]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source, plausible_title, too_much
from rag.articles.formats.layout import Character, Piece, Region, pieces_of, regions_of
from rag.articles.formats.ocr import pieces_of_picture
from rag.articles.formats.paragraphs import Part, Sheet, is_open, join_hyphens, parts_of
from rag.errors import DocumentError

_STAMP = 150  # characters that a page may have and be a picture: a stamp, its number, the name of a program
_COVERED = 0.6  # of a page with these, by pictures
_LEFTWARD = 0.3  # of the characters, from which a text is one that runs from right to left
_ASKEW = 0.1  # quarter turns off upright or on its side: a watermark across the page
_REMARKS = (
    pdfium.FPDF_ANNOT_TEXT,
    pdfium.FPDF_ANNOT_HIGHLIGHT,
    pdfium.FPDF_ANNOT_UNDERLINE,
    pdfium.FPDF_ANNOT_SQUIGGLY,
    pdfium.FPDF_ANNOT_STRIKEOUT,
    pdfium.FPDF_ANNOT_CARET,
)
_FONT = 0.85  # of the height of a character's box is the size of its font


def read(source: Source) -> Extracted:
    """Paragraphs, items, rows and headings in the order of reading; running heads, page numbers and footnotes as notes.

    What people noted on a page comes behind it, as notes. A sentence goes on over the end of a line, column or page. A
    note stands before the paragraph that the end of its page interrupts. Pages that are pictures are named and, where
    the source asks for it, read.
    """
    document = _opened(source)
    sheets: list[Sheet] = []
    pictures: list[int] = []
    stamped: list[int] = []
    remarks: list[list[str]] = []
    amount = leftward = 0
    for number in range(len(document)):
        page = document[number]
        remarks.append(_remarks(page))
        page = _flattened(document, number, page)
        characters, more, askew = characters_of(page)
        pieces = pieces_of(characters)
        amount += len(characters)
        leftward += sum(unicodedata.bidirectional(one.letter[:1]) in ("R", "AL") for one in characters)
        drawn = len(characters) + sum(map(len, more)) + len(askew)
        if _is_picture(page, drawn):
            (stamped if drawn else pictures).append(number + 1)
            found = _beside(pieces, pieces_of_picture(page)) if source.ocr else []
            amount += sum(len(piece.text) for piece in found)
            pieces += found
        if amount > source.max_bytes:
            raise too_much(source)
        regions = regions_of(pieces) + [Region(lines=pieces_of(turned)) for turned in more]
        sheets.append(Sheet(number + 1, page.get_height(), regions, askew))
        page.close()
    pages = [
        parts + [Part("note", remark, 0.0) for remark in own]
        for parts, own in zip(parts_of(sheets), remarks, strict=True)
    ]
    composer = Composer(source)
    _compose(composer, list(join_hyphens(pages)))
    title = plausible_title(document.get_metadata_value("Title"))
    large = max((part.size for part in pages[0] if part.kind == "heading"), default=0.0) if pages else 0.0
    heading = (
        next((part.text for part in pages[0] if part.kind == "heading" and part.size == large), "") if pages else ""
    )
    return composer.finish(
        title or heading,
        notes=(*_of_pictures(pictures, stamped, len(sheets), source.ocr), *direction_notes(leftward, amount)),
    )


def _opened(source: Source) -> Any:
    try:
        return pypdfium2.PdfDocument(source.data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError(
                f"{source.name} is encrypted: expected a PDF without password; save it without one"
            ) from error
        raise


def page_of(document: Any, number: int) -> Any:
    """A page, what people filled into its form and wrote on it made a part of it."""
    return _flattened(document, number, document[number])


def _flattened(document: Any, number: int, page: Any) -> Any:
    if pdfium.FPDFPage_GetAnnotCount(page) and pdfium.FPDFPage_Flatten(page, 0) == pdfium.FLATTEN_SUCCESS:
        page.close()
        page = document[number]
    return page


def _remarks(page: Any) -> list[str]:
    """What was noted on a page of which it shows no more than a sign or a marked passage."""
    found = []
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        if note and pdfium.FPDFAnnot_GetSubtype(note) in _REMARKS:
            size = pdfium.FPDFAnnot_GetStringValue(note, b"Contents", None, 0)
            held = ctypes.create_string_buffer(size)
            place = ctypes.cast(held, ctypes.POINTER(pdfium.FPDF_WCHAR))
            pdfium.FPDFAnnot_GetStringValue(note, b"Contents", place, size)
            found.append(" ".join(held.raw[: size - size % 2].decode("utf-16-le", "replace").rstrip("\0").split()))
        if note:
            pdfium.FPDFPage_CloseAnnot(note)
    return [text for text in found if text]


def characters_of(page: Any) -> tuple[list[Character], list[list[Character]], str]:
    """The characters of a page as drawn, y downwards, those that stand on their side, group by group, and the words
    that run across it at an angle."""
    text_page = page.get_textpage()
    text = text_page.raw
    height = page.get_height()
    upright: list[Character] = []
    turned: dict[int, list[Character]] = {}
    askew, last = "", 0
    box = pdfium.FS_RECTF()
    for index in range(text_page.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text, index)
        letter = chr(code) if 0 < code < 0x110000 else "\ufffd"
        if letter in "\r\n" or not pdfium.FPDFText_GetLooseCharBox(text, index, box):
            continue
        turns = pdfium.FPDFText_GetCharAngle(text, index) / 1.5708
        if abs(turns - round(turns)) > _ASKEW and _is_askew(text, index):
            askew, last = askew + " " * (index > last + 1) + letter, index
            continue
        quarter = round(turns) % 4
        left, bottom, right, top = _turned(box, quarter, height)
        one = Character(letter, left, top, right, bottom, _FONT * (bottom - top))
        (turned.setdefault(quarter, []) if quarter else upright).append(one)
    groups = sorted(turned.values(), key=len, reverse=True)
    if groups and len(groups[0]) > len(upright):  # a page that lies on its side
        return groups[0], [group for group in (upright, *groups[1:]) if group], askew.strip()
    return upright, groups, askew.strip()


def _is_askew(text: Any, index: int) -> bool:
    """Whether the line on which a letter stands is at an angle, and not only the letter slanted."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(text, index, ctypes.byref(matrix))
    turns = math.atan2(matrix.b, matrix.a) / 1.5708
    return abs(turns - round(turns)) > _ASKEW


def _turned(box: Any, quarter: int, height: float) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of a box with y downwards, as they are for who turns the page to read it."""
    left, right, top, bottom = box.left, box.right, height - box.top, height - box.bottom
    if quarter == 1:
        return top, -left, bottom, -right
    if quarter == 2:
        return -right, -top, -left, -bottom
    if quarter == 3:
        return -bottom, right, -top, left
    return left, bottom, right, top


def _is_picture(page: Any, drawn: int) -> bool:
    """Whether a page with so many characters is a picture, with a stamp on it at most."""
    if not drawn:
        return any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4))
    return drawn <= _STAMP and _covered(page) > _COVERED and not _is_read(page)


def _covered(page: Any) -> float:
    """The share of a page that pictures cover; one within a form counts as that form, the place of which is known."""
    boxes = []
    outer: Any = None
    for thing in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM], max_depth=4):
        outer = thing if thing.level == 0 else outer
        if outer is not None and thing.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            boxes.append(outer.get_bounds())
            outer = None
    left, bottom, right, top = page.get_bbox()
    within = ((max(a, left), max(b, bottom), min(c, right), min(d, top)) for a, b, c, d in boxes)
    area = sum(max(0.0, c - a) * max(0.0, d - b) for a, b, c, d in within)
    return float(area / max(1.0, (right - left) * (top - bottom)))


def _is_read(page: Any) -> bool:
    """Whether there is text that nobody sees: what OCR made of the picture already."""
    texts = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=4)
    return any(pdfium.FPDFTextObj_GetTextRenderMode(one) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE for one in texts)


def _beside(pieces: Sequence[Piece], found: Sequence[Piece]) -> list[Piece]:
    """What OCR found but for the pieces that the page has as text, which stand in its picture, too."""
    return [
        one
        for one in found
        if not any(
            piece.left <= (one.left + one.right) / 2 <= piece.right
            and piece.top <= (one.top + one.bottom) / 2 <= piece.bottom
            for piece in pieces
        )
    ]


def _of_pictures(pictures: Sequence[int], stamped: Sequence[int], pages: int, read: bool) -> tuple[str, ...]:
    """What to say of pages that are pictures, read or not."""
    if read:
        which, plural = _named(sorted((*pictures, *stamped)), pages)
        made = "are pictures" if plural else "is a picture"
        return (f"{which} {made}, read by OCR: expect misread letters",) if pictures or stamped else ()
    notes = []
    for numbers, held in ((pictures, "no"), (stamped, "hardly any")):
        which, plural = _named(numbers, pages)
        notes += [f"{which} hold{'' if plural else 's'} {held} text (scan{plural}?); read with --ocr, or run ocrmypdf "
                  "first"] * bool(numbers)  # fmt: skip
    return tuple(notes)


def direction_notes(leftward: int, amount: int) -> tuple[str, ...]:
    """What to say of a file with so many letters that are written from right to left among its characters."""
    note = "its text runs from right to left, which is not read reliably from a PDF: expect words out of order"
    return (note,) if leftward > _LEFTWARD * amount else ()


def _named(pictures: Sequence[int], pages: int) -> tuple[str, str]:
    """Pages as a person names them, and the "s" of several."""
    spans: list[list[int]] = []
    for number in pictures:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number, number])
    named = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)
    plural = "s" * (len(pictures) > 1)
    return f"page{plural} {named} of {pages}", plural


def _compose(composer: Composer, pages: Sequence[Sequence[Part]]) -> None:
    """Append the pages; what is open at the end of one goes on with the first paragraph of the next."""
    interrupted = False
    for page in pages:
        notes = [part for part in page if part.kind == "note"]
        text = [part for part in page if part.kind != "note"]
        if interrupted and text and text[0].kind == "paragraph":
            composer.append(text.pop(0).text, new_page=True)
        else:
            composer.turn_page()
        last = text.pop() if text and text[-1].kind == "paragraph" and is_open(text[-1].text) else None
        for part in [*text, *notes, *([last] if last else [])]:
            composer.add(part.kind, part.text)
        interrupted = last is not None
