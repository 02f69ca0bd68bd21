"""Ambiguous columns: those of a text file whose cells say more than the numbers that were made of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

AsText = Callable[[list[str]], "pl.DataFrame"]
"""Reads some columns of the same lines once more, as text."""

PIECE = 1 << 20
PEEKED = 1000
ZERO, NINE, NEWLINE, QUOTE = b'09\n"'


@dataclass
class AmbiguousColumns:
    """What a file's blocks of lines leave in doubt, gathered block by block.

    Leading zeros that whole numbers lose (``007``, where no block has fractions);
    truth values whose writing is asked for (``labels``); numbers of which
    every one may have its thousands marked (``1.234``), where no column of the file proves the ``decimal`` mark that they
    were read with (not ``marked``: an option says it), or all of them, where that mark is known to be ``wrong``.
    ``whole``: one block is all there is.
    """

    delimiter: str
    decimal: str
    labels: Collection[str] = ()
    marked: bool = True
    wrong: bool = False
    whole: bool = False
    zeros: set[str] = field(default_factory=set)
    fractions: set[str] = field(default_factory=set)
    truths: set[str] = field(default_factory=set)
    cleared: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    @property
    def certain(self) -> set[str]:
        """The columns that are to be read as text whatever other blocks hold."""
        return (self.zeros - self.fractions) | self.truths

    @property
    def columns(self) -> set[str]:
        """The columns that are to be read as text."""
        return self.certain | (set() if self.cleared and not self.wrong else self.groups)

    def look(self, frame: pl.DataFrame, data: bytes, as_text: AsText) -> None:
        """Take up one block of lines, given as the table that was made of them and as they stand."""
        import polars as pl

        self.fractions |= {name for name, dtype in frame.schema.items() if dtype.is_float()}
        self.truths |= {n for n in self.labels if n in frame.columns and frame[n].dtype == pl.Boolean}
        whole = [n for n, dtype in frame.schema.items() if dtype.is_integer() and n not in self.zeros]
        if whole and _has_leading_zero(data, self.delimiter):
            cells = as_text(whole)
            self.zeros |= {n for n in whole if cells[n].str.contains(r"^\s*0\d").any()}
        if self.wrong:
            self.groups |= {name for name, dtype in frame.schema.items() if dtype.is_float()}
        elif self.marked and not self.cleared:
            self._look_at_marks(frame, as_text)

    def _look_at_marks(self, frame: pl.DataFrame, as_text: AsText) -> None:
        doubtful = []
        for name in (n for n, dtype in frame.schema.items() if dtype.is_float()):
            if not _may_be_grouped(frame[name]):
                self.cleared.add(name)
                return  # one column proves the mark
            doubtful.append(name)
        if doubtful:
            cells = as_text(doubtful)
            mark = "\\" + self.decimal
            grouped = rf"^\s*[+-]?(?:[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|\d+)?\s*$"
            self.cleared |= {n for n in doubtful if not cells[n].str.contains(grouped).all()}
        self.groups |= {*doubtful}


def _may_be_grouped(column: pl.Series) -> bool:
    """Whether every number is below 1000 and has no more than three decimals, and none lies between 0 and 1."""
    for part in (column[:PEEKED], column):
        values = part.drop_nulls().to_numpy()
        sizes = np.abs(values)
        if not ((sizes < 1000.0) & ((sizes >= 1.0) | (sizes == 0.0))).all():
            return False
        thousandths = sizes * 1000.0
        if not (np.abs(thousandths - np.round(thousandths)) < 1e-6).all():
            return False
    return True


def _has_leading_zero(data: bytes, delimiter: str) -> bool:
    """Whether a cell of the lines begins with a zero and another digit; the first cell has nothing before it."""
    if len(data) > 1 and data[0] == ZERO and ZERO <= data[1] <= NINE:
        return True
    for start in range(0, len(data), PIECE):
        piece = np.frombuffer(data, dtype=np.uint8, count=min(PIECE + 2, len(data) - start), offset=start)
        zeros = np.flatnonzero(piece[1:-1] == ZERO)
        after, before = piece[zeros + 2], piece[zeros]
        starts = (before == ord(delimiter)) | (before == NEWLINE) | (before == QUOTE)
        if (starts & (after >= ZERO) & (after <= NINE)).any():
            return True
    return False
