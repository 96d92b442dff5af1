# ruff: noqa: E501 (markup on one line is easier to read)
"""Word files as a person reads them: notes, text boxes, headers, tables, changes, styles."""

from __future__ import annotations

from pathlib import Path

import docx
import pytest
from test_formats import blocks, packed, read, relations

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_NAMES = (
    f'xmlns:w="{_W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)


def p(*runs: str, style: str = "", ended: bool = True) -> str:
    """A paragraph; what is no markup becomes a run. With `ended=False` its end is a deleted one."""
    inner = "".join(run if run.startswith("<") else f"<w:r><w:t xml:space='preserve'>{run}</w:t></w:r>" for run in runs)
    properties = f"<w:pStyle w:val='{style}'/>" * bool(style) + "<w:rPr><w:del w:id='9'/></w:rPr>" * (not ended)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def run(text: str, marks: str) -> str:
    """A run set in some way."""
    return f"<w:r><w:rPr>{marks}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def mark(kind: str, number: int) -> str:
    return f"<w:r><w:{kind}Reference w:id='{number}'/></w:r>"


def box(*paragraphs: str) -> str:
    """A text box as Word writes it: the shape, and the same again for old programs."""
    content = f"<w:txbxContent>{''.join(paragraphs)}</w:txbxContent>"
    return (
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{content}</wps:txbx></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:textbox>{content}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


def word(folder: Path, body: str, **parts: str) -> list[tuple[str, str]]:
    """The blocks of a file with this body; a part is named "header1" and the like, and holds what is inside its root."""
    roots = {"header": "hdr", "footer": "ftr"}
    files = {f"word__{name}_dot_xml": f"<w:{roots.get(name.rstrip('12'), name)} {_NAMES}>{content}</w:{roots.get(name.rstrip('12'), name)}>"
             for name, content in parts.items()}  # fmt: skip
    data = packed(
        _rels___dot_rels=relations(("officeDocument", "word/document.xml")),
        word__document_dot_xml=f"<w:document {_NAMES}><w:body>{body}</w:body></w:document>",
        word___rels__document_dot_xml_dot_rels=relations(*((name.rstrip("12"), f"{name}.xml") for name in parts)),
        **files,
    )
    return blocks(read(folder, "a.docx", data))


# ---------------------------------------------------------------- notes

NOTES = "".join(f"<w:footnote w:id='{n}'>{p(f'Note {n}.')}</w:footnote>" for n in (2, 3))
SEPARATOR = f"<w:footnote w:id='-1' w:type='separator'>{p('line')}</w:footnote>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (p("The mill was sold", mark("footnote", 2), " in May", mark("footnote", 3), ".") + p("It rained."),
         [("paragraph", "The mill was sold in May."), ("note", "Note 2."), ("note", "Note 3."), ("paragraph", "It rained.")]),
        ("<w:tbl><w:tr><w:tc>" + p("Town") + "</w:tc><w:tc>" + p("People") + "</w:tc></w:tr><w:tr><w:tc>" + p("Tarsk", mark("footnote", 2))
         + "</w:tc><w:tc>" + p("34") + "</w:tc></w:tr></w:tbl>" + p("It rained."),
         [("row", "Town: Tarsk | People: 34"), ("note", "Note 2."), ("paragraph", "It rained.")]),
        (p("The mill", "<w:del w:id='1'>" + mark("footnote", 3) + "</w:del>", box(p("Aside", mark("footnote", 2)))),
         [("paragraph", "The mill"), ("paragraph", "Aside"), ("note", "Note 2.")]),
        (p("The mill ", mark("footnote", 2), ended=False) + p("was sold.", mark("footnote", 3)) + p("It rained."),
         [("paragraph", "The mill was sold."), ("note", "Note 2."), ("note", "Note 3."), ("paragraph", "It rained.")]),
    ],
    ids=["in a sentence", "in a table", "in a text box, a deleted one", "over a deleted end"],
)  # fmt: skip
def test_a_footnote_stands_after_what_it_hangs_on(tmp_path: Path, body: str, expected: list[tuple[str, str]]) -> None:
    assert word(tmp_path, body, footnotes=SEPARATOR + NOTES) == expected


def test_endnotes_and_comments_are_notes_and_each_is_read_once(tmp_path: Path) -> None:
    body = p("The mill", mark("endnote", 2), mark("comment", 0), " was sold", mark("endnote", 2), ".")
    found = word(
        tmp_path,
        body,
        endnotes=f"<w:endnote w:id='2'>{p('In May.')}{p('At noon.')}</w:endnote>",
        comments=f"<w:comment w:id='0'>{p('Really?')}</w:comment>",
    )
    assert found == [
        ("paragraph", "The mill was sold."),
        ("note", "In May."),
        ("note", "At noon."),
        ("note", "Really?"),
    ]


# ---------------------------------------------------------------- text boxes


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (p("Before ", box(p("One"), p("Two")), "and after."), ["Before and after.", "One", "Two"]),
        (p(f"<w:r><w:pict><v:textbox><w:txbxContent>{p('Old box')}</w:txbxContent></v:textbox></w:pict></w:r>") + p("Text."),
         ["Old box", "Text."]),
        (p("Outer", box(p("Box", box(p("Box in it"))))), ["Outer", "Box", "Box in it"]),
        (p(box("<w:tbl><w:tr><w:tc>" + p("Town") + "</w:tc><w:tc>" + p("Mayor") + "</w:tc><w:tc>" + p("Party") + "</w:tc></w:tr><w:tr><w:tc>"
               + p("Tarsk") + "</w:tc><w:tc>" + p("Korn") + "</w:tc><w:tc>" + p("Green") + "</w:tc></w:tr></w:tbl>")),
         ["Town: Tarsk | Mayor: Korn | Party: Green"]),
        (p("Kept ", box(p("Aside")), ended=False) + p("together."), ["Kept together.", "Aside"]),
    ],
    ids=["in a sentence", "of an old Word", "in a box", "around a table", "over a deleted end"],
)  # fmt: skip
def test_a_text_box_stands_once_after_its_paragraph(tmp_path: Path, body: str, expected: list[str]) -> None:
    assert [text for _, text in word(tmp_path, body)] == expected


# ---------------------------------------------------------------- headers and footers


def test_an_exponent_is_no_part_of_its_number(tmp_path: Path) -> None:
    six = "<w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>6</w:t></w:r>"
    assert word(tmp_path, p("It weighs 10", six, " times more.")) == [("paragraph", "It weighs 10⁶ times more.")]


def test_headers_and_footers_are_notes_after_the_text(tmp_path: Path) -> None:
    file = docx.Document()
    file.add_heading("The mill", 1)
    file.add_paragraph("It was sold.")
    section = file.sections[0]
    section.header.paragraphs[0].text = "Veldmar Gazette | Local"
    section.footer.paragraphs[0].text = "12"
    section.different_first_page_header_footer = True
    section.first_page_header.paragraphs[0].text = "Special issue"
    file.save(str(tmp_path / "own.docx"))
    document = read(tmp_path, "a.docx", (tmp_path / "own.docx").read_bytes())
    assert document.title == "The mill"
    assert blocks(document)[:2] == [("heading", "The mill"), ("paragraph", "It was sold.")]
    assert sorted(blocks(document)[2:]) == [("note", "Special issue"), ("note", "Veldmar Gazette | Local")]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"header1": p("Gazette"), "header2": p("Gazette") + p("Tarsk")}, ["Gazette", "Tarsk"]),
        ({"header1": p(box(p("In a box"))), "footer1": p("page 7")}, ["In a box", "page 7"]),
        ({"header1": "<w:tbl><w:tr><w:tc>" + p("Gazette") + "</w:tc><w:tc>" + p("4 May 2024") + "</w:tc></w:tr></w:tbl>", "footer1": p("- 3 -")},
         ["Gazette", "4 May 2024"]),
    ],
    ids=["said twice", "in a box", "in a table"],
)  # fmt: skip
def test_what_a_header_holds_is_read_once(tmp_path: Path, parts: dict[str, str], expected: list[str]) -> None:
    assert word(tmp_path, p("It was sold."), **parts) == [
        ("paragraph", "It was sold."),
        *(("note", line) for line in expected),
    ]


# ---------------------------------------------------------------- tables


def test_cells_over_rows_and_heads_over_columns(tmp_path: Path) -> None:
    file = docx.Document()
    table = file.add_table(4, 3)
    for cell, text in zip((cell for row in table.rows for cell in row.cells),
                          ("Town", "Votes", "", "", "men", "women", "Tarsk", "1", "2", "", "3", "4"), strict=True):  # fmt: skip
        cell.text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(2, 0).merge(table.cell(3, 0))
    for row in list(table.rows)[:2]:
        row._tr.get_or_add_trPr().append(docx.oxml.OxmlElement("w:tblHeader"))
    file.save(str(tmp_path / "own.docx"))
    assert blocks(read(tmp_path, "a.docx", (tmp_path / "own.docx").read_bytes())) == [
        ("row", "Town: Tarsk | Votes men: 1 | Votes women: 2"), ("row", "Town: Tarsk | Votes men: 3 | Votes women: 4"),
    ]  # fmt: skip


def test_a_table_between_paragraphs_with_a_line_above_its_heads(tmp_path: Path) -> None:
    file = docx.Document()
    file.add_paragraph("Before.")
    table = file.add_table(3, 3)
    for cell, text in zip((cell for row in table.rows for cell in row.cells),
                          ("Towns of the valley", "", "", "Town", "Mayor", "Party", "Tarsk", "Ilse Korn", "Green"), strict=True):  # fmt: skip
        cell.text = text
    table.cell(0, 0).merge(table.cell(0, 2))
    file.add_paragraph("After.")
    file.save(str(tmp_path / "own.docx"))
    assert blocks(read(tmp_path, "a.docx", (tmp_path / "own.docx").read_bytes())) == [
        ("paragraph", "Before."), ("row", "Towns of the valley"), ("row", "Town: Tarsk | Mayor: Ilse Korn | Party: Green"),
        ("paragraph", "After."),
    ]  # fmt: skip


BOLD = "<w:b/>"
CHAIRS = ["Role: Chair | Name: Ilse Korn", "Role: Clerk | Name: Jon Reeve"]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([BOLD, BOLD, "", "", "", ""], CHAIRS),
        ([BOLD, "<w:b w:val='1'/><w:i/>", "", BOLD, "", ""], CHAIRS),
        ([BOLD, BOLD, "<w:b w:val='0'/>", "<w:b w:val='0'/>", "", "<w:i/>"], CHAIRS),
        # as well a form
        ([BOLD, "", BOLD, "", BOLD, ""], ["Role | Name", "Chair | Ilse Korn", "Clerk | Jon Reeve"]),
        ([""] * 6, ["Role | Name", "Chair | Ilse Korn", "Clerk | Jon Reeve"]),
        ([BOLD] * 6, ["Role | Name", "Chair | Ilse Korn", "Clerk | Jon Reeve"]),
        ([BOLD, "<w:b w:val='0'/>", "", "", "", ""], ["Role | Name", "Chair | Ilse Korn", "Clerk | Jon Reeve"]),
    ],
)
def test_bold_heads_of_two_columns_of_words(tmp_path: Path, marks: list[str], expected: list[str]) -> None:
    texts = ("Role", "Name", "Chair", "Ilse Korn", "Clerk", "Jon Reeve")
    cells = [f"<w:tc>{p(run(text, mark))}</w:tc>" for text, mark in zip(texts, marks, strict=True)]
    rows = (f"<w:tr>{''.join(cells[n : n + 2])}</w:tr>" for n in (0, 2, 4))
    assert [text for _, text in word(tmp_path, f"<w:tbl>{''.join(rows)}</w:tbl>")] == expected


def test_a_table_in_a_table_is_read_where_it_stands(tmp_path: Path) -> None:
    inner = (
        "<w:tbl><w:tr><w:tc>"
        + p("Town")
        + "</w:tc><w:tc>"
        + p("People")
        + "</w:tc></w:tr><w:tr><w:tc>"
        + p("Tarsk")
        + "</w:tc><w:tc>"
        + p("34")
        + "</w:tc></w:tr></w:tbl>"
    )
    body = (
        "<w:tbl><w:tr><w:tc>"
        + p("Left")
        + "</w:tc><w:tc>"
        + p("Above.")
        + inner
        + p("Below.")
        + "</w:tc></w:tr></w:tbl>"
    )
    assert [text for _, text in word(tmp_path, body)] == ["Left", "Above.", "Town: Tarsk | People: 34", "Below."]


def test_a_deleted_end_before_a_table_or_the_end_loses_nothing(tmp_path: Path) -> None:
    table = "<w:tbl><w:tr><w:tc>" + p("Mayor") + "</w:tc><w:tc>" + p("Korn") + "</w:tc></w:tr></w:tbl>"
    body = p("Before.", ended=False) + table + p("Last.", ended=False)
    assert [text for _, text in word(tmp_path, body)] == ["Before.", "Mayor | Korn", "Last."]


# ---------------------------------------------------------------- styles


def test_a_style_is_what_the_one_is_that_it_is_based_on(tmp_path: Path) -> None:
    styles = (
        "<w:style w:styleId='H1'><w:name w:val='heading 1'/></w:style>"
        "<w:style w:styleId='House'><w:name w:val='House head'/><w:basedOn w:val='H1'/></w:style>"
        "<w:style w:styleId='House2'><w:name w:val='House head small'/><w:basedOn w:val='House'/></w:style>"
        "<w:style w:styleId='Loop'><w:name w:val='Loop'/><w:basedOn w:val='Loop2'/></w:style>"
        "<w:style w:styleId='Loop2'><w:name w:val='Loop 2'/><w:basedOn w:val='Loop'/></w:style>"
    )
    body = p("The mill", style="House2") + p("It was sold.", style="Loop") + p("Other", style="none")
    assert word(tmp_path, body, styles=styles) == [
        ("heading", "The mill"),
        ("paragraph", "It was sold."),
        ("paragraph", "Other"),
    ]


# ---------------------------------------------------------------- what is struck out


STRUCK = "<w:strike/>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (p(run("Jon Reeve ", STRUCK), "Petra Holm has the keys."), ["Petra Holm has the keys."]),
        (p("The fee is ", run("40", "<w:dstrike w:val='true'/>"), "50."), ["The fee is 50."]),
        (p("Kept."), ["Kept."]),
        (p(run("All of it.", STRUCK)) + p("Kept."), ["Kept."]),
        ("<w:tbl><w:tr><w:tc>" + p("Mayor") + "</w:tc><w:tc>" + p(run("Reeve", STRUCK), "Holm") + "</w:tc></w:tr></w:tbl>", ["Mayor | Holm"]),
        (p(run("Still ", "<w:strike w:val='0'/>"), run("valid.", "<w:dstrike w:val='false'/>")), ["Still valid."]),
    ],
    ids=["one line", "two lines", "none", "a paragraph", "in a cell", "switched off"],
)  # fmt: skip
def test_what_is_struck_out_is_not_valid(tmp_path: Path, body: str, expected: list[str]) -> None:
    assert [text for _, text in word(tmp_path, body)] == expected


# ---------------------------------------------------------------- forms


def field(form: str, shown: str | None = None) -> str:
    """A field of an old form as Word writes it, with the text that it shows, if it has one."""
    text = "" if shown is None else f"<w:r><w:fldChar w:fldCharType='separate'/></w:r><w:r><w:t>{shown}</w:t></w:r>"
    return (
        f"<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:name w:val='a'/>{form}</w:ffData></w:fldChar></w:r>"
        f"<w:r><w:instrText> FORM </w:instrText></w:r>{text}<w:r><w:fldChar w:fldCharType='end'/></w:r>"
    )


def listed(marks: str) -> str:
    return f"<w:ddList>{marks}<w:listEntry w:val='Violin'/><w:listEntry w:val='Cello'/></w:ddList>"


def control(properties: str, content: str) -> str:
    return (
        "<w:sdt xmlns:w14='http://schemas.microsoft.com/office/word/2010/wordml'>"
        f"<w:sdtPr>{properties}</w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"
    )


SYMBOL = "<w:r><w:sym w:font='Wingdings' w:char='F0FE'/></w:r>"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (field(listed("<w:result w:val='1'/>")), "Cello"),
        (field(listed("<w:default w:val='1'/>")), "Cello"),
        (field(listed("<w:result w:val='0'/><w:default w:val='1'/>"), "Viola"), "Violin"),
        (field(listed("")), "Violin"),
        (field("<w:checkBox><w:sizeAuto/><w:default w:val='0'/><w:checked/></w:checkBox>"), "☒"),
        (field("<w:checkBox><w:default w:val='1'/><w:checked w:val='0'/></w:checkBox>", ""), "☐"),
        (field("<w:checkBox><w:default w:val='1'/></w:checkBox>"), "☒"),
        (field("<w:checkBox/>"), "☐"),
        (control("<w14:checkbox><w14:checked w14:val='1'/></w14:checkbox>", SYMBOL), "☒"),
        (control("<w14:checkbox><w14:checked w14:val='0'/></w14:checkbox>", SYMBOL), "☐"),
        (control("<w14:checkbox/>", SYMBOL), "☐"),
        # what has a text of its own shows it
        (field("<w:textInput><w:default w:val='none'/></w:textInput>", "Cello"), "Cello"),
        (control("<w:dropDownList w:lastValue='2'><w:listItem w:displayText='Cello' w:value='2'/></w:dropDownList>", "<w:r><w:t>Cello</w:t></w:r>"), "Cello"),
        (control("<w14:checkbox><w14:checked w14:val='1'/></w14:checkbox>", "<w:r><w:t>☑</w:t></w:r>"), "☑"),
        ("<w:del>" + field(listed("")) + "</w:del>None", "None"),
    ],
)  # fmt: skip
def test_what_was_chosen_in_a_form_is_read(tmp_path: Path, inner: str, expected: str) -> None:
    end = "<w:r><w:t xml:space='preserve'> (own)</w:t></w:r>"
    inner = inner.replace("</w:del>None", "</w:del><w:r><w:t>None</w:t></w:r>")
    assert word(tmp_path, p("Instrument: ", inner + end)) == [("paragraph", f"Instrument: {expected} (own)")]
    row = f"<w:tbl><w:tr><w:tc>{p('Instrument:')}</w:tc><w:tc>{p(inner)}</w:tc></w:tr></w:tbl>"
    assert word(tmp_path, row) == [("row", f"Instrument: {expected}")]
