"""Spans -> an answer that a person can read: whole sentences, markers, accounts side by side. No models, no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from rag.answering.citations import cite, sentences_around, told_alike
from rag.answering.confidence import (
    Candidate,
    agree,
    best_of_passages,
    is_denied,
    is_list,
    is_polar,
    says_no,
    says_the_same,
)
from rag.language.english import LEANING_STARTS
from rag.language.facts import contradict, facts
from rag.language.sentences import is_question
from rag.language.text import WORD, content_words, covered, words
from rag.types import Account, Chunk, Citation, Document, Doubt, DoubtKind, Span, Statement

# Logit, by the confidence fitted to the default reader, from which what another article tells is another account, if
# it lies within SUPPORT_MARGIN; less is asked of what contradicts those before it in figures or days. Of 41
# pairs that differ on texts that training left out (`training.accounts`) 18 stand side by side, and of 17 that agree
# none; from -0.8 on, whatever it says, it would be 16 and 1. (The cosine of the sentences told no more.)
ACCOUNT = -0.4
CONTRADICTING = -2.5
SUPPORT_MARGIN = 6.0  # logits that a passage which tells the same may lie behind the best one
LIST_MARGIN = 3.0  # the same for an item of a list; the F1 of 89 lists that training left out is flat from 3 to 5
MAX_ACCOUNTS = 3
YES, NO = "Yes", "No"
MAX_ITEMS = 8
MAX_NEAREST = 3
SAME_SENTENCE = 0.75  # cosine from which two sentences give one reason
LEANS = re.compile(rf"(?:{'|'.join(LEANING_STARTS)})\b", re.I)


@dataclass(frozen=True, slots=True)
class Composed:
    """The parts of an Answer that come from its spans."""

    short_answer: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    accounts: tuple[Account, ...]


class _Citations:
    """Citations in the order of their markers; the same place is cited once."""

    def __init__(self, document: Callable[[str], Document]) -> None:
        self._document = document
        self.made: list[Citation] = []

    def number(self, document_id: str, start: int, end: int, score: float) -> int:
        for i, citation in enumerate(self.made, start=1):
            if citation.document_id == document_id and citation.start <= start and end <= citation.end:
                return i
        self.made.append(cite(self._document(document_id), start, end, score))
        return len(self.made)


def compose(
    question: str,
    candidates: Sequence[Candidate],
    document: Callable[[str], Document],
    chunk: Callable[[str], Chunk],
    denials: Callable[[], Sequence[Candidate]] = tuple,
) -> Composed:
    """An answer from candidates, best first.

    Parameters
    ----------
    question : str
        As understood.
    candidates : sequence of Candidate
        At least one; the first is the answer.
    document, chunk : callable
        Fetch by id.
    denials : callable
        Finds what denies the first in other articles; called once, or never, since it reads.
    """
    made = _Citations(document)
    if is_list(candidates[0]) and (listed := _compose_list(candidates, made)).statements:
        return listed
    groups = _groups(candidates)
    differing = [groups[0]]
    for group in groups[1:]:
        if len(differing) == MAX_ACCOUNTS or group[0].logit < CONTRADICTING:
            break
        if _differs(question, group[0], differing) and _names_alike(question, group[0], groups[0][0], document):
            differing.append(group)
    told = {group[0].span.document_id for group in differing}
    denying = [[denial] for denial in denials() if denial.span.document_id not in told]
    differing += denying[: MAX_ACCOUNTS - len(differing)]
    heads = [group[0].span.document_id for group in differing]
    parts = [_sentence(group, made, chunk, set(heads) - {head}) for group, head in zip(differing, heads, strict=True)]
    short = short_answer(groups[0][0])
    if len(parts) == 1:
        return Composed(short, tuple(parts), tuple(made.made), ())
    accounts = tuple(
        Account(_against(groups[0][0]) or part.text if group in denying else short_answer(group[0]), part.text,
                group[0].passage.chunk.date, part.citations)
        for group, part in zip(differing, parts, strict=True)
    )  # fmt: skip
    return Composed(short, tuple(parts), tuple(made.made), accounts)


def short_answer(candidate: Candidate) -> str:
    """The span or, where yes or no is asked for and the reader is sure of it, which of both its sentence says."""
    if (no := says_no(candidate)) is not None:
        return NO if no else YES
    return candidate.span.text.strip(" ,;:")


def _against(candidate: Candidate) -> str:
    """What denies a candidate says where yes or no is asked for; "" else, as no part of it is an answer then."""
    no = says_no(candidate)
    return "" if no is None else YES if no else NO


def leaves_open(candidate: Candidate) -> bool:
    """Whether yes or no is asked for, and the reader is not sure which of both the sentence says."""
    return is_polar(candidate) and says_no(candidate) is None


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Candidates that tell the same together, in the order of their best ones."""
    groups: list[list[Candidate]] = []
    floor = candidates[0].logit - SUPPORT_MARGIN
    for candidate in candidates:
        if candidate.logit < floor:
            continue
        for group in groups:
            first = group[0]
            if says_the_same(candidate, first) or _same_sense(candidate, first):
                group.append(candidate)
                break
        else:
            groups.append([candidate])
    return groups


def _same_sense(left: Candidate, right: Candidate) -> bool:
    """Whether the sentences around two long spans say the same; short spans (names, dates) must agree themselves."""
    if says_no(right) is not None or left.vector is None or right.vector is None:
        return False
    texts = left.span.text, right.span.text
    if min(len(text.split()) for text in texts) <= 4 or contradict(*texts):
        return False
    return float(left.vector @ right.vector) >= SAME_SENTENCE


def _differs(question: str, first: Candidate, earlier: Sequence[Sequence[Candidate]]) -> bool:
    """Whether a candidate is another account: firm enough, and its article tells none of the earlier ones as firmly.

    Their dates are known and differ, or their figures or days do, or one says yes and one no: else it may be
    of something like it (of 105 questions answered on undated paragraphs of public sets, 21 would have had such
    accounts, and have 2). The figures of the question, a year as a rule, it must have as the best candidate has, be it
    by its article's date.
    """
    told = {c.span.document_id for other in earlier for c in other if c.logit >= first.logit}
    heads = [other[0] for other in earlier]
    figures = [word for word in words(question) if word[:1].isdigit()]
    contradicts = all(contradict(first.span.text, head.span.text) for head in heads)
    return (
        first.logit >= (CONTRADICTING if contradicts else ACCOUNT)
        and first.span.document_id not in told
        and (
            contradicts
            or says_no(first) is not None
            or all(_apart(first.passage.chunk.date, head.passage.chunk.date) for head in heads)
        )
        and covered(figures, _context(first)) >= covered(figures, _context(heads[0]))
    )


def _names_alike(question: str, first: Candidate, best: Candidate, document: Callable[[str], Document]) -> bool:
    """Whether an article has any of the question's names that the best one's has: else it tells of something alike."""
    names = [content_words(word) for word in _names(question)]

    def named_in(candidate: Candidate) -> list[list[str]]:
        chunk = candidate.passage.chunk
        text = _headed(chunk, document(chunk.document_id).text)
        return [name for name in names if name and covered(name, text) == 1.0]

    known = named_in(best)
    return not known or any(name in known for name in named_in(first))


def _names(question: str) -> list[str]:
    """The words of a question with a capital, but the first; none of one in capitals, where they tell no name."""
    asked = [match.group() for match in WORD.finditer(question)]
    return [] if question.isupper() else [word for word in asked if word[0].isupper() and word != asked[0]]


def _apart(left: str | None, right: str | None) -> bool:
    """Whether two dates are known and differ as far as both are told: "2024" may be "2024-05"."""
    return left is not None and right is not None and not (left.startswith(right) or right.startswith(left))


def _context(candidate: Candidate) -> str:
    return _headed(candidate.passage.chunk, candidate.sentence)


def _headed(chunk: Chunk, text: str) -> str:
    """A text of a chunk behind the date and title of its document."""
    return f"{chunk.date or ''} {chunk.title}\n{text}"


def _sentence(group: list[Candidate], made: _Citations, chunk: Callable[[str], Chunk], others: set[str]) -> Statement:
    """The readable sentence of a group, and what it cites.

    `others` are the documents of the accounts beside it: what tells one account does not support another.
    """
    best = group[0]
    start, end = _readable(best.passage.chunk, best.span.start, best.span.end)
    numbers = [made.number(best.span.document_id, start, end, best.span.score)]
    cited = {best.span.document_id, *others}
    for candidate in group[1:]:
        supports = candidate.span.score > 0 and not is_denied(candidate)
        if supports and candidate.span.document_id not in cited and len(numbers) < 3:
            place = sentences_around(candidate.passage.chunk, candidate.span.start, candidate.span.end)
            numbers.append(made.number(candidate.span.document_id, *place, candidate.span.score))
            cited.add(candidate.span.document_id)
    sentence = _text(best.passage.chunk, *sentences_around(best.passage.chunk, best.span.start, best.span.end))
    for chunk_id in best.passage.duplicates:
        other = chunk(chunk_id)
        place_ = told_alike(other, sentence)
        if place_ and other.document_id not in cited and len(numbers) < 3:
            numbers.append(made.number(other.document_id, *place_, best.span.score))
            cited.add(other.document_id)
    return Statement(_text(best.passage.chunk, start, end), tuple(numbers))


def _readable(chunk: Chunk, start: int, end: int) -> tuple[int, int]:
    """The sentences around a span, with the one before when it asks for them or they lean on it ("He also…")."""
    start, end = sentences_around(chunk, start, end)
    before = [(a, b) for a, b in chunk.sentences if b <= start]
    if not before:
        return start, end
    leans = LEANS.match(_text(chunk, start, end)) and "\n" not in chunk.between(before[-1][1], start)
    if leans or is_question(_text(chunk, *before[-1])):
        return before[-1][0], end
    return start, end


def _text(chunk: Chunk, start: int, end: int) -> str:
    """Text of a place on one line."""
    return " ".join(chunk.between(start, end).split())


def _compose_list(candidates: Sequence[Candidate], made: _Citations) -> Composed:
    """Several spans, a statement each with its sentence; what is told twice comes once, none where no span has a word.

    Bare figures are items where the best span is one ("In which years …?").
    """
    first = candidates[0].span
    floor = max(first.score - LIST_MARGIN, 0.0)
    items: list[Span] = []
    quoted: dict[str, list[int]] = {}
    for candidate in candidates:
        for span in (candidate.span, *candidate.span.alternatives):
            text = span.text.strip(" ,;:")
            if span is not first and span.score < floor:
                continue
            named = len(text) > 1 and text.isupper()  # "US", which alone is as good as "us"
            if not (named or content_words(text)) or _is_figure(text) is not _is_figure(first.text):
                continue
            if len(items) == MAX_ITEMS or any(_one_item(span, item, candidate.passage.chunk) for item in items):
                continue
            place = sentences_around(candidate.passage.chunk, span.start, span.end)
            sentence = _text(candidate.passage.chunk, *place)
            number = made.number(span.document_id, *place, span.score)
            items.append(replace(span, text=text))
            if number not in quoted.setdefault(sentence, []):
                quoted[sentence].append(number)
    statements = tuple(Statement(sentence, tuple(numbers)) for sentence, numbers in quoted.items())
    return Composed("; ".join(item.text for item in items), statements, tuple(made.made), ())


def _one_item(span: Span, item: Span, chunk: Chunk) -> bool:
    """Whether a span of a chunk tells an item again: where they stand side by side in a sentence, in the same words.

    There "Sudan and South Sudan" are two.
    """
    start, end = sentences_around(chunk, span.start, span.end)
    beside = start <= item.start < item.end <= span.start or span.end <= item.start < item.end <= end
    if beside and item.document_id == span.document_id:
        return words(span.text) == words(item.text)
    return _holds(span.text, item.text) or _holds(item.text, span.text) or agree(span.text, item.text)


def _is_figure(text: str) -> bool:
    found = content_words(text)
    return bool(found) and not facts(text).dates and all(facts(word).numbers for word in found)


def _holds(text: str, part: str) -> bool:
    """Whether whole words of a text are those of another: "Mali" is no part of "Somalia"."""
    return f" {' '.join(words(part))} " in f" {' '.join(words(text))} "


def nearest(candidates: Sequence[Candidate], document: Callable[[str], Document]) -> tuple[Citation, ...]:
    """The sentence that comes nearest in each of the nearest passages; candidates best first. Not an answer."""
    return tuple(
        cite(document(c.span.document_id), *sentences_around(c.passage.chunk, c.span.start, c.span.end), c.span.score)
        for c in best_of_passages(candidates)[:MAX_NEAREST]
    )


def doubts(question: str, candidate: Candidate, foreign: bool = False) -> tuple[Doubt, ...]:
    """What speaks against a candidate: a name or figure that its passage lacks, a yes or no that it leaves open.

    Or that it seems to deny what is asked, or is `foreign`, in a language that the reader has not learned.
    """
    chunk = candidate.passage.chunk
    context = _headed(chunk, chunk.text)
    asked = [match.group() for match in WORD.finditer(question)]
    told = facts(context).days
    days = {day for day in facts(question).days if any(other.startswith(day) for other in told)}
    missing = [
        word
        for word in asked
        if (wanted := content_words(word)) and covered(wanted, context) < 1.0 and not _writes(word, days)
    ]
    capital = tuple(word for word in missing if word in _names(question))
    figures = tuple(word for word in missing if word[0].isdigit())
    lacking: tuple[tuple[DoubtKind, tuple[str, ...]], ...] = (("name", capital), ("figure", figures))
    found = [Doubt(kind, words) for kind, words in lacking if words]
    if leaves_open(candidate):
        found.append(Doubt("word"))
    if is_denied(candidate):
        found.append(Doubt("denial"))
    if foreign:
        found.append(Doubt("language"))
    return tuple(found)


def _writes(word: str, days: Collection[str]) -> bool:
    """Whether a word is the month or the day of one of the days ("07-03": "July", "3", "3rd")."""
    own = facts(word)
    return any(day[:2] in own.days or day[3:] in {number.zfill(2) for number in own.numbers} for day in days)
