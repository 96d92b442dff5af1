"""Web pages: the main text, as trafilatura finds it, with its headings, items, rows and captions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from htmldate import find_date
from lxml import etree  # type: ignore[import-untyped,unused-ignore]
from trafilatura import bare_extraction
from trafilatura.settings import DEFAULT_CONFIG
from trafilatura.xpaths import BODY_XPATH

from rag.articles.formats.contract import KINDS, Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import (
    cells_of,
    compose,
    definitions_of,
    holds_blocks,
    is_data,
    is_hidden,
    parse,
    strip_unseen,
    words_of,
)
from rag.articles.formats.tables import lines_of

_LONG_PAGE = 5_000_000  # characters of markup above which main text is not looked for: it would take minutes
_LITTLE = 250  # characters of main text under which a page's whole body is taken
_ALIKE = 5  # an article of which another beside it is at most so many times as long is no mere teaser
# Where it finds little, trafilatura gives a whole page as one paragraph; the page's own blocks are better.
_BLOCKS_ONLY = deepcopy(DEFAULT_CONFIG)
_BLOCKS_ONLY.set("DEFAULT", "MIN_EXTRACTED_SIZE", "0")
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
    day = source.today.isoformat()
    date = find_date(_without_days_told_of(tree), extensive_search=False, original_date=True, max_date=day)
    outlet = next((name.strip() for name in tree.xpath("//meta[@property='og:site_name']/@content")), "")
    composer = Composer(source)
    told: Counter[str] = Counter()
    if len(markup) <= _LONG_PAGE:
        _mark(tree, source)
        told = _told_by_article(tree)
        config = DEFAULT_CONFIG if '"articleBody"' in markup else _BLOCKS_ONLY  # it reads a text given as data, too
        found: Any = bare_extraction(tree, include_comments=False, fast=True, config=config)
        if found is not None and found.body is not None:
            _compose_main(found.body, composer)
    extracted = composer.finish(title, date or "", outlet, notes)
    tree = parse(markup or "<p>")
    _keep_sources_of_quotations(tree)
    strip_unseen(tree, "nav", "footer")
    if len(extracted.text) >= _LITTLE:
        return replace(extracted, notes=(*notes, *_left_out(tree, told, extracted.text)))
    whole = Composer(source)
    compose(tree, whole)
    body = whole.finish(title, date or "", outlet, notes)
    return body if body.text else extracted


def _left_out(tree: Any, told: Counter[str], text: str) -> tuple[str, ...]:
    """A note where the text is less than half of a page's words outside links and menus, or lacks more than a tenth
    of its article's, which `told` counts."""
    etree.strip_elements(tree, "a", "aside", "header", "form", with_tail=False)
    words = text.split()
    all_words, missed = len(words_of(tree).split()), (told - Counter(words)).total()
    if 2 * len(words) < all_words:
        return (f"{len(words):,} of its {all_words:,} words were taken for its main text",)
    return (f"{missed:,} of its {told.total():,} words were left out",) * (10 * missed > told.total())


def _told_by_article(tree: Any) -> Counter[str]:
    """The words outside links and menus of what trafilatura takes for a page's article, of its body where that is
    nothing: of that it takes the paragraphs alone."""
    article = deepcopy(next(_taken(tree), tree.find(".//body")))
    if article is None:
        return Counter()
    strip_unseen(article, "a", "aside", "nav", "footer", "form", "button")
    return Counter(re.sub("[\ue5a0-\ue5af]", "", words_of(article)).split())


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


def _without_days_told_of(tree: Any) -> Any:
    """A copy of a tree without what stands around its article, and without marks on days within its sentences."""
    tree = deepcopy(tree)
    for around in tree.xpath("//aside | //nav | //footer[not(ancestor::article)]"):
        around.drop_tree()
    for day in tree.xpath("//time[ancestor::p or ancestor::li or ancestor::dd or ancestor::td]"):
        words = next(day.iterancestors("p", "li", "dd", "td")).text_content().split()
        if words[-1:] and re.search(r"[.!?…。！？]\W*$", words[-1]):
            day.drop_tag()
    return tree


def _mark(tree: Any, source: Source) -> None:
    """Write tables, captions and the like as paragraphs that say what they are, and show bylines as any line."""
    _join_articles(tree)
    _enclose_text(tree)
    _keep_sources_of_quotations(tree)
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
    for given in list(tree.iter("pre")):
        for end in given.iter("br"):
            end.tail = "\n" + (end.tail or "")
        lines = Composer(source)
        lines.add_lines(given.text_content())
        _replace(given, [(_MARKS["paragraph"], line) for line in lines.finish().text.split("\n")])
    etree.strip_tags(tree, "time", "output", "code", "q")  # trafilatura takes these out of their sentences
    for figure in tree.iter("figure"):
        figure.tag = "div"
    for byline in tree.xpath("//*[contains(@class, 'byline')]"):
        byline.attrib.clear()  # trafilatura takes such lines out by their class
    for article in list(_taken(tree)):
        for part in article.iter("table", "tr", "td", "th"):
            part.tag = "div"  # what is left is layout
        for line in [div for div in article.xpath(".//li//div") if not any(map(holds_blocks, div))]:
            line.tag = "span"
            line.addprevious(line.makeelement("br"))
            line.tail = " " + (line.tail or "")
        _enclose_lines(article)


def _taken(tree: Any) -> Iterator[Any]:
    """The elements that trafilatura may take for a page's article, the likeliest first."""
    return (found[0] for path in BODY_XPATH if (found := path(tree)))


def _join_articles(tree: Any) -> None:
    """Make one article of those that stand in the same place of a page, of which trafilatura takes the first alone.

    On a page without articles, of what is of the tag and class that it takes.
    """
    articles = tree.xpath("//article[not(ancestor::article)]")
    taken = next(_taken(tree), None)
    if not articles and taken is not None and taken.get("class"):
        alike = tree.xpath(f"//{taken.tag}[@class=$name]", name=taken.get("class"))
        articles = [element for element in alike if not set(alike).intersection(element.iterancestors())]
    places: dict[Any, list[tuple[int, Any]]] = {}
    for article in articles:
        place = tuple((around.tag, around.get("class")) for around in article.iterancestors())
        places.setdefault(place, []).append((len(article.text_content()), article))
    together = max(places.values(), key=lambda group: sum(length for length, _ in group), default=[])
    most = max((length for length, _ in together), default=0)
    joined = [article for length, article in together if _ALIKE * length >= most]
    if len(joined) < 2:
        return
    box = tree.makeelement("article")
    joined[0].addprevious(box)
    for article in joined:
        article.tag = "section"
        tail, article.tail = article.tail, None
        box.append(article)
        box.tail = (box.tail or "") + (tail or "")
    for part in BODY_XPATH[0](box):  # else it takes the first of these alone
        part.attrib.clear()


def _enclose_text(tree: Any) -> None:
    """Make an article of the element in which most of a page's text stands, where nothing else says that it is one.

    Of text that stands in the body itself or in an element without a telling name, trafilatura takes a part alone.
    """
    for body in tree.xpath("//body[not(.//article or .//main)]"):
        most = len(words_of(body)) / 2
        for holder in body.iter("body", "div", "section", "td", "center"):
            if sum(len(words_of(child)) for child in holder.iterchildren(*_TEXTS)) > most:
                article = tree.makeelement("article")
                article.text, holder.text = holder.text, None
                article.extend(list(holder))
                holder.append(article)
                return


def _enclose_lines(holder: Any) -> None:
    """Make a paragraph of each line of text that stands beside blocks or alone in a <div>, which trafilatura leaves.

    Links and buttons alone are no text, and what is hidden stays as it is.
    """
    if is_hidden(holder):
        return
    line = holder.makeelement("p")
    line.text, holder.text = holder.text, None
    holder.insert(0, line)
    lines = [line]
    for child in list(holder)[1:]:
        if not holds_blocks(child):
            lines[-1].append(child)
            continue
        line = holder.makeelement("p")
        line.text, child.tail = child.tail, None
        child.addnext(line)
        lines.append(line)
        if child.tag not in _WHOLE:
            _enclose_lines(child)
    for line in lines:
        if not len(line) and not (line.text or "").strip():
            holder.remove(line)
            continue
        own = deepcopy(line)
        strip_unseen(own, "a", "button")
        if not words_of(own):
            line.drop_tag()


def _keep_sources_of_quotations(tree: Any) -> None:
    for source in tree.xpath("//blockquote//footer"):
        source.tag = "p"  # footers are left out


def _replace(element: Any, lines: list[tuple[str, str]]) -> None:
    """Put marked paragraphs in an element's place."""
    box = etree.Element("div")
    box.tail = element.tail
    for mark, line in lines:
        etree.SubElement(box, "p").text = mark + line
    element.getparent().replace(element, box)


_TEXTS = ("p", "ul", "ol", "dl", "table", "pre", "blockquote", "figure", "h1", "h2", "h3", "h4", "h5", "h6")
_WHOLE = {*_TEXTS, "a", "summary"} - {"blockquote"}  # elements in which no line needs a paragraph of its own
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
