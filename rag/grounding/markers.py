"""Keys in a model's text -> markers [1], [2], while it streams."""

from __future__ import annotations

import re
from collections.abc import Iterable

import regex  # which says of an unfinished text whether it may still become a match

WINDOW = 400
"""Characters that a marker may take in the model's text, fences and lists of keys included."""

_OPEN, _CLOSE = "[\\[【［〔⟦]", "[\\]】］〕⟧]"
# Behind a letter only a whole key: "cite-" also ends the first half of "anthracite-fired".
_KEY = r"(?:(?<![^\W_])(?:cite-[0-9A-Za-z_-]{0,200}+|cite[0-9A-Fa-f]{8}(?!\w))|cite-[0-9A-Fa-f]{8})"
_ITEM = rf"(?:<?/?{_KEY}>?|[0-9A-Fa-f]{{8}}(?!\w)|\d{{1,2}}+(?!\w))"
_LABEL = r"(?:(?:see|sources?|passages?|articles?|keys?|ids?|refs?|references?|citations?)\b\s{0,3}+[:#]?\s{0,3}+)?+"
_BETWEEN = r"(?:[\s,;|/&+^#]|and\b){0,6}+"
_GROUP = (
    rf"{_OPEN}{{1,6}}+\s{{0,3}}+[\^#@]?{_LABEL}(?:{_ITEM}(?:{_BETWEEN}{_LABEL}{_ITEM}){{0,24}}"
    rf"(?:†[^\]】\n]{{0,30}}+)?\s{{0,3}}+|{_KEY}[^\[\]【】\n]{{0,80}}+){_CLOSE}{{1,6}}+(?:\([^()\s]{{0,120}}+\))?+"
)
_CITED = rf"(?:{_GROUP}|{_KEY})"
_MARKER = regex.compile(
    rf"`{{1,3}}+(?:[a-z]{{0,10}}+\n)?\s{{0,3}}+(?:{_GROUP}\s{{0,3}}+){{1,4}}+`{{1,3}}+"
    rf"|{_GROUP}"
    rf"|\(\s{{0,3}}+{_LABEL}{_CITED}(?:[\s,;&]{{0,4}}+{_CITED}){{0,8}}+\s{{0,3}}+\)"
    rf"|</?{_KEY}>?|{_KEY}",
    regex.IGNORECASE,
)
_REST = regex.compile(rf"{_CLOSE}*+(?:\([^()\s]*+\))?+")
"""What may still follow a marker and belong to it: further brackets, and the address of a link."""
_BEGIN = regex.compile(rf"`|\(|<|{_OPEN}|cite", regex.IGNORECASE)
_KEYS = re.compile(r"cite-?([0-9A-Za-z_-]{0,200}+)|(?<![\w-])([0-9A-Fa-f]{8})(?!\w)", re.IGNORECASE)
_JOINER = "\u2060"


class Markers:
    """A parser that is fed pieces of text and gives back what may be shown already.

    A marker [n] in what comes back always stands for a key that was given; `cited[n - 1]` is that key. Whatever
    else looks like a key or a marker is left out, and a bracket of the text's own is kept apart from a
    figure after it by a word joiner. How the text is cut into pieces changes nothing. What cannot become part of a
    marker any more is given back at once. Time is linear: from each place at which a marker may begin, at most
    `WINDOW` characters are looked at.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        """`keys` are those of the passages."""
        self._keys = {key.lower().removeprefix("cite-"): key for key in keys}
        self.cited: list[str] = []
        self._behind = ""  # the character before what is held
        self._held = ""
        self._markers_last = ""  # that end what was given back so far
        self._tail = ""  # the last character given back
        self._dropped = False  # whether something was left out since

    def feed(self, text: str) -> str:
        """What may be shown after this piece."""
        return self._read(self._held + text, closed=False)

    def close(self) -> str:
        """What is left at the end."""
        return self._read(self._held, closed=True)

    def _read(self, text: str, closed: bool) -> str:
        at, text = len(self._behind), self._behind + text
        made: list[str] = []
        while at < len(text):
            begin = _BEGIN.search(text, at, partial=not closed)
            safe = begin.start() if begin else len(text)
            if safe > at:
                made.append(self._plain(text[at:safe]))
                at = safe
            if not begin or begin.partial:  # the last characters may be the start of "cite"
                break
            more = not closed and len(text) - at < WINDOW
            match = _MARKER.match(text, at, at + WINDOW, partial=more)
            if more and match and (match.partial or _REST.fullmatch(text, match.end(), partial=True)):
                break
            if match:
                made.append(self._shown(match.group()))
                at = match.end()
            else:
                made.append(self._plain(text[at]))
                at += 1
        self._behind, self._held = text[at - 1 : at], text[at:]
        return "".join(made)

    def _plain(self, text: str) -> str:
        first, joint = text[0], ""
        if self._tail and re.match(_OPEN, self._tail) and first.isdigit():
            joint = _JOINER
        elif self._dropped and (self._tail + first).replace("-", "x").isalnum():
            joint = " "  # two halves of a word, or of a key, must not meet
        if text.strip():
            self._markers_last = ""
        self._dropped, self._tail = False, text[-1]
        return joint + text

    def _shown(self, found: str) -> str:
        numbers: list[int] = []
        for match in _KEYS.finditer(found):
            key = self._keys.get((match[1] or match[2] or "").lower())
            if key is None:
                continue
            if key not in self.cited:
                self.cited.append(key)
            numbers.append(self.cited.index(key) + 1)
        shown = [f"[{number}]" for number in dict.fromkeys(numbers) if f"[{number}]" not in self._markers_last]
        if shown:
            self._markers_last += "".join(shown)
            self._tail = "]"
        else:
            self._dropped = True
        return "".join(shown)
