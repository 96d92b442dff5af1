"""Spreadsheets (.xlsx, .xls, .xlsb, .ods), by calamine."""

from __future__ import annotations

import datetime
import io
import re

from python_calamine import CalamineSheet, CalamineWorkbook

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.package import Package
from rag.articles.formats.tables import lines_of, side_by_side
from rag.errors import DocumentError

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_ROW = re.compile(r"\d{1,7}$")  # of a cell's place, "B6"


def read(source: Source) -> Extracted:
    """The rows of every sheet, and below them what was noted on cells (.xlsx, .ods), behind the first of its row.

    The name of each sheet, where there are several, is a heading. The title is the one among the workbook's properties,
    else the file's name.
    """
    # refuses what unpacks to too much
    package = Package(source) if source.data.startswith(b"PK") else None
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(source.data))
    except Exception as error:
        if "password" in str(error).lower():
            raise DocumentError(f"{source.name} is encrypted: expected no password; save it without one") from error
        raise
    composer = Composer(source)
    noted = _noted(package) if package else {}
    sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
    filled = [(sheet, rows) for sheet in sheets if (rows := _cells(sheet))]
    for sheet, rows in filled:
        if len(filled) > 1:
            composer.add("heading", sheet.name)
        for table in side_by_side(rows):
            for line in lines_of(table):
                composer.add("row", line)
        for number, text in noted.get(sheet.name, ()):
            at = number - (sheet.start or (0, 0))[0]
            row = rows[at] if 0 <= at < len(rows) else []
            composer.add("note", ": ".join([*list(filter(None, row))[:1], text]))
    return composer.finish((package.title() if package else "") or source.title)


def _noted(package: Package) -> dict[str, list[tuple[int, str]]]:
    """What was noted on the cells of each sheet, by its name: the row, from 0, and the text."""
    if "content.xml" in package.names:
        return _annotations(package) if b"annotation" in package.read("content.xml") else {}
    main = package.main("")
    if not main.endswith(".xml"):
        return {}
    relations = package.relations(main)
    named = {sheet.get("name"): set(sheet.attrib.values()) for sheet in package.xml(main).iter("{*}sheet")}
    parts = {name: relations[i].target for name, values in named.items() for i in values.intersection(relations)}
    return {name: _comments(package, part) for name, part in parts.items()}


def _annotations(package: Package) -> dict[str, list[tuple[int, str]]]:
    """What was noted on the cells of an .ods, in which one row may stand for many."""
    found: dict[str, list[tuple[int, str]]] = {}
    for table in package.xml("content.xml").iter(f"{_TABLE}table"):
        number = 0
        for row in table.iter(f"{_TABLE}table-row"):
            for note in row.iter("{*}annotation"):
                text = " ".join(" ".join("".join(line.itertext()) for line in note.iter("{*}p")).split())
                found.setdefault(table.get(f"{_TABLE}name") or "", []).append((number, text))
            number += int(row.get(f"{_TABLE}number-rows-repeated") or 1)
    return found


def _comments(package: Package, part: str) -> list[tuple[int, str]]:
    """The same of one sheet of an .xlsx.

    Where a cell has a conversation, the note beside it only says that a newer program shows it.
    """
    found: dict[str, list[str]] = {}
    for kind in ("threadedComment", "comments"):
        earlier = set(found)
        for target in (r.target for r in package.relations(part).values() if r.kind == kind):
            for comment in package.xml(target).iter("{*}threadedComment", "{*}comment"):
                place, text = comment.get("ref") or "", " ".join("".join(comment.itertext("{*}t", "{*}text")).split())
                if place not in earlier and text:
                    found.setdefault(place, []).append(text)
    return [(int(row[0]) - 1, text) for place, texts in found.items() if (row := _ROW.search(place)) for text in texts]


def _cells(sheet: CalamineSheet) -> list[list[str]]:
    """The cells of each row; one that was merged over rows stands in each of them."""
    rows = [[cell_text(value) for value in row] for row in sheet.to_python()]
    above, before = sheet.start or (0, 0)
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if top < above or not 0 <= left - before < len(rows[0] if rows else ()):  # it is empty
            continue
        for row in rows[top - above + 1 : bottom - above + 1]:
            if any(row):
                row[left - before] = rows[top - above][left - before]
    return rows


def cell_text(value: object) -> str:
    """A cell as a person sees it: no ".0" behind whole numbers, no midnight behind days, no seconds
    behind times of the day where there are none."""
    if isinstance(value, float):  # a sheet keeps 15 digits
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.datetime | datetime.time) and not (value.second or value.microsecond):
        return str(value).removesuffix(":00")
    return str(value)
