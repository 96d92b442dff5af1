"""PDF, by PDFium."""

from __future__ import annotations

import re

import pypdfium2  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source, plausible_title
from rag.errors import DocumentError


def read(source: Source) -> Extracted:
    """Text of all pages, lines and hyphenated words joined."""
    try:
        document = pypdfium2.PdfDocument(source.data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError(
                f"{source.name} is encrypted: expected a PDF without password; save it without one"
            ) from error
        raise
    pages: list[str] = []
    for number in range(len(document)):
        page = document[number]
        pages.append(_join_lines(page.get_textpage().get_text_bounded()))
        page.close()
    composer = Composer(source)
    for page_text in _join_hyphens("\f".join(pages)).split("\f"):
        composer.turn_page()
        for line in page_text.split("\n"):
            composer.add("paragraph", line)
    return composer.finish(plausible_title(document.get_metadata_value("Title")))


def _join_lines(page: str) -> str:
    """`page` with one paragraph to a line. A line goes on if it is nearly full or the next starts in lower case."""
    lines = [line.strip() for line in page.splitlines() if line.strip()]
    widths = sorted(len(part) for line in lines for part in line.split("\x02"))
    full = 0.75 * widths[int(len(widths) * 0.9)] if widths else 0.0
    text = ""
    for line, previous in zip(lines, ["", *lines], strict=False):
        flows = len(previous.split("\x02")[-1]) >= full and not re.match(r"[•●▪*–-]\s", line)
        text += (" " if flows or line[0].islower() else "\n") * bool(text) + line
    return text


def _join_hyphens(text: str) -> str:
    """`text` with words that the end of a line divides (U+0002, from PDFium) made whole.

    The hyphen stays before a capital ("López-Miera"), and where the text writes the word with it elsewhere or
    knows both halves as words ("well-known").
    """
    divided = r"(\w+)\x02\s*(\w+)"
    words = set(re.findall(r"\w+(?:-\w+)*", re.sub(divided, " ", text).lower()))

    def join(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        both = f"{left}{right}".lower()
        compound = f"{left}-{right}".lower() in words or {left.lower(), right.lower()} <= words
        soft = right[0].islower() and left.isalpha() and (both in words or not compound)
        return left + right if soft else f"{left}-{right}"

    return re.sub("\x02", "-", re.sub(divided, join, text))
