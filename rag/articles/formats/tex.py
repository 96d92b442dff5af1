"""LaTeX, by pylatexenc; other files that it names are not read."""

from __future__ import annotations

import re

import regex
from pylatexenc.latex2text import LatexNodes2Text  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source, too_much
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

_GROUP = r"(?P<group>\{(?:\\.|[^{}\\]++|(?&group))*+\})"
_DEFINED = regex.compile(  # commands of the author's own: \newcommand{\town}[1]{…}, \def\town#1{…}
    r"\\(?:(?:newcommand|providecommand|DeclareRobustCommand)\*?\s*\{?\s*\\(?P<new>[A-Za-z]+)\s*\}?\s*(?:\[(?P<count>\d)\])?"
    rf"|def\s*\\(?P<old>[A-Za-z]+)\s*(?P<marks>(?:#\d)*))\s*{_GROUP}",
    regex.DOTALL,
)
_ARGUMENT = r"(?P<given>\{(?:\\.|[^{}\\]++|\{(?:\\.|[^{}\\]++|\{[^{}]*+\})*+\})*+\})"
_STRUCK = regex.compile(  # out, by ulem, soul or changes: \sout{…}, \replaced[id=IK]{new}{old}
    r"\\(?:sout|xout|st|deleted|(?P<replaced>replaced))(?![A-Za-z])\s*(?:\[[^\[\]]*\]\s*)?"
    rf"(?(replaced){_ARGUMENT}\s*){_GROUP}",
    regex.DOTALL,
)
_THANKS = re.compile(r"\\thanks\{[^{}]*\}")
_MOST_COLUMNS = 100  # that one cell is believed to span
_DEEPEST = 5  # definitions within definitions that are followed
_OVER = regex.compile(rf"\\multi(?:column\s*\{{\s*(?P<columns>\d+)\s*\}}|row\s*(?:\[\w*\])?\{{[^{{}}]*\}})\s*"
                      rf"(?:\{{(?:[^{{}}]|\{{[^{{}}]*\}})*\}}|\*)\s*{_GROUP}")  # fmt: skip

_LITERAL = re.compile(  # in which a "%" may stand, an escaped one too; else it begins a comment
    r"\\(?:url|path)\*?\{(?P<address>[^{}]*)\}|\\href(?:\[[^\[\]]*\])?\{[^{}]*\}"
    r"|\\begin\{(?P<kind>verbatim\*?|lstlisting)\}(?:\[[^\]]*\])?(?P<listing>[\s\S]*?)\\end\{(?P=kind)\}"
    r"|\\verb\*?(?P<end>[^\w\s*])(?P<code>.*?)(?P=end)|(?P<escaped>\\.)|%.*"
)


def read(source: Source) -> Extracted:
    """Paragraphs and headings of what lies between the document's begin and end, or of everything."""
    text, notes = decode(source)
    text = _STRUCK.sub(lambda found: found["given"] or "", _expanded(_LITERAL.sub(_plain, text), source))
    begin = text.find(r"\begin{document}")
    head, body = (text[:begin], text[begin + 16 :]) if begin >= 0 else ("", text)
    body = body.partition(r"\end{document}")[0]
    converter = LatexNodes2Text(math_mode="text", keep_comments=False)
    composer = Composer(source)
    title, date = (_argument(name, head + body, converter) for name in ("title", "date"))
    composer.add("heading", title)
    composer.add(
        "paragraph", _argument("author", re.sub(r"\s*\\and\b\s*", ", ", _THANKS.sub("", head + body)), converter)
    )
    notes_below = _NOTE.findall(body)
    for number, part in enumerate(_PARTS.split(_UNSEEN.sub("", _NOTE.sub("", body)))):
        table = _TABLE.fullmatch(part)
        heading = re.fullmatch(r"\\(\w+)\*?\{([^{}]*)\}", part)
        if table:
            rows = (
                re.split(r"(?<!\\)&", row)
                for row in _ROW_END.split(_OVER.sub(_spread, re.sub(r"\\[hc]line\b", "", table[2])))
            )
            for line in lines_of([[converter.latex_to_text(cell) for cell in row] for row in rows]):
                composer.add("row", line)
        elif heading and number % 2:
            composer.add("caption" if heading[1] == "caption" else "heading", converter.latex_to_text(heading[2]))
        else:  # what stands between them, and a table that tells no columns
            composer.add_lines(converter.latex_to_text(re.sub(r"\\(?:maketitle|item)\b", "\n\n", part)))
    for note in notes_below:
        composer.add("note", converter.latex_to_text(note))
    return composer.finish(title, date, notes=notes)


def _expanded(text: str, source: Source) -> str:
    """`text` with what the author's own commands stand for in their place, and without their definitions.

    Raises
    ------
    DocumentError
        They write more text than a file may unpack to.
    """
    defined: dict[str, tuple[int, str]] = {}
    written = 0

    def define(found: regex.Match[str]) -> str:
        if "@" in found["group"]:  # it is about how the page looks
            return str(found[0])
        count = int(found["count"] or 0) if found["new"] else len(found["marks"] or "") // 2
        defined.setdefault(found["new"] or found["old"], (count, found["group"][1:-1]))
        return ""

    def expand(found: regex.Match[str]) -> str:
        nonlocal written
        count, body = defined[found["name"]]
        given = [one[1:-1] for one in found.captures("given")] if count else []
        if len(given) < count:
            return str(found[0])
        shown = re.sub(r"#(\d)", lambda mark: given[int(mark[1]) - 1] if 0 < int(mark[1]) <= count else "", body)
        written += len(shown)
        if written > source.max_bytes:
            raise too_much(source)
        return shown

    text = _DEFINED.sub(define, text)
    for _ in range(_DEEPEST if defined else 0):
        for count in {count for count, _ in defined.values()}:
            names = "|".join(name for name, (own, _) in defined.items() if own == count)
            text = regex.sub(rf"\\(?P<name>{names})(?![A-Za-z])" + rf"\s*{_ARGUMENT}" * count, expand, text)
    return text


def _spread(cell: regex.Match[str]) -> str:
    """A cell over columns or rows as one, with empty ones beside it for the columns that it covers."""
    return str(cell["group"][1:-1]) + "&" * (min(int(cell["columns"] or 1), _MOST_COLUMNS) - 1)


def _plain(literal: re.Match[str]) -> str:
    """An address or code as running text, the lines of a listing as paragraphs, the address behind a link and a comment
    left out."""
    if literal["listing"] is not None:
        return "\n\n".join(map(_escaped, ["", *literal["listing"].split("\n"), ""]))
    code = literal["code"] or re.sub(r"\\([%#&_~])", r"\1", literal["address"] or "")
    return literal["escaped"] or _escaped(code)


def _escaped(code: str) -> str:
    code = re.sub(r"[%#&_${}]", r"\\\g<0>", code.replace("\\", "\0"))
    return code.replace("\0", r"\textbackslash{}").replace("~", r"\textasciitilde{}")


def _argument(name: str, text: str, converter: LatexNodes2Text) -> str:
    found = re.search(rf"\\{name}\{{((?:[^{{}}]|\{{[^{{}}]*\}}){{1,300}})\}}", text)
    return " ".join(converter.latex_to_text(found[1]).split()) if found else ""
