"""The language model of a name."""

from __future__ import annotations

from rag.errors import RagError
from rag.grounding.generators.contract import Generator


def load_generator(name: str) -> Generator:
    """The generator of a name: "openai:MODEL" or "transformers:NAME, FOLDER OR GGUF FILE".

    Raises
    ------
    RagError
        The name has another form, the extra is not installed, or the model cannot be loaded.
    """
    kind, _, model = name.partition(":")
    if kind == "openai" and model:
        from rag.grounding.generators.remote import OpenAIGenerator

        return OpenAIGenerator.from_environment(model)
    if kind == "transformers" and model:
        from rag.grounding.generators.local import TransformersGenerator

        return TransformersGenerator.load(model)
    raise RagError(
        f"the generator {name!r} is of no known kind; expected openai:MODEL (any OpenAI-compatible server, "
        "OPENAI_BASE_URL names it) or transformers:NAME, FOLDER or FILE.gguf"
    )
