"""Sentences, words and spellings."""

from __future__ import annotations

import time
import unicodedata

import pytest
from fakes import SEEDS
from hypothesis import example, given
from hypothesis import strategies as st

from rag.index.spelling import Words, query_terms
from rag.language.sentences import is_question, sentences
from rag.language.text import WORD, content_words, fold, respell, same_name, words

# Characters at which sentences end or may seem to, amid all of Unicode.
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(list(" \n\t\r\xa0\u3000.!?…”»\"')。A1a")))
)


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@given(TEXT)
@example("a\n \n\rb\r\n")
@example("...")
@example("\u2028.A\u00a0B.\u3000C")
@example("What could I\u00a0… do? Plan B\u2009.")
def test_every_character_that_is_no_space_is_in_exactly_one_sentence(text: str) -> None:
    times = [0] * len(text)
    for start, end in sentences(text):
        assert start < end
        assert text[start:end] == text[start:end].strip()
        for place in range(start, end):
            times[place] += 1
    assert max(times, default=0) <= 1
    assert all(count == 1 for count, character in zip(times, text, strict=True) if not character.isspace())


@given(TEXT)
def test_sentences_come_in_order(text: str) -> None:
    places = [place for span in sentences(text) for place in span]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Mr. López met Gen. Shoigu. They spoke.", ["Mr. López met Gen. Shoigu.", "They spoke."]),
        (
            "Sanctioned by the U.S. Government in 2021. He denied it.",
            ["Sanctioned by the U.S. Government in 2021.", "He denied it."],
        ),
        ("J. R. Smith and Dr. A. Cooper came. Good.", ["J. R. Smith and Dr. A. Cooper came.", "Good."]),
        ("It cost 3.5 million. 20 came.", ["It cost 3.5 million.", "20 came."]),
        ("At 5 p.m. Moscow time it began. All left.", ["At 5 p.m. Moscow time it began.", "All left."]),
        ("“He came.” She left.", ["“He came.”", "She left."]),
        ("He suggested the opposition.”He left.", ["He suggested the opposition.”", "He left."]),
        ("¿Quién es? ¡Vamos! El Sr. Pérez llegó.", ["¿Quién es?", "¡Vamos!", "El Sr. Pérez llegó."]),
        ("他来了。她走了！", ["他来了。", "她走了！"]),
        ("A heading\n\nA paragraph. Its end.", ["A heading", "A paragraph.", "Its end."]),
        ("  1. The first item", ["1. The first item"]),
        ("- a bag, when\n  it rains\n- money", ["- a bag, when\n  it rains", "- money"]),
        (f"* {'water ' * 9}from\n  July on,\n* money", [f"* {'water ' * 9}from\n  July on,", "* money"]),
        ("1. The report\n   Rents go up.", ["1. The report", "Rents go up."]),
        ("Wait… He came.", ["Wait…", "He came."]),
        ("It opens at 7 P.M. The crowd waits.", ["It opens at 7 P.M.", "The crowd waits."]),
        ("He drove a BMW M. She left.", ["He drove a BMW M.", "She left."]),
        ("He came.-She left.", ["He came.", "-She left."]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentence_ends(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["At last Ms. Vole came.", "“We waited.", "And waited,” she said.", "(It rained.)", "All left."]),
        ("de", ["Im 18. Jahrhundert kam Dr. Weber.", "Man gewann 3 : 1.", "Dann kam der 2. Weltkrieg."]),
        ("lb", ["Am 18. Joerhonnert koum hien."]),
        ("nb", ["Han var 34.", "Hun gikk den 18. mai."]),
        ("cs", ["Bylo jich 34.", "Odešla 18. května."]),
        ("fr", ["Le maire, M. Roche, est venu.", "Et M. Petit, à 7 P.M."]),
        ("en", ["It is open daily (Mon.-Fri., 6 a.m. to 8 p.m.).", "Tel. +46 8 555."]),
        ("de", ["Am 3. April kam Dr. Weber, u. a. wegen der Fähre.", "Sie kostet 3,5 Mio. Euro."]),
        ("es", ["La Sra. Ruiz vive en EE. UU. desde 1999.", "¿Por qué?"]),
        ("ru", ["А. С. Орлов приехал в г. Остби в 2021 г. и остался.", "Он лоцман."]),
        ("fr", ["Le Dr. Petit est venu le 1er mai.", "Il a payé 3,5 M€ env. hier."]),
        ("pt", ["A Dra. Costa chegou às 10h30.", "Não falou."]),
        ("it", ["Il dott. Neri è partito.", "Perché?"]),
        ("hi", ["वह आया।", "वह चली गई।"]),
        ("zh", ["他来了。", "为什么？"]),
        ("ar", ["جاء الوزير.", "لماذا؟", "لأن الجسر مغلق."]),
        ("und", ["Mr. Vole came.", "He sat."]),
    ],
)
def test_sentence_ends_in_other_languages(language: str, expected: list[str]) -> None:
    text = ("" if language == "zh" else " ").join(expected)
    assert [text[start:end] for start, end in sentences(text, language)] == expected


@pytest.mark.parametrize("text", ["Why?", "«¿Por qué?»", "为什么？", "لماذا؟", "“Why?”)"])
def test_questions_in_any_script(text: str) -> None:
    assert is_question(text)
    assert not is_question(text + " Because.")


def test_line_ends_of_wrapped_text_do_not_end_sentences() -> None:
    line = "the ministers of both countries met in the capital to speak about the"
    assert split("\n".join([line] * 5) + "\nend. New.") == ["\n".join([line] * 5) + "\nend.", "New."]


def test_a_field_s_value_goes_on_where_it_is_set_in_under_itself() -> None:
    measure = "Measure:      hose on the chisel from 15 July; midday break from\n              12:00 to 13:00 only"
    assert split(f"Name:         Korn\n{measure}\nPaid:         EUR 45") == [
        "Name:         Korn", measure, "Paid:         EUR 45",
    ]  # fmt: skip
    assert split("Name:         Korn\n   in words:  none") == ["Name:         Korn", "in words:  none"]


def test_wrapped_prose_among_a_form_s_lines_goes_on() -> None:
    rules = (
        "I have read the rules, and I will not leave the instrument\n"
        "next to a radiator or in a car, and I will tell the school of\nany damage within two days."
    )
    form = ["Tag: 14", "Bow: yes", "Case: none", "-----", rules, "Signed: Korn"]
    assert split("\n".join(form)) == [*form[:4], *rules.split("\n"), "Signed: Korn"]
    assert split("\n\n".join(("\n".join(form[:4]), *form[4:]))) == form
    short, capital = "rain on the hill\nrain on the mill\nand on me", rules.replace("\nn", "\nN")
    assert split(short) == short.split("\n")
    assert split(capital) == capital.split("\n")


def test_seeds_are_cut_at_their_sentences() -> None:
    found = split((SEEDS / "000_f8c9c8bafd1683fa.txt").read_text(encoding="utf-8"))
    assert "Cuban-Belarusian Military Cooperation: Key Questions Answered" in found
    assert "Why did the Cuban Minister of the Revolutionary Armed Forces visit Belarus?" in found
    assert any(sentence.startswith('"At the end of the discussions') for sentence in found)
    assert any(sentence.endswith('military contacts," concluded the note.') for sentence in found)


@pytest.mark.parametrize(
    "text",
    [
        "." * 30_000,
        "?!" * 15_000,
        "\n" * 30_000,
        " \n" * 15_000,
        '."' * 15_000,
        "word " * 20_000,
        "A." * 15_000,
        ". " * 15_000,
        "." + " " * 30_000,
        '. "' + "-" * 30_000,
        "." + " -" * 15_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    sentences(text)
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pátrushev’s trip", ["patrushev", "trip"]),
        ("D’Arc, D'Arc, Dʼarc", ["d'arc", "d'arc", "d'arc"]),
        ("the ministers' talks", ["the", "ministers", "talks"]),
        ("O'Neil isn't", ["o'neil", "isn't"]),
        ("Straße ﬁnance ÁÉ", ["strasse", "finance", "ae"]),
        ("XI-2021_a", ["xi", "2021", "a"]),
        ("🙂 … !", []),
    ],
)
def test_words_are_folded(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Pátrushev’s trip to Đà Nẵng, O'Néil isn't",
        "А. С. Йорданов приехал в Київ",
        "Ελλάδα, Αθήνα",
        "がんばって",
        "한국어 문장",
        "मंत्री ने कहा",
    ],
)
def test_words_are_the_same_wherever_their_accents_stand(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    assert apart == text or not unicodedata.is_normalized("NFC", apart)
    assert words(apart) == words(text)
    assert [unicodedata.normalize("NFC", match.group()) for match in WORD.finditer(apart)] == WORD.findall(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("मंत्री ने कहा कि वह आया।", ["मंतरी", "ने", "कहा", "कि", "वह", "आया"]),
        ("நான் வந்தேன்.", ["நான", "வநதேன"]),
        ("جَاءَ الوَزِيرُ.", ["جاء", "الوزير"]),
        ("הַשַּׂר בָּא", ["השר", "בא"]),
        ("รัฐมนตรี", ["ร", "ฐมนตร"]),  # pieces, as long as no dictionary says where its words end
    ],
)
def test_words_of_scripts_whose_vowels_are_marks(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_content_words_come_once_and_without_stopwords() -> None:
    assert content_words("Why did the minister visit the minister of Belarus?") == ["minister", "visit", "belarus"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Did the WHO warn us in May?", ["who", "warn", "may"]),
        ("US soldiers, IT and Will Smith", ["us", "soldiers", "it", "will", "smith"]),
        ("Where is Am Timan, or La Paz?", ["am", "timan", "la", "paz"]),
        ("May I ask who it was? Who may do it?", ["ask"]),
        ("LOPEZ SANCTIONED BY US WHY", ["lopez", "sanctioned"]),
        ("Who Was The President?", ["president"]),
        ("May", []),
    ],
)
def test_a_capital_makes_a_name_of_a_stopword(text: str, expected: list[str]) -> None:
    assert content_words(text) == expected


@given(st.text())
def test_folding_twice_changes_nothing_that_folding_once_did_not(text: str) -> None:
    assert fold(fold(text)) == fold(fold(fold(text)))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Khrenin", "Jrenin"),
        ("Khrenin", "Hrenin"),
        ("Patrushev", "Pátrushev"),
        ("Patrushev", "Patrouchev"),
        ("Patrushev", "Patruschew"),
        ("bielorussia", "Belarus"),
        ("Bielorrusia", "Belarus"),
        ("Lopez", "López"),
        ("Shoigu", "Shoiguu"),
        ("Shoigu", "Choigu"),
        ("Lukashenko", "Lukaschenko"),
        ("Lukashenko", "Loukachenko"),
        ("Revenko", "Rewenko"),
        ("Belarusian", "Belarussian"),
    ],
)
def test_spellings_of_one_name_meet(left: str, right: str) -> None:
    assert same_name(fold(left), fold(right))
    assert same_name(fold(right), fold(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Moscow", "Mexico"),
        ("Minsk", "Munich"),
        ("minister", "monster"),
        ("Cuba", "Kuwait"),
        ("Iran", "Iraq"),
        ("Austria", "Australia"),
        ("Niger", "Nigeria"),
        ("Slovakia", "Slovenia"),
        ("Havana", "Guyana"),
        ("Putin", "Patton"),
        ("Castro", "Chester"),
        ("Belarus", "Bulgaria"),
        ("military", "minister"),
        ("2021", "2022"),
        ("1994", "1949"),
        ("Peru", "Paris"),
        ("152mm", "155mm"),
        ("1500m", "1500km"),
        ("1980s", "1990s"),
        ("1900s", "1990s"),
        ("RTX4080", "RTX4090"),
        ("A320neo", "A321neo"),
        ("A320neo", "A320ceo"),
        ("Leopard2A7", "Leopard2A6"),
        ("बताया", "बनाया"),
    ],
)
def test_different_names_stay_apart(left: str, right: str) -> None:
    assert not same_name(fold(left), fold(right))
    assert not same_name(fold(right), fold(left))


ARTICLE = [
    "Viktor",
    "Khrenin",
    "Álvaro",
    "López",
    "Miera",
    "Pátrushev",
    "visited",
    "Belarus",
    "Minsk",
    "minister",
    "in",
]


@pytest.mark.parametrize(
    ("question", "expected", "replaced"),
    [
        ("Who is Jrenin?", "Who is Khrenin?", {"Jrenin": "Khrenin"}),
        ("When did Patrouchev come?", "When did Pátrushev come?", {"Patrouchev": "Pátrushev"}),
        ("Did Lopez Miera visit Minsk?", "Did Lopez Miera visit Minsk?", {}),
        ("Who visits?", "Who visits?", {}),
        ("Is there a monster in Munich?", "Is there a monster in Munich?", {}),
        ("", "", {}),
    ],
)
def test_questions_take_the_articles_spelling(question: str, expected: str, replaced: dict[str, str]) -> None:
    assert respell(question, ARTICLE) == (expected, replaced)


def test_a_word_of_the_language_is_no_misspelling_of_another() -> None:
    known = {"founded", "funded"}.__contains__
    assert respell("who founded it", ["funded"], known) == ("who founded it", {})
    assert respell("who founned it", ["founded"], known)[0] == "who founded it"


@pytest.mark.parametrize(
    ("asked", "known"), [("Iceland", "Ireland"), ("FOUNDED", "funded"), ("السلام", "الإسلام"), ("Москва", "Масква")]
)
def test_a_word_that_is_known_or_of_a_script_without_capitals_is_not_respelt(asked: str, known: str) -> None:
    known_words = {"Iceland", "FOUNDED", "Москва"}
    assert respell(f"what of {asked}", [known], known_words.__contains__)[1] == {}


@pytest.mark.parametrize(
    ("asked", "known"), [("155mm", "152mm"), ("1990s", "1980s"), ("RTX4090", "RTX4080"), ("A320neo", "A320ceo")]
)
def test_figures_are_not_exchanged(asked: str, known: str) -> None:
    question = f"What about {asked} then?"
    assert respell(question, [known]) == (question, {})
    assert query_terms(asked, Words([(fold(known), True)])) == [fold(asked)]


@given(st.text(), st.lists(st.text()))
def test_respelling_takes_any_text(question: str, vocabulary: list[str]) -> None:
    respelled, replaced = respell(question, vocabulary)
    assert (respelled == question) or replaced
