"""Rich text, by striprtf."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source, plausible_title
from rag.articles.formats.tables import lines_of
from rag.errors import DocumentError


def read(source: Source) -> Extracted:
    """Paragraphs and rows of tables; the title is that of the file's properties."""
    if not source.data.lstrip()[:5] == b"{\\rtf":
        raise DocumentError(f"{source.name} is no rich text: expected it to begin with {{\\rtf; save it again as .rtf")
    markup = source.data.decode("cp1252", "replace")
    composer = Composer(source)
    table: list[list[str]] = []
    plain: str = rtf_to_text(markup, errors="replace")  # type: ignore[no-untyped-call,unused-ignore]
    for line in [*plain.split("\n"), ""]:
        if line.rstrip().endswith("|"):  # so the library writes the cells of a row
            table.append(line.rstrip()[:-1].split("|"))
            continue
        for row in lines_of(table):
            composer.add("row", row)
        table = []
        composer.add("paragraph", line)
    title = re.search(r"{\\title\s+([^{}\\]{1,300})}", markup[:20_000])
    return composer.finish(plausible_title(title[1]) if title else "")
