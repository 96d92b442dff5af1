"""Any server that speaks OpenAI's dialect, through its official client."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.errors import RagError
from rag.grounding.generators.contract import Delta, GenerationError, Prompt
from rag.language.characters import readable

if TYPE_CHECKING:
    from openai import OpenAI

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0  # between two pieces; the first comes when the prompt has been read
CONTEXT_TOKENS = 4096
CHARACTERS_PER_TOKEN = 3.0  # English has about four; the server's own counts correct it


class OpenAIGenerator:
    """A model behind `/v1/chat/completions`. The key lives in the client alone."""

    def __init__(self, client: OpenAI, model: str, context_tokens: int = CONTEXT_TOKENS) -> None:
        self._client = client
        self.name = model
        self.context_tokens = context_tokens
        self._characters_per_token = CHARACTERS_PER_TOKEN

    @classmethod
    def from_environment(cls, model: str) -> OpenAIGenerator:
        """The client that OPENAI_BASE_URL and OPENAI_API_KEY describe; RAG_CONTEXT_TOKENS says how much fits the model.

        Raises
        ------
        RagError
            The package `openai` is missing, neither variable is set, or one makes no sense.
        """
        base, key = os.environ.get("OPENAI_BASE_URL"), os.environ.get("OPENAI_API_KEY")
        client = connect(base, key)
        if not base and not key:
            raise RagError(
                "no server is named; set OPENAI_BASE_URL (http://127.0.0.1:11434/v1 is Ollama's) or, for OpenAI's own, "
                "OPENAI_API_KEY"
            )
        context = os.environ.get("RAG_CONTEXT_TOKENS") or str(CONTEXT_TOKENS)
        if not context.isdigit() or int(context) < 512:
            raise RagError(f"RAG_CONTEXT_TOKENS is {context!r}; expected a number of tokens from 512 on")
        return cls(client, model, int(context))

    def count_tokens(self, text: str) -> int:
        return int(len(text) / self._characters_per_token) + 1

    def stream(self, prompt: Prompt) -> Iterator[Delta]:
        import openai

        messages: Any = list(prompt.messages)
        failure = ""
        finish, tokens_in, tokens_out = "", 0, 0
        half = ""
        try:
            with self._client.chat.completions.create(
                model=self.name,
                messages=messages,
                max_tokens=prompt.max_tokens,
                temperature=0.0,
                stream=True,
                stream_options={"include_usage": True},
            ) as stream:
                for chunk in stream:
                    if chunk.usage:
                        tokens_in = int(chunk.usage.prompt_tokens or 0)
                        tokens_out = int(chunk.usage.completion_tokens or 0)
                    for choice in chunk.choices or ():
                        if choice.delta and choice.delta.content:
                            text, half = _whole(half, choice.delta.content)
                            yield Delta(text)
                        finish = choice.finish_reason or finish
        except openai.APITimeoutError:
            failure = "the model's server did not answer in time"
        except openai.APIConnectionError:
            failure = "the model's server cannot be reached, or broke off"
        except openai.RateLimitError:
            failure = "the model's server has no more quota, or too much to do (429)"
        except openai.APIStatusError as error:
            failure = f"the model's server answered {error.status_code}"
        except openai.APIError:
            failure = "the model's server reported an error"
        except (ValueError, TypeError, AttributeError, OSError):
            failure = "the model's server answered in no known form"
        if failure:  # outside the handler: the client's error holds the request, and with it the key
            raise GenerationError(failure)
        if not finish:
            raise GenerationError("the model's server broke off")
        if tokens_in:
            written = sum(len(message["content"]) for message in prompt.messages)
            self._characters_per_token = max(1.0, min(self._characters_per_token, written / tokens_in))
        yield Delta(readable(half), "length" if finish == "length" else "stop", tokens_in, tokens_out)


def _whole(half: str, content: object) -> tuple[str, str]:
    """What a server sent, behind half a character left over, and half a character at its end; TypeError for no text."""
    if not isinstance(content, str):
        raise TypeError(type(content).__name__)
    text = half + content
    cut = len(text) - ("\ud800" <= text[-1] <= "\udbff")
    return readable(text[:cut]), text[cut:]


def connect(
    base: str | None, key: str | None, read: float = READ_SECONDS, connecting: float = CONNECT_SECONDS
) -> OpenAI:
    """A client of the server at an address (OpenAI's own for None), which waits so many seconds.

    No proxy that the environment names is asked on the way to one's own machine.

    Raises
    ------
    RagError
        The package `openai` is missing, or the address makes no sense.
    """
    try:
        from openai import DefaultHttpxClient, OpenAI, OpenAIError, Timeout
    except ImportError:
        raise RagError(
            "the package openai is missing, which asks language models; pip install -e '.[openai]'"
        ) from None
    for library in ("openai", "httpx", "httpcore", "httpx2", "httpcore2"):
        # At their finer levels they write what servers send, and servers may repeat the key.
        logging.getLogger(library).setLevel(logging.WARNING)
    timeout = Timeout(read, connect=connecting)
    try:
        direct = DefaultHttpxClient(trust_env=False, timeout=timeout) if is_here(host_of(base or "")) else None
        # A failed request is not repeated: the extractive answer is at hand.
        return OpenAI(api_key=key or "none", base_url=base or None, max_retries=0, timeout=timeout, http_client=direct)
    except (OpenAIError, ValueError) as error:
        raise RagError(
            f"OPENAI_BASE_URL makes no client ({type(error).__name__}); expected http://HOST:PORT/v1"
        ) from None


def host_of(server: str) -> str:
    """The host that an address names, "" for none; ValueError for what is no address."""
    return urlsplit(server).hostname or ""


def is_here(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
