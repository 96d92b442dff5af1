"""Rich text, by striprtf."""

from __future__ import annotations

import re
from collections.abc import Iterator

from striprtf.striprtf import rtf_to_text  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source, plausible_title
from rag.articles.formats.tables import lines_of
from rag.errors import DocumentError

_GROUP = re.compile(r"\\.|\{(\s*\\footnote\b)?|\}", re.DOTALL)  # where one begins or ends: not at "\{"


def read(source: Source) -> Extracted:
    """Paragraphs and rows of tables; the title is that of the file's properties."""
    if not source.data.lstrip()[:5] == b"{\\rtf":
        raise DocumentError(f"{source.name} is no rich text: expected it to begin with {{\\rtf; save it again as .rtf")
    markup = source.data.decode("cp1252", "replace")
    notes = list(_notes(markup))
    composer = Composer(source)
    table: list[list[str]] = []
    for line in [*_plain(markup).split("\n"), ""]:
        if line.rstrip().endswith("|"):  # so the library writes the cells of a row
            table.append(line.rstrip()[:-1].split("|"))
            continue
        for row in lines_of(table):
            composer.add("row", row)
        table = []
        composer.add("paragraph", line)
    head = re.match(r"\s*\{\\rtf\d*(?:\\[a-z]+-?\d*)*", markup)  # which says in which encoding it is written
    for note in notes:
        composer.add("note", _plain(f"{head[0] if head else ''}{note}}}"))
    title = re.search(r"{\\title\s+([^{}\\]{1,300})}", markup[:20_000])
    return composer.finish(plausible_title(title[1]) if title else "")


def _notes(markup: str) -> Iterator[str]:
    """What is in the group of each footnote, which the library leaves out."""
    depth = start = outside = 0
    for mark in _GROUP.finditer(markup):
        if mark[0] == "}":
            depth -= 1
            if start and depth == outside:
                yield markup[start : mark.start()]
                start = 0
        elif mark[0][0] == "{":
            if mark[1] and not start:
                start, outside = mark.end(), depth
            depth += 1


def _plain(markup: str) -> str:
    text: str = rtf_to_text(markup, errors="replace")  # type: ignore[no-untyped-call,unused-ignore]
    return text
