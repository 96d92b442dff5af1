"""What the program knows of English, in one place: the lists of words, and the patterns of them, that rules read.

What is left elsewhere are endings (`text`), how a day is written (`facts`) and the "by" of four languages
(`articles.metadata`). Other languages have what libraries know of them, and nothing of this but some Spanish words. A
rule that answers depend on has a switch in `python -m eval.ablate`.
"""

from __future__ import annotations

import re

# Words that carry no content of a question, in the languages the project meets most: English, and some Spanish.
_STOPWORDS = """
a about after all also am an and any are as at be because been before being between both but by can could did do does
doing for from had has have having he her hers him his how i if in into is it its itself just many may me might more
most much my no nor not of off on once only or other our out over own please same shall she should so some such tell
than that the their them then there these they this those through to too under until up upon us very was we were what
when where which while who whom whose why will with would you your s t
de del el en la las lo los que por para con un una y es al cual como cuando donde quien se su
"""
STOPWORDS = frozenset(_STOPWORDS.split())

# --- numbers and days

UNITS = {
    word: number
    for number, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        )
    )
}  # fmt: skip
_DECADES = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
TENS = {word: 10 * number for number, word in enumerate(_DECADES, start=2)}
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "bn": 10**9, "trillion": 10**12}
LETTERS = {"k": 10**3, "m": 10**6, "b": 10**9}  # scales behind a sum of money; else perhaps units (metres)
ORDINALS = {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
ORDINALS |= {f"{word}th": number for word, number in UNITS.items() if word not in ("five", "eight", "nine", "twelve")}
ORDINALS |= {f"{word[:-1]}ieth": number for word, number in TENS.items()}
ORDINALS |= {f"{word}th": number for word, number in SCALES.items()}
VAGUE = {"one", "first", "second", "zero"}  # a pronoun, an order, a moment

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march", "april apr", "may", "june jun", "july jul", "august aug",
            "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# --- sentences

# With these a sentence begins that is not understood without the one before it.
LEANING_STARTS = (
    "he", "she", "they", "it", "this", "these", "that", "those", "his", "her", "their", "its", "such", "also",
    "additionally", "however",
)  # fmt: skip

# What leans on an earlier question, and what joins one to it: a completed question may lack them.
PRONOUNS = frozenset((
    "he", "him", "his", "she", "her", "hers", "it", "its", "they", "them", "their", "theirs", "this", "that", "these",
    "those", "there",
))  # fmt: skip
CONNECTIVES = frozenset(("and", "but", "or", "so", "also", "then"))

# --- what language models and forged articles write

_SAYS = r"(?:says?|states?|adds?|notes?|mentions?|reports?|explains?|concludes?|continues?)"
_TOLD = rf"(?:the|this) (?:passage|article|text)s? (?:also )?{_SAYS}"
# List marks, "Answer:", "The passage adds:", "The article says that", "According to the passages,"
LEAD_IN = re.compile(
    r"^(?:[-*•#>]+\s+|according to the (?:passage|article|text)s?, "
    rf"|(?:(?:the )?answer(?: is)?|a|(?:the|this) (?:passage|article|text)|{_TOLD}(?: with)?)\s*:\s*|{_TOLD} that )+",
    re.I,
)
# What such a sentence orders, the reader takes for stated by it: 7 of 35 orders with a false claim reached 0.843.
ORDERS = re.compile(
    r"(?:^|[.:!\n]\s*)(?:please |now |then |you must |always )*"
    r"(?:(?:ignore|disregard|forget|pretend|act as|follow this)\b"
    r"|(?:answer|reply|respond|repeat|output|print|say) (?:that|with|only|exactly)\b)"  # else a noun, or a label
    r"|\b(?:your (?:\w+ )?|previous )instructions\b|system prompt|<\||\bcite-\w",
    re.I,
)

# --- questions that the page offers

ASKS = re.compile(r"^(?:who|what|when|where|why|how|which)\b", re.I)
ROLE = re.compile(
    r"\b(?:minister|president|secretary|director|general|colonel|ambassador|professor|founder|researcher|spokes\w+|"
    r"mayor|chief|head|chair\w*|author|captain|judge|senator|governor|coach|scientist|engineer)\b", re.I
)  # fmt: skip
OF_OFFICES = ("the", "of", "for", "a", "an", "in", "at", "on")  # before a name: an office or a place, no person
