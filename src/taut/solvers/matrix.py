"""The design matrix as the solvers see it: dense or sparse behind one small set of products, never centred in place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from taut.arrays import is_sparse
from taut.messages import written
from taut.types import Float, Index

HUGE = 1e150
"""Numbers whose squares are finite and not zero are below this and above its inverse."""

_NEARLY_FULL = 1e-3
"""Weight of a column's unstored zeros below which its rounding matters."""


class Matrix(ABC):
    """An (n, p) matrix X of finite numbers: what an engine may ask of it, whatever its storage."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @abstractmethod
    def dot(self, coef: Float) -> Float:
        """X @ coef for coef (p,) or (p, k)."""

    @abstractmethod
    def transpose_dot(self, residual: Float) -> Float:
        """Xᵀ @ residual for residual (n,) or (n, k)."""

    @abstractmethod
    def columns(self, index: Index) -> Float:
        """The columns ``index`` as a dense (n, m) array in Fortran order, a fresh copy."""

    @abstractmethod
    def rows(self, index: Index) -> Float:
        """The rows ``index`` as a dense (m, p) array."""

    @abstractmethod
    def run(self, rows: slice) -> Float:
        """Neighbouring rows as a dense (m, p) array, a view where that is possible."""

    @abstractmethod
    def gather(self, index: Index, out: Float) -> None:
        """Write the rows ``index`` of X as the columns of ``out`` (p, m)."""

    @abstractmethod
    def gram(self) -> Float:
        """XᵀX as a dense (p, p) array."""

    @abstractmethod
    def center(self, weight: Float) -> Float:
        """Weighted column means (p,), for weights that sum to one."""

    @abstractmethod
    def scale(self, weight: Float, center: Float) -> Float:
        """Root of the weighted mean of (x − center)² per column (p,): two passes, so the digits stay."""

    @abstractmethod
    def with_ones(self) -> Matrix:
        """The same matrix with a column of ones appended (a penalised intercept is one more coefficient)."""


@dataclass(frozen=True, eq=False)
class DenseMatrix(Matrix):
    """A float64 NumPy array; Fortran order makes its columns contiguous."""

    values: Float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape[0], self.values.shape[1]

    def dot(self, coef: Float) -> Float:
        """X @ coef."""
        product: Float = self.values @ coef
        return product

    def transpose_dot(self, residual: Float) -> Float:
        """Xᵀ @ residual."""
        product: Float = self.values.T @ residual
        return product

    def columns(self, index: Index) -> Float:
        """A Fortran-ordered copy of the columns."""
        return np.asfortranarray(self.values[:, index])

    def rows(self, index: Index) -> Float:
        """The rows as a fresh (m, p) array."""
        return np.asarray(self.values[index])

    def run(self, rows: slice) -> Float:
        """A view of neighbouring rows (m, p)."""
        return np.asarray(self.values[rows])

    def gather(self, index: Index, out: Float) -> None:
        """One read of X in the order it lies in memory."""
        if self.values.flags.f_contiguous:
            np.take(self.values.T, index, axis=1, out=out, mode="clip")  # "raise" would buffer
        else:
            out[...] = self.values[index].T

    def gram(self) -> Float:
        """As one symmetric product, of which BLAS computes half."""
        product: Float = self.values.T @ self.values
        return product

    def center(self, weight: Float) -> Float:
        """Weighted means (p,), to the last digit of large ones."""
        mean: Float = weight @ self.values
        # A second pass over the deviations recovers the digits that a large common offset costs the first.
        return mean + self._weighted(weight, mean, 1)

    def scale(self, weight: Float, center: Float) -> Float:
        """Root mean square deviation from ``center``."""
        return np.sqrt(self._weighted(weight, center, 2))

    def _weighted(self, weight: Float, center: Float, power: int) -> Float:
        """Σ_i s_i (x_i − center)^power, in blocks of what lies together in memory."""
        out = np.zeros(self.shape[1])
        if self.values.flags.f_contiguous:
            for block in _blocks(self.shape):
                out[block] = weight @ (self.values[:, block] - center[block]) ** power
        else:
            for block in _blocks(self.shape[::-1]):
                out += weight[block] @ (self.values[block] - center) ** power
        return out

    def with_ones(self) -> Matrix:
        """X with a column of ones."""
        return DenseMatrix(np.asfortranarray(np.column_stack([self.values, np.ones(self.shape[0])])))


@dataclass(frozen=True, eq=False)
class SparseMatrix(Matrix):
    """A scipy CSC matrix of float64; products use the stored entries only and nothing is densified but asked-for columns."""

    values: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.values.shape[0]), int(self.values.shape[1])

    def dot(self, coef: Float) -> Float:
        """X @ coef."""
        return np.asarray(self.values @ coef)

    def transpose_dot(self, residual: Float) -> Float:
        """Xᵀ @ residual."""
        return np.asarray(self.values.T @ residual)

    def columns(self, index: Index) -> Float:
        """The columns as a dense Fortran-ordered array."""
        return np.asfortranarray(self.values[:, index].toarray())

    def rows(self, index: Index) -> Float:
        """The rows as a dense (m, p) array."""
        return np.asarray(self.values[index].toarray())

    def run(self, rows: slice) -> Float:
        """A dense copy of neighbouring rows (m, p)."""
        return np.asarray(self.values[rows].toarray())

    def gather(self, index: Index, out: Float) -> None:
        """The rows, made dense, as columns of ``out``."""
        out[...] = self.values[index].toarray().T

    def gram(self) -> Float:
        """A sparse product, made dense (p, p)."""
        return np.asarray((self.values.T @ self.values).toarray())

    def center(self, weight: Float) -> Float:
        """Weighted means over stored and unstored entries; to the last digit where hardly any zero is unstored."""
        mean = np.asarray(self.values.T @ weight)
        unstored = self._unstored(weight)
        far = np.where(unstored < _NEARLY_FULL, mean, 0.0)
        return mean + np.where(far, self.shifted(far).values.T @ weight - unstored * far, 0.0)

    def scale(self, weight: Float, center: Float) -> Float:
        """Root mean square deviation: stored entries one by one, the zeros all at once."""
        column = np.repeat(np.arange(self.shape[1]), np.diff(self.values.indptr))
        row_weight = weight[self.values.indices]
        squares = np.bincount(column, row_weight * (self.values.data - center[column]) ** 2, self.shape[1])
        return np.asarray(np.sqrt(squares + self._unstored(weight) * center**2))

    def _unstored(self, weight: Float) -> Float:
        """The weight (p,) of each column's unstored zeros, of weights that sum to one."""
        stored = scipy.sparse.csc_array(
            (weight[self.values.indices], self.values.indices, self.values.indptr), self.shape
        )
        unstored = np.maximum(1.0 - np.asarray(stored.sum(axis=0)).ravel(), 0.0)
        for j in np.flatnonzero(unstored < _NEARLY_FULL):
            # What is left of 1 is rounding: the rows without an entry are looked at themselves.
            others = np.ones(self.shape[0], dtype=bool)
            others[self.values.indices[self.values.indptr[j] : self.values.indptr[j + 1]]] = False
            unstored[j] = weight[others].sum()
        return unstored

    @property
    def full(self) -> NDArray[np.bool_]:
        """Which columns have an entry in every row."""
        return np.asarray(np.diff(self.values.indptr) == self.shape[0])

    def shifted(self, shift: Float) -> SparseMatrix:
        """X with ``shift`` (p,) taken off the entries of every column; itself where that is nothing."""
        if not shift.any():
            return self
        data = self.values.data - np.repeat(shift, np.diff(self.values.indptr))
        return SparseMatrix(
            scipy.sparse.csc_array((data, self.values.indices, self.values.indptr), self.shape)
        )

    def with_ones(self) -> Matrix:
        """X with a column of ones."""
        ones = scipy.sparse.csc_array(np.ones((self.shape[0], 1)))
        return SparseMatrix(scipy.sparse.csc_array(scipy.sparse.hstack([self.values, ones], format="csc")))


def as_matrix(X: Any) -> Matrix:
    """Wrap an array-like or scipy sparse matrix, checking that it is two-dimensional, numeric and finite.

    A ``Matrix`` has been checked and is returned as it is.
    """
    if isinstance(X, Matrix):
        return X
    if is_sparse(X):
        values = scipy.sparse.csc_array(X, dtype=np.float64)
        values.sum_duplicates()
        _check_range(values.data)
        return SparseMatrix(values)
    dense = _numeric(X)
    if dense.ndim != 2:
        raise ValueError(
            f"X must be two-dimensional (rows × columns), got {dense.ndim} dimension(s): reshape it"
        )
    if not (dense.flags.f_contiguous or dense.flags.c_contiguous):
        dense = np.asfortranarray(dense)
    _check_range(dense)
    return DenseMatrix(dense)


def _numeric(X: Any) -> Float:
    if np.ma.isMaskedArray(X):
        raise ValueError(
            "X is a masked array, and masks are not read: fill it first (X.filled(…)), or impute"
        )
    try:
        values = np.asarray(X)
    except ValueError:  # NumPy's word for it is an inhomogeneous shape
        raise ValueError(
            "X has rows of different lengths: give a number for every column of every row"
        ) from None
    if values.dtype.kind not in "fiubO":
        what = {"U": "texts", "S": "texts", "M": "dates", "m": "spans of time"}.get(
            values.dtype.kind, str(values.dtype)
        )
        raise ValueError(f"X must be numbers, and it is {what}: {_ENCODE}")
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(_no_number(values)) from None


_ENCODE = "encode such columns first, or give the table to taut.fit"


def _no_number(values: NDArray[Any]) -> str:
    """The sentence on the first cell of an array of objects that is no number."""
    for place, cell in np.ndenumerate(values):
        try:
            float(cell)
        except (TypeError, ValueError):
            at = ", ".join(f"{axis} {index}" for axis, index in zip(("row", "column"), place, strict=False))
            if type(cell).__name__ in ("NAType", "NaTType"):
                return f"X contains missing values (first at {at}): impute them first, or give the table to taut.fit"
            return f"X must be numbers, and at {at} it is {written(cell)}: {_ENCODE}"
    raise AssertionError("every cell is a number")


def _check_range(values: Float) -> None:
    """Finite, and of a size that can be squared: one pass where the sum of squares shows it, two more where it does not."""
    if values.size == 0:
        return
    flat = values.ravel(order="K")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        squares = float(flat @ flat)
    if values.size / HUGE**2 < squares < HUGE**2:
        return
    largest = max(abs(float(values.max())), abs(float(values.min())))
    if 1.0 / HUGE < largest < HUGE or largest == 0.0:
        return
    if np.isfinite(largest):
        raise ValueError(
            f"the largest number in X is {largest:g}, which can not be squared: give X in another unit"
        )
    if not np.isfinite(values).all():
        where = np.argwhere(~np.isfinite(values))[0]
        at = f"row {where[0]}, column {where[1]}" if values.ndim == 2 else "a stored entry"
        raise ValueError(
            f"X contains NaN or infinity (first at {at}): impute it first, or give the table to taut.fit"
        )


def _blocks(shape: tuple[int, int], entries: int = 1 << 17) -> list[slice]:
    """Slices along the second axis of about ``entries`` numbers each, so that temporaries stay in the processor's cache."""
    width = max(1, entries // max(1, shape[0]))
    return [slice(start, min(start + width, shape[1])) for start in range(0, shape[1], width)]
