"""Each form of question set is read as its publishers mean it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import DatasetError, Evidence, load, select, spread, wanted_evidence


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def row(id: str, **changed: Any) -> dict[str, Any]:
    plain = {"id": id, "type": "why", "question": "Why?", "answerable": True, "answers": ["so"], "evidence": []}
    return plain | changed


def test_fixed_set(tmp_path: Path) -> None:
    quote = {"document_id": "a.txt", "quote": "So it is."}
    rows = [
        {"version": "2.1"},
        row("1", split="tune", group="g", parts=[["a", "b"]], history=["Who?"], evidence=[quote]),
    ]
    dataset = load(write(tmp_path / "set.jsonl", rows), tmp_path)
    question = dataset.questions[0]
    assert (dataset.name, dataset.version, dataset.corpus) == ("set", "2.1", tmp_path)
    assert len(dataset.sha256) == 64
    assert (question.kind, question.split, question.cluster, question.history) == ("why", "tune", "g", ("Who?",))
    assert question.parts == (("a", "b"),)
    assert question.evidence == (Evidence("a.txt", "So it is.", group=0),)


def groups(quotes: list[str], answers: list[str], parts: list[list[str]] | None = None) -> list[tuple[int, int | None]]:
    """(Number of the quote, group) of each record of evidence."""
    evidence = wanted_evidence([Evidence(str(i), quote) for i, quote in enumerate(quotes)], answers, parts or [])
    return [(int(item.document_id), item.group) for item in evidence]


def test_without_parts_quotes_that_hold_an_answer_are_alternatives() -> None:
    quotes = ["He flew to Minsk.", "The trip was short.", "The capital, Minsk, was next."]
    assert groups(quotes, ["in Minsk", "Minsk"]) == [(0, 0), (1, None), (2, 0)]


def test_each_part_is_wanted_from_one_of_the_quotes_that_hold_it() -> None:
    quotes = ["Vietnam and Russia were first.", "It was Vietnam.", "Castro travels.", "From Moscow he left."]
    parts = [["Vietnam"], ["Russia", "Moscow"]]
    assert groups(quotes, ["Vietnam and Russia"], parts) == [(0, 0), (0, 1), (1, 0), (2, None), (3, 1)]


def test_an_answer_in_other_words_than_the_articles_is_shown_by_any_quote() -> None:
    assert groups(["They laid flowers.", "He has returned."], ["the second visit"]) == [(0, 0), (1, 0)]
    assert groups(["So it is."], [], [["a"], ["b"]]) == [(0, 0)]


def test_selection_is_spread_and_repeats(tmp_path: Path) -> None:
    rows = [row(str(i), split="tune" if i < 8 else "test") for i in range(10)]
    dataset = load(write(tmp_path / "set.jsonl", rows))
    assert [question.id for question in select(dataset, "tune", 4).questions] == ["0", "2", "4", "6"]
    assert [question.id for question in select(dataset, "test").questions] == ["8", "9"]
    with pytest.raises(DatasetError, match="no split 'dev'; it has test, tune"):
        select(dataset, "dev")


def test_squad(tmp_path: Path) -> None:
    answer = {"text": "Minsk", "answer_start": 10}
    first = {"id": "1", "question": "In which city?", "answers": [answer, answer]}
    second = {"id": "2", "question": "How many?", "answers": [], "is_impossible": True, "plausible_answers": [answer]}
    paragraphs = [{"context": "It was in Minsk.", "qas": [first]}, {"context": "Nothing.", "qas": [second]}]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "A_city", "paragraphs": paragraphs}]}))
    dataset = load(path)
    assert [(d.id, d.title, d.text) for d in dataset.documents] == [
        ("0", "A city", "It was in Minsk."),
        ("1", "A city", "Nothing."),
    ]
    one, two = dataset.questions
    assert (one.kind, one.answers, one.passage_id) == ("which", ("Minsk",), "0")
    assert one.evidence == (Evidence("0", "Minsk", 10, 15, 0),)
    assert (two.kind, two.answerable, two.answers, two.passage_id) == ("unanswerable", False, (), "1")


def test_clapnq(tmp_path: Path) -> None:
    shared = {"title": "T", "context": "One. Two.", "sentences": ["One.", "Two."]}
    good = shared | {
        "id": "1",
        "question": "q",
        "answer_long": ["One and two"],
        "evidence": [{"text": "One.", "start": 0}, {"text": "Two.", "start": 5}],
        "is_impossible": False,
    }
    bad = shared | {"id": "2", "question": "r", "answer_long": [], "evidence": [], "is_impossible": True}
    dataset = load(write(tmp_path / "c.jsonl.gz", [good, bad]))
    assert (dataset.name, len(dataset.documents)) == ("c", 1)
    assert [(e.start, e.end, e.group) for e in dataset.questions[0].evidence] == [(0, 4, 0), (5, 9, 1)]
    assert dataset.questions[1].answerable is False


def test_beir(tmp_path: Path) -> None:
    write(
        tmp_path / "corpus.jsonl", [{"_id": "d1", "title": "T", "text": "Text\u2028here"}, {"_id": "d2", "text": "B"}]
    )
    write(tmp_path / "queries.jsonl", [{"_id": "q1", "text": "what"}, {"_id": "q2", "text": "never judged"}])
    with pytest.raises(DatasetError, match=r"qrels/test\.tsv not found"):
        load(tmp_path)
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n")
    dataset = load(tmp_path)
    assert not dataset.answers
    assert [question.id for question in dataset.questions] == ["q1"]
    assert dataset.questions[0].relevant == {"d1": 2, "d2": 0}
    (tmp_path / "qrels" / "train.tsv").write_text("query-id\t0\tcorpus-id\tscore\nq2\t0\td2\t1\n")
    assert load(tmp_path) == dataset  # what systems are trained on is not asked
    (tmp_path / "qrels" / "test.tsv").rename(tmp_path / "qrels" / "dev.tsv")
    with pytest.raises(DatasetError, match=r"qrels/test\.tsv not found"):
        load(tmp_path)
    (tmp_path / "qrels" / "dev.tsv").unlink()
    assert load(tmp_path).questions[0].relevant == {"d2": 1}  # in TREC's four columns


def test_what_is_wrong_with_a_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(DatasetError, match="lacks the field 'type'"):
        load(write(tmp_path / "set.jsonl", [{"id": "1", "question": "q"}]))
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(json.dumps(row("1")).encode())[:-9])
    with pytest.raises(DatasetError, match="cut off"):
        load(tmp_path / "cut.jsonl.gz")
    for text, said in (
        (b"{", "line 1, is not JSON"),
        (b"\n\xff", "line 2, is not JSON"),
        (b'["a"]', "not JSON of an object"),
        (b'{"version": "1"}', "holds no question"),
        (json.dumps(row("1") | {"answers": None}).encode(), "of no known form"),
    ):
        (tmp_path / "broken.jsonl").write_bytes(text)
        with pytest.raises(DatasetError, match=said):
            load(tmp_path / "broken.jsonl")
    with pytest.raises(DatasetError, match="2 questions with the id '1'"):
        load(write(tmp_path / "twice.jsonl", [row("1"), row("2"), row("1")]))
    says = [{"document_id": "a.txt", "quote": "x", "says": "no"}]
    with pytest.raises(DatasetError, match="question 7: a quote says 'no', which is none of"):
        load(write(tmp_path / "polar.jsonl", [row("7", answers=["yes"], evidence=says)]))


def test_yes_no_evidence_stands_for_the_word_it_says(tmp_path: Path) -> None:
    quotes = [
        {"document_id": "a.txt", "quote": "No jammer."},
        {"document_id": "b.txt", "quote": "It was.", "says": "no"},
    ]
    rows = [
        row("1", answers=["no"], evidence=quotes[:1]),
        row("2", answers=["yes", "no"], evidence=quotes),
        row("3", answers=["no", "none"], evidence=quotes[:1]),
    ]
    questions = load(write(tmp_path / "set.jsonl", rows), tmp_path).questions
    assert [question.polar for question in questions] == [True, True, False]
    assert [[item.group for item in question.evidence] for question in questions] == [[0], [0, 1], [0]]


def test_a_seeded_sample_takes_whole_clusters(tmp_path: Path) -> None:
    rows = [row(str(i), group=f"g{i // 4}") for i in range(40)]
    dataset = load(write(tmp_path / "set.jsonl", rows), tmp_path)
    for limit, count in ((1, 4), (8, 8), (9, 12), (400, 40)):
        sample = select(dataset, limit=limit, seed=3).questions
        assert len(sample) == count
        assert len({question.cluster for question in sample}) == count / 4
    one, two = (select(dataset, limit=8, seed=seed).questions for seed in (1, 2))
    assert one == select(dataset, limit=8, seed=1).questions != two
    with pytest.raises(DatasetError, match="--limit"):
        select(dataset, seed=1)


def test_what_is_kept_is_evenly_spread() -> None:
    assert list(spread(range(10), 4)) == [0, 2, 5, 7]
    assert [list(spread(range(3), limit)) for limit in (None, 3, 9)] == [[0, 1, 2]] * 3
