"""Markdown (CommonMark with tables): what a reader of the rendered page sees."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from markdown_it import MarkdownIt

from rag.articles.formats.contract import Composer, Extracted, Source, plain_characters
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import compose, parse

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n(.{0,20000}?)^(?:---|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
# a line of front matter: a field, more of its value, a remark
_LINE = re.compile(r"""(["']?\w[\w .-]*["']?[ \t]*:).*|[ \t].*|-[ \t].*|[#\]}].*|""")
# a footnote: its name, and its text with the lines that are set in below it
_NOTE = re.compile(r"^\[\^([^\]\s]+)\]:[ \t]*(.*(?:\n(?:[ \t]+.*)?)*)", re.MULTILINE)
_MARK = re.compile(r"\[\^([^\[\]\s]+)\]")
_CODE = re.compile(  # between fences, or in a line
    r"^([ \t>*+-]*)(?:(`{3,}|~{3,})[^`\n]*\n.*?(?:^[ \t>]*\2[`~]*[ \t]*$|\Z))"
    r"|(?<![`\\])(`+)(?!`)(?:[^\n]|\n(?![ \t]*\n)){1,1000}?(?<!`)\3(?!`)",
    re.MULTILINE | re.DOTALL,
)
# changes that CriticMarkup proposes: {--out--}, {~~old~>new~~}, {++in++}; and {==marked==}
_CHANGED = re.compile(r"\{(?:--[^{}]*?--|~~(?:(?!~>)[^{}])*~>([^{}]*?)~~|(\+\+|==)([^{}]*?)\2)\}")
_TOML = re.compile(r"\s*\+\+\+[ \t]*\r?\n(.{0,20000}?)^\+\+\+[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(  # its name, and its value with the lines that go on with it
    r"^([A-Za-z][\w -]*?)[ \t]*:[ \t]*(.*(?:\n(?:[ \t]+\S.*|[ \t]*(?=\n[ \t]+\S)|-[ \t].*|[\]}].*))*)", re.MULTILINE
)
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
    """Its fields (YAML, TOML), by name in lower case, and the text after it."""
    if toml := _TOML.match(text):
        try:
            given = tomllib.loads(toml[1])
        except tomllib.TOMLDecodeError:
            return {}, text
        return {key.lower(): _in_words(value) for key, value in given.items()}, text[toml.end() :]
    matter = _FRONT_MATTER.match(text)
    lines = [_LINE.fullmatch(line) for line in re.split(r"\r?\n", matter[1])] if matter else []
    if not matter or not all(lines) or not any(line and line[1] for line in lines):  # else it is prose between rules
        return {}, text
    pairs = _FIELD.findall(re.sub(r"\r\n?", "\n", matter[1]))
    return {key.lower(): _on_one_line(value) for key, value in pairs}, text[matter.end() :]


def _on_one_line(value: str) -> str:
    """A value in YAML as a person would write it: a list with commas, folded lines as one."""
    first, *others = [line.strip() for line in value.split("\n")]
    rest = [re.sub(r"^-[ \t]+", "", line).strip("'\"") for line in others if line]
    if not first:
        return ", ".join(rest)
    return " ".join([*([] if re.fullmatch(r"[>|][-+\d]*", first) else [first]), *rest]).strip("'\"")


def _in_words(value: Any) -> str:
    """A value of TOML as a person would write it."""
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_in_words(inner)}" for key, inner in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def compose_markdown(text: str, composer: Composer) -> str:
    """Append the blocks of a text in Markdown but what is struck out; returns its first heading, "" if it has none."""
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
    """A text, its changes made, without its footnotes and their marks, and the footnotes; code stays as it is."""
    code: list[str] = []

    def hidden(match: re.Match[str]) -> str:
        indent = match[1] or ""
        code.append(match[0][len(indent) :])
        return f"{indent}\0{len(code) - 1}\0"

    def unmarked(part: str) -> str:
        part = _MARK.sub(lambda match: "" if match[1] in found else match[0], part)
        return re.sub("\0(\\d+)\0", lambda match: code[int(match[1])], part)

    text = _CHANGED.sub(lambda match: match[1] or match[3] or "", _CODE.sub(hidden, text.replace("\0", "")))
    notes = _NOTE.findall(text)
    found = {name for name, _ in notes}
    return unmarked(_NOTE.sub("", text)), [re.sub(r"\n[ \t]+", "\n", unmarked(note)) for _, note in notes]
