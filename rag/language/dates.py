"""The date that a text or its markup gives, as ISO 8601 "YYYY", "YYYY-MM" or "YYYY-MM-DD"."""

from __future__ import annotations

import datetime
import re

_DATE_CHARACTERS = 100_000


def _numbered(*groups: str) -> dict[str, int]:
    return {name: number for number, names in enumerate(groups) for name in names.split()}


_MONTHS = _numbered(
    "", "january jan enero janvier januar jänner", "february feb febrero février fevrier februar",
    "march mar marzo mars märz", "april apr abril avril", "may mayo mai", "june jun junio juin juni",
    "july jul julio juillet juli", "august aug agosto août aout", "september sept sep septiembre setiembre septembre",
    "october oct octubre octobre oktober", "november nov noviembre novembre",
    "december dec diciembre décembre decembre dezember",
)  # fmt: skip
_WEEKDAYS = _numbered(
    "monday lunes lundi montag", "tuesday martes mardi dienstag", "wednesday miércoles miercoles mercredi mittwoch",
    "thursday jueves jeudi donnerstag", "friday viernes vendredi freitag",
    "saturday sábado sabado samedi samstag sonnabend", "sunday domingo dimanche sonntag",
)  # fmt: skip
_MONTH, _WEEKDAY = (rf"(?:{'|'.join(sorted(names, key=len, reverse=True))})\b" for names in (_MONTHS, _WEEKDAYS))
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|º|\.)?"
_DAY_MONTH = rf"(?:{_DAY}\s+(?:of\s+|de\s+)?{_MONTH}|{_MONTH}\.?\s+{_DAY}(?!\w))"
FULL_DATE = re.compile(
    rf"(?<![\w/.-])(?:{_DAY_MONTH}\.?,?\s+(?:de\s+|del\s+)?\d{{4}}|\d{{4}}([-/])\d{{1,2}}\1\d{{1,2}}"
    r"|\d{1,2}([/.])\d{1,2}\2\d{4})(?![\d/])",
    re.IGNORECASE,
)
_WEEKDAY_DATE = re.compile(
    rf"\b({_WEEKDAY}),?\s+(?:(?:the|den|dem|le)\s+)?({_DAY_MONTH})(?!\.?,?\s+(?:del?\s+)?\d{{4}})", re.IGNORECASE
)
TOP = 300  # characters in which a line that is nothing but a date, or a name and a date, dates the article
_BYLINE = re.compile(r"\W*(?:(?:by|por|par|von)\b[^.!?:;]*)?\W*", re.IGNORECASE)
_LABEL = re.compile(r"\W*(?:last )?(?:published|updated|posted|date|publicado|actualizado|fecha|veröffentlicht|publié)",
                    re.IGNORECASE)  # fmt: skip


def date_of_text(text: str, today: datetime.date) -> str | None:
    """ISO date of the article by its own words, None where they give none.

    First a dateline: "Minsk (Belarus), 30 June 2023 —", a byline at the top, or a short line with a date in it, in the
    first 1,500 characters. Else the latest day that the text reports: a full date, unless the text names a later year
    (then the date is background), or "Wednesday, July 3" in the year that fits it. Nothing after `today` counts.
    """
    text = text[:_DATE_CHARACTERS]
    named = {int(year) for year in re.findall(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)", text)}
    named = {year for year in named if year <= today.year}
    newest = max(named, default=0)
    full = [(match, day) for match in FULL_DATE.finditer(text) if (day := _parse(match[0])) and day <= today]
    for match, day in full:
        if match.start() < 1500 and _is_dateline(text, match, day.year >= newest):
            return day.isoformat()
    days = [day for _, day in full if day.year >= newest] + _weekday_dates(text, named, today)
    return max(days).isoformat() if days else None


def _is_dateline(text: str, match: re.Match[str], newest: bool) -> bool:
    start = text.rfind("\n", 0, match.start()) + 1
    line = text[start : match.end() + 200].split("\n")[0].strip()
    before, after = text[start : match.start()], text[match.end() : match.end() + 6]
    if len(before) <= 120 and re.search(r"(?:^|[,)|])\s*$", before) and re.match(r"\s*(?:[—–]|-\s)\s*(?!\d)\S", after):
        return True
    if len(line) - len(match[0]) > 60:
        return False
    rest = line.replace(match[0], "", 1)
    return bool(
        _LABEL.match(line) or (start < TOP and _BYLINE.fullmatch(rest)) or (newest and line[-1] not in ".!?:;…")
    )


def _weekday_dates(text: str, named: set[int], today: datetime.date) -> list[datetime.date]:
    """The days that the text gives by weekday, month and day, all in the one year that fits them best.

    Among the years that fit equally many, one that the text names comes first, then the most recent; a year's
    pattern of weekdays comes back after 5, 6 or 11 years, so the year is a good guess for recent articles alone.
    """
    given = {(_WEEKDAYS[match[1].lower()], match[2]) for match in _WEEKDAY_DATE.finditer(text)}
    fitting: dict[int, list[datetime.date]] = {}
    for year in range(today.year, today.year - 28, -1):
        days = [(weekday, _parse(f"{day} {year}")) for weekday, day in given]
        fits = [day for weekday, day in days if day and day.weekday() == weekday]
        fitting[year] = fits if any(day <= today for day in fits) else []
    year = max(fitting, key=lambda year: (len(fitting[year]), year in named, year))
    return [day for day in fitting[year] if day <= today]


def _parse(written: str) -> datetime.date | None:
    """The day that a match of `FULL_DATE` means; None if impossible, or if day and month could be exchanged."""
    numbers = [int(number) for number in re.findall(r"\d+", written)]
    month = next((_MONTHS[word] for word in re.findall(r"[^\W\d]+", written.lower()) if word in _MONTHS), 0)
    if month:
        day, year = numbers
    elif numbers[0] > 31:
        year, month, day = numbers
    else:
        (day, month, year) = numbers if numbers[0] > 12 else (numbers[1], numbers[0], numbers[2])
        if day <= 12 and day != month:
            return None
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def stated_date(value: str, today: datetime.date) -> str | None:
    """ISO date of a metadata field ("2023", "2023-06", "2023-06-30T10:00Z", "June 30, 2023")."""
    iso = re.match(r"\d{4}(?:-\d\d){0,2}(?=$|[T\s])", value)
    if iso:
        first = iso[0] + "-01-01"[len(iso[0]) - 4 :] if len(iso[0]) < 10 else iso[0]
        written = _parse(first)
        return iso[0] if written and written <= today else None
    match = FULL_DATE.search(value)
    written = _parse(match[0]) if match else None
    return written.isoformat() if written and written <= today else None
