"""Web pages as Safari saves them (.webarchive)."""

from __future__ import annotations

import plistlib
from dataclasses import replace

from rag.articles.formats.contract import Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.html import read_page


def read(source: Source) -> Extracted:
    """The page itself, read as `html` reads it."""
    page = plistlib.loads(source.data)["WebMainResource"]
    declared = str(page.get("WebResourceTextEncodingName", ""))
    return read_page(source, *decode(replace(source, data=bytes(page["WebResourceData"])), declared))
