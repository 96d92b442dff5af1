"""Which articles are asked: by time, outlet, folder and document."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from fakes import make_bot, make_document

import rag
from rag.errors import RagError
from rag.pipeline import Chatbot
from rag.scope import EVERYTHING, Scope


@pytest.fixture
def bot() -> Chatbot:
    made = make_bot()
    anna = make_document("2023/bread.txt", "The baker Anna sells rye bread here.", "A")
    boris = make_document("2024/bread.txt", "The baker Boris sells rye bread here.", "B")
    clara = make_document("bread.txt", "The baker Clara sells rye bread here.", "C")
    dated = replace(anna, date="2023-05-04", outlet="El País"), replace(boris, date="2024-07", outlet="Reform")
    made.add_documents([*dated, clara])
    return made


@pytest.mark.parametrize(
    ("scope", "admitted"),
    [
        (Scope(), ["2023/bread.txt", "2024/bread.txt", "bread.txt"]),
        (Scope(since="2024"), ["2024/bread.txt"]),
        (Scope(since="2024-07-15"), ["2024/bread.txt"]),  # some day of July may be it
        (Scope(since="2024-08"), []),
        (Scope(until="2023"), ["2023/bread.txt"]),
        (Scope(until="2023-05-03"), []),
        (Scope("2023-05-04", "2023-05-04"), ["2023/bread.txt"]),
        (Scope(within=("el pais",)), ["2023/bread.txt"]),
        (Scope(within=("2024/", "bread.txt")), ["2024/bread.txt", "bread.txt"]),
        (Scope(since="2024", within=("El País",)), []),
    ],
)
def test_a_scope_chooses(bot: Chatbot, scope: Scope, admitted: list[str]) -> None:
    assert [header.id for header in bot.within(scope).headers()] == admitted
    assert bot.within(scope).count() == len(admitted)


def test_only_the_chosen_articles_answer(bot: Chatbot) -> None:
    answer = bot.within(Scope(since="2024")).ask("Who sells rye bread?")
    assert {passage.chunk.document_id for passage in answer.passages} == {"2024/bread.txt"}
    assert [citation.document_id for citation in answer.citations] == ["2024/bread.txt"]
    assert [c.document_id for c in bot.within(Scope(until="2023")).overview("rye bread").citations] == [
        "2023/bread.txt"
    ]


@pytest.mark.parametrize(
    ("outlet", "said", "is_named"),
    [
        ("Reform", "Who sells rye bread, according to Reform?", True),
        ("Reform", "Who sells rye bread after the reform?", False),
        ("The Port Vila Courier", "Port Vila Courier: who sells rye bread?", True),
        ("The Port Vila Courier", "Who sells rye bread in Port Vila?", False),
        ("14ymedio", "Who sells rye bread (14ymedio)?", True),
        ("El País", "¿Who sells rye bread, El Pais?", True),
        ("The", "Who sells the rye bread?", False),
    ],
)
def test_an_outlet_that_the_question_names_answers_it(outlet: str, said: str, is_named: bool) -> None:
    made = make_bot()
    first = make_document("a.txt", "The baker Anna sells rye bread here.", "Rye bread, who sells it")
    second = make_document("b.txt", "The baker Boris sells rye bread here.", "B")
    made.add_documents([replace(first, outlet="Nordic Mirror"), replace(second, outlet=outlet)])
    answer = made.ask(said)
    assert {passage.chunk.document_id for passage in answer.passages} == ({"b.txt"} if is_named else {"a.txt", "b.txt"})


@pytest.mark.parametrize(
    ("outlets", "told", "said", "asked_of"),
    [
        # of whom others tell, too, the question may be
        (("Mirror", "Herald"), "The Mirror sells rye bread here.", "Who sells rye bread in the Mirror?", None),
        (("Financial Times", "The Times"), "Boris sells rye bread.", "Who sells rye bread? Financial Times", {"a.txt"}),
        (("Guardian", "Herald"), "Boris sells rye bread.", "Who sells rye bread, by the Guardian's word?", {"a.txt"}),
    ],
)
def test_an_outlet_is_asked_where_it_is_surely_meant(
    outlets: tuple[str, str], told: str, said: str, asked_of: set[str] | None
) -> None:
    made = make_bot()
    first = make_document("a.txt", "The baker Anna sells rye bread here.", "A")
    second = make_document("b.txt", told, "B")
    made.add_documents([replace(d, outlet=o) for d, o in zip((first, second), outlets, strict=True)])
    found = {passage.chunk.document_id for passage in made.ask(said).passages}
    assert found == (asked_of or {"a.txt", "b.txt"})


def test_in_a_conversation_the_outlet_that_was_asked_last_is_meant() -> None:
    made = make_bot()
    first = make_document("a.txt", "The baker Anna sells rye bread here.", "A")
    second = make_document("b.txt", "The baker Boris sells rye bread here.", "B")
    made.add_documents([replace(first, outlet="Reform"), replace(second, outlet="Courier")])
    earlier = ["Who sells rye bread, according to Reform?"]
    answer = made.ask("Who sells rye bread, according to the Courier?", earlier)
    assert {citation.document_id for citation in answer.citations} == {"b.txt"}


def test_where_an_outlet_does_not_tell_the_others_are_asked() -> None:
    made = make_bot()
    first = make_document("a.txt", "The baker Anna sells rye bread here.", "A")
    second = make_document("b.txt", "Ships lie in the harbour.", "B")
    made.add_documents([replace(first, outlet="Reform"), replace(second, outlet="Mirror")])
    answer = made.ask("Who sells rye bread, according to Mirror?")
    assert {citation.document_id for citation in answer.citations} == {"a.txt"}


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        (Scope(since="2024"), {"2024/bread.txt"}),
        (Scope(until="2023"), {"2023/bread.txt"}),
        (Scope(within=("bread.txt",)), {"bread.txt"}),
        (EVERYTHING, {"2023/bread.txt", "2024/bread.txt", "bread.txt"}),
    ],
)
def test_the_function_asks_the_chosen_articles(
    bot: Chatbot, monkeypatch: pytest.MonkeyPatch, scope: Scope, found: set[str]
) -> None:
    monkeypatch.setattr(rag, "_seeds_bot", lambda: bot)
    assert {passage.chunk.document_id for passage in rag.ask("Who sells rye bread?", scope=scope).passages} == found
    assert len(rag.ask("Who sells rye bread?").passages) == 3


def test_one_name_need_not_stand_in_a_tuple(bot: Chatbot) -> None:
    assert Scope(within="bread.txt") == Scope(within=("bread.txt",))  # type: ignore[arg-type]


def test_no_article_in_the_time_is_no_error(bot: Chatbot) -> None:
    answer = bot.within(Scope(since="2030")).ask("Who sells rye bread?")
    assert answer.abstained
    assert answer.passages == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"since": "May 2023"}, "expected YYYY"),
        ({"since": "2023-13"}, "expected YYYY"),
        ({"since": "2024", "until": "2023"}, "exchange them"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(RagError, match=message):
        Scope(**arguments)  # type: ignore[arg-type]


def test_a_name_that_nothing_has_is_refused(bot: Chatbot) -> None:
    with pytest.raises(RagError, match="no article, folder or outlet is called 'Pravda'"):
        bot.within(Scope(within=("Pravda",)))


def test_a_scope_reads_as_a_person_would_say_it() -> None:
    assert str(Scope("2023-05", "2024", ("14ymedio", "Reform"))) == "since 2023-05, until 2024, in 14ymedio or Reform"
    assert not Scope()


def test_a_name_is_met_wherever_its_accents_stand() -> None:
    composed, apart = (unicodedata.normalize(form, "Minsk é") for form in ("NFC", "NFD"))
    for folder, named in ((composed, apart), (apart, composed)):
        bot = make_bot()
        bot.add_documents([make_document(f"{folder}/{folder}.txt", "The baker Anna sells rye bread.")])
        assert bot.within(Scope(within=(named,))).count() == 1
        assert bot.within(Scope(within=(f"{named}/{named}.txt",))).count() == 1
