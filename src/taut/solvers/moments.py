"""Second moments of the rows of (X, y): blocks that add and subtract, so that a fold costs no pass over X."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taut.solvers.matrix import Float, Index, Matrix

_CHUNK = 1 << 19
"""Numbers per chunk of rows: a shifted copy of this size stays in cache while its product is taken."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Σ s, Σ s a and Σ s a aᵀ over rows a = (x − shift_x, y − shift_y)."""

    total: float
    sums: Float
    products: Float

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.total + other.total, self.sums + other.sums, self.products + other.products)

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.total - other.total, self.sums - other.sums, self.products - other.products)

    @property
    def mean(self) -> Float:
        """Σ s a / Σ s."""
        return self.sums / self.total

    def about(self, point: Float) -> Float:
        """Σ s (a − point)(a − point)ᵀ / Σ s."""
        cross = np.multiply.outer(self.mean, point)
        return self.products / self.total - cross - cross.T + np.multiply.outer(point, point)


def gather(matrix: Matrix, y: Float, weight: Float, rows: Index | None, shift: Float) -> Moments:
    """Moments of the chosen rows (all for None); y is (n, q), ``shift`` (p + q,)."""
    p, q = matrix.shape[1], y.shape[1]
    if rows is None and not shift.any() and np.ptp(weight) == 0.0:
        return _plain(matrix, y, float(weight[0]))
    chosen = np.flatnonzero(weight) if rows is None else rows
    products, sums = np.zeros((p + q, p + q)), np.zeros(p + q)
    for chunk in _chunks(chosen, p + q):
        block = np.empty((chunk.size, p + q))
        block[:, :p] = matrix.rows(chunk)
        block[:, p:] = y[chunk]
        block -= shift
        sums += weight[chunk] @ block
        block *= np.sqrt(weight[chunk])[:, None]
        products += block.T @ block
    return Moments(float(weight[chosen].sum()), sums, products)


def _plain(matrix: Matrix, y: Float, weight: float) -> Moments:
    """Equal weights, no shift: the products of X as it lies in memory, nothing copied."""
    n, p = matrix.shape
    beside = np.column_stack([y, np.ones(n)])
    cross = matrix.transpose_dot(beside)
    q = y.shape[1]
    products = np.empty((p + q, p + q))
    products[:p, :p] = matrix.gram()
    products[:p, p:] = cross[:, :q]
    products[p:, :p] = cross[:, :q].T
    products[p:, p:] = y.T @ y
    sums = np.concatenate([cross[:, q], y.sum(axis=0)])
    return Moments(weight * n, weight * sums, weight * products)


def _chunks(rows: Index, width: int) -> list[Index]:
    size = max(64, _CHUNK // width)
    return [rows[start : start + size] for start in range(0, rows.size, size)]


def first_means(matrix: Matrix, y: Float, weight: Float) -> Float:
    """Means over the first rows: near enough to the true ones to keep the digits of the products."""
    rows = np.flatnonzero(weight)[:512]
    return np.concatenate([matrix.rows(rows).mean(axis=0), y[rows].mean(axis=0)])
