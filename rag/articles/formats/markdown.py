"""Markdown (CommonMark with tables): what a reader of the rendered page sees."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from rag.articles.formats.contract import Composer, Extracted, Source, plain_characters
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import compose, parse

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n(.{0,20000}?)^(?:---|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
# a footnote: its name, and its text with the lines that are set in below it
_NOTE = re.compile(r"^\[\^([^\]\s]+)\]:[ \t]*(.*(?:\n(?:[ \t]+.*)?)*)", re.MULTILINE)
_OUTLETS = ("outlet", "publisher", "publication", "newspaper")
_TITLES = ("title", "headline")


def read(source: Source) -> Extracted:
    """The rendered text. Title, date and outlet are the front matter's; its other fields become notes at the end."""
    text, notes = decode(source)
    fields, body = front_matter(text)
    composer = Composer(source)
    title = compose_markdown(plain_characters(body), composer)
    for key, value in fields.items():
        if key not in ("date", *_TITLES, *_OUTLETS) and re.search(r"\w", value):
            composer.add("note", f"{key}: {value}")
    given = next((fields[key] for key in _TITLES if fields.get(key)), "")
    outlet = next((fields[key] for key in _OUTLETS if fields.get(key)), "")
    return composer.finish(given or title, fields.get("date", ""), outlet, notes)


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """Its simple fields, by name in lower case, and the text after it."""
    matter = _FRONT_MATTER.match(text)
    if not matter:
        return {}, text
    pairs = re.findall(r"^([A-Za-z][\w -]*?)[ \t]*:[ \t]*(.*)$", matter[1], re.MULTILINE)
    return {key.lower(): value.strip().strip("'\"") for key, value in pairs}, text[matter.end() :]


def compose_markdown(text: str, composer: Composer) -> str:
    """Append the blocks of a text in Markdown; returns its first heading, "" if it has none."""
    text, notes = _without_notes(text)
    markup = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    for note in notes:
        markup += f'<aside role="doc-footnote">{MarkdownIt("commonmark").render(note)}</aside>'
    if not markup.strip():
        return ""
    tree = parse(f"<body>{markup}</body>")
    for image in tree.iter("img"):
        image.tail = (image.get("alt") or "") + (image.tail or "")
    compose(tree, composer)
    first = next(iter(tree.xpath("//h1 | //h2 | //h3 | //h4 | //h5 | //h6")), None)
    return " ".join(first.text_content().split())[:300] if first is not None else ""


def _without_notes(text: str) -> tuple[str, list[str]]:
    """A text without its footnotes and their marks, and those that it refers to."""
    found = {name: note for name, note in _NOTE.findall(text) if text.count(f"[^{name}]") > 1}
    text = _NOTE.sub(lambda match: "" if match[1] in found else match[0], text)
    for name in found:
        text = text.replace(f"[^{name}]", "")
    return text, [re.sub(r"\n[ \t]+", "\n", note) for note in found.values()]
