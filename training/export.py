"""`python -m training.export --model DIR… --out DIR`: the reader as it ships, in few bits, with its sha256.

Of several models the mean of their weights ships (Wortsman et al., 2022): runs from one start lie close enough. With
`--change-of BASE` what ships is the small change that makes the reader of BASE this one (`rag.models.adapter`).
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import AutoTokenizer

from rag.models.adapter import change_of
from rag.models.network import ReaderNetwork, load_network, save_network
from rag.models.packing import pack
from rag.models.reader import MAX_TOKENS

MAX_BYTES = 100_000_000  # a package index takes no larger file
RANK = 54  # 8 MB of a change in eight layers


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
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out) as made:
        save_network(mean(models), Path(made), packed=True)
        tokenizer.save_pretrained(made)
        return _moved(Path(made), out, "model.safetensors")


def export_change(models: Sequence[Path], base: Path, rank: int, out: Path) -> str:
    """Writes change.safetensors (packed) and SHA256, its own and that of the weights it changes; returns its sha256."""
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out) as made:
        save_file(pack(change_of(load_network(base), mean(models), rank)), Path(made) / "change.safetensors")
        digest = _moved(Path(made), out, "change.safetensors")
    of_base = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    with (out / "SHA256").open("a", encoding="utf-8") as file:
        file.write(f"{of_base}  ../{base.name}/model.safetensors\n")
    return digest


def _moved(made: Path, out: Path, name: str) -> str:
    """Moves what was made to `out` with the sha256 of its weights, which it returns; nothing if they are too large."""
    (made / name).chmod(0o644)
    weights = (made / name).read_bytes()
    if len(weights) > MAX_BYTES:
        raise ValueError(f"the weights are {len(weights):,} bytes, at most {MAX_BYTES:,} ship: train a smaller network")
    digest = hashlib.sha256(weights).hexdigest()
    (made / "SHA256").write_text(f"{digest}  {name}\n", encoding="utf-8")
    for path in made.iterdir():
        path.replace(out / path.name)
    return digest


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, nargs="+", help="folders that training.train wrote")
    parser.add_argument("--change-of", type=Path, metavar="BASE", help="folder of the reader that is changed")
    parser.add_argument("--rank", type=int, default=RANK, help="directions of a matrix in the mean")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(argv)
    if given.change_of:
        print(export_change(given.model, given.change_of, given.rank, given.out))
    else:
        print(export(given.model, given.out))


if __name__ == "__main__":
    main()
