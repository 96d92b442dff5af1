"""Pages of a PDF drawn, and the boxes of a quote in them. Runs in the helper process (`guard`)."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any

import pypdfium2  # type: ignore[import-untyped,unused-ignore]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Box, Drawn, Place
from rag.articles.formats.layout import pieces_of, regions_of
from rag.articles.formats.pdf import characters_of, page_of
from rag.language.text import letters

WIDE, HIGH = 1100, 1600  # pixels of a page's picture at most: text can be read, and a page is some 100 kB


def draw(data: bytes, places: Sequence[Place]) -> list[Drawn]:
    """The page of each place, and where on it the quote stands: a box for each of its lines."""
    document = pypdfium2.PdfDocument(data)
    return [_drawn(page_of(document, place.page - 1), place) for place in places]


def _drawn(page: Any, place: Place) -> Drawn:
    bitmap = page.render(scale=min(WIDE / page.get_width(), HIGH / page.get_height()))
    position = bitmap.get_posconv(page)
    picture = bitmap.to_pil()
    file = io.BytesIO()
    picture.convert("RGB").save(file, "WEBP", quality=80)
    width, height = picture.size
    boxes = []
    for left, bottom, right, top in _lines(_found(page, place)):
        (x1, y1), (x2, y2) = position.to_bitmap(left, bottom), position.to_bitmap(right, top)
        across, down = sorted((x1 / width, x2 / width)), sorted((y1 / height, y2 / height))
        boxes.append((across[0], down[0], across[1], down[1]))
    address = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
    return Drawn(address, width, height, tuple(boxes))


def _found(page: Any, place: Place) -> list[Box]:
    """Boxes (left, bottom, right, top) in points of the quote's letters, as the page draws them or as it is read."""
    for order in (_as_drawn, _as_read):
        text, boxes = "", []
        for letter, box in order(page):
            text += letter
            boxes += [box] * len(letter)
        starts = [at for at in range(len(text)) if text.startswith(place.quote, at)]
        if starts:
            start = starts[min(place.nth, len(starts) - 1)]
            return boxes[start : start + len(place.quote)]
    return []


def _as_drawn(page: Any) -> Iterator[tuple[str, Box]]:
    text_page = page.get_textpage()
    box = pdfium.FS_RECTF()
    for index in range(text_page.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text_page.raw, index)
        if 0 < code < 0x110000 and pdfium.FPDFText_GetLooseCharBox(text_page.raw, index, box):
            yield letters(chr(code)), (box.left, box.bottom, box.right, box.top)


def _as_read(page: Any) -> Iterator[tuple[str, Box]]:
    """Column by column, where a page is drawn row by row."""
    height = page.get_height()
    characters, *_ = characters_of(page)
    for region in regions_of(pieces_of(characters)):
        for line in region.lines:
            held = [
                one
                for one in characters
                if line.left <= (one.left + one.right) / 2 <= line.right
                and line.top <= (one.top + one.bottom) / 2 <= line.bottom
            ]
            for one in sorted(held, key=lambda one: one.left):
                yield letters(one.letter), (one.left, height - one.bottom, one.right, height - one.top)


def _lines(boxes: Sequence[Box]) -> list[Box]:
    """One box for the letters that follow each other on a line."""
    lines: list[Box] = []
    for box in boxes:
        if lines and _goes_on(lines[-1], box):
            left, bottom, right, top = zip(lines[-1], box, strict=True)
            lines[-1] = (min(left), min(bottom), max(right), max(top))
        else:
            lines.append(box)
    return lines


def _goes_on(line: Box, box: Box) -> bool:
    """Whether a letter is on the line, to the right and at most three heights away: no other column's."""
    height = box[3] - box[1]
    overlap = min(line[3], box[3]) - max(line[1], box[1])
    return overlap > 0.5 * min(height, line[3] - line[1]) and line[0] <= box[0] < line[2] + 3 * height
