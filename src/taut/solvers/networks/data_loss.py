"""One member of a stack: a row-weight vector's data on F's scale, its data loss and the gradient of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import Loss
from taut.network import Network
from taut.solvers.networks.flat_params import FlatLayout
from taut.types import Mask, Real

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
    y: Real
    offset: Real | None
    weight: Real
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
            total += self._loss(self._shaped(output[used - start], used), used)
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
        eta = self._shaped(output[0], rows)
        slope = np.asarray(self.loss.derivative(eta, self.y[rows]))
        weighted = slope.reshape(rows.size, -1) * self.weight[rows][:, None]
        gradient = self.network.backward(params, tape, weighted[None].astype(vector.dtype, copy=False))
        return self._loss(eta, rows), self.layout.vector(gradient, vector.dtype)

    def _loss(self, eta: Real, rows: Rows) -> float:
        return float(self.weight[rows] @ np.asarray(self.loss.pointwise(eta, self.y[rows])))

    def _shaped(self, output: Real, rows: Rows) -> Real:
        eta = output if self.loss.multi_output(self.y) else output[:, 0]
        if self.offset is None:
            return eta
        shift: Real = self.offset[rows]
        return eta + (shift[:, None] if eta.ndim > shift.ndim else shift)

    def _blocks(self) -> list[Rows]:
        return np.array_split(self.rows, max(1, -(-self.rows.size // CHUNK)))


def spread_evenly(order: Rows, rows_per_step: int) -> list[Rows]:
    """``order`` cut into mini-batches of nearly equal size, none larger than ``rows_per_step``."""
    count: Any = max(1, -(-order.size // rows_per_step))
    return np.array_split(order, count)
