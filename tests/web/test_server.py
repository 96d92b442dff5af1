"""What the server serves, to whom, and what it refuses."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import gradio as gr
import httpx
import pytest
from fakes import fake_parts
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner

from rag.cli import app
from rag.errors import RagError
from rag.places import seeds
from rag.serve.access import Access
from rag.serve.gate import Gate
from rag.serve.limits import FINISH_SECONDS, Limits
from rag.serve.page import layout
from rag.serve.page.handlers import OWN_WORDS
from rag.serve.server import running, serve
from rag.types import IndexReport
from tests.web.conftest import Talk, articles

pytestmark = pytest.mark.timeout(60)
ROOT = Path(__file__).resolve().parents[2]


def raw(address: str, path: str, host: str | None = None) -> tuple[int, bytes]:
    """GET of a path exactly as written, which httpx would tidy."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or place.netloc)
    connection.endheaders()
    response = connection.getresponse()
    return response.status, response.read()


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        f"/gradio_api/file={ROOT}/app.py",
        f"/gradio_api/file={ROOT}/seeds/000_f8c9c8bafd1683fa.txt",
        "/gradio_api/file=app.py",
        "/gradio_api/file/app.py",
        "/file=/etc/passwd",
        "/gradio_api/file=https://example.com/",
        "/gradio_api/file=http://127.0.0.1:22/",
        "/gradio_api/proxy=https://example.com/",
        "/gradio_api/custom_component/x/client/component/../../../app.py",
        "/static/../../../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2f..%2fetc/passwd",
        "/assets//etc/passwd",
        "/svelte/../app.py",
        "/gradio_api/runs",
        "/gradio_api/stream/x/y/z/playlist-file",
        "/monitoring",
        "/docs",
        "/gradio_api/deep_link",
    ],
)
def test_no_file_outside_the_page_is_served(served: str, path: str) -> None:
    status, body = raw(served, path)
    assert status in (403, 404)
    assert b"root:" not in body
    assert b"def build" not in body


def test_uploaded_file_cannot_be_fetched_nor_a_foreign_path_be_indexed(served: str) -> None:
    text = b"The codeword is puffin."
    sent = httpx.post(f"{served}gradio_api/upload", files={"files": ("u.txt", text)})
    (path,) = sent.json()
    assert Path(path).read_bytes() == text
    assert raw(served, f"/gradio_api/file={path}")[0] == 404
    assert "puffin" in _upload_event(served, {"path": path, "meta": {"_type": "gradio.FileData"}})
    assert not list(Path(os.environ["GRADIO_TEMP_DIR"]).rglob("u.txt"))
    for foreign in ("/etc/hostname", str(ROOT / "app.py"), "http://127.0.0.1:1/x.txt"):
        made = _upload_event(served, {"path": foreign, "meta": {"_type": "gradio.FileData"}})
        assert "def build" not in made
        assert '"success":true' not in made.replace(" ", ""), made
    assert (ROOT / "app.py").is_file()


def _upload_event(address: str, file: dict[str, object]) -> str:
    config = httpx.get(f"{address}config").json()
    enter = next(d for d in config["dependencies"] if d["api_name"] == "page_enter")
    upload = next(d for d in config["dependencies"] if d["api_name"] == "page_upload")
    entered = httpx.post(
        f"{address}gradio_api/run/predict", json={"fn_index": enter["id"], "data": [[], ""], "session_hash": "abc"}
    ).json()
    token = entered["data"][0]
    body = {"fn_index": upload["id"], "data": [[file], token], "session_hash": "abc"}
    httpx.post(f"{address}gradio_api/queue/join", json=body)
    with httpx.stream("GET", f"{address}gradio_api/queue/data", params={"session_hash": "abc"}, timeout=20) as stream:
        made = ""
        for line in stream.iter_lines():
            made += line
            if "process_completed" in line or "close_stream" in line:
                break
    return made


@pytest.mark.parametrize(
    "name", ["../../../../tmp/owned.txt", "..\\owned.txt", "a\0b.txt", "CON.txt", "/etc/owned.txt"]
)
def test_name_of_an_upload_stays_in_its_folder(served: str, name: str) -> None:
    sent = httpx.post(f"{served}gradio_api/upload", files={"files": (name, b"Text of an owned file.")})
    if sent.status_code == 200:
        (path,) = sent.json()
        assert Path(path).resolve().is_relative_to(Path(os.environ["GRADIO_TEMP_DIR"]).resolve())
        Path(path).unlink()
    assert not Path("/tmp/owned.txt").exists()


def test_upload_that_is_too_large_is_refused(served: str) -> None:
    assert httpx.post(f"{served}gradio_api/upload", files={"files": ("u.txt", b"x" * 150_000)}).status_code == 413
    assert httpx.post(f"{served}gradio_api/upload", files={"files": ("u.txt", b"x" * 11_000_000)}).status_code == 413
    # without a length, as programs that make their files on the way send them
    form = b'--b\r\nContent-Disposition: form-data; name="files"; filename="u.txt"\r\n\r\n%s\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    for size, status in ((10, 200), (150_000, 413), (11_000_000, 413)):
        pieces = iter([form % (b"x" * size)])
        sent = httpx.post(f"{served}gradio_api/upload", content=pieces, headers=headers)
        assert sent.status_code == status
        if status == 200:
            Path(sent.json()[0]).unlink()


@pytest.mark.parametrize("length", [True, False])
def test_disk_of_uploads_has_an_end(tmp_path: Path, length: bool) -> None:
    async def takes_all(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    limits = Limits(files=1, file_megabytes=0.001)  # some 10 MB at once, 40 MB in all
    page = Starlette(routes=[Route("/gradio_api/upload", takes_all, methods=["POST"])])
    gate = Gate(page, Access(), limits, tmp_path)
    (tmp_path / "waiting").write_bytes(b"x" * (limits.waiting_bytes - 1000))
    with TestClient(gate, base_url="http://127.0.0.1") as client:

        def sent(size: int) -> int:
            body = b"x" * size
            return client.post("/gradio_api/upload", content=body if length else iter([body])).status_code

        assert [sent(900), sent(1100)] == [200, 507]
        (tmp_path / "waiting").unlink()
        assert [sent(1100), sent(limits.upload_bytes), sent(limits.upload_bytes + 1)] == [200, 200, 413]


def test_server_fetches_nothing_for_a_client(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    async def fetch(url: str, *rest: object) -> None:
        fetched.append(url)
        raise ValueError("fetched")

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_get", fetch)
    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", fetch)
    record = {"path": "https://example.com/x.txt", "meta": {"_type": "gradio.FileData"}}
    for data in ([record], [{"nested": [record]}], ["q", [record]]):
        httpx.post(f"{served}gradio_api/run/ask", json={"data": data})
        made = httpx.post(f"{served}gradio_api/call/ask", json={"data": data}).json()
        httpx.get(f"{served}gradio_api/call/ask/{made['event_id']}", timeout=20)
    _upload_event(served, record)
    assert fetched == []


def test_other_host_names_are_refused(served: str) -> None:
    assert raw(served, "/", host="evil.example:7860")[0] == 421
    assert raw(served, "/", host="localhost:7860")[0] == 200


def test_other_sites_cannot_read_answers(served: str) -> None:
    answer = httpx.get(f"{served}config", headers={"origin": "https://evil.example"})
    assert answer.headers.get("access-control-allow-origin") != "*"
    assert "evil" not in answer.headers.get("access-control-allow-origin", "")


def test_headers_keep_the_page_in(served: str) -> None:
    headers = httpx.get(served).headers
    assert "connect-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_it_listens_to_this_machine_alone_and_does_not_share(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def mount(application: object, blocks: object, **given: object) -> object:
        asked.update(given)
        return application

    monkeypatch.setattr("gradio.mount_gradio_app", mount)
    monkeypatch.setattr("gradio.Blocks.launch", lambda *_, **__: pytest.fail("a launch could share the page"))
    monkeypatch.setenv("GRADIO_SHARE", "True")
    with running(articles(), examples=[]) as address:
        assert urlsplit(address).hostname == "127.0.0.1"
    assert asked["mcp_server"] is False
    assert asked["auth"] is None
    assert asked["enable_monitoring"] is False


def test_the_end_does_not_wait_for_open_pages() -> None:
    with contextlib.ExitStack() as stack:
        with running(articles(), examples=[]) as address:
            opened = stack.enter_context(httpx.stream("GET", f"{address}gradio_api/heartbeat/here", timeout=20))
            assert opened.status_code == 200
            began = time.monotonic()
        assert time.monotonic() - began < FINISH_SECONDS / 2


def test_an_interrupt_is_the_usual_end_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uvicorn.Server.run", interrupted)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    serve(articles(), port=0)


def test_a_session_does_not_grow_with_its_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio_client import Client

    built: list[gr.Blocks] = []
    make = layout.build
    monkeypatch.setattr(layout, "build", lambda *given, **named: built.append(make(*given, **named)) or built[0])
    with running(articles(), examples=[]) as address:
        client = Client(address, verbose=False)
        token = client.predict([], "", api_name="/page_enter")[0]
        held = []
        for _ in range(5):
            asked = json.dumps({"question": "When did the minister arrive in Minsk?", "alone": True})
            assert "Monday" in json.dumps(client.predict(asked, token, OWN_WORDS, api_name="/page_ask"))
            states = built[0].state_holder.session_data.values()
            held.append([(len(s.blocks_config.blocks), len(s.config_values)) for s in states])
    assert held == held[:1] * 5
    assert len(built[0]._queue.event_analytics) <= 1


def test_command_line_serves_with_its_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[object, ...]] = []
    opened = staticmethod(lambda corpus, *_, **__: SimpleNamespace(corpus=corpus, report=IndexReport()))
    monkeypatch.setattr("rag.pipeline.Chatbot.from_directory", opened)
    monkeypatch.setattr("rag.serve.server.serve", lambda bot, *given: asked.append((bot.corpus, *given[:6])))
    kept = tmp_path / "kept"
    given = ["--corpus", tmp_path, "--port", 0, "--host", "::1", "--keep-uploads", kept, "--browser"]
    proxied = ["--root-path", "/rag", "--allowed-host", "a.example", "--allowed-host", "b.example"]
    for options in ([], [*given, *proxied]):
        assert CliRunner().invoke(app, ["serve", *map(str, options)], obj=fake_parts).exit_code == 0
    monkeypatch.setenv("RAG_ROOT_PATH", "/env")
    monkeypatch.setenv("RAG_ALLOWED_HOSTS", "c.example d.example")
    assert CliRunner().invoke(app, ["serve"], obj=fake_parts).exit_code == 0
    assert asked == [
        (seeds(), "127.0.0.1", 7860, None, False, "", ()),
        (tmp_path, "::1", 0, kept, True, "/rag", ["a.example", "b.example"]),
        (seeds(), "127.0.0.1", 7860, None, False, "/env", ["c.example", "d.example"]),
    ]
    (tmp_path / "file").touch()
    assert CliRunner().invoke(app, ["serve", "--keep-uploads", str(tmp_path / "file")]).exit_code == 2


def test_server_that_keeps_uploads_shares_them_and_says_so(visit: Callable[..., Talk], tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("The codeword of the lighthouse is cormorant.", encoding="utf-8")
    asked = "What is the codeword of the lighthouse?"
    for start in ("first", "again"):
        stack = contextlib.ExitStack()
        address = stack.enter_context(running(articles(), keep_uploads=tmp_path / "kept", examples=[]))
        talk = visit(address)
        if start == "first":
            talk.tab("Articles")
            assert "shows it to everybody" in talk.page.inner_text(".invitation")
            talk.page.set_input_files("#upload input[type=file]", tmp_path / "new.txt")
            talk.page.wait_for_function("document.querySelector('#said')?.textContent.includes('1 of 1 file')")
            assert httpx.post(f"{address}gradio_api/run/ask", json={"data": [asked, None]}).json()["data"][0][
                "citations"
            ]
        else:
            talk.ask(asked)
            assert "cormorant" in talk.page.inner_text("#log .turn .told")
        assert "5 articles" in talk.page.inner_text("#top")
        stack.close()
    assert [file.name.endswith("-new.txt") for file in (tmp_path / "kept").iterdir()] == [True]


def test_who_words_the_answers_is_the_persons_choice(visit: Callable[..., Talk]) -> None:
    bot = articles()
    bot.generator = SimpleNamespace(name="<b>llama</b>")
    with running(bot, examples=[]) as address:
        talk = visit(address)
        talk.ask("When did the minister arrive in Minsk?")
        assert "Worded by <b>llama</b>." in talk.page.locator("#log .turn").nth(0).inner_text()
        talk.page.get_by_label("The articles' own words").check()
        talk.ask("Who received the Order of Friendship?")
        assert "llama" not in talk.page.locator("#log .turn").nth(1).inner_text()
        talk.tab("Articles")
        assert "<b>llama</b> words an answer, it is sent the passages found" in talk.page.inner_text(".invitation")


def test_without_a_generator_there_is_nothing_to_choose(visit: Callable[..., Talk], served: str) -> None:
    assert not visit(served).page.locator("#words").is_visible()


def test_taken_port_is_said_plainly(served: str) -> None:
    port = urlsplit(served).port
    with pytest.raises(RagError, match="--port"), running(articles(), port=port, examples=[]):
        pass


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
def test_a_name_that_no_host_can_have_is_said_plainly(host: str) -> None:
    with pytest.raises(RagError, match="cannot be listened on"), running(articles(), host=host):
        pass


def test_password_from_the_environment(locked: str, visit: Callable[..., Talk]) -> None:
    for path in ("config", "gradio_api/info", "gradio_api/queue/data?session_hash=x"):
        assert httpx.get(locked + path).status_code == 401
    asked = httpx.post(f"{locked}gradio_api/call/ask", json={"data": ["When did the minister arrive in Minsk?"]})
    assert asked.status_code == 401
    page = visit(locked, ready="form, input[type=password]").page
    page.get_by_label("username").fill("reader")
    page.get_by_label("password").fill("heron")
    page.get_by_role("button", name="Login").click()
    page.wait_for_selector("#log .welcome")
