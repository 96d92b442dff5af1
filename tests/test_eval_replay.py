"""A written draft goes through the whole path, and what the answer shows of it is compared with its labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder, FakeReader, make_document, split_claims
from test_writing import WordVerifier

from eval.datasets import DatasetError, Question
from eval.generate import measure
from eval.replay import DraftGenerator, Replayed, figures, load_drafts, replay, sentence_rows
from eval.sets import SetName, own
from rag.answering.confidence import Calibration
from rag.articles.documents import read_document
from rag.config import Settings
from rag.grounding.generators import Markers
from rag.grounding.writing import Writer
from rag.language.text import words
from rag.parts import Parts
from rag.pipeline import Chatbot

EVAL = Path(__file__).parents[1] / "eval"
DRAFTS = EVAL / "drafts.jsonl"
VISIT = "Anna Petrova came to Minsk on 30 June 2023. She met the minister. She did not visit Havana."
PARADE = "The parade in Minsk takes place on Wednesday. It shows 300 tanks."
QUESTION = Question("visit-1", "date", "When did Anna Petrova come to Minsk?")
GONE = {"key": "cite-cccccccc", "document_id": "gone.txt", "quote": "Nobody was told."}


def written(id: str, *sentences: tuple[str, str, str], **fields: Any) -> dict[str, Any]:
    """A draft of (text, label, reason), the keys still in the text."""
    visit = {"key": "cite-aaaaaaaa", "document_id": "visit.txt", "quote": "She met the minister."}
    parade = {"key": "cite-bbbbbbbb", "document_id": "parade.txt", "quote": "It shows 300 tanks."}
    plain = [
        {"text": text.split(" [")[0], "label": label, "reason": reason, "passages": []}
        for text, label, reason in sentences
    ]
    return {
        "id": id,
        "question_id": QUESTION.id,
        "set": "fixed",
        "kind": "plain",
        "passages": [visit, parade, GONE],
        "text": " ".join(text for text, _, _ in sentences),
        "sentences": plain,
        **fields,
    }


GOOD = written("good", ("Anna Petrova came to Minsk on 30 June 2023 [cite-aaaaaaaa].", "supported", ""))
MIXED = written(
    "mixed",
    ("Anna Petrova came to Minsk on 30 June 2023 [cite-aaaaaaaa].", "supported", ""),
    ("The parade shows 700 cannons [cite-bbbbbbbb].", "unsupported", "contradicted"),
    ("It shows 300 tanks [cite-aaaaaaaa].", "supported", "wrong key"),
    ("I hope that this helps.", "no claim", ""),
)
FALSE = written("false", ("Boris Orlov flew to Havana [cite-cccccccc].", "unsupported", "not stated"))


def replayed(tmp_path: Path, *drafts: dict[str, Any], questions: Sequence[Question] = (QUESTION,)) -> list[Replayed]:
    path = tmp_path / "drafts.jsonl"
    path.write_text("".join(json.dumps(draft) + "\n" for draft in drafts), encoding="utf-8")
    generator = DraftGenerator()
    parts = Parts(FakeEmbedder(), FakeReader(), Calibration.of_margin(), WordVerifier(), generator)
    bot = Chatbot.open(None, parts=parts)
    bot.add_documents([make_document("visit.txt", VISIT), make_document("parade.txt", PARADE)])
    return replay(load_drafts(path), {question.id: question for question in questions}, bot, generator)


def test_a_draft_is_said_with_the_keys_of_what_is_retrieved_now(tmp_path: Path) -> None:
    """The wrong key names a passage that was given; the passage of no article counts as not retrieved."""
    (mixed,) = replayed(tmp_path, MIXED)
    assert mixed.asked
    assert mixed.found == 2
    assert "[1]" in mixed.answer.text
    assert "cite-" not in mixed.answer.text


def test_what_the_answer_shows_is_told_sentence_by_sentence(tmp_path: Path) -> None:
    good, mixed, false = replayed(tmp_path, GOOD, MIXED, FALSE)
    assert (good.shown, good.answer.generator) == ((True,), "the draft")
    assert mixed.shown == (True, False, True, False)
    assert (false.shown, false.answer.generator) == ((False,), "")
    rows = sentence_rows([mixed])
    assert [row["shown"] for row in rows] == [True, False, True, False]
    assert rows[1]["reason"] == "contradicted"


def test_figures_count_sentences_and_answers(tmp_path: Path) -> None:
    """Two of five claims are false before, none after; the sentence without a claim is in neither."""
    made = figures(replayed(tmp_path, GOOD, MIXED, FALSE))
    assert (made["drafts"], made["put_to_the_model"]) == (3, 3)
    assert made["unsupported_before"]["percent"] == 40.0
    assert made["unsupported_after"]["percent"] == 0.0
    assert made["supported_kept"] == {"percent": 100.0, "low": 2.5, "high": 100.0, "of": 3}
    assert made["in_the_models_words"]["percent"] == 66.7
    assert made["good_drafts_in_the_models_words"]["of"] == 1
    assert made["unsupported_let_through_by_reason"] == {"contradicted": "0 of 1", "not stated": "0 of 1"}
    assert made["supported_kept_by_reason"] == {"plain": "2 of 2", "wrong key": "1 of 1"}
    ((note, count),) = made["why_not_in_the_models_words"].items()
    assert (count, "support nothing" in note) == (1, True)


def test_a_question_that_is_not_put_to_the_model_counts_alone(tmp_path: Path) -> None:
    other = Question(QUESTION.id, "off-subject", "Qwertz asdf yxcv?")
    made = figures(replayed(tmp_path, GOOD, questions=[other]))
    assert (made["drafts"], made["put_to_the_model"], made["supported_kept"]) == (1, 0, None)


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (written("x", ("It rains.", "true", "")), "got the label 'true', expected one of supported, unsupported"),
        (GOOD | {"sentences": [GOOD["sentences"][0] | {"passages": ["cite-dddddddd"]}]}, "names cite-dddddddd"),
        (GOOD | {"question_id": "visit-2"}, "good is for visit-2, which the set fixed does not have"),
    ],
)
def test_a_draft_that_cannot_be_replayed_is_named(tmp_path: Path, draft: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        replayed(tmp_path, draft)


def test_a_draft_with_a_separator_of_lines_in_it_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "drafts.jsonl"
    path.write_text(json.dumps(GOOD | {"text": "It\u2028rained."}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [draft.text for draft in load_drafts(path)] == ["It\u2028rained."]


@pytest.mark.parametrize("perhaps", [False, True])
def test_a_model_is_measured_on_what_the_chatbot_puts_to_it(tmp_path: Path, perhaps: bool) -> None:
    """Also where the passages say "perhaps"; and a question that is refused is not put to it."""
    generator = DraftGenerator()
    settings = Settings(abstain_below=0.9999) if perhaps else Settings()
    parts = Parts(FakeEmbedder(), FakeReader(), Calibration.of_margin(), WordVerifier(), generator)
    bot = Chatbot.open(None, settings, parts)
    bot.add_documents([make_document("visit.txt", VISIT), make_document("parade.txt", PARADE)])
    path = tmp_path / "drafts.jsonl"
    path.write_text(json.dumps(MIXED) + "\n", encoding="utf-8")
    (draft,) = load_drafts(path)
    generator.put(draft)
    writer = Writer(generator, WordVerifier(), bot.document)
    refused = Question("other", "off-subject", "Qwertz asdf yxcv?")
    assert bot.ask(QUESTION.question, generate=False).certainty == ("perhaps" if perhaps else "answered")
    made = measure(bot, writer, [QUESTION, refused], ["Anna Petrova came to Minsk on 30 June 2023."])
    assert (made["questions_put_to_the_model"], made["model_failed"]) == (1, 0)
    assert [row["shown"] for row in made["sentences"]] == [row.label == "supported" for row in draft.sentences]


def test_the_drafts_that_ship_stand_on_the_articles() -> None:
    """Each quote is the article's, each question the set's, and the labelled sentences are the draft's, in order."""
    drafts = load_drafts(DRAFTS)
    for name in {draft.set for draft in drafts}:
        dataset = own(name)
        questions = {question.id for question in dataset.questions}
        assert dataset.corpus is not None
        for draft in (draft for draft in drafts if draft.set == name):
            assert draft.question_id in questions
            for passage in draft.passages:
                text = read_document(dataset.corpus / passage.document_id, passage.document_id, 10**6).text
                assert passage.quote in text, (draft.id, passage.quote)
    for draft in drafts:
        markers = Markers(passage.key for passage in draft.passages)
        plain = words(markers.feed(draft.text) + markers.close())
        told = [word for word in plain if not word.isdigit()]
        assert told == [w for s in draft.sentences for w in words(s.text) if not w.isdigit()], draft.id
        assert split_claims(draft.text, []), draft.id


def test_the_drafts_that_ship_cover_what_they_should() -> None:
    drafts = load_drafts(DRAFTS)
    documents = {passage.document_id for draft in drafts for passage in draft.passages}
    claims = [s.label for draft in drafts for s in draft.sentences if s.label != "no claim"]
    assert len(drafts) == len({draft.id for draft in drafts}) >= 120
    assert len({(draft.set, draft.question_id) for draft in drafts}) >= 60
    assert len([document for document in documents if document[0].isdigit()]) == 5
    assert len([document for document in documents if document[0].isalpha()]) >= 15
    assert 0.28 < claims.count("unsupported") / len(claims) < 0.4


def test_the_draft_article_is_labelled_sentence_by_sentence() -> None:
    """A text to be checked against the news articles; half of its statements are false."""
    rows = [json.loads(row) for row in (EVAL / "draft_article.labels.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = (EVAL / "draft_article.md").read_text(encoding="utf-8").splitlines()
    told = " ".join(line for line in lines if line and not line.startswith("#"))
    assert told == " ".join(row["text"] for row in rows)
    labels = [row["label"] for row in rows]
    assert len(rows) == 40
    assert labels.count("supported") == labels.count("contradicted") + labels.count("not stated") == 18
    articles = own(SetName.news).corpus
    assert articles is not None
    for row in (row for row in rows if row["quote"]):
        assert row["quote"] in read_document(articles / row["document_id"], row["document_id"], 10**6).text
