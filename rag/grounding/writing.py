"""An extractive Answer -> the same in a language model's words, as far as the passages support them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.answering.citations import cite
from rag.answering.confidence import covered
from rag.grounding.generators import GenerationError, Generator, Markers, build_prompt, within
from rag.grounding.prompt import SECRET
from rag.grounding.verifier import Support, Verifier
from rag.language.sentences import sentences
from rag.language.text import content_words, words
from rag.types import Answer, Chunk, Citation, Document, Statement

HOLDS_ANSWER = 0.5  # share of the short answer's words that a model's text must have to take its place
_MARKER = re.compile(r"\s*\[(\d+)\]")
_LATE_MARKERS = re.compile(r"([.!?…]+[\"'”’»)]*)((?:\s*\[\d+\])+)")
# Also the dates that stand behind the titles of the prompt.
_MARKUP = re.compile(r"\*\*|__|```\w*|</?[bi]>|\s*\((?:undated|\d{4}-\d\d-\d\d)\)")
_SAYS = r"(?:says?|states?|adds?|notes?|mentions?|reports?|explains?|concludes?|continues?)"
_TOLD = rf"(?:the|this) (?:passage|article|text)s? (?:also )?{_SAYS}"
# List marks, "Answer:", "The passage adds:", "The article says that", "According to the passages,"
_LEAD = re.compile(
    r"^(?:[-*•#>\s]+|\d+[.)]\s+|according to the (?:passage|article|text)s?, "
    rf"|(?:(?:the )?answer(?: is)?|a|(?:the|this) (?:passage|article|text)|{_TOLD}(?: with)?)\s*:\s*|{_TOLD} that )+",
    re.I,
)
_CLOSED = re.compile(r"[.!?…][\"'”’»)\]]*$")
_UNFINISHED = re.compile(r"(?::|…|\.\.\.)[\"'”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of a model, without markers, and the passages that it cites, counted from 0."""

    text: str
    cited: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a model wrote, before it is checked."""

    claims: tuple[Claim, ...]
    passages: tuple[Chunk, ...]
    tokens_in: int
    tokens_out: int


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
            Longest time that the model may take for one answer.
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

    def write(self, answer: Answer, history: Sequence[str] = (), cancelled: Callable[[], bool] | None = None) -> Answer:
        """The answer with the model's supported sentences for its statements, or the same answer with a note why not.

        An abstention stays one, and accounts that differ stay in their own words: the model is not asked.
        """
        name = self._generator.name
        if answer.abstained:
            return answer
        if answer.accounts:
            return _noted(answer, f"the articles differ, so {name} was not asked")
        try:
            draft = self.draft(answer, history, cancelled)
        except GenerationError as error:
            return _noted(answer, f"{name} gave no answer ({error}); these are the articles' own words")
        answer = replace(answer, tokens_in=draft.tokens_in, tokens_out=draft.tokens_out)
        try:
            return self.checked(answer, draft, self.supports(answer, draft))
        except KeyError:  # an article was changed or removed meanwhile
            return _noted(answer, "an article was changed meanwhile; these are the articles' own words")

    def draft(self, answer: Answer, history: Sequence[str] = (), cancelled: Callable[[], bool] | None = None) -> Draft:
        """What the model says to the answer's question and passages.

        Raises
        ------
        GenerationError
            It said nothing usable in time.
        """
        generator = self._generator
        prompt, used = build_prompt(
            answer.understood,
            answer.passages,
            answer.documents,
            generator.count_tokens,
            generator.context_tokens,
            history,
            self._secret,
        )
        if not used:
            raise GenerationError(f"no passage fits its {generator.context_tokens} tokens")
        markers = Markers(passage.key for passage in prompt.passages)
        text, last = "", None
        for last in within(generator.stream(prompt), self._seconds, cancelled):
            text += markers.feed(last.text)
        text += markers.close()
        place = {passage.key: i for i, passage in enumerate(prompt.passages)}
        claims = split_claims(text, [place[key] for key in markers.cited])
        if last and last.finish == "length" and claims and not _CLOSED.search(claims[-1].text):
            claims = claims[:-1]
        tokens = (last.tokens_in, last.tokens_out) if last else (0, 0)
        return Draft(tuple(claims), tuple(passage.chunk for passage in used), *tokens)

    def supports(self, answer: Answer, draft: Draft) -> list[Support | None]:
        """For each claim the place that supports it; None where none does well enough."""
        found: list[Support | None] = []
        before = ""
        for claim in draft.claims:
            found.append(self._support(claim, draft.passages, before))
            before = claim.text
        return found

    def _support(self, claim: Claim, passages: Sequence[Chunk], before: str) -> Support | None:
        """The best support in the passages that the claim cites or, where they have none, in the others."""
        others = [i for i in range(len(passages)) if i not in claim.cited]
        for group in (list(claim.cited), others):
            found = self._verifier.check(claim.text, [passages[i] for i in group], before)
            if found and found[0].probability >= self._verifier.threshold:
                return replace(found[0], passage=group[found[0].passage])
        return None

    def checked(self, answer: Answer, draft: Draft, supports: Sequence[Support | None]) -> Answer:
        """The answer with the draft's supported sentences for its statements, or the same with a note why not.

        Raises
        ------
        KeyError
            An article was changed or removed meanwhile.
        """
        name = self._generator.name
        made: list[Citation] = []
        kept: list[Statement] = []
        dropped = 0
        for claim, support in zip(draft.claims, supports, strict=True):
            if support is None:
                dropped += 1
                if not self._strict:
                    kept.append(Statement(claim.text, ()))
                continue
            citation = self._cite(draft.passages[support.passage], support)
            if citation not in made:
                made.append(citation)
            kept.append(Statement(claim.text, (made.index(citation) + 1,)))
        text = " ".join(statement.text for statement in kept)
        if not made:
            return _noted(answer, f"the articles support nothing that {name} wrote; these are their own words")
        if covered(content_words(answer.short_answer), text) < HOLDS_ANSWER:
            return _noted(answer, f"{name} passed over the answer that was found; these are the articles' own words")
        answer = _noted(answer, f"worded by {name}; each sentence was checked against its source")
        if dropped:
            done = "left out" if self._strict else "marked"
            number = "1 sentence" if dropped == 1 else f"{dropped} sentences"
            answer = _noted(answer, f"{number} that the articles do not support {done}")
        return replace(answer, statements=tuple(kept), citations=tuple(made), generator=name)

    def _cite(self, chunk: Chunk, support: Support) -> Citation:
        document = self._document(chunk.document_id)
        if document.text[chunk.start : chunk.end] != chunk.text:
            raise KeyError(chunk.id)
        return cite(document, support.start, support.end, support.probability)


def split_claims(text: str, places: Sequence[int]) -> list[Claim]:
    """The sentences of a model's text, each with what its markers cite.

    What only leads to a statement ("The passage adds that") is cut off. Empty, unfinished and repeated sentences are
    left out.

    Parameters
    ----------
    text : str
        With markers [1], [2] ...
    places : sequence of int
        What each marker stands for: `places[n - 1]` for [n].
    """
    text = _LATE_MARKERS.sub(r"\2\1", _MARKUP.sub("", text))
    claims: list[Claim] = []
    seen: set[tuple[str, ...]] = set()
    for start, end in sentences(text):
        sentence = text[start:end]
        cited = tuple(dict.fromkeys(places[int(n) - 1] for n in _MARKER.findall(sentence) if 0 < int(n) <= len(places)))
        plain = " ".join(_LEAD.sub("", _MARKER.sub("", sentence)).split())
        plain = plain[:1].upper() + plain[1:]
        key = tuple(words(plain))
        if key and key not in seen and not _UNFINISHED.search(plain):
            seen.add(key)
            claims.append(Claim(plain, cited))
    return claims


def _noted(answer: Answer, note: str) -> Answer:
    return replace(answer, notes=(*answer.notes, note))
