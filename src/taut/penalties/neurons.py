"""NeuronLasso: all weights that enter a neuron leave together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self, final

import numpy as np

from taut.arrays import Array, Scalar, as_float, namespace
from taut.penalties.base import Blocks, Penalty, Table, Traits
from taut.penalties.group import GroupLasso
from taut.penalties.parameters import number
from taut.penalties.separable import steps


@final
@dataclass(frozen=True, eq=False, repr=False)
class NeuronLasso(Penalty):
    """λ √p Σ_j ‖w_·j‖₂ over the columns of w (p, k): the group lasso on the weights that enter a neuron.

    The group lasso on the rows of the next layer's matrix, the weights that leave a neuron, is ``GroupLasso()`` there.
    For w (p,), one output, all of w is one group; for the kernels (p, k, …) of a convolution, k channels, a group is
    w_·j…, and p counts its entries. Wen et al., NeurIPS 29 (2016), §3.1 (structured sparsity).
    """

    lam: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "lam", number("lam", self.lam))

    @property
    def traits(self) -> Traits:
        """Convex; neither smooth nor separable."""
        return self._rows.traits

    def value(self, w: Array) -> Scalar:
        """λ √p Σ_j ‖w_·j‖."""
        return self._rows.value(_across(as_float(w)))

    def gradient(self, w: Array) -> Array:
        """λ √p w_·j/‖w_·j‖, and 0 where the column is 0."""
        w = as_float(w)
        return _back(self._rows.gradient(_across(w)), w)

    def prox(self, z: Array, step: Array | float) -> Array:
        """(1 − step·λ√p/‖z_·j‖)₊ z_·j; an array of steps as in ``GroupLasso.prox``."""
        z = as_float(z)
        each = steps(step, z)
        own = (
            each if isinstance(each, float) or each.ndim == 0 else _across(each + namespace(z).zeros_like(z))
        )
        return _back(self._rows.prox(_across(z), own), z)

    @property
    def slice_axis(self) -> int:
        """1: columns."""
        return 1

    def shared_steps(self, step: Array) -> Array:
        """As ``GroupLasso.shared_steps``, within columns."""
        return _back(self._rows.shared_steps(_across(step)), step)

    def conjugate(self, u: Array) -> Scalar:
        """0 where ‖u_·j‖ ≤ λ√p for all columns, else inf."""
        return self._rows.conjugate(_across(as_float(u)))

    def lambda_max(self, g0: Array) -> float:
        """max_j ‖g0_·j‖ / (λ√p)."""
        return self._rows.lambda_max(_across(as_float(g0)))

    def distance(self, w: Array, g: Array) -> Array:
        """|g + ∇Ω(w)| where the column is not 0; there the entries of g_·j beyond the ball of radius λ√p."""
        w = as_float(w)
        return _back(self._rows.distance(_across(w), _across(as_float(g))), w)

    def table(self, n: int) -> Table | None:
        """None: not separable."""
        return None

    def blocks(self, n: int, outputs: int = 1) -> Blocks:
        """The columns of w."""
        return Blocks(np.tile(np.arange(outputs), (n, 1)), self.lam)

    @property
    def words(self) -> tuple[str, str]:
        """The group lasso on neurons."""
        return "group lasso on neurons", ""

    def bind(self, names: Sequence[str], sources: Sequence[str] | None = None) -> Self:
        """Itself: nothing is given by column name."""
        return self

    def at(self, lam: float) -> Self:
        """NeuronLasso(lam·λ)."""
        return replace(self, lam=lam * self.lam)

    def merged(self, other: Penalty) -> Penalty | None:
        """The strengths add up."""
        return replace(self, lam=self.lam + other.lam) if isinstance(other, NeuronLasso) else None

    @cached_property
    def _rows(self) -> GroupLasso:
        """The same penalty on wᵀ, whose rows are the columns of w."""
        return GroupLasso(self.lam)


def _across(w: Array) -> Array:
    """wᵀ (k, p, …); a vector (p,) is one column, (1, p)."""
    xp = namespace(w)
    return xp.reshape(w, (1, -1)) if w.ndim == 1 else xp.permute_dims(w, (1, 0, *range(2, w.ndim)))


def _back(values: Array, w: Array) -> Array:
    """What ``_across`` turned, shaped as w."""
    xp = namespace(w)
    return xp.reshape(values, (-1,)) if w.ndim == 1 else xp.permute_dims(values, (1, 0, *range(2, w.ndim)))
