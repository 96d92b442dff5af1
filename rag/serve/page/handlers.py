"""What the page's events call. What is shown is made in `rag.present`, what is held in `sessions`."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from rag.asking import MAX_QUESTION
from rag.errors import RagError
from rag.present import export, html, overview
from rag.present.html import Exchange
from rag.present.listing import Listing
from rag.present.text import unsaid
from rag.present.words import gettext as _
from rag.present.words import noted
from rag.serve.failures import failure
from rag.serve.limits import at_once
from rag.serve.page import feedback
from rag.serve.page.collection import Collection, Values
from rag.serve.page.examples import example_questions
from rag.serve.page.kept import kept, restored
from rag.serve.page.programs import guarded, question_text
from rag.serve.page.progress import WAITING, Progress
from rag.serve.page.sessions import Session, Sessions

SAMPLED = 50
"""Articles, spread over all of them, in which example questions are looked for."""
OWN_WORDS = noted("The articles' own words")


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
        self.collection = Collection(sessions, self.run)

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """Have `work` run on the threads of the models, in the language of whoever asks."""
        return self._threads.submit(copy_context().run, work)

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
                session.exchanges = restored(keeping)
                session.shown = len(session.exchanges) - 1 if session.exchanges else None
            session.listing = Listing()  # what the page's empty form says
            return (
                session.token,
                self.collection.header(),
                self._log(session),
                self._sources(session),
                self.collection.listed(session),
                self.collection.own(session),
                self.collection.filters(session),
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
        """Forget the conversation, and stop what is being answered in it; own articles stay."""
        session = guarded(lambda: self.sessions.find(token))
        with session.lock:
            session.forget()
            return self._log(session), "", self._sources(session), [], _("The conversation is cleared.")

    # --- asking ------------------------------------------------------------------------------------------------------

    def begin(self, question: str, token: str) -> Values:
        """Show at once that a question has been taken."""
        return html.pending(question, WAITING), "", self._taken(token, question=question)

    def begin_overview(self, topic: str, token: str) -> Values:
        """The same for an overview; without a topic, of all the articles."""
        topic = topic.strip()
        return html.pending(overview.heading(topic), WAITING), "", self._taken(token, question=topic, overview=True)

    def begin_event(self, token: str, event: gr.EventData) -> Values:
        """The same out of the conversation: for an example, a question put differently, or an overview."""
        if event._data.get("overview"):
            begun, _, asked = self.begin_overview("", token)
        else:
            question = str(event._data.get("question") or "")
            begun, asked = html.pending(question, WAITING), self._taken(token, question=question, alone=True)
        return begun, gr.skip(), asked

    def _taken(self, token: str, **asked: Any) -> str:
        """What `ask` is given, with the conversation that it belongs to: it may have to wait for its turn."""
        with suppress(RagError):  # a session that has ended; `ask` says so
            asked["conversation"] = self.sessions.find(token).conversation
        return json.dumps(asked)

    def ask(self, asked: str, token: str, words: str) -> Iterator[Values]:
        """Answer what `begin` took, telling the stages and what a language model writes; the last values hold it."""
        begun = _Begun.read(asked)
        try:
            session = self.sessions.find(token)
        except RagError as error:
            yield self._done(None, Exchange(begun.heading, None, str(error)))
            return
        generate = words != OWN_WORDS and not begun.overview
        progress = Progress(begun.heading, can_stop=generate and self.sessions.bot.generator is not None)
        outcome: list[Exchange] = []
        conversation = session.conversation if begun.conversation is None else begun.conversation

        def wanted() -> bool:
            return session.conversation == conversation

        def work() -> None:
            try:
                if wanted():
                    outcome.append(self._exchange(session, begun, generate, progress, wanted))
                    session.take(outcome[0], conversation)  # here, for the page that asked may have gone meanwhile
            finally:
                progress.told.put(None)

        with session.lock:
            future = self.submit(work)
            if wanted():
                session.progress, session.running = progress, future
        while (shown := progress.told.get()) is not None:
            if wanted():
                yield (gr.skip(), shown, *(gr.skip(),) * 4)
        future.result()
        yield self._done(session, outcome[0]) if wanted() else (gr.skip(), "", *(gr.skip(),) * 4)

    def stop(self, token: str) -> None:
        """End the language model that writes for a session; what is checked of it stays."""
        guarded(lambda: self.sessions.find(token)).progress.stopped.set()

    def _exchange(
        self, session: Session, begun: _Begun, generate: bool, progress: Progress, wanted: Callable[[], bool]
    ) -> Exchange:
        heading, scope = begun.heading, self.collection.scope_words(session)
        try:
            asker = self.sessions.asker(session)
            if session.scope:
                asker = asker.within(session.scope)
            if begun.overview:
                progress.stage(overview.LOOKING)
                return Exchange(heading, overview=asker.overview(begun.question or None), scope=scope)
            asked, history = question_text(begun.question), [] if begun.alone else session.history()

            def stopped() -> bool:
                return progress.stopped.is_set() or not wanted()

            answer = asker.ask(asked, history, progress.stage, generate, stopped, progress.answer)
            return Exchange(heading, answer, scope=scope)
        except RagError as error:
            return Exchange(heading[:MAX_QUESTION], None, _sentence(str(error)))
        except Exception as error:
            return Exchange(heading[:MAX_QUESTION], None, failure(error))

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
                gr.Tabs(selected="sources") if exchange.came is not None else gr.skip(),
            )

    # --- sources ----------------------------------------------------------------------------------------------------

    def select(self, token: str, event: gr.EventData) -> Values:
        """The sources of an earlier answer."""
        session = guarded(lambda: self.sessions.find(token))
        with session.lock:
            exchange = self._of(session, event)
            if exchange is not None and exchange.came is not None:
                session.shown = int(event._data["turn"])
            return self._sources(session), gr.Tabs(selected="sources")

    # --- keeping -----------------------------------------------------------------------------------------------------

    def as_markdown(self, token: str) -> str:
        """The conversation as Markdown."""
        return export.as_markdown(guarded(lambda: self.sessions.find(token)).exchanges)

    def as_json(self, token: str) -> str:
        """The conversation as JSON."""
        return export.as_json(kept(guarded(lambda: self.sessions.find(token)).exchanges))

    def complain(self, token: str, event: gr.EventData) -> str:
        """Append a complaint to the feedback file; what to tell the person."""
        session = guarded(lambda: self.sessions.find(token))
        exchange = self._of(session, event)
        answer = None if exchange is None else exchange.answer
        if answer is None:
            return _("That answer is no longer here.")
        turn = int(event._data["turn"])
        earlier = [e.question for e in session.exchanges[:turn] if e.answer is not None][-6:]
        wrong, remark = str(event._data.get("wrong") or ""), str(event._data.get("remark") or "")
        guarded(lambda: feedback.append(feedback.case(answer, earlier, wrong, remark), self.feedback_to))
        return _("Thank you. It is kept for review.")

    # --- inside ------------------------------------------------------------------------------------------------------

    def _log(self, session: Session) -> str:
        if session.exchanges:
            return html.conversation(session.exchanges, session.shown)
        return html.welcome(self.sessions.bot.count(), self._examples)

    def _sources(self, session: Session) -> str:
        number = session.shown
        exchange = None if number is None else session.exchanges[number]
        return html.sources(number or 0, exchange, lambda i: self.sessions.article(session, i))

    def _of(self, session: Session, event: gr.EventData) -> Exchange | None:
        """The exchange that an event is about."""
        turn = event._data.get("turn")
        known = isinstance(turn, int) and not isinstance(turn, bool) and 0 <= turn < len(session.exchanges)
        return session.exchanges[turn] if known else None


@dataclass(frozen=True, slots=True)
class _Begun:
    """What has been taken and waits: a question, `alone` where it is read without what went before, or a topic.

    `conversation` is the session's that it belongs to, by number; None for the one that is held when its turn comes.
    """

    question: str = ""
    alone: bool = False
    overview: bool = False
    conversation: int | None = None

    @classmethod
    def read(cls, value: str) -> _Begun:
        """What the page sends; the malformed is an empty question."""
        try:
            made = json.loads(value)
            flags = made.get("alone") is True, made.get("overview") is True
            return cls(str(made["question"]), *flags, made.get("conversation"))
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    @property
    def heading(self) -> str:
        """What stands above what comes back."""
        return overview.heading(self.question) if self.overview else self.question


def _spoken(exchange: Exchange) -> str:
    """What a screen reader is told when an answer has come."""
    answer = exchange.answer
    if exchange.overview is not None:
        return overview.spoken(exchange.overview)
    if answer is None:
        return exchange.problem
    if answer.abstained:
        return unsaid(answer)
    return _("Answer: %(answer)s. %(percent)s sure, %(count)d cited.") % {
        "answer": answer.short_answer,
        "percent": html.percent(answer.confidence),
        "count": len(answer.citations),
    }


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", "!", "?")) else ".")
