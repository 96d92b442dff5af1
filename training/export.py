"""`python -m training.export --model DIR --out DIR`: the reader as it ships, in half precision, with its sha256."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from training.features import MAX_TOKENS

MAX_BYTES = 50_000_000


def export(model: Path, out: Path) -> str:
    """Writes config.json, model.safetensors (float16), its SHA256 and the tokenizer; returns the weights' sha256."""
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.model_max_length = MAX_TOKENS
    network = AutoModelForQuestionAnswering.from_pretrained(model, dtype=torch.float16)
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
    parser.add_argument("--model", type=Path, required=True, help="folder that training.train wrote")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    print(export(arguments.model, arguments.out))


if __name__ == "__main__":
    main()
