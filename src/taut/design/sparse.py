"""Sparse tables: columns of numbers that are mostly zero and never written out, and a few ordinary columns beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import scipy
from numpy.typing import NDArray

from taut.design.faults import DataError, brief, clean

MAX_COLUMNS = 1 << 24
"""Every column has a name: more than these take more memory for names than most tables for numbers."""


@dataclass(frozen=True, eq=False)
class Sparse:
    """Columns ``names`` of a scipy CSR array ``X`` (n, p), behind the columns of ``own``, which are few and dense."""

    X: Any
    names: tuple[str, ...]
    own: dict[str, nw.Series[Any]]

    @cached_property
    def schema(self) -> nw.Schema:
        """The types of the columns."""
        return nw.Schema(
            {name: column.dtype for name, column in self.own.items()}
            | dict.fromkeys(self.names, nw.Float64())
        )

    @cached_property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [*self.own, *self.names]

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: j for j, name in enumerate(self.names)}

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def __getitem__(self, name: str) -> nw.Series[Any]:
        if name in self.own:
            return self.own[name]
        return _series(name, self.X[:, [self._place[name]]].toarray()[:, 0])

    def select(self, names: Sequence[str]) -> nw.DataFrame[Any]:
        """Write out some columns."""
        import polars as pl

        index = [self._place[name] for name in names if name in self._place]
        values = dict(zip(index, self.X[:, index].toarray().T, strict=True))
        columns = [
            self.own[name].to_native() if name in self.own else pl.Series(name, values[self._place[name]])
            for name in names
        ]
        return nw.from_native(pl.DataFrame(columns), eager_only=True)

    def written_out(self) -> nw.DataFrame[Any]:
        """The same table, dense."""
        return self.select(self.columns)

    def matrix(self, names: Sequence[str]) -> Any:
        """The named columns (n, m) as a CSR array; ``DataError`` for one of ``own`` that is not all numbers."""
        beside = [name for name in names if name in self.own]
        if not beside:
            index = [self._place[name] for name in names]
            return self.X if index == list(range(self.X.shape[1])) else self.X[:, index]
        parts = [_numbers(name, self.own[name]) for name in beside]
        whole = scipy.sparse.hstack([self.X, scipy.sparse.csr_array(np.column_stack(parts))], format="csr")
        place = self._place | {name: self.X.shape[1] + j for j, name in enumerate(beside)}
        return whole[:, [place[name] for name in names]]


def _numbers(name: str, column: nw.Series[Any]) -> NDArray[np.float64]:
    numeric = column.dtype.is_numeric() or column.dtype == nw.Boolean
    values = column.cast(nw.Float64).to_numpy() if numeric else np.array([np.nan])
    if not np.isfinite(values).all():
        raise DataError(
            f"column {brief(name)} beside the sparse ones is not all numbers; leave it out (--drop)"
        )
    return np.asarray(values)


def as_sparse(
    X: Any, names: Sequence[str] = (), own: dict[str, Any] | None = None, source: str = "sparse matrix"
) -> Sparse:
    """A sparse table of a scipy sparse X (n, p): columns ``names`` (x1 … xp where empty), arrays ``own`` (n,) beside them.

    ``DataError`` where lengths differ, a name stands twice, or an entry is not a finite number.
    """
    if X.ndim != 2 or X.dtype.kind not in "fiub":
        raise DataError(f"{source}: {X.ndim} dimensions of {X.dtype}; give rows × columns of real numbers")
    n, p = X.shape
    if p > MAX_COLUMNS:
        raise DataError(f"{source}: {p} columns, more than {MAX_COLUMNS}; hash or select them first")
    values = scipy.sparse.csr_array(X, dtype=np.float64)
    if not values.has_canonical_format:
        values = values.copy()  # the caller's own stays as it is
        values.sum_duplicates()
    named = tuple(map(str, names)) or numbered(p)
    columns = {name: _series(name, array) for name, array in (own or {}).items()}
    _check_names(named, columns, p, source)
    _check_lengths(columns, n, source)
    _check_finite(values, named, source)
    return Sparse(values, named, columns)


def numbered(p: int) -> tuple[str, ...]:
    """x1 … xp."""
    return tuple(f"x{j}" for j in range(1, p + 1))


def _series(name: str, array: Any) -> nw.Series[Any]:
    import polars as pl

    try:
        column = pl.Series(name, array)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise DataError(f"{brief(name)} is no column of numbers or texts ({clean(error)[:80]})") from error
    if column.dtype.is_nested() or column.dtype == pl.Object:
        raise DataError(f"{brief(name)} is no column of numbers or texts, but of {column.dtype}")
    return nw.from_native(column, series_only=True)


def _check_names(names: tuple[str, ...], own: dict[str, Any], p: int, source: str) -> None:
    if len(names) != p:
        raise DataError(f"{source}: {len(names)} names for {p} columns; name every column")
    name, count = Counter([*own, *names]).most_common(1)[0]
    if count > 1:
        raise DataError(f"{source}: {count} columns are called {brief(name)}; rename them")


def _check_lengths(own: dict[str, nw.Series[Any]], n: int, source: str) -> None:
    for name, column in own.items():
        if len(column) != n:
            raise DataError(f"{source}: {n} rows, and {brief(name)} has {len(column)}; give one for each row")


def _check_finite(X: Any, names: tuple[str, ...], source: str) -> None:
    bad = np.flatnonzero(~np.isfinite(X.data))
    if bad.size:
        row = int(np.searchsorted(X.indptr, bad[0], side="right"))
        raise DataError(
            f"{source}: column {brief(names[int(X.indices[bad[0]])])}, row {row}: {X.data[bad[0]]:g};"
            " a sparse table has no missing values: impute them, or give a dense table"
        )
