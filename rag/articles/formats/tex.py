"""LaTeX, by pylatexenc; other files that it names are not read."""

from __future__ import annotations

import re

from pylatexenc.latex2text import LatexNodes2Text  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.encoding import decode


def read(source: Source) -> Extracted:
    """Paragraphs and headings of what lies between the document's begin and end, or of everything."""
    text, notes = decode(source)
    text = re.sub(r"(?<!\\)%.*", "", text)
    begin = text.find(r"\begin{document}")
    head, body = (text[:begin], text[begin + 16 :]) if begin >= 0 else ("", text)
    body = body.partition(r"\end{document}")[0]
    converter = LatexNodes2Text(math_mode="text", keep_comments=False)
    composer = Composer(source)
    title, date = (_argument(name, head + body, converter) for name in ("title", "date"))
    composer.add("heading", title)
    for part in re.split(r"(\\(?:part|chapter|(?:sub)*section|paragraph)\*?\{[^{}]{1,300}\})", body):
        heading = re.fullmatch(r"\\\w+\*?\{([^{}]*)\}", part)
        if heading:
            composer.add("heading", converter.latex_to_text(heading[1]))
        else:
            composer.add_lines(converter.latex_to_text(re.sub(r"\\(?:maketitle|item)\b", "\n\n", part)))
    return composer.finish(title, date, notes=notes)


def _argument(name: str, text: str, converter: LatexNodes2Text) -> str:
    found = re.search(rf"\\{name}\{{((?:[^{{}}]|\{{[^{{}}]*\}}){{1,300}})\}}", text)
    return " ".join(converter.latex_to_text(found[1]).split()) if found else ""
