"""Words and spellings of plain text. Pure functions, shared by the stages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import Stemmer
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from rag.language.english import STOPWORDS

_POSSESSIVE = re.compile(r"['’]s?$")

# To `re`, marks are no letters: accents that stand behind theirs (é as e and ´), vowels of Hindi and Arabic. Where no
# spaces are written (Thai and Lao, Burmese, Khmer) they go on ending words, which would else be as long as sentences.
_UNSPACED = frozenset((*range(0x0E00, 0x0F00), *range(0x1000, 0x10A0), *range(0x1780, 0x1800)))
_MARKS = "".join(
    chr(code)
    for code in range(0x0300, 0x3100)
    if unicodedata.category(chr(code)) in ("Mn", "Mc") and code not in _UNSPACED
)
WORD = re.compile(rf"[^\W_]+(?:['’][^\W_]+|[{_MARKS}]+[^\W_]*)*")

_APOSTROPHES = str.maketrans("’ʼ", "''")
_WITHIN = re.compile(r"[\w,]\s")  # what stands before a word within a sentence


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Lower case without diacritics, apostrophes straight ("Pátrushev" -> "patrushev", "D’Arc" -> "d'arc")."""
    decomposed = unicodedata.normalize("NFKD", text).translate(_APOSTROPHES)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def letters(text: str) -> str:
    """Folded letters and figures alone, without what stands between them and without ligatures."""
    return "".join(filter(str.isalnum, fold(text)))


def words(text: str) -> list[str]:
    """Folded words of a text, in order; a possessive 's is dropped."""
    return [_POSSESSIVE.sub("", fold(match.group())) for match in WORD.finditer(text)]


def content_words(text: str) -> list[str]:
    """Folded words that are not stopwords, in order, each once.

    Nor is one a stopword that a capital makes a name, all through or within a sentence ("the US", "in May").
    """
    alike = text.isupper() or text.istitle()  # then capitals tell nothing
    found = zip(WORD.finditer(text), words(text), strict=True)
    kept = (word for match, word in found if word not in STOPWORDS or (not alike and _is_named(match)))
    return list(dict.fromkeys(kept))


def _is_named(match: re.Match[str]) -> bool:
    """Whether a word has capitals as a name has: two or more, or one within a sentence; "I" and "A" are none."""
    written = match.group()
    within = _WITHIN.fullmatch(match.string, max(match.start() - 2, 0), match.start())
    return len(written) > 1 and (written.isupper() or (written[0].isupper() and within is not None))


def stems(folded: Iterable[str]) -> list[str]:
    """Porter's stems of folded words."""
    return list(Stemmer.Stemmer("porter").stemWords(list(folded)))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Porter's stem of a folded word."""
    return stems([word])[0]


# --- spellings -------------------------------------------------------------------------------------------------------

# Romanisations of one sound, longest first: Khrenin (English), Jrenin (Spanish), Hrenin.
_SOUNDS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"schtsch|shch|stch", "s"),
        (r"tsch|tch|sch|sh|ch", "s"),
        (r"zh|dj|dzh", "z"),
        (r"kh|x|j", "h"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"ck|qu|q|c", "k"),
        (r"ts|tz", "z"),
        (r"w", "v"),
        (r"ff\b|v\b", "f"),
        (r"y", "i"),
    )
]
MIN_NAME = 5  # letters; shorter words have too many neighbours (Iran, Iraq)
TWO_ERRORS = 10  # characters from which a word may hold two typing errors (Austria is not Australia)


@lru_cache(maxsize=262144)
def sound_key(word: str) -> str:
    """What is left of a folded word when romanisation, vowels and doubled letters are taken out.

    "khrenin", "jrenin" and "hrenin" share one key; so do "patrushev" and "patrouchev". Own rules, after the idea
    of Soundex; meant for names carried over from Cyrillic and Spanish.
    """
    for pattern, replacement in _SOUNDS:
        word = pattern.sub(replacement, word)
    first = "a" if word[:1] in "aeiou" else word[:1]
    consonants = re.sub(r"[aeiou]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", first + consonants)


@lru_cache(maxsize=262144)
def may_be_misspelt(word: str) -> bool:
    """Whether a folded word may be another's spelling: it is long enough, and no figure is in it (A320neo, A320ceo)."""
    return sum(map(str.isalpha, word)) >= MIN_NAME and not any(map(str.isdigit, word))


def _first_vowel(word: str) -> str:
    """ "front", "back" or "none": what the first vowel of a folded word is."""
    vowel = next((c for c in word if c in "aeiouy"), "")
    return "none" if not vowel else "front" if vowel in "eiy" else "back"


def same_sound(left: str, right: str) -> bool:
    """Whether two folded words sound the same and share most letters (60 %; 75 % where little is left of them)."""
    if not (may_be_misspelt(left) and may_be_misspelt(right)):
        return False
    if left.startswith(right) or right.startswith(left):  # derived (Niger, Nigeria)
        return False
    if _first_vowel(left) != _first_vowel(right):  # minister, monster
        return False
    key = sound_key(left)
    return len(key) >= 2 and key == sound_key(right) and fuzz.ratio(left, right) >= (60 if len(key) >= 3 else 75)


def typing_error(left: str, right: str) -> bool:
    """Whether two folded words begin alike and differ by one typing error (two in long words)."""
    if left[:1] != right[:1] or not (may_be_misspelt(left) and may_be_misspelt(right)):
        return False
    return OSA.distance(left, right, score_cutoff=2) <= 1 + (min(len(left), len(right)) >= TWO_ERRORS)


def same_name(left: str, right: str) -> bool:
    """Whether two folded words look like two spellings of one name."""
    return left == right or typing_error(left, right) or same_sound(left, right)


@lru_cache(maxsize=1 << 16)  # the same words meet in every passage of a question
def same_word(left: str, right: str) -> bool:
    """Of one stem ("vote", "voted"; not "Niger", "Nigeria"), or another spelling."""
    return stem(left) == stem(right) or same_name(left, right)


@lru_cache(maxsize=256)
def _word_set(text: str) -> frozenset[str]:
    return frozenset(words(text))


def covered(wanted: Sequence[str], text: str) -> float:
    """Share of the wanted folded words that a text has, by spelling or stem; 1.0 when none is wanted."""
    if not wanted:
        return 1.0
    present = _word_set(text)
    return sum(word in present or any(same_word(word, other) for other in present) for word in wanted) / len(wanted)


_ENDING = re.compile(r"(?:ians?|ans?|ions?|ings?|ers?|ies|ed|es|ly|[sdeny])?$")


def _inflected(left: str, right: str) -> bool:
    """Whether two words differ by a grammatical ending only ("visit", "visited"): not a matter of spelling."""
    return _ENDING.sub("", left, count=1) == _ENDING.sub("", right, count=1)


def _is_name(asked: str, known: str) -> bool:
    """Whether both are written as names: else "reaffirm" would be taken for Reform."""
    return asked[0].isupper() and known[0].isupper()


def respell(
    question: str, vocabulary: Iterable[str], is_word: Callable[[str], bool] = lambda word: False
) -> tuple[str, dict[str, str]]:
    """The question with words that are not in the vocabulary put into the vocabulary's spelling.

    Parameters
    ----------
    question : str
    vocabulary : iterable of str
        Words as a text spells them, with capitals and accents.
    is_word : callable, optional
        Whether a word is one that the language has, which is no misspelling of another ("founded", "funded"; "Iceland",
        "Ireland"). Words of scripts without capitals are left as they are.

    Returns
    -------
    str
        The question, respelled.
    dict of str to str
        What was replaced by what; empty when nothing was.
    """
    by_fold: dict[str, str] = {}
    for word in vocabulary:
        for folded in words(word)[:1]:
            by_fold.setdefault(folded, _POSSESSIVE.sub("", word))
    replaced: dict[str, str] = {}

    def choose(match: re.Match[str]) -> str:
        word, folded = match.group(), words(match.group())[0]
        right = folded in by_fold or folded in STOPWORDS or not may_be_misspelt(folded)
        if right or word.lower() == word.upper() or is_word(word):
            return word
        near = [
            other
            for other in by_fold
            if not _inflected(folded, other)
            and (typing_error(folded, other) or (_is_name(word, by_fold[other]) and same_sound(folded, other)))
        ]
        if not near:
            return word
        best = max(near, key=lambda other: (fuzz.ratio(folded, other), other))
        replaced[word] = by_fold[best]
        return by_fold[best]

    return WORD.sub(choose, question), replaced
