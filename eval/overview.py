"""`python -m eval.overview`: whether `rag overview` knows which topics the articles are about.

`topics.json` holds four topics of each group of news articles, twelve of the five articles and thirty of neither. A
topic of a news group is asked over all news articles, where it is there, and over those of the other groups, where it
is not (some are mentioned there all the same, which counts as a mistake). Topics of one set are asked over the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Annotated, NamedTuple

import typer

from eval.command import run
from eval.sets import HERE, SEEDS, SetName, own
from rag.answering.overview import ABOUT, PASSAGES, of_topic
from rag.pipeline import Chatbot

TOPICS = HERE / "topics.json"
DEEP = 100  # passages, so that enough remain when a group is left out


class Asked(NamedTuple):
    """A topic, the half it belongs to, whether the articles asked are about it, and the measure."""

    topic: str
    split: str
    there: bool
    about: float


def measure(bot: Chatbot, topic: str, without: Collection[str] = ()) -> float:
    """How far the articles, but for those left out, are about a topic."""
    vector = bot.parts.embedder.embed_texts([topic])[0]
    found = [passage.chunk for passage in bot.index.search(topic, vector, DEEP, DEEP)]
    return of_topic(topic, [c for c in found if c.document_id not in without][:PASSAGES], bot.parts.embedder)[0]


def ask_all(bots: dict[SetName, Chatbot]) -> Iterator[Asked]:
    """Every topic wherever it is asked."""
    topics = json.loads(TOPICS.read_text("utf-8"))
    news, fixed = bots[SetName.news], bots[SetName.fixed]
    questions = own(SetName.news).questions
    splits = {question.cluster: question.split for question in questions}
    for name, wanted in topics["news"].items():
        split, articles = splits[name], {e.document_id for q in questions if q.cluster == name for e in q.evidence}
        for topic in wanted:
            yield Asked(topic, split, True, measure(news, topic))
            yield Asked(topic, split, False, measure(news, topic, articles))
            yield Asked(topic, split, False, measure(fixed, topic))
    for n, topic in enumerate(topics["fixed"]):
        yield Asked(topic, ("tune", "test")[n % 2], True, measure(fixed, topic))
        yield Asked(topic, ("tune", "test")[n % 2], False, measure(news, topic))
    for n, topic in enumerate(topics["nowhere"]):
        for bot in bots.values():
            yield Asked(topic, ("tune", "test")[n % 2], False, measure(bot, topic))


def main(show: Annotated[bool, typer.Option(help="Name the mistakes.")] = False) -> None:
    """Print, for each half, how many topics that are there were found and how many that are not were refused."""
    bots = {
        SetName.news: Chatbot.from_directory(HERE / "news" / "articles"),
        SetName.fixed: Chatbot.from_directory(SEEDS),
    }
    asked = list(ask_all(bots))
    for split in ("tune", "test"):
        there = [one for one in asked if one.split == split and one.there]
        absent = [one for one in asked if one.split == split and not one.there]
        found, refused = (sum(one.about >= ABOUT for one in there), sum(one.about < ABOUT for one in absent))
        print(f"{split}: found {found} of {len(there)} that are there, refused {refused} of {len(absent)} that are not")
    if show:
        for one in asked:
            if (one.about >= ABOUT) != one.there:
                print(f"{one.about:.2f} {'not found' if one.there else 'not refused'}: {one.topic}")


if __name__ == "__main__":
    run(main)
