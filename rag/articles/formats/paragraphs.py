"""Lines of a page -> headings, paragraphs, items, rows, captions and notes.

What is a running head is told by what comes again on other pages, a footnote by its smaller letters at the foot, a
heading by its larger ones; paragraphs by gaps, indents and lines that end early.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rag.articles.formats.layout import Piece, Region
from rag.articles.formats.tables import lines_of

_LARGER, _SMALLER = 1.15, 0.93  # of the size of most letters: a heading, a caption or note
_FULL = 0.75  # of the width of its column is a line that the next one goes on with
_MARGIN = 0.12  # of the height of a page, at its top and at its foot
_FOOT = 0.5  # of the height of a page from which small letters may be a footnote
_ASIDE = ("note", "caption")  # kinds of what stands beside the running text
_BULLET = re.compile(r"\s*(?:[•●▪◦‣∙*]|[-–—](?=\s)|\(?\d{1,3}[.)](?=\s))\s*")
_NOTE_MARK = re.compile(r"[\d*†‡§¹²³⁴⁵⁶⁷⁸⁹]")
_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
_DIVIDED = "\x02"  # PDFium's sign for a hyphen at the end of a line


class Sheet(NamedTuple):
    """One page: its number, its height in points, what is read on it in order, and the words across it."""

    number: int
    height: float
    regions: list[Region]
    askew: str = ""


class Part(NamedTuple):
    """A block of a page; `size` is that of its letters, in points."""

    kind: str
    text: str
    size: float


def parts_of(sheets: Sequence[Sheet]) -> list[list[Part]]:
    """The parts of each page, in order; running heads come once, where they are first, as notes."""
    body = _body_size(sheets)
    furniture = _furniture(sheets)
    seen: set[str] = set()
    pages = []
    for sheet in sheets:
        parts: list[Part] = []
        for region in sheet.regions:
            lines = [line for line in region.lines if (sheet.number, id(line)) not in furniture]
            for line in region.lines:
                key = _pattern(line.text)
                if (sheet.number, id(line)) in furniture and key not in seen and re.search(r"[^\W\d]{3}", key):
                    seen.add(key)
                    parts.append(Part("note", line.text, line.size))
            parts += _joined_columns(_parts(lines, body, sheet.height), parts)
            parts += [Part("row", row, body) for row in lines_of(region.rows)]
        if sheet.askew and sheet.askew not in seen:
            seen.add(sheet.askew)
            parts.append(Part("note", sheet.askew, body))
        pages.append(parts)
    _bring_words_together(pages)
    return pages


def _bring_words_together(pages: list[list[Part]]) -> None:
    """Put a word that the end of a page divides on the page on which it begins."""
    for page, following in pairwise(pages):
        here = [n for n, part in enumerate(page) if part.kind != "note"]
        there = [n for n, part in enumerate(following) if part.kind != "note"]
        if not here or not there or not page[here[-1]].kind == following[there[0]].kind == "paragraph":
            continue
        last, first = page[here[-1]], following[there[0]]
        word, _, rest = first.text.partition(" ")
        if re.search(rf"\w(?:-|{_DIVIDED})$", last.text) and rest:
            page[here[-1]] = last._replace(text=_followed(last.text, word))
            following[there[0]] = first._replace(text=rest)


def _body_size(sheets: Sequence[Sheet]) -> float:
    """The size of most letters of running text."""
    sizes: Counter[float] = Counter()
    for sheet in sheets:
        for region in sheet.regions:
            for line in region.lines:
                sizes[round(2 * line.size) / 2] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], size), default=10.0)


# --- what is on every page -------------------------------------------------------------------------------------------


def _pattern(text: str) -> str:
    """A line with its figures taken out: "Page 1 of 2" and "Page 2 of 2" are one."""
    return " ".join(re.sub(r"\d+", "#", text.lower()).split())


def _furniture(sheets: Sequence[Sheet]) -> set[tuple[int, int]]:
    """(page, id of a line) of running heads and feet and of page numbers."""
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    counted: dict[tuple[int, int], list[tuple[int, int]]] = {}  # lines in which a figure grows with the pages
    alone: set[tuple[int, int]] = set()
    for sheet in sheets:
        lines = [line for region in sheet.regions for line in region.lines]
        for line in lines:
            in_margin = line.bottom < _MARGIN * sheet.height or line.top > (1 - _MARGIN) * sheet.height
            if not in_margin:
                continue
            place = round(line.middle / 12)
            for figure in re.findall(r"^\d+(?=\s)|(?<=\s)\d+$", line.text):  # no item's: "12. …"
                counted.setdefault((place, int(figure) - sheet.number), []).append((sheet.number, id(line)))
            found.setdefault((_pattern(line.text), place), []).append((sheet.number, id(line)))
            if _is_number_of(line.text, sheet.number, len(sheets)):
                alone.add((sheet.number, id(line)))
    repeated = [places for places in (*found.values(), *counted.values()) if len({page for page, _ in places}) > 1]
    return alone.union(*repeated)


def _is_number_of(text: str, number: int, pages: int) -> bool:
    """Whether a line is nothing but the number of its page: "2", "- 2 -", "Page 2 of 7", "2/7"."""
    figures = re.findall(r"\d+", text)
    letters = sum(map(str.isalpha, text))
    return letters <= 12 and figures in ([str(number)], [str(number), str(pages)])


# --- paragraphs ------------------------------------------------------------------------------------------------------


def _parts(lines: Sequence[Piece], body: float, height: float) -> list[Part]:
    if not lines:
        return []
    edges = _edges(lines)
    pitches = sorted(b.middle - a.middle for a, b in pairwise(lines) if 0 < b.middle - a.middle < 3 * body)
    pitch = pitches[len(pitches) // 2] if pitches else 1.2 * body
    groups: list[list[Piece]] = []
    for line in lines:
        last = groups[-1][-1] if groups else None
        if last is not None and _goes_on(last, line, groups[-1], *edges[line.size], pitch):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [_part(group, body, height) for group in groups]


def _edges(lines: Sequence[Piece]) -> dict[float, tuple[float, float]]:
    """Of each size of letters the left and the right edge of its lines: a running head may be wider than the text."""
    edges = {}
    for size in {line.size for line in lines}:
        alike = [line for line in lines if _alike(line.size, size)]
        edges[size] = min(line.left for line in alike), max(line.right for line in alike)
    return edges


def _alike(size: float, other: float) -> bool:
    return abs(size - other) <= 0.1 * other


def _goes_on(last: Piece, line: Piece, group: Sequence[Piece], left: float, right: float, pitch: float) -> bool:
    """Whether a line belongs to the paragraph of the one above it."""
    step = line.middle - last.middle
    if not 0 < step <= 1.35 * max(pitch, 1.15 * line.size) + 0.5 or not _alike(line.size, last.size):
        return False
    if _BULLET.match(line.text) and not line.text[0].isdigit():
        return False
    if _BULLET.match(line.text) and line.left <= group[0].left + 1:
        return False
    if line.text[0].islower() or last.text.endswith(_DIVIDED):
        return True
    if (
        line.left > last.left + 0.8 * line.size
        and line.left > left + 0.8 * line.size
        and not _BULLET.match(group[0].text)
    ):
        return False
    return last.right - left >= _FULL * (right - left)


def _part(group: Sequence[Piece], body: float, height: float) -> Part:
    text = group[0].text
    for line in group[1:]:
        text = _followed(text, line.text)
    size = max(line.size for line in group)
    if size >= _LARGER * body and len(text) <= 300:
        return Part("heading", text, size)
    if size <= _SMALLER * body and len(text) > 2:
        if group[0].top > _FOOT * height and _NOTE_MARK.match(text):
            return Part("note", text, size)
        return Part("caption" if len(text) <= 300 else "paragraph", text, size)
    bullet = _BULLET.match(text)
    if bullet:
        return Part("item", text if text[0].isdigit() or text[0] == "(" else text[bullet.end() :], size)
    return Part("paragraph", text, size)


def _followed(text: str, line: str) -> str:
    """`text` with the line after it; a hyphen between them is marked, words of Chinese or Japanese have no space."""
    if re.search(r"\w-$", text):
        return f"{text[:-1]}{_DIVIDED}{line}"
    close = text.endswith(_DIVIDED) or (_CJK.match(line) and _CJK.match(text[-1]))
    return f"{text}{line}" if close else f"{text} {line}"


def _joined_columns(parts: list[Part], before: list[Part]) -> list[Part]:
    """The parts of a column; its first goes on with the last paragraph of the column before, if that is open.

    Notes at the foot of that column, and what is told apart at the head of this one, stand between them.
    """
    there = next((n for n in range(len(before) - 1, -1, -1) if before[n].kind not in _ASIDE), None)
    here = next((n for n, part in enumerate(parts) if part.kind not in _ASIDE), None)
    if there is None or here is None or not before[there].kind == parts[here].kind == "paragraph":
        return parts
    last, first = before[there], parts[here]
    if not _alike(first.size, last.size) or not is_open(last.text):
        return parts
    before[there] = last._replace(text=_followed(last.text, first.text))
    return parts[:here] + parts[here + 1 :]


def is_open(text: str) -> bool:
    """Whether a paragraph stops within a sentence, and so goes on in the next column or on the next page."""
    return len(text) >= 40 and not text.rstrip("\"'”’»)]⁰¹²³⁴⁵⁶⁷⁸⁹").endswith(
        (".", "!", "?", ":", "…", "。", "！", "？")
    )


# --- words -----------------------------------------------------------------------------------------------------------


def join_hyphens(pages: Sequence[Sequence[Part]]) -> Iterator[list[Part]]:
    """The pages with words that the end of a line divides made whole.

    The hyphen stays before a capital ("López-Miera"), and where the text writes the word with it elsewhere or
    knows both halves as words ("well-known").
    """
    divided = re.compile(rf"(\w+){_DIVIDED}\s*(\w+)")
    words: set[str] = set()
    for page in pages:
        for part in page:
            words.update(re.findall(r"\w+(?:-\w+)*", divided.sub(" ", part.text).lower()))

    def join(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        both = f"{left}{right}".lower()
        compound = f"{left}-{right}".lower() in words or {left.lower(), right.lower()} <= words
        soft = right[0].islower() and left.isalpha() and (both in words or not compound)
        return left + right if soft else f"{left}-{right}"

    for page in pages:
        yield [part._replace(text=divided.sub(join, part.text).replace(_DIVIDED, "-")) for part in page]
