"""Questions that training left out, each with the corpus that it is asked of: what confidence is fitted to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rag.types import Document
from training.data import left_out_twins, load_articles, load_training
from training.records import Article, Question
from training.written import ASKING, EVERYDAY, FIELDS, FOLDERS, NOTICES, PLAIN, STRANGERS, TABLES, load_fields

SEED = 7
NEIGHBOURS = 27  # further news articles beside those held out, as many as make a folder of sixty
PARAGRAPHS = 600  # of each mixed corpus


@dataclass(frozen=True)
class Item:
    """A question as calibration needs it.

    `gold` are documents in which a right answer may be found, `sentence` what decides a yes-no question, `denial` what
    it decides.
    """

    text: str
    answers: tuple[str, ...]
    gold: frozenset[str]
    denial: bool | None = None
    sentence: str = ""
    polar: bool = False
    many: bool = False


@dataclass(frozen=True)
class Corpus:
    """Documents, and questions asked of all of them."""

    name: str
    documents: tuple[Document, ...]
    questions: tuple[Item, ...]


def corpora(data: Path, limit: int) -> Iterator[Corpus]:
    """The corpora of `data`/train, each with at most `limit` questions of the groups that training left out."""
    train, held_out = load_training(data)
    articles = load_articles(data)
    # What one article leaves untold, a sister may tell; follow-ups are a corpus of their own.
    alone = [question for question in held_out if question.dataset not in ("news-talks", "news-untold")]
    yield of_articles("news", articles, alone, limit)
    yield of_articles("talks", articles, [q for q in held_out if q.dataset == "news-talks"], limit)
    twins = left_out_twins(data)
    yield of_articles("yes-no", articles, twins, limit)
    of_fields = {
        "fields": (FIELDS, EVERYDAY, FOLDERS), "notices": (NOTICES,), "tables": (TABLES,), "asking": (ASKING,),
        "plain": (PLAIN,),
    }  # fmt: skip
    for name, paths in of_fields.items():
        known, (texts, asked, _) = load_fields(paths)[0], load_fields(paths, held_out=True)
        yield of_articles(name, known | texts, asked, limit)
    yield from strangers(limit)
    yield _paragraphs("SQuAD", train, held_out, ("squad",), limit)
    mixed = ("qed_nq", "nq_open_gold", "quoref", "timeqa_human", "afriqa_en", "fairytaleqa", "squad_train_part")
    yield _paragraphs("mixed", train, held_out, mixed, limit)
    yield _paragraphs("passages", train, twins, ("passages",), limit, mixed)


def strangers(limit: int) -> Iterator[Corpus]:
    """The folders of `strangers.jsonl`, each asked by itself."""
    texts, asked, _ = load_fields([STRANGERS], held_out=True)
    for folder_id in sorted({id.rpartition("/")[0] for id in texts}):
        own = {id: text for id, text in texts.items() if id.rpartition("/")[0] == folder_id}
        yield of_articles("strangers", own, [question for question in asked if question.article in own], limit)


def of_articles(name: str, articles: Mapping[str, Article], held_out: Sequence[Question], limit: int) -> Corpus:
    """The articles of the groups held out, among others that training saw; answers may stand in a sister article."""
    asked = [question for question in held_out if question.article]
    groups = {question.group for question in asked}
    sisters = {group: sorted(a.id for a in articles.values() if a.group == group) for group in groups}
    items = [
        # The last of three is on another event (`Article`).
        _item(question, frozenset({question.article, *([] if question.polar else sisters[question.group][:2])}))
        for question in Random(SEED).sample(asked, min(limit, len(asked)))
    ]
    return Corpus(name, folder(articles, groups), tuple(items))


def folder(articles: Mapping[str, Article], groups: Collection[str]) -> tuple[Document, ...]:
    """The articles of some groups, among `NEIGHBOURS` others."""
    own = [article for article in articles.values() if article.group in groups]
    others = [article for article in articles.values() if article.group not in groups]
    chosen = own + Random(SEED).sample(others, min(NEIGHBOURS, len(others)))
    return tuple(Document(a.id, a.title, a.text, a.id, date=a.date) for a in chosen)


def _item(question: Question, gold: frozenset[str]) -> Item:
    decided = question.polar and bool(question.answers)
    return Item(
        question.text,
        () if decided else tuple(text for _, text in question.answers),
        gold,
        question.denial if decided else None,
        question.answers[0][1] if decided else "",
        question.polar,
        bool(question.many),
    )


def _paragraphs(
    name: str,
    train: Sequence[Question],
    held_out: Sequence[Question],
    sets: Sequence[str],
    limit: int,
    among: Sequence[str] = (),
) -> Corpus:
    """Paragraphs as documents: those of the questions, and others of the same sets, or of the sets `among`."""
    asked = [question for question in held_out if question.dataset in sets]
    chosen = Random(SEED).sample(asked, min(limit, len(asked)))
    contexts = {question.context: question.title for question in asked}
    others = {question.context: question.title for question in train if question.dataset in (among or sets)}
    room = max(0, PARAGRAPHS - len(contexts))
    contexts |= dict(Random(SEED).sample(sorted(others.items()), min(room, len(others))))
    ids = {context: f"{number:05d}" for number, context in enumerate(contexts)}
    documents = tuple(Document(ids[text], title or "", text, ids[text]) for text, title in contexts.items())
    return Corpus(name, documents, tuple(_item(q, frozenset({ids[q.context]})) for q in chosen))
