"""Layout: the width of a line of text, and paragraphs behind a label."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from contextvars import ContextVar

WIDTH: ContextVar[int] = ContextVar("width", default=100)
"""Columns of a line of text; whoever prints to a narrower terminal sets fewer."""
INDENT = 9


def labelled(label: str, texts: Sequence[str]) -> list[str]:
    """Paragraphs behind a label, wrapped and indented under each other."""
    width = WIDTH.get() - INDENT
    lines = [line for text in texts for line in textwrap.wrap(text, width, break_on_hyphens=False)]
    return [f"{label if i == 0 else '':<{INDENT}}{line}" for i, line in enumerate(lines)]


def tabulated(rows: Sequence[Sequence[str]], left_out_first: Sequence[int] = ()) -> list[str]:
    """Rows of cells as lines: the first column as wide as a label, it and the second flush left, the others flush right.

    Where the lines would be too wide, columns are left out, in the order of ``left_out_first``.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] = max(widths[0], INDENT - 2)
    shown = list(range(len(widths)))
    for column in left_out_first:
        if sum(widths[j] for j in shown) + 2 * (len(shown) - 1) > WIDTH.get():
            shown.remove(column)
    return ["  ".join(_cell(row[j], widths[j], j < 2) for j in shown).rstrip() for row in rows]


def _cell(text: str, width: int, left: bool) -> str:
    return f"{text:<{width}}" if left else f"{text:>{width}}"
