"""Paragraphs and sentences of plain text, as places in it. Pure functions.

Where a sentence ends within a paragraph is asked of sentencex (Wikimedia's splitter, some 240 languages). Of 70
hand-made passages in 20 languages it cut 51 rightly (57 with what is done here), blingfire 45, pysbd 44, nupunkt 40,
the list of abbreviations that stood here before 39; it is the fastest of them, too. What a line end means is our own.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from sentencex import get_sentence_boundaries

Place = tuple[int, int]
"""[start, end) in characters."""

_APOSTROPHES = "‘’"
# Quotation marks and brackets: with them sentencex takes a quotation of twenty sentences for one; "…" ends none for it,
# and no sentence begins with the mark of a note. Behind "B" and white space of several bytes it panics at a full stop.
_MARKS = {
    chr(code): " "
    for code in range(0x3100)
    if (unicodedata.category(chr(code)) in ("Ps", "Pe", "Pi", "Pf") and chr(code) not in _APOSTROPHES)
    or chr(code).isspace()
} | {'"': " ", **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹", " "), "…": "."}
_MASK = str.maketrans(_MARKS)
_ABBREVIATION = re.compile(r"\b[A-Z][bcdfghjklmnpqrstvwxz]{1,3}\.\s*$")  # no word goes without a vowel ("Ms.")
_MONSIEUR = re.compile(r"(?<![\w.])M\.\s*$")  # not that of "P.M."
_NOUNS_IN_CAPITALS = ("de", "lb")  # languages in which a capital behind a number need not begin a sentence
_ORDINAL = re.compile(r"(?<![\d:.,])(?<![:–-] )\b\d{1,2}\.\s*$")  # no score, no time of the day
_NUMBER = re.compile(r"\W*(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[.)]\s*")  # of a list's item, before its text
_ITEM = re.compile(r"\s*(?:[-–—*•●▪◦·+]\s|\(?(?:\d{1,3}|[a-z])[.)]\s)")
_FIELD = re.compile(r"[^\S\n]*[^\s:][^:\n]{0,39}:[^\S\n]+(?=\S)")  # of a form, before its value
_QUESTION = re.compile(r"[?？؟][\W_]*$")
_OPENING = re.compile(r"\w\W*?(?<!\w)[\"'“”„«»‘(（「『][\w¿]")  # a mark within a sentence, behind its first word
_CLOSED = re.compile(r"[?？؟][\W_]*?[\"'”“»«’)）」』][\W_]*$")
_LONG = 50  # characters from which an item's line may have ended for want of room
_WIDTHS = range(25, 131)  # characters at which people and programs wrap lines


def sentences(text: str, language: str = "en") -> list[Place]:
    """Each sentence of a text without surrounding white space; in order, never overlapping.

    A heading, a list's item or another line of its own counts as a sentence. Every character that is not white space
    belongs to exactly one sentence. `language` is an ISO 639-1 code.
    """
    return [place for start, end in paragraphs(text) for place in within(text, start, end, language)]


def paragraphs(text: str) -> list[Place]:
    """What line ends set apart, without surrounding white space: every line, but lines merely wrapped go on."""
    lines = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", text)]
    width = _wrap_width(text, lines)
    prose = set() if width else _wrapped_prose(text, lines)
    found: list[Place] = []
    previous = (0, 0)
    for start, end in lines:
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            begin = start + len(piece) - len(piece.lstrip())
            goes_on = start - previous[1] == 1 and (
                (width and _is_full(text, previous, (start, end), width))
                or start in prose
                or _hangs(text, found, previous, (start, end))
            )
            found.append((found.pop()[0] if goes_on and found else begin, begin + len(stripped)))
            previous = (start, end)
    return found


def _wrap_width(text: str, lines: list[Place]) -> int:
    """Characters at which the text's lines were wrapped, 0 where each line end is meant.

    They were wrapped when the first word of most next lines would not have fitted on the line before, and most of those
    next lines go on in lower case, where there is one: the lines of a list or a table stop short of it.
    """
    inner = [
        (a, b)
        for a, b in pairwise(lines)
        if b[0] - a[1] == 1 and text[slice(*a)].strip() and text[slice(*b)].strip() and not _ITEM.match(text, *b)
    ]
    if len(inner) < 3:
        return 0
    lengths = sorted(len(text[slice(*a)].rstrip()) for a, _ in inner)
    width = lengths[int(len(lengths) * 0.95)]
    full = [b for a, b in inner if _is_full(text, a, b, width)]
    cased = [c for c in (text[slice(*b)].lstrip()[0] for b in full) if c.lower() != c.upper()]
    flowing = 2 * sum(map(str.islower, cased)) >= len(cased)
    return width if width in _WIDTHS and flowing and len(full) >= 3 and 2 * len(full) >= len(inner) else 0


def _wrapped_prose(text: str, lines: list[Place]) -> set[int]:
    """Where lines begin that go on, of paragraphs among other lines: three lines or more, long, the next in lower case.

    The rules at the foot of a form: their few lines are all there is to tell a width by.
    """
    found: set[int] = set()
    block: list[Place] = []
    told = [line for line in lines if any(map(str.isalnum, text[slice(*line)]))]
    for line, following in pairwise([*told, (len(text) + 2, 0)]):
        block.append(line)
        if following[0] - line[1] == 1:
            continue
        width = max(len(text[slice(*one)].rstrip()) for one in block)
        pairs = list(pairwise(block))
        lower = all(text[slice(*b)].lstrip()[0].islower() for _, b in pairs)
        if len(pairs) > 1 and width >= _LONG and lower and all(_is_full(text, a, b, width) for a, b in pairs):
            found.update(b[0] for _, b in pairs)
        block = []
    return found


def _hangs(text: str, found: list[Place], line: Place, following: Place) -> bool:
    """Whether the following line goes on with an item or a field's value, under whose text it is set in."""
    if not found or _ITEM.match(text, *following):
        return False
    first = text.rfind("\n", 0, found[-1][0]) + 1  # where the line begins with which the item does
    item = _ITEM.match(text, first, found[-1][1]) or _FIELD.match(text, first, found[-1][1])
    piece = text[slice(*following)]
    under = item is not None and len(piece) - len(piece.lstrip()) == item.end() - first > 0
    return under and (piece.lstrip()[0].islower() or len(text[slice(*line)].rstrip()) >= _LONG)


def _is_full(text: str, line: Place, following: Place, width: int) -> bool:
    """Whether the first word of the following line would not have fitted on this one."""
    if _ITEM.match(text, *following):
        return False
    first = text[slice(*following)].split(maxsplit=1)[0]
    spaced = ord(first[0]) < 0x2E80  # Chinese and Japanese break anywhere
    return len(text[slice(*line)].rstrip()) + (1 + len(first) if spaced else 1) > width


def within(text: str, start: int, end: int, language: str = "en") -> list[Place]:
    """The sentences of one paragraph [start, end) of a text, whose line ends mean nothing, as places in the text."""
    paragraph = text[start:end]
    plain = paragraph.translate(_MASK)
    cuts: list[int] = []
    for boundary in get_sentence_boundaries(language, plain)[1:]:
        at = _behind_marks(plain, paragraph, boundary["start_index"])
        if not _goes_on(plain, cuts[-1] if cuts else 0, boundary["start_index"], language):
            cuts.append(at)
    found: list[Place] = []
    for a, b in pairwise([0, *cuts, len(paragraph)]):
        piece = paragraph[a:b]
        begin, stop = start + a + len(piece) - len(piece.lstrip()), start + a + len(piece.rstrip())
        if found and begin < stop and not any(map(str.isalnum, piece)):  # stray marks
            found[-1] = (found[-1][0], stop)
        elif begin < stop:
            found.append((begin, stop))
    return found


def _behind_marks(plain: str, paragraph: str, at: int) -> int:
    """Where the sentence before a cut ends: marks that stand right behind it close it."""
    while at and plain[at - 1].isspace():
        at -= 1
    while at < len(paragraph) and plain[at].isspace() and not paragraph[at].isspace():
        at += 1
    return at


def _goes_on(plain: str, start: int, at: int, language: str) -> bool:
    """Whether a cut that was proposed is none.

    So it is before a small letter, behind "Ms." and the French "M.", behind the number of an item or, before a noun,
    an ordinal ("18. Jahrhundert"), and before what no sentence begins with: the rest of "Mon.-Fri.", a number to call.
    """
    before, after = plain[max(start, at - 20) : at], plain[at : at + 9].lstrip()[:1]
    return bool(
        after.islower()
        or after == "+"
        or (plain[at : at + 1] == "-" and plain[at + 1 : at + 2].isalpha() and _is_short_name(before))
        or _ABBREVIATION.search(before[-8:])
        or (language == "fr" and _MONSIEUR.search(before))
        or (language in _NOUNS_IN_CAPITALS and _ORDINAL.search(before))
        or _NUMBER.fullmatch(before)
    )


def _is_short_name(before: str) -> bool:
    """Whether a text ends in a short name with a full stop, as that of a day or a month is ("Mon.")."""
    last = before.split()[-1:]
    return bool(last) and last[0][0].isupper() and len(last[0]) <= 6 and before.endswith(".")


def is_question(text: str) -> bool:
    """Whether a sentence asks: whether it ends in a question mark, in whatever script and marks."""
    return bool(_QUESTION.search(text[-10:]))


def quotes_question(text: str) -> bool:
    """Whether a sentence only quotes the question that it ends in: He asked: "Is she a spy?"."""
    return bool(_CLOSED.search(text[-10:]) and _OPENING.search(text))
