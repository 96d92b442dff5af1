"""E-books (.epub): the chapters in the order of reading."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from rag.articles.formats.contract import Composer, Extracted, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.html import declared_encoding
from rag.articles.formats.markup import compose, parse
from rag.articles.formats.package import Package, resolved
from rag.errors import DocumentError

_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_LOCKED = b"http://www.w3.org/2001/04/xmlenc#"
_FONTS_ONLY = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")


def read(source: Source) -> Extracted:
    """Every chapter but the table of contents; title, date and publisher are those of the book's metadata."""
    package = Package(source)
    if "META-INF/encryption.xml" in package.names:
        locks = package.read("META-INF/encryption.xml")
        if _LOCKED in locks and not any(fonts in locks for fonts in _FONTS_ONLY):
            raise DocumentError(f"{source.name} is locked (DRM): expected an open e-book; leave it out")
    container = package.xml("META-INF/container.xml")
    place = str(container.find(".//{*}rootfile").get("full-path"))
    book = package.xml(place)
    items = {item.get("id"): item for item in book.iter("{*}item")}
    composer = Composer(source)
    notes: list[str] = []
    for reference in book.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or "nav" in (item.get("properties") or "").split():
            continue
        name = resolved(posixpath.dirname(place), item.get("href") or "")
        if name in package.names:
            data = package.read(name)
            markup, said = decode(replace(source, data=data), declared_encoding(data))
            notes += [f"{posixpath.basename(name)}: {note}" for note in said]
            compose(parse(markup or "<p>"), composer)
    stated = {
        name: (book.findtext(f".//{_DUBLIN_CORE}{name}") or "").strip() for name in ("title", "date", "publisher")
    }
    return composer.finish(stated["title"], stated["date"], stated["publisher"], tuple(notes))
