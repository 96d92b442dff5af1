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

    def check(self) -> None:
        """Raise a StoreError unless something answers there."""
        if self.engine != "milvus":
            raise StoreError(f"no engine is called {self.engine!r}; expected milvus")
        from rag.index.milvus_rows import connect

        connect(self.uri).close()

    def open(self, manifest: Mapping[str, str]) -> Engine:
        """The engine, opened; see `MilvusEngine.open`."""
        from rag.index.milvus import MilvusEngine

        return MilvusEngine.open(self.uri, manifest, self.collection)

    def name_in(self, folder: Path) -> None:
        """Write it into a folder, where `open_index` finds it.

        Raises
        ------
        StoreError
            The folder holds an index itself.
        """
        if (folder / FILE_NAME).exists():
            raise StoreError(f"{folder} holds an index already; name another folder with --index, or delete it")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAMED).write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")
