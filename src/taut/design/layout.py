"""Layout: which lines of a delimited file are its header and its rows, and which stand above, between and below them."""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import NamedTuple

from taut.design.dialects import (
    SAMPLE_LINES,
    Dialect,
    Row,
    find_dialect,
    lines_of,
    refuse_single_column,
    strict_rows,
)
from taut.design.edges import MOST_ABOVE, above_words, feet_of, first_row, is_units, names_of, numeric_columns
from taut.design.faults import DataError, brief
from taut.design.reading_options import ReadingOptions, for_column

LEAST_AGREEMENT = 0.5
"""Share of the lines of a table that have as many cells as there are columns."""

_POINT = re.compile(r"[+-]?\d+\.\d+")
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")


class Sample(NamedTuple):
    """Whole lines of a file: those at its top, some further on, and the last ones (empty where the top is all of it)."""

    head: str
    parts: tuple[str, ...] = ()
    tail: str = ""


@dataclass(frozen=True)
class Layout:
    """How a delimited file is laid out: ``above`` lines stand before the first row of cells, ``below`` behind the last one,
    ``surplus`` says that every line has an empty cell more than there are columns, ``numbers`` which cells hold numbers."""

    dialect: Dialect
    columns: tuple[str, ...]
    decimal: str = "."
    above: int = 0
    below: int = 0
    surplus: bool = False
    notes: tuple[str, ...] = ()
    numbers: tuple[bool, ...] = ()

    @property
    def width(self) -> int:
        """Cells in a line."""
        return len(self.columns) + self.surplus

    @property
    def rewritten(self) -> Layout:
        """That of the same rows once they are written plainly."""
        delimiter = ";" if self.decimal == "," else ","
        return replace(self, dialect=Dialect(delimiter), above=0, below=0, surplus=False, notes=())


class _SeenRows(NamedTuple):
    """The rows of a sample: those at the top with their lines, some from further on, the last ones."""

    top: list[Row]
    more: list[list[str]]
    last: list[Row]
    width: int


def find_layout(sample: Sample, name: str, options: ReadingOptions) -> Layout:
    """Find delimiter, quotes, header, and what is no row. Raises ``DataError`` where nothing is left."""
    skipped = max(options.skip_rows, (options.header_line or 1) - 1)
    head = lines_of(sample.head)[skipped:]
    parts = [lines_of(text) for text in (*sample.parts, sample.tail) if text.strip()]
    runs = [[line for line in lines if line.strip()] for lines in (head, *parts)]
    if not any(runs):
        raise DataError(f"{name}: no line is left in which a table could begin")
    dialect = find_dialect([lines[:SAMPLE_LINES] for lines in runs], options)
    seen = _seen(dialect, head, parts, skipped)
    if dialect.quote == "" and options.quote is None and _quotes_in_numbers(seen):
        dialect = replace(
            dialect, quote='"'
        )  # what stands in numbers is no text: the fault is named when it is read
        deque(strict_rows(head, dialect, skipped, name), maxlen=0)
        seen = _seen(dialect, head, parts, skipped)
    if options.header and seen.width == 1:
        refuse_single_column(seen.top, name)
    return _laid_out(dialect, seen, options, name)


def _seen(dialect: Dialect, head: list[str], parts: list[list[str]], skipped: int) -> _SeenRows:
    top = _records(dialect, head[: SAMPLE_LINES + MOST_ABOVE], skipped)
    if len(head) > SAMPLE_LINES + MOST_ABOVE:
        top = top[:-1] or top  # the last one may be cut off within quotes
    behind = parts[-1] if parts else head
    last = _records(dialect, behind, 0 if parts else skipped)
    more = [row.cells for lines in parts for row in _records(dialect, lines, 0)]
    widths = Counter(len(row.cells) for row in top if any(row.cells)) + Counter(map(len, filter(any, more)))
    several = {w: count for w, count in widths.items() if w > 1}
    width = max(several, key=lambda w: (several[w], w)) if several else 1
    return _SeenRows(top, more, last, width)


def _records(dialect: Dialect, lines: list[str], before: int) -> list[Row]:
    """The records that can be told apart up to the first fault, which is named when the table is read."""
    found: list[Row] = []
    try:
        for row in dialect.rows(lines, before):
            if any(cell.strip() for cell in row.cells):
                found.append(row)
    except csv.Error:
        pass
    return found


def _quotes_in_numbers(seen: _SeenRows) -> bool:
    """Whether a quote stands in the header, or in a column that is numbers but for it."""
    rows = [row.cells for row in seen.top]
    numbers = numeric_columns(rows[1:] + seen.more, seen.width)
    inside = [cells for cells in rows[1:] + seen.more if len(cells) == seen.width]
    strange = any(
        '"' in cell and number for cells in inside for cell, number in zip(cells, numbers, strict=True)
    )
    return strange or any('"' in cell for cell in rows[0])


def _laid_out(dialect: Dialect, seen: _SeenRows, options: ReadingOptions, name: str) -> Layout:
    if not seen.top:
        raise DataError(f"{name}: no line is left in which a table could begin")
    surplus = _has_surplus(seen)
    seen = _without_last(seen) if surplus else seen
    numbers = numeric_columns([row.cells for row in seen.top[2:]] + seen.more, seen.width)
    head = _head(seen, numbers, surplus, options)
    cells = [row.cells for row in head.below] + seen.more
    if options.delimiter is None:
        _check_agreement(cells, seen.width, seen.top[0], name)
    last = seen.last if seen.more else [row for row in seen.last if row.first > head.above]
    below, said = feet_of(last, cells, numbers, dialect.delimiter)
    decimal = _decimal(cells, dialect.delimiter, options)
    more = ("every line ends in a delimiter: the empty cells behind it are left out",) if surplus else ()
    notes = (*head.notes, *more, *said)
    return Layout(dialect, head.columns, decimal, head.above, below, surplus, notes, tuple(numbers))


class _Head(NamedTuple):
    """The names, how many lines stand above the first row of cells, the rows behind them, and what is to be said."""

    columns: tuple[str, ...]
    above: int
    below: list[Row]
    notes: tuple[str, ...]


def _head(seen: _SeenRows, numbers: list[bool], surplus: bool, options: ReadingOptions) -> _Head:
    place = first_row(seen.top, numbers, options.header) if options.header_line is None else 0
    first, below = seen.top[place], seen.top[place + 1 :]
    notes = above_words(seen.top[:place])
    if not options.header:
        columns = tuple(f"c{j + 1}" for j in range(seen.width))
        return _Head(columns, first.first - 1, [first, *below], notes)
    cells = first.cells
    if surplus and len(cells) == seen.width and not cells[-1].strip() and not numbers[0]:
        cells = cells[:-1]  # it ends in a delimiter too, and has no name for those of the rows
    columns, said = names_of(cells, seen.width)
    if below and is_units(below[0].cells, numbers):
        units = brief(", ".join(filter(None, below[0].cells)))
        said = (*said, f"line {below[0].last} is one of units ({units}) and is left out")
        return _Head(columns, below[0].last, below[1:], (*notes, *said))
    return _Head(columns, first.last, below, (*notes, *said))


def _check_agreement(rows: list[list[str]], width: int, first: Row, name: str) -> None:
    """``DataError`` for prose: lines of which few have as many cells as the most frequent number of them."""
    same = sum(len(cells) == width for cells in rows)
    if same < LEAST_AGREEMENT * len(rows):
        shown = brief(",".join(first.cells))
        raise DataError(
            f"{name}: no table found: {same} of {len(rows)} lines looked at have {width} cells, line {first.first} is {shown};"
            " say what stands between the cells (--delimiter), or which line names them (--header-line)"
        )


def _has_surplus(seen: _SeenRows) -> bool:
    """Whether every line ends in a delimiter, the header too or the rows alone."""
    full = [cells for cells in [row.cells for row in seen.top] + seen.more if len(cells) == seen.width]
    return seen.width > 2 and not any(cells[-1].strip() for cells in full)


def _without_last(seen: _SeenRows) -> _SeenRows:
    """The same without the empty cell at the end of full lines."""

    def cut(cells: list[str]) -> list[str]:
        return cells[:-1] if len(cells) == seen.width else cells

    top, last = ([row._replace(cells=cut(row.cells)) for row in rows] for rows in (seen.top, seen.last))
    return _SeenRows(top, [cut(cells) for cells in seen.more], last, seen.width - 1)


def _decimal(rows: list[list[str]], delimiter: str, options: ReadingOptions) -> str:
    """The decimal mark of the file: as asked, else the one that more cells have."""
    asked, thousands = for_column(options.decimal, ""), for_column(options.thousands, "")
    if asked is not None:
        return asked
    if thousands in (".", ","):
        return "," if thousands == "." else "."
    if delimiter == ",":
        return "."
    cells = [cell.strip() for row in rows for cell in row]
    commas = sum(_COMMA.fullmatch(c) is not None for c in cells)
    points = sum(_POINT.fullmatch(c) is not None for c in cells)
    return "," if commas > points else "."
