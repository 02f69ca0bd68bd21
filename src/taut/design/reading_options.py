"""Reading options: what a caller says of how a file is written, which detection would find out otherwise."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

PerColumn: TypeAlias = "tuple[tuple[str, str], ...]"
"""Pairs of a column's name and a text; the empty name stands for every column that is not named."""

NONE = "none"
SPELT = {"tab": "\t", "\\t": "\t", "blanks": " ", "blank": " ", "comma": ",", "semicolon": ";"}
"""Delimiters and marks by the names that a shell passes on safely."""
DECIMALS = (".", ",")
THOUSANDS = (",", ".", "'", "’", " ", "_", NONE)


@dataclass(frozen=True)
class ReadingOptions:
    """What is said of a file; None and empty values leave it to detection.

    ``delimiter``: one character, a blank for runs of blanks.   ``quote``: one character, or ``"none"``.   ``encoding``: a name
    that Python knows.   ``header``: whether a line names the columns.   ``header_line``: its number, from 1.
    ``skip_rows``: lines that are left out at the top.   ``comment``: what lines that are none begin with.
    ``decimal`` and ``thousands``: the mark in numbers, of every column or of one.   ``na_values``: further texts of missing
    cells.   ``keep_na``: columns in which a sign such as ``NA`` is a value.   ``dates``: a form of ``strptime`` per column.
    """

    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    header: bool = True
    header_line: int | None = None
    skip_rows: int = 0
    comment: str | None = None
    decimal: PerColumn = ()
    thousands: PerColumn = ()
    na_values: tuple[str, ...] = ()
    keep_na: tuple[str, ...] = ()
    dates: PerColumn = ()

    @property
    def marked(self) -> tuple[str, ...]:
        """The columns of which it is said how their numbers or dates are written."""
        return tuple(name for name, _ in (*self.decimal, *self.thousands, *self.dates) if name)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are spoken of."""
        return (*self.marked, *self.keep_na)

    def check(self) -> None:
        """ValueError where an option is none, or two of them do not go together."""
        for wrong, words in self._faults():
            if wrong:
                raise ValueError(words)

    def _faults(self) -> Sequence[tuple[Any, str]]:
        strange = [text for _, text in self.decimal if text not in DECIMALS]
        odd = [text for _, text in self.thousands if text not in THOUSANDS]
        return (
            (
                self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '\r\n"'),
                f"delimiter must be one character, such as ; or tab, got {self.delimiter!r}",
            ),
            (
                self.quote not in (None, NONE) and len(self.quote or "") != 1,
                f"quote must be one character or none, got {self.quote!r}",
            ),
            (
                self.delimiter is not None and self.delimiter == self.quote,
                f"{self.delimiter!r} cannot be both the delimiter and the quote",
            ),
            (
                self.encoding is not None and not _known(self.encoding),
                f"encoding {self.encoding!r} is none that Python knows, such as utf-8, cp1252, shift_jis",
            ),
            (strange, f"decimal must be . or , (or COLUMN=MARK), got {next(iter(strange), '')!r}"),
            (
                odd,
                f"thousands must be one of , . ' _ blank none (or COLUMN=MARK), got {next(iter(odd), '')!r}",
            ),
            (
                self._same_mark,
                "the decimal mark and the thousands mark are the same; give two different ones",
            ),
            (self.skip_rows < 0, f"skip_rows must be at least 0, got {self.skip_rows}"),
            (
                self.comment == "",
                "comment must be the text that lines begin with which are left out, such as #",
            ),
            *self._header_faults(),
            (
                [d for _, d in self.dates if "%" not in d],
                "dates takes forms such as %d-%m-%Y (or COLUMN=FORM)",
            ),
        )

    def _header_faults(self) -> Sequence[tuple[bool, str]]:
        line = self.header_line
        return (
            (line is not None and line < 1, f"header_line must be at least 1, got {line}"),
            (
                line is not None and not self.header,
                "header_line names a line, and header=False says there is none",
            ),
            (
                line is not None and line <= self.skip_rows,
                f"header_line counts every line of the file: line {line} is among the {self.skip_rows} of skip_rows",
            ),
        )

    @property
    def _same_mark(self) -> bool:
        marks = dict(self.thousands)
        return any(marks.get(name, marks.get("")) == mark for name, mark in self.decimal)


def _known(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding)._is_text_encoding
    except LookupError:
        return False


def for_column(given: PerColumn, name: str) -> str | None:
    """What is said of one column, or of every one; None where nothing is."""
    said = dict(given)
    return said.get(name, said.get(""))


def per_column(given: str | Mapping[str, str] | Sequence[tuple[str, str]] | None) -> PerColumn:
    """One text for every column, or a mapping from columns to texts, as pairs."""
    if given is None:
        return ()
    if isinstance(given, str):
        return (("", spelt(given)),)
    pairs = given.items() if isinstance(given, Mapping) else given
    return tuple((str(name), spelt(str(text))) for name, text in pairs)


def spelt(text: str) -> str:
    """The character that is meant by its name."""
    return SPELT.get(text, text)


OPTION_NAMES = tuple(field.name for field in fields(ReadingOptions))
