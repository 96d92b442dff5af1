"""Generators: what a model is asked, what comes back, and everything that can go wrong on the way."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fakes import make_document
from scripted import KEY, Script, scripted

from rag.articles.chunking import chunk_document
from rag.errors import RagError
from rag.grounding.generators import Delta, GenerationError, Prompt, build_prompt, load_generator, within
from rag.grounding.generators.contract import MAX_CHARACTERS
from rag.grounding.generators.remote import OpenAIGenerator
from rag.language.text import WORD
from rag.types import ScoredChunk

PROMPT = Prompt((), 50, ({"role": "user", "content": "Who?"},))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    pytest.importorskip("openai", reason="the extra `openai` is not installed")
    with scripted() as made:
        monkeypatch.setenv("OPENAI_BASE_URL", made.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield made


@pytest.fixture
def generator(script: Script) -> OpenAIGenerator:
    made = load_generator("openai:tiny")
    assert isinstance(made, OpenAIGenerator)
    return made


def passages(*texts: str) -> list[ScoredChunk]:
    chunks = [
        chunk_document(make_document(f"{i}.txt", text), lambda t: [m.span() for m in WORD.finditer(t)], 500)[0]
        for i, text in enumerate(texts)
    ]
    return [ScoredChunk(chunk, 1.0 / rank, rank) for rank, chunk in enumerate(chunks, start=1)]


# --- the prompt -------------------------------------------------------------------------------------------------------


def test_a_prompt_holds_question_history_and_framed_passages() -> None:
    prompt, used = build_prompt(
        "Who came?", passages("Anna came.", "Boris left."), {"0.txt": {"date": "2023"}}, len, 4000, ["Who is she?"]
    )
    system, user = prompt.messages
    assert "[cite-0a1b2c3d]" in system["content"]
    key = prompt.passages[0].key
    assert f"<{key}> 0.txt (2023)\nAnna came.\n</{key}>" in user["content"]
    assert "Earlier question: Who is she?\nQuestion: Who came?" in user["content"]
    assert [p.chunk.document_id for p in used] == ["0.txt", "1.txt"]


def test_context_is_packed_up_to_the_models_length() -> None:
    found = passages("Anna came. " * 120, "Boris left.", "Clara stayed.")
    prompt, used = build_prompt("Who?", found, {}, len, 2000)
    assert [p.chunk.document_id for p in used] == ["1.txt", "2.txt"]  # the long one does not fit
    assert sum(len(m["content"]) for m in prompt.messages) + prompt.max_tokens <= 2000


def test_a_passage_that_repeats_another_comes_later() -> None:
    same = "Anna came to Minsk on Friday with her brother."
    _, used = build_prompt("Who?", passages(same, same + " Yes.", "Boris left for Havana."), {}, len, 9000)
    assert [p.chunk.document_id for p in used] == ["0.txt", "2.txt", "1.txt"]


def test_another_document_comes_before_a_second_passage_of_the_first() -> None:
    best, second, other, last = passages("Anna came.", "Boris left.", "Clara stayed.", "Dora slept.")
    again = replace(second, chunk=replace(second.chunk, document_id="0.txt"), score=0.7)
    found = [best, again, replace(other, score=0.6), replace(last, score=0.0)]
    _, used = build_prompt("Who?", found, {}, len, 9000)
    assert [p.chunk.text for p in used] == ["Anna came.", "Clara stayed.", "Boris left.", "Dora slept."]


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_a_silent_model_is_left_behind() -> None:
    forever = threading.Event()

    def silent() -> Iterator[Delta]:
        forever.wait(30)
        yield Delta("late", "stop")

    start = time.monotonic()
    with pytest.raises(GenerationError, match=r"took longer than 0.3 s"):
        list(within(silent(), 0.3))
    assert time.monotonic() - start < 5
    forever.set()


def test_cancelling_stops_the_model() -> None:
    closed = threading.Event()

    def endless() -> Iterator[Delta]:
        try:
            while True:
                time.sleep(0.01)
                yield Delta("x")
        finally:
            closed.set()

    questions = iter([False, False, False, True])
    with pytest.raises(GenerationError, match="withdrawn"):
        list(within(endless(), 30, lambda: next(questions)))
    assert closed.wait(5)


def test_an_unforeseen_error_is_told_without_its_words() -> None:
    def broken() -> Iterator[Delta]:
        yield Delta("x")
        raise OSError(KEY)

    with pytest.raises(GenerationError) as caught:
        list(within(broken(), 5))
    assert str(caught.value) == "the model failed (OSError)"
    assert caught.value.__cause__ is None


# --- an OpenAI-compatible server --------------------------------------------------------------------------------------


def test_text_and_tokens_come_back(script: Script, generator: OpenAIGenerator) -> None:
    script.reply = "Anna came to Minsk."
    deltas = list(generator.stream(PROMPT))
    assert "".join(d.text for d in deltas) == "Anna came to Minsk."
    assert deltas[-1] == Delta("", "stop", 100, 20)
    assert script.asked[0]["model"] == "tiny"
    assert script.asked[0]["max_tokens"] == 50
    assert "tools" not in script.asked[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": 429}, "429"),
        ({"status": 500}, "answered 500"),
        ({"status": 401}, "answered 401"),
        ({"status": 404}, "answered 404"),
        ({"raw": b"<html>Welcome</html>"}, "broke off"),
        ({"raw": b"data: {not json}\n\n"}, "no known form"),
        ({"raw": b"data: 17\n\n"}, "no known form"),
        ({"raw": b'data: {"unexpected": "keys"}\n\n'}, "broke off"),
        ({"raw": b'data: {"error": {"message": "overloaded"}}\n\n'}, "reported an error"),
        ({"raw": b""}, "broke off"),
        ({"reply": "A long story of many words.", "cut_after": 10}, "broke off"),
    ],
)
def test_each_failure_has_its_words(
    script: Script, generator: OpenAIGenerator, change: dict[str, object], told: str
) -> None:
    for name, value in change.items():
        setattr(script, name, value)
    with pytest.raises(GenerationError, match=told):
        list(within(generator.stream(PROMPT), 20))
    assert len(script.asked) == 1  # not tried again and again


def chunks(*contents: object, usage: object = None) -> bytes:
    """A stream of such contents."""
    made = [{"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}]} for content in contents]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    return b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in [*made, end]) + b"data: [DONE]\n\n"


def test_a_character_in_two_halves_comes_whole(script: Script, generator: OpenAIGenerator) -> None:
    script.raw = chunks("Anna \ud83d", "\ude00 came", " \ude00\ud83d")
    assert "".join(delta.text for delta in generator.stream(PROMPT)) == "Anna 😀 came \ufffd\ufffd"


def test_missing_counts_are_none(script: Script, generator: OpenAIGenerator) -> None:
    script.raw = chunks("Anna.", usage={"prompt_tokens": 100, "completion_tokens": None, "total_tokens": None})
    assert list(generator.stream(PROMPT))[-1] == Delta("", "stop", 100, 0)


def test_parts_that_are_no_text_are_no_answer(script: Script, generator: OpenAIGenerator) -> None:
    script.raw = chunks([{"type": "thinking", "thinking": "Hm."}], "Anna.")
    with pytest.raises(GenerationError, match="no known form"):
        list(generator.stream(PROMPT))


def test_a_refused_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai", reason="the extra `openai` is not installed")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(GenerationError, match="cannot be reached"):
        list(within(load_generator("openai:m").stream(PROMPT), 20))


def test_a_slow_server_is_left_in_time(script: Script, generator: OpenAIGenerator) -> None:
    script.reply, script.pause = "word " * 100, 0.2
    with pytest.raises(GenerationError, match="took longer"):
        list(within(generator.stream(PROMPT), 0.5))
    assert script.gone.wait(10)


def test_endless_text_is_stopped(script: Script, generator: OpenAIGenerator) -> None:
    script.reply, script.endless = "word " * 100, True
    with pytest.raises(GenerationError, match=f"more than {MAX_CHARACTERS}"):
        list(within(generator.stream(PROMPT), 60))
    assert script.gone.wait(10)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_the_key_is_in_no_log_and_no_message(
    script: Script, generator: OpenAIGenerator, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    script.status = status
    told = repr(generator)
    with caplog.at_level(logging.DEBUG):
        try:
            list(within(generator.stream(PROMPT), 20))
        except GenerationError as error:
            told += str(error) + repr(error.__cause__) + repr(error.__context__)
    assert KEY not in caplog.text
    assert KEY not in told


def test_tokens_are_estimated_high_and_corrected_by_the_server(script: Script, generator: OpenAIGenerator) -> None:
    text = "word " * 100
    assert generator.count_tokens(text) >= 125
    list(generator.stream(PROMPT))  # 4 characters for 100 tokens: one a character at most
    assert generator.count_tokens(text) == 501


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "openai", "openai:", "gpt", "ollama:llama3"])
def test_unknown_generators_are_explained(name: str) -> None:
    with pytest.raises(RagError, match="expected openai:MODEL"):
        load_generator(name)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(RagError, match=re.escape("pip install -e '.[openai]'")):
        load_generator("openai:m")


def test_no_server_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai", reason="the extra `openai` is not installed")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(RagError, match="OPENAI_BASE_URL"):
        load_generator("openai:m")


def test_a_folder_that_is_no_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(RagError, match="could not be loaded"):
        load_generator(f"transformers:{tmp_path_factory.mktemp('empty')}")
