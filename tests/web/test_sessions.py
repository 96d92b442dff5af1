"""Own articles are private, limited and gone after their session."""

from __future__ import annotations

import errno
import json
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fakes import make_bot, make_document

from examples.memory_index import MemoryEngine
from rag.articles.documents import read_file
from rag.errors import RagError
from rag.index import Index
from rag.present import export
from rag.present.html import Exchange
from rag.scope import Scope
from rag.serve.limits import Limits
from rag.serve.page import feedback
from rag.serve.page import kept as records
from rag.serve.page.handlers import Page
from rag.serve.page.sessions import OWN, Added, Named, Session, Sessions, safe_name
from tests.web.fakes import HOSTILE, FakeBot, document


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Callable[..., Sessions]:
    def make(keep: Path | None = None, **limits: float) -> Sessions:
        bot = FakeBot([document("a.txt", "The minister arrived in Minsk on Monday.")])
        return Sessions(bot, Limits(**limits), keep, clock)  # type: ignore[arg-type]

    return make


def put(sessions: Sessions, session: Session, folder: Path, name: str, text: str) -> Named:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    failed, _ = sessions.add(session, path)
    assert not path.exists()
    return failed


def test_own_articles_are_seen_by_their_session_alone(make: Callable[..., Sessions], tmp_path: Path) -> None:
    sessions = make()
    (mine, _), (theirs, _) = sessions.enter(""), sessions.enter("")
    assert put(sessions, mine, tmp_path, "note.txt", "The codeword of the harbour is heron.") == ()
    question = "What is the codeword of the harbour?"
    assert sessions.asker(mine).ask(question).citations[0].document_id == OWN + "note.txt"
    assert sessions.asker(theirs).ask(question).abstained
    assert sessions.bot.ask(question).abstained
    assert sessions.article(theirs, OWN + "note.txt") is None
    with pytest.raises(RagError):
        sessions.remove(theirs, OWN + "note.txt")
    assert sessions.asker(mine).within(Scope(within=("own",))).ask("When did the minister arrive in Minsk?").abstained
    sessions.remove(mine, OWN + "note.txt")
    assert sessions.asker(mine).ask(question).abstained


def test_own_articles_are_asked_beside_those_of_any_engine(tmp_path: Path) -> None:
    bot = make_bot(index=Index(MemoryEngine()))
    bot.add_documents([make_document("a.txt", "The minister arrived in Minsk on Monday.")])
    sessions = Sessions(bot)
    (mine, _), (theirs, _) = sessions.enter(""), sessions.enter("")
    assert put(sessions, mine, tmp_path, "note.txt", "The codeword of the harbour is heron.") == ()
    asked = [("What is the codeword of the harbour?", OWN + "note.txt"), ("When did the minister arrive?", "a.txt")]
    for question, holder in asked:
        answer = sessions.asker(mine).ask(question)
        assert (answer.abstained, [c.document_id for c in answer.citations]) == (False, [holder])
        (citation,) = answer.citations
        held = sessions.article(mine, holder)
        assert held is not None
        assert held.text[citation.start : citation.end] == citation.quote
    assert sessions.asker(theirs).ask(asked[0][0]).abstained
    assert [header.id for header in bot.headers()] == ["a.txt"]


def test_token_cannot_be_chosen_or_guessed(make: Callable[..., Sessions]) -> None:
    sessions = make()
    session, known = sessions.enter("mine")
    assert not known
    assert session.token != "mine"
    assert len(session.token) >= 40
    assert sessions.enter(session.token) == (session, True)
    with pytest.raises(RagError, match="reload"):
        sessions.find("mine")


def test_session_outlives_a_reload_and_not_its_page(
    make: Callable[..., Sessions], clock: Clock, tmp_path: Path
) -> None:
    sessions = make(closed_seconds=60)
    session, _ = sessions.enter("", page="p1")
    put(sessions, session, tmp_path, "n.txt", "The heron stands in the harbour.")
    sessions.leave("p1")
    clock.now = 30
    assert sessions.enter(session.token, page="p2") == (session, True)
    sessions.leave("p2")
    clock.now = 91
    sessions.sweep()
    assert sessions.count == 0
    assert session.own is None


def test_idle_session_ends_and_the_longest_unused_gives_way(make: Callable[..., Sessions], clock: Clock) -> None:
    sessions = make(idle_seconds=100, sessions=2)
    first, _ = sessions.enter("", "p1")
    clock.now = 1
    second, _ = sessions.enter("", "p2")
    clock.now = 2
    sessions.enter("", "p3")
    assert sessions.count == 2
    with pytest.raises(RagError):
        sessions.find(first.token)
    assert sessions.find(second.token) is second
    clock.now = 200
    sessions.sweep()
    assert sessions.count == 0


def test_limits_of_number_size_and_total(make: Callable[..., Sessions], tmp_path: Path) -> None:
    sessions = make(files=2, file_megabytes=0.001, session_characters=900, server_characters=1000)
    session, _ = sessions.enter("")
    assert put(sessions, session, tmp_path, "1.txt", "Word. " * 60) == ()
    assert "at most 1,000" in put(sessions, session, tmp_path, "big.txt", "Word. " * 200)[0][1]
    assert put(sessions, session, tmp_path, "2.txt", "Lord. " * 60) == ()
    assert "one too many" in put(sessions, session, tmp_path, "3.txt", "Sword. " * 5)[0][1]
    sessions.remove(session, OWN + "1.txt")
    assert "at most 900" in put(sessions, session, tmp_path, "4.txt", "Fjord. " * 100)[0][1]
    other, _ = sessions.enter("")
    assert "holds as much as it can" in put(sessions, other, tmp_path, "5.txt", "Bored. " * 100)[0][1]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [("run.exe", b"MZ", "kind that is not read"), ("x.txt", b"\0\1\2", "binary"), ("e.txt", b"", "empty"),
     ("p.pdf", b"%PDF-1.4 broken", ""), ("noname", b"text", "kind that is not read")],
)  # fmt: skip
def test_bad_file_gets_a_clear_message(
    make: Callable[..., Sessions], tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    sessions = make()
    session, _ = sessions.enter("")
    path = tmp_path / name
    path.write_bytes(content)
    ((shown, reason),) = sessions.add(session, path).failed
    assert shown == name
    assert why in reason
    assert str(tmp_path) not in reason
    assert session.own_articles() == []


def archive(path: Path, **members: bytes) -> Path:
    """A .zip whose members are named with "_dot_" for "."."""
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name.replace("_dot_", "."), content)
    return path


def test_each_article_of_an_archive_is_added_and_what_is_none_is_named(
    make: Callable[..., Sessions], tmp_path: Path
) -> None:
    sessions = make(files=2)
    session, _ = sessions.enter("")
    members = {"a_dot_txt": b"Herons in Tarsk.", "b_dot_md": b"Storks in Minsk.", "c_dot_jpg": b"x", "d_dot_txt": b""}
    failed, notes = sessions.add(session, archive(tmp_path / "birds.zip", **members))
    assert notes == (("birds.zip", "left out 1 file of another kind (1 .jpg)"),)
    assert [name for name, _ in failed] == ["birds.zip/d.txt"]
    assert failed[0][1].startswith("is empty")
    assert [(d.id, d.source) for d in session.own_articles()] == [
        (OWN + "birds.zip/a.txt", "birds.zip/a.txt"), (OWN + "birds.zip/b.md", "birds.zip/b.md"),
    ]  # fmt: skip
    sessions.remove(session, OWN + "birds.zip/a.txt")
    ((name, why),) = sessions.add(
        session, archive(tmp_path / "more.zip", e_dot_txt=b"Owls.", f_dot_txt=b"Rooks.")
    ).failed
    assert (name, why) == ("more.zip", "holds 2 articles; there is room for 1, remove some first")
    ((name, why),) = sessions.add(session, archive(tmp_path / "none.zip", g_dot_exe=b"x")).failed
    assert name == "none.zip"
    assert ".exe" in why


STRAY = "Álvaro López visited Tarsk. Mr ".encode() + b"Pe\xf1a" + " said it was a día bonito por la mañana.".encode()
TOLD = "1 stray byte(s) that are no UTF-8 were read as windows-1252"


@pytest.mark.parametrize("keeps", [False, True])
def test_what_to_know_of_a_file_that_was_read_is_told(
    make: Callable[..., Sessions], tmp_path: Path, keeps: bool
) -> None:
    sessions = make(tmp_path / "kept") if keeps else make()
    session, _ = sessions.enter("")
    (tmp_path / "stray.txt").write_bytes(STRAY)
    assert sessions.add(session, tmp_path / "stray.txt") == Added(notes=(("stray.txt", TOLD),))
    packed = archive(tmp_path / "birds.zip", a_dot_txt=STRAY, b_dot_txt=b"Storks in Minsk.", d_dot_txt=b"")
    failed, notes = sessions.add(session, packed)
    assert [name for name, _ in failed] == ["birds.zip/d.txt"]
    assert notes == (("birds.zip/a.txt", TOLD),)


def test_a_kept_archive_is_brought_back(make: Callable[..., Sessions], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = make(kept)
    path = archive(tmp_path / "birds.zip", a_dot_txt=b"Herons in Tarsk.", b_dot_txt=b"Storks in Minsk.")
    assert first.add(first.enter("")[0], path) == Added()
    for sessions in (first, make(kept)):
        names = [header.id.partition("-")[2] for header in sessions.bot.headers() if header.id.startswith("kept/")]
        assert names == ["birds.zip/a.txt", "birds.zip/b.txt"]


def test_a_kept_table_is_called_as_it_was_given(make: Callable[..., Sessions], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = make(kept)
    assert put(first, first.enter("")[0], tmp_path, "birds_of_tarsk.csv", "Bird,Nests\nHeron,3\nStork,1\n") == ()
    for sessions in (first, make(kept)):
        assert [h.title for h in sessions.bot.headers() if h.id.startswith("kept/")] == ["Birds of tarsk"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\boot.txt", "boot.txt"),
        ("a\0b.txt", "ab.txt"),
        ("CON.txt", "article-CON.txt"),
        ("nul", "article-nul"),
        ("..", "article"),
        ("", "article"),
        ("\u202egpj.txt", "gpj.txt"),
        ("a<b>.md", "ab.md"),
        ("é.txt", "é.txt"),
    ],
)
def test_name_does_no_harm(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_same_name_twice_and_same_content_twice(make: Callable[..., Sessions], tmp_path: Path) -> None:
    sessions = make()
    session, _ = sessions.enter("")
    put(sessions, session, tmp_path, "n.txt", "One text about herons.")
    put(sessions, session, tmp_path, "n.txt", "Another text about storks.")
    put(sessions, session, tmp_path, "n.txt", "One text about herons.")
    assert [d.id for d in session.own_articles()] == [OWN + "n (2).txt", OWN + "n.txt"]
    assert all("/" not in d.source for d in session.own_articles())


def test_kept_uploads_are_shared_and_on_disk(make: Callable[..., Sessions], tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    sessions = make(keep=folder)
    session, _ = sessions.enter("")
    put(sessions, session, tmp_path, "n.txt", "The heron stands in the harbour.")
    assert [file.name.endswith("-n.txt") for file in folder.iterdir()] == [True]
    assert not sessions.bot.ask("Where does the heron stand in the harbour?").abstained
    assert not make(keep=folder).bot.ask("Where does the heron stand in the harbour?").abstained
    again = Sessions(sessions.bot, keep=folder)  # a corpus that holds it already
    assert len(again.bot.documents()) == 2


def test_kept_uploads_that_were_deleted_or_removed_stay_away(tmp_path: Path) -> None:
    bot, folder = make_bot(), tmp_path / "kept"
    sessions = Sessions(bot, keep=folder)
    for name in ("deleted.txt", "removed.txt", "stays.txt"):
        assert put(sessions, sessions.enter("")[0], tmp_path, name, f"The heron is {name}.") == ()
    bot.add_documents([make_document("kept/report.txt", "Of a folder that is elsewhere.")])
    next(folder.glob("*deleted.txt")).unlink()
    bot.remove(next(header.id for header in bot.headers() if "removed" in header.id))
    for _ in range(2):
        Sessions(bot, keep=folder)
        assert [h.id.rpartition("-")[2] for h in bot.headers()] == ["stays.txt", "kept/report.txt"]


def test_questions_are_answered_while_a_file_is_read(
    make: Callable[..., Sessions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, go_on, read = Page(make(), [], None), threading.Event(), read_file

    def slowly(*given: Any, **more: Any) -> Any:
        go_on.wait(20)
        return read(*given, **more)

    monkeypatch.setattr("rag.serve.page.sessions.read_file", slowly)
    session, _ = page.sessions.enter("")
    (tmp_path / "n.txt").write_text("The heron stands in the harbour.", encoding="utf-8")
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(list, page.collection.upload([str(tmp_path / "n.txt")], session.token))
        time.sleep(0.1)
        try:
            answer = page.submit(lambda: session.take(Exchange("?", None, "Told."), 0))
            assert answer.result(5) is None
        finally:
            go_on.set()
        uploading.result(20)
    assert [header.id for header in session.own_articles()] == [OWN + "n.txt"]


def test_kept_uploads_have_an_end(make: Callable[..., Sessions], tmp_path: Path) -> None:
    sessions = make(keep=tmp_path / "kept", kept_megabytes=0.0001)
    session, _ = sessions.enter("")
    assert put(sessions, session, tmp_path, "n.txt", "The heron stands in the harbour.") == ()
    ((name, why),) = put(sessions, session, tmp_path, "m.txt", "The stork stands on the roof. " * 4)
    assert (name, why) == ("m.txt", "does not fit, the server keeps at most 0.0001 MB")
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_a_full_disk_keeps_no_half_of_an_upload(
    make: Callable[..., Sessions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"The heron st")
        raise OSError(errno.ENOSPC, "No space left on device")

    sessions = make(keep=tmp_path / "kept")
    session, _ = sessions.enter("")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", full)
        ((name, why),) = put(sessions, session, tmp_path, "n.txt", "The heron stands in the harbour.")
    assert (name, why) == ("n.txt", "could not be stored (No space left on device); tell whoever runs this server")
    assert list((tmp_path / "kept").iterdir()) == []
    assert put(sessions, session, tmp_path, "n.txt", "The heron stands in the harbour.") == ()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_for_complaints_is_said(tmp_path: Path) -> None:
    with pytest.raises(RagError, match="No space left on device"):
        feedback.append({"id": "x"}, Path("/dev/full"))
    (tmp_path / "file").touch()
    with pytest.raises(RagError, match="could not be kept"):
        feedback.append({"id": "x"}, tmp_path / "file" / "feedback.jsonl")


def test_a_clock_that_jumps_ends_no_session(
    make: Callable[..., Sessions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = FakeBot([document("a.txt", "The minister arrived in Minsk on Monday.")])
    sessions = Sessions(bot)
    session, _ = sessions.enter("", "page")
    put(sessions, session, tmp_path, "n.txt", "The heron stands in the harbour.")
    now = time.time()
    for jump in (-400 * 86400, 400 * 86400):
        monkeypatch.setattr("time.time", lambda jump=jump: now + jump)
        sessions.sweep()
        assert sessions.find(session.token) is session
        assert not sessions.asker(session).ask("Where does the heron stand in the harbour?").abstained


# --- keeping ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def talk() -> list[Exchange]:
    bot = FakeBot(
        [
            document("h.txt", HOSTILE, "![t](x)", "2031-09-01"),
            document("b.txt", "The harvest of 2031 was thirty tonnes."),
        ]
    )
    asked = ["harvest 2031 differ", "<b>Who?</b>"]
    return [*(Exchange(q, bot.ask(q)) for q in asked), Exchange("", None, "The question is empty.")]


def test_conversation_makes_the_round_trip_through_a_browser(talk: list[Exchange]) -> None:
    there = json.loads(json.dumps(records.kept(talk)))
    back = records.restored(there)
    assert [e.question for e in back] == [e.question for e in talk]
    assert back[0].answer is not None
    assert talk[0].answer is not None
    assert back[0].answer.citations[0].quote == talk[0].answer.citations[0].quote
    assert back[0].answer.accounts == talk[0].answer.accounts
    assert records.kept(back) == records.kept(talk)
    assert "/secret/" not in json.dumps(there)


def test_what_came_from_own_articles_is_kept_by_no_browser(talk: list[Exchange]) -> None:
    bot = FakeBot([document(OWN + "secret.txt", "The codeword of the harbour is heron.")])
    private = [Exchange(q, bot.ask(q)) for q in ("What is the codeword of the harbour?", "And of the tower?")]
    private.append(Exchange("All", overview=bot.overview()))
    assert records.kept([*private, *talk]) == records.kept(talk)


@pytest.mark.parametrize("broken", [None, "x", [1], [{}], [{"question": 1, "answer": None, "problem": ""}],
                                    [{"question": "q", "answer": {"text": "t"}, "problem": ""}]])  # fmt: skip
def test_what_a_browser_kept_is_checked(broken: object) -> None:
    assert records.restored(broken) == []


def test_json_export_holds_every_citation_exactly(talk: list[Exchange]) -> None:
    made = json.loads(export.as_json(records.kept(talk)))
    (first, second, third) = made["exchanges"]
    citation = first["answer"]["citations"][0]
    assert (HOSTILE + "The harvest of 2031 was thirty tonnes.").count(citation["quote"]) >= 1
    assert second["answer"]["abstained"] is True
    assert third["problem"] == "The question is empty."


def test_markdown_export_makes_footnotes_of_markers_and_text_of_all_else(talk: list[Exchange]) -> None:
    from markdown_it import MarkdownIt

    made = export.as_markdown(talk)
    assert "[^1]" in made
    assert "\n[^1]: " in made
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(made)
    for tag in ("<script", "<img", "<a ", "<b>", "<style", "javascript:alert(1)</a"):
        assert tag not in html


@pytest.mark.parametrize(
    ("wrong", "answerable"), [("answer", True), ("citation", True), ("missed", True), ("unanswerable", False)]
)
def test_complaint_becomes_an_evaluation_case(
    talk: list[Exchange], tmp_path: Path, wrong: str, answerable: bool
) -> None:
    from eval.datasets import load

    answer = talk[0].answer
    assert answer is not None
    path = tmp_path / "deep" / "feedback.jsonl"
    for remark in ("forty\ntonnes", ""):
        feedback.append(feedback.case(answer, ["Earlier?"], wrong, remark), path)
    questions = load(path, tmp_path).questions
    assert [q.answerable for q in questions] == [answerable] * 2
    assert questions[0].question == answer.question
    assert questions[0].history == ("Earlier?",)
    assert len({q.id for q in questions}) == 2


def test_complaint_of_no_known_kind_and_full_file(talk: list[Exchange], tmp_path: Path) -> None:
    answer = talk[0].answer
    assert answer is not None
    with pytest.raises(RagError, match="no known complaint"):
        feedback.case(answer, [], "../../x")
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"0123456789")
    with pytest.raises(RagError, match="full"):
        feedback.append(feedback.case(answer, [], "answer"), path, most=10)
    assert path.read_bytes() == b"0123456789"


def test_what_is_asked_before_the_page_is_open_is_not_told_that_its_session_has_ended(
    make: Callable[..., Sessions],
) -> None:
    sessions = make()
    with pytest.raises(RagError, match="still being opened"):
        sessions.find("")
    with pytest.raises(RagError, match="has ended"):
        sessions.find("gone")
