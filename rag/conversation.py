"""History + question -> what may have been meant: follow-ups completed from earlier turns. Rules, no model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag.text import WORD, content_words, fold, sentences, words
from rag.types import Answer, Turn

Kind: TypeAlias = Literal["person", "group", "place", "thing", "name"]
AnswerOf: TypeAlias = Callable[[str], Answer]
MEMORY = 6  # turns that a follow-up may lean on
MAX_ANTECEDENT = 8  # words; a longer answer is a statement and not a name

# --- words -----------------------------------------------------------------------------------------------------------

_WH = frozenset("who whom whose what which when where why how".split())
_BE = frozenset("is are was were be been being".split())
_AUX = frozenset("is are was were do does did has have had will would can could should may might must".split())
_DET = frozenset("the a an this that these those his her their its my your our any some all each every".split())
_PREPOSITIONS = frozenset(
    """about above across after against along among around at before behind between by during for from in inside into near
    of on onto over per since through to towards under until upon via with within without""".split()
)
_ADVERBS = frozenset(
    "ever also really first still already not never exactly else there then later soon just only again here too so far".split()
)
_SUBORDINATE = frozenset("that if when while because although before after since until whether where why how and or".split())
_PERSONAL = frozenset("he she they it him her them i you we us me".split())
_FUNCTION = _WH | _AUX | _BE | _DET | _PREPOSITIONS | _ADVERBS | _SUBORDINATE | _PERSONAL | {"but", "than", "as"}
_ROLES = frozenset(
    """adviser ambassador analyst attaché author captain chairman chief colonel commander counterpart director expert father
    founder general governor head king leader man minister mother official officer owner person president professor queen
    researcher secretary soldier son spokesman spokeswoman wife woman writer""".split()
)
_GROUPS = frozenset("army board company council crew delegation family force government group ministry military party people police regime side staff team".split())
_TIMES = frozenset("year month week day morning afternoon evening night time spring summer autumn winter century decade".split())
_GENERIC = frozenset(
    """happen happened happens else details detail explain example examples elaborate mean means know important reason
    reasons result results consequences continue go say said next exactly interesting possible""".split()
)
_PAST = dict(
    pair.split(":")
    for pair in """go:went say:said meet:met give:gave make:made take:took send:sent tell:told get:got see:saw hold:held
    lead:led leave:left come:came become:became begin:began bring:brought build:built buy:bought fight:fought find:found
    have:had hear:heard keep:kept know:knew lay:laid lose:lost pay:paid put:put read:read run:ran sell:sold speak:spoke
    spend:spent stand:stood think:thought win:won write:wrote do:did grow:grew fall:fell feel:felt choose:chose mean:meant
    rise:rose set:set sit:sat teach:taught understand:understood wear:wore cut:cut break:broke hit:hit let:let""".split()
)
_PARTICIPLE = re.compile(r"^\w{2,}(?:ed|en|ing)$|^(?:born|done|known|shown|gone|seen|held|met|made|said|sent|sold|built|found|won)$")
_INTERJECTION = re.compile(
    r"^(?:(?:ok(?:ay)?|thanks|thank you|(?:that's |how )?interesting|wow|cool|great|oh|yes|no|hm+|well|right)\b[,.!…]*\s+)+", re.I
)
_CONNECTIVE = re.compile(r"^(?:and|but|or|so|also|then)\b[,…]*\s*", re.I)
_ABOUT = re.compile(r"^(?:(?:what|how) about|same for|the same for)\s+", re.I)
_TELL = re.compile(
    r"^(?:(?:please|can you|could you)\s+)*(?:tell (?:me |us )?(?:more )?about|describe|explain|what do you know about)\s+", re.I
)
# "When was that?", "How did it happen?", "when did he do that?": the whole of the last question is asked about.
_EVENT = re.compile(
    r"\s+(?:(?:is|was|will|were) (?:that|this|it)(?: be)?(?: all)?|(?:did|does|has|will|would|is|was) (?:that|this|it) "
    r"(?:happen(?:ed|ing)?|take place|taken place|occur(?:red)?|come about)|(?:did|does|do|will|has) (?:he|she|they|it) (?:do|done) (?:that|this|it|so))$",
    re.I,
)
_PLEONASTIC = re.compile(
    r"^it (?:(?:true|possible|clear|likely|known|necessary|important|safe|legal|common|normal|easy|hard|difficult|best|worth|a good idea)"
    r" (?:to|that|if|for|whether)|takes?|took)\b",
    re.I,
)
_CONTRACTED = re.compile(r"\b(what|who|where|when|why|how|that|it|there|he|she|they|we|you)['’](s|re)\b", re.I)
_ORDER = re.compile(r"^(?:please\s+)?(?:tell|give|list|name|compare|show|let|describe|explain|summari[sz]e)\b", re.I)

# What a pronoun may stand for, the likeliest first.
_STANDS_FOR: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("he", "him", "his", "she", "her", "hers"), ("person", "name")),
    **dict.fromkeys(("they", "them", "their", "theirs", "these", "those"), ("group", "person", "name", "thing")),
    **dict.fromkeys(("it", "its", "this", "that"), ("thing", "group", "place", "name")),
    "there": ("place", "thing", "name"),
}
_POSSESSIVE = frozenset("his her hers their theirs its".split())


# --- the shape of a question -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shape:
    """Parts of a question: "In which city | did | Khrenin | meet him" = lead, auxiliary, subject, rest.

    `gap` says what the question word stands for: "subject" ("Who decorated him?"), "object", "identity" ("Who is
    Khrenin?", subject: "Khrenin"), "adjunct" (when, where, why, how; yes or no), or "whole": no clause at all.
    """

    lead: str
    auxiliary: str
    subject: str
    rest: str
    gap: Literal["subject", "object", "identity", "adjunct", "whole"]

    @property
    def wh(self) -> str:
        return next((word for word in words(self.lead) if word in _WH), "")

    @property
    def noun(self) -> str:
        """ "countries" of "in which countries"."""
        match = re.search(r"\b(?:which|what|how (?:many|much)|whose)\s+(?:other\s+)?(.+)$", self.lead, re.I)
        return match.group(1) if match else ""

    def inverted(self, lead: str, filler: str) -> str:
        """The clause asked with another lead; `filler` takes the place of its question word."""
        if self.gap == "subject" and not self.auxiliary:
            return f"{lead} was it that {filler} {self.rest}"
        if self.gap == "subject":
            return f"{lead} {self.auxiliary} {filler} {self.rest}"
        if self.gap == "identity" and self.wh in ("who", "what", "which"):
            return f"{lead} {self.auxiliary} {filler} {self.subject}"
        return f"{lead} {self.auxiliary} {self.subject} {self.rest}"

    def stated(self) -> str:
        """The clause as a statement: "Khrenin met him"."""
        if self.gap == "subject":
            return f"{self.auxiliary} {self.rest}".strip()
        first, *others = self.rest.split() or [""]
        if first in _ADVERBS and others:
            first, *others = others
        if self.auxiliary == "did":
            first = _PAST.get(first) or re.sub(r"(?<=[^aeiou])y$", "i", first.removesuffix("e")) + "ed"
        elif self.auxiliary == "does":
            first = "has" if first == "have" else first + "s"
        elif self.auxiliary != "do":
            first = f"{self.auxiliary} {first}"
        return " ".join([self.subject, first, *others]).strip()

    def described(self) -> str:
        """The thing asked for, in words: "the person who decorated him"; empty when nothing is."""
        person = self.wh in ("who", "whom")
        if self.gap == "identity":
            return self.subject
        if self.gap not in ("subject", "object"):
            return ""
        first = fold(self.lead.split()[0])
        if self.noun and first in _PREPOSITIONS:
            return f"the {self.noun} {first} which {self.stated()}"
        which = "who" if person or _kind(self.noun) == "person" else "that"
        if person or self.noun:
            return f"the {self.noun or 'person'} {which} {self.stated()}"
        return f"what {self.stated()}"


def _shape(question: str) -> _Shape:
    text = _CONNECTIVE.sub("", question.strip().rstrip("?.! "))
    told = _TELL.match(text)
    if told:
        return _Shape("what", "is", text[told.end() :], "", "identity")
    found = list(WORD.finditer(text))
    tokens = [match.group() for match in found]
    low = [token.casefold() for token in tokens]

    def part(start: int, end: int | None = None) -> str:
        inside = found[start:end]
        return text[inside[0].start() : inside[-1].end()] if inside else ""

    if low and low[0] in _AUX:
        verb = _verb(tokens, 1, low[0], False)
        return _Shape("", low[0], part(1, verb), part(verb), "adjunct")
    at = next((i for i, word in enumerate(low[:2]) if word in _WH and (i == 0 or low[0] in _PREPOSITIONS)), None)
    if at is None:
        return _Shape("", "", "", text, "whole")
    wide = low[at] in ("which", "what", "whose", "how") or len(low) > at + 1 and low[at + 1] in ("else", "exactly")
    end = at + 1
    while end < len(low) and low[end] not in _AUX and wide:
        if end > at + 1 and (_PARTICIPLE.match(low[end]) or low[end] in _PAST.values()):
            break
        if low[end] in _FUNCTION - _ADVERBS:
            break
        end += 1
    asks_name = low[at] in ("who", "whom", "what", "which", "whose") or low[at : at + 2] in (["how", "many"], ["how", "much"])
    if end == len(low):
        if len(low) > at + 3 and asks_name:  # "What causes throat cancer"
            return _Shape(part(0, at + 1), "", "", part(at + 1), "subject")
        return _Shape(part(0), "", "", "", "whole")
    if low[end] not in _AUX:  # "Who decorated him", "Which company makes it"
        if wide and low[end] in _FUNCTION and end > at + 2:
            end -= 1
        return _Shape(part(0, end), "", "", part(end), "subject" if asks_name and at == 0 else "whole")
    auxiliary, after = low[end], end + 1
    if after == len(low):
        return _Shape(part(0, end), auxiliary, "", "", "whole")
    named = tokens[after][0].isupper() or low[after] in _DET | _PERSONAL
    acts = _PARTICIPLE.match(low[after]) or low[after] in _BE | _ADVERBS | {"happen"} or auxiliary not in _BE and (low[at] == "who" or end > at + 1)
    if asks_name and at == 0 and not named and acts and auxiliary not in ("do", "does", "did"):
        return _Shape(part(0, end), auxiliary, "", part(after), "subject")
    verb = _verb(tokens, after, auxiliary, True)
    if verb < len(tokens) and low[verb] in _PREPOSITIONS and auxiliary in _BE and low[at] in ("who", "what", "which"):
        verb = len(tokens)
    if verb == len(tokens) and auxiliary in _BE and asks_name:
        return _Shape(part(0, end), auxiliary, part(after), "", "identity")
    return _Shape(part(0, end), auxiliary, part(after, verb), part(verb), "object" if asks_name else "adjunct")


def _verb(tokens: Sequence[str], start: int, auxiliary: str, asked: bool) -> int:
    """Where the verb stands after a subject that begins at `start`; the number of tokens when there is none.

    No tagger: the subject runs to the next function word or name, and its last word is the verb.
    """
    low = [token.casefold() for token in tokens]
    if start < len(low) and low[start] in _PERSONAL | {"this", "that", "these", "those", "there"}:
        return start + 1
    end = start
    while end < len(low):
        linked = end > start and low[end - 1] in _DET | {"of", "and"}
        if end > start and not linked and low[end] in _FUNCTION - {"of", "and"}:
            break
        if end > start and tokens[end][0].isupper() and tokens[end - 1][0].islower() and not linked and low[end - 1] not in _ROLES | {"of", "de", "del"}:
            break
        end += 1
    if end < len(low) and low[end] in _AUX | _BE | _ADVERBS:
        return end
    verb = end - 1
    while auxiliary in ("do", "does", "did") and verb > start and low[verb].endswith("s") and not low[verb].endswith("ss"):
        verb -= 1
    if verb <= start or tokens[verb][0].isupper() or low[verb - 1] in _DET:
        return end
    if auxiliary in _BE and not _PARTICIPLE.match(low[verb]) and (asked or end < len(low)):
        return end
    return verb


# --- what was spoken of ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Mention:
    """Something that a turn spoke of; `place` says it where "there" stood ("in Havana")."""

    text: str
    kind: Kind
    place: str


_NAME = r"[^\W\d_a-z][\w'’.-]*\w"
_NAMED = re.compile(rf"(?:(?P<before>\w+)\s+)?(?P<name>{_NAME}(?:\s+(?:(?:de|del|of|for|von|van|al|the)\s+)*(?:{_NAME}|\d+))*)")
_NOMINAL = re.compile(r"(?:(?P<before>\w+)\s+)?\b(?P<name>(?:the|an?|[^\W\d_]+['’]s)\s+(?:[\w'’-]+\s*)+)")


def _kind(phrase: str) -> Kind:
    """Of a noun phrase by its head: the last word before "of", "in" and the like."""
    head: list[str] = []
    for token in WORD.findall(phrase):
        if token.casefold() in _PREPOSITIONS and head:
            break
        head.append(token)
    if not head:
        return "thing"
    last = head[-1].casefold()
    if last in _ROLES or fold(head[0]) in _ROLES:
        return "person"
    if head[-1][0].isupper():
        if head[0].casefold() in _DET and last.endswith("s"):
            return "group"
        return "thing" if head[0].casefold() in _DET or head[-1].isupper() else "person" if len(head) > 1 else "name"
    return "group" if last in _GROUPS or last.endswith("s") and not last.endswith(("ss", "us", "is")) else "thing"


def _mentions(question: str) -> Iterator[_Mention]:
    """Names and noun phrases of a question, its subject first."""
    shape = _shape(question)
    owner = re.match(r"(.+)['’]s [a-z]+$", shape.subject) if shape.gap == "identity" and shape.wh != "who" else None
    if owner:
        yield _Mention(owner.group(1), _kind(owner.group(1)), f"in {owner.group(1)}")
    if shape.subject and fold(shape.subject) not in _PERSONAL:
        kind = "person" if shape.wh == "who" and shape.gap == "identity" else _kind(shape.subject)
        yield _Mention(shape.subject, kind, f"at {shape.subject}" if kind == "thing" else f"in {shape.subject}")
    seen = shape.subject
    for match in _NAMED.finditer(question):
        name, before = match["name"], fold(match["before"] or "")
        tail = question[match.end() :]
        if match.start("name") == 0 or name in seen or words(name)[:1] in ([w] for w in _FUNCTION) or re.match(r"\s+[a-z]+ns?\b(?=\s+[a-z]|\?|$)", name):
            continue
        if name.endswith(("'s", "’s")) or re.match(r"\s+(?!and\b|or\b)[a-z]", tail) and before in _DET:
            continue  # part of a longer phrase, found below
        placed = before in ("in", "at", "from", "near", "to") or before.startswith("visit")
        kind = "place" if placed and " " not in name else _kind(f"{match['before']} {name}" if before in ("the",) else name)
        yield _Mention(name, kind, f"{before if before in ('in', 'at') else 'in'} {name}")
    for match in _NOMINAL.finditer(question):
        taken = []
        for token in match["name"].split():
            word = fold(token)
            if taken and (word in _FUNCTION - {"of"} or len(taken) > 6) and fold(taken[-1]) != "of":
                break
            if len(taken) > 1 and (_PARTICIPLE.match(word) and token[0].islower()):
                break
            taken.append(token)
        phrase = " ".join(taken)
        if len(taken) > 1 and phrase not in seen:
            definite = re.sub(r"^an?\s", "the ", phrase, flags=re.I)
            yield _Mention(definite, _kind(definite), f"at {definite}")


class _History:
    """Earlier turns, newest first, each question already completed from those before it."""

    def __init__(self, turns: Sequence[Turn], answer_of: AnswerOf | None) -> None:
        self._answer_of = answer_of
        self._turns: list[tuple[str, Answer | None]] = []
        for turn in turns[-MEMORY:]:
            if turn.answer is not None and turn.answer.understood:
                question = turn.answer.understood
            else:
                question = _complete(turn.question, self)[-1] if self._turns else turn.question
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
        if answer is None and self._answer_of is not None:
            answer = self._answer_of(question)
            self._turns[i] = question, answer
        if answer is None or answer.abstained:
            return ""
        short = answer.short_answer.split(";")[0].strip(" .,\"“”'’")
        first = fold(short.split()[0]) if short else ""
        fits = 0 < len(short.split()) <= MAX_ANTECEDENT and first not in _FUNCTION - _DET
        return short if fits else ""

    def antecedent(self, pronoun: str, taken: Sequence[str]) -> _Mention | None:
        """What a pronoun stands for: the newest turn first, in it what was asked for, then the subject, then others."""
        kinds = _STANDS_FOR[pronoun]
        for i, question in enumerate(self.questions):
            shape = _shape(question)
            mentions = [] if shape.gap == "identity" else list(_mentions(question))
            described = shape.described()
            if described:
                person = shape.wh in ("who", "whom")
                kind = "person" if person else "place" if shape.wh == "where" else _kind(shape.noun)
                if kind in kinds[:2] and not (shape.gap == "identity" and _named(shape.subject)):
                    text = self.answered(i) or described
                    if not person or text == described or any(c.isupper() for c in text):
                        mentions.insert(0, _Mention(text, kind, f"at {text}" if kind == "thing" else f"in {text}"))
            if shape.gap == "identity":
                mentions += _mentions(question)
            for wanted in kinds:
                for mention in mentions:
                    if mention.kind == wanted and fold(mention.text) not in taken:
                        return mention
            if pronoun in ("this", "that", "it") and shape.gap == "adjunct" and shape.rest:
                return _Mention(f"the fact that {shape.stated()}", "thing", "")
        return None


def _named(phrase: str) -> bool:
    """Whether a phrase is a name and not a description."""
    return all(token[0].isupper() or token in ("de", "del", "of", "von", "van") for token in WORD.findall(phrase))


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
    if not history:
        return [question]
    return _complete(question, _History(history, answer_of))


def _complete(question: str, history: _History) -> list[str]:
    core = _INTERJECTION.sub("", question).strip() or question
    if len([1 for start, end in sentences(core) if len(content_words(core[start:end])) > 1]) > 1:
        return [question]  # it brings its own context
    core = _CONTRACTED.sub(lambda match: f"{match[1]} {'is' if match[2] == 's' else 'are'}", core)
    bare = _ABOUT.sub("", _CONNECTIVE.sub("", core)).rstrip("?.! ")
    joined = bare != core.rstrip("?.! ")
    shape, last = _shape(core), _shape(history.last)
    event = _EVENT.search(bare)
    if event and bare.lower().startswith(tuple(_WH | _PREPOSITIONS)) and (last.gap not in ("identity", "whole") or not _copular(event)):
        return [_asked(bare[: event.start()], last, history)]
    if re.match(r"what if\b", core, re.I):
        return [question]
    if shape.gap == "whole" and shape.lead and not _ABOUT.match(_CONNECTIVE.sub("", core)):
        if shape.auxiliary:  # "Which other countries do?"
            return [_sentence(f"{shape.lead} {shape.auxiliary} {last.rest}")]
        return [_asked(shape.lead, last, history)]
    if shape.gap == "whole" and not (_ORDER.match(bare) and _substituted(bare, history) != bare):
        return _fragment(question, bare, joined, last, history)
    if shape.gap == "adjunct" and not shape.lead and not shape.rest and last.rest and shape.auxiliary not in _BE:
        return [_sentence(f"{_substituted(f'{shape.auxiliary} {shape.subject}', history)} {last.rest}")]  # "Did Russia?"
    replaced = _substituted(_CONNECTIVE.sub("", core), history)
    if replaced != _CONNECTIVE.sub("", core):
        return [_sentence(replaced)]
    content = [word for word in words(shape.rest) if word not in _FUNCTION]
    if shape.gap == "subject" and not shape.noun and len(content) <= 1 and not any(map(str.isupper, bare[1:])):
        return [_sentence(f"{bare} {_circumstance(last, history)}")]
    definite = _definite(bare, history)
    return [question] if definite == bare else [question, _sentence(definite)]


def _copular(event: re.Match[str]) -> bool:
    return bool(re.fullmatch(r"\s+(?:is|was|were) (?:that|this|it)", event.group(), re.I))


def _sentence(text: str) -> str:
    text = re.sub(r"\s+([,.?!])", r"\1", " ".join(text.split())).rstrip("?.! ")
    return f"{text[:1].upper()}{text[1:]}{'.' if _ORDER.match(text) else '?'}"


def _asked(lead: str, last: _Shape, history: _History) -> str:
    """The last question asked with another question word: "Why?", "During what event?", "Who else?"."""
    if last.gap == "whole":
        return _sentence(f"{lead} {history.last}")
    head = words(lead)
    if {"else", "other", "more"} & set(head) and last.wh in head:
        return _sentence(f"{lead} {last.auxiliary} {last.subject} {last.rest}")
    filler = ""
    if last.gap in ("subject", "identity"):
        noun = last.noun if last.wh == "how" else f"the {last.noun}" if last.noun else ""
        filler = history.answered() or (noun or ("someone" if last.wh == "who" else "this") if last.gap == "subject" else "")
    return _sentence(re.sub(r"\bever\s+", "", last.inverted(lead, filler)))


def _fragment(question: str, bare: str, joined: bool, last: _Shape, history: _History) -> list[str]:
    """A question without a verb: "And in Moscow?", "What about Shoigu?", "Any details?"."""
    tokens = words(bare)
    if len(content_words(bare)) >= 3 and not joined:
        return [question]
    bare = _substituted(bare, history)
    asked = history.last.rstrip("?.! ")
    if tokens and tokens[0] in _PREPOSITIONS:
        same = re.search(rf"\b{tokens[0]}\s+(?:the\s+)?(?:{_NAME}|\d+|[a-z]+)(?:\s+(?:{_NAME}|\d+))*", asked)
        merged = asked[: same.start()] + bare + asked[same.end() :] if same else f"{asked} {bare}"
        return [_sentence(merged)]
    if not [word for word in content_words(bare) if word not in _GENERIC]:
        return [_sentence(asked)]
    swapped = [
        asked.replace(mention.text, bare)
        for mention in _mentions(asked)
        if mention.kind in ("person", "name", "place") and any(c.isupper() for c in mention.text)
    ]
    readings = [_sentence(text) for text in dict.fromkeys(swapped[:2])] or [_sentence(f"{asked} {bare}")]
    return readings if joined else [question, *readings[:1]]


def _substituted(text: str, history: _History) -> str:
    """The text with pronouns that lean on history replaced by what they stand for."""
    found = list(WORD.finditer(text))
    low = [fold(match.group()) for match in found]
    low = ["it" if word in ("it's", "it’s") else word for word in low]
    present = [fold(mention.text) for mention in _mentions(text)]
    pieces, at = [], 0
    for i, match in enumerate(found):
        if not _leans(low, i, text[match.start() :], [m.group() for m in found]):
            continue
        noun = low[i + 1] if i + 1 < len(low) and low[i] in ("this", "that", "these", "those") else ""
        if noun and noun not in _FUNCTION and noun not in _TIMES:
            phrase = _definite(f"the {noun}", history)
            replacement, end = (phrase, found[i + 1].end()) if phrase != f"the {noun}" else ("", 0)
        else:
            mention = history.antecedent(low[i], present)
            replacement, end = "", match.end()
            if mention is not None and low[i] == "there":
                replacement = mention.place
            elif mention is not None:
                owns = low[i] in _POSSESSIVE and not (low[i] == "her" and _object(low, i))
                replacement = mention.text + ("'s" if owns else "")
                present.append(fold(mention.text))
        if replacement:
            pieces += [text[at : match.start()], replacement]
            at = end
    return "".join(pieces) + text[at:]


def _object(low: Sequence[str], i: int) -> bool:
    return i + 1 == len(low) or low[i + 1] in _FUNCTION


def _leans(low: Sequence[str], i: int, tail: str, tokens: Sequence[str]) -> bool:
    """Whether the i-th word is a pronoun for something outside the question."""
    word, before, after = low[i], low[i - 1] if i else "", low[i + 1] if i + 1 < len(low) else ""
    if word not in _STANDS_FOR or (word == "it" and _PLEONASTIC.match(tail)):
        return False
    if word == "there":
        return not (after in _BE or (before in _BE | {"has", "have"} and after))
    if word in ("this", "that", "these", "those"):
        opens = not before or before in _AUX | _PREPOSITIONS
        if after in _TIMES:
            return False
        if not after or after in _PREPOSITIONS | _ADVERBS:
            return True
        return opens if word == "that" or after in _FUNCTION else True
    if "and" in low[1:i] and (before == "and" or _WH & set(low[low.index("and", 1) : i])):
        return False  # "What is ketosis and why is it important?"
    earlier = any(t[0].isupper() for t in tokens[1:i]) or any(w in ("the", "a", "an") for w in low[:i])
    if word in _POSSESSIVE and not (word == "her" and _object(low, i)):
        return not earlier
    nominative = word in ("he", "she", "they", "it") and before not in _AUX and after and after not in _PREPOSITIONS
    return not (earlier and nominative and (before in _SUBORDINATE or word != "it"))


def _definite(text: str, history: _History) -> str:
    """The text with "the meeting", where earlier turns said which, told in full."""
    for match in re.finditer(r"\b(?:the|that|this)\s+([a-z]+)\b(?!\s+(?:of|in|with|between|at|on|for|to|from|by|that|who|which|[a-zA-Z]+ed)\b)", text):
        noun, tail = match.group(1), text[match.end() :].split()
        if noun in _TIMES | _FUNCTION or (tail and tail[0].casefold() not in _FUNCTION and len(tail) > 1 and tail[0][0].isupper()):
            continue
        for i, question in enumerate(history.questions):
            for mention in _mentions(question):
                heads = words(re.split(r"\s(?:of|in|at|for|from)\s", mention.text)[0])
                if heads and heads[-1] == noun and len(heads) > 2:
                    return text[: match.start()] + mention.text + text[match.end() :]
            shape = _shape(question)
            if shape.noun and words(shape.noun)[-1] == noun:
                return text[: match.start()] + (history.answered(i) or shape.described()) + text[match.end() :]
            if any(word[:4] == noun[:4] and word != noun for word in content_words(question) if len(noun) > 5):
                return f"{text[: match.end()]} {_circumstance(shape, history)}{text[match.end() :]}"
    return text


def _circumstance(last: _Shape, history: _History) -> str:
    """What the last question was about, as words to put after another: "when Khrenin visited Havana"."""
    if last.gap == "adjunct" and last.rest:
        return f"when {last.stated()}"
    topics = list(dict.fromkeys(mention.text for mention in _mentions(history.last)))
    return f"in connection with {' and '.join(topics[:2])}" if topics else f"({history.last.rstrip('?')})"
