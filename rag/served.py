"""What a server's answers depend on: only one that was started with all of it may answer for another process."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rag
from rag.config import Settings
from rag.corpus import making
from rag.index.database import FILE_NAME
from rag.index.elsewhere import NAMED
from rag.places import corpus_index, home, is_index

_VARIABLES = ("OPENAI_", "RAG_CONTEXT_TOKENS")  # what `openai:MODEL` takes from the environment


@dataclass(frozen=True, slots=True)
class Served:
    """An index, and what answers from it.

    Attributes
    ----------
    index : str
        Folder of the index, absolute. Of a folder of articles it tells how they are cut and embedded, too.
    number : int
        Of the index's file: one that was deleted and made anew is another. 0 where there is none yet.
    reader, generator : str
        As named on the command line.
    strict : bool
        See `Settings`.
    version : str
        Of the program.
    rest : str
        Digest of what may change behind these names: the program's files, weights on the disk, a fitted confidence,
        which other engine holds the index, the environment of a language model, and how large a file may be.
    """

    index: str
    number: int
    reader: str
    generator: str
    strict: bool
    version: str
    rest: str

    @classmethod
    def of(
        cls, corpus: Path, settings: Settings, generator: str = "", load: Callable[..., Any] | None = None
    ) -> Served:
        """What a process that is started now would answer from.

        Parameters
        ----------
        corpus : Path
            Folder of articles or of an index.
        settings : Settings
        generator : str
            Name of a language model, or "".
        load : callable, optional
            What makes the parts where it is not `Parts.load`.
        """
        folder = (corpus if is_index(corpus) else corpus_index(corpus, making(settings))).resolve()
        file = folder / FILE_NAME
        rest = [
            _files(Path(rag.__file__).parent),
            _files(Path(settings.reader)),
            _files(home() / "readers"),
            _files(folder / NAMED),
            _files(Path(model).expanduser()) if (model := generator.partition(":")[2]) else [],
            sorted(pair for pair in os.environ.items() if generator and pair[0].startswith(_VARIABLES)),
            [load.__module__, load.__qualname__] if load else [],
            settings.max_file_megabytes,
        ]
        return cls(
            index=str(folder),
            number=status.st_ino if (status := _status(file)) else 0,
            reader=settings.reader,
            generator=generator,
            strict=settings.strict,
            version=rag.__version__,
            rest=hashlib.sha256(json.dumps(rest).encode()).hexdigest(),
        )

    def to_json(self) -> str:
        """The same text for the same record."""
        return json.dumps(asdict(self), sort_keys=True)


def _files(path: Path) -> list[tuple[str, int, int]]:
    """Path, size and time of a file, or of each file below a folder; empty where there is neither."""
    below = sorted(Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    found = ((file, _status(file)) for file in [path, *below] if file.suffix != ".pyc")
    return [
        (str(file.resolve()), status.st_size, status.st_mtime_ns)
        for file, status in found
        if status and stat.S_ISREG(status.st_mode)
    ]


def _status(path: Path) -> os.stat_result | None:
    """What the system says of a file or folder; None where there is none, or none any more."""
    try:
        return path.stat()
    except OSError:
        return None
