"""A model's text -> its sentences, each as soon as it is complete. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.language.english import LEAD_IN
from rag.language.sentences import Place, sentences

_WORD = re.compile(r"(?<!\S)\S*\s")
_MARKER = re.compile(r"(?<!\s)\s*\[(\d+)\]")
_LATE_MARKERS = re.compile(r"(?<![.!?…。！？।])([.!?…。！？।]+[\"'”’»)]*)((?:\s*\[\d+\])+)")
# Also tags, and the dates that stand behind the titles of the prompt.
_MARKUP = re.compile(r"\*\*|__|```\w*|</?[a-z]{1,10}>|(?<!\s)\s*\((?:undated|\d{4}-\d\d-\d\d)\)", re.I)
_NUMBER = re.compile(r"^(?:[-*•#>]+\s+)*\d{1,2}[.)]\s+")
_UNFINISHED = re.compile(r"(?::|…|\.\.\.)[\"'”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of a model, without markers, and the passages that it cites, counted from 0."""

    text: str
    cited: tuple[int, ...]


class Claims:
    """The sentences of a model's text, each given back once the next has begun.

    What only leads to a statement ("The passage adds that") is cut off. Empty, unfinished and repeated sentences are
    left out. The text is read word by word, so that the pieces in which it comes change nothing; what was given back
    is not looked at again.
    """

    def __init__(self) -> None:
        self._word = ""  # the last one, which may go on
        self._held = "\n"  # from behind the last sentence that is complete
        self._seen: set[str] = set()

    def feed(self, text: str, places: Sequence[int]) -> list[Claim]:
        """The sentences that are complete after this piece.

        Parameters
        ----------
        text : str
            With markers [1], [2] ...
        places : sequence of int
            What each marker stands for: `places[n - 1]` for [n].
        """
        text = self._word + text
        claims: list[Claim] = []
        at = 0
        for word in _WORD.finditer(text):
            at = word.end()
            self._held += word.group()
            if any(map(str.isalnum, word.group())):
                claims += self._complete(places)
        self._word = text[at:]
        return claims

    def close(self, places: Sequence[int]) -> list[Claim]:
        """What is left at the end."""
        text = _tidy(self._held + self._word)
        self._held = self._word = ""
        return self._claims(text, sentences(text), places)

    def _complete(self, places: Sequence[int]) -> list[Claim]:
        text = _tidy(self._held)
        *whole, last = sentences(text) or [(0, 0)]
        if not whole or not any(map(str.isalnum, _MARKER.sub("", text[slice(*last)]))):
            return []  # a marker behind a sentence is still part of it
        self._held = text[whole[-1][1] :]
        return self._claims(text, whole, places)

    def _claims(self, text: str, found: Sequence[Place], places: Sequence[int]) -> list[Claim]:
        claims = []
        before = 0
        for start, end in found:
            # Else the number is the sentence's own, as in "1. FC Köln".
            begins_line = "\n" in text[before:start]
            sentence = _NUMBER.sub("", text[start:end]) if begins_line else text[start:end]
            before = end
            numbers = [int(n) for n in _MARKER.findall(sentence)]
            cited = tuple(dict.fromkeys(places[n - 1] for n in numbers if 0 < n <= len(places)))
            plain = " ".join(LEAD_IN.sub("", _MARKER.sub("", sentence)).split())
            plain = plain[:1].upper() + plain[1:]
            key = plain.casefold()
            if any(map(str.isalpha, key)) and key not in self._seen and not _UNFINISHED.search(plain):
                self._seen.add(key)
                claims.append(Claim(plain, cited))
        return claims


def _tidy(text: str) -> str:
    """A text without marks of layout, its markers within the sentences that they follow."""
    return _LATE_MARKERS.sub(lambda late: "".join(late[2].split()) + late[1], _MARKUP.sub("", text))
