"""Files -> Documents: plain text, Markdown, HTML, PDF and Word, from folders or one by one.

HTML, PDF and Word files are parsed in a helper process under a limit of time and of memory: a PDF of
700 bytes can ask for minutes and for tens of gigabytes, and one such file must not take the program down.
"""

from __future__ import annotations

import atexit
import datetime
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from rag.errors import DocumentError, RagError
from rag.types import Document

SUFFIXES: tuple[str, ...] = (".txt", ".md", ".markdown", ".html", ".htm", ".pdf", ".docx")
PARSE_SECONDS = 60.0
"""Longest that one HTML, PDF or Word file may take, in seconds."""
_PARSE_BYTES = 3 * 2**30
_DATE_CHARACTERS = 100_000
_LONG_PAGE = 5_000_000  # bytes of markup above which main text is not looked for: it would take minutes
_LITTLE = 250  # characters of main text under which a page's whole body is taken


class _Content(NamedTuple):
    """What a file holds; title and date are "" where its markup or metadata give none."""

    text: str
    title: str = ""
    date: str = ""


# ---------------------------------------------------------------- finding files


def find_files(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """(document id, path) of every readable file below `paths`, sorted by id, each file once.

    The id is the POSIX path below the folder given (the name, for a file given), in NFC; ids that collide
    between arguments get the folder's name in front. A file given by name is listed whatever its suffix,
    so that `read_document` reports it by name.

    Raises
    ------
    RagError
        A path does not exist, a folder cannot be listed, or two files would share an id.
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


def _walk(folder: Path) -> Iterator[Path]:
    """Files with a known suffix below `folder`; linked folders come last, and no folder twice."""

    def report(error: OSError) -> NoReturn:
        raise RagError(f"folder {_printable(error.filename)} cannot be listed ({error.strerror}): "
                       "allow reading it, or leave it out")  # fmt: skip

    pending, seen = [folder], set[str]()
    for top in pending:  # grows while it is walked
        for parent, folders, names in os.walk(top, onerror=report):
            real = os.path.realpath(parent)
            folders[:] = [] if real in seen else sorted(n for n in folders if not n.startswith("."))
            pending += [Path(parent, n) for n in folders if os.path.islink(os.path.join(parent, n))]
            shown = [] if real in seen else sorted(n for n in names if not n.startswith((".", "~$")))
            yield from (Path(parent, n) for n in shown if n.lower().endswith(SUFFIXES))
            seen.add(real)


def _printable(path: Path | str) -> str:
    """`path` as text that UTF-8 can hold, whatever bytes the file system has."""
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# ---------------------------------------------------------------- reading one file


def read_document(path: Path, document_id: str, max_bytes: int, today: datetime.date | None = None) -> Document:
    """The Document that `path` holds.

    The text of .txt and .md is the file's own, decoded from UTF-8 without its byte order mark and otherwise
    untouched; for other formats it is what was extracted.

    Parameters
    ----------
    path : Path
    document_id : str
    max_bytes : int
        Largest file that is read, in bytes; also the most text, in characters, that it may unpack to.
    today : datetime.date, optional
        Later dates are not believed; default: the system's.

    Raises
    ------
    DocumentError
        In one sentence with the file's name: what came, what was expected, what to do.
    """
    name, suffix = _printable(path.name), path.suffix.lower()
    today = today or datetime.date.today()
    if suffix not in SUFFIXES:
        raise DocumentError(f"{name} has the suffix {suffix!r}: expected one of {', '.join(SUFFIXES)}; convert it")
    data = _load(path, name, max_bytes)
    _check_signature(data, name, suffix)
    if suffix in (".txt", ".md", ".markdown"):
        content = _Content(_decode(data, name))
        body = content.text
        if suffix != ".txt":
            content, body = _markdown(content.text)
    else:
        content = _extract_apart(data, name, suffix, max_bytes, today)
        body = content.text
    if not any(map(str.isalnum, content.text)):
        advice = "run OCR on it first (ocrmypdf)" if suffix == ".pdf" else "fill it or leave it out"
        scan = " (a scan?)" if suffix == ".pdf" else ""
        raise DocumentError(f"{name} holds no text{scan}: expected an article; {advice}")
    return Document(
        id=document_id,
        title=_tidy(content.title) or title_of_text(body),
        text=content.text,
        source=_printable(os.path.abspath(path)),
        language=_language(body),
        date=_stated_date(content.date, today) or date_of_text(body, today),
        content_hash=hashlib.sha256(data).hexdigest(),
    )


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
        raise DocumentError(f"{name} has {size:,} bytes: expected at most {max_bytes:,}; split it or raise the limit")
    if not data.strip():
        raise DocumentError(f"{name} is empty: expected an article; fill it or leave it out")
    return data


def _check_signature(data: bytes, name: str, suffix: str) -> None:
    """Raise if the first bytes belong to another format than the suffix says."""
    if data.startswith(b"%PDF-") and suffix != ".pdf":
        raise DocumentError(f"{name} has the content of a PDF: expected {suffix}; rename it to .pdf")
    if data.startswith(b"PK\x03\x04") and suffix != ".docx":
        raise DocumentError(
            f"{name} is a zip archive or Office file: expected {suffix}; unpack it, or save it as .docx"
        )
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        advice = "save it as .docx without a password"
        raise DocumentError(f"{name} is an old or password-protected Office file: expected {suffix}; {advice}")


def _decode(data: bytes, name: str) -> str:
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


def _markdown(text: str) -> tuple[_Content, str]:
    """The content, and the text after the front matter."""
    matter = re.match(r"---[ \t]*\r?\n(.{0,20000}?)^(?:---|\.\.\.)[ \t]*\r?$", text, re.DOTALL | re.MULTILINE)
    body = text[matter.end() :] if matter else text
    pairs = re.findall(r"^(\w+):(.*)$", matter[1], re.MULTILINE) if matter else []
    fields = {key.lower(): value.strip().strip("'\"") for key, value in pairs}
    head = re.sub(r"^(```|~~~).*?^\1", "", body[:20_000], flags=re.DOTALL | re.MULTILINE)
    heading = re.search(r"^#{1,6}[ \t](.*)$|^(\S.*)\n=+[ \t]*\r?$", head, re.MULTILINE)
    headline = (heading[1] or heading[2] or "").strip("# \t\r")[:300] if heading else ""
    headline = re.sub(r"!?\[([^]]*)\]\([^)]*\)|[*`]+|(?<!\w)_+|_+(?!\w)", r"\1", headline)
    return _Content(text, fields.get("title") or headline, fields.get("date", "")), body


# ---------------------------------------------------------------- HTML, PDF, Word: run in the helper process


def _html(data: bytes, name: str, max_bytes: int, today: datetime.date) -> _Content:
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
    return _Content(text, title, date or "")


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
            return _decode(data, name)
        # as browsers do, iso-8859-1 is read as the windows-1252 that it nearly always is
        return data.decode("cp1252" if encoding in ("iso-8859-1", "latin1") else encoding, "replace")


def _pdf(data: bytes, name: str, max_bytes: int, today: datetime.date) -> _Content:
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
    return _Content(text, _plausible(document.get_metadata_value("Title")))


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


def _docx(data: bytes, name: str, max_bytes: int, today: datetime.date) -> _Content:
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
    return _Content(re.sub(r" {2,}", " ", "\n".join(filter(None, lines))), title)


def _plausible(title: str) -> str:
    """`title` if a person seems to have written it, "" for what templates and converters put there."""
    default = r"(?i)\W*$|\S+$|microsoft (word|powerpoint)|(word|powerpoint) (document|presentation)|.*\.[a-z]{2,5}$"
    return "" if re.match(default, title.strip()) or len(title) > 300 else title


def _check_amount(characters: int, name: str, max_bytes: int) -> None:
    if characters > max_bytes:
        raise DocumentError(f"{name} unpacks to more than {max_bytes:,} characters of text: expected fewer; "
                            "split it or raise the limit")  # fmt: skip


# ---------------------------------------------------------------- the helper process


class _Helper:
    """One process that parses what it is sent; killed when it takes too long, started again when needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, header: dict[str, Any], data: bytes, seconds: float) -> dict[str, str] | None:
        """Its reply, or None if it died or had to be killed."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                places = [str(Path(__file__).resolve().parents[1]), *filter(None, sys.path)]
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
                # -P: no module is taken from the working folder, which may be the one with the articles
                command = [sys.executable, "-P", "-c", "from rag import documents; documents._serve()"]
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


def _extract_apart(data: bytes, name: str, suffix: str, max_bytes: int, today: datetime.date) -> _Content:
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
    return _Content(**reply)


def _serve() -> None:
    """Parse files from standard input until it ends: a line of JSON and the bytes in, a line of JSON out."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may get between the replies
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_PARSE_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for line in iter(sys.stdin.buffer.readline, b""):
        header = json.loads(line)
        data = sys.stdin.buffer.read(header.pop("size"))
        replies.write(json.dumps(_reply(data, **header)).encode() + b"\n")
        replies.flush()


def _reply(data: bytes, name: str, suffix: str, max_bytes: int, today: str) -> dict[str, str]:
    parsers: dict[str, Callable[[bytes, str, int, datetime.date], _Content]] = {".pdf": _pdf, ".docx": _docx}
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


# ---------------------------------------------------------------- title, language


def title_of_text(text: str) -> str:
    """The first headline among the first three lines, else the start of the first sentence.

    A headline has 4 words or more, at most 150 characters and no full stop, and is not just a date.
    """
    lines = [" ".join(line.split()) for line in re.findall(r"\S[^\n]*", text[:20_000])[:3]]
    for line in lines:
        words = re.sub(_FULL_DATE, "", line).split()
        if len(words) >= 4 and len(line) <= 150 and not line.endswith("."):
            return line
    return _tidy(lines[0] if lines else "", 90)


def _tidy(title: str, limit: int = 200) -> str:
    """`title` on one line; over `limit` characters its first sentence, else whole words and an ellipsis."""
    title = " ".join(title.split())
    if len(title) <= limit:
        return title
    sentence = re.match(rf".{{30,{limit - 1}}}?[.!?。！？](?=\s)", title)
    return sentence[0] if sentence else (title[:limit].rpartition(" ")[0] or title[:limit]).rstrip(" ,;:") + "…"


def _language(text: str) -> str:
    """ISO 639-1 code of the first 5,000 characters, "und" for fewer than 40 letters."""
    sample = text[:5000]
    if sum(map(str.isalpha, sample)) < 40:
        return "und"
    from py3langid import classify  # type: ignore[import-untyped,unused-ignore]

    return str(classify(sample)[0])


# ---------------------------------------------------------------- date


def _numbered(*groups: str) -> dict[str, int]:
    return {name: number for number, names in enumerate(groups) for name in names.split()}


_MONTHS = _numbered(
    "", "january jan enero janvier januar jänner", "february feb febrero février fevrier februar",
    "march mar marzo mars märz", "april apr abril avril", "may mayo mai", "june jun junio juin juni",
    "july jul julio juillet juli", "august aug agosto août aout", "september sept sep septiembre setiembre septembre",
    "october oct octubre octobre oktober", "november nov noviembre novembre",
    "december dec diciembre décembre decembre dezember",
)  # fmt: skip
_WEEKDAYS = _numbered(
    "monday lunes lundi montag", "tuesday martes mardi dienstag", "wednesday miércoles miercoles mercredi mittwoch",
    "thursday jueves jeudi donnerstag", "friday viernes vendredi freitag",
    "saturday sábado sabado samedi samstag sonnabend", "sunday domingo dimanche sonntag",
)  # fmt: skip
_MONTH, _WEEKDAY = (rf"(?:{'|'.join(sorted(names, key=len, reverse=True))})\b" for names in (_MONTHS, _WEEKDAYS))
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|º|\.)?"
_DAY_MONTH = rf"(?:{_DAY}\s+(?:of\s+|de\s+)?{_MONTH}|{_MONTH}\.?\s+{_DAY}(?!\w))"
_FULL_DATE = re.compile(
    rf"(?<![\w/.-])(?:{_DAY_MONTH}\.?,?\s+(?:de\s+|del\s+)?\d{{4}}|\d{{4}}([-/])\d{{1,2}}\1\d{{1,2}}"
    r"|\d{1,2}([/.])\d{1,2}\2\d{4})(?![\d/])",
    re.IGNORECASE,
)
_WEEKDAY_DATE = re.compile(
    rf"\b({_WEEKDAY}),?\s+(?:(?:the|den|dem|le)\s+)?({_DAY_MONTH})(?!\.?,?\s+(?:del?\s+)?\d{{4}})", re.IGNORECASE
)
_LABEL = re.compile(r"\W*(?:last )?(?:published|updated|posted|date|publicado|actualizado|fecha|veröffentlicht|publié)",
                    re.IGNORECASE)  # fmt: skip


def date_of_text(text: str, today: datetime.date) -> str | None:
    """ISO date of the article by its own words, None where they give none.

    First a dateline: "Minsk (Belarus), 30 June 2023 —", or a short line with a date in it, in the first 1,500
    characters. Else the latest day that the text reports: a full date, unless the text names a later year (then
    the date is background), or "Wednesday, July 3" in the year that fits it. Nothing after `today` counts.
    """
    text = text[:_DATE_CHARACTERS]
    named = {int(year) for year in re.findall(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)", text)}
    named = {year for year in named if year <= today.year}
    newest = max(named, default=0)
    full = [(match, day) for match in _FULL_DATE.finditer(text) if (day := _parse(match[0])) and day <= today]
    for match, day in full:
        if match.start() < 1500 and _is_dateline(text, match, day.year >= newest):
            return day.isoformat()
    days = [day for _, day in full if day.year >= newest] + _weekday_dates(text, named, today)
    return max(days).isoformat() if days else None


def _is_dateline(text: str, match: re.Match[str], newest: bool) -> bool:
    start = text.rfind("\n", 0, match.start()) + 1
    line = text[start : match.end() + 200].split("\n")[0].strip()
    before, after = text[start : match.start()], text[match.end() : match.end() + 6]
    if len(before) <= 120 and re.search(r"(?:^|[,)|])\s*$", before) and re.match(r"\s*(?:[—–]|-\s)\s*(?!\d)\S", after):
        return True
    short = len(line) - len(match[0]) <= 60
    return short and (bool(_LABEL.match(line)) or (newest and line[-1] not in ".!?:;…"))


def _weekday_dates(text: str, named: set[int], today: datetime.date) -> list[datetime.date]:
    """The days that the text gives by weekday, month and day, all in the one year that fits them best.

    Among the years that fit equally many, one that the text names comes first, then the most recent; a year's
    pattern of weekdays comes back after 5, 6 or 11 years, so the year is a good guess for recent articles alone.
    """
    given = {(_WEEKDAYS[match[1].lower()], match[2]) for match in _WEEKDAY_DATE.finditer(text)}
    fitting: dict[int, list[datetime.date]] = {}
    for year in range(today.year, today.year - 28, -1):
        days = [(weekday, _parse(f"{day} {year}")) for weekday, day in given]
        fits = [day for weekday, day in days if day and day.weekday() == weekday]
        fitting[year] = fits if any(day <= today for day in fits) else []
    year = max(fitting, key=lambda year: (len(fitting[year]), year in named, year))
    return [day for day in fitting[year] if day <= today]


def _parse(written: str) -> datetime.date | None:
    """The day that a match of `_FULL_DATE` means; None if impossible, or if day and month could be exchanged."""
    numbers = [int(number) for number in re.findall(r"\d+", written)]
    month = next((_MONTHS[word] for word in re.findall(r"[^\W\d]+", written.lower()) if word in _MONTHS), 0)
    if month:
        day, year = numbers
    elif numbers[0] > 31:
        year, month, day = numbers
    else:
        (day, month, year) = numbers if numbers[0] > 12 else (numbers[1], numbers[0], numbers[2])
        if day <= 12 and day != month:
            return None
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _stated_date(value: str, today: datetime.date) -> str | None:
    """ISO date of a metadata field ("2023", "2023-06", "2023-06-30T10:00Z", "June 30, 2023")."""
    iso = re.match(r"\d{4}(?:-\d\d){0,2}(?=$|[T\s])", value)
    if iso:
        first = iso[0] + "-01-01"[len(iso[0]) - 4 :] if len(iso[0]) < 10 else iso[0]
        written = _parse(first)
        return iso[0] if written and written <= today else None
    match = _FULL_DATE.search(value)
    written = _parse(match[0]) if match else None
    return written.isoformat() if written and written <= today else None
