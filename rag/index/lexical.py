"""Lexical search: what to ask of SQLite's BM25 for a question, other spellings of names included."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from rapidfuzz import fuzz, process

from rag.language.text import MIN_NAME, WORD, content_words, same_name, sound_key, words

MAX_VARIANTS = 6  # other spellings of one word
TYPING_ERROR = 75  # rapidfuzz ratio, percent, from which a known word is looked at closer


class Vocabulary:
    """The words of the indexed articles, to find other spellings of a question's words.

    Names are matched by sound as well ("Khrenin" and "Jrenin" both occur and mean one man); other words only
    when the articles do not have them at all (typing errors).
    """

    def __init__(self, entries: Iterable[tuple[str, bool]]) -> None:
        """entries: (folded word, whether it is written with a capital wherever it occurs)."""
        self._is_name = dict(entries)
        self._words = list(self._is_name)
        self._by_sound: dict[str, list[str]] = {}
        for word, is_name in self._is_name.items():
            if is_name and len(word) >= MIN_NAME:
                self._by_sound.setdefault(sound_key(word), []).append(word)

    def variants(self, word: str) -> list[str]:
        """Other spellings of a folded word in the articles, best first."""
        known = word in self._is_name
        if len(word) < MIN_NAME or word.isdigit() or (known and not self._is_name[word]):
            return []
        near = {other for other in self._by_sound.get(sound_key(word), ()) if same_name(word, other)}
        if not known:
            found = process.extract(word, self._words, scorer=fuzz.ratio, score_cutoff=TYPING_ERROR, limit=10)
            near.update(other for other, _, _ in found if same_name(word, other))
        near.discard(word)
        return sorted(near, key=lambda other: (-fuzz.ratio(word, other), other))[:MAX_VARIANTS]


def names_and_words(text: str) -> dict[str, bool]:
    """Folded words of a text, each with whether it is written with a capital wherever it occurs."""
    entries: dict[str, bool] = {}
    for match in WORD.finditer(text):
        for word in words(match.group()):
            if word:
                entries[word] = entries.get(word, True) and match.group()[0].isupper()
    return entries


def match_expression(question: str, vocabulary: Vocabulary | None) -> str:
    """The FTS5 expression for a question: its content words and their spellings, any of them; "" for none."""
    asked = content_words(question) or words(question)
    spellings = [vocabulary.variants(word) for word in asked] if vocabulary else []
    terms = dict.fromkeys(chain(asked, *spellings))
    return " OR ".join(f'"{term}"' for term in terms if term)
