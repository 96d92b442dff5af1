"""`ask`, `retrieve` and `check` with the real clients: gradio_client and MCP."""

from __future__ import annotations

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from rag.serve.limits import MAX_HISTORY
from rag.serve.page import programs
from rag.serve.schemas import latest

pytestmark = pytest.mark.timeout(90)
ARRIVED = "When did the minister arrive in Minsk?"
SECRET = "Who is the secret source?"


@pytest.fixture(scope="module")
def client(served: str) -> Any:
    from gradio_client import Client

    return Client(served, verbose=False)


def test_gradio_client_asks_and_retrieves(client: Any) -> None:
    answer = client.predict(ARRIVED, api_name="/ask")
    assert answer["abstained"] is False
    assert answer["citations"][0] == {
        "document_id": "belarus.txt", "title": "A visit to Minsk", "date": "2023-06-30", "start": 0, "end": 39,
        "quote": "The minister arrived in Minsk on Monday.", "page": None,
    } | {"end": answer["citations"][0]["end"]}  # fmt: skip
    assert 0 <= answer["confidence"] <= 1
    followed = client.predict("and what order did he receive?", [ARRIVED], api_name="/ask")
    assert followed["understood"].startswith("When did the minister arrive")
    passages = client.predict(question="heron eels", k=3, api_name="/retrieve")
    assert [p["rank"] for p in passages] == [1, 2, 3]
    assert passages[0]["document_id"] == "heron.txt"
    assert "/secret/" not in json.dumps([answer, passages])


def test_gradio_client_checks_a_text(client: Any) -> None:
    made = client.predict("The minister arrived in Minsk on Monday. Havana has a harbour.", api_name="/check")
    assert [check["verdict"] for check in made["checks"]] == ["supported", "not stated"]
    assert made["checks"][0]["citations"][0]["document_id"] == "belarus.txt"
    assert "/secret/" not in json.dumps(made)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({}, {"belarus.txt", "later.txt"}),
        ({"since": "2024"}, {"later.txt"}),
        ({"until": "2023-06"}, {"belarus.txt"}),
        ({"within": ["later.txt", "heron.txt"]}, {"later.txt"}),
        ({"since": "2023", "until": "2024", "within": ["belarus.txt"]}, {"belarus.txt"}),
    ],
)
def test_gradio_client_chooses_its_articles(client: Any, chosen: dict[str, Any], found: set[str]) -> None:
    answer = client.predict(ARRIVED, **chosen, api_name="/ask")
    assert answer["citations"][0]["document_id"] in found
    passages = client.predict("minister", 50, **chosen, api_name="/retrieve")
    assert {passage["document_id"] for passage in passages} & {"belarus.txt", "later.txt"} == found
    made = client.predict("The minister arrived in Minsk on Monday.", **chosen, api_name="/check")
    assert made["checks"][0]["verdict"] == ("supported" if "belarus.txt" in found else "not stated")


@pytest.mark.parametrize(
    ("chosen", "said"),
    [({"since": "May"}, "expected YYYY"), ({"since": 2024}, "since: "), ({"within": "later.txt"}, "within: "),
     ({"within": ["Pravda"]}, "no article, folder or outlet"), ({"since": "2024", "until": "2023"}, "exchange them")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("name", "given"), [("ask", {"question": ARRIVED}), ("retrieve", {"question": "eels"}), ("check", {"text": "No."})]
)
def test_a_choice_that_makes_no_sense_is_told(
    client: Any, name: str, given: dict[str, str], chosen: dict[str, Any], said: str
) -> None:
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match=said):
        client.predict(**given, **chosen, api_name=f"/{name}")


@pytest.mark.parametrize(
    ("question", "said"), [("", "empty"), ("🙂", "no words"), ("x" * 2001, "at most 2000"), ("boom", "reference")]
)
def test_error_reaches_a_program_as_a_sentence(client: Any, question: str, said: str) -> None:
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match=said) as raised:
        client.predict(question, api_name="/ask")
    assert "ZeroDivision" not in str(raised.value)


@pytest.mark.parametrize("k", [0, 51, -1, "3", None, 2.5])
def test_k_has_limits(client: Any, k: Any) -> None:
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match="expected 1 to 50"):
        client.predict("heron", k, api_name="/retrieve")


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("ask", [ARRIVED]), ("ask", [ARRIVED, None]), ("ask", [ARRIVED, [], "2023"]), ("retrieve", ["minister"]),
     ("retrieve", ["minister", 3]), ("check", ["The minister arrived in Minsk on Monday."])],
)  # fmt: skip
def test_a_program_without_gradios_client_leaves_out_what_it_does_not_need(
    served: str, name: str, inputs: list[Any]
) -> None:
    made = httpx.post(f"{served}gradio_api/run/{name}", json={"data": inputs})
    assert made.status_code == 200
    assert "belarus.txt" in made.text


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("ask", []), ("page_begin", [SECRET]), ("page_begin_overview", [SECRET]), ("ask", {"question": SECRET}),
     ("ask", None)],
)  # fmt: skip
def test_inputs_that_do_not_fit_are_not_logged(
    served: str, name: str, inputs: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    made = httpx.post(f"{served}gradio_api/run/{name}", json={"data": inputs, "session_hash": "x"})
    if isinstance(inputs, list):
        assert "do not fit" in made.json()["error"]
    else:
        assert made.status_code == 422
    logged = caplog.text + "".join(capsys.readouterr())
    assert SECRET not in logged
    assert "Traceback" not in logged


def test_only_three_functions_are_published_with_types(served: str) -> None:
    info = httpx.get(f"{served}gradio_api/info").json()["named_endpoints"]
    assert set(info) == {"/ask", "/retrieve", "/check"}
    types = {p["parameter_name"]: p["python_type"]["type"] for e in info.values() for p in e["parameters"]}
    assert types == {
        "question": "str", "history": "None | list[str]", "k": "int", "text": "str", "markdown": "bool",
        "since": "None | str", "until": "None | str", "within": "None | list[str]",
    }  # fmt: skip


def mcp(address: str, headers: dict[str, str] | None = None) -> tuple[Any, Any, Any, Any]:
    """What the tools are, an answer, passages and a wrong call, from the real MCP client."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def talk() -> tuple[Any, Any, Any, Any]:
        async with (
            streamablehttp_client(f"{address}gradio_api/mcp/", headers) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = await session.list_tools()
            answer = await session.call_tool("ask", {"question": ARRIVED})
            passages = await session.call_tool("retrieve", {"question": "heron eels", "k": 2})
            wrong = await session.call_tool("ask", {"question": ""})
            return tools, answer, passages, wrong

    with ThreadPoolExecutor(1) as pool:  # Playwright's loop runs in this thread
        return pool.submit(asyncio.run, talk()).result()


def test_mcp_client_lists_and_calls_both_tools(served: str) -> None:
    tools, answer, passages, wrong = mcp(served)
    described = {tool.name: tool for tool in tools.tools}
    assert set(described) == {"ask", "retrieve", "overview", "check"}
    assert "exact quotes" in described["ask"].description
    assert described["ask"].inputSchema["properties"]["question"]["type"] == "string"
    assert "2,000 characters" in described["ask"].inputSchema["properties"]["question"]["description"]
    assert json.loads(answer.content[0].text) == answer.structuredContent
    assert answer.structuredContent["citations"][0]["quote"] == "The minister arrived in Minsk on Monday."
    assert json.loads(passages.content[0].text) == passages.structuredContent
    assert passages.structuredContent["passages"][0]["text"] == "The heron eats eels at noon."
    assert wrong.isError
    assert "empty" in wrong.content[0].text


def test_mcp_and_gradio_clients_with_a_password(locked: str) -> None:
    from gradio_client import Client

    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"accept": "application/json, text/event-stream"}
    for given in ({}, {"authorization": "Basic " + base64.b64encode(b"reader:stork").decode()}):
        assert httpx.post(f"{locked}gradio_api/mcp/", json=call, headers=accept | given).status_code == 401
    basic = {"Authorization": "Basic " + base64.b64encode(b"reader:heron").decode()}
    assert "The minister arrived in Minsk on Monday." in mcp(locked, basic)[1].content[0].text
    client = Client(locked, auth=("reader", "heron"), verbose=False)
    assert client.predict(ARRIVED, api_name="/ask")["abstained"] is False


def test_earlier_questions_are_used_as_the_other_interfaces_use_them() -> None:
    asked = ["  ", *(f"Question {n}?" for n in range(MAX_HISTORY)), "x" * 3000, " ", "\ud800?\0"]
    assert programs.earlier_questions(asked) == latest(asked)
    assert programs.question_text("Who\0 came\ud800?") == "Who  came\ufffd?"
