"""The real default models on the five articles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import SEEDS, make_document

from rag.articles.chunking import chunk_document
from rag.config import Settings
from rag.errors import ModelError
from rag.grounding.verifier import signals
from rag.logistic import sigmoid, weigh
from rag.models import embedding, encoding, hardware, reader
from rag.models.embedding import default_model_folder, load_embedder
from rag.models.encoding import MeanEncoder, SentenceTransformerEncoder
from rag.models.reader import ExtractiveReader
from rag.parts import Parts
from rag.pipeline import Chatbot
from rag.types import Answer, Chunk

pytestmark = pytest.mark.models
QUESTIONS = Path(__file__).parents[1] / "eval" / "questions.jsonl"
NAMED = "Wilhelmina Castellane, who measured mountains"


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Chatbot:
    return Chatbot.from_directory(SEEDS, index_folder=tmp_path_factory.mktemp("seeds") / "index")


def quotes_of(bot: Chatbot, answer: Answer) -> dict[str, str]:
    """Cited text of each document, checked to be exact."""
    for citation in answer.citations:
        assert bot.document(citation.document_id).text[citation.start : citation.end] == citation.quote
    return {
        i: " ".join(c.quote for c in answer.citations if c.document_id == i)
        for i in {c.document_id for c in answer.citations}
    }


def test_both_visits_are_cited_each_with_its_date(bot: Chatbot) -> None:
    answer = bot.ask("Why did López Miera visit Belarus?")
    assert not answer.abstained
    quotes = quotes_of(bot, answer)
    of_2024 = quotes["000_f8c9c8bafd1683fa.txt"]
    assert "invitation" in of_2024
    assert "80th anniversary" in of_2024
    of_2023 = " ".join(quotes.get(name, "") for name in ("001_881647f79dec120c.txt", "002_d534951bd981a3ed.txt"))
    assert "military" in of_2023.casefold()
    assert len(answer.accounts) >= 2
    dates = {account.date or "" for account in answer.accounts}
    assert any(date.startswith("2024") for date in dates)
    assert any(date.startswith("2023") for date in dates)


@pytest.mark.parametrize(
    "question", ["What is the population of Minsk?", "Who won the football world cup in 2018?", "🙂", "asdf qwer zxcv"]
)
def test_what_the_articles_do_not_say_is_not_answered(bot: Chatbot, question: str) -> None:
    answer = bot.ask(question)
    assert answer.abstained
    assert (answer.text, answer.citations) == ("The articles do not say.", ())
    json.dumps(answer.to_dict(), allow_nan=False)


@pytest.mark.parametrize("question", ["Who is Jrenin?", "Who is Hrenin?", "Who is Khrenin?"])
def test_a_name_in_any_spelling_is_found(bot: Chatbot, question: str) -> None:
    found = bot.retrieve(question, k=5)
    assert any("Khrenin" in one.chunk.text or "Jrenin" in one.chunk.text for one in found[:2])


def test_the_sentence_reader_needs_no_weights_and_cites_exactly(tmp_path: Path) -> None:
    bot = Chatbot.from_directory(SEEDS, Settings(reader="sentence"), index_folder=tmp_path / "index")
    answer = bot.ask("When was López Miera born?")
    assert any("1943" in quote for quote in quotes_of(bot, answer).values())


@pytest.mark.parametrize("text", ["🙂" * 50, "中" * 2000, "a" * 5000, "\u200b\u200bx", "\ufeff…", "̈" * 300])
def test_odd_articles_are_read(text: str) -> None:
    bot = Chatbot.from_documents([make_document("odd.txt", text)])
    answer = bot.ask("What is this about?")
    quotes_of(bot, answer)
    json.dumps(answer.to_dict(), allow_nan=False)


def test_no_chunk_is_cut_by_the_embedder(bot: Chatbot) -> None:
    embedder = bot.parts.embedder
    for document in bot.documents():
        for chunk in bot.corpus.cut(document):
            assert len(embedder.token_offsets(chunk.text)) <= bot.settings.chunk_tokens
            assert len(embedder.token_offsets(f"{chunk.title}\n{chunk.text}")) + 2 <= embedder.max_tokens


def test_altered_embedding_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in default_model_folder().iterdir():
        if path.name != "model.safetensors":
            (tmp_path / path.name).symlink_to(path)
    data = bytearray((default_model_folder() / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(data)
    monkeypatch.setattr(embedding, "default_model_folder", lambda: tmp_path)
    with pytest.raises(
        ModelError, match=r"model\.safetensors has the sha256 .*, expected 53aa51172d142c89.*make setup"
    ):
        load_embedder("default")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors is missing"):
        load_embedder("default")


def test_altered_reader_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, shipped in list(reader.SHIPPED.items()):
        (tmp_path / name).mkdir()
        (tmp_path / name / "SHA256").write_bytes((shipped / "SHA256").read_bytes())
        (tmp_path / name / "model.safetensors").write_bytes(b"altered")
        monkeypatch.setitem(reader.SHIPPED, name, tmp_path / name)
        with pytest.raises(ModelError, match=r"model\.safetensors has the sha256"):
            ExtractiveReader.load(name)


def test_weights_for_claims_that_do_not_fit_are_refused(
    bot: Chatbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SHA256", "change.safetensors"):
        (tmp_path / name).write_bytes((reader.CLAIMS / name).read_bytes())
    monkeypatch.setattr(reader, "CLAIMS", tmp_path)
    own, of_base = (tmp_path / "SHA256").read_text().splitlines()
    (tmp_path / "SHA256").write_text(f"{own}\n{'0' * 64} {of_base[64:]}\n")
    with pytest.raises(ModelError, match=r"changes other weights than those of"):
        reader.load_claim_reader("default", bot.parts.reader)
    (tmp_path / "change.safetensors").write_bytes(b"altered")
    with pytest.raises(ModelError, match=r"change\.safetensors has the sha256"):
        reader.load_claim_reader("default", bot.parts.reader)
    assert reader.load_claim_reader("another", bot.parts.reader) is bot.parts.reader


def test_claims_are_read_in_weights_of_their_own() -> None:
    parts = Parts.load()
    sentence = "The council of Quellmouth approved the harbour plan on Tuesday."
    passage = chunk_document(make_document("a.txt", sentence), parts.embedder.token_offsets, 100)
    claim = "Quellmouth's council agreed to the plan for the harbour."
    (asked,), (read,) = (
        parts.reader.read(claim, passage),
        reader.load_claim_reader("default", parts.reader).read(claim, passage),
    )
    assert asked.judgement != read.judgement
    (support,) = parts.verifier.check(claim, passage)
    fitted = json.loads((reader.CLAIMS / "verification.json").read_text())["weights"]
    assert support.probability == pytest.approx(sigmoid(weigh(fitted, signals(read))))


def test_a_model_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in (str(tmp_path / "empty"), "no/such-model"):
        with pytest.raises(ModelError, match="could not be loaded"):
            ExtractiveReader.load(name)
        with pytest.raises(ModelError, match="could not be loaded"):
            load_embedder(name)


def test_bfloat16_keeps_the_order_of_retrieval(bot: Chatbot, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()[1:]]
    questions = questions[:: max(1, len(questions) // 40)][:40]
    chunks = [chunk for document in bot.documents() for chunk in bot.corpus.cut(document)]
    scores = {}
    for dtype in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(encoding, "inference_dtype", lambda dtype=dtype: dtype)
        embedder = load_embedder("default")
        scores[dtype] = embedder.embed_texts(questions) @ embedder.embed_passages(chunks).T
    exact, quick = scores[torch.float32], scores[torch.bfloat16]
    assert exact.shape == (len(questions), len(chunks))
    assert np.abs(exact - quick).max() < 0.02
    exact_order, quick_order = np.argsort(-exact, axis=1), np.argsort(-quick, axis=1)
    same_first = (exact_order[:, 0] == quick_order[:, 0]).mean()
    shared = np.mean([len(set(a[:5]) & set(b[:5])) / 5 for a, b in zip(exact_order, quick_order, strict=True)])
    spearman = np.mean(
        [np.corrcoef(np.argsort(a), np.argsort(b))[0, 1] for a, b in zip(exact_order, quick_order, strict=True)]
    )
    assert same_first >= 0.95
    assert shared >= 0.95
    assert spearman >= 0.99


def test_a_passage_is_read_under_its_title_where_it_lacks_the_name() -> None:
    reader = ExtractiveReader.load("default")
    text = "In 1913 she married the botanist Henrik Solberg, who went with her on the second journey."
    titles = ("The life of Ottilie Brandt", NAMED)
    chunks = [Chunk("a#", "a", 100, 100 + len(text), text, title, ((100, 100 + len(text)),)) for title in titles]
    other, named = reader.read("Whom did Wilhelmina Castellane marry?", chunks)
    assert named.score > other.score + 0.5
    assert text[named.start - 100 : named.end - 100] == named.text
    assert "Henrik Solberg" in named.text


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        (
            (
                "5 January 2024: Parliament passes the harbour law",
                "10 February 2024: Minister Karin Dahl resigns over the affair",
                "2 March 2024: Prosecutor Lena Moe opens an inquiry into Nordvik",
                "17 April 2024: Nordvik dismisses its director Tom Rask",
            ),
            {
                "When did Karin Dahl resign?": "10 February 2024",
                "When did Lena Moe open an inquiry?": "2 March 2024",
                "When did Nordvik dismiss Tom Rask?": "17 April 2024",
            },
        ),
        (
            ("1987: The mill burns down", "1991: The town buys the land", "1996: A school opens on the land"),
            {"When did the mill burn down?": "1987", "When did the town buy the land?": "1991"},
        ),
        (
            ("Ship: Aurora | Flag: Norway | Tons: 8200", "Ship: Kestrel | Flag: Malta | Tons: 12400"),
            {"Under which flag does the Kestrel sail?": "Malta", "How many tons has the Aurora?": "8200"},
        ),
        (
            ("Minutes of the council", "Present were Ivo Lind and Tilda Rehn", "Excused was Greta Winther"),
            {"Who was excused?": "Greta Winther", "Who was present?": "Ivo Lind and Tilda Rehn"},
        ),
    ],
    ids=["chronology", "years", "rows", "minutes"],
)
def test_lines_without_full_stops_are_not_read_into_each_other(lines: tuple[str, ...], asked: dict[str, str]) -> None:
    text = "\n".join(lines)
    places = tuple((text.index(line), text.index(line) + len(line)) for line in lines)
    chunk = Chunk("a#", "a", 0, len(text), text, "What happened when", places)
    reader = ExtractiveReader.load("default")
    assert {question: reader.read(question, [chunk])[0].text for question in asked} == asked


DENIED = [
    ("The court of Quellmouth {} Ned Marlow of theft.", "did not convict", "convicted", "Who convicted Ned Marlow?"),
    ("The newspaper {} to publish the letter. It was not signed.", "refused", "agreed", "Who published the letter?"),
    ("Freya Holm was {} to the board on Tuesday.", "not elected", "elected", "Who was elected to the board?"),
    pytest.param(
        "The museum will {} in May.", "not open", "open", "When will the museum open?",
        marks=pytest.mark.xfail(strict=True, reason="the ninth run takes the day of what is denied for an answer"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "denied", "said", "question"), DENIED)
def test_a_sentence_that_denies_what_is_asked_is_no_answer(
    bot: Chatbot, text: str, denied: str, said: str, question: str
) -> None:
    answers = [
        Chatbot.from_documents([make_document("a.txt", text.format(word))], parts=bot.parts).ask(question)
        for word in (denied, said)
    ]
    assert [answer.certainty == "answered" for answer in answers] == [False, True]
    if answers[0].certainty == "perhaps":  # then it is the whole sentence that may answer, with the reason for doubt
        assert answers[0].short_answer == answers[0].statements[0].text
        assert "denial" in [doubt.kind for doubt in answers[0].doubts]


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("When did the pilots' union sign the pay deal?", "shortly before midnight"),
        ("Did the pilots' union sign?", "Yes"),
    ],
)
def test_an_article_that_denies_the_answer_is_another_account(bot: Chatbot, question: str, shown: str) -> None:
    signed = "The talks went on for hours. The pilots' union signed the pay deal shortly before midnight. Nobody spoke."
    refused = "Reporters waited in vain. The pilots' union refused to sign the pay deal. All left by the back door."
    documents = [make_document("a.txt", signed), make_document("b.txt", refused)]
    answer = Chatbot.from_documents(documents, parts=bot.parts).ask(question)
    accounts = {account.citations: account.short_answer for account in answer.accounts}
    quotes = {answer.citations[n - 1].document_id: account for (n,), account in accounts.items()}
    assert quotes == {
        "a.txt": shown,
        "b.txt": "No" if shown == "Yes" else "The pilots' union refused to sign the pay deal.",
    }


@pytest.mark.parametrize(
    ("copied", "accounts"),
    [
        ("They were not ordered from a maker in Osaka, the firm said.", 2),
        ("They were ordered from a maker in Osaka, so the firm said.", 0),
    ],
)
def test_a_near_copy_that_denies_is_another_account(bot: Chatbot, copied: str, accounts: int) -> None:
    story = (
        "The machines for the new factory at Grisby have been put in store until the building is ready next year. {} "
        "They lie in a warehouse at the port of Lunde, which costs the company forty thousand euros in each month."
    )
    told = "They were ordered from a maker in Osaka, the firm said."
    documents = [make_document(name, story.format(text)) for name, text in (("a.txt", told), ("b.txt", copied))]
    answer = Chatbot.from_documents(documents, parts=bot.parts).ask("Where were the machines of Grisby ordered?")
    assert [len(passage.duplicates) for passage in answer.passages] == [1]
    assert "Osaka" in answer.short_answer
    assert len(answer.accounts) == accounts


def test_the_default_model_computes_what_sentence_transformers_does() -> None:
    texts = ["An army on parade", "", "long " * 400, "Khrenin met Pátrushev in Minsk.", "🙂"]
    own = MeanEncoder.load(default_model_folder(), 256)
    library = SentenceTransformerEncoder.load(str(default_model_folder()))
    assert own.max_tokens == library.max_tokens
    assert own.offsets(texts[3]) == library.offsets(texts[3])
    left, right = own.encode(texts), library.encode(texts)
    cosines = (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    assert cosines.min() > 0.999


def test_vectors_have_unit_norm(bot: Chatbot) -> None:
    vectors = bot.parts.embedder.embed_texts(["one", "", "🙂", "a much longer text " * 200])
    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0] * 4, abs=1e-5)


def test_texts_met_before_keep_their_vectors(bot: Chatbot) -> None:
    first = bot.parts.embedder.embed_texts(["an army on parade", "a ship in port"])
    again = bot.parts.embedder.embed_texts(["a ship in port", "a new text", "an army on parade", "a ship in port"])
    assert np.array_equal(again[[2, 0]], first)
    assert np.array_equal(again[0], again[3])
    assert np.abs(again[1] @ first.T).max() < 0.9


def test_the_processor_decides_about_bfloat16() -> None:
    import torch

    can = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    assert (hardware.inference_dtype() == torch.bfloat16) is can
