"""Quadratic models of a likelihood on working columns: by a Hessian that is kept, or entry by entry where it would be dense.

Nocedal and Wright, *Numerical Optimization* (2nd ed.), §6.1 (BFGS); Friedman, Hastie and Tibshirani, *J. Statistical
Software* 33 (2010), §2.3 and §3 (weighted least squares on sparse columns).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, final

import numpy as np

from taut.solvers._kernels.descent import descend
from taut.solvers._kernels.newton import into_units, update
from taut.solvers._kernels.sparse_descent import curvatures, descend_rows
from taut.solvers.working_set.columns import Columns, Parts
from taut.solvers.working_set.fold import Standardization
from taut.types import Float, Index


class WorkingModel(Protocol):
    """½ wᵀHw − cᵀw on the columns ``index``, with H = X̃ᵀ diag(row) X̃ and the intercept eliminated."""

    index: Index
    row: Float

    def curved(self, part: Float) -> Float:
        """H part."""

    def minimise(
        self, part: Float, start: Float, c: Float, bb: float, terms: Float, knee: float, flat: float, tol: float, most: int
    ) -> tuple[Float, int]:  # fmt: skip
        """Coefficients whose gap is at most ``tol``, from ``part`` where the gradient is ``start``, and the epochs it took."""


class NewtonModel:
    """The Hessian on the working columns: built at one point, grown with that point's curvature, updated by BFGS."""

    def __init__(self, columns: Columns, standardization: Standardization, centred: bool) -> None:
        self._columns, self._seen, self._centred = columns, standardization, centred
        self.index = np.empty(0, dtype=np.intp)
        self.H = np.zeros((0, 0))
        self.stale = True
        self._updated = False
        self.row = np.zeros(0)

    def cover(self, working: Index, curvature: Callable[[], Float]) -> bool:
        """Make H cover ``working``; returns whether it was built anew, with the rows' ``curvature`` of now."""
        new = working if self.stale else self._beyond(working)
        if self.stale or (new.size and self._updated):
            self.row, self.index = curvature(), working
            self.H = self._products(working, working)
            self.stale = self._updated = False
            return True
        if new.size:
            beside, own = self._products(self.index, new), self._products(new, new)
            self.H = np.block([[self.H, beside], [beside.T, own]])
            self.index = np.concatenate([self.index, new])
        return False

    def _beyond(self, working: Index) -> Index:
        """Those that H does not cover."""
        covered = np.zeros(self._columns.used.size, dtype=bool)
        covered[self.index] = True
        return working[~covered[working]]

    def _products(self, left: Index, right: Index) -> Float:
        """X̃ᵀ diag(row) X̃, the intercept eliminated by centring with ``row``."""
        columns, standardization, row = self._columns, self._seen, self.row
        product, sums = columns.weighted_products(left, right, row)
        other = sums if left is right else columns.row_sums(left, row)
        total = float(row.sum())
        ours, theirs = columns.used[left], columns.used[right]
        mean_left, mean_right = standardization.mean[ours], standardization.mean[theirs]
        product = np.ascontiguousarray(product)
        into_units(
            product, other, sums, total if self._centred else -total, mean_left, mean_right,
            *(np.where(standardization.moving[used], 1.0 / standardization.deviation[used], 0.0) for used in (ours, theirs)),
        )  # fmt: skip
        return product

    def follow(self, move: Float, change: Float) -> None:
        """BFGS: H learns what the gradient did along the step; not on sparse columns, whose few in use come and go."""
        if self._columns.kept is None:
            return
        self._updated |= update(self.H, move[self.index], change[self.index])

    def curved(self, part: Float) -> Float:
        """One product."""
        return np.asarray(self.H @ part)

    def minimise(
        self, part: Float, start: Float, c: Float, bb: float, terms: Float, knee: float, flat: float, tol: float, most: int
    ) -> tuple[Float, int]:  # fmt: skip
        """Descent on H, and Newton steps on faces where it is slow."""
        w, q = part.copy(), start.copy()
        epochs, _ = descend(self.H, c, bb, w, q, terms, knee, flat, tol, most)
        return w, int(epochs)


@final
class EntryModel:
    """The same of sparse columns at one point, without H: an epoch costs the columns' entries, and nothing comes before it."""

    def __init__(
        self, columns: Columns, parts: Parts, seen: Standardization, centred: bool, index: Index, row: Float
    ) -> None:
        self._columns, self._parts, self.index, self.row = columns, parts, index, row
        at, self._total = columns.used[index], float(row.sum())
        self._scale = np.where(seen.moving[at], 1.0 / seen.deviation[at], 0.0)
        self._mean = columns.row_sums(index, row) / self._total if centred else np.zeros(index.size)
        self._curve = np.empty(index.size)
        curvatures(parts, index, row, self._total, self._mean, self._scale, self._curve)

    def curved(self, part: Float) -> Float:
        """Two products with sparse columns."""
        slopes = np.zeros(self._columns.used.size)
        slopes[self.index] = part * self._scale
        rows = self.row * (self._columns.dot(slopes) - float(self._mean @ slopes[self.index]))
        raw = self._columns.correlate_used(rows)[self.index]
        return np.asarray(self._scale * (raw - self._mean * rows.sum()))

    def minimise(
        self, part: Float, start: Float, c: Float, bb: float, terms: Float, knee: float, flat: float, tol: float, most: int
    ) -> tuple[Float, int]:  # fmt: skip
        """Descent entry by entry."""
        frame = (self.row, self._total, self._mean, self._scale, self._curve)
        view = (self._parts, self.index, frame, part.copy(), start)
        w, E = part.copy(), np.zeros(self.row.size)
        epochs, _ = descend_rows(
            view, np.arange(part.size), c, bb, w, E, 0.0, np.ascontiguousarray(terms), knee, flat, tol, most
        )
        return w, int(epochs)
