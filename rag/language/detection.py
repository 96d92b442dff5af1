"""The language of a text, and how sure that is, by py3langid. Pure functions."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

UNDETERMINED = "und"
LEARNED = ("en",)
"""Languages that the project's readers were trained on, and whose spelling and endings its rules know."""
_CHARACTERS = 5000  # that tell a language
_LETTERS = 16  # fewer tell none: of 113 English sentences of 8 to 15 four are taken for others, of 192 of 16 to 23 one
_CERTAIN = 0.4
"""Below, tables of names and codes are taken for a rare language; prose is above, nearest to it where two languages are
nearly one (Croatian and Bosnian)."""


def language_of(text: str) -> str:
    """ISO 639 code of a text's language; "und" for fewer than 16 letters, mostly Latin, and for codes and numbers."""
    sample = text[:_CHARACTERS]
    letters = [character for character in sample if character.isalpha()]
    latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters)
    if len(letters) < _LETTERS and 2 * latin >= len(letters):
        return UNDETERMINED
    language, certainty = likely_language(sample)
    return language if certainty >= _CERTAIN else UNDETERMINED


def may_be_learned(language: str) -> bool:
    """Whether a text of this language is in one that the readers have learned, for all that is known."""
    return language in (*LEARNED, UNDETERMINED)


def likely_language(text: str) -> tuple[str, float]:
    """The likeliest language of a text, "und" for codes and numbers, and its probability."""
    language, certainty = _identifier().classify(text)
    return UNDETERMINED if language == "zxx" else language, certainty


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped,unused-ignore]

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
