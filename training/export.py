"""`python -m training.export --model DIR… --out DIR`: the reader as it ships, in half precision, with its sha256.

Of several models the mean of their weights ships (Wortsman et al., 2022): runs from one start lie close enough.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, PreTrainedModel

from training.features import MAX_TOKENS

MAX_BYTES = 50_000_000


def mean(models: Sequence[Path]) -> PreTrainedModel:
    """A network whose weights are the mean, in float32, of those in the folders."""
    networks = [AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32) for folder in models]
    states = [network.state_dict() for network in networks]
    averaged = {name: reduce(torch.add, [state[name] for state in states]) / len(states) for name in states[0]}
    network: PreTrainedModel = networks[0]
    network.load_state_dict(averaged)
    return network


def export(models: Sequence[Path], out: Path) -> str:
    """Writes config.json, model.safetensors (float16), its SHA256 and the tokenizer; returns the weights' sha256."""
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(models[0])
    tokenizer.model_max_length = MAX_TOKENS
    network = mean(models).half()  # type: ignore[no-untyped-call]
    network.save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    weights = (out / "model.safetensors").read_bytes()
    if len(weights) > MAX_BYTES:
        raise ValueError(f"the weights are {len(weights):,} bytes, at most {MAX_BYTES:,} ship: train a smaller network")
    loaded = AutoModelForQuestionAnswering.from_pretrained(out)
    for name, tensor in network.state_dict().items():
        if not torch.equal(tensor, loaded.state_dict()[name].to(torch.float16)):
            raise ValueError(f"{name} changed on its way through {out}: write it anew")
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
