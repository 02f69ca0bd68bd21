"""The prox of norms of groups in a diagonal metric: one scalar equation per group, solved by a fixed number of steps.

A group of norm c‖w‖₂ with steps t_j has w_j = z_j r/(r + t_j c), where r = ‖w‖ is the root of
S(r) = Σ_j z_j²/(r + t_j c)² = 1, or w = 0 where S(0) ≤ 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.arrays import Array, namespace, segment_max, segment_sum, spread
from taut.penalties.separable import INF, clip

NEWTON_STEPS = 8
"""Seven leave 1e-14 where steps differ a thousandfold, eight where they differ a billionfold."""


@final
@dataclass(frozen=True)
class RowGroups:
    """Groups of the rows of an array (p, …): ``segments`` (p,) says which of ``count`` groups each row is in.

    Without segments every row is a group, and nothing is gathered or scattered.
    """

    segments: NDArray[np.int64] | None
    count: int

    def total(self, x: Array) -> Array:
        """The sum of each group (count,)."""
        sums = namespace(x).sum(_flat(x), axis=1)
        return sums if self.segments is None else segment_sum(sums, self.segments, self.count)

    def largest(self, x: Array) -> Array:
        """The largest entry of each group (count,), at least 0."""
        rows = clip(namespace(x).max(_flat(x), axis=1), 0.0, INF)
        return rows if self.segments is None else segment_max(rows, self.segments, self.count)

    def shared(self, steps: Array) -> Array:
        """Steps (p, …) that are 0, of weights that no gradient ever reached, become the mean of those in their group."""
        moving = steps > 0
        counts = self.total(namespace(steps).where(moving, 1.0, namespace(steps).zeros_like(steps)))
        means = self.to_rows(quotient(self.total(steps), counts), steps)
        return namespace(steps).where(moving, steps, means)

    def norms(self, w: Array) -> Array:
        """‖w_g‖₂ (count,), such that automatic differentiation gives 0, not NaN, where it is 0."""
        xp, squares = namespace(w), self.total(w * w)
        return xp.where(squares > 0, xp.sqrt(xp.where(squares > 0, squares, 1.0)), 0.0)

    def to_rows(self, values: Array, w: Array) -> Array:
        """One value per group, read at each row of w (p, …) and shaped to broadcast with it."""
        rows = values if self.segments is None else spread(values, self.segments)
        return namespace(w).reshape(rows, (-1, *(1,) * (w.ndim - 1)))


def prox_in_diagonal_metric(z: Array, steps: Array, weights: Array, groups: RowGroups) -> Array:
    """argmin_x Σ_j (x_j − z_j)²/(2 t_j) + Σ_g c_g ‖x_g‖₂ for steps t ≥ 0 shaped as z, and weights c (count,).

    Newton's method on the secular form 1/√S(r) = 1, which is concave and increasing in r, from a lower bound of the root:
    it rises monotonically and, unlike on S itself, at once nearly in a straight line (Conn, Gould and Toint 2000, Trust
    Region Methods, §7.3, has the same equation). Always ``NEWTON_STEPS`` steps, so that it can be compiled.
    """
    xp, drawn = namespace(z), steps * groups.to_rows(weights, z)
    from_norms = groups.norms(z) - groups.largest(drawn)
    r = xp.maximum(clip(from_norms, 0.0, INF), groups.largest(xp.abs(z) - drawn))
    for _ in range(NEWTON_STEPS):
        r = _newton_step(r, z, drawn, groups)
    r = xp.where(_stays_at_zero(z, drawn, groups), 0.0, r)
    rows = groups.to_rows(r, z)
    return z * quotient(rows, rows + drawn) + 0.0  # +0 turns −0 into 0


def _newton_step(r: Array, z: Array, drawn: Array, groups: RowGroups) -> Array:
    """r + (√S − 1)·S/T with T = Σ_j z_j²/(r + t_j c)³ = −S′/2, not below 0."""
    xp, distances = namespace(z), groups.to_rows(r, z) + drawn
    shares = quotient(z, distances)
    total, slope = groups.total(shares * shares), groups.total(quotient(shares * shares, distances))
    return clip(r + (xp.sqrt(total) - 1.0) * quotient(total, slope), 0.0, INF)


def _stays_at_zero(z: Array, drawn: Array, groups: RowGroups) -> Array:
    """S(0) ≤ 1; a coordinate that may not move (step 0) holds its group where it is not 0 itself."""
    held = namespace(z).where((drawn == 0) & (z != 0), INF, quotient(z, drawn))
    return groups.total(held * held) <= 1.0


def quotient(a: Array, b: Array) -> Array:
    """a/b, and 0 where b is 0."""
    xp = namespace(b)
    return xp.where(b > 0, a / xp.where(b > 0, b, 1.0), 0.0)


def _flat(w: Array) -> Array:
    """w (p, …) as (p, entries per row)."""
    return namespace(w).reshape(w, (w.shape[0], -1))
