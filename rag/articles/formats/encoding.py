"""Bytes -> text, in whatever encoding they are."""

from __future__ import annotations

import codecs

from rag.articles.formats.contract import Source
from rag.errors import DocumentError

_MARKS = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = 0.01  # of the characters may be control characters
_STRAY = 0.002  # of the bytes may be no UTF-8 in a text that is otherwise


def decode(source: Source, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """The text, and what a person should know about how it was decoded.

    By its byte order mark; as UTF-8; by what it declares; as UTF-8 with a few stray bytes, read as windows-1252;
    else in the encoding that fits its letters best (chardet).

    Raises
    ------
    DocumentError
        It is binary, or no encoding fits.
    """
    data = source.data
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").lstrip("\ufeff"), ()
    wide = _wide(data)
    if wide:
        return data.decode(wide, "replace"), ()
    if b"\0" in data:
        at = data.index(b"\0")
        raise DocumentError(f"{source.name} is binary (NUL at byte {at:,}): expected text; convert it or leave it out")
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        pass
    named = _known(declared)
    if named:
        return data.decode(named, "replace"), ()
    text, strays = _with_strays(data)
    if strays <= max(1, _STRAY * len(data)) and strays < sum(byte > 127 for byte in data) / 2:
        return text, (f"{strays} stray byte(s) that are no UTF-8 were read as windows-1252",)
    return _guessed(source)


def _wide(data: bytes) -> str:
    """ "utf-16-le" or "-be" for text of mostly Latin letters in UTF-16 without a mark, else ""."""
    sample = data[:4096]
    half = len(sample) // 2
    if half < 4:
        return ""
    for encoding, zeros, others in (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2])):
        if zeros.count(0) > 0.7 * half and others.count(0) == 0:
            return encoding
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
                break
    return "".join(pieces), strays


_LATIN = frozenset((*(f"windows-{n}" for n in (1250, 1252, 1254, 1257)), *(f"iso-8859-{n}" for n in range(1, 17))))
_LATIN -= {"iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-11"}
_CODE_PAGES = {
    **dict.fromkeys(("cs", "sk", "pl", "hu", "sl", "hr", "bs", "ro", "sq"), "windows-1250"),
    **dict.fromkeys(("tr", "az"), "windows-1254"),
    **dict.fromkeys(("et", "lt", "lv"), "windows-1257"),
}
"""Code page of Windows by language; all other languages in Latin letters are written in windows-1252."""


def _guessed(source: Source) -> tuple[str, tuple[str, ...]]:
    from chardet import EncodingEra, detect

    eras = EncodingEra.MODERN_WEB | EncodingEra.LEGACY_ISO | EncodingEra.DOS
    encoding = detect(source.data, encoding_era=eras, prefer_superset=True)["encoding"]
    if encoding and encoding.lower() in _LATIN:
        from py3langid import classify  # type: ignore[import-untyped,unused-ignore]

        # Few bytes tell which of them it is; the language of the words does, as most letters are the same in all.
        encoding = _CODE_PAGES.get(classify(source.data[:20_000].decode("cp1252", "replace"))[0], "windows-1252")
    text = source.data.decode(encoding, "replace") if encoding else ""
    unprintable = sum(ord(character) < 32 and character not in "\t\n\r\f\x0b\x1a\x1b" for character in text)
    if not text or unprintable > _BINARY * len(text):
        raise DocumentError(
            f"{source.name} is binary or in no known encoding: expected text; save it as UTF-8 (iconv -t UTF-8)"
        )
    return text, (f"it is not UTF-8 and was read as {encoding}",)
