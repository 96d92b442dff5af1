"""Text that comes from outside, as models and indexes can read it."""

from __future__ import annotations


def readable(text: str) -> str:
    """Text without what no UTF-8 holds: bytes that Python kept as surrogates are decoded or replaced, other lone
    surrogates are replaced, null characters become spaces."""
    try:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", " ")
