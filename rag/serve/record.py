"""The record that a running server leaves beside its index, and how another process makes sure that it is true.

It names an address and a token. Nobody believes the record: the server that is found there must prove that it knows the
token and serves what the record says, and the token is not sent before that.
"""

from __future__ import annotations

import hmac
import http.client
import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from rag.served import Served

BACKGROUND = "RAG_BACKGROUND"
"""Variable that `rag serve --background` sets for the process that it starts."""
PROVING_SECONDS = 3.0
log = logging.getLogger("rag.serve")


@dataclass(frozen=True, slots=True)
class Record:
    """A server of an index.

    Attributes
    ----------
    address : str
        As a browser on this machine finds it: "http://127.0.0.1:7860/".
    pid : int
    served : Served
    login : bool
        Whether it asks for a password or a key.
    background : bool
        Whether `rag serve --background` started it.
    token : str
        What lets a process of the same user ask in full; hexadecimal.
    """

    address: str
    pid: int
    served: Served
    login: bool = False
    background: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    def proof(self, nonce: str) -> str:
        """What only a process that holds this record can say of a nonce."""
        said = f"{nonce}\n{self.pid}\n{self.served.to_json()}"
        return hmac.new(self.token.encode(), said.encode(), "sha256").hexdigest()

    @property
    def file(self) -> Path:
        """Where it lies: a port has one server, so that what a killed one left is overwritten by the next."""
        return Path(self.served.index) / f"server-{urlsplit(self.address).port}.json"


@contextmanager
def announced(record: Record) -> Iterator[None]:
    """Let others of this user find the server while the block lasts; a folder that takes no file only costs that."""
    try:
        _write(record.file, json.dumps(asdict(record)))
    except OSError as error:
        log.warning("%s cannot be written (%s); `rag ask` will not find this server", record.file, error.strerror)
    try:
        yield
    finally:
        if any(one.token == record.token for one in records(Path(record.served.index))):
            with suppress(OSError):
                record.file.unlink()


def records(folder: Path) -> list[Record]:
    """What servers left beside an index, true or not."""
    found = []
    for file in sorted(folder.glob("server-*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError):  # gone, foreign, or of another version
            told = json.loads(file.read_text(encoding="utf-8"))
            found.append(Record(**{**told, "served": Served(**told["served"])}))
    return found


def is_true(record: Record) -> bool:
    """Whether the server that a record names is there and proves that it is the one."""
    nonce = secrets.token_hex(16)
    try:
        status, body = exchange(record, "GET", f"/healthz?nonce={nonce}", seconds=PROVING_SECONDS)
        return status == 200 and hmac.compare_digest(str(json.loads(body)["proof"]), record.proof(nonce))
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
        return False


def exchange(
    record: Record, method: str, path: str, body: str | None = None, token: str = "", seconds: float = 30.0
) -> tuple[int, bytes]:
    """Status and body of a server's answer; no proxy is asked on the way to one's own machine.

    Raises
    ------
    OSError, http.client.HTTPException
        It is not there, or no such server.
    """
    place = urlsplit(record.address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=seconds)
    headers = {"Host": "127.0.0.1"}  # a name that every server answers to, whatever address it listens on
    if token:
        headers |= {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _write(file: Path, text: str) -> None:
    """Write a file that its owner alone reads, all of it or nothing."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with open(opened_anew(draft), "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)


def opened_anew(file: Path) -> int:
    """Descriptor of a new file in the place of an old one, for writing; its owner alone may read it."""
    file.unlink(missing_ok=True)
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
