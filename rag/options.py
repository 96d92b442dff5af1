"""Options that several commands of the command line share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag.language.characters import readable
from rag.scope import Scope

Corpus = Annotated[
    Path | None,
    typer.Option(help="Folder of articles or of an index. Default: what `rag index` took in, else the five articles."),
]
ReaderName = Annotated[
    str, typer.Option("--reader", help='"default", "small", "sentence", or a question-answering model.')
]
Embedding = Annotated[str, typer.Option("--embedding-model", help='"default", or a sentence-transformers model.')]
QueryPrefix = Annotated[str, typer.Option(help='What the embedding model expects before a query ("query: ").')]
PassagePrefix = Annotated[str, typer.Option(help="What it expects before a passage.")]
GeneratorName = Annotated[
    str,
    typer.Option(
        "--generator",
        envvar="RAG_GENERATOR",
        help="Language model that words the answers, each sentence checked: openai:MODEL or transformers:FOLDER.",
    ),
]
EngineName = Annotated[str, typer.Option("--engine", help='Another engine for the index: "milvus" (extra `milvus`).')]
EngineUri = Annotated[str, typer.Option("--uri", help="Where: http://HOST:19530, or a file of Milvus Lite (.db).")]
Collection = Annotated[str, typer.Option(help="What its collections' names begin with; an index each.")]
RayAddress = Annotated[
    str, typer.Option("--ray", help='Embed on a Ray cluster: its address, "auto", or "local" (extra `ray`).')
]
RayWorkers = Annotated[
    int | None, typer.Option("--workers", min=1, help="With --ray: so many. Default: one a core of the cluster.")
]
Since = Annotated[str | None, typer.Option(help="Only articles of this day or later: 2024, 2024-07 or 2024-07-03.")]
Until = Annotated[str | None, typer.Option(help="Only articles of this day or earlier.")]
Within = Annotated[list[str] | None, typer.Option("--in", help="Only this outlet, folder or article; may be repeated.")]
MaxFile = Annotated[float, typer.Option(min=0.001, help="Larger files are named and not read.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON value.")]


def scope(since: str | None, until: str | None, within: list[str] | None) -> Scope:
    """What `--since`, `--until` and `--in` choose; RagError where they make no sense."""
    return Scope(since, until, tuple(map(readable, within or ())))
