"""The bot that a command asks: over an index at hand, or over a folder of articles that is indexed on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import typer

from rag.config import Settings

if TYPE_CHECKING:
    from rag.grounding.generators import Generator
    from rag.parts import Parts
    from rag.pipeline import Chatbot

    LoadParts: TypeAlias = Callable[[Settings, Generator | None], Parts]


def open_bot(
    context: typer.Context, corpus: Path | None, settings: Settings, quiet: bool = False, generator: str = ""
) -> Chatbot:
    """Open what `corpus` names; what could not be read is named on standard error."""
    from rag.corpus import kept_settings
    from rag.index_report import check_finished, name_failures
    from rag.pipeline import Chatbot
    from rag.places import default_corpus, is_index

    corpus = corpus or default_corpus()
    if is_index(corpus):
        settings = kept_settings(corpus, settings)
        bot = Chatbot.open(corpus, settings, load_parts(context, settings, generator))
        check_finished(bot, corpus)
        return bot
    bot = Chatbot.from_directory(corpus, settings, progress=not quiet, parts=load_parts(context, settings, generator))
    name_failures(bot.report)
    return bot


def load_parts(context: typer.Context, settings: Settings, generator: str = "") -> Parts:
    """The parts of these settings, from the loader that `run` was given."""
    from rag.grounding.generators import load_generator
    from rag.parts import Parts

    load: LoadParts = context.obj or Parts.load
    return load(settings, load_generator(generator) if generator else None)
