"""Load test of the chat over its real API: `python -m eval.load`.

Starts a server of its own on the five articles, then, as Gradio clients with sessions of their own:

1. one session asks 10 questions, for the time of a single user;
2. 20 sessions at once add an article with a code word of their own and ask 10 questions each, the code word first,
   so that every later reply shows whose history it holds. None may fail or see another's history or article; the
   median must stay within 1.5 times the single-user time multiplied by the queue's depth (as many questions wait as
   there are sessions);
3. one session asks on until the server has answered 500 questions; its memory must not grow.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from eval import command
from eval.datasets import spread
from eval.sets import SetName, own

START_SECONDS = 180
GROWTH = 64.0
"""Megabytes that the server may gain between the end of the 20 sessions and the last question."""


@dataclass(slots=True)
class Outcome:
    """What one session saw: seconds of each question, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Visitor:
    """One browser session, through the endpoints that the page itself calls."""

    def __init__(self, address: str, number: int) -> None:
        from gradio_client import Client

        self.number = number
        self.asked = 0
        self.word = f"zephyrine{number:03d}"
        self._client = Client(address, verbose=False)
        self._token = self._client.predict([], "", api_name="/page_enter")[0]

    def add_article(self, folder: Path) -> None:
        """Add an article that nobody else has."""
        from gradio_client import handle_file

        path = folder / f"visitor{self.number}.txt"
        path.write_text(f"The code word of visitor {self.number} is {self.word}.\n", encoding="utf-8")
        self._client.predict([handle_file(str(path))], self._token, api_name="/page_upload")

    def ask(self, question: str) -> str:
        """Everything that the page is sent for a question, as one text."""
        from rag.serve.page.handlers import OWN_WORDS

        self.asked += 1
        asked = json.dumps({"question": question, "alone": False})
        return json.dumps(self._client.predict(asked, self._token, OWN_WORDS, api_name="/page_ask"))


def run_session(visitor: Visitor, questions: list[str], others: set[str]) -> Outcome:
    """Ask for the session's own code word and then the questions; see that nothing of others comes back."""
    outcome = Outcome()
    asked = [f"What is the code word of visitor {visitor.number}?", *questions]
    for number, question in enumerate(asked, start=1):
        start = time.perf_counter()
        try:
            seen = visitor.ask(question)
        except Exception as error:  # every failure is reported, whatever its kind
            outcome.failures.append(f"{question}: {error}")
            continue
        outcome.seconds.append(time.perf_counter() - start)
        strangers = set(re.findall(r"zephyrine\d{3}", seen)) & others
        if strangers:
            outcome.failures.append(f"{question}: saw {', '.join(sorted(strangers))} of other sessions")
        if visitor.word not in seen:
            outcome.failures.append(f"{question}: its own article or history is missing")
        if seen.count("<article ") != visitor.asked:
            outcome.failures.append(f"{question}: reply {number} does not hold the session's own questions alone")
        if "Something went wrong" in seen:
            outcome.failures.append(f"{question}: an error inside")
    return outcome


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(match.group(1)) / 1024 if match else 0.0


@contextlib.contextmanager
def server() -> Iterator[tuple[str, int]]:
    """A server in a process of its own: its address and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    called = [sys.executable, "-m", "rag.cli", "serve", "--corpus", "seeds", "--port", str(port)]
    process = subprocess.Popen(
        called, env={**os.environ, "RAG_RATE": "0"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(START_SECONDS):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
                break
            except OSError:
                time.sleep(1)
        else:
            raise SystemExit("the server did not start; run `rag serve` to see why")
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(30)


def pick(count: int) -> list[str]:
    """At most so many questions of the fixed set that stand alone, evenly spread over it."""
    return list(spread([q.question for q in own(SetName.fixed).questions if not q.history], count))


def median(seconds: Sequence[float]) -> float | None:
    """To the millisecond; None where every question failed."""
    return round(statistics.median(seconds), 3) if seconds else None


def measure(sessions: int, each: int, total: int) -> dict[str, Any]:
    """The figures, with `passed` for each demand."""
    questions = pick(each - 1)
    each = len(questions) + 1
    with server() as (address, pid), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = {f"zephyrine{i:03d}" for i in range(sessions + 1)}

        def enter(number: int) -> Visitor:
            visitor = Visitor(address, number)
            visitor.add_article(folder)
            return visitor

        first = enter(0)
        first.ask(questions[0])  # models warm up
        single = run_session(first, questions, words - {first.word})
        visitors = [enter(i) for i in range(1, sessions + 1)]
        start = time.perf_counter()
        with ThreadPoolExecutor(sessions) as pool:
            outcomes = list(pool.map(lambda v: run_session(v, questions, words - {v.word}), visitors))
        wall = time.perf_counter() - start
        asked = each * (sessions + 1) + 1
        early = megabytes(pid)
        many = pick(max(1, min(total - asked, 100)))
        failures = [f for outcome in [single, *outcomes] for f in outcome.failures]
        while asked < total:
            try:
                first.ask(many[asked % len(many)])
            except Exception as error:
                failures.append(str(error))
            asked += 1
        late = megabytes(pid)
    alone, together = median(single.seconds), median([s for o in outcomes for s in o.seconds])
    limit = None if alone is None else 1.5 * alone * sessions
    return {
        "sessions": sessions,
        "questions_each": each,
        "answered": asked,
        "failures": failures,
        "single_user_median_seconds": alone,
        "loaded_median_seconds": together,
        "limit_seconds": limit and round(limit, 3),
        "questions_per_second": round(each * sessions / wall, 2),
        "megabytes_after_load": round(early, 1),
        "megabytes_at_end": round(late, 1),
        "passed": {
            "none failed and none saw another's": not failures,
            "median within 1.5 x single user x depth": together is not None and limit is not None and together <= limit,
            "memory does not grow": late - early <= GROWTH,
        },
    }


def main(
    sessions: Annotated[int, typer.Option(min=1, help="Sessions at once.")] = 20,
    questions: Annotated[int, typer.Option(min=2, help="Questions of each session.")] = 10,
    total: Annotated[int, typer.Option(min=1, help="Questions in all, for the memory.")] = 500,
) -> None:
    """Print the figures; exit with 3 when a demand is not met."""
    made = measure(sessions, questions, total)
    print(json.dumps(made, indent=2, ensure_ascii=False))
    if not all(made["passed"].values()):
        raise typer.Exit(command.UNMET)


if __name__ == "__main__":
    command.run(main)
