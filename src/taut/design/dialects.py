"""Dialects: what stands between cells and around them, found by how many lines agree and how well their cells read.

After van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by detecting row and type patterns", Data Mining and
Knowledge Discovery 33 (2019): every candidate is scored by the agreement of its rows and by the share of cells of a known type.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taut.design.faults import DataError, brief
from taut.design.reading_options import NONE, ReadingOptions

DELIMITERS = (",", ";", "\t", "|", "~", "^")
BLANKS = " "
SAMPLE_LINES = 100
SAMPLE_CELLS = 3000
PIECE = 1 << 22
"""Bytes that are searched together."""
LEFTOVER, OTHER_TEXT = 0.1, 0.7
"""What a cell counts that looks cut or glued, and one that is a sentence."""
LONGER = 0.9
"""What a line counts that has an empty cell more."""
LEAST_AGREEMENT = 0.75
"""Share of lines that must agree where blanks are to tell cells apart: sentences have blanks too."""
BLANKS_COUNT = 0.8
"""What a score by blanks counts against one by a delimiter, unless every line agrees."""

_DIGITS = r"(\d{1,3}([.,'’_ \u00a0\u202f]\d{3})+|\d{1,3}(,\d{2})*,\d{3}|\d+)([.,]\d*)?|[.,]\d+"
NUMBER = re.compile(
    rf"\([$€£¥]?\s?({_DIGITS})\s?[$€£¥%]?\)"  # accounting writes negative numbers so
    rf"|[+\-−<>]?\s?([$€£¥]|[A-Z]{{3}}\s)?\s?[+\-−]?({_DIGITS})([eE][+-]?\d+)?\s?(%|[$€£¥]|°?[^\W\d_]{{1,4}})?"
)
_WHEN = re.compile(
    r"\d{1,4}([./-]\d{1,2}){1,2}([./-]\d{1,4})?([T ]\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(:\d{2})?.*"
)
_WORDS = re.compile(r"[\w .&/()'’:%#@+?!*=-]*")
_UNTOLD = re.compile(r'^"[^"]*$|[;\t|]|,\S')
_QUOTED = re.compile(r"'[^']*'?")


class Row(NamedTuple):
    """The cells of one record, and the lines where it begins and ends (from 1)."""

    first: int
    last: int
    cells: list[str]


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart: ``quote`` empty for none, ``escaped`` where a backslash stands before a quote inside a cell,
    ``padded`` where a blank follows the delimiter; the delimiter is a blank for runs of blanks."""

    delimiter: str = ","
    quote: str = '"'
    escaped: bool = False
    padded: bool = False
    comment: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether a fast reader takes it as it stands."""
        return self.delimiter != BLANKS and not (self.escaped or self.padded or self.comment)

    def rows(self, lines: Iterable[str], before: int = 0, strict: bool = False) -> Iterator[Row]:
        """The records of some lines, ``before`` which others stand; csv.Error where ``strict`` and quotes do not close."""
        if self.delimiter == BLANKS:
            yield from self._parted(lines, before, strict)
            return
        reader = csv.reader(self._kept(lines), strict=strict, skipinitialspace=self.padded, **self._format)
        first = before
        for cells in reader:
            yield Row(first + 1, before + reader.line_num, cells)
            first = before + reader.line_num

    @property
    def _format(self) -> dict[str, Any]:
        quoting = {"quotechar": self.quote} if self.quote else {"quoting": csv.QUOTE_NONE}
        return {"delimiter": self.delimiter, **quoting, **({"escapechar": "\\"} if self.escaped else {})}

    def _kept(self, lines: Iterable[str]) -> Iterable[str]:
        if not self.comment:
            return lines
        return ("\n" if line.startswith(self.comment) else line for line in lines)

    def _parted(self, lines: Iterable[str], before: int, strict: bool) -> Iterator[Row]:
        """Rows of cells apart by runs of blanks."""
        for number, line in enumerate(self._kept(lines), before + 1):
            text = " ".join(re.split(r"[ \t\r\n]+", line.strip(" \t\r\n")))
            cells = next(csv.reader([text], strict=strict, **self._format), []) if text else []
            yield Row(number, number, cells)


def lines_of(text: str) -> list[str]:
    """The lines with their ends. Only a line feed ends one: U+0085 and its like are characters of names."""
    found = text.split("\n")
    return (
        [*(f"{line}\n" for line in found[:-1]), *found[-1:]] if found[-1] else [f"{x}\n" for x in found[:-1]]
    )


def find_dialect(runs: list[list[str]], options: ReadingOptions) -> Dialect:
    """The dialect of a table, from runs of its lines, each of which begins with one; what ``options`` say is taken as said."""
    comment = options.comment or ""
    delimiters = (*DELIMITERS, BLANKS) if options.delimiter is None else (options.delimiter,)
    quotes = _quotes(runs, options)
    best, found = -1.0, Dialect(delimiters[0], quotes[0], comment=comment)
    for delimiter in delimiters:
        for quote in quotes:
            dialect = Dialect(delimiter, quote, padded=delimiter != BLANKS, comment=comment)
            rows = [row for lines in runs for row in _sampled(dialect, lines)]
            score = _score(rows, sum(map(len, runs)), delimiter)
            if score > best + 1e-9:
                best, found = score, dialect
    return found


def _quotes(runs: list[list[str]], options: ReadingOptions) -> tuple[str, ...]:
    if options.quote is not None:
        return ("" if options.quote == NONE else options.quote,)
    text = "".join(line for lines in runs for line in lines)
    single = ("'",) if _SINGLE.search(text) else ()
    return (*single, '"', "") if '"' in text else (*single, '"')


_SINGLE = re.compile(r"(^|[,;\t| ])'[^'\n]*'([,;\t| ]|$)", re.MULTILINE)


def _sampled(dialect: Dialect, lines: list[str]) -> list[Row]:
    """The rows up to the first fault."""
    found: list[Row] = []
    with suppress(csv.Error):
        found.extend(row for row in dialect.rows(lines) if any(row.cells))
    return found


def _score(rows: list[Row], lines: int, delimiter: str) -> float:
    """Agreement² · typed² · (W − 1)/W for the most frequent width W > 1; the agreement is a share of lines."""
    widths = Counter(len(row.cells) for row in rows if len(row.cells) > 1)
    if not widths:
        return 0.0
    width = max(widths, key=lambda w: (widths[w], w))
    same = [row for row in rows if len(row.cells) == width or _is_longer(row.cells, width)]
    spans = ((row.last - row.first + 1) * (1.0 if len(row.cells) == width else LONGER) for row in same)
    agreement = sum(spans) / lines
    if delimiter == BLANKS and agreement < LEAST_AGREEMENT:
        return 0.0
    cells = [cell.strip() for row in same for cell in row.cells][:SAMPLE_CELLS]
    typed = sum(map(_known, cells)) / len(cells)
    weight = BLANKS_COUNT if delimiter == BLANKS and agreement < 1.0 else 1.0
    return weight * agreement**2 * typed**2 * (width - 1) / width


def _is_longer(cells: list[str], width: int) -> bool:
    """Whether a row has one cell more, which is empty."""
    return len(cells) == width + 1 and not cells[-1].strip()


@lru_cache(maxsize=8192)
def _known(cell: str) -> float:
    """How well a cell reads: 1 for a number, a date, a few words or nothing, less for other text, little for leftovers."""
    if _QUOTED.fullmatch(cell):
        return LEFTOVER
    if not cell or NUMBER.fullmatch(cell) or _WHEN.fullmatch(cell) or _WORDS.fullmatch(cell):
        return 1.0
    return LEFTOVER if _UNTOLD.search(cell) else OTHER_TEXT


def is_number(cell: str) -> bool:
    """Whether a cell looks like a number, with marks on it or without."""
    return NUMBER.fullmatch(cell.strip()) is not None and any(c.isdigit() for c in cell)


class Quotes(NamedTuple):
    """Where quotes open cells and close them (places in the bytes), and whether each of them does one or the other."""

    opening: NDArray[np.int64]
    closing: NDArray[np.int64]
    formed: bool

    def any_of(self, length: int) -> bool:
        """Whether a quoted cell of 1 to ``length`` bytes may be there."""
        inside = self.closing - self.opening - 1
        return bool(((inside > 0) & (inside <= length)).any())


def find_quotes(data: bytes, delimiter: str, quote: str) -> Quotes:
    """The quotes of some lines. They are well formed where each opens a cell, closes one or is doubled: then all readers
    agree on what is a cell."""
    none = np.zeros(0, dtype=np.int64)
    if not quote or quote.encode() not in data:
        return Quotes(none, none, True)
    marks, mark = np.frombuffer(data, dtype=np.uint8), ord(quote)
    found = [np.flatnonzero(marks[s : s + PIECE] == mark) + s for s in range(0, len(marks), PIECE)]
    places = np.concatenate(found)
    if len(places) % 2:
        return Quotes(none, none, False)
    opening, closing = places[::2], places[1::2]
    # A quote before an opening one is the closing one of a doubled pair, and the other way round.
    pair = opening[1:] == closing[:-1] + 1
    edges = np.zeros(256, dtype=np.bool_)
    edges[[ord(delimiter), 10, 13]] = True
    before = edges[marks[opening - 1]] | (opening == 0)
    behind = edges[marks[np.minimum(closing + 1, len(marks) - 1)]] | (closing == len(marks) - 1)
    before[1:] |= pair
    behind[:-1] |= pair
    return Quotes(opening, closing, bool(before.all() and behind.all()))


def strict_rows(lines: Iterable[str], dialect: Dialect, before: int, name: str) -> Iterator[Row]:
    """The rows; ``DataError`` where quotes do not close, with the line where one was opened."""
    last = before
    try:
        for row in dialect.rows(lines, before, strict=True):
            last = row.last
            yield row
    except csv.Error as error:
        raise DataError(f"{name}: line {last + 1}: {_quote_words(str(error))}; correct that line") from error


def _quote_words(said: str) -> str:
    if "limit" in said:
        return f"a cell of more than {csv.field_size_limit()} characters, or a quote never closed"
    if "unexpected end" in said:
        return "a quote is opened on it and never closed"
    if "new-line" in said:
        return "a carriage return stands inside a cell that has no quotes around it"
    return 'text follows a closing quote (a quote inside a cell is written ""; --quote none takes quotes as text)'


def refuse_single_column(rows: list[Row], name: str) -> None:
    """``DataError`` for lines of several words that no delimiter tells apart."""
    if rows and len(rows[0].cells) == 1 and len(rows[0].cells[0].split()) > 1:
        found = brief(rows[0].cells[0].strip())
        raise DataError(
            f"{name}: one column found ({found}); delimit cells by , ; | or tab, or say what does (--delimiter)"
        )
