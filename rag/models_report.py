"""`rag models`: which language models are at hand, and whether one answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rag.grounding.generators import Delta, Generator, build_prompt, within
from rag.grounding.generators.reachable import PORTS, reachable
from rag.grounding.writing import Draft
from rag.types import Chunk, ScoredChunk

QUESTION = "When was the lighthouse of Port Anna built?"
PASSAGE = "The lighthouse of Port Anna was built in 1832 by Ewan Muir. It is 24 metres high."
SECONDS = 120.0  # a large model is read from the disk first


def listed(paths: Sequence[Path]) -> str:
    """The models at hand, a line each: how `--generator` names it, its server, what leaves the machine."""
    found = reachable(paths)
    if not found:
        ports = ", ".join(f"{name} {port}" for port, name in PORTS.items())
        return (
            f"no language model is at hand: none on this machine's ports ({ports}), and OPENAI_BASE_URL names none\n"
            "Start a server, or name a .gguf file or a folder: rag models PATH"
        )
    lines = ["\t".join(part for part in (model.generator, model.server, model.leaves) if part) for model in found]
    server = next((model.server for model in found if model.server), "")
    use = f"Ask one: rag ask --generator {found[0].generator} …"
    return "\n".join([*lines, f"{use} (with OPENAI_BASE_URL={server} for its server)" if server else use])


def tried(generator: Generator) -> str:
    """What a model says of a passage that the program brings, how long it took, and whether it cited the passage.

    Raises
    ------
    GenerationError
        It gave no answer, or none within `SECONDS`.
    """
    chunk = Chunk("port.txt#0", "port.txt", 0, len(PASSAGE), PASSAGE, "Port Anna", ((0, len(PASSAGE)),))
    prompt, _ = build_prompt(
        QUESTION, [ScoredChunk(chunk, 1.0, 1)], {}, generator.count_tokens, generator.context_tokens
    )
    begun, first, text = time.monotonic(), 0.0, ""
    pieces: list[Delta] = []
    for piece in within(generator.stream(prompt), SECONDS):
        first = first or (time.monotonic() - begun if piece.text else 0.0)
        text += piece.text
        pieces.append(piece)
    cited = any(claim.cited for claim in Draft(prompt, iter(pieces)).claims())
    return (
        f"{generator.name} answered in {time.monotonic() - begun:.1f} s, its first word after {first:.1f} s:\n"
        f"{text.strip()}\n"
        + ("It cited the passage." if cited else "It cited no passage; each of its sentences is looked up in all.")
    )
