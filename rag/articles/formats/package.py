"""A zip of XML parts, as Word, PowerPoint, OpenDocument and EPUB files are: opened within limits, parsed safely."""

from __future__ import annotations

import io
import posixpath
import zipfile
from typing import Any, NamedTuple
from urllib.parse import unquote

from lxml import etree  # type: ignore[import-untyped,unused-ignore]

from rag.articles.formats.contract import Source, plausible_title
from rag.errors import DocumentError

_MOST_PARTS = 20_000
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_TEXT = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".txt")
_SMALL = 2**22  # bytes that any file may unpack to: an empty Word file does to more than a small limit


class Relation(NamedTuple):
    """What one part of an Office file refers to: the last word of the relation's kind, and the other part's name."""

    kind: str
    target: str


class Package:
    """The parts of a file by their names."""

    def __init__(self, source: Source) -> None:
        if source.data.count(b"PK\x01\x02") > _MOST_PARTS:
            raise _bomb(source, f"more than {_MOST_PARTS:,} parts")
        self._archive = zipfile.ZipFile(io.BytesIO(source.data))
        parts = self._archive.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise DocumentError(
                f"{source.name} is encrypted: expected a {source.suffix} without password; save it without one"
            )
        text = sum(part.file_size for part in parts if part.filename.lower().endswith(_TEXT))
        allowed = max(source.max_bytes, _SMALL)
        if text > allowed or sum(part.file_size for part in parts) > 4 * allowed:
            raise _bomb(source, f"more than {source.max_bytes:,} bytes of text or four times that in all")
        self.source = source
        self.names: tuple[str, ...] = tuple(part.filename for part in parts)

    def read(self, name: str) -> bytes:
        """The bytes of a part; KeyError when there is none of that name."""
        return self._archive.read(name)

    def xml(self, name: str) -> Any:
        """The root element of a part; entities are neither expanded nor fetched."""
        return parse_xml(self.read(name))

    def title(self) -> str:
        """The title among the file's properties, "" where nobody wrote one."""
        place = next((name for name in ("docProps/core.xml", "meta.xml") if name in self.names), "")
        return plausible_title(self.xml(place).findtext(f".//{_TITLE}") or "") if place else ""

    def main(self, usual: str) -> str:
        """The name of the part with the text of an Office file."""
        return next((r.target for r in self.relations("").values() if r.kind == "officeDocument"), usual)

    def relations(self, name: str) -> dict[str, Relation]:
        """What an Office file's part refers to inside the file, by the ids that it uses; in the file's order."""
        folder, file = posixpath.split(name)
        place = posixpath.join(folder, "_rels", f"{file}.rels")
        if place not in self.names:
            return {}
        found = {}
        for relation in self.xml(place):
            if isinstance(relation.tag, str) and relation.get("TargetMode") != "External":
                target = resolved(folder, relation.get("Target") or "")
                found[relation.get("Id") or ""] = Relation((relation.get("Type") or "").rpartition("/")[2], target)
        return found


def parse_xml(data: bytes, expand: bool = False, recover: bool = False) -> Any:
    """The root element of an XML document, without its comments; nothing outside of it is read.

    Parameters
    ----------
    expand : bool
        Whether the document's own entities are written out, up to five times its length (libxml2's limit).
    recover : bool
        Whether what is whole of a broken document is taken; None where nothing is.

    Raises
    ------
    lxml.etree.XMLSyntaxError
        It is broken, or its entities grow beyond the limit.
    """
    parser = etree.XMLParser(
        resolve_entities="internal" if expand else False,
        recover=recover,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    return etree.fromstring(data, parser=parser)


def resolved(folder: str, target: str) -> str:
    """The name of a part that another part in `folder` refers to as `target`."""
    target = unquote(target.partition("#")[0])
    return posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))


def _bomb(source: Source, holds: str) -> DocumentError:
    return DocumentError(
        f"{source.name} unpacks to {holds} (a zip bomb?): expected less; split it, or raise the limit "
        "(--max-file-megabytes)"
    )
