"""`rag models`: what is listed, what is said to leave the machine, and how one is tried out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import KEY, Script, scripted
from typer.testing import CliRunner

from rag.cli import app
from rag.errors import RagError
from rag.grounding.generators.contract import Prompt
from rag.grounding.generators.reachable import NOTHING, PORTS, SENT, Reachable, leaving, reachable
from rag.grounding.generators.remote import OpenAIGenerator

pytest.importorskip("openai", reason="the extra `openai` is not installed")


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever listens on this machine's usual ports is no part of a test."""
    for port in [*PORTS]:
        monkeypatch.delitem(PORTS, port)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    with scripted() as script:
        monkeypatch.setitem(PORTS, int(script.url.rsplit(":")[-1].partition("/")[0]), "Ollama")
        yield script


def test_a_server_on_a_usual_port_is_listed_and_sent_no_key(ollama: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    ollama.models = ("llama3.2", "gpt-oss:120b-cloud")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # nobody there
    assert reachable() == [
        Reachable("openai:llama3.2", ollama.url, NOTHING),
        Reachable("openai:gpt-oss:120b-cloud", ollama.url, f"Ollama sends {SENT} on to its cloud"),
    ]
    assert ollama.keys == ["Bearer none"]


def test_the_named_server_is_listed_once_with_the_key(ollama: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", ollama.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert [model.generator for model in reachable()] == ["openai:tiny"]
    assert ollama.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize("raw", [b"<html>Welcome</html>", b"[]", b'{"data": 3}', b"null"])
def test_another_program_on_a_port_is_passed_over(ollama: Script, raw: bytes) -> None:
    ollama.raw = raw
    assert reachable() == []


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("http://127.0.0.1:1234/v1", NOTHING),
        ("http://localhost:1234/v1", NOTHING),
        ("http://[::1]:1234/v1", NOTHING),
        ("http://192.168.1.7:11434/v1", f"{SENT} go to 192.168.1.7"),
        ("https://api.example.org/v1", f"{SENT} go to api.example.org"),
    ],
)
def test_what_leaves_the_machine_is_told(server: str, told: str) -> None:
    assert leaving(server, "m") == told


def test_weights_are_found_in_files_and_folders(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (tmp_path / "a.gguf").write_bytes(b"GGUF\x03")
    (tmp_path / "b.gguf").write_bytes(b"version https://git-lfs")
    found = [model.generator for model in reachable([tmp_path])]
    assert found == [f"transformers:{tmp_path / 'a.gguf'}", f"transformers:{folder}"]
    for nothing in (tmp_path / "b.gguf", tmp_path / "missing"):
        with pytest.raises(RagError, match="holds no language model"):
            reachable([nothing])


def test_the_command_lists_and_tries_out(ollama: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    out = CliRunner().invoke(app, ["models"]).stdout
    assert out.startswith(f"openai:tiny\t{ollama.url}\t{NOTHING}\n")
    assert f"OPENAI_BASE_URL={ollama.url}" in out
    monkeypatch.setenv("OPENAI_BASE_URL", ollama.url)
    ollama.reply = lambda body: "In 1832 [" + body["messages"][1]["content"].partition("<")[2].partition(">")[0] + "]."
    out = CliRunner().invoke(app, ["models", "--test", "openai:tiny"]).stdout
    assert out.startswith("tiny answered in ")
    assert out.endswith("It cited the passage.\n")
    ollama.reply = "Long ago."
    out = CliRunner().invoke(app, ["models", "--test", "openai:tiny"]).stdout
    assert "\nLong ago.\nIt cited no passage" in out
    ollama.status = 500
    failed = CliRunner().invoke(app, ["models", "--test", "openai:tiny"])
    assert (failed.exit_code, "answered 500" in failed.stderr) == (1, True)


def test_nothing_at_hand_is_told_with_a_way_out() -> None:
    out = CliRunner().invoke(app, ["models"]).stdout
    assert out.startswith("no language model is at hand")
    assert "rag models PATH" in out


def test_no_proxy_comes_between_the_program_and_a_model_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted() as server, scripted() as proxy:
        proxy.status = 502
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert [model.generator for model in reachable()] == ["openai:tiny"]
        generator = OpenAIGenerator.from_environment("tiny")
        assert "".join(delta.text for delta in generator.stream(Prompt((), 9, ({"role": "user", "content": "Who?"},))))
        assert (len(server.asked), proxy.asked, proxy.keys) == (1, [], [])
        monkeypatch.setenv("OPENAI_BASE_URL", "http://models.example.org/v1")
        assert reachable() == []
        assert len(proxy.keys) == 1  # to others, a proxy that is named is the way
