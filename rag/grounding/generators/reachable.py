"""The language models at hand: servers on this machine's usual ports, the one that is named, weights on the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import RagError
from rag.grounding.generators.remote import connect, host_of, is_here

PORTS = {11434: "Ollama", 8000: "vLLM", 8080: "llama.cpp", 1234: "LM Studio"}
"""On which these servers listen unless told otherwise."""
OPENAI = "https://api.openai.com/v1"
CONNECT_SECONDS, READ_SECONDS = 1.0, 5.0
SENT = "the question, up to three earlier ones with their short answers, and the passages found"
NOTHING = "nothing leaves this machine"
_CLOUD = ("-cloud", ":cloud")  # how Ollama names the models that it does not run itself


@dataclass(frozen=True, slots=True)
class Reachable:
    """A language model that may be asked.

    Attributes
    ----------
    generator : str
        As `--generator` takes it.
    server : str
        Address of its server, which OPENAI_BASE_URL must name; empty for weights on the disk.
    leaves : str
        What leaves the machine when it is asked.
    """

    generator: str
    server: str
    leaves: str


def reachable(paths: Sequence[Path] = ()) -> list[Reachable]:
    """The models in files and folders; without any, those of the servers on the usual ports and of the one named.

    Servers are asked for the list of their models; one that gives none is passed over. The key goes to the server that
    the environment names alone.

    Raises
    ------
    RagError
        A path holds no language model, or the package `openai` is missing.
    """
    if paths:
        return [model for path in paths for model in _weights(path)]
    base, key = os.environ.get("OPENAI_BASE_URL"), os.environ.get("OPENAI_API_KEY")
    named = {(base or OPENAI).rstrip("/"): key} if base or key else {}
    usual: dict[str, str | None] = {f"http://127.0.0.1:{port}/v1": None for port in PORTS}
    return [model for server, secret in (usual | named).items() for model in _served(server, secret)]


def _served(server: str, key: str | None) -> Iterator[Reachable]:
    client = connect(server, key, READ_SECONDS, CONNECT_SECONDS)
    import openai

    try:
        names = [str(model.id) for model in client.models.list()]
    except (openai.OpenAIError, ValueError, TypeError, AttributeError):  # nothing there, or something else
        return
    for name in names:
        yield Reachable(f"openai:{name}", server, leaving(server, name))


def leaving(server: str, model: str) -> str:
    """What leaves the machine when a server's model is asked."""
    host = host_of(server)
    if not is_here(host):
        return f"{SENT} go to {host}"
    return f"Ollama sends {SENT} on to its cloud" if model.endswith(_CLOUD) else NOTHING


def _weights(path: Path) -> list[Reachable]:
    """The GGUF files at a path or below it, and the folders of causal language models."""
    files = [path] if path.is_file() else sorted(path.rglob("*.gguf"))
    found = [file for file in files if _is_gguf(file)]
    found += [config.parent for config in sorted(path.rglob("config.json")) if _is_causal(config)]
    if not found:
        raise RagError(f"{path} holds no language model; expected a .gguf file, or a folder with a config.json of one")
    return [Reachable(f"transformers:{file}", "", NOTHING) for file in found]


def _is_gguf(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(4) == b"GGUF"


def _is_causal(config: Path) -> bool:
    try:
        made = json.loads(config.read_text(encoding="utf-8"))["architectures"]
        return any(str(name).endswith("ForCausalLM") for name in made)
    except (ValueError, KeyError, TypeError):
        return False
