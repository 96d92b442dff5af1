"""reStructuredText, by docutils; neither other files nor raw markup are let in."""

from __future__ import annotations

from docutils.core import publish_parts  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source, plain_characters
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import compose, parse


def read(source: Source) -> Extracted:
    """The rendered text."""
    text, notes = decode(source)
    settings = {
        "file_insertion_enabled": False,
        "raw_enabled": False,
        "report_level": 5,
        "halt_level": 5,
        "_disable_config": True,
        "embed_stylesheet": False,
        "math_output": "LaTeX",
    }
    parts = publish_parts(plain_characters(text), writer="html5", settings_overrides=settings)
    composer = Composer(source)
    compose(parse(parts["html_body"] or "<p>"), composer)
    return composer.finish(parse(f"<p>{parts['title']}</p>").text_content().strip(), notes=notes)
