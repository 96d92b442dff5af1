"""The grammar that follow-ups need: clauses and noun phrases of English questions. Rules, no tagger, no model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from rag.language.text import WORD, fold, words

Kind: TypeAlias = Literal["person", "group", "plural", "place", "thing", "name"]

# --- words -----------------------------------------------------------------------------------------------------------


def word_set(text: str) -> frozenset[str]:
    """The words of a text, separated by white space."""
    return frozenset(text.split())


QUESTION_WORDS = word_set("who whom whose what which when where why how")
FORMS_OF_BE = word_set("is are was were be been being")
AUXILIARIES = word_set("is are was were do does did has have had will would can could should may might must")
DETERMINERS = word_set("the a an this that these those his her their its my your our any some all each every")
PREPOSITIONS = word_set(
    """about above across after against along among around at before behind between by during for from in inside into
    near of on onto over per since through to towards under until upon via with within without"""
)
ADVERBS = word_set(
    """ever also really first still already not never exactly else there then later soon just only again here too so
    far"""
)
CONJUNCTIONS = word_set("that if when while because although before after since until whether where why how and or")
_PERSONAL = word_set("he she they it him her them i you we us me")
FUNCTION_WORDS = (
    QUESTION_WORDS | AUXILIARIES | FORMS_OF_BE | DETERMINERS | PREPOSITIONS | ADVERBS | CONJUNCTIONS | _PERSONAL
    | {"but", "than", "as"}
)  # fmt: skip
_ROLES = word_set(
    """adviser ambassador analyst attaché author captain chairman chief colonel commander counterpart director expert
    father founder general governor head king leader man minister mother official officer owner person president
    professor queen researcher secretary soldier son spokesman spokeswoman wife woman writer"""
)
_GROUPS = word_set(
    """army board company council crew delegation family force government group ministry military party people police
    regime side staff team"""
)
_PAST = dict(
    pair.split(":")
    for pair in word_set(
        """go:went say:said meet:met give:gave make:made take:took send:sent tell:told get:got see:saw hold:held
        lead:led leave:left come:came become:became begin:began bring:brought build:built buy:bought
        fight:fought find:found have:had hear:heard keep:kept know:knew lay:laid lose:lost pay:paid put:put
        read:read run:ran sell:sold speak:spoke spend:spent stand:stood think:thought win:won write:wrote
        do:did grow:grew fall:fell feel:felt choose:chose mean:meant rise:rose set:set sit:sat teach:taught
        understand:understood wear:wore cut:cut break:broke hit:hit let:let"""
    )
)
_PARTICIPLE = re.compile(
    r"^\w{2,}(?:ed|en|ing)$"
    r"|^(?:born|done|known|shown|gone|seen|held|met|made|said|sent|sold|built|found|won)$"
)
CONNECTIVE = re.compile(r"^(?:and|but|or|so|also|then)\b[,…]*\s*", re.I)
WHAT_ABOUT = re.compile(r"^(?:(?:what|how) about|same for|the same for)\s+", re.I)
_TELL = re.compile(
    r"^(?:(?:please|can you|could you)\s+)*"
    r"(?:tell (?:me |us )?(?:more )?about|describe|explain|what do you know about)\s+",
    re.I,
)


# --- the shape of a question -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clause:
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
        return next((word for word in words(self.lead) if word in QUESTION_WORDS), "")

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
        if self.gap == "object" and filler:
            rest = self.rest.split()
            after = 3 if rest[1:2] == ["to"] else 1
            return " ".join([lead, self.auxiliary, self.subject, *rest[:after], filler, *rest[after:]])
        if self.gap == "identity" and self.wh in ("who", "what", "which"):
            return f"{lead} {self.auxiliary} {filler} {self.subject}"
        return f"{lead} {self.auxiliary} {self.subject} {self.rest}"

    def stated(self) -> str:
        """The clause as a statement: "Khrenin met him"."""
        if self.gap == "subject":
            return f"{self.auxiliary} {self.rest}".strip()
        first, *others = self.rest.split() or [""]
        if first in ADVERBS and others:
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
        if self.noun and first in PREPOSITIONS:
            return f"the {self.noun} {first} which {self.stated()}"
        which = "who" if person or kind_of_phrase(self.noun) == "person" else "that"
        if person or self.noun:
            return f"the {self.noun or 'person'} {which} {self.stated()}"
        return f"what {self.stated()}"


@lru_cache(maxsize=256)
def parse(question: str) -> Clause:
    """The parts of a question."""
    text = CONNECTIVE.sub("", question.strip().rstrip("?.! "))
    if WHAT_ABOUT.match(text):
        return Clause("", "", "", text, "whole")
    told = _TELL.match(text)
    if told:
        return Clause("what", "is", text[told.end() :], "", "identity")
    found = list(WORD.finditer(text))
    tokens = [match.group() for match in found]
    low = [token.casefold() for token in tokens]

    def part(start: int, end: int | None = None) -> str:
        inside = found[start:end]
        return text[inside[0].start() : inside[-1].end()] if inside else ""

    if low and low[0] in AUXILIARIES:
        verb = _verb(tokens, 1, low[0], False)
        return Clause("", low[0], part(1, verb), part(verb), "adjunct")
    at = 1 if low[:1] and low[0] in PREPOSITIONS else 0
    if at >= len(low) or low[at] not in QUESTION_WORDS:
        return Clause("", "", "", text, "whole")
    wide = low[at] in ("which", "what", "whose", "how") or low[at + 1 : at + 2] in (["else"], ["exactly"], ["not"])
    end = at + 1
    while end < len(low) and low[end] not in AUXILIARIES and wide:
        if end > at + 1 and (_PARTICIPLE.match(low[end]) or low[end] in _PAST.values()):
            break
        if low[end] in FUNCTION_WORDS - ADVERBS:
            break
        end += 1
    counts = low[at : at + 2] in (["how", "many"], ["how", "much"])
    asks_name = counts or low[at] in ("who", "whom", "what", "which", "whose")
    if end == len(low):
        if len(low) > at + 3 and asks_name:  # "What causes throat cancer"
            return Clause(part(0, at + 1), "", "", part(at + 1), "subject")
        return Clause(part(0), "", "", "", "whole")
    if low[end] not in AUXILIARIES:  # "Who decorated him", "Which company makes it"
        if wide and low[end] in FUNCTION_WORDS and end > at + 2:
            end -= 1
        return Clause(part(0, end), "", "", part(end), "subject" if asks_name and at == 0 else "whole")
    auxiliary, after = low[end], end + 1
    if after == len(low):
        return Clause(part(0, end), auxiliary, "", "", "whole")
    named = tokens[after][0].isupper() or low[after] in DETERMINERS | _PERSONAL
    acts = _PARTICIPLE.match(low[after]) or low[after] in FORMS_OF_BE | ADVERBS | {"happen"}
    acts = acts or (auxiliary not in FORMS_OF_BE and (low[at] == "who" or end > at + 1))
    if asks_name and at == 0 and not named and acts and auxiliary not in ("do", "does", "did"):
        return Clause(part(0, end), auxiliary, "", part(after), "subject")
    verb = _verb(tokens, after, auxiliary, True)
    ends = verb == len(tokens) or (low[verb] in PREPOSITIONS and not counts)
    if ends and auxiliary in FORMS_OF_BE and asks_name:
        return Clause(part(0, end), auxiliary, part(after), "", "identity")
    return Clause(part(0, end), auxiliary, part(after, verb), part(verb), "object" if asks_name else "adjunct")


def _verb(tokens: Sequence[str], start: int, auxiliary: str, asked: bool) -> int:
    """Where the verb stands after a subject that begins at `start`; the number of tokens when there is none.

    No tagger: the subject runs to the next function word or name, and its last word is the verb.
    """
    low = [token.casefold() for token in tokens]
    if start < len(low) and low[start] in _PERSONAL | {"this", "that", "these", "those", "there"}:
        return start + 1
    end = start
    while end < len(low):
        linked = end > start and low[end - 1] in DETERMINERS | {"of", "and"}
        if end > start and not linked and low[end] in FUNCTION_WORDS - {"of", "and"}:
            break
        titled = low[end - 1] in _ROLES | {"of", "de", "del"}
        if end > start and tokens[end][0].isupper() and tokens[end - 1][0].islower() and not linked and not titled:
            break
        end += 1
    if end < len(low) and low[end] in AUXILIARIES | FORMS_OF_BE | ADVERBS:
        return end
    verb = end - 1
    while auxiliary in ("do", "does", "did") and verb > start and re.search("[^s]s$", low[verb]):
        verb -= 1
    if verb <= start or tokens[verb][0].isupper() or low[verb - 1] in DETERMINERS:
        return end
    if auxiliary in FORMS_OF_BE and not _PARTICIPLE.match(low[verb]) and (asked or end < len(low)):
        return end
    return verb


# --- what was spoken of ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mention:
    """Something that a turn spoke of; `place` says it where "there" stood ("in Havana")."""

    text: str
    kind: Kind
    place: str


NAME = r"[^\W\d_a-z][\w'’.-]*\w"
_NAMED = re.compile(
    r"(?:(?P<before>\w+)\s+)?"
    rf"(?P<name>{NAME}(?:\s+(?:(?:de|del|of|for|von|van|al|the)\s+)*(?:{NAME}|\d+))*)"
)
_DETERMINED = re.compile(r"\b(?:the|an?|[^\W\d_]+['’]s)\s+", re.I)


def kind_of_phrase(phrase: str) -> Kind:
    """Of a noun phrase by its head: the last word before "of", "in" and the like."""
    head: list[str] = []
    for token in WORD.findall(phrase):
        if token.casefold() in PREPOSITIONS and head:
            break
        head.append(token)
    if not head:
        return "thing"
    last = head[-1].casefold()
    if last in _ROLES or fold(head[0]) in _ROLES:
        return "person"
    if head[-1][0].isupper():
        if head[0].casefold() in DETERMINERS and last.endswith("s"):
            return "plural"
        if len(head) > 2 and head[0].casefold() in DETERMINERS:
            return "thing"
        return "person" if len(head) > 1 and head[0].casefold() not in DETERMINERS else "name"
    if last in _GROUPS:
        return "group"
    return "plural" if last.endswith("s") and not last.endswith(("ss", "us", "is")) else "thing"


@lru_cache(maxsize=256)
def mentions(question: str) -> tuple[Mention, ...]:
    """Names and noun phrases of a question, its subject first."""
    return tuple(_mentions(question))


def _mentions(question: str) -> Iterator[Mention]:
    clause = parse(question)
    owner = re.match(r"(.+)['’]s [a-z]+$", clause.subject) if clause.gap == "identity" and clause.wh != "who" else None
    if owner:
        yield Mention(owner.group(1), kind_of_phrase(owner.group(1)), f"in {owner.group(1)}")
    if clause.subject and fold(clause.subject) not in _PERSONAL:
        kind = "person" if clause.wh == "who" and clause.gap == "identity" else kind_of_phrase(clause.subject)
        yield Mention(clause.subject, kind, f"at {clause.subject}" if kind == "thing" else f"in {clause.subject}")
    seen = clause.subject
    for match in _NAMED.finditer(question):
        name, before = match["name"], fold(match["before"] or "")
        tail = question[match.end() :]
        if match.start("name") == 0 or name in seen or words(name)[0] in FUNCTION_WORDS:
            continue
        if name.endswith(("'s", "’s")) or (re.match(r"\s+(?!and\b|or\b)[a-z]", tail) and before in DETERMINERS):
            continue  # part of a longer phrase, found below
        placed = before in ("in", "at", "from", "near", "to") or before.startswith("visit")
        name = f"the {name}" if before == "the" else name
        kind = "place" if placed and " " not in name else kind_of_phrase(name)
        yield Mention(name, kind, f"{before if before in ('in', 'at') else 'in'} {name}")
    predicate = clause.auxiliary in FORMS_OF_BE and not clause.lead
    for match in _DETERMINED.finditer(question):
        if predicate and question[match.start() :].startswith(clause.rest[: match.end() - match.start()] or "?"):
            continue  # "Is Peru an ally?"
        phrase = match.group()
        for token in question[match.end() :].split():
            word = fold(token.strip("?,.!"))
            linked = phrase.endswith((" of", match.group()))
            if not linked and (word in FUNCTION_WORDS - {"of"} or (_PARTICIPLE.match(word) and token[0].islower())):
                break
            phrase = f"{phrase.rstrip()} {token.strip('?,.!')}"
            if token[-1] in "?,.!":
                break
        if " " in phrase.strip() and phrase not in seen:
            definite = re.sub(r"^an?\s", "the ", phrase.strip(), flags=re.I)
            yield Mention(definite, kind_of_phrase(definite), f"at {definite}")
