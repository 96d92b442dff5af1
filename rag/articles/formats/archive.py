"""Zip archives: each file in them is read as one beside it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from rag.errors import DocumentError

MOST_FILES = 10_000


def members(data: bytes, name: str, max_bytes: int) -> Iterator[tuple[str, bytes | DocumentError]]:
    """(name, bytes) of each file in an archive, or why it cannot be had; hidden files and folders left out.

    Parameters
    ----------
    max_bytes : int
        Most that one file may unpack to; all of them together may to eight times that.

    Raises
    ------
    DocumentError
        It is broken or a bomb.
    """
    if data.count(b"PK\x01\x02") > MOST_FILES:
        raise DocumentError(f"{name} holds more than {MOST_FILES:,} files: expected fewer; unpack it")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DocumentError(f"{name} is broken ({error}): expected a whole .zip file; pack it again") from error
    left = 8 * max_bytes
    for part in archive.infolist():
        steps = [step for step in part.filename.replace("\\", "/").split("/") if step not in ("", ".", "..")]
        if part.is_dir() or not steps or any(step.startswith((".", "__MACOSX", "~$")) for step in steps):
            continue
        place = "/".join(steps)
        if part.flag_bits & 1:
            yield place, DocumentError(f"{part.filename} is encrypted: expected no password; unpack {name}")
        elif part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield (
                place,
                DocumentError(
                    f"{part.filename} is packed in a rare way: expected deflate; unpack {name} and index the folder"
                ),
            )
        elif part.file_size > max_bytes:
            yield (
                place,
                DocumentError(
                    f"{part.filename} unpacks to {part.file_size:,} bytes: expected at most {max_bytes:,}; split it, "
                    "or raise the limit (--max-file-megabytes)"
                ),
            )
        elif part.file_size > left:
            raise DocumentError(
                f"{name} unpacks to more than {8 * max_bytes:,} bytes (a zip bomb?): unpack it yourself"
            )
        else:
            left -= part.file_size
            try:
                with archive.open(part) as member:  # not all at once: it may unpack to more than it says
                    content = member.read(part.file_size + 1)
                yield place, content
            except Exception as error:  # zlib's, zipfile's and struct's own
                yield place, DocumentError(f"{part.filename} is broken ({error}): expected a whole {name}")
