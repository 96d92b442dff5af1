"""Mails (.eml): subject, who to whom and when, the text, and the attachments of which the format is read."""

from __future__ import annotations

import datetime
import email
import email.policy
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email.message import Message, MIMEPart
from mimetypes import guess_extension

from rag.articles.formats import FORMATS, format_of
from rag.articles.formats.contract import Composer, Extracted, Source, broken
from rag.articles.formats.encoding import decode
from rag.articles.formats.markup import compose, parse
from rag.errors import DocumentError


def read(source: Source) -> Extracted:
    """The mail; its date is that of its head."""
    message = email.message_from_bytes(source.data, policy=email.policy.default)
    if not message.keys():
        raise DocumentError(f"{source.name} has no head of a mail: expected From, Subject and the like; save it again")
    composer = Composer(source)
    subject = str(message["subject"] or "")
    date = getattr(message["date"], "datetime", None)
    people = [(name.title(), str(message[name] or "")) for name in ("from", "to", "cc")]
    compose_head(composer, subject, people, date)
    body, words, notes = None, Extracted(""), tuple[str, ...]()
    for form in ("plain", "html"):
        part = message.get_body((form,))
        found, said = _body(part, source) if part is not None else (Extracted(""), ())
        # some programs write a plain form that is empty, or that says where to find the other
        if part is not None and (body is None or 2 * len(words.text.split()) < len(found.text.split())):
            body, words, notes = part, found, said
    composer.include(words)
    attached = list(_attachments(message, body))
    if any(part.get_content_type() == "text/calendar" and part not in attached for part in message.walk()):
        notes += ("an invitation in it (text/calendar) is of a kind that is not read",)
    notes += include_attachments(composer, source, ((_name(part), _bytes(part)) for part in attached))
    return composer.finish(subject, date.date().isoformat() if date else "", notes=notes)


def _body(part: MIMEPart, source: Source) -> tuple[Extracted, tuple[str, ...]]:
    """The text of a part of a mail, and what to say of how it was decoded."""
    composer = Composer(source)
    text, notes = _content(part, source)
    compose_body(composer, text, is_html=part.get_content_type() == "text/html")
    return composer.finish(), notes


def compose_head(
    composer: Composer, subject: str, people: Iterable[tuple[str, str]], date: datetime.datetime | None
) -> None:
    """Append what a mail program shows above the text."""
    composer.add("heading", subject)
    for name, value in people:
        if value:
            composer.add("row", f"{name}: {value}")
    if date:
        composer.add("row", f"Date: {date:%Y-%m-%d %H:%M}")


def compose_body(composer: Composer, text: str, is_html: bool) -> None:
    """Append the text of a mail; what it quotes is read like the rest."""
    if not is_html:
        text = re.sub(
            r"^((?!>).*)\n(?=>)", r"\1\n\n", text, flags=re.MULTILINE
        )  # a quotation is a paragraph of its own
        composer.add_lines(re.sub(r"^>[> ]*", "", text, flags=re.MULTILINE))
    elif text.strip():
        compose(parse(text), composer)


def include_attachments(composer: Composer, source: Source, attached: Iterable[tuple[str, bytes]]) -> tuple[str, ...]:
    """Append each attachment below its name; returns what could not be read, and why."""
    notes: list[str] = []
    for name, data in attached:
        part = replace(source, data=data, name=name)
        if not name or part.suffix not in FORMATS:
            notes.append(f"the attachment {name or 'without a name'} is of a kind that is not read")
            continue
        try:
            found = _extracted(part)
        except DocumentError as error:
            notes.append(f"an attachment could not be read: {error}")
            continue
        composer.add("heading", name)
        composer.include(found)
        notes += [f"{name}: {note}" for note in found.notes]
    return tuple(notes)


def _extracted(part: Source) -> Extracted:
    """What an attachment holds; DocumentError for whatever a parser makes of a damaged one."""
    try:
        return format_of(part.suffix).read(part)
    except (DocumentError, MemoryError, ImportError):  # the latter two are not the attachment's fault
        raise
    except Exception as error:
        raise broken(part.name, error) from error


def _attachments(message: MIMEPart, body: MIMEPart | None, forms: bool = False) -> Iterator[MIMEPart]:
    """What is attached to a mail, at any depth.

    Of parts that are `forms` of one text (alternatives, a page and its pictures) only what has a name or says that it
    is attached: Apple's Mail puts a file between two pieces of the page, as a part of it.
    """
    forms = forms or message.get_content_subtype() in ("alternative", "related")
    kept = list(message.iter_attachments() if any(part is body for part in message.walk()) else message.iter_parts())
    for part in message.iter_parts():
        if part.get_content_maintype() == "multipart":
            yield from _attachments(part, body, forms)
        elif part.is_attachment() or (_is_named(part) if forms else part in kept):
            yield part


def _is_named(part: MIMEPart) -> bool:
    """Whether a part has a name and is no picture that the page shows."""
    return bool(part.get_filename()) and not (part.get_content_maintype() == "image" and part["Content-ID"])


def _content(part: MIMEPart, source: Source) -> tuple[str, tuple[str, ...]]:
    """The text of a part, and what to say of how it was decoded; where it could not be, the attachments still are."""
    try:
        return decode(replace(source, data=_bytes(part)), part.get_content_charset() or "")
    except DocumentError as error:
        return "", (f"its text could not be read: {error}",)


def _name(part: MIMEPart) -> str:
    """The name of an attachment; of one without, a mail that was passed on say, its kind as a name."""
    return part.get_filename() or f"{part.get_content_maintype()}{guess_extension(part.get_content_type()) or ''}"


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload
    inner = part.get_payload()  # of a forwarded mail: the mail
    return b"\n".join(one.as_bytes() for one in inner if isinstance(one, Message)) if isinstance(inner, list) else b""
