"""Days that a text writes out, in the languages people publish in most and in its own. Pure functions.

The names of months and weekdays and the order of day and month are Unicode's (CLDR, through Babel). What finds them is
our own: dateparser's search takes a second for an article of 2,000 characters and finds "We" and "about five weeks" in
it; its parser reads 28 of 30 ways to write a day in 20 languages, as this one does, but must be told where they stand.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

LANGUAGES = ("en", "zh", "es", "hi", "fr", "ar", "bn", "pt", "ru", "de", "ja", "it", "ko", "id", "tr", "nl", "pl", "uk")
"""Languages whose months are known in any text (ISO 639-1); a text's own comes on top."""

_LETTER = r"[^\W\d_]"
_DAY = rf"\d{{1,2}}(?:{_LETTER}{{1,3}}|[º°.])?"  # 3, 3rd, 1er, 3º, 30.
_SMALL_WORD = rf"(?:{_LETTER}{{1,3}}\.?\s+)?"  # of, de, del
_YEAR = re.compile(r"\d{4}|\d\d[/.]\d\d[/.]\d\d")
_NUMBERS = (
    r"(?<![\w/.-])\d{4}([-/.])\d{1,2}\1\d{1,2}(?![\d/]|[.-]\d)",
    r"(?<![\w/.-])\d{1,2}([-/.])\d{1,2}\2\d{4}(?![\d/]|[.-]\d)",
    r"(?<![\w/.-])\d{4}\.\s\d{1,2}\.\s\d{1,2}(?![\d/]|[.-]\d)\.?",
    r"(?<![\w/.-])\d{1,2}\.\s\d{1,2}\.\s\d{4}(?![\d/]|[.-]\d)",
    r"(?<!\d)\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일]",
)
_SHORT = r"(?<![^\n])\d\d(?P<mark>[/.])\d\d(?P=mark)\d\d(?=\s*$)"  # alone on its line: within one it may be anything


class WrittenDay(NamedTuple):
    """A day with its year, written at [start, end) of a text."""

    start: int
    end: int
    day: datetime.date


class _Calendar(NamedTuple):
    months: dict[str, int]
    weekdays: dict[str, int]
    short_weekdays: dict[str, int]  # and whole ones
    full: re.Pattern[str]
    weekday: re.Pattern[str]
    day_first: bool | None


@lru_cache(maxsize=128)
def _calendar(language: str) -> _Calendar:
    """Names, patterns and the order of numbers for texts in a language (ISO 639-1)."""
    from babel import Locale, UnknownLocaleError

    months: dict[str, int] = {}
    weekdays: dict[str, int] = {}
    short_weekdays: dict[str, int] = {}
    day_first = None
    numbers: tuple[str, ...] = _NUMBERS
    for code in dict.fromkeys((language, *LANGUAGES, "en_GB")):  # there "Sept", elsewhere "Sep"
        try:
            locale = Locale.parse(code)
        except (UnknownLocaleError, ValueError):
            continue
        widths = ("wide", "abbreviated") if code in (language, "en", "en_GB") else ("wide",)
        for width in ("wide", "abbreviated"):
            _add(short_weekdays, locale.days["format"][width])
        for form in ("format", "stand-alone"):
            for width in widths:
                _add(months, locale.months[form].get(width, {}))
                _add(weekdays, locale.days[form].get(width, {}) if width == "wide" else {})
        if code == language != "und":
            short = locale.date_formats["short"].pattern
            year_first = short.startswith("y")
            numbers = _NUMBERS if year_first else (*_NUMBERS, _SHORT)
            either = year_first or code == "en"  # English is written in either order
            day_first = None if either else short.index("d") < short.index("M")
    month, weekday = _any_of(months), _any_of(weekdays)
    day_month = rf"(?:{_DAY}\s+{_SMALL_WORD}(?:{month})|(?:{month})\.?\s+{_DAY}(?!\w))"
    written = rf"(?<![\w/.-]){day_month}\.?[,،]?\s+{_SMALL_WORD}\d{{4}}(?![\d/])"
    hyphened = rf"(?<![\w/.-])\d{{1,2}}-(?:{month})-\d{{4}}(?![\d/-])"
    return _Calendar(
        months,
        weekdays,
        short_weekdays,
        re.compile("|".join((*numbers, written, hyphened)), re.IGNORECASE),
        re.compile(
            rf"(?<!\w)({weekday}),?\s+{_SMALL_WORD}({day_month})(?!\.?,?\s+{_SMALL_WORD}\d{{4}})", re.IGNORECASE
        ),
        day_first,
    )


def is_weekday(name: str, language: str = "en") -> bool:
    """Whether a word is a day of the week, whole or short ("Friday", "Fri.")."""
    return name.rstrip(".").casefold() in _calendar(language).short_weekdays


def is_month(name: str, language: str = "en") -> bool:
    """Whether a word is a month, whole or short ("June", "Sept.")."""
    return name.rstrip(".").casefold() in _calendar(language).months


def _add(names: dict[str, int], given: dict[int, str]) -> None:
    for number, name in given.items():
        name = name.rstrip(".").casefold()
        if len(name) >= 3 and name[0].isalpha():
            names.setdefault(name, number)


def _any_of(names: dict[str, int]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    patterns = (re.sub(r" (?=\d$)", " 0?", re.escape(name)) for name in longest_first)  # tháng 3, tháng 03
    return "|".join(rf"{pattern}(?![^\W_])" for pattern in patterns)


def written_days(text: str, language: str = "en") -> list[WrittenDay]:
    """Every day that a text writes with its year, in order.

    Where day and month could be exchanged ("05/06/2023"), the text's other dates tell which is which, then dots, which
    come with the day in front, then the language; a date that stays open is left out. So is one that never was.
    """
    calendar = _calendar(language)
    found = [
        (match.start(), match.end(), match[0])
        for line in re.finditer(r"[^\n]+", text)
        if _YEAR.search(text, *line.span())  # a thousand times faster to look for
        for match in calendar.full.finditer(text, *line.span())
    ]
    day_first = _order([written for _, _, written in found], calendar.day_first)
    days = ((start, end, _day(written, calendar.months, day_first)) for start, end, written in found)
    return [WrittenDay(start, end, day) for start, end, day in days if day]


def _order(written: list[str], usual: bool | None) -> bool | None:
    """Whether the day comes before the month in dates of three numbers; None when nothing tells."""
    firsts = [tuple(map(int, re.findall(r"\d+", date)[:2])) for date in written if re.fullmatch(r"[\d/-]{8,10}", date)]
    day_first, month_first = any(a > 12 >= b and a < 32 for a, b in firsts), any(b > 12 >= a for a, b in firsts)
    return usual if day_first == month_first else day_first


def _day(written: str, months: dict[str, int], day_first: bool | None) -> datetime.date | None:
    """The day that a match means, None if it is impossible or open."""
    numbers = [int(number) for number in re.findall(r"\d+", written)]
    if len(numbers) == 2:
        day, year = numbers
        folded = written.casefold()
        month = months.get(max((name for name in months if name in folded), key=len, default=""), 0)
    elif numbers[0] > 31:
        year, month, day = numbers
    else:
        first, second, year = numbers
        if first <= 12 and second <= 12 and first != second:
            day_first = True if "." in written else day_first
            if day_first is None:
                return None
        else:
            day_first = first > 12
        day, month = (first, second) if day_first else (second, first)
    if year < 100:
        year += 1900 if year > 68 else 2000  # as POSIX has it
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def weekday_days(text: str, language: str, named: set[int], today: datetime.date) -> list[datetime.date]:
    """The days that a text gives by weekday, month and day, all in the one year that fits them best, up to `today`.

    It is one of the years that the text names (`named`), if it names any, and of those that fit equally many the most
    recent. A year's pattern of weekdays comes back after 5, 6 or 11 years: a good guess for recent articles alone.
    """
    calendar = _calendar(language)
    given = {(calendar.weekdays[match[1].casefold()], match[2]) for match in calendar.weekday.finditer(text)}
    fitting: dict[int, list[datetime.date]] = {}
    for year in sorted(named) or range(today.year - 27, today.year + 1):
        days = [(weekday, _day(f"{day} {year}", calendar.months, None)) for weekday, day in given]
        fits = [day for weekday, day in days if day and day.weekday() == weekday]
        fitting[year] = fits if any(day <= today for day in fits) else []
    year = max(fitting, key=lambda year: (len(fitting[year]), year))
    return [day for day in fitting[year] if day <= today]


_ISO = re.compile(r"\d{4}(?:-\d\d){0,2}(?=$|[T\s])")
_COMPACT = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)(?!\d{1,5}$)")  # 20230630, PDF's D:20230630080000Z


def stated_date(value: str, today: datetime.date) -> str | None:
    """ISO date of a metadata field ("2023", "2023-06", "2023-06-30T10:00Z", "D:20230630", "June 30, 2023").

    None when the field holds none, one that never was, or one after `today`.
    """
    value = value.strip()
    iso, compact = _ISO.match(value), _COMPACT.match(value)
    given = iso[0] if iso else "-".join(compact.groups()) if compact else ""
    if given:
        day = _day(given + "-01-01"[len(given) - 4 :] if len(given) < 10 else given, {}, None)
    else:
        given, day = next(((d.day.isoformat(), d.day) for d in written_days(value)), ("", None))
    return given if day and day <= today else None


_IN_NAME = re.compile(r"(?<![^\W_])((?:19|20)\d\d)([-_./]?)(0\d|1[0-2])\2([0-3]\d)(?!\d|[^\W\dT_])")
_MONTH_OF_NAME = re.compile(r"(?:.*/)?((?:19|20)\d\d)[-_](0[1-9]|1[0-2])(?=[-_ ][^\W\d]|\.\w+$)")


_EITHER_ORDER = re.compile(r"(?<!\d)(\d{1,2})-(\d{1,2})-((?:19|20)\d\d)(?!\d)")


def date_of_name(name: str, today: datetime.date, told: Collection[datetime.date] = frozenset()) -> str | None:
    """ISO date in a file's path, year first ("2023-06-30-visit.txt", "20230630_visit.txt", "2023/06/30/visit.txt").

    In the file's own name, day or month first as well if nothing else can be meant ("30-06-2023 visit.txt", "Visit 3
    July 2023.txt"), or if one alone of both is among the days that its text has `told` ("Minutes 12-06-2023.txt"). Of a
    file whose name begins so and goes on in letters the month will do ("2023-06-visit.pdf").
    """
    own = name.rfind("/") + 1
    found = [(one.start(), _day(f"{one[1]}-{one[3]}-{one[4]}", {}, None)) for one in _IN_NAME.finditer(name)]
    words = re.sub(r"(?<=\d)[._-](?=\d)", "-", name[own:].rpartition(".")[0])
    written = [day for _, _, day in written_days(re.sub(r"(?<!\d)[._-]|[._-](?!\d)", " ", words))]
    orders = [(year, *order) for a, b, year in _EITHER_ORDER.findall(words) for order in ((a, b), (b, a))]
    meant = {_day("-".join(order), {}, None) for order in orders}
    written = written or [day for day in told if day in meant]
    # the file's own name knows better than the folders above it
    first = [day for start, day in found if start >= own][:1] or (written if len(written) == 1 else [])
    if days := first or [day for _, day in found][-1:]:
        return days[0].isoformat() if days[0] and days[0] <= today else None
    match = _MONTH_OF_NAME.match(name)
    month = "-".join(match.groups()) if match else ""
    return month if match and month <= today.isoformat() else None
