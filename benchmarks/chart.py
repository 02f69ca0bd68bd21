"""The speed chart: the fastest peer's time over taut's, for every workload and gap, on a log axis."""

from __future__ import annotations

import math
from typing import Any

ROW, LEFT, WIDTH, TOP = 30, 170, 470, 34
COLOURS = {"1e-04": "#7aa6c2", "1e-06": "#1f4e79"}
TICKS = (0.1, 0.3, 1, 3, 10, 30, 100)


def _position(ratio: float) -> float:
    low, high = math.log(TICKS[0]), math.log(TICKS[-1])
    return LEFT + WIDTH * (min(max(math.log(ratio), low), high) - low) / (high - low)


def _bar(top: float, target: str, entry: dict[str, Any]) -> str:
    one, end = _position(1.0), _position(entry["ratio"])
    left, width = min(one, end), max(abs(end - one), 1.0)
    title = f"gap {target}: taut {entry['taut']:.3g} s, {entry['peer']} {entry['peer_seconds']:.3g} s"
    shape = f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="10" fill="{COLOURS[target]}"/>'
    label = f'<text x="{max(one, end) + 5:.1f}" y="{top + 9:.1f}" class="value">{entry["ratio"]:.2g}</text>'
    return f"<g><title>{title}</title>{shape}{label}</g>"


def _row(index: int, name: str, entries: dict[str, dict[str, Any]]) -> str:
    top = TOP + index * ROW
    bars = "".join(_bar(top + 12 * k, target, entry) for k, (target, entry) in enumerate(entries.items()))
    return f'<text x="{LEFT - 8}" y="{top + 15}" text-anchor="end">{name}</text>{bars}'


def _axis(height: float) -> str:
    ticks = [
        f'<path d="M{_position(t):.1f} {TOP - 6}V{height}" class="{"one" if t == 1 else "tick"}"/>'
        f'<text x="{_position(t):.1f}" y="{TOP - 12}" text-anchor="middle" class="value">{t:g}×</text>'
        for t in TICKS
    ]
    return "".join(ticks)


def draw(figures: dict[str, dict[str, Any]]) -> str:
    """An SVG; light bars are gap 1e-4, dark ones 1e-6; right of 1× taut is faster."""
    height = TOP + ROW * len(figures) + 6
    style = "text{font:12px sans-serif;fill:#333}.value{font-size:10px}.tick{stroke:#ddd}.one{stroke:#333}"
    rows = "".join(_row(index, name, entries) for index, (name, entries) in enumerate(figures.items()))
    size = f'width="{LEFT + WIDTH + 50}" height="{height}" viewBox="0 0 {LEFT + WIDTH + 50} {height}"'
    title = "<title>Time of the fastest peer over the time of taut, at equal certified gap, one core</title>"
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return f"{opening}{title}<style>{style}</style>{_axis(height)}{rows}</svg>\n"
