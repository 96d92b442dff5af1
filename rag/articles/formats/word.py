"""Word (.docx, .docm, .dotx): its text in the order a person reads it, insertions accepted, what is deleted or struck
out left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.articles.formats.contract import SUPERSCRIPTS, Composer, Extracted, Source
from rag.articles.formats.package import Package, parse_xml
from rag.articles.formats.tables import lines_of
from rag.errors import DocumentError

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"  # the namespace of ISO 29500's strict variant
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # repeats text boxes
_DELETED = frozenset((f"{_W}del", f"{_W}moveFrom", f"{_W}rt", f"{_W}pPr", _FALLBACK))
_MARKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-", f"{_W}ptab": "\t"}
_NOTES = {
    "footnotes": f"{_W}footnoteReference",
    "endnotes": f"{_W}endnoteReference",
    "comments": f"{_W}commentReference",
}
_MOST_COLUMNS = 100  # that one cell is believed to span
_LONG_CELL = 400  # characters from which a cell is a part of the page's layout and not of a table


def read(source: Source) -> Extracted:
    """Paragraphs, items, rows and notes; a note, comment or text box after the paragraph that it hangs on."""
    package = Package(source)
    main = package.main("word/document.xml")
    if main not in package.names:
        raise DocumentError(f"{source.name} holds no Word document: expected a whole .docx file; save it again in Word")
    return _Document(package, main).extract()


class _Document:
    def __init__(self, package: Package, main: str) -> None:
        self.package = package
        self.relations = package.relations(main)
        self.root = self._part(main)
        self.composer = Composer(package.source)
        self.styles = self._styles()
        self.notes = {reference: self._notes_of(kind) for kind, reference in _NOTES.items()}
        self.title = ""
        self.carried: list[Any] = []  # paragraphs whose ends were deleted: the next one goes on with them

    def _part(self, name: str) -> Any:
        return parse_xml(self.package.read(name).replace(_STRICT, _W[1:-1].encode()))

    def _related(self, kind: str) -> Iterator[Any]:
        for relation in self.relations.values():
            if relation.kind == kind and relation.target in self.package.names:
                yield self._part(relation.target)

    def extract(self) -> Extracted:
        body = self.root.find(f"{_W}body")
        if body is not None:
            self._blocks(body, "paragraph")
        for kind in ("header", "footer"):
            seen = dict.fromkeys(line for part in self._related(kind) for line in self._lines(part))
            for line in seen:
                if re.search(r"[^\W\d]{3}", line):  # not only the number of the page
                    self.composer.add("note", line)
        return self.composer.finish(self.package.title() or self.title)

    def _lines(self, part: Any) -> Iterator[str]:
        return (" ".join(self._text(p).split()) for p in part.iter(f"{_W}p"))

    def _styles(self) -> dict[str, str]:
        """Kind of block by the id of a paragraph's style, as far as its name or outline level tells one."""
        kinds: dict[str, str] = {}
        bases: dict[str, str] = {}
        for part in self._related("styles"):
            for style in part.iter(f"{_W}style"):
                named = style.find(f"{_W}name")
                name = (named.get(f"{_W}val") or "").lower() if named is not None else ""
                level = style.find(f"{_W}pPr/{_W}outlineLvl")
                kind = "title" if name == "title" else "heading" if name.startswith(("heading", "subtitle")) else ""
                kind = kind or ("heading" if level is not None and level.get(f"{_W}val") != "9" else "")
                kind = kind or ("caption" if name == "caption" else "item" if name.startswith("list ") else "")
                own, base = style.get(f"{_W}styleId") or "", style.find(f"{_W}basedOn")
                kinds[own] = "" if name == "list paragraph" else kind
                bases[own] = (base.get(f"{_W}val") or "") if base is not None else ""
        for own in kinds:
            line = [own]  # of styles, each based on the next one
            while not kinds[own] and bases.get(line[-1]) in kinds and bases[line[-1]] not in line:
                line.append(bases[line[-1]])
                kinds[own] = kinds[line[-1]]
        return kinds

    def _notes_of(self, kind: str) -> dict[str, list[Any]]:
        """The paragraphs of each note by its id, without the lines that separate notes from text."""
        notes = (note for part in self._related(kind) for note in part if note.get(f"{_W}type") in (None, "normal"))
        return {note.get(f"{_W}id") or "": list(note.iter(f"{_W}p")) for note in notes}

    # --- the body ----------------------------------------------------------------------------------------------------

    def _blocks(self, parent: Any, kind: str) -> None:
        for child in parent:
            if child.tag == f"{_W}p":
                self._paragraph(child, kind)
            elif child.tag == f"{_W}tbl":
                self._end_paragraph(kind)
                self._table(child, kind)
            elif isinstance(child.tag, str) and child.tag not in _DELETED:  # content controls and the like
                self._blocks(child, kind)
        self._end_paragraph(kind)

    def _paragraph(self, paragraph: Any, kind: str) -> None:
        self.carried.append(paragraph)
        properties = paragraph.find(f"{_W}pPr")
        if properties is None or properties.find(f"{_W}rPr/{_W}del") is None:
            self._end_paragraph(kind)

    def _end_paragraph(self, kind: str) -> None:
        """Append what was carried as one paragraph, of the kind of its last part, and what hangs on it."""
        parts, self.carried = self.carried, []
        if not parts:
            return
        own = self._kind(parts[-1]) if kind == "paragraph" else kind
        text = "".join(map(self._text, parts))
        if own == "title":
            self.title = self.title or " ".join(text.split())
            own = "heading"
        self.title = self.title or (" ".join(text.split()) if own == "heading" else "")
        self.composer.add(own, text)
        for part in parts:
            self._hanging(part)

    def _kind(self, paragraph: Any) -> str:
        properties = paragraph.find(f"{_W}pPr")
        if properties is None:
            return "paragraph"
        style = properties.find(f"{_W}pStyle")
        kind = self.styles.get(style.get(f"{_W}val") or "", "") if style is not None else ""
        level = properties.find(f"{_W}outlineLvl")
        if not kind and level is not None and level.get(f"{_W}val") != "9":
            kind = "heading"
        return kind or ("item" if properties.find(f"{_W}numPr") is not None else "paragraph")

    def _text(self, element: Any) -> str:
        """Text of a paragraph without what hangs on it; a run that is hidden or struck out is not valid text."""
        pieces: list[str] = []
        chosen = ""  # in the form field that has begun, which shows nothing else

        def visit(node: Any) -> None:
            nonlocal chosen
            if node.tag in _DELETED or node.tag == f"{_W}txbxContent" or _is_left_out(node):
                return
            if node.tag == f"{_W}fldChar" and node.get(f"{_W}fldCharType") != "separate":
                chosen = _chosen(node)
                pieces.append(chosen)
            if node.tag == f"{_W}sym":  # of which only a tick box tells what it shows
                controls = node.iterancestors(f"{_W}sdt")
                pieces.extend(_ticked(box) for one in controls for box in one.iterfind(f"{_W}sdtPr/{{*}}checkbox"))
            if node.tag in (f"{_W}t", _MATH) and not chosen:
                exponent = pieces and pieces[-1][-1:].isdigit() and _is_raised(node.getparent())
                pieces.append((node.text or "").translate(SUPERSCRIPTS if exponent else {}))
            if node.tag in _MARKS:
                pieces.append(_MARKS[node.tag])
            for child in node:
                visit(child)

        for child in element:
            visit(child)
        return "".join(pieces)

    def _hanging(self, element: Any) -> None:
        """Append the notes, comments and text boxes of a paragraph or table."""
        for node in _seen(element):
            if node.tag == f"{_W}txbxContent":
                self._blocks(node, "paragraph")
            for paragraph in self.notes.get(node.tag, {}).pop(node.get(f"{_W}id") or "", []):
                self._paragraph(paragraph, "note")
            self._end_paragraph("note")

    def _table(self, table: Any, kind: str) -> None:
        rows = [row for row in _seen(table, f"{_W}tbl") if row.tag == f"{_W}tr" and not _deleted_row(row)]
        cells = [[cell for cell in _seen(row, f"{_W}tbl") if cell.tag == f"{_W}tc"] for row in rows]
        heads = 0
        while heads < len(rows) and rows[heads].find(f"{_W}trPr/{_W}tblHeader") is not None:
            heads += 1
        if not heads and len(rows) > 1 and set(map(len, cells)) == {2}:  # else heads are told by what is below them
            heads = int(all(map(_is_bold, cells[0])) and not any(_is_bold(row[0]) for row in cells[1:]))
        texts = self._texts(rows, cells, heads)
        flat = [text for row in texts for text in row]
        nested = any(cell.find(f".//{_W}tbl") is not None for row in cells for cell in row)
        if nested or max(map(len, cells), default=0) < 2 or max(map(len, flat), default=0) > _LONG_CELL:
            for cell in (cell for row in cells for cell in row):
                self._blocks(cell, kind)
            return
        for line in lines_of(texts, heads or None):
            self.composer.add("row" if kind == "paragraph" else kind, line)
        self._hanging(table)

    def _texts(self, rows: list[Any], cells: list[list[Any]], heads: int) -> list[list[str]]:
        """Texts of each row, column by column.

        A cell that spans rows stands in each of them, a head that spans columns above each of them.
        """
        texts: list[list[str]] = []
        for number, row in enumerate(rows):
            line = [""] * _number(row.find(f"{_W}trPr/{_W}gridBefore"), 0)
            for cell in cells[number]:
                merged = cell.find(f"{_W}tcPr/{_W}vMerge")
                text = " ".join(self._text(p) for p in _seen(cell) if p.tag == f"{_W}p")
                if merged is not None and merged.get(f"{_W}val") != "restart" and texts:
                    text = text or "".join(texts[-1][len(line) : len(line) + 1])
                further = _number(cell.find(f"{_W}tcPr/{_W}gridSpan"), 1) - 1
                line += [text, *[text if number < heads else ""] * further]
            texts.append(line)
        return texts


def _seen(element: Any, within: str = "") -> Iterator[Any]:
    """What lies below an element in order, without what is deleted, said twice, or below an inner `within`."""
    for child in element:
        if not isinstance(child.tag, str) or child.tag in _DELETED:
            continue
        yield child
        if child.tag not in (within, f"{_W}txbxContent"):
            yield from _seen(child, within)


def _is_left_out(node: Any) -> bool:
    """Whether a node is a run that is hidden or struck out."""
    names = ("vanish", "strike", "dstrike") if node.tag == f"{_W}r" else ()
    marks = (node.find(f"{_W}rPr/{_W}{name}") for name in names)
    return any(mark is not None and _is_on(mark) for mark in marks)


def _is_bold(cell: Any) -> bool:
    """Whether there is text in a cell and all of it is set in bold."""
    runs = [run for run in cell.iter(f"{_W}r") if run.find(f"{_W}t") is not None]
    marks = [run.find(f"{_W}rPr/{_W}b") for run in runs]
    return bool(marks) and all(mark is not None and _is_on(mark) for mark in marks)


def _is_on(mark: Any) -> bool:
    return not {"0", "false", "off"}.intersection(mark.values())


def _chosen(field: Any) -> str:
    """What a field of an old form shows that has no text of its own: its tick box, or the chosen one of its list."""
    form = f"{_W}ffData/{_W}"
    for box in field.iterfind(f"{form}checkBox"):
        return _ticked(box)
    entries = [entry.get(f"{_W}val") or "" for entry in field.iterfind(f"{form}ddList/{_W}listEntry")]
    marks = (field.find(f"{form}ddList/{_W}{name}") for name in ("result", "default"))
    number = next((_number(mark, 0) for mark in marks if mark is not None), 0)
    return "".join(entries[number : number + 1])


def _ticked(box: Any) -> str:
    """A tick box as the sign that Word shows."""
    marks = (box.find(f"{{*}}{name}") for name in ("checked", "default"))
    return "☒" if next((_is_on(mark) for mark in marks if mark is not None), False) else "☐"


def _is_raised(run: Any) -> bool:
    place = run.find(f"{_W}rPr/{_W}vertAlign")
    return place is not None and place.get(f"{_W}val") == "superscript"


def _number(element: Any, default: int) -> int:
    """How many columns an element says, as far as that is believed."""
    given = (element.get(f"{_W}val") or "") if element is not None else ""
    return min(int(given), _MOST_COLUMNS) if given.isascii() and given.isdigit() and len(given) < 6 else default


def _deleted_row(row: Any) -> bool:
    return row.find(f"{_W}trPr/{_W}del") is not None
