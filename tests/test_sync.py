# ruff: noqa: E501
"""Folders of files and the index: what is left out is named, what moves is one document, what is interrupted goes on."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from fakes import BREAD, fake_parts, make_bot, make_document

from rag import sync, traces
from rag.articles.formats.contract import Extracted, Source
from rag.articles.formats.guard import Helper
from rag.errors import RagError, StoreError
from rag.index import database
from rag.pipeline import Chatbot
from rag.types import Document, IndexReport

TEXT = "Orlovka, 12 May 2024. The engineer Marta Lind opened the new harbour on Sunday, and the town was glad."


def ids(bot: Chatbot) -> list[str]:
    return [header.id for header in bot.headers()]


def written(folder: Path, **files: str) -> Path:
    """A folder with these files: `a` is a.txt, `sub__a` is sub/a.txt."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def zipped(**files: str | bytes) -> bytes:
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
    assert [Path(path).name for path, _ in report.failed] == ["empty.txt"]
    assert report.skipped == ((str(tmp_path / "all.zip" / "c.jpg"), ".jpg"),)
    assert bot.document("all.zip/a.txt").source == str(tmp_path / "all.zip" / "a.txt")
    assert bot.add(tmp_path).unchanged == 3
    (tmp_path / "all.zip").write_bytes(zipped(a_dot_txt=TEXT))
    assert bot.add(tmp_path / "all.zip").removed == 2


@pytest.mark.parametrize("names", [["b.jpg"], ["b.jpg", "sub/c.JPG", "d.doc"], ["README", ".txt.bak", "e.txt.7z"]])
def test_files_of_other_kinds_in_an_archive_are_named_by_number(tmp_path: Path, names: list[str]) -> None:
    folder, archive = tmp_path / "folder", tmp_path / "zip" / "all.zip"
    archive.parent.mkdir()
    archive.write_bytes(zipped(a_dot_txt=TEXT, **dict.fromkeys(names, "x")))
    for name in ("a.txt", *names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(TEXT)
    loose, bot = make_bot().add(folder), make_bot()
    for _ in range(2):  # an archive that need not be read again has them, too
        stamped = os.stat(archive).st_mtime_ns - 10**10
        os.utime(archive, ns=(stamped, stamped))
        packed = bot.add(archive.parent)
        assert (packed.failed, len(packed.skipped)) == ((), len(loose.skipped))
        assert sync.by_number(packed.skipped) == sync.by_number(loose.skipped)


def test_an_archive_of_nothing_but_other_kinds_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(b_dot_jpg="x", c_dot_jpg="x"))
    (tmp_path / "b.txt").write_text(TEXT)
    report = make_bot().add(tmp_path)
    assert [(Path(path).name, why.partition(":")[0]) for path, why in report.failed] == [
        ("a.zip", "a.zip holds only files of another kind (.jpg)")
    ]
    assert len(report.skipped) == 2


def test_files_of_an_archive_in_an_archive_are_documents(tmp_path: Path) -> None:
    def inner(*names: str) -> bytes:
        return zipped(**dict.fromkeys(names, f"{TEXT} {names}"))

    third = zipped(**{"fourth.zip": inner("x.txt")})
    files = {"May/one.ZIP": inner("a.txt", "b.jpg"), "two.zip": inner("a.txt"), "third.zip": third, "broken.zip": b"PK"}
    (tmp_path / "all.zip").write_bytes(zipped(**files, c_dot_txt=TEXT))
    bot = make_bot()
    report = bot.add(tmp_path)
    assert ids(bot) == ["all.zip/May/one.ZIP/a.txt", "all.zip/c.txt", "all.zip/two.zip/a.txt"]
    assert [Path(path).relative_to(tmp_path).as_posix() for path, _ in report.failed] == [
        "all.zip/third.zip/fourth.zip", "all.zip/broken.zip"
    ]  # fmt: skip
    assert [Path(path).relative_to(tmp_path).as_posix() for path, _ in report.skipped] == ["all.zip/May/one.ZIP/b.jpg"]
    assert bot.add(tmp_path).unchanged == 3


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


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_files_of_an_archive_that_unpack_to_one_place_are_documents_each(tmp_path: Path) -> None:
    names = ["é.txt", "e\u0301.txt", "2023/x.txt", "2023\\x.txt", "2023/x (2).txt", "2023/x.txt"]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, f"{TEXT} It was day {number}.")
    bot = make_bot()
    assert bot.add(tmp_path).added == len(names)
    assert bot.add(tmp_path).unchanged == len(names)
    places = ["2023/x (2) (2).txt", "2023/x (2).txt", "2023/x (3).txt", "2023/x.txt", "é (2).txt", "é.txt"]
    assert ids(bot) == [f"all.zip/{place}" for place in places]


def test_what_is_gone_from_an_archive_that_was_named_by_a_link_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "real.zip").write_bytes(zipped(a_dot_txt=TEXT, b_dot_txt=TEXT))
    (tmp_path / "link.zip").symlink_to(tmp_path / "real.zip")
    bot = make_bot()
    bot.add(tmp_path / "link.zip")
    (tmp_path / "real.zip").write_bytes(zipped(a_dot_txt=TEXT))
    assert bot.add(tmp_path / "link.zip").removed == 1
    assert ids(bot) == ["link.zip/a.txt"]


@pytest.mark.parametrize("closed", ["sub", "sub/deep", "sub.zip", "link"])
def test_a_folder_that_cannot_be_listed_is_named_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    root = written(tmp_path / "root", a=TEXT)
    if closed == "link":
        (root / closed).symlink_to(written(tmp_path / "elsewhere", b=f"{TEXT} It rained."))
    else:
        written(root / closed, b=f"{TEXT} It rained.")
    bot = make_bot()
    assert bot.add(root).added == 2
    (root / "c.txt").write_text(f"{TEXT} It snowed.")
    listed = os.scandir

    def guarded(place: str) -> object:
        if Path(place) in (root / closed, (root / closed).resolve()):
            raise PermissionError(13, "Permission denied", place)
        return listed(place)

    monkeypatch.setattr(os, "scandir", guarded)
    report = bot.add(root)
    assert [(path, why.partition(":")[0]) for path, why in report.failed] == [
        (str(root / closed), f"{Path(closed).name} is a folder that cannot be listed")
    ]
    assert (report.added, report.removed, len(ids(bot))) == (1, 0, 3)
    with pytest.raises(RagError, match="cannot be listed"):  # the folder that is asked for is another thing
        bot.add(root / closed)


def test_a_folder_whose_files_all_fail_today_keeps_what_was_read_of_them(tmp_path: Path) -> None:
    bot = make_bot()
    bot.add(written(tmp_path, a=TEXT))
    (tmp_path / "a.txt").write_text("")
    assert len(bot.add(tmp_path).failed) == 1
    assert ids(bot) == ["a.txt"]


def test_each_folder_is_looked_at_by_itself(tmp_path: Path) -> None:
    good, empty = written(tmp_path / "good", a=TEXT), tmp_path / "empty"
    empty.mkdir()
    (good / "b.jpg").touch()
    bot = make_bot()
    with pytest.raises(RagError, match=r"no article could be read in .*empty: it holds no files; check the path"):
        bot.sync([good, empty])
    assert ids(bot) == ["a.txt"]
    (empty / "sub").symlink_to(good)
    assert bot.sync([good, empty]).unchanged == 1  # what another leads to is read there


# ---------------------------------------------------------------- whose id it is


@pytest.mark.usefixtures("at_once")
def test_a_folder_that_is_out_of_reach_keeps_its_articles(tmp_path: Path) -> None:
    one = written(tmp_path / "one", news=TEXT, other="It snowed in Tarsk.")
    two = written(tmp_path / "two", news=BREAD)
    bot = make_bot()
    bot.add(one)
    one.rename(tmp_path / "away")
    assert bot.add(two).added == 1
    assert ids(bot) == ["news.txt", "other.txt", "two/news.txt"]
    (tmp_path / "away").rename(one)
    assert bot.sync([one, two]).unchanged == 3
    assert bot.document("news.txt").text == TEXT


@pytest.mark.usefixtures("at_once")
def test_a_file_whose_id_another_has_taken_is_read_again(tmp_path: Path) -> None:
    folder = written(tmp_path / "one", news=TEXT)
    two = written(tmp_path / "two", news=BREAD)
    bot = make_bot()
    bot.add(folder)
    bot.add_documents([replace(make_document("news.txt", BREAD), source=str(two / "news.txt"))])
    assert bot.add(folder).added == 1
    assert {bot.document(i).text for i in ids(bot)} == {TEXT, BREAD}


def test_files_that_would_have_one_id_have_two(tmp_path: Path) -> None:
    one = written(tmp_path / "one", x=TEXT)
    two = written(tmp_path / "two", x=BREAD, two__x="It snowed in Tarsk.")
    bot = make_bot()
    bot.add(one)
    assert bot.add(two).added == 2
    assert bot.add(two).unchanged == 2
    assert len({bot.document(i).text for i in ids(bot)}) == 3


@pytest.mark.usefixtures("at_once")
def test_a_name_that_is_no_unicode_costs_nothing(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"x\xff.txt")
    try:
        file.write_text(TEXT)
    except OSError:
        pytest.skip("this file system takes no such name")
    bot = make_bot()
    assert synced(bot, tmp_path)[1].added == 1
    assert synced(bot, tmp_path)[0] == []
    file.write_text("")
    assert synced(bot, tmp_path)[1].removed == 0


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


SNOW = "It snowed in Tarsk."


def without_a(folder: Path, **files: str) -> Chatbot:
    """A bot over a folder whose a.txt was removed by hand."""
    bot = make_bot()
    bot.add(written(folder, a=TEXT, z=SNOW, **files))
    bot.remove("a.txt")
    return bot


def test_a_copy_of_what_was_removed_by_hand_may_move(tmp_path: Path) -> None:
    bot = without_a(tmp_path, copy=TEXT)
    (tmp_path / "copy.txt").rename(tmp_path / "kept.txt")
    assert bot.sync([tmp_path], restore=False).updated == 1
    assert ids(bot) == ["kept.txt", "z.txt"]
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    (tmp_path / "kept.txt").rename(tmp_path / "c.txt")
    bot.sync([tmp_path], restore=False)
    assert len(ids(bot)) == 2  # both have moved: one was removed, the other was not


def test_what_was_removed_by_hand_stays_away_when_another_takes_its_name(tmp_path: Path) -> None:
    bot = without_a(tmp_path)
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    written(tmp_path, a=BREAD)
    for _ in range(2):
        bot.sync([tmp_path], restore=False)
        assert ids(bot) == ["a.txt", "z.txt"]
        assert bot.document("a.txt").text == BREAD
    bot.remove("a.txt")
    (tmp_path / "a.txt").rename(tmp_path / "c.txt")
    (tmp_path / "b.txt").rename(tmp_path / "a.txt")
    (tmp_path / "c.txt").rename(tmp_path / "b.txt")
    for _ in range(2):
        bot.sync([tmp_path], restore=False)
        assert ids(bot) == ["z.txt"]


def test_what_was_removed_by_hand_and_came_back_may_move(tmp_path: Path) -> None:
    bot = without_a(tmp_path)
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    assert bot.add(tmp_path).added == 1
    assert sync.excluded(bot.index) == {}
    (tmp_path / "b.txt").rename(tmp_path / "c.txt")
    assert bot.sync([tmp_path], restore=False).updated == 1
    assert ids(bot) == ["c.txt", "z.txt"]


def test_what_is_removed_by_hand_in_one_folder_is_not_in_another(tmp_path: Path) -> None:
    bot = without_a(tmp_path / "one")
    bot.sync([written(tmp_path / "two", a=TEXT)], restore=False)
    assert ids(bot) == ["two/a.txt", "z.txt"]
    bot.sync([tmp_path / "one"], restore=False)
    assert ids(bot) == ["two/a.txt", "z.txt"]


def test_what_was_removed_by_hand_stays_away_when_it_is_renamed_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(zipped(a_dot_txt=TEXT, z_dot_txt=SNOW))
    bot = make_bot()
    bot.add(tmp_path)
    bot.remove("all.zip/a.txt")
    (tmp_path / "all.zip").write_bytes(zipped(b_dot_txt=TEXT, y_dot_txt=SNOW))
    report = bot.sync([tmp_path], restore=False)
    assert (report.updated, report.removed) == (1, 0)
    assert ids(bot) == ["all.zip/y.txt"]


def test_what_an_earlier_version_kept_of_removed_documents_holds(tmp_path: Path) -> None:
    bot = without_a(tmp_path)
    digest = sync.excluded(bot.index)["a.txt"].content_hash
    for name in ("a.txt", "b.txt"):
        bot.index.write_setting(sync.EXCLUDED, json.dumps({"a.txt": digest}))
        bot.sync([tmp_path], restore=False)
        assert ids(bot) == ["z.txt"]
        assert sync.excluded(bot.index) == {name: sync.Removed(digest, str(tmp_path / name))}
        if name == "a.txt":
            (tmp_path / "a.txt").rename(tmp_path / "b.txt")


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


def interrupted(bot: Chatbot, folder: Path) -> None:
    def add(documents: Sequence[Document]) -> None:
        bot.add_documents(documents)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync.sync(bot.index, [folder], add, 10_000)


def test_a_folder_that_is_not_finished_is_named_until_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 1)
    one, two = written(tmp_path / "one", a=TEXT, b=BREAD), written(tmp_path / "two", c=SNOW)
    bot = make_bot()
    interrupted(bot, one)
    bot.add(two)
    assert sync.unfinished(bot.index) == {str(one)}
    bot.add(one)
    assert not sync.is_unfinished(bot.index)


@pytest.mark.parametrize("above", [True, False])
def test_an_unfinished_folder_is_done_with_when_one_above_it_is_read_or_it_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, above: bool
) -> None:
    monkeypatch.setattr(sync, "BATCH", 1)
    one, two = written(tmp_path / "in" / "one", a=TEXT, b=BREAD), written(tmp_path / "in" / "two", c=SNOW)
    bot = make_bot()
    interrupted(bot, one)
    if not above:
        shutil.rmtree(one)
    bot.add(tmp_path / "in" if above else two)
    assert not sync.is_unfinished(bot.index)


def test_an_earlier_version_s_unfinished_index_is_one(tmp_path: Path) -> None:
    bot = make_bot()
    bot.index.write_setting(sync.UNFINISHED, "yes")
    assert sync.is_unfinished(bot.index)
    bot.add(written(tmp_path, a=TEXT))
    assert not sync.is_unfinished(bot.index)


def test_an_unfinished_index_says_where_there_is_more(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "BATCH", 1)
    one, index = written(tmp_path / "one", a=BREAD, b=SNOW), tmp_path / "index"
    interrupted(Chatbot.open(index, parts=fake_parts()), one)
    said = run("ask", "--no-server", "--corpus", index, "Who sells rye bread in Gdansk?").stderr
    assert f"is not finished (1 articles so far, more in {one}): where no `rag index` is running" in said


def test_an_index_without_articles_is_not_asked(run: Callable[..., Result], tmp_path: Path, home: Path) -> None:
    run("index", tmp_path / "none", code=1)
    assert not home.exists()
    (tmp_path / "empty").mkdir()
    run("index", tmp_path / "empty", code=1)
    said = run("ask", "--no-server", "Who sells bread?", code=1).stderr
    assert "holds no articles: fill it with `rag index`, or delete that folder" in said


# ---------------------------------------------------------------- beside a process that writes


@pytest.mark.usefixtures("at_once")
def test_who_only_asks_does_not_need_to_write(articles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    other = Chatbot.from_directory(articles, parts=fake_parts())
    with other.index.transaction():
        assert Chatbot.from_directory(articles, parts=fake_parts()).report == IndexReport(unchanged=2)
        written(articles, new=SNOW)
        bot = Chatbot.from_directory(articles, parts=fake_parts())
        [(path, note)] = bot.report.notes
        assert (path, bot.count()) == (str(articles), 2)
        assert note.startswith("taken as it was indexed before: another process is writing")
        with pytest.raises(StoreError, match="another process is writing"):
            bot.add(articles)
    assert Chatbot.from_directory(articles, parts=fake_parts()).report.added == 1


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
