"""The README's transcript is what the command prints, and its Python example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.models
def test_the_transcript_is_what_the_command_prints() -> None:
    transcript = re.search(r"```console\n\$ rag ask \"([^\"]+)\"\n(.*?)```", README, re.DOTALL)
    assert transcript is not None
    question, expected = transcript.groups()
    command = [sys.executable, "-m", "rag.cli", "ask", question]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert _without_confidence(printed) == _without_confidence(expected)
    assert _confidence(printed) == pytest.approx(_confidence(expected), abs=5)  # processors round differently


@pytest.mark.models
def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```python\n(import rag\n.*?)```", README, re.DOTALL)
    assert example is not None
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "old.txt").write_text("The museum was closed in May 1990 for repairs of its roof.")
    (tmp_path / "articles" / "order.txt").write_text("Anna Berg received the Order of the Lion on 3 May 2021 in Oslo.")
    (tmp_path / "new.pdf").write_bytes(_pdf("The harbour of Lund was opened by the mayor."))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(example[1], names)
    bot = names["bot"]
    assert [document.id for document in bot.documents()] == ["new.pdf", "order.txt"]  # type: ignore[attr-defined]


def _confidence(text: str) -> int:
    found = re.search(r"confidence (\d+)%", text)
    assert found is not None
    return int(found[1])


def _without_confidence(text: str) -> list[str]:
    return re.sub(r"confidence \d+%", "", text).splitlines()


def _pdf(text: str) -> bytes:
    """The smallest PDF of one line of text that readers accept."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    body = b"%PDF-1.4\n"
    for number, content in enumerate(objects, start=1):
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    return body + b"trailer << /Root 1 0 R /Size 5 >>\n%%EOF\n"
