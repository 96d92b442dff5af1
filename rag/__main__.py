"""`python -m rag`: the command line, where its script is not on the path."""

from rag.cli import run

if __name__ == "__main__":
    run()
