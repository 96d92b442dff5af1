"""Where articles and indexes lie on this machine."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from rag.errors import RagError
from rag.index.database import FILE_NAME, FORMAT_VERSION
from rag.index.elsewhere import NAMED
from rag.models.hardware import weights_digest


def home() -> Path:
    """Folder of the indexes: RAG_HOME, else the user's cache folder; RagError where there is neither."""
    if named := os.environ.get("RAG_HOME"):
        return Path(named)
    try:
        return Path(platformdirs.user_cache_dir("rag-articles", appauthor=False))
    except RuntimeError:
        raise RagError("this user has no home folder; the variable RAG_HOME names a folder for indexes") from None


def seeds() -> Path:
    """The five articles: beside the package in a checkout, inside it when installed from a wheel."""
    package = Path(__file__).parent
    return next((p for p in (package / "seeds", package.parent / "seeds") if p.is_dir()), package / "seeds")


def own_index() -> Path:
    """The index that `rag index` fills."""
    return home() / "own"


def default_corpus() -> Path:
    """What is asked where nothing is named: the index that `rag index` fills, else the five articles."""
    return own_index() if is_index(own_index()) else seeds()


def corpus_index(corpus: Path, made: Mapping[str, str]) -> Path:
    """The index of one folder of articles, made as `made` says (`rag.corpus.making`)."""
    key = hashlib.sha256(json.dumps(dict(made), sort_keys=True).encode()).hexdigest()[:12]
    name = hashlib.sha256(os.fsencode(corpus.resolve())).hexdigest()[:16]
    return home() / "corpora" / f"{name}-{key}-{FORMAT_VERSION}"


def calibration_of(reader: str) -> Path:
    """Where `rag evaluate-reader` keeps what it fitted to a reader, known by its folder's weights or its name."""
    key = weights_digest(Path(reader)) if Path(reader).is_dir() else hashlib.sha256(os.fsencode(reader)).hexdigest()
    return home() / "readers" / f"{key[:16]}.json"


def is_index(path: Path) -> bool:
    """Whether a folder holds an index, or names where one lies, and not articles."""
    return (path / FILE_NAME).is_file() or (path / NAMED).is_file()
