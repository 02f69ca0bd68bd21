"""The members of a stack: each row-weight vector with its standardisation, scaled target and rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.losses import Loss
from taut.network import Network
from taut.solvers.base import Float, LinearProblem
from taut.solvers.layout import Layout
from taut.solvers.matrix import Matrix
from taut.solvers.member import Member
from taut.solvers.scaled import ScaledProblem, scale_problem
from taut.solvers.units import Units


def scale_members(problem: LinearProblem, weights: Float) -> list[ScaledProblem]:
    """The linear problem on F's scale for each row of ``weights`` (M, n)."""
    return [scale_problem(problem, weight, powers=False) for weight in weights]


def stack_members(problem: LinearProblem, scaled: list[ScaledProblem], network: Network) -> list[Member]:
    """One ``Member`` per scaled problem over one shared copy of X, roughly standardised over all rows.

    That copy does not depend on any row weights, so a member is the same to the last bit in every stack.
    """
    n, _ = problem.matrix.shape
    center = problem.matrix.center(np.full(n, 1.0 / n))
    scale = problem.matrix.scale(np.full(n, 1.0 / n), center)
    scale = np.where(scale > 0, scale, 1.0)
    X = _dense(problem.matrix)
    X -= center
    X /= scale
    return [_member(X, s, (center, scale), problem.loss, network) for s in scaled]


def input_units(units: Units, p: int) -> tuple[Float, Float]:
    """Centre and scale of the ``p`` inputs, without the column that a penalised intercept adds."""
    return units.center[:p], units.scale[:p]


def _member(
    X: Float, scaled: ScaledProblem, base: tuple[Float, Float], loss: Loss, network: Network
) -> Member:
    p = X.shape[1]
    center, scale = input_units(scaled.units, p)
    base_center, base_scale = base
    layout = Layout(p, network.hidden, loss.outputs(scaled.y), network.skip)
    return Member(
        X=X,
        center=(center - base_center) / base_scale,
        inverse_scale=base_scale / scale,
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
