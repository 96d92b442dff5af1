"""History + question -> what may have been meant, the complete question first."""

from __future__ import annotations

from collections.abc import Sequence

from rag.types import Turn


def understand(question: str, history: Sequence[Turn]) -> list[str]:
    """Ways to read a question, the question alone first."""
    return [question.strip()]
