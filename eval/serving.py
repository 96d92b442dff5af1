"""Many programs at once against `rag serve`: `python -m eval.serving --clients 20 --minutes 5`.

Starts a server of its own on the five articles and lets clients ask over /api/ask and, every other time, over the
OpenAI dialect with streaming. No request may fail, and the server's memory may not grow after the first fifth.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from http.client import HTTPException
from typing import Annotated

import typer

from eval import command
from eval.load import GROWTH, median, megabytes, pick, server


def ask(address: str, question: str, streamed: bool) -> str:
    """What is wrong with the answer to a question; empty when nothing is."""
    message = {"role": "user", "content": question}
    path, body = (
        ("/v1/chat/completions", {"model": "articles", "stream": True, "messages": [message]})
        if streamed
        else ("/api/ask", {"question": question})
    )
    request = urllib.request.Request(
        address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            text = answer.read().decode()
        whole = text.rstrip().endswith("data: [DONE]") if streamed else bool(json.loads(text)["text"])
    except (OSError, HTTPException, ValueError, KeyError) as error:
        return f"{path}: {error!r}"
    return "" if whole else f"{path}: cut off"


def main(
    clients: Annotated[int, typer.Option(min=1, help="Programs at once.")] = 20,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long they ask.")] = 5.0,
) -> None:
    """Print the figures; exit with 3 when a demand is not met."""
    questions = pick(100)
    seconds: list[float] = []
    failures: list[str] = []
    with server() as (address, pid):
        end = time.monotonic() + 60 * minutes

        def client(number: int) -> None:
            turn = number
            while time.monotonic() < end:
                start = time.monotonic()
                wrong = ask(address, questions[turn % len(questions)], streamed=turn % 2 == 1)
                seconds.append(time.monotonic() - start)
                failures.extend([wrong] if wrong else [])
                turn += 7

        threads = [threading.Thread(target=client, args=(i,)) for i in range(clients)]
        for thread in threads:
            thread.start()
        time.sleep(12 * minutes)
        early = megabytes(pid)
        for thread in threads:
            thread.join()
        late = megabytes(pid)
    passed = {"no request failed": not failures, "memory does not grow": late - early <= GROWTH}
    figures = {
        "clients": clients,
        "minutes": minutes,
        "answered": len(seconds),
        "failures": failures[:10],
        "median_seconds": median(seconds),
        "slowest_seconds": round(max(seconds), 3),
        "megabytes_after_a_fifth": round(early, 1),
        "megabytes_at_end": round(late, 1),
        "passed": passed,
    }
    print(json.dumps(figures, indent=2))
    if not all(passed.values()):
        raise typer.Exit(command.UNMET)


if __name__ == "__main__":
    command.run(main)
