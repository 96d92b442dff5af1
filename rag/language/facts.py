"""What a sentence states that can be checked word by word: numbers and dates. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.language.english import LETTERS, MONTHS, ORDINALS, SCALES, TENS, UNITS, VAGUE, WEEKDAYS
from rag.language.text import fold, words

# Three digits behind a comma, a point or a space are thousands (two and three in India), one or two decimals; a decade
# ("1990s") is no figure.
_FIGURE = re.compile(
    r"(?:(?<![\w.,])(?P<whole>[1-9]\d{0,2}(?:,\d\d)*(?P<mark>[,. ])\d{3}(?:(?P=mark)\d{3})*)"
    r"(?P<rest>(?!(?P=mark))[.,]\d+)?(?!\d)"
    r"|(?<!\w)\d++(?:\.\d++|,\d\d?(?!\d))?+(?!s\b))(?= ?(?P<unit>[^\W\d_]*))"
)
_YEARS = re.compile(r"\b((?:19|20)\d\d)[-–/](\d\d)\b(?!-\d)")  # 2023-24; "2023-06" is a month
_MONTH = rf"(?:{'|'.join(sorted(map(str.capitalize, MONTHS), key=len, reverse=True))})\b\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"\b{_DAY} (?:of )?({_MONTH})|\b({_MONTH}) (?:the )?{_DAY}(?!,?\d)|\b\d{{4}}-(\d\d)-(\d\d)\b|\b({_MONTH})"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states that can be checked.

    Attributes
    ----------
    numbers : frozenset of str
        Plain decimal ("80" of "80th", "eighty" and "eightieth"; "5000" of "5,000", "5 000" and "5.000"); years among
        them. Of "2.5m" both that it may mean.
    dates : frozenset of str
        "06-30" of "30 June" and "June 30", "06" of a month alone, "wednesday" of a weekday.
    """

    numbers: frozenset[str]
    dates: frozenset[str]

    @property
    def weekdays(self) -> frozenset[str]:
        """The weekdays of the dates, which contradict no day of a month."""
        return self.dates.intersection(WEEKDAYS)

    @property
    def days(self) -> frozenset[str]:
        """The dates that are no weekdays."""
        return self.dates.difference(WEEKDAYS)


@lru_cache(maxsize=4096)
def facts(text: str) -> Facts:
    """The facts of a text."""
    text = " ".join(text.split())
    dates: set[str] = set()

    def date(match: re.Match[str]) -> str:
        day, month, month2, day2, iso_month, iso_day, alone = match.groups()
        if iso_month:
            dates.add(f"{iso_month}-{iso_day}")
            return f"{match.group()[:4]} "  # the year stays a number
        number = MONTHS[(month or month2 or alone).rstrip(".").lower()]
        dates.add(f"{number:02d}-{int(day or day2):02d}" if day or day2 else f"{number:02d}")
        return " "

    rest = _DATE.sub(date, text)
    low = words(text)
    dates |= {weekday for weekday in WEEKDAYS if weekday in low}
    return Facts(frozenset(_numbers(rest)), frozenset(dates))


def contradict(left: str, right: str) -> bool:
    """Whether both give figures or days of which neither holds the other's."""
    a, b = facts(left), facts(right)
    if a.numbers and b.numbers and not (a.numbers <= b.numbers or b.numbers <= a.numbers):
        return True
    for days, others in ((a.days, b.days), (a.weekdays, b.weekdays)):
        # "03" is a month, "03-12" a day in it
        if days and others and not any(x.startswith(y) or y.startswith(x) for x in days for y in others):
            return True
    return False


def _numbers(text: str) -> Iterator[str]:
    """Numbers in figures and in words, normalised."""
    text = _YEARS.sub(lambda years: f"{years[1]} {years[1][:2] if years[2] > years[1][2:] else ''}{years[2]}", text)
    for match in _FIGURE.finditer(text):
        unit = match["unit"].lower()
        scale = SCALES.get(unit, LETTERS.get(unit, 1))
        figure = match.group()
        if match["mark"] and not (unit in SCALES and re.fullmatch(r"\d+\.\d+", figure)):  # "1.125 million" has a point
            figure = re.sub(r"[,. ]", "", match["whole"]) + (match["rest"] or "")
        value = float(figure.replace(",", "."))
        yield f"{value * scale:.15g}"
        if unit in LETTERS and not text[: match.start()].endswith(("$", "£", "€", "¥")):
            yield f"{value:.15g}"
    total = current = 0
    parts: list[str] = []
    for word in [*re.findall(r"[a-z]+", fold(text)), ""]:
        value_ = 1 if word == "a" and not parts else UNITS.get(word, TENS.get(word, ORDINALS.get(word)))
        if value_ is not None and word not in SCALES:
            # "twenty two" is one number, "two, three" and "nineteen eighty" are two.
            if parts and parts[-1] not in SCALES and not (parts[-1] in TENS and value_ < 10):
                yield from _told(parts, total + current)
                total, current, parts = 0, 0, []
            current += value_
            parts.append(word)
        elif word in SCALES and parts:
            if word == "hundred":
                current *= 100
            else:
                total, current = total + current * SCALES[word], 0
            parts.append(word)
        elif not (word == "and" and parts and parts[-1] in SCALES):
            yield from _told(parts, total + current)
            total, current, parts = 0, 0, []


def _told(parts: Sequence[str], value: int) -> Iterator[str]:
    """What number words are worth, where they are a number."""
    if parts and len(parts) > (2 if parts[0] == "a" else parts[0] in VAGUE):  # "half a million", "one"
        yield str(value)
