"""Second moments of the rows of (X, y): blocks that add and subtract, so that a fold costs no pass over X."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taut.solvers.matrix import Matrix
from taut.types import Float, Index

_CHUNK = 1 << 19
"""Numbers per chunk of rows: a shifted copy of this size stays in cache while its product is taken."""


@dataclass(frozen=True, eq=False)
class SecondMoments:
    """Σ s, Σ s a and Σ s a aᵀ over rows a = (x − shift_x, y − shift_y)."""

    total: float
    sums: Float
    products: Float

    def __add__(self, other: SecondMoments) -> SecondMoments:
        return SecondMoments(self.total + other.total, self.sums + other.sums, self.products + other.products)

    def __sub__(self, other: SecondMoments) -> SecondMoments:
        return SecondMoments(self.total - other.total, self.sums - other.sums, self.products - other.products)

    @property
    def mean(self) -> Float:
        """Σ s a / Σ s."""
        return self.sums / self.total

    def about(self, point: Float) -> Float:
        """Σ s (a − point)(a − point)ᵀ / Σ s."""
        cross = np.multiply.outer(self.mean, point)
        return self.products / self.total - cross - cross.T + np.multiply.outer(point, point)


def gather(matrix: Matrix, y: Float, weight: Float, shift: Float, centred: bool) -> SecondMoments:
    """Moments of all rows with a weight; y is (n, q), ``shift`` (p + q,). Without ``centred`` the sums may stay zero."""
    if not shift.any() and np.ptp(weight) == 0.0:
        return _plain(matrix, y, float(weight[0]), centred)
    return partition(matrix, y, weight, np.zeros(weight.size, dtype=np.intp), 1, shift)[0]


def partition(
    matrix: Matrix, y: Float, weight: Float, owner: Index, count: int, shift: Float
) -> list[SecondMoments]:
    """Moments of each of ``count`` blocks, row i belonging to block ``owner[i]``: one pass in the order of the rows."""
    p, width = matrix.shape[1], matrix.shape[1] + y.shape[1]
    totals, sums, products = np.zeros(count), np.zeros((count, width)), np.zeros((count, width, width))
    size = max(64 * count, _CHUNK // width)
    room = np.empty(width * min(size, weight.size))
    for start in range(0, weight.size, size):
        own = owner[start : start + size]
        order = np.argsort(own, kind="stable")
        cuts = np.searchsorted(own[order], np.arange(count + 1))
        order += start
        # Rows run along the second axis: a column of a Fortran-ordered X is then read in one run.
        block = room[: width * order.size].reshape(width, order.size)
        matrix.gather(order, block[:p])
        block[p:] = y[order].T
        if shift.any():
            block -= shift[:, None]
        share = weight[order]
        for k in range(count):
            part, s = block[:, cuts[k] : cuts[k + 1]], share[cuts[k] : cuts[k + 1]]
            if s.size:
                totals[k] += s.sum()
                sums[k] += part @ s
                scaled = part if s.min() == s.max() == 1.0 else part * np.sqrt(s)
                products[k] += scaled @ scaled.T
    return [SecondMoments(float(t), a, m) for t, a, m in zip(totals, sums, products, strict=True)]


def _plain(matrix: Matrix, y: Float, weight: float, centred: bool) -> SecondMoments:
    """Equal weights, no shift: the products of X as it lies in memory, nothing copied."""
    n, p = matrix.shape
    q = y.shape[1]
    # Column by column: a product with one vector reads X at the speed of memory, one with a few does not.
    cross = np.stack([matrix.transpose_dot(np.ascontiguousarray(y[:, o])) for o in range(q)], axis=1)
    own = matrix.transpose_dot(np.ones(n)) if centred else np.zeros(p)
    products = np.empty((p + q, p + q))
    products[:p, :p] = matrix.gram()
    products[:p, p:] = cross
    products[p:, :p] = cross.T
    products[p:, p:] = y.T @ y
    sums = np.concatenate([own, y.sum(axis=0)])
    return SecondMoments(weight * n, weight * sums, weight * products)


def first_means(matrix: Matrix, y: Float, weight: Float) -> Float:
    """Means over the first rows: near enough to the true ones to keep the digits of the products."""
    rows = np.flatnonzero(weight)[:512]
    return np.concatenate([matrix.rows(rows).mean(axis=0), y[rows].mean(axis=0)])
