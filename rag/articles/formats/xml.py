"""XML of any kind: running text by paragraphs, records as rows that name their fields.

A row begins with the first field of a record around it and the names of what holds it in there, as in JSON. An element
is a record of a list where others beside it have its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from html.entities import html5
from itertools import islice
from typing import Any

from lxml import etree  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.html import declared_encoding, read_page
from rag.articles.formats.markup import cells_of, compose, parse
from rag.articles.formats.package import parse_xml
from rag.articles.formats.tables import NEAREST, lines_of

_TOLD = re.compile(r"""<!ENTITY\s+([\w.:-]+)\s+["']""")  # an entity of which the document has the text itself
# CDATA and comments, in which "&" is no reference, and references
_REFERENCES = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&(#\d+|#x[\da-fA-F]+|[\w.:-]+);|&", re.DOTALL)
_SHORT = 200  # characters of a field of a record; more is running text
_TITLES = frozenset(("title", "headline", "head", "hl1", "article-title", "subtitle"))
_DATES = frozenset(("date", "pubdate", "published", "datepublished", "issued", "pub-date", "date.issue"))
_PARAGRAPHS = frozenset(("p", "para"))
_NOTES = frozenset(("note", "fn", "footnote"))
_BREAKS = frozenset(("lb", "br"))
_CELLS = {"row": "tr", "cell": "td", "entry": "td"}  # of TEI's and DocBook's tables, as HTML names them
_OUTLETS = frozenset(("publisher", "publication", "outlet"))


def read(source: Source) -> Extracted:
    """Blocks in the order of the file. Title, date and outlet are the first elements of such a name."""
    text, notes = decode(source, declared_encoding(source.data[:200]))
    # it is decoded: what it declares no longer holds
    text = re.sub(r"\A\s*<\?xml[^>]{0,200}\?>", "", text)
    text, unknown = _with_entities(text)
    root, broken = _root(text.encode("utf-8", "replace"))
    if _name(root) == "html":
        return read_page(source, text, (*notes, *unknown))
    composer = Composer(source)
    _compose(root, composer)
    title, date, outlet = (_first(root, names) for names in (_TITLES, _DATES, _OUTLETS))
    return composer.finish(title, date, outlet, (*notes, *unknown, *broken))


def _root(data: bytes) -> tuple[Any, tuple[str, ...]]:
    """The root element, of a broken document what is whole of it, and a note on where it breaks first.

    Raises
    ------
    lxml.etree.XMLSyntaxError
        Nothing is whole, or its entities grow beyond the limit.
    """
    try:
        return parse_xml(data, expand=True), ()
    except etree.XMLSyntaxError as error:
        grows = error.code in (etree.ErrorTypes.ERR_RESOURCE_LIMIT, etree.ErrorTypes.ERR_ENTITY_LOOP)
        root = None if grows else parse_xml(data, expand=True, recover=True)
        if root is None or not _words(root):
            raise
        return root, (f"line {error.lineno} is broken ({error.msg}): there and below, something may be lacking",)


def _with_entities(text: str) -> tuple[str, tuple[str, ...]]:
    """`text` with the characters that HTML has names for and that its DTD would tell, and with any lone "&".

    Other entities that it does not tell itself stand there as they are written, and a note names them.
    """
    told = {"amp", "lt", "gt", "quot", "apos", *_TOLD.findall(text)}
    unknown: dict[str, None] = {}

    def written(found: re.Match[str]) -> str:
        name = found[1]
        if found[0] == "&":
            return "&amp;"
        if name is None or name[:1] == "#" or name in told:
            return found[0]
        if known := html5.get(f"{name};"):
            return "".join(f"&#{ord(character)};" for character in known)
        unknown[f"&{name};"] = None
        return f"&amp;{name};"

    text = _REFERENCES.sub(written, text)
    return text, (f"it does not tell what {', '.join(islice(unknown, 5))} stands for",) * bool(unknown)


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _words(element: Any) -> str:
    """The text of an element without the notes in it; a line ends at a space."""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and _name(child) not in _NOTES:
            yield " " if _name(child) in _BREAKS and child.get("break") != "no" else ""
            yield from _pieces(child)
        yield child.tail or ""


def _first(root: Any, names: frozenset[str]) -> str:
    found = next((element for element in root.iter() if _name(element) in names and _words(element)), None)
    return _words(found)[:300] if found is not None else ""


def _compose(
    element: Any, composer: Composer, names: tuple[str, ...] = (), whose: str = "", record: bool = False
) -> None:
    """Add an element: `names` of what holds it, `whose` field tells the record around it, whether it is one."""
    if _name(element) == "table" and _compose_table(element, composer):
        return
    children = [child for child in element if isinstance(child.tag, str)]
    held_by = [*filter(None, (whose, " ".join(names)))]
    mixed = bool((element.text or "").strip()) or any((child.tail or "").strip() for child in children)
    if not children and "</" in (element.text or ""):  # a page's markup, as a feed has it
        compose(parse(element.text), composer)
    elif mixed or not children:
        name = _name(element)
        kind = "heading" if name in _TITLES else "note" if name in _NOTES else "paragraph"
        composer.add(kind, _words(element) or _attributes(element))
        for note in element.iter():
            if note is not element and _name(note) in _NOTES:
                composer.add("note", _words(note))
    elif _is_record(element, children):
        composer.add("row", " | ".join([*held_by, *_fields(element, children)]))
    else:
        often = Counter(map(_name, children))
        # The parts of a text are called "front" and "body": only where there are no paragraphs does a name tell whose.
        data = not any(_name(one) in _PARAGRAPHS for one in element.iter())
        fields = [child for child in children if often[_name(child)] == 1 and _is_field(child)]
        shown = [child for child in fields if _name(child) not in _TITLES]
        if not data or (len(fields) == len(children) and not held_by):
            shown = []
        if shown:
            composer.add("row", " | ".join([*held_by, *_fields(element, shown)]))
        rest = set(children).difference(shown)
        if record and (told := _fields(element, fields)):
            whose, names = told[0], ()
        for child in children:
            alone = often[_name(child)] == 1
            own = (*names, _name(child))[-NEAREST:] if data and alone and (names or len(often) > 1) else names
            if child in rest:
                _compose(child, composer, own, whose, record=not alone)


def _is_field(element: Any) -> bool:
    """Whether an element is short and has no others in it, nor a page's markup."""
    return len(element) == 0 and len(_words(element)) <= _SHORT and "</" not in (element.text or "")


def _fields(element: Any, children: Sequence[Any]) -> list[str]:
    """What an element says of itself: its attributes, and those of its children that say something."""
    fields = (f"{_name(child)}: {_words(child) or _attributes(child)}" for child in children)
    return [*_named(element), *(field for field in fields if not field.endswith(": "))]


def _compose_table(table: Any, composer: Composer) -> bool:
    """Append the rows of a table, and before them what else is in it; whether it has rows of cells."""
    copy = deepcopy(table)
    for node in copy.iter():
        if isinstance(node.tag, str):
            node.tag = _CELLS.get(_name(node), _name(node))
    rows, heads = cells_of(copy)
    if max(map(len, rows), default=0) < 2:
        return False
    for child in table:
        if _name(child) != "row" and _words(child) and not any(_name(one) in ("row", "tr") for one in child.iter()):
            _compose(child, composer)
    for line in lines_of(rows, heads):
        composer.add("row", line)
    return True


def _is_record(element: Any, children: list[Any]) -> bool:
    """Whether elements are the fields of one record: short, without elements in them, each named once.

    One element is, where what holds it has attributes, two or more. A paragraph is no field.
    """
    names = [_name(child) for child in children]
    return (
        (len(names) > 1 or len(_named(element)) > 1)
        and len(set(names)) == len(names)
        and all(map(_is_field, children))
        and not (_TITLES | _PARAGRAPHS).intersection(names)
    )


def _attributes(element: Any) -> str:
    """The attributes of an element that has nothing else, as fields."""
    named = [f"{name.rpartition('}')[2]}: {value}" for name, value in element.attrib.items()]
    return " | ".join(named) if len(named) > 1 else ""


def _named(element: Any) -> list[str]:
    """The attributes of an element that are of its own vocabulary, as fields."""
    return [f"{name}: {value}" for name, value in element.attrib.items() if not name.startswith("{") and value.strip()]
