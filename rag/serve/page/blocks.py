"""Gradio's Blocks, which fetches nothing for a client and forgets what it replaced."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import gradio as gr

from rag.present.words import ENGLISH, negotiated, speaking
from rag.present.words import gettext as _

PRIVATE: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
"""Of the events that the page alone calls."""
AT_ONCE: dict[str, Any] = {**PRIVATE, "queue": False}
"""Of those that wait for no other."""
PLAIN: dict[str, Any] = {"apply_default_css": False}
"""Of HTML that has the page's own style."""


class LocalBlocks(gr.Blocks):
    """Blocks that take the files a client uploaded and no others, and whose sessions stay small.

    Gradio looks for file records in every input, whatever its type, and fetches the address that one names. A
    server of private articles must not make requests for whoever asks.

    An update (`gr.skip()` is one) replaces the session's component by a new one, under the id of the old. Gradio
    stores later values under the new one's own id, so that each round of update and value leaves another component
    with a copy of its value in the session for good.
    """

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> Any:
        """What Gradio makes of inputs, unless a file record among them names anything but an upload."""
        _check_files(inputs, Path(self.GRADIO_CACHE).resolve())
        try:
            given = _with_defaults(block_fn.fn, inputs)
            return await super().preprocess_data(block_fn, given, state, explicit_call)
        except gr.Error:
            raise
        except Exception:  # its message, which would be logged, repeats the inputs
            raise gr.Error("these inputs do not fit the function", print_exception=False) from None

    async def process_api(
        self, block_fn: Any, inputs: Any, state: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """What Gradio makes of a call; events of the page's own are answered in the language of the page."""
        own = str(getattr(block_fn, "api_name", "")).startswith("page_")
        with speaking(_language(request) if own else ENGLISH):
            return await super().process_api(block_fn, inputs, state, request, *args, **kwargs)

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """What Gradio makes of outputs; a component that it replaced keeps its id."""
        made = await super().postprocess_data(block_fn, predictions, state)
        for block in block_fn.outputs:
            if state is not None and not block.stateful and block._id in state:
                state[block._id]._id = block._id
        return made


def _language(request: Any) -> str:
    request = request[0] if isinstance(request, list) else request
    if request is None:
        return ENGLISH
    return negotiated(str(request.query_params.get("lang", "")), str(request.headers.get("accept-language", "")))


def _with_defaults(function: Callable[..., Any], inputs: list[Any]) -> list[Any]:
    """The inputs, and for those left out at their end the function's defaults: Gradio's own client alone adds them."""
    left_out = list(signature(function).parameters.values())[len(inputs) :]
    return [*inputs, *(parameter.default for parameter in left_out if parameter.default is not parameter.empty)]


def _check_files(value: Any, uploads: Path) -> None:
    if isinstance(value, dict):
        if "meta" in value and "path" in value:
            path = value["path"]
            inside = isinstance(path, str) and "\0" not in path and Path(path).resolve().is_relative_to(uploads)
            if not inside:
                raise gr.Error(_("that is not a file that was uploaded here"), print_exception=False)
        for part in value.values():
            _check_files(part, uploads)
    elif isinstance(value, list | tuple):
        for part in value:
            _check_files(part, uploads)
