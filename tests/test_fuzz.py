# ruff: noqa: E501 (markup on one line is easier to read)
"""Arbitrary bytes and damaged files through every loader: read, or refused in a sentence, in bounded time.

RAG_FUZZ=10000 tries so many instead of a few.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import plistlib
import re
import tempfile
import time
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from fakes import SEEDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_documents import docx_bytes, pdf, shown
from test_formats import ARTICLE, MAIL, epub, xlsx

from rag.articles.documents import READABLE, read_file
from rag.articles.formats.guard import Helper

EXAMPLES = int(os.environ.get("RAG_FUZZ", "80"))
MOST = 200_000  # characters
SECONDS = 10.0
TODAY = datetime.date(2026, 11, 21)

LINES = "The bridge of Tarsk was opened on 12 May 2024.\n\nIlse Korn spoke.\n"
WHOLE = {
    ".txt": next(iter(sorted(SEEDS.glob("*.txt")))).read_bytes()[:2000],
    ".md": b"# Towns\n\n- one\n- two\n\n| Town | Mayor |\n|---|---|\n| Tarsk | Korn |\n\n[x](y) ![z](data:a/b;base64,AAAA)\n",
    ".html": ARTICLE.encode(),
    ".pdf": pdf(shown("The bridge of Tarsk was opened.", "Ilse Korn spoke.")),
    ".docx": docx_bytes("The bridge", "It was opened."),
    ".xlsx": xlsx(count=2),
    ".epub": epub(),
    ".eml": (MAIL + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + LINES).encode(),
    ".mhtml": b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    + ARTICLE.encode()
    + b"\r\n--b--\r\n",
    ".webarchive": plistlib.dumps({"WebMainResource": {"WebResourceData": ARTICLE.encode()}}, fmt=plistlib.FMT_BINARY),
    ".rtf": rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\pard The bridge \b opened\b0 .\par \trowd Town\cell 34\cell\row}",
    ".csv": b"Town,People\nTarsk,3400\n\"Veldmar, old\",12\n",
    ".json": b'{"headline": "The mill", "body": ["It was sold.", {"html": "<p>One</p>"}], "n": 1e3}',
    ".ipynb": b'{"cells": [{"cell_type": "markdown", "source": ["# The mill\\n"]}]}',
    ".xml": b"<?xml version='1.0' encoding='utf-8'?><a><title>The mill</title><p>It was <b>sold</b>.</p><r><n>1</n><m>2</m></r></a>",
    ".srt": b"1\n00:00:01,000 --> 00:00:03,000\nThe bridge\n\n2\n00:00:04,000 --> 00:00:05,000\nof Tarsk\n",
    ".tex": rb"\documentclass{article}\title{Mill}\begin{document}\section{Sale}It was \emph{sold}.\end{document}",
    ".rst": b"The mill\n========\n\n- one\n\n.. include:: x\n\n====== ====\nTown   N\n====== ====\nTarsk  34\n====== ====\n",
}  # fmt: skip


def zipped(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return stream.getvalue()


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of which some are other, missing, said again or new."""
    for _ in range(draw(st.integers(1, 4))):
        at, size = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        new = draw(
            st.sampled_from([b"", data[at : at + size] * 50, b"\0", b"<", b"&x;", b"{" * 400, b"99999999999"])
            | st.binary(max_size=20)
        )
        data = data[:at] + new + data[at + draw(st.sampled_from([0, size])) :]
    return data


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A suffix and the bytes of a file: arbitrary ones, or a whole file's, damaged where its parser gets to see it."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(READABLE)), draw(st.binary(max_size=400))
    suffix = draw(st.sampled_from(sorted(WHOLE)))
    data = WHOLE[suffix]
    if data.startswith(b"PK") and draw(st.booleans()):  # else all that is tried is the archive's checksum
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = draw(st.sampled_from(sorted(parts)))
        data = zipped(parts | {name: draw(damaged(parts[name]))})
    else:
        data = draw(damaged(data))
    return (suffix, data) if draw(st.integers(0, 9)) else (".zip", zipped({f"a{suffix}": data, "b.txt": b"It rained."}))


@pytest.fixture(scope="module")
def helper() -> Iterator[Helper]:
    made = Helper(SECONDS)
    yield made
    made.close()


def test_whole_files_are_read(tmp_path: Path, helper: Helper) -> None:
    for suffix, data in WHOLE.items():
        (tmp_path / f"a{suffix}").write_bytes(data)
        made = read_file(tmp_path / f"a{suffix}", f"a{suffix}", MOST, TODAY, helper)
        assert (len(made.documents), made.failed) == (1, ()), suffix


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(file=files())
def test_any_file_is_read_or_refused_in_a_sentence(file: tuple[str, bytes], helper: Helper) -> None:
    suffix, data = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        path.write_bytes(data)
        began = time.monotonic()
        made = read_file(path, path.name, MOST, TODAY, helper)
        assert time.monotonic() - began < SECONDS + 5
        assert [entry.name for entry in Path(folder).iterdir()] == [path.name]
    assert made.documents or made.failed
    for _, why in made.failed:
        assert "\n" not in why
        assert "broke its parser" not in why  # it took too long, too much memory, or the process with it
    for document in made.documents:
        assert 0 < len(document.text) <= MOST
        assert document.title
        document.text.encode()
        ends = [0, *(place for block in document.blocks for place in (block.start, block.end)), len(document.text)]
        assert ends == sorted(ends)
        assert list(document.pages) == sorted(page for page in document.pages if 0 <= page <= len(document.text))


NAMES = st.sampled_from(["a", "b", "title", "p", "note", "row", "cell", "table", "date", "item", "name", "head", "k"])
TREES = st.recursive(st.none(), lambda inner: st.lists(st.tuples(NAMES, inner), min_size=1, max_size=4), max_leaves=15)
"""What holds what; `none` holds a word of its own."""


def as_xml(tree: list[tuple[str, object]] | None, numbers: Iterator[int]) -> str:
    if tree is None:
        return f"w{next(numbers)}w"
    return "".join(f"<{name}>{as_xml(inner, numbers)}</{name}>" for name, inner in tree)


def as_json(tree: list[tuple[str, object]] | None, numbers: Iterator[int]) -> object:
    if tree is None:
        return f"w{next(numbers)}w"
    names = [name for name, _ in tree]
    values = [as_json(inner, numbers) for _, inner in tree]
    return dict(zip(names, values, strict=True)) if len(set(names)) == len(names) else values


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES)
def test_no_value_of_a_tree_is_lost(tree: list[tuple[str, object]] | None) -> None:
    xml, made = f"<doc>{as_xml(tree, count())}</doc>", json.dumps({"of": as_json(tree, count())})
    for name, content in (("a.xml", xml), ("a.json", made)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(content, encoding="utf-8")
            (document,) = read_file(path, name, MOST, TODAY).documents
        told = f"{document.text} {document.title} {document.outlet}"
        assert set(re.findall(r"w\d+w", content)) <= set(re.findall(r"w\d+w", told)), content
