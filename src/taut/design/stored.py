"""Stored tables: columns that are read from disk when they are asked for, and rows that are taken then."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from taut.design.faults import DataError, clean
from taut.design.sparse import Sparse

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Stored:
    """A table on disk behind a scan of it; ``keeps`` is what must live as long (the folder of its parts)."""

    name: str
    scan: pl.LazyFrame
    height: int
    keeps: object = None

    @cached_property
    def schema(self) -> nw.Schema:
        """The types of the columns."""
        return nw.from_native(self.scan).collect_schema()

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self.schema.names()

    def __len__(self) -> int:
        return self.height

    def __getitem__(self, name: str) -> nw.Series[Any]:
        return self.select([name])[name]

    def select(self, names: Sequence[str]) -> nw.DataFrame[Any]:
        """Read some columns."""
        import polars as pl

        try:
            return nw.from_native(self.scan.select(names).collect(), eager_only=True)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            said = clean(next(iter(str(error).splitlines()), "unknown fault"))
            raise DataError(f"{self.name}: cannot be read to its end ({said}); write it again") from error

    def run(self, start: int, count: int) -> Stored:
        """The rows from ``start`` on."""
        return Stored(self.name, self.scan.slice(start, count), min(count, self.height - start), self.keeps)


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows (all where None) and columns of a table, none of which is copied before it is asked for."""

    whole: Whole
    rows: NDArray[np.int64] | None = None
    without: frozenset[str] = frozenset()

    @cached_property
    def schema(self) -> nw.Schema:
        """The types of the columns."""
        return nw.Schema({n: t for n, t in self.whole.schema.items() if n not in self.without})

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        # Their types are not asked for: a table of very many columns takes long to say them.
        return [n for n in self.whole.columns if n not in self.without]

    def __len__(self) -> int:
        return len(self.whole) if self.rows is None else len(self.rows)

    def __getitem__(self, name: str) -> nw.Series[Any]:
        column = self.whole[name]
        return column if self.rows is None else column[self.rows]

    def select(self, names: Sequence[str]) -> nw.DataFrame[Any]:
        """Read some columns of these rows."""
        found = self.whole.select(list(names))
        return found if self.rows is None else found[self.rows]

    def sparse(self, names: Sequence[str]) -> Any:
        """Some columns of these rows of a sparse table, as a CSR array; None for other tables."""
        found = sparse_part(self.whole, names)
        return found if found is None or self.rows is None else found[self.rows]

    def drop(self, names: Collection[str]) -> Rows:
        """The same rows without some columns."""
        return Rows(self.whole, self.rows, self.without | {*names})

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """The given rows of these."""
        return Rows(self.whole, rows if self.rows is None else self.rows[rows], self.without)


def runs_of(frame: Whole, cells: int) -> Iterator[Whole]:
    """The table in runs of rows of about so many cells."""
    height = max(1, cells // max(1, len(frame.columns)))
    if len(frame) <= height or isinstance(frame, Sparse):
        yield frame
        return
    for start in range(0, len(frame), height):
        yield frame.run(start, height) if isinstance(frame, Stored) else frame[start : start + height]


def holds_sparse(frame: Frame) -> bool:
    """Whether the table's numbers are sparse."""
    return isinstance(frame.whole if isinstance(frame, Rows) else frame, Sparse)


def sparse_part(frame: Frame, names: Sequence[str]) -> Any:
    """Some columns of a sparse table as a CSR array; None for other tables."""
    if isinstance(frame, Rows):
        return frame.sparse(names)
    return frame.matrix(names) if isinstance(frame, Sparse) else None


Whole: TypeAlias = "nw.DataFrame[Any] | Stored | Sparse"
"""A table as it was read."""
Frame: TypeAlias = "nw.DataFrame[Any] | Stored | Sparse | Rows"
"""A table, wherever it lies: ``columns``, ``schema``, a column by its name, some columns together, a length."""
