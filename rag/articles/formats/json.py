"""JSON, and JSON a line: long texts as paragraphs, short fields as rows that name them."""

from __future__ import annotations

import json
from typing import Any

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import compose, parse

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
    except json.JSONDecodeError:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise
        value = [json.loads(line) for line in lines]
    composer = Composer(source)
    _compose("", value, composer)
    outermost = value[0] if isinstance(value, list) and len(value) == 1 else value
    outer: dict[str, Any] = outermost if isinstance(outermost, dict) else {}
    title, date, outlet = (_stated(outer, names) for names in (_TITLES, _DATES, _OUTLETS))
    return composer.finish(title or source.title, date, outlet, notes)


def _stated(outer: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = outer.get(name)
        value = value.get("name") if isinstance(value, dict) else value
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _compose(name: str, value: Any, composer: Composer) -> None:
    if isinstance(value, dict):
        fields = [(key, shown) for key, one in value.items() if (shown := _field(one))]
        composer.add("row", " | ".join(f"{key}: {shown}" for key, shown in fields))
        for key, one in value.items():
            if not _field(one):
                _compose(key, one, composer)
    elif isinstance(value, list):
        for one in value:
            _compose(name, one, composer)
    elif isinstance(value, str) and "</p>" in value:
        compose(parse(value), composer)
    elif value not in (None, ""):
        composer.add("paragraph", value if isinstance(value, str) else f"{name}: {_scalar(value)}")


def _field(value: Any) -> str:
    """A value that has room in a row, as it stands there; "" for any other."""
    if isinstance(value, list) and value and all(isinstance(one, str | int | float) for one in value):
        shown = ", ".join(map(_scalar, value))
    elif isinstance(value, str | int | float):
        shown = _scalar(value)
    else:
        return ""
    return shown if len(shown) <= _SHORT and "\n" not in shown and "</p>" not in shown else ""


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
