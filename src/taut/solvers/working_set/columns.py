"""The columns of X for working sets: those in use at full precision, all of them for one screening pass at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
import scipy

from taut.defaults import default
from taut.solvers._kernels.screen import WIDTH, correlate_dense, correlate_sparse
from taut.solvers._kernels.sparse_products import add_sparse_columns, correlate_columns, sparse_products
from taut.solvers.matrix import DenseMatrix, Matrix, SparseMatrix
from taut.types import Float, Index

_MANY = 12
"""Residuals from which a matrix product is faster than reading each column once for all of them."""
_ROWS = 4_096
"""Rows whose weighted copy stays near while its product is taken."""
_COLUMNS = 512
"""Used columns that are copied at once for a product."""
_LONGER = 40
"""Length of a row of H, in stored entries of a column, from which descent goes entry by entry."""
_RESERVED = 1 << 25
"""Numbers for which memory is set aside at once."""
_FAR = 10.0
"""Mean of a column, in deviations, from which it is moved to zero where that costs no zeros."""
_BEYOND = 1e15
"""Row gradients whose products may leave single precision."""
_LARGEST = float(np.finfo(np.float32).max)
"""The largest number of single precision."""
_UNIT = float(np.finfo(np.float32).eps) / 2.0

Parts = tuple[Any, Any, Any]
"""A sparse matrix by column: data, rows, starts."""


class Columns(ABC):
    """Columns z_j = (x_j − center_j)/scale_j; the used ones are numbered in the order in which they came."""

    def __init__(self, matrix: Matrix, center: Float, scale: Float) -> None:
        self.p = matrix.shape[1]
        self.center, self.scale, self._matrix = center, scale, matrix
        # What is still to be taken off the matrix's own numbers.
        self._left: Float = center
        p = self.p
        self.used = np.empty(0, dtype=np.intp)
        self.slot = np.full(p, -1, dtype=np.intp)
        # Of products that make a Hessian or a Gram matrix; exact correlations correct what it rounds.
        self.precision: Any = np.float64

    def add(self, new: Index) -> None:
        """Take the columns ``new`` into use, numbered behind those that are."""
        self.slot[new] = np.arange(self.used.size, self.used.size + new.size)
        self._store(new)
        self.used = np.concatenate([self.used, new])

    def correlate(self, residual: Float) -> Float:
        """All columnsᵀ residual (n,) at full precision: one pass over X."""
        return np.asarray((self._matrix.transpose_dot(residual) - self._left * residual.sum()) / self.scale)

    @property
    @abstractmethod
    def kept(self) -> Float | None:
        """The columns in use (n, m), column-major; None where they are not at hand as one dense array."""

    @abstractmethod
    def parts(self, count: int) -> Parts | None:
        """The columns in use by their entries, where descent on ``count`` costs less on those than on H; else None."""

    @property
    @default
    def entries(self) -> Parts | None:
        """The columns in use by their entries, where these are few."""
        return None

    @abstractmethod
    def _store(self, new: Index) -> None:
        """Keep the columns ``new`` at full precision."""

    @abstractmethod
    def means(self, weights: Float) -> Float:
        """Weighted means of all columns: weights (M, n) summing to one each → (M, p)."""

    @abstractmethod
    def mean_squares(self, weights: Float) -> Float:
        """Weighted mean squares of all columns → (M, p)."""

    @abstractmethod
    def cross(self, fresh: int, weight: Float) -> Float:
        """Σ s z zᵀ of all used columns with the last ``fresh`` ones: (m, fresh)."""

    @abstractmethod
    def gram_of_rows(self, rows: Index, weight: Float, index: Index) -> Float:
        """Σ s z zᵀ over ``rows`` alone, of the used columns numbered ``index``."""

    @abstractmethod
    def weighted_products(self, left: Index, right: Index, row: Float) -> tuple[Float, Float]:
        """Σ row z zᵀ of used columns numbered ``left`` with those numbered ``right``, and Σ row z of the latter."""

    def row_sums(self, index: Index, row: Float) -> Float:
        """Σ row z of used columns numbered ``index``."""
        return self.correlate_used(row)[index]

    @abstractmethod
    def dot(self, coef: Float) -> Float:
        """Used columns times coef (m, K) → (n, K)."""

    @abstractmethod
    def correlate_used(self, residuals: Float, start: int = 0) -> Float:
        """Used columns from the ``start``-th on, times residuals (n, K) → (m − start, K), at full precision."""

    @abstractmethod
    def screen(self, residuals: Float) -> tuple[Float, Float]:
        """Residualsᵀ times all columns → (K, p), and a bound on its rounding per residual and unit of column length (K,)."""

    def _screened_exactly(self, residuals: Float) -> tuple[Float, Float]:
        """``screen`` at full precision, residual by residual."""
        exact = np.stack([self.correlate(residual) for residual in residuals.T])
        return exact, np.zeros(len(exact))

    @abstractmethod
    def lengths(self) -> Float:
        """Euclidean length of every column (p,)."""


class DenseColumns(Columns):
    """A single-precision copy for screening (none where X is its own), double precision for the columns in use."""

    def __init__(self, matrix: DenseMatrix, center: Float, scale: Float) -> None:
        super().__init__(matrix, center, scale)
        self._values = matrix.values
        self._store_room = np.empty((matrix.shape[0], 0), order="F")

    @cached_property
    def _single(self) -> Any:
        single = np.empty(self._values.shape, dtype=np.float32, order="F")
        for j in range(0, self.p, 64):
            block = slice(j, j + 64)
            values = (self._values[:, block] - self.center[block]) / self.scale[block]
            # What lies beyond has no weight, and 0 · ∞ would be no number.
            single[:, block] = np.clip(values, -_LARGEST, _LARGEST, out=values)
        return single

    def parts(self, count: int) -> None:
        """None: every row of a dense column has an entry."""

    @property
    def kept(self) -> Float:
        """The columns in use (n, m), centred and scaled."""
        return self._store_room[:, : self.used.size]

    def _store(self, new: Index) -> None:
        n, have = self._store_room.shape[0], self.used.size
        if have + new.size > self._store_room.shape[1]:
            # Memory is taken page by page as it is written: where all columns are not many, there is room for them.
            few = n * self.p <= _RESERVED
            total = self.p if few else min(max(3 * have // 2, have + new.size, 64), self.p)
            room = np.empty((n, total), order="F")
            room[:, :have] = self._store_room[:, :have]
            self._store_room = room
        block = self._store_room[:, have : have + new.size]
        block[...] = self._values[:, new]
        block -= self.center[new]
        block /= self.scale[new]

    def means(self, weights: Float) -> Float:
        """At full precision, block by block."""
        return self._over_blocks(lambda block: weights @ block, weights.shape[0])

    def mean_squares(self, weights: Float) -> Float:
        """At full precision, block by block."""
        return self._over_blocks(lambda block: weights @ (block * block), weights.shape[0])

    def _over_blocks(self, reduce: object, members: int) -> Float:
        out = np.empty((members, self.slot.size))
        for j in range(0, self.slot.size, 64):
            block = slice(j, j + 64)
            out[:, block] = reduce((self._values[:, block] - self.center[block]) / self.scale[block])  # type: ignore[operator]
        return out

    def cross(self, fresh: int, weight: Float) -> Float:
        """Block of columns by block of columns."""
        single = self.precision is not np.float64
        last: Any = self._single[:, self.used[-fresh:]] if single else self.kept[:, -fresh:]
        last = last * weight.astype(self.precision)[:, None]
        out: Any = np.empty((self.used.size, fresh), self.precision)
        for start in range(0, self.used.size, _COLUMNS):
            block = slice(start, start + _COLUMNS)
            kept: Any = self._single[:, self.used[block]] if single else self.kept[:, block]
            np.matmul(kept.T, last, out=out[block])
        return np.asarray(out)

    def gram_of_rows(self, rows: Index, weight: Float, index: Index) -> Float:
        """As one symmetric product over those rows."""
        double = self.precision is np.float64
        part: Any = (
            self.kept.T[np.ix_(index, rows)] if double else self._single.T[np.ix_(self.used[index], rows)]
        )
        part *= np.sqrt(weight[rows]).astype(self.precision)
        return np.asarray(part @ part.T)

    def weighted_products(self, left: Index, right: Index, row: Float) -> tuple[Float, Float]:
        """Block of rows by block of rows; symmetric products where the two sides are the same."""
        product, sums = np.zeros((left.size, right.size)), np.zeros(right.size)
        # A power of two changes no digit, and brings any curvature within single precision.
        size = np.ldexp(1.0, 2 * (int(np.frexp(row.max(initial=0.0))[1]) // 2))
        same, root = np.array_equal(left, right), np.sqrt(row / size)
        for start in range(0, row.size, _ROWS):
            rows = slice(start, start + _ROWS)
            half = self._times(right, rows, root)
            product += (half if same else self._times(left, rows, root)).T @ half
            # With a few rows in single precision BLAS may raise the flag for lanes that are no part of the product.
            with np.errstate(invalid="ignore"):
                sums += root[rows].astype(self.precision) @ half
        return product * size, sums * size

    def _times(self, index: Index, rows: slice, root: Float) -> Any:
        """Used columns ``index`` times ``root``, on these rows, as precise as products are taken."""
        part = self.kept[rows] if index.size == self.used.size else self.kept[rows][:, index]
        out: Any = np.empty(part.shape, self.precision, order="F")
        return np.multiply(part, root[rows, None], out=out, casting="same_kind")

    def dot(self, coef: Float) -> Float:
        """Only the columns with a coefficient are read."""
        used = np.flatnonzero(coef.any(axis=1)) if coef.ndim == 2 else np.flatnonzero(coef)
        if 2 * used.size > coef.shape[0]:
            return np.asarray(self.kept @ coef)
        return np.asarray(self.kept[:, used] @ coef[used])

    def correlate_used(self, residuals: Float, start: int = 0) -> Float:
        """As one product with the copy in double precision."""
        return np.asarray(self.kept[:, start:].T @ residuals)

    def screen(self, residuals: Float) -> tuple[Float, Float]:
        """In single precision, unless the numbers are beyond it."""
        if _beyond(residuals):
            return self._screened_exactly(residuals)
        length = np.sqrt(np.einsum("ik,ik->k", residuals, residuals))
        rows = np.ascontiguousarray(residuals.T, dtype=np.float32)
        values: Any = np.empty((len(rows), self.p), dtype=np.float32)
        if len(rows) > _MANY:
            np.matmul(rows, self._single, out=values)
        else:
            correlate_dense(self._single.T, rows, values)
        return values, _rounding(residuals.shape[0]) * length

    def lengths(self) -> Float:
        """From the single-precision copy."""
        return np.asarray(np.sqrt(np.einsum("ij,ij->j", self._single, self._single, dtype=np.float64)))


class SparseColumns(Columns):
    """CSC columns as they are: nothing densified; centring enters through the means.

    Columns without a zero, which lose nothing by it, are moved by ``shift``: far from zero their means would take digits.
    """

    def __init__(self, matrix: SparseMatrix, shift: Float) -> None:
        super().__init__(matrix, shift, np.ones(matrix.shape[1]))
        matrix, self._left = matrix.shifted(shift), np.zeros(matrix.shape[1])
        self._matrix = matrix
        self._values = matrix.values
        self._kept = scipy.sparse.csc_array((matrix.shape[0], 0))
        self._rows: Any = None
        self._squares = scipy.sparse.csc_array(
            (matrix.values.data**2, matrix.values.indices, matrix.values.indptr), matrix.shape
        )

    def parts(self, count: int) -> Parts | None:
        """Where a row of H is many times as long as a column."""
        entries = self._kept.nnz / self.used.size
        return _parts(self._kept) if count > _LONGER * entries else None

    @property
    def entries(self) -> Parts:
        """As they are."""
        return _parts(self._kept)

    @property
    def kept(self) -> None:
        """None: sparse columns stay sparse."""

    def _store(self, new: Index) -> None:
        self._kept = scipy.sparse.csc_array(
            scipy.sparse.hstack([self._kept, self._values[:, new]], format="csc")
        )
        self._rows = None

    @property
    def _by_row(self) -> Any:
        """The columns in use, row by row."""
        if self._rows is None:
            self._rows = scipy.sparse.csr_array(self._kept)
        return self._rows

    def means(self, weights: Float) -> Float:
        """Over the stored entries, by one sparse product."""
        return np.asarray((self._values.T @ weights.T).T)

    def mean_squares(self, weights: Float) -> Float:
        """Over the squares of the stored entries, by one sparse product."""
        return np.asarray((self._squares.T @ weights.T).T)

    def cross(self, fresh: int, weight: Float) -> Float:
        """In double precision; the result is dense and small."""
        m = self.used.size
        product = self._products(np.arange(m), np.arange(m - fresh, m), weight, False)[0]
        return np.asarray(product, dtype=self.precision)

    def gram_of_rows(self, rows: Index, weight: Float, index: Index) -> Float:
        """All other rows have no weight."""
        row = np.zeros_like(weight)
        row[rows] = weight[rows]
        return np.asarray(self._products(index, index, row, True)[0], dtype=self.precision)

    def weighted_products(self, left: Index, right: Index, row: Float) -> tuple[Float, Float]:
        """Half of it where the two sides are the same."""
        return self._products(left, right, row, left is right or np.array_equal(left, right))

    def _products(self, left: Index, right: Index, row: Float, half: bool) -> tuple[Float, Float]:
        """Σ row z zᵀ of used columns ``left`` with ``right`` (the same ones for ``half``), and the latter's Σ row z."""
        at = np.full(self.used.size, left.size, dtype=np.intp)
        at[left] = np.arange(left.size)
        out, sums = np.zeros((right.size, left.size + 1)), np.zeros(right.size)
        sparse_products(_parts(self._kept), _parts(self._by_row), right, at, row, half, out, sums)
        return np.ascontiguousarray(out[:, : left.size] if half else out[:, : left.size].T), sums

    def dot(self, coef: Float) -> Float:
        """Over the stored entries of all columns in use."""
        if coef.ndim == 2:
            return np.asarray(self._kept @ coef)
        out = np.zeros(self._kept.shape[0])
        add_sparse_columns(_parts(self._kept), np.ascontiguousarray(coef), out)
        return out

    def correlate_used(self, residuals: Float, start: int = 0) -> Float:
        """Over the stored entries of the columns in use."""
        if residuals.ndim == 2:
            return np.asarray((self._kept[:, start:] if start else self._kept).T @ residuals)
        out = np.empty(self.used.size - start)
        correlate_columns(_parts(self._kept), np.ascontiguousarray(residuals), start, out)
        return out

    def screen(self, residuals: Float) -> tuple[Float, Float]:
        """As precise as the products: the certificate's own correlations are those of the columns in use."""
        if self.precision is np.float32 and _beyond(residuals):
            return self._screened_exactly(residuals)
        n, K = residuals.shape
        rows: Any = np.zeros((n, -(-K // WIDTH) * WIDTH), self.precision)
        rows[:, :K] = residuals
        values: Any = np.empty((K, self.p), self.precision)
        correlate_sparse(self._numbers, self._values.indices, self._values.indptr, rows, values)
        if self.precision is np.float64:
            return values, np.zeros(K)
        longest = int(np.diff(self._values.indptr).max(initial=0))
        return values, _rounding(longest) * np.sqrt(np.einsum("ik,ik->k", residuals, residuals))

    @cached_property
    def _numbers(self) -> Any:
        return self._values.data.astype(self.precision)

    def lengths(self) -> Float:
        """Root of the sum of squares of the stored entries."""
        return np.asarray(np.sqrt(np.asarray(self._squares.sum(axis=0)).ravel()))


def _beyond(residuals: Float) -> bool:
    """Whether products with these row gradients may leave single precision."""
    return bool(np.abs(residuals).max(initial=0.0) > _BEYOND)


def _rounding(count: int) -> float:
    """Of a sum of ``count`` products in single precision, per unit of the factors' lengths: √count for count, statistically."""
    return 4.0 * float(np.sqrt(count)) * _UNIT


def _parts(sparse: Any) -> Parts:
    return sparse.data, sparse.indices, sparse.indptr


def columns_of(matrix: Matrix, center: Float, scale: Float, deviation: Float) -> Columns:
    """The columns of ``matrix``; a dense one is centred and scaled as given, a sparse one left as it is where it has zeros.

    ``deviation`` says how far from its mean ``center`` a column's numbers lie.
    """
    if isinstance(matrix, DenseMatrix):
        return DenseColumns(matrix, center, scale)
    if isinstance(matrix, SparseMatrix):
        far = matrix.full & (np.abs(center) > _FAR * deviation)
        return SparseColumns(matrix, np.where(far, center, 0.0))
    raise TypeError(f"no columns for {type(matrix).__name__}")
