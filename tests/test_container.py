"""The image's steps, as far as they can be tried without building it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
NOBODY = 10001


def step(name: str) -> str:
    """What stands after an instruction of the Dockerfile."""
    found = re.search(rf"^{name}\s+(.*)$", DOCKERFILE, re.M)
    assert found, name
    return found[1]


def command(text: str) -> list[str]:
    """The words of an instruction in JSON form."""
    words = json.loads(text[text.index("[") :])
    assert isinstance(words, list)
    return words


def test_it_runs_without_rights_and_writes_to_two_places() -> None:
    service = COMPOSE["services"]["rag"]
    assert step("USER") == str(NOBODY)
    assert f"--uid {NOBODY}" in DOCKERFILE
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    writable = [v for v in service["volumes"] if not v.endswith(":ro")]
    assert writable == ["index:/data"]
    assert step("VOLUME") == "/data"
    assert service["ports"] == ["127.0.0.1:7860:7860"]  # not the whole network without being asked


def test_what_is_built_holds_what_is_needed() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for needed in ("rag", "seeds", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        assert (ROOT / needed).exists()
        assert needed not in ignored
    assert {".git", ".venv"} <= set(ignored)
    assert "-c constraints.txt" in step("RUN")


@pytest.mark.models
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root starts a process of another user")
def test_its_command_serves_and_is_healthy_as_that_user(tmp_path: Path) -> None:
    for folder in (ROOT, Path(sys.executable).resolve()):
        if (
            shutil.which("setpriv") is None
            or subprocess.run(
                ["setpriv", f"--reuid={NOBODY}", "--clear-groups", "test", "-r", folder], check=False
            ).returncode
        ):
            pytest.skip("another user cannot read this checkout")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    data, temporary, still = tmp_path / "data", tmp_path / "tmp", tmp_path / "still"
    for folder in (data, temporary, still):
        folder.mkdir()
    for folder in (data, temporary):
        os.chown(folder, NOBODY, NOBODY)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == 0 and "pytest-of" in str(parent):
            parent.chmod(0o755)
    tmp_path.chmod(0o755)
    words = [{"/articles": str(ROOT / "seeds"), "7860": port}.get(word, word) for word in command(step("CMD"))]
    environment = dict(pair.split("=") for pair in step("ENV").split())
    environment |= {"RAG_HOME": str(data), "HOME": str(data), "TMPDIR": str(temporary), "PATH": os.environ["PATH"]}
    server = subprocess.Popen(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
         sys.executable, "-m", "rag.cli", *words[1:]],
        cwd=still, env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        check = [word.replace("7860", port) for word in command(step("HEALTHCHECK"))]
        for _ in range(240):
            assert server.poll() is None, server.communicate()[1]
            if subprocess.run([sys.executable, *check[1:]], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(1)
        else:
            pytest.fail("never healthy")
    finally:
        server.terminate()
        _, said = server.communicate(timeout=60)
    assert server.returncode == 0
    assert all(json.loads(line) for line in said.splitlines() if line.startswith("{"))
    assert "Traceback" not in said
    assert list(still.iterdir()) == []
    assert any(data.rglob("index.sqlite"))
