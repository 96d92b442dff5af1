"""The folder an index lies in: foreign, damaged, killed while writing, read by many while one writes."""

from __future__ import annotations

import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import pytest
from fakes import add, make_document, vector_of

from rag.errors import RagError, StoreError
from rag.index import Index, open_index
from rag.index import database as store
from rag.index.database import FILE_NAME, FORMAT_VERSION
from rag.language.text import words

MANIFEST = {"embedding": "fake|1", "chunk_tokens": "160"}
N_DOCUMENTS = 30
TESTS = Path(__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of three documents, closed."""
    index = open_index(tmp_path / "index", MANIFEST)
    for i, text in enumerate(("Bakers sell bread in Minsk.", "Sailors repair ships.", "Astronomers count stars.")):
        add(index, make_document(f"{i}.txt", text * 20))
    index.close()
    return tmp_path / "index"


def state(folder: Path) -> object:
    """Everything that a user can see of an index."""
    index = open_index(folder, MANIFEST)
    try:
        documents = list(index.documents())
        found = [index.search(q, vector_of(q), 50) for q in ("bread in Minsk", "ships", "stars", "breat", "zebra")]
        chunks = [index.get(one.chunk.id) for one in found[0]]
        return documents, found, chunks, {d.id: d.content_hash for d in documents}, index.read_setting("a")
    finally:
        index.close()


# --- round trip and manifest -----------------------------------------------------------------------------------------


def test_an_index_survives_closing(folder: Path) -> None:
    before = state(folder)
    assert state(folder) == before
    assert sorted(path.name for path in folder.iterdir()) == [FILE_NAME]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (MANIFEST | {"embedding": "other|1"}, r"built with embedding = 'fake\|1', asked for is 'other\|1'; ask with"),
        (MANIFEST | {"chunk_tokens": "99"}, "built with chunk_tokens = '160', asked for is '99'; ask with"),
        (MANIFEST | {"new": "1"}, "built with new = None, asked for is '1'"),
    ],
)
def test_an_index_made_in_another_way_is_refused(folder: Path, manifest: dict[str, str], message: str) -> None:
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(StoreError, match=message):
        open_index(folder, manifest)
    assert (folder / FILE_NAME).read_bytes() == before


def test_another_format_is_refused(folder: Path) -> None:
    connection = store.connect(folder / FILE_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(
        StoreError, match=f"has format 99, expected {FORMAT_VERSION}; delete the folder and index again"
    ):
        open_index(folder, MANIFEST)


def test_a_folder_of_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(StoreError, match="holds other files and no index; name an empty or a new folder"):
        open_index(tmp_path, MANIFEST)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="name another place"):
            open_index(path, MANIFEST)


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("CREATE TABLE songs (title)")
    connection.commit()
    connection.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(StoreError, match="is a database of another program; name another folder"):
        open_index(tmp_path, MANIFEST)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_who_only_looks_at_an_empty_file_binds_nobody(tmp_path: Path) -> None:
    """As a kill before the first change leaves it, and as it is for a moment while another process makes it."""
    (tmp_path / FILE_NAME).touch()
    looking = open_index(tmp_path, {})
    assert looking.count() == 0
    index = open_index(tmp_path, MANIFEST)
    add(index, make_document("0.txt", "Bakers sell bread."))
    assert looking.count() == 1
    index.close()
    looking.close()
    with pytest.raises(StoreError, match=r"built with embedding = 'fake\|1', asked for is 'other\|1'"):
        open_index(tmp_path, MANIFEST | {"embedding": "other|1"})


def test_an_index_of_documents_takes_up_no_manifest(tmp_path: Path) -> None:
    index = open_index(tmp_path / "index", {})
    add(index, make_document("0.txt", "Bakers sell bread."))
    index.close()
    with pytest.raises(StoreError, match="built with embedding = None"):
        open_index(tmp_path / "index", MANIFEST)


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"no database at all", b"\0" * 5000, random.Random(1).randbytes(50_000)])
def test_a_file_that_is_no_database_is_refused(folder: Path, content: bytes) -> None:
    (folder / FILE_NAME).write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged or not an index .* delete the folder and index the articles again"):
        open_index(folder, MANIFEST)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.8])
def test_a_truncated_file_is_refused(folder: Path, share: float) -> None:
    data = (folder / FILE_NAME).read_bytes()
    (folder / FILE_NAME).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(StoreError):
        state(folder)


@pytest.mark.parametrize("length", [1, 4, 64, 5000])
def test_damage_is_noticed_or_does_not_matter(folder: Path, tmp_path: Path, length: int) -> None:
    """Bytes changed anywhere: an error that says what to do, or the very same answers; never others."""
    data = (folder / FILE_NAME).read_bytes()
    expected = state(folder)
    chance = random.Random(length)
    noticed = 0
    for trial in range(60):
        at = chance.randrange(len(data) - length)
        damaged = tmp_path / f"damaged-{trial}"
        damaged.mkdir()
        (damaged / FILE_NAME).write_bytes(data[:at] + chance.randbytes(length) + data[at + length :])
        try:
            assert state(damaged) == expected
        except StoreError:
            noticed += 1
        shutil.rmtree(damaged)
    assert noticed > 30


def test_a_changed_byte_of_any_page_is_noticed_by_verify(folder: Path) -> None:
    """One bit of each page that holds anything; `verify` reads what no question would."""
    data = (folder / FILE_NAME).read_bytes()
    connection = store.connect(folder / FILE_NAME)
    size, free = connection.pragma("page_size"), connection.pragma("freelist_count")
    connection.close()
    unnoticed = 0
    for start in range(0, len(data), size):
        at = start + random.Random(start).randrange(size)
        (folder / FILE_NAME).write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        try:
            opened = open_index(folder, MANIFEST)
        except StoreError:
            continue
        try:
            opened.engine.verify()  # type: ignore[attr-defined]
            unnoticed += 1
        except StoreError:
            pass
        finally:
            opened.close()
    assert unnoticed <= free  # pages that hold nothing
    (folder / FILE_NAME).write_bytes(data)
    index = open_index(folder, MANIFEST)
    index.engine.verify()  # type: ignore[attr-defined]
    index.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE chunks SET vector = zeroblob(length(vector))",
        "UPDATE chunks SET text = 'lie'",
        "UPDATE documents SET text = 'lie'",
        "UPDATE words SET documents = 9",
    ],
)
def test_what_another_sqlite_has_written_is_noticed(folder: Path, change: str) -> None:
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="is damaged"):  # noqa: PT012
        index = open_index(folder, MANIFEST)
        try:
            index.engine.verify()  # type: ignore[attr-defined]
        finally:
            index.close()


@pytest.mark.parametrize("change", ["DELETE FROM codes", "DELETE FROM chunks WHERE key = 1"])
def test_words_and_vectors_of_other_passages_are_noticed(folder: Path, change: str) -> None:
    connection = store.connect(folder / FILE_NAME)
    connection.execute(change)
    connection.close()
    index = open_index(folder, MANIFEST)
    with pytest.raises(StoreError, match="its words or vectors are of other passages"):
        index.engine.verify()  # type: ignore[attr-defined]
    index.close()


def test_damage_while_it_is_open_is_an_error_too(folder: Path) -> None:
    index = open_index(folder, MANIFEST)
    with (folder / FILE_NAME).open("r+b") as file:
        file.truncate(4096)
    with pytest.raises(StoreError, match="delete the folder and index the articles again"):  # noqa: PT012
        for _ in range(2):
            index.search("bread", None, 5)
            list(index.documents())
    index.close()


def test_a_closed_index_is_a_bug_of_the_caller_and_not_damage(folder: Path) -> None:
    index = open_index(folder, MANIFEST)
    index.close()
    with pytest.raises(apsw.ConnectionClosedError):
        index.search("bread", None, 5)


# --- deletion --------------------------------------------------------------------------------------------------------


def traces(folder: Path, word: str) -> list[str]:
    return [path.name for path in folder.iterdir() if word.encode() in path.read_bytes().lower()]


def test_what_is_removed_is_in_no_byte_of_the_files(folder: Path) -> None:
    index = open_index(folder, MANIFEST)
    add(
        index, make_document("secret.txt", "The password is Xylophonequartz, they said. " * 50, title="Xylophonequartz")
    )
    assert index.search("Xylophonequartz", None, 1)[0].chunk.document_id == "secret.txt"
    assert traces(folder, "xylophone")
    index.remove("secret.txt")
    assert traces(folder, "xylophone") == []  # even before it is closed
    index.close()
    assert traces(folder, "xylophone") == []
    assert traces(folder, "bakers") == [FILE_NAME]


def test_what_is_replaced_is_in_no_byte_of_the_files(folder: Path) -> None:
    index = open_index(folder, MANIFEST)
    add(index, make_document("secret.txt", "The password is Xylophonequartz."))
    add(index, make_document("secret.txt", "The password is no longer told."))
    index.close()
    assert traces(folder, "xylophone") == []


def test_what_is_removed_while_others_read_is_gone_once_all_have_closed(folder: Path) -> None:
    index, other = open_index(folder, MANIFEST), open_index(folder, MANIFEST)
    add(index, make_document("secret.txt", "The password is Xylophonequartz."))
    with other.engine.snapshot() as connection:  # a reader in the middle of its reading
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (4,)
        index.remove("secret.txt")
    index.close()
    other.close()
    assert traces(folder, "xylophone") == []


def test_a_change_stands_where_the_log_cannot_be_emptied(folder: Path) -> None:
    """As on a full disk."""

    def refuse(action: int, name: str | None, *_: object) -> int:
        refused = action == apsw.SQLITE_PRAGMA and name == "wal_checkpoint"
        return apsw.SQLITE_DENY if refused else apsw.SQLITE_OK

    index = open_index(folder, MANIFEST)
    with index.transaction(), index.engine.snapshot() as writer:
        writer.authorizer = refuse
    assert index.remove("0.txt") is True
    assert [document.id for document in index.documents()] == ["1.txt", "2.txt"]
    assert writer.pragma("busy_timeout") == store.BUSY_SECONDS * 1000
    writer.authorizer = None
    index.close()
    assert traces(folder, "bakers") == []


# --- killed while writing --------------------------------------------------------------------------------------------

WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store import MANIFEST, write_generation
from rag.index import open_index
index = open_index(Path(sys.argv[1]), MANIFEST)
generation = int(sys.argv[3])
print("ready", flush=True)
while True:
    write_generation(index, "AB"[generation % 2])
    generation += 1
"""


def write_generation(index: Index, generation: str) -> None:
    """All documents of one generation in place of the other's; the generations differ in number and in words."""
    n = N_DOCUMENTS if generation == "A" else N_DOCUMENTS - 5
    with index.transaction():
        for i in range(n, N_DOCUMENTS):
            index.remove(f"{i:02}.txt")
        for i in range(n):
            text = f"Generation {generation * 7} is told by article {i}. Its author is Mr. {generation}uthor{i}. " * 3
            add(index, make_document(f"{i:02}.txt", text, title=f"{generation * 7} {i}"), 40)
        index.write_setting("state", generation)


def check_whole(index: Index) -> str:
    """The one generation that every structure of the index holds."""
    with index.engine.snapshot() as connection:
        [(generation,)] = connection.execute("SELECT value FROM manifest WHERE key = 'setting.state'").fetchall()
        documents = connection.execute("SELECT id, text, words FROM documents ORDER BY id").fetchall()
        chunks = connection.execute("SELECT key, document_id, text, length(vector) FROM chunks ORDER BY key").fetchall()
        known = {word for (word,) in connection.execute("SELECT word FROM words")}
        stems = {stem for (stem,) in connection.execute("SELECT name FROM postings")}
    n = N_DOCUMENTS if generation == "A" else N_DOCUMENTS - 5
    assert [document_id for document_id, _, _ in documents] == [f"{i:02}.txt" for i in range(n)]
    mark, other = generation * 7, ("B" if generation == "A" else "A") * 7
    for _, text, vocabulary in documents:
        assert mark in text
        assert other.lower() not in vocabulary
        assert mark.lower() in vocabulary
    assert {document_id for _, document_id, _, _ in chunks} == {document_id for document_id, _, _ in documents}
    assert (mark.lower() in known, other.lower() in known) == (True, False)
    assert (mark.lower() in stems, other.lower() in stems) == (True, False)
    index.engine.verify()  # type: ignore[attr-defined]
    assert {length for _, _, _, length in chunks} == {256}
    return str(generation)


def check_searchable(index: Index) -> None:
    """Search sees one generation in one call, whichever it is."""
    query = f"{'A' * 7} {'B' * 7} author generation"
    found = index.search(query, vector_of(query), 400, 400)
    told = {word for one in found for word in words(f"{one.chunk.title} {one.chunk.text}")} & {"a" * 7, "b" * 7}
    assert len(told) == 1, told
    named = {i for one in found for i in (one.chunk.id, *one.duplicates)}
    n_documents = len({i.split("#")[0] for i in named})
    assert n_documents == (N_DOCUMENTS if told == {"a" * 7} else N_DOCUMENTS - 5)


def start_writer(folder: Path, generation: int = 0) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), str(TESTS), str(generation)],
        stdout=subprocess.PIPE, text=True, cwd=TESTS.parent,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def generations(tmp_path: Path) -> Path:
    folder = tmp_path / "generations"
    index = open_index(folder, MANIFEST)
    write_generation(index, "B")
    index.close()
    return folder


def test_a_kill_at_any_moment_leaves_the_old_or_the_new(generations: Path) -> None:
    chance = random.Random(0)
    seen: list[str] = []
    for trial in range(200):  # on a busy machine the writer gets less far in its time
        if trial >= 25 and set(seen) == {"A", "B"}:
            break
        process = start_writer(generations, trial)
        time.sleep(chance.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.wait()
        index = open_index(generations, MANIFEST)
        seen.append(check_whole(index))
        check_searchable(index)
        index.close()
    assert set(seen) == {"A", "B"}


def test_a_kill_on_the_first_indexing_leaves_nothing_or_all(tmp_path: Path) -> None:
    for trial in range(5):
        folder = tmp_path / str(trial)
        process = start_writer(folder)
        time.sleep(0.02 * trial)
        process.kill()
        process.wait()
        index = open_index(folder, MANIFEST)
        if index.read_setting("state"):
            check_whole(index)
        else:
            assert list(index.documents()) == []
            assert index.search("generation", vector_of("generation"), 5) == []
        index.close()


# --- many readers, one writer ----------------------------------------------------------------------------------------

READER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store import MANIFEST, check_searchable, check_whole
from rag.index import open_index
end, rounds, seen = time.monotonic() + float(sys.argv[3]), 0, set()
while time.monotonic() < end:
    index = open_index(Path(sys.argv[1]), MANIFEST)
    for _ in range(5):
        seen.add(check_whole(index))
        check_searchable(index)
        rounds += 1
    index.close()
print(rounds, "".join(sorted(seen)))
"""


def test_readers_see_one_state_while_another_process_writes(generations: Path) -> None:
    writer = start_writer(generations)
    try:
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", READER, str(generations), str(TESTS), "4"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TESTS.parent,
            )
            for _ in range(2)
        ]  # fmt: skip
        seen = set()
        for reader in readers:
            out, err = reader.communicate(timeout=120)
            assert reader.returncode == 0, err
            rounds, states = out.split()
            assert int(rounds) > 0
            seen |= set(states)
    finally:
        writer.kill()
        writer.wait()
    assert seen == {"A", "B"}


def test_threads_read_one_state_while_another_thread_writes(generations: Path) -> None:
    index = open_index(generations, MANIFEST)
    errors: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                check_whole(index)
                check_searchable(index)
        except BaseException as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for generation in "ABABABAB":
        write_generation(index, generation)
    stop.set()
    for reader in readers:
        reader.join()
    index.close()
    assert errors == []


def test_threads_go_on_reading_while_a_long_change_is_under_way(folder: Path) -> None:
    index = open_index(folder, MANIFEST)
    found: list[int] = []
    with index.transaction():
        index.remove("0.txt")
        reader = threading.Thread(target=lambda: found.append(len(list(index.documents()))))
        reader.start()
        reader.join(10)
        assert found == [3]  # the last complete state, at once
        assert len(list(index.documents())) == 2
    assert len(list(index.documents())) == 2
    index.close()


def test_an_index_can_be_opened_while_another_process_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.2)
    writer, reader = open_index(folder, MANIFEST), None
    with writer.transaction():
        writer.remove("0.txt")
        reader = open_index(folder, MANIFEST)
        assert len(list(reader.documents())) == 3
    assert len(list(reader.documents())) == 2
    reader.close()
    writer.close()


def test_a_second_writer_is_told_when_it_has_waited_too_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.2)
    first, second = open_index(folder, MANIFEST), open_index(folder, MANIFEST)
    with first.transaction():
        first.remove("0.txt")
        with pytest.raises(StoreError, match="another process is writing the index; try again when it has finished"):
            second.remove("1.txt")
    assert second.remove("1.txt") is True  # and can try again
    assert [document.id for document in first.documents()] == ["2.txt"]
    first.close()
    second.close()


def test_a_second_writer_waits(folder: Path) -> None:
    first, second = open_index(folder, MANIFEST), open_index(folder, MANIFEST)
    waiting = threading.Thread(target=lambda: second.remove("1.txt"))
    with first.transaction():
        first.remove("0.txt")
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(20)
    assert [document.id for document in first.documents()] == ["2.txt"]
    first.close()
    second.close()


def test_several_processes_may_make_one_new_index(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]); from fakes import add, make_document\n"
        "from rag.index import open_index\n"
        "index = open_index(Path(sys.argv[1]), {'embedding': 'fake'})\n"
        "add(index, make_document(sys.argv[3], 'Some text.'))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "new"), str(TESTS), f"{i}.txt"],
            stderr=subprocess.PIPE, text=True, cwd=TESTS.parent,
        )
        for i in range(5)
    ]  # fmt: skip
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    index = open_index(tmp_path / "new", {"embedding": "fake"})
    assert [document.id for document in index.documents()] == [f"{i}.txt" for i in range(5)]
    index.close()


def test_errors_of_the_store_are_mendable() -> None:
    assert issubclass(StoreError, RagError)


def test_no_pickle_anywhere() -> None:
    forbidden = re.compile(r"\b(?:pickle|joblib|dill|shelve|marshal)\b|allow_pickle\s*=\s*True|torch\.load\(|\.bin\b")
    sources = sorted((TESTS.parent / "rag").rglob("*.py"))
    assert len(sources) > 10
    assert [path.name for path in sources if forbidden.search(path.read_text(encoding="utf-8"))] == []
