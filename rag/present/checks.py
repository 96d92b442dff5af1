"""A text and what the articles say of its sentences: as a record, counted, and as the terminal shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rag.present.text import source_lines
from rag.present.words import gettext as _
from rag.present.words import noted
from rag.types import Block, Check, Document

SIGNS = {noted("supported"): "✓", noted("contradicted"): "✗", noted("not stated"): "?", noted("no claim"): "·"}


@dataclass(slots=True)
class Checked:
    """A text that is being checked or was; `checks` are those of the first of its `sentences`."""

    document: Document
    sentences: Sequence[Block]
    checks: list[Check] = field(default_factory=list)
    state: Literal["running", "done", "stopped"] = "running"
    problem: str = ""

    def paragraphs(self) -> list[tuple[str, list[tuple[int, str, Check | None]]]]:
        """Kind and sentences of each line of the text: number, words and, where it was made, the check."""
        made: list[tuple[str, list[tuple[int, str, Check | None]]]] = []
        text, end = self.document.text, 0
        for number, place in enumerate(self.sentences):
            if not made or "\n" in text[end : place.start]:
                made.append((place.kind, []))
            check = self.checks[number] if number < len(self.checks) else None
            made[-1][1].append((number, text[place.start : place.end], check))
            end = place.end
        return made

    def summary(self) -> str:
        """The verdicts counted, and how far the check came."""
        return summary(self.checks, len(self.sentences))


def report_lines(check: Check) -> str:
    """One sentence with what the articles say of it, and where."""
    if check.verdict == "no claim":
        return f"{SIGNS[check.verdict]} {check.statement}"
    lines = [f"{SIGNS[check.verdict]} {check.verdict.upper()} ({check.probability:.0%} supported): {check.statement}"]
    for citation in check.citations:
        lines += source_lines("  -", citation)
    if check.note:
        lines.append(f"  {check.note}")
    if check.nearest:
        lines.append("  nearest, neither for nor against it:")
        for citation in check.nearest:
            lines += source_lines("  -", citation)
    return "\n".join(lines)


def counts(checks: Iterable[Check]) -> dict[str, int]:
    """How many sentences got each verdict, every verdict named."""
    found = Counter(check.verdict for check in checks)
    return {verdict: found[verdict] for verdict in SIGNS}


def summary(checks: Sequence[Check], total: int) -> str:
    """The verdicts of a text counted, and how far the check came where it did not come to the end."""
    told = ", ".join(
        _("%(count)d %(verdict)s") % {"count": count, "verdict": _(verdict)}
        for verdict, count in counts(checks).items()
    )
    if len(checks) == total:
        return f"{told}."
    stopped = _("Stopped after %(done)d of %(total)d sentences") % {"done": len(checks), "total": total}
    return f"{stopped}: {told}."


def all_stand(checks: Iterable[Check]) -> bool:
    """Whether the articles support everything that is claimed."""
    return all(check.verdict in ("supported", "no claim") for check in checks)
