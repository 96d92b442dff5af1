"""Comma-, semicolon- or tab-separated values: a line for each row, behind the heads of its columns."""

from __future__ import annotations

import csv
import sys

from rag.articles.formats.contract import Composer, Extracted, Source, tidied
from rag.articles.formats.encoding import decode
from rag.articles.formats.tables import lines_of

_SAMPLE = 20_000  # characters that tell what separates the values


def read(source: Source) -> Extracted:
    """Every row; heads are guessed from the first one (`tables.has_head`). The title is the file's name."""
    text, notes = decode(source)
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    composer = Composer(source)
    for line in lines_of(list(csv.reader(tidied(text).split("\n"), dialect=_dialect(source, text)))):
        composer.add("row", line)
    return composer.finish(source.title, notes=notes)


def _dialect(source: Source, text: str) -> type[csv.Dialect]:
    if source.suffix == ".tsv":
        return csv.excel_tab
    try:
        found = csv.Sniffer().sniff(text[:_SAMPLE].rpartition("\n")[0] or text[:_SAMPLE], ",;\t|")
    except csv.Error:
        return csv.excel
    found.doublequote = True
    return found
