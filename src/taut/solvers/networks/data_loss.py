"""One member of a stack: a row-weight vector's data on F's scale, its data loss and the gradient of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import BoundLoss, Loss
from taut.network import Network
from taut.solvers.networks.flat_params import FlatLayout
from taut.solvers.problem.units import along
from taut.types import Float, Mask, Real

Rows = NDArray[np.intp]

CHUNK = 2048
"""Rows per block of a full pass: activations stay in cache, memory stays flat."""


@dataclass(frozen=True, eq=False)
class Member:
    """The data loss L(θ) = Σ_i s_i ℓ(η_i + o_i, y_i) of one row-weight vector s, η the network's output.

    ``X`` (n, p) is shared by all members; this member's standardised rows are (x − center)·inverse_scale.
    ``y`` and ``offset`` are on this member's scale, ``weight`` sums to one, ``rows`` are those with a
    positive weight.
    """

    X: Real
    center: Real
    inverse_scale: Real
    y: Float
    offset: Float | None
    weight: Float
    rows: Rows
    loss: Loss
    network: Network
    layout: FlatLayout

    @property
    def n(self) -> int:
        """Rows of X, held-out ones included."""
        return int(self.X.shape[0])

    def standardized(self, rows: Rows) -> Real:
        """(x − center)·inverse_scale of these rows: (m, p)."""
        block: Real = (self.X[rows] - self.center) * self.inverse_scale
        return block

    def part(self, inputs: Mask, layout: FlatLayout) -> Member:
        """The same rows for a network of ``layout`` that reads these inputs (p,) alone."""
        X = self.X if inputs.all() else self.X[:, inputs]
        center, scale = self.center[inputs], self.inverse_scale[inputs]
        network = replace(self.network, hidden=layout.hidden)
        return replace(self, X=X, center=center, inverse_scale=scale, network=network, layout=layout)

    def value(self, vector: Real) -> float:
        """L(θ), the rows' standardisation done by the first layer: no row is copied."""
        params = self.layout.params(vector).reading(self.center, 1.0 / self.inverse_scale)
        total = 0.0
        for start in range(0, self.n, CHUNK):
            rows = np.arange(start, min(start + CHUNK, self.n))
            output = self.network.forward(params, self.X[start : start + CHUNK])[0][0]
            used = rows[self.weight[rows] > 0]
            total += self.bound(used).value(self._shaped(output[used - start], used))
        return total

    def value_and_gradient(self, vector: Real) -> tuple[float, Real]:
        """L(θ) and ∇L(θ) (P,) over all rows."""
        total, gradient = 0.0, np.zeros_like(vector)
        for rows in self._blocks():
            value, part = self.batch(vector, rows)
            total += value
            gradient += part
        return total, gradient

    def batch(self, vector: Real, rows: Rows) -> tuple[float, Real]:
        """Σ_{i in rows} s_i ℓ_i and its gradient (P,): a part of L, not a mean."""
        params = self.layout.params(vector)
        output, tape = self.network.forward(params, self.standardized(rows))
        bound, eta = self.bound(rows), self._shaped(output[0], rows)
        slope = bound.gradient(eta).reshape(1, rows.size, -1)
        gradient = self.network.backward(params, tape, slope.astype(vector.dtype, copy=False))
        return bound.value(eta), self.layout.vector(gradient, vector.dtype)

    def bound(self, rows: Rows) -> BoundLoss:
        """The part of L that these rows have, as a function of η (m[, k]), which contains the offset."""
        offset = None if self.offset is None else self.offset[rows]
        return self.loss.bind(self.y[rows], self.weight[rows], offset)

    def _shaped(self, output: Real, rows: Rows) -> Float:
        """η (m[, k]) of these rows from the network's output (m, k), in float64."""
        eta = np.asarray(output if self.loss.multi_output(self.y) else output[:, 0], dtype=np.float64)
        return eta if self.offset is None else eta + along(self.offset[rows], eta)

    def _blocks(self) -> list[Rows]:
        return np.array_split(self.rows, max(1, -(-self.rows.size // CHUNK)))


def spread_evenly(order: Rows, rows_per_step: int) -> list[Rows]:
    """``order`` cut into mini-batches of nearly equal size, none larger than ``rows_per_step``."""
    count: Any = max(1, -(-order.size // rows_per_step))
    return np.array_split(order, count)
