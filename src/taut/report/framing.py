"""Framing: a page inside a notebook's cell, shut off from the notebook around it."""

from __future__ import annotations

import html

from taut.report.content import ReportContent
from taut.report.rendering import page

HEIGHT = 680


def framed(content: ReportContent, words: str) -> str:
    """A frame that runs the compact page's own script and reaches nothing outside; ``words`` where frames are off."""
    inner = html.escape(page(content, compact=True), quote=True)
    return (
        f'<iframe srcdoc="{inner}" sandbox="allow-scripts" width="100%" height="{HEIGHT}"'
        f' title="{html.escape(content.title, quote=True)}" frameborder="0"></iframe>'
        f"<details><summary>as text</summary><pre>{html.escape(words)}</pre></details>"
    )
