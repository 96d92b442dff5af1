"""Other spellings of a question's words among the words of the articles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Protocol

from rapidfuzz import fuzz, process

from rag.language.text import MIN_NAME, WORD, content_words, may_be_misspelt, same_name, sound_key, words

MAX_VARIANTS = 6  # other spellings of one word
TYPING_ERROR = 75  # rapidfuzz ratio, percent, from which a known word is looked at closer


class Vocabulary(Protocol):
    """The folded words of the indexed articles. A name is what is written with a capital wherever it occurs."""

    def is_name(self, word: str) -> bool | None:
        """Whether a word is a name; None when the articles do not have it."""

    def sounding(self, key: str) -> Sequence[str]:
        """The words of a sound key (`rag.language.text.sound_key`)."""

    def resembling(self, word: str) -> Sequence[str]:
        """Words to look through for a typing error in this one: all, or those that begin with the same letter."""


class Words:
    """A Vocabulary in memory."""

    def __init__(self, entries: Iterable[tuple[str, bool]]) -> None:
        """entries: (folded word, whether it is a name) of each text, the same word any number of times."""
        self._is_name: dict[str, bool] = {}
        for word, is_name in entries:
            self._is_name[word] = is_name and self._is_name.get(word, True)
        self._words = list(self._is_name)
        self._by_sound: dict[str, list[str]] = {}
        for word in self._words:
            if len(word) >= MIN_NAME:
                self._by_sound.setdefault(sound_key(word), []).append(word)

    def is_name(self, word: str) -> bool | None:
        return self._is_name.get(word)

    def sounding(self, key: str) -> Sequence[str]:
        return self._by_sound.get(key, ())

    def resembling(self, word: str) -> Sequence[str]:
        return self._words


def names_and_words(text: str) -> dict[str, bool]:
    """Folded words of a text, each with whether it is written with a capital wherever it occurs."""
    entries: dict[str, bool] = {}
    for written in dict.fromkeys(WORD.findall(text)):
        for word in words(written):
            if word:
                entries[word] = entries.get(word, True) and written[0].isupper()
    return entries


def variants(word: str, vocabulary: Vocabulary) -> list[str]:
    """Other spellings of a folded word in the articles, best first.

    Names are matched by sound as well ("Khrenin" and "Jrenin" both occur and mean one man); other words only
    when the articles do not have them at all (typing errors).
    """
    is_name = vocabulary.is_name(word)
    if is_name is False or not may_be_misspelt(word):
        return []
    sounding = vocabulary.sounding(sound_key(word))
    near = {other for other in sounding if vocabulary.is_name(other) and same_name(word, other)}
    if is_name is None:
        choices = dict.fromkeys(chain(sounding, vocabulary.resembling(word)))
        found = process.extract(word, choices.keys(), scorer=fuzz.ratio, score_cutoff=TYPING_ERROR, limit=10)
        near.update(other for other, _, _ in found if same_name(word, other))
    near.discard(word)
    return sorted(near, key=lambda other: (-fuzz.ratio(word, other), other))[:MAX_VARIANTS]


def query_terms(question: str, vocabulary: Vocabulary | None) -> list[str]:
    """The words to look for: the question's content words, failing those all its words, and their spellings."""
    asked = content_words(question) or words(question)
    spellings = [variants(word, vocabulary) for word in asked] if vocabulary else []
    return [term for term in dict.fromkeys(chain(asked, *spellings)) if term]
