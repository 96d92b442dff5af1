"""Zip archives: each file in them is read as one beside it, and each of an archive in them as one of a folder."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.articles.formats.contract import Source
from rag.articles.formats.encoding import decode, is_latin
from rag.errors import DocumentError

MOST_FILES = 10_000


@dataclass
class _Left:
    """What an archive, and the archives in it, may still unpack to."""

    name: str
    bytes: int
    files: int = MOST_FILES


def members(data: bytes, name: str, max_bytes: int) -> Iterator[tuple[str, bytes | DocumentError]]:
    """(name, bytes) of each file in an archive, or why it cannot be had; hidden files and folders left out.

    Of an archive in it the files are had, "INNER.zip/NAME" their names; one in that is a file like any other.

    Parameters
    ----------
    max_bytes : int
        Most that one file may unpack to; all of them together may to eight times that.

    Raises
    ------
    DocumentError
        It is broken or a bomb.
    """
    left = _Left(name, 8 * max_bytes)
    yield from _members(_opened(data, name, left), name, max_bytes, left)


def _opened(data: bytes, name: str, left: _Left) -> zipfile.ZipFile:
    if data.count(b"PK\x01\x02") > left.files:
        raise DocumentError(f"{name} holds more than {left.files:,} files: expected fewer; unpack it")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DocumentError(f"{name} is broken ({error}): expected a whole .zip file; pack it again") from error
    left.files -= len(archive.infolist())
    return archive


def _members(
    archive: zipfile.ZipFile, name: str, max_bytes: int, left: _Left, folder: str = ""
) -> Iterator[tuple[str, bytes | DocumentError]]:
    """What `members` yields; `folder` is the one that an archive in another stands for."""
    parts = archive.infolist()
    for part, told in zip(parts, _names(parts, name), strict=True):
        steps = [step for step in told.replace("\\", "/").split("/") if step not in ("", ".", "..")]
        if part.is_dir() or not steps or any(step.startswith((".", "__MACOSX", "~$")) for step in steps):
            continue
        place = folder + "/".join(steps)
        if refusal := _refusal(part, told, name, max_bytes):
            yield place, DocumentError(refusal)
            continue
        if part.file_size > left.bytes:
            raise DocumentError(
                f"{left.name} unpacks to more than {8 * max_bytes:,} bytes (a zip bomb?): unpack it yourself"
            )
        left.bytes -= part.file_size
        try:
            with archive.open(part) as member:  # not all at once: it may unpack to more than it says
                content = member.read(part.file_size + 1)
            inner = None if folder or not place.lower().endswith(".zip") else _opened(content, steps[-1], left)
        except DocumentError as error:
            yield place, error
        except Exception as error:  # zlib's, zipfile's and struct's own
            yield place, DocumentError(f"{told} is broken ({error}): expected a whole {name}")
        else:
            yield from _members(inner, steps[-1], max_bytes, left, f"{place}/") if inner else [(place, content)]


def _refusal(part: zipfile.ZipInfo, told: str, name: str, max_bytes: int) -> str:
    """Why a file is not unpacked, "" if it is."""
    if part.flag_bits & 1:
        return f"{told} is encrypted: expected no password; unpack {name}"
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"{told} is packed in a rare way: expected deflate; unpack {name} and index the folder"
    if part.file_size > max_bytes:
        return (
            f"{told} unpacks to {part.file_size:,} bytes: expected at most {max_bytes:,}; split it, "
            "or raise the limit (--max-file-megabytes)"
        )
    return ""


def _names(parts: Sequence[zipfile.ZipInfo], name: str) -> list[str]:
    """The names of files; those that do not say that they are UTF-8 in the encoding that fits all of them."""
    names = [part.filename for part in parts]
    untold = [n for n, part in enumerate(parts) if not part.flag_bits & 0x800 and part.filename == part.orig_filename]
    taken = "\n".join(names[n] for n in untold)
    foreign = [character for character in taken if not character.isascii()]
    if all(map(is_latin, foreign)) and 3 * len(foreign) <= sum(map(str.isalpha, taken)):  # "Año nuevo", not "ïcÄûÿ"
        return names
    joined = taken.encode("cp437")  # as which the library takes them
    try:
        told = decode(Source(joined, name, 0, datetime.date.min))[0].split("\n")
    except DocumentError:
        return names
    if len(told) == len(untold):
        for n, true in zip(untold, told, strict=True):
            names[n] = true
    return names
