"""What programs send and get, as the OpenAPI document describes it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticUseDefault

from rag.asking import MAX_QUESTION
from rag.errors import RagError
from rag.language.characters import readable
from rag.present import records
from rag.scope import Scope
from rag.serve.limits import MAX_CHECKED, MAX_HISTORY, MAX_PASSAGES
from rag.types import Answer

_NAME = re.compile(r"\w[\w.-]{0,63}", re.ASCII)


def latest(earlier: list[str]) -> list[str]:
    """What is used of earlier questions: the last ones, each at the length of a question, none of them empty."""
    return [readable(text)[:MAX_QUESTION] for text in earlier if text.strip()][-MAX_HISTORY:]


def given(value: Any) -> Any:
    """A value; a null asks for nothing, and is as if the field had been left out."""
    if value is None:
        raise PydanticUseDefault
    return value


Flag = Annotated[bool, BeforeValidator(given, json_schema_input_type=bool | None)]
Question = Annotated[
    str,
    StringConstraints(max_length=MAX_QUESTION),
    AfterValidator(readable),
    Field(description=f"The question, at most {MAX_QUESTION:,} characters."),
]
Earlier = Annotated[
    list[str],
    BeforeValidator(given, json_schema_input_type=list[str] | None),
    AfterValidator(latest),
    Field(
        description='Earlier questions of the conversation, oldest first, so that "and when?" is understood; '
        f"the last {MAX_HISTORY} are used."
    ),
]


Day = Annotated[
    str | None,
    StringConstraints(max_length=10),
    Field(description="YYYY, YYYY-MM or YYYY-MM-DD, itself included; undated articles are left out then."),
]


Places = Annotated[
    list[Annotated[str, StringConstraints(max_length=500), AfterValidator(readable)]], Field(max_length=50)
]
Count = Annotated[int, Field(ge=1, le=MAX_PASSAGES)]


class Choice(BaseModel):
    """Which of the articles are asked; without any of it, all."""

    model_config = ConfigDict(extra="forbid")  # a misspelt filter that is passed over would ask all of them
    since: Day = None
    until: Day = None
    within: Annotated[Places, BeforeValidator(given, json_schema_input_type=Places | None)] = Field(
        default=[], description="Outlets, folders or ids of articles; those of any of them are asked."
    )

    @property
    def scope(self) -> Scope:
        """As the chatbot takes it; RagError where it makes no sense."""
        return Scope(self.since, self.until, tuple(self.within))


class AskRequest(Choice):
    """A question, with the earlier ones of the conversation, oldest first."""

    question: Question
    history: Earlier = []
    generate: Flag = Field(default=True, description="Whether a configured language model may word the answer.")


class CheckRequest(Choice):
    """A text whose sentences are to be checked."""

    text: Annotated[str, StringConstraints(max_length=MAX_CHECKED), AfterValidator(readable)] = Field(
        description=f"A statement or a text, at most {MAX_CHECKED:,} characters."
    )
    markdown: Flag = Field(
        default=False,
        description="Whether to read it as Markdown: headings are passed over, and places count characters of the "
        "text as it is rendered, which is returned.",
    )


class RetrieveRequest(Choice):
    """A question or search words, and how many passages are wanted."""

    question: Question
    k: Annotated[Count, BeforeValidator(given, json_schema_input_type=Count | None)] = Field(
        default=10, description=f"How many passages, from 1 to {MAX_PASSAGES}."
    )


class OverviewRequest(Choice):
    """A person, a thing or a subject; without one, all the articles."""

    topic: Question | None = None


class AnswerRecord(records.AnswerRecord):
    """An answer, or, where `abstained`, the statement that the articles do not say; and what a generator took."""

    generator: str
    tokens_in: int
    tokens_out: int


class Health(BaseModel):
    """That the server answers, and from how many articles."""

    status: Literal["ok"] = "ok"
    documents: int
    proof: str | None = Field(default=None, description="For `rag ask` on the server's machine, where it sent a nonce.")


class Problem(BaseModel):
    """Why a request was refused, in the form of OpenAI's dialect."""

    error: dict[str, Any]


class Part(BaseModel):
    """A part of a message; only text is read, and a picture or a sound has none."""

    model_config = ConfigDict(extra="allow")
    type: str | None = "text"
    text: str | None = None


class Message(BaseModel):
    """A turn of a conversation; one without a role is nobody's."""

    model_config = ConfigDict(extra="allow")
    role: str | None = Field(default=None, max_length=64)
    content: str | Part | list[Part | str | None] | None = None

    def words(self) -> str:
        """Its text."""
        parts = self.content if isinstance(self.content, list) else [self.content]
        texts = (part.text if isinstance(part, Part) else part for part in parts)
        return " ".join(text for text in texts if text)


class StreamOptions(BaseModel):
    """What a stream brings besides text."""

    include_usage: bool | None = False


class ChatRequest(Choice):
    """A conversation; its last user message is the question. What has no meaning here is ignored, and named."""

    model_config = ConfigDict(extra="allow")
    model: str
    messages: list[Message | None] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None

    def asked(self) -> tuple[str, list[str]]:
        """The question, and what is used of the earlier ones."""
        users = [message.words() for message in self.messages if message and message.role == "user"]
        return (readable(users[-1]).strip(), latest(users[:-1])) if users else ("", [])

    def ignored(self) -> list[str]:
        """Parameters that were given a value and do nothing here, in order; a null asks for nothing."""
        return [name for name, value in (self.model_extra or {}).items() if value is not None and _NAME.fullmatch(name)]


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


def mistake(error: ValidationError) -> RagError:
    """The first thing that is wrong with what a program sent."""
    first = error.errors()[0]
    return RagError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def answer_record(answer: Answer) -> AnswerRecord:
    """An Answer for programs, with what a generator took."""
    return AnswerRecord(
        **records.answer_record(answer),
        generator=answer.generator,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
    )
