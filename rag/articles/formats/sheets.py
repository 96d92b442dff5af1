"""Spreadsheets (.xlsx, .xls, .xlsb, .ods), by calamine."""

from __future__ import annotations

import datetime
import io

from python_calamine import CalamineWorkbook

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.package import Package
from rag.articles.formats.tables import lines_of
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
    sheets = [(name, workbook.get_sheet_by_name(name).to_python()) for name in workbook.sheet_names]
    filled = [(name, rows) for name, rows in sheets if rows]
    for name, rows in filled:
        if len(filled) > 1:
            composer.add("heading", name)
        for line in lines_of([[_shown(value) for value in row] for row in rows]):
            composer.add("row", line)
    return composer.finish(title or source.title)


def _shown(value: object) -> str:
    """A cell as a person sees it: no ".0" behind whole numbers, no midnight behind days."""
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)
