"""Web pages saved with their pictures in one file (.mhtml)."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace

from rag.articles.formats.contract import Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.html import declared_encoding, read_page
from rag.errors import DocumentError


def read(source: Source) -> Extracted:
    """The first page in the file, read as `html` reads it."""
    message = email.message_from_bytes(source.data, policy=email.policy.default)
    for part in message.walk():
        data = part.get_payload(decode=True)
        if part.get_content_type() in ("text/html", "application/xhtml+xml") and isinstance(data, bytes):
            declared = str(part.get_content_charset() or "") or declared_encoding(data)
            return read_page(source, *decode(replace(source, data=data), declared))
    raise DocumentError(f"{source.name} holds no web page: expected one saved as a single file; save it again")
