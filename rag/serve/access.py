"""Who may ask: the hosts that the server answers to, names, keys and rates."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.errors import RagError
from rag.serve.limits import PER_MINUTE

_LOOPBACK = {"localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"}
_HOST = re.compile(r"(\[[^\[\]]+\]|[^\[\]:/@,\s]+)(?::\d{0,5})?")


class Access(BaseModel):
    """Who may ask, and under which address.

    Attributes
    ----------
    loopback : bool
        Whether the server listens to its own machine alone; then it answers to that machine's names and
        `allowed_hosts` only, whatever other name leads to it (DNS rebinding).
    allowed_hosts : tuple of str
        Further names, "*.example.org" for those below one. Where another address than loopback is listened on: the
        only names, beside this machine's, or any name when there are none.
    root_path : str
        What stands before each path where a proxy passes it on: "/rag", or "".
    api_key, password : str
        Of programs and of the page; "" asks for none. A program may send name and password instead of the key.
    user : str
        Name that goes with the password.
    per_minute : int
        Requests of one client that change or ask something; 0 for no limit.
    log_questions : bool
        Whether the log holds what people ask.
    """

    model_config = ConfigDict(frozen=True)

    loopback: bool = True
    allowed_hosts: tuple[str, ...] = ()
    root_path: str = ""
    api_key: str = ""
    user: str = "reader"
    password: str = ""
    per_minute: Annotated[int, Field(ge=0)] = PER_MINUTE
    log_questions: bool = False

    @classmethod
    def from_environment(
        cls,
        host: str,
        allowed_hosts: Sequence[str] = (),
        root_path: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> Access:
        """The options of the command line with RAG_API_KEY, RAG_USER, RAG_PASSWORD, RAG_RATE and RAG_LOG_QUESTIONS.

        Parameters
        ----------
        host : str
            Address that is listened on.
        allowed_hosts, root_path
            See above; a root path may be a whole address, of which the path is taken.
        environment : mapping, optional
            Default: the process's own.

        Raises
        ------
        RagError
            RAG_RATE is no number of requests, or a host or the root path is none.
        """
        named = os.environ if environment is None else environment
        hosts = {name: _bare(name) for name in allowed_hosts if name.strip()}
        for name, host_name in hosts.items():
            if not host_name:
                raise RagError(f"the allowed host {name!r} is no name; expected one as in news.example.org")
        try:
            path = urlsplit(root_path).path.strip("/")
        except ValueError:
            raise RagError(f"the root path {root_path!r} is none; expected one as in /rag") from None
        try:
            return cls(
                loopback=is_loopback(host),
                allowed_hosts=tuple(hosts.values()),
                root_path=f"/{path}" if path else "",
                api_key=named.get("RAG_API_KEY", ""),
                user=named.get("RAG_USER") or "reader",
                password=named.get("RAG_PASSWORD", ""),
                per_minute=named.get("RAG_RATE") or PER_MINUTE,  # type: ignore[arg-type]  # pydantic reads text
                log_questions=named.get("RAG_LOG_QUESTIONS") == "1",
            )
        except ValidationError:
            rate = named.get("RAG_RATE")
            raise RagError(f"RAG_RATE is {rate!r}; expected requests a minute, 0 for no limit") from None

    @property
    def login(self) -> tuple[str, str] | None:
        """Name and password of the page; None where none is asked for."""
        return (self.user, self.password) if self.password else None

    @property
    def credentials(self) -> list[bytes]:
        """Values of the Authorization header that let a program in; none lets everybody in."""
        basic = base64.b64encode(f"{self.user}:{self.password}".encode())
        known = [f"Bearer {self.api_key}".encode()] if self.api_key else []
        return [*known, b"Basic " + basic] if self.password else known

    def answers_to(self, header: str) -> bool:
        """Whether a Host header names this server."""
        if not self.loopback and not self.allowed_hosts:
            return True
        host = _bare(header)
        return is_loopback(host) or any(
            name == "*" or host == name or (name.startswith("*.") and host.endswith(name[1:]))
            for name in self.allowed_hosts
        )


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own: all of 127.0.0.0/8, ::1, localhost and what is below it."""
    host = _bare(host)
    if host in _LOOPBACK or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _bare(host: str) -> str:
    """A host without port, brackets, zone and final dot, in lower case; "" for what is no host."""
    host = host.strip().lower()
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))  # an IPv6 address without its brackets
    except ValueError:
        found = _HOST.fullmatch(host)
    name = found[1].strip("[]").partition("%")[0].rstrip(".") if found else ""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
