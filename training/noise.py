"""Question noise: what people type, and the other spellings of names. The passage is never touched."""

from __future__ import annotations

import re
import unicodedata
from random import Random

FUNCTION_WORDS = frozenset(
    """a an the of in on at to for by with from as is are was were be been do does did has have had it its this that
    these those and or there their his her he she they what which who whom whose when where how""".split()  # noqa: SIM905
)
# Pairs of spellings met when a name is written in another alphabet or language; each is tried both ways.
_SPELLINGS = (
    ("kh", "h"), ("kh", "j"), ("y", "i"), ("v", "w"), ("ph", "f"), ("c", "k"), ("tch", "ch"), ("ov", "off"),
    ("ts", "tz"), ("sh", "sch"), ("ai", "ay"), ("ei", "ey"), ("ou", "u"), ("oo", "u"), ("ee", "i"), ("x", "ks"),
    ("q", "k"), ("zh", "j"), ("s", "z"), ("ae", "e"), ("iy", "y"), ("ia", "iya"), ("th", "t"), ("dj", "j"), ("e", "i"),
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")


def typo(text: str, random: Random) -> str:
    """The text with two neighbouring letters of one word swapped, or one letter dropped, doubled or replaced."""
    words = [match for match in _WORD.finditer(text) if len(match.group()) >= 4]
    if not words:
        return text
    match = random.choice(words)
    place = random.randrange(match.start() + 1, match.end() - 1)
    kind = random.randrange(4)
    if kind == 0:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if kind == 1:
        return text[:place] + text[place + 1 :]
    if kind == 2:
        return text[:place] + text[place] + text[place:]
    return text[:place] + random.choice("abcdefghijklmnopqrstuvwxyz") + text[place + 1 :]


def keywords(text: str) -> str:
    """The question without its function words and question mark; unchanged when under two words would be left."""
    kept = [word for word in text.rstrip(" ?").split() if word.lower().strip(",.;:'\"") not in FUNCTION_WORDS]
    return " ".join(kept) if len(kept) >= 2 else text


def respell(word: str, random: Random) -> str:
    """A name in another likely spelling: no diacritics, a letter pair exchanged, or a double letter undone or made."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))
    if plain != word and random.random() < 0.7:
        return plain
    lower = plain.lower()
    choices = []
    for left, right in _SPELLINGS:
        for old, new in ((left, right), (right, left)):
            # The first letter changes too (Khamenei, Hamenei), but single vowels only inside the word.
            place = lower.find(old, 0 if len(old) > 1 or old in "ckqvw" else 1)
            if place >= 0:
                choices.append(lower[:place] + new + lower[place + len(old) :])
    double = re.search(r"([a-z])\1", lower[1:])
    if double:
        choices.append(lower[: double.start() + 1] + lower[double.start() + 2 :])
    elif len(lower) > 4:
        place = random.randrange(2, len(lower) - 1)
        choices.append(lower[:place] + lower[place] + lower[place:])
    if not choices:
        return word
    return random.choice(choices).capitalize() if word[0].isupper() else random.choice(choices)


def respell_names(question: str, passage: str, random: Random) -> str:
    """The question with one capitalised word that the passage holds too in another spelling."""
    inside = set(_WORD.findall(passage))
    names = [
        match
        for match in _WORD.finditer(question)
        if match.start() > 0 and len(match.group()) >= 4 and match.group()[0].isupper() and match.group() in inside
    ]
    if not names:
        return question
    match = random.choice(names)
    return question[: match.start()] + respell(match.group(), random) + question[match.end() :]


def noisy(question: str, passage: str, random: Random) -> str:
    """The question as a hurried person may type it: one kind of noise, at times two."""
    kind = random.random()
    if kind < 0.35:
        question = respell_names(question, passage, random)
    elif kind < 0.60:
        question = typo(question, random)
    elif kind < 0.75:
        question = keywords(question)
    elif kind < 0.90:
        question = question.rstrip(" ?")
    if kind >= 0.90 or random.random() < 0.35:
        question = question.lower()
    return question
