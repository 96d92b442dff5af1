"""Every file but plain text is parsed in a helper process, under a limit of time and of memory.

A PDF of 700 bytes can ask for minutes and for tens of gigabytes; one such file must not take the program down.
"""

from __future__ import annotations

import atexit
import datetime
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from rag.articles.formats import FORMATS, format_of
from rag.articles.formats.contract import Drawn, Extracted, Place, Source, broken, too_much
from rag.errors import DocumentError, RagError
from rag.types import Block

Record: TypeAlias = dict[str, Any]
PARSE_SECONDS = 60.0
"""Longest that one file may take, in seconds."""
OCR_SECONDS = 1800.0
"""The same where pictures are read, which takes seconds a page."""
_PARSE_BYTES = 3 * 2**30
_HARMLESS = frozenset({"plain"})  # modules whose work is bounded by the size of the file


class Helper:
    """One process that parses what it is sent; killed when it takes too long, started again when needed."""

    def __init__(self, seconds: float = PARSE_SECONDS, ocr: bool = False) -> None:
        """`ocr`: whether pages that are pictures are read, too."""
        self.seconds = seconds
        self.ocr = ocr
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def extract(self, source: Source) -> Extracted:
        """What the format of the source's suffix finds.

        Raises
        ------
        DocumentError
            The file cannot be read, or not within the limits.
        RagError
            A library is missing.
        """
        if FORMATS[source.suffix] in _HARMLESS:
            return format_of(source.suffix).read(source)
        header = {"name": source.name, "max_bytes": source.max_bytes, "today": source.today.isoformat()}
        reply = self._reply(header | {"ocr": self.ocr}, source.data)
        reply["blocks"] = tuple(Block(**block) for block in reply["blocks"])
        return Extracted(**{**reply, "pages": tuple(reply["pages"]), "notes": tuple(reply["notes"])})

    def draw(self, data: bytes, name: str, places: Sequence[Place]) -> list[Drawn]:
        """The pages of a PDF on which these places are; DocumentError when it cannot be drawn within the limits."""
        reply = self._reply({"name": name, "places": [asdict(place) for place in places]}, data)
        return [Drawn(**{**page, "boxes": tuple(map(tuple, page["boxes"]))}) for page in reply["drawn"]]

    def _reply(self, header: Record, data: bytes) -> Record:
        """What the process replies; DocumentError or RagError where that is why it has nothing."""
        reply = self._ask(header, data)
        if reply is None:
            raise DocumentError(
                f"{header['name']} took more than {self.seconds:g} s or {_PARSE_BYTES / 2**30:g} GB to read, or "
                "broke its parser: expected an ordinary file; save it again or leave it out"
            )
        if "install" in reply:
            raise RagError(f"a library is missing ({reply['install']}): run make setup")
        if "error" in reply:
            raise DocumentError(reply["error"])
        return reply

    def _ask(self, header: Record, data: bytes) -> Record | None:
        """Its reply, or None if it died or had to be killed."""
        with self._lock:
            process = self._process
            if process is None or process.poll() is not None:
                process = self._process = _start()
            assert process.stdin is not None
            assert process.stdout is not None
            timer = threading.Timer(self.seconds, process.kill)
            timer.start()
            try:
                process.stdin.write(json.dumps({**header, "size": len(data)}).encode() + b"\n" + data)
                process.stdin.flush()
                reply = process.stdout.readline()
            except OSError:
                reply = b""
            except BaseException:  # Ctrl-C: a late reply would be taken for the next file's
                self.close()
                raise
            finally:
                timer.cancel()
            if not reply.endswith(b"\n"):
                self.close()
                return None
            answer: Record = json.loads(reply)
            return answer

    def close(self) -> None:
        """End the process; the next file starts another."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.communicate()


def _start() -> subprocess.Popen[bytes]:
    places = [str(Path(__file__).resolve().parents[3]), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    # -P: no module is taken from the working folder, which may be the one with the articles
    command = [sys.executable, "-P", "-c", "from rag.articles.formats import guard; guard.serve()"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )


def serve() -> None:
    """Parse files from standard input until it ends: a line of JSON and the bytes in, a line of JSON out."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may get between the replies
    if sys.platform != "win32":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        with suppress(ValueError, OSError):  # macOS sets no such limit; the time limit holds there, too
            resource.setrlimit(resource.RLIMIT_AS, (min(_PARSE_BYTES, hard) if hard > 0 else _PARSE_BYTES, hard))
    for line in iter(sys.stdin.buffer.readline, b""):
        header = json.loads(line)
        data = sys.stdin.buffer.read(header["size"])
        reply = _attempt(_drawn if "places" in header else _extracted, header, data)
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()


def _extracted(header: Record, data: bytes) -> Record:
    today = datetime.date.fromisoformat(header["today"])
    source = Source(data, header["name"], header["max_bytes"], today, header["ocr"])
    found = format_of(source.suffix).read(source)
    if len(found.text) > source.max_bytes:
        raise too_much(source)
    return asdict(found)


def _drawn(header: Record, data: bytes) -> Record:
    from rag.articles.formats.drawing import draw

    return {"drawn": [asdict(page) for page in draw(data, [Place(**place) for place in header["places"]])]}


def _attempt(work: Callable[[Record, bytes], Record], header: Record, data: bytes) -> Record:
    """What `work` makes of a file, or the reason why it made nothing."""
    try:
        return work(header, data)
    except DocumentError as error:
        return {"error": str(error)}
    except MemoryError:
        raise  # to start afresh with all of the memory
    except ImportError as error:
        return {"install": " ".join(str(error).split())}
    except Exception as error:  # whatever a parser makes of a damaged file, the other files go on
        return {"error": str(broken(header["name"], error))}


HELPER = Helper()
OCR_HELPER = Helper(OCR_SECONDS, ocr=True)
atexit.register(HELPER.close)
atexit.register(OCR_HELPER.close)
