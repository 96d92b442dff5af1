"""An extractive Answer -> the same in a language model's words, while it writes, as far as passages support them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.grounding.checking import NO_CLAIM, NOT_STATED, SUPPORTED, TOO_LONG, cited
from rag.grounding.claims import Claim, Claims
from rag.grounding.generators import Delta, GenerationError, Generator, Markers, Prompt, build_prompt, within
from rag.grounding.generators.contract import WITHDRAWN
from rag.grounding.prompt import SECRET
from rag.grounding.verifier import Verifier
from rag.language.facts import contradict, facts
from rag.language.text import content_words, covered
from rag.types import Account, Answer, Check, Chunk, Citation, Document, ScoredChunk, Statement

OWN_WORDS = "these are the articles' own words"
_CLOSED = re.compile(r"[.!?…][\"'”’»)\]]*$")

Tell = Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What goes with a question to a model.

    Attributes
    ----------
    history : tuple of str
        Earlier questions, oldest first.
    cancelled : callable or None
        Asked while the model writes whether to stop it.
    tell : callable
        Told the answer as far as it is checked, each time that it has grown.
    """

    history: tuple[str, ...] = ()
    cancelled: Callable[[], bool] | None = None
    tell: Tell = lambda answer: None


class Draft:
    """What a model writes to a prompt, sentence by sentence."""

    def __init__(self, prompt: Prompt, deltas: Iterator[Delta]) -> None:
        self._prompt = prompt
        self._deltas = deltas
        self.last = Delta("")  # its end and its tokens, once it has ended
        self.waited = 0.0  # seconds, for what came of it

    def claims(self) -> Iterator[Claim]:
        """Each sentence as soon as the next has begun, without one that was cut off. GenerationError as of `within`."""
        keys = [passage.key for passage in self._prompt.passages]
        markers, claims = Markers(keys), Claims()
        for delta in self._pieces():
            self.last = delta
            text = markers.feed(delta.text)
            yield from claims.feed(text, [keys.index(key) for key in markers.cited])
        text = markers.close()
        places = [keys.index(key) for key in markers.cited]
        rest = [*claims.feed(text, places), *claims.close(places)]
        if self.last.finish == "length" and rest and not _CLOSED.search(rest[-1].text):
            rest.pop()
        yield from rest

    def _pieces(self) -> Iterator[Delta]:
        while True:
            begun = time.monotonic()
            piece = next(self._deltas, None)
            self.waited += time.monotonic() - begun
            if piece is None:
                return
            yield piece


class Writer:
    """Asks a generator and lets nothing pass that the passages do not support."""

    def __init__(
        self,
        generator: Generator,
        verifier: Verifier,
        document: Callable[[str], Document],
        strict: bool = True,
        seconds: float = 60.0,
        secret: bytes = SECRET,
    ) -> None:
        """
        Parameters
        ----------
        generator : Generator
        verifier : Verifier
        document : callable
            Fetches a document by its id.
        strict : bool
            Whether unsupported sentences are left out; else they are marked.
        seconds : float
            Longest time that the model may take for one answer, without that of checking it.
        secret : bytes
            Of the passages' keys; default: this process's own.
        """
        self._generator = generator
        self._verifier = verifier
        self._document = document
        self._strict = strict
        self._seconds = seconds
        self._secret = secret

    @property
    def name(self) -> str:
        """That of the generator."""
        return self._generator.name

    def write(self, answer: Answer, asked: Asked | None = None) -> Answer:
        """The answer with the model's supported sentences for its statements, or the same answer with a note why not.

        What is "not said" stays so: the model is not asked, nor on an article in a language that the reader, which
        checks its words, has not learned. What is "perhaps" the answer is one when supported sentences answer the
        question, and hold the names and figures in doubt. Of accounts that differ each is worded from its own articles.
        What `asked.tell` was told is never taken back.
        """
        asked = asked or Asked()
        if answer.certainty == "not said" or any(doubt.kind == "language" for doubt in answer.doubts):
            return answer
        return self._accounts(answer, asked) if answer.accounts else self._prose(answer, asked)

    def _prose(self, answer: Answer, asked: Asked) -> Answer:
        made = _Prose(answer, self.name, self._verifier, self._strict)
        drafts: list[Draft] = []
        trouble = ""
        try:
            for check in self._checks(answer, answer.passages, asked, drafts):
                if made.add(check):
                    asked.tell(made.answer())
        except GenerationError as error:
            trouble = str(error)
        return _counted(made.finished(trouble), drafts)

    def _accounts(self, answer: Answer, asked: Asked) -> Answer:
        """Each account in one sentence of the model's, from its own articles, or in their own words."""
        made = _Accounts(answer, self.name, self._verifier)
        drafts: list[Draft] = []
        trouble = ""
        for account in answer.accounts:
            own = {answer.citations[n - 1].document_id for n in account.citations}
            passages = [found for found in answer.passages if found.chunk.document_id in own]
            check = None
            try:
                if not trouble:
                    checks = self._checks(answer, passages, asked, drafts)
                    check = next((found for found in checks if made.add(account, found)), None)
            except GenerationError as error:
                trouble = str(error)
            made.settle(account, check)
            if made.worded:
                asked.tell(made.answer())
        return _counted(made.finished(trouble), drafts)

    def _checks(
        self, answer: Answer, found: Sequence[ScoredChunk], asked: Asked, drafts: list[Draft]
    ) -> Iterator[Check]:
        """What the passages say of each sentence of one more draft, which is put to `drafts`.

        Raises
        ------
        GenerationError
            As of `within`; no passage fits the model; an article was changed or removed meanwhile.
        """
        generator = self._generator
        prompt, used = build_prompt(
            answer.understood,
            found,
            answer.documents,
            generator.count_tokens,
            generator.context_tokens,
            asked.history,
            self._secret,
        )
        if not used:
            raise GenerationError(f"no passage fits its {generator.context_tokens} tokens")
        waited = sum(draft.waited for draft in drafts)
        drafts.append(Draft(prompt, within(generator.stream(prompt), self._seconds, asked.cancelled, waited)))
        passages = [passage.chunk for passage in used]
        kept = ""  # what is shown before a sentence: on that it leans
        for claim in drafts[-1].claims():
            if asked.cancelled is not None and asked.cancelled():
                raise GenerationError(WITHDRAWN)
            try:
                check = self._check(claim, passages, kept)
            except KeyError:
                raise GenerationError("an article was changed meanwhile") from None
            kept = claim.text if check.citations else kept
            yield check

    def _check(self, claim: Claim, passages: Sequence[Chunk], before: str) -> Check:
        """By the passages that the claim cites or, where they do not support it, by all."""
        cites = [passages[i] for i in claim.cited]
        if self._verifier.too_long(claim.text):
            return Check(claim.text, NOT_STATED, 0.0, note=TOO_LONG)
        best = Check(claim.text, NO_CLAIM, 0.0)
        for group in (cites, passages) if len(cites) < len(passages) else (cites,):
            found = self._verifier.check(claim.text, group, before)
            if not found or (best.nearest and found[0].probability <= best.probability):
                continue
            quotes, sure = cited(found[0], group, self._document), found[0].probability
            if sure >= self._verifier.threshold:
                return Check(claim.text, SUPPORTED, sure, quotes)
            best = Check(claim.text, NOT_STATED, sure, nearest=quotes)
        return best


class _Told:
    """What is told of an answer so far: statements, and their citations in the order of their markers."""

    def __init__(self, answer: Answer, name: str, verifier: Verifier) -> None:
        self._given = answer
        self._name = name
        self._verifier = verifier
        self._checks: list[Check] = []
        self._statements: list[Statement] = []
        self._citations: list[Citation] = []
        self._places: list[tuple[str, int, int]] = []  # of the citations; their scores are of the sentences on them

    def _state(self, text: str, citations: Sequence[Citation]) -> None:
        numbers = []
        for citation in citations:
            place = (citation.document_id, citation.start, citation.end)
            if place not in self._places:
                self._places.append(place)
                self._citations.append(citation)
            numbers.append(self._places.index(place) + 1)
        self._statements.append(Statement(text, tuple(numbers)))

    def _answers(self, told: Sequence[str], found: str) -> bool:
        """Whether sentences answer the question: as the reader reads them, or since they tell what it `found`.

        It reads them without the articles around them, and misses what is said in other words.
        """
        return _tell(" ".join(told), found) or self._verifier.answers(self._given.understood, told)

    def answer(self) -> Answer:
        """The answer as far as it is told."""
        return replace(
            self._given,
            statements=tuple(self._statements),
            citations=tuple(self._citations),
            draft=tuple(self._checks),
            generator=self._name,
            certainty="answered",
            abstained=False,
            doubts=(),
        )

    def _own_words(self, reason: str) -> Answer:
        return _noted(replace(self._given, draft=tuple(self._checks)), f"{reason}; {OWN_WORDS}")

    def _gave_none(self, trouble: str) -> str:
        return f"{self._name} gave no answer ({trouble})"


class _Prose(_Told):
    """One answer in a model's sentences. They are held back until they answer the question.

    So what is shown need not be taken back when the model passes over it.
    """

    def __init__(self, answer: Answer, name: str, verifier: Verifier, strict: bool) -> None:
        super().__init__(answer, name, verifier)
        self._strict = strict
        self._found = answer.short_answer if answer.certainty == "answered" else ""
        self._doubtful = [word for doubt in answer.doubts for part in doubt.missing for word in content_words(part)]
        self._dropped = 0
        self._answered = False

    def add(self, check: Check) -> bool:
        """Take a sentence; whether there is something more to show."""
        self._checks.append(check)
        if not check.citations:
            self._dropped += 1
        if check.citations or not self._strict:
            self._state(check.statement, check.citations)
            if check.citations and not self._answered:
                self._answered = self._answers(self._supported(), self._found)
            return self._holds()
        return False

    def _holds(self) -> bool:
        return self._answered and covered(self._doubtful, " ".join(self._supported())) == 1.0

    def _supported(self) -> list[str]:
        return [statement.text for statement in self._statements if statement.citations]

    def finished(self, trouble: str) -> Answer:
        """The whole answer, or that in the articles' own words, with notes that say why."""
        name = self._name
        if not self._holds():
            if trouble:
                return self._own_words(self._gave_none(trouble))
            if not self._citations:
                return self._own_words(f"the articles support nothing that {name} wrote")
            passed = "names and figures in doubt" if self._answered else "question"
            return self._own_words(f"{name} passed over the {passed}")
        answer = _noted(self.answer(), f"worded by {name}; each sentence was checked against its source")
        if self._given.certainty == "perhaps":
            answer = _noted(answer, f"the passages alone left it open; the checked sentences of {name} decided")
        if trouble:
            answer = _noted(answer, f"{name} did not finish ({trouble})")
        if self._dropped:
            done = "left out" if self._strict else "marked"
            number = "1 sentence" if self._dropped == 1 else f"{self._dropped} sentences"
            answer = _noted(answer, f"{number} that the articles do not support {done}")
        return answer


class _Accounts(_Told):
    """Accounts that differ, one after the other, each in one sentence of the model's or in the articles' own words."""

    def __init__(self, answer: Answer, name: str, verifier: Verifier) -> None:
        super().__init__(answer, name, verifier)
        self._accounts: list[Account] = []
        self.worded = 0

    def add(self, account: Account, check: Check) -> bool:
        """Take a sentence; whether it tells the account."""
        self._checks.append(check)
        # One article may tell both: no sentence with another figure or day stands for this account.
        own = not contradict(account.short_answer, check.statement)
        return bool(check.citations) and own and self._answers([check.statement], account.short_answer)

    def settle(self, account: Account, check: Check | None) -> None:
        """Tell the account in that sentence; without one, in its own words."""
        own = [self._given.citations[n - 1] for n in account.citations]
        text = account.text if check is None else check.statement
        self._state(text, own if check is None else check.citations)
        told = self._statements[-1]
        self._accounts.append(replace(account, text=told.text, citations=told.citations))
        self.worded += check is not None

    def answer(self) -> Answer:
        """The accounts as far as they are told."""
        return replace(super().answer(), accounts=tuple(self._accounts))

    def finished(self, trouble: str) -> Answer:
        """All accounts, with notes that say who worded them."""
        name, count = self._name, len(self._accounts)
        if not self.worded:
            return self._own_words(self._gave_none(trouble) if trouble else f"{name} told none of the accounts")
        worded = "the accounts are" if self.worded == count else f"{self.worded} of the {count} accounts are"
        answer = _noted(self.answer(), f"{worded} worded by {name}, each checked against its own articles")
        return _noted(answer, f"{name} did not finish ({trouble})") if trouble else answer


def _tell(text: str, found: str) -> bool:
    """Whether a text has most words of what was found, and all its figures and days."""
    told, wanted = facts(text), facts(found)
    words = content_words(found)
    return bool(words) and covered(words, text) > 0.5 and wanted.numbers <= told.numbers and wanted.dates <= told.dates


def _counted(answer: Answer, drafts: Sequence[Draft]) -> Answer:
    """The answer with the tokens that its drafts took, as far as the model told."""
    ends = [draft.last for draft in drafts]
    return replace(answer, tokens_in=sum(d.tokens_in for d in ends), tokens_out=sum(d.tokens_out for d in ends))


def _noted(answer: Answer, note: str) -> Answer:
    return replace(answer, notes=(*answer.notes, note))
