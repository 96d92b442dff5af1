"""What HTML, PDF, Word and Markdown files hold: text, title, date.

HTML, PDF and Word files are parsed in a helper process under a limit of time and of memory: a PDF of
700 bytes can ask for minutes and for tens of gigabytes, and one such file must not take the program down.
"""

from __future__ import annotations

import atexit
import datetime
import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from rag.errors import DocumentError, RagError

PARSE_SECONDS = 60.0
"""Longest that one HTML, PDF or Word file may take, in seconds."""
_PARSE_BYTES = 3 * 2**30
_LONG_PAGE = 5_000_000  # bytes of markup above which main text is not looked for: it would take minutes
_LITTLE = 250  # characters of main text under which a page's whole body is taken


class Content(NamedTuple):
    """What a file holds; title and date are "" where its markup or metadata give none."""

    text: str
    title: str = ""
    date: str = ""


def decode(data: bytes, name: str) -> str:
    """`data` decoded from UTF-8 without byte order mark, every other character kept."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in data and not wide:
        at = data.index(b"\0")
        raise DocumentError(f"{name} is binary (NUL at byte {at:,}): expected UTF-8 text; convert it or leave it out")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        maybe = "UTF-16" if wide else _legacy_encoding(data)
        at = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)  # the codec counts after the mark
        raise DocumentError(f"{name} is not UTF-8 (byte {at:,} is 0x{data[at]:02x}; it may be {maybe}): "
                            f"expected UTF-8; save it as UTF-8 (iconv -f {maybe} -t UTF-8)") from error  # fmt: skip


def _legacy_encoding(data: bytes) -> str:
    """A guess: few bytes above ASCII means Western European, many means Cyrillic."""
    high = sum(byte > 127 for byte in data[:20_000])
    return "windows-1252" if high < len(data[:20_000]) * 0.25 else "windows-1251"


def markdown(text: str) -> tuple[Content, str]:
    """The content, and the text after the front matter."""
    matter = re.match(r"---[ \t]*\r?\n(.{0,20000}?)^(?:---|\.\.\.)[ \t]*\r?$", text, re.DOTALL | re.MULTILINE)
    body = text[matter.end() :] if matter else text
    pairs = re.findall(r"^(\w+):(.*)$", matter[1], re.MULTILINE) if matter else []
    fields = {key.lower(): value.strip().strip("'\"") for key, value in pairs}
    head = re.sub(r"^(```|~~~).*?^\1", "", body[:20_000], flags=re.DOTALL | re.MULTILINE)
    heading = re.search(r"^#{1,6}[ \t](.*)$|^(\S.*)\n=+[ \t]*\r?$", head, re.MULTILINE)
    headline = (heading[1] or heading[2] or "").strip("# \t\r")[:300] if heading else ""
    headline = re.sub(r"!?\[([^]]*)\]\([^)]*\)|[*`]+|(?<!\w)_+|_+(?!\w)", r"\1", headline)
    return Content(text, fields.get("title") or headline, fields.get("date", "")), body


def _html(data: bytes, name: str, max_bytes: int, today: datetime.date) -> Content:
    """Main text of a page, or all of its body's if that is little or the page very long."""
    from htmldate import find_date
    from lxml import etree  # type: ignore[import-untyped,unused-ignore]
    from lxml.html import HTMLParser, document_fromstring  # type: ignore[import-untyped,unused-ignore]
    from trafilatura import bare_extraction

    markup = _decode_html(data, name).replace("\0", "").encode("utf-8", "replace")
    # a tree, never a string: both libraries would take some strings for an address to fetch
    tree = document_fromstring(markup, parser=HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True))
    title = _page_title(tree)
    date = find_date(tree, extensive_search=False, original_date=True, max_date=today.isoformat())
    found: Any = bare_extraction(tree, include_comments=False, fast=True) if len(markup) <= _LONG_PAGE else None
    text = (found.text if found else None) or ""
    if len(text) < _LITTLE:
        etree.strip_elements(tree, "head", "script", "style", "noscript", "template", "svg", "nav", "footer",
                             with_tail=False)  # fmt: skip
        for block in tree.iter("p", "div", "li", "tr", "td", "th", "br", "h1", "h2", "h3", "h4", "h5", "h6", "section"):
            block.text = "\u2029" + (block.text or "")
            block.tail = "\u2029" + (block.tail or "")
        body = "\n".join(" ".join(line.split()) for line in tree.text_content().split("\u2029") if line.strip())
        text = body or text
    return Content(text, title, date or "")


def _page_title(tree: Any) -> str:
    """og:title; else <title>, without the site's name where the first <h1> is most of it; else that <h1>."""
    shared = [title.strip() for title in tree.xpath("//meta[@property='og:title']/@content")]
    title, heading = (" ".join(tree.xpath(f"string(({path})[1])").split()) for path in ("//head/title", "//h1"))
    nested = heading in title and 2 * len(heading) >= len(title)
    return next(filter(None, shared), "") or (heading if nested else title) or heading


def _decode_html(data: bytes, name: str) -> str:
    """Markup by its byte order mark, as UTF-8, or by the encoding that it declares."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = re.search(rb"""charset\s*=\s*["']?([\w.:-]{2,40})""", data[:2048], re.IGNORECASE)
        encoding = declared[1].decode("ascii", "replace").lower() if declared else "utf-8"
        if encoding in ("utf-8", "utf8"):
            return decode(data, name)
        # as browsers do, iso-8859-1 is read as the windows-1252 that it nearly always is
        return data.decode("cp1252" if encoding in ("iso-8859-1", "latin1") else encoding, "replace")


def _pdf(data: bytes, name: str, max_bytes: int, today: datetime.date) -> Content:
    """Text of all pages, a blank line between pages, lines and hyphenated words joined."""
    import pypdfium2  # type: ignore[import-untyped,unused-ignore]

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError(f"{name} is encrypted: expected a PDF without password; save it without one") from error
        raise
    pages: list[str] = []
    amount = 0
    for number in range(len(document)):
        page = document[number]
        pages.append(page.get_textpage().get_text_bounded())
        page.close()
        amount += len(pages[-1])
        _check_amount(amount, name, max_bytes)
    text = _join_hyphens("\n\n".join(filter(None, map(_join_lines, pages))))
    return Content(text, _plausible(document.get_metadata_value("Title")))


def _join_lines(page: str) -> str:
    """`page` with one paragraph to a line. A line goes on if it is nearly full or the next starts in lower case."""
    lines = [line.strip() for line in page.splitlines() if line.strip()]
    widths = sorted(len(part) for line in lines for part in line.split("\x02"))
    full = 0.75 * widths[int(len(widths) * 0.9)] if widths else 0.0
    text = ""
    for line, previous in zip(lines, ["", *lines], strict=False):
        flows = len(previous.split("\x02")[-1]) >= full and not re.match(r"[•●▪*–-]\s", line)
        text += (" " if flows or line[0].islower() else "\n") * bool(text) + line
    return text


def _join_hyphens(text: str) -> str:
    """`text` with words that the end of a line divides (U+0002, from PDFium) made whole.

    The hyphen stays before a capital ("López-Miera"), and where the text writes the word with it elsewhere or
    knows both halves as words ("well-known").
    """
    divided = r"(\w+)\x02\s*(\w+)"
    words = set(re.findall(r"\w+(?:-\w+)*", re.sub(divided, " ", text).lower()))

    def join(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        both = f"{left}{right}".lower()
        compound = f"{left}-{right}".lower() in words or {left.lower(), right.lower()} <= words
        soft = right[0].islower() and left.isalpha() and (both in words or not compound)
        return left + right if soft else f"{left}-{right}"

    return re.sub("\x02", "-", re.sub(divided, join, text))


def _docx(data: bytes, name: str, max_bytes: int, today: datetime.date) -> Content:
    """Paragraphs, one to a line, and table rows in document order, insertions accepted and deletions left out."""
    import zipfile

    import docx
    from docx.oxml.ns import qn
    from lxml.etree import iterwalk  # type: ignore[import-untyped,unused-ignore]

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise DocumentError(f"{name} is encrypted: expected a .docx without password; save it without one")
    xml = sum(part.file_size for part in parts if part.filename.lower().endswith((".xml", ".rels")))
    allowed = max(max_bytes, 2**22)  # an empty document unpacks to more than a small limit
    if xml > allowed or sum(part.file_size for part in parts) > 4 * allowed:
        raise DocumentError(f"{name} unpacks to more than {max_bytes:,} bytes of text or four times that in all "
                            "(a zip bomb?): expected less; split it or raise the limit")  # fmt: skip
    document = docx.Document(io.BytesIO(data))
    marks = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
    ends = {qn("w:p"): "\n", qn("w:tc"): " | ", qn("w:tr"): "\n"}
    compatibility = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
    passed = {qn("w:del"), qn("w:moveFrom"), qn("w:pPr"), compatibility + "Fallback"}  # Fallback repeats text boxes
    pieces: list[str] = []
    cells = 0
    walker = iterwalk(document.element.body, events=("start", "end"))
    for event, element in walker:
        if event == "start":
            if element.tag in passed:
                walker.skip_subtree()
            cells += element.tag == qn("w:tc")
            pieces.append((element.text or "") if element.tag == qn("w:t") else marks.get(element.tag, ""))
        elif element.tag in ends:
            cells -= element.tag == qn("w:tc")
            pieces.append(" " if cells and element.tag != qn("w:tc") else ends[element.tag])
    lines = (line.strip(" |") for line in "".join(pieces).split("\n"))
    styled = (p.text for p in document.paragraphs[:10] if p.style and p.style.name in ("Title", "Heading 1"))
    title = _plausible(document.core_properties.title) or next(filter(str.strip, styled), "")
    return Content(re.sub(r" {2,}", " ", "\n".join(filter(None, lines))), title)


def _plausible(title: str) -> str:
    """`title` if a person seems to have written it, "" for what templates and converters put there."""
    default = r"(?i)\W*$|\S+$|microsoft (word|powerpoint)|(word|powerpoint) (document|presentation)|.*\.[a-z]{2,5}$"
    return "" if re.match(default, title.strip()) or len(title) > 300 else title


def _check_amount(characters: int, name: str, max_bytes: int) -> None:
    if characters > max_bytes:
        raise DocumentError(f"{name} unpacks to more than {max_bytes:,} characters of text: expected fewer; "
                            "split it or raise the limit")  # fmt: skip


class _Helper:
    """One process that parses what it is sent; killed when it takes too long, started again when needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, header: dict[str, Any], data: bytes, seconds: float) -> dict[str, str] | None:
        """Its reply, or None if it died or had to be killed."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                places = [str(Path(__file__).resolve().parents[2]), *filter(None, sys.path)]
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
                # -P: no module is taken from the working folder, which may be the one with the articles
                command = [sys.executable, "-P", "-c", "from rag.articles import formats; formats._serve()"]
                self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                stderr=subprocess.DEVNULL, env=environment)  # fmt: skip
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            timer = threading.Timer(seconds, self.process.kill)
            timer.start()
            try:
                self.process.stdin.write(json.dumps(header).encode() + b"\n" + data)
                self.process.stdin.flush()
                reply = self.process.stdout.readline()
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
            answer: dict[str, str] = json.loads(reply)
            return answer

    def close(self) -> None:
        """End the process; the next file starts another."""
        process, self.process = self.process, None
        if process:
            process.kill()
            process.communicate()


_helper = _Helper()
atexit.register(_helper.close)


def extract(data: bytes, name: str, suffix: str, max_bytes: int, today: datetime.date) -> Content:
    """What the parser for `suffix` finds, in the helper process."""
    header = {"size": len(data), "name": name, "suffix": suffix, "max_bytes": max_bytes, "today": today.isoformat()}
    reply = _helper.ask(header, data, PARSE_SECONDS)
    if reply is None:
        raise DocumentError(f"{name} took more than {PARSE_SECONDS:g} s or {_PARSE_BYTES / 2**30:g} GB to read, or "
                            "broke its parser: expected an ordinary file; save it again or leave it out")  # fmt: skip
    if "install" in reply:
        raise RagError(f"a library is missing ({reply['install']}): run make setup")
    if "error" in reply:
        raise DocumentError(reply["error"])
    return Content(**reply)


def _serve() -> None:
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
        data = sys.stdin.buffer.read(header.pop("size"))
        replies.write(json.dumps(_reply(data, **header)).encode() + b"\n")
        replies.flush()


def _reply(data: bytes, name: str, suffix: str, max_bytes: int, today: str) -> dict[str, str]:
    parsers: dict[str, Callable[[bytes, str, int, datetime.date], Content]] = {".pdf": _pdf, ".docx": _docx}
    try:
        content = parsers.get(suffix, _html)(data, name, max_bytes, datetime.date.fromisoformat(today))
        _check_amount(len(content.text), name, max_bytes)
        return {field: _clean(value) for field, value in content._asdict().items()}
    except DocumentError as error:
        return {"error": str(error)}
    except MemoryError:
        raise  # to start afresh with all of the memory
    except ImportError as error:
        return {"install": " ".join(str(error).split())}
    except Exception as error:  # whatever a parser makes of a damaged file, the other files go on
        why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        return {"error": f"{name} is broken ({why}): expected a whole {suffix} file; open it, save it again and retry"}


def _clean(text: str) -> str:
    """`text` without lone surrogates, control characters and non-characters."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]", "", re.sub("\r\n?", "\n", text)).strip()
