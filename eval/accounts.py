"""`python -m eval.accounts`: are accounts that differ shown side by side, and those that agree as one?

A line of FILE holds a `question`, its `kind` ("agree", or what the accounts differ in: "figure", "cause" …), `corrects`
(whether one of them says that the other is wrong) and `accounts`: of two articles or more the `article`, the `sentence`
that tells it, verbatim, and the `answers` in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from eval import bootstrap, command, figures
from eval.datasets import DatasetError, read_lines
from eval.metrics import POLAR, contains
from eval.sets import HERE
from eval.systems import settings_from, weights
from rag.pipeline import Chatbot
from rag.types import Answer, Citation

AGREE = "agree"


@dataclass(frozen=True, slots=True)
class Told:
    """What came for a question.

    Attributes
    ----------
    kind : str
        "differ", "differ, one corrects the other" or "agree".
    group : str
        The article of the first account: intervals draw the questions on it together.
    answered : bool
    one, both : bool
        Whether any account is told, and whether all stand side by side.
    several : bool
        Whether more than one account is shown.
    """

    kind: str
    group: str
    answered: bool
    one: bool
    both: bool
    several: bool


def main(
    file: Annotated[Path, typer.Argument(help="Questions on accounts.")] = HERE / "accounts.jsonl",
    corpus: Annotated[Path, typer.Option(help="Folder of the articles.")] = HERE / "news" / "articles",
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of rag.Settings; may be repeated.")] = None,
    by_outlet: Annotated[
        bool, typer.Option("--by-outlet", help="Ask each account that differs of the outlet that tells it.")
    ] = False,
    wrong: Annotated[bool, typer.Option("--wrong", help="Print where not all is told, or more than agrees.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Keep the figures for the documents.")] = False,
) -> None:
    """Shares of the questions, with intervals."""
    settings = settings_from(setting or ())
    rows = read(file)
    bot = Chatbot.from_directory(corpus, settings)
    table = outlets_asked(rows, bot, wrong) if by_outlet else all_asked(rows, bot, wrong)
    print(figures.markdown(table))
    if record:
        place = file.resolve().parent
        name = figures.named("accounts", by_outlet and "outlets", place != HERE and place.name, *(setting or ()))
        figures.record(name, table, weights(settings))


def read(file: Path) -> list[dict[str, Any]]:
    """The rows of a file; DatasetError where a field is missing."""
    rows = list(read_lines(file))
    for row in rows:
        if lacking := {"question", "kind", "corrects", "accounts"} - row.keys():
            raise DatasetError(f"a line of {file} lacks {', '.join(sorted(lacking))}; eval/accounts.py tells the form")
    return rows


def all_asked(rows: Sequence[Mapping[str, Any]], bot: Chatbot, wrong: bool = False) -> figures.Table:
    """A row a kind; `wrong` prints where not all is told, or more than agrees."""
    told = []
    for row in tqdm(rows, unit="question", disable=None):
        answer = bot.ask(row["question"])
        told.append(judged(row, answer))
        if wrong and (told[-1].several if told[-1].kind == AGREE else not told[-1].both):
            print(f"{told[-1].kind}: {row['question']} {shown(answer)}")
    return measured(told)


def outlets_asked(rows: Sequence[Mapping[str, Any]], bot: Chatbot, wrong: bool = False) -> figures.Table:
    """What comes when the question is who tells what: the account of the outlet that is asked, and it alone."""
    outlets = {header.id.removesuffix(".txt"): header.outlet for header in bot.headers()}
    asked = [
        (f"{row['question'].rstrip('?')}, according to {outlet}?", account, row["accounts"][0]["article"])
        for row in rows
        for account in row["accounts"]
        if row["kind"] != AGREE and (outlet := outlets.get(account["article"]))
    ]
    values = []
    for question, account, _ in tqdm(asked, unit="question", disable=None):
        answer = bot.ask(question)
        told = answer.certainty == "answered" and any(_tells(account, each) for each in answer.citations)
        alone = told and all(each.document_id.removesuffix(".txt") == account["article"] for each in answer.citations)
        values.append((float(answer.certainty == "answered"), float(told), float(alone)))
        if wrong and not alone:
            print(f"{question} {shown(answer)}")
    shares = [bootstrap.mean([*column], [group for *_, group in asked]) for column in zip(*values, strict=True)]
    columns = ("accounts that differ, asked of their outlet", "answered", "its account is told", "and no other")
    return figures.Table(columns, ((len(asked), *shares),), f"{len(asked)} questions")


def judged(row: Mapping[str, Any], answer: Answer) -> Told:
    """What an answer shows of the accounts of a row; side by side are those of which each has an account of its own."""
    accounts = row["accounts"]
    answered, several = answer.certainty == "answered", len(answer.accounts) > 1
    cited = [[answer.citations[n - 1] for n in each.citations] for each in answer.accounts] or [[*answer.citations]]
    places = [{n for n, quotes in enumerate(cited) if any(_tells(account, q) for q in quotes)} for account in accounts]
    apart = any(len(set(each)) == len(accounts) for each in product(*places))
    return Told(
        AGREE if row["kind"] == AGREE else "differ, one corrects the other" if row["corrects"] else "differ",
        accounts[0]["article"],
        answered,
        one=answered and any(places),
        both=answered and several and apart,
        several=answered and several,
    )


def _tells(account: Mapping[str, Any], citation: Citation) -> bool:
    """Whether a quote is of the account's article and holds its sentence or, but for yes and no, one of its answers."""
    if citation.document_id.removesuffix(".txt") != account["article"]:
        return False
    words = [answer for answer in account["answers"] if answer.lower() not in POLAR]
    return account["sentence"] in citation.quote or (bool(words) and contains(citation.quote, words))


def shown(answer: Answer) -> list[tuple[str, str | None]]:
    """The short answer of each account, or the one that came, with its date."""
    return [(account.short_answer, account.date) for account in answer.accounts] or [(answer.short_answer, None)]


def measured(told: Sequence[Told]) -> figures.Table:
    """A row a kind."""
    rows = []
    for kind in dict.fromkeys(each.kind for each in told):
        own = [each for each in told if each.kind == kind]
        groups = [each.group for each in own]
        values = [[float(getattr(each, name)) for each in own] for name in ("answered", "one", "both", "several")]
        rows.append((kind, len(own), *(bootstrap.mean(value, groups) for value in values)))
    columns = ("accounts", "questions", "answered", "one is told", "all side by side", "several shown")
    return figures.Table(columns, tuple(rows), f"{len(told)} questions")


if __name__ == "__main__":
    command.run(main)
