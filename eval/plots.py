"""The report's figures as inline SVG. Colours are the page's own CSS variables, so that dark and print follow it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

# Drawn in these stand-ins, which become CSS variables in the SVG.
INK, ACCENT, MUTED, GRID = "#010203", "#010204", "#010205", "#010206"
_VARIABLES = {INK: "var(--ink)", ACCENT: "var(--accent)", MUTED: "var(--muted)", GRID: "var(--grid)"}

plt.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "eval",
        "font.family": "sans-serif",
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": GRID,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


def bars(names: Sequence[str], estimates: Sequence[Mapping[str, Any]]) -> str:
    """Share passed of each kind with its interval, in the order given, the first on top."""
    figure, axes = plt.subplots(figsize=(7.2, 0.6 + 0.32 * len(names)))
    places = range(len(names))
    values = [estimate["value"] for estimate in estimates]
    errors = [
        [0.0 if (low := e["low"]) is None else max(0.0, e["value"] - low) for e in estimates],
        [0.0 if (high := e["high"]) is None else max(0.0, high - e["value"]) for e in estimates],
    ]
    axes.barh(places, values, height=0.62, color=ACCENT)
    axes.errorbar(values, places, xerr=errors, fmt="none", ecolor=INK, elinewidth=1, capsize=2.5)
    axes.set_yticks(places, [f"{n} ({e['count']:.0f})" for n, e in zip(names, estimates, strict=True)])
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    return _svg(figure, "Share of questions passed, per kind, weakest first")


def risk_coverage(curves: Mapping[str, Any]) -> str:
    """Risk over coverage, beside the curve of a confidence that orders the same answers perfectly."""
    figure, axes = plt.subplots(figsize=(4.4, 3.2))
    axes.plot(curves["coverage"], curves["best_risk"], color=MUTED, linestyle="--", label="perfect order")
    axes.plot(curves["coverage"], curves["risk"], color=ACCENT, label="this system")
    axes.axvline(curves["answered"], color=INK, linewidth=1, linestyle=":", label="answered now")
    axes.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="coverage: share answered, most confident first", ylabel="risk: share wrong"
    )
    axes.legend(frameon=False)
    return _svg(figure, "Risk-coverage curve")


def reliability(bins: Sequence[Mapping[str, float]]) -> str:
    """Share of right answers over mean confidence; the size of a point says how many questions it stands for."""
    figure, axes = plt.subplots(figsize=(4.4, 3.2))
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", label="calibrated")
    most = max((b["count"] for b in bins), default=1)
    axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], color=ACCENT, linewidth=1)
    axes.scatter(
        [b["confidence"] for b in bins],
        [b["accuracy"] for b in bins],
        s=[12 + 120 * b["count"] / most for b in bins],
        color=ACCENT,
        label="answers given",
    )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.04), xlabel="confidence", ylabel="share right")
    axes.legend(frameon=False, loc="upper left")
    return _svg(figure, "Reliability of the confidence")


def times(seconds: Sequence[float]) -> str:
    """Histogram of seconds per question with median and 95th percentile."""
    import numpy as np

    figure, axes = plt.subplots(figsize=(4.4, 3.2))
    axes.hist(seconds, bins=30, color=ACCENT)
    for share, style in ((50, "--"), (95, ":")):
        at = float(np.percentile(seconds, share))
        axes.axvline(at, color=INK, linewidth=1, linestyle=style, label=f"{share} % within {at:.3g} s")
    axes.set(xlabel="seconds per question", ylabel="questions")
    axes.legend(frameon=False)
    return _svg(figure, "Seconds per question")


def _svg(figure: Figure, label: str) -> str:
    """The figure as an <svg> element that refers to nothing outside itself."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    width = 1.25 * float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])  # type: ignore[index]
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}" style="width: {width:.0f}px"', 1)
