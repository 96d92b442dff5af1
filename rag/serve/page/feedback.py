"""A complaint about an answer becomes a line in the fixed set's format, to be reviewed and moved into it."""

from __future__ import annotations

import datetime
import json
import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from rag.errors import RagError
from rag.places import home
from rag.present.html import COMPLAINTS
from rag.present.words import gettext as _
from rag.serve.limits import FEEDBACK_BYTES
from rag.types import Answer

_lock = threading.Lock()


def feedback_file() -> Path:
    """Where complaints are kept: RAG_FEEDBACK, else feedback.jsonl in the user's folder of indexes."""
    named = os.environ.get("RAG_FEEDBACK")
    return Path(named) if named else home() / "feedback.jsonl"


def case(answer: Answer, history: list[str], wrong: str, remark: str = "") -> dict[str, Any]:
    """An evaluation case out of a complaint.

    A wrong answer gets no accepted answers but the person's remark; a wrong citation keeps the answer and loses
    its evidence; what should have been known is answerable, what should not have been answered is not. `feedback`
    says what was shown, for the person who reviews it.

    Raises
    ------
    RagError
        `wrong` is none of the known complaints.
    """
    if wrong not in COMPLAINTS:
        raise RagError(f"{wrong[:40]!r} is no known complaint; expected one of {', '.join(COMPLAINTS)}")
    remark = " ".join(remark.split())[:1000]
    keeps = wrong == "citation"
    evidence = [{"document_id": c.document_id, "quote": c.quote} for c in answer.citations] if wrong == "answer" else []
    return {
        "id": f"feedback-{secrets.token_hex(4)}",
        "type": "feedback",
        "split": "",
        "group": "",
        "question": answer.question,
        "history": history,
        "answerable": wrong != "unanswerable",
        "answers": [remark] if remark and not keeps else [answer.short_answer] if keeps and answer.short_answer else [],
        "evidence": evidence,
        "feedback": {
            "wrong": wrong,
            "remark": remark,
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "understood": answer.understood,
            "shown": answer.text,
            "short_answer": answer.short_answer,
            "confidence": round(answer.confidence, 4),
            "abstained": answer.abstained,
            "citations": [
                {"document_id": c.document_id, "start": c.start, "end": c.end, "quote": c.quote}
                for c in answer.citations
            ],
        },
    }


def append(row: dict[str, Any], path: Path | None = None, most: int = FEEDBACK_BYTES) -> Path:
    """Append a case as one line of JSON, whole or not at all; the file it went to.

    Raises
    ------
    RagError
        The file is full or cannot be written.
    """
    path = path or feedback_file()
    line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
    try:
        with _lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size + len(line) > most:
                raise RagError(_("the feedback file is full; whoever runs this should review it and make room"))
            with open(path, "ab", buffering=0) as file:
                before = file.tell()
                try:
                    while line:  # a disk that becomes full takes a part first, and refuses the rest
                        line = line[file.write(line) :]
                except OSError:
                    with suppress(OSError):
                        file.truncate(before)
                    raise
    except OSError as error:
        told = _("the feedback could not be kept (%(why)s); tell whoever runs this")
        raise RagError(told % {"why": error.strerror}) from error
    return path
