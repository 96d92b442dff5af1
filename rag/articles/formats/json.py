"""JSON, and JSON a line: long texts as paragraphs, short fields as rows that name them.

A row of an object within another begins with its name; within a record of a list, with that record's first field, too.
"""

from __future__ import annotations

import json
from typing import Any

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import compose, is_markup, parse, words_of
from rag.articles.formats.tables import NEAREST, lines_of

_SHORT = 200  # characters of a field in a row; more is running text
_TITLES = ("title", "headline", "name")
_DATES = ("datePublished", "date_published", "published_at", "published", "pubDate", "date", "date_publish")
_OUTLETS = ("publisher", "outlet", "source", "source_domain", "site_name")


def read(source: Source) -> Extracted:
    """Blocks in the order of the file. Title, date and outlet are those of the outermost object, as schema.org names
    them; without a title, it is the file's name."""
    text, notes = decode(source)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value, broken = _lines(text)
        value = [one for one in value if isinstance(one, dict | list) or not broken]  # else of a value of several lines
        if not value or (source.suffix == ".json" and len(value) <= len(broken)):
            raise
        if broken:
            more = f" and {len(broken) - 5:,} more" if len(broken) > 5 else ""
            notes = (*notes, f"no whole JSON, and not read: line {', '.join(map(str, broken[:5]))}{more}")
    composer = Composer(source)
    _compose(value, composer)
    outermost = value[0] if isinstance(value, list) and len(value) == 1 else value
    outer: dict[str, Any] = outermost if isinstance(outermost, dict) else {}
    title, date, outlet = (_stated(outer, names) for names in (_TITLES, _DATES, _OUTLETS))
    return composer.finish(title or source.title, date, outlet, notes)


def _lines(text: str) -> tuple[list[Any], list[int]]:
    """The value of each line that has one, and the numbers of the lines that are broken, from 1."""
    values, broken = [], []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            values += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):  # or a number of too many digits
            broken.append(number)
    return values, broken


def _stated(outer: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = outer.get(name)
        if isinstance(value, dict):  # WordPress gives a title as it is rendered
            value = value.get("name") or (words_of(parse(rendered)) if (rendered := _rendered(value)) else None)
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _compose(
    value: Any, composer: Composer, names: tuple[str, ...] = (), whose: str = "", record: bool = False
) -> None:
    """Add a value's blocks: `names` of what holds it, `whose` field tells the record that does, whether it is one."""
    if rendered := _rendered(value):
        compose(parse(rendered), composer)
    elif isinstance(value, dict):
        fields = [f"{key}: {shown}" for key, one in value.items() if (shown := _field(one))]
        if fields:
            composer.add("row", " | ".join([*filter(None, (whose, " ".join(names))), *fields]))
        if record and fields:
            whose, names = fields[0], ()
        for key, one in value.items():
            if _is_table(one):
                named = any(isinstance(other, list) and len(other) == len(one[0]) for other in value.values())
                _compose_table(one, composer, 0 if named else None)  # beside a list of its columns it has no heads
            elif not _field(one):
                _compose(one, composer, (*names, key)[-NEAREST:] if names or len(value) > 1 else (), whose)
    elif _is_table(value):
        _compose_table(value, composer)
    elif isinstance(value, list):
        for one in value:
            _compose(one, composer, names, whose, record=True)
    elif isinstance(value, str) and is_markup(value):
        compose(parse(value), composer)
    elif value not in (None, ""):
        composer.add("paragraph", value if isinstance(value, str) else ": ".join((*names[-1:], _scalar(value))))


def _compose_table(rows: list[list[Any]], composer: Composer, head_rows: int | None = None) -> None:
    for line in lines_of([["" if cell is None else _scalar(cell) for cell in row] for row in rows], head_rows):
        composer.add("row", line)


def _rendered(value: Any) -> str:
    """The markup in an object that says how it is rendered, as WordPress has them; "" for any other value."""
    rendered = value.get("rendered") if isinstance(value, dict) else None
    return rendered if isinstance(rendered, str) and rendered.strip() else ""


def _is_table(value: Any) -> bool:
    """Whether a value is rows of short cells: two rows or more, a list each."""
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(
            isinstance(row, list) and all(cell is None or _field(cell) or cell == "" for cell in row) for row in value
        )
        and not any(isinstance(cell, list) for row in value for cell in row)
    )


def _field(value: Any) -> str:
    """A value that has room in a row, as it stands there; "" for any other."""
    if isinstance(value, list) and value and all(isinstance(one, str | int | float) for one in value):
        shown = ", ".join(map(_scalar, value))
    elif isinstance(value, str | int | float):
        shown = _scalar(value)
    else:
        return ""
    return shown if len(shown) <= _SHORT and "\n" not in shown and not is_markup(shown) else ""


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
