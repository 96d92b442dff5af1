"""The command line: arguments in, text out. Exit code 0 for an answer or an abstention, 1 for what a person can mend,
2 for wrong usage, 3 for a text with a sentence that the articles do not support."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import rag
from rag import options
from rag.config import Settings
from rag.console import Growing, printable, prompted_lines, steady_streams
from rag.console import as_json as json_line
from rag.errors import RagError
from rag.failures import mendable
from rag.language.characters import readable
from rag.opening import load_parts, open_bot
from rag.present.text import for_terminal, opening

if TYPE_CHECKING:
    from rag.opening import LoadParts
    from rag.pipeline import Chatbot
    from rag.types import Answer, History

DEFAULTS = Settings()

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Ask a folder of articles; every answer comes with the exact passage it stands on.",
)


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"rag {rag.__version__}")
        raise typer.Exit


@app.command()
@mendable
def index(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of articles.")],
    folder: Annotated[Path | None, typer.Option("--index", help="Where the index lies. Default: your own.")] = None,
    embedding_model: options.Embedding = "default",
    query_prefix: options.QueryPrefix = "",
    passage_prefix: options.PassagePrefix = "",
    chunk_tokens: Annotated[int, typer.Option(min=16, help="Longest passage, in tokens.")] = DEFAULTS.chunk_tokens,
    max_file_megabytes: options.MaxFile = DEFAULTS.max_file_megabytes,
    ocr: Annotated[bool, typer.Option("--ocr", help="Read pages of a PDF that are pictures (extra `ocr`).")] = False,
    engine: options.EngineName = "",
    uri: options.EngineUri = "",
    collection: options.Collection = "rag",
    ray: options.RayAddress = "",
    workers: options.RayWorkers = None,
    as_json: options.AsJson = False,
) -> None:
    """Index articles: embed what changed, drop what is gone."""
    from rag.corpus import keep_settings, manifest
    from rag.index import Elsewhere
    from rag.index_report import name_failures
    from rag.pipeline import Chatbot
    from rag.places import own_index
    from rag.sync import check_there

    check_there(paths)  # before there is an empty index, which would be asked in place of the five articles
    if workers and not ray:
        raise RagError("--workers are those of a cluster: name it, as in --ray local")
    settings = Settings(
        embedding_model, query_prefix, passage_prefix, chunk_tokens, max_file_megabytes=max_file_megabytes, ocr=ocr
    )
    parts = load_parts(context, settings)
    if engine or uri:
        Elsewhere.at(engine, uri, collection).name_in(folder or own_index(), manifest(settings, parts.embedder))
    if ray:
        from rag.models.cluster import RayEmbedder

        parts = replace(parts, embedder=RayEmbedder.start(parts.embedder, settings, ray, workers))
    bot = Chatbot.open(folder or own_index(), settings, parts)
    keep_settings(bot.index, settings)  # before the articles: an interrupted run has bound nothing that nobody knows
    report = bot.sync(paths, progress=not as_json)
    if as_json:
        typer.echo(json_line({name: getattr(report, name) for name in report.__slots__}))
        return
    name_failures(report)
    if report.failed and not bot.count():
        raise RagError("none of the files could be read; see the reasons above")
    typer.echo(f"{report} ({bot.count()} documents in {folder or own_index()})")


@app.command()
@mendable
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question.")],
    corpus: options.Corpus = None,
    history: Annotated[list[str] | None, typer.Option(help="An earlier question; oldest first.")] = None,
    reader: options.ReaderName = "default",
    generator: options.GeneratorName = "",
    mark: Annotated[
        bool, typer.Option("--mark", help="Mark the model's unsupported sentences instead of leaving them out.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show of each sentence of the model how it was checked.")
    ] = False,
    since: options.Since = None,
    until: options.Until = None,
    within: options.Within = None,
    max_file_megabytes: options.MaxFile = DEFAULTS.max_file_megabytes,
    no_server: Annotated[
        bool, typer.Option("--no-server", help="Ask in this process, even where `rag serve` serves the same index.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Answer a question from the articles, with citations, or say that they do not hold the answer.

    A `rag serve` of the same index on this machine, started with the same options, is asked where there is one.
    """
    settings = Settings(max_file_megabytes=max_file_megabytes, reader=reader, strict=not mark)
    question, earlier = readable(question), [readable(one) for one in history or []]
    scope = options.scope(since, until, within)
    if not no_server:
        from rag.places import default_corpus
        from rag.serve import neighbour
        from rag.served import Served

        served = Served.of(corpus or default_corpus(), settings, generator, context.obj)
        asked = {"question": question, "history": earlier, **asdict(scope), "explain": explain}
        if told := neighbour.ask(served, asked):
            typer.echo(json_line(told["answer"]) if as_json else printable(told["text"]))
            return
    bot = open_bot(context, corpus, settings, quiet=as_json, generator=generator).within(scope)
    if as_json:
        typer.echo(json_line(bot.ask(question, earlier).to_dict()))
        return
    _ask_aloud(bot, question, earlier, explain)


@app.command()
@mendable
def overview(
    context: typer.Context,
    topic: Annotated[
        str | None, typer.Argument(help="A person, a thing or a subject. Default: all the articles.")
    ] = None,
    corpus: options.Corpus = None,
    since: options.Since = None,
    until: options.Until = None,
    within: options.Within = None,
    max_file_megabytes: options.MaxFile = DEFAULTS.max_file_megabytes,
    as_json: options.AsJson = False,
) -> None:
    """Show what the articles hold about a topic, or in all, in a few of their own sentences, the oldest first."""
    from rag.present.overview import for_terminal

    scope = options.scope(since, until, within)
    bot = open_bot(context, corpus, Settings(max_file_megabytes=max_file_megabytes), quiet=as_json).within(scope)
    made = bot.overview(None if topic is None else readable(topic))
    typer.echo(json_line(made.to_dict()) if as_json else printable(for_terminal(made)))


@app.command()
@mendable
def chat(
    context: typer.Context,
    corpus: options.Corpus = None,
    reader: options.ReaderName = "default",
    generator: options.GeneratorName = "",
    since: options.Since = None,
    until: options.Until = None,
    within: options.Within = None,
    max_file_megabytes: options.MaxFile = DEFAULTS.max_file_megabytes,
) -> None:
    """Ask in the terminal; follow-up questions are understood. An empty line or Ctrl-D ends it."""
    from rag.types import Turn

    scope = options.scope(since, until, within)
    settings = Settings(max_file_megabytes=max_file_megabytes, reader=reader)
    bot = open_bot(context, corpus, settings, generator=generator).within(scope)
    turns: list[Turn] = []
    typer.echo(f"{bot.count()} articles. Ask; an empty line ends.")
    for line in prompted_lines("\n> "):
        question = line.strip()
        if not question:
            break
        try:
            turns.append(Turn(question, _ask_aloud(bot, question, turns)))
        except RagError as error:
            typer.echo(printable(f"rag: {error}"), err=True)


@app.command()
@mendable
def check(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help='A statement, a file with a draft, or "-" for standard input.')],
    corpus: options.Corpus = None,
    reader: options.ReaderName = "default",
    since: options.Since = None,
    until: options.Until = None,
    within: options.Within = None,
    max_file_megabytes: options.MaxFile = DEFAULTS.max_file_megabytes,
    as_json: options.AsJson = False,
) -> None:
    """Say of each sentence of a text whether the articles support, contradict or do not state it.

    Exit code 0: they support all that is claimed. 3: there is a sentence that they do not support.
    """
    from rag.draft_report import check as check_draft
    from rag.draft_report import draft

    read = draft(readable(text), int(max_file_megabytes * 1e6))
    scope = options.scope(since, until, within)
    settings = Settings(max_file_megabytes=max_file_megabytes, reader=reader)
    bot = open_bot(context, corpus, settings, quiet=as_json).within(scope)
    made, code = check_draft(bot, read, as_json)
    if as_json:
        typer.echo(json_line(made))
    if code:
        raise typer.Exit(code)


@app.command()
@mendable
def models(
    paths: Annotated[list[Path] | None, typer.Argument(help="GGUF files and folders of weights to look at.")] = None,
    test: Annotated[
        str, typer.Option("--test", metavar="GENERATOR", help="Ask this one a question about a passage of its own.")
    ] = "",
) -> None:
    """List the language models at hand, and what would leave this machine if one were asked."""
    from rag.grounding.generators import load_generator
    from rag.models_report import listed, tried

    typer.echo(tried(load_generator(test)) if test else listed(paths or []))


@app.command()
@mendable
def evaluate_reader(
    name: Annotated[str, typer.Argument(help="A question-answering model, as for --reader.")],
    questions: Annotated[int, typer.Option(min=20, help="Of each set's half, at most.")] = 300,
) -> None:
    """Fit the confidence of another reader on the question sets of a checkout; --reader then uses it."""
    try:
        from eval.reader import evaluate
    except ModuleNotFoundError as error:
        raise RagError(
            f"{error.name} is missing: this needs a checkout of the project with its question sets, and the extra "
            "`eval` (pip install -e '.[eval]')"
        ) from error
    typer.echo(f"kept in {evaluate(name, questions, typer.echo)}")


@app.command()
@mendable
def documents(
    context: typer.Context,
    corpus: options.Corpus = None,
    max_file_megabytes: options.MaxFile = DEFAULTS.max_file_megabytes,
    as_json: options.AsJson = False,
) -> None:
    """List the articles: id, date, title."""
    from rag.index import open_index
    from rag.places import is_index, own_index

    folder = corpus or own_index()  # an index at hand is listed without its models
    settings = Settings(max_file_megabytes=max_file_megabytes)
    index = open_index(folder, {}) if is_index(folder) else open_bot(context, corpus, settings, quiet=as_json)
    found = index.headers()
    if as_json:
        keys = ("id", "title", "date", "outlet", "language", "source")
        typer.echo(json_line([{key: getattr(d, key) for key in keys} for d in found]))
        return
    for document in found:
        typer.echo(printable(f"{document.id}\t{document.date or 'undated'}\t{document.title}"))


@app.command()
@mendable
def verify(corpus: options.Corpus = None) -> None:
    """Read the whole index and say whether it is undamaged; a question reads only what it needs."""
    from rag.index import Elsewhere, SqliteEngine
    from rag.places import is_index, own_index

    folder = corpus or own_index()
    if not is_index(folder):
        raise RagError(f"{folder} holds no index; name the folder of one with --corpus")
    if elsewhere := Elsewhere.of(folder):
        raise RagError(f"the index of {folder} lies in {elsewhere.uri}; only one that is a file itself is verified")
    engine = SqliteEngine.open(folder, {})
    engine.verify()
    typer.echo(f"{folder} is undamaged ({engine.count()} documents)")


@app.command()
@mendable
def remove(
    context: typer.Context,
    document_id: Annotated[str, typer.Argument(help="As `rag documents` prints it.")],
    corpus: options.Corpus = None,
    max_file_megabytes: options.MaxFile = DEFAULTS.max_file_megabytes,
) -> None:
    """Remove an article from the index. Its file is not touched."""
    open_bot(context, corpus, Settings(max_file_megabytes=max_file_megabytes)).remove(document_id)
    typer.echo(f"removed {document_id}")


@app.command()
@mendable
def serve(
    context: typer.Context,
    corpus: options.Corpus = None,
    host: Annotated[str, typer.Option(help="Address to listen on; other machines reach 0.0.0.0.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 7860,
    keep_uploads: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", file_okay=False, help="Keep added files here, for all; else they are private."),
    ] = None,
    max_file_megabytes: options.MaxFile = DEFAULTS.max_file_megabytes,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in the browser.")] = False,
    reader: options.ReaderName = "default",
    generator: options.GeneratorName = "",
    root_path: Annotated[
        str,
        typer.Option(envvar="RAG_ROOT_PATH", help='What stands before each path behind a proxy ("/rag").'),
    ] = "",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(envvar="RAG_ALLOWED_HOSTS", help="A further name that the server answers to; may be repeated."),
    ] = None,
    background: Annotated[
        bool, typer.Option("--background", help="Go on when this terminal is closed; `rag ask` is then quicker.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the server that --background started.")] = False,
) -> None:
    """Serve the chat page and the interfaces for programs. RAG_PASSWORD and RAG_USER ask for a password."""
    from rag.places import default_corpus, is_index
    from rag.served import Served

    corpus = corpus or default_corpus()
    settings = Settings(max_file_megabytes=max_file_megabytes, reader=reader)
    if background or stop:
        from rag.serve import background as process

        served = Served.of(corpus, settings, generator, context.obj)
        typer.echo(process.stopped(served) if stop else process.started(served, process.options_of(context)))
        return
    from rag.serve.server import serve as run_server

    bot = open_bot(context, corpus, settings, generator=generator)
    served = Served.of(corpus, settings, generator, context.obj)  # only now there is an index
    articles = None if is_index(corpus) else corpus
    run_server(bot, host, port, keep_uploads, browser, root_path, allowed_host or (), served, articles)


def _ask_aloud(bot: Chatbot, question: str, history: History, explain: bool = False) -> Answer:
    """The answer, printed as far as it is checked while a language model writes it."""
    out = Growing()
    answer = bot.ask(question, history, on_answer=lambda partial: out.show(opening(partial)))
    out.show(f"{for_terminal(answer, explain)}\n")
    return answer


def run(arguments: list[str] | None = None, load: LoadParts | None = None) -> Any:
    """Entry point of the `rag` command.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the process.
    load : callable, optional
        Makes the parts of some settings, with a generator or None. Default: `Parts.load`.
    """
    steady_streams()
    return app(args=arguments, prog_name="rag", obj=load)


if __name__ == "__main__":
    sys.exit(run())
