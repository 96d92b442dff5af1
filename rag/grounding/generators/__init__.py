"""Passages -> text by a language model, behind one protocol. Nothing here is imported unless a generator is named."""

from rag.grounding.generators.contract import Delta, GenerationError, Generator, Passage, Prompt, within
from rag.grounding.generators.loading import load_generator
from rag.grounding.markers import Markers
from rag.grounding.prompt import build_prompt, passage_key

__all__ = [
    "Delta", "GenerationError", "Generator", "Markers", "Passage", "Prompt", "build_prompt", "load_generator",
    "passage_key", "within",
]  # fmt: skip
