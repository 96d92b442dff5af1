"""Title, date and outlet of an article, by its own lines, its markup and its file's name.

Undated rather than wrong: a day in running text is background, or yet to come, and dates nothing. What dates an article
is a line that is there to do so (a byline, a dateline), what its format states, or its file's name; last, where
it writes no day with its year, days that it gives by weekday ("on Wednesday, July 3"), as writers do for days close by.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from rag.language.dates import date_of_name, is_month, is_weekday, stated_date, weekday_days, written_days
from rag.language.text import content_words, covered

_CLOSE = datetime.timedelta(days=31)  # between days that an article tells of as close by
_CHARACTERS = 100_000  # of a text in which dates are looked for
_HEAD = 600  # characters in which a byline may stand under its headline
_OPENING = 1500  # characters in which a line may date the article if no later year is named in it
_HEAD_LINES = 8
_LAST_LINES = 3
_LETTERHEAD = 5  # short lines at least
_SHORT_LINE = 60  # characters at most
_SALUTATION = 30  # characters at most of one among lines that may be wrapped
_BYLINE = re.compile(r"\W*(?:by|por|par|von)\b", re.IGNORECASE)
_WRITER = re.compile(rf"{_BYLINE.pattern}[^|·•–—]*[|·•–—]", re.IGNORECASE)
_FIELD = re.compile(r"[^\W\d][^:.!?\n]{0,30}:\s+\S")
_MARKUP = " \t\r*_#>~`|·•-–—,;:/\\"
_SEPARATED = re.compile(r"[,;|·•–—(\[/:-]\W*$")
_SMALL_WORD = re.compile(r",\s*\w{1,3}\s*$")  # Minsk, den 30. Juni
_SENTENCE_END = re.compile(r"(?<![.\s]\w)[.!?…。！？]\W*$")  # not that of "7 p.m."
_TIME = re.compile(  # at 10.30 a.m. GMT, and nothing behind it
    r",?(?: \w{1,3})? ?\d{1,2}[:.h]\d\d(?: ?[ap]\.?m\b\.?)?(?: [^\W\d]{1,4})?\s*(?=$|[|·•])", re.IGNORECASE
)
_UPDATE = re.compile(r"\s[—–-]\s[^\n]{1,30}$")  # 14 May 2024 – Updated 15 May 2024
_JOINED = re.compile(r"[ \t]*[—–-][ \t]*")
_DASH = re.compile(r"\s*(?:[—–]|-\s)\s*(?!\d)\S")
_OPEN_RANGE = re.compile(r"(?<![\w:.,/])\d{1,2}\w{0,2}\.?(?:\s+([^\W\d]+\.?))?\s*[—–-]\s*$")  # 5 – / 5 May –
_STOP = re.compile(r"(?:[.:]| \([^()\n]{2,30}\))\s+\S")  # 2024. The / 2024: The / 2024 (ANSA) The


class Facts(NamedTuple):
    """What is known of an article beside its text; `date` is ISO 8601."""

    title: str
    date: str | None
    outlet: str | None


class _Dateline(NamedTuple):
    """A line that holds a day and little else: what stands before and after it."""

    # "alone", "apart" (set off by a mark), "place", "label" (a few words first), "running" (a text follows behind a
    # dash) or "stopped" (behind another mark)
    kind: str
    line: int  # counts the lines that are not empty
    start: int
    before: str
    after: str
    day: datetime.date
    colon: bool
    part: bool  # of several days: a dash joins it to another, and it dates nothing


def describe(
    text: str,
    language: str,
    today: datetime.date,
    title: str = "",
    date: str = "",
    outlet: str = "",
    name: str = "",
    running: bool = True,
) -> Facts:
    """Title, date and outlet of a text.

    Parameters
    ----------
    text : str
        Without front matter.
    language : str
        ISO 639-1 code, "und" if unknown.
    today : datetime.date
        Later dates are not believed.
    title, date, outlet : str
        What the format states, "" where it states nothing; they go before what the text says.
    name : str
        The file's path below its folder.
    running : bool
        Whether it is running text: the days of a table are of what it tells of.
    """
    text = text[:_CHARACTERS]
    dateline = _dateline(text, language, today) if running else None
    return Facts(
        _tidy(title) or title_of_text(text, language, dateline.line if dateline else None),
        stated_date(date, today)
        or (dateline.day.isoformat() if dateline else None)
        or date_of_name(name, today, {day for _, _, day in written_days(text[:_OPENING], language)})
        or (_day_close_by(text, language, today) if running else None),
        _tidy(outlet) or (_outlet(dateline, text, language) if dateline else None) or None,
    )


# --- dates -----------------------------------------------------------------------------------------------------------


def _day_close_by(text: str, language: str, today: datetime.date) -> str | None:
    if written_days(text, language):  # minutes of a day name the next meeting by its weekday
        return None
    days = weekday_days(text, language, _years(text, today), today)
    close = bool(days) and max(days) - min(days) <= _CLOSE
    return max(days).isoformat() if close else None


def _years(text: str, today: datetime.date) -> set[int]:
    named = {int(year) for year in re.findall(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)", text)}
    return {year for year in named if year <= today.year}


def _dateline(text: str, language: str, today: datetime.date) -> _Dateline | None:
    """The line that dates the article: one of its first, or one of its last.

    A line of a chronology dates an entry: it is none if another of its kind carries a later day.
    """
    found = list(_datelines(text, language))
    form = _is_form(text)
    newest = max(_years(text, today), default=0)
    last = len(re.findall(r"^.*\S", text, re.MULTILINE)) - _LAST_LINES

    def dates_the_article(line: _Dateline) -> bool:
        if form and line.colon:
            return False
        least = 0 if line.kind == "stopped" else 1
        alike = [o for o in found if o.kind == line.kind and o.day != line.day and abs(o.line - line.line) > least]
        labelled = line.colon or line.kind == "label"  # Heard: … Decided: …
        # or Your letter of: … and below it the day of this one
        below = [
            o for o in found
            if labelled and o.line == line.line + 1 and (not o.colon or (o.colon, o.kind) == (line.colon, line.kind))
        ]  # fmt: skip
        if (labelled or ":" in line.before) and 2 * line.start > len(text):  # below the text: Next meeting: …
            return False
        if line.part or line.day > today or any(o.day > line.day for o in below):
            return False
        if any(o.day > line.day or o.line < line.line for o in alike):
            return False
        if line.kind in ("running", "stopped"):
            return line.start < _OPENING
        if line.line < _HEAD_LINES and line.start < _HEAD:
            return line.kind != "label" or line.line > 0 or _opens_with_label(text)
        heading = line.kind == "label" and not line.colon  # within the text: 3. Minutes of 12 June
        within = line.start < _OPENING and not heading
        return not alike and line.day.year >= newest and (within or line.line >= last)

    return next(filter(dates_the_article, found), None)


def _datelines(text: str, language: str) -> Iterator[_Dateline]:
    """Every line that holds a day and little else, and every paragraph that opens with a place and a day."""
    number = counted = 0
    days = written_days(text, language)
    previous = 0
    for (start, end, day), following in zip(days, [*(d.start for d in days[1:]), None], strict=False):
        joined = _JOINED.fullmatch(text[previous:start]) or _JOINED.fullmatch(text[end:following])
        previous = end
        first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        before, after = text[first:start], text[end : last if last >= 0 else len(text)]
        if following and following < end + len(after):  # Posted: 3 May 2021 | Updated: 4 May 2021
            after = re.split("[|·•]", after)[0]
        number += len(re.findall(r"^.*\S", text[counted:first], re.MULTILINE))
        counted = first
        opened = _OPEN_RANGE.search(before[-40:])
        if opened and (not opened[1] or is_month(opened[1], language)):
            joined, before = opened, before[: -len(opened[0])]
        if len(before) <= 120 and re.search(r"(?:^|[,)|])\s*$", before) and _DASH.match(after[:6]):
            kind = "running"
        elif len(before) <= 60 and _is_place(before) and _STOP.match(after[:40]):
            kind = "stopped"
        elif len(before) > 120 or len(after) > 60:
            continue
        else:
            update = _UPDATE.search(text[end:following]) if following else None
            after = after[: update.start()] if update else after
            kind = _kind(before, after, language)
        if kind:
            colon = before.rstrip(" *_").endswith(":")
            yield _Dateline(kind, number, start, _bare(before), _bare(after), day, colon, bool(joined))


def _is_place(before: str) -> bool:
    """Whether what stands before a day is nothing, or up to four words set off by a comma, none of them small."""
    words = before.split()
    return not words or (
        before.rstrip()[-1:] in (",", ")") and len(words) <= 4 and not any(w[0].islower() for w in words)
    )


def _bare(part: str) -> str:
    """What stands before or after a day, without marks that set it off."""
    return part.strip(_MARKUP).removeprefix(")").removeprefix("]").removesuffix("(").removesuffix("[").strip(_MARKUP)


def _kind(before: str, after: str, language: str) -> str:
    """The kind of line that has this before and after a day, "" for a line of running text."""
    time = _TIME.match(after)
    words, behind = _bare(before).split(), _bare(after[time.end() if time else 0 :]).split()
    if _SENTENCE_END.search(after) and (words or behind) and not before.rstrip(" *_").endswith(":"):
        signed = (
            len(words) <= 4 and after.strip() == "." and _SMALL_WORD.search(before)
        )  # En Tarsk, a 14 de mayo de 2021.
        return "place" if signed else ""
    if not words:
        first = after.lstrip(" *_")[:1]
        if behind and first in set("|·•/"):
            return "apart"
        return "alone" if len(behind) <= 3 and first not in set(":–—-") else "apart" if first == "," else ""
    if len(behind) > 3:
        return ""
    if _SEPARATED.search(before):
        return "apart"
    if _SMALL_WORD.search(before):
        return "place"
    writer = _WRITER.match(before)  # By Ilse Korn – published on
    label = _bare(before[writer.end() if writer else 0 :]).split()
    return "label" if sum(not is_weekday(word, language) for word in label) <= 3 else ""


def _is_form(text: str) -> bool:
    """Whether most of a text stands in short lines "Label: value", which date what it tells of."""
    lines = re.findall(r"\S[^\n]*", text)
    fields = [line for line in lines if len(line) <= _SHORT_LINE and _FIELD.match(line)]
    return len(fields) >= 3 and 2 * sum(map(len, fields)) > sum(map(len, lines))


def _opens_with_label(text: str) -> bool:
    """Whether a headline follows the first line, so that this one need not be it."""
    lines = _first_lines(text)
    return len(lines) > 1 and _is_headline(lines[1])


# --- titles and outlets ----------------------------------------------------------------------------------------------


def title_of_text(text: str, language: str = "und", dateline: int | None = None) -> str:
    """The headline, else the start of the first sentence.

    The line above the one that dates the article, whose number may be given, is its headline; without such a line, the
    first of the first three that has 4 words or more, half of them spelt out, and is no sentence; but the one above it
    that has fewer if the text has all of them, and most of the others not (an entry, and the handbook it is from). A
    letter has its subject, a ruling or a record all the lines that say whose it is.
    """
    if title := _subject(text) or _letterhead(text, language):
        return title
    lines = [line for number, line in enumerate(_first_lines(text)) if number != dateline]
    above = lines[: min(dateline or 0, 3)]
    for number, line in enumerate(lines[:3]):
        last = number == len(lines) - 1  # which is the text
        beside_row = _is_row(line) and any(map(_is_row, lines[number - 1 : number + 2 : 2]))
        if number and (last or beside_row or _is_beside_text(line, language)):
            continue
        bare = _undated(line, language).split()
        spelt = sum(any(map(str.isalpha, word)) for word in bare)
        if _is_headline(line) and len(bare) >= 4 and 2 * spelt >= len(bare):
            first = lines[0]
            named = number == 1 and _is_headline(first) and _taken_up(first, text) == 1 and _taken_up(line, text) <= 0.5
            return first if named else line
    if above and _is_headline(above[0]):
        return above[0]
    return _tidy((lines or _first_lines(text) or [""])[0], 90)


def _subject(text: str) -> str:
    """The line beside a letter's salutation, behind or above it; "" for what is no letter or has none.

    A salutation is a short line that ends in a comma, alone, above the text or with one line between.
    """
    opening = text[:_OPENING].strip()
    empty = re.search(r"\n\s*\n", opening)  # else a line is a paragraph, as formats tell them
    parts = [part.split("\n") for part in re.split(r"\n\s*\n" if empty else "\n", opening)]
    lines = [" ".join(part[0].split()) if len(part) == 1 else "" for part in parts]
    for n, line in enumerate(lines[:-1]):
        most = _SHORT_LINE if empty else _SALUTATION
        if not line.endswith((",", "，", "،")) or len(line) > most or n == 0:
            continue
        behind, above = lines[n + 1], lines[n - 1]
        if n + 2 < len(lines) and behind and behind[-1].isalnum() and len(behind) <= 150:
            return behind
        return above if len(above.split()) >= 4 and above[-1].isalnum() else ""
    return ""


def _letterhead(text: str, language: str) -> str:
    """The lines above the text joined, where they are many, one with a day, and none a headline; else ""."""
    lines = [line for part in text[:_OPENING].split("\n") if (line := " ".join(part.split()))]
    head = list(takewhile(lambda line: len(line) <= _SHORT_LINE, lines))
    kept = [line for line in head if not written_days(line, language)]
    plain = any(len(line.split()) >= 4 and not re.search(r"[\d:]", line) and not line.isupper() for line in kept[:3])
    if plain or not _LETTERHEAD <= len(head) < len(lines) or len(kept) == len(head):
        return ""
    title = kept[0] if kept else ""
    for line in kept[1:]:
        longer = f"{title}{'' if title[-1] in ',.:;-–—' else ','} {line}"
        if len(longer) > 200:
            break
        title = longer
    return title.rstrip(",:")


def _first_lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in re.findall(r"\S[^\n]*", text[:20_000])[: _HEAD_LINES + 1]]


def _is_headline(line: str) -> bool:
    return len(line) <= 150 and not line.endswith((".", "。", "।"))


def _is_beside_text(line: str, language: str) -> bool:
    """Whether a line is a byline, an item of a list, of a timetable or of a chronology, and so no headline."""
    days = written_days(line, language)
    dated = bool(days) and not any(map(str.isalpha, line[: days[0].start]))
    timed = is_weekday(line.split()[0].strip(_MARKUP), language) and re.search(r"\d", line)  # Monday to Friday 9 to 12
    return dated or bool(timed or _BYLINE.match(line) or re.match(r"[-–—•*·]\s|\W+\d", line))


def _is_row(line: str) -> bool:
    """Whether a line is a field of a form or begins with a figure: beside another such it is no headline."""
    return bool(_FIELD.match(line) or line[:1].isdigit())


def _taken_up(line: str, text: str) -> float:
    """Share of a headline's words that the paragraphs below have, too."""
    own = content_words(line)
    return covered(own, text.lstrip().partition("\n\n")[2]) if own else 0.0


def _undated(line: str, language: str) -> str:
    for start, end, _ in reversed(written_days(line, language)):
        line = line[:start] + line[end:]
    return line


def _outlet(line: _Dateline, text: str, language: str) -> str | None:
    """Who published the article, by the line that dates it; a place or a writer named there is none."""
    name = line.before or line.after
    if line.kind != "apart" or line.colon:
        return None
    if _BYLINE.match(name):
        name = _bare(name.partition(",")[2])
    *others, last = name.split() or [""]
    place = len(others) < 2 and text.count(name) > 1
    on_sunday = bool(others and last[0].isupper() and line.before and not line.after)  # Mail on Sunday, 14 May 2023
    meets = is_weekday(name, language) or (is_weekday(last, language) and not on_sunday)
    later = bool(written_days(name, language))  # 14 May 2023, updated 15 May 2023
    return None if place or meets or later or ":" in name or not any(map(str.isalpha, name)) else name


def _tidy(title: str, limit: int = 200) -> str:
    """`title` on one line; over `limit` characters its first sentence, else whole words and an ellipsis."""
    title = " ".join(title.split())
    if len(title) <= limit:
        return title
    sentence = re.match(rf".{{30,{limit - 1}}}?[.!?。！？](?=\s)", title)
    return sentence[0] if sentence else (title[:limit].rpartition(" ")[0] or title[:limit]).rstrip(" ,;:") + "…"
