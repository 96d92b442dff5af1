"""The commands beside `python -m eval`: wrong use is told in a line; a part that fails takes nothing else with it."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder
from typer.testing import CliRunner, Result

from eval import claims_set, command, faithfulness, generate, lexical, load, overview, peers, scale, serving, speed
from eval.sets import QUESTIONS
from rag.config import Settings
from rag.parts import Parts
from rag.pipeline import Chatbot
from rag.types import Document


def called(main: Callable[..., object], *arguments: str) -> Result:
    import typer

    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("main", "arguments", "said"),
    [
        (generate.main, [], "expected a generator or --replay FILE"),
        (generate.main, ["openai:m", "--replay", "drafts.jsonl"], "expected a generator or --replay FILE"),
        (generate.main, ["--replay", "drafts.jsonl", "--split", "test"], "a file of drafts has no halves"),
        (lexical.main, [str(QUESTIONS)], "names no paragraph for its questions"),
        (lexical.main, ["nowhere.json"], "does not exist"),
        (faithfulness.main, ["nowhere.jsonl.gz"], "cannot be read"),
        (faithfulness.main, ["drafts.jsonl"], "expected MTRAG's human evaluation"),
        (faithfulness.main, ["cut.jsonl.gz"], "cannot be read"),
        (speed.main, ["--dataset", "squad.json"], "expected a set of questions on the folder --corpus"),
    ],
)
def test_wrong_use_is_an_error_that_a_person_can_mend(
    main: Callable[..., object], arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("drafts.jsonl").write_text('{"id": "1"}\n', encoding="utf-8")
    Path("cut.jsonl.gz").write_bytes(gzip.compress(b'{"id": "1"}\n' * 99)[:-12])
    paragraph = {"context": "It rained.", "qas": [{"id": "1", "question": "Did it rain?", "is_impossible": True}]}
    Path("squad.json").write_text(json.dumps({"data": [{"title": "Rain", "paragraphs": [paragraph]}]}))
    monkeypatch.setattr("sys.argv", ["command", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.run(main)
    assert ended.value.code == 2
    caught = called(main, *arguments).exception
    assert said in str(caught)


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (generate.main, ["openai:m", "--limit", "0"]),
        (faithfulness.main, ["set.jsonl", "--limit", "0"]),
        (lexical.main, ["set.json", "--questions", "0"]),
        (scale.main, ["5"]),
        (load.main, ["--questions", "1"]),
        (load.main, ["--sessions", "0"]),
        (serving.main, ["--clients", "0"]),
    ],
)
def test_a_number_that_measures_nothing_is_refused(main: Callable[..., object], arguments: list[str]) -> None:
    result = called(main, *arguments)
    assert (result.exit_code, "Invalid value" in result.output) == (2, True)


def test_where_every_question_failed_there_is_no_median() -> None:
    assert load.median([]) is None
    assert load.median([0.25, 0.75]) == 0.5
    assert len(load.pick(9)) == 9
    assert load.pick(10_000) == load.pick(9_999)


def test_a_system_that_fails_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def worker(name: str, work: dict[str, Any], python: str = "") -> dict[str, Any]:
        if name == "txtai":
            raise subprocess.CalledProcessError(1, ["worker"])
        count = len(work["questions"])
        costs = {"seconds": [0.1] * count, "index": 1.0, "load": 1.0, "first": 1.0, "peak_megabytes": 1.0}
        return costs | {"answers": [{"short_answer": "", "abstained": True}] * count}

    monkeypatch.setattr(peers, "run_worker", worker)
    monkeypatch.setattr(peers, "missing", lambda *_: None)
    monkeypatch.setattr(
        peers, "make_work", lambda chosen: {"passages": [1], "questions": [q.question for q in chosen.questions]}
    )
    result = called(peers.main, "--limit", "20")
    assert result.exit_code == 1  # so that no document shows half a table
    assert "|  | rag | haystack |\n" in result.output
    assert "| median, s | 0.1 | 0.1 |\n" in result.output
    assert "rag against haystack" in result.output
    assert "txtai: " in result.output


def test_an_index_of_invented_passages_is_measured(tmp_path: Path) -> None:
    made = dict(scale.measure(tmp_path / "index", 12, 5))
    assert made["recall@10 against exact"] == "1.000"
    assert int(made["memory of opening and asking, MB"]) < 100
    result = called(scale.main, "29", "--questions", "5")
    assert "20 passages, 2 questions\n" in result.output


def test_the_articles_of_a_topic_are_left_out_where_it_shall_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(overview, "measure", lambda bot, topic, without=(): asked.append((bot, len(without))) or 0.0)
    bots = {overview.SetName.news: "news", overview.SetName.fixed: "fixed"}
    made = list(overview.ask_all(bots))  # type: ignore[arg-type]
    assert len(made) == 3 * 80 + 2 * 12 + 2 * 30
    assert asked[:3] == [("news", 0), ("news", 3), ("fixed", 0)]


def test_models_are_loaded_before_indexing_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sentence_transformers

    class Encoder:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def encode(self, texts: list[str], **_: Any) -> None:
            pass

    given, loaded = [], []
    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", Encoder)
    monkeypatch.setattr(Parts, "load", lambda *_: loaded.append("parts") or "parts")
    monkeypatch.setattr(Chatbot, "from_documents", lambda documents, parts=None: given.append(parts))
    work = {"passages": [{"title": "T", "text": "It rained."}], "documents": [], "embedding": "x"}
    speed.indexing(work, 1, 2)
    assert given == ["parts"] * 3
    assert loaded == ["parts"]


def test_claims_are_judged_by_passages_cut_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"It rained on day {n} of the year." for n in range(60))
    document = Document("1", "", text, "1")
    plain = claims_set.cut([document], FakeEmbedder())  # type: ignore[arg-type]
    short = claims_set.cut([document], FakeEmbedder(), Settings(chunk_tokens=20))  # type: ignore[arg-type]
    assert len(short) > len(plain)
