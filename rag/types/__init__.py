"""The records that travel between stages. Frozen, no I/O, no model library."""

from rag.types.answers import Account, Answer, Certainty, Check, Doubt, DoubtKind, History, Overview, Statement, Turn
from rag.types.articles import Block, Chunk, Document, Header, IndexReport
from rag.types.evidence import Citation, Judgement, ScoredChunk, Span

__all__ = [
    "Account",
    "Answer",
    "Block",
    "Certainty",
    "Check",
    "Chunk",
    "Citation",
    "Document",
    "Doubt",
    "DoubtKind",
    "Header",
    "History",
    "IndexReport",
    "Judgement",
    "Overview",
    "ScoredChunk",
    "Span",
    "Statement",
    "Turn",
]
