"""`python app.py`: the chat over the five articles, opened in the browser. `rag serve` takes options."""

from rag.cli import run
from rag.places import seeds

if __name__ == "__main__":
    run(["serve", "--corpus", str(seeds()), "--browser"])
