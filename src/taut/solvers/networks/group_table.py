"""The group lasso on the flat parameter vector: every coordinate in one group, each group with its weight, and an l2 beside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.penalties import RowGroups, prox_in_diagonal_metric
from taut.solvers.networks.flat_penalty import Lowered, TablePenalty
from taut.types import Int64, Real

GROUPS = 2
"""The kind of a lowered group lasso, beside those of ``taut.penalties.Kind``."""


@final
@dataclass(frozen=True, eq=False)
class GroupTable(TablePenalty):
    """Σ_g ω_g ‖w_g‖₂ + Σ_j l2_j w_j²: ``group`` (P,) the group of each coordinate, 0..G−1, ``weights`` ω (G,), ``l2`` (P,).

    l2 is the same throughout a group, or the prox at one step would have no closed form. A coordinate that is not penalised
    is alone in a group of weight zero, an excluded one in a group of weight inf.
    """

    group: Int64
    weights: Real
    l2: Real

    @cached_property
    def _order(self) -> Int64:
        """The coordinates group by group."""
        return np.argsort(self.group, kind="stable")

    @cached_property
    def _starts(self) -> Int64:
        """Where each group starts in that order."""
        return np.searchsorted(self.group[self._order], np.arange(self.weights.size)).astype(np.int64)

    @cached_property
    def _finite(self) -> Real:
        finite: Real = np.where(np.isinf(self.weights), 0, self.weights).astype(self.weights.dtype)
        return finite

    @cached_property
    def _runs(self) -> tuple[Int64, Int64]:
        """The stretches of neighbours within each group, and where each group's begin."""
        order, fresh = self._order, np.ones(self.group.size, dtype=bool)
        fresh[1:] = np.diff(order) != 1
        fresh[self._starts] = True
        begins = np.flatnonzero(fresh)
        ends = np.append(begins[1:], order.size)
        runs = np.stack([order[begins], order[ends - 1] + 1], axis=1).astype(np.int64)
        return np.ascontiguousarray(runs), np.searchsorted(begins, np.append(self._starts, order.size))

    def _sums(self, values: Real) -> Real:
        """Within each group (G,)."""
        sums: Real = np.add.reduceat(values[self._order], self._starts)
        return sums

    def _norms(self, vector: Real) -> Real:
        norms: Real = np.sqrt(self._sums(vector * vector))
        return norms

    def _strengths(self, lam: float) -> Real:
        """λω; what is excluded stays so at 0."""
        return np.where(np.isinf(self.weights), self.weights, lam * self._finite)

    def _shrunk(self, vector: Real, by: Real) -> Real:
        """(1 − by_g/‖z_g‖)₊ z_g."""
        norms = self._norms(vector)
        kept = np.where(
            norms > by, 1.0 - np.divide(by, norms, out=np.zeros_like(norms), where=norms > by), 0.0
        )
        shrunk: Real = vector * kept.astype(vector.dtype)[self.group]
        return shrunk

    def at(self, lam: float) -> Lowered:
        """The weight of each coordinate's group and its l2, and the groups."""
        terms = np.stack([self._strengths(lam)[self.group], lam * self.l2])
        return Lowered(GROUPS, terms.astype(np.float32), 0.0, np.inf, *self._runs)

    def take(self, places: NDArray[Any]) -> GroupTable:
        """Those coordinates; what is left of a group keeps its weight."""
        kept, group = np.unique(self.group[places], return_inverse=True)
        weights, l2 = self.weights[kept].astype(np.float32), self.l2[places].astype(np.float32)
        return GroupTable(group.astype(np.int64), weights, l2)

    def spares(self, places: slice) -> bool:
        """No weight and no l2."""
        return not (self.weights[self.group[places]].any() or self.l2[places].any())

    @property
    def straight(self) -> bool:
        """A norm bends across its ray."""
        return False

    def value(self, vector: Real, lam: float) -> float:
        """λ (Σ_g ω_g ‖w_g‖ + Σ_j l2_j w_j²), excluded weights being zero."""
        return lam * float(self._finite @ self._norms(vector) + self.l2 @ (vector * vector))

    def gradient(self, vector: Real, lam: float) -> Real:
        """λω_g w_g/‖w_g‖ + 2λ l2 w, and 0 where the group is 0."""
        norms = self._norms(vector)
        slopes = np.divide(lam * self._finite, norms, out=np.zeros_like(norms), where=norms > 0)
        gradient: Real = vector * (slopes.astype(vector.dtype)[self.group] + 2.0 * lam * self.l2)
        return gradient

    def prox(self, vector: Real, step: Real | float, lam: float) -> Real:
        """(1 − step·λω_g/‖z_g‖)₊ z_g / (1 + 2·step·λ·l2); with a step for each weight the prox in that metric."""
        bent = 1.0 + 2.0 * step * (lam * self.l2)
        if not isinstance(step, np.ndarray):
            return self._shrunk(vector, step * self._strengths(lam)) / bent
        strengths, rows = self._strengths(lam).astype(vector.dtype), RowGroups(self.group, self.weights.size)
        moved: Real = prox_in_diagonal_metric(vector / bent, step / bent, strengths, rows)
        return moved

    def least_norm(self, vector: Real, gradient: Real, lam: float) -> Real:
        """∇L + λω_g w_g/‖w_g‖ + 2λ l2 w, and what of ∇L is beyond the ball of radius λω_g where the group is 0."""
        alive = (self._norms(vector) > 0)[self.group]
        inside = self._shrunk(gradient, self._strengths(lam))
        return np.where(alive, gradient + self.gradient(vector, lam), inside)

    def held(self, vector: Real, heading: Real) -> Real:
        """Zeros where ω > 0 and the group left its half-space."""
        left = (self.weights > 0) & (self._sums(vector * heading) <= 0)
        return np.where(left[self.group], 0.0, vector)

    def largest_step(self, lam: float) -> float:
        """inf."""
        return float("inf")
