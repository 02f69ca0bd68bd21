"""A member and its penalty lowered to plain float32 arrays, and the compiled passes over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.families import family_of, parameters
from taut.losses import Loss
from taut.network import Activation, Gelu, Identity, Relu, Sigmoid, Tanh, as_activation
from taut.penalties import Kind
from taut.solvers._kernels import network as kernels
from taut.solvers.networks.data_loss import Member, Rows, spread_evenly
from taut.solvers.networks.flat_params import FlatLayout
from taut.solvers.networks.flat_penalty import Lowered
from taut.solvers.networks.group_table import GROUPS
from taut.types import Int64, Mask, Real, Single

Pace = NDArray[np.float64]
"""(3,): the last F, for how many epochs it has not fallen, and how many epochs there were (``_kernels.stopping.stalled``)."""

CHUNK = 512
"""Rows per block of a full pass: activations stay in cache."""

ACTIVATION_CODES: dict[type[Activation], int] = {
    Relu: kernels.RELU,
    Tanh: kernels.TANH,
    Sigmoid: kernels.SIGMOID,
    Gelu: kernels.GELU,
    Identity: kernels.IDENTITY,
}
LOSS_CODES: dict[str, int] = {
    "squared": kernels.SQUARED,
    "logistic": kernels.LOGISTIC,
    "multinomial": kernels.MULTINOMIAL,
    "poisson": kernels.POISSON,
    "huber": kernels.HUBER,
}
"""The losses that kernels know, by the names of their families; networks of the others are trained in NumPy."""


def is_compiled(loss: Loss) -> bool:
    """Whether the kernels know the loss."""
    return family_of(loss).name in LOSS_CODES


@dataclass(frozen=True, eq=False)
class KernelPlan:
    """Where everything lies: the rows of ``kernels.network``'s plan, and the buffer that a row of a batch needs."""

    layers: Int64
    per_row: int
    spare_per_row: int

    @staticmethod
    def of(layout: FlatLayout) -> KernelPlan:
        """The plan of a layout: a and z of every layer, then room for the gradient that goes down a layer."""
        rows, at = [], 0
        for k, (inputs, columns) in enumerate(layout.shapes):
            matrix, bias = layout.matrix_slices[k].start, layout.bias_slices[k].start
            rows.append((inputs, columns, layout.bias_sizes[k], matrix, bias, at, at + inputs))
            at += inputs + columns
        widest = max(layout.bias_sizes)
        return KernelPlan(np.array(rows, dtype=np.int64), at + widest, 2 * widest + 1)


def fresh_pace() -> Pace:
    """The pace before the first epoch."""
    return np.array([np.inf, 0.0, 0.0])


@dataclass(frozen=True, eq=False)
class EpochRun:
    """Epochs to make: the order (E, n) of the rows in each, its rate (E,), and when to stop (``_kernels.stopping.stalled``).

    Penalties that are no table take one epoch at a time.
    """

    orders: Int64
    rates: Single
    pace: Pace
    least: float = -np.inf
    patience: int = 1

    @staticmethod
    def of(order: Rows, rate: float) -> EpochRun:
        """One epoch over the rows in ``order`` at one ``rate``."""
        return EpochRun(order[None], np.array([rate], np.float32), fresh_pace())


@dataclass(frozen=True, eq=False)
class CompiledMember:
    """A member's arrays as the kernels read them: float32, X shared by all members of a stack."""

    X: Single
    affine: Single
    y: Single
    rows_data: Single
    rows: Rows
    plan: KernelPlan
    codes: Int64
    delta: np.float32
    shaped: bool

    @staticmethod
    def of(member: Member, X: Single, shaped: bool = False) -> CompiledMember:
        """``member`` with ``X``, its float32 copy; ``shaped``: its steps are those for groups and concave shapes."""
        layout, loss = member.layout, member.loss
        activation = ACTIVATION_CODES[type(as_activation(member.network.activation))]
        return CompiledMember(
            X,
            np.stack([member.center, member.inverse_scale]).astype(np.float32),
            targets(loss, member.y if loss.traits.couples_outputs else counted(member, member.y)),
            row_data(member),
            member.rows,
            KernelPlan.of(layout),
            np.array([layout.has_skip, activation, LOSS_CODES[family_of(loss).name]], dtype=np.int64),
            np.float32([*parameters(loss), np.inf][0]),
            shaped,
        )

    def part(self, inputs: Mask, layout: FlatLayout) -> CompiledMember:
        """The same rows for a network of ``layout`` that reads these inputs (p,) alone."""
        X, affine = np.ascontiguousarray(self.X[:, inputs]), np.ascontiguousarray(self.affine[:, inputs])
        return replace(self, X=X, affine=affine, plan=KernelPlan.of(layout))

    def value_and_gradient(self, vector: Real) -> tuple[float, Real]:
        """L(θ) and ∇L(θ) (P,) over all rows, in float32."""
        return self.batch(vector, self.rows)

    @property
    def weight(self) -> Single:
        """The rows' shares s (n,)."""
        return np.asarray(self.rows_data[1])

    def batch(self, vector: Real, rows: Rows) -> tuple[float, Real]:
        """Σ_{i in rows} s_i ℓ_i and its gradient (P,), in float32."""
        theta = np.ascontiguousarray(vector, dtype=np.float32)
        gradient = np.zeros_like(theta)
        # The moments, the rates and the table are not read where nothing is learnt.
        unused = np.zeros((2, 1), np.float32)
        nothing = Lowered(GROUPS if self.shaped else Kind.QUADRATIC, unused)
        once, cuts = EpochRun.of(rows, 0.0), _cuts(rows.size, CHUNK)
        return self._sweep(theta, gradient, unused, -1, once, cuts, nothing, unused[0]), gradient

    def learn(
        self,
        theta: Single,
        moments: Single,
        steps: int,
        stretch: EpochRun,
        rows_per_step: int,
        penalty: Lowered,
        hyper: Single,
    ) -> tuple[float, int]:
        """Proximal Adam, theta and moments in place: the data loss of the last epoch, and the steps made."""
        cuts, before = _cuts(stretch.orders.shape[1], rows_per_step), stretch.pace[2]
        data = self._sweep(theta, theta, moments, steps, stretch, cuts, penalty, hyper)
        return data, int(stretch.pace[2] - before) * (cuts.size - 1)

    def _sweep(
        self, theta: Single, gradient: Single, moments: Single, steps: int, stretch: EpochRun, cuts: Int64,
        penalty: Lowered, hyper: Single,
    ) -> float:  # fmt: skip
        data = (theta, gradient, moments, steps, self.X, self.affine, self.y, self.rows_data)
        what = (self.plan.layers, self.codes, self.delta, penalty.terms, hyper)
        spare = self.allocate(int(cuts[1]))
        if penalty.kind == Kind.QUADRATIC:
            pace = (stretch.rates, stretch.pace, stretch.least, stretch.patience)
            return float(kernels.sweep(*data, stretch.orders, cuts, *what, *pace, *spare))
        from taut.solvers._kernels import (
            network_penalties as shaped,  # compiled only where a penalty asks for it
        )

        stretch.pace[2] += 1.0
        arrays = (*data, stretch.orders[0], cuts, *what, *spare)
        return float(shaped.sweep_shaped(*arrays, int(penalty.kind), penalty.runs, penalty.groups))

    def allocate(self, rows: int) -> tuple[Single, Single]:
        """Buffers for batches of up to ``rows`` rows."""
        return np.empty(rows * self.plan.per_row, np.float32), np.empty(
            rows * self.plan.spare_per_row, np.float32
        )


@lru_cache(maxsize=64)
def _cuts(n: int, largest: int) -> Int64:
    """Where ``spread_evenly`` cuts n rows, the larger batches first: each starts at its own entry, ends at the next."""
    return np.cumsum([0, *(rows.size for rows in spread_evenly(np.arange(n), largest))], dtype=np.int64)


def targets(loss: Loss, y: NDArray[Any]) -> Single:
    """y as (n, q): indicators or probabilities of classes, outputs in columns."""
    if loss.traits.couples_outputs and y.ndim == 1:
        return np.asarray(y[:, None] == np.arange(loss.outputs(y)), dtype=np.float32)
    return np.ascontiguousarray(y.reshape(len(y), -1), dtype=np.float32)


def counted(member: Member, values: Real) -> Real:
    """``values`` (n, …) with zeros where a row has no weight: what is there may be more than float32 holds."""
    return np.where(member.weight.reshape(-1, *[1] * (values.ndim - 1)) > 0.0, values, 0.0)


def row_data(member: Member) -> Single:
    """Offset and weight of each row, (2, n)."""
    offset = np.zeros(member.n) if member.offset is None else counted(member, member.offset)
    return np.stack([offset, member.weight]).astype(np.float32)
