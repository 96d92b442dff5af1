"""Whatever the encoding of standard output and input, and whatever the disk says: an answer or one line, no trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import RagError
from rag.places import own_index

TESTS = Path(__file__).parent
SHIPS = (
    "Zürich, 3 May 2021 — The shipwright Łukasz Żak, at home Лукаш Жак (造船), repaired three ships — “all” of them 🙂."
)
QUESTION = "Who repaired three ships?"
WITH_FAKES = (
    f"import sys; sys.path.insert(0, {str(TESTS)!r}); import fakes; from rag.cli import run; run(load=fakes.fake_parts)"
)


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "ships.txt").write_text(SHIPS, encoding="utf-8")
    return folder


def rag(
    *arguments: str | Path | bytes, typed: bytes = b"", code: int = 0, output: object = subprocess.PIPE, **env: str
) -> tuple[bytes, str]:
    """What a real process, with fake models, writes to standard output and error."""
    done = subprocess.run(
        [sys.executable, "-c", WITH_FAKES, *arguments],
        input=typed, stdout=output, stderr=subprocess.PIPE, timeout=120, env={**os.environ, **env}, check=False,
    )  # fmt: skip
    said = done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert done.returncode == code, said
    return done.stdout or b"", said


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "Łukasz Żak, at home Лукаш Жак (造船)"),
        ("cp1252", r"\u0141ukasz \u017bak, at home \u041b\u0443\u043a\u0430\u0448"),
        ("latin-1", r"\u0141ukasz"),
        ("cp437", r"\u0141ukasz"),
        ("koi8-r", r"at home Лукаш Жак (\u9020\u8239)"),
        ("utf-16", "Łukasz Żak, at home Лукаш Жак (造船)"),
    ],
)
def test_an_answer_in_any_encoding(articles: Path, encoding: str, shown: str) -> None:
    out, _ = rag("ask", QUESTION, "--corpus", articles, PYTHONIOENCODING=encoding)
    assert shown in out.decode(encoding)
    out, _ = rag("ask", QUESTION, "--json", "--corpus", articles, PYTHONIOENCODING=encoding)
    assert json.loads(out.decode(encoding))["citations"][0]["quote"] == SHIPS
    out, _ = rag("chat", "--corpus", articles, typed=f"{QUESTION}\n".encode(encoding), PYTHONIOENCODING=encoding)
    assert shown in out.decode(encoding)


def test_an_answer_where_python_knows_ascii_alone(articles: Path) -> None:
    out, _ = rag("ask", QUESTION, "--corpus", articles, PYTHONIOENCODING="ascii")
    assert r"\u0141ukasz \u017bak, at home" in out.decode("ascii")
    out, _ = rag("ask", QUESTION, "--json", "--corpus", articles, PYTHONIOENCODING="ascii")
    assert json.loads(out.decode("ascii"))["citations"][0]["quote"] == SHIPS


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "POSIX"}]
)
def test_a_locale_that_is_c(articles: Path, locale: dict[str, str]) -> None:
    odd = os.fsencode(articles) + b"/caf\xe9 \xf0\x9f\x99\x82.txt"
    Path(os.fsdecode(odd)).write_bytes(SHIPS.encode())
    out, _ = rag("ask", "Who repaired three ships, Łukasz?".encode(), "--json", "--corpus", articles, **locale)
    answer = json.loads(out)
    assert answer["question"] == "Who repaired three ships, Łukasz?"
    assert answer["citations"][0]["quote"] == SHIPS
    out, _ = rag("documents", "--corpus", articles, **locale)
    assert out.count(b"\n") == 2
    assert json.loads(rag("documents", "--json", "--corpus", articles, **locale)[0])[1]["title"].startswith("Zürich")


@pytest.mark.parametrize(
    "typed",
    [
        b"Who rep\xe9aired three ships?\n\n",
        b"Who repaired\0 three ships?\n\n",
        b"\xff\xfe\xfd three ships repaired\n\n",
        "\ufeffWho repaired three ships?\r\n\r\n".encode(),
        "Who repaired three ships?\r\n".encode("utf-16"),
        b"Who repaired three ships? \xed\xa0\x80",
    ],
)
def test_what_is_typed_in_any_bytes(articles: Path, typed: bytes) -> None:
    out, said = rag("chat", "--corpus", articles, typed=typed, PYTHONIOENCODING="utf-8")
    assert "Łukasz Żak" in out.decode()
    assert said == ""


def test_streams_that_are_closed(articles: Path) -> None:
    command = [sys.executable, "-c", WITH_FAKES]
    for arguments, code in (
        ("ask x <&- >&-", 0), ("chat <&- >&-", 0), ("check x >&-", 0), ("ask x 2>&-", 0), ("check - <&- 2>&-", 1),
    ):  # fmt: skip
        line = f'"$0" "$@" {arguments} --corpus "{articles}"'
        done = subprocess.run(["bash", "-c", line, *command], capture_output=True, timeout=120, check=False)
        assert (done.returncode, done.stderr) == (code, b""), arguments


def test_a_text_to_check_comes_in_utf_16_too(articles: Path) -> None:
    out, _ = rag("check", "-", "--json", "--corpus", articles, typed="Anna repaired.".encode("utf-16"), code=3)
    assert json.loads(out)["text"] == "Anna repaired."


def test_control_characters_of_an_article_are_shown_and_not_sent_to_the_terminal(articles: Path) -> None:
    text = "The baker \x1b[2JAnna\x9b2J repaired three ships."
    (articles / "ships.txt").write_text(text, encoding="utf-8")
    shown = r"The baker \u001b[2JAnna\u009b2J repaired three ships."
    for command in (["ask", QUESTION], ["overview", "ships"], ["check", text], ["documents"]):
        out, _ = rag(*command, "--corpus", articles, PYTHONIOENCODING="utf-8")
        assert shown in out.decode(), command
        assert not {"\x1b", "\x9b"} & {*out.decode()}, command
    out, _ = rag("ask", QUESTION, "--json", "--corpus", articles, PYTHONIOENCODING="utf-8")
    assert json.loads(out)["citations"][0]["quote"] == text
    assert not {"\x1b", "\x9b"} & {*out.decode()}


# --- the disk --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_output_to_a_full_disk_is_one_line(articles: Path, more: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        _, said = rag("ask", QUESTION, *more, "--corpus", articles, output=full, code=1)
    assert said == "rag: the output could not be written (No space left on device); make room, or send it elsewhere\n"


def test_a_home_that_cannot_be_written_is_one_line_with_the_way_out(articles: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "home", Path("/proc/none")):
        _, said = rag("ask", QUESTION, "--corpus", articles, code=1, RAG_HOME=str(home))
        assert said.startswith("rag: ")
        assert said.count("\n") == 1
        assert "RAG_HOME" in said
    with_other = rag("ask", QUESTION, "--corpus", articles, RAG_HOME=str(tmp_path / "other"))
    assert "Łukasz Żak".encode() in with_other[0]


def test_a_user_without_a_home_is_told_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*_: object, **__: object) -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("RAG_HOME")
    monkeypatch.setattr("platformdirs.user_cache_dir", homeless)
    with pytest.raises(RagError, match="RAG_HOME"):
        own_index()


def test_odd_places_and_sizes_are_one_line(articles: Path) -> None:
    _, said = rag("ask", QUESTION, "--corpus", "x" * 5000, code=1)
    assert (said.startswith("rag: "), said.count("\n")) == (True, 1)
    _, said = rag("ask", QUESTION, "--max-file-megabytes", "inf", "--corpus", articles, code=1)
    assert said == "rag: max_file_megabytes is inf; expected at most 10000\n"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root mounts a disk of its own")
def test_an_index_on_a_full_disk_is_one_line_and_nothing_is_lost(articles: Path, tmp_path: Path) -> None:
    home = tmp_path / "small"
    home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", home], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        rag("ask", QUESTION, "--corpus", articles, RAG_HOME=str(home))
        (articles / "long.txt").write_text("".join(f"Ship number {n} was repaired in {n}.\n" for n in range(40_000)))
        _, said = rag("ask", QUESTION, "--corpus", articles, code=1, RAG_HOME=str(home))
        assert said.splitlines()[-1].startswith("rag: ")
        assert "full" in said
        assert "RAG_HOME" in said
        (articles / "long.txt").unlink()
        assert b"ukasz" in rag("ask", QUESTION, "--corpus", articles, RAG_HOME=str(home))[0]
    finally:
        subprocess.run(["umount", home], check=True)
