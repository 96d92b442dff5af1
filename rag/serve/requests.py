"""What programs send and get, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rag.pipeline import MAX_QUESTION
from rag.present import records
from rag.types import Answer

Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUESTION)]


class AskRequest(BaseModel):
    """A question, with the earlier ones of the conversation, oldest first."""

    question: Text
    history: list[Text] = Field(default=[], max_length=20)
    generate: bool = Field(default=True, description="Whether a configured language model may word the answer.")


class RetrieveRequest(BaseModel):
    """A question or search words, and how many passages are wanted."""

    question: Text
    k: int = Field(default=10, ge=1, le=50)


class AnswerRecord(records.AnswerRecord):
    """An answer, or, where `abstained`, the statement that the articles do not say; and what a generator took."""

    generator: str
    tokens_in: int
    tokens_out: int


class Health(BaseModel):
    """That the server answers, and from how many articles."""

    status: Literal["ok"] = "ok"
    documents: int


class Problem(BaseModel):
    """Why a request was refused, in the form of OpenAI's dialect."""

    error: dict[str, Any]


class Part(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(extra="allow")
    type: str
    text: str = ""


class Message(BaseModel):
    """A turn of a conversation."""

    model_config = ConfigDict(extra="allow")
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None

    def words(self) -> str:
        """Its text."""
        if isinstance(self.content, list):
            return " ".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream brings besides text."""

    include_usage: bool | None = False


class ChatRequest(BaseModel):
    """A conversation; its last user message is the question. What has no meaning here is ignored."""

    model_config = ConfigDict(extra="allow")
    model: str
    messages: list[Message] = Field(min_length=1, max_length=200)
    stream: bool | None = False
    stream_options: StreamOptions | None = None


class Model(BaseModel):
    """A way to answer: the articles' own words, or a language model's, checked."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "rag"


class Models(BaseModel):
    """The ways to answer."""

    object: Literal["list"] = "list"
    data: list[Model]


def answer_record(answer: Answer) -> AnswerRecord:
    """An Answer for programs, with what a generator took."""
    return AnswerRecord(
        **records.answer_record(answer),
        generator=answer.generator,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
    )
