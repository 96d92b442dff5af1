# ruff: noqa: E501 (markup on one line is easier to read)
"""Each format by a small real file: its text as a person reads it, its blocks, and what its metadata state."""

from __future__ import annotations

import base64
import datetime
import io
import json
import marshal
import pickle
import plistlib
import re
import struct
import time
import zipfile
import zlib
from array import array
from itertools import zip_longest
from pathlib import Path

import pytest

from rag.articles.documents import read_document, read_file
from rag.articles.formats import FORMATS, format_of
from rag.articles.formats.contract import Composer, Source
from rag.articles.formats.encoding import decode
from rag.articles.formats.sheets import cell_text
from rag.articles.formats.tables import has_head, lines_of, side_by_side
from rag.errors import DocumentError
from rag.types import Document

TODAY = datetime.date(2026, 11, 21)


def read(folder: Path, name: str, content: str | bytes, max_bytes: int = 2_000_000) -> Document:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    document = read_document(path, name, max_bytes, TODAY)
    for block in document.blocks:  # exact, on one line each, nothing but white space between them
        assert document.text[block.start : block.end].strip() == document.text[block.start : block.end] != ""
        assert "\n" not in document.text[block.start : block.end]
    if document.blocks:
        covered = "\n".join(document.text[block.start : block.end] for block in document.blocks)
        assert covered == document.text
    return document


def blocks(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def packed(**parts: str | bytes) -> bytes:
    """A zip of parts; "__" in a name stands for "/" and "_dot_" for "."."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return stream.getvalue()


# ---------------------------------------------------------------- the registry


def test_each_suffix_names_a_module_that_reads() -> None:
    assert all(callable(format_of(suffix).read) for suffix in FORMATS)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in FORMATS)


def test_a_composer_counts_characters_and_pages() -> None:
    composer = Composer(Source(b"", "a.x", 100, TODAY))
    composer.turn_page()
    composer.add("heading", "The ﬁrst\x00 line ")
    composer.add("paragraph", "one\n\n two \r\nthree")
    composer.turn_page()
    composer.append("goes on", new_page=False)
    found = composer.finish("t")
    assert found.text == "The first line\none\ntwo\nthree goes on"
    assert [(b.kind, b.start, b.end) for b in found.blocks] == [
        ("heading", 0, 14), ("paragraph", 15, 18), ("paragraph", 19, 22), ("paragraph", 23, 36),
    ]  # fmt: skip
    with pytest.raises(DocumentError, match="more than 100 characters"):
        composer.add("paragraph", "x" * 100)


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("rows", "heads", "lines"),
    [
        ([["Town", "People"], ["Tarsk", "3,400"], ["Veldmar", "12 000"]], None,
         ["Town: Tarsk | People: 3,400", "Town: Veldmar | People: 12 000"]),
        ([["Name", "Ilse Korn"], ["Born", "1950"], ["Town", "Tarsk"]], None,
         ["Name | Ilse Korn", "Born | 1950", "Town | Tarsk"]),
        ([["Town", "Mayor", "Party"], ["Tarsk", "", "Green"]], None, ["Town: Tarsk | Party: Green"]),
        ([["", "2023", "2024"], ["Tarsk", "1", "2"]], 1, ["Tarsk | 2023: 1 | 2024: 2"]),
        ([["Votes", "Votes"], ["men", "women"], ["1", "2"]], 2, ["Votes men: 1 | Votes women: 2"]),
        ([["only", "heads"]], 1, ["only | heads"]),
        ([["1", "2"], ["3", "4", "5"], []], None, ["1 | 2", "3 | 4 | 5"]),
        ([], None, []),
    ],
)  # fmt: skip
def test_rows_say_what_their_columns_are(rows: list[list[str]], heads: int | None, lines: list[str]) -> None:
    assert lines_of(rows, heads) == lines


def test_years_are_heads_unless_there_are_only_years_below_them() -> None:
    assert has_head([["Town", "2021", "2022"], ["Tarsk", "3", "2100"]])
    assert has_head([["", "2020", "2010", "2000"], ["Tarsk", "3", "4", "5"]])
    assert not has_head([["Korn", "1950", "1951"], ["Reeve", "1961", "1963"]])
    assert not has_head([["Tarsk", "1500", "1900"], ["Orrin", "3", "4"]])
    assert not has_head([["Tarsk", "2021", "2022", "2025"], ["Orrin", "3", "4", "5"]])


def test_a_long_or_repeated_first_row_is_no_head() -> None:
    assert not has_head(
        [["a sentence that goes on and on, longer than any name of a column is", "b", "c"], ["1", "2", "3"]]
    )
    assert not has_head([["a", "a", "a"], ["1", "2", "3"]])


# ---------------------------------------------------------------- text, Markdown, HTML


def test_inline_pictures_are_no_text(tmp_path: Path) -> None:
    picture = base64.b64encode(bytes(range(256)) * 1200).decode()
    words = "The council of Tarsk opened the bridge on Friday."
    for name, content in {
        "a.md": f"# The bridge\n\n![photo](data:image/png;base64,{picture})\n\n{words}\n",
        "b.md": f"# The bridge\n\n![photo][1]\n\n{words}\n\n[1]: data:image/png;base64,{picture}\n",
        "c.txt": f"The bridge\n\ndata:image/jpeg;base64,{picture} {words}\n",
        "d.txt": f"The bridge\n\n{picture}\n{words}\n",
        "e.html": f"<h1>The bridge</h1><img src='data:image/png;base64,{picture}'><p>{words}</p>",
        "f.html": f"<h1>The bridge</h1><p>data:image/svg+xml;utf8,%3Csvg%20xmlns%3D%22x%22{'%20' * 99} {words}</p>",
        "g.json": json.dumps({"title": "The bridge", "body": words, "image": f"data:image/png;base64,{picture}"}),
    }.items():
        document = read(tmp_path, name, content)
        assert words in document.text, name
        assert len(document.text) < 150, name
        assert document.language == "en", name


def test_wrapped_base64_is_no_text_and_long_words_are(tmp_path: Path) -> None:
    wrapped = base64.encodebytes(bytes(range(256)) * 40).decode()
    document = read(tmp_path, "a.txt", f"Before it.\n\n{wrapped}\nAfter it.\n")
    assert document.text.split() == ["Before", "it.", "After", "it."]
    chemical = "Methionylthreonylthreonylglutaminylarginyl" * 4
    assert chemical in read(tmp_path, "b.txt", f"It is called {chemical}, in short titin.").text


def test_ligatures_are_letters_in_every_format(tmp_path: Path) -> None:
    for name, content in {"a.txt": "The ﬁrst oﬃce", "a.md": "The ﬁrst oﬃce", "a.html": "<p>The ﬁrst oﬃce"}.items():
        assert read(tmp_path, name, content).text == "The first office"


def test_marks_without_width_part_no_words_where_spaces_do(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "Be\u200blarus and Mi\u2060n\u00adsk\u200b").text == "Belarus and Minsk"
    khmer = "រដ្ឋ\u200bមន្ត្រី"
    assert read(tmp_path, "b.txt", khmer).text == khmer


def test_markdown_gives_headings_items_rows_and_pictures(tmp_path: Path) -> None:
    content = (
        "Towns\n=====\nThe **council** met [here](http://x.org/a_(b)).\nIt went on.\n\n"
        "- 12 May: *opened*\n- 13 May: closed\n  1. inner\n\n"
        "| Town | Mayor |\n|---|---|\n| Tarsk | Ilse Korn |\n| Veldmar | Oda Brandt |\n\n"
        "> quoted\n\n![The bridge](a.png)\n\n```\ncode <b>\n```\n<div>raw <i>html</i></div>\n"
    )
    assert blocks(read(tmp_path, "a.md", content)) == [
        ("heading", "Towns"), ("paragraph", "The council met here. It went on."),
        ("item", "12 May: opened"), ("item", "13 May: closed"), ("item", "inner"),
        ("row", "Town: Tarsk | Mayor: Ilse Korn"), ("row", "Town: Veldmar | Mayor: Oda Brandt"),
        ("paragraph", "quoted"), ("paragraph", "The bridge"), ("paragraph", "code <b>"), ("paragraph", "raw html"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["Ilse Korn was elected on Friday.\n\nShe said: We go on.", "# The mill\n\n- It was sold.\n- It rained."]
)
def test_prose_between_two_rules_is_no_front_matter(tmp_path: Path, text: str) -> None:
    words = read(tmp_path, "a.md", f"---\n{text}\n\n---\n\nThe end.\n").text
    assert words.split("\n") == [*(line.lstrip("#- ") for line in text.split("\n") if line), "The end."]


def test_front_matter_has_lists_remarks_and_long_values(tmp_path: Path) -> None:
    matter = '---\n# made by hand\ntitle: The mill\nog:type: x\n"tags": [\n  sale\n]\npeople:\n- Korn\nabout: >\n  It was\n\n  sold.\n---\n'
    document = read(tmp_path, "a.md", f"{matter}It rained.\n")
    assert (document.title, document.text.split("\n")[0]) == ("The mill", "It rained.")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "matter",
    [
        '+++\ntitle = "The mill"\ndate = 2024-05-14T10:00:00Z\ntags = ["mill", "sale"]\ndraft = false\n[by]\nname = "Korn"\n+++',
        "---\ntitle: The mill\ndate: 2024-05-14\ntags:\n  - mill\n  - 'sale'\ndraft: false\nby:\n  name: Korn\n---",
        '---\ntitle: >-\n  The\n\n  mill\ndate: "2024-05-14"\ntags:\n- mill\n- sale\ndraft: false\nby:\n  name: Korn\n---',
    ],
)
def test_lists_and_long_values_of_front_matter_are_told(tmp_path: Path, matter: str, end: str) -> None:
    document = read(tmp_path, "a.md", f"{matter}\n\nIt rained.\n".replace("\n", end))
    assert (document.title, document.date) == ("The mill", "2024-05-14")
    assert blocks(document) == [
        ("paragraph", "It rained."), ("note", "tags: mill, sale"), ("note", "draft: false"), ("note", "by: name: Korn"),
    ]  # fmt: skip


def test_pluses_that_hold_no_fields_are_text(tmp_path: Path) -> None:
    assert "Well, well" in read(tmp_path, "a.md", "+++\nWell, well.\n+++\n\nIt rained.\n").text


def test_a_footnote_is_a_note_and_its_mark_no_figure(tmp_path: Path) -> None:
    markdown = "The next count is in 2026.[^1] It is `[^1]`.\n\n[^1]: If *paid*[^2] for\n    by Tarsk.\n[^2]: Soon.\n\nThe end.\n\n```\n[^a]: b\nx[^a]\n```\n"
    assert blocks(read(tmp_path, "a.md", markdown)) == [
        ("paragraph", "The next count is in 2026. It is [^1]."), ("paragraph", "The end."), ("paragraph", "[^a]: b"),
        ("paragraph", "x[^a]"), ("note", "If paid for by Tarsk."), ("note", "Soon."),
    ]  # fmt: skip
    html = "<p>The next count is in 2026<sup>[<a href='#n1'>1</a>, <a href='#n2'>2</a>]</sup><a href='#n3'><sup>3</sup></a>, <del>not</del> on 3 km<sup>2</sup> or 10<sup>6</sup> m by the 1<sup>st</sup>.</p>"
    assert read(tmp_path, "a.html", html).text == "The next count is in 2026, on 3 km2 or 10⁶ m by the 1st."
    rtf = r"{\rtf1\ansi It was sold.{\footnote \chftn {\i In M\'e4rz} 2019.} It closed.\par}"
    assert blocks(read(tmp_path, "a.rtf", rtf)) == [("paragraph", "It was sold. It closed."), ("note", "In März 2019.")]


PARAGRAPH = "<p>The minister arrived in Minsk for talks about <b>military</b> cooperation between two countries.</p>"
ARTICLE = (
    "<html><head><title>Visit | Daily</title><meta property='og:site_name' content='The Daily'></head><body>"
    "<nav>Home menu</nav><article><h1>Visit to Minsk</h1><p class='byline'>By Jon Reeve</p>" + PARAGRAPH +
    "<figure><img src=a.png><figcaption>Ilse Korn on the bridge.</figcaption></figure><h2>Figures</h2>"
    "<table><caption>Towns</caption><tr><th>Town<th>Mayor<th colspan=2>Votes</tr>"
    "<tr><td rowspan=2>Tarsk<td>Ilse Korn<td>10<td>12</tr><tr><td>Oda Brandt<td>3<td>4</table>"
    "<ul><li>12 May: opened<li>13 May: closed</ul><dl><dt>Tarsk<dd>A town.</dl><p>It rained all day, and the council "
    "of Tarsk went home without a word about the bridge, the mill and the river.</p></article></body></html>"
)  # fmt: skip


def test_html_gives_headings_bylines_captions_rows_and_items(tmp_path: Path) -> None:
    document = read(tmp_path, "a.html", ARTICLE)
    words = "The minister arrived in Minsk for talks about military cooperation between two countries."
    assert document.outlet == "The Daily"
    assert blocks(document) == [
        ("heading", "Visit to Minsk"), ("paragraph", "By Jon Reeve"), ("paragraph", words),
        ("caption", "Ilse Korn on the bridge."), ("heading", "Figures"), ("caption", "Towns"),
        ("row", "Town: Tarsk | Mayor: Ilse Korn | Votes: 10 | Votes: 12"),
        ("row", "Town: Tarsk | Mayor: Oda Brandt | Votes: 3 | Votes: 4"),
        ("item", "12 May: opened"), ("item", "13 May: closed"), ("item", "Tarsk: A town."),
        ("paragraph", "It rained all day, and the council of Tarsk went home without a word about the bridge, the mill and "
         "the river."),
    ]  # fmt: skip


LONG = "It rained in Tarsk all day. " * 12


def test_all_articles_of_a_page_that_stand_side_by_side_are_read(tmp_path: Path) -> None:
    posts = "".join(f"<article class='post-{n}'><h2>Day {n}</h2><p>{n}. {LONG}</p></article>" for n in range(3))
    teaser = "<article><p>Old news.</p></article>"
    others = f"<div class='comments'><article><p>{LONG} I liked it.</p></article></div>"
    document = read(tmp_path, "a.html", f"<html><body><main>{posts}{teaser}</main>{others}</body></html>")
    assert [text.strip() for kind, text in blocks(document) if kind == "heading"] == ["Day 0", "Day 1", "Day 2"]
    assert "Old news" not in document.text
    assert "liked" not in document.text


@pytest.mark.parametrize(
    "part",
    [
        "<div class='content'><h2>Day {0}</h2><p>{0}. {1}</p></div>",
        "<section class='story-body'><h2>Day {0}</h2><p>{0}. {1}</p></section>",
        "<article class='post-{0}'><h2>Day {0}</h2><div class='entry-content'><p>{0}. {1}</p></div></article>",
    ],
)
def test_parts_that_stand_side_by_side_are_read(tmp_path: Path, part: str) -> None:
    parts = "<div class='ad'>Buy now</div>".join(part.format(n, LONG) for n in range(3))
    document = read(tmp_path, "a.html", f"<html><body><nav>Home</nav>{parts}</body></html>")
    assert [text.strip() for _, text in blocks(document)] == [
        line for n in range(3) for line in (f"Day {n}", f"{n}. {LONG}".strip())
    ]


def test_a_page_of_which_little_is_taken_says_so(tmp_path: Path) -> None:
    parts = "".join(f"<div id='{part}'><p>{part}. {LONG}</p></div>" for part in ("content", "more", "rest"))
    read(tmp_path, "a.html", f"<html><body>{parts}</body></html>")
    ((_, note),) = read_file(tmp_path / "a.html", "a", 10**6, TODAY).notes
    assert note.endswith("words were taken for its main text")
    read(tmp_path, "a.html", f"<html><body><p>{LONG}</p><aside>{LONG * 3}</aside></body></html>")
    assert read_file(tmp_path / "a.html", "a", 10**6, TODAY).notes == ()


STANDING = "".join(
    f"<p>{n}. The mill stood on the river Tarsk for a long time, and all of the town knew it.</p>" for n in range(4)
)


@pytest.mark.parametrize(
    "around", ["<article>{}</article>", "<main>{}</main>", "<div>{}</div>", "<form><div id='content'>{}</div></form>"]
)
@pytest.mark.parametrize(
    ("inner", "found"),
    [
        ("<div>1987: It burns.</div><div>The chair is <b>Oda</b> Brandt.</div>", ["1987: It burns.", "The chair is Oda Brandt."]),
        ("<div class='timeline'><div><span>1987: It burns.</span></div><span><div>Rebuilt.</div></span></div>", ["1987: It burns.", "Rebuilt."]),
        ("Bare<p>One.</p>tail <i>of it</i><section>Two<br>lines</section>", ["Bare", "One.", "tail of it", "Two", "lines"]),
        ("<table role='presentation'><tr><td>In 1987.</td><td><div>It burns.</div></td></tr></table>", ["In 1987.", "It burns."]),
        ("<ul><li>Chair<div>Oda</div><div>Jon</div></li><li>Clerk</li></ul>", ["Chair", "Oda", "Jon", "Clerk"]),
        ("<blockquote><div>It burns.</div><div>It is over.</div></blockquote>", ["It burns.", "It is over."]),
        ("<details><summary>When?</summary>In 1987.</details><address>Quay 3</address>", ["When?", "In 1987.", "Quay 3"]),
        ("<div>By the <a href='/quay'>quay</a> of Tarsk.</div>", ["By the quay of Tarsk."]),
        # what is no text of the article
        ("<div class='share'>Share it</div><div><button>Buy</button></div><div><a href='/'>More of it</a></div>", []),
        ("<div hidden>Draft</div><div style='display: none'>None</div><nav><div>Home</div></nav><aside><div>Old</div></aside>", []),
    ],
)  # fmt: skip
def test_text_of_an_article_that_stands_in_no_paragraph_is_read(
    tmp_path: Path, around: str, inner: str, found: list[str]
) -> None:
    page = f"<nav>Home</nav>{around.format(f'<h1>The mill</h1>{STANDING}{inner}<p>The end.</p>')}<div class='cookie-bar'><div>We use cookies.</div></div><footer><div>Imprint</div></footer>"
    lines = read(tmp_path, "a.html", f"<html><body>{page}</body></html>").text.split("\n")
    assert lines[0] == "The mill"
    assert lines[5:] == [*found, "The end."]
    assert read_file(tmp_path / "a.html", "a", 10**6, TODAY).notes == ()


def test_what_is_left_out_of_an_article_is_told(tmp_path: Path) -> None:
    lost = (
        "<div class='slide'><p>In 1987 the mill burns down, and nobody knows why; a year later it is rebuilt.</p></div>"
    )
    for left_out, notes in ((lost, ["16 of its 94 words were left out"]), ("", [])):
        page = f"<nav>{LONG}</nav><article><h1>The mill</h1>{STANDING}{left_out}<div><a href='/'>More of it</a></div></article>"
        read(tmp_path, "a.html", f"<html><body>{page}</body></html>")
        assert [note for _, note in read_file(tmp_path / "a.html", "a", 10**6, TODAY).notes] == notes


def test_what_is_left_out_of_a_page_without_an_article_is_told(tmp_path: Path) -> None:
    parts = "".join(
        f"<div id='{n}'><div>{STANDING.replace('Tarsk', f'Tarsk{n}')}</div><ul><li>In 198{n} it burns to the ground, and is rebuilt.</li></ul></div>"
        for n in range(3)
    )
    read(tmp_path, "a.html", f"<html><body><nav>{LONG}</nav>{parts}</body></html>")
    assert [note for _, note in read_file(tmp_path / "a.html", "a", 10**6, TODAY).notes] == [
        "30 of its 258 words were left out"
    ]


TOWNS = ["Town: Tarsk | Mayor: Ilse Korn", "Town: Orrin | Mayor: Jon Reeve"]


@pytest.mark.parametrize("before", ["", STANDING])
@pytest.mark.parametrize(
    ("inner", "found"),
    [
        ("<div role='table'><div role='row'><span role='columnheader'>Town</span><span role='columnheader'>Mayor</span></div>"
         "<div role='row'><span role='cell'>Tarsk</span><span role='cell'>Ilse Korn</span></div>"
         "<div role='row'><span role='cell'>Orrin</span><span role='cell'>Jon Reeve</span></div></div>", TOWNS),
        ("<section role='grid'><div>All towns</div><div role='rowgroup'><ul role='row'><li role='columnheader'>Town</li><li role='columnheader'>Mayor</li></ul></div>"
         "<div role='rowgroup'><ul role='row'><li role='gridcell'>Tarsk</li><li role='gridcell'>Ilse Korn</li></ul>"
         "<ul role='row'><li role='gridcell'>Orrin</li><li role='gridcell'>Jon Reeve</li></ul></div></section>", ["All towns", *TOWNS]),
        ("<div role='treegrid'>All <div role='row'><div role='rowheader'>Tarsk</div><div role='gridcell'><div>Ilse</div><div>Korn</div></div></div></div>", ["All", "Tarsk | Ilse Korn"]),
        # no roles: lines of a grid
        ("<div><span>Town</span><span>Mayor</span></div><div><span>Tarsk</span><span>Ilse Korn</span></div>", ["Town Mayor", "Tarsk Ilse Korn"]),
        ("<ul><li><b>1987</b><span>It burns</span></li><li><b>1990</b><span>Rebuilt</span></li></ul>", ["1987 It burns", "1990 Rebuilt"]),
        ("<div><div><b>Tarsk</b><i>34</i><i>12</i></div><div><b>Orrin</b><i>5</i><i>6</i></div></div>", ["Tarsk 34 12", "Orrin 5 6"]),
        # one line, or pieces of words in it
        ("<div><span>The mi</span><span>ll</span></div><div>One</div>", ["The mill", "One"]),
        ("<div><span>W</span>ell</div><div><span>I</span>t is</div>", ["Well", "It is"]),
    ],
)  # fmt: skip
def test_what_is_shown_as_a_table_is_read_as_one(tmp_path: Path, before: str, inner: str, found: list[str]) -> None:
    page = f"<html><body><article><h1>The mill</h1>{before}{inner}<p>The end.</p></article></body></html>"
    lines = read(tmp_path, "a.html", page).text.split("\n")
    assert lines[5 if before else 1 :] == [*found, "The end."]


def test_a_short_page_of_headings_and_items_keeps_them(tmp_path: Path) -> None:
    items = "".join(f"<h2>{n}. Point</h2><ul><li>The council of Tarsk hears of point {n}.</li></ul>" for n in range(9))
    for body in (f"<h1>Minutes</h1>{items}", f"<h1>Minutes</h1><p>All came.</p>{items}<p>{LONG}</p>"):
        kinds = [kind for kind, _ in blocks(read(tmp_path, "a.html", f"<html><body>{body}</body></html>"))]
        assert (kinds.count("heading"), kinds.count("item")) == (10, 9)


def test_a_text_given_as_data_is_read(tmp_path: Path) -> None:
    data = json.dumps({"@type": "NewsArticle", "articleBody": LONG})
    page = f"<head><script type='application/ld+json'>{data}</script></head><body><p>Subscribe now.</p></body>"
    assert read(tmp_path, "a.html", f"<html>{page}</html>").text == LONG.strip()


@pytest.mark.parametrize("long", ["", LONG])
def test_who_is_quoted_and_the_lines_of_a_poem_stay(tmp_path: Path, long: str) -> None:
    quoted = "<blockquote><p>We will not forget it.</p><footer>— <cite>Ilse Korn</cite></footer></blockquote>"
    poem = "<pre>The river runs,\n  <b>and</b> no one<br>stays.\n</pre>"
    page = f"<html><body><article><h1>The flood</h1><p>{long}It rained.</p>{quoted}{poem}<p>The end.</p></article>"
    found = blocks(read(tmp_path, "a.html", page))
    assert found[-5:-1] == [
        ("paragraph", "— Ilse Korn"), ("paragraph", "The river runs,"), ("paragraph", "and no one"), ("paragraph", "stays."),
    ]  # fmt: skip


def test_code_in_a_table_is_a_part_of_its_cell(tmp_path: Path) -> None:
    rows = "<table><tr><th>Call<th>Gives<tr><td><pre>f(1)</pre><td>2</table><dl><dt>g<dd><pre>one</pre></dl>"
    page = f"<html><body><article><h1>The flood</h1><p>{LONG}</p>{rows}<p>The end.</p></article>"
    assert blocks(read(tmp_path, "a.html", page))[2:4] == [("row", "Call: f(1) | Gives: 2"), ("item", "g: one")]


@pytest.mark.parametrize(
    "told", ["on <time datetime='1987-05-09'>9 May 1987</time>", "at <output>34</output> degrees", "by <code>make()</code> and", "to <q>no</q> end"]
)  # fmt: skip
@pytest.mark.parametrize("line", ["<p>{}</p>", "<div>{}</div>", "<ul><li>{}</li></ul>"])
def test_a_sentence_keeps_what_is_marked_in_it(tmp_path: Path, told: str, line: str) -> None:
    page = f"<html><body><article><h1>The mill</h1>{STANDING}{line.format(f'It was sold {told} for good.')}<p>The end.</p></article>"
    words = re.sub("<[^>]*>", "", told)
    assert read(tmp_path, "a.html", page).text.split("\n")[5:] == [f"It was sold {words} for good.", "The end."]


@pytest.mark.parametrize(
    "struck", ["<del>50</del>", "<s>50</s>", "<strike>5<s>0</s></strike>", "<b><s>50</s></b>", "<i style='text-decoration: line-through'>50</i>"]
)  # fmt: skip
@pytest.mark.parametrize("long", ["", STANDING])
def test_what_is_struck_out_is_no_longer_told(tmp_path: Path, struck: str, long: str) -> None:
    page = f"<html><body><article>{long}<p>It costs {struck} <u>60</u> crowns.</p><p>The end.</p></article>"
    assert read(tmp_path, "a.html", page).text.split("\n")[-2:] == ["It costs 60 crowns.", "The end."]


def test_what_markdown_strikes_out_is_no_longer_told(tmp_path: Path) -> None:
    assert read(tmp_path, "a.md", "It costs ~~50~~ 60 crowns.").text == "It costs 60 crowns."


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("<label for='a'>Name *</label> <input id='a' value='Ilse Korn'><label>Born: <input type='date' value='1987-05-09'></label>", ["Name: Ilse Korn", "Born: 1987-05-09"]),
        ("<div><label for='a'>Town</label></div><div><select id='a'><option>Orrin<option selected>Tarsk</select></div>", ["Town: Tarsk"]),
        ("<label>Why <textarea>It burns.\nAgain.</textarea></label><input aria-label='Age' type='number' value='34'>", ["Why: It burns. Again.", "Age: 34"]),
        ("<fieldset><legend>Colour</legend><input type='radio' id='a' checked><label for='a'>Red</label><label for='b'>Blue</label><input type='radio' id='b'></fieldset>", ["Colour", "☒ Red", "☐ Blue"]),
        ("<ul><li><label><input type='checkbox' checked> Milk</label></li><li><input type='checkbox'> Tea</li></ul><label>Who <input value='Jon'></label>", ["☒ Milk", "☐ Tea", "Who: Jon"]),
        ("<table><tr><td>Name:</td><td><input value='Ilse Korn'></td></tr><tr><td>Town:</td><td><input value='Tarsk'></td></tr></table>", ["Name: Ilse Korn", "Town: Tarsk"]),
        ("<p>Chair: <input value='Oda'> of Tarsk</p>", ["Chair: Oda of Tarsk"]),
        # what nobody filled, or nobody should read
        ("<input type='hidden' value='x1'><input type='password' value='x2'><input type='submit' value='x3'><input type='search' value='x4'>", []),
        ("<select><option value='' selected>Choose</option><option>Tarsk</option></select><input value=''><textarea></textarea>", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("long", ["", STANDING])
def test_what_was_filled_into_a_form_is_read_behind_its_label(
    tmp_path: Path, fields: str, found: list[str], long: str
) -> None:
    search = "<header><form><label>Find <input value='mill'></label></form></header><div role='search'><input value='mill'></div>"
    page = f"<html><body>{search}<article><h1>The form</h1>{long}<form>{fields}</form><p>The end.</p></article></body></html>"
    lines = read(tmp_path, "a.html", page).text.split("\n")
    assert lines[lines.index("The form") + (5 if long else 1) :] == [*found, "The end."]
    assert "mill" not in lines


def test_lines_within_code_stay_lines(tmp_path: Path) -> None:
    assert read(tmp_path, "a.md", "Text.\n\n```\na = 1\nb = 2\n```\n").text == "Text.\na = 1\nb = 2"


@pytest.mark.parametrize(
    ("body", "date"),
    [
        ("<p>The hearing is on <time datetime='2024-06-12'>12 June 2024</time> in the town hall.</p>", None),
        ("<p>It was built on <time>12 May 1950</time>; it broke on <time>3 June 2019</time>.</p>", None),
        ("</article><aside><h4>Read more</h4><time datetime='2020-01-02'>2 January 2020</time></aside>", None),
        ("</article><footer><time datetime='2020-01-02'>2 January 2020</time></footer>", None),
        ("<p>By Ilse Korn, <time datetime='2024-06-12'>12 June 2024</time></p>", "2024-06-12"),
        ("<div>By Ilse Korn <time datetime='2024-06-12'>12 June 2024</time> in Politics.</div>", "2024-06-12"),
        ("<footer>Posted on <time datetime='2024-06-12'>12 June 2024</time></footer>", "2024-06-12"),
    ],
)
def test_a_marked_day_of_which_a_page_tells_does_not_date_it(tmp_path: Path, body: str, date: str | None) -> None:
    page = f"<html><body><article><h1>The bridge of Tarsk</h1><p>{'It rained in Tarsk all day. ' * 30}</p>{body}"
    assert read(tmp_path, "a.html", page).date == date


def test_a_short_page_gives_all_of_its_body_with_its_blocks(tmp_path: Path) -> None:
    body = "<nav>menu</nav><h2>Towns</h2><table><tr><td><p>layout</p><table><tr><th>Town<th>Mayor<tr><td>Tarsk<td>Korn</table>"
    assert blocks(read(tmp_path, "a.html", body)) == [
        ("heading", "Towns"), ("paragraph", "layout"), ("row", "Town: Tarsk | Mayor: Korn"),
    ]  # fmt: skip


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".csv"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"])
def test_western_text_in_any_encoding(tmp_path: Path, suffix: str, encoding: str) -> None:
    words = "El señor López llegó a Minsk por la mañana según la agencia"
    assert read(tmp_path, f"a{suffix}", words.encode(encoding)).text == words


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "words",
    [
        "Президент открыл новый мост через реку",
        "Ο δήμαρχος άνοιξε τη νέα γέφυρα την Παρασκευή",
        "ראש העיר פתח את הגשר החדש ביום שישי",
        "बाँध टूटा\n\n4 मार्च 2021\n\nरात में टूटा।",
        "市长于星期五宣布新桥开通。\n\n这座桥耗资三百万元。\n",
    ],
)
def test_two_bytes_a_letter_without_a_mark(tmp_path: Path, words: str, encoding: str) -> None:
    assert read(tmp_path, "a.txt", words.encode(encoding)).text == words


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".csv"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize(("gap", "end"), [("\0", ""), ("", "\0" * 64), ("\0" * 9, "\0")])
def test_a_gap_does_not_cost_the_file(tmp_path: Path, suffix: str, encoding: str, gap: str, end: str) -> None:
    words = "Мост открыли утром." if encoding == "cp1251" else "El señor López llegó a Minsk por la mañana."
    path = tmp_path / f"a{suffix}"
    path.write_bytes(f"{words} {words}{gap} {words} {words}{end}".encode(encoding))
    reading = read_file(path, path.name, 2_000_000, TODAY)
    assert " ".join(reading.documents[0].text.split()) == " ".join([words] * 4)
    assert (str(path), f"{len(gap + end)} NUL(s) in it were read as a gap") in reading.notes


@pytest.mark.parametrize(
    "content",
    [
        zlib.compress(bytes(range(256)) * 9 + b"\0" * 9)[:60] + b"\0" * 8,
        pickle.dumps([str(number) * 9 for number in range(300)], protocol=2),
        struct.pack("<300I", *range(300)),
        array("h", [number * 37 % 6000 - 3000 for number in range(3000)]).tobytes(),
        array("d", [number / 7 for number in range(300)]).tobytes(),
        marshal.dumps(compile("total = [one + 1 for one in (1, 2)]", "a.py", "exec")),
    ],
)
def test_what_programs_write_is_no_text(content: bytes) -> None:
    with pytest.raises(DocumentError, match="is binary"):
        decode(Source(content, "a.txt", 100, TODAY))


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("Президент открыл новый мост через реку", "cp1251"),
        ("Президент открыл новый мост через реку", "koi8-r"),
        ("Starosta města otevřel nový most přes řeku", "cp1250"),
        ("Ο δήμαρχος άνοιξε τη νέα γέφυρα την Παρασκευή", "cp1253"),
        ("Belediye başkanı yeni köprüyü açtı, şehir sevindi", "cp1254"),
        ("東京の市長は新しい橋を開いた。今日は晴れです。", "shift_jis"),
        ("市长于星期五宣布新桥开通。这座桥耗资三百万元。", "gb18030"),
        ("The mayor’s decision “on Friday” was £5 more.", "cp1252"),
        ("Wójt gminy wyjaśnił, że droga będzie zamknięta jeszcze przez miesiąc.", "iso-8859-2"),
        ("Múzeum v starom mlyne otvorí svoje brány v sobotu. Vstupné je štyri eurá.", "iso-8859-2"),
        (
            "Načelnik općine rekao je da će se šteta procijeniti do kraja mjeseca, a život na otoku stao je.",
            "iso-8859-2",
        ),
        ("Načelnik općine rekao je da će se šteta procijeniti do kraja mjeseca, a život na otoku stao je.", "cp1250"),
        ("A folyó vízszintje szombat éjjel két métert emelkedett; a tűzoltók őrködtek.", "cp1250"),
        ("Penktadienį mieste atidarytas naujas tiltas per upę, žurnalistams sakė merė.", "cp1257"),
        ("Name;Straße;Betrag\nJörg;Mühle;3 €", "cp1252"),
        ("Señor Núñez pagó 30 €", "cp1252"),
        ("Fee: £30 – paid", "cp1252"),
        ("Café “Zentral” – 5 €", "cp1252"),
        ("Château d’Yquem: 300 €", "cp1252"),
        ("Åsa Öberg, Malmö", "cp1252"),
        ("¿Qué pasó?", "cp1252"),
        ("Dvořák", "cp1250"),
        ("Die Straße nach Köln ist gesperrt", "cp850"),
        ("Starosta města otevřel nový most přes řeku v pátek", "cp852"),
        ("Президент открыл новый мост через реку", "cp866"),
        ("ראש העיר פתח את הגשר החדש ביום שישי", "cp862"),
        ("ראש העיר פתח את הגשר החדש ביום שישי", "cp1255"),
        ("Ο δήμαρχος άνοιξε τη νέα γέφυρα την Παρασκευή", "cp737"),
        ("Η τιμή: 5 μF, 30 Ω (Ohm)", "cp1253"),
        ("Ο Α και η Β", "cp1253"),
        ("Я в 5 А", "cp1251"),
        ("Шампунь L’Oreal и Wi-Fi", "cp1251"),
        ("Уровень реки поднялся за ночь на два метра, и мэр приказал освободить улицы.", "iso-8859-5"),
        ("Рівень річки за ніч піднявся на два метри, і мер наказав звільнити вулиці.", "koi8-u"),
        ("星期五,橫跨河流的新橋正式通車。工程歷時三年,耗資一千二百萬元。", "big5"),
        ("금요일에 강을 건너는 새 다리가 개통되었다. 공사는 삼 년이 걸렸다.", "euc-kr"),
    ],
)
def test_text_of_other_scripts_in_its_old_encoding(tmp_path: Path, words: str, encoding: str) -> None:
    assert read(tmp_path, "a.txt", words.encode(encoding)).text == words


@pytest.mark.parametrize(
    ("name", "declared", "encoding"),
    [
        ("a.html", "<meta charset='x-cp1251'>", "cp1251"),
        ("a.html", "<meta http-equiv='Content-Type' content='text/html; charset=Windows-1251'>", "cp1251"),
        ("a.html", "<meta charset=nonsense-7>", "cp1251"),
        ("a.xml", "<?xml version='1.0' encoding='windows-1251'?>", "cp1251"),
        ("a.xml", "<?xml version='1.0' encoding='koi8-r'?>", "koi8-r"),
        ("a.xml", "<?xml version='1.0' encoding='UTF-16'?>", "utf-16"),
        ("a.xhtml", "<?xml version='1.0' encoding='windows-1251'?>", "cp1251"),
    ],
)
def test_a_declared_encoding_is_believed(tmp_path: Path, name: str, declared: str, encoding: str) -> None:
    words = "Бабушка приехала в Минск утром"
    content = f"{declared}<p>{words}</p>".encode(encoding)
    assert read(tmp_path, name, content).text == words


@pytest.mark.parametrize(
    ("name", "head", "encoding", "words"),
    [
        ("a.html", "<meta charset=iso-2022-jp>", "iso-2022-jp", "東京都の水道局は新しい管を開いた。"),
        ("a.txt", "", "iso-2022-jp", "東京都の水道局は新しい管を開いた。"),
        ("a.txt", "", "iso-2022-kr", "금요일에 강을 건너는 새 다리가 개통되었다."),
    ],
)
def test_letters_between_escape_sequences(tmp_path: Path, name: str, head: str, encoding: str, words: str) -> None:
    assert read(tmp_path, name, (head + words).encode(encoding)).text == words
    assert decode(Source(b"\x1b[31m Cost: \x1b$5", "a.txt", 100, TODAY)) == ("\x1b[31m Cost: \x1b$5", ())


def test_a_stray_byte_does_not_cost_the_file(tmp_path: Path) -> None:
    content = "Álvaro López visitó Minsk. El señor ".encode() + b"Pe\xf1a" + " llegó mañana por la noche.".encode()
    assert (
        read(tmp_path, "a.txt", content).text == "Álvaro López visitó Minsk. El señor Peña llegó mañana por la noche."
    )


ENCODED = json.loads((Path(__file__).parent / "data" / "encodings.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("encoding", sorted({encoding for row in ENCODED for encoding in row["encodings"]}))
def test_prose_without_a_declaration(encoding: str) -> None:
    for row in ENCODED:
        if encoding in row["encodings"]:
            text, notes = decode(Source(row["text"].encode(encoding), "a.txt", 10_000, TODAY))
            assert (text, len(notes)) == (row["text"], 1)


def test_what_an_encoding_has_not_is_counted() -> None:
    words = "Die Brücke über den Fluss wurde am Freitag eröffnet, sagte die Bürgermeisterin."
    text, notes = decode(Source(words.encode("cp1252") + b"\x81", "a.txt", 1000, TODAY))
    assert text == words + "\ufffd"
    assert notes == ("it is not UTF-8 and was read as windows-1252", "1 character(s) could not be read as cp1252")


# ---------------------------------------------------------------- documents


def test_rtf(tmp_path: Path) -> None:
    content = (
        r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title The lease of the mill}}"
        r"\pard The lease was signed by \b Ilse Korn\b0  on 12 May 2024 \'96 in Tarsk.\par "
        r"\trowd Town\cell People\cell\row\trowd Tarsk\cell 3400\cell\row\pard M\u252?ller\par}"
    )
    document = read(tmp_path, "a.rtf", content)
    assert document.title == "The lease of the mill"
    assert blocks(document) == [
        ("paragraph", "The lease was signed by Ilse Korn on 12 May 2024 – in Tarsk."),
        ("row", "Town: Tarsk | People: 3400"), ("paragraph", "Müller"),
    ]  # fmt: skip


def test_notes_of_rich_text_that_do_not_end_take_no_time(tmp_path: Path) -> None:
    start = time.process_time()
    source = Source(b"{\\rtf1 It was sold." + b"{\\footnote a" * 20_000, "a.rtf", 10**6, TODAY)
    assert format_of(".rtf").read(source).text == "It was sold."
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "Town,People\nTarsk,3400\n\"Veldmar, old\",\"12\"\n"),
        ("b.csv", "Town;People\r\nTarsk;3400\r\n\"Veldmar, old\";12\r\n"),
        ("b2.csv", "Town| People\nTarsk| 3400\n\"Veldmar,\nold\"| \"12\"\n"),
        ("b3.csv", "Town,'People'\n'Tarsk',3400\n'Veldmar, old',12\n"),
        ("c.tsv", "Town\tPeople\nTarsk\t3400\nVeldmar, old\t12\n"),
        ("d.csv", b"\xff\xfe" + "Town\tPeople\nTarsk\t3400\nVeldmar, old\t12\n".encode("utf-16-le")),
    ],
)  # fmt: skip
def test_separated_values(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert blocks(read(tmp_path, name, content)) == [
        ("row", "Town: Tarsk | People: 3400"), ("row", "Town: Veldmar, old | People: 12"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "remarks", ["# exported 2024-05-01, by Ilse", "# towns\n# of 2024, 2023, 2022, and before\n", "#,", "sep=,\n# a, b"]
)
def test_a_remark_above_the_heads_costs_a_table_nothing(tmp_path: Path, remarks: str) -> None:
    document = read(tmp_path, "a.csv", f"{remarks}\nTown,Mayor,Party\nTarsk,Korn,Green\nOrrin,Lind,Red\n")
    *above, first, second = document.text.split("\n")
    assert above == [line for line in remarks.split("\n") if line.startswith("#")]
    assert (first, second) == ("Town: Tarsk | Mayor: Korn | Party: Green", "Town: Orrin | Mayor: Lind | Party: Red")


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("#id,name,colour\n1,a,red\n2,b,green\n", "#id: 1 | name: a | colour: red"),
        ("#Town,Mayor,Party\nTarsk,Korn,Green\nOrrin,Lind,Red\n", "#Town: Tarsk | Mayor: Korn | Party: Green"),
        ("#Town,People\nTarsk,34,\nOrrin,12,\n", "#Town: Tarsk | People: 34"),
    ],
)
def test_a_head_may_begin_as_a_remark_does(tmp_path: Path, content: str, first: str) -> None:
    assert read(tmp_path, "a.csv", content).text.split("\n")[0] == first


def test_decimal_commas_separate_nothing(tmp_path: Path) -> None:
    document = read(
        tmp_path, "a.csv", 'Well;Depth;Note\nB-1;34,5;"broken;\nsince 2019"\nB-2;102,75;"called ""deep"""\n'
    )
    assert blocks(document) == [
        ("row", "Well: B-1 | Depth: 34,5 | Note: broken; since 2019"),
        ("row", 'Well: B-2 | Depth: 102,75 | Note: called "deep"'),
    ]  # fmt: skip


def test_an_apostrophe_quotes_nothing(tmp_path: Path) -> None:
    document = read(tmp_path, "a.csv", "Song,Year\n'Til Dawn,1999\n'Tis 'old',2000\n")
    assert document.text.split("\n") == ["Song: 'Til Dawn | Year: 1999", "Song: 'Tis 'old' | Year: 2000"]


def test_two_tables_of_one_sheet_have_heads_of_their_own(tmp_path: Path) -> None:
    rows = "Farm,Q1,Q2,Q3\nHill,10,12,14\n,,,\nTotal,10,12,14\n,,,\nPrices,,,\nSize,Cents,,\nS,19,,\nL,27,,\n"
    assert read(tmp_path, "a.csv", rows).text.split("\n") == [
        "Farm: Hill | Q1: 10 | Q2: 12 | Q3: 14", "Farm: Total | Q1: 10 | Q2: 12 | Q3: 14",
        "Prices", "Size: S | Cents: 19", "Size: L | Cents: 27",
    ]  # fmt: skip


@pytest.mark.parametrize("last", ["green", ""])
def test_a_group_of_rows_has_the_heads_of_its_table(tmp_path: Path, last: str) -> None:
    rows = f"Kind,Sort,Note\nApple,Elstar,12\n,,\nPear,Conference,{last}\nPlum,Mirabelle,{last or 12}\n"
    assert read(tmp_path, "a.csv", rows).text.split("\n")[-1] == f"Kind: Plum | Sort: Mirabelle | Note: {last or 12}"


def test_words_below_numbers_are_another_table(tmp_path: Path) -> None:
    rows = "Town,Jan,Feb\nTarsk,1,2\n,,\nShip,Crew,Port\nAlma,old,Tarsk\nBerta,new,Orrin\n"
    assert read(tmp_path, "a.csv", rows).text.split("\n")[1:] == [
        "Ship: Alma | Crew: old | Port: Tarsk", "Ship: Berta | Crew: new | Port: Orrin",
    ]  # fmt: skip


def test_tables_side_by_side_are_read_one_after_the_other() -> None:
    short, long = [["Ferry", "Times"], ["North", "12"]], [["Town", "People"], ["Tarsk", "34"], ["Orrin", "12"]]
    other, more = [["Mayor", "Age"], ["Korn", "50"], ["Reeve", "61"]], [["2023", "2024"], ["1", "2"], ["3", "4"]]

    def beside(left: list[list[str]], right: list[list[str]]) -> list[list[str]]:
        return [[*a, "", *b] for a, b in zip_longest(left, right, fillvalue=["", ""])]

    assert [len(lines_of(part)) for part in side_by_side(beside(long, short))] == [2, 1]
    assert [lines_of(part) for part in side_by_side(beside(long, long))] == [lines_of(long)] * 2
    for same in (other, more):  # they may go on with the row of the town
        assert side_by_side(beside(long, same)) == [beside(long, same)]


@pytest.mark.parametrize("title", ["<th colspan=3>People</th>", "<td colspan=3><b>People</b></td>"])
def test_the_title_in_a_table_is_a_line_above_it(tmp_path: Path, title: str) -> None:
    page = (
        f"<table><tr>{title}</tr><tr><th>Town</th><th>men</th><th>women</th></tr><tr><td>Tarsk<td>1<td>2</tr></table>"
    )
    assert read(tmp_path, "a.html", page).text == "People\nTown: Tarsk | men: 1 | women: 2"


def test_a_table_is_not_dated_by_its_rows(tmp_path: Path) -> None:
    document = read(tmp_path, "a.csv", "sep=;\nPort;Ships;Since\nLorne;12;3.4.2011\nTarn;7;1.1.2015\n")
    assert (document.text.split("\n")[0], document.date) == ("Port: Lorne | Ships: 12 | Since: 3.4.2011", None)
    document = read(tmp_path, "b.csv", "2021-03-01,Lorne,12.5\n2021-03-02,Tarn,7.25\n")
    assert (document.title, document.date, document.outlet) == ("B", None, None)


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Town</t></is></c><c r="B1" t="inlineStr"><is><t>People</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>Tarsk</t></is></c><c r="B2"><v>3400</v></c></row></sheetData></worksheet>'
)
RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def relations(*targets: tuple[str, str]) -> str:
    return RELATIONS.format("".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets)
    ))  # fmt: skip


def xlsx(sheet: str = SHEET, count: int = 1, **parts: str) -> bytes:
    sheets = "".join(f'<sheet name="Sheet {n}" sheetId="{n + 1}" r:id="r{n}"/>' for n in range(count))
    workbook = (
        f'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{OFFICE}">'
        f"<sheets>{sheets}</sheets></workbook>"
    )
    return packed(
        _rels___dot_rels=relations(("officeDocument", "xl/workbook.xml")),
        xl__workbook_dot_xml=workbook,
        xl___rels__workbook_dot_xml_dot_rels=relations(*[("worksheet", "sheet.xml")] * count),
        xl__sheet_dot_xml=sheet,
        **parts,
    )


def test_spreadsheets(tmp_path: Path) -> None:
    row = ("row", "Town: Tarsk | People: 3400")
    assert blocks(read(tmp_path, "a.xlsx", xlsx())) == [row]
    assert blocks(read(tmp_path, "a.xlsx", xlsx(count=2))) == [("heading", "Sheet 0"), row, ("heading", "Sheet 1"), row]


def test_what_is_noted_on_a_cell_is_read_behind_its_row_s_first(tmp_path: Path) -> None:
    def comments(*said: tuple[str, str]) -> str:
        each = (f'<comment ref="{place}"><text><r><t>{text}</t></r></text></comment>' for place, text in said)
        return f"<comments><commentList>{''.join(each)}</commentList></comments>"

    talk = '<Threaded><threadedComment ref="A2"><text>Is it so?</text></threadedComment>{}</Threaded>'
    reply = '<threadedComment ref="A2" parentId="1"><text>Yes.</text></threadedComment>'
    content = xlsx(
        xl___rels__sheet_dot_xml_dot_rels=relations(("comments", "c.xml"), ("threadedComment", "t.xml")),
        xl__c_dot_xml=comments(("B2", "counted in May"), ("A2", "[Your version cannot show this]"), ("B9", "ask Ilse")),
        xl__t_dot_xml=talk.format(reply),
    )
    assert blocks(read(tmp_path, "a.xlsx", content)) == [
        ("row", "Town: Tarsk | People: 3400"), ("note", "Tarsk: Is it so?"), ("note", "Tarsk: Yes."),
        ("note", "Tarsk: counted in May"), ("note", "ask Ilse"),
    ]  # fmt: skip


def test_what_is_noted_on_a_cell_of_an_open_document_is_read(tmp_path: Path) -> None:
    names = ("office", "table", "text")
    space = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    cell = "<table:table-cell office:value-type='string'>{}<text:p>{}</text:p></table:table-cell>"
    note = "<office:annotation><text:p>ask</text:p><text:p>Ilse</text:p></office:annotation>"
    rows = (cell.format("", "Town"), cell.format("", "Tarsk"), cell.format(note, "Orrin"))
    repeated = f"<table:table-row table:number-rows-repeated='2'>{rows[1]}</table:table-row>"
    content = (
        f"<office:document-content {space}><office:body><office:spreadsheet><table:table table:name='T'>"
        f"<table:table-row>{rows[0]}</table:table-row>{repeated}<table:table-row>{rows[2]}</table:table-row>"
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    packaged = packed(mimetype=kind, content_dot_xml=content, **{"META-INF__manifest_dot_xml": manifest})
    assert blocks(read(tmp_path, "a.ods", packaged))[-1] == ("note", "Orrin: ask Ilse")


def test_a_merged_cell_stands_in_each_of_its_rows(tmp_path: Path) -> None:
    def line(number: int, *cells: str) -> str:
        each = zip("BCD", cells, strict=False)
        written = (f'<c r="{c}{number}" t="inlineStr"><is><t>{v}</t></is></c>' for c, v in each if v)
        return f'<row r="{number}">{"".join(written)}</row>'

    lines = (line(2, "Kinds of apple"), line(3, "Region", "Kind", "Tonnes"), line(4, "North", "Elstar", "120"),
             line(5, "", "Topaz", "31"), line(6, "South", "Gala", "98"))  # fmt: skip
    empty = '<mergeCell ref="A4:A6"/><mergeCell ref="F4:F6"/><mergeCell ref="B9:B12"/><mergeCell ref="B1:B2"/>'
    head, merged = SHEET.partition("<row")[0], f'<mergeCell ref="B2:D2"/><mergeCell ref="B4:B5"/>{empty}'
    content = f"{head}{''.join(lines)}</sheetData><mergeCells>{merged}</mergeCells></worksheet>"
    assert blocks(read(tmp_path, "a.xlsx", xlsx(content))) == [
        ("row", "Kinds of apple"), ("row", "Region: North | Kind: Elstar | Tonnes: 120"),
        ("row", "Region: North | Kind: Topaz | Tonnes: 31"), ("row", "Region: South | Kind: Gala | Tonnes: 98"),
    ]  # fmt: skip


def test_a_number_keeps_its_digits() -> None:
    values = (25462700000000.0, 12345678901.0, 1234567.891, 0.1 + 0.2, -3400.0, 1e300, float("inf"))
    shown = ["25462700000000", "12345678901", "1234567.891", "0.3", "-3400", "1e+300", "inf"]
    assert [cell_text(value) for value in values] == shown


def test_times_are_written_as_people_see_them() -> None:
    values = datetime.time(4, 12), datetime.datetime(2024, 5, 1, 9, 30), datetime.time(4, 12, 7)
    assert [cell_text(value) for value in values] == ["04:12", "2024-05-01 09:30", "04:12:07"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("people_of_tarsk.csv", "People of tarsk"), ("visit-of-the-minister.x", "Visit of the minister"),
        ("2023-06-30-visit.x", "2023-06-30 visit"), ("e-mail list.x", "E-mail list"), ("iPhone_sales.x", "iPhone sales"),
        ("Einwohner 2023.x", "Einwohner 2023"), ("人口.x", "人口"), ("2023.x", "2023"), ("a.b.x", "A.b"),
    ],
)  # fmt: skip
def test_a_name_as_a_person_would_write_it(name: str, title: str) -> None:
    assert Source(b"", name, 100, TODAY).title == title


TITLED = '<cp xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>People of the valley</dc:title></cp>'
ROWS = "Town,People\nTarsk,3400\nVeldmar,12\n"
CODE = {"cell_type": "code", "source": "1 + 1"}
HEADED = {"cell_type": "markdown", "source": "Read this.\n\n## The count"}


@pytest.mark.parametrize(
    ("suffix", "content", "title"),
    [
        (".csv", ROWS, ""), (".tsv", ROWS.replace(",", "\t"), ""),
        (".xlsx", xlsx(), ""), (".xlsx", xlsx(docProps__core_dot_xml=TITLED), "People of the valley"),
        (".json", '[{"town": "Tarsk", "people": 34}]', ""), (".json", '{"text": "The mill was sold."}', ""),
        (".json", '[{"title": "The mill", "text": "It was sold."}]', "The mill"),
        (".jsonl", '{"title": "The mill"}\n{"title": "The bridge"}', ""),
        (".ipynb", json.dumps({"cells": [CODE]}), ""), (".ipynb", json.dumps({"cells": [CODE, HEADED]}), "The count"),
        (".ipynb", json.dumps({"cells": [HEADED], "metadata": {"title": "People"}}), "People"),
        (".xml", "<towns><town><name>Tarsk</name><people>34</people></town></towns>", ""),
        (".srt", "1\n00:00:01,000 --> 00:00:03,000\nThe bridge of Tarsk\n", ""),
    ],
)  # fmt: skip
def test_a_table_without_a_title_has_its_files_name(
    tmp_path: Path, suffix: str, content: str | bytes, title: str
) -> None:
    assert read(tmp_path, f"towns_of-the_valley{suffix}", content).title == (title or "Towns of-the valley")


MAIL = (
    "From: Ilse Korn <ilse@example.org>\r\nTo: Jon Reeve <jon@example.org>\r\nSubject: =?utf-8?q?The_br=C3=BCcke?=\r\n"
    "Date: Tue, 14 May 2024 10:20:00 +0200\r\nMIME-Version: 1.0\r\n"
)
HEAD = [
    ("heading", "The brücke"), ("row", "From: Ilse Korn <ilse@example.org>"), ("row", "To: Jon Reeve <jon@example.org>"),
    ("row", "Date: 2024-05-14 10:20"),
]  # fmt: skip


def test_mail(tmp_path: Path) -> None:
    plain = MAIL + "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    body = "Dear Jon,\r\n\r\nthe bridge over the river will be opened on Friday, says\r\nthe mayor Pe=F1a.\r\n\r\nIlse\r\nTarsk\r\n"
    document = read(tmp_path, "a.eml", plain + body)
    assert (document.title, document.date) == ("The brücke", "2024-05-14")
    assert blocks(document) == [
        *HEAD, ("paragraph", "Dear Jon,"),
        ("paragraph", "the bridge over the river will be opened on Friday, says the mayor Peña."),
        ("paragraph", "Ilse"), ("paragraph", "Tarsk"),
    ]  # fmt: skip


def test_a_mail_that_tells_no_encoding(tmp_path: Path) -> None:
    body = "\r\nDie Lösung der Aufgabe überraschte alle; für die Bücher zahlt die Stadt künftig 12 Euro.\r\n"
    head = MAIL.partition("MIME")[0]
    assert blocks(read(tmp_path, "a.eml", head.encode() + body.encode("cp1252")))[-1] == ("paragraph", body.strip())


def test_mail_with_an_attachment_and_html(tmp_path: Path) -> None:
    parts = (
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'
        "<div>Dear <b>Jon</b></div><div>see below</div>\r\n--b\r\nContent-Type: text/csv\r\n"
        'Content-Disposition: attachment; filename="towns.csv"\r\n\r\nTown,People\r\nTarsk,3400\r\n--b\r\n'
        'Content-Type: image/png\r\nContent-Disposition: attachment; filename="a.png"\r\n\r\nx\r\n--b--\r\n'
    )
    assert blocks(read(tmp_path, "a.eml", MAIL + parts)) == [
        *HEAD, ("paragraph", "Dear Jon"), ("paragraph", "see below"), ("heading", "towns.csv"),
        ("row", "Town: Tarsk | People: 3400"),
    ]  # fmt: skip


def test_a_mail_that_is_passed_on_and_one_that_is_quoted(tmp_path: Path) -> None:
    inner = "Content-Type: message/rfc822\r\n\r\nFrom: Oda Brandt <oda@example.org>\r\nSubject: Keys\r\n\r\nThe baker has them."
    said = "On Monday Jon wrote:\r\n> Who has the keys of the mill, which we all need for the\r\n> feast on Saturday?\r\n>\r\n>> Me.\r\n"
    parts = f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\n{said}\r\n--b\r\n{inner}\r\n--b--\r\n'
    assert blocks(read(tmp_path, "a.eml", MAIL + parts)) == [
        *HEAD, ("paragraph", "On Monday Jon wrote:"),
        ("paragraph", "Who has the keys of the mill, which we all need for the feast on Saturday?"), ("paragraph", "Me."),
        ("heading", "message.eml"), ("heading", "Keys"), ("row", "From: Oda Brandt <oda@example.org>"),
        ("paragraph", "The baker has them."),
    ]  # fmt: skip


def attached(name: str, content: str, disposition: str = "attachment") -> str:
    return f'--b\r\nContent-Type: application/x\r\nContent-Disposition: {disposition}; filename="{name}"\r\n\r\n{content}\r\n'


@pytest.mark.parametrize("name", ["x.json", "x.docx", "x.pdf", "x.xlsx"])
def test_a_broken_attachment_does_not_cost_the_mail(tmp_path: Path, name: str) -> None:
    parts = f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nIt rained.\r\n{attached(name, "")}--b--\r\n'
    assert blocks(read(tmp_path, "a.eml", MAIL + parts)) == [*HEAD, ("paragraph", "It rained.")]
    ((_, note),) = read_file(tmp_path / "a.eml", "a", 10**6, TODAY).notes
    assert note.startswith(f"an attachment could not be read: {name} is broken (")


INVITATION = "BEGIN:VCALENDAR\r\nSUMMARY:Council meets\r\nEND:VCALENDAR\r\n"


@pytest.mark.parametrize(
    ("plain", "page", "told"),
    [
        (" ", "<p>The mill is sold.</p>", "The mill is sold."),
        ("See https://x.org/view", "<style>p {color: red}</style><p>The mill is sold to Ole Brand.</p>",
         "The mill is sold to Ole Brand."),
        ("The mill is sold.", "<p>The mill is sold to Ole Brand.</p>", "The mill is sold."),
        ("The mill is sold.", f"<style>{'p {color: red} ' * 9}</style><p>The mill is sold.</p>", "The mill is sold."),
        ("It \0 rained.", "<p>It rained.</p>", "It rained."),
    ],
)  # fmt: skip
def test_the_form_of_a_mail_that_says_more_is_read(tmp_path: Path, plain: str, page: str, told: str) -> None:
    forms = "".join(
        f"--b\r\nContent-Type: text/{kind}\r\n\r\n{text}\r\n"
        for kind, text in (("plain", plain), ("html", page), ("calendar", INVITATION))
    )
    parts = f'Content-Type: multipart/alternative; boundary="b"\r\n\r\n{forms}--b--\r\n'
    assert blocks(read(tmp_path, "a.eml", MAIL + parts)) == [*HEAD, ("paragraph", told)]
    ((_, note),) = read_file(tmp_path / "a.eml", "a", 10**6, TODAY).notes
    assert "text/calendar" in note


@pytest.mark.parametrize("error", [MemoryError, ImportError])
def test_what_is_no_fault_of_an_attachment_is_not_told_as_one(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Source) -> None:
        raise error

    monkeypatch.setattr(format_of(".csv"), "read", fail)
    parts = f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n{attached("a.csv", "1,2")}--b--\r\n'
    with pytest.raises(error):
        format_of(".eml").read(Source((MAIL + parts).encode(), "a.eml", 10**6, TODAY))


@pytest.mark.parametrize("outer", ["", "mixed", "signed"])
def test_what_is_attached_to_one_form_of_the_text_is_found(tmp_path: Path, outer: str) -> None:
    html = "--b\r\nContent-Type: text/html\r\n\r\n<p>It rained.\r\n"
    shown = attached("a.png", "x", "inline").replace("application/x", "image/png\r\nContent-ID: <a>")
    inner = f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n{html}{attached("t.csv", "Town,Tarsk", "inline")}{shown}{html}--b--\r\n'
    parts = f'Content-Type: multipart/alternative; boundary="a"\r\n\r\n--a\r\n\r\nIt rained.\r\n--a\r\n{inner}--a--\r\n'
    if outer:
        parts = f'Content-Type: multipart/{outer}; boundary="o"\r\n\r\n--o\r\n{parts}--o--\r\n'
    assert blocks(read(tmp_path, "a.eml", MAIL + parts)) == [
        *HEAD, ("paragraph", "It rained."), ("heading", "t.csv"), ("row", "Town | Tarsk"),
    ]  # fmt: skip
    assert read_file(tmp_path / "a.eml", "a", 10**6, TODAY).notes == ()


@pytest.mark.parametrize(
    ("charset", "data", "text", "note"),
    [
        ("iso-8859-1", "It’s “new” – 5 €.".encode("cp1252"), "It’s “new” – 5 €.", ""),
        ("us-ascii", "Müller came.".encode(), "Müller came.", ""),
        (
            "utf-8",
            "Müller kam über die Brücke.".encode("cp1252"),
            "Müller kam über die Brücke.",
            "read as windows-1252",
        ),
        ("cp1252", b"M\xfcller \x81 came.", "Müller \ufffd came.", "could not be read as cp1252"),
        ("iso-2022-kr", "금요일에 다리가".encode("iso-2022-kr"), "금요일에 다리가", ""),
        ("hz-gb-2312", "市长宣布".encode("hz"), "市长宣布", ""),
        ("utf-16le", "Она сказала".encode("utf-16-le"), "Она сказала", ""),
    ],
)
def test_a_body_in_another_encoding_than_it_declares(
    tmp_path: Path, charset: str, data: bytes, text: str, note: str
) -> None:
    head = f"{MAIL}Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    document = read(tmp_path, "a.eml", head.encode() + base64.encodebytes(data))
    assert blocks(document)[-1] == ("paragraph", text)
    notes = [told for _, told in read_file(tmp_path / "a.eml", "a", 10**6, TODAY).notes]
    assert len(notes) == bool(note)
    assert note in "".join(notes)


def test_a_body_that_cannot_be_read_does_not_cost_the_attachments(tmp_path: Path) -> None:
    parts = f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nIt \0 rained.\r\n{attached("t.csv", "Town,Tarsk")}--b--\r\n'
    assert blocks(read(tmp_path, "a.eml", MAIL + parts))[len(HEAD) :] == [("heading", "t.csv"), ("row", "Town | Tarsk")]
    assert "its text could not be read" in read_file(tmp_path / "a.eml", "a", 10**6, TODAY).notes[0][1]


def epub(
    chapter: str = "<p>It rained in Tarsk.<a epub:type='noteref'>1</a></p><aside epub:type='footnote'>In May.</aside>",
) -> bytes:
    book = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>The Mill</dc:title><dc:date>2019-04-01</dc:date><dc:publisher>Veldmar Press</dc:publisher></metadata>"
        '<manifest><item id="b" href="ch%202.xhtml"/><item id="a" href="one.xhtml"/><item id="n" href="nav.xhtml" '
        'properties="nav"/></manifest><spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    page = '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>{}</body></html>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("META-INF/container.xml", '<c xmlns="x"><rootfile full-path="OPS/book.opf"/></c>')
        archive.writestr("OPS/book.opf", book)
        archive.writestr("OPS/one.xhtml", page.format(f"<h1>One</h1>{chapter}"))
        archive.writestr("OPS/ch 2.xhtml", page.format("<h1>Two</h1><ol><li>Snow</li></ol>"))
        archive.writestr("OPS/nav.xhtml", page.format("<ol><li>One</li></ol>"))
    return stream.getvalue()


def test_epub(tmp_path: Path) -> None:
    document = read(tmp_path, "a.epub", epub())
    assert (document.title, document.date, document.outlet) == ("The Mill", "2019-04-01", "Veldmar Press")
    assert blocks(document) == [
        ("heading", "One"), ("paragraph", "It rained in Tarsk."), ("note", "In May."), ("heading", "Two"), ("item", "Snow"),
    ]  # fmt: skip


def test_what_a_chapter_lost_is_told(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(epub())) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            data = old.read(name).replace(b'"utf-8"', b'"windows-1252"')
            new.writestr(name, data.replace(b"It rained", b"It\x81 rained"))
    read(tmp_path, "a.epub", stream.getvalue())
    notes = [note for _, note in read_file(tmp_path / "a.epub", "a", 10**6, TODAY).notes]
    assert notes == ["one.xhtml: 1 character(s) could not be read as cp1252"]


ODT = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for name, long in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("style", "style"),
    )
)


def odt(body: str, **parts: str) -> bytes:
    content = f"<office:document-content {ODT}><office:body><office:text>{body}</office:text></office:body></office:document-content>"
    return packed(**{"META-INF__manifest_dot_xml": "<m/>"}, content_dot_xml=content, **parts)


def test_cells_of_opendocument_over_rows_and_tables_in_cells(tmp_path: Path) -> None:
    def cell(content: str, more: str = "") -> str:
        return f"<table:table-cell {more}>{content}</table:table-cell>"

    def words(*texts: str) -> str:
        return "".join(cell(f"<text:p>{text}</text:p>") for text in texts)

    def table(*rows: str) -> str:
        return "<table:table>" + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows) + "</table:table>"

    over = cell("<text:p>North</text:p>", 'table:number-rows-spanned="2"')
    spanned = table(
        words("Region", "Tonnes"), over + words("12"), "<table:covered-table-cell/>" + words("31"), words("South", "9")
    )
    assert read(tmp_path, "a.odt", odt(spanned)).text.split("\n") == [
        "Region: North | Tonnes: 12", "Region: North | Tonnes: 31", "Region: South | Tonnes: 9",
    ]  # fmt: skip
    nested = table(words("The mill") + cell(table(words("Town", "People"), words("Tarsk", "34"))))
    assert blocks(read(tmp_path, "a.odt", odt(nested))) == [
        ("paragraph", "The mill"),
        ("row", "Town: Tarsk | People: 34"),
    ]


def test_opendocument(tmp_path: Path) -> None:
    body = (
        "<text:tracked-changes><text:p>old</text:p></text:tracked-changes><text:h>The mill</text:h>"
        "<text:p>It was <text:span>sold</text:span><text:s/>again<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>In May.</text:p></text:note-body></text:note>.</text:p>"
        "<text:list><text:list-item><text:p>first</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>Town</text:p></table:table-cell><table:table-cell><text:p>"
        "People</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>Tarsk</text:p>"
        "</table:table-cell><table:table-cell><text:p>34</text:p></table:table-cell></table:table-row></table:table>"
    )
    meta = '<m xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The sale of the mill</dc:title></m>'
    styles = f"<s {ODT}><style:header><text:p>Veldmar Gazette</text:p></style:header></s>"
    document = read(tmp_path, "a.odt", odt(body, meta_dot_xml=meta, styles_dot_xml=styles))
    assert document.title == "The sale of the mill"
    assert blocks(document) == [
        ("heading", "The mill"), ("paragraph", "It was sold again."), ("note", "In May."), ("item", "first"),
        ("row", "Town: Tarsk | People: 34"), ("note", "Veldmar Gazette"),
    ]  # fmt: skip


def test_slides(tmp_path: Path) -> None:
    a, p = (f"http://schemas.openxmlformats.org/{name}/2006/main" for name in ("drawingml", "presentationml"))
    names = f'xmlns:a="{a}" xmlns:p="{p}" xmlns:r="{OFFICE}"'

    def shape(role: str, y: int, *lines: str) -> str:
        text = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
        place = f'<p:nvSpPr><p:cNvPr id="1" name="x"/><p:nvPr>{f"<p:ph type={chr(34)}{role}{chr(34)}/>" if role else ""}</p:nvPr></p:nvSpPr>'
        return (
            f'<p:sp>{place}<p:spPr><a:xfrm><a:off x="0" y="{y}"/></a:xfrm></p:spPr><p:txBody>{text}</p:txBody></p:sp>'
        )

    def slide(*shapes: str) -> str:
        return f"<p:sld {names}><p:cSld><p:spTree>{''.join(shapes)}</p:spTree></p:cSld></p:sld>"

    data = packed(
        _rels___dot_rels=relations(("officeDocument", "ppt/presentation.xml")),
        ppt__presentation_dot_xml=f'<p:presentation {names}><p:sldIdLst><p:sldId r:id="r1"/><p:sldId r:id="r0"/></p:sldIdLst></p:presentation>',
        ppt___rels__presentation_dot_xml_dot_rels=relations(("slide", "slides/a.xml"), ("slide", "slides/b.xml")),
        ppt__slides__a_dot_xml=slide(shape("", 5, "last")),
        ppt__slides__b_dot_xml=slide(
            shape("", 9, "below"),
            shape("body", 2, "one", "two"),
            shape("title", 0, "The mill"),
            shape("sldNum", 1, "7"),
        ),
        ppt__slides___rels__b_dot_xml_dot_rels=relations(("notesSlide", "../notes/b.xml"), ("comments", "../c.xml")),
        ppt__c_dot_xml=(
            f"<p:cmLst {names}><p:cm><p:pos/><p:text>Ask Ilse.</p:text></p:cm><p:cm><p:replyLst><p:reply><p:txBody>"
            "<a:p><a:r><a:t>She </a:t></a:r><a:r><a:t>knows.</a:t></a:r></a:p></p:txBody></p:reply></p:replyLst><p:txBody>"
            "<a:p><a:r><a:t>Who?</a:t></a:r></a:p></p:txBody></p:cm></p:cmLst>"
        ),
        ppt__notes__b_dot_xml=slide(shape("body", 0, "Say hello."))
        .replace("sld ", "notes ")
        .replace("p:sld>", "p:notes>"),
    )
    document = read(tmp_path, "a.pptx", data)
    assert document.title == "The mill"
    assert blocks(document) == [
        ("heading", "The mill"), ("item", "one"), ("item", "two"), ("paragraph", "below"), ("note", "Say hello."),
        ("note", "Ask Ilse."), ("note", "Who?"), ("note", "She knows."), ("paragraph", "last"),
    ]  # fmt: skip
    assert [document.text[page:].split("\n")[0] for page in document.pages] == ["The mill", "last"]


def test_a_shape_in_several_ways_is_read_once() -> None:
    a, p = (f"http://schemas.openxmlformats.org/{name}/2006/main" for name in ("drawingml", "presentationml"))
    names = f'xmlns:a="{a}" xmlns:p="{p}" xmlns:r="{OFFICE}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    box = "<p:sp><p:txBody><a:p><a:r><a:t>{}</a:t></a:r><m:oMath><m:r><m:t>E=mc</m:t></m:r></m:oMath></a:p></p:txBody></p:sp>"
    either = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<mc:Choice>{box.format('By Einstein, ')}</mc:Choice><mc:Fallback>{box.format('old')}</mc:Fallback></mc:AlternateContent>"
    )
    data = packed(
        _rels___dot_rels=relations(("officeDocument", "ppt/presentation.xml")),
        ppt__presentation_dot_xml=f'<p:presentation {names}><p:sldIdLst><p:sldId r:id="r0"/></p:sldIdLst></p:presentation>',
        ppt___rels__presentation_dot_xml_dot_rels=relations(("slide", "slides/a.xml")),
        ppt__slides__a_dot_xml=f"<p:sld {names}><p:cSld><p:spTree>{either}</p:spTree></p:cSld></p:sld>",
    )
    assert format_of(".pptx").read(Source(data, "a.pptx", 10**6, TODAY)).text == "By Einstein, E=mc"


def test_saved_pages(tmp_path: Path) -> None:
    head = 'From: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b"\r\n\r\n--b\r\n'
    part = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    body = base64.encodebytes(ARTICLE.encode()).decode() + "\r\n--b--\r\n"
    expected = blocks(read(tmp_path, "a.html", ARTICLE))
    assert blocks(read(tmp_path, "a.mhtml", head + part + body)) == expected
    archive = plistlib.dumps({"WebMainResource": {"WebResourceData": ARTICLE.encode(), "WebResourceTextEncodingName": "UTF-8"}},
                             fmt=plistlib.FMT_BINARY)  # fmt: skip
    assert blocks(read(tmp_path, "a.webarchive", archive)) == expected


def test_charts_are_the_tables_that_they_show(tmp_path: Path) -> None:
    names = f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="{OFFICE}"'
    chart = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'

    def points(name: str, *values: str) -> str:
        inner = "".join(f'<c:pt idx="{n}"><c:v>{value}</c:v></c:pt>' for n, value in enumerate(values) if value)
        return f"<c:{name}><c:ref><c:cache>{inner}</c:cache></c:ref></c:{name}>"

    series = (points("tx", "Line 9") + points("cat", "2023", "2024") + points("val", "", "14500"),
              points("tx", "Line 4") + points("cat", "2023", "2024") + points("val", "70", "80"))  # fmt: skip
    data = packed(
        _rels___dot_rels=relations(("officeDocument", "ppt/presentation.xml")),
        ppt__presentation_dot_xml=f'<p:presentation {names}><p:sldIdLst><p:sldId r:id="r0"/></p:sldIdLst></p:presentation>',
        ppt___rels__presentation_dot_xml_dot_rels=relations(("slide", "slides/a.xml")),
        ppt__slides__a_dot_xml=f'<p:sld {names}><p:cSld><p:spTree><p:graphicFrame><c:chart {chart} r:id="r0"/></p:graphicFrame></p:spTree></p:cSld></p:sld>',
        ppt__slides___rels__a_dot_xml_dot_rels=relations(("chart", "../charts/a.xml")),
        ppt__charts__a_dot_xml=f"<c:space {chart}>{''.join(f'<c:ser>{one}</c:ser>' for one in series)}</c:space>",
    )
    assert blocks(read(tmp_path, "a.pptx", data)) == [
        ("row", "2023 | Line 4: 70"), ("row", "2024 | Line 9: 14500 | Line 4: 80"),
    ]  # fmt: skip


def test_xml(tmp_path: Path) -> None:
    content = (
        "<?xml version='1.0'?><article><front><title>The mill</title><pubDate>2024-05-14</pubDate></front><body>"
        "<p>It was <b>sold</b>.</p><towns><town><name>Tarsk</name><people>34</people></town>"
        "<town name='Veldmar' people='12'/></towns><text>&lt;p&gt;It &lt;b&gt;rained&lt;/b&gt;.&lt;/p&gt;</text></body></article>"
    )
    document = read(tmp_path, "a.xml", content)
    assert (document.title, document.date) == ("The mill", "2024-05-14")
    assert blocks(document) == [
        ("heading", "The mill"), ("paragraph", "2024-05-14"), ("paragraph", "It was sold."),
        ("row", "name: Tarsk | people: 34"), ("paragraph", "name: Veldmar | people: 12"),
        ("paragraph", "It rained."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (  # a fish counter's months
            "<counter><month><id>2025-05</id><counts><barbel><up>87</up><down>3</down></barbel><roach><up>5</up>"
            "<down>0</down></roach></counts></month><month><id>2025-06</id><counts><barbel><up>9</up><down>1</down>"
            "</barbel></counts></month></counter>",
            ["id: 2025-05", "id: 2025-05 | counts barbel | up: 87 | down: 3", "id: 2025-05 | counts roach | up: 5 | down: 0",
             "id: 2025-06", "id: 2025-06 | counts barbel | up: 9 | down: 1"],
        ),
        (  # attributes tell whose
            "<bus><line no='7'><stop><name>Mill</name><at>8:10</at></stop><stop><name>Quay</name><at>8:30</at></stop></line>"
            "<line no='9'><stop><name>Mill</name><at>9:00</at></stop><stop><name>Hall</name><at>9:05</at></stop></line></bus>",
            ["no: 7 | name: Mill | at: 8:10", "no: 7 | name: Quay | at: 8:30", "no: 9 | name: Mill | at: 9:00",
             "no: 9 | name: Hall | at: 9:05"],
        ),
        (  # one thing and its parts, no list
            "<mill><owner><name>Korn</name><since>1988</since></owner><miller><name>Reeve</name><since>2020</since></miller></mill>",
            ["owner | name: Korn | since: 1988", "miller | name: Reeve | since: 2020"],
        ),
        (  # records of a record
            "<club><team><title>Red</title><player><name>Ilse</name><goals>4</goals></player><player><name>Ute</name>"
            "<goals>2</goals></player></team><team><title>Blue</title><player><name>Ada</name><goals>1</goals></player></team></club>",
            ["Red", "title: Red | name: Ilse | goals: 4", "title: Red | name: Ute | goals: 2", "Blue",
             "title: Blue | player | name: Ada | goals: 1"],
        ),
    ],
)  # fmt: skip
def test_a_row_of_xml_within_a_record_tells_whose_it_is(tmp_path: Path, content: str, rows: list[str]) -> None:
    assert read(tmp_path, "a.xml", content).text.split("\n") == rows


@pytest.mark.parametrize(
    ("head", "body", "line", "note"),
    [
        ("[<!ENTITY co 'Corvane'>]", "of &co;", "of Corvane", None),
        ("[<!ENTITY c 'Cor'><!ENTITY co '&c;vane &amp; Sons'>]", "of &co;", "of Corvane & Sons", None),
        ("[<!ENTITY co 'the <b>old</b> town'>]", "of &co;", "of the old town", None),
        ("[<!ENTITY co 'Caf&eacute;'>]", "of &co;&nbsp;5", "of Café 5", None),
        ("PUBLIC '-//x//y' 'y.dtd'", "of caf&eacute; &ndash; <i a='&eacute;'>A</i> &amp; B", "of café – A & B", None),
        ("[<!ENTITY co SYSTEM 'file:///etc/hostname'>]", "of &co;", "of &co;", "it does not tell what &co; stands for"),
        ("PUBLIC '-//x//y' 'y.dtd'", "of &co; and &town; or &co;", "of &co; and &town; or &co;", "it does not tell what &co;, &town; stands for"),
        ("", "of <![CDATA[&co; & &eacute;]]> &#233;", "of &co; & &eacute; é", None),
    ],
)  # fmt: skip
def test_an_entity_of_xml_is_read_or_named(tmp_path: Path, head: str, body: str, line: str, note: str | None) -> None:
    kind = f"<!DOCTYPE doc {head}>" if head else ""
    assert (
        read(tmp_path, "a.xml", f"{kind}<doc><!-- &no; --><p>The mill {body} was sold.</p></doc>").text
        == f"The mill {line} was sold."
    )
    assert [told for _, told in read_file(tmp_path / "a.xml", "a", 10**6, TODAY).notes] == [note] * bool(note)


@pytest.mark.parametrize(
    "content",
    [
        "<!DOCTYPE x [<!ENTITY e0 'ha'>"
        + "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 9))
        + "]><x>&e8;</x>",
        f"<!DOCTYPE x [<!ENTITY e '{'a' * 50_000}'>]><x>{'&e;' * 20_000}</x>",
        "<!DOCTYPE x [<!ENTITY a '&b;'><!ENTITY b '&a;'>]><x>one &a; two</x>",
    ],
)
def test_entities_of_xml_that_grow_without_end_are_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DocumentError, match="is broken"):
        read(tmp_path, "a.xml", content)


@pytest.mark.parametrize(
    ("content", "lines", "broken"),
    [
        ("<doc>\n<p>Korn & Sons, R&D & co;</p>\n<p>One.</p>\n</doc>", ["Korn & Sons, R&D & co;", "One."], None),
        ("<doc>\n<p>One <b>two.</p>\n<p>Three.</p>\n</doc>", ["One two. Three."], 2),
        ("<doc>\n<p>One.</p>\n<p>5 < 6 is true.</p>\n<p>Three.</p>\n</doc>", ["One.", "5 6 is true.", "Three."], 3),
        ("<doc>\n<p>One.</p>\n<p>Two, cut of", ["One.", "Two, cut of"], 3),
        ("<doc>\n<p a='1' a='2'>One.</p>\n<p>Two.</p>\n</doc>", ["One.", "Two."], 2),
        ("<!DOCTYPE doc [<!ENTITY % x SYSTEM 'file:///etc/hostname'> %x;]>\n<doc><p>One.</p></doc>", ["One."], 1),
    ],
)  # fmt: skip
def test_what_is_whole_of_a_broken_xml_file_is_read(
    tmp_path: Path, content: str, lines: list[str], broken: int | None
) -> None:
    assert read(tmp_path, "a.xml", content).text.split("\n") == lines
    notes = [note for _, note in read_file(tmp_path / "a.xml", "a", 10**6, TODAY).notes]
    assert [note.partition(" is broken (")[0] for note in notes] == [f"line {broken}"] * bool(broken)


@pytest.mark.parametrize(
    ("content", "lines", "note"),
    [
        ('{"a": 1}\n{"a": 2\n{"a": 3}\n', ["a: 1", "a: 3"], "line 2"),
        ('\n{"a": 1}\n\n{"a": 2}\n{"a": 3}\nnull,\n{"a": "x', ["a: 1", "a: 2", "a: 3"], "line 6, 7"),
        ('[1, 2]\n[3, 4]\n# end\n', ["1 | 2", "3 | 4"], "line 3"),
        ('{"a": 1}\n' + "{\n" * 7, ["a: 1"], "line 2, 3, 4, 5, 6 and 2 more"),
    ],
)  # fmt: skip
def test_a_broken_line_of_json_does_not_cost_the_others(
    tmp_path: Path, content: str, lines: list[str], note: str
) -> None:
    assert read(tmp_path, "a.jsonl", content).text.split("\n") == lines
    ((_, told),) = read_file(tmp_path / "a.jsonl", "a", 10**6, TODAY).notes
    assert told == f"no whole JSON, and not read: {note}"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{\n"a": 1,\n"b": 2,\n}'),
        ("a.json", '[\n"a",\n"b"\n'),
        ("a.jsonl", '{"a": 1'),
        ("a.xml", "no XML"),
        ("a.xml", "<a><b></a>"),
    ],
)
def test_a_file_of_which_nothing_is_whole_is_named(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(DocumentError, match=f"{name} is broken"):
        read(tmp_path, name, content)


def test_a_deep_file_repeats_only_the_nearest_names(tmp_path: Path) -> None:
    xml = "".join(f"<n{i}><k>{i}</k>" for i in range(60)) + "".join(f"</n{i}>" for i in reversed(range(60)))
    nested: dict[str, object] = {}
    for i in reversed(range(60)):
        nested = {f"n{i}": {"k": str(i)} | nested}
    for name, content in (("a.xml", xml), ("a.json", json.dumps(nested))):
        lines = read(tmp_path, name, content).text.split("\n")
        assert lines[-1] == "n56 n57 n58 n59 | k: 59"


def test_a_section_of_one_paragraph_is_no_record(tmp_path: Path) -> None:
    scope = "<section><heading>Scope</heading><p>This act applies to ferries.</p></section>"
    fees = "<section><heading>Fees</heading><p>A fee is due.</p><p>Children are free.</p></section>"
    lines = ["Scope", "This act applies to ferries.", "Fees", "A fee is due.", "Children are free."]
    assert blocks(read(tmp_path, "a.xml", f"<law>{scope}{fees}</law>")) == [("paragraph", line) for line in lines]


def test_xml_has_attributes_notes_line_ends_and_tables(tmp_path: Path) -> None:
    content = (
        "<doc><town name='Tarsk' people='34' xmlns:a='urn:a' a:b='x'><mayor>Ilse Korn</mayor></town>"
        "<div type='letter' n='1'><p>It rained.</p></div><p>It was<note>In May.</note> sold<lb/>on Fri<pb/>day.</p>"
        "<table><head>Towns</head><row><cell>Town</cell><cell>People</cell></row><row><cell>Tarsk</cell><cell>34</cell></row></table>"
        "<table><row><name>Orrin</name><people>12</people></row></table></doc>"
    )
    assert blocks(read(tmp_path, "a.xml", content)) == [
        ("row", "name: Tarsk | people: 34 | mayor: Ilse Korn"), ("paragraph", "It rained."), ("paragraph", "It was sold on Friday."),
        ("note", "In May."), ("heading", "Towns"), ("row", "Town: Tarsk | People: 34"), ("row", "name: Orrin | people: 12"),
    ]  # fmt: skip


def test_json_of_rows_and_of_pages(tmp_path: Path) -> None:
    rows = [["Town", "People"], ["Tarsk", 34], ["Orrin", None]]
    assert read(tmp_path, "a.json", json.dumps(rows)).text == "Town: Tarsk | People: 34\nTown: Orrin"
    split = {"columns": ["Town", "Mayor", "Party"], "data": [["Tarsk", "Korn", "Green"], ["Orrin", "Reeve", "Red"]]}
    assert read(tmp_path, "b.json", json.dumps(split)).text.split("\n")[1:] == [
        "Tarsk | Korn | Green",
        "Orrin | Reeve | Red",
    ]
    post = {"title": {"rendered": "The mill &amp; the bridge"}, "text": "It was sold.<br><b>Soon</b> &amp; dear."}
    document = read(tmp_path, "c.json", json.dumps(post))
    assert (document.title, document.text) == (
        "The mill & the bridge",
        "The mill & the bridge\nIt was sold.\nSoon & dear.",
    )


def test_long_cells_are_paragraphs_below_their_row(tmp_path: Path) -> None:
    long = "It rained all day in Tarsk. " * 10
    content = f'id,title,text\n1,Rain,"{long}"\n2,Sun,"One.\n\nTwo."\n3,Snow,"<p>It <b>snowed</b>.</p>"\n4,Fog,none\n'
    assert blocks(read(tmp_path, "a.csv", content)) == [
        ("row", "id: 1 | title: Rain"), ("paragraph", long.strip()), ("row", "id: 2 | title: Sun"), ("paragraph", "One."),
        ("paragraph", "Two."), ("row", "id: 3 | title: Snow"), ("paragraph", "It snowed."), ("row", "id: 4 | title: Fog | text: none"),
    ]  # fmt: skip


def test_json(tmp_path: Path) -> None:
    article = {
        "headline": "The mill", "datePublished": "2024-05-14", "publisher": {"name": "Veldmar Gazette"},
        "body": "It was sold.\n\nIt rained.", "tags": ["mill", "sale"], "html": "<p>One</p><p>Two</p>",
    }  # fmt: skip
    document = read(tmp_path, "a.json", json.dumps(article))
    assert (document.title, document.date, document.outlet) == ("The mill", "2024-05-14", "Veldmar Gazette")
    assert blocks(document) == [
        ("row", "headline: The mill | datePublished: 2024-05-14 | tags: mill, sale"), ("row", "publisher | name: Veldmar Gazette"),
        ("paragraph", "It was sold."), ("paragraph", "It rained."), ("paragraph", "One"), ("paragraph", "Two"),
    ]  # fmt: skip
    lines = '{"town": "Tarsk", "people": 34}\n{"town": "Veldmar", "people": 12}\n'
    assert read(tmp_path, "a.jsonl", lines).text == "town: Tarsk | people: 34\ntown: Veldmar | people: 12"


def test_json_within_json_tells_whose_it_is(tmp_path: Path) -> None:
    station = {
        "station": "Tarsk", "device": {"model": "R2", "owner": {"firm": "Fischwerk"}},
        "months": [
            {"month": "May", "days": 28, "counts": {"eel": {"up": 2, "down": 1}, "barbel": {"up": 87}}},
            {"month": "June", "counts": {"barbel": {"up": 3}}, "faults": [{"code": "E7"}]},
        ],
    }  # fmt: skip
    assert read(tmp_path, "a.json", json.dumps(station)).text.split("\n") == [
        "station: Tarsk", "device | model: R2", "device owner | firm: Fischwerk", "months | month: May | days: 28",
        "month: May | counts eel | up: 2 | down: 1", "month: May | counts barbel | up: 87", "months | month: June",
        "month: June | counts barbel | up: 3", "month: June | faults | code: E7",
    ]  # fmt: skip
    assert read(tmp_path, "b.json", json.dumps({"data": [{"town": "Tarsk"}]})).text == "town: Tarsk"
    assert read(tmp_path, "c.json", "[3, 4]").text == "3\n4"


@pytest.mark.parametrize("page", ["{}", "<div>{}</div>", '<div id="head">Menu</div><div id="page"><div>{}</div></div>'])
def test_what_stands_around_a_page_s_table_is_read(tmp_path: Path, page: str) -> None:
    rows = "".join(f"<tr><td>Boat of {n} metres</td><td>{n}0 crowns</td></tr>" for n in range(5, 30))
    told = (
        f"<h1>The port</h1><table><tr><th>Service</th><th>Price</th></tr>{rows}</table><h2>Conditions</h2>"
        "<ul><li>The lift must be booked two days ahead.</li><li>Short stays cost nothing.</li></ul>"
    )
    markup = f"<html><head><title>Port</title></head><body>{page.format(told)}</body></html>"
    found = blocks(read(tmp_path, "a.html", markup))
    assert ("row", "Service: Boat of 29 metres | Price: 290 crowns") in found
    assert found[-3:] == [
        ("heading", "Conditions"), ("item", "The lift must be booked two days ahead."), ("item", "Short stays cost nothing."),
    ]  # fmt: skip


def test_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# The mill\n", "It was *sold*."]},
        {"cell_type": "code", "source": "1 + 1", "outputs": [{"data": {"text/plain": ["2"], "image/png": "iVBOR"}}]},
    ]
    document = read(tmp_path, "a.ipynb", json.dumps({"cells": cells}))
    assert document.title == "The mill"
    assert document.text == "The mill\nIt was sold.\n1 + 1\n2"


def test_subtitles(tmp_path: Path) -> None:
    times = (
        "00:00:01{0}000 --> 00:00:03{0}000",
        "00:00:03{0}100 --> 00:00:05{0}000",
        "00:00:20{0}000 --> 00:00:22{0}000",
    )
    said = ("The bridge of <i>Tarsk</i>", "was opened on Friday.", "It rained.")
    for name, start, point in (("a.srt", "", ","), ("a.vtt", "WEBVTT\n\n", ".")):
        events = (
            f"{n}\n{time.format(point)}\n{line}\n" for n, (time, line) in enumerate(zip(times, said, strict=True), 1)
        )
        document = read(tmp_path, name, start + "\n".join(events))
        assert document.text == "The bridge of Tarsk was opened on Friday.\nIt rained."


def test_entities_of_web_subtitles_are_characters(tmp_path: Path) -> None:
    said = "WEBVTT\n\n00:01.000 --> 00:04.000\n<b>Korn</b> &amp; Reeve &lt;said&gt;&nbsp;so.\n"
    assert read(tmp_path, "a.vtt", said).text == "Korn & Reeve <said> so."


ROLLING = (
    ("00:00:00.160 --> 00:00:02.389", " \nthe<00:00:00.480><c> bridge</c>"),
    ("00:00:02.389 --> 00:00:02.399", "the bridge\n "),
    ("00:00:02.399 --> 00:00:04.950", "the bridge\nof<00:00:02.720><c> tarsk</c>"),
    ("00:00:04.950 --> 00:00:04.960", "of tarsk"),
    ("00:00:04.960 --> 00:00:07.000", "of tarsk\nis closed"),
)


@pytest.mark.parametrize("name", ["a.vtt", "a.srt"])
def test_lines_that_roll_are_told_once(tmp_path: Path, name: str) -> None:
    cues = [f"{n}\n{time}\n{lines}\n" for n, (time, lines) in enumerate(ROLLING, 1)]
    assert (
        read(tmp_path, name, "\n".join(["WEBVTT\n"] * name.endswith("vtt") + cues)).text
        == "the bridge of tarsk is closed"
    )


def test_who_speaks_is_told(tmp_path: Path) -> None:
    spoken = "WEBVTT\n\n00:01.000 --> 00:04.000\n<v Jan de Wit>It is closed.</v>\n"
    assert read(tmp_path, "a.vtt", spoken).text == "Jan de Wit: It is closed."


def test_tex(tmp_path: Path) -> None:
    content = (
        "\\documentclass{article}\n\\title{The \\emph{mill}}\n\\date{14 May 2024}\n\\begin{document}\n\\maketitle % no\n"
        '\\section{Sale}\nIt was sold for 100\\,\\% of its price to Ilse M\\"uller, and\nthe town was glad. \\input{/etc/passwd}\n\n'
        "\\begin{itemize}\\item one\\item two\\end{itemize}\n\\end{document}\nnothing"
    )
    document = read(tmp_path, "a.tex", content)
    assert (document.title, document.date) == ("The mill", "2024-05-14")
    assert document.text.split("\n")[:2] == ["The mill", "Sale"]
    assert "price to Ilse Müller, and the town was glad." in document.text
    assert not {"no", "nothing", "root"} & set(document.text.replace(":", " ").split())


def test_a_percent_sign_in_an_address_or_code_is_no_comment() -> None:
    content = (
        r"See \url{https://x.org/a%20b_c~d.pdf} of \href{https://x.org/a%20b}{the town} for more, \verb|50% of \x^{2}| too. % no"
        "\nLine \\\\% no\nfifty \\% % \\url{no}\nleft."
    )
    text = " ".join(format_of(".tex").read(Source(content.encode(), "a.tex", 10**6, TODAY)).text.split())
    assert text == r"See https://x.org/a%20b_c~d.pdf of the town for more, 50% of \x^{2} too. Line fifty % left."


def test_tex_has_authors_own_commands_listings_and_wide_cells(tmp_path: Path) -> None:
    content = (
        r"\newcommand{\town}{Tarsk}\newcommand*{\mayor}[2]{mayor \emph{#2} of #1}\def\all#1{\mayor{\town}{#1}}\def\x{\x\x}"
        r"\title{The mill of \town}\author{Ilse Korn \and Jon Reeve}\begin{document}The \all{Ole {\bf Brand}} sold \townhall it."
        "\n\\begin{verbatim}\nn = 5 % 3 \\x\nm = {}\n\\end{verbatim}\n"
        r"\begin{tabular}{lll}\multicolumn{2}{c}{Both \emph{towns}} & 34\\ \multirow{2}{*}{Orrin} & Reeve & 12\\ \end{tabular}"
    )
    assert blocks(read(tmp_path, "a.tex", content)) == [
        ("heading", "The mill of Tarsk"), ("paragraph", "Ilse Korn, Jon Reeve"),
        ("paragraph", "The mayor Ole Brand of Tarsk sold it."), ("paragraph", r"n = 5 % 3 \x"), ("paragraph", "m = {}"),
        ("row", "Both towns | 34"), ("row", "Orrin | Reeve | 12"),
    ]  # fmt: skip


def test_commands_of_tex_that_grow_without_end_are_refused() -> None:
    content = r"\def\a{" + r"\b" * 50 + r"}\def\b{" + r"\a" * 50 + "}" + r"\a" * 100
    with pytest.raises(DocumentError, match="unpacks to more than"):
        format_of(".tex").read(Source(content.encode(), "a.tex", 10**6, TODAY))


def test_tex_has_notes_captions_and_tables(tmp_path: Path) -> None:
    content = (
        r"It was sold\footnote{In \emph{May}.} to Ilse Korn~\cite[p. 3]{korn}. \begin{table}\caption{Towns}"
        r"\begin{tabular}{lr}Town & People\\ \hline Tarsk \& Orrin & 3400\\ Veldmar & 12\\ \end{tabular}\end{table}"
    )
    assert blocks(read(tmp_path, "a.tex", content)) == [
        ("paragraph", "It was sold to Ilse Korn."), ("caption", "Towns"), ("row", "Town: Tarsk & Orrin | People: 3400"),
        ("row", "Town: Veldmar | People: 12"), ("note", "In May."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("[t]{p{2cm}r}", [("row", "Town: Tarsk | People: 34")]),
        (r" {@{ }l@{\hspace{1cm}}r}", [("row", "Town: Tarsk | People: 34")]),
        ("", [("paragraph", "own People"), ("paragraph", "Tarsk 34")]),
    ],
)
def test_no_table_of_tex_is_lost(tmp_path: Path, columns: str, found: list[tuple[str, str]]) -> None:
    content = r"\begin{tabular}" + columns + r"Town & People\\[2pt] Tarsk & 34\\ \end{tabular}"
    assert blocks(read(tmp_path, "a.tex", content)) == found


PAGE = "<!DOCTYPE html><html><table><tr><th>Town<th>People</tr><tr><td>Tarsk<td>34</tr></table></html>"
RICH = r"{\rtf1\ansi\trowd Town\cell People\cell\row\trowd Tarsk\cell 34\cell\row}"
SAVED = f"From: <Saved by a browser>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n{PAGE}\r\n--b--"
BOOK = (
    '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'
    "<Worksheet><Table><Row><Cell><Data>Town</Data></Cell><Cell><Data>People</Data></Cell></Row><Row><Cell><Data>Tarsk</Data></Cell>"
    "<Cell><Data>34</Data></Cell></Row></Table></Worksheet></Workbook>"
)
SEPARATED = "Town\tPeople\nTarsk\t34\n"


@pytest.mark.parametrize(
    ("suffix", "content", "kind"),
    [
        *((suffix, PAGE, "a web page") for suffix in (".txt", ".xls", ".csv", ".docx")),
        (".txt", '<?xml version="1.0"?><!-- saved -->\n' + PAGE, "a web page"),
        (".txt", b"\xff\xfe" + PAGE.encode("utf-16-le"), "a web page"),
        *((suffix, RICH, "a rich text") for suffix in (".txt", ".docx", ".md", ".html")),
        *((suffix, SAVED, "a web page saved with its pictures") for suffix in (".htm", ".txt", ".docx")),
        (".xls", PAGE[len("<!DOCTYPE html><html>"):-len("</html>")], "a web page"),
        (".xlsx", "<style>td {color: red}</style>" + PAGE[len("<!DOCTYPE html><html>"):], "a web page"),
        (".xls", BOOK, "an XML file"),
        (".xls", SEPARATED, "a table of separated values"),
        (".xls", b"\xff\xfe" + SEPARATED.encode("utf-16-le"), "a table of separated values"),
        (".ods", SEPARATED.replace("\t", ";"), "a table of separated values"),
    ],
)  # fmt: skip
def test_a_text_of_another_kind_than_its_suffix_says_is_read_as_what_it_is(
    tmp_path: Path, suffix: str, content: str | bytes, kind: str
) -> None:
    document = read(tmp_path, f"list_of_towns{suffix}", content)
    assert (document.title, blocks(document)) == ("List of towns", [("row", "Town: Tarsk | People: 34")])
    notes = read_file(tmp_path / f"list_of_towns{suffix}", "a", 1000, TODAY).notes
    assert [note for _, note in notes] == [f"it is {kind} and was read as one"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Of rich text: it begins with {\\rtf1."),
        ("a.txt", "Content-Type: it is a line of a mail's head, and multipart/related one of its values."),
        ("a.txt", "Town\tPeople"),
        ("a.md", "A page begins with `<html>`."),
        ("a.eml", "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello.\n--b--"),
        ("a.xml", "<html><body><p>It rained.</p></body></html>"),
    ],
)  # fmt: skip
def test_a_text_of_its_own_kind_is_read_as_that(tmp_path: Path, name: str, content: str) -> None:
    read(tmp_path, name, content)
    assert read_file(tmp_path / name, "a", 1000, TODAY).notes == ()


@pytest.mark.parametrize("content", [b"\x09\x08\x10\0\0\x06\x05\0 x", b"\xd0\xcf\x11\xe0 x", b"PK\x03\x04 x"])
def test_a_broken_sheet_is_not_taken_for_text(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DocumentError, match=r"a\.xls is broken"):
        read(tmp_path, "a.xls", content)


def test_rst(tmp_path: Path) -> None:
    content = (
        "The mill\n========\n\nIt was *sold*. [1]_\n\n- one\n- two\n\n.. include:: /etc/passwd\n\n.. raw:: html\n\n   <b>x</b>\n\n"
        "====== ======\nTown   People\n====== ======\nTarsk  34\n====== ======\n\n.. [1] In May.\n"
    )
    document = read(tmp_path, "a.rst", content)
    assert document.title == "The mill"
    assert "root" not in document.text
    assert [block for block in blocks(document) if block[0] != "note"] == [
        ("heading", "The mill"), ("paragraph", "It was sold."), ("item", "one"), ("item", "two"),
        ("row", "Town: Tarsk | People: 34"),
    ]  # fmt: skip
    assert ("note", "In May.") in [(kind, text.removeprefix("[1] ")) for kind, text in blocks(document)]


def test_the_text_of_directives_of_other_programs_stays(tmp_path: Path) -> None:
    content = (
        "The mill\n========\n\nIt was sold.\n\n.. seealso:: The other *book*.\n\n.. versionchanged:: 2.0\n   It is faster.\n\n"
        ".. tab-set::\n   :sync: a\n\n   It rained.\n\n   - one\n"
    )
    assert blocks(read(tmp_path, "a.rst", content)) == [
        ("heading", "The mill"), ("paragraph", "It was sold."), ("paragraph", "The other book."),
        ("paragraph", "2.0 It is faster."), ("paragraph", "It rained."), ("item", "one"),
    ]  # fmt: skip


# ---------------------------------------------------------------- what is struck out


def pptx(*runs: str) -> bytes:
    """One slide with one paragraph of these runs."""
    a, p = (f"http://schemas.openxmlformats.org/{name}/2006/main" for name in ("drawingml", "presentationml"))
    names = f'xmlns:a="{a}" xmlns:p="{p}" xmlns:r="{OFFICE}"'
    shape = f"<p:sp><p:txBody><a:p>{''.join(f'<a:r>{run}</a:r>' for run in runs)}</a:p></p:txBody></p:sp>"
    return packed(
        _rels___dot_rels=relations(("officeDocument", "ppt/presentation.xml")),
        ppt__presentation_dot_xml=f'<p:presentation {names}><p:sldIdLst><p:sldId r:id="r0"/></p:sldIdLst></p:presentation>',
        ppt___rels__presentation_dot_xml_dot_rels=relations(("slide", "slides/a.xml")),
        ppt__slides__a_dot_xml=f"<p:sld {names}><p:cSld><p:spTree>{shape}</p:spTree></p:cSld></p:sld>",
    )


def struck_odt(line: str) -> bytes:
    style = f'<style:style style:name="T1" style:family="text"><style:text-properties style:text-line-through-{line}/></style:style>'
    words = 'The fee is <text:span text:style-name="T1"><text:span>40</text:span></text:span><text:span>50</text:span> crowns.'
    of_head = style.replace('"text"', '"paragraph"').replace("T1", "T2")  # another of that name, for headers alone
    styles = f"<s {ODT}><office:styles>{style}</office:styles><office:automatic-styles>{of_head}</office:automatic-styles></s>"
    return odt(f"<text:p text:style-name='T2'>{words}</text:p>", styles_dot_xml=styles)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.rtf", r"{\rtf1\ansi The fee is {\deleted\revauthdel1 40}{\revised 50} crowns.\par}"),
        ("b.rtf", r"{\rtf1\ansi The fee is \strike\b 4\u176?\'b0\emdash\b0\strike0 50 crowns.}"),
        ("c.rtf", r"{\rtf1\ansi The fee is {\striked1 40{\i or}}\plain 50 {\strike\plain crowns.}}"),
        ("d.rtf", r"{\rtf1\ansi {\mvf Moved.}The fee is{\deleted\par} 50 crowns.}"),
        ("a.md", "The fee is ~~40~~ 50 crowns."),
        ("b.md", "The fee is {--40--}{++50++} crowns."),
        ("c.md", "The {==fee==} is {~~40 or\n\nmore~>50~~} crowns."),
        ("d.md", "The fee is <s>40 *or*</s><strike>more</strike> 50 crowns."),
        ("a.ipynb", '{"cells": [{"cell_type": "markdown", "source": "The fee is ~~40~~ 50 crowns."}]}'),
        ("a.tex", r"The fee is \sout{40 \emph{or} more} 50 crowns."),
        ("b.tex", r"\newcommand{\old}[1]{\xout{#1}}The fee is \old{40} \st{45} 50 crowns."),
        ("c.tex", r"The fee is \deleted[id=IK]{about }\replaced[comment={so said}]{50}{40} crowns."),
        ("a.pptx", pptx("<a:t>The fee is </a:t>", '<a:rPr strike="sngStrike"/><a:t>40</a:t>', "<a:t>50 crowns.</a:t>")),
        ("b.pptx", pptx('<a:rPr strike="dblStrike"/><a:t>No.</a:t>', '<a:rPr strike="noStrike"/><a:t>The fee is 50 crowns.</a:t>')),
        ("a.odt", struck_odt('style="solid"')),
        ("b.odt", struck_odt('type="double"')),
    ],
)  # fmt: skip
def test_what_is_struck_out_is_not_valid(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert read(tmp_path, name, content).text == "The fee is 50 crowns."


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.rtf", r"{\rtf1\ansi{\stylesheet{\s1\strike Old;}}\strike0 It is \strikeless new.}", "It is new."),
        ("b.rtf", r"{\rtf1\trowd Town\cell{\strike Old}\cell People\cell\row\trowd Tarsk\cell x\cell 34\cell\row}",
         "Town: Tarsk | x | People: 34"),
        ("c.rtf", r"{\rtf1 {\strike It rained.\par}{\strike{\*\bkmkstart a}It snowed.}\par It thawed.}}}", "It thawed."),
        ("a.md", "Between ~40 and ~50, `~~code~~` and `{--x--}`, {--a-b and a ~~ b.", "Between ~40 and ~50, ~~code~~ and {--x--}, {--a-b and a ~~ b."),
        ("a.tex", r"\stop{It} is \verb|\sout{x}| here.", r"It is \sout{x} here."),
        ("a.odt", struck_odt('style="none"'), "The fee is 4050 crowns."),
    ],
)  # fmt: skip
def test_what_is_not_struck_out_stays(tmp_path: Path, name: str, content: str | bytes, text: str) -> None:
    assert read(tmp_path, name, content).text == text


def test_many_comments_before_a_text_take_no_time(tmp_path: Path) -> None:
    begun = time.process_time()
    assert "50 crowns" in read(tmp_path, "a.txt", "<!---->" * 500 + "The fee is 50 crowns.").text
    assert time.process_time() - begun < 2


def test_old_letters_of_a_long_text_cost_none_of_it(tmp_path: Path) -> None:
    line = "The council’s “fee” is 50 crowns – so it says.\n"
    assert read(tmp_path, "a.txt", (line * 2000).encode("cp1252")).text.count("50 crowns") == 2000


@pytest.mark.parametrize(
    ("name", "content", "kept"),
    [
        ("a.txt", "Subject: a note\nContent-Type: multipart/related\n\nThe fee is 50 crowns.", "The fee is 50 crowns."),
        ("a.md", "{\\rtf is how rich text begins} and other notes", "and other notes"),
        ("b.txt", "\ufeff{\\rtf1\\ansi The fee is 50 crowns.\\par}", "The fee is 50 crowns."),
        ("a.html", "<html role=grid><body><p>The fee is 50 crowns.</p></body></html>", "The fee is 50 crowns."),
        ("b.html", "<p>A fee</p><ul><li><b>H</b><sub>2</sub></li><li><b>N</b><sub>2</sub></li></ul>", "H2"),
        ("c.html", "<article><p>Fees.</p><input type=checkbox id=q><label for=q><h3>How long?</h3></label></article>", "How long?"),
        ("a.jsonl", '{"fee": "50 crowns"}\n{"fee": ' + "9" * 5000 + "}\n", "50 crowns"),
    ],
)  # fmt: skip
def test_what_only_looks_like_another_thing_is_read_as_it_stands(
    tmp_path: Path, name: str, content: str, kept: str
) -> None:
    text = read(tmp_path, name, content).text
    assert kept in text
    assert "☐" not in text
