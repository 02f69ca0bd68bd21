"""Sheets: tables of known truth, and everything about how one of them is written to a file."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

ROWS = 48
TARGET = "y"

Cell = str | None


@dataclass(frozen=True)
class Table:
    """What is true: names, kinds (number, text, date), and rows of cells in plain spelling, None where missing."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def frame(self) -> pl.DataFrame:
        """The same as a data frame of numbers, texts and dates."""
        made = {"number": float, "text": str, "date": datetime.date.fromisoformat}
        types = {"number": pl.Float64, "text": pl.String, "date": pl.Date}
        columns = zip(*self.rows, strict=True)
        return pl.DataFrame(
            [
                pl.Series(name, [None if c is None else made[kind](c) for c in cells], dtype=types[kind])
                for name, kind, cells in zip(self.names, self.kinds, columns, strict=True)
            ]
        )


@dataclass(frozen=True)
class Sheet:
    """A table and the way in which it is written; ``options`` are what the reader has to be told."""

    table: Table
    rows: tuple[tuple[Cell, ...], ...]
    header: tuple[str, ...] | None
    delimiter: str = ","
    quote: str = '"'
    quoting: str = "where needed"
    escape: str = "doubled"
    line_end: str = "\n"
    encoding: str = "utf-8"
    pad: str = ""
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    units: tuple[str, ...] | None = None
    row_names: bool = False
    trailing: str = "none"
    between: tuple[tuple[int, str], ...] = ()
    final: str = "\n"
    mark: bytes = b""
    options: dict[str, Any] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    refused: str = ""

    def text(self) -> str:
        """The file as text."""
        body = [self._line(row, i) for i, row in enumerate(self.rows)]
        for place, line in sorted(self.between, reverse=True):
            body.insert(place, line)
        head = [] if self.header is None else [self._header()]
        units = [] if self.units is None else [self._joined(self.units, named="")]
        lines = [*self.above, *head, *units, *body, *self.below]
        return self.line_end.join(lines) + (self.line_end if self.final == "\n" else self.final)

    def data(self) -> bytes:
        """The bytes of the file."""
        return self.mark + self.text().encode(self.encoding)

    def _header(self) -> str:
        assert self.header is not None
        line = self.delimiter.join(self._cell(c, force=self.quoting == "all") for c in self.header)
        return line + (self.delimiter if self.trailing == "all" else "")

    def _line(self, row: tuple[Cell, ...], number: int) -> str:
        trailing = self.trailing in ("all", "body") or self.trailing == str(number)
        return self._joined(row, f"r{number}") + (self.delimiter if trailing else "")

    def _joined(self, row: tuple[Cell, ...], named: str) -> str:
        cells = [self._cell(c, self.quoting == "all", j) for j, c in enumerate(row)]
        first = [self._cell(named, self.quoting == "all")] if self.row_names else []
        return (self.delimiter + self.pad).join([*first, *cells])

    def _cell(self, cell: Cell, force: bool = False, place: int = -1) -> str:
        text = "" if cell is None else cell
        if self.quoting == "none" or cell is None:
            return text
        text_cell = 0 <= place < len(self.table.kinds) and self.table.kinds[place] == "text"
        force = force or (self.quoting == "texts" and (text_cell or place < 0))
        doubled = 2 * self.quote if self.escape == "doubled" else "\\" + self.quote
        special = (self.delimiter, self.quote, "\n", "\r")
        blanks = self.delimiter == " " and (not text or any(c.isspace() for c in text))
        if force or blanks or any(c in text for c in special):
            return self.quote + text.replace(self.quote, doubled) + self.quote
        return text

    def after(self, name: str, **changes: Any) -> Sheet:
        """The same with changes, and the name of what was done."""
        return replace(self, **changes, done=(*self.done, name))


def plain(table: Table) -> Sheet:
    """The table as CSV without any oddity."""
    return Sheet(table, table.rows, table.names)


def western(rng: np.random.Generator) -> Table:
    """Numbers of several sizes, dates, and texts with commas, apostrophes and accents."""
    size = rng.uniform(-9, 9, ROWS).round(3)
    price = (rng.uniform(1.01, 9_999, ROWS) * 10.0 ** rng.integers(0, 4, ROWS)).round(2)
    price[:3] = 1_234_567.25, 12_345.5, 999.75
    count = rng.integers(1, 90_000, ROWS)
    who = rng.choice(["Smith, J", "O'Brien", "Köln", "Lyon"], ROWS)
    state = rng.choice(["low", "middling", "high"], ROWS)
    first = datetime.date(2019, 1, 17)
    day = [first + datetime.timedelta(days=int(d)) for d in rng.integers(0, 1400, ROWS)]
    y = (size + np.log(price) + (who == "Köln")).round(4)
    columns = [size, price, count, who, state, day, y]
    rows = tuple(tuple(map(str, row)) for row in zip(*columns, strict=True))
    names = ("size", "price", "count", "who", "state", "day", TARGET)
    return Table(names, ("number", "number", "number", "text", "text", "date", "number"), rows)


def narrow(rng: np.random.Generator) -> Table:
    """Three numbers."""
    a, b = rng.normal(size=(2, ROWS)).round(4)
    rows = tuple(tuple(map(str, row)) for row in zip(a, b, (2 * a - b).round(4), strict=True))
    return Table(("a", "b", TARGET), ("number",) * 3, rows)


def words(rng: np.random.Generator) -> Table:
    """More texts than numbers, with gaps, names of two words, and classes to predict."""
    a = rng.normal(size=ROWS).round(3)
    kind = rng.choice(["café noir", "thé", 'a 12" pipe'], ROWS)
    place = rng.choice(["Zürich; West", "Genève", "Bern | Mitte"], ROWS)
    number = rng.integers(0, 500, ROWS)
    y = np.where(a + (kind == "thé") > 0.3, "yes", "no")
    rows = [list(map(str, row)) for row in zip(kind, a, place, number, y, strict=True)]
    filled: list[tuple[Cell, ...]] = [
        tuple(None if j in (0, 3) and (i + j) % 11 == 5 else c for j, c in enumerate(row))
        for i, row in enumerate(rows)
    ]
    names = ("kind of drink", "score", "where", "number", TARGET)
    return Table(names, ("text", "number", "text", "number", "text"), tuple(filled))


TABLES = {"western": western, "narrow": narrow, "words": words}
