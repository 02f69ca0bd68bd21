"""The path of a linear model: coefficients and intercepts per λ in the units of the data, exact solutions off the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import taut.solvers as solvers
from taut.messages import warn
from taut.path.base import Path
from taut.solvers import LinearProblem, Matrix, MemberPath, as_matrix
from taut.types import Float

if TYPE_CHECKING:
    from taut.path.display import Drawing


@dataclass(frozen=True, eq=False, repr=False)
class LinearPath(Path):
    """``coefs`` (L, p) or (L, p, k) and ``intercepts`` (L,) or (L, k) in the units of X and y as given.

    ``iterations`` (L,): passes of the engine at each λ, None where the path was loaded from a file.
    """

    coefs: Float
    intercepts: Float
    standardized_coefs: Float
    problem: LinearProblem | None
    held_out: Float | None = None
    iterations: NDArray[np.intp] | None = None

    @property
    def nonzeros(self) -> NDArray[np.intp]:
        """Features with any non-zero coefficient, per λ."""
        return np.asarray(np.count_nonzero(self.used, axis=1))

    @property
    def used(self) -> NDArray[np.bool_]:
        """Whether a feature has any non-zero coefficient, per λ: (L, p)."""
        used = self.coefs != 0.0
        return np.asarray(used.any(axis=2) if used.ndim == 3 else used)

    def coef(self, lam: float | str) -> Float:
        """Coefficients at ``lam``, a number or one of ``named``: (p,) or (p, k); off the grid they are
        solved for exactly, never interpolated."""
        return self._at(lam)[0]

    def intercept(self, lam: float | str) -> Float:
        """Intercept at ``lam``: () or (k,)."""
        return self._at(lam)[1]

    def decision_at(self, X: Any, index: int, offset: Any = None) -> Float:
        """offset + X coef + intercept at grid position ``index``."""
        return self._eta(X, self.coefs[index], self.intercepts[index], offset)

    def decision(self, X: Any, lam: float | str, offset: Any = None) -> Float:
        """offset + X coef + intercept at ``lam``."""
        coef, intercept = self._at(lam)
        return self._eta(X, coef, intercept, offset)

    def drawn(self, names: Sequence[str], per_sd: Float | None = None, unit: str = "") -> Drawing:
        """Coefficients per standard deviation of their feature."""
        from taut.path.display import linear_drawing

        return linear_drawing(self.coefs, self.standardized_coefs, per_sd, unit)

    def decisions(self, X: Any, span: slice = slice(None), offset: Any = None) -> Float:
        """η at every λ (of ``span``) at once: (n, L) or (n, L, k), one product with X."""
        matrix, intercepts = checked_matrix(X, self.n_features), self.intercepts[span]
        stacked = np.moveaxis(self.coefs[span], 0, 1).reshape(self.n_features, -1)
        eta = matrix.dot(stacked).reshape(matrix.shape[0], *intercepts.shape) + intercepts
        return self.shifted(eta, offset)

    def _eta(self, X: Any, coef: Float, intercept: Float, offset: Any) -> Float:
        return self.shifted(checked_matrix(X, self.n_features).dot(coef) + intercept, offset)

    def _at(self, lam: float | str) -> tuple[Float, Float]:
        lam = self.strength(lam)
        position = self.position(lam)
        if position is not None:
            return self.coefs[position], self.intercepts[position]
        if self.problem is None:
            self.index(lam)
        return self._solve(lam)

    def _solve(self, lam: float) -> tuple[Float, Float]:
        problem = self.problem
        assert problem is not None  # index() has raised otherwise
        # The grid above leads down to lam, so that the exact solution starts from a close one.
        grid = [*self.lambdas[self.lambdas > lam], lam]
        member = solvers.solver_for(problem).paths(problem, problem.weight[None], grid)[0]
        certificate = member.certificates[-1]
        if not certificate.met:
            what = f"{certificate.measure.value} {certificate.value:.2g}, tol {certificate.tol:g}"
            warn(f"lam = {lam:g}: {certificate.note} ({what})", RuntimeWarning)
        return member.coefs[-1], member.intercepts[-1]


def linear_path(problem: LinearProblem, member: MemberPath, weight: Float) -> LinearPath:
    """A member's path; the problem stays attached (with the member's weights) for strengths off the grid."""
    return LinearPath(
        lambdas=member.lambdas,
        losses=member.data_losses,
        penalties=member.penalties,
        certificates=member.certificates,
        null_loss=member.null_loss,
        saturated_loss=member.saturated_loss,
        loss=problem.loss,
        n_features=problem.matrix.shape[1],
        interrupted=member.interrupted,
        coefs=member.coefs,
        intercepts=member.intercepts,
        standardized_coefs=member.standardized_coefs,
        problem=replace(problem, weight=weight),
        held_out=member.held_out,
        iterations=member.iterations,
        has_offset=problem.offset is not None,
    )


def checked_matrix(X: Any, p: int) -> Matrix:
    """X as a fit takes it; ValueError where it has not the ``p`` columns of the fit."""
    matrix = as_matrix(X)
    if matrix.shape[1] != p:
        raise ValueError(f"X has {matrix.shape[1]} columns, the path was fitted on {p}")
    return matrix
