"""Pictures of text -> pieces of lines, by RapidOCR (the extra `ocr`): its models come in its package."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

from rag.articles.formats.layout import Piece
from rag.errors import RagError

_SCALE = 200 / 72  # pixels of a point at which a page is drawn: lines of 10 points are read, and a page takes seconds
_LONGEST = 4000  # pixels of a drawn page's longer side
_FONT = 0.75  # of the height of a line's box is the size of its font


def check_installed() -> None:
    """RagError when the extra is missing."""
    if importlib.util.find_spec("rapidocr") is None or importlib.util.find_spec("onnxruntime") is None:
        raise RagError(
            "reading pictures (--ocr) needs the extra `ocr`, which is missing; run "
            ".venv/bin/pip install -c constraints.txt -e '.[ocr]', or leave --ocr out"
        )


def pieces_of_picture(page: Any) -> list[Piece]:
    """The lines that stand in the picture of a PDF's page, with their places in points, y downwards."""
    scale = min(_SCALE, _LONGEST / max(page.get_size()))
    found = _engine()(page.render(scale=scale).to_numpy(), use_cls=False)
    pieces = []
    for box, text in zip(found.boxes if found.boxes is not None else (), found.txts or (), strict=True):
        left, top, right, bottom = (float(side) for side in (*box.min(axis=0) / scale, *box.max(axis=0) / scale))
        pieces.append(Piece(text, left, top, right, bottom, max(1.0, _FONT * (bottom - top))))
    _even_out(pieces)
    return pieces


def _even_out(pieces: list[Piece]) -> None:
    """Give lines one size whose boxes differ only by which letters they hold."""
    sizes = sorted(piece.size for piece in pieces)
    for piece in pieces:
        near = [size for size in sizes if 0.8 < size / piece.size < 1.25]
        piece.size = near[len(near) // 2]


@cache
def _engine() -> Any:
    """The recogniser, in about two seconds; it is kept by the process that parses."""
    from rapidocr import RapidOCR  # type: ignore[import-not-found,import-untyped,unused-ignore]

    return RapidOCR(params={"Global.log_level": "error"})
