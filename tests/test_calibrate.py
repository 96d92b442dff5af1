"""What confidence and the verifier's decision are fitted to: questions and claims with what is known of them."""

from __future__ import annotations

import zlib

import pytest
from fakes import FakeEmbedder, fake_parts, make_document

from rag.articles.chunking import chunk_document
from rag.pipeline import Chatbot
from training import calibrate, verification
from training.corpora import Corpus, Item
from training.records import Claim

LUND = make_document("lund", "Ilse Korn opened the harbour of Lund in 1912. The harbour of Lund closed in 1950.")
BERN = make_document("bern", "Otto Baum opened the market of Bern in 1933. Nobody swims in the river.")


def bot_over(corpus: Corpus) -> Chatbot:
    return Chatbot.from_documents(corpus.documents, parts=fake_parts())


def corpus_of(*items: Item, name: str = "SQuAD") -> Corpus:
    return Corpus(name, (LUND, BERN), items)


def taken_away(wording: str) -> str:
    """The question in a wording that is asked again without its answer, as one in three is."""
    return next(text for n in range(99) if zlib.crc32((text := wording + "?" * n).encode()) % 3 == 0)


ITEM = Item(taken_away("Who opened the harbour of Lund"), ("Ilse Korn",), frozenset({"lund"}))


def test_spans_of_the_right_article_alone_are_right() -> None:
    found = calibrate.ask(corpus := corpus_of(ITEM), bot_over(corpus))[0]
    assert (found.question, found.answerable, found.polar, found.many) == (ITEM.text, True, False, False)
    tells = {c.span.document_id: told for c, told in zip(found.candidates, found.tells, strict=True)}
    assert tells == {"lund": True, "bern": False}
    elsewhere = corpus_of(Item(ITEM.text, ITEM.answers, frozenset({"bern"})))
    assert not any(calibrate.ask(elsewhere, bot_over(elsewhere))[0].tells)


def test_a_third_is_asked_again_where_nothing_is_right() -> None:
    asked = calibrate.ask(corpus := corpus_of(ITEM), bot_over(corpus))
    assert [item.answerable for item in asked] == [True, False]
    assert {c.span.document_id for c in asked[1].candidates} == {"bern"}
    assert not any(asked[1].right + asked[1].tells)
    news = corpus_of(ITEM, name="news")  # whose passages tell the same in other words: taking one away proves nothing
    assert len(calibrate.ask(news, bot_over(news))) == 1


@pytest.mark.parametrize(("document", "right"), [("lund", True), ("bern", False)])
def test_what_is_right_of_yes_and_no_is_the_sentence_that_decides(document: str, right: bool) -> None:
    item = Item(
        "Was the harbour of Lund closed in 1950?",
        (),
        frozenset({document}),
        denial=False,
        sentence="The harbour of Lund closed in 1950.",
        polar=True,
    )
    found = calibrate.ask(corpus := corpus_of(item, name="passages"), bot_over(corpus))
    assert len(found) == 1
    assert (any(found[0].right), found[0].mistaken) == (right, (False,) * len(found[0].candidates))


def test_a_claim_gets_the_signals_of_what_supports_it_most() -> None:
    parts = fake_parts()
    passages = chunk_document(LUND, FakeEmbedder().token_offsets, 60)

    def checked(text: str, label: str) -> verification.Checked | None:
        claim = Claim("news", "lund", LUND.text, text, label)
        return verification.check(claim, parts.reader, passages, ask=False)

    true = checked("Ilse Korn opened the harbour of Lund in 1912.", "supported")
    false = checked("Nobody swims in the lake of Bern.", "not_stated")
    assert true
    assert false
    assert true.signals["support"] > false.signals["support"]
    assert (true.true, false.true, true.kind) == (True, False, "news")
    assert checked("Is that so?", "not_stated") is None
    weights = verification.fit([true, false])
    assert "AUROC 1.000" in verification.figures(weights, [true, false])
