"""Jupyter notebooks (.ipynb): their words, their code, and what it printed."""

from __future__ import annotations

import json
from typing import Any

from rag.articles.formats.contract import Composer, Extracted, Source, plain_characters
from rag.articles.formats.encoding import decode
from rag.articles.formats.markdown import compose_markdown


def read(source: Source) -> Extracted:
    """Cells in order; pictures and tables drawn by programs are left out. The title is stated, or the first heading, or
    the file's name."""
    text, notes = decode(source)
    notebook = json.loads(text)
    cells = notebook.get("cells") or [cell for sheet in notebook.get("worksheets", ()) for cell in sheet["cells"]]
    composer = Composer(source)
    title = ""
    for cell in cells:
        content = _joined(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") == "markdown":
            heading = compose_markdown(plain_characters(content), composer)
            title = title or heading
        else:
            composer.add("paragraph", content)
        for output in cell.get("outputs") or ():
            composer.add("paragraph", _joined(output.get("text") or (output.get("data") or {}).get("text/plain") or ""))
    stated = (notebook.get("metadata") or {}).get("title")
    return composer.finish((stated if isinstance(stated, str) else "") or title or source.title, notes=notes)


def _joined(lines: Any) -> str:
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines)
