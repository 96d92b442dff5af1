"""What a program does with an answer: it asks `certainty` first, and reads statements rather than text."""

import rag


def show(answer: rag.Answer) -> None:
    print(f"{answer.question}\n  {answer.certainty}, {answer.confidence:.0%}")
    for statement in answer.statements:  # none where the articles do not say
        quotes = [answer.citations[number - 1].quote for number in statement.citations]
        print(f"  {statement.text}  <- {len(quotes)} exact quote(s)")
    for account in answer.accounts:  # articles that differ, side by side
        print(f"  as of {account.date}: {account.short_answer}")
    for doubt in answer.doubts:
        print(f"  in doubt ({doubt.kind}): {', '.join(doubt.missing)}")
    for citation in answer.nearest:  # of use to a person who looks on, but no answer
        print(f"  near: {citation.quote[:70]}")


for question in ("Why did López Miera visit Belarus?", "Who won the chess tournament in Reykjavik?"):
    show(rag.ask(question))
