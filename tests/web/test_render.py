"""Answer -> HTML: exact, and inert whatever the articles hold."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rag.answering.citations import cite
from rag.present import html as render
from rag.present.export import as_markdown
from rag.present.listing import Listing
from rag.scope import Scope
from rag.types import Account, Overview
from tests.web.fakes import HOSTILE, FakeBot, document

ALLOWED = {
    "article", "bdi", "blockquote", "button", "details", "dialog", "div", "em", "fieldset", "form", "h1", "h2", "h3",
    "datalist", "header", "input", "label", "legend", "li", "mark", "nav", "ol", "option", "p", "q", "section", "span",
    "strong", "summary", "textarea", "time", "ul",
}  # fmt: skip


class Seen(HTMLParser):
    """Tags, attributes and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.marked: list[str] = []
        self._mark = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag == "mark":
            self._mark = True
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        self._mark = self._mark and tag != "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._mark:
            self.marked[-1] += data


def inert(html: str) -> Seen:
    seen = Seen(html)
    assert {tag for tag, _ in seen.tags} <= ALLOWED
    for _, attributes in seen.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "action")]
    assert "{{" not in html
    assert "${" not in html
    return seen


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot(
        [
            document("<i>a</i>.txt", HOSTILE, title="<script>x</script> [1] {{y}}", date="2031-09-01"),
            document("b.txt", "The harvest of 2031 was thirty tonnes. It rained.", date="2032"),
        ]
    )


@pytest.mark.parametrize("text", ["<script>", "a & b", "\"quoted\" 'it'", "{{x}} ${y} `z`", "C:\\x", "[1]", "\r\n", "‮"])
def test_text_reads_as_it_was_in_content_and_in_attributes(text: str) -> None:
    seen = inert(render.pending(text, "reading"))
    assert seen.text.strip().removesuffix("reading").rstrip(" ").startswith(text.strip())
    header = document("x.txt", "Text.", title=text)
    (named,) = [
        a["aria-label"] for tag, a in inert(render.own_articles([header], "own")).tags if a.get("class") == "remove"
    ]
    assert named == f"Remove {text}"
    assert "".join(Seen(render.article(document("y.txt", text), [], (0, len(text)))).marked) == text


def test_hostile_article_is_text_everywhere(bot: FakeBot) -> None:
    question = "<img src=x onerror=alert(1)> harvest 2031 differ"
    answer = bot.ask(question)
    assert len(answer.accounts) == 2
    find = {d.id: d for d in bot.documents()}.get
    inert(render.conversation([render.Exchange(question, answer), render.Exchange(question, None, "<b>no</b>")], 0))
    inert(render.sources(0, render.Exchange("q", answer), find))
    inert(render.article(bot.document("<i>a</i>.txt"), [(3, 9)], (5, 300)))
    inert(render.corpus(Listing().of(bot.headers())))
    inert(render.filters(Scope("2031", within=("<i>a</i>.txt",)), bot.headers(), "own", "<b>no</b>"))
    overview = render.Exchange("<b>o</b>", overview=bot.overview("<i>harvest</i>"), scope="in <b>x</b>")
    assert overview.overview is not None
    assert len(overview.overview.citations) == 2
    inert(render.conversation([overview], 0))
    inert(render.sources(0, overview, find))
    inert(
        render.own_articles(bot.headers(), "own", [("<b>n</b>", "<i>why</i>")], [("<b>m</b>", "<i>so</i>")], "<u>1</u>")
    )
    inert(render.welcome(2, ["<u>Who?</u>"]))
    inert(render.pending(question, "<b>stage</b>"))


def test_what_a_question_was_read_behind_is_told_without_the_question(bot: FakeBot) -> None:
    answer = replace(bot.ask("When did it rain?"), understood="(Who runs the mill? Ilse Korn.) When did it rain?")
    seen = inert(render.conversation([render.Exchange(answer.question, answer)], 0)).text
    assert "Read together with Who runs the mill? Ilse Korn." in " ".join(seen.split())
    other = replace(answer, understood="When did it rain at the mill?")
    seen = inert(render.conversation([render.Exchange(answer.question, other)], 0)).text
    assert "Understood as When did it rain at the mill?" in " ".join(seen.split())


def test_marker_of_an_article_is_no_button(bot: FakeBot) -> None:
    forged = replace(bot.ask("harvest 2031 forty tonnes"), text="Told [\u20601] and [7] and [999]. [1]")
    html = render.conversation([render.Exchange("q", forged)], 0)
    assert html.count('class="mark"') == 1


def test_a_sentence_that_denies_is_told_once(bot: FakeBot) -> None:
    answer = bot.ask("harvest 2031 thirty")
    told, number = answer.statements[0].text, answer.statements[0].citations
    accounts = (Account("Thirty", told, None, number), Account(told, told, None, number))
    both = replace(answer, accounts=accounts, statements=answer.statements[:1] * 2)
    html = render.conversation([render.Exchange("q", both)], 0)
    assert html.count('class="short"') == 1


def test_highlight_is_the_quote_in_its_surroundings(bot: FakeBot) -> None:
    answer = bot.ask("harvest 2031 thirty")
    citation = answer.citations[0]
    seen = Seen(render.sources(0, render.Exchange("q", answer), {d.id: d for d in bot.documents()}.get))
    assert seen.marked == [citation.quote]
    assert "It rained." in seen.text


def test_whole_article_is_verbatim_with_its_marks(bot: FakeBot) -> None:
    whole = document("w.txt", "One {a}.\r\nTwo <b>.\n\n  Three $x$ `y`.")
    seen = Seen(render.article(whole, [(0, 8)], (4, 14)))
    assert seen.text.endswith(whole.text)
    assert "".join(seen.marked) == whole.text[0:14]
    chosen = [attributes for tag, attributes in seen.tags if tag == "mark" and attributes.get("class") == "chosen"]
    assert chosen


@pytest.mark.parametrize("place", [(-5, 3), (5, 2), (0, 10**9), (10**9, 10**9)])
def test_place_outside_the_article_does_no_harm(place: tuple[int, int]) -> None:
    whole = document("w.txt", "Short.")
    assert Seen(render.article(whole, [place], place)).text.endswith("Short.")


def test_changed_article_shows_the_quote_as_it_was(bot: FakeBot) -> None:
    answer = bot.ask("harvest 2031 thirty")
    html = render.sources(
        0, render.Exchange("q", answer), lambda i: document(i, "Quite another text, and longer than the first.")
    )
    assert Seen(html).marked == [answer.citations[0].quote]
    assert "has changed" in html
    assert "Whole article" not in html.split("uncited")[0]


def test_refusal_is_one_line_that_opens_with_the_nearest_sentence(bot: FakeBot) -> None:
    answer = replace(bot.ask("Who won?"), nearest=(cite(bot.document("b.txt"), 0, 37, 0.3),))
    assert answer.abstained
    html = render.conversation([render.Exchange("Who won?", answer)], 0)
    (folded,) = [attributes for tag, attributes in Seen(html).tags if attributes.get("class") == "card abstention"]
    assert "open" not in folded
    summary, inside = html.split('<details class="card abstention">')[1].split("</summary>", 1)
    assert Seen(summary).text.split() == ["∅", "The", "articles", "do", "not", "say."]
    assert "not</em> an answer" in inside
    assert "The harvest of 2031 was thirty tonnes" in inside
    assert "not an answer</span>" in render.sources(0, render.Exchange("q", answer), lambda i: None)


@pytest.mark.parametrize("question", ["harvest 2031 thirty", "Who won?"])
@pytest.mark.parametrize("page", [1, 12, None])
def test_what_was_found_tells_its_page(bot: FakeBot, question: str, page: int | None) -> None:
    answer = bot.ask(question)
    answer = replace(answer, citations=(), passages=tuple(replace(p, page=page) for p in bot.retrieve("harvest")))
    html = render.sources(0, render.Exchange("q", answer), lambda i: None)
    assert (
        html.count(f" · page {page}</p>")
        == html.count(f">Page {page} and whole article<")
        == (len(answer.passages) if page else 0)
    )
    assert html.count(">Whole article<") == (0 if page else len(answer.passages))


SAYS = "The harvest of 2031 was thirty tonnes."


@pytest.mark.parametrize(
    ("date", "page", "source"),
    [
        ("2031-09-01", 7, "T (1 September 2031, page 7): “The harvest"),
        (None, 1, "T (undated, page 1): “The harvest"),
        ("2031", None, "T (2031): “The harvest"),
        (None, None, "T (undated): “The harvest"),
    ],
)
def test_copy_tells_the_page_of_each_quote(bot: FakeBot, date: str | None, page: int | None, source: str) -> None:
    cited = replace(cite(document("x.pdf", SAYS), 0, len(SAYS), 1.0), title="T", date=date, page=page)
    told = replace(bot.ask("harvest 2031 thirty"), citations=(cited,))
    overview = Overview("", "", (cited,), 0.0, 1)
    refused = replace(bot.ask("Who won?"), nearest=(cited, cited))
    assert f"\n\n[1] {source}" in render.plain(told)
    assert f"\n\n[1] {source}" in render.plain(overview)
    assert f"\n\nNearest sentences (not an answer):\n- {source}" in render.plain(refused)
    assert render.plain(refused).count(SAYS) == 2


def test_markdown_holds_the_nearest_sentences_as_what_they_are(bot: FakeBot) -> None:
    cited = replace(cite(document("x.pdf", SAYS), 0, len(SAYS), 1.0), page=7)
    asked = [replace(bot.ask("Who won?"), nearest=nearest) for nearest in ((cited,), (cited, cited), ())]
    for answer in asked:
        made = as_markdown([render.Exchange("Who won?", answer)])
        assert ("\n\nNearest sentences (not an answer):\n\n" in made) is bool(answer.nearest)
        assert made.count("\n- The harvest") == made.count("page 7, characters 0–38") == len(answer.nearest)
        assert "[^" not in made


def test_uncited_passages_stand_apart(bot: FakeBot) -> None:
    answer = bot.ask("harvest 2031 thirty")
    cited, apart = render.sources(0, render.Exchange("q", answer), {d.id: d for d in bot.documents()}.get).split(
        '<details class="uncited">'
    )
    assert answer.citations[0].quote in Seen(cited).text
    assert answer.citations[0].quote not in Seen(apart).text


@pytest.mark.parametrize(
    ("date", "written"),
    [
        ("2024-07-03", "3 July 2024"),
        ("2023-06", "June 2023"),
        ("2023", "2023"),
        (None, "undated"),
        ("2023-99", "2023-99"),
    ],
)
def test_dates_as_people_write_them(date: str | None, written: str) -> None:
    assert render.written_date(date) == written


@pytest.mark.parametrize(
    ("confidence", "words", "number"),
    [(0.999, "very likely right", "99 %"), (0.77, "likely right", "77 %"), (0.5, "uncertain, read the source", "50 %"),
     (0.001, "uncertain, read the source", "1 %"), (1.0, "very likely right", "100 %")],
)  # fmt: skip
def test_confidence_in_words_and_number(confidence: float, words: str, number: str) -> None:
    assert render.likelihood(confidence) == words
    assert render.percent(confidence) == number
