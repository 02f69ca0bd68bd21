"""Rewriting: rows of any dialect become plain lines of as many cells as there are columns, or the faulty line is named."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

from taut.design.dialects import BLANKS, Dialect, Row, strict_rows
from taut.design.faults import DataError, brief
from taut.design.layout import Layout

NULL_TOKENS = ("?", " ?", "NA", " NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
LONGEST_TOKEN = max(map(len, NULL_TOKENS))
SIGN = "\x1a"
"""Stands before a sign of a missing cell that is text because it is quoted. No file holds it: it is refused before."""


@dataclass
class RaggedLines:
    """What was odd in the rows: lines that end early, and lines with empty cells behind the last column."""

    short: list[int] = field(default_factory=list)
    long: list[int] = field(default_factory=list)

    @property
    def notes(self) -> tuple[str, ...]:
        """Both in words."""
        return (
            *_told(self.short, "early: the cells that are not there read as missing"),
            *_told(self.long, "in a delimiter: the empty cells behind it are left out"),
        )


def _told(lines: list[int], how: str) -> tuple[str, ...]:
    if not lines:
        return ()
    more = f" and {len(lines) - 1} more end" if len(lines) > 1 else " ends"
    return (f"line {lines[0]}{more} {how}",)


def write_plain(lines: Iterable[str], layout: Layout, before: int, out: TextIO, name: str) -> RaggedLines:
    """Write the rows of lines, ``before`` which others stand, as a plain reader wants them. ``DataError`` names a fault."""
    ragged, writer = (
        RaggedLines(),
        csv.writer(out, delimiter=layout.rewritten.dialect.delimiter, lineterminator="\n"),
    )
    guarded = guard_lines(lines, layout.dialect)
    for cells in _whole_rows(guarded, layout, before, ragged, name):
        writer.writerow(cells)
    return ragged


def _whole_rows(
    lines: Iterable[str], layout: Layout, before: int, ragged: RaggedLines, name: str
) -> Iterator[list[str]]:
    width, dialect = len(layout.columns), layout.dialect
    for row in strict_rows(lines, dialect, before, name):
        cells = row.cells
        if len(cells) > width:
            if any(cell.strip() for cell in cells[width:]):
                raise DataError(f"{name}: {too_long(row, layout)}; correct that line")
            if not layout.surplus or len(cells) > width + 1:
                ragged.long.append(row.last)
        elif len(cells) < width:
            if not cells or (width > 1 and not "".join(cells).strip() and len(cells) == 1):
                continue
            ragged.short.append(row.last)
            cells = [*cells, *[""] * (width - len(cells))]
        yield cells[:width]


def too_long(row: Row, layout: Layout) -> str:
    """A line with more cells than there are columns, in words."""
    text = layout.dialect.delimiter.join(row.cells).replace(SIGN, "")
    return f"line {row.last} has {len(row.cells)} cells, the header has {len(layout.columns)}: {brief(text)}"


def guard_lines(lines: Iterable[str], dialect: Dialect) -> Iterable[str]:
    """The lines with the sign before every quoted sign of a missing cell, which is text."""
    if not dialect.quote:
        return lines
    found = _quoted_gap(dialect)
    return (found.sub(rf"\1{SIGN}\2", line) if dialect.quote in line else line for line in lines)


def guard(data: bytes, dialect: Dialect) -> bytes:
    """``guard_lines`` for bytes; those that came in where there is nothing to guard."""
    quote = dialect.quote.encode()
    if not quote or not any(quote + token.encode() + quote in data for token in NULL_TOKENS):
        return data
    found = re.compile(_quoted_gap(dialect).pattern.encode(), re.MULTILINE)
    return found.sub(rb"\1" + SIGN.encode() + rb"\2", data)


def _quoted_gap(dialect: Dialect) -> re.Pattern[str]:
    quote, edge = re.escape(dialect.quote), re.escape(dialect.delimiter)
    if dialect.delimiter == BLANKS:
        edge = "[ \t]"
    tokens = "|".join(re.escape(token) for token in NULL_TOKENS)
    return re.compile(rf"((?:^|{edge}) *{quote})((?:{tokens}){quote}(?= *(?:{edge}|\r?$)))", re.MULTILINE)
