"""Bytes -> text, in whatever encoding they are."""

from __future__ import annotations

import codecs
import re
import unicodedata
from contextlib import suppress

from rag.articles.formats.contract import Source
from rag.errors import DocumentError
from rag.language.detection import likely_language

_MARKS = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = ("iso2022_kr", "iso2022_jp_2")  # letters in bytes of ASCII, between escape sequences
_SEVEN_BITS = frozenset(("iso2022_jp", *_ESCAPED, "hz", "utf-7"))  # UTF-8 as well, but of other letters
_BINARY = 0.01  # of the characters may be control characters
_GAPS = 0.04  # of the bytes may begin a gap (a run of NULs) or be another control character; of a program 0.1 and more
_SPACES = 0.03  # of the characters of any UTF-16 are in ASCII (chardet's figure)
_CONTROL = re.compile(rb"\0+|[\x01-\x08\x0e-\x19\x1c-\x1f]")
_STRAY = 0.002  # of the bytes may be no UTF-8 in a text that is otherwise


def decode(source: Source, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """The text, and what a person should know about how it was decoded.

    By its byte order mark; by its escape sequences; as UTF-8; by what it declares; as UTF-8 with a few stray bytes,
    read as windows-1252; else in the encoding that fits its letters best (chardet). NULs that stand for no letter are
    a gap: a space each, nothing at the end, where a disk pads a file with them.

    Raises
    ------
    DocumentError
        It is binary, or no encoding fits.
    """
    text, notes = _read(source, declared)
    if nulls := text.count("\0"):
        return text.rstrip("\0").replace("\0", " "), (f"{nulls:,} NUL(s) in it were read as a gap", *notes)
    return text, notes


def _read(source: Source, declared: str) -> tuple[str, tuple[str, ...]]:
    data = source.data
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text, lost = _decoded(data, encoding)
            return text.lstrip("\ufeff"), lost
    named = _known(declared)
    if b"\0" in data:
        few = len(_CONTROL.findall(data)) <= _GAPS * len(data)
        wide = "" if few and _is_utf8(data) else _wide(data)
        wide = wide or (named if not few and named.startswith(("utf-16", "utf-32")) else "")
        if wide:
            return _decoded(data, wide)
        if not few:
            at = data.index(b"\0")
            raise DocumentError(
                f"{source.name} is binary (NUL at byte {at:,}): expected text; convert it or leave it out"
            )
    seven = [named] if named in _SEVEN_BITS else []
    for encoding in (*_ESCAPED * (b"\x1b$" in data), *seven, *["utf-8"] * (not seven or not data.isascii())):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding), ()
    if named:
        return _decoded(data, named)
    text, strays = _with_strays(data)
    if strays <= max(1, _STRAY * len(data)) and strays < sum(byte > 127 for byte in data) / 2:
        return text, (f"{strays} stray byte(s) that are no UTF-8 were read as windows-1252",)
    return _guessed(source)


def _decoded(data: bytes, encoding: str) -> tuple[str, tuple[str, ...]]:
    """The text, and how many of its characters the encoding has not; each stands there as "\ufffd"."""
    text = data.decode(encoding, "replace")
    lost = text.count("\ufffd")
    return text, (f"{lost} character(s) could not be read as {encoding}",) if lost else ()


def _is_utf8(data: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        data.decode()
        return True
    return False


def _wide(data: bytes) -> str:
    """ "utf-16-le" or "-be" for text in UTF-16 without a mark, else "".

    The higher of a character's two bytes tells its script, and so takes fewer values; of a space it is 0. (chardet has
    the order of texts in the scripts of India wrong.)
    """
    if b"\0" not in re.sub(rb"\0{3,}", b"", data):  # gaps alone
        return ""
    sample = data.rstrip(b"\0")[:4096]
    lanes = {"utf-16-le": set(sample[1::2]), "utf-16-be": set(sample[::2])}
    encoding = min(lanes, key=lambda name: len(lanes[name]))
    spaces = (sample[1::2] if encoding == "utf-16-le" else sample[::2]).count(0)
    if len(sample) < 8 or spaces < _SPACES * len(sample) / 2:
        return ""
    with suppress(UnicodeDecodeError):
        text = re.sub("\0+", "\0", codecs.getincrementaldecoder(encoding)().decode(sample))
        unwritten = sum(unicodedata.category(c) in ("Cc", "Cn", "Co") and not c.isspace() for c in text)
        return encoding if unwritten <= _BINARY * len(text) else ""
    return ""


def _known(declared: str) -> str:
    """The codec for a declared encoding as browsers take it, "" if there is none."""
    name = declared.strip().lower()
    if not name or name.replace("_", "-") in ("utf-8", "utf8", "unicode"):
        return ""
    try:
        codec = codecs.lookup(_ALIASES.get(name, name))
    except LookupError:
        return ""
    return codec.name if codec._is_text_encoding else ""


_ALIASES = {  # as the Encoding Standard of the WHATWG has it, where Python's codecs differ
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "l1": "cp1252",
    "ascii": "cp1252", "us-ascii": "cp1252", "iso-8859-9": "cp1254", "latin5": "cp1254", "x-cp1251": "cp1251",
    "x-cp1252": "cp1252", "x-cp1250": "cp1250", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "gb_2312-80": "gb18030", "chinese": "gb18030", "x-sjis": "cp932", "shift_jis": "cp932", "shift-jis": "cp932",
    "sjis": "cp932", "windows-31j": "cp932", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "korean": "cp949",
    "x-euc-jp": "euc_jp", "big5": "big5hkscs", "x-x-big5": "big5hkscs", "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "tis-620": "cp874", "iso-8859-11": "cp874",
    "iso-8859-8-i": "iso-8859-8", "logical": "iso-8859-8", "koi": "koi8-r", "koi8": "koi8-r",
}  # fmt: skip


def _with_strays(data: bytes) -> tuple[str, int]:
    """UTF-8 with each byte that is none read as windows-1252, and how many those are."""
    pieces: list[str] = []
    strays = start = 0
    while start < len(data):
        try:
            pieces.append(data[start:].decode("utf-8"))
            break
        except UnicodeDecodeError as error:
            pieces.append(data[start : start + error.start].decode("utf-8"))
            bad = data[start + error.start : start + error.end]
            pieces.append(bad.decode("cp1252", "replace"))
            strays += len(bad)
            start += error.end
            if strays > 2000:  # no UTF-8: going on would take long for nothing
                return "", len(data)
    return "".join(pieces), strays


_LATIN = frozenset((*(f"cp{n}" for n in (1250, 1252, 1254, 1257)), *(f"iso8859-{n}" for n in range(1, 17))))
_LATIN -= {"iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-11"}
_CENTRAL = frozenset(("cs", "sk", "pl", "hu", "sl", "hr", "bs", "ro", "sq"))
_PAGES: dict[str, frozenset[str]] = {  # of two that read a text alike, the first
    "windows-1252": frozenset(),
    "windows-1250": _CENTRAL,
    "iso-8859-2": _CENTRAL,
    "windows-1254": frozenset(("tr", "az")),
    "windows-1257": frozenset(("et", "lt", "lv")),
}
"""Languages written in each encoding of Latin letters, all others in windows-1252. Those left out differ from these in
no letter (iso-8859-9 and -13), or in hardly one."""
_ELSEWHERE = frozenset().union(*_PAGES.values())
_SAMPLE = 20_000  # bytes that tell the language
_WORD = re.compile(r"(?:[^\W\d_]|[^\0-\x7f])+")  # with whatever an encoding puts within


def _guessed(source: Source) -> tuple[str, tuple[str, ...]]:
    from chardet import EncodingEra, detect

    eras = EncodingEra.MODERN_WEB | EncodingEra.LEGACY_ISO | EncodingEra.DOS
    data = source.data.translate(None, b"\0")
    encoding = (detect(data, encoding_era=eras)["encoding"] or "").lower()
    sample = data[:_SAMPLE]
    if _known(encoding) in _LATIN or _is_garbled(sample.decode(encoding or "ascii", "replace"), sample):
        # Few bytes tell which of them it is; the language of the words does, as most letters are the same in all.
        encoding = max(_PAGES, key=lambda page: _fit(sample, page))
    text, lost = _decoded(source.data, _known(encoding) or encoding) if encoding else ("", ())
    unprintable = sum("\0" < character < " " and character not in "\t\n\r\f\x0b\x1a\x1b" for character in text)
    if not text or unprintable > _BINARY * len(text):
        raise DocumentError(
            f"{source.name} is binary or in no known encoding: expected text; save it as UTF-8 (iconv -t UTF-8)"
        )
    return text, (f"it is not UTF-8 and was read as {encoding}", *lost)


def _fit(data: bytes, page: str) -> float:
    """How likely a text read so is in a language that is written so, less the share of its letters that are none then.

    Control characters are none, and signs within words ("s± ksi±żki").
    """
    text = data.decode(page, "replace")
    language, likelihood = likely_language(text)
    written = language in _PAGES[page] if language in _ELSEWHERE else page == "windows-1252"
    return likelihood * written - _unread(text) / max(1, sum(byte > 127 for byte in data))


def _is_garbled(text: str, data: bytes) -> bool:
    """Whether a text with Latin words, read a byte a character, has most others of its letters where none can stand."""
    latin = len(text) == len(data) and re.search("[A-Za-z]", text)
    return bool(latin) and 2 * _unread(text) > sum(byte > 127 for byte in data)


def _unread(text: str) -> int:
    """How many characters can be none of the word that they stand in.

    Control characters, signs within words ("s± ksi±żki", "Stra▀e"), letters of another script within Latin words or
    alone ("Se±or N·±ez pag≤ 30 א").
    """
    unread = 0
    for word in _WORD.findall(text):
        strange = sum(not is_latin(letter) and unicodedata.category(letter)[0] not in "PMZ" for letter in word)
        alone = len(word) == 1 and (word.isalpha() or not word.isprintable() or word == "\ufffd")
        unread += strange if alone or any(map(is_latin, word)) else 0
    return unread


def is_latin(character: str) -> bool:
    """Whether a character is a letter of the Latin script, or in ASCII."""
    letter = character.isalpha() and (character < "\xc0" or unicodedata.name(character, "").startswith("LATIN"))
    return letter or character.isascii()  # ª, µ and º are called otherwise
