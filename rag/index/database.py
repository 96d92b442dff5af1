"""The SQLite file of an index: opened, checked, and its errors put so that a person can mend them.

APSW brings an SQLite of its own with the checksum VFS (sqlite.org/cksumvfs.html): every page of the file carries a
checksum, which is made when the page is written and compared whenever it is read. So a change costs the pages it
touches, and a byte that has changed is noticed as soon as anything on its page is asked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import apsw

from rag.errors import StoreError

FILE_NAME = "index.sqlite"
APPLICATION_ID = 0x72616701  # "rag" and the kind of file
FORMAT_VERSION = 4
BUSY_SECONDS = 30.0
CHECKSUM_BYTES = 8  # of each page
CACHE = 32 << 10  # KiB of pages that a connection keeps
READ_WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


def connect(path: Path | None) -> apsw.Connection:
    """A connection to a file, made when it is not there, or (None) to a database in memory."""
    if path is None:
        connection = apsw.Connection(":memory:")
    else:
        connection = apsw.Connection(str(path), flags=READ_WRITE, vfs=_checksum_vfs())
    connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
    return connection


def all_rows(connection: apsw.Connection, query: str, values: Sequence[Any] = ()) -> list[Any]:
    """All rows of a query, as tuples."""
    return connection.execute(query, values).fetchall()


def first_row(connection: apsw.Connection, query: str, values: Sequence[Any] = ()) -> Any:
    """The first row of a query; None when there is none."""
    return connection.execute(query, values).fetchone()


@cache
def _checksum_vfs() -> str:
    import apsw.sqlite_extra

    connection = apsw.Connection(":memory:")
    apsw.sqlite_extra.load(connection, "cksumvfs")
    connection.close()
    return "cksmvfs"


def prepare(path: Path, schema: str, manifest: Mapping[str, str]) -> list[apsw.Connection]:
    """A writing and a reading connection to the database of an index, made when it is not there.

    Raises
    ------
    StoreError
        The folder holds something else, a damaged index, or one made in another way.
    """
    _check_folder(path)
    opened: list[apsw.Connection] = []
    with mendable(str(path)):
        try:
            opened.append(connect(path))
            if _is_empty(opened[0]):
                opened[0].reserve_bytes(reserve=CHECKSUM_BYTES)
                _patiently(opened[0], "PRAGMA journal_mode = WAL")
                create(opened[0], schema, manifest)
            _check(opened[0], {}, str(path))
            if _is_unbound(opened[0], manifest):  # made by one who only looked
                create(opened[0], schema, manifest)
            _check(opened[0], manifest, str(path))
            opened.append(connect(path))
        except BaseException:
            for connection in opened:
                connection.close()
            raise
    return opened


def create(connection: apsw.Connection, schema: str, manifest: Mapping[str, str]) -> None:
    """Write the schema and the manifest, unless another process has just done so."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection):
            connection.execute(schema)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        if _is_unbound(connection, manifest):
            connection.executemany("INSERT INTO manifest VALUES (?, ?)", list(manifest.items()))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_folder(path: Path) -> None:
    folder = path.parent
    try:
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder} is a file, expected a folder for the index; name another place")
        if folder.is_dir() and any(folder.iterdir()) and not path.exists():
            raise StoreError(f"{folder} holds other files and no index; name an empty or a new folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder {folder} cannot be used ({error.strerror}); name another place, with RAG_HOME or --index"
        ) from error


def _check(connection: apsw.Connection, manifest: Mapping[str, str], path: str) -> None:
    """Check that a filled database is an index made in the same way; nothing is written or locked."""
    connection.execute("BEGIN")
    try:
        if connection.pragma("application_id") != APPLICATION_ID:
            raise StoreError(f"{path} is a database of another program; name another folder for the index")
        version = connection.pragma("user_version")
        if version != FORMAT_VERSION:
            raise StoreError(
                f"{path} has format {version}, expected {FORMAT_VERSION}; delete the folder and index again"
            )
        found = dict(all_rows(connection, "SELECT key, value FROM manifest"))
        for key, value in manifest.items():
            if found.get(key) != value:
                raise StoreError(
                    f"{path} was built with {key} = {found.get(key)!r}, asked for is {value!r}; "
                    "ask with the former, or delete the folder and index again"
                )
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _is_empty(connection: apsw.Connection) -> bool:
    return bool(first_row(connection, "SELECT count(*) = 0 FROM sqlite_master")[0])


def _is_unbound(connection: apsw.Connection, manifest: Mapping[str, str]) -> bool:
    """Whether an index holds no document and nothing of this manifest: who only looks, without one, binds nobody."""
    there = "SELECT 1 FROM manifest WHERE key IN (SELECT value FROM json_each(?))"
    query = f"SELECT NOT EXISTS (SELECT 1 FROM documents) AND NOT EXISTS ({there})"
    return bool(manifest and first_row(connection, query, (json.dumps(list(manifest)),))[0])


def _patiently(connection: apsw.Connection, statement: str) -> None:
    """Execute what SQLite refuses at once, without waiting, while another process opens the same new file."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
            return
        except (apsw.BusyError, apsw.LockedError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextmanager
def mendable(path: str = "the index") -> Iterator[None]:
    """Say what a person can do about an error of SQLite's; misuse of the connection surfaces as it is."""
    try:
        yield
    except (apsw.ConnectionClosedError, apsw.ThreadingViolationError, apsw.ConstraintError, apsw.MisuseError):
        raise
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreError(f"another process is writing {path}; try again when it has finished") from error
    except (apsw.FullError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
        raise StoreError(f"{path} cannot be read or written ({error}); check the disk and its rights") from error
    except apsw.IOError as error:
        if getattr(error, "extendedresult", 0) in (apsw.SQLITE_IOERR_DATA, apsw.SQLITE_IOERR_SHORT_READ):
            raise StoreError(damaged(path, "a page's checksum does not fit")) from error
        raise StoreError(f"{path} cannot be read or written ({error}); check the disk and its rights") from error
    except (apsw.Error, UnicodeDecodeError) as error:  # the latter of a broken name in SQLite's message
        raise StoreError(damaged(path, error)) from error


def damaged(path: str, reason: object) -> str:
    """What to tell about a file that is no whole index."""
    return f"{path} is damaged or not an index ({reason}); delete the folder and index the articles again"
