"""History + question -> what may have been meant: follow-ups completed from earlier turns. Rules, no model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from rag.language.clauses import (
    ADVERBS,
    AUXILIARIES,
    CONJUNCTIONS,
    CONNECTIVE,
    DETERMINERS,
    FORMS_OF_BE,
    FUNCTION_WORDS,
    NAME,
    PREPOSITIONS,
    QUESTION_WORDS,
    WHAT_ABOUT,
    Clause,
    Kind,
    Mention,
    kind_of_phrase,
    mentions,
    parse,
    word_set,
)
from rag.language.sentences import sentences
from rag.language.text import WORD, content_words, fold, words
from rag.types import Answer, Turn

AnswerOf: TypeAlias = Callable[[str], Answer]
MEMORY = 6  # turns that a follow-up may lean on
MAX_LENGTH = 300  # characters; what is longer brings its own context, and is no context for others
MAX_ANTECEDENT = 8  # words; a longer answer is a statement and not a name
# Content words of a question. Of the follow-ups in `training/talks.jsonl` 2 of 1,765 have six or more; of the complete
# questions of our own sets that the rules below would take for follow-ups 55 of 66, the others but one four or five.
DOUBTFUL = 3  # may stand alone
COMPLETE = 6  # does

_TIMES = word_set("year month week day morning afternoon evening night time spring summer autumn winter century decade")
_GENERIC = word_set(
    """happen happened happens else details detail explain example examples elaborate mean means know important reason
    reasons result results consequences continue go say said next exactly interesting possible"""
)
_INTERJECTION = re.compile(
    r"^(?:(?:ok(?:ay)?|thanks|thank you|(?:that's |how )?interesting|wow|cool|great|oh|yes|no|hm+|well|right)"
    r"\b[,.!…]*\s+)+",
    re.I,
)
_CONTRACTED = re.compile(r"\b(what|who|where|when|why|how|that|it|there|he|she|they|we|you)['’](s|re)\b", re.I)
_ORDER = re.compile(r"^(?:please\s+)?(?:tell|give|list|name|compare|show|let|describe|explain|summari[sz]e)\b", re.I)
# "When was that?", "How did it happen?", "when did he do that?": the whole of the last question is asked about.
_EVENT = re.compile(
    r"\s+(?:(?P<copular>(?:is|was|will|were) (?:that|this|it)(?: be)?(?: all)?)"
    r"|(?:did|does|has|will|would|is|was) (?:that|this|it)"
    r" (?:happen(?:ed|ing)?|take place|taken place|occur(?:red)?|come about)"
    r"|(?:did|does|do|will|has) (?:he|she|they|it) (?P<verb>\w+) (?:that|this|it|so))$",
    re.I,
)
_SAME_AS = {
    "anyone else": "Who else",
    "anybody else": "Who else",
    "anything else": "What else",
    "what for": "Why",
    "how come": "Why",
    "how so": "Why",
}
_SMALL_TALK = word_set("bye cool good great hello hey hi morning no ok okay please sorry thank thanks yes you")
_PLACES = word_set("area capital city country island nation place region state town village")
# "the meeting", with nothing after it that says which.
_BARE = re.compile(
    r"\b(?:the|that|this)\s+([a-z]+)\b"
    r"(?!\s+(?:of|in|with|between|at|on|for|to|from|by|that|who|which|[a-zA-Z]+ed)\b)"
)

# What a pronoun may stand for, the likeliest first.
STANDS_FOR: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("he", "him", "his", "she", "her", "hers"), ("person", "name")),
    **dict.fromkeys(word_set("they them their theirs these those"), ("group", "plural", "person", "name", "thing")),
    **dict.fromkeys(("it", "its", "this", "that"), ("thing", "group", "place", "name")),
    "there": ("place", "thing", "name"),
}
_POSSESSIVE = word_set("his her hers their theirs its")


class _History:
    """Earlier turns, newest first, each question already completed from those before it."""

    def __init__(self, turns: Sequence[Turn], answer_of: AnswerOf | None) -> None:
        self._answer_of = answer_of
        self._turns: list[tuple[str, Answer | None]] = []
        for turn in turns[-MEMORY:]:
            if not set(words(turn.question)) - _SMALL_TALK:
                continue
            if turn.answer is not None and turn.answer.understood:
                question = turn.answer.understood
            else:
                asked = _last_sentence(turn.question[-MAX_LENGTH:])
                question = _complete(asked, self)[-1]
            if len(question) <= MAX_LENGTH:
                self._turns.insert(0, (question, turn.answer))

    def __bool__(self) -> bool:
        return bool(self._turns)

    @property
    def last(self) -> str:
        return self._turns[0][0]

    @property
    def questions(self) -> list[str]:
        return [question for question, _ in self._turns]

    def answered(self, i: int = 0) -> str:
        """Short answer of the i-th turn where it is a name or noun phrase; empty when it is not or nobody knows."""
        question, answer = self._turns[i]
        if parse(question).wh == "how":
            return ""  # "5,000" is no antecedent
        if answer is None and self._answer_of is not None:
            answer = self._answer_of(question)
            self._turns[i] = question, answer
        if answer is None or answer.abstained:
            return ""
        short = answer.short_answer.split(";")[0].strip(" .,\"“”'’")
        first = fold(short.split()[0]) if short else ""
        fits = 0 < len(short.split()) <= MAX_ANTECEDENT and first not in FUNCTION_WORDS - DETERMINERS
        lone = " " not in short and not short[:1].isupper()  # "hungry" is no antecedent, either
        return short if fits and not lone else ""

    def antecedent(self, pronoun: str, taken: Sequence[str]) -> Mention | None:
        """What a pronoun stands for: newest turn first, in it what was asked for, then the subject, then others."""
        kinds = STANDS_FOR[pronoun]
        for i, question in enumerate(self.questions):
            clause = parse(question)
            spoken_of = [*self._asked_for(i, clause, kinds[:3]), *mentions(question)]
            people = [m.text for m in spoken_of if m.kind in ("person", "name") and fold(m.text) not in taken]
            if "plural" in kinds and len(set(people)) > 1 and not any(m.kind in ("group", "plural") for m in spoken_of):
                both = " and ".join(dict.fromkeys(people[:2]))
                return Mention(both, "plural", "")
            for wanted in kinds:
                for mention in spoken_of:
                    if mention.kind == wanted and fold(mention.text) not in taken:
                        return mention
                if wanted != "thing":
                    continue
                if pronoun in ("this", "that", "it") and clause.gap == "adjunct" and clause.rest:
                    return Mention(f"the fact that {clause.stated()}", "thing", "")
        return None

    def _asked_for(self, i: int, clause: Clause, kinds: Sequence[Kind]) -> list[Mention]:
        """What the i-th turn's question word stood for: its answer, else a description."""
        if clause.wh == "where" and clause.rest and "place" in kinds:
            place = self.answered(i) or f"the place where {clause.stated()}"
            return [Mention(place, "place", f"{'at' if place.startswith('the ') else 'in'} {place}")]
        person = clause.wh in ("who", "whom")
        kind: Kind = "person" if person else kind_of_phrase(clause.noun)
        described = clause.described()
        if not described or kind not in kinds or (clause.gap == "identity" and (not person or _named(clause.subject))):
            return []
        answer = self.answered(i)
        text = answer if answer and (not person or any(map(str.isupper, answer))) else described
        return [Mention(text, kind, f"at {text}" if kind == "thing" else f"in {text}")]


def _named(phrase: str) -> bool:
    """Whether a phrase is a name and not a description."""
    return all(token[0].isupper() or token in ("de", "del", "of", "von", "van") for token in WORD.findall(phrase))


def _last_sentence(text: str) -> str:
    """The last sentence that asks something; earlier ones are small talk or a remark."""
    found = [text[start:end] for start, end in sentences(text) if content_words(text[start:end])]
    return _INTERJECTION.sub("", found[-1] if found else text) or text


# --- reading a question ----------------------------------------------------------------------------------------------


def understand(question: str, history: Sequence[Turn], answer_of: AnswerOf | None = None) -> list[str]:
    """Ways to read a question, the question alone first where it may stand alone.

    A complete question comes back alone, whatever was said before. A clear follow-up comes back completed only;
    one that may be either, in both readings.

    Parameters
    ----------
    question : str
    history : sequence of Turn
        Oldest first.
    answer_of : callable, optional
        Answers an earlier question whose Answer the history lacks; called only where a pronoun or ellipsis stands
        for what that question asked for.
    """
    question = question.strip()
    if not history or len(question) > MAX_LENGTH:
        return [question]
    return _complete(question, _History(history, answer_of))


def _complete(question: str, history: _History) -> list[str]:
    content = len(content_words(question))
    if not history or content >= COMPLETE:
        return [question]
    completed = _completed(question, history)
    # One less where "it" stands, which need not stand for anything ("Is it raining in Havana?").
    doubtful = content + ("it" in words(question)) >= DOUBTFUL
    return list(dict.fromkeys([question, *completed])) if doubtful else completed


def _completed(question: str, history: _History) -> list[str]:
    core = _INTERJECTION.sub("", question).strip() or question
    core = _CONTRACTED.sub(lambda match: f"{match[1]} {'is' if match[2] == 's' else 'are'}", core)
    joined = CONNECTIVE.sub("", core)
    joined = _SAME_AS.get(joined.rstrip("?.! ").lower(), joined)
    bare = WHAT_ABOUT.sub("", joined).rstrip("?.! ")
    if not set(words(bare)) - _SMALL_TALK or core.startswith("¿"):
        return [question]
    clause, last = parse(joined), parse(history.last)
    event = _EVENT.search(bare)
    if event and words(bare)[0] in QUESTION_WORDS | PREPOSITIONS and _asks_about(event, last):
        return [_asked(bare[: event.start()], last, history)]
    if clause.gap == "whole" and clause.auxiliary:  # "Which other countries do?"
        return [_sentence(f"{clause.lead} {clause.auxiliary} {last.rest}")]
    has_verb = any(word in AUXILIARIES or "'" in word for word in words(clause.rest))  # "wasn't"
    if clause.gap == "whole" and clause.lead and not has_verb:
        return [_asked(f"{clause.lead} {clause.rest}", last, history)]
    replaced = _substituted(joined, history)
    if clause.gap == "whole" and not clause.lead and not (_ORDER.match(bare) and replaced != joined):
        return _fragment(question, bare, bare != core.rstrip("?.! "), history)
    if not clause.lead and not clause.rest and last.rest and clause.auxiliary in AUXILIARIES - FORMS_OF_BE:
        return [_sentence(f"{replaced.rstrip('?.! ')} {last.rest}")]  # "Did Russia?"
    if replaced != joined:
        return [_sentence(replaced)]
    content = [word for word in words(clause.rest) if word not in FUNCTION_WORDS | {"part", "place"}]
    if clause.gap == "subject" and not clause.noun and len(content) <= 1 and not any(map(str.isupper, bare[1:])):
        happened = re.sub(r"\s+then$", "", bare)
        return [_sentence(f"{happened} {_circumstance(last, history.last)}")]  # "What was signed?"
    definite = _definite(bare, history)
    return [question] if definite == bare else [question, _sentence(definite)]


def _asks_about(event: re.Match[str], last: Clause) -> bool:
    """Whether "was that", "did he do it" and the like stand for what the last question told."""
    if event["copular"]:
        it = event["copular"].lower().endswith(" it")
        return last.gap != "identity" and not (it and last.subject and kind_of_phrase(last.subject) == "thing")
    return not event["verb"] or event["verb"].lower() in {"do", "done", *words(last.rest)[:1]}


def _sentence(text: str) -> str:
    text = re.sub(r"\s+([,.?!])", r"\1", " ".join(text.split())).rstrip("?.! ")
    return f"{text[:1].upper()}{text[1:]}{'.' if _ORDER.match(text) else '?'}"


def _asked(lead: str, last: Clause, history: _History) -> str:
    """The last question asked with another question word: "Why?", "During what event?", "Who else?"."""
    if last.gap == "whole":
        return _sentence(f"{lead} {history.last}")
    if {"else", "other", "more"} & set(words(lead)) and last.wh in words(lead):
        return _sentence(f"{lead} {last.auxiliary} {last.subject} {last.rest}")
    if words(lead) in (["how", "many"], ["how", "much"]) and last.gap == "adjunct":
        return _sentence(f"{lead} {last.subject} {last.auxiliary} {last.rest}")
    filler = ""
    if last.gap in ("subject", "identity") or (last.gap == "object" and fold(last.lead.split()[0]) == last.wh):
        filler = history.answered()
    if last.gap in ("subject", "object") and not filler and last.noun:
        filler = last.noun if last.wh == "how" else f"the {last.noun}"
    elif last.gap == "subject" and not filler:
        filler = "someone" if last.wh == "who" else "this"
    if words(lead) == ["why", "not"]:  # the denial goes before the verb, or before what somebody is not
        filler = f"{filler} not" if last.gap == "subject" else filler
        subject = f"not {last.subject}" if last.gap == "identity" else f"{last.subject} not"
        lead, last = "Why", replace(last, subject=subject)
    return _sentence(re.sub(r"\bever\s+", "", last.inverted(lead, filler)))


def _fragment(question: str, bare: str, joined: bool, history: _History) -> list[str]:
    """A question without a verb: "And in Moscow?", "What about Shoigu?", "Any details?"."""
    tokens = words(bare)
    if len(content_words(bare)) >= 3 and not joined:
        return [question]
    bare = _substituted(bare, history)
    asked = history.last.rstrip("?.! ")
    if tokens and tokens[0] in PREPOSITIONS:
        same = re.search(rf"\b{tokens[0]}\s+(?:the\s+)?(?:{NAME}|\d+|[a-z]+)(?:\s+(?:{NAME}|\d+))*", asked)
        merged = asked[: same.start()] + bare + asked[same.end() :] if same else f"{asked} {bare}"
        return [_sentence(merged)]
    if not [word for word in content_words(bare) if word not in _GENERIC]:
        return [_sentence(asked)]
    named = any(map(str.isupper, bare if joined else bare[1:]))  # any sentence begins with a capital
    swapped = [
        asked.replace(mention.text, bare)
        for mention in mentions(asked)
        if (any(map(str.isupper, mention.text)) if named else mention.text.startswith("the "))
    ]
    readings = [_sentence(text) for text in dict.fromkeys(swapped[:2])]
    if not joined:
        return [question, *readings[:1]] if named else [question]
    return readings or [_sentence(f"{asked} {bare}")]


def _substituted(text: str, history: _History) -> str:
    """The text with pronouns that lean on history replaced by what they stand for."""
    found = list(WORD.finditer(text))
    low = [fold(match.group()) for match in found]
    present = [fold(mention.text) for mention in mentions(text)]
    pieces, at = [], 0
    settled: set[tuple[Kind, ...]] = set()
    for i, match in enumerate(found):
        if not _leans(low, i, [m.group() for m in found]):
            continue
        if STANDS_FOR[low[i]] in settled and low[i] not in ("him", "them"):
            continue  # "What did Shoigu say about his visit?" reads well
        noun = low[i + 1] if i + 1 < len(low) and low[i] in ("this", "that", "these", "those") else ""
        if noun and noun not in FUNCTION_WORDS and noun not in _TIMES:
            stands_as = "there" if noun in _PLACES else "he" if kind_of_phrase(noun) == "person" else ""
            mention = history.antecedent(stands_as, present) if stands_as else None
            phrase = mention.text if mention is not None else _definite(f"the {noun}", history)
            replacement, end = (phrase, found[i + 1].end()) if phrase != f"the {noun}" else ("", 0)
        else:
            acts = low[i] == "it" and i and low[i - 1] in AUXILIARIES - FORMS_OF_BE  # no event buys or costs
            mention = history.antecedent("its" if acts else low[i], present)
            replacement, end = "", match.end()
            if mention is not None and low[i] == "there":
                replacement = mention.place
            elif mention is not None:
                owns = low[i] in _POSSESSIVE and not (low[i] == "her" and _object(low, i))
                replacement = mention.text + ("'s" if owns else "")
                present.append(fold(mention.text))
                settled.add(STANDS_FOR[low[i]])
        if replacement:
            pieces += [text[at : match.start()], replacement]
            at = end
    return "".join(pieces) + text[at:]


def _object(low: Sequence[str], i: int) -> bool:
    return i + 1 == len(low) or low[i + 1] in FUNCTION_WORDS


def _leans(low: Sequence[str], i: int, tokens: Sequence[str]) -> bool:
    """Whether the i-th word is a pronoun for something outside the question."""
    word, before, after = low[i], low[i - 1] if i else "", low[i + 1] if i + 1 < len(low) else ""
    if word not in STANDS_FOR:
        return False
    if word == "there":
        return not (after in FORMS_OF_BE or (before in FORMS_OF_BE | {"has", "have"} and after))
    if word in ("this", "that", "these", "those"):
        opens = not before or before in AUXILIARIES | PREPOSITIONS
        if after in _TIMES:
            return False
        if not after or after in PREPOSITIONS | ADVERBS:
            return True
        return opens if word == "that" or after in FUNCTION_WORDS else True
    if "and" in low[1:i] and (before == "and" or QUESTION_WORDS & set(low[low.index("and", 1) : i])):
        return False  # "What is ketosis and why is it important?"
    earlier = any(t[0].isupper() for t in tokens[1:i])
    earlier = earlier or (before != "of" and any(w in ("the", "a", "an") for w in low[:i]))
    if word in ("their", "they"):
        earlier = earlier or any(w not in FUNCTION_WORDS and re.search("[^s]s$", w) for w in low[1:i])
    if word in _POSSESSIVE and not (word == "her" and _object(low, i)):
        return not earlier
    subject = word in ("he", "she", "they", "it") and before not in AUXILIARIES and after not in PREPOSITIONS | {""}
    return not (earlier and subject and (before in CONJUNCTIONS or word != "it"))


def _definite(text: str, history: _History) -> str:
    """The text with "the meeting", where earlier turns said which, told in full."""
    for match in _BARE.finditer(text):
        noun, tail = match.group(1), text[match.end() :].split()
        if noun in _TIMES | FUNCTION_WORDS or (len(tail) > 1 and tail[0][0].isupper()):
            continue
        for i, question in enumerate(history.questions):
            for mention in mentions(question):
                head = words(re.split(r"\s(?:of|in|at|for|from)\s", mention.text)[0])
                if len(head) > 2 and head[-1] == noun:
                    return text[: match.start()] + mention.text + text[match.end() :]
            clause = parse(question)
            if clause.noun and words(clause.noun)[-1] == noun:
                named = history.answered(i) or clause.described()
                return text[: match.start()] + named + text[match.end() :]
            if len(noun) > 5 and any(word[:4] == noun[:4] and word != noun for word in content_words(question)):
                return f"{text[: match.end()]} {_circumstance(clause, question)}{text[match.end() :]}"
    return text


def _circumstance(clause: Clause, question: str) -> str:
    """What a question was about, as words to put after another: "when Khrenin visited Havana"."""
    if clause.gap == "adjunct" and clause.rest:
        return f"when {clause.stated()}"
    topics = list(dict.fromkeys(mention.text for mention in mentions(question)))
    return f"in connection with {' and '.join(topics[:2])}" if topics else f"({question.rstrip('?')})"
