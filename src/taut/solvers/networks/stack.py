"""The members of a stack: each row-weight vector with its standardisation, scaled target and rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from taut.losses import Loss
from taut.network import Network
from taut.solvers.base import LinearProblem
from taut.solvers.matrix import Matrix
from taut.solvers.networks.data_loss import Member
from taut.solvers.networks.flat_params import FlatLayout
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaling import scale_problem
from taut.solvers.problem.units import Units
from taut.types import Float

FAR, WIDE = 1e2, 1e4
"""How many of a member's standard deviations the mean of all rows may lie from its own, and how many theirs may be: float32
has seven digits, of which the first costs those of 1e2 and the second none, but squares of what rows without weight give."""


def scale_members(problem: LinearProblem, weights: Float) -> list[ScaledProblem]:
    """The linear problem on F's scale for each row of ``weights`` (M, n)."""
    return [scale_problem(problem, weight, powers=False) for weight in weights]


def stack_members(problem: LinearProblem, scaled: list[ScaledProblem], network: Network) -> list[Member]:
    """One ``Member`` per scaled problem over one shared copy of X, roughly standardised over all rows.

    That copy does not depend on any row weights, so a member is the same to the last bit in every stack. Where rows without
    weight are so far away that it leaves few digits to the others, a member has a copy of its own.
    """
    n, _ = problem.matrix.shape
    center = problem.matrix.center(np.full(n, 1.0 / n))
    scale = problem.matrix.scale(np.full(n, 1.0 / n), center)
    scale = np.where(scale > 0, scale, 1.0)
    X = _dense(problem.matrix)
    X -= center
    X /= scale
    return [_member(_view(X, (center, scale), problem, s), s, problem.loss, network) for s in scaled]


def input_units(units: Units, p: int) -> tuple[Float, Float]:
    """Centre and scale of the ``p`` inputs, without the column that a penalised intercept adds."""
    return units.center[:p], units.scale[:p]


class _View(NamedTuple):
    """A copy of X, and the centres and inverse scales by which it is a member's standardised columns."""

    X: Float
    center: Float
    inverse_scale: Float


def _view(X: Float, base: tuple[Float, Float], problem: LinearProblem, scaled: ScaledProblem) -> _View:
    """The shared copy, which ``base`` has standardised, or the member's own, in which rows without weight are zero."""
    center, scale = input_units(scaled.units, X.shape[1])
    spread = scale
    if not problem.standardize:
        spread = np.where(scaled.constant[: X.shape[1]], 1.0, problem.matrix.scale(scaled.weight, center))
    if np.max(np.abs(center - base[0]) / spread) <= FAR and np.max(base[1] / spread) <= WIDE:
        return _View(X, (center - base[0]) / base[1], base[1] / scale)
    own = (_dense(problem.matrix) - center) / scale
    own[scaled.weight == 0.0] = 0.0
    return _View(own, np.zeros_like(center), np.ones_like(scale))


def _member(view: _View, scaled: ScaledProblem, loss: Loss, network: Network) -> Member:
    layout = FlatLayout(view.X.shape[1], network.hidden, loss.outputs(scaled.y), network.skip)
    return Member(
        X=view.X,
        center=view.center,
        inverse_scale=view.inverse_scale,
        y=scaled.y,
        offset=scaled.offset,
        weight=scaled.weight,
        rows=np.flatnonzero(scaled.weight > 0),
        loss=loss,
        network=network,
        layout=layout,
    )


def _dense(matrix: Matrix) -> Float:
    everything: Any = np.arange(matrix.shape[1])
    return np.ascontiguousarray(matrix.columns(everything))
