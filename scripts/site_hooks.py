"""What the documentation's site needs beyond Markdown: links to files of the repository, and formulas that need no network.

MkDocs calls these by their names (https://www.mkdocs.org/user-guide/configuration/#hooks).
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = re.compile(r"\]\(\.\./([^)]+)\)")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', flags=re.S)


def repository() -> str:
    """The project's address, from the one place where a maintainer writes it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["urls"]["Repository"])


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A link to a file outside docs/ leads to that file in the repository; an absent file raises FileNotFoundError."""

    def outside(match: re.Match[str]) -> str:
        target = match.group(1)
        (ROOT / target.partition("#")[0]).resolve(strict=True)
        return f"]({repository()}/blob/main/{target})"

    return OUTSIDE.sub(outside, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Every formula as MathML, which browsers draw themselves."""

    def drawn(match: re.Match[str]) -> str:
        display = "block" if match.group(1) == "div" else "inline"
        formula = match.group(2).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
        return convert(formula, display=display)

    return FORMULA.sub(drawn, html)
