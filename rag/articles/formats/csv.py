"""Comma-, semicolon- or tab-separated values: a line for each row, behind the heads of its columns."""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from operator import itemgetter

from rag.articles.formats.contract import Composer, Extracted, Source, tidied
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import compose, is_markup, parse
from rag.articles.formats.tables import fields_of, has_head, line_of

_LONG = 200  # characters from which a cell is running text, and stands below its row
_SAMPLE = 200  # lines that tell what separates the values
# a cell between single quotes, or the mark with which another one begins
_QUOTED = re.compile(r"""(?:^|[,;\t|])[ ]*('(?:[^']|'')*+'(?=[ ]*(?:[,;\t|]|$))|['"])""", re.MULTILINE)


def read(source: Source) -> Extracted:
    """Every row; heads are guessed from the first one (`tables.has_head`). The title is the file's name."""
    text, notes = decode(source)
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    composer = Composer(source)
    lines = tidied(text).splitlines(keepends=True)  # a cell may hold a line end
    told = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None  # what Excel wants, and nobody reads
    quote = _quote(lines)
    delimiter = told[1] if told else "\t" if source.suffix == ".tsv" else _delimiter(lines[:_SAMPLE], quote)
    for fields in fields_of(_table(lines[bool(told) :], delimiter, quote)):
        long = [cell for _, cell in fields if len(cell) > _LONG or "\n\n" in cell or is_markup(cell)]
        composer.add("row", line_of([field for field in fields if field[1] not in long]))
        for cell in long:
            if is_markup(cell):
                compose(parse(cell), composer)
            else:
                composer.add("paragraph", cell)
    return composer.finish(source.title, notes=notes)


def _table(lines: Sequence[str], delimiter: str, quote: str) -> list[list[str]]:
    """The values of each row. A remark above the heads is one value: a line that begins with "#" and has not as many
    values as they, else it may be them."""
    remarks = list(takewhile(lambda line: line.startswith("#"), lines))
    rows = _rows(lines[len(remarks) :], delimiter, quote)
    below = [row for row in rows if any(row)]
    if has_head(below) and all(len(row) != len(below[0]) for row in _rows(remarks, delimiter, quote)):
        return [*([remark] for remark in remarks), *rows]
    return _rows(lines, delimiter, quote)


def _rows(lines: Sequence[str], delimiter: str, quote: str) -> list[list[str]]:
    return list(csv.reader(lines, delimiter=delimiter, quotechar=quote, skipinitialspace=not delimiter.isspace()))


def _quote(lines: Sequence[str]) -> str:
    """The mark that stands around values: the single one where all that begin with any are between two of it."""
    begun = _QUOTED.findall("".join(lines))
    return "'" if begun and all(len(cell) > 1 for cell in begun) else '"'


def _delimiter(lines: Sequence[str], quote: str) -> str:
    """The mark by which most rows have as many values as each other, two or more: not those of "34,5"."""

    def fit(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in _rows(lines, delimiter, quote) if row)
        width, rows = max(((w, n) for w, n in widths.items() if w > 1), key=itemgetter(1, 0), default=(1, 0))
        return rows / max(1, widths.total()), width

    return max(",;\t|", key=fit)
