"""reStructuredText, by docutils; neither other files nor raw markup are let in."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, ClassVar

from docutils import nodes  # type: ignore[import-untyped,unused-ignore]
from docutils.core import publish_parts  # type: ignore[import-untyped,unused-ignore]
from docutils.languages import get_language  # type: ignore[import-untyped,unused-ignore]
from docutils.parsers.rst import Directive, directives  # type: ignore[import-untyped,unused-ignore]
from docutils.statemachine import StringList  # type: ignore[import-untyped,unused-ignore]
from docutils.utils import new_document  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source, plain_characters
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import compose, parse

_NAME = re.compile(r"^[ \t]*\.\.[ \t]+([\w:.+-]+)::(?=\s)", re.MULTILINE)


class _Unknown(Directive):  # type: ignore[misc,unused-ignore]
    """A directive of another program (Sphinx's `seealso`, say): its text, without its options."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = defaultdict(lambda: directives.unchanged, {"class": directives.unchanged})  # any at all

    def run(self) -> list[Any]:
        lines = [line for argument in self.arguments for line in argument.split("\n")]
        box = nodes.container()
        self.state.nested_parse(StringList([*lines, "", *self.content], source=""), self.content_offset, box)
        return list(box.children)


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
    for name in set(map(str.lower, _NAME.findall(text))):
        if directives.directive(name, get_language("en"), new_document(""))[0] is None:
            directives.register_directive(name, _Unknown)
    parts = publish_parts(plain_characters(text), writer="html5", settings_overrides=settings)
    composer = Composer(source)
    compose(parse(parts["html_body"] or "<p>"), composer)
    return composer.finish(parse(f"<p>{parts['title']}</p>").text_content().strip(), notes=notes)
