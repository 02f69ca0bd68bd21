"""The relaxed path: at every strength the kept columns fitted again without a penalty, blended with the penalised fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import taut.solvers as solvers
from taut.path.linear import LinearPath
from taut.types import Float

if TYPE_CHECKING:
    from taut.solvers import LinearProblem, ScaledProblem, Solution


def relax(path: LinearPath, gamma: float = 0.0) -> LinearPath:
    """γ · penalised + (1 − γ) · unpenalised coefficients, the latter fitted on the columns that each λ keeps.

    ``gamma`` = 0 is the plain refit, 1 the path itself; coefficients and intercepts are blended alike, in the units of
    the data. Bounds stay; a column that any output uses is refitted for all of them. ``certificates`` are those of the
    refits: a relative gradient norm, with a note where the refit is not unique or does not exist. The result answers at
    its grid alone. Raises ValueError for γ outside [0, 1] and for a path that was loaded without its rows.

    Meinshausen, *Comput. Stat. Data Anal.* 52 (2007); Hastie, Tibshirani and Tibshirani, *Stat. Science* 35 (2020), §3.
    """
    return relaxations(path, [gamma])[0]


def relaxations(path: LinearPath, gammas: list[float]) -> list[LinearPath]:
    """One relaxed path per γ, from one set of refits."""
    for gamma in gammas:
        if not 0.0 <= gamma <= 1.0:
            raise ValueError(
                f"gamma = {gamma:g}: a blend lies between 0 (the refit) and 1 (the penalised fit)"
            )
    if path.problem is None:
        raise ValueError("this path carries no rows to refit on; relax it where it was fitted")
    problem, scaled = path.problem, solvers.scale_problem(path.problem, path.problem.weight)
    refits = _refits(scaled, path, problem.tol)
    return [path if gamma == 1.0 else _blend(path, problem, scaled, refits, gamma) for gamma in gammas]


def _refits(problem: ScaledProblem, path: LinearPath, tol: float) -> list[Solution]:
    """The unpenalised fit at every λ; one for each set of kept columns."""
    known: dict[bytes, Solution] = {}
    refits = []
    always = _without_choice(problem)
    for coef in path.standardized_coefs:
        kept = always.copy()
        kept[: coef.shape[0]] |= coef.reshape(coef.shape[0], -1).any(axis=1)
        key = kept.tobytes()
        if key not in known:
            known[key] = solvers.solve_unpenalized(problem, tol, np.flatnonzero(kept))
        refits.append(known[key])
    return refits


def _without_choice(problem: ScaledProblem) -> NDArray[np.bool_]:
    """Columns that every refit has: those without a penalty, and a penalised intercept."""
    kept = np.zeros(problem.matrix.shape[1], dtype=bool)
    kept[solvers.included(problem)] = problem.unpenalized[solvers.included(problem)]
    if problem.bias_column:
        kept[-1] = True
    return kept


def _blend(
    path: LinearPath, problem: LinearProblem, scaled: ScaledProblem, refits: list[Solution], gamma: float
) -> LinearPath:
    def mixed(own: Float, refitted: list[Float]) -> Float:
        return np.asarray(gamma * own + (1.0 - gamma) * np.stack(refitted))

    coefs = mixed(path.coefs, [refit.coef for refit in refits])
    intercepts = mixed(path.intercepts, [refit.intercept for refit in refits])
    standardized = mixed(path.standardized_coefs, [refit.standardized_coef for refit in refits])
    losses = [
        _loss(problem, scaled, coef, intercept) for coef, intercept in zip(coefs, intercepts, strict=True)
    ]
    return replace(
        path, coefs=coefs, intercepts=intercepts, standardized_coefs=standardized, losses=np.array(losses),
        penalties=np.zeros(len(path)), certificates=tuple(refit.certificate for refit in refits), problem=None,
        held_out=None,
    )  # fmt: skip


def _loss(problem: LinearProblem, scaled: ScaledProblem, coef: Float, intercept: Float) -> float:
    """L on F's scale, of coefficients in the units of the data."""
    eta = problem.matrix.dot(coef) + intercept
    if problem.offset is not None:
        eta = eta + solvers.along(problem.offset, eta)
    return scaled.data_loss((eta - scaled.units.y_center) / scaled.units.y_scale)
