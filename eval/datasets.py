"""Question sets in, one form out: the fixed set, SQuAD 1.1 and 2.0, BEIR folders, CLAPNQ."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from eval.metrics import POLAR, contains
from rag.types import Document

T = TypeVar("T")


class DatasetError(ValueError):
    """A data set that cannot be read, said so that a person can mend it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place that answers a question.

    Attributes
    ----------
    document_id : str
    quote : str
        Verbatim text of the document.
    start, end : int or None
        Its place in characters. None: wherever the document holds the quote.
    group : int or None
        Places of one group are alternatives (the same fact told twice); each group is wanted. A
        quote that tells several facts stands in several records. None: context, which may be
        cited but is not wanted.
    """

    document_id: str
    quote: str
    start: int | None = None
    end: int | None = None
    group: int | None = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what a right answer looks like.

    Attributes
    ----------
    id, kind, question : str
    history : tuple of str
        Earlier questions of the conversation, oldest first.
    answerable : bool
    answers : tuple of str
        Accepted short answers, any of which is right.
    parts : tuple of tuple of str
        When not empty, a right answer holds one alternative of every part.
    evidence : tuple of Evidence
    split : str
        "tune", "test" or "".
    relevant : Mapping[str, int]
        Grades of whole documents, where that is all the set says (BEIR).
    passage_id : str
        Document to read when the gold passage is given.
    cluster : str
        Questions of one cluster hang together (one fact, one paragraph) and are resampled together.
    rewrite : str
        The complete question that a follow-up means, where the set tells it.
    """

    id: str
    kind: str
    question: str
    history: tuple[str, ...] = ()
    answerable: bool = True
    answers: tuple[str, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    split: str = ""
    relevant: Mapping[str, int] = field(default_factory=dict)
    passage_id: str = ""
    cluster: str = ""
    rewrite: str = ""

    @property
    def polar(self) -> bool:
        """Whether "yes" or "no" is asked for. Where accounts differ, both are accepted."""
        return is_polar(self.answers)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions and the corpus they are asked about.

    Attributes
    ----------
    name, version : str
    sha256 : str
        Of the file; of a folder, of its files' names and hashes.
    questions : tuple of Question
    corpus : Path or None
        A folder of articles; None when the set brings `documents`.
    documents : tuple of Document
    answers : bool
        Whether it judges answers; else retrieval alone.
    """

    name: str
    version: str
    sha256: str
    questions: tuple[Question, ...]
    corpus: Path | None = None
    documents: tuple[Document, ...] = ()
    answers: bool = True


def load(path: Path, corpus: Path | None = None) -> Dataset:
    """The data set at `path`, its form recognised by its content.

    Parameters
    ----------
    path : Path
        A fixed set (.jsonl), SQuAD (.json), CLAPNQ (.jsonl.gz or .jsonl) or a BEIR folder.
    corpus : Path, optional
        Folder of articles; used for the fixed set alone, whose questions bring none.

    Raises
    ------
    DatasetError
        The file is missing, of no known form, or a record lacks a field.
    """
    if not path.exists():
        raise DatasetError(f"{path} does not exist; give a .jsonl or .json file or a BEIR folder as --dataset")
    try:
        dataset = _read(path, corpus)
    except DatasetError:
        raise
    except KeyError as error:
        raise DatasetError(f"{path}: a record lacks the field {error}; eval/README.md shows each form") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} is of no known form ({error}); eval/README.md shows each") from error
    if not dataset.questions:
        raise DatasetError(f"{path} holds no question")
    id, count = Counter(question.id for question in dataset.questions).most_common(1)[0]
    if count > 1:
        raise DatasetError(f"{path} holds {count} questions with the id {id!r}; give each its own")
    return dataset


def _read(path: Path, corpus: Path | None) -> Dataset:
    if path.is_dir():
        return _beir(path)
    if path.suffix == ".json":
        return _squad(path)
    rows = list(read_lines(path))
    return _clapnq(path, rows) if rows and "context" in rows[0] else _fixed(path, rows, corpus)


def select(dataset: Dataset, split: str | None = None, limit: int | None = None, seed: int | None = None) -> Dataset:
    """The questions of one half, or a sample of about `limit` of them; the corpus stays whole.

    Without a seed `limit` questions are evenly spread over the set; with one, whole clusters are drawn at random
    until they hold that many or more.
    """
    questions = dataset.questions
    if split is not None:
        questions = tuple(question for question in questions if question.split == split)
        if not questions:
            held = sorted({question.split for question in dataset.questions if question.split})
            raise DatasetError(f"{dataset.name} has no split {split!r}; it has {', '.join(held) or 'none'}")
    if limit is None:
        if seed is not None:
            raise DatasetError("--seed draws a sample: say with --limit how large")
    elif seed is not None:
        questions = _drawn(questions, limit, seed)
    else:
        questions = tuple(spread(questions, limit))
    return replace(dataset, questions=questions)


def spread(items: Sequence[T], limit: int | None) -> Sequence[T]:
    """So many of the items, evenly spread over them; all where there are no more, or the limit is None."""
    if limit is None or limit >= len(items):
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


def _drawn(questions: Sequence[Question], limit: int, seed: int) -> tuple[Question, ...]:
    sizes = Counter(question.cluster for question in questions)
    clusters = sorted(sizes)
    random.Random(seed).shuffle(clusters)
    reached = list(accumulate(sizes[cluster] for cluster in clusters))
    kept = set(clusters[: bisect_left(reached, limit) + 1])
    return tuple(question for question in questions if question.cluster in kept)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file, gzipped or not.

    Raises
    ------
    DatasetError
        It is damaged, or a line is no JSON object in UTF-8.
    """
    data = path.read_bytes()
    try:
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(f"{path} is not gzipped, or cut off: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}, is not JSON in UTF-8: {error}") from error
        if not isinstance(row, dict):
            raise DatasetError(f"{path}, line {number}, is not JSON of an object")
        yield row


def digest(files: Iterable[tuple[str, Path]]) -> str:
    """Sha256 of the names and the contents of files, in the order given."""
    names = "\n".join(f"{name} {_sha256(path)}" for name, path in files)
    return hashlib.sha256(names.encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _document(id: str, title: str, text: str) -> Document:
    content_hash = hashlib.sha256(text.encode()).hexdigest()
    return Document(id=id, title=title, text=text, source=id, content_hash=content_hash)


def _fixed(path: Path, rows: Sequence[Mapping[str, Any]], corpus: Path | None) -> Dataset:
    """The project's own form: one question a line; a line without "question" is a header with "version"."""
    version = next((str(row["version"]) for row in rows if "version" in row), "")
    questions = tuple(
        Question(
            id=str(row["id"]),
            kind=str(row["type"]),
            question=row["question"],
            history=tuple(row.get("history", ())),
            answerable=bool(row["answerable"]),
            answers=tuple(row["answers"]),
            parts=tuple(tuple(part) for part in row.get("parts", ())),
            evidence=_evidence(row),
            split=row.get("split", ""),
            cluster=row.get("group") or str(row["id"]),
            rewrite=row.get("rewrite", ""),
        )
        for row in rows
        if "question" in row
    )
    return Dataset(path.stem, version, _sha256(path), questions, corpus=corpus)


def is_polar(answers: Sequence[str]) -> bool:
    """Whether nothing but "yes" or "no" is accepted."""
    return bool(answers) and set(answers) <= set(POLAR)


def _evidence(row: Mapping[str, Any]) -> tuple[Evidence, ...]:
    """Evidence of a question of the project's own form.

    A yes-no question has one group for each accepted word, in the order of `answers`; a quote shows the word it
    `says`, by default the first. Else see `wanted_evidence`.
    """
    quotes = [Evidence(e["document_id"], e["quote"]) for e in row["evidence"]]
    if is_polar(row["answers"]):
        says = [e.get("says", row["answers"][0]) for e in row["evidence"]]
        if wrong := set(says) - set(row["answers"]):
            raise DatasetError(f"question {row['id']}: a quote says {wrong.pop()!r}, which is none of {row['answers']}")
        said = map(row["answers"].index, says)
        return tuple(replace(quote, group=group) for quote, group in zip(quotes, said, strict=True))
    return wanted_evidence(quotes, row["answers"], row.get("parts", ()))


def wanted_evidence(
    evidence: Sequence[Evidence], answers: Sequence[str], parts: Sequence[Sequence[str]] = ()
) -> tuple[Evidence, ...]:
    """Evidence with its groups, told from what each quote holds.

    Without parts, every quote that holds an accepted answer is an alternative to the others: one is
    enough. With parts, each part is wanted from one of the quotes that hold it. A quote that holds
    nothing accepted is context. Where no quote holds anything, as of an answer in other words than the
    article's, all are alternatives.
    """
    grouped = []
    for item in evidence:
        held = [group for group, forms in enumerate(parts or [answers]) if contains(item.quote, forms)]
        grouped += [replace(item, group=group) for group in held] or [replace(item, group=None)]
    if all(item.group is None for item in grouped):
        return tuple(evidence)
    return tuple(grouped)


def _squad(path: Path) -> Dataset:
    """SQuAD: each paragraph becomes a document whose id is its number; the gold span is the evidence."""
    content = json.loads(path.read_text(encoding="utf-8"))
    documents: list[Document] = []
    questions: list[Question] = []
    for article in content["data"]:
        title = str(article.get("title", "")).replace("_", " ")
        for paragraph in article["paragraphs"]:
            document = _document(str(len(documents)), title, paragraph["context"])
            documents.append(document)
            for row in paragraph["qas"]:
                impossible = bool(row.get("is_impossible", False))
                answers = [] if impossible else row["answers"]
                spans = dict.fromkeys((int(answer["answer_start"]), answer["text"]) for answer in answers)
                questions.append(
                    Question(
                        id=str(row["id"]),
                        kind="unanswerable" if impossible else _question_word(row["question"]),
                        question=row["question"],
                        answerable=not impossible,
                        answers=tuple(dict.fromkeys(answer["text"] for answer in answers)),
                        evidence=tuple(Evidence(document.id, text, at, at + len(text)) for at, text in spans),
                        passage_id=document.id,
                        cluster=document.id,
                    )
                )
    return Dataset(path.stem, str(content.get("version", "")), _sha256(path), tuple(questions), None, tuple(documents))


_QUESTION_WORDS = ("why", "how many", "how much", "how", "when", "who", "whom", "whose", "where", "which", "what")


def _question_word(question: str) -> str:
    """The question word that stands first, as the kind of a question whose set gives none."""
    padded = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in question.lower()).split())} "
    places = [(padded.find(f" {word} "), -len(word), word) for word in _QUESTION_WORDS if f" {word} " in padded]
    return min(places)[2] if places else "other"


def _clapnq(path: Path, rows: Sequence[Mapping[str, Any]]) -> Dataset:
    """CLAPNQ (Rosenthal et al., 2024): long answers; each evidence sentence is wanted."""
    documents: dict[str, Document] = {}
    questions = []
    for row in rows:
        key = hashlib.sha256(f"{row['title']}\n{row['context']}".encode()).hexdigest()
        document = documents.setdefault(key, _document(str(len(documents)), row["title"], row["context"]))
        impossible = bool(row["is_impossible"])
        evidence = tuple(
            Evidence(document.id, e["text"], e["start"], e["start"] + len(e["text"]), group)
            for group, e in enumerate(row["evidence"])
        )
        questions.append(
            Question(
                id=str(row["id"]),
                kind="unanswerable" if impossible else "long answer",
                question=row["question"],
                answerable=not impossible,
                answers=tuple(row["answer_long"]),
                evidence=evidence,
                passage_id=document.id,
                cluster=document.id,
            )
        )
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    return Dataset(name, "", _sha256(path), tuple(questions), None, tuple(documents.values()))


def _beir(folder: Path) -> Dataset:
    """BEIR (Thakur et al., 2021): corpus.jsonl, queries.jsonl and qrels; judges retrieval alone.

    Of several qrels test.tsv is asked, as BEIR does; what else is there (train.tsv) systems are trained on.
    """
    held = list(folder.glob("qrels/*.tsv"))
    qrels = held[0] if len(held) == 1 else folder / "qrels" / "test.tsv"
    files = [folder / "corpus.jsonl", folder / "queries.jsonl", qrels]
    names = [file.relative_to(folder).as_posix() for file in files]
    if missing := [name for name, file in zip(names, files, strict=True) if not file.is_file()]:
        raise DatasetError(f"{folder} is not a BEIR folder: {', '.join(missing)} not found")
    relevant: dict[str, dict[str, int]] = {}
    for line in qrels.read_text(encoding="utf-8").split("\n")[1:]:
        if line.strip():
            query, *_, document, grade = line.split("\t")  # TREC's have an iteration between
            relevant.setdefault(query, {})[document] = int(grade)
    documents = tuple(_document(str(r["_id"]), r.get("title") or "", r["text"]) for r in read_lines(files[0]))
    # As BEIR does: a query that nobody judged is not asked.
    questions = tuple(
        Question(
            id=str(r["_id"]), kind="query", question=r["text"], relevant=relevant[str(r["_id"])], cluster=str(r["_id"])
        )
        for r in read_lines(files[1])
        if str(r["_id"]) in relevant
    )
    return Dataset(folder.name, "", digest(zip(names, files, strict=True)), questions, None, documents, answers=False)
