"""An Answer in OpenAI's dialect: text with readable footnotes, and the same citations as annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from rag.present.records import answer_record
from rag.present.text import marked, nearest_lines, written_page
from rag.types import Answer, Citation

OWN_WORDS = "articles"
"""The model of the articles' own words; with a generator there is "articles+NAME" too."""


def content(answer: Answer) -> str:
    """The text with its notes and a footnote for each citation; of what is "not said", the nearest sentences."""
    said = [answer.text, *(f"({note})" for note in answer.notes)]
    footnotes = [f"[{number}] {_source(citation)}" for number, citation in enumerate(answer.citations, start=1)]
    return "\n\n".join("\n".join(lines) for lines in (said, footnotes, nearest_lines(answer)) if lines)


def _source(citation: Citation) -> str:
    date = f", {citation.date}" if citation.date else ""
    return f"{citation.title}{date}{written_page(citation)}: “{' '.join(citation.quote.split())}”"


def places(answer: Answer) -> list[dict[str, Any]]:
    """For each marker in the text its citation; indices count characters of the content."""
    made = []
    for marker in marked(answer)[1]:
        c = answer.citations[marker.number - 1]
        place = {
            "start_index": marker.start,
            "end_index": marker.end,
            "title": c.title,
            "url": f"article:{quote(c.document_id)}#char={c.start},{c.end}",
        }
        made.append({"type": "url_citation", "url_citation": place, "quote": c.quote})
    return made


def beside(answer: Answer) -> dict[str, Any]:
    """Annotations, and what the dialect has no place for, named as by `/api/ask`: clients pass over what is new."""
    record = answer_record(answer)
    told = {"certainty": record["certainty"], "doubts": record["doubts"], "nearest": record["nearest"]}
    return {"annotations": places(answer), **told}


def completion(answer: Answer, identity: str, created: int, model: str) -> dict[str, Any]:
    """The whole answer as one object."""
    message = {"role": "assistant", "content": content(answer), "refusal": None, **beside(answer)}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    head = {"id": identity, "object": "chat.completion", "created": created, "model": model}
    return {**head, "choices": [choice], "usage": usage(answer)}


def usage(answer: Answer) -> dict[str, int]:
    """Tokens that the language model took; none when the words are the articles' own."""
    total = answer.tokens_in + answer.tokens_out
    return {"prompt_tokens": answer.tokens_in, "completion_tokens": answer.tokens_out, "total_tokens": total}


def opening(identity: str, created: int, model: str) -> str:
    """The first event of a stream, sent before the answer is known."""
    return _event(identity, created, model, [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}])


def piece(text: str, identity: str, created: int, model: str) -> str:
    """An event with some more of the content."""
    return _event(identity, created, model, [{"index": 0, "delta": {"content": text}, "finish_reason": None}])


def events(answer: Answer, identity: str, created: int, model: str, with_usage: bool, sent: str = "") -> Iterator[str]:
    """The other events of a stream: word by word what follows the text sent, then what is beside it, then the end."""
    for word in re.findall(r"\s*\S+", content(answer)[len(sent) :]):
        yield piece(word, identity, created, model)
    last = {"index": 0, "delta": beside(answer), "finish_reason": "stop"}
    yield _event(identity, created, model, [last])
    if with_usage:
        yield _event(identity, created, model, [], usage=usage(answer))
    yield "data: [DONE]\n\n"


def _event(identity: str, created: int, model: str, choices: list[dict[str, Any]], **more: Any) -> str:
    head = {"id": identity, "object": "chat.completion.chunk", "created": created, "model": model}
    return f"data: {json.dumps({**head, 'choices': choices, **more}, ensure_ascii=False)}\n\n"
