"""What stands on the page's components before anything happens, in the language of whoever opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from rag.present.words import ENGLISH, Told, gettext, language
from rag.serve.page.blocks import AT_ONCE

Pieces = dict[gr.HTML, Callable[[], str]]
"""HTML that is there from the start, and what makes it."""


def add_labels(demo: gr.Blocks, pieces: Pieces) -> None:
    """Tell the labels of all components, and these pieces, whenever a page opens; they are built in English."""
    labelled = {block: found for block in demo.blocks.values() if (found := _labels(block))}

    def spoken() -> list[Any]:
        if language() == ENGLISH:
            return [gr.skip()] * (len(labelled) + len(pieces))
        return [gr.update(**_told(found)) for found in labelled.values()] + [make() for make in pieces.values()]

    demo.load(spoken, None, [*labelled, *pieces], api_name="page_speak", **AT_ONCE).success(
        None, js="() => { window.ragChat.speak(); window.ragChecking.ready(); }"
    )


def _labels(block: Any) -> dict[str, Any]:
    """The words on a component by the name of their property; on what stays hidden there are none."""
    if isinstance(block, gr.Button):
        return {"value": block.value}
    if isinstance(block, gr.HTML) or not getattr(block, "visible", True):
        return {}
    found = {name: getattr(block, name, None) for name in ("label", "placeholder", "choices")}
    return {name: words for name, words in found.items() if words}


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [(_spoken(shown), value) for shown, value in words] if name == "choices" else _spoken(words)
        for name, words in found.items()
    }


def _spoken(words: str) -> str:
    return words.spoken() if isinstance(words, Told) else gettext(words)
