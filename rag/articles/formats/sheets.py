"""Spreadsheets (.xlsx, .xls, .xlsb, .ods), by calamine."""

from __future__ import annotations

import datetime
import io

from python_calamine import CalamineSheet, CalamineWorkbook

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.package import Package
from rag.articles.formats.tables import lines_of, side_by_side
from rag.errors import DocumentError


def read(source: Source) -> Extracted:
    """The rows of every sheet; the name of each sheet, where there are several, is a heading.

    The title is the one among the workbook's properties, else the file's name.
    """
    # refuses what unpacks to too much
    title = Package(source).title() if source.data.startswith(b"PK") else ""
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(source.data))
    except Exception as error:
        if "password" in str(error).lower():
            raise DocumentError(f"{source.name} is encrypted: expected no password; save it without one") from error
        raise
    composer = Composer(source)
    sheets = [(name, _cells(workbook.get_sheet_by_name(name))) for name in workbook.sheet_names]
    filled = [(name, rows) for name, rows in sheets if rows]
    for name, rows in filled:
        if len(filled) > 1:
            composer.add("heading", name)
        for table in side_by_side(rows):
            for line in lines_of(table):
                composer.add("row", line)
    return composer.finish(title or source.title)


def _cells(sheet: CalamineSheet) -> list[list[str]]:
    """The cells of each row; one that was merged over rows stands in each of them."""
    rows = [[_shown(value) for value in row] for row in sheet.to_python()]
    above, before = sheet.start or (0, 0)
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if top < above or not 0 <= left - before < len(rows[0] if rows else ()):  # it is empty
            continue
        for row in rows[top - above + 1 : bottom - above + 1]:
            if any(row):
                row[left - before] = rows[top - above][left - before]
    return rows


def _shown(value: object) -> str:
    """A cell as a person sees it: no ".0" behind whole numbers, no midnight behind days, no seconds
    behind times of the day where there are none."""
    if isinstance(value, float):  # a sheet keeps 15 digits
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.datetime | datetime.time) and not (value.second or value.microsecond):
        return str(value).removesuffix(":00")
    return str(value)
