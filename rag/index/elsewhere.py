"""An index whose folder only names where it lies: in the engine of another program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import StoreError
from rag.index.contract import Engine
from rag.index.database import FILE_NAME

NAMED = "engine.json"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Which engine holds an index, at what address, under which name. No password: that stays in the environment."""

    engine: str
    uri: str
    collection: str

    @classmethod
    def of(cls, folder: Path) -> Elsewhere | None:
        """What a folder names; None where it names nothing, as most do: they hold the index itself."""
        path = folder / NAMED
        try:
            return cls(**json.loads(path.read_text("utf-8"))) if path.is_file() else None
        except (ValueError, TypeError) as error:
            keys = ", ".join(cls.__slots__)
            raise StoreError(f"{path} cannot be read ({error}); expected a JSON object of {keys}") from error

    @classmethod
    def at(cls, engine: str, uri: str, collection: str) -> Elsewhere:
        """What was named on the command line, once it has answered; StoreError where it does not."""
        if not (engine and uri):
            raise StoreError(
                "an index elsewhere wants both --engine and --uri: --engine milvus --uri http://localhost:19530"
            )
        if engine != "milvus":
            raise StoreError(f"no engine is called {engine!r}; expected milvus")
        from rag.index.milvus_rows import connect

        place = uri if "://" in uri else str(Path(uri).resolve())
        connect(place).close()
        return cls(engine, place, collection)

    def open(self, manifest: Mapping[str, str]) -> Engine:
        """The engine, opened; see `MilvusEngine.open`."""
        from rag.index.milvus import MilvusEngine

        return MilvusEngine.open(self.uri, manifest, self.collection)

    def name_in(self, folder: Path, manifest: Mapping[str, str]) -> None:
        """Write it into a folder, where `open_index` finds it, once it has been opened.

        Raises
        ------
        StoreError
            The folder holds an index itself, or the index elsewhere cannot be opened (see `open`).
        """
        if (folder / FILE_NAME).exists():
            raise StoreError(f"{folder} holds an index already; name another folder with --index, or delete it")
        self.open(manifest).close()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAMED).write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")
