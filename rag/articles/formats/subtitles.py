"""Subtitles (.srt, .vtt), by pysubs2: what is said, in sentences."""

from __future__ import annotations

import re
from html import unescape

from pysubs2 import SSAFile

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.errors import DocumentError

_PAUSE = 4_000  # milliseconds of silence that end a paragraph
_FULL = 400  # characters after which the next end of a sentence ends a paragraph


def read(source: Source) -> Extracted:
    """Paragraphs of whole sentences: a line of subtitles is as long as the screen is wide, and no sentence.

    The title is the file's name: what is said first is no headline.
    """
    text, notes = decode(source)
    text = re.sub(r"<(?:\d+:)?\d\d:\d\d[.,]\d{3}>", "", text)  # when a word is said, which the library leaves in
    text = re.sub(r"<v(?:\.[^\s>]*)?\s+([^>\n]{1,80})>", r"\1: ", text)  # who speaks, which the library leaves out
    subtitles = SSAFile.from_string(text, format_="vtt" if source.suffix == ".vtt" else "srt")
    if not subtitles.events:
        raise DocumentError(f"{source.name} holds no subtitles: expected times and lines; save it again")
    composer = Composer(source)
    said: list[str] = []
    before: list[str] = []
    until = 0
    for event in sorted(subtitles.events, key=lambda event: event.start):
        shown = unescape(event.plaintext) if source.suffix == ".vtt" else event.plaintext
        lines = [words for one in shown.split("\n") if (words := " ".join(one.split()))]
        line = " ".join(lines[1:] if lines[:1] == before[-1:] else lines)  # rolling captions show the last line again
        before = lines or before
        if said and (
            event.start - until > _PAUSE
            or line.startswith(("-", "–", "—"))
            or (sum(map(len, said)) > _FULL and re.search(r"[.!?…。！？][\"'”’»)]*$", said[-1]))
        ):
            composer.add("paragraph", " ".join(said))
            said = []
        if line:
            said.append(line)
        until = event.end
    composer.add("paragraph", " ".join(said))
    return composer.finish(source.title, notes=notes)
