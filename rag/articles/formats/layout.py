"""Characters of a page with their places -> regions in the order of reading: lines of running text, rows of tables.

Pure geometry; y grows downwards, lengths are in points. Text is cut where white space runs through it (the idea of the
recursive X-Y cut of Nagy and Seth, 1984): what stands in columns is read column by column, a table row by row.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby, zip_longest
from statistics import median

from rag.articles.formats.contract import SUPERSCRIPTS

_APART = (
    1.0  # em of white space that separate two pieces of a line; justified text may be apart, too, and is put together
)
_GUTTER = 5.0  # points that columns are apart at least
_BESIDE = 3  # lines in several columns make columns of running text; one may be a date and the number of the page
_CELL = 15  # characters: where half of a column's pieces have fewer, it is one of a table
_RAISED = 0.85  # times the size of the text's letters at most: the mark of a footnote, an exponent
_INITIAL = 1.8  # times the size of the text's letters: one that is set into its first lines
_SPACE = 0.22  # em that words are apart at least
_WORD = 0.75  # em from which such a letter is a word of its own; less is left around it by layouts
_MARKER = re.compile(r"\(?(?:[•●▪◦‣∙*·–—-]|\d{1,3}[.)]|[A-Za-z][.)])")


@dataclass(slots=True)
class Piece:
    """Characters that follow each other on one line without a wide space between them."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(slots=True)
class Region:
    """What is read in one go: `lines` of running text, or a table, with the cells of each of its `rows`."""

    lines: list[Piece] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Character:
    """A character and its box; `size` is the height of its font."""

    letter: str
    left: float
    top: float
    right: float
    bottom: float
    size: float


def pieces_of(characters: Sequence[Character]) -> list[Piece]:
    """Pieces of lines, from characters in the order in which they are drawn; white space may be missing."""
    pieces: list[Piece] = []
    heights: list[list[tuple[float, float, float]]] = []
    current: Piece | None = None
    last = (0.0, 0.0)
    spaced = False
    for one in characters:
        if one.letter.isspace():
            spaced = True
            continue
        em = max(one.size, 1.0)
        level = current is not None and abs(current.middle - (one.top + one.bottom) / 2) < 0.5 * em
        gap = one.left - current.right if current is not None else 0.0
        if current is not None and level and last == (one.left, one.right):  # the second letter of a ligature
            current.text += one.letter
            continue
        last = one.left, one.right
        if current is None or not level or gap < -0.6 * em or gap > _APART * em:
            current = Piece(one.letter, one.left, one.top, one.right, one.bottom, em)
            pieces.append(current)
            heights.append([])
        else:
            size, _, bottom = heights[-1][-1]
            higher = em < _RAISED * size and one.bottom < bottom - 0.1 * em
            as_high = current.text[-1] in "⁰¹²³⁴⁵⁶⁷⁸⁹" and abs(one.bottom - bottom) < 0.1 * em
            raised = one.letter.isdecimal() and (higher or as_high)
            letter = one.letter.translate(SUPERSCRIPTS) if raised else one.letter
            current.text += " " * (spaced or gap > _SPACE * em) + letter
            current.right = max(current.right, one.right)
        heights[-1].append((em, one.top, one.bottom))
        spaced = False
    for piece, found in zip(pieces, heights, strict=True):  # neither raised figures nor brackets make the line
        piece.size, piece.top, piece.bottom = sorted(found)[len(found) // 2]
    return _with_initials(pieces)


def _with_initials(pieces: list[Piece]) -> list[Piece]:
    """Pieces with the large letter that begins a text put before the word that it begins, or that follows it.

    Another word follows where the first line stands apart from it as words do, or further in than the lines below.
    """
    for initial in [piece for piece in pieces if len(piece.text) == 1 and piece.text.isupper()]:
        beside = [
            piece
            for piece in pieces
            if _INITIAL * piece.size < initial.size
            and abs(piece.left - initial.right) < 0.5 * initial.size
            and initial.top - piece.size < piece.top < piece.bottom < initial.bottom
        ]
        first = min(beside, key=lambda piece: piece.top, default=None)
        if first is not None:
            inner = first.left - min(piece.left for piece in beside) > _SPACE * first.size
            word = inner or first.left - initial.right > _WORD * first.size
            first.text = initial.text + " " * word + first.text
            pieces = [piece for piece in pieces if piece is not initial]
    return pieces


def regions_of(pieces: Sequence[Piece]) -> list[Region]:
    """Regions of a page, in the order of reading."""
    regions: list[Region] = []
    for run, columns in _runs(_with_markers(pieces)):
        if not columns:
            if not regions or regions[-1].rows:
                regions.append(Region())
            regions[-1].lines += run
        elif _is_table(run, columns):
            regions.append(Region(rows=_rows(run, columns)))
        else:
            for left, right in columns:
                regions += regions_of([piece for piece in run if left <= piece.left and piece.right <= right])
            regions.append(Region())
    return [region for region in regions if region.lines or region.rows]


def _with_markers(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces from top to bottom, the bullet or number of an item put before its text."""
    joined: list[Piece] = []
    for line in _lines(pieces):
        start = len(joined)
        for piece in line:
            last = joined[-1] if len(joined) > start else None
            if last and _MARKER.fullmatch(last.text) and piece.left - last.right < 4 * piece.size:
                joined[-1] = _joined([last, piece])
            else:
                joined.append(piece)
    return joined


def _level(one: Piece, other: Piece) -> bool:
    return abs(one.middle - other.middle) < 0.5 * max(one.size, other.size)


def _joined(pieces: Sequence[Piece]) -> Piece:
    """One line of pieces from left to right."""
    return Piece(
        " ".join(piece.text for piece in pieces),
        min(piece.left for piece in pieces),
        min(piece.top for piece in pieces),
        max(piece.right for piece in pieces),
        max(piece.bottom for piece in pieces),
        max(piece.size for piece in pieces),
    )


def _lines(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces of each line from left to right, lines from top to bottom."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if lines and _level(lines[-1][0], piece):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [sorted(line, key=lambda piece: piece.left) for line in lines]


def _runs(pieces: Sequence[Piece]) -> Iterator[tuple[list[Piece], list[tuple[float, float]]]]:
    """Runs from top to bottom: lines across the whole width (no columns), or pieces with the columns they stand in."""
    rest = sorted(pieces, key=lambda piece: (piece.top, piece.left))
    while rest:
        columns: list[tuple[float, float]] = []
        taken = 0
        while taken < len(rest):
            wider = _with(columns, rest[taken])
            if len(columns) > 1 and len(wider) == 1:
                break
            columns = wider
            taken += 1
        taken = _before_bridge(rest[:taken], columns)
        columns = _columns(rest[:taken])
        run = rest[: _without_next_heading(rest[:taken], columns)] if len(columns) > 1 else []
        if run and _stand_beside(run, columns):
            yield run, columns
            rest = rest[len(run) :]
            continue
        line = [piece for piece in rest if _level(rest[0], piece)]
        yield [_joined(sorted(line, key=lambda piece: piece.left))], []
        rest = [piece for piece in rest if piece not in line]


def _before_bridge(run: Sequence[Piece], columns: Sequence[tuple[float, float]]) -> int:
    """How many pieces of a run come before a line that stands alone and bridges columns which the others keep apart.

    So do the title of a table, and a sentence below it. 1 where the first line is one.
    """
    alone = _alone(run)
    kept = _columns([piece for piece, lone in zip(run, alone, strict=True) if not lone])
    if len(kept) <= max(1, len(columns)):
        return len(run)
    bridges = (n for n, piece in enumerate(run) if alone[n] and len(_with(kept, piece)) < len(kept))
    return max(1, next(bridges, len(run)))


def _alone(run: Sequence[Piece]) -> list[bool]:
    """Of each of some pieces, the topmost first, whether no other stands beside it."""
    found: list[bool] = []
    bottom = float("-inf")
    for piece, following in zip_longest(run, run[1:]):
        room = 0.25 * piece.size
        found.append(bottom <= piece.top + room and (following is None or following.top >= piece.bottom - room))
        bottom = max(bottom, piece.bottom)
    return found


def _columns(pieces: Sequence[Piece]) -> list[tuple[float, float]]:
    return reduce(_with, pieces, [])


def _with(columns: Sequence[tuple[float, float]], piece: Piece) -> list[tuple[float, float]]:
    """Stretches of the width that hold text, with one more piece; those less than a gutter apart are one."""
    left, right = piece.left, piece.right
    apart: list[tuple[float, float]] = []
    for start, end in columns:
        if end + _GUTTER < left or right + _GUTTER < start:
            apart.append((start, end))
        else:
            left, right = min(left, start), max(right, end)
    insort(apart, (left, right))
    return apart


def _without_next_heading(run: Sequence[Piece], columns: Sequence[tuple[float, float]]) -> int:
    """How many pieces of a run are left without a heading at its end, below which the page goes on in full width."""
    kept = len(run)
    while kept > 2:
        last = run[kept - 1]
        before = [piece for piece in run[: kept - 1] if piece.left <= columns[0][1]]
        alone = last.right <= columns[0][1] and not any(_level(last, piece) for piece in run[: kept - 1])
        if not (alone and before and last.top - max(piece.bottom for piece in before) > 0.9 * last.size):
            break
        kept -= 1
    return kept


def _stand_beside(run: Sequence[Piece], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether a run is a table, or text in columns, and not lines with a wide space in them.

    Of a table most lines have several cells. Columns of text have three lines or more each, beside each other.
    """
    lines = _lines(run)
    beside = sum(len({_column(piece, columns) for piece in line}) > 1 for line in lines)
    if _is_table(run, columns):
        return beside > 1 and 2 * beside >= len(lines)
    stretches = []
    for n in range(len(columns)):
        column = [piece for piece in run if _column(piece, columns) == n]
        if len(_lines(column)) >= _BESIDE:
            stretches.append((min(piece.top for piece in column), max(piece.bottom for piece in column)))
    common = min((end for _, end in stretches), default=0.0) - max((start for start, _ in stretches), default=0.0)
    return len(stretches) > 1 and common > (_BESIDE - 1) * run[0].size


def _column(piece: Piece, columns: Sequence[tuple[float, float]]) -> int:
    return next((n for n, (left, right) in enumerate(columns) if left <= piece.left <= right), 0)


def _is_table(run: Sequence[Piece], columns: Sequence[tuple[float, float]]) -> bool:
    lengths = [[len(piece.text) for piece in run if _column(piece, columns) == n] for n in range(len(columns))]
    return any(median(column) < _CELL for column in lengths if len(column) > 1)  # one is the number of a page


def _rows(run: Sequence[Piece], columns: Sequence[tuple[float, float]]) -> list[list[str]]:
    """Cells of each row. A line in which the first column is empty goes on with the row above, if it is close."""
    rows: list[list[str]] = []
    bottom = 0.0
    for line in _lines(run):
        cells = [""] * len(columns)
        for n, pieces in groupby(line, lambda piece: _column(piece, columns)):
            cells[n] = " ".join(piece.text for piece in pieces)
        if (
            rows
            and not cells[0]
            and line[0].top - bottom < 0.4 * line[0].size
            and sum(map(bool, cells)) < max(2, len(columns) - 1)
        ):
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
        bottom = max(piece.bottom for piece in line)
    return rows
