"""What a sentence states that can be checked word by word: numbers, dates, negations. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.language.clauses import word_set
from rag.language.text import STOPWORDS, WORD, fold, words

_UNITS = {
    word: number
    for number, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        )
    )
}  # fmt: skip
_DECADES = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TENS = {word: 10 * number for number, word in enumerate(_DECADES, start=2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
_ORDINALS |= {f"{word}th": number for word, number in _UNITS.items() if word not in ("five", "eight", "nine", "twelve")}
_ORDINALS |= {f"{word[:-1]}ieth": number for word, number in _TENS.items()}
_ORDINALS |= {f"{word}th": number for word, number in _SCALES.items()}
_FIGURE = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|(?<!\w)\d+(?:\.\d+)?(?=\b|st\b|nd\b|rd\b|th\b)")
_VAGUE = {"one", "first", "second", "zero"}  # a pronoun, an order, a moment

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march", "april apr", "may", "june jun", "july jul", "august aug",
            "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = rf"(?:{'|'.join(sorted(map(str.capitalize, _MONTHS), key=len, reverse=True))})\b\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"\b{_DAY} (?:of )?({_MONTH})|\b({_MONTH}) (?:the )?{_DAY}(?![\d,]\d)|\b\d{{4}}-(\d\d)-(\d\d)\b|\b({_MONTH})"
)
_NEGATORS = word_set("not no never without neither nor none nobody nothing cannot hardly denied denies deny")
_SCOPE = 3  # content words after a negator that it may speak of


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states that can be checked.

    Attributes
    ----------
    numbers : frozenset of str
        Plain decimal ("80" of "80th", "eighty" and "eightieth"; "5000" of "5,000"); years among them.
    dates : frozenset of str
        "06-30" of "30 June" and "June 30", "06" of a month alone, "wednesday" of a weekday.
    negated : frozenset of str
        Folded content words that stand shortly after a negation.
    """

    numbers: frozenset[str]
    dates: frozenset[str]
    negated: frozenset[str]

    @property
    def weekdays(self) -> frozenset[str]:
        """The weekdays of the dates, which contradict no day of a month."""
        return self.dates.intersection(_WEEKDAYS)

    @property
    def days(self) -> frozenset[str]:
        """The dates that are no weekdays."""
        return self.dates.difference(_WEEKDAYS)


@lru_cache(maxsize=4096)
def facts(text: str) -> Facts:
    """The facts of a text."""
    dates: set[str] = set()

    def date(match: re.Match[str]) -> str:
        day, month, month2, day2, iso_month, iso_day, alone = match.groups()
        if iso_month:
            dates.add(f"{iso_month}-{iso_day}")
            return f"{match.group()[:4]} "  # the year stays a number
        number = _MONTHS[(month or month2 or alone).rstrip(".").lower()]
        dates.add(f"{number:02d}-{int(day or day2):02d}" if day or day2 else f"{number:02d}")
        return " "

    rest = _DATE.sub(date, text)
    low = words(text)
    dates |= {weekday for weekday in _WEEKDAYS if weekday in low}
    return Facts(frozenset(_numbers(rest)), frozenset(dates), frozenset(negated(text)))


def _numbers(text: str) -> Iterator[str]:
    """Numbers in figures and in words, normalised."""
    for match in _FIGURE.finditer(text):
        value = float(match.group().replace(",", ""))
        after = text[match.end() :].split(maxsplit=1)[:1]
        scale = _SCALES.get(after[0].strip(".,;").lower(), 1) if after else 1
        yield f"{value * scale:.10g}"
    total = current = 0
    parts: list[str] = []
    for word in [*re.findall(r"[a-z]+", fold(text)), ""]:
        value_ = _UNITS.get(word, _TENS.get(word, _ORDINALS.get(word)))
        if value_ is not None and word not in _SCALES:
            # "twenty two" is one number, "two, three" and "nineteen eighty" are two.
            if parts and parts[-1] not in _SCALES and not (parts[-1] in _TENS and value_ < 10):
                yield from _told(parts, total + current)
                total, current, parts = 0, 0, []
            current += value_
            parts.append(word)
        elif word in _SCALES and parts:
            if word == "hundred":
                current *= 100
            else:
                total, current = total + current * _SCALES[word], 0
            parts.append(word)
        elif not (word == "and" and parts and parts[-1] in _SCALES):
            yield from _told(parts, total + current)
            total, current, parts = 0, 0, []


def _told(parts: Sequence[str], value: int) -> Iterator[str]:
    """What number words are worth, where they are a number."""
    if parts and not (len(parts) == 1 and parts[0] in _VAGUE):
        yield str(value)


def negated(text: str) -> Iterator[str]:
    """Folded content words that stand within three content words after a negation, in the same clause."""
    left = 0
    last = 0
    for match in WORD.finditer(text):
        if re.search(r"[.;:!?]", text[last : match.start()]):
            left = 0
        last = match.end()
        word = fold(match.group()).replace("’", "'")
        if word in _NEGATORS or word.endswith("n't"):
            left = _SCOPE
        elif left and word not in STOPWORDS:
            left -= 1
            yield from words(match.group())
