"""Rows of a table as lines that say what they mean: "Town: Tarsk | Mayor: Ilse Korn"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, groupby, islice, takewhile

_SAMPLE = 50  # rows that are looked at to tell whether the first one is a head
_NUMBER = re.compile(r"[^\w]*\d[\d\s.,:/%()'’-]*\W*\w{0,3}\W*")
_LONGEST_HEAD = 60  # characters


def lines_of(rows: Sequence[Sequence[str]], head_rows: int | None = None) -> list[str]:
    """One line for each row, each cell behind the head of its column.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells; rows may differ in length.
    head_rows : int, optional
        How many rows at the top are heads, where the format says it. Else one row, where `has_head` thinks so, below
        rows of one cell, which say what the table is about.

    Returns
    -------
    list of str
        A table of nothing but heads gives them as one line. Empty cells and empty rows are left out.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    above: list[str] = []
    if head_rows is None:
        first, *others = _tables(cells)
        if others:
            return [line for table in (first, *others) for line in lines_of(table)]
        cells = first
    cells = [row for row in cells if any(row)]
    if head_rows is None:
        above = [row[0] for row in takewhile(lambda row: row[0] and not any(row[1:]), cells)]
        cells = cells[len(above) :]
        head_rows = int(has_head(cells))
    body = cells[head_rows:]
    if not body:
        body, head_rows = cells, 0
    heads = _joined(cells[:head_rows])
    lines = (" | ".join(filter(None, _labelled(heads, row))) for row in body)
    return above + [line.replace(": | ", ": ") for line in lines]  # of a form: its label ends in a colon


def _tables(rows: Sequence[list[str]]) -> list[list[list[str]]]:
    """Rows parted where, below an empty one, another table begins: what may be heads stands above numbers."""
    tables: list[list[list[str]]] = [[]]
    for empty, group in groupby(rows, lambda row: not any(row)):
        part = [] if empty else list(group)
        width = max((n + 1 for row in part for n, cell in enumerate(row) if cell), default=0)
        part = [row[:width] for row in part]
        named = list(dropwhile(lambda row: sum(map(bool, row)) == 1, part))
        if tables[-1] and has_head(named) and _has_numbers(named):
            tables.append([])
        tables[-1] += part
    return tables


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """The heads of each column, those of several rows one after the other, each once."""
    width = max(map(len, rows), default=0)
    columns = ([row[n] for row in rows if n < len(row)] for n in range(width))
    return [" ".join(dict.fromkeys(filter(None, column))).rstrip(" :") for column in columns]


def _labelled(heads: Sequence[str], row: Sequence[str]) -> list[str]:
    named = [*heads, *[""] * (len(row) - len(heads))]
    return [
        f"{head}: {cell}" if head and cell and head != cell else cell for head, cell in zip(named, row, strict=False)
    ]


def has_head(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: short names, each once, and below some of them only numbers.

    A table of three columns or more whose first row is all names has a head without numbers below it, too; one of two
    columns may as well be a form ("Name | Ilse Korn").
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = rows[0]
    named = [cell for cell in first if cell]
    if len(named) < max(2, len(first) - 1) or len(set(named)) < len(named):
        return False
    if any(_NUMBER.fullmatch(cell) or len(cell) > _LONGEST_HEAD for cell in named):
        return False
    return _has_numbers(rows) or len(first) >= 3


def _has_numbers(rows: Sequence[Sequence[str]]) -> bool:
    """Whether in a column but the first there are only numbers below the first row, which names it."""
    below = list(islice(rows, 1, _SAMPLE))
    named = (n for n, cell in enumerate(rows[0]) if n and cell)
    columns = [[row[n] for row in below if n < len(row) and row[n]] for n in named]
    return any(column and all(_NUMBER.fullmatch(cell) for cell in column) for column in columns)
