"""What the processor at hand can do, and quiet, offline-first model libraries."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import ModelError

if TYPE_CHECKING:
    import torch


def quiet() -> None:
    """No telemetry, no progress bars and small caches of the model libraries; call it before importing them."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Torch and oneDNN each keep 1,024 matrix products prepared by their shapes. Questions bring new shapes on and on,
    # so that this grows by a quarter of a gigabyte in 200 questions; 64 serve the layers of one question.
    os.environ.setdefault("LRU_CACHE_CAPACITY", "64")
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")


_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
_MAPPED = 1 << 20


def steady_memory() -> None:
    """Let what the models compute in go back to the system; for a process that answers all day. glibc only.

    Blocks of at least 1 MiB are mapped, and so returned when freed. By itself glibc raises that bound to 32 MiB as such
    blocks are freed; then activations of ever new sizes leave gaps in the heap, 100 MB of them after 200 questions.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED)


def inference_dtype() -> torch.dtype:
    """bfloat16 where the CPU computes in it (AVX512-BF16 or AMX), else float32."""
    import torch

    has_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if has_bf16 else torch.float32


def weights_digest(folder: Path) -> str:
    """sha256 of the hashes of a folder's safetensors files, hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Raise ModelError unless the file's sha256 is the expected one."""
    _check_there(path)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise ModelError(f"{path} has the sha256 {found}, expected {expected}; install the package again (make setup)")


def read_text(path: Path) -> str:
    """A text file that the package ships; ModelError when it is missing."""
    _check_there(path)
    return path.read_text(encoding="utf-8")


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"{path} is missing; install the package again (make setup)")
