"""`python app.py`: the chat over the five articles in the browser. `rag serve` takes options."""

from __future__ import annotations

import gradio as gr

from rag.pipeline import Chatbot
from rag.places import seeds
from rag.web import page


def build() -> gr.Blocks:
    """The page over the five articles, not yet launched."""
    return page.build(Chatbot.from_directory(seeds()))


if __name__ == "__main__":
    print("Loading models and articles…", flush=True)
    page.launch(Chatbot.from_directory(seeds()))
