"""Outlook's mails (.msg), by python-oxmsg."""

from __future__ import annotations

import io

from oxmsg import Message  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.mail import compose_body, compose_head, include_attachments


def read(source: Source) -> Extracted:
    """As `mail` reads the same mail."""
    message = Message.load(io.BytesIO(source.data))
    composer = Composer(source)
    subject = message.subject or ""
    people = [("From", message.sender or "")]
    people += [("To", ", ".join(f"{one.name} <{one.email_address}>" for one in message.recipients))]
    compose_head(composer, subject, people, message.sent_date)
    compose_body(composer, message.body or message.html_body or "", is_html=not message.body)
    attached = ((one.file_name or "", one.file_bytes or b"") for one in message.attachments)
    notes = include_attachments(composer, source, attached)
    return composer.finish(subject, message.sent_date.date().isoformat() if message.sent_date else "", notes=notes)
