# ruff: noqa: E501
"""Folders of files and the index: what is left out is named, what moves is one document, what is interrupted goes on."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import make_bot

from rag import sync, traces
from rag.articles.formats.contract import Extracted, Source
from rag.articles.formats.guard import Helper
from rag.errors import RagError
from rag.pipeline import Chatbot
from rag.types import Document, IndexReport

TEXT = "Orlovka, 12 May 2024. The engineer Marta Lind opened the new harbour on Sunday, and the town was glad."


def ids(bot: Chatbot) -> list[str]:
    return [header.id for header in bot.headers()]


def zipped(**files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_dot_", ".").replace("__", "/"), content)
    return stream.getvalue()


# ---------------------------------------------------------------- read or named


def test_files_of_other_kinds_are_named_by_number(tmp_path: Path) -> None:
    for name in ("a.txt", "b.jpg", "sub/c.JPG", "d.doc", "README", ".hidden.doc", "~$d.doc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TEXT)
    report = make_bot().add(tmp_path)
    assert [Path(path).name for path, _ in report.skipped] == ["README", "b.jpg", "d.doc", "c.JPG"]
    assert sync.by_number(report.skipped) == "4 files of another kind (2 .jpg, 1 .doc, 1 without suffix)"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "it holds no files"),
        ({"a.jpg": "x"}, "1 file of another kind (1 .jpg) that is not read"),
        ({"a.jpg": "x", "b.doc": "x"}, "2 files of another kind (1 .doc, 1 .jpg) that are not read"),
        ({"a.rtf": "lease", "b.epub": "PK"}, "a.rtf is no rich text"),
    ],
)
def test_a_folder_of_which_nothing_could_be_read_is_an_error(tmp_path: Path, files: dict[str, str], why: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(RagError, match="no article could be read in") as caught:
        make_bot().add(tmp_path)
    assert why in str(caught.value)


def test_a_folder_that_was_emptied_empties_the_index_and_is_an_error_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    bot = make_bot()
    bot.add(tmp_path)
    (tmp_path / "a.txt").unlink()
    assert bot.add(tmp_path).removed == 1
    with pytest.raises(RagError, match="no article could be read"):
        bot.add(tmp_path)


def test_each_file_of_an_archive_is_a_document(tmp_path: Path) -> None:
    files = {
        "a_dot_txt": TEXT,
        "sub__b_dot_md": "# Snow\n\nIt snowed in Tarsk.",
        "c_dot_jpg": "x",
        "_dot_hidden__a_dot_txt": "x",
        "_dot__dot___up_dot_txt": "Up.",
    }
    (tmp_path / "all.zip").write_bytes(zipped(**files, empty_dot_txt=""))
    bot = make_bot()
    report = bot.add(tmp_path)
    assert ids(bot) == ["all.zip/a.txt", "all.zip/sub/b.md", "all.zip/up.txt"]
    assert [Path(path).name for path, _ in report.failed] == ["c.jpg", "empty.txt"]
    assert bot.document("all.zip/a.txt").source == str(tmp_path / "all.zip" / "a.txt")
    assert bot.add(tmp_path).unchanged == 3
    (tmp_path / "all.zip").write_bytes(zipped(a_dot_txt=TEXT))
    assert bot.add(tmp_path / "all.zip").removed == 2


@pytest.mark.parametrize("content", [b"PK\x03\x04 broken", b"nothing of the kind", zipped()])
def test_a_broken_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    (tmp_path / "b.txt").write_text(TEXT)
    report = make_bot().add(tmp_path)
    assert [Path(path).name for path, _ in report.failed] == ["a.zip"]
    assert report.added == 1


def test_a_bomb_in_an_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(big_dot_txt="x" * 30_000_000, a_dot_txt=TEXT))
    report = make_bot().add(tmp_path)
    assert report.added == 1
    assert "big.txt unpacks to 30,000,000 bytes: expected at most 25,000,000" in report.failed[0][1]
    assert "--max-file-megabytes" in report.failed[0][1]


# ---------------------------------------------------------------- moves


def test_a_folder_moved_into_another_keeps_one_document(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "harbour.txt").write_text(TEXT)
    bot = make_bot()
    bot.add(tmp_path / "articles")
    (tmp_path / "archive").mkdir()
    (tmp_path / "articles").rename(tmp_path / "archive" / "articles")
    report = bot.add(tmp_path / "archive")
    assert ids(bot) == ["articles/harbour.txt"]
    assert (report.added, report.updated, report.removed) == (0, 1, 0)


def test_a_file_renamed_keeps_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    bot = make_bot()
    bot.add(tmp_path / "a.txt")
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    bot.add(tmp_path / "b.txt")
    assert ids(bot) == ["b.txt"]


def test_a_copy_is_a_document_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    bot = make_bot()
    bot.add(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text(TEXT)
    bot.add(tmp_path / "b.txt")
    assert ids(bot) == ["a.txt", "b.txt"]


def test_what_was_removed_by_hand_stays_away_when_it_is_renamed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "z.txt").write_text("It snowed in Tarsk.")
    bot = make_bot()
    bot.add(tmp_path)
    bot.remove("a.txt")
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    bot.sync([tmp_path], restore=False)
    assert ids(bot) == ["z.txt"]


# ---------------------------------------------------------------- interrupted


def test_a_first_filling_that_is_interrupted_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text(f"{TEXT} It was day {number}.")
    monkeypatch.setattr(sync, "BATCH", 2)
    bot = make_bot()
    taken: list[int] = []

    def add(documents: Sequence[Document]) -> None:
        if sum(taken) == 2:
            raise KeyboardInterrupt
        taken.append(len(documents))
        bot.add_documents(documents)

    with pytest.raises(KeyboardInterrupt):
        sync.sync(bot.index, [tmp_path], add, 10_000)
    assert (ids(bot), sync.is_unfinished(bot.index)) == (["0.txt", "1.txt"], True)
    report = bot.add(tmp_path)
    assert (report.unchanged, report.added) == (2, 3)
    assert not sync.is_unfinished(bot.index)


# ---------------------------------------------------------------- what need not be read again


class CountingHelper(Helper):
    """Parses in this process, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.parsed: list[str] = []

    def extract(self, source: Source) -> Extracted:
        self.parsed.append(source.name)
        return super().extract(source)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "articles").mkdir()
    for name in ("a.txt", "b.txt", "empty.txt"):
        (tmp_path / "articles" / name).write_text("" if name == "empty.txt" else f"{TEXT} It is in {name}.")
    return tmp_path / "articles"


def synced(bot: Chatbot, folder: Path, restore: bool = True) -> tuple[list[str], IndexReport]:
    helper = CountingHelper()
    report = sync.sync(bot.index, [folder], bot.add_documents, 10_000, restore=restore, helper=helper)
    return helper.parsed, report


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system whose times show every change."""
    monkeypatch.setattr(traces, "SETTLED", float("-inf"))


@pytest.mark.usefixtures("at_once")
def test_a_file_that_did_not_change_is_not_read_again(folder: Path) -> None:
    bot = make_bot()
    assert synced(bot, folder)[0] == ["a.txt", "b.txt"]
    parsed, report = synced(bot, folder)
    assert parsed == []
    assert (report.unchanged, [Path(path).name for path, _ in report.failed]) == (2, ["empty.txt"])


@pytest.mark.usefixtures("at_once")
def test_a_file_of_the_same_size_and_time_but_other_words_is_read_again(folder: Path) -> None:
    bot = make_bot()
    synced(bot, folder)
    file = folder / "b.txt"
    status = file.stat()
    file.write_text(file.read_text().replace("b.txt", "c.txt"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    parsed, report = synced(bot, folder)
    assert (parsed, report.updated) == (["b.txt"], 1)
    assert "c.txt" in bot.document("b.txt").text


@pytest.mark.usefixtures("at_once")
def test_what_was_removed_by_hand_is_read_again_where_it_comes_back(folder: Path) -> None:
    bot = make_bot()
    synced(bot, folder)
    bot.remove("a.txt")
    assert synced(bot, folder, restore=False)[1] == synced(bot, folder, restore=False)[1]
    assert ids(bot) == ["b.txt"]
    assert synced(bot, folder)[0] == ["a.txt"]
    assert ids(bot) == ["a.txt", "b.txt"]


@pytest.mark.usefixtures("at_once")
def test_files_of_another_folder_keep_their_traces(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "z.txt").write_text(TEXT)
    bot = make_bot()
    synced(bot, folder)
    synced(bot, tmp_path / "other")
    assert synced(bot, folder)[0] == []
    (folder / "a.txt").unlink()
    assert synced(bot, folder)[1].removed == 1
    assert sorted(Path(path).name for path in json.loads(bot.index.read_setting(traces.FILES))) == ["b.txt", "z.txt"]


def test_a_file_that_changed_just_now_is_read_again(folder: Path) -> None:
    bot = make_bot()
    synced(bot, folder)
    assert synced(bot, folder)[0] == ["a.txt", "b.txt"]
