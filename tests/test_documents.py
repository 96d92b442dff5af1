"""Files -> Documents: every format with real files, every bad input by name, titles, languages and dates."""

from __future__ import annotations

import datetime
import hashlib
import io
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import docx
import pytest

from rag.articles.documents import find_files, read_document
from rag.articles.formats.archive import members
from rag.articles.formats.guard import Helper
from rag.errors import DocumentError, RagError
from rag.types import Document

TODAY = datetime.date(2026, 11, 21)
SEEDS = Path(__file__).parents[1] / "seeds"
PROSE = "The minister arrived in Minsk for talks about military cooperation between the two countries. "


def read(path: Path, max_bytes: int = 2_000_000) -> Document:
    return read_document(path, path.name, max_bytes, TODAY)


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def reason(path: Path, max_bytes: int = 2_000_000) -> str:
    """The sentence with which `path` is refused, which names the file, what was expected and what to do."""
    with pytest.raises(DocumentError) as caught:
        read(path, max_bytes)
    message = str(caught.value)
    assert message.startswith(path.name)
    assert "expected" in message
    assert ";" in message
    assert "\n" not in message
    return message


def pdf(
    *pages: bytes,
    info: bytes = b"",
    filtered: bytes = b"",
    encrypt: bytes = b"",
    field: bytes = b"",
    noted: bytes = b"",
) -> bytes:
    """A small PDF, one content stream to a page; `field` is the one of a form's field, on each of them, `noted` what
    somebody noted on each."""
    kids = b" ".join(b"%d 0 R" % (5 + 2 * n) for n in range(len(pages)))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< %s >>" % info,
    ]
    shows = 5 + 2 * len(pages)
    for number, content in enumerate(pages):
        place = b"/Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R" % (6 + 2 * number)
        if field:
            place += b" /Annots [<< /Type /Annot /Subtype /Widget /Rect [0 0 612 792] /AP << /N %d 0 R >> >>]" % shows
        if noted:
            place += b" /Annots [<< /Type /Annot /Subtype /Text /Rect [9 9 30 30] /Contents (%s) >>]" % noted
        bodies.append(b"<< /Type /Page %s /Resources << /Font << /F 3 0 R >> >> >>" % place)
        bodies.append(b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), filtered, content))
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F 3 0 R >> >>"
    bodies.append(b"<< %s /Length %d >>\nstream\n%s\nendstream" % (form, len(field), field))
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R %s >>\nstartxref\n%d\n%%%%EOF"
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    return data + head + table + trailer % (len(bodies) + 1, encrypt, len(data))


def shown(*lines: str) -> bytes:
    """A content stream that shows `lines` below each other."""
    escaped = (line.replace("(", r"\(").replace(")", r"\)").encode("cp1252") for line in lines)
    return b"BT /F 10 Tf 50 740 Td 14 TL " + b"".join(b"(%s) Tj T* " % line for line in escaped) + b"ET"


def docx_bytes(*paragraphs: str, title: str = "") -> bytes:
    document = docx.Document()
    document.core_properties.title = title
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def with_body(xml: str) -> bytes:
    """A Word file with `xml` as its document.xml."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx_bytes())) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, xml if part.filename == "word/document.xml" else old.read(part))
    return stream.getvalue()


W = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'


# ---------------------------------------------------------------- finding


def test_a_folder_is_walked_sorted_without_hidden_and_unknown_files(tmp_path: Path) -> None:
    for name in ("b.md", "sub/a.TXT", "a.pdf", ".hidden.txt", ".git/x.txt", "sub/~$a.docx", "photo.jpg"):
        write(tmp_path / name, "x")
    assert [name for name, _ in find_files([tmp_path])] == ["a.pdf", "b.md", "sub/a.TXT"]


def test_links_in_a_circle_end_and_linked_folders_are_read_once(tmp_path: Path) -> None:
    write(tmp_path / "in/z/x.txt", "x")
    write(tmp_path / "out/y.txt", "y")
    (tmp_path / "in/a-loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/a-link").symlink_to(tmp_path / "in/z")
    (tmp_path / "in/out").symlink_to(tmp_path / "out")
    assert [name for name, _ in find_files([tmp_path / "in"])] == ["out/y.txt", "z/x.txt"]


def test_one_file_has_its_name_as_id_and_counts_once(tmp_path: Path) -> None:
    path = write(tmp_path / "sub/x.txt", "x")
    assert find_files([path]) == [("x.txt", path.resolve())]
    assert find_files([tmp_path, path, tmp_path / "sub"]) == [("sub/x.txt", path.resolve())]


def test_ids_that_collide_get_the_name_of_their_folder(tmp_path: Path) -> None:
    for name in ("one/x.txt", "one/y.txt", "two/x.txt"):
        write(tmp_path / name, name)
    assert [name for name, _ in find_files([tmp_path / "one", tmp_path / "two"])] == ["one/x.txt", "two/x.txt", "y.txt"]


def test_ids_that_still_collide_are_an_error_with_both_paths(tmp_path: Path) -> None:
    first, second = (write(tmp_path / top / "same/x.txt", top) for top in ("one", "two"))
    with pytest.raises(RagError, match="would both be") as caught:
        find_files([first.parent, second.parent])
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)


def test_ids_are_nfc_and_can_always_be_encoded(tmp_path: Path) -> None:
    write(tmp_path / "Lo\u0301pez.txt", "x")
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.txt")), PROSE)
    found = dict(find_files([tmp_path]))
    assert sorted(found) == ["L\u00f3pez.txt", "bad\ufffd.txt"]
    assert read(found["bad\ufffd.txt"]).source.encode().endswith("bad\ufffd.txt".encode())


def test_a_missing_path_is_an_error_by_name(tmp_path: Path) -> None:
    with pytest.raises(RagError, match=r"nowhere does not exist"):
        find_files([tmp_path / "nowhere"])


# ---------------------------------------------------------------- plain text and Markdown


@pytest.mark.parametrize("suffix", [".txt", ".TXT"])
def test_text_is_the_content_of_the_file_itself(tmp_path: Path, suffix: str) -> None:
    content = "\r\n  Title of four words\r\n\r\nBody \u00e1 a\u0301 \U0001f600\x0c\u2028\r end.\n\n"
    path = write(tmp_path / f"a{suffix}", b"\xef\xbb\xbf" + content.encode())
    document = read_document(path, "some/id", 10_000)
    assert document.text == content
    assert document.id == "some/id"
    assert document.source == str(path)
    assert document.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()


def test_seeds_read_as_published() -> None:
    found = {name[:3]: read(path) for name, path in find_files([SEEDS])}
    assert {key: document.date for key, document in found.items()} == {
        "000": "2024-07-03", "001": None, "002": "2023-06-30", "003": None, "004": None,
    }  # fmt: skip
    assert {key: document.title for key, document in found.items()} == {
        "000": "The Cuban Minister of the Revolutionary Armed Forces (FAR), Álvaro López Miera, has…",
        "001": "Cuba confirms its military alliance with Belarus",
        "002": "General Lopez Miera Arrived in Belarus To Negotiate Military Cooperation With Cuba",
        "003": "Cuban soldiers will receive training in Belarus",
        "004": "Why are Cuban military being trained in Belarus?",
    }
    assert {document.language for document in found.values()} == {"en"}


@pytest.mark.parametrize(
    ("content", "title", "date", "text"),
    [
        ("---\ntitle: 'Visit to Minsk'\ndate: 2023-06-30T10:00:00Z\nauthor: A. Writer\n---\n# Other\n",
         "Visit to Minsk", "2023-06-30", "Other\nauthor: A. Writer"),
        ("---\r\ndate: June 30, 2023\r\n---\r\ntext\r\n\r\n## A *short* [link](x) ##\r\n",
         "A short link", "2023-06-30", "text\nA short link"),
        ("---\ndate: 2023-06\n---\nVisit\n=====\ntext", "Visit", "2023-06", "Visit\ntext"),
        ("---\ndate: 2031-01-01\n---\n```\n# comment\n```\n# A_b and _c_\n", "A_b and c", None, "# comment\nA_b and c"),
        ("---\ndate: 2023-13-45\n---\nOnly some words here\n", "Only some words here", None, "Only some words here"),
    ],
)  # fmt: skip
def test_markdown_front_matter_and_headings(
    tmp_path: Path, content: str, title: str, date: str | None, text: str
) -> None:
    document = read(write(tmp_path / "a.md", content))
    assert (document.title, document.date, document.text) == (title, date, text)


# ---------------------------------------------------------------- HTML


def page(body: str, head: str = "") -> str:
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"


def test_html_gives_the_article_its_title_and_date(tmp_path: Path) -> None:
    menu = "<nav><a href='/'>Home menu</a></nav><script>evil()</script><style>p{}</style>"
    paragraphs = "".join(f"<p>{number}: {PROSE}</p>" for number in range(4))
    article = f"<article><h1>Visit to Minsk</h1>{paragraphs}</article><footer>Imprint</footer>"
    head = (
        "<title>Visit to Minsk | Daily</title><meta property='article:published_time' content='2023-06-30T08:00:00Z'>"
    )
    document = read(write(tmp_path / "a.html", page(menu + article, head)))
    assert (document.title, document.date, document.language) == ("Visit to Minsk", "2023-06-30", "en")
    assert PROSE.strip() in document.text
    assert not any(junk in document.text for junk in ("evil", "p{}", "Home menu", "Imprint"))


def test_html_with_little_main_text_gives_all_of_its_body(tmp_path: Path) -> None:
    table = "<table><tr><td>a</td><td>b</td></tr></table>"
    body = f"<script>evil()</script><div>First <b>bold</b>\nline</div>One<br>two{table}"
    document = read(write(tmp_path / "a.htm", page(body, "<style>x</style><title>Site: a page</title>")))
    assert document.text.split("\n") == ["First bold line", "One", "two", "a | b"]
    assert document.title == "Site: a page"


def test_malformed_and_hostile_html_is_read_without_fetching(tmp_path: Path) -> None:
    entity = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    content = f"{entity}<p>Unclosed <b>tags</i> &e; &#0; &#xD800; <<>> words</p><p title='a>{PROSE}"
    text = read(write(tmp_path / "a.html", content)).text
    assert "Unclosed tags" in text
    assert text == text.encode().decode()
    assert "\0" not in text
    address = write(tmp_path / "b.html", "http://127.0.0.1:9/never")
    assert read(address).text == "http://127.0.0.1:9/never"


def test_lines_of_the_old_macintosh_are_lines(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", b"The mill is sold\r\rThe mill was sold to Ole Brand\rThe price was 5 million crowns\r")
    document = read(tmp_path / "a.txt")
    assert document.title == "The mill is sold"
    assert document.text.split("\n")[2:4] == ["The mill was sold to Ole Brand", "The price was 5 million crowns"]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1251", "utf-16", "utf-8-sig"])
def test_html_in_the_encoding_that_it_declares(tmp_path: Path, encoding: str) -> None:
    words = "Бабушка приехала в Минск" if encoding == "windows-1251" else "Álvaro López visitó Minsk"
    markup = f"<html><head><meta charset='{encoding}'></head><body><p>{words}</p></body></html>"
    assert read(write(tmp_path / "a.html", markup.encode(encoding))).text == words


# ---------------------------------------------------------------- PDF


def test_pdf_gives_pages_paragraphs_and_whole_words(tmp_path: Path) -> None:
    first = shown(
        "Cuban soldiers go to Minsk", "The authorities of both countries said that a well-known inter-",
        "national agreement lets soldiers of the island be trained in Bela-", "rus, as General López-",
        "Miera confirmed on Tuesday to the official agency of the country", "(Belta). It was known before.",
        "A new paragraph begins here and it is about as long as the others.",
    )  # fmt: skip
    data = pdf(
        first, shown("The second page."), info=b"/Title (Microsoft Word - a.doc) /CreationDate (D:20200101000000Z)"
    )
    document = read(write(tmp_path / "a.pdf", data))
    assert document.text == (
        "Cuban soldiers go to Minsk\n"
        "The authorities of both countries said that a well-known international agreement lets soldiers of the island "
        "be trained in Belarus, as General López-Miera confirmed on Tuesday to the official agency of the country "
        "(Belta). It was known before.\n"
        "A new paragraph begins here and it is about as long as the others.\nThe second page."
    )
    assert (document.title, document.date, document.language) == ("Cuban soldiers go to Minsk", None, "en")


def test_pdf_title_of_its_own(tmp_path: Path) -> None:
    data = pdf(shown("Minsk, 30 June 2023 -- " + PROSE[:60]), info=b"/Title (The visit to Minsk)")
    assert read(write(tmp_path / "a.pdf", data)).title == "The visit to Minsk"


# ---------------------------------------------------------------- Word


def test_docx_gives_paragraphs_tables_and_headings_in_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("The visit to Minsk", 0)
    document.add_paragraph("Before the table.\tAfter a tab.")
    table = document.add_table(2, 3)
    for cell, text in zip((c for row in table.rows for c in row.cells), "abcdef", strict=True):
        cell.text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    document.add_heading("Then", 1)
    document.add_paragraph("Minsk, 30 June 2023 — After the table.")
    document.save(str(tmp_path / "a.docx"))
    read_back = read(tmp_path / "a.docx")
    lines = ["The visit to Minsk", "Before the table. After a tab.", "a b: d | e | c: f", "Then"]
    assert read_back.text.split("\n") == [*lines, "Minsk, 30 June 2023 — After the table."]
    assert (read_back.title, read_back.date) == ("The visit to Minsk", "2023-06-30")


@pytest.mark.parametrize(
    ("given", "title"), [("A title of its own", "A title of its own"), ("Word Document", "First line of text")]
)
def test_docx_title_unless_a_template_gave_it(tmp_path: Path, given: str, title: str) -> None:
    assert read(write(tmp_path / "a.docx", docx_bytes("First line of text", title=given))).title == title


@pytest.mark.parametrize(
    ("rows", "title", "date"),
    [
        ([("Minutes of the council of Tarsk", ""), ("Date", "3 May 2021"), ("Present", "Ilse Korn")],
         "Minutes of the council of Tarsk", "2021-05-03"),
        ([("Minutes of the council of Tarsk", ""), ("Begun", "3 May 2021"), ("Ended", "10 May 2021")],
         "Minutes of the council of Tarsk", None),
        ([("Port", "Ships", "Since"), ("Lorne", "12", "3 April 2011"), ("Tarn", "7", "")], "All ports", None),
    ],
)  # fmt: skip
def test_docx_of_one_table_is_dated_unless_it_is_one_of_data(
    tmp_path: Path, rows: list[tuple[str, ...]], title: str, date: str | None
) -> None:
    file = docx.Document()
    table = file.add_table(0, len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    file.save(tmp_path / "all_ports.docx")
    document = read(tmp_path / "all_ports.docx")
    assert (document.title, document.date, document.outlet) == (title, date, None)


def test_docx_takes_insertions_and_leaves_out_deletions(tmp_path: Path) -> None:
    changes = "<w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
    assert (
        read(write(tmp_path / "a.docx", with_body(W.format(f"<w:p><w:r><w:t>Kept </w:t></w:r>{changes}</w:p>")))).text
        == "Kept new"
    )


# ---------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"", "is empty"),
        ("a.md", b" \r\n\t ", "is empty"),
        ("a.txt", b"\xef\xbb\xbf---", "holds no text"),
        ("a.txt", b"\x7fELF\x02\x00\x00", "binary (NUL at byte 5)"),
        ("a.html", b"<p> <br>", "holds no text"),
        ("a.html", b"\x89PNG\r\n\0\0", "binary"),
        ("a.csv", b"<!doctype html><p>\0\0", "binary"),
        ("a.txt", pdf(shown("x")), "content of a PDF"),
        ("a.txt", docx_bytes("x"), "zip archive or Office file"),
        ("a.docx", b"\xd0\xcf\x11\xe0 x", "old or password-protected"),
        ("a.pptx", b"\xd0\xcf\x11\xe0 x", "save it as .pptx without a password"),
        ("a.csv", docx_bytes("x"), "save it as .csv"),
        ("a.docx", b"PK\x03\x04 and nothing more", "is broken"),
        ("a.docx", docx_bytes("x" * 500)[:-400], "is broken"),
        ("a.docx", docx_bytes(" "), "holds no text"),
        ("a.pdf", b"%PDF-1.7 and nothing more", "is broken"),
        ("a.pdf", b"hello", "is broken"),
        ("a.pdf", pdf(b"q 0 0 1 rg 0 0 9 9 re f Q"), "holds no text (a scan?)"),
        ("a.jpg", b"x", "has the suffix '.jpg'"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_in_one_clear_sentence(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    assert words in reason(write(tmp_path / name, content))


def test_missing_folder_pipe_and_forbidden_files_are_refused(tmp_path: Path) -> None:
    assert "does not exist" in reason(tmp_path / "missing.txt")
    (tmp_path / "folder.txt").mkdir()
    assert "not a regular file" in reason(tmp_path / "folder.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    assert "not a regular file" in reason(tmp_path / "pipe.txt")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    assert "cannot be opened" in reason(tmp_path / "loop.txt")


def test_size_is_limited_before_and_after_unpacking(tmp_path: Path) -> None:
    assert "has 11 bytes: expected at most 10" in reason(write(tmp_path / "a.txt", "x" * 11), 10)
    assert read(write(tmp_path / "b.txt", "x" * 10), 10).text == "x" * 10
    bomb = write(tmp_path / "c.docx", with_body(W.format("<w:p/>" * 1_000_000)))
    assert bomb.stat().st_size < 50_000
    assert "zip bomb" in reason(bomb, 50_000)
    large = pdf(*[zlib.compress(shown(*["hello world " * 7] * 40))] * 5, filtered=b"/Filter /FlateDecode")
    assert "characters of text" in reason(write(tmp_path / "d.pdf", large), len(large))


def packed(packing: int = zipfile.ZIP_DEFLATED, **files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as made:
        for name, text in files.items():
            made.writestr(f"/home/me/{name}.txt", text)
    return stream.getvalue()


def test_a_file_in_an_archive_that_unpacks_to_more_than_it_says_takes_no_memory() -> None:
    told, true = (struct.pack("<I", size) for size in (7, 50_000_000))
    data = packed(a="x" * 50_000_000, b="It rained.").replace(true, told)
    tracemalloc.start()
    found = dict(members(data, "a.zip", 2_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["home/me/b.txt"] == b"It rained."
    assert "home/me/a.txt is broken (Bad CRC-32" in str(found["home/me/a.txt"])
    assert peak < 5_000_000


@pytest.mark.parametrize(("packing", "most"), [(zipfile.ZIP_LZMA, 100), (zipfile.ZIP_STORED, 5)])
def test_what_an_archive_refuses_lies_in_it(packing: int, most: int) -> None:
    ((name, error),) = members(packed(packing, a="It rained."), "a.zip", most)
    assert isinstance(error, DocumentError)
    assert name == "home/me/a.txt"


def zip_of(files: dict[str, bytes], encoding: str = "") -> bytes:
    """An archive; with an encoding, as an old program writes it, which does not say in which one its names are."""

    class Old(zipfile.ZipInfo):
        def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 (zipfile's own)
            return self.filename.encode(encoding), self.flag_bits

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(Old(name) if encoding else name, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


@pytest.mark.parametrize("inner", [1, 9, 20])
def test_archives_in_an_archive_share_its_limits(inner: int) -> None:
    bomb = zip_of({f"{n}.txt": b"x" * 1_000 for n in range(9)})  # each of its files is small enough
    with pytest.raises(DocumentError, match=r"all\.zip unpacks to more than 8,000 bytes"):
        list(members(zip_of({f"{n}.zip": bomb for n in range(inner)}), "all.zip", 1_000))
    many = zip_of({f"{n}.txt": b"" for n in range(9_000)})
    found = dict(members(zip_of({f"{n}.zip": many for n in range(1 + inner)}), "all.zip", 9_000_000))
    refused = [name for name, content in found.items() if isinstance(content, DocumentError)]
    assert refused == [f"{n}.zip" for n in range(1, 1 + inner)]
    assert len(found) == 9_000 + inner


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["会议记录.txt", "2023/年度报告.txt"], "gbk"),
        (["議事録.txt"], "cp932"),
        (["회의록.txt"], "cp949"),
        (["Протокол собрания.txt", "Отчёт.txt"], "cp866"),
        (["Résumé de la réunion.txt", "a.txt"], "utf-8"),
        (["Protokoll der Sitzung in Köln.txt", "Müller.txt"], "cp437"),
        (["Año nuevo.txt", "señor.txt"], "cp437"),
        (["Минутки.txt", "é.txt"], ""),
        (["a.txt", "b c.txt"], "ascii"),
        ([], "ascii"),
    ],
)
def test_names_in_an_archive_are_as_they_were_given(names: list[str], encoding: str) -> None:
    files = {name: name.encode() for name in names}
    assert dict(members(zip_of(files, encoding), "a.zip", 1_000)) == files


def test_names_of_which_some_say_that_they_are_utf_8() -> None:
    old, new = (zip_of({name: b"x"}, encoding) for name, encoding in (("报告.txt", "gbk"), ("Отчёт.txt", "")))
    found = members(zip_of({"é.zip": new, "a.zip": old}), "a.zip", 1_000)
    assert [name for name, _ in found] == ["é.zip/Отчёт.txt", "a.zip/报告.txt"]


def test_encrypted_pdf_is_refused(tmp_path: Path) -> None:
    keys = b"/Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O <%s> /U <%s>" % (b"41" * 32, b"42" * 32)
    data = pdf(shown("secret"), encrypt=b"/Encrypt << %s >> /ID [<00> <00>]" % keys)
    assert "is encrypted" in reason(write(tmp_path / "a.pdf", data))


def test_entities_are_neither_expanded_nor_fetched(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    laughs = f'<!DOCTYPE x [<!ENTITY e0 "ha">{levels}]>' + W.format("<w:p><w:r><w:t>&e8;</w:t></w:r></w:p>")
    assert "a.docx" in reason(write(tmp_path / "a.docx", with_body(laughs)))
    secret = write(tmp_path / "secret", "password")
    outside = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>' + W.format(
        "<w:p><w:r><w:t>ok &e;</w:t></w:r></w:p>"
    )
    assert "password" not in read(write(tmp_path / "b.docx", with_body(outside))).text


def test_a_file_that_takes_too_long_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    endless = zlib.compress(shown(*["hello world"] * 1_000_000))
    write(tmp_path / "a.pdf", pdf(endless, filtered=b"/Filter /FlateDecode"))
    helper = Helper(seconds=0.3)
    with pytest.raises(DocumentError, match=r"a\.pdf took more than 0\.3 s"):
        read_document(tmp_path / "a.pdf", "a.pdf", 2_000_000, TODAY, helper)
    helper.seconds = 30.0
    path = write(tmp_path / "b.pdf", pdf(shown("The next file")))
    assert read_document(path, "b.pdf", 2_000_000, TODAY, helper).text == "The next file"
    helper.close()


def test_no_code_from_the_folder_of_articles_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("docx", "json", "zipfile", "rag"):
        write(tmp_path / f"{module}.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    helper = Helper()
    path = write(tmp_path / "a.docx", docx_bytes("Some words to read"))
    assert read_document(path, "a.docx", 2_000_000, TODAY, helper).text == "Some words to read"
    helper.close()
    assert not (tmp_path / "ran").exists()


# ---------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (PROSE * 2, "en"),
        ("El ministro llegó a Minsk para hablar de la cooperación militar entre los dos países.", "es"),
        ("Der Minister reiste nach Minsk, um über die militärische Zusammenarbeit zu sprechen.", "de"),
        ("Minsk 12345 " * 5, "und"),
        ("\n".join(f"SKU: AX{n}F-{n * 7} | Qty: {n} | EAN: {n * 7919}" for n in range(40)), "und"),
        ("Ilse Korn\nJon Reeve\nAnna Mayr\nPiotr Nowak\nWei Chen\nAhmed Said\nLucia Perez\n", "und"),
        ("Ciudad: Cádiz | Habitantes: 7 | Alcalde: L. Mora\nCiudad: Bilbao | Habitantes: 3 | Alcalde: E. Gil", "und"),
        ("Ort: Trier | Einwohner: 7 | Bürgermeister: Eva Roth\nOrt: Mainz | Einwohner: 3 | Fläche: 4", "de"),
        ("A puent s'ubrió o biernes en a ciudat de Tarsk con muita chent.", "an"),
    ],
)
def test_language(tmp_path: Path, text: str, language: str) -> None:
    assert read(write(tmp_path / "a.txt", text)).language == language


def test_the_module_is_cheap_to_import() -> None:
    heavy = "{'docx', 'lxml', 'trafilatura', 'htmldate', 'pypdfium2', 'py3langid', 'numpy'}"
    code = f"import sys, rag.articles.documents; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
