"""`rag ask` by a server that runs already: the same answer as without it, or none; and servers in the background."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
import uvicorn
from fakes import fake_parts
from test_cli import Run
from test_writing import FakeGenerator, WordVerifier

from rag.cli import app
from rag.config import Settings
from rag.errors import RagError
from rag.grounding.generators import Generator
from rag.parts import Parts
from rag.pipeline import Chatbot
from rag.serve import background
from rag.serve.access import Access
from rag.serve.api import create_app
from rag.serve.local import Local
from rag.serve.record import Record, announced, is_true, records
from rag.served import Served

QUESTION = "Who sells rye bread in Gdansk?"
SAID = "rag: answered by the server at http://127.0.0.1:"


def written(settings: Settings | None = None, generator: Generator | None = None) -> Parts:
    """Parts with a language model, whatever is named."""
    says = "Anna Kowalska sells rye bread in Gdansk [{0}]. She sells ships."
    return replace(fake_parts(settings, FakeGenerator(says)), verifier=WordVerifier())


def served_of(corpus: Path, load: Callable[..., Parts] = fake_parts) -> Served:
    return Served.of(corpus, Settings(), load=load)


@contextmanager
def serving(corpus: Path, load: Callable[..., Parts] = fake_parts, **differing: Any) -> Iterator[Record]:
    """A server over a folder of articles, with a record that may differ from what it is."""
    bot = Chatbot.from_directory(corpus, parts=load())
    access = differing.pop("access", Access())
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    record = Record(address, os.getpid(), served_of(corpus, load), bool(access.credentials))
    made = create_app(bot, access, local=Local(record, corpus))
    server = uvicorn.Server(uvicorn.Config(made, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        with announced(replace(record, **differing)):
            yield record
    finally:
        server.should_exit = True
        thread.join()


def without_times(text: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(text)
    assert made.pop("seconds")
    return made


@pytest.mark.parametrize(
    "options",
    [
        [QUESTION],
        ["How many people live in Reykjavik?"],
        ["Who are you?"],
        [QUESTION, "--explain"],
        [QUESTION, "--in", "ships.txt"],
        ["Where were ships repaired?", "--since", "2021", "--until", "2021-06"],
        ["When did she open her shop?", "--history", "Who is Anna Kowalska?"],
    ],
)
def test_a_server_answers_as_the_process_itself_would(run: Run, articles: Path, options: list[str]) -> None:
    (articles / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    asked = ["ask", "--corpus", articles, *options]
    with serving(articles):
        by_server, here = run(*asked), run(*asked, "--no-server")
        as_json, json_here = run(*asked, "--json"), run(*asked, "--json", "--no-server")
    assert by_server.stdout == here.stdout
    assert without_times(as_json.stdout) == without_times(json_here.stdout)
    assert as_json.stdout.count("\n") == 1
    for told, alone in ((by_server, here), (as_json, json_here)):
        *others, said = told.stderr.splitlines(keepends=True)
        assert said.startswith(SAID)
        assert "".join(others) == alone.stderr
        assert "broken.pdf" in alone.stderr
    assert SAID not in run(*asked).stderr  # the server is gone, and its record too


@pytest.mark.parametrize("options", [[], ["--explain"]])
def test_a_language_model_words_it_as_it_would_here(run: Run, articles: Path, options: list[str]) -> None:
    asked = ["ask", "--corpus", articles, QUESTION, *options]
    with serving(articles, written):
        by_server, here = run(*asked, load=written), run(*asked, "--no-server", load=written)
        assert run(*asked).stdout.startswith("The baker")  # other parts: here
    assert by_server.stdout == here.stdout
    assert by_server.stdout.startswith("Anna Kowalska sells rye bread in Gdansk. [1]\n(worded by fake;")
    assert by_server.stderr.startswith(SAID)
    assert ("dropped, supported with 0%: She sells ships." in here.stdout) is bool(options)


def test_what_changed_since_the_server_started_is_in_its_answer(run: Run, articles: Path) -> None:
    asked = ["ask", "--corpus", articles, QUESTION]
    with serving(articles):
        assert "Kowalska" in run(*asked).stdout
        (articles / "bread.txt").write_text("The baker Jan Nowak sells rye bread in Gdansk.")
        (articles / "more.txt").write_text("The lighthouse of Gdansk is closed.")
        changed = run(*asked)
        assert changed.stdout.startswith("The baker Jan Nowak sells rye bread in Gdansk. [1]\n")
        assert changed.stderr.startswith(SAID)
        (articles / "bread.txt").unlink()
        assert run(*asked).stdout.startswith("The articles do not say.")
        assert "closed" in run("ask", "--corpus", articles, "Is the lighthouse of Gdansk closed?").stdout


def test_an_index_made_by_rag_index_is_read_as_it_is_now(run: Run, articles: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    run("index", articles, "--index", folder)
    bot = Chatbot.open(folder, parts=fake_parts())
    record = Record("http://127.0.0.1:1/", os.getpid(), served_of(folder))
    assert Local(record, None).look(bot).added == 0
    (articles / "more.txt").write_text("The lighthouse of Gdansk is closed.")
    run("index", articles, "--index", folder)
    assert bot.count() == 3  # what another process writes is there at once
    (folder / "index.sqlite").rename(folder / "old")
    assert served_of(folder) != record.served  # another file: the server would answer from the old one


@pytest.mark.parametrize(
    ("differing", "options"),
    [
        ({}, ["--no-server"]),
        ({}, ["--mark"]),
        ({}, ["--reader", "sentence"]),
        ({}, ["--max-file-megabytes", "1"]),
        ({"access": Access(api_key="secret")}, []),
        ({"access": Access(password="secret")}, []),
        ({"token": "0" * 64}, []),
        ({"pid": 1}, []),
        ({"address": "http://127.0.0.1:9/"}, []),
    ],
)
def test_any_other_server_is_not_asked(run: Run, articles: Path, differing: dict[str, Any], options: list[str]) -> None:
    with serving(articles, **differing):
        result = run("ask", "--corpus", articles, QUESTION, *options)
    assert "Kowalska" in result.stdout
    assert SAID not in result.stderr


@pytest.mark.parametrize("field", ["version", "rest", "number", "generator"])
def test_a_server_of_another_program_or_index_is_not_asked(run: Run, articles: Path, field: str) -> None:
    Chatbot.from_directory(articles, parts=fake_parts())
    other = replace(served_of(articles), **{field: 7 if field == "number" else "other"})
    with serving(articles, served=other):
        assert SAID not in run("ask", "--corpus", articles, QUESTION).stderr


def test_other_environment_of_a_language_model_is_another_server(
    articles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Served.of(articles, Settings(), "openai:one")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert Served.of(articles, Settings(), "openai:one") != made
    assert Served.of(articles, Settings(), "") == Served.of(articles, Settings(), "")


@pytest.mark.parametrize("options", [[""], ["x" * 2001], [QUESTION, "--in", "Pravda"], [QUESTION, "--since", "May"]])
def test_mistakes_are_told_as_without_a_server(run: Run, articles: Path, options: list[str]) -> None:
    asked = ["ask", "--corpus", articles, *options]
    with serving(articles):
        result = run(*asked, code=1)
        assert (result.stdout, result.stderr) == ("", run(*asked, "--no-server", code=1).stderr)


def test_the_record_is_its_owners_and_goes_with_the_server(articles: Path) -> None:
    with serving(articles) as record:
        assert record.file.stat().st_mode & 0o777 == 0o600
        assert records(record.file.parent) == [record]
        assert is_true(record)
        (record.file.parent / "server-1.json").write_text('{"address": "of another version"}')
        (record.file.parent / "server-2.json").write_bytes(b"\xff{")
        assert records(record.file.parent) == [record]
    assert records(record.file.parent) == []
    assert not is_true(record)


def test_the_record_of_a_later_server_stays(articles: Path) -> None:
    Chatbot.from_directory(articles, parts=fake_parts())
    first = Record("http://127.0.0.1:9/", 1, served_of(articles))
    second = replace(first, token="later")
    with announced(first), announced(second):
        assert records(first.file.parent) == [second]
    with announced(second):
        with announced(first):
            second.file.write_text(second.file.read_text().replace(first.token, "later"))
        assert records(first.file.parent) == [second]


def test_whoever_has_taken_the_port_is_sent_no_token(run: Run, articles: Path) -> None:
    """A server was killed, and another program listens where it did."""
    heard: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.path}\n{self.headers}")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok", "documents": 2, "proof": "0"}')

        def log_message(self, *_: object) -> None:
            pass

    Chatbot.from_directory(articles, parts=fake_parts())
    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        record = Record(f"http://127.0.0.1:{other.server_port}/", os.getpid(), served_of(articles))
        with announced(record):
            assert SAID not in run("ask", "--corpus", articles, QUESTION).stderr
        other.shutdown()
    assert len(heard) == 1
    assert record.token not in heard[0]


def test_the_full_answer_wants_the_token(articles: Path) -> None:
    import httpx

    with serving(articles) as record:
        for headers in ({}, {"Authorization": "Bearer 0"}):
            answer = httpx.post(f"{record.address}api/local/ask", json={"question": QUESTION}, headers=headers)
            assert answer.status_code == 401
        assert httpx.get(f"{record.address}healthz").json() == {"status": "ok", "documents": 2}
        assert "local" not in httpx.get(f"{record.address}openapi.json").text


def test_asking_a_server_loads_no_model_library() -> None:
    code = "import json, sys, rag.cli, rag.serve.neighbour, rag.served; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert "rag.served" in loaded
    heavy = {"torch", "transformers", "gradio", "fastapi", "uvicorn", "faiss", "trafilatura", "sentence_transformers"}
    assert heavy.isdisjoint(loaded)


# --- in the background -----------------------------------------------------------------------------------------------


def test_a_server_that_fails_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    code = "import sys; print('one\\n' * 9 + 'rag: port 1 cannot be listened on', file=sys.stderr); sys.exit(1)"
    with pytest.raises(RagError, match=r"ended with code 1; the end of its log .*\n(one\n){4}rag: port 1 cannot"):
        background.start([sys.executable, "-c", code], tmp_path)
    assert background.log_of(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_server_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    make = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *given, **named: started.append(make(*given, **named)) or started[0]
    )
    with pytest.raises(RagError, match=r"did not answer within 0\.5 s and was ended; its log .* is empty"):
        background.start([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, seconds=0.5)
    assert started[0].returncode not in (None, 0)


def test_only_a_server_of_the_background_is_stopped(run: Run, articles: Path) -> None:
    nothing = "rag: no server of this index runs in the background"
    stop = ["serve", "--stop", "--corpus", articles]
    assert run(*stop, code=1).stderr == f"{nothing}\n"
    with serving(articles) as record:
        assert run(*stop, code=1).stderr == (
            f"{nothing}; the one at {record.address} was started in a terminal, end it there\n"
        )
        assert is_true(record)
        assert background.started(record.served, []).startswith(f"A server is running already: {record.address} ")


def test_a_program_with_parts_of_its_own_starts_none(run: Run, articles: Path) -> None:
    result = run("serve", "--background", "--corpus", articles, code=1)
    assert "a program's own parts cannot be handed to a server in the background" in result.stderr


def test_the_other_process_is_given_the_same_options(tmp_path: Path) -> None:
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    names = ["--allowed-host", "a.example", "--allowed-host", "b.example"]
    given = ["--background", "--port", "0", "--browser", "--keep-uploads", str(tmp_path), *names]
    made = background.options_of(command.make_context("serve", given))
    defaults = ["--host=127.0.0.1", "--max-file-megabytes=25.0", "--reader=default", "--generator=", "--root-path="]
    told = [
        "--port=0",
        "--browser",
        f"--keep-uploads={tmp_path}",
        "--allowed-host=a.example",
        "--allowed-host=b.example",
    ]
    assert sorted(made) == sorted([*told, *defaults])


@pytest.mark.models
def test_a_real_server_in_the_background(articles: Path) -> None:
    def rag(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rag.cli", arguments[0], "--corpus", articles, *arguments[1:]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stderr
        return done

    started = rag("serve", "--background", "--port", "0")
    try:
        assert started.stdout.startswith("The chat is at http://127.0.0.1:")
        assert "running already" in rag("serve", "--background", "--port", "0").stdout
        asked = rag("ask", "--json", QUESTION)
        assert asked.stderr.startswith(SAID)
        assert "Kowalska" in asked.stdout
        assert "with other options" in rag("serve", "--background", "--reader", "sentence", code=1).stderr
    finally:
        assert rag("serve", "--stop").stdout.startswith("stopped the server at http://127.0.0.1:")
    assert "no server of this index" in rag("serve", "--stop", code=1).stderr
    here = rag("ask", "--json", QUESTION)
    assert here.stderr == ""
    assert without_times(here.stdout) == without_times(asked.stdout)


def test_files_that_go_while_they_are_looked_at_are_as_if_they_had_not_been_there(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = tmp_path / "reader"
    reader.mkdir()
    settings = Settings(reader=str(reader))
    without = Served.of(articles, settings)
    (reader / "vocab.txt").write_text("rye")
    assert Served.of(articles, settings) != without
    look = Path.stat

    def gone(path: Path, **options: bool) -> os.stat_result:
        if path.name == "vocab.txt":
            raise FileNotFoundError(path)
        return look(path, **options)

    monkeypatch.setattr(Path, "is_file", lambda path: path.name == "vocab.txt" or os.path.isfile(path))
    monkeypatch.setattr(Path, "stat", gone)
    assert Served.of(articles, settings) == without
