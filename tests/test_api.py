"""The interfaces for programs: what they give, what they refuse, and that nothing breaks them."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fakes import make_bot, make_document
from fastapi.testclient import TestClient
from scripted import Script, scripted
from starlette.requests import Request
from test_writing import PARADE, QUESTION, VISIT, FakeGenerator, WordVerifier

from rag.config import Settings
from rag.errors import RagError
from rag.grounding.checking import sentences_of
from rag.grounding.generators import GenerationError, load_generator
from rag.pipeline import Chatbot
from rag.present.records import answer_record
from rag.serve import dialect
from rag.serve.access import Access
from rag.serve.api import create_app
from rag.serve.desk import BusyError, Desk
from rag.serve.tools import result_of
from rag.serve.watch import Meters
from rag.types import Check, Document, Doubt


def articles(**options: Any) -> Chatbot:
    bot = make_bot(**options)
    bot.add_documents([make_document("visit.txt", VISIT)])
    return bot


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(articles()), base_url="http://127.0.0.1", raise_server_exceptions=False) as made:
        yield made


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "articles", "messages": [{"role": "user", "content": QUESTION}], **more}


def test_health_and_request_ids(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert answer.json() == {"status": "ok", "documents": 1}
    assert len(answer.headers["x-request-id"]) == 16
    assert answer.headers["x-request-id"] != client.get("/healthz").headers["x-request-id"]


@pytest.mark.parametrize("path", ["/healthz", "/v1/models", "/v1/models/articles", "/v1/models/gpt", "/metrics"])
def test_a_probe_gets_the_head_alone(client: TestClient, path: str) -> None:
    head, whole = client.head(path), client.get(path)
    assert head.status_code == whole.status_code
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert head.content == b""
    assert "head" not in client.get("/openapi.json").json()["paths"].get(path, {})


@pytest.mark.parametrize("path", ["/api/ask", "/api/check", "/v1/chat/completions", "/mcp"])
def test_what_changes_something_or_asks_has_no_head(client: TestClient, path: str) -> None:
    assert client.head(path).status_code == 405


@pytest.mark.parametrize("end", ["", "/", "//"])
@pytest.mark.parametrize("root", ["", "/rag"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/healthz", None),
        ("/metrics", None),
        ("/openapi.json", None),
        ("/v1/models", None),
        ("/v1/models/articles", None),
        ("/v1/chat/completions", chat()),
        ("/api/ask", {"question": QUESTION}),
        ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        ("/gradio_api/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
    ],
)
def test_slashes_at_the_end_of_a_path_mean_nothing(path: str, body: Any, root: str, end: str) -> None:
    with TestClient(create_app(articles(), Access(root_path=root)), base_url="http://127.0.0.1") as made:
        call = made.build_request("GET" if body is None else "POST", f"{root}{path}{end}", json=body)
        answer = made.send(call, follow_redirects=False)
    assert answer.status_code == 200
    assert len(answer.headers["x-request-id"]) == 16


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1//", "/api/", "/mcp/other/", "/healthz/x/", "//healthz"])
def test_what_is_no_path_is_none_with_a_slash(client: TestClient, path: str) -> None:
    assert client.get(path, follow_redirects=False).status_code == 404


def test_ask_and_retrieve(client: TestClient) -> None:
    answer = client.post("/api/ask", json={"question": QUESTION}).json()
    assert answer["citations"][0]["quote"] == "Anna Petrova came to Minsk on 30 June 2023."
    assert not answer["abstained"]
    assert "/articles/" not in json.dumps(answer)  # no path of this machine
    passages = client.post("/api/retrieve", json={"question": QUESTION, "k": 3}).json()
    assert passages[0]["document_id"] == "visit.txt"
    assert client.post("/api/ask", json={"question": "What is the price of coffee in Lima?"}).json()["abstained"]


def test_overview_and_chosen_articles(client: TestClient) -> None:
    made = client.post("/api/overview", json={"topic": "Anna Petrova"}).json()
    assert [c["quote"] for c in made["citations"]] == ["Anna Petrova came to Minsk on 30 June 2023."]
    assert client.post("/api/overview", json={}).json()["articles"] == 1
    assert client.post("/api/overview", json={"topic": "volcanoes"}).json()["citations"] == []
    chosen = {"question": QUESTION, "since": "2030"}  # the only article is undated
    assert client.post("/api/ask", json=chosen).json()["passages"] == []
    assert client.post("/api/retrieve", json=chosen).json() == []
    assert client.post("/api/ask", json={"question": QUESTION, "within": ["visit.txt"]}).json()["citations"]


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/api/ask", {}, 422, "question: Field required"),
        ("/api/ask", {"question": "x" * 2001}, 422, "at most 2000"),
        ("/api/ask", {"question": "  "}, 400, "empty"),
        ("/api/ask", {"question": "x", "since": "May"}, 400, "expected YYYY"),
        ("/api/ask", {"question": QUESTION, "untill": "2020"}, 422, "untill: Extra inputs are not permitted"),
        ("/api/overview", {"within": ["Pravda"]}, 400, "no article, folder or outlet"),
        ("/api/overview", {"topic": " "}, 400, "the topic is empty"),
        ("/api/retrieve", {"question": "x", "k": 0}, 422, "k: "),
        ("/v1/chat/completions", {"model": "articles", "messages": []}, 422, "messages"),
        ("/v1/chat/completions", {"model": "gpt", "messages": [{"role": "user", "content": "x"}]}, 404, "no model"),
        ("/v1/chat/completions", {"model": "articles", "messages": [{"role": "system"}]}, 400, "last user"),
        ("/v1/chat/completions", {"model": "articles", "messages": [{"content": QUESTION}]}, 400, "last user"),
        ("/v1/chat/completions", {"model": "articles", "messages": [None]}, 400, "last user"),
        ("/v1/chat/completions", {"model": "articles", "messages": [5]}, 422, "messages.0: "),
        ("/v1/chat/completions", {"model": "articles", "messages": [{"role": 5}]}, 422, "messages.0.role: "),
        ("/v1/chat/completions", {"model": "articles", "messages": [{"content": 5}]}, 422, "messages.0.content"),
    ],
)  # fmt: skip
def test_bad_requests_are_told_why(client: TestClient, path: str, body: Any, status: int, reason: str) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert reason in answer.json()["error"]["message"]


def test_sizes_hosts_and_odd_text(client: TestClient) -> None:
    assert client.post("/api/ask", content=b"x" * 1_000_001).status_code == 413
    assert client.post("/api/ask", content=b"{not json").status_code == 422
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 421
    json_type = {"Content-Type": "application/json"}
    for odd in (b'"\\ud800 who?"', b'"\\u0000 who?"', b'"\\"*( who? NEAR AND"'):
        answer = client.post("/api/ask", content=b'{"question": ' + odd + b"}", headers=json_type)
        assert answer.status_code == (422 if b"ud800" in odd else 200)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"{not json", "application/json", "the body is not valid JSON at character 1 ("),
        (b'{"question": "x"}', "application/x-www-form-urlencoded", "with the Content-Type 'application/x-www-form-"),
        (b"[1]", "application/json", "send a JSON object with Content-Type: application/json"),
        (b"", "application/json", "send a JSON object with Content-Type: application/json"),
    ],
)
def test_a_body_that_is_no_object_is_told_what_to_be(client: TestClient, body: bytes, kind: str, said: str) -> None:
    answer = client.post("/api/ask", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "coding", "status", "said"),
    [
        (gzip.compress(b"{}"), "gzip", 415, "Content-Encoding 'gzip'"),
        (b'{"question": "\xff"}', "", 422, "a JSON object in UTF-8"),
        (b"[" * 200_000, "", 422, "a JSON object in UTF-8"),
    ],
)
def test_a_body_that_is_no_text_is_told_what_to_be(
    client: TestClient, body: bytes, coding: str, status: int, said: str
) -> None:
    headers = {"Content-Type": "application/json", **({"Content-Encoding": coding} if coding else {})}
    answer = client.post("/api/ask", content=body, headers=headers)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ask", {"question": QUESTION, "history": None, "generate": None, "since": None, "until": None}),
        ("retrieve", {"question": QUESTION, "k": None, "within": None}),
        ("overview", {"topic": None, "within": None}),
        ("check", {"text": VISIT, "markdown": None, "within": None}),
    ],
)
def test_a_null_asks_for_nothing(client: TestClient, name: str, body: dict[str, Any]) -> None:
    needed = {field: value for field, value in body.items() if value is not None}
    given, left_out = (client.post(f"/api/{name}", json=sent) for sent in (body, needed))
    assert given.status_code == left_out.status_code == 200
    described = client.get("/openapi.json").json()["components"]["schemas"][f"{name.title()}Request"]["properties"]
    for field in set(body) - set(needed):
        assert {"type": "null"} in described[field]["anyOf"]
    if name in ("retrieve", "check"):  # the others tell how long they took
        assert given.json() == left_out.json()
    assert tool(client, name, **body)["isError"] is False


def test_a_stream_that_breaks_says_so(caplog: pytest.LogCaptureFixture) -> None:
    bot = articles()
    bot.ask = lambda *_, **__: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with TestClient(create_app(bot), base_url="http://127.0.0.1") as made:
        last = made.post("/v1/chat/completions", json=chat(stream=True)).text.strip().split("\n\n")[-1]
    told = json.loads(last.removeprefix("data: "))["error"]
    assert told["type"] == "server_error"
    assert re.search(r"reference (\w+)", told["message"])[1] in caplog.text  # type: ignore[index]


def test_key_and_rate() -> None:
    app = create_app(articles(), Access(api_key="secret", per_minute=2))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/models").status_code == 401
        assert client.get("/metrics").status_code == 401
        with_key = {"Authorization": "Bearer secret"}
        assert client.get("/v1/models", headers=with_key).status_code == 200
        body = {"question": QUESTION}
        statuses = [client.post("/api/retrieve", json=body, headers=with_key).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]


def test_metrics_and_logs_tell_no_question(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "rag.serve"):
        client.post("/api/ask", json={"question": QUESTION})
    records = [json.loads(r.getMessage()) for r in caplog.records if r.name == "rag.serve"]
    assert {record["event"] for record in records} == {"answer", "request"}
    assert "Petrova" not in caplog.text
    text = client.get("/metrics").text
    assert 'rag_requests_total{route="/api/ask",status="200"} 1.0' in text
    assert 'rag_answers_total{words="articles"} 1.0' in text
    with caplog.at_level(logging.INFO, "rag.serve"):
        app = create_app(articles(), Access(log_questions=True))
        with TestClient(app, base_url="http://127.0.0.1") as other:
            other.post("/api/ask", json={"question": QUESTION})
    assert "Petrova" in caplog.text


def test_a_generator_is_a_model_of_its_own() -> None:
    generator = FakeGenerator(GenerationError("down"))
    with TestClient(create_app(articles(generator=generator)), base_url="http://127.0.0.1") as client:
        names = [model["id"] for model in client.get("/v1/models").json()["data"]]
        assert names == ["articles+fake", "articles"]
        client.post("/v1/chat/completions", json=chat())
        assert generator.prompts == []
        said = client.post("/v1/chat/completions", json=chat(model=names[0])).json()["choices"][0]["message"]["content"]
        assert "fake gave no answer (down)" in said
        assert len(generator.prompts) == 1


@contextlib.contextmanager
def official(bot: Chatbot) -> Iterator[Any]:
    """The official client of a server over a bot."""
    openai = pytest.importorskip("openai", reason="the extra `openai` is not installed")
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(create_app(bot), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_the_official_client() -> None:
    openai = pytest.importorskip("openai", reason="the extra `openai` is not installed")
    with official(articles()) as asker:
        assert [model.id for model in asker.models.list()] == ["articles"]
        assert asker.models.retrieve("articles").owned_by == "rag"
        with pytest.raises(openai.NotFoundError) as missing:
            asker.models.retrieve("gpt/4")
        assert missing.value.code == "model_not_found"
        whole = asker.chat.completions.create(**chat())
        message = whole.choices[0].message
        assert message.content.startswith("Anna Petrova came to Minsk on 30 June 2023. [1]")
        assert "[1] visit.txt: “Anna Petrova came to Minsk on 30 June 2023.”" in message.content
        cited = message.annotations[0].url_citation
        assert message.content[cited.start_index : cited.end_index] == "[1]"
        assert cited.url == "article:visit.txt#char=0,43"
        pieces = list(asker.chat.completions.create(**chat(stream=True, stream_options={"include_usage": True})))
        assert "".join(p.choices[0].delta.content or "" for p in pieces if p.choices) == message.content
        assert [p.choices[0].finish_reason for p in pieces if p.choices][-1] == "stop"
        assert pieces[-1].usage.total_tokens == 0
        with pytest.raises(openai.NotFoundError):
            asker.chat.completions.create(**chat(model="gpt"))


NEAREST = """The articles do not say.

Nearest sentences (not an answer):
- visit.txt
    visit.txt, characters 0-43
    "Anna Petrova came to Minsk on 30 June 2023."
"""


@pytest.mark.parametrize(
    ("asked", "settings", "certainty", "text"),
    [
        (QUESTION, Settings(), "answered", "Anna Petrova came to Minsk on 30 June 2023. [1]\n\n[1] visit.txt: "),
        (QUESTION, Settings(abstain_below=0.999, perhaps_from=0.5), "perhaps", "The articles may say: Anna Petrova "),
        ("Who paved the roads of Minsk?", Settings(), "not said", NEAREST),
        ("What is the price of coffee in Lima?", Settings(), "not said", "The articles do not say."),
    ],
)
def test_the_official_client_reads_how_certain_it_is(asked: str, settings: Settings, certainty: str, text: str) -> None:
    bot = articles(settings=settings)
    messages = [{"role": "user", "content": asked}]
    with official(bot) as asker:
        message = asker.chat.completions.create(**chat(messages=messages)).choices[0].message
        pieces = list(asker.chat.completions.create(**chat(messages=messages, stream=True)))
    answer = answer_record(bot.ask(asked))
    assert message.content.startswith(text.rstrip())
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == message.content
    for told in (message, pieces[-1].choices[0].delta):
        assert (told.certainty, told.doubts, told.nearest) == (certainty, answer["doubts"], answer["nearest"])


@pytest.mark.parametrize(
    ("date", "page", "source"),
    [
        ("2023-06-30", 7, "[1] visit.txt, 2023-06-30, page 7: “Anna"),
        (None, 1, "[1] visit.txt, page 1: “Anna"),
        ("2023", None, "[1] visit.txt, 2023: “Anna"),
        (None, None, "[1] visit.txt: “Anna"),
    ],
)
def test_a_footnote_tells_the_page_of_a_pdf(date: str | None, page: int | None, source: str) -> None:
    answer = articles().ask(QUESTION)
    cited = replace(answer.citations[0], date=date, page=page)
    doubted = replace(
        answer, citations=(cited,), certainty="perhaps", abstained=True, doubts=(Doubt("name", ("Lima",)),)
    )
    message = dialect.completion(doubted, "id", 0, "articles")["choices"][0]["message"]
    assert f"\n\n{source}" in message["content"]
    assert message["doubts"] == [{"kind": "name", "missing": ["Lima"]}]


@pytest.mark.parametrize(
    "earlier",
    [
        [{"role": "user", "content": f"Question {n}?"} for n in range(500)],
        [{"role": "user", "content": "x" * 50_000}, {"role": "assistant", "content": "y" * 100_000}],
        [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, {"role": "tool", "content": "z"}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:," + "A" * 1_500_000}}]}],
        [{"role": "user", "content": [None, {"type": "input_audio"}, {"type": "text", "text": None}]}],
        [{"role": "function", "name": "f", "content": "z"}, {"role": "user", "content": None, "name": None}],
        [{"role": "user", "content": []}, {"role": "user", "content": ["plain", {"type": "text", "text": "parts"}]}],
        [None, {}, {"role": None, "content": "z"}, {"content": "z"}, {"role": "user"}, {"role": "assistant"}],
        [{"role": "assistant", "content": {"type": "refusal", "refusal": "z"}}, {"role": "user", "content": {}}],
    ],
)  # fmt: skip
def test_conversations_of_other_programs_pass(client: TestClient, earlier: list[dict[str, Any]]) -> None:
    part = {"type": "text", "text": QUESTION}
    parts = [{"type": "image_url", "text": None, "image_url": None}, part, None]
    untyped = {"type": None, "text": QUESTION}
    for content in (QUESTION, parts, part, untyped, {"text": QUESTION}, [untyped], [{"text": QUESTION}]):
        asked = {"model": "articles", "messages": [*earlier, {"role": "user", "content": content}]}
        answer = client.post("/v1/chat/completions", json=asked)
        assert answer.status_code == 200, answer.text
        assert "Anna Petrova came to Minsk" in answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("chosen", "answered"),
    [
        ({}, True),
        ({"since": None, "until": None, "within": None}, True),
        ({"within": ["visit.txt"]}, True),
        ({"since": "2023", "until": "2023-06"}, True),
        ({"since": "2024"}, False),
        ({"until": "2022-12-31"}, False),
        ({"within": ["parade.txt"]}, False),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_chooses_its_articles(chosen: dict[str, Any], answered: bool, stream: bool) -> None:
    bot = make_bot()
    visit, parade = make_document("visit.txt", VISIT), make_document("parade.txt", PARADE)
    bot.add_documents([replace(visit, date="2023-06-30"), parade])
    with TestClient(create_app(bot), base_url="http://127.0.0.1") as made:
        answer = made.post("/v1/chat/completions", json=chat(stream=stream, **chosen))
    assert "X-Ignored-Parameters" not in answer.headers
    assert ("visit.txt" in answer.text) is answered


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("chosen", "status", "said"),
    [({"since": "May"}, 400, "expected YYYY"), ({"since": "2024", "until": "2023"}, 400, "exchange them"),
     ({"within": "visit.txt"}, 422, "within: ")],
)  # fmt: skip
def test_a_choice_that_makes_no_sense_is_refused_before_a_stream(
    client: TestClient, chosen: dict[str, Any], status: int, said: str, stream: bool
) -> None:
    answer = client.post("/v1/chat/completions", json=chat(stream=stream, **chosen))
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


def test_the_last_twenty_questions_are_used(client: TestClient) -> None:
    bot = articles()
    ask, given = bot.ask, []
    bot.ask = lambda question, history=(), **more: (given.append(list(history)), ask(question, **more))[1]  # type: ignore[method-assign]
    earlier = [f"Question {n}?" for n in range(30)]
    messages = [{"role": "user", "content": text} for text in [*earlier, "  ", QUESTION]]
    with TestClient(create_app(bot), base_url="http://127.0.0.1") as made:
        made.post("/v1/chat/completions", json=chat(messages=messages))
        made.post("/api/ask", json={"question": QUESTION, "history": earlier})
        made.post("/api/ask", json={"question": QUESTION, "history": None})
    assert given[0] == given[1] == earlier[10:]
    assert given[2] == []


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({}, None),
        ({"temperature": 0.2, "max_tokens": 100, "tools": []}, "temperature, max_tokens, tools"),
        ({"stop": None, "seed": None}, None),
        ({"n": 3, "response_format": {"type": "json_object"}, "bad\r\nname: x": 1}, "n, response_format"),
        ({"stream": True, "logit_bias": {}, "user": "me"}, "logit_bias, user"),
    ],
)
def test_parameters_that_do_nothing_are_named(client: TestClient, more: dict[str, Any], named: str | None) -> None:
    answer = client.post("/v1/chat/completions", json=chat(**more))
    assert answer.status_code == 200
    assert answer.headers.get("x-ignored-parameters") == named


@pytest.mark.parametrize("path", ["/api/ask", "/api/retrieve", "/v1/chat/completions", "/mcp", "/gradio_api/mcp/"])
def test_bodies_without_a_length_are_taken_and_counted(client: TestClient, path: str) -> None:
    body: dict[str, Any] = {"question": QUESTION}
    if "mcp" in path:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    elif path.startswith("/v1"):
        body = chat()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    whole = json.dumps(body).encode()
    pieces = [whole[:7], b"", whole[7:]]
    answer = client.post(path, content=iter(pieces), headers=headers)
    assert answer.status_code == 200, answer.text
    assert "content-length" not in answer.request.headers
    flood = (b" " * 100_000 for _ in range(102))
    refused = client.post(path, content=flood, headers=headers)
    assert refused.status_code == 413
    lying = client.post(path, content=b"{}", headers={**headers, "Content-Length": "99999999"})
    assert lying.status_code == 413


# --- who has gone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "there"), [("ask", 0), ("retrieve", 0), ("overview", 0), ("check", 0), ("check", 3)])
def test_nothing_is_begun_for_who_has_gone(name: str, there: int) -> None:
    """A client that goes behind `there` sentences of a check, and one whose question still waits."""
    read: list[str] = []

    class Bot:
        generator = None

        def check_text(self, draft: Document) -> Iterator[Check]:
            for place in sentences_of(draft):
                read.append(draft.text[place.start : place.end])
                yield Check(read[-1], "not stated", 0.2, (), (), place.start, place.end)

        def __getattr__(self, name: str) -> Any:
            pytest.fail(f"{name} was begun")

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect" if len(read) >= there else "http.request"}

    desk = Desk(Bot(), Meters())  # type: ignore[arg-type]
    arguments = {"check": {"text": "It rained. " * 9}, "overview": {}}.get(name, {"question": QUESTION})
    asked = result_of(desk, Request({"type": "http"}, receive), name, arguments)
    # In a thread of its own: where a browser was driven before, this one has a loop.
    with ThreadPoolExecutor(1) as pool, pytest.raises(BusyError):
        pool.submit(asyncio.run, asked).result()
    assert len(read) == there


# --- the tools -------------------------------------------------------------------------------------------------------


def tool(client: TestClient, name: str, **arguments: Any) -> dict[str, Any]:
    """What a call of a tool gives, by plain JSON-RPC."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    answer = client.post("/mcp", json=call, headers={"Accept": "application/json, text/event-stream"})
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert isinstance(result, dict)
    return result


def test_tools_give_json_and_structured_content(client: TestClient) -> None:
    answer = tool(client, "ask", question=QUESTION, history=None)
    assert answer["structuredContent"] == json.loads(answer["content"][0]["text"])
    assert answer["structuredContent"]["citations"][0]["quote"] == "Anna Petrova came to Minsk on 30 June 2023."
    assert answer["isError"] is False
    nothing = tool(client, "ask", question="What is the price of coffee in Lima?")
    assert json.loads(nothing["content"][0]["text"])["abstained"] is True
    assert nothing["structuredContent"]["citations"] == []
    passages = tool(client, "retrieve", question="Minsk", k=2)
    assert passages["structuredContent"] == json.loads(passages["content"][0]["text"])
    assert passages["structuredContent"]["passages"][0]["document_id"] == "visit.txt"


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("ask", {"question": "  "}, "empty"),
        ("ask", {}, "question: Field required"),
        ("ask", {"question": "x" * 2001}, "question: "),
        ("ask", {"question": QUESTION, "untill": "2020"}, "untill: "),
        ("retrieve", {"question": "x", "k": 0}, "k: "),
        ("other", {}, "there is no tool 'other'"),
    ],
)
def test_a_wrong_call_of_a_tool_is_told_why(client: TestClient, name: str, arguments: Any, said: str) -> None:
    result = tool(client, name, **arguments)
    assert result["isError"] is True
    assert said in result["content"][0]["text"]


def test_a_call_that_is_not_in_utf8_is_a_parse_error(client: TestClient) -> None:
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    answer = client.post("/mcp", content=b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}', headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32700


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ([], 200),
        ([""], 200),
        (["*/*"], 200),
        (["text/html, */*;q=0.8"], 200),
        (["application/*"], 200),
        (["text/event-stream", "application/json"], 200),
        (["application/json"], 200),
        (["application/json, text/event-stream"], 200),
        (["text/html"], 406),
        (["text/event-stream"], 406),
    ],
)
def test_the_tools_answer_whoever_takes_json(client: TestClient, accept: list[str], status: int) -> None:
    request = client.build_request("POST", "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    del request.headers["accept"]
    request.headers = httpx.Headers([*request.headers.multi_items(), *(("accept", kinds) for kinds in accept)])
    answer = client.send(request)
    assert answer.status_code == status
    assert ("result" in answer.json()) is (status == 200)


def test_tools_ask_for_the_key(client: TestClient) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    with TestClient(create_app(articles(), Access(api_key="k", password="p")), base_url="http://127.0.0.1") as locked:
        assert locked.post("/mcp", json=call, headers=accept).status_code == 401
        assert locked.post("/mcp", json=call, headers=accept | {"Authorization": "Bearer x"}).status_code == 401
        for good in ("Bearer k", "Basic cmVhZGVyOnA="):
            tools = locked.post("/mcp", json=call, headers=accept | {"Authorization": good}).json()["result"]["tools"]
            assert [t["name"] for t in tools] == ["ask", "retrieve", "overview", "check"]
            assert tools[0]["outputSchema"]["properties"]["confidence"] == {"title": "Confidence", "type": "number"}


# --- the log ---------------------------------------------------------------------------------------------------------


def test_the_log_is_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    from rag.serve.watch import log_as_json

    root, rag_log = logging.getLogger(), logging.getLogger("rag.serve")
    before = root.handlers[:], root.level, rag_log.level
    try:
        log_as_json()
        log_as_json()  # a second server in one process
        logging.basicConfig(level=logging.INFO)  # what libraries do
        logging.info("a library's own")
        logging.getLogger("somebody.elses").warning("Invalid HTTP request\nreceived. Ł\ud800")
        bot = articles()
        ask, bot.ask = bot.ask, lambda *_, **__: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        with TestClient(create_app(bot), base_url="http://127.0.0.1", raise_server_exceptions=False) as made:
            made.post("/api/ask", json={"question": QUESTION})
            bot.ask = ask  # type: ignore[method-assign]
            tool(made, "ask", question=QUESTION)
            made.post("/api/ask", json={"question": QUESTION})
    finally:
        root.handlers[:], root.level = before[0], before[1]
        rag_log.setLevel(before[2])
        logging.captureWarnings(False)
    lines = capsys.readouterr().err.splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["event"] for entry in entries] == [
        "log", "request", "log", "answer", "request", "answer", "request",
    ]  # fmt: skip
    assert entries[0]["message"] == "Invalid HTTP request\nreceived. Ł\ud800"
    assert "ZeroDivisionError" in entries[2]["trace"]
    assert len({entry["request_id"] for entry in entries[3:]}) == 2
    assert all(entry["time"].endswith("+00:00") for entry in entries)


@pytest.mark.parametrize("host", ["https://news.example.org", "news.example.org/", "a.org, b.org", "a.org,b.org", "["])
def test_an_allowed_host_that_is_no_name_is_refused(host: str) -> None:
    with pytest.raises(RagError, match="no name"):
        Access.from_environment("127.0.0.1", [host], environment={})
    assert not Access(allowed_hosts=("a.org",)).answers_to("a.org,a.org")


def test_a_root_path_that_is_none_is_refused() -> None:
    with pytest.raises(RagError, match="root path"):
        Access.from_environment("127.0.0.1", root_path="http://[::1", environment={})


# --- who may ask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:7860", "localhost.:80", "127.0.0.1", "127.0.0.2:1", "127.255.1.9", "[::1]:7860", "::1",
     "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]:80", "app.localhost:7860", "ip6-localhost", "localhost.localdomain"],
)  # fmt: skip
def test_this_machine_has_many_names(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "128.0.0.1", "[::2]", "notlocalhost",
     "evil.example:7860", "evil@localhost", "localhost/x", "10.0.0.1", "[fe80::1]", "2130706433", "0.0.0.0"],
)  # fmt: skip
def test_other_names_are_refused(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    ("access", "host", "status"),
    [
        (Access(allowed_hosts=("news.example.org",)), "news.example.org", 200),
        (Access(allowed_hosts=("news.example.org",)), "NEWS.example.org:443", 200),
        (Access(allowed_hosts=("news.example.org",)), "127.0.0.1", 200),
        (Access(allowed_hosts=("news.example.org",)), "a.news.example.org", 421),
        (Access(allowed_hosts=("*.example.org",)), "news.example.org", 200),
        (Access(allowed_hosts=("*.example.org",)), "example.org", 421),
        (Access(allowed_hosts=("*.example.org",)), "badexample.org", 421),
        (Access(allowed_hosts=("192.168.0.7",)), "192.168.0.7:7860", 200),
        (Access(allowed_hosts=("2001:db8::1",)), "[2001:DB8:0::1]:7860", 200),
        (Access(loopback=False), "anything.example", 200),
        (Access(loopback=False, allowed_hosts=("news.example.org",)), "anything.example", 421),
        (Access(loopback=False, allowed_hosts=("news.example.org",)), "news.example.org", 200),
    ],
)
def test_hosts_that_are_allowed(access: Access, host: str, status: int) -> None:
    with TestClient(create_app(articles(), access), base_url="http://127.0.0.1") as made:
        assert made.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("listened", "loopback"),
    [("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("[::1]", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("192.168.0.7", False)],
)  # fmt: skip
def test_options_come_from_environment_and_command_line(listened: str, loopback: bool) -> None:
    given = {"RAG_API_KEY": "k", "RAG_PASSWORD": "p", "RAG_RATE": "7"}
    access = Access.from_environment(listened, ["News.Example.org:443", " "], "https://x.example/rag/", given)
    assert access.loopback is loopback
    assert access.allowed_hosts == ("news.example.org",)
    assert (access.root_path, access.per_minute, access.login) == ("/rag", 7, ("reader", "p"))
    assert Access.from_environment(listened, environment={}).root_path == ""
    for rate in ("many", "-1", "1.5"):
        with pytest.raises(RagError, match="RAG_RATE is"):
            Access.from_environment(listened, environment={"RAG_RATE": rate})


@pytest.mark.parametrize("path", ["/rag/healthz", "/healthz", "/rag/api/ask", "/api/ask", "/rag/v1/models"])
def test_below_a_path_with_or_without_the_proxy_stripping_it(path: str) -> None:
    with TestClient(create_app(articles(), Access(root_path="/rag")), base_url="http://127.0.0.1") as made:
        answer = made.post(path, json={"question": QUESTION}) if path.endswith("ask") else made.get(path)
        assert answer.status_code == 200
        assert len(answer.headers["x-request-id"]) == 16
        assert made.get("/ragged/healthz").status_code == 404
        assert made.get("/rag", follow_redirects=False).headers["location"] == "/rag/"
        assert made.get("/rag?lang=es&x=%2f", follow_redirects=False).headers["location"] == "/rag/?lang=es&x=%2f"
        assert made.get("/openapi.json").json()["servers"] == [{"url": "/rag"}]


def test_the_rate_outlives_a_clock_that_jumps() -> None:
    from rag.serve.gate import Gate

    now = [1000.0]
    app = create_app(articles(), Access(per_minute=0))
    gate = Gate(app, Access(per_minute=2), clock=lambda: now[0])
    with TestClient(gate, base_url="http://127.0.0.1") as made:  # type: ignore[arg-type]

        def ask() -> int:
            return made.post("/api/retrieve", json={"question": QUESTION}).status_code

        assert [ask(), ask(), ask()] == [200, 200, 429]
        now[0] = 10.0  # back
        assert ask() == 429
        now[0] = 45.0
        assert [ask(), ask()] == [200, 429]
        now[0] = 1e12  # far ahead: a full bucket, no more
        assert [ask(), ask(), ask()] == [200, 200, 429]


def test_no_request_that_the_document_allows_breaks_the_server() -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from hypothesis import HealthCheck, given, settings

    app = create_app(articles(), Access(loopback=False))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    for operation in schema.get_all_operations():

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy())
        def check(case: Any) -> None:
            assert case.call().status_code < 500

        check()


# --- sentence by sentence --------------------------------------------------------------------------------------------

SAYS = "Anna Petrova came to Minsk on 30 June 2023 [{0}]. She met the minister [{0}]. She conquered Paris [{0}]."


@contextlib.contextmanager
def speaking(says: str = SAYS, **how: Any) -> Iterator[tuple[Any, Script]]:
    """The official client of a server whose bot asks a scripted one."""
    pytest.importorskip("openai", reason="the extra `openai` is not installed")
    with scripted() as script, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", script.url)
        script.reply = lambda body: says.replace("{0}", re.findall(r"<(cite-\w+)>", body["messages"][1]["content"])[0])
        for name, value in how.items():
            setattr(script, name, value)
        bot = articles(generator=load_generator("openai:slow"))
        bot = Chatbot(replace(bot.parts, verifier=WordVerifier()), bot.index)
        with official(bot) as client:
            yield client, script


def test_the_official_client_reads_sentence_by_sentence() -> None:
    arrived = []
    with speaking(pause=0.05) as (client, _):
        for chunk in client.chat.completions.create(**chat(model="articles+slow", stream=True)):
            if chunk.choices and chunk.choices[0].delta.content:
                arrived.append((time.monotonic(), chunk.choices[0].delta.content))
        whole = client.chat.completions.create(**chat(model="articles+slow")).choices[0].message.content
    texts = [text for _, text in arrived]
    assert texts[:2] == ["Anna Petrova came to Minsk on 30 June 2023. [1]", " She met the minister. [2]"]
    assert "".join(texts) == whole
    assert "Paris" not in whole
    assert arrived[1][0] - arrived[0][0] > 0.15  # the model was still writing
    assert arrived[2][0] - arrived[1][0] > 0.15


def test_closing_the_stream_stops_the_model() -> None:
    with speaking(SAYS * 2, pause=0.05, endless=True) as (client, script):
        stream = client.chat.completions.create(**chat(model="articles+slow", stream=True))
        seen = ""
        for chunk in stream:
            seen += chunk.choices[0].delta.content or ""
            if "[1]" in seen:
                stream.close()
                break
        assert script.gone.wait(20)
