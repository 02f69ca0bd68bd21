"""Page: markup, styles and scripts joined into one file that asks nothing of any network.

The policy in the page's head allows the page's own style and script, by their hashes, and nothing else. Names from data
reach the page in two ways only: escaped as text here, and as JSON that can not end its own element, which the scripts put
into text nodes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template

from taut.report.content import Paragraph, ReportContent, ReportTable, Section
from taut.report.drawing import picture, score_chart, series_chart

GENERATOR = b'<meta name="generator" content="taut">'
"""What tells a report from other pages."""

STYLES = ("page.css", "panels.css")
SCRIPTS = (
    "numbers.mjs", "drawing.mjs", "data.mjs", "store.mjs", "axes.mjs", "frame.mjs", "lines.mjs", "features.mjs",
    "groups.mjs", "table.mjs", "stability.mjs", "tests.mjs", "solver.mjs", "pair.mjs", "teaching.mjs", "network.mjs",
    "diagram.mjs", "control.mjs", "panels.mjs", "main.mjs",
)  # fmt: skip
"""In the order of their imports: a file imports from those before it only."""

_IMPORT = re.compile(r"^import\b.*?;\n", flags=re.M | re.S)
_EXPORT = re.compile(r"^export (?=(?:async )?function|class|const|let)", flags=re.M)
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def page(content: ReportContent, compact: bool = False) -> str:
    """The whole page; ``compact`` leaves out the words, for a notebook's cell."""
    style, script = joined_styles(), joined_scripts()
    return Template(asset("page.html")).substitute(
        policy=policy(style, script),
        title=_text(content.title),
        kind="compact" if compact else "full",
        subtitle=_text(content.subtitle),
        lead="" if compact else "".join(map(_paragraph, content.narrative)),
        charts=_charts(content),
        tables="".join(_table(table) for table in content.tables if not table.folded),
        folded="" if compact else "".join(_folded(table) for table in content.tables if table.folded),
        sections="" if compact else "".join(map(_section, content.sections)),
        data=_island(content),
        style=style,
        script=script,
    )


@cache
def joined_styles() -> str:
    """The style sheets, one after the other."""
    return "".join(map(asset, STYLES))


@cache
def joined_scripts() -> str:
    """The report's modules in one scope."""
    return joined(SCRIPTS)


def joined(names: Sequence[str]) -> str:
    """Modules in one scope: imports gone, exports plain."""
    modules = (_EXPORT.sub("", _IMPORT.sub("", asset(name))) for name in names)
    return '(() => {\n"use strict";\n' + "\n".join(modules) + "\n})();\n"


def asset(name: str) -> str:
    """The text of one of the package's files."""
    return (files("taut.report") / "assets" / name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Nothing from anywhere but this style and this script (Content Security Policy Level 3)."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _island(content: ReportContent) -> str:
    """The numbers as JSON in which no character can end the element or begin another; ASCII alone."""
    text = json.dumps(content.data, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&]", lambda found: _ESCAPES[found.group()], text)


def _text(words: str) -> str:
    return html.escape(words, quote=True)


def _paragraph(paragraph: Paragraph) -> str:
    return f"<p><strong>{_text(paragraph.heading)}</strong> {_text(paragraph.text)}</p>\n"


def _section(section: Section) -> str:
    tag = "pre" if section.code else "p"
    facts = "".join(
        f"<div><dt>{_text(label)}</dt><dd>{''.join(f'<{tag}>{_text(x)}</{tag}>' for x in lines)}</dd></div>\n"
        for label, lines in section.facts
    )
    return f'<section class="facts"><h2>{_text(section.title)}</h2><dl>\n{facts}</dl></section>\n'


def _table(table: ReportTable) -> str:
    kinds = [' class="word"' if j in table.words else "" for j in range(len(table.head))]
    head = "".join(f'<th scope="col"{k}>{_text(x)}</th>' for k, x in zip(kinds, table.head, strict=True))
    rows = "".join(
        "<tr>" + "".join(f"<td{k}>{_text(x)}</td>" for k, x in zip(kinds, row, strict=True)) + "</tr>\n"
        for row in table.rows
    )
    return (
        f'<div class="scroll"><table><caption>{_text(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>\n"
    )


def _folded(table: ReportTable) -> str:
    return f"<details><summary>{_text(table.caption)}</summary>{_table(table)}</details>\n"


def _charts(content: ReportContent) -> str:
    data = content.data
    drawn = [series_chart(data), score_chart(data), *map(picture, content.pictures)]
    return "".join(
        f"<figure>{svg}<figcaption>{_text(words)}</figcaption></figure>\n" for svg, words in drawn if svg
    )
