"""How the commands of the evaluation end: what a person can mend is one line and exit code 2.

Exit code 1 is Python's own, of an error that nobody foresaw.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from eval.datasets import DatasetError
from rag.errors import RagError

UNMET = 3
"""Exit code where all was measured, and a bound, a comparison or another demand was not met."""


def run(main: Callable[..., object]) -> None:
    """Call a function with typed options as a command."""
    try:
        typer.run(main)
    except (DatasetError, RagError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
