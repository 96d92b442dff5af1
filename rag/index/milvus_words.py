"""The vocabulary of an index in Milvus."""

from __future__ import annotations

from rag.index.milvus_rows import Rows, key_of


class MilvusVocabulary:
    """The words of the documents, looked up when they are asked for."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def is_name(self, word: str) -> bool | None:
        found = {row["id"] for row in self._rows.holding("id", [word_id(word, True), word_id(word, False)], ["id"])}
        return word_id(word, False) not in found if found else None

    def sounding(self, key: str) -> list[str]:
        return self._ask(f'sound == "{key_of(key)}"')

    def resembling(self, word: str) -> list[str]:
        near = f"length >= {len(word) - 2} and length <= {len(word) + 2}"
        return self._ask(f'initial == "{key_of(word[0])}" and {near}')

    def _ask(self, condition: str) -> list[str]:
        return sorted({row["word"] for row in self._rows.find(condition, ["word"], behind=True)})


def word_id(word: str, is_name: bool) -> str:
    """Id of a word's row; a word has two where it is written as a name and small."""
    return f"{'name' if is_name else 'word'}:{key_of(word)}"
