"""Title, date and outlet of an article: by its own lines, its format, its file's name; undated rather than wrong."""

from __future__ import annotations

import datetime
import time

import pytest

from rag.articles.metadata import Facts, describe
from rag.language.dates import date_of_name, stated_date, written_days

TODAY = datetime.date(2026, 11, 21)
PROSE = (
    "The minister arrived in Tarsk for talks about the dyke between the two islands, and stayed for two days of "
    "talks with the wardens of the coast, who had asked for it.\n"
)


def date_of(text: str, language: str = "en") -> str | None:
    return describe(text, language, TODAY).date


# ---------------------------------------------------------------- headline, outlet and day above the text


@pytest.mark.parametrize(
    ("line", "outlet"),
    [
        ("Tarsk Courier, 2022-09-14", "Tarsk Courier"),
        ("The Warden (weekly), 2022-09-14", "The Warden (weekly)"),
        ('Revue "La Digue" (translated from French), 2022-09-14', 'Revue "La Digue" (translated from French)'),
        ("The Vell Mirror, Upper Vell, 2022-09-14", "The Vell Mirror, Upper Vell"),
        ("Tarsk Courier | 14 September 2022", "Tarsk Courier"),
        ("Tarsk Courier – September 14th, 2022", "Tarsk Courier"),
        ("14 September 2022 · Tarsk Courier", "Tarsk Courier"),
        ("*By Ilse Korn, Tarsk Courier, 14 September 2022*", "Tarsk Courier"),
        ("By Ilse Korn, 14 September 2022", None),
        ("Tarsk, 14 September 2022", None),  # a place, of which the text speaks
        ("Published: 14 September 2022", None),
        ("Updated 14 September 2022, 10:15 am", None),
        ("14 September 2022", None),
        ("Wednesday, 14 September 2022", None),
        ("Wed, 14 Sep 2022 07:00:00 GMT", None),
        ("(2022-09-14)", None),
    ],
)
@pytest.mark.parametrize("headline", ["The dyke of Sundby breaks", "Flood", "Why the dyke broke: five answers?"])
def test_the_line_under_the_headline_dates_the_article(headline: str, line: str, outlet: str | None) -> None:
    text = f"{headline}\n\n{line}\n\n{PROSE}It was built on 5 May 1931 and is to be rebuilt by 9 June 2023.\n"
    assert describe(text, "en", TODAY) == Facts(headline, "2022-09-14", outlet)


@pytest.mark.parametrize(
    ("language", "text", "title", "date"),
    [
        ("ru", "Прорыв дамбы\n\n4 марта 2021 года\n\nДамба прорвана ночью.", "Прорыв дамбы", "2021-03-04"),
        ("zh", "堤防决口\n\n2021年3月4日\n\n堤防在夜间决口。", "堤防决口", "2021-03-04"),
        ("ja", "堤防が決壊\n2021年3月4日\n\n夜に決壊した。", "堤防が決壊", "2021-03-04"),
        ("ko", "제방 붕괴\n\n2021년 3월 4일\n\n밤에 무너졌다.", "제방 붕괴", "2021-03-04"),
        ("it", "La diga cede\n\n4 marzo 2021\n\nHa ceduto di notte.", "La diga cede", "2021-03-04"),
        ("pt", "O dique cede\n\n4 de março de 2021\n\nCedeu à noite.", "O dique cede", "2021-03-04"),
        ("es", "Cede el dique\n\n4 de septiembre de 2021\n\nCedió de noche.", "Cede el dique", "2021-09-04"),
        ("fr", "La digue cède\n\nLe Phare, 1er août 2021\n\nElle a cédé la nuit.", "La digue cède", "2021-08-01"),
        ("de", "Deich bricht\n\n04.03.2021\n\nEr brach in der Nacht.", "Deich bricht", "2021-03-04"),
        ("de", "Deich bricht\n\n4. März 2021\n\nEr brach in der Nacht.", "Deich bricht", "2021-03-04"),
        ("hi", "बाँध टूटा\n\n4 मार्च 2021\n\nरात में टूटा।", "बाँध टूटा", "2021-03-04"),
        ("ar", "انهيار السد\n\n4 مارس 2021\n\nانهار ليلا.", "انهيار السد", "2021-03-04"),
        ("bn", "বাঁধ ভাঙল\n\n৪ মার্চ, ২০২১\n\nরাতে ভাঙল।", "বাঁধ ভাঙল", "2021-03-04"),
        ("pl", "Tama pęka\n\n4 marca 2021\n\nPękła w nocy.", "Tama pęka", "2021-03-04"),
        ("cs", "Hráz praská\n\n4. března 2021\n\nPraskla v noci.", "Hráz praská", "2021-03-04"),
        ("und", "Flood\n\n4 mars 2021\n\nX.", "Flood", "2021-03-04"),
        ("cs", "Hráz praská\n\n4. 3. 2021\n\nPraskla v noci.", "Hráz praská", "2021-03-04"),
        ("hu", "Gátszakadás\n\n2021. 03. 04.\n\nÉjjel szakadt át.", "Gátszakadás", "2021-03-04"),
        ("ko", "제방 붕괴\n\n2021. 3. 4.\n\n밤에 무너졌다.", "제방 붕괴", "2021-03-04"),
        ("vi", "Vỡ đê\n\nNgày 4 tháng 3 năm 2021\n\nĐê vỡ trong đêm.", "Vỡ đê", "2021-03-04"),
        ("vi", "Vỡ đê\n\nNgày 04 tháng 03 năm 2021\n\nĐê vỡ trong đêm.", "Vỡ đê", "2021-03-04"),
        ("vi", "Vỡ đê\n\n14 tháng 12, 2021\n\nĐê vỡ trong đêm.", "Vỡ đê", "2021-12-14"),
        ("fr", "La digue\n\nPremière publication le jeudi 4 mars 2021\n\n" + "Ici. " * 20, "La digue", "2021-03-04"),
        ("de", "Deich bricht\n\n04.03.21\n\nEr brach in der Nacht.", "Deich bricht", "2021-03-04"),
    ],
)
def test_days_in_other_languages(language: str, text: str, title: str, date: str) -> None:
    assert describe(text, language, TODAY)[:2] == (title, date)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("EFE, Minsk (Belarus), 30 June 2023 — The minister", "2023-06-30"),
        ("The dyke\n\nTARSK, Sept. 12, 2024 (TNA) " + PROSE, "2024-09-12"),
        ("The dyke\n\nTarsk Courier, 12 Sept 2024\n\n" + PROSE, "2024-09-12"),
        ("The dyke\n\n12-May-2024\n\n" + PROSE, "2024-05-12"),
        ("By A. Writer | June 30th, 2023\n" + PROSE, "2023-06-30"),
        ("COURT OF TARSK\nDocket 12\n\nHeard: June 14, 2023\nDecided: June 30, 2023\n\n" + PROSE, "2023-06-30"),
        ("The dyke\n\nTarsk, 30 June 2023. " + PROSE, "2023-06-30"),
        ("The dyke\n\nTarsk, 30 June 2023: " + PROSE, "2023-06-30"),
        ("The dyke\n\nTARSK, June 30, 2023 (TNA) " + PROSE, "2023-06-30"),
        ("The dyke\n\nSankt Tarsk (Vell), 30.06.2023. " + PROSE, "2023-06-30"),
        ("The dyke\n\nJune 30, 2023. " + PROSE, "2023-06-30"),
        ("Updated: 2023-06-30T10:00Z.\nPlans for 2025 were made.", "2023-06-30"),
        ("Minsk, 30 de junio de 2023 – El ministro", "2023-06-30"),
        ("Minsk, den 30. Juni 2023\n" + PROSE, "2023-06-30"),
        ("Minsk, le 1er août 2023\n" + PROSE, "2023-08-01"),
        ("Published on 30 June 2023\nThe dyke of Sundby breaks\n\n" + PROSE, "2023-06-30"),
        ("The dyke\nPublished on 30 June 2023 at 10.30 a.m. GMT\n\n" + PROSE, "2023-06-30"),
        ("The dyke\nPosted: Friday, 30 June 2023, 06:15 GMT | Updated: 1 July 2023\n\n" + PROSE, "2023-06-30"),
        ("The dyke\nBy Ilse Korn – published on 30 June 2023\n\n" + PROSE, "2023-06-30"),
        ("The dyke\nFirst published on Fri 30 Jun 2023 06.00 BST\n\n" + PROSE, "2023-06-30"),
        ("The dyke\nLast updated on Friday 30 June 2023 at 10:15\n\n" + PROSE, "2023-06-30"),
        ("The dyke\nFirst published: Friday, June 30, 2023\n\n" + PROSE, "2023-06-30"),
        ("The dyke\nPublished: 30 June 2023 at 10:30 AM EST · 5 min read\n\n" + PROSE, "2023-06-30"),
        ("The dyke\nPublished 19 June 2024 at 10:15 - Last updated on 20 June 2024 at 9:00\n\n" + PROSE, "2024-06-19"),
        ("The dyke\nPublished 19 June 2024 – Updated 20 June 2024\n\n" + PROSE, "2024-06-19"),
        ("The dyke\nBy Ilse Korn, 10:15 – 19 June 2024\n\n" + PROSE, "2024-06-19"),
        ("12 new homes – 19 June 2024\n" + PROSE, "2024-06-19"),
        ("Cars banned\nBy Jonas Petrie, 19 June 2024\n" + PROSE + "It ends in 2025.", "2024-06-19"),
        ("The dyke\n\n" + PROSE * 2 + "\nTarsk Courier, 19 June 2024\n", "2024-06-19"),
    ],
)
def test_datelines_and_bylines(text: str, date: str) -> None:
    assert date_of(text) == date


# ---------------------------------------------------------------- undated rather than wrong


@pytest.mark.parametrize(
    "text",
    [
        "The dyke has a long history\n\nIt was built on 5 May 1931 and broke on 9 April 1940. It is to go now.",
        "A vote on the dyke\n\nThe council decided it on 12 March 2024. The vote is on 9 June 2024. It binds.",
        "The fire of 3 May 1931\n\n" + PROSE,
        "The man who shot at the king – born 3 May 1961\n\n" + PROSE,
        "The king\n\nPhoto by Ivo Krantz | Taken 1 July 1921\n\n" + PROSE,
        "The inn\n\nWe met on 3 May 2021, 12.50 in the bar of the inn\n\n" + PROSE,
        PROSE + "\n\nNext meeting: 30 March 2023, 14:00, seminar room B.",
        PROSE + "\n\nNext meeting: 30 March 2023",
        PROSE + "\n\nNext meeting: Thursday, 30 March 2023",
        PROSE + "\n\nValid until 31 December 2023",
        "The fair\n\n5–7 January 2024\n\n" + PROSE,
        "The fair\n\n5–7 January 2024: Parliament debates it\n\n" + PROSE,
        "The fair\n\n12 May – 14 May 2024\n\n" + PROSE,
        "The fair\n\nMay 30 – June 2, 2024\n\n" + PROSE,
        "The fair\n\nOpen: 12 May 2024 – 14 May 2024\n\n" + PROSE,
        "The ferry\n\n5–7 January 2024: Parliament debates\n3 May 2024: The vote",
        "Der Markt\n\n12. – 14. Mai 2024\n\n" + PROSE,
        "The warden\n\nBorn in Tarsk, 3 May 1931. " + PROSE,
        "The dyke\n\n1 March 2021: The dyke breaks\n4 March 2021: The warden goes",
        "The diary\n\n1 March 2021. It rains, and the dyke breaks.\n4 March 2021. The warden goes.",
        "Juan Pérez, 5 May 1950 – 3 June 2010, was a general who fought in the wars of his time.",
        "What happened when\n\n1 March 2021: The dyke breaks\n4 March 2021: The warden goes\n19 June 2021: A vote",
        "What happened when\n\n1 March 2021\nThe dyke breaks\n\n4 March 2021\nThe warden goes\n\n19 June 2021\nA vote",
        "What happened when\n\n- 1 March 2021 – The dyke breaks\n- 4 March 2021 – The warden goes",
        PROSE + "It was signed on 05/06/2023, it said.",
        PROSE + "It was signed on 5 May 2022 and again on 30/06/2023, it said.",
        PROSE + "There will be a summit on 30 June 2031 in Tarsk.",
        PROSE + "It was accredited in August 2022, and on June 13 in Moscow.",
        PROSE + "In 2011 and 2012 it was held on Wednesday, July 3.",
        "Flood\n\n31 June 2023\n\n" + PROSE,
        "Flood\n\n30 June 2031\n\n" + PROSE,
        "Flood\n\n05/06/2023\n\n" + PROSE,
    ],
)
def test_a_day_in_running_text_or_in_a_chronology_dates_nothing(text: str) -> None:
    assert date_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Name: Ilse Korn\nDate of birth: 3 May 1931\nAddress: Mill Lane 3\nTown: Tarsk\n",
        "Mitgliedsantrag\n\nName: Ilse Korn\nGeboren: 3. Mai 1931\nOrt: Tarsk\nStimme: Alt\n\nIch bitte um Aufnahme.\n",
        "Invoice 17\n\nInvoice date: 3 May\nDue: 3 June 2021\nTotal: 300 euros\nTax: 57 euros\nPaid by: cash\n",
        "Loan 4\n\nDue back: 3 May 2024\nTitle: The dyke\nBorrower: Ilse Korn\nShelf: B 14\n",
        "Ficha\nNombre: Ilse Korn\nNacida el: 3 de mayo de 1931\nCiudad: Tarsk\nVoz: contralto\n",
    ],
)
def test_a_day_among_the_fields_of_a_form_dates_nothing(text: str) -> None:
    assert date_of(text) is None


def test_a_day_among_the_fields_above_a_text_dates_it() -> None:
    head = "From: Ilse Korn\nDate: 3 May 2021\nSubject: The dyke\nTo: All\n\n"
    assert date_of(head + PROSE) == "2021-05-03"


def test_a_byline_above_a_chronology_dates_it() -> None:
    assert (
        date_of("What happened when\n\n12 June 2024\n\n1 March 2021\nA breach\n\n4 March 2021\nA vote") == "2024-06-12"
    )


@pytest.mark.parametrize(
    ("words", "date"),
    [
        ("The parade on Wednesday, July 3, is expected.", "2024-07-03"),
        ("El desfile del miércoles 3 de julio se espera.", "2024-07-03"),
        ("Die Parade am Mittwoch, dem 3. Juli, wird erwartet.", "2024-07-03"),
        ("Le défilé du mercredi 3 juillet est attendu.", "2024-07-03"),
        ("In 2019 the parade was held on Wednesday, July 3.", "2019-07-03"),
        ("From Sunday, June 30, to Wednesday, July 3.", "2024-07-03"),
        ("On Saturday, November 21, and on Sunday, November 22.", "2026-11-21"),
    ],
)
def test_a_weekday_tells_the_year_of_a_day_close_by(words: str, date: str) -> None:
    assert date_of(PROSE + words) == date


@pytest.mark.parametrize(
    "words",
    [
        "We met on 12 March 2024. The next meeting is on Monday, April 8.",
        "We rehearse on Thursday, June 13, 2024 or so, and last on Monday, September 2.",
        "In 2024 we sing on Thursday, June 13, and last on Monday, September 2.",
    ],
)
def test_a_weekday_among_days_of_other_months_or_years_dates_nothing(words: str) -> None:
    assert date_of(PROSE + words) is None


def test_a_letter_told_by_lines_has_its_own_day_and_subject() -> None:
    lines = (
        "District of Brenn", "Water Authority", "Dam 2, Brenn", "To Ms Gerda Pfau", "Your letter of: 29 July 2024",
        "Brenn, 8th August 2024", "Your application for work at night", "Dear Ms Pfau,", PROSE.strip(),
    )  # fmt: skip
    assert describe("\n".join(lines), "en", TODAY) == Facts(lines[6], "2024-08-08", None)
    swapped = (*lines[:6], lines[7], lines[6], lines[8])
    assert describe("\n".join(swapped), "en", TODAY).title == lines[6]


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "05/06/2023", None),
        ("en", "05/06/2023 and 25/06/2023", "2023-06-05"),
        ("en", "05/06/2023 and 06/25/2023", "2023-05-06"),
        ("en", "05.06.2023", "2023-06-05"),
        ("en", "05/05/2023", "2023-05-05"),
        ("fr", "05/06/2023", "2023-06-05"),
        ("es", "5-6-2023", "2023-06-05"),
        ("und", "05/06/2023", None),
        ("en", "2023/06/05", "2023-06-05"),
        ("en", "25/06/23", "2023-06-25"),
        ("en", "06/25/23", "2023-06-25"),
        ("en", "25.06.98", "1998-06-25"),
        ("en", "05/06/23", None),
        ("fr", "05/06/23", "2023-06-05"),
        ("sv", "23/06/25", None),
        ("und", "23/06/25", None),
        ("en", "version 25.06.23", None),
        ("en", "25.06.23 is new", None),
        ("en", "2.6.23", None),
        ("de", "25. 6. 2023", "2023-06-25"),
        ("en", "in 2021. 3. 42 people", None),
        ("en", "version 1.2.2023.4 of 2023-06-05-1", None),
    ],
)
def test_day_and_month_in_numbers(language: str, text: str, day: str | None) -> None:
    found = [written.day.isoformat() for written in written_days(text, language)]
    assert (found[0] if found else None) == day


def test_days_are_where_they_are_written() -> None:
    text = "On 3rd of April 2024, or Apr. 4, 2024, or on 5 May."
    assert [text[start:end] for start, end, _ in written_days(text)] == ["3rd of April 2024", "Apr. 4, 2024"]


# ---------------------------------------------------------------- what the format and the file's name state


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2023", "2023"),
        ("2023-06", "2023-06"),
        ("2023-06-30T10:00Z", "2023-06-30"),
        ("20230630", "2023-06-30"),
        ("D:20230630080000Z", "2023-06-30"),
        ("June 30, 2023", "2023-06-30"),
        ("Fri, 30 Jun 2023 10:00:00 +0000", "2023-06-30"),
        ("2031-01-01", None),
        ("2023-13-01", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_stated_date(value: str, date: str | None) -> None:
    assert stated_date(value, TODAY) == date


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("2023-06-30-dyke.txt", "2023-06-30"),
        ("2023/06/30/dyke.txt", "2023-06-30"),
        ("dyke_20230630.txt", "2023-06-30"),
        ("20230630T101500.txt", "2023-06-30"),
        ("000_f8c920230630fa.txt", None),
        ("2023-06.txt", "2023-06"),
        ("issues/2023-06-glassworks.pdf", "2023-06"),
        ("2023-06-112-halloran.txt", None),
        ("2023-14-halloran.txt", None),
        ("iso-2023-06-notes.txt", None),
        ("2031-01-plans.txt", None),
        ("12345678.txt", None),
        ("2031-01-01.txt", None),
        ("1999-12-31/2024-05-14.txt", "2024-05-14"),
        ("2024-05-14-the-night-of-1999-12-31.txt", "2024-05-14"),
        ("1999-12-31/2023/06/30/dyke.txt", "2023-06-30"),
        ("30-06-2023 minutes.docx", "2023-06-30"),
        ("minutes-30-06-2023.docx", "2023-06-30"),
        ("minutes_06_30_2023.docx", "2023-06-30"),
        ("30.06.2023.txt", "2023-06-30"),
        ("Minutes 3 July 2023.docx", "2023-07-03"),
        ("minutes_3-july-2023.docx", "2023-07-03"),
        ("Protokoll 3. Juli 2023.docx", "2023-07-03"),
        ("1999-12-31/July 3, 2023.docx", "2023-07-03"),
        ("05-06-2023 minutes.docx", None),
        ("05.06.2023.txt", None),
        ("31-06-2023 minutes.docx", None),
        ("30-06-2031 plans.docx", None),
        ("3-5 July 2023.docx", None),
        ("1 May 2023 to 3 July 2023.docx", None),
        ("30-06-2023/minutes.docx", None),
        ("form 12-30-06-2023.docx", None),
        ("v30.6.2023.1.txt", None),
    ],
)
def test_date_of_name(name: str, date: str | None) -> None:
    assert date_of_name(name, TODAY) == date


def test_the_format_goes_before_the_text_and_the_text_before_the_name() -> None:
    text = f"Flood\n\nTarsk Courier, 2022-09-14\n\n{PROSE}"
    stated = describe(text, "en", TODAY, " The dyke\nbreaks ", "2022-09-13", "Vell Mirror", "2022-09-15.txt")
    assert stated == Facts("The dyke breaks", "2022-09-13", "Vell Mirror")
    assert describe(text, "en", TODAY, name="2022-09-15.txt").date == "2022-09-14"
    assert describe(PROSE, "en", TODAY, name="2022-09-15.txt").date == "2022-09-15"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("vi", "Vỡ đê\n\nThứ ba, 14/5/2024\n\nĐê vỡ trong đêm."),
        ("es", "Cede el dique\n\nPublicado el martes, 14 de mayo de 2024\n\nCedió de noche."),
        ("fr", "La digue cède\n\nPublié le mardi, 14 mai 2024\n\nElle a cédé la nuit."),
        ("en", "The dyke breaks\n\n14 May 2024, updated 15 May 2024\n\nIt broke."),
        ("de", "Deich bricht\n\n14. Mai 2024, geändert am 15. Mai 2024\n\nEr brach."),
    ],
)
def test_a_weekday_or_another_day_is_no_outlet(language: str, text: str) -> None:
    title = text.partition("\n")[0]
    assert describe(text, language, TODAY) == Facts(title, "2024-05-14", None)


def test_a_line_that_names_people_names_no_outlet() -> None:
    line = "Interview: Tom Bell · Photos: Ivo Krantz · 7 October 2019"
    assert describe(f"The dyke of Sundby breaks\n{line}\n\n{PROSE}", "en", TODAY)[1:] == ("2019-10-07", None)


# ---------------------------------------------------------------- titles


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Euro ES Euro\n\nCuban soldiers go to Minsk\nText.", "Cuban soldiers go to Minsk"),
        ("Published on 30 June 2023\nCuban soldiers go to Minsk", "Cuban soldiers go to Minsk"),
        ("Visit to Tarsk\n" + PROSE * 3, "Visit to Tarsk"),
        ("Flood\nThe Tarsk Courier of the Islands, 2022-09-14\n" + PROSE, "Flood"),
        ("The Tarsk Courier, 2022-09-14\nThe dyke of Sundby breaks\n" + PROSE, "The dyke of Sundby breaks"),
        ("It was a long and cold day in Tarsk. " + PROSE * 2, "It was a long and cold day in Tarsk."),
        (PROSE.strip() * 2, "The minister arrived in Tarsk for talks about the dyke between the two islands, and…"),
        ("x" * 200, "x" * 90 + "…"),
        ("Russia fires 100 drones\nPeople in Tarsk saw them come\n" + PROSE, "Russia fires 100 drones"),
        ("Barcelona 2 Madrid 1\nPeople in Tarsk saw them play\n" + PROSE, "Barcelona 2 Madrid 1"),
        ("Plum dumplings\nServes 4 | 75 min\nIngredients\n" + PROSE, "Plum dumplings"),
        ("The dyke breaks\nBy Ilse Korn and Jon Reeve\n" + PROSE, "The dyke breaks"),
        ("The ferry affair\n5–7 January 2024: Parliament debates it\n" + PROSE, "The ferry affair"),
        ("Shopping list\n- two pounds of brown flour\n- a bag of old potatoes", "Shopping list"),
        ("LOCAL NEWS\nThe dyke of Sundby breaks\nBy Ilse Korn and Jon Reeve\n" + PROSE, "The dyke of Sundby breaks"),
        ("Tarsk", "Tarsk"),
        ("", ""),
        # an entry, and the book that it is from; a section's name above a headline
        ("Tarsk rail\nHandbook of Lost Birds\n\nThe Tarsk rail was a bird that could not fly.\n", "Tarsk rail"),
        (
            "Brasch, Ottilie\nLexicon of Northern Music, 3rd edition\n\nOttilie Brasch was a composer.\n",
            "Brasch, Ottilie",
        ),
        # a headline, and what is none below it
        ("The fair\n\nSaturday, 14 March 2020, 7 pm, Town Hall\n\n" + PROSE, "The fair"),
        ("The fair\n\nSat 14 March, 7 pm, Town Hall\n\n" + PROSE, "The fair"),
        ("Opening hours\n\nMonday to Friday 9 to 12\nSaturday from 10 to 11\n", "Opening hours"),
        ("Recipe\n2 cups of brown flour\n3 eggs of a hen\n" + PROSE, "Recipe"),
        ("Soup\n(4 plates of it for guests)\n" + PROSE, "Soup"),
        ("Protokoll\n\nAnwesend: Korn, Petrie, Brandt, Voss\nEs fehlt: niemand\n\n" + PROSE, "Protokoll"),
        ("Interview\n\nQ: Who pays for all of it?\n\nA: We all do, and the town.\n\n" + PROSE, "Interview"),
        ("Notice\n\nThe ferry does not run today", "Notice"),
        ("Tarsk Times\n\n12 people hurt in the ferry fire\n\n" + PROSE, "12 people hurt in the ferry fire"),
        ("Local news\n\nTarsk: the old bridge is closed\n\n" + PROSE, "Tarsk: the old bridge is closed"),
        ("Saturday news\n\nFriday protest fills the old square\n\n" + PROSE, "Friday protest fills the old square"),
        ("Tarsk: 87 brought ashore\n\nDivers towed the boat in\n\n" + PROSE, "Tarsk: 87 brought ashore"),
        ("12 homes for the old quay\n\nThe council says yes at last\n\n" + PROSE, "12 homes for the old quay"),
        ("Tarsk\nMayor opens the new bridge\n\nThe mayor of Tarsk opened a bridge.\n", "Mayor opens the new bridge"),
    ],
)
def test_title(text: str, title: str) -> None:
    assert describe(text, "en", TODAY).title == title


RULING = """IN THE SUPREME COURT OF VELDMAR\n\nNo. 21-0457\n\nHARBOUR AUTHORITY,\nPetitioner,\n\nv.\n\nILSE KORN,
Respondent.\n\nArgued January 11, 2022\nDecided March 3, 2022\n\n{}"""
LETTER = (
    """Veldmar Grain plc\n12 Quay Street\nPort Tarsk PT1 4AB\n\n14 May 2021\n\nMs Ilse Korn\nMill Lane 3\n\n{}\n\n{}"""
)
URTEIL = """Landgericht Tarsk\nAz.: 3 O 145/20\nVerkündet am 14.05.2021\n\nURTEIL\n\nIn dem Rechtsstreit\nIlse Korn
- Klägerin -\ngegen\nStadt Tarsk\n\nhat das Landgericht auf die Verhandlung vom 23.04.2021 für Recht erkannt:"""


@pytest.mark.parametrize(
    ("text", "language", "title", "date"),
    [
        (RULING.format(PROSE), "en",
         "IN THE SUPREME COURT OF VELDMAR, No. 21-0457, HARBOUR AUTHORITY, Petitioner, v. ILSE KORN, Respondent.",
         "2022-03-03"),
        (URTEIL, "de", "Landgericht Tarsk, Az.: 3 O 145/20, URTEIL, In dem Rechtsstreit, Ilse Korn, "
         "- Klägerin - gegen, Stadt Tarsk", "2021-05-14"),
        (LETTER.format("Dear Ms Korn,\n\nDelivery of 400 tonnes of wheat", PROSE), "en",
         "Delivery of 400 tonnes of wheat", "2021-05-14"),
        (LETTER.format("Delivery of 400 tonnes of wheat\n\nDear Ms Korn,", PROSE), "en",
         "Delivery of 400 tonnes of wheat", "2021-05-14"),
        (LETTER.format("Dear Ms Korn,", PROSE), "en", "Veldmar Grain plc, 12 Quay Street, Port Tarsk PT1 4AB, "
         "Ms Ilse Korn, Mill Lane 3, Dear Ms Korn", "2021-05-14"),
        ("MEMORANDUM\n\nTO: All keepers\nFROM: Ilse Korn\nDATE: May 14, 2021\nRE: New opening hours\n\n" + PROSE, "en",
         "MEMORANDUM, TO: All keepers, FROM: Ilse Korn, RE: New opening hours", "2021-05-14"),
        ("TARSK TOWN COUNCIL\nMINUTES\nMeeting of Friday, 14 May 2021, 7.30 p.m.\nRoom 4\nPresent: Cllr Korn\n" + PROSE,
         "en", "TARSK TOWN COUNCIL, MINUTES, Room 4, Present: Cllr Korn", "2021-05-14"),
        ("SENTENCIA 145/2021\n\nEn Tarsk, a 14 de mayo de 2021.\n\nVistos los autos de juicio ordinario.", "es",
         "SENTENCIA 145/2021", "2021-05-14"),
        ("The dyke of Sundby breaks\nBy Ilse Korn\nNews\n14 May 2021\nShare\nPrint\n" + PROSE, "en",
         "The dyke of Sundby breaks", "2021-05-14"),
        ("Pancakes\n2 eggs\n200 g flour\n1 pinch of salt\n1 cup of milk\nbutter\n" + PROSE, "en", "Pancakes", None),
    ],
)  # fmt: skip
def test_heads_of_rulings_letters_and_records(text: str, language: str, title: str, date: str | None) -> None:
    facts = describe(text, language, TODAY)
    assert (facts.title, facts.date, facts.outlet) == (title, date, None)


def test_a_paper_called_after_its_day_is_one() -> None:
    assert describe(f"Flood\nMail on Sunday, 16 May 2021\n{PROSE}", "en", TODAY).outlet == "Mail on Sunday"


def test_hostile_text_takes_no_time() -> None:
    for part in ("1 ", "1 may ", " " * 50, "wednesday, ", "2023-", "# ", "[", "\n", "---\n", "2023-01-01\n"):
        text = "# 5 " + part * (200_000 // len(part))
        start = time.process_time()
        describe(text, "en", TODAY)
        assert time.process_time() - start < 5.0


@pytest.mark.parametrize(
    ("name", "held", "date"),
    [
        ("Minutes 12-06-2023.md", "on Monday 12 June 2023 at 7.00 pm", "2023-06-12"),
        ("minutes/Minutes 11.09.2023.md", "on 11 September 2023 at seven, after that of 12 June 2023", "2023-09-11"),
        ("06_12_2023.txt", "on June 12, 2023", "2023-06-12"),
        ("Protokoll 3-4-2023.txt", "am 3. April 2023 um 19 Uhr", "2023-04-03"),
        ("Minutes 12-06-2023.md", "on Monday 13 June 2023 at 7.00 pm", None),  # another meeting's
        ("Minutes 12-06-2023.md", "on 12 June 2023 and again on 6 December 2023", None),
        ("Minutes 12-06-2023.md", "on some Monday", None),
    ],
)
def test_the_text_tells_in_which_order_a_file_name_has_day_and_month(name: str, held: str, date: str | None) -> None:
    text = f"TOWN COUNCIL\n\nMinutes of the meeting of the full council held in the hall {held}\n\nAll were there."
    assert describe(text, "en", TODAY, name=name).date == date


@pytest.mark.parametrize(
    "heading", ["23/35 Minutes of 12 June 2023", "3. Minutes of 12 June 2023", "## Letter of 12 June 2023"]
)
def test_a_heading_within_the_text_does_not_date_it(heading: str) -> None:
    head = "TOWN COUNCIL\n\nPresent: " + ", ".join(f"Councillor Number {n}" for n in range(40))
    text = f"{head}\n\nNobody had sent any.\n\n{heading}\n\nApproved as a true record.\n\n4. The roof\n\nIt leaks."
    assert describe(text, "en", TODAY).date is None
