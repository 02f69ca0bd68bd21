"""Drawing: the pictures that a page shows without JavaScript, as SVG."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taut.report.content import Curves, Histogram
from taut.types import Float

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 120, 16, 40
COLOURED = 6
DRAWN = 24
"""The strongest features have lines; with all of them the picture would be larger than the page."""
NAME = 16
"""Letters of a name that the right margin has room for."""


class Scale(NamedTuple):
    """A linear map from data to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        span = (self.high - self.low) or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)


def places(lambdas: Sequence[float]) -> list[float]:
    """−log10 λ, strongest first; λ = 0 stands one step behind the last."""
    logs = [-math.log10(lam) for lam in lambdas if lam > 0] or [0.0]
    step = max((logs[-1] - logs[0]) / max(len(logs) - 1, 1), 0.1)
    return [-math.log10(lam) if lam > 0 else logs[-1] + step for lam in lambdas]


def series_chart(data: dict[str, Any]) -> tuple[str, str]:
    """Every feature's coefficient (of the first output) along λ, and the picture's caption; empty without any."""
    found = _unpacked(data.get("coefs"))
    if found is None or not found.size:
        return "", ""
    low, high = float(min(found.min(), 0.0)), float(max(found.max(), 0.0))
    x, y = _scales(data["lambdas"], low, high)
    order = np.argsort(np.abs(found[:, data["index"]]), kind="stable")
    rank = {int(j): k for k, j in enumerate(order[::-1][:COLOURED])}
    lines = [
        _line(found[j], x, y, f"series c{rank[int(j)]}" if int(j) in rank else "series")
        for j in order[-DRAWN:]
    ]
    lines += _names([data["features"][j] for j in rank], [y(float(found[j, -1])) for j in rank])
    picture = _svg([*_axes(data, x, y), *lines], data["coefLabel"])
    return picture, f"{data['coefLabel']}, along λ; the chosen λ is marked"


def _names(names: list[str], ends: list[float]) -> list[str]:
    """The names of the coloured lines at their ends, in their colours, no closer than a line of text."""
    placed, texts = TOP - 8.0, []
    for k in sorted(range(len(names)), key=lambda k: ends[k]):
        placed = max(ends[k] + 4.0, placed + 15.0)
        name = html.escape(names[k] if len(names[k]) <= NAME else names[k][: NAME - 1] + "…")
        texts.append(f'<text class="name c{k}" x="{WIDTH - RIGHT + 6}" y="{placed:.1f}">{name}</text>')
    return texts


def score_chart(data: dict[str, Any]) -> tuple[str, str]:
    """The cross-validated score with its standard error, and the caption; empty where there is none."""
    scores = data.get("scores")
    if not scores or any(v is None for v in scores["mean"]):
        return "", ""
    mean, error = np.array(scores["mean"]), np.array([e or 0.0 for e in scores["error"]])
    x, y = _scales(data["lambdas"], float((mean - error).min()), float((mean + error).max()))
    there = [*enumerate(mean + error)]
    back = [*enumerate(mean - error)][::-1]
    band = " ".join(f"{x[i]:.1f},{y(v):.1f}" for i, v in [*there, *back])
    words = f"{scores['label']} (mean ± standard error of {scores['folds']} folds)"
    parts = [*_axes(data, x, y), f'<polygon class="band" points="{band}"/>', _line(mean, x, y, "series c0")]
    return _svg(parts, words), f"{words}, along λ; the chosen λ is marked"


def picture(what: Curves | Histogram) -> tuple[str, str]:
    """A picture and its caption."""
    return _curves(what) if isinstance(what, Curves) else _bars(what)


def _curves(what: Curves) -> tuple[str, str]:
    """The first lines in colours, with their names at their ends."""
    values = np.array([line for _, line in what.lines])
    x, y = _scales(what.lambdas, float(min(values.min(), 0.0)), float(values.max()))
    coloured = what.lines[:COLOURED]
    lines = [
        _line(line, x, y, f"series c{k}" if k < COLOURED else "series")
        for k, line in enumerate(values[:DRAWN])
    ]
    lines += _names([name for name, _ in coloured], [y(line[-1]) for _, line in coloured])
    axes = _axes({"lambdas": what.lambdas, "index": what.index}, x, y)
    return _svg([*axes, *lines], what.label), f"{what.label}, along λ"


def _bars(what: Histogram) -> tuple[str, str]:
    """Heights by the root of the count, as in the page's own histograms."""
    x = Scale(-what.largest, what.largest, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, math.sqrt(max(1, *what.counts)), HEIGHT - BOTTOM, TOP)
    width = (x.end - x.start) / len(what.counts)
    bars = [
        f'<rect class="column c0" x="{x.start + k * width + 0.5:.1f}" width="{width - 1:.1f}"'
        f' y="{y(math.sqrt(count)):.1f}" height="{y.start - y(math.sqrt(count)):.1f}"/>'
        for k, count in enumerate(what.counts)
    ]
    marks = [
        f'<text x="{x(value):.1f}" y="{HEIGHT - 22}" text-anchor="middle">{value:.3g}</text>'
        for value in (-what.largest, 0.0, what.largest)
    ]
    return _svg([*bars, *marks], what.label), f"{what.label}; heights by the root of the count"


def _unpacked(packed: dict[str, Any] | None) -> NDArray[np.float64] | None:
    """(F, L): what ``packed_series`` wrote, the first output alone."""
    if packed is None:
        return None
    flat = np.frombuffer(base64.b64decode(packed["values"]), dtype="<f4").astype(np.float64)
    length, outputs = packed["length"], packed["outputs"]
    values, start = np.zeros((len(packed["first"]), length)), 0
    for j, first in enumerate(packed["first"]):
        values[j, first:] = flat[start : start + length - first]
        start += outputs * (length - first)
    return values


def _scales(lambdas: Sequence[float], low: float, high: float) -> tuple[list[float], Scale]:
    at = places(lambdas)
    across = Scale(at[0], at[-1], LEFT, WIDTH - RIGHT)
    pad = 0.04 * (high - low or 1.0)
    return [across(v) for v in at], Scale(low - pad, high + pad, HEIGHT - BOTTOM, TOP)


def _line(values: Sequence[float] | Float, x: list[float], y: Scale, name: str) -> str:
    points = " ".join(f"{a:.0f},{y(float(v)):.1f}" for a, v in zip(x, values, strict=True))
    return f'<polyline class="{name}" points="{points}"/>'


def _axes(data: dict[str, Any], x: list[float], y: Scale) -> list[str]:
    """Grid lines with numbers, the first, middle and last λ, and the chosen one."""
    lines = []
    for value in round_values(y.low, y.high):
        lines.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        )
        lines.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    last = len(x) - 1
    for place in sorted({0, last // 2, last}):
        lam = f"{data['lambdas'][place]:.3g}"
        lines.append(f'<text x="{x[place]:.1f}" y="{HEIGHT - 22}" text-anchor="middle">{lam}</text>')
    lines.append(
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">λ (strong → weak)</text>'
    )
    chosen = x[data["index"]]
    return [
        *lines,
        f'<line class="mark" x1="{chosen:.1f}" x2="{chosen:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>',
    ]


def round_values(low: float, high: float) -> list[float]:
    """About four round numbers: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * power for unit in (1, 2, 5, 10) if unit * power >= 0.999 * rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def _svg(parts: Sequence[str], words: str) -> str:
    title = html.escape(words)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="static"><title>{title}</title>'
        + "".join(parts)
        + "</svg>"
    )
