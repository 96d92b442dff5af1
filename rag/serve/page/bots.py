"""What the page needs of a bot. `rag.pipeline.Chatbot` is both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, Self

from rag.scope import Scope
from rag.types import Answer, Check, Document, Header, History, Overview, ScoredChunk

if TYPE_CHECKING:
    from rag.grounding.generators import Generator
    from rag.index import Index


class Asker(Protocol):
    """What the chat asks."""

    @property
    def generator(self) -> Generator | None: ...
    def ask(
        self,
        question: str,
        history: History = (),
        on_stage: Callable[[str], None] | None = None,
        generate: bool = True,
        cancelled: Callable[[], bool] | None = None,
        on_answer: Callable[[Answer], None] | None = None,
    ) -> Answer: ...
    def retrieve(self, question: str, k: int = 10) -> list[ScoredChunk]: ...
    def headers(self) -> list[Header]: ...
    def count(self) -> int: ...
    def document(self, document_id: str) -> Document: ...
    def check_text(self, text: str | Document) -> Iterator[Check]: ...
    def overview(self, topic: str | None = None) -> Overview: ...
    def within(self, scope: Scope) -> Asker: ...


class Corpus(Asker, Protocol):
    """An Asker whose articles change; `over` makes an empty one with the same models, `joined` one to ask of two."""

    @property
    def index(self) -> Index: ...
    def add_documents(self, documents: Sequence[Document], progress: bool = False) -> None: ...
    def remove(self, document_id: str) -> None: ...
    def over(self) -> Self: ...
    def joined(self, other: Self) -> Asker: ...
