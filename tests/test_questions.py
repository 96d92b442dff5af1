"""The fixed evaluation set is well formed, verbatim in its evidence, and split without leaks."""

import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import load

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = ROOT / "eval" / "questions.jsonl"
SEEDS = ROOT / "seeds"

MINIMUM_PER_TYPE = {
    "factoid": 30,
    "why": 20,
    "number-date": 16,
    "list": 16,
    "explanation": 16,
    "multi-document": 16,
    "which-visit": 16,
    "follow-up": 44,
    "mid-conversation": 44,
    "spelling": 24,
    "unanswerable": 48,
    "off-subject": 14,
    "false-premise": 16,
    "instruction": 12,
}
NEVER_ANSWERABLE = {"unanswerable", "off-subject", "false-premise", "instruction"}
SOMETIMES_ANSWERABLE = {"follow-up", "mid-conversation"}
NEEDS_HISTORY = {"follow-up", "mid-conversation"}
REQUIRED = {
    "id": str,
    "type": str,
    "split": str,
    "group": str,
    "question": str,
    "history": list,
    "answerable": bool,
    "answers": list,
    "evidence": list,
}
OPTIONAL = {"parts": list, "abstractive": bool}

Item = dict[str, Any]


def normalised(text: str) -> str:
    """Text with Unicode compatibility forms joined, case folded and whitespace runs made one space."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()[1:]]


def test_the_first_line_gives_the_version_that_reports_repeat() -> None:
    first = QUESTIONS.read_text(encoding="utf-8").splitlines()[0]
    assert json.loads(first) == {"version": "1"}
    dataset = load(QUESTIONS, SEEDS)
    assert (dataset.version, len(dataset.questions)) == ("1", 389)
    assert dataset.sha256 == hashlib.sha256(QUESTIONS.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def seeds() -> dict[str, str]:
    return {path.name: path.read_bytes().decode("utf-8") for path in sorted(SEEDS.glob("*.txt"))}


def test_every_line_is_an_object_with_known_fields(items: list[Item]) -> None:
    for item in items:
        assert set(REQUIRED) <= set(item) <= set(REQUIRED) | set(OPTIONAL), item["id"]
        for name, kind in {**REQUIRED, **OPTIONAL}.items():
            if name in item:
                assert isinstance(item[name], kind), (item["id"], name)
        texts = [item["question"], *item["history"], *item["answers"]]
        assert all(isinstance(text, str) and text == text.strip() != "" for text in texts), item["id"]


def test_ids_are_unique_and_name_their_type(items: list[Item]) -> None:
    ids = [item["id"] for item in items]
    assert len(set(ids)) == len(ids)
    for item in items:
        assert re.fullmatch(re.escape(item["type"]) + r"-\d{3}", item["id"])


def test_no_question_is_asked_twice_with_the_same_history(items: list[Item]) -> None:
    asked = Counter((normalised(item["question"]), tuple(map(normalised, item["history"]))) for item in items)
    assert [key for key, times in asked.items() if times > 1] == []


def test_each_type_has_its_share(items: list[Item]) -> None:
    counts = Counter(item["type"] for item in items)
    assert set(counts) == set(MINIMUM_PER_TYPE)
    for kind, minimum in MINIMUM_PER_TYPE.items():
        assert counts[kind] >= minimum, kind


def test_both_halves_hold_at_least_two_fifths_of_each_type(items: list[Item]) -> None:
    assert {item["split"] for item in items} == {"tune", "test"}
    counts = Counter((item["type"], item["split"]) for item in items)
    for kind in MINIMUM_PER_TYPE:
        total = counts[kind, "tune"] + counts[kind, "test"]
        for split in ("tune", "test"):
            assert counts[kind, split] >= 0.4 * total, (kind, split)


def test_a_fact_group_lies_in_one_half_only(items: list[Item]) -> None:
    splits = defaultdict(set)
    for item in items:
        splits[item["group"]].add(item["split"])
    assert [group for group, found in splits.items() if len(found) > 1] == []


def test_answerable_items_have_answers_and_evidence_and_the_others_neither(items: list[Item]) -> None:
    for item in items:
        assert bool(item["answers"]) is item["answerable"], item["id"]
        assert bool(item["evidence"]) is item["answerable"], item["id"]
        assert item["answerable"] or "parts" not in item, item["id"]
        if item["type"] not in SOMETIMES_ANSWERABLE:
            assert item["answerable"] is (item["type"] not in NEVER_ANSWERABLE), item["id"]


def test_unanswerable_ones_are_among_the_conversations_too(items: list[Item]) -> None:
    for kind in SOMETIMES_ANSWERABLE:
        refused = [item for item in items if item["type"] == kind and not item["answerable"]]
        assert len(refused) >= 8


def test_history_is_given_where_the_type_needs_it(items: list[Item]) -> None:
    for item in items:
        assert bool(item["history"]) is (item["type"] in NEEDS_HISTORY), item["id"]
        assert len(item["history"]) <= 3, item["id"]


def test_evidence_is_verbatim_and_listed_once(items: list[Item], seeds: dict[str, str]) -> None:
    assert len(seeds) == 5
    for item in items:
        pairs = [(entry["document_id"], entry["quote"]) for entry in item["evidence"]]
        assert len(set(pairs)) == len(pairs), item["id"]
        for entry in item["evidence"]:
            assert set(entry) == {"document_id", "quote"}, item["id"]
            assert entry["quote"], item["id"]
            assert entry["quote"] in seeds[entry["document_id"]], item["id"]


def test_the_first_answer_or_every_part_stands_in_the_evidence(items: list[Item]) -> None:
    for item in items:
        if not item["answerable"] or item.get("abstractive"):
            continue
        quotes = [normalised(entry["quote"]) for entry in item["evidence"]]
        wanted = [forms[0] for forms in item["parts"]] if "parts" in item else item["answers"][:1]
        for form in wanted:
            assert any(normalised(form) in quote for quote in quotes), (item["id"], form)


def test_parts_are_lists_of_alternatives(items: list[Item]) -> None:
    for item in items:
        if item["type"] == "list":
            assert "parts" in item, item["id"]
        if "parts" in item:
            assert len(item["parts"]) >= 2, item["id"]
            for forms in item["parts"]:
                assert forms, item["id"]
                assert all(isinstance(form, str) and form.strip() for form in forms), item["id"]


def test_the_whole_answer_form_holds_every_part(items: list[Item]) -> None:
    for item in items:
        if "parts" in item:
            whole = normalised(item["answers"][0])
            for forms in item["parts"]:
                assert any(normalised(form) in whole for form in forms), (item["id"], forms)
