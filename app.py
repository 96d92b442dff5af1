"""`python app.py`: the chat over the five articles in the browser. `rag serve` takes options."""

from __future__ import annotations

from rag.pipeline import Chatbot
from rag.places import seeds
from rag.server.run import serve

if __name__ == "__main__":
    print("Loading models and articles…", flush=True)
    serve(Chatbot.from_directory(seeds()))
