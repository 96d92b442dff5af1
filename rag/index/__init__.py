"""Search over chunks: dense (FAISS), lexical (BM25), their fusion, and the folder they live in."""

from rag.index.contract import Index
from rag.index.sqlite import LocalIndex

__all__ = ["Index", "LocalIndex"]
