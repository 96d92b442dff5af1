"""What the page's events call. What is shown is made in `render`, what is held in `sessions`."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import gradio as gr

from rag.errors import RagError
from rag.present import export, html
from rag.present.html import Exchange
from rag.serve.failures import failure
from rag.serve.limits import at_once
from rag.serve.page import feedback
from rag.serve.page.examples import example_questions
from rag.serve.page.kept import kept, restored
from rag.serve.page.programs import guarded, question_text
from rag.serve.page.sessions import OWN, WAITING, Asker, Progress, Session, Sessions, safe_name
from rag.types import Answer

Values: TypeAlias = tuple[Any, ...]
SAMPLED = 50
"""Articles, spread over all of them, in which example questions are looked for."""
ALL, ONLY_OWN = "All articles", "Only mine"
OWN_WORDS = "The articles' own words"


class Page:
    """What the events call. One for all browsers; whose turn it is says the token that each event brings."""

    def __init__(self, sessions: Sessions, examples: list[str] | None, feedback_to: Path | None) -> None:
        self.sessions = sessions
        self.feedback_to = feedback_to
        self._examples = examples
        self._trying = threading.Lock()
        # The threads of the models: one of its own for each question would cost them their pools.
        self.at_once = at_once(sessions.bot.generator is not None)
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="rag-ask")
        self.submit = self._threads.submit

    def run(self, work: Callable[[], Any]) -> Any:
        """What `work` returns, run on the threads of the models."""
        return self.submit(work).result()

    def examples(self) -> list[str]:
        """Example questions; the first to ask for them waits until they have been tried out."""
        with self._trying:
            if self._examples is None:
                headers = self.sessions.bot.headers()
                sample = headers[:: max(1, len(headers) // SAMPLED)][:SAMPLED]
                self._examples = example_questions(
                    [self.sessions.bot.document(header.id) for header in sample],
                    lambda question: self.run(lambda: self.sessions.bot.ask(question, generate=False)),
                )
            return self._examples

    # --- coming and going --------------------------------------------------------------------------------------------

    def enter(self, keeping: Any, token: str, request: gr.Request) -> Values:
        """A page opens: its conversation comes back from the server or, failing that, from the browser."""
        session, known = self.sessions.enter(str(token or ""), request.session_hash or "")
        with session.lock:
            if not known:
                # What came from articles that are gone with their session must not outlive them.
                session.exchanges = [e for e in restored(keeping) if not _is_private(e)]
                session.shown = len(session.exchanges) - 1 if session.exchanges else None
            headers = self.sessions.bot.headers()
            return (
                session.token,
                html.header(len(headers), html.dates_span(headers)),
                self._log(session),
                self._sources(session),
                html.corpus(headers),
                html.own_articles(session.own_articles()),
                gr.update(visible=bool(session.own_articles())),
                kept(session.exchanges),
                session.progress.shown if session.is_asking() else "",
            )

    async def catch_up(self, token: str) -> Values:
        """What a page that was opened, or opened again, in the middle of an answer shows when the answer is there."""
        session = guarded(lambda: self.sessions.find(token))
        if session.running is None or session.running.done():
            return (gr.skip(),) * 4
        await asyncio.wait([asyncio.wrap_future(session.running)])
        with session.lock:
            return self._log(session), "", self._sources(session), kept(session.exchanges)

    def welcome(self, token: str) -> Any:
        """The welcome with its examples, unless the conversation has begun."""
        self.examples()
        session = guarded(lambda: self.sessions.find(token))
        return gr.skip() if session.exchanges else self._log(session)

    def leave(self, request: gr.Request) -> None:
        """A page has closed."""
        self.sessions.leave(request.session_hash or "")

    def clear(self, token: str) -> Values:
        """Forget the conversation; own articles stay."""
        session = guarded(lambda: self.sessions.find(token))
        with session.lock:
            session.exchanges.clear()
            session.shown = None
            return self._log(session), self._sources(session), [], "The conversation is cleared."

    # --- asking ------------------------------------------------------------------------------------------------------

    def begin(self, question: str) -> Values:
        """Show at once that a question has been taken."""
        return html.pending(question, WAITING), "", json.dumps({"question": question, "alone": False})

    def begin_event(self, event: gr.EventData) -> Values:
        """The same for a question out of the conversation: an example, or one put differently."""
        question = str(event._data.get("question") or "")
        alone = bool(event._data.get("alone"))
        return html.pending(question, WAITING), gr.skip(), json.dumps({"question": question, "alone": alone})

    def ask(self, asked: str, token: str, scope: str, words: str) -> Iterator[Values]:
        """Answer what `begin` took, telling the stages and what a language model writes; the last values hold it."""
        question, alone = _asked(asked)
        try:
            session = self.sessions.find(token)
        except RagError as error:
            yield self._done(None, Exchange(question, None, str(error)))
            return
        generate = words != OWN_WORDS
        progress = Progress(question, can_stop=generate and self.sessions.bot.generator is not None)
        outcome: list[Exchange] = []

        def work() -> None:
            try:
                outcome.append(self._exchange(session, question, alone, scope, generate, progress))
                session.take(outcome[0])  # here, for the page that asked may have gone meanwhile
            finally:
                progress.told.put(None)

        session.progress = progress
        session.running = future = self.submit(work)
        while (shown := progress.told.get()) is not None:
            yield (gr.skip(), shown, *(gr.skip(),) * 4)
        future.result()
        yield self._done(session, outcome[0])

    def stop(self, token: str) -> None:
        """End the language model that writes for a session; what is checked of it stays."""
        guarded(lambda: self.sessions.find(token)).progress.stopped.set()

    def _exchange(
        self, session: Session, question: str, alone: bool, scope: str, generate: bool, progress: Progress
    ) -> Exchange:
        try:
            asker: Asker = self.sessions.asker(session, only_own=scope == ONLY_OWN)
            history = [] if alone else session.history()
            stopped = progress.stopped.is_set
            asked = question_text(question)
            return Exchange(question, asker.ask(asked, history, progress.stage, generate, stopped, progress.answer))
        except RagError as error:
            return Exchange(question[:2000], None, _sentence(str(error)))
        except Exception as error:
            return Exchange(question[:2000], None, failure(error))

    def _done(self, session: Session | None, exchange: Exchange) -> Values:
        if session is None:
            return html.conversation([exchange], None), "", gr.skip(), gr.skip(), exchange.problem, gr.skip()
        with session.lock:
            return (
                self._log(session),
                "",
                self._sources(session),
                kept(session.exchanges),
                _spoken(exchange),
                gr.Tabs(selected="sources") if exchange.answer is not None else gr.skip(),
            )

    # --- sources and articles ----------------------------------------------------------------------------------------

    def select(self, token: str, event: gr.EventData) -> Values:
        """The sources of an earlier answer."""
        session = guarded(lambda: self.sessions.find(token))
        with session.lock:
            if self._answer(session, event) is not None:
                session.shown = int(event._data["turn"])
            return self._sources(session), gr.Tabs(selected="sources")

    def open(self, token: str, event: gr.EventData) -> str:
        """The whole article, with the places that the shown answer quotes."""
        data = event._data

        def find() -> str:
            session = self.sessions.find(token)
            document = self.sessions.article(session, str(data.get("document")))
            if document is None:
                raise RagError("that article is no longer here; it was removed or its session has ended")
            answer = None if session.shown is None else session.exchanges[session.shown].answer
            cited = () if answer is None else answer.citations
            places = [(c.start, c.end) for c in cited if c.document_id == document.id]
            return html.article(document, places, (_number(data.get("start")), _number(data.get("end"))))

        return guarded(find)

    def upload(self, files: list[str] | None, token: str) -> Iterator[Values]:
        """Index files with progress; those that cannot be read are named, the rest goes on."""
        session = guarded(lambda: self.sessions.find(token))
        paths = [Path(file) for file in files or []]
        failed: list[tuple[str, str]] = []
        done = 0
        yield self._own(session, failed, f"Reading 1 of {len(paths)}…"), gr.skip(), None, gr.skip(), gr.skip(), ""
        for path in paths:
            try:
                failed += self.run(partial(self.sessions.add, session, path))
            except Exception as error:
                failed.append((safe_name(path.name), failure(error)))
            done += 1
            if done < len(paths):
                told = f"Reading {done + 1} of {len(paths)}…"
                yield self._own(session, failed, told), *(gr.skip(),) * 5
        good = done - len(failed)
        news = f"{good} of {done} {'article' if done == 1 else 'articles'} added."
        yield (*self._articles(session, failed), news)

    def remove(self, token: str, event: gr.EventData) -> Values:
        """Remove one of the session's own articles."""
        session = guarded(lambda: self.sessions.find(token))
        guarded(lambda: self.sessions.remove(session, str(event._data.get("document"))))
        return (*self._articles(session, []), "Removed.")

    def _articles(self, session: Session, failed: list[tuple[str, str]]) -> Values:
        headers = self.sessions.bot.headers()
        return (
            self._own(session, failed),
            gr.update(visible=bool(session.own_articles())),
            None,
            html.corpus(headers),
            html.header(len(headers), html.dates_span(headers)),
        )

    def _own(self, session: Session, failed: list[tuple[str, str]], progress: str = "") -> str:
        return html.own_articles(session.own_articles(), failed, progress)

    # --- keeping -----------------------------------------------------------------------------------------------------

    def as_markdown(self, token: str) -> str:
        """The conversation as Markdown."""
        return export.as_markdown(guarded(lambda: self.sessions.find(token)).exchanges)

    def as_json(self, token: str) -> str:
        """The conversation as JSON."""
        return export.as_json(guarded(lambda: self.sessions.find(token)).exchanges)

    def complain(self, token: str, event: gr.EventData) -> str:
        """Append a complaint to the feedback file; what to tell the person."""
        session = guarded(lambda: self.sessions.find(token))
        answer = self._answer(session, event)
        if answer is None:
            return "That answer is no longer here."
        turn = int(event._data["turn"])
        earlier = [e.question for e in session.exchanges[:turn] if e.answer is not None][-6:]
        wrong, remark = str(event._data.get("wrong") or ""), str(event._data.get("remark") or "")
        guarded(lambda: feedback.append(feedback.case(answer, earlier, wrong, remark), self.feedback_to))
        return "Thank you. It is kept for review."

    # --- inside ------------------------------------------------------------------------------------------------------

    def _log(self, session: Session) -> str:
        if session.exchanges:
            return html.conversation(session.exchanges, session.shown)
        return html.welcome(self.sessions.bot.count(), self._examples)

    def _sources(self, session: Session) -> str:
        number = session.shown
        answer = None if number is None else session.exchanges[number].answer
        return html.sources(number or 0, answer, lambda i: self.sessions.article(session, i))

    def _answer(self, session: Session, event: gr.EventData) -> Answer | None:
        turn = _number(event._data.get("turn"), -1)
        return session.exchanges[turn].answer if 0 <= turn < len(session.exchanges) else None


def _is_private(exchange: Exchange) -> bool:
    answer = exchange.answer
    if answer is None:
        return False
    used = [c.document_id for c in answer.citations] + [p.chunk.document_id for p in answer.passages]
    return any(document_id.startswith(OWN) for document_id in used)


def _asked(value: str) -> tuple[str, bool]:
    """The question, and whether it is to be read without what went before."""
    try:
        made = json.loads(value)
        return str(made["question"]), bool(made["alone"])
    except (ValueError, TypeError, KeyError):
        return "", True


def _spoken(exchange: Exchange) -> str:
    """What a screen reader is told when an answer has come."""
    answer = exchange.answer
    if answer is None:
        return exchange.problem
    if answer.abstained:
        return answer.text
    return f"Answer: {answer.short_answer}. {html.percent(answer.confidence)} sure, {len(answer.citations)} cited."


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", "!", "?")) else ".")


def _number(value: Any, default: int = 0) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
