"""Lists of fixed-size records in a table, in blocks: what a change costs does not grow with the list."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import numpy as np
import numpy.typing as npt

from rag.index.database import all_rows, first_row

Records = npt.NDArray[np.void]


class Blocks:
    """Lists of records by name, each sorted by the records' "key". Records are only ever appended with higher keys.

    The table has the columns (name, first, data); `first` is the key of a block's first record when it was begun.
    A change rewrites the blocks that hold the records in question and no others; an empty block is deleted, and so
    its list's name with the last of them.
    """

    def __init__(self, table: str, size: int) -> None:
        """size: records of a block."""
        self._table = table
        self._size = size

    def schema(self, kind: str) -> str:
        """The statement that makes the table; kind: SQL type of the names."""
        return (
            f"CREATE TABLE {self._table} (name {kind} NOT NULL, first INTEGER NOT NULL, data BLOB NOT NULL, "
            "PRIMARY KEY (name, first)) WITHOUT ROWID;"
        )

    def append(self, connection: apsw.Connection, name: str | int, records: Records) -> None:
        """Append records, whose keys are higher than all in the list."""
        query = f"SELECT first, data FROM {self._table} WHERE name = ? ORDER BY first DESC LIMIT 1"
        last = first_row(connection, query, (name,))
        if last is not None and len(last[1]) < self._size * records.itemsize:
            first = last[0]
            records = np.concatenate([np.frombuffer(last[1], records.dtype), records])
        else:
            first = int(records["key"][0])
        for start in range(0, len(records), self._size):
            block = records[start : start + self._size]
            connection.execute(
                f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?)",
                (name, first if start == 0 else int(block["key"][0]), block.tobytes()),
            )

    def remove(
        self, connection: apsw.Connection, name: str | int, keys: Sequence[int], dtype: np.dtype[np.void]
    ) -> None:
        """Remove the records of these keys, as far as they are in the list."""
        least, most = min(keys), max(keys)
        rows = all_rows(
            connection,
            f"SELECT first, data FROM {self._table} WHERE name = ? AND first <= ? AND first >= coalesce("
            f"(SELECT max(first) FROM {self._table} WHERE name = ? AND first <= ?), ?)",
            (name, most, name, least, least),
        )
        for first, data in rows:
            records = np.frombuffer(data, dtype)
            left = records[~np.isin(records["key"], keys)]
            if len(left) == 0:
                connection.execute(f"DELETE FROM {self._table} WHERE name = ? AND first = ?", (name, first))
            elif len(left) < len(records):
                connection.execute(
                    f"UPDATE {self._table} SET data = ? WHERE name = ? AND first = ?", (left.tobytes(), name, first)
                )

    def read(self, connection: apsw.Connection, names: Sequence[str | int], dtype: np.dtype[np.void]) -> Records:
        """All records of these lists, one list after the other."""
        query = f"SELECT data FROM {self._table} WHERE name = ? ORDER BY first"
        return np.frombuffer(b"".join(d for name in names for (d,) in all_rows(connection, query, (name,))), dtype)

    def count(self, connection: apsw.Connection, name: str | int, dtype: np.dtype[np.void]) -> int:
        """How many records a list has; they are not read."""
        query = f"SELECT coalesce(sum(length(data)), 0) FROM {self._table} WHERE name = ?"
        return int(first_row(connection, query, (name,))[0]) // dtype.itemsize
