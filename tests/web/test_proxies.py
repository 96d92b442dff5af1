"""Behind a proxy: the snippets of docs/serving.md, run."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rag.serve.access import Access
from rag.serve.server import running
from tests.web.conftest import Talk, articles

pytestmark = pytest.mark.timeout(120)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "serving.md"
ARRIVED = "When did the minister arrive in Minsk?"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")


def snippet(language: str) -> str:
    """The documented configuration."""
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    assert found, language
    return found[1]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert isinstance(port, int)
    return port


@contextmanager
def proxied(command: list[str], port: int) -> Iterator[None]:
    """A proxy while the block lasts."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        for _ in range(100):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def nginx(folder: Path, location: str, port: int) -> list[str]:
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; {location} }} }}\n",
        encoding="utf-8",
    )
    return [str(NGINX), "-c", str(folder / "nginx.conf"), "-p", str(folder)]


needs_nginx = pytest.mark.skipif(NGINX is None, reason="no nginx: `apt-get install -y nginx-light`")


@needs_nginx
@pytest.mark.parametrize(
    ("change", "access", "host"),
    [
        (("", ""), Access(allowed_hosts=("news.example.org",)), "news.example.org"),
        (("", ""), Access(allowed_hosts=("*.example.org",), root_path="/rag"), "news.example.org"),
        ((":7860/;", ":7860;"), Access(allowed_hosts=("news.example.org",), root_path="/rag"), "news.example.org"),
        (("proxy_set_header Host $host;", ""), Access(), "news.example.org"),
        (("proxy_set_header Host $host;", "proxy_set_header X-Forwarded-Host $host;"), Access(), "news.example.org"),
    ],
)
def test_the_interfaces_behind_nginx(tmp_path: Path, change: tuple[str, str], access: Access, host: str) -> None:
    with running(articles(), access=access, examples=[]) as address:
        port = free_port()
        location = snippet("nginx").replace(*change).replace("127.0.0.1:7860", address[7:-1])
        with proxied(nginx(tmp_path, location, port), port):
            base, named = f"http://127.0.0.1:{port}", {"Host": host}
            assert httpx.get(f"{base}/rag/healthz", headers=named).json() == {"status": "ok", "documents": 4}
            asked = {"question": ARRIVED}
            answer = httpx.post(f"{base}/rag/api/ask", json=asked, headers=named)
            assert answer.json()["citations"][0]["document_id"] == "belarus.txt"
            in_pieces = httpx.post(
                f"{base}/rag/api/retrieve",
                content=iter([b'{"question": ', b'"heron"}']),
                headers=named | {"content-type": "application/json"},
            )
            assert in_pieces.status_code == 200
            page = httpx.get(f"{base}/rag/", headers=named)
            assert page.status_code == 200
            assert '"root":"."' in page.text
            assert httpx.get(f"{base}/rag", headers=named).headers["location"].endswith("/rag/")
    if access.allowed_hosts:
        with running(articles(), examples=[]) as address:
            assert httpx.get(f"{address}healthz", headers={"Host": host}).status_code == 421


@needs_nginx
@pytest.mark.parametrize(
    "change", [("", ""), ("proxy_set_header Host $host;", ""), ("/rag/", "/"), ("/rag/", "/a/b/c/")]
)
def test_the_page_answers_behind_nginx(visit: Callable[..., Talk], tmp_path: Path, change: tuple[str, str]) -> None:
    with running(articles(), examples=[]) as address:
        port = free_port()
        location = snippet("nginx").replace(*change).replace("127.0.0.1:7860", address[7:-1])
        with proxied(nginx(tmp_path, location, port), port):
            path = re.search(r"location (\S+)", location)
            assert path is not None
            talk = visit(f"http://127.0.0.1:{port}{path[1]}")
            talk.ask(ARRIVED)
            assert "Monday" in talk.page.inner_text("#log .turn .told")
            talk.tab("Articles")
            (tmp_path / "mine.txt").write_text("The codeword of the lighthouse is cormorant.", encoding="utf-8")
            talk.page.set_input_files("#upload input[type=file]", tmp_path / "mine.txt")
            talk.page.wait_for_selector("#own .own li")


@pytest.mark.skipif(CADDY is None, reason="no Caddy: `apt-get install -y caddy`")
def test_the_interfaces_behind_caddy(tmp_path: Path) -> None:
    with running(articles(), access=Access(allowed_hosts=("news.example.org",)), examples=[]) as address:
        port = free_port()
        text = snippet("caddy").replace("news.example.org {", f"http://news.example.org:{port} {{", 1)
        (tmp_path / "Caddyfile").write_text("{\n admin off\n}\n" + text.replace("127.0.0.1:7860", address[7:-1]))
        command = [str(CADDY), "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
        with proxied(command, port):
            named = {"Host": f"news.example.org:{port}"}
            answer = httpx.post(f"http://127.0.0.1:{port}/rag/api/ask", json={"question": ARRIVED}, headers=named)
            assert answer.json()["citations"][0]["document_id"] == "belarus.txt"
            assert '"root":"."' in httpx.get(f"http://127.0.0.1:{port}/rag/", headers=named).text


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "::1", "[::1]"])
def test_other_addresses_of_this_machine_are_listened_on(host: str) -> None:
    if ":" in host:
        try:
            with socket.socket(socket.AF_INET6) as tried:
                tried.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    with running(articles(), host, examples=[]) as address:
        assert httpx.get(f"{address}healthz").status_code == 200
        assert httpx.get(address).status_code == 200
