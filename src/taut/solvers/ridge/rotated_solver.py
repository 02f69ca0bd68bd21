"""L2 alone on wide data: the solution lies in the span of the rows, so a rotation leaves as many coefficients as rows.

With X̃T = U D Vᵀ (T = diag(l2)^−½) and w = TVu, the problem in u has the design U D and the penalty λ‖u‖².
Hastie and Tibshirani, *Biostatistics* 5 (2004), §2 (the same for any loss with a quadratic penalty).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from taut.penalties import L2
from taut.solvers.base import LinearProblem, Solution
from taut.solvers.matrix import DenseMatrix
from taut.solvers.moments.solver import GramPath
from taut.solvers.newton.ridge_solver import RidgeNewton, is_large, takes_ridge
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.path_solver import PathEngine
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaled_penalty import is_ridge, table_of
from taut.solvers.problem.tolerances import SQUARED_RANK
from taut.types import Float


@dataclass(frozen=True)
class RotatedRidge(PathEngine):
    """Any loss with L2 alone, all factors positive, no bounds."""

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Solve in the rotated coordinates, certify in the original ones."""
        if not is_ridge(problem.penalty, problem.matrix.shape[1]):
            raise TypeError(
                f"a rotation serves L2 alone, on every column and without bounds, not this "
                f"{type(problem.penalty).__name__}"
            )
        if not lambdas:
            return
        design, back = _rotate(problem)
        rotated = LinearProblem(
            DenseMatrix(design), problem.y, problem.weight, problem.loss, L2(1.0), problem.offset,
            problem.fit_intercept, standardize=False, tol=0.5 * tol,
        )  # fmt: skip
        engine: PathEngine | GramPath = GramPath() if problem.squared else ProximalNewton()
        if takes_ridge(rotated) and is_large(rotated):
            engine = RidgeNewton()
        for solution in engine.paths(rotated, problem.weight[None], lambdas)[0].solutions:
            state = problem.polish(problem.state(back @ solution.coef, solution.intercept))
            certificate = certify(problem, solution.lam, state, tol)
            yield problem.solution(solution.lam, state, certificate, solution.iterations)


def _rotate(problem: ScaledProblem) -> tuple[Float, Float]:
    """U D (n, r) and TV (p, r), r the rank, from the eigenvectors of the small matrix X̃T(X̃T)ᵀ."""
    p = problem.matrix.shape[1]
    root = 1.0 / np.sqrt(table_of(problem.penalty, p).l2)
    A = problem.columns(np.arange(p)) * root
    values, U = np.linalg.eigh(A @ A.T)
    keep = values > SQUARED_RANK * values.max(initial=0.0)
    D, U = np.sqrt(values[keep]), U[:, keep]
    return np.asfortranarray(U * D), root[:, None] * (A.T @ (U / D))
