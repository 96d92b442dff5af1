"""What a person reads: whole names, whole sentences, lists, accounts side by side, no forged markers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeReader, fake_parts, make_document

from rag.answering.candidates import within_sentence
from rag.answering.citations import cite, told_alike
from rag.answering.composing import compose, doubts, nearest
from rag.answering.confidence import Bounds, Calibration, Candidate, agree, decision_signals, says_no
from rag.answering.deciding import decide
from rag.answering.retrieval import Found
from rag.config import Settings
from rag.errors import ModelError
from rag.language.sentences import is_question, sentences
from rag.logistic import sigmoid
from rag.models.phrasing import with_stops
from rag.pipeline import Chatbot
from rag.present.text import with_text
from rag.types import Chunk, Document, Doubt, Judgement, ScoredChunk, Span, Statement


def chunk_of(document: Document) -> Chunk:
    text = document.text
    places = tuple(sentences(text))
    return Chunk(f"{document.id}#", document.id, 0, len(text), text, document.title, places, document.date)


def candidate(document: Document, span: str, score: float, more: tuple[tuple[str, float], ...] = ()) -> Candidate:
    chunk = chunk_of(document)

    def make(text: str, value: float) -> Span:
        start = document.text.index(text)
        return Span(chunk.id, document.id, start, start + len(text), text, value)

    best = make(span, score)
    best = replace(best, alternatives=tuple(make(*other) for other in more))
    around = next(document.text[a:b] for a, b in chunk.sentences if a <= best.start < b)
    return Candidate(ScoredChunk(chunk, 1.0, 1), best, around, logit=score)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("It rained. It snowed.", (11, 32)),
        ("it rained, it\nsnowed", (11, 32)),  # marks, letters and lines are no words
        ("It snowed.", (22, 32)),
        ("It rained.", (11, 21)),
        ("It did not rain.", None),
        ("It rained. It snowed. It", None),
        ("It", None),  # a part of a sentence
        ("Fog came. It rained.", (1, 21)),
    ],
)
def test_a_near_copy_tells_the_same_in_the_same_words(text: str, place: tuple[int, int] | None) -> None:
    assert told_alike(chunk_of(make_document("a.txt", " Fog came. It rained. It snowed.")), text) == place


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (("2 May: It rained", "3 May: It snowed"), "2 May: It rained.3 May: It snowed"),
        (("It rained.", "It snowed"), "It rained.\nIt snowed"),
        (("The weather", "", "It rained"), "The weather.\nIt rained"),
        (("Did it rain?", "“No”", "Yes"), "Did it rain?\n“No”\nYes"),
    ],
)
def test_the_reader_is_shown_where_a_line_without_a_mark_ends(lines: tuple[str, ...], shown: str) -> None:
    text = "\n".join(lines)
    places = tuple((text.index(line), text.index(line) + len(line)) for line in lines if line)
    chunk = Chunk("a#", "a", 40, 40 + len(text), text, "", tuple((start + 40, end + 40) for start, end in places))
    assert with_stops(chunk) == shown
    assert len(shown) == len(text)


def test_of_a_span_across_sentences_the_longest_part_is_taken() -> None:
    text = "It is all for peace. Workers struck."
    chunk = chunk_of(Document("a", "T", text, "a"))
    first, last = within_sentence(chunk, text.index("all"), text.index(" struck"))
    assert text[first:last] == "all for peace."


def test_a_question_of_the_article_is_told_from_its_statements() -> None:
    assert is_question("“Who came?” ")
    assert not is_question("Anna asked who came.")


def compose_over(question: str, candidates: list[Candidate], documents: list[Document]):  # type: ignore[no-untyped-def]
    by_id = {document.id: document for document in documents}
    return compose(question, candidates, by_id.__getitem__, lambda chunk_id: chunk_of(by_id[chunk_id[:-1]]))


def test_accounts_of_another_date_stand_side_by_side() -> None:
    old = Document("old", "Visit", "Berg came to Oslo to sign a treaty on fish.", "old", date="2020-05-01")
    new = Document("new", "Visit", "Berg came to Oslo for the coronation of the king.", "new", date="2023-06-01")
    found = [candidate(new, "for the coronation of the king", 5.0), candidate(old, "to sign a treaty on fish", 4.0)]
    composed = compose_over("Why did Berg come to Oslo?", found, [old, new])
    assert [account.date for account in composed.accounts] == ["2023-06-01", "2020-05-01"]
    assert [account.citations for account in composed.accounts] == [(1,), (2,)]
    assert [citation.document_id for citation in composed.citations] == ["new", "old"]
    told = [
        ("Berg came to Oslo for the coronation of the king.", (1,)),
        ("Berg came to Oslo to sign a treaty on fish.", (2,)),
    ]
    assert [(statement.text, statement.citations) for statement in composed.statements] == told
    assert [(account.text, account.citations) for account in composed.accounts] == told


def test_a_year_and_a_day_in_it_are_no_two_dates() -> None:
    one = Document("one", "A", "The prize went to Anna Berg.", "one", date="2024")
    two = Document("two", "B", "The prize was given to Carl Dahl.", "two", date="2024-05-01")
    found = [candidate(one, "Anna Berg", 5.0), candidate(two, "Carl Dahl", 4.0)]
    assert compose_over("Who got the prize?", found, [one, two]).accounts == ()
    two = replace(two, date="2025-05-01")
    found[1] = candidate(two, "Carl Dahl", 4.0)
    assert len(compose_over("Who got the prize?", found, [one, two]).accounts) == 2


def test_what_denies_the_answer_does_not_support_it() -> None:
    one = Document("one", "A", "All came. He will sign the treaty with Minsk. They left.", "one")
    copy = replace(one, id="copy", text=one.text.replace("will", "will not"))
    two = Document("two", "B", "On Friday he said that he would never sign the treaty.", "two")
    judged = Judgement(support=5.0, denial=-8.0, polar=-6.0, many=-6.0)
    best, other = candidate(one, "the treaty", 5.0), candidate(two, "the treaty", 4.0)
    best = replace(best, judgement=judged, passage=replace(best.passage, duplicates=("copy#",)))
    for denial, cited in ((-8.0, ["one", "two"]), (4.0, ["one"])):
        found = [best, replace(other, judgement=replace(judged, denial=denial))]
        composed = compose_over("What will he sign?", found, [one, copy, two])
        assert [citation.document_id for citation in composed.citations] == cited
    copy = replace(copy, text=one.text.replace("All", "Some"))
    composed = compose_over("What will he sign?", [best], [one, copy])
    assert [citation.document_id for citation in composed.citations] == ["one", "copy"]


@pytest.mark.parametrize(("polar", "said"), [(-6.0, "The council did not approve the bridge."), (6.0, "No")])
def test_what_denies_the_answer_in_another_article_is_another_account(polar: float, said: str) -> None:
    """A passage that denies what is asked has no answer to it: it is asked whether the first sentence is true."""

    class Judging(FakeReader):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[tuple[str, list[str]]] = []

        def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
            self.asked.append((question, [chunk.document_id for chunk in chunks]))
            doubted = question == "Is it true that the council approved the bridge?"
            return [
                replace(
                    _span(chunk, 9.0 if doubted or "not" not in chunk.text else -9.0),
                    judgement=Judgement(5.0, 7.0 if "not" in chunk.text else -9.0, polar, -7.0),
                )
                for chunk in chunks
            ]

    def _span(chunk: Chunk, score: float) -> Span:
        start = chunk.text.index("council")
        return Span(chunk.id, chunk.document_id, chunk.start + start, chunk.start + start + 7, "council", score)

    texts = {"a": "The council approved the bridge.", "b": "The council did not approve the bridge.",
             "c": "The council of Veldmar approved the bridge."}  # fmt: skip
    documents = [make_document(name, text) for name, text in texts.items()]
    reader = Judging()
    bot = Chatbot.from_documents(documents, parts=replace(fake_parts(), reader=reader))
    question = "Did the council approve the bridge?" if polar > 0 else "Who approved the bridge?"
    answer = bot.ask(question)
    assert reader.asked[1:] == [("Is it true that the council approved the bridge?", ["b"])]
    assert [account.text for account in answer.accounts] == [texts["a"], texts["b"]]
    assert answer.accounts[1].short_answer == said
    assert [answer.citations[n - 1].quote for n in answer.accounts[1].citations] == [texts["b"]]


def test_accounts_that_agree_are_cited_together() -> None:
    one = Document("one", "A", "The bridge was opened by Anna Berg.", "one", date="2020-05-01")
    two = Document("two", "B", "Berg opened the bridge.", "two", date="2021-05-01")
    found = [candidate(one, "Anna Berg", 5.0), candidate(two, "Berg", 4.0)]
    composed = compose_over("Who opened the bridge?", found, [one, two])
    assert composed.accounts == ()
    assert composed.statements == (Statement("The bridge was opened by Anna Berg.", (1, 2)),)
    assert composed.short_answer == "Anna Berg"


def test_a_weak_rival_is_no_account() -> None:
    one = Document("one", "A", "The bridge was opened by Anna Berg.", "one", date="2020-05-01")
    two = Document("two", "B", "The bridge was closed by Carl Dahl.", "two", date="2021-05-01")
    for best, rival, shown in ((5.0, -0.5, 0), (5.0, -0.3, 2), (5.8, -0.3, 0), (-1.0, -1.1, 0)):
        found = [candidate(one, "Anna Berg", best), candidate(two, "Carl Dahl", rival)]
        assert len(compose_over("Who opened the bridge of Oslo?", found, [one, two]).accounts) == shown


def test_an_article_without_any_name_of_the_question_gives_no_account() -> None:
    one = Document("one", "A", "The heron of Mossgate is insured for 45,000 pounds.", "one", date="2025-06-12")
    for text, shown in (("The club in Veldmar is worth 4 million.", 0), ("It is worth 4 million. Mossgate mourns.", 2)):
        two = Document("two", "B", text, "two", date="2024-12-02")
        found = [candidate(one, "45,000 pounds", 3.0), candidate(two, "4 million", 1.0)]
        composed = compose_over("What is the heron of Mossgate worth?", found, [one, two])
        assert len(composed.accounts) == shown


def test_less_is_asked_of_a_rival_that_contradicts() -> None:
    one = Document("one", "A", "The bridge cost 780 million euros.", "one", date="2020-05-01")
    two = Document("two", "B", "The bridge cost 640 million euros.", "two", date="2021-05-01")
    for best, rival, shown in ((3.0, -2.4, 2), (3.0, -2.6, 0), (3.7, -2.4, 0)):
        found = [candidate(one, "780 million euros", best), candidate(two, "640 million euros", rival)]
        assert len(compose_over("How much did the bridge cost?", found, [one, two]).accounts) == shown


@pytest.mark.parametrize("dates", [("2020-05-01", None), (None, "2020-05-01"), (None, None)])
def test_accounts_of_persons_need_two_dates(dates: tuple[str | None, str | None]) -> None:
    one = Document("one", "A", "The bridge was opened by Anna Berg.", "one", date=dates[0])
    two = Document("two", "B", "The bridge was opened by Carl Dahl.", "two", date=dates[1])
    found = [candidate(one, "Anna Berg", 5.0), candidate(two, "Carl Dahl", 4.0)]
    assert compose_over("Who opened the bridge?", found, [one, two]).accounts == ()


@pytest.mark.parametrize("dates", [("2020-05-01", "2020-05-01"), (None, "2020-05-01"), (None, None)])
def test_figures_that_differ_are_accounts_without_two_dates(dates: tuple[str | None, str | None]) -> None:
    one = Document("one", "A", "The strike was joined by 140 drivers.", "one", date=dates[0])
    two = Document("two", "B", "The strike was joined by 60 drivers.", "two", date=dates[1])
    found = [candidate(one, "140 drivers", 5.0), candidate(two, "60 drivers", 4.0)]
    composed = compose_over("How many drivers joined the strike?", found, [one, two])
    assert [(a.short_answer, a.date) for a in composed.accounts] == [
        ("140 drivers", dates[0]),
        ("60 drivers", dates[1]),
    ]


def test_a_figure_of_another_year_than_asked_for_is_no_account() -> None:
    one = Document("one", "A", "The council set the tax at 1.22 per cent.", "one", date="2023-12-12")
    two = Document("two", "B", "The council set the tax at 1.18 per cent.", "two", date="2022-12-13")
    found = [candidate(one, "1.22 per cent", 5.0), candidate(two, "1.18 per cent", 4.5)]
    for year in ("2023", "２０２３"):
        assert compose_over(f"What was the tax in {year}?", found, [one, two]).accounts == ()
    assert len(compose_over("What is the tax?", found, [one, two]).accounts) == 2


def test_an_article_that_recalls_the_old_figure_gives_the_new_one() -> None:
    one = Document("one", "A", "The debt of the choir is 4.8 million.", "one", date="2023-01-01")
    two = Document(
        "two", "B", "The debt was 4.8 million. The debt of the choir is 1.1 million.", "two", date="2024-06-01"
    )
    found = [candidate(one, "4.8 million", 6.0), candidate(two, "1.1 million", 5.0), candidate(two, "4.8 million", 3.0)]
    accounts = compose_over("How high is the debt of the choir?", found, [one, two]).accounts
    assert [a.short_answer for a in accounts] == ["4.8 million", "1.1 million"]


def test_another_figure_is_another_account_and_no_support() -> None:
    one = Document("one", "A", "The bridge cost 780 million euros.", "one", date="2020-05-01")
    two = Document("two", "B", "The bridge cost 640 million euros.", "two", date="2021-05-01")
    found = [candidate(one, "780 million euros", 5.0), candidate(two, "640 million euros", 4.5)]
    composed = compose_over("How much did the bridge cost?", found, [one, two])
    assert [(a.short_answer, a.citations) for a in composed.accounts] == [
        ("780 million euros", (1,)),
        ("640 million euros", (2,)),
    ]


def test_long_spans_of_one_sense_that_give_other_figures_are_two_accounts() -> None:
    one = Document("one", "A", "12 people were killed in the attack.", "one", date="2020-05-01")
    two = Document("two", "B", "30 people were killed in the attack.", "two", date="2021-05-01")
    alike = np.ones(1, np.float32)
    found = [
        replace(candidate(document, document.text[:-1], score), vector=alike)
        for document, score in ((one, 5.0), (two, 4.5))
    ]
    accounts = compose_over("What happened in the attack?", found, [one, two]).accounts
    assert [a.citations for a in accounts] == [(1,), (2,)]


LISTED = Judgement(support=9.0, denial=-8.0, polar=-6.0, many=6.0)


def listed(text: str, best: str, *others: tuple[str, float]) -> str:
    """The short answer of a list whose best span, of 5 logits, is `best`."""
    document = Document("one", "A", text, "one")
    return str(
        compose_over(
            "Which?", [replace(candidate(document, best, 5.0, others), judgement=LISTED)], [document]
        ).short_answer
    )


def test_names_that_are_alike_are_items_side_by_side_in_a_sentence() -> None:
    text = "It was signed by Sudan, South Sudan, Ireland, Iceland, Maria and Mario. Ireland and Maria were the last."
    names = ("South Sudan", "Ireland", "Iceland", "Maria", "Mario")
    others = [(name, 4.0) for name in (*names, "Ireland and Maria")]
    assert listed(text, "Sudan", *others) == "Sudan; " + "; ".join(names)


def test_years_are_the_items_of_a_list_that_asks_for_them() -> None:
    text = "Rewa won the cup in 2015 and 2019. They beat Ba and Nadi."
    assert listed(text, "2015", ("2019", 4.0), ("Nadi", 3.5)) == "2015; 2019"
    assert listed(text, "Ba", ("Nadi", 4.0), ("2019", 3.5)) == "Ba; Nadi"
    text = "They met in June 2023, May 2023 and March 2021."
    assert listed(text, "June 2023", ("May 2023", 4.0), ("March 2021", 4.0)) == "June 2023; May 2023; March 2021"


def test_a_name_within_a_longer_one_is_an_item_and_a_part_of_an_item_is_none() -> None:
    text = "It trades with Somalia, Mali and the Republic of Chad."
    assert listed(text, "Somalia", ("Mali", 4.0), ("the Republic of Chad", 4.0), ("Chad", 3.0)) == (
        "Somalia; Mali; the Republic of Chad"
    )


def test_what_is_no_item_at_all_is_answered_as_a_single_span() -> None:
    assert listed("It was so. They came.", "It", ("They", 4.0)) == "It"


def test_a_name_in_capitals_is_an_item_though_a_small_word_is_written_so() -> None:
    assert listed("The WHO, the US and Chad came.", "WHO", ("US", 4.0), ("Chad", 4.0)) == "WHO; US; Chad"


def test_an_article_of_one_account_does_not_support_another() -> None:
    one = Document(
        "one", "A", "Anna Berg will lead the firm. Carl Dahl will chair its board.", "one", date="2020-05-01"
    )
    two = Document("two", "B", "Carl Dahl leads the firm.", "two", date="2021-05-01")
    found = [candidate(one, "Anna Berg", 5.0), candidate(two, "Carl Dahl", 4.5), candidate(one, "Carl Dahl", 4.0)]
    accounts = compose_over("Who leads the firm?", found, [one, two]).accounts
    assert [(a.short_answer, a.citations) for a in accounts] == [("Anna Berg", (1,)), ("Carl Dahl", (2,))]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("780 million euros", "640 million euros", False),
        ("soldiers of Niger", "soldiers of Nigeria", False),
        ("the workers were voting", "workers voted", True),
        ("the town council met on Wednesday", "the town council met on 3 July", True),
        ("780 million euros", "some 780 million euros", True),
        ("14 March 2024", "12 March 2024", False),
        ("March 2024", "12 March 2024", True),
        ("12 of the 30 members", "18 of the 30 members", False),
        ("Viktor Khrenin", "Víktor Jrenin", True),
        ("Mei-Lin Thibodeau", "Meilin Thibodeau", True),
        ("not able", "notable", False),
        ("3-1", "31", False),
        ("Iceland", "Ireland", False),
        ("Hilda Berg", "Hilma Berg", False),
        ("Hilda Shikongo-Beukes", "Hilma Shikongo", False),
        ("twelve people", "12 people", True),
        ("twelve", "12 people", True),
        ("5,000 soldiers", "5000 soldiers of Cuba", True),
        ("on June 30, 2023", "the 30th of June", True),
        ("twelve ships", "12 tanks", False),
        ("A320neo jets", "A321neo jets", False),
        ("October", "10", False),
        ("a third", "three months after the call of 2020", False),
    ],
)
def test_what_tells_the_same(left: str, right: str, same: bool) -> None:
    assert agree(left, right) is same
    assert agree(right, left) is same


def test_a_list_takes_several_spans_once_each() -> None:
    one = Document("one", "A", "Norway joined. Later Sweden and Finland joined too, 3 in all.", "one")
    two = Document("two", "B", "Sweden joined in May.", "two")
    items = [
        candidate(one, "Norway", 5.0, more=(("Sweden and Finland", 4.0), ("3", 3.5), ("too", -3.0))),
        candidate(two, "Sweden", 4.5),
    ]
    found = [replace(item, judgement=Judgement(5.0, -5.0, -5.0, 3.0)) for item in items]
    composed = compose_over("Which countries joined?", found, [one, two])
    assert composed.short_answer == "Norway; Sweden and Finland"
    assert composed.statements == (
        Statement("Norway joined.", (1,)),
        Statement("Later Sweden and Finland joined too, 3 in all.", (2,)),
    )


def test_yes_and_no_stand_side_by_side_with_the_sentence_that_decides() -> None:
    one = Document("one", "A", "The bridge is open to cars.", "one", date="2020-05-01")
    two = Document("two", "B", "Cars may no longer cross the bridge.", "two", date="2021-05-01")
    three = Document("three", "C", "Only cyclists may cross the bridge now.", "three", date="2021-06-01")
    asked = Judgement(support=5.0, denial=-8.0, polar=6.0, many=-6.0)
    denied = replace(asked, denial=8.0)
    found = [
        replace(candidate(two, "no longer cross the bridge", 5.0), judgement=denied),
        replace(candidate(one, "open to cars", 4.5), judgement=asked),
        replace(candidate(three, "Only cyclists", 4.0), judgement=denied),
    ]
    composed = compose_over("Is the bridge open to cars?", found, [one, two, three])
    assert composed.short_answer == "No"
    assert [(a.short_answer, a.date) for a in composed.accounts] == [("No", "2021-05-01"), ("Yes", "2020-05-01")]
    assert [c.quote for c in composed.citations] == [two.text, three.text, one.text]


@pytest.mark.parametrize("date", [None, "2024-01-01"])
def test_yes_and_no_are_two_accounts_without_two_dates(date: str | None) -> None:
    one = Document("one", "A", "The council approved the bridge.", "one", date=date)
    two = Document("two", "B", "The council rejected the bridge.", "two", date=date)
    asked = Judgement(support=5.0, denial=-8.0, polar=6.0, many=-6.0)
    found = [
        replace(candidate(one, "approved the bridge", 5.0), judgement=asked),
        replace(candidate(two, "rejected the bridge", 4.5), judgement=replace(asked, denial=8.0)),
    ]
    composed = compose_over("Did the council approve the bridge?", found, [one, two])
    assert [a.short_answer for a in composed.accounts] == ["Yes", "No"]


def test_what_a_question_asks_for_is_read_off_all_its_passages() -> None:
    class Judging(FakeReader):
        """Sees that yes or no is asked for beside two passages of three."""

        def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
            return [
                replace(span, judgement=Judgement(span.score, -8.0, -6.0 if "open" in span.text else 6.0, -7.0))
                for span in super().read(question, chunks)
            ]

    texts = ("The bridge is open to cars.", "Cars crossed the bridge.", "The bridge bears cars.")
    documents = [make_document(name, text) for name, text in zip("abc", texts, strict=True)]
    bot = Chatbot.from_documents(documents, parts=replace(fake_parts(), reader=Judging()))
    _, found = bot.consider("Is the bridge open to cars?")
    assert {round(candidate.judgement.polar) for candidate in found if candidate.judgement} == {2}
    assert says_no(found[0]) is False


def test_where_it_is_not_clear_which_word_is_said_neither_is() -> None:
    one = Document("one", "A", "The bridge is open to cyclists.", "one", date="2020-05-01")
    unsure = Judgement(support=9.0, denial=1.0, polar=0.5, many=-6.0)
    found = [replace(candidate(one, "open to cyclists", 9.0), judgement=unsure, bounds=Bounds(decided=2.0))]
    asked = Found("Is the bridge open to cars?", (), (found[0].passage,), {"one": one}, {})
    answer = decide(asked.question, asked, found, Calibration({}, {"bias": 5.0}), Settings())
    assert (answer.certainty, answer.abstained, answer.doubts) == ("perhaps", True, (Doubt("word"),))
    assert (answer.short_answer, answer.statements[0].text) == (one.text, one.text)
    assert "Whether that means yes or no is left to you." in with_text(answer).text
    sure = [replace(found[0], judgement=replace(unsure, denial=-8.0))]
    assert decide(asked.question, asked, sure, Calibration({}, {"bias": 5.0}), Settings()).short_answer == "Yes"


def test_confidence_in_yes_or_no_has_weights_of_its_own() -> None:
    one = Document("one", "A", "The bridge is to be opened to cars in May.", "one")
    calibration = Calibration({}, {"bias": 2.0}, {"margin": 0.5, "sure": 0.5, "bias": -5.0})

    def confidence(polar: float, denial: float, margin: float = 4.0) -> float:
        judged = Judgement(support=4.0, denial=denial, polar=polar, many=-6.0)
        return calibration.probability([replace(candidate(one, "opened to cars", margin), judgement=judged)])

    assert confidence(6.0, -2.0) < confidence(6.0, -8.0) == confidence(6.0, 8.0) < confidence(6.0, 8.0, margin=6.0)
    assert confidence(-6.0, -2.0) == confidence(-6.0, -8.0) == pytest.approx(0.88, abs=0.01)
    assert Calibration(**calibration.to_dict()).to_dict() == calibration.to_dict()


def test_denials_are_looked_for_only_where_there_is_an_answer() -> None:
    one, two = (Document(i, i, t, i) for i, t in (("a", "The council approved it."), ("b", "It did not approve it.")))
    found, against = candidate(one, "The council", 9.0), candidate(two, "did not", 1.0)
    asked = Found("Who approved it?", (), (found.passage,), {"a": one, "b": two}, {"a:0": found.passage.chunk})
    looked: list[str] = []

    def accounts(bias: float) -> int:
        def denials(*_: object) -> list[Candidate]:
            looked.append("looked")
            return [against]

        confidence = Calibration({}, {"bias": bias})
        return len(decide(asked.question, asked, [found], confidence, Settings(), denials).accounts)

    assert (accounts(-5.0), looked) == (0, [])
    assert (accounts(5.0), looked) == (2, ["looked"])


def test_an_answer_without_a_rival_is_as_sure_as_its_logit() -> None:
    one = Document("one", "A", "The museum opens on Monday. The mill opens on Friday.", "one")
    sure, weak, rival = (
        candidate(one, span, score) for span, score in (("Monday", 4.0), ("Monday", -1.0), ("Friday", 0.0))
    )
    assert decision_signals([sure])["gap"] == decision_signals([sure, rival])["gap"] == 4.0
    assert decision_signals([weak])["gap"] == 0.0


def test_a_confidence_fitted_to_other_signals_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "confidence.json"
    path.write_text(json.dumps({"evidence": {"margin": 1.0, "covered_sentence": 1.0, "bias": 0.0}, "decision": {}}))
    with pytest.raises(ModelError, match="covered_sentence"):
        Calibration.load(path)


def test_in_a_language_that_the_reader_has_not_learned_a_sentence_is_perhaps_an_answer() -> None:
    one = Document("one", "A", "Ilse Korn eröffnet. Die Brücke war zwei Jahre lang gesperrt.", "one", language="de")
    found = [candidate(one, "zwei Jahre", 9.0)]
    asked = Found("Wie lange war die Brücke gesperrt?", (), (found[0].passage,), {"one": one}, {})
    always = Calibration({}, {"bias": 5.0})
    answer = decide(asked.question, asked, found, always, Settings())
    assert (answer.certainty, answer.doubts) == ("perhaps", (Doubt("language"),))
    assert answer.short_answer == "Die Brücke war zwei Jahre lang gesperrt."
    assert "English alone" in with_text(answer).text
    named = decide(asked.question, asked, found, always, Settings(reader="a-multilingual-one"))
    assert (named.certainty, named.short_answer) == ("answered", "zwei Jahre")


@pytest.mark.parametrize(
    ("question", "text", "span", "certainty"),
    [
        ("Wer kam?", "Die Brücke ist zu.", "Brücke", "perhaps"),
        ("Когда открыт?", "Музей открыт.", "Музей", "perhaps"),
        ("谁在周五来了?", "市长来了。", "市长", "perhaps"),
        ("¿Cuándo abre?", "El viernes abre.", "El viernes", "perhaps"),
        ("Who is the chair?", "Jörg Büchner", "Jörg Büchner", "answered"),
        ("How much was paid?", "3 € | 14", "3 €", "answered"),
    ],
)
def test_the_language_of_what_is_too_short_to_tell_one_is_that_of_question_and_passage(
    question: str, text: str, span: str, certainty: str
) -> None:
    one = Document("one", "A", text, "one", language="und")
    found = [candidate(one, span, 9.0)]
    asked = Found(question, (), (found[0].passage,), {"one": one}, {})
    assert decide(question, asked, found, Calibration({}, {"bias": 5.0}), Settings()).certainty == certainty


def test_a_sentence_that_leans_brings_the_one_before() -> None:
    one = Document("one", "A", "Anna Berg arrived on Monday. She opened the bridge.", "one")
    composed = compose_over("What did Berg open?", [candidate(one, "the bridge", 5.0)], [one])
    assert composed.statements == (Statement("Anna Berg arrived on Monday. She opened the bridge.", (1,)),)
    assert composed.citations[0].quote == one.text


def test_the_nearest_sentence_of_each_passage_is_quoted() -> None:
    one = Document("one", "A", "Anna Berg arrived on Monday. She opened the bridge. All cheered.", "one")
    two = Document("two", "B", "The bridge is long.", "two")
    found = [candidate(one, "the bridge", 1.0), candidate(one, "Monday", 0.5), candidate(two, "long", 0.0)]
    near = nearest(found, {"one": one, "two": two}.__getitem__)
    assert [c.document_id for c in near] == ["one", "two"]
    assert [c.quote for c in near] == ["She opened the bridge.", "The bridge is long."]


def test_doubts_name_what_the_passage_lacks() -> None:
    one = Document("one", "A visit", "Anna Berg opened the bridge in May.", "one", date="2020-05-01")
    lacking = doubts("When did Carl Berg open 3 bridges?", candidate(one, "the bridge", 0.5))
    assert lacking == (Doubt("name", ("Carl",)), Doubt("figure", ("3",)))
    assert doubts("When did Berg open the bridge?", candidate(one, "in May", 0.5)) == ()
    assert doubts("WHEN DID CARL BERG OPEN THE BRIDGE?", candidate(one, "in May", 0.5)) == ()


def test_a_day_is_not_missed_where_the_article_is_of_it() -> None:
    one = Document("one", "A visit", "Anna Berg opened the bridge.", "one", date="2024-07-03")
    for day in ("3 July 2024", "July 3rd", "the 3rd of July", "July"):
        assert doubts(f"What did Berg open on {day}?", candidate(one, "the bridge", 0.5)) == ()
    lacking = (Doubt("figure", ("4",)),)
    assert doubts("What did Berg open with 4 others on 3 July?", candidate(one, "the bridge", 0.5)) == lacking
    other = doubts("What did Berg open on 4 July?", candidate(one, "the bridge", 0.5))
    assert other == (Doubt("name", ("July",)), *lacking)


def test_a_span_without_a_word_is_its_sentence() -> None:
    class AtAComma(FakeReader):
        def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
            at = [chunk.text.index(", ") for chunk in chunks]
            return [
                replace(span, start=chunk.start + n, end=chunk.start + n + 2, text=", ")
                for span, chunk, n in zip(super().read(question, chunks), chunks, at, strict=True)
            ]

    document = make_document("a", "The bridge was planned by, well, Anna. All came.")
    bot = Chatbot.from_documents([document], parts=replace(fake_parts(), reader=AtAComma()))
    assert bot.ask("Who planned the bridge?").short_answer == "The bridge was planned by, well, Anna."


def test_a_score_that_is_no_number_makes_nothing_sure() -> None:
    one = Document("one", "A", "Anna Berg opened the bridge.", "one")
    calibration = Calibration.of_margin()
    ranked = calibration.rank([candidate(one, "the bridge", float("nan")), candidate(one, "Anna Berg", 1.0)])
    assert [c.span.text for c in ranked] == ["Anna Berg", "the bridge"]
    assert calibration.probability(ranked[1:]) < 0.01
    assert sigmoid(float("nan")) < 0.01


@pytest.mark.parametrize(("start", "page"), [(0, None), (2, 1), (9, 1), (10, 2), (19, 3)])
def test_a_citation_tells_the_page_on_which_it_begins(start: int, page: int | None) -> None:
    document = Document("a.pdf", "A", "x" * 20, "/a.pdf", pages=(2, 10, 15))
    assert cite(document, start, 20, 1.0).page == page


def test_a_format_without_pages_has_none() -> None:
    assert cite(Document("a.txt", "A", "x" * 20, "/a.txt"), 3, 9, 1.0).page is None
