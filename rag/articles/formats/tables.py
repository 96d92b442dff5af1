"""Rows of a table as lines that say what they mean: "Town: Tarsk | Mayor: Ilse Korn"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, groupby, islice, pairwise, takewhile

NEAREST = 4
"""Names of what holds a row that stand before it, of records in records: all of a deep file were most of its text."""
_SAMPLE = 50  # rows that are looked at to tell whether the first one is a head
_NUMBER = re.compile(r"[^\w]*\d[\d\s.,:/%()'’-]*\W*\w{0,3}\W*")
_LONGEST_HEAD = 60  # characters
_YEAR = re.compile(r"1[4-9]\d\d|2[01]\d\d")
_WIDEST_STEP = 10  # years between two that are the names of columns side by side


Fields = list[tuple[str, str]]
"""The cells of a row that hold something, each with the head of its column or ""."""


def lines_of(rows: Sequence[Sequence[str]], head_rows: int | None = None) -> list[str]:
    """One line for each row, each cell behind the head of its column: `fields_of`, each in its `line_of`."""
    return [line_of(fields) for fields in fields_of(rows, head_rows)]


def line_of(fields: Fields) -> str:
    """The fields of a row on one line."""
    line = " | ".join(f"{head}: {cell}" if head and head != cell else cell for head, cell in fields)
    return " ".join(line.replace(": | ", ": ").split())  # of a form: its label ends in a colon


def fields_of(rows: Sequence[Sequence[str]], head_rows: int | None = None) -> list[Fields]:
    """The fields of each row; a cell keeps its lines.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells; rows may differ in length.
    head_rows : int, optional
        How many rows at the top are heads, where the format says it. Else one row, where `has_head` thinks so. Rows of
        one cell above it say what the table is about; where heads are told, such a row has one cell in all.

    Returns
    -------
    list of Fields
        A table of nothing but heads gives them as one row. Empty cells and empty rows are left out.
    """
    cells = [["\n".join(" ".join(line.split()) for line in cell.strip().splitlines()) for cell in row] for row in rows]
    above: list[str] = []
    if head_rows is None:
        first, *others = _tables(cells)
        if others:
            return [fields for table in (first, *others) for fields in fields_of(table)]
        cells = first
    cells = [row for row in cells if any(row)]
    if head_rows is None:
        above = [row[0] for row in takewhile(lambda row: row[0] and not any(row[1:]), cells)]
        cells = cells[len(above) :]
        head_rows = int(has_head(cells))
    else:
        width = max(map(len, cells), default=0)
        above = [row[0] for row in takewhile(lambda row: len(row) == 1 < width, cells[:head_rows])]
        cells, head_rows = cells[len(above) :], head_rows - len(above)
    body = cells[head_rows:]
    if not body:
        body, head_rows = cells, 0
    heads = _joined(cells[:head_rows])
    return [[("", line)] for line in above] + [_labelled(heads, row) for row in body]


def side_by_side(rows: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    """The tables that stand beside each other in a sheet, a column apart that is empty throughout.

    Each has heads, and names in its first column. As many rows below other heads may go on with the rows beside them.
    """
    width = max(map(len, rows), default=0)
    filled = [any(n < len(row) and row[n] for row in rows) for n in range(width)]
    parts = []
    for full, group in groupby(range(width), lambda n: filled[n]):
        if full:
            columns = list(group)
            cut = ([row[n] if n < len(row) else "" for n in columns] for row in rows)
            parts.append(list(cut))
    bodies = [list(dropwhile(lambda row: sum(map(bool, row)) < 2, part)) for part in parts]
    headed = all(has_head(body) and not any(_NUMBER.fullmatch(row[0]) for row in body[1:]) for body in bodies)
    heights = {sum(map(any, body)) for body in bodies}
    heads = {tuple(body[0]) for body in bodies if body}
    if len(parts) < 2 or not headed or (len(heights) == 1 and len(heads) > 1):
        return [[list(row) for row in rows]]
    return parts


def _tables(rows: Sequence[list[str]]) -> list[list[list[str]]]:
    """Rows parted where, below an empty one, another table begins: what may be heads stands above numbers, or words
    stand where there were numbers."""
    tables: list[list[list[str]]] = [[]]
    for empty, group in groupby(rows, lambda row: not any(row)):
        part = [] if empty else list(group)
        width = max((n + 1 for row in part for n, cell in enumerate(row) if cell), default=0)
        part = [row[:width] for row in part]
        named = list(dropwhile(lambda row: sum(map(bool, row)) == 1, part))
        if tables[-1] and has_head(named) and (_has_numbers(named) or _differs(named, tables[-1])):
            tables.append([])
        tables[-1] += part
    return tables


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """The heads of each column, those of several rows one after the other, each once."""
    width = max(map(len, rows), default=0)
    columns = ([row[n] for row in rows if n < len(row)] for n in range(width))
    return [" ".join(dict.fromkeys(filter(None, column))).rstrip(" :") for column in columns]


def _labelled(heads: Sequence[str], row: Sequence[str]) -> Fields:
    named = [*heads, *[""] * (len(row) - len(heads))]
    return [(head, cell) for head, cell in zip(named, row, strict=False) if cell]


def has_head(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: short names or years, each once, and below some of them only numbers.

    A table of three columns or more whose first row is all names has a head without numbers below it, too; one of two
    columns may as well be a form ("Name | Ilse Korn").
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = rows[0]
    named = [cell for cell in first if cell]
    if len(named) < max(2, len(first) - 1) or len(set(named)) < len(named):
        return False
    if any(len(cell) > _LONGEST_HEAD for cell in named):
        return False
    figures = [n for n, cell in enumerate(first) if _NUMBER.fullmatch(cell)]
    if figures and not _are_years(rows, figures):
        return False
    return _has_numbers(rows) or len(first) >= 3


def _are_years(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    """Whether the first row has years one step apart in these columns, and what is below them is not all years."""
    years = [rows[0][n] for n in columns]
    below = [row[n] for row in islice(rows, 1, _SAMPLE) for n in columns if n < len(row) and row[n]]
    if 0 in columns or len(years) < 2 or not all(map(_YEAR.fullmatch, years)) or all(map(_YEAR.fullmatch, below)):
        return False
    steps = {int(after) - int(year) for year, after in pairwise(years)}
    return len(steps) == 1 and abs(steps.pop()) <= _WIDEST_STEP


def _has_numbers(rows: Sequence[Sequence[str]]) -> bool:
    """Whether in a column but the first there are only numbers below the first row, which names it."""
    return bool(_numeric(rows))


def _numeric(rows: Sequence[Sequence[str]]) -> set[int]:
    """The columns but the first that the first row names and in which there are only numbers below it."""
    below = list(islice(rows, 1, _SAMPLE))
    columns = {n: [row[n] for row in below if n < len(row) and row[n]] for n, cell in enumerate(rows[0]) if n and cell}
    return {n for n, column in columns.items() if column and all(map(_NUMBER.fullmatch, column))}


def _differs(rows: Sequence[Sequence[str]], above: Sequence[Sequence[str]]) -> bool:
    """Whether there are words in all of two columns or more that hold only numbers in the table above."""
    named = list(dropwhile(lambda row: sum(map(bool, row)) == 1, above))
    numeric = _numeric(named) if named else set()
    cells = [row[n] if n < len(row) else "" for row in rows for n in numeric]
    return len(numeric) > 1 and all(re.search(r"[^\W\d]", cell) and not _NUMBER.fullmatch(cell) for cell in cells)
