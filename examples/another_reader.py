"""A reader of one's own: the sentence that shares most words with the question. It reads uploads, too."""

from collections.abc import Sequence
from dataclasses import replace

from rag import Chatbot, Chunk, Document, Span
from rag.answering.confidence import Calibration
from rag.language.text import content_words
from rag.parts import Parts
from rag.places import seeds


class SharedWords:
    """A `rag.models.reader.Reader`."""

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        return [max(self._spans(question, chunk), key=lambda span: span.score) for chunk in chunks]

    def _spans(self, question: str, chunk: Chunk) -> list[Span]:
        wanted = set(content_words(question))
        spans = []
        for start, end in chunk.sentences:
            text = chunk.between(start, end)
            share = len(wanted & set(content_words(text))) / max(len(wanted), 1)
            spans.append(Span(chunk.id, chunk.document_id, start, end, text, score=8 * share - 4))  # a logit, 0 is even
        return spans


# Nobody calibrated this reader: its score is taken at its word.
parts = replace(Parts.load(), reader=SharedWords(), confidence=Calibration.of_margin())
bot = Chatbot.from_directory(seeds(), parts=parts)
print(bot.ask("Who invited López Miera to Belarus?").text)
upload = bot.over()  # what the page opens for a session's own articles: same parts, an empty index
upload.add_documents([Document("own", "Harbour", "The harbour of Lund was opened by Ilse Korn.", source="own")])
print(upload.ask("Who opened the harbour of Lund?").text)
