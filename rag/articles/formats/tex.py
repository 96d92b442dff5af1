"""LaTeX, by pylatexenc; other files that it names are not read."""

from __future__ import annotations

import re

import regex
from pylatexenc.latex2text import LatexNodes2Text  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.tables import lines_of

_PARTS = re.compile(  # what is not running text: headings, captions and tables
    r"(\\(?:part|chapter|(?:sub)*section|paragraph|caption)\*?\{[^{}]{1,300}\}"
    r"|\\begin\{tabular\}.*?\\end\{tabular\})",
    re.DOTALL,
)
_TABLE = regex.compile(  # its columns are told in braces, which may hold braces: {lp{2cm}}
    r"\\begin\{tabular\}\s*(?:\[\w*\]\s*)?(\{(?:[^{}]++|(?1))*+\})(.*)\\end\{tabular\}", regex.DOTALL
)
_ROW_END = re.compile(r"\\\\\*?(?:\[[^\[\]]*\])?")
_NOTE = re.compile(r"\\footnote\{((?:[^{}]|\{[^{}]*\}){1,2000})\}")
_UNSEEN = re.compile(r"[ ~]*\\(?:cite\w*|label)\*?(?:\[[^\[\]]*\])*\{[^{}]*\}")  # marks without words of their own

_LITERAL = re.compile(  # in which a "%" may stand, an escaped one too; else it begins a comment
    r"\\(?:url|path)\*?\{(?P<address>[^{}]*)\}|\\href(?:\[[^\[\]]*\])?\{[^{}]*\}"
    r"|\\verb\*?(?P<end>[^\w\s*])(?P<code>.*?)(?P=end)|(?P<escaped>\\.)|%.*"
)


def read(source: Source) -> Extracted:
    """Paragraphs and headings of what lies between the document's begin and end, or of everything."""
    text, notes = decode(source)
    text = _LITERAL.sub(_plain, text)
    begin = text.find(r"\begin{document}")
    head, body = (text[:begin], text[begin + 16 :]) if begin >= 0 else ("", text)
    body = body.partition(r"\end{document}")[0]
    converter = LatexNodes2Text(math_mode="text", keep_comments=False)
    composer = Composer(source)
    title, date = (_argument(name, head + body, converter) for name in ("title", "date"))
    composer.add("heading", title)
    notes_below = _NOTE.findall(body)
    for number, part in enumerate(_PARTS.split(_UNSEEN.sub("", _NOTE.sub("", body)))):
        table = _TABLE.fullmatch(part)
        heading = re.fullmatch(r"\\(\w+)\*?\{([^{}]*)\}", part)
        if table:
            rows = (re.split(r"(?<!\\)&", row) for row in _ROW_END.split(re.sub(r"\\[hc]line\b", "", table[2])))
            for line in lines_of([[converter.latex_to_text(cell) for cell in row] for row in rows]):
                composer.add("row", line)
        elif heading and number % 2:
            composer.add("caption" if heading[1] == "caption" else "heading", converter.latex_to_text(heading[2]))
        else:  # what stands between them, and a table that tells no columns
            composer.add_lines(converter.latex_to_text(re.sub(r"\\(?:maketitle|item)\b", "\n\n", part)))
    for note in notes_below:
        composer.add("note", converter.latex_to_text(note))
    return composer.finish(title, date, notes=notes)


def _plain(literal: re.Match[str]) -> str:
    """An address or code as running text, the address behind a link and a comment left out."""
    code = literal["code"] or re.sub(r"\\([%#&_~])", r"\1", literal["address"] or "")
    code = re.sub(r"[%#&_${}]", r"\\\g<0>", code.replace("\\", "\0"))
    code = code.replace("\0", r"\textbackslash{}").replace("~", r"\textasciitilde{}")
    return literal["escaped"] or code


def _argument(name: str, text: str, converter: LatexNodes2Text) -> str:
    found = re.search(rf"\\{name}\{{((?:[^{{}}]|\{{[^{{}}]*\}}){{1,300}})\}}", text)
    return " ".join(converter.latex_to_text(found[1]).split()) if found else ""
