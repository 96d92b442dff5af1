"""PowerPoint (.pptx): a page for each slide, its title, its text from top to bottom, the speaker's notes, comments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.package import Package, Relation
from rag.articles.formats.tables import lines_of

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_D = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"  # the first is newest
_FURNITURE = frozenset(("sldNum", "dt", "ftr", "hdr", "sldImg"))  # of every slide


def read(source: Source) -> Extracted:
    """Slides in their order, those that are hidden left out."""
    package = Package(source)
    main = package.main("ppt/presentation.xml")
    related = package.relations(main)
    composer = Composer(source)
    titles: list[str] = []
    for reference in package.xml(main).iter(f"{_P}sldId"):
        relation = related.get(reference.get(f"{_R}id") or "")
        if relation is None or relation.target not in package.names:
            continue
        slide = package.xml(relation.target)
        if slide.get("show") not in ("0", "false"):
            composer.turn_page()
            own = package.relations(relation.target)
            titles += _compose(slide, composer)
            _compose_drawings(package, slide, own, composer)
            _compose_notes(package, own.values(), composer)
    return composer.finish(titles[0] if titles else "")


def _compose(slide: Any, composer: Composer) -> list[str]:
    """Append a slide; returns its title, if it has one."""
    shapes = [(shape, _role(shape)) for shape in _shapes(slide.find(f"{_P}cSld/{_P}spTree"))]
    titles = [" ".join(_paragraphs(shape)) for shape, role in shapes if role in ("title", "ctrTitle")]
    for title in titles:
        composer.add("heading", title)
    for shape, role in sorted(shapes, key=lambda pair: _place(pair[0])):
        table = shape.find(f".//{_A}tbl")
        if table is not None:
            rows = [[" ".join(_paragraphs(cell)) for cell in row.iter(f"{_A}tc")] for row in table.iter(f"{_A}tr")]
            properties = table.find(f"{_A}tblPr")
            heads = int(properties is not None and properties.get("firstRow") in ("1", "true"))
            for line in lines_of(rows, heads or None):
                composer.add("row", line)
        elif role not in _FURNITURE and role not in ("title", "ctrTitle"):
            lines = list(_paragraphs(shape))
            for line in lines:
                composer.add("item" if len(lines) > 1 else "paragraph", line)
    return titles


def _shapes(tree: Any) -> Iterator[Any]:
    for shape in tree if tree is not None else ():
        if shape.tag == f"{_P}grpSp":
            yield from _shapes(shape)
        elif shape.tag == _ALTERNATIVES:
            yield from _shapes(next(iter(shape), None))
        elif shape.tag in (f"{_P}sp", f"{_P}graphicFrame"):
            yield shape


def _role(shape: Any) -> str:
    placeholder = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return (placeholder.get("type") or "body") if placeholder is not None else ""


def _place(shape: Any) -> tuple[int, int]:
    """Top and left edge; what has its place from the layout comes first."""
    offset = shape.find(f".//{_A}off")
    offset = shape.find(f"{_P}xfrm/{_A}off") if offset is None else offset
    if offset is None:
        return 0, 0
    return int(offset.get("y") or 0), int(offset.get("x") or 0)


def _paragraphs(element: Any) -> Iterator[str]:
    for paragraph in element.iter(f"{_A}p"):
        nodes = (node for node in paragraph.iter(f"{_A}t", f"{_A}br", _MATH) if not _is_struck_out(node.getparent()))
        pieces = ("\n" if node.tag == f"{_A}br" else node.text or "" for node in nodes)
        if words := " ".join("".join(pieces).split()):
            yield words


def _is_struck_out(run: Any) -> bool:
    properties = run.find(f"{_A}rPr")
    return properties is not None and properties.get("strike", "noStrike") != "noStrike"


def _compose_drawings(package: Package, slide: Any, relations: Any, composer: Composer) -> None:
    """Append a chart as the table that it shows, and the words of a diagram."""
    for drawing in slide.iter(f"{_C}chart", f"{_D}relIds"):
        relation = relations.get(drawing.get(f"{_R}id") or drawing.get(f"{_R}dm") or "")
        if relation is None or relation.target not in package.names:
            continue
        part = package.xml(relation.target)
        for line in lines_of(_rows_of(part), 1) if drawing.tag == f"{_C}chart" else _paragraphs(part):
            composer.add("row" if drawing.tag == f"{_C}chart" else "item", line)


def _rows_of(chart: Any) -> list[list[str]]:
    """A column for each series below its name, a row for each category."""
    series = list(chart.iter(f"{_C}ser"))
    points = [_points(one, "val", "yVal") for one in series]
    categories: dict[str, str] = {}
    for one in series:
        categories |= _points(one, "cat", "xVal")
    heads = ["", *(" ".join(_points(one, "tx").values()) for one in series)]
    numbers = sorted({number for found in points for number in found}, key=int)
    return [heads, *([categories.get(n, ""), *(found.get(n, "") for found in points)] for n in numbers)]


def _points(series: Any, *names: str) -> dict[str, str]:
    """Values by their number, as the chart keeps them from its sheet."""
    places = (place for name in names for place in series.iterchildren(f"{_C}{name}"))
    points = (point for place in places for point in place.iter(f"{_C}pt"))
    return {point.get("idx") or "0": point.findtext(f"{_C}v") or "" for point in points}


def _compose_notes(package: Package, relations: Any, composer: Composer) -> None:
    for relation in relations:
        if isinstance(relation, Relation) and relation.kind == "notesSlide" and relation.target in package.names:
            for shape in _shapes(package.xml(relation.target).find(f"{_P}cSld/{_P}spTree")):
                if _role(shape) == "body":
                    for line in _paragraphs(shape):
                        composer.add("note", line)
        elif isinstance(relation, Relation) and relation.kind == "comments" and relation.target in package.names:
            for comment in package.xml(relation.target).iter("{*}cm", "{*}reply"):
                said = comment.iterchildren("{*}text", "{*}txBody")  # a reply stands within what it replies to
                composer.add("note", " ".join(" ".join("".join(one.itertext()) for one in said).split()))
