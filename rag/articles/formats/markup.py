"""A tree of HTML elements -> blocks. HTML itself, e-books, mails, Markdown and others come to this."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree, html  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import SUPERSCRIPTS, Composer
from rag.articles.formats.tables import lines_of

# Elements with a line of their own, and the kind of block that they are; "" is what lies around them.
_BLOCKS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "heading"),
    **dict.fromkeys(("li", "dd", "dt", "option"), "item"),
    **dict.fromkeys(("figcaption", "caption"), "caption"),
    **dict.fromkeys(("tr", "legend", "summary"), ""),
    **dict.fromkeys(("p", "pre", "blockquote", "address"), ""),
    **dict.fromkeys(("div", "section", "article", "main", "aside", "header", "footer", "body", "figure", "form"), ""),
    **dict.fromkeys(
        ("ul", "ol", "dl", "table", "td", "th", "hr", "center", "fieldset", "details", "nav", "hgroup"), ""
    ),
}
_UNSEEN = frozenset(
    ("head", "script", "style", "noscript", "template", "svg", "math", "object", "iframe", "canvas", "select", "title")
)
_FIELDS = (  # but for those of a page's frame
    "//body//*[self::input or self::select or self::textarea]"
    "[not(ancestor::nav or ancestor::header or ancestor::footer or ancestor::aside or ancestor::*[@role='search'])]"
)
_UNWRITTEN = frozenset(("hidden", "password", "search", "submit", "button", "reset", "image", "file", "color"))
_TICKS = ("☐", "☒")
# Roles in a table (ARIA), and what HTML's own tables have for them.
_ROLES = {"row": "tr", "cell": "td", "gridcell": "td", "columnheader": "th", "rowheader": "th"}
_MARKUP = re.compile(r"</(?:p|div|span|li|ul|ol|h[1-6]|a|b|i|em|strong|blockquote)\s*>|<br\s*/?>", re.IGNORECASE)
_MOST_SPANNED = 100  # columns or rows that one cell is believed to span
_LAYOUT_CELL = 400  # characters from which a cell is a part of the page's layout and not of a table


def is_markup(text: str) -> bool:
    """Whether a text is a part of a web page, with its markup."""
    return _MARKUP.search(text) is not None


def parse(markup: str) -> Any:
    """The tree of a page or of a part of one; never fetches anything.

    Raises
    ------
    lxml.etree.ParserError
        There is no element in it.
    """
    # bytes and a parser, never a string: some libraries take a string for an address
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    tree = html.document_fromstring(markup.replace("\0", "").encode("utf-8", "replace"), parser=parser)
    for struck in tree.xpath("//body//*[self::del or self::s or self::strike or contains(@style, 'line-through')]"):
        struck.tag = "del"
    etree.strip_elements(tree, "del", with_tail=False)
    for raised in list(tree.iter("sup", "a")):
        if _is_reference(raised):
            raised.drop_tree()
        elif (
            raised.tag == "sup" and re.fullmatch(r"[-−]?\d{1,3}", raised.text or "") and _before(raised)[-1:].isdigit()
        ):
            raised.text = raised.text.translate(SUPERSCRIPTS)
    _fill_forms(tree)
    _name_tables(tree)
    _part_cells(tree)
    return tree


def _fill_forms(tree: Any) -> None:
    """Write what was filled into fields as text behind their labels; a form with such fields is a part of its page."""
    labels = {label.get("for"): label for label in tree.iter("label") if label.get("for")}
    holders = set()
    for field in tree.xpath(_FIELDS):
        value, around = _filled(field), next(field.iterancestors("label"), None)
        if not value or is_hidden(field):
            continue
        if value in _TICKS and next(field.iterancestors("form", "fieldset"), None) is None:
            continue  # it opens a part of the page
        line = field.makeelement("span")
        field.addprevious(line)
        field.drop_tree()
        label = labels.pop(field.get("id"), None) if around is None else around
        name = field.get("aria-label") or field.get("title") or ""
        told_in = label is not None and not any(map(holds_blocks, label))
        if told_in and label.find(".//input") is label.find(".//select") is label.find(".//textarea") is None:
            name = words_of(label)
            line.tag = "div"
            if around is not None:
                line.tail = None
                label.addprevious(line)
            label.drop_tree()
        told = (value, name) if value in _TICKS else (f"{name.rstrip(' :*')}:" * bool(name), value)
        line.text = f" {' '.join(told)} "
        if value != _TICKS[False]:
            holders.update(line.iterancestors("form", "fieldset"))
    for part in [part for holder in holders for part in holder.iter("form", "fieldset", "legend", "label")]:
        part.tag = "span" if part.tag == "label" else "div"  # else it is taken for a part of the frame


def _filled(field: Any) -> str:
    """What a person wrote into a field or chose there, a tick where that is one; "" where that is nothing."""
    kind = (field.get("type") or "").lower() if field.tag == "input" else field.tag
    if kind in ("checkbox", "radio"):
        return _TICKS[field.get("checked") is not None]
    if kind == "select":
        chosen = field.xpath(".//option[@selected][not(@value='')]")
        return ", ".join(map(words_of, chosen))
    given = field.text_content() if kind == "textarea" else "" if kind in _UNWRITTEN else field.get("value") or ""
    return " ".join(given.split())


def _name_tables(tree: Any) -> None:
    """Make tables of what says by its roles that it is one (ARIA); what is no row in it goes before it."""
    for table in tree.xpath("//body//*[@role='table' or @role='grid' or @role='treegrid'][not(self::table)]"):
        for part in table.iter():
            part.tag = _ROLES.get(part.get("role"), part.tag)
        table.tag, title = "table", table.makeelement("div")
        title.text, table.text = table.text, None
        table.insert(0, title)
        for other in [child for child in table if not (child.tag == "tr" or child.find(".//tr") is not None)]:
            table.addprevious(other)


def _part_cells(tree: Any) -> None:
    """Part what a grid shows apart: lines below each other of as many elements each, and nothing between these."""
    for line in tree.xpath("//*[self::div or self::li][not(ancestor::pre or ancestor::code)]"):
        beside = [other for other in (line.getprevious(), line.getnext()) if other is not None]
        if _is_cells(line) and any(len(other) == len(line) and _is_cells(other) for other in beside):
            for cell in line:
                cell.tail = " "


def _is_cells(line: Any) -> bool:
    """Whether an element holds two others or more and no text beside them, and none of them a part of a word."""
    texts = (line.text, *(cell.tail for cell in line))
    if len(line) < 2 or any((text or "").strip() for text in texts):
        return False
    initial = line[0].text_content().strip()
    return not (len(initial) == 1 and initial.isalpha()) and not any(cell.tag in ("sub", "sup") for cell in line)


def compose(element: Any, composer: Composer, kind: str = "paragraph") -> None:
    """Append what a person sees of an element, block by block; `kind` is that of what no inner element tells."""
    _Walker(composer).walk(element, kind)


class _Walker:
    """Goes through a tree in order; `line` holds the text since the last block ended."""

    def __init__(self, composer: Composer) -> None:
        self.composer = composer
        self.line: list[str] = []

    def walk(self, element: Any, kind: str) -> None:
        self._visit(element, kind)
        self._end(kind)

    def _end(self, kind: str) -> None:
        self.composer.add(kind, "".join(self.line))
        self.line.clear()

    def _visit(self, element: Any, kind: str, verbatim: bool = False) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if not tag or tag in _UNSEEN or is_hidden(element):
            return
        if tag in ("br", "hr"):
            self.line.append("\n")
        elif tag == "table" and is_data(element):
            self._end(kind)
            self._table(element)
        elif tag == "dl":
            self._end(kind)
            for line in definitions_of(element):
                self.composer.add("item", line)
        elif tag in _BLOCKS:
            inner = "note" if is_note(element) else _BLOCKS[tag] or kind
            self._end(kind)
            self._inside(element, inner, verbatim or tag == "pre")
            self._end(inner)
        else:
            self._inside(element, kind, verbatim)

    def _inside(self, element: Any, kind: str, verbatim: bool = False) -> None:
        def text(piece: str | None) -> str:
            return (piece or "") if verbatim else re.sub(r"\s+", " ", piece or "")

        self.line.append(text(element.text))
        for child in element:
            self._visit(child, kind, verbatim)
            self.line.append(text(child.tail))

    def _table(self, table: Any) -> None:
        for caption in table.iterchildren("caption"):
            self.composer.add("caption", words_of(caption))
        for row in lines_of(*cells_of(table)):
            self.composer.add("row", row)


def definitions_of(element: Any) -> list[str]:
    """The terms of a definition list, each with what it means on one line."""
    lines: list[str] = []
    term = ""
    for child in element.iter("dt", "dd"):
        if child.tag == "dt":
            lines += [term] * bool(term)
            term = words_of(child).rstrip(" :")
        else:
            lines.append(f"{term}: {words_of(child)}" if term else words_of(child))
            term = ""
    return [*lines, *[term] * bool(term)]


def holds_blocks(element: Any) -> bool:
    """Whether an element has lines of its own, or has an element in it that does."""
    return any(node.tag in _BLOCKS for node in element.iter())


def is_hidden(element: Any) -> bool:
    """Whether an element says of itself that nobody sees it."""
    style = (element.get("style") or "").replace(" ", "").lower()
    return "display:none" in style or element.get("hidden") is not None


def is_note(element: Any) -> bool:
    """Whether an element says that it is a foot- or endnote (EPUB's and DPUB-ARIA's words for it)."""
    names = ("{http://www.idpf.org/2007/ops}type", "epub:type", "role")
    return bool(re.search(r"\b(?:foot|rear|end)notes?\b", " ".join(element.get(name) or "" for name in names)))


def words_of(element: Any) -> str:
    """All text of an element on one line; blocks in it are a space apart."""
    pieces = []
    for node in element.iter():
        if isinstance(node.tag, str) and node.tag not in _UNSEEN:
            pieces.append(" " * (node.tag in _BLOCKS or node.tag == "br") + (node.text or ""))
        if node is not element:
            pieces.append(" " * (node.tag in _BLOCKS) + (node.tail or ""))
    return " ".join("".join(pieces).split())


def is_data(table: Any) -> bool:
    """Whether a table is one of data, and not the layout of a page or mail."""
    if table.get("role") in ("presentation", "none"):
        return False
    if table.find(".//table") is not None:
        return False
    if table.find(".//th") is not None or table.find("./thead") is not None:
        return True
    rows = list(table.iter("tr"))
    widest = max((sum(cell.tag in ("td", "th") for cell in row) for row in rows), default=0)
    return widest >= 2 and all(len(cell.text_content()) < _LAYOUT_CELL for cell in table.iter("td"))


def cells_of(table: Any) -> tuple[list[list[str]], int | None]:
    """The cells of each row and how many rows at the top are heads; None where the table does not say.

    A cell that spans rows stands in each of them, a head that spans columns above each of them. Above the heads, a
    cell over all columns is the only one of its row.
    """
    told = table.find(".//th") is not None
    rows: list[list[str]] = []
    heads = 0
    below: dict[int, tuple[int, str]] = {}  # column -> how many rows a cell above still covers, and its text
    for row in table.iter("tr"):
        if next(row.iterancestors("table"), None) is not table:
            continue
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        line: list[str] = []
        for cell in [*cells, None]:
            while len(line) in below:
                left, text = below.pop(len(line))
                if left > 1:
                    below[len(line)] = (left - 1, text)
                line.append(text)
            if cell is None:
                break
            text, down = words_of(cell), _span(cell, "rowspan")
            for n in range(_span(cell, "colspan")):
                if down > 1:
                    below[len(line)] = (down - 1, text)
                line.append(text if n == 0 or cell.tag == "th" else "")
        over = len(cells) == 1 and len(line) == _span(cells[0], "colspan") > 1
        if over and told and all(len(above) == 1 for above in rows):
            rows.append(line[:1])
            heads += 1
            continue
        named = any(cell.tag == "th" for cell in cells) and all(c.tag == "th" or not words_of(c) for c in cells)
        if (named or row.getparent().tag == "thead") and heads == len(rows):
            heads += 1
        rows.append(line)
    return rows, heads if heads or told else None


def _span(cell: Any, name: str) -> int:
    given = str(cell.get(name) or "1").strip()
    return max(1, min(int(given), _MOST_SPANNED)) if given.isascii() and given.isdigit() and len(given) < 6 else 1


def _before(element: Any) -> str:
    """The text right before an element."""
    previous = element.getprevious()
    return (element.getparent().text if previous is None else previous.tail) or ""


def _is_reference(element: Any) -> bool:
    """Whether an element is the raised mark of a note, which would be read as a part of what is before it."""
    names = " ".join(element.get(name) or "" for name in ("epub:type", "role"))
    parent = element.getparent()
    around = [parent] if parent is not None and parent.tag == "a" and len(parent) == 1 else element.iter("a")
    links = [link for link in around if element.tag == "sup" and (link.get("href") or "").startswith("#")]
    marks = "".join(link.text_content() for link in links)
    same = re.sub(r"\W", "", marks) == re.sub(r"\W", "", element.text_content())  # but for brackets
    return "noteref" in names or bool(links and same)


def strip_unseen(tree: Any, *tags: str) -> None:
    """Take elements that nobody sees, and those named, out of a tree."""
    for hidden in filter(is_hidden, tree.iterdescendants()):
        hidden.tag = "template"
    etree.strip_elements(tree, *_UNSEEN, *tags, with_tail=False)
