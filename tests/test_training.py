"""The training program: what it makes of questions and passages, and that a run repeats and resumes."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("bm25s")

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers  # noqa: E402
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast  # noqa: E402

from rag.models.adapter import change_of, load_changed  # noqa: E402
from rag.models.network import load_network, save_network  # noqa: E402
from rag.models.packing import pack, unpack  # noqa: E402
from rag.models.reader import MAX_TOKENS, SHIPPED  # noqa: E402
from rag.models.windows import Windows  # noqa: E402
from training import (  # noqa: E402
    compare,
    corpora,
    distill,
    written,
)
from training import train as training_run  # noqa: E402
from training.data import holds_answer, load_claims, load_training, sentences  # noqa: E402
from training.distill import vocabulary  # noqa: E402
from training.evaluate import Prediction, predict, scores, threshold_of  # noqa: E402
from training.export import export, export_change  # noqa: E402
from training.features import BUCKET, batches, collate, encode  # noqa: E402
from training.leaning import replies  # noqa: E402
from training.mixture import Example, build, crop, foreign, joined  # noqa: E402
from training.negatives import exchange_name, interviewed, names, without_answer_sentence  # noqa: E402
from training.noise import keywords, noisy, respell, typo  # noqa: E402
from training.records import Article, Claim, Question  # noqa: E402
from training.trainer import evidence_margin, learning_rate, window_loss  # noqa: E402
from training.written import NOTICES, STRANGERS, TWINS, load_drafts, load_fields, load_questions, load_twins  # noqa: E402

PASSAGE = (
    "The castle of Mikhailov stands on a hill. It was built in 1523 by Anna Petrova, who had come from Kyiv. "
    "In 1701 a fire took its northern tower. The owners sold the stones to a mill in the valley, because the road "
    "had become too dear to keep. Today the ruin belongs to the town and may be visited in summer."
)


def page(name: str) -> str:
    """The passage in words of its own: no twelve in a row are those of another page."""
    return " ".join(word + f" {name}" * (place % 6 == 5) for place, word in enumerate(PASSAGE.split()))


def question(text: str, *answers: str, dataset: str = "squad", title: str = "Castle", number: int = 0) -> Question:
    places = tuple((PASSAGE.index(a), a) for a in answers)
    return Question(f"{title}-{number}", dataset, title, PASSAGE, text, places, group=title)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    words = sorted(
        {word for text in (PASSAGE.lower(), "who built the castle when was it why") for word in text.split()}
    )
    pieces = sorted(set(PASSAGE.lower()) | {f"##{letter}" for letter in PASSAGE.lower()} - {"## "})
    vocabulary = {token: index for index, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *pieces])}
    vocabulary = {token: index for index, token in enumerate(vocabulary)}
    inner = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer()
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    from tokenizers.processors import TemplateProcessing

    inner.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A random two-layer reader on disk."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=512,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    save_network(load_network(folder), folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def no_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass is made of the test's own data alone."""
    monkeypatch.setattr(training_run, "load_fields", lambda: ({}, [], []))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `train/` folder of forty SQuAD questions in eight articles, three of them the articles held out."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "train").mkdir()
    titles = ["Castle", "Mill", "Town", "Road", "Tower", "1973_oil_crisis", "Genghis_Khan", "Private_school"]
    rows = []
    for number in range(40):
        text = ("Anna Petrova", "1523", "")[number % 3]
        context = page(titles[number % 8])
        answers = [{"text": text, "start": context.index(text)}] if text else []
        rows.append(
            {
                "id": str(number),
                "dataset": "squad2.0",
                "title": titles[number % 8],
                "context": context,
                "question": f"Who built the castle {number}?",
                "answers": answers,
                "is_impossible": not answers,
            }
        )
    with gzip.open(folder / "train" / "squad_dev.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.write("\n".join(map(json.dumps, rows)))
    return folder


# --- data


def test_held_out_articles_are_never_trained_on(data: Path) -> None:
    train, held_out = load_training(data)
    assert {q.group for q in held_out} == {"1973_oil_crisis", "Genghis_Khan", "Private_school"}
    assert not {q.group for q in train} & {q.group for q in held_out}
    assert len(train) + len(held_out) == 40


def test_passages_of_two_sets_lie_on_one_side(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name in ("quoref", "afriqa"):
        # Of a hundred pages ninety are in both sets, with another end and under another title.
        texts = [page(f"{n}" if n < 90 else f"{name}{n}") + f" {name}" for n in range(100)]
        rows = [
            {"id": f"{name}-{n}", "dataset": name, "title": f"{name} {n * 7 % 100}", "context": text,
             "question": "When?", "answers": [{"text": "1523", "start": text.index("1523")}], "is_impossible": False}
            for n, text in enumerate(texts)
        ]  # fmt: skip
        with gzip.open(tmp_path / "train" / f"{name}.jsonl.gz", "wt", encoding="utf-8") as lines:
            lines.write("\n".join(map(json.dumps, rows)))
    train, held_out = load_training(tmp_path)
    assert len(train) >= 196  # 2 % of each set are drawn
    known, left_out = ({q.context.rsplit(maxsplit=1)[0] for q in side} for side in (train, held_out))
    assert not known & left_out


def test_claims_whose_words_training_knows_are_not_held_out(tmp_path: Path) -> None:
    (tmp_path / "train" / "claims").mkdir(parents=True)
    # Every tenth premise stands in three groups, with another claim each; so does one claim on three premises.
    rows = [
        {"dataset": "wice", "group": str(n), "premise": page(str(n % 100)) if n % 10 == 0 else page(f"own {n}"),
         "claim": "It was built of brick." if n % 10 == 1 else f"It has {n} towers.", "label": "unsupported"}
        for n in range(300)
    ]  # fmt: skip
    with gzip.open(tmp_path / "train" / "claims" / "wice.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.write("\n".join(map(json.dumps, rows)))
    train, held_out = load_claims(tmp_path)
    assert 0 < len(held_out) <= 6
    assert not {c.premise for c in train} & {c.premise for c in held_out}
    assert not {c.text for c in train} & {c.text for c in held_out}


def test_sentences_cover_the_text_without_gaps() -> None:
    parts = [PASSAGE[start:end] for start, end in sentences(PASSAGE)]
    assert "".join(parts) == PASSAGE
    assert parts[1].startswith("It was built in 1523")
    assert len(parts) == 5


def test_holds_answer_asks_for_whole_words() -> None:
    assert holds_answer("Built in 1523, by the mason.", ((0, "The mason"),))
    assert not holds_answer("Built in 15234.", ((0, "1523"),))


# --- noise


@pytest.mark.parametrize("seed", range(30))
def test_noise_changes_one_thing_at_a_time(seed: int) -> None:
    text = "Why did Anna Petrova leave Kyiv for the castle of Mikhailov?"
    changed = typo(text, Random(seed))
    assert abs(len(changed) - len(text)) <= 1
    assert len(noisy(text, PASSAGE, Random(seed)).split()) >= 2
    assert respell("Mikhailov", Random(seed))[0].isupper()


def test_keywords_keeps_what_carries_meaning() -> None:
    assert keywords("Why was the northern tower of the castle sold?") == "Why northern tower castle sold"
    assert keywords("What is it?") == "What is it?"


def test_respell_drops_diacritics_or_changes_a_letter_pair() -> None:
    spellings = {respell("Łódź", Random(seed)) for seed in range(20)} | {
        respell("Zürich", Random(s)) for s in range(20)
    }
    assert "Zurich" in spellings
    assert {respell("Mikhailov", Random(seed)) for seed in range(60)} >= {"Mihailov", "Mikhailoff"}


# --- negatives


def test_cut_passage_holds_no_accepted_answer() -> None:
    asked = question("Who built it?", "Anna Petrova", "Anna Petrova, who had come from Kyiv")
    cut = without_answer_sentence(asked)
    assert cut is not None
    assert not holds_answer(cut, asked.answers)
    assert cut.startswith("The castle of Mikhailov stands on a hill. In 1701")


def test_cut_passage_is_refused_when_the_answer_stays() -> None:
    start = PASSAGE.index("Anna Petrova")
    twice = Question("1", "squad", "t", PASSAGE + " Anna Petrova died later.", "Who?", ((start, "Anna Petrova"),))
    assert without_answer_sentence(twice) is None


def test_a_passage_may_ask_another_of_its_questions() -> None:
    asked = [question("Who built it?", "Anna Petrova"), question("When?", "1701"), question("Who paid?")] * 60
    made = interviewed(asked, Random(3))
    changed = [new for old, new in zip(asked, made, strict=True) if new != old]
    assert len(made) == len(asked)
    assert 3 <= len(changed) <= 25
    for new in changed:
        other = "When?" if "When? " in new.context else "Who built it?"
        at = new.context.index(other)
        assert new.text != other
        assert new.context.replace(f"{other} ", "") == PASSAGE
        assert at in [start for start, _ in sentences(PASSAGE)]
        assert all(new.context[start : start + len(text)] == text for start, text in new.answers)


def test_exchanged_name_is_not_in_the_passage() -> None:
    asked = question("Who sold the castle of Mikhailov in 1701?", "The owners")
    for seed in range(20):
        exchanged = exchange_name(asked, ["Novgorod", "Kyiv"], Random(seed))
        if exchanged:
            changed, detail = exchanged
            assert detail in ("Mikhailov", "1701")
            assert detail in asked.text
            assert detail not in changed
            assert "Kyiv" not in changed


def test_the_possessive_is_no_part_of_a_name() -> None:
    assert names("Did Anna O'Brien-Petrova’s mill in Nur's valley burn?") == ["Anna O'Brien-Petrova", "Nur"]


# --- mixture


@pytest.mark.parametrize("seed", range(20))
def test_crop_keeps_the_answer_in_place(seed: int) -> None:
    answer = "because the road had become too dear to keep"
    start = PASSAGE.index(answer)
    text, left, right = crop(PASSAGE, start, start + len(answer), Random(seed))
    assert text[left:right] == answer
    assert text in PASSAGE


def test_joined_sentences_keep_the_place_of_theirs() -> None:
    document = ["One came.", "Two went.", "Three stayed.", "Four slept."]
    for seed in range(20):
        text, offset = joined("Three stayed.", document, Random(seed))
        assert text[offset : offset + 13] == "Three stayed."


def test_examples_point_at_accepted_answers_and_repeat() -> None:
    asked = [
        question("Who built the castle?", "Anna Petrova", number=1),
        question("Why were the stones sold?", "because the road had become too dear to keep", number=2),
        question("Who burnt the castle?", number=3),
    ] * 5
    retrieved = {"Castle-1": ["A passage about another castle, which nobody built."]}
    first, again = build(asked, retrieved, 7), build(asked, retrieved, 7)
    assert first == again
    assert {example.kind.split("/")[1] for example in first} >= {"answered", "unanswerable", "retrieved"}
    for example in first:
        if example.start >= 0:
            assert example.passage[example.start : example.end] in {a for q in asked for _, a in q.answers}
            assert example.passage.startswith("Castle: ") or example.passage in PASSAGE
        elif example.kind == "squad/retrieved":
            assert not holds_answer(example.passage, asked[0].answers)


# --- features


def test_windows_recover_the_answer(tokenizer: PreTrainedTokenizerFast) -> None:
    answer = "1701"
    start = PASSAGE.index(answer)
    example = Example("when was it", PASSAGE, start, start + len(answer), "squad/answered")
    features = encode([example] * 40, tokenizer, seed=3, max_tokens=32, stride=8)
    found = 0
    for index in range(len(features)):
        ids = features.tokens[features.bounds[index] : features.bounds[index + 1]]
        assert len(ids) <= 32
        if features.start[index]:
            found += 1
            span = ids[features.start[index] : features.end[index] + 1]
            assert tokenizer.decode(span).replace(" ", "") == answer
    assert 25 <= found < 40


def test_batches_hold_every_window_once_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(10, 250, 997)
    cut = batches(lengths, budget=1024, pool=300, seed=5)
    assert sorted(np.concatenate(cut)) == list(range(997))
    for chosen in cut:
        padded = -(-int(lengths[chosen].max()) // BUCKET) * BUCKET
        assert len(chosen) == 1 or len(chosen) * padded <= 1024 + 250 * BUCKET
    again = batches(lengths, budget=1024, pool=300, seed=5)
    assert all(np.array_equal(a, b) for a, b in zip(cut, again, strict=True))


def test_collate_separates_question_and_passage(tokenizer: PreTrainedTokenizerFast) -> None:
    example = Example("who built the castle", "Anna Petrova built it.", 0, 12, "squad/answered", polar=False)
    features = encode([example], tokenizer, seed=0)
    batch = collate(features, np.array([0]), tokenizer.pad_token_id)
    ids = batch["input_ids"][0].tolist()
    assert batch["input_ids"].shape[1] % BUCKET == 0
    assert batch["segments"][0].tolist().index(1) == ids.index(tokenizer.sep_token_id) + 1
    assert int(batch["attention_mask"].sum()) == len(features.tokens)
    assert [batch[name].item() for name in ("denial", "polar", "many")] == [-1, 0, -1]


def test_a_claim_that_a_long_passage_supports_somewhere_is_left_out(tokenizer: PreTrainedTokenizerFast) -> None:
    examples = [
        Example("it was built", text, -1, -1, "claim", somewhere=supported, whole=True)
        for text in (PASSAGE[:60], PASSAGE * 3)
        for supported in (True, False)
    ]
    features = encode(examples, tokenizer, seed=0, max_tokens=64, stride=8)
    assert features.start.tolist() == [-1, 0]  # the short passage alone, for and against


def test_no_window_without_the_answer_holds_another_that_is_accepted(tokenizer: PreTrainedTokenizerFast) -> None:
    far = PASSAGE * 3 + " Anna Petrova is gone."
    answers = tuple((place, "Anna Petrova") for place in (far.index("Anna Petrova"), far.rindex("Anna Petrova")))
    start = answers[0][0]
    examples = [Example("who", far, start, start + 12, "squad/answered", answers=answers)] * 40
    features = encode(examples, tokenizer, seed=0, max_tokens=64, stride=8)
    nothing = [row for row in range(len(features)) if features.start[row] == 0]
    assert 0 < len(nothing) < len(features)
    for row in nothing:
        window = tokenizer.decode(features.tokens[features.bounds[row] : features.bounds[row + 1]])
        assert "anna petrova" not in window.split("[SEP]")[1]


# --- news and claims

ARTICLE = Article("A-001", "A-g01", "A castle burns", "2023-06-30", PASSAGE)
SISTER = Article("A-003", "A-g01", "A mill burns", "2023-07-02", "The mill in the valley burnt. Nobody was hurt there.")
ARTICLES = {article.id: article for article in (ARTICLE, SISTER)}


def test_news_questions_stand_beside_windows_that_answer_and_that_do_not() -> None:
    sentence = "In 1701 a fire took its northern tower."
    asked = [
        Question("1", "news", ARTICLE.title, PASSAGE, "Who built it?", ((PASSAGE.index("Anna"), "Anna Petrova"),),
                 group="A-g01", date=ARTICLE.date, article="A-001", many=False),
        Question("2", "news", ARTICLE.title, PASSAGE, "Is the tower whole?", ((PASSAGE.index(sentence), sentence),),
                 group="A-g01", date=ARTICLE.date, article="A-001", polar=True, denial=True, many=False),
        Question("3", "news", ARTICLE.title, PASSAGE, "Who paid?", (), group="A-g01", article="A-001", many=False),
    ]  # fmt: skip
    made = build(asked * 6, {}, 3, articles=ARTICLES)
    kinds = {example.kind for example in made}
    assert {"news/answered", "news/yes-no", "news/unanswerable", "news/sister"} <= kinds
    for example in made:
        answer = example.passage[example.start : example.end] if example.start >= 0 else ""
        if example.kind == "news/answered":
            assert (answer, example.denial, example.polar) == ("Anna Petrova", False, False)
        elif example.kind == "news/yes-no":
            assert (answer, example.denial, example.polar) == (sentence, True, True)
        else:
            assert answer == ""
            assert "Anna Petrova" not in example.passage or example.kind == "news/unanswerable"
    assert any(example.passage.startswith("A castle burns (2023-06-30): ") for example in made)


def test_a_twin_stands_beside_the_passage_that_answers_the_question_it_differs_from(tmp_path: Path) -> None:
    rows = [
        {
            "article": "A-001",
            "kind": "twin",
            "question": "Who built it?",
            "answer": "Anna Petrova",
            "twin": "Who sold it?",
        },
        {
            "article": "A-001",
            "kind": "yes-no",
            "question": "Is it whole?",
            "says": "no",
            "sentence": "In 1701 a fire took",
        },
        {
            "article": "A-001",
            "kind": "undecided",
            "question": "Was the mill paid?",
            "claim": "The mill was paid.",
            "near": "The owners sold the stones to a mill in the valley",
        },
        {"article": "A-999", "kind": "twin", "question": "Who?", "answer": "Anna", "twin": "When?"},
    ]
    path = tmp_path / "twins.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (asked, twin, decided, left_open), claims = load_twins(path, ARTICLES)
    assert (asked.text, asked.answers[0][1], asked.denial) == ("Who built it?", "Anna Petrova", None)
    assert (twin.text, twin.answers, twin.near) == ("Who sold it?", (), asked.answers[0])
    assert (decided.denial, decided.answers[0][1]) == (True, "In 1701 a fire took")
    assert (left_open.polar, left_open.denial, left_open.answers) == (True, None, ())
    assert [(claim.text, claim.label, claim.evidence) for claim in claims] == [
        ("The mill was paid.", "not_stated", rows[2]["near"])
    ]
    tempting = "The owners sold the stones to a mill in the valley"
    path.write_text(json.dumps(rows[0] | {"near": tempting}) + "\n", encoding="utf-8")
    assert load_twins(path, ARTICLES)[0][1].near == (PASSAGE.index(tempting), tempting)
    made = [example for example in build([twin] * 9, {}, 3, articles=ARTICLES) if example.kind == "news/twin"]
    assert made
    assert all("Anna Petrova" in example.passage and example.start == -1 for example in made)
    made = [example for example in build([left_open] * 9, {}, 3, claims, ARTICLES) if "mill" in example.question]
    assert {example.kind for example in made} == {"news/undecided", "claim-news/not_stated"}
    assert all("The owners sold" in example.passage and example.start == -1 for example in made)
    assert {example.polar for example in made if example.kind == "news/undecided"} == {True}


def test_texts_of_other_fields_are_whole_groups_in_or_out_of_training(tmp_path: Path) -> None:
    built, burnt = (
        "It was built in 1523 by Anna Petrova, who had come from Kyiv.",
        "In 1701 a fire took its northern tower.",
    )
    asked = [
        {"q": "Who built it, and from where?", "type": "list", "answers": ["Kyiv", "Anna Petrova"], "sentence": built},
        {"q": "Did it burn?", "type": "yes-no", "answers": ["yes"], "sentence": burnt},
        {"q": "Who set the fire?", "type": "denied", "answers": [], "near": burnt},
        {"q": "Will it be built again?", "type": "open", "answers": [], "near": burnt},
    ]
    said = [{"claim": "It burnt.", "label": "supported", "evidence": burnt}]
    rows = [
        {"id": f"X-{n}", "group": f"g{n // 3}", "title": "T", "date": "2020-01-01", "text": PASSAGE, "questions": asked,
         "claims": said}
        for n in range(12)
    ]  # fmt: skip
    path = tmp_path / "fields.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    known, left_out = load_fields([path]), load_fields([path], held_out=True)
    assert len(known[0]) == len(known[2]) == 9
    assert {a.group for a in left_out[0].values()}.isdisjoint(a.group for a in known[0].values())
    items, decided, denied, left_open = left_out[1][:4]
    assert items.many
    assert [PASSAGE[start : start + len(text)] for start, text in items.answers] == ["Kyiv", "Anna Petrova"]
    assert (decided.polar, decided.denial, decided.answers) == (True, False, ((PASSAGE.index(burnt), burnt),))
    assert (denied.polar, denied.denial, denied.near) == (False, True, decided.answers[0])
    assert (left_open.polar, left_open.denial, left_open.answers) == (True, None, ())
    made = build(known[1], {}, 3, known[2], known[0])
    assert {e.kind for e in made} >= {
        "fields/answered",
        "fields/twin",
        "fields/yes-no",
        "fields/undecided",
        "claim-fields/supported",
    }


def test_questions_on_texts_of_the_data_are_read_as_those_on_our_own(tmp_path: Path) -> None:
    built = "It was built in 1523 by Anna Petrova, who had come from Kyiv."
    asked = [
        {"q": "Whose work is it?", "type": "factoid", "answers": ["Anna Petrova"], "sentence": built},
        {"q": "Is it by somebody from Lviv?", "type": "yes-no", "answers": ["no"], "sentence": built},
        {"q": "What did it cost?", "type": "wrong-detail", "answers": [], "near": built},
        {"q": "Since when had she lived in Kyiv?", "type": "untold", "answers": [], "near": built},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text(
        "".join(json.dumps({"article": n, "questions": asked}) + "\n" for n in ("A", "B")), encoding="utf-8"
    )
    texts = {"A": Article("A", "g", "T", "2020-01-01", PASSAGE)}
    who, whether, cost, since = load_questions(path, texts)
    assert (who.answers, who.article) == (((PASSAGE.index("Anna Petrova"), "Anna Petrova"),), "A")
    assert (whether.polar, whether.denial, whether.answers) == (True, True, ((PASSAGE.index(built), built),))
    assert (cost.answers, cost.near) == (since.answers, since.near) == ((), (PASSAGE.index(built), built))
    assert [question.dataset for question in (cost, since)] == ["news-questions", "news-untold"]
    alone = load_questions(path, texts, "passage-questions")
    assert [(question.dataset, question.article) for question in alone] == [("passage-questions", "")] * 3 + [
        ("passage-untold", "")
    ]
    others = {SISTER.id: SISTER}
    kinds = {example.kind for example in build([who, whether, cost, since], {}, 3, [], texts | others)}
    assert kinds >= {"news-questions/answered", "news-questions/yes-no", "news-questions/twin", "news-untold/twin"}
    kinds = {example.kind for example in build(alone, {}, 3)}
    assert kinds >= {"passage-questions/answered", "passage-questions/undecided", "passage-untold/undecided"}


def test_a_question_of_a_conversation_stands_behind_what_was_asked_before(tmp_path: Path) -> None:
    built = "It was built in 1523 by Anna Petrova, who had come from Kyiv."
    before = [{"q": "Who built it?", "a": "Anna Petrova"}, {"q": "how old was she", "a": ""}]
    asked = {"before": before, "q": "From where?", "type": "factoid", "answers": ["Kyiv"], "sentence": built}
    path = tmp_path / "talks.jsonl"
    path.write_text(json.dumps({"article": "A", "questions": [asked]}) + "\n", encoding="utf-8")
    texts = {"A": Article("A", "g", "T", "2020-01-01", PASSAGE)}
    (question,) = load_questions(path, texts, "news-talks")
    assert question.text == "(Who built it? Anna Petrova. how old was she?) From where?"
    assert (question.article, question.answers) == ("A", ((PASSAGE.index("Kyiv"), "Kyiv"),))
    assert {e.kind for e in build([question], {}, 3, [], texts | {SISTER.id: SISTER})} >= {"news-talks/answered"}


def test_an_article_on_another_event_is_no_gold_of_a_calibrating_question() -> None:
    articles = {f"A-00{n}": replace(ARTICLE, id=f"A-00{n}") for n in (1, 2, 3)}
    who = (PASSAGE.index("Anna Petrova"), "Anna Petrova")
    asked = [
        Question(f"q{n}", "news", "T", PASSAGE, "Who built it?", (who,), ARTICLE.group, article=f"A-00{n}", polar=polar)
        for n, polar in ((1, False), (3, False), (2, True))
    ]
    made = corpora.of_articles("news", articles, asked, 9)
    assert {document.id for document in made.documents} == set(articles)
    golds = sorted(sorted(item.gold) for item in made.questions)
    assert golds == [["A-001", "A-002"], ["A-001", "A-002", "A-003"], ["A-002"]]


def test_sentences_of_drafts_are_claims_on_what_decides_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built, burnt = (
        "It was built in 1523 by Anna Petrova, who had come from Kyiv.",
        "In 1701 a fire took its northern tower.",
    )
    draft = [
        {"s": "A woman from Kyiv built it.", "label": "supported", "evidence": [built]},
        {"s": "She saw it burn.", "label": "contradicted", "evidence": [burnt, built]},
        {"s": "Fire took a tower in 1701.", "label": "supported", "evidence": [burnt]},
    ]
    row = {"id": "X", "group": "g", "title": "T", "date": "2020-01-01", "text": PASSAGE, "questions": [], "claims": []}
    path = tmp_path / "fields.jsonl"
    path.write_text(json.dumps(row | {"drafts": [draft]}) + "\n", encoding="utf-8")
    articles, _, claims = load_fields([path])
    assert [(claim.dataset, claim.label) for claim in claims] == [
        ("drafts", "supported"), ("drafts", "contradicted"), ("drafts", "supported"),
        ("leaning", "contradicted"), ("leaning", "supported"),
    ]  # fmt: skip
    assert claims[3].text == "(A woman from Kyiv built it.) She saw it burn."
    assert claims[3].evidence == claims[1].evidence
    assert (claims[0].premise, claims[0].evidence) == (PASSAGE, built)
    both = PASSAGE[PASSAGE.index(built) : PASSAGE.index(burnt) + len(burnt)]
    assert (claims[1].premise, claims[1].evidence) == (PASSAGE, both)
    made = [example for example in build([], {}, 3, claims * 5, articles) if example.kind == "claim-drafts/supported"]
    assert all(built in e.passage or burnt in e.passage for e in made)
    # Either on a run of the article, with its place, or on sentences brought together, where no place is marked.
    assert {(e.start >= 0, e.somewhere) for e in made} == {(True, False), (False, True)}
    monkeypatch.setattr(written, "NEAR", len(both) - 1)
    far = load_fields([path])[2][1]
    assert (far.premise, far.evidence, far.runs) == (PASSAGE, "", (built, burnt))  # in the text's order


def test_an_answer_is_a_claim_behind_its_question() -> None:
    asked = [
        question("Who built it?", "Anna Petrova", dataset="news-questions"),
        question("Who came from Kyiv?", "Anna Petrova", dataset="news-questions"),
        question("When did it burn?", "1701", dataset="news-questions"),
        question("Who paid?", dataset="news-questions"),
        replace(question("Is it whole?", "fire", dataset="news-questions"), polar=True),
    ]
    made = replies(asked * 20, Random(3))
    right = {(claim.text, claim.evidence) for claim in made if claim.label == "supported"}
    built, burnt = (
        "It was built in 1523 by Anna Petrova, who had come from Kyiv.",
        "In 1701 a fire took its northern tower.",
    )
    assert right == {
        ("(Who built it?) Anna Petrova.", built), ("(Who came from Kyiv?) Anna Petrova.", built),
        ("(When did it burn?) 1701.", burnt),
    }  # fmt: skip
    wrong = {claim.text for claim in made if claim.label != "supported"}
    assert wrong == {
        "(Who built it?) 1701.", "(Who came from Kyiv?) 1701.", "(When did it burn?) Anna Petrova.",
    }  # fmt: skip
    assert replies([replace(asked[0], dataset="squad")] * 60, Random(3)) == []


def test_a_claim_that_needs_several_places_lacks_one_at_times() -> None:
    built, burnt = (
        "It was built in 1523 by Anna Petrova, who had come from Kyiv.",
        "In 1701 a fire took its northern tower.",
    )
    claim = Claim(
        "news-drafts",
        "g",
        PASSAGE,
        "The ruin that a woman from Kyiv built burnt in 1701.",
        "supported",
        runs=(built, burnt),
    )
    made = build([], {}, 3, [claim] * 60)
    whole = [example for example in made if example.somewhere]
    halved = [example for example in made if example.kind == "claim-news-drafts/halved"]
    assert len(whole) + len(halved) == len(made)
    assert len(whole) > len(halved) > 0
    assert all(built in e.passage and burnt in e.passage for e in whole)
    assert all((built in e.passage) + (burnt in e.passage) == 1 for e in halved)
    assert any(len(e.passage) > len(f"{built} {burnt}") for e in whole)  # beside sentences that tell less


def test_rows_that_ship_load_and_no_group_is_on_both_sides() -> None:
    known, left_out = load_fields(), load_fields(held_out=True)
    groups = [{article.group for article in side[0].values()} for side in (known, left_out)]
    assert groups[0]
    assert groups[1]
    assert not groups[0] & groups[1]
    for articles, questions, claims in (known, left_out):
        for question in questions:
            text = articles[question.article].text
            assert all(text[start : start + len(answer)] == answer for start, answer in question.answers)
        assert all(run in claim.premise for claim in claims for run in (claim.evidence, *claim.runs))
        assert build(questions, {}, 3, claims, articles)


def test_what_a_short_text_denies_is_read_beside_it_as_denied() -> None:
    articles, questions, _ = load_fields([NOTICES])
    assert {question.dataset for question in questions} == {"notices"}
    denied = [question for question in questions if question.denial and not question.polar]
    assert denied
    made = [example for example in build(denied, {}, 3, [], articles) if example.kind == "notices/twin"]
    assert {(example.start, example.denial) for example in made} == {(-1, True)}
    near = {question.text: question.near[1] for question in denied if question.near}
    told = [near[example.question] in example.passage for example in made if example.question in near]  # without noise
    assert told
    assert all(told)


def test_folders_of_strangers_are_asked_by_themselves_and_never_trained_on() -> None:
    assert load_fields([STRANGERS]) == ({}, [], [])
    made = list(corpora.strangers(100))
    assert [(corpus.name, len(corpus.documents), len(corpus.questions)) for corpus in made] == [
        ("strangers", 8, 60)
    ] * 4
    for corpus in made:
        texts = {document.id: document.text for document in corpus.documents}
        for item in corpus.questions:
            assert item.gold <= set(texts)
            assert all(any(span in texts[id] for id in item.gold) for span in (*item.answers, item.sentence))


def test_drafts_on_texts_of_the_data(tmp_path: Path) -> None:
    fire = "In 1701 a fire took its northern tower."
    said = [{"s": "It burnt in 1701.", "label": "supported", "evidence": [fire]}]
    path = tmp_path / "drafts.jsonl"
    path.write_text("".join(json.dumps({"article": a, "drafts": [said]}) + "\n" for a in ("7", "8")), encoding="utf-8")
    known = {"7": Article("7", "Castle", "Castle", None, PASSAGE)}
    (news,), (passage,) = load_drafts(path, known), load_drafts(path, known, "passage-drafts")
    assert (news.dataset, news.article, news.evidence) == ("news-drafts", "7", fire)
    assert (passage.dataset, passage.article, passage.premise) == ("passage-drafts", "", PASSAGE)


def test_the_answer_of_a_draft_stands_behind_its_question(tmp_path: Path) -> None:
    fire = "In 1701 a fire took its northern tower."
    said = [{"s": text, "label": "supported", "evidence": [fire]} for text in ("In 1701.", "It took a tower.")]
    row = {"article": "7", "drafts": [said, said[:1]], "asked": ["When did it burn?", ""]}
    path = tmp_path / "drafts.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    made = load_drafts(path, {"7": Article("7", "Castle", "Castle", None, PASSAGE)})
    assert [(claim.dataset, claim.text) for claim in made] == [
        ("news-drafts", "It took a tower."),
        ("leaning", "(When did it burn?) In 1701."),
        ("leaning", "(In 1701.) It took a tower."),
        ("news-drafts", "In 1701."),  # of what was not asked
    ]


def test_yes_no_questions_on_passages_of_other_sets(tmp_path: Path) -> None:
    sentence, near = "In 1701 a fire took its northern tower.", "Today the ruin belongs to the town"
    passages = {"7": Article("7", "Castle", "Castle", None, PASSAGE)}
    rows = [
        {"article": "7", "kind": "yes-no", "question": "Did it burn?", "claim": "It burnt.", "says": "yes",
         "sentence": sentence},
        {"article": "7", "kind": "undecided", "question": "Will it be sold?", "claim": "It will be sold.",
         "near": near},
    ]  # fmt: skip
    path = tmp_path / "twins.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    questions, claims = load_twins(path, passages, "passages")
    assert {question.article for question in questions} == {""}  # of no news group
    made = [e for e in build(questions * 3, {}, 3, claims) if e.kind != "foreign"]
    for example in (e for e in made if e.kind == "passages/answered"):
        assert example.passage[example.start : example.end] == sentence
        assert (example.polar, example.denial) == (True, False)
    left_open = [e for e in made if e.kind == "passages/undecided"]
    assert left_open
    assert all(near in e.passage and e.start == -1 and e.polar for e in left_open)
    assert {e.kind for e in made} == {
        "passages/answered", "passages/undecided", "claim-passages/supported", "claim-passages/not_stated",
    }  # fmt: skip


def test_a_passage_without_what_decides_denies_nothing() -> None:
    sentence = "In 1701 a fire took its northern tower."
    asked = Question(
        "q", "passages", "Castle", PASSAGE, "Was it spared?", ((PASSAGE.index(sentence), sentence),), "Castle",
        polar=True, denial=True,
    )  # fmt: skip
    made = build([replace(asked, dataset="passage-questions")] * 20, {}, 3)
    denials = {e.kind: {x.denial for x in made if x.kind == e.kind} for e in made}
    assert denials["passage-questions/answered"] == {True}
    assert denials["passage-questions/cut"] == {False}


def test_where_a_detail_is_exchanged_the_window_holds_what_it_was() -> None:
    long = Article("A-001", "A-g01", "A castle burns", None, f"{PASSAGE} Nobody was hurt. " + "All was well. " * 120)
    text = "Who built the castle of Mikhailov?"
    asked = Question(
        "q", "news", long.title, long.text, text, ((long.text.index("Anna Petrova"), "Anna Petrova"),), long.group,
        article=long.id,
    )  # fmt: skip
    other = replace(asked, text="Who came from Novgorod?", answers=())
    made = build([asked, other] * 100, {}, 3, articles=ARTICLES | {long.id: long})
    exchanged = [example for example in made if example.kind == "news/exchanged"]
    assert exchanged
    assert all("mikhailov" in example.passage.lower() for example in exchanged)


def test_what_denies_a_twin_is_told_where_a_row_tells_it(tmp_path: Path) -> None:
    row = {
        "article": "A-001",
        "kind": "twin",
        "question": "Who built it?",
        "answer": "Anna Petrova",
        "twin": "Who left?",
    }
    path = tmp_path / "twins.jsonl"
    for denies in (True, False, None):
        path.write_text(json.dumps(row | ({} if denies is None else {"denies": denies})), encoding="utf-8")
        made = build(load_twins(path, ARTICLES)[0] * 4, {}, 3, articles=ARTICLES)
        assert {example.denial for example in made if example.kind == "news/twin"} == {denies}
        made = build(load_twins(path, ARTICLES, "passages")[0] * 4, {}, 3, articles=ARTICLES)
        assert {example.denial for example in made if example.kind == "passages/undecided"} == {denies}


def test_questions_stand_beside_passages_of_other_sets_too() -> None:
    news = [Example(f"Was it {n}?", f"news {n}", 0, 4, "news/yes-no", denial=True, polar=True) for n in range(100)]
    other = [Example(f"Who is {n}?", f"squad {n}", 0, 5, "squad/answered", polar=False) for n in range(100)]
    unknown = [Example("A claim.", "premise", -1, -1, "claim-wice/supported", somewhere=True)]
    made = foreign(news + other + unknown, Random(1))
    assert made
    for example in made:
        assert example.polar == example.passage.startswith("squad")  # what it asks for is its own
        assert (example.start, example.end, example.denial, example.kind) == (-1, -1, False, "foreign")


def test_a_pass_keeps_a_share_of_each_kind() -> None:
    kinds = ["news/twin"] * 400 + ["news/answered"] * 400 + ["squad/answered"] * 400
    examples = [Example("q", "p", -1, -1, kind) for kind in kinds]
    shares = dict(training_run.share_of_kind(text) for text in ("news=0.5", "news/twin=1", "=0"))
    found = [example.kind for example in training_run.kept(examples, shares, Random(2))]
    assert found.count("news/twin") == 400
    assert 150 < found.count("news/answered") < 250
    assert "squad/answered" not in found
    assert len(training_run.kept(examples, {"": 1.0}, Random(2))) == 1200


def test_the_shipped_twins_differ_and_say_yes_or_no() -> None:
    rows = [json.loads(line) for line in TWINS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 1900
    assert all(row["question"] != row["twin"] and row["answer"] for row in rows if row["kind"] == "twin")
    assert {row["says"] for row in rows if row["kind"] == "yes-no"} == {"yes", "no"}


def test_claims_point_at_their_evidence_or_at_nothing() -> None:
    evidence = "The owners sold the stones to a mill in the valley"
    claims = [
        Claim("news", "A-g01", PASSAGE, "A miller bought the stones.", "supported", evidence, article="A-001"),
        Claim("news", "A-g01", PASSAGE, "The stones were given away.", "contradicted", evidence, article="A-001"),
        Claim("bump", "b", "A long premise.", "It is long.", "supported"),
        Claim("bump", "b", "A long premise.", "It is short.", "unsupported"),
    ]
    made = build([], {}, 5, claims * 8, ARTICLES)
    by_text = {example.question: example for example in made}
    supported, denied = by_text["A miller bought the stones."], by_text["The stones were given away."]
    assert supported.start < 0 or supported.passage[supported.start : supported.end] == evidence
    assert (denied.start, denied.denial) == (-1, True)
    assert (by_text["It is long."].somewhere, by_text["It is long."].denial) == (True, False)
    assert (by_text["It is short."].somewhere, by_text["It is short."].denial) == (False, None)
    asked = by_text["Is it true that the stones were given away?"]
    assert (asked.passage[asked.start : asked.end], asked.denial, asked.polar) == (evidence, True, True)


# --- losses


def test_a_window_without_a_marked_place_is_judged_by_all_its_spans() -> None:
    start, end = torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[0.5, 1.0, 3.0]])
    margin = evidence_margin(start, end)
    expected = np.logaddexp(2.0, 0.0) + np.logaddexp(1.0, 3.0) - 1.5
    assert margin.item() == pytest.approx(expected)
    batch = {
        "segments": torch.tensor([[0, 1, 1]]), "attention_mask": torch.ones(1, 3, dtype=torch.long),
        "start": torch.tensor([-1]), "end": torch.tensor([-1]), "denial": torch.tensor([1]),
        "polar": torch.tensor([-1]), "many": torch.tensor([-1]),
    }  # fmt: skip
    loss = window_loss(start, end, torch.tensor([[2.0, 9.0, 9.0]]), batch)
    assert loss.item() == pytest.approx(np.log1p(np.exp(-expected)) + 0.5 * np.log1p(np.exp(-2.0)), rel=1e-5)


# --- weights in few bits


def test_packed_weights_come_back_within_half_a_step() -> None:
    torch.manual_seed(0)
    state = {
        "encoder.word_embeddings.weight": torch.randn(200, 64),
        "encoder.dense.weight": torch.randn(96, 64) * torch.logspace(-2, 1, 96)[:, None],
        "head.bias": torch.randn(5),
    }
    packed = pack(state)
    found = unpack(packed, torch.float32)
    assert set(found) == set(state)
    step = state["encoder.dense.weight"].abs().amax(1, keepdim=True) / 127
    assert ((found["encoder.dense.weight"] - state["encoder.dense.weight"]).abs() <= 0.51 * step).all()
    groups = state["encoder.word_embeddings.weight"].reshape(200, -1, 32)
    error = (found["encoder.word_embeddings.weight"].reshape(groups.shape) - groups).abs()
    assert (error <= 0.51 * groups.abs().amax(2, keepdim=True) / 7).all()
    assert sum(t.numel() * t.element_size() for t in packed.values()) < 0.3 * 4 * (200 * 64 + 96 * 64)
    assert torch.equal(unpack(pack(found), torch.float32)["encoder.dense.weight"], found["encoder.dense.weight"])


# --- training


def test_learning_rate_climbs_then_falls() -> None:
    assert learning_rate(0.015, 1e-4) == pytest.approx(5e-5)
    assert learning_rate(0.03, 1e-4) == pytest.approx(1e-4)
    assert learning_rate(0.515, 1e-4) == pytest.approx(5e-5)
    assert learning_rate(1.0, 1e-4) == pytest.approx(1e-6)


def run(work: Path, data: Path, init: Path, steps: int, planned: int, *others: str) -> dict[str, torch.Tensor]:
    """The weights after `steps` of a run planned for `planned` steps."""
    arguments = [
        *("--data", str(data), "--init", str(init), "--work", str(work), "--steps", str(planned)),
        *(
            "--tokens",
            "200",
            "--micro-batches",
            "2",
            "--rate",
            "0.01",
            "--device",
            "cpu",
            "--threads",
            "1",
            "--stop-after",
            str(steps),
        ),
        *others,
    ]
    training_run.main(arguments)
    return torch.load(work / "checkpoint.pt", weights_only=False)["model"]


def test_a_run_repeats_and_resumes_to_the_same_weights(tmp_path: Path, data: Path, tiny: Path) -> None:
    whole = run(tmp_path / "whole", data, tiny, 12, 12)
    again = run(tmp_path / "again", data, tiny, 12, 12)
    run(tmp_path / "broken", data, tiny, 5, 12)
    resumed = run(tmp_path / "broken", data, tiny, 12, 12)
    start = load_network(tiny).state_dict()
    for name, tensor in whole.items():
        assert torch.equal(tensor, again[name]), name
        assert torch.equal(tensor, resumed[name]), name
    assert not torch.equal(whole["head.weight"], start["head.weight"])
    embeddings = "encoder.embeddings.word_embeddings.weight"
    assert torch.equal(whole[embeddings], start[embeddings])


def test_a_run_goes_on_with_the_options_that_it_began_with(tmp_path: Path, data: Path, tiny: Path) -> None:
    run(tmp_path / "run", data, tiny, 2, 12)
    with pytest.raises(ValueError, match=r"was begun with --keep \[\], --seed 1"):
        run(tmp_path / "run", data, tiny, 4, 12, "--seed", "2", "--keep", "squad=0.5")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--keep", "=0"), "--keep leaves no window"),
        (("--negatives", "/no/such/file"), "/no/such/file"),
    ],
)
def test_an_option_that_would_do_nothing_is_an_error(
    tmp_path: Path, data: Path, tiny: Path, options: tuple[str, ...], told: str
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=re.escape(told)):
        run(tmp_path / "run", data, tiny, 2, 12, *options)


def test_a_kind_that_is_not_there_is_told(
    tmp_path: Path, data: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "run", data, tiny, 2, 12, "--keep", "squad/anwsered=0", "squad/answered=1")
    assert capsys.readouterr().out.startswith("--keep squad/anwsered: no kind begins so\ndone")


def test_a_folder_without_data_is_no_data(tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path / "run", tmp_path / "none", tiny, 2, 12)
    assert "none has no folder train/" in capsys.readouterr().err


def test_the_two_readers_cut_text_into_the_same_pieces() -> None:
    large, small = (AutoTokenizer.from_pretrained(SHIPPED[name]) for name in ("default", "small"))
    ids = vocabulary(large, small)
    text = "In 1701 a fire took Petrova's northern tower."
    assert ids[large(text, add_special_tokens=False)["input_ids"]].tolist() == small(text)["input_ids"][1:-1]
    assert ids[[large.cls_token_id, large.pad_token_id]].tolist() == [small.cls_token_id, small.pad_token_id]


def test_the_student_comes_closer_to_its_teacher(tmp_path: Path, data: Path, tiny: Path) -> None:
    run(tmp_path / "teacher", data, tiny, 12, 12)
    teacher = tmp_path / "teacher" / "final"
    distill.main(
        [
            *("--data", str(data), "--teacher", str(teacher), "--init", str(tiny), "--work", str(tmp_path / "student")),
            *("--steps", "30", "--tokens", "400", "--rate", "0.003", "--average", "0.5", "--device", "cpu"),
        ]
    )
    inputs = AutoTokenizer.from_pretrained(tiny)("Who built it?", PASSAGE, return_tensors="pt")

    def distance(folder: Path) -> float:
        with torch.inference_mode():
            left, right = (load_network(place).eval()(**inputs)[0].softmax(1) for place in (folder, teacher))
        return float((left - right).abs().sum())

    assert distance(tmp_path / "student" / "final") < distance(tiny)


# --- evaluation


def test_the_threshold_separates_answerable_from_not() -> None:
    asked = [question("a", "1523"), question("b", "1701"), question("c"), question("d")]
    found = [Prediction(text, 0, 4, margin) for text, margin in (("1523", 4), ("1701", 2), ("x", 1), ("y", -3))]
    threshold = threshold_of(asked, found)
    assert scores(asked, found, threshold).tolist() == [[1, 1]] * 4
    assert scores(asked, found, None).tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]


def test_predicted_spans_are_the_passage_at_their_offsets(tiny: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    long = " ".join([PASSAGE] * 5)
    found = predict(
        load_network(tiny).eval(),
        Windows.of(tokenizer, 288),
        [("who built it", "Castle: ", PASSAGE), ("why", "", long)],
    )
    for passage, span in zip((PASSAGE, long), found, strict=True):
        assert passage[span.start : span.end] == span.text
        assert span.text


def test_several_models_ship_as_the_mean_of_their_weights(tiny: Path, tmp_path: Path) -> None:
    moved = load_network(tiny)
    with torch.no_grad():
        moved.head.bias += 2.0
    save_network(moved, tmp_path / "moved")
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path / "moved")
    digest = export([tiny, tmp_path / "moved"], tmp_path / "shipped")
    first, shipped = load_network(tiny), load_network(tmp_path / "shipped")
    assert torch.equal(shipped.head.bias, (first.head.bias + 1.0).half().float())
    assert torch.allclose(shipped.head.weight, first.head.weight, atol=1e-3)
    assert (tmp_path / "shipped" / "SHA256").read_text().split()[0] == digest


def test_weights_that_are_too_large_take_no_place(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = export([tiny], tmp_path / "shipped")
    monkeypatch.setattr("training.export.MAX_BYTES", 10)
    with pytest.raises(ValueError, match="at most 10 ship"):
        export([tiny], tmp_path / "shipped")
    shipped = (tmp_path / "shipped" / "model.safetensors").read_bytes()
    assert hashlib.sha256(shipped).hexdigest() == digest
    assert (tmp_path / "shipped" / "SHA256").read_text().split()[0] == digest


def test_a_change_of_weights_ships_as_a_few_directions(tiny: Path, tmp_path: Path) -> None:
    base, moved, before = load_network(tiny), load_network(tiny), load_network(tiny).state_dict()
    layer = moved.encoder.layers[-1]
    with torch.no_grad():  # two directions in a matrix, a vector, the head
        layer.mix.weight += torch.outer(torch.ones(len(layer.mix.weight)), torch.linspace(-1, 1, layer.mix.in_features))
        layer.mix.weight[0] += 1.0
        layer.norm.bias += 0.5
        moved.head.weight *= 2.0
    save_network(moved, tmp_path / "moved")
    digest = export_change([tmp_path / "moved"], tiny, 5, tmp_path / "claims")
    of_base = hashlib.sha256((tiny / "model.safetensors").read_bytes()).hexdigest()
    assert (tmp_path / "claims" / "SHA256").read_text().split()[::2] == [digest, of_base]
    made = load_changed(base, tmp_path / "claims" / "change.safetensors")
    for name, wanted in moved.state_dict().items():
        assert torch.allclose(made.state_dict()[name], wanted, atol=2e-2), name
    assert all(torch.equal(base.state_dict()[name], before[name]) for name in before)
    shared = [module.encoder.embeddings.word_embeddings.weight.data_ptr() for module in (base, made)]
    assert shared[0] == shared[1]  # what stays the same is there once


def test_where_more_has_changed_more_directions_tell_it(tiny: Path) -> None:
    base, moved = load_network(tiny), load_network(tiny)
    first, last = moved.encoder.layers[0].mix.weight, moved.encoder.layers[-1].mix.weight
    with torch.no_grad():
        for n in range(3):
            first[n, n] += 0.2 if n == 0 else 0.01
            last[n, n] += 1.0
    told = change_of(base, moved, 2)
    names = [f"encoder.layers.{n}.mix.weight.out" for n in (0, len(base.encoder.layers) - 1)]
    assert [told[name].shape[1] for name in names] == [1, 3]


def test_networks_are_compared_by_what_they_tell_apart(tiny: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    questions = ["who built the castle", "when was it built", "why"]
    features = encode([Example(text, PASSAGE, 0, 10, "news/answered") for text in questions], tokenizer, seed=0)
    network = load_network(tiny).eval()
    said = compare.read(network, features, tokenizer.pad_token_id)
    expected = predict(network, Windows.of(tokenizer, MAX_TOKENS), [(text, "", PASSAGE) for text in questions])
    np.testing.assert_allclose(said.margin, [found.margin for found in expected], atol=1e-4)
    assert (said.support >= said.margin).all()  # all spans together weigh no less than the best

    kinds = ["news/answered", "news/cut", "news/yes-no", "news/yes-no", "news/undecided"]
    examples = [
        Example("why", PASSAGE, 0, 10, kind, denial=number == 2, polar=number >= 2) for number, kind in enumerate(kinds)
    ]
    margin = np.array([2.0, 1.0, 0.0, 3.0, 1.0])
    said = compare.Read(margin, margin, np.array([0.0, 0.0, 4.0, -4.0, 0.0]), np.array([-3.0, 3.0, 2.0, 2.0, 9.0]))
    row = compare.figures(said, np.array(kinds), encode(examples, tokenizer, seed=0))
    assert row["answered or not"] == 1.0
    assert row["decided or open"] == 0.5
    assert row["yes or no"] == 1.0
    assert row["asks for yes or no"] == pytest.approx(2 / 3)
