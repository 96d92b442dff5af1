"""Rich text, by striprtf."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from striprtf.striprtf import rtf_to_text, specialchars  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source, plausible_title
from rag.articles.formats.tables import lines_of
from rag.errors import DocumentError

_GROUP = re.compile(r"\\.|\{(\s*\\footnote\b)?|\}", re.DOTALL)  # where one begins or ends: not at "\{"
# a control word with its figure, a character in hexadecimal, a control symbol, where a group begins or ends, text
_TOKEN = re.compile(r"\\([a-z]+)(-?\d+)?[ ]?|\\'[0-9a-f]{2}|\\.|[{}]|[^\\{}]+", re.IGNORECASE | re.DOTALL)
_STRUCK = ("deleted", "mvf", "strike", "striked")  # as changes (to nowhere, to elsewhere), by one line, by two
_ENDS = ("cell", "nestcell", "row", "line", "par", "sect", "page")


def read(source: Source) -> Extracted:
    """Paragraphs and rows of tables; the title is that of the file's properties."""
    data = source.data.removeprefix(codecs.BOM_UTF8)
    if not data.lstrip()[:5] == b"{\\rtf":
        raise DocumentError(f"{source.name} is no rich text: expected it to begin with {{\\rtf; save it again as .rtf")
    markup = _without_struck(data.decode("cp1252", "replace"))
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


def _without_struck(markup: str) -> str:
    """`markup` without what is deleted or struck out, which the library takes for valid; the ends of cells, rows and
    paragraphs stay, but for the deleted end of a paragraph."""
    groups: list[set[str]] = [set()]  # the words by which text is struck, in each group around a token

    def kept(token: re.Match[str]) -> str:
        word, struck = token[1], groups[-1]
        if token[0] == "{":
            groups.append(set(struck))
        elif token[0] == "}":
            groups.pop()
            groups.extend(() if groups else [set()])
        elif word == "plain":
            struck.clear()
        elif word in _STRUCK:
            (struck.discard if token[2] == "0" else struck.add)(word)
        elif struck and token[0] != r"\*":
            written = not word or word == "u" or (word in specialchars and word not in _ENDS)
            return "" if written or (word == "par" and "deleted" in struck) else token[0]
        return token[0]

    return _TOKEN.sub(kept, markup) if any(f"\\{word}" in markup for word in _STRUCK) else markup


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
