"""Report content: what a page says, as words, tables and numbers; nothing in it is markup."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_NAME = 120
UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


def shown(text: object) -> str:
    """A name from data as a page shows it: no control or direction characters, at most ``MAX_NAME`` long."""
    plain = "".join(c if c.isprintable() else UNPRINTABLE for c in str(text)[: MAX_NAME + 1])
    return plain if len(plain) <= MAX_NAME else plain[: MAX_NAME - 1] + "…"


@dataclass(frozen=True)
class Paragraph:
    """A sentence or several under a short heading."""

    heading: str
    text: str


@dataclass(frozen=True)
class ReportTable:
    """Rows of texts under a caption; the columns ``words`` are words, the others numbers.

    ``folded``: too long to stand open; otherwise it stands in for what the scripts draw, where they do not run.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """Facts under a title: each a label and its lines; ``code`` where they are typed into a machine."""

    title: str
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    code: bool = False


@dataclass(frozen=True)
class Curves:
    """Lines along λ, which falls: each a name and its value at every λ; ``index`` is the place of the λ that is marked."""

    label: str
    lambdas: tuple[float, ...]
    lines: tuple[tuple[str, tuple[float, ...]], ...]
    index: int


@dataclass(frozen=True)
class Histogram:
    """How many values lie in each of equal parts of [−largest, largest]."""

    label: str
    largest: float
    counts: tuple[int, ...]


@dataclass(frozen=True)
class ReportContent:
    """A page: title, one line under it, paragraphs, tables, pictures and sections that need no JavaScript, and the numbers.

    ``data`` is plain JSON: what the page's JavaScript draws (see ``assets/data.mjs`` for its fields).
    """

    title: str
    subtitle: str
    narrative: tuple[Paragraph, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    sections: tuple[Section, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    pictures: tuple[Curves | Histogram, ...] = ()
