"""What the articles hold about a topic, or in all: a few of their own sentences, telling and unlike each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.answering.citations import cite
from rag.language.sentences import is_question, sentences
from rag.language.text import content_words, covered, words
from rag.models.embedding import Embedder
from rag.models.encoding import Vectors
from rag.types import Chunk, Document, Header, Overview

PASSAGES = 16  # that are read for a topic
FEWEST, MOST = 3, 6  # sentences
LEAST_EACH = 2  # of an article, however many tell of the topic
TOKENS = range(7, 81)  # of a sentence that stands for itself: shorter ones lean on others, longer ones are lists
ABOUT = 1.05  # measure from which a passage is about a topic: `python -m eval.overview`, half of the topics
TELLING = 0.4  # score from which a sentence tells of the topic; below it, three at most
RELEVANCE = 0.7  # against difference from what was chosen
COPY = 0.85  # cosine from which two sentences say the same
WEIGHED = 400  # articles of a folder that are compared with each other; of more, every n-th
BEGINNING = 1200  # characters of an article in which the sentence that stands for it is looked for
OPENING = 300  # characters that tell articles of like titles apart


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence to show: characters [start, end) of a document. The higher the score, the more telling."""

    document_id: str
    start: int
    end: int
    score: float


def of_topic(topic: str, chunks: Sequence[Chunk], embedder: Embedder) -> tuple[float, list[Pick]]:
    """How far the articles are about a topic, and three to six sentences that tell of it.

    A passage is about a topic as far as it holds the topic's words, in any form or spelling, and a sentence close to
    the topic: the share of the words plus the cosine. Neither tells enough alone: the vector of a name is close to
    other names, and the words of a topic are not always the articles' words.

    Parameters
    ----------
    topic : str
    chunks : sequence of Chunk
        What retrieval found for the topic.
    embedder : Embedder

    Returns
    -------
    float
        The measure of the closest passage, from -1 to 2; from ABOUT on, the articles are about the topic.
    list of Pick
        The most telling first; none where the articles are not about the topic, fewer than three where the passages
        about it have no more sentences that stand for themselves.
    """
    places = [(chunk, start, end) for chunk in chunks for start, end in chunk.sentences]
    if not places:
        return 0.0, []
    texts = [chunk.between(start, end) for chunk, start, end in places]
    vectors = embedder.embed_texts([topic, *texts])
    asked, vectors = vectors[0], vectors[1:]
    cosines = vectors @ asked
    measures = dict.fromkeys((chunk.id for chunk, _, _ in places), -1.0)
    for (chunk, _, _), cosine in zip(places, cosines, strict=True):
        measures[chunk.id] = max(measures[chunk.id], float(cosine))
    for chunk in {chunk.id: chunk for chunk, _, _ in places}.values():
        measures[chunk.id] += _share(topic, f"{chunk.title}\n{chunk.text}")
    rows = [
        n for n, (chunk, _, _) in enumerate(places) if measures[chunk.id] >= ABOUT and _stands_alone(texts[n], embedder)
    ]
    scores = np.array([cosines[row] + _share(topic, texts[row]) for row in rows], np.float32)
    best = np.sort(scores)[::-1]
    least = min(TELLING, *best[:FEWEST]) if len(best) else TELLING
    kept = [n for n in range(len(rows)) if scores[n] >= least]
    sources = [places[rows[n]][0].document_id for n in kept]
    each = max(LEAST_EACH, -(-MOST // max(len(set(sources)), 1)))
    chosen = diverse(scores[kept], vectors[[rows[n] for n in kept]], MOST, sources, each)
    picks = [(places[rows[kept[i]]], float(scores[kept[i]])) for i in chosen]
    return max(measures.values()), [Pick(c.document_id, start, end, score) for (c, start, end), score in picks]


def of_folder(
    headers: Sequence[Header], read: Callable[[str], Document], embedder: Embedder
) -> tuple[list[Pick], dict[str, Document]]:
    """A sentence each of up to six articles that are like many of the others and unlike each other; and the articles.

    Parameters
    ----------
    headers : sequence of Header
        Of all the articles; they are compared by their titles, and where these are alike by their openings.
    read : callable
        The document of an id; one that has been removed since (KeyError) is left out.
    embedder : Embedder
    """
    picks: list[Pick] = []
    documents: dict[str, Document] = {}
    if not headers:
        return picks, documents
    headers = headers[:: -(-len(headers) // WEIGHED)]
    vectors = embedder.embed_texts([header.title for header in headers])
    alike = (vectors @ vectors.T >= COPY).sum(axis=1) > 1
    if alike.any():
        openings = [_opening(header, read) for header, twin in zip(headers, alike, strict=True) if twin]
        vectors[alike] = embedder.embed_texts(openings)
    central = np.asarray((vectors @ vectors.T).mean(axis=1), np.float32)
    for row in diverse(central, vectors, MOST):
        try:
            document = read(headers[row].id)
        except KeyError:
            continue
        text = document.text
        first = len(text) - len(text.lstrip())
        places = [(first + start, first + end) for start, end in sentences(text[first : first + BEGINNING])]
        alone = [place for place in places if _stands_alone(text[slice(*place)], embedder)] or places[:1]
        if not alone:
            continue
        scores = embedder.embed_texts([text[start:end] for start, end in alone]) @ vectors[row]
        start, end = alone[int(scores.argmax())]
        picks.append(Pick(document.id, start, end, float(scores.max())))
        documents[document.id] = document
    return picks, documents


def overview(
    topic: str, picks: Sequence[Pick], documents: Mapping[str, Document], about: float, articles: int
) -> Overview:
    """The chosen sentences, cited: the oldest first, undated ones last, those of one article in its order.

    Its text is made in `rag.present.overview`.
    """
    made = [cite(documents[pick.document_id], pick.start, pick.end, pick.score) for pick in picks]
    made.sort(key=lambda c: (c.date is None, c.date or "", c.document_id, c.start))
    return Overview(topic, "", tuple(made), about, articles)


def diverse(relevance: Vectors, vectors: Vectors, k: int, sources: Sequence[str] = (), each: int = MOST) -> list[int]:
    """Rows that are relevant and unlike each other, the most relevant first: maximal marginal relevance.

    Source: Carbonell and Goldstein (SIGIR 1998). What says the same as a chosen row is left out.

    Parameters
    ----------
    relevance : (n,) float32
    vectors : (n, dim) float32, unit norm
    k : int
        At most so many rows.
    sources : sequence of str, optional
        Of each row what it is of; more than `each` of one come only where the others have no more.
    """
    chosen: list[int] = []
    of = np.array(sources or range(len(vectors)))
    likeness = np.zeros(len(vectors), np.float32)  # to the nearest of the chosen; being opposed is no merit
    open_rows = np.ones(len(vectors), bool)
    while len(chosen) < k and open_rows.any():
        told = np.array([int((of[chosen] == source).sum()) for source in of])
        room = open_rows & (told < each)
        gain = np.where(room if room.any() else open_rows, RELEVANCE * relevance - (1 - RELEVANCE) * likeness, -np.inf)
        chosen.append(int(gain.argmax()))
        likeness = np.maximum(likeness, vectors @ vectors[chosen[-1]])
        open_rows &= likeness < COPY
        open_rows[chosen[-1]] = False
    return chosen


def _share(topic: str, text: str) -> float:
    """The share of the topic's content words, failing those of all its words, that a text holds, from 0 to 1."""
    wanted = content_words(topic) or words(topic)
    return covered(wanted, text) if wanted else 0.0


def _opening(header: Header, read: Callable[[str], Document]) -> str:
    """How an article begins; its title where it has no text or has been removed since."""
    try:
        return read(header.id).text.lstrip()[:OPENING] or header.title
    except KeyError:
        return header.title


def _stands_alone(sentence: str, embedder: Embedder) -> bool:
    """Whether a sentence can be read without its neighbours: whole, neither short nor endless, and no question."""
    closed = sentence.rstrip("\"'”’»)] ").endswith((".", "!", "。", "！"))
    return closed and len(embedder.token_offsets(sentence)) in TOKENS and not is_question(sentence)
