"""Web pages: the main text, as trafilatura finds it, with its headings, items, rows and captions."""

from __future__ import annotations

import re
from typing import Any

from htmldate import find_date
from lxml import etree  # type: ignore[import-untyped,unused-ignore]
from trafilatura import bare_extraction

from rag.articles.formats.contract import KINDS, Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import cells_of, compose, definitions_of, is_data, parse, strip_unseen, words_of
from rag.articles.formats.tables import lines_of

_LONG_PAGE = 5_000_000  # characters of markup above which main text is not looked for: it would take minutes
_LITTLE = 250  # characters of main text under which a page's whole body is taken
# Letters of Unicode's private use, one a kind of block: they carry it through trafilatura, which knows fewer.
_MARKS = {kind: chr(0xE5A0 + number) for number, kind in enumerate(KINDS)}
_KINDS = {mark: kind for kind, mark in _MARKS.items()}


def read(source: Source) -> Extracted:
    """Main text of a page, or all of its body's if that is little or the page very long."""
    return read_page(source, *decode(source, declared_encoding(source.data)))


def read_page(source: Source, markup: str, notes: tuple[str, ...] = ()) -> Extracted:
    """The same for a page that is decoded already (in a mail, an archive of the web)."""
    tree = parse(re.sub("[\ue5a0-\ue5af]", "", markup) or "<p>")
    title = page_title(tree)
    date = find_date(tree, extensive_search=False, original_date=True, max_date=source.today.isoformat())
    outlet = next((name.strip() for name in tree.xpath("//meta[@property='og:site_name']/@content")), "")
    composer = Composer(source)
    if len(markup) <= _LONG_PAGE:
        _mark(tree)
        found: Any = bare_extraction(tree, include_comments=False, fast=True)
        if found is not None and found.body is not None:
            _compose_main(found.body, composer)
    extracted = composer.finish(title, date or "", outlet, notes)
    if len(extracted.text) >= _LITTLE:
        return extracted
    whole = Composer(source)
    tree = parse(markup or "<p>")
    strip_unseen(tree, "nav", "footer")
    compose(tree, whole)
    body = whole.finish(title, date or "", outlet, notes)
    return body if body.text else extracted


def declared_encoding(data: bytes) -> str:
    """The encoding that markup declares in its first bytes (HTML or XML), "" if none."""
    declared = re.search(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", data[:4096], re.IGNORECASE)
    return declared[1].decode("ascii", "replace") if declared else ""


def page_title(tree: Any) -> str:
    """og:title; else <title>, without the site's name where the first <h1> is most of it; else that <h1>."""
    shared = [title.strip() for title in tree.xpath("//meta[@property='og:title']/@content")]
    title, heading = (" ".join(tree.xpath(f"string(({path})[1])").split()) for path in ("//head/title", "//h1"))
    nested = heading in title and 2 * len(heading) >= len(title)
    return next(filter(None, shared), "") or (heading if nested else title) or heading


def _mark(tree: Any) -> None:
    """Write tables, captions and definitions as paragraphs that say what they are, and show bylines as any line."""
    for table in [table for table in tree.iter("table") if is_data(table)]:
        if table.getparent() is None:
            continue
        captions = [(_MARKS["caption"], words_of(caption)) for caption in table.iterchildren("caption")]
        rows = [(_MARKS["row"], row) for row in lines_of(*cells_of(table))]
        _replace(table, [*captions, *rows])
    for caption in list(tree.iter("figcaption")):
        _replace(caption, [(_MARKS["caption"], words_of(caption))])
    for terms in list(tree.iter("dl")):
        if terms.getparent() is not None:
            _replace(terms, [(_MARKS["item"], line) for line in definitions_of(terms)])
    for figure in tree.iter("figure"):
        figure.tag = "div"
    for byline in tree.xpath("//*[contains(@class, 'byline')]"):
        byline.attrib.clear()  # trafilatura takes such lines out by their class


def _replace(element: Any, lines: list[tuple[str, str]]) -> None:
    """Put marked paragraphs in an element's place."""
    box = etree.Element("div")
    box.tail = element.tail
    for mark, line in lines:
        etree.SubElement(box, "p").text = mark + line
    element.getparent().replace(element, box)


_TAGS = {"head": "heading", "item": "item", "cell": "row", "p": "paragraph", "quote": "paragraph", "code": "paragraph"}


def _compose_main(element: Any, composer: Composer) -> None:
    """Append the blocks of trafilatura's tree (its tags are those of TEI)."""
    line: list[str] = []

    def end(kind: str) -> None:
        text = "".join(line)
        line.clear()
        for part in text.split("\n"):
            marked = _KINDS.get(part.strip()[:1])
            composer.add(marked or kind, part.strip()[1:] if marked else part)

    def visit(node: Any, kind: str) -> None:
        tag = node.tag if isinstance(node.tag, str) else ""
        own = _TAGS.get(tag)
        block = own is not None or tag in ("body", "list", "table", "row", "div")
        inner = own or kind
        if block:
            end(kind)
        line.append("\n" if tag == "lb" else "")
        line.append(re.sub(r"\s+", " ", node.text or ""))
        for child in node:
            visit(child, inner)
            line.append(re.sub(r"\s+", " ", child.tail or ""))
        if block:
            end(inner)

    visit(element, "paragraph")
