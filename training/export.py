"""`python -m training.export --model DIR… --out DIR`: the reader as it ships, in few bits, with its sha256.

Of several models the mean of their weights ships (Wortsman et al., 2022): runs from one start lie close enough.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import torch
from transformers import AutoTokenizer

from rag.models.network import ReaderNetwork, load_network, save_network
from rag.models.reader import MAX_TOKENS

MAX_BYTES = 100_000_000  # a package index takes no larger file


def mean(models: Sequence[Path]) -> ReaderNetwork:
    """A network whose weights are the mean, in float32, of those in the folders."""
    networks = [load_network(folder) for folder in models]
    states = [network.state_dict() for network in networks]
    averaged = {name: reduce(torch.add, [state[name] for state in states]) / len(states) for name in states[0]}
    networks[0].load_state_dict(averaged)
    return networks[0]


def export(models: Sequence[Path], out: Path) -> str:
    """Writes config.json, model.safetensors (packed), its SHA256 and the tokenizer; returns the weights' sha256."""
    tokenizer = AutoTokenizer.from_pretrained(models[0])
    tokenizer.model_max_length = MAX_TOKENS
    save_network(mean(models), out, packed=True)
    tokenizer.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    weights = (out / "model.safetensors").read_bytes()
    if len(weights) > MAX_BYTES:
        raise ValueError(f"the weights are {len(weights):,} bytes, at most {MAX_BYTES:,} ship: train a smaller network")
    digest = hashlib.sha256(weights).hexdigest()
    (out / "SHA256").write_text(f"{digest}  model.safetensors\n", encoding="utf-8")
    return digest


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, nargs="+", help="folders that training.train wrote")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    print(export(arguments.model, arguments.out))


if __name__ == "__main__":
    main()
