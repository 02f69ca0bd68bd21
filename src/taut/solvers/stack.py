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
from taut.solvers.scaled import ScaledProblem, Units, scale_problem


def scale_members(problem: LinearProblem, weights: Float) -> list[ScaledProblem]:
    """The linear problem on F's scale for each row of ``weights`` (M, n)."""
    return [scale_problem(problem, weight) for weight in weights]


def stack_members(problem: LinearProblem, scaled: list[ScaledProblem], network: Network) -> list[Member]:
    """One ``Member`` per scaled problem over one shared copy of X, standardised by the first one's units."""
    p = problem.matrix.shape[1]
    first = scaled[0].units
    X = _dense(problem.matrix)
    X -= first.center[:p]
    X /= first.scale[:p]
    return [_member(X, s, first, problem.loss, network) for s in scaled]


def input_units(units: Units, p: int) -> tuple[Float, Float]:
    """Centre and scale of the ``p`` inputs, without the column that a penalised intercept adds."""
    return units.center[:p], units.scale[:p]


def _member(X: Float, scaled: ScaledProblem, first: Units, loss: Loss, network: Network) -> Member:
    p = X.shape[1]
    center, scale = input_units(scaled.units, p)
    base_center, base_scale = input_units(first, p)
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
