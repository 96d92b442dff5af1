"""Asks the five articles of `seeds/`, holds each citation against its article. `python examples/ask.py [QUESTION]`."""

import sys

import rag
from rag.places import seeds

bot = rag.Chatbot.from_directory(seeds())
answer = bot.ask(sys.argv[1] if sys.argv[1:] else "Why did López Miera visit Belarus?")
print(answer.text)
print(f"{answer.certainty}, confidence {answer.confidence:.0%}")
for number, citation in enumerate(answer.citations, start=1):
    text = bot.document(citation.document_id).text
    exact = text[citation.start : citation.end] == citation.quote
    print(f"[{number}] {citation.title}, {citation.date}, exact: {exact}\n    {citation.quote}")
