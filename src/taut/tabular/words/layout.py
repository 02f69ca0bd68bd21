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
