"""Adaptive penalties: a column costs the more, the less a pilot fit of the same rows made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from taut.path import LinearPath, Path, PathSpec, fit_linear, fit_paths
from taut.penalties import L2, Penalty
from taut.selection.conflict import OptionConflict
from taut.selection.criteria import path_criteria
from taut.selection.data import Data
from taut.solvers import Progress
from taut.types import Float

PILOT_STRENGTHS = 40
"""How many ridge strengths the pilot chooses from."""


def fit_members(
    spec: PathSpec,
    data: Data,
    weights: Float,
    lambdas: Any,
    progress: Progress | None = None,
    adaptive: float = 0.0,
    linear: Sequence[LinearPath] | None = None,
) -> list[Path]:
    """One path per row of ``weights`` (M, n) on one grid; with ``adaptive`` > 0 each with factors of its own pilot.

    The pilot sees the member's rows alone, so that nothing of a fold's held-out rows reaches its factors. ``linear``: as
    in ``score_folds``.
    """
    if adaptive == 0.0:
        return fit_paths(spec, data.X, data.y, weights, lambdas, data.offset, progress, linear)
    if spec.hidden:
        raise OptionConflict("adaptive factors come from the coefficients of a linear model: use hidden=()")
    paths: list[Path] = []
    for weight in weights:
        own = replace(spec, penalty=adaptive_penalty(spec, data.weighted(weight), adaptive))
        grid = paths[0].lambdas if paths else lambdas
        paths += fit_paths(own, data.X, data.y, weight[None], grid, data.offset, progress)
    return paths


def adaptive_penalty(spec: PathSpec, data: Data, power: float = 1.0) -> Penalty:
    """``spec.penalty`` with its factors multiplied by 1/|β_j|^power, β a pilot ridge fit on standardised columns.

    The ridge's strength is the one of smallest AIC. A column that the pilot leaves at zero is excluded; with several
    outputs |β_j| is the norm over them. Raises ValueError for a penalty without factors or a power ≤ 0.

    Zou, *J. Amer. Stat. Assoc.* 101 (2006), §3; Huang, Ma and Zhang, *Stat. Sinica* 18 (2008) for p > n.
    """
    if spec.penalty.reweighted(np.ones(data.X.shape[1])) is None:
        raise ValueError(
            f"{type(spec.penalty).__name__} has no factors per column to adapt: use L1 or ElasticNet"
        )
    if not power > 0.0:
        raise ValueError(f"adaptive = {power:g}: the power of |β| must be positive, such as 1.0")
    pilot = replace(spec.linear, penalty=L2(), penalize_biases=False)
    path = fit_linear(pilot, data.X, data.y, data.weight[None], PILOT_STRENGTHS, data.offset)[0]
    best = path.standardized_coefs[path_criteria(pilot, path, data).index("aic")]
    size = np.linalg.norm(best.reshape(best.shape[0], -1), axis=1)
    with np.errstate(divide="ignore"):
        cost = size**-power
    adapted = spec.penalty.reweighted(cost)
    assert adapted is not None  # asked above, before the pilot
    return adapted
