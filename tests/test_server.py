"""The interfaces for programs: what they give, what they refuse, and that nothing breaks them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import make_bot, make_document
from fastapi.testclient import TestClient
from test_writing import QUESTION, VISIT, FakeGenerator

from rag.grounding.generators import GenerationError
from rag.pipeline import Chatbot
from rag.serve.app import create_app


def articles(**options: Any) -> Chatbot:
    bot = make_bot(generator=options.get("generator"))
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


def test_ask_and_retrieve(client: TestClient) -> None:
    answer = client.post("/api/ask", json={"question": QUESTION}).json()
    assert answer["citations"][0]["quote"] == "Anna Petrova came to Minsk on 30 June 2023."
    assert not answer["abstained"]
    assert "/articles/" not in json.dumps(answer)  # no path of this machine
    passages = client.post("/api/retrieve", json={"question": QUESTION, "k": 3}).json()
    assert passages[0]["document_id"] == "visit.txt"
    assert client.post("/api/ask", json={"question": "What is the price of coffee in Lima?"}).json()["abstained"]


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/api/ask", {}, 422, "question: Field required"),
        ("/api/ask", {"question": "x" * 2001}, 422, "at most 2000"),
        ("/api/ask", {"question": "  "}, 400, "empty"),
        ("/api/retrieve", {"question": "x", "k": 0}, 422, "k: "),
        ("/v1/chat/completions", {"model": "articles", "messages": []}, 422, "messages"),
        ("/v1/chat/completions", {"model": "gpt", "messages": [{"role": "user", "content": "x"}]}, 404, "no model"),
        ("/v1/chat/completions", {"model": "articles", "messages": [{"role": "system"}]}, 400, "last user"),
    ],
)  # fmt: skip
def test_bad_requests_are_told_why(client: TestClient, path: str, body: Any, status: int, reason: str) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert reason in answer.json()["error"]["message"]


def test_sizes_hosts_and_odd_text(client: TestClient) -> None:
    assert client.post("/api/ask", content=b"x" * 1_000_001).status_code == 413
    assert client.post("/api/ask", content=iter([b"{}"])).status_code == 411
    assert client.post("/api/ask", content=b"{not json").status_code == 422
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 421
    json_type = {"Content-Type": "application/json"}
    for odd in (b'"\\ud800 who?"', b'"\\u0000 who?"', b'"\\"*( who? NEAR AND"'):
        answer = client.post("/api/ask", content=b'{"question": ' + odd + b"}", headers=json_type)
        assert answer.status_code == (422 if b"ud800" in odd else 200)


def test_key_and_rate() -> None:
    app = create_app(articles(), credentials=["Bearer secret"], per_minute=2)
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
        app = create_app(articles(), log_questions=True)
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


def test_the_official_client(client: TestClient) -> None:
    openai = pytest.importorskip("openai", reason="the extra `openai` is not installed")
    import threading
    import time

    import uvicorn

    server = uvicorn.Server(uvicorn.Config(create_app(articles()), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    asker = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
    assert [model.id for model in asker.models.list()] == ["articles"]
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
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_no_request_that_the_document_allows_breaks_the_server() -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from hypothesis import HealthCheck, given, settings

    app = create_app(articles(), loopback=False)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    for operation in schema.get_all_operations():

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy())
        def check(case: Any) -> None:
            assert case.call().status_code < 500

        check()
