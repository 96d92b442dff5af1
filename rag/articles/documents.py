"""Files -> Documents, from folders or one by one; each format's parser is in `formats`."""

from __future__ import annotations

import codecs
import datetime
import hashlib
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.articles.formats import ARCHIVE, FORMATS, PACKED, archive
from rag.articles.formats.contract import Extracted, Source
from rag.articles.formats.guard import HELPER, Helper
from rag.articles.metadata import describe
from rag.errors import DocumentError, RagError
from rag.language.dates import written_days
from rag.language.detection import language_of
from rag.types import Document

SUFFIXES: tuple[str, ...] = tuple(FORMATS)
"""Suffixes of files that hold one document."""
READABLE: tuple[str, ...] = (*SUFFIXES, ARCHIVE)
"""Suffixes of all files that are read."""

# ---------------------------------------------------------------- finding files


def find_files(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """(document id, path) of every readable file below `paths`, sorted by id, each file once.

    The id is the POSIX path below the folder given (the name, for a file given), in NFC; ids that collide
    between arguments get the folder's name in front. A file given by name is listed whatever its suffix,
    so that `read_document` reports it by name; so is a folder within one that cannot be listed, by `read_file`.

    Raises
    ------
    RagError
        A path does not exist, a folder given cannot be listed, or two files would share an id.
    """
    found: dict[str, tuple[str, Path, Path]] = {}
    for argument in map(Path, paths):
        if not os.path.lexists(argument):
            raise RagError(f"{_printable(argument)} does not exist: expected a file or a folder; check the path")
        # the folder given is resolved, so that every way to name it gives the same sources; links below it are not
        folder = (argument if argument.is_dir() else argument.parent).resolve()
        for path in _walk(folder) if argument.is_dir() else [folder / argument.name]:
            name = unicodedata.normalize("NFC", _printable(path.relative_to(folder).as_posix()))
            found.setdefault(os.path.realpath(path), (name, folder, path))
    uses = Counter(name for name, _, _ in found.values())
    files: dict[str, Path] = {}
    for name, folder, path in found.values():
        unique = f"{unicodedata.normalize('NFC', _printable(folder.name))}/{name}" if uses[name] > 1 else name
        if unique in files:
            both = f"{_printable(files[unique])} and {_printable(path)}"
            raise RagError(f"{both} would both be document {unique!r}: rename one, or give a folder above both")
        files[unique] = path
    return sorted(files.items())


def other_files(paths: Iterable[Path]) -> list[Path]:
    """Files below the folders among `paths` of kinds that are not read, sorted; hidden ones left out."""
    folders = [path.resolve() for path in paths if path.is_dir()]
    return sorted({path for folder in folders for path in _walk(folder, known=False)})


def _walk(folder: Path, known: bool = True) -> Iterator[Path]:
    """Files with a known suffix, or all others, below `folder`; linked folders come last, and no folder twice.

    A folder that cannot be listed stands among those with a known suffix.
    """
    unlisted: list[Path] = []

    def report(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise RagError(f"folder {_printable(folder)} cannot be listed ({error.strerror}): "
                           "allow reading it, or leave it out")  # fmt: skip
        unlisted.append(Path(error.filename))

    pending, seen = [folder], set[str]()
    for top in pending:  # grows while it is walked
        for parent, folders, names in os.walk(top, onerror=report):
            real = os.path.realpath(parent)
            folders[:] = [] if real in seen else sorted(n for n in folders if not n.startswith("."))
            pending += [Path(parent, n) for n in folders if os.path.islink(os.path.join(parent, n))]
            shown = [] if real in seen else sorted(n for n in names if not n.startswith((".", "~$")))
            yield from (Path(parent, n) for n in shown if n.lower().endswith(READABLE) is known)
            seen.add(real)
    yield from unlisted if known else ()


def _printable(path: Path | str) -> str:
    """`path` as text that UTF-8 can hold, whatever bytes the file system has."""
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def source_of(path: Path | str) -> str:
    """The `source` of a document that is read from `path`."""
    return _printable(os.path.abspath(path))


# ---------------------------------------------------------------- reading one file


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file gave: the documents in it, what could not be read, what to know of what was, and what was left out.

    `failed` and `notes` pair a path with a sentence, `skipped` the path of a file of another kind with its suffix; only
    an archive gives more than one of all.
    """

    documents: tuple[Document, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


def kind_of(path: Path) -> str:
    """What is told of a file of another kind."""
    return path.suffix.lower() or "without suffix"


def read_file(
    path: Path,
    document_id: str,
    max_bytes: int,
    today: datetime.date | None = None,
    helper: Helper = HELPER,
    name: str = "",
) -> Reading:
    """What `path` holds: one document, or of an archive (.zip) one for each file in it, "ARCHIVE/NAME" its id.

    Parameters are those of `read_document`; `name` is what its giver called the file, where it lies under another name.
    Nothing is raised for a file that cannot be read; `failed` names it.
    """
    today = today or datetime.date.today()
    name = _printable(name or path.name)
    try:
        if os.path.isdir(path):
            raise DocumentError(f"{name} is a folder that cannot be listed: expected one that can; allow reading it, "
                                "or leave it out")  # fmt: skip
        if path.suffix.lower() != ARCHIVE:
            document, notes = _read(path, name, document_id, max_bytes, today, helper)
            return Reading((document,), notes=tuple((str(path), note) for note in notes))
        data = _load(path, name, max_bytes)
        return _read_archive(data, path, name, document_id, max_bytes, today, helper)
    except DocumentError as error:
        return Reading(failed=((str(path), str(error)),))


def read_document(
    path: Path, document_id: str, max_bytes: int, today: datetime.date | None = None, helper: Helper = HELPER
) -> Document:
    """The one Document that `path` holds; an archive is refused (`read_file` reads it).

    The text of .txt is the file's own, decoded, with ligatures as letters and without inline pictures; for other
    formats it is what a person reads of it, block by block.

    Parameters
    ----------
    path : Path
    document_id : str
    max_bytes : int
        Largest file that is read, in bytes; also the most text, in characters, that it may unpack to.
    today : datetime.date, optional
        Later dates are not believed; default: the system's.
    helper : Helper
        The process that parses.

    Raises
    ------
    DocumentError
        In one sentence with the file's name: what came, what was expected, what to do.
    """
    return _read(path, _printable(path.name), document_id, max_bytes, today or datetime.date.today(), helper)[0]


def _read(
    path: Path, name: str, document_id: str, max_bytes: int, today: datetime.date, helper: Helper
) -> tuple[Document, tuple[str, ...]]:
    _check_suffix(path)
    return _extracted(_load(path, name, max_bytes), path, name, document_id, max_bytes, today, helper)


def _extracted(
    data: bytes, path: Path, name: str, document_id: str, max_bytes: int, today: datetime.date, helper: Helper
) -> tuple[Document, tuple[str, ...]]:
    """The document of a file's bytes, and the notes on how it was read."""
    if not data.strip():
        raise DocumentError(f"{name} is empty: expected an article; fill it or leave it out")
    _check_signature(data, name, path.suffix.lower())
    told, true = path.suffix.lower(), _true_suffix(data, path.suffix.lower())
    source = Source(data, name if true == told else Path(name).with_suffix(true).name, max_bytes, today)
    try:
        content = helper.extract(source)
    except DocumentError as error:
        raise DocumentError(str(error).replace(source.name, name, 1)) from error
    said = () if true == told else (f"it is {_KINDS[true]} and was read as one",)
    return document_of(content, path, document_id, data, today), (*said, *content.notes)


def _read_archive(
    data: bytes, path: Path, name: str, document_id: str, max_bytes: int, today: datetime.date, helper: Helper
) -> Reading:
    documents: list[Document] = []
    failed: list[tuple[str, str]] = []
    notes: list[tuple[str, str]] = []
    skipped: list[tuple[str, str]] = []
    uses: Counter[str] = Counter()
    try:
        for packed, content in archive.members(data, name, max_bytes):
            member = _unpacked(packed, uses)
            place = path / member
            if not member.lower().endswith(READABLE):
                skipped.append((str(place), kind_of(place)))
                continue
            try:
                _check_suffix(place)
                if isinstance(content, DocumentError):
                    raise content
                own = f"{document_id}/{unicodedata.normalize('NFC', member)}"
                document, said = _extracted(content, place, place.name, own, max_bytes, today, helper)
            except DocumentError as error:
                failed.append((str(place), str(error)))
                continue
            documents.append(document)
            notes += [(str(place), note) for note in said]
    except DocumentError as error:
        failed.append((str(path), str(error)))
    if not documents and not failed:
        kinds = ", ".join(sorted({kind for _, kind in skipped}))
        why = f"holds only files of another kind ({kinds})" if kinds else "is empty"
        failed.append((str(path), f"{name} {why}: expected an archive of articles; leave it out"))
    return Reading(tuple(documents), tuple(failed), tuple(notes), tuple(skipped))


def _unpacked(member: str, uses: Counter[str]) -> str:
    """A name for a file of an archive that none before has; an archive may hold several that unpack to one place."""
    name = first = unicodedata.normalize("NFC", member)
    while uses[name]:
        uses[first] += 1
        name = PurePosixPath(first).with_stem(f"{PurePosixPath(first).stem} ({uses[first]})").as_posix()
    uses[name] += 1
    return member if name == first else name


def _check_suffix(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        advice = "unpack it" if suffix == ARCHIVE else "convert it"
        raise DocumentError(
            f"{_printable(path.name)} has the suffix {suffix!r}: expected one of {', '.join(FORMATS)}; {advice}"
        )


def document_of(content: Extracted, path: Path, document_id: str, data: bytes, today: datetime.date) -> Document:
    """The Document of what a format found; its title, date and language by the text where the format states none."""
    name, suffix = _printable(path.name), path.suffix.lower()
    text = content.text
    if not any(map(str.isalnum, text)):
        advice = "read it with --ocr, or run ocrmypdf on it first" if suffix == ".pdf" else "fill it or leave it out"
        scan = " (a scan?)" if suffix == ".pdf" else ""
        raise DocumentError(f"{name} holds no text{scan}: expected an article; {advice}")
    body = text[next((block.start for block in content.blocks if block.kind != "note"), 0) :]
    language = language_of(body)
    kinds = {block.kind for block in content.blocks}
    rows = [text[block.start : block.end] for block in content.blocks if block.kind == "row"]
    tabular = bool(rows) and kinds <= {"row", "heading"}
    table = tabular and (FORMATS[suffix] in _OF_DATA or _have_heads(rows))
    title = content.title or (Source(b"", name, 0, today).title if table and kinds == {"row"} else "")
    running = not table and not (tabular and len(written_days(text, language)) > 1)
    facts = describe(body, language, today, title, content.date, content.outlet, document_id, running)
    return Document(
        id=document_id,
        title=facts.title,
        text=text,
        source=source_of(path),
        language=language,
        date=facts.date,
        content_hash=hashlib.sha256(data).hexdigest(),
        outlet=facts.outlet if content.outlet or not tabular else None,  # before a day stands what it is the day of
        blocks=content.blocks,
        pages=content.pages,
    )


def _have_heads(rows: Sequence[str]) -> bool:
    """Whether rows have heads in common, as those of data have: lines of a page laid out as a table have none."""
    labels = Counter(label for row in rows for label in set(re.findall(r"(?:^|\| )([^|:]+): ", row)))
    return max(labels.values(), default=0) >= min(2, len(rows))


def _load(path: Path, name: str, max_bytes: int) -> bytes:
    """The bytes of a regular file of at most `max_bytes`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise DocumentError(f"{name} is not a regular file: expected one; give the file itself")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be opened ({error.strerror})"
        raise DocumentError(f"{name} {why}: expected a readable file; check its path and permissions") from error
    if len(data) > max_bytes:
        raise DocumentError(f"{name} has {size:,} bytes: expected at most {max_bytes:,}; split it, or raise "
                            "the limit (--max-file-megabytes)")  # fmt: skip
    return data


_RICH = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\\rtf\d[\\{\s]")
_PAGE = re.compile(  # a comment ends at its first mark: else many could be parted in too many ways
    rb"(?:(?:<[?]xml\b[^>]*>|<!--(?:(?!-->).)*-->)\s*)*<(?:!doctype html|html)\b", re.IGNORECASE | re.DOTALL
)
_SAVED = re.compile(  # a head of lines as a mail has it, among which is the one of a page with its pictures
    rb"(?:[\w-]+:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)*?content-type:\s*multipart/related\b", re.IGNORECASE
)
_MARKS = b"\xef\xbb\xbf\xfe\xff \t\r\n"  # bytes that may stand before a text: marks of its byte order, white space
_KINDS = {
    ".rtf": "a rich text",
    ".html": "a web page",
    ".mhtml": "a web page saved with its pictures",
    ".xml": "an XML file",
    ".csv": "a table of separated values",
}
_OF_MARKUP = ("html", "xml", "markdown")  # formats that may begin with it
_OF_DATA = ("csv", "sheets")  # formats of tables and nothing else


def _true_suffix(data: bytes, suffix: str) -> str:
    """The suffix that a file's first bytes ask for: its own, but for markup and tables in text of another kind."""
    start, own = data[:4096], FORMATS[suffix]
    text = start.replace(b"\0", b"").lstrip(_MARKS)
    if _RICH.match(start):
        return ".rtf"
    if _PAGE.match(text) and own not in _OF_MARKUP:
        return ".html"
    if _SAVED.match(text) and own not in ("mail", "mhtml") and b"text/html" in data.lower():
        return ".mhtml"
    wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if own == "sheets" and (wide or not re.search(rb"[\0-\x08\x0e-\x1f]", start)):  # so programs write sheets, too
        return ".xml" if text.startswith(b"<?xml") else ".html" if text.startswith(b"<") else ".csv"
    return suffix


def _check_signature(data: bytes, name: str, suffix: str) -> None:
    """Raise if the first bytes belong to another format than the suffix says."""
    if data.startswith(b"%PDF-") and suffix != ".pdf":
        raise DocumentError(f"{name} has the content of a PDF: expected {suffix}; rename it to .pdf")
    if data.startswith(b"PK\x03\x04") and suffix not in PACKED:
        raise DocumentError(
            f"{name} is a zip archive or Office file: expected {suffix}; unpack it, or save it as {suffix}"
        )
    if data.startswith(b"\xd0\xcf\x11\xe0") and suffix not in (".msg", ".xls"):
        advice = f"save it as {suffix} without a password"
        raise DocumentError(f"{name} is an old or password-protected Office file: expected {suffix}; {advice}")
