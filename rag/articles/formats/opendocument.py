"""OpenDocument texts and presentations (.odt, .odp)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.package import Package
from rag.articles.formats.tables import lines_of
from rag.errors import DocumentError

_NAMES = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
_TEXT, _TABLE, _DRAW, _OFFICE, _STYLE = (_NAMES % name for name in ("text", "table", "drawing", "office", "style"))
_SKIPPED = frozenset((f"{_TEXT}tracked-changes", f"{_TEXT}table-of-content", f"{_OFFICE}forms", f"{_TEXT}note-citation",
                      f"{_TEXT}ruby-text", f"{_TEXT}sequence-decls"))  # fmt: skip
_HANGING = frozenset((f"{_TEXT}note-body", f"{_OFFICE}annotation", f"{_DRAW}text-box"))
_MARKS = {f"{_TEXT}tab": " ", f"{_TEXT}s": " ", f"{_TEXT}line-break": "\n"}
_MOST_REPEATED = 100  # columns or rows that one cell is believed to stand for


def read(source: Source) -> Extracted:
    """Blocks in order, notes and text boxes after the paragraph that they hang on, a slide a page."""
    package = Package(source)
    if "content.xml" not in package.names:
        raise DocumentError(
            f"{source.name} holds no OpenDocument text: expected a whole {source.suffix}; save it again"
        )
    if b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise DocumentError(f"{source.name} is encrypted: expected one without password; save it without one")
    composer = Composer(source)
    content = package.xml("content.xml")
    styles = package.xml("styles.xml") if "styles.xml" in package.names else None
    body = content.find(f"{_OFFICE}body")
    if body is not None:
        named = [] if styles is None else styles.findall(f"{_OFFICE}styles")  # others are of its headers alone
        _leave_out_struck(body, content, *named)
        _Walker(composer).blocks(body, "paragraph")
    if styles is not None:
        frames = (frame for name in ("header", "footer") for frame in styles.iter(f"{_STYLE}{name}"))
        for line in dict.fromkeys(_words(p) for frame in frames for p in frame.iter(f"{_TEXT}p")):
            if re.search(r"[^\W\d]{3}", line):
                composer.add("note", line)
    return composer.finish(package.title())


def _leave_out_struck(body: Any, *parts: Any) -> None:
    """Take the words out of the body that are struck out, by the styles that the parts of a file define."""
    letters = (found for part in parts for found in part.iter(f"{_STYLE}text-properties"))
    lines = [f"{_STYLE}text-line-through-{of}" for of in ("style", "type")]
    through = (found for found in letters if any(found.get(line, "none") != "none" for line in lines))
    styles = (found.getparent() for found in through)
    struck = {(style.get(f"{_STYLE}family"), style.get(f"{_STYLE}name")) for style in styles}
    for words in list(body.iter(f"{_TEXT}span", f"{_TEXT}p", f"{_TEXT}h")) if struck else ():
        family = "text" if words.tag == f"{_TEXT}span" else "paragraph"
        if (family, words.get(f"{_TEXT}style-name")) in struck:
            words.clear(keep_tail=True)


class _Walker:
    def __init__(self, composer: Composer) -> None:
        self.composer = composer

    def blocks(self, parent: Any, kind: str) -> None:
        for child in parent:
            if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                own = "heading" if child.tag == f"{_TEXT}h" and kind == "paragraph" else kind
                self.composer.add(own, _words(child))
                for hanging in _hanging(child):
                    self.blocks(hanging, "paragraph" if hanging.tag == f"{_DRAW}text-box" else "note")
            elif child.tag == f"{_TABLE}table":
                self.table(child)
            elif child.tag == f"{_DRAW}page":
                self.composer.turn_page()
                self.blocks(child, kind)
            elif isinstance(child.tag, str) and child.tag not in _SKIPPED:
                self.blocks(child, "item" if child.tag == f"{_TEXT}list-item" else kind)

    def table(self, table: Any) -> None:
        rows = [row for row in table.iter(f"{_TABLE}table-row") if next(row.iterancestors(table.tag)) is table]
        if table.find(f".//{table.tag}") is not None:
            for cell in (cell for row in rows for cell in row):
                self.blocks(cell, "paragraph")
            return
        heads = sum(row.getparent().tag == f"{_TABLE}table-header-rows" for row in rows)
        below: dict[int, tuple[int, str]] = {}
        for line in lines_of([_cells(row, below) for row in rows], heads or None):
            self.composer.add("row", line)


def _cells(row: Any, below: dict[int, tuple[int, str]]) -> list[str]:
    """Texts of a row; `below` has by column how many rows a cell above still covers, and its text."""
    texts: list[str] = []
    for cell in row:
        if cell.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            text = " ".join(_words(p) for p in cell.iter(f"{_TEXT}p", f"{_TEXT}h"))
            covered = cell.tag == f"{_TABLE}covered-table-cell"
            for _ in range(_number(cell, "columns-repeated")):
                left, above = below.pop(len(texts), (0, ""))
                down = (left, above) if covered else (_number(cell, "rows-spanned"), text)
                if down[0] > 1:
                    below[len(texts)] = (down[0] - 1, down[1])
                texts.append(text or above if covered else text)
    return texts


def _number(cell: Any, of: str) -> int:
    """How many columns or rows a cell says, as far as that is believed."""
    given = cell.get(f"{_TABLE}number-{of}") or "1"
    return max(1, min(int(given), _MOST_REPEATED)) if given.isascii() and given.isdigit() and len(given) < 6 else 1


def _words(element: Any) -> str:
    """Text of a paragraph without what hangs on it."""
    pieces = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _HANGING and child.tag not in _SKIPPED:
            pieces.append(_MARKS.get(child.tag, "") + _words(child))
        pieces.append(child.tail or "")
    return "".join(pieces)


def _hanging(element: Any) -> Iterator[Any]:
    for child in element:
        if child.tag in _HANGING:
            yield child
        else:
            yield from _hanging(child)
