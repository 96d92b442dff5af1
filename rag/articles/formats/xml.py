"""XML of any kind: running text by paragraphs, records as rows that name their fields."""

from __future__ import annotations

import re
from typing import Any

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.html import declared_encoding, read_page
from rag.articles.formats.markup import compose, parse
from rag.articles.formats.package import parse_xml

_SHORT = 200  # characters of a field of a record; more is running text
_TITLES = frozenset(("title", "headline", "head", "hl1", "article-title", "subtitle"))
_DATES = frozenset(("date", "pubdate", "published", "datepublished", "issued", "pub-date", "date.issue"))
_OUTLETS = frozenset(("publisher", "publication", "outlet"))


def read(source: Source) -> Extracted:
    """Blocks in the order of the file. Title, date and outlet are the first elements of such a name."""
    text, notes = decode(source, declared_encoding(source.data[:200]))
    # it is decoded: what it declares no longer holds
    text = re.sub(r"\A\s*<\?xml[^>]{0,200}\?>", "", text)
    root = parse_xml(text.encode("utf-8", "replace"))
    if _name(root) == "html":
        return read_page(source, text, notes)
    composer = Composer(source)
    _compose(root, composer)
    title, date, outlet = (_first(root, names) for names in (_TITLES, _DATES, _OUTLETS))
    return composer.finish(title, date, outlet, notes)


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _first(root: Any, names: frozenset[str]) -> str:
    found = next((element for element in root.iter() if _name(element) in names and _words(element)), None)
    return _words(found)[:300] if found is not None else ""


def _compose(element: Any, composer: Composer) -> None:
    children = [child for child in element if isinstance(child.tag, str)]
    mixed = bool((element.text or "").strip()) or any((child.tail or "").strip() for child in children)
    if not children and "</" in (element.text or ""):  # a page's markup, as a feed has it
        compose(parse(element.text), composer)
    elif mixed or not children:
        composer.add("heading" if _name(element) in _TITLES else "paragraph", _words(element) or _attributes(element))
    elif _is_record(children):
        fields = (f"{_name(child)}: {_words(child) or _attributes(child)}" for child in children)
        composer.add("row", " | ".join(field for field in fields if not field.endswith(": ")))
    else:
        for child in children:
            _compose(child, composer)


def _is_record(children: list[Any]) -> bool:
    """Whether elements are the fields of one record: short, without elements in them, each named once."""
    names = [_name(child) for child in children]
    return (
        len(names) > 1
        and len(set(names)) == len(names)
        and all(len(child) == 0 and len(_words(child)) <= _SHORT for child in children)
        and not _TITLES.intersection(names)
    )


def _attributes(element: Any) -> str:
    """The attributes of an element that has nothing else, as fields."""
    named = (f"{name.rpartition('}')[2]}: {value}" for name, value in element.attrib.items())
    return " | ".join(named) if len(element.attrib) > 1 else ""
