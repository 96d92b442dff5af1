"""A text checked on the console: what is said of each sentence as it comes, progress beside it, Ctrl-C ends it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from rag.articles.documents import SUFFIXES, read_document, read_file
from rag.articles.drafts import pasted
from rag.articles.formats import ARCHIVE
from rag.console import printable, typed
from rag.errors import DocumentError, RagError
from rag.grounding.checking import Checks, sentences_of
from rag.present.checks import all_stand, counts, report_lines, summary
from rag.present.records import check_record
from rag.types import Check, Document

NOT_SUPPORTED = 3
"""Exit code where the articles do not support a sentence."""
INTERRUPTED = 1


def draft(given: str, max_bytes: int) -> Document:
    """The text to check: of a file, of standard input where "-" is given, else the words themselves.

    What to know of a file that was read goes to standard error.

    Raises
    ------
    RagError
        The file cannot be read, what is named is a folder or not there, or there is no text.
    """
    if given == "-":
        return pasted(typed())
    path = Path(given)
    # os.path looks up what is too long for a name, too. "drfat.md" is a name that was mistyped.
    if path.suffix.lower() in SUFFIXES or os.path.isfile(given):
        return _of_file(path, max_bytes)
    if os.path.isdir(given):
        raise RagError(f"{given} is a folder; name one file with a text")
    if path.suffix and os.path.basename(given) != given and os.path.isdir(path.parent):
        raise RagError(f"{given} does not exist")
    return pasted(given, markdown=False)


def _of_file(path: Path, max_bytes: int) -> Document:
    if path.suffix.lower() == ARCHIVE:
        return read_document(path, path.name, max_bytes)  # which refuses it: a draft is one text
    reading = read_file(path, path.name, max_bytes)
    for place, note in reading.notes:
        print(printable(f"rag: {place}: {note}"), file=sys.stderr)
    if reading.failed:
        raise DocumentError(reading.failed[0][1])
    return reading.documents[0]


def check(bot: Checks, text: Document, as_json: bool) -> tuple[dict[str, Any], int]:
    """Check a text, printing unless `as_json`; the result as one value for JSON, and the exit code."""
    from tqdm import tqdm

    places = sentences_of(text)
    done: list[Check] = []
    complete = False
    try:
        with tqdm(total=len(places), desc="checking", unit="sentence", disable=None, leave=False) as bar:
            for found in bot.check_text(text):
                done.append(found)
                if not as_json:
                    bar.write(printable(report_lines(found)), file=sys.stdout)
                bar.update()
        complete = True
    except KeyboardInterrupt:
        pass  # what was done is worth having
    if not as_json:
        print(f"\n{summary(done, len(places))}")
    made = {
        "text": text.text,
        "checks": [check_record(found) for found in done],
        "counts": counts(done),
        "complete": complete,
    }
    return made, INTERRUPTED if not complete else 0 if all_stand(done) else NOT_SUPPORTED
