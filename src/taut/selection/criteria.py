"""Information criteria: AIC, BIC and EBIC of a linear path, with the degrees of freedom it really uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from taut.families import family_of
from taut.losses import Loss
from taut.path import LinearPath, PathSpec
from taut.selection.data import Data, decisions
from taut.selection.freedom import degrees_of_freedom
from taut.solvers import ScaledProblem, scale_problem
from taut.types import Float


@dataclass(frozen=True, eq=False)
class Criteria:
    """What L strengths cost in degrees of freedom, and what they explain.

    ``deviance`` (L,) is −2 log likelihood in the units of the data, Gaussian with its variance profiled out;
    ``freedom`` (L,) the degrees of freedom; ``nonzeros`` (L,); ``n`` the number of rows of positive
    weight, or the sum of the weights where they were said to count repetitions; ``coordinates`` the number of
    coefficients that could be non-zero. Weights are relative, so that their unit chooses nothing: differences between
    strengths are those of AIC and BIC in R's ``lm(weights=)``.

        AIC = −2 log L + 2 df,    BIC = −2 log L + log(n) df,    EBIC = BIC + 2 log C(coordinates, nonzeros)
        GCV = mean squared residual / (1 − df/n)²                                     (squared loss alone)

    EBIC is Chen and Chen (2008, Biometrika 95:759) with γ = 1, GCV Golub, Heath and Wahba (1979, Technometrics
    21:215); ``residual`` (L,) is its numerator, None for other losses. ``allowed`` (L,) marks the strengths
    that compete: a Gaussian likelihood with as many columns as rows grows without bound as the residuals
    vanish, so there only fits with at most n/2 degrees of freedom do.
    """

    lambdas: Float
    deviance: Float
    freedom: Float
    nonzeros: NDArray[np.intp]
    n: float
    coordinates: int
    allowed: NDArray[np.bool_]
    residual: Float | None = None

    @property
    def gcv(self) -> Float:
        """Generalised cross-validation (L,), in the units of the squared loss; infinite where df reaches n."""
        if self.residual is None:
            raise ValueError(
                "generalised cross-validation is made of squared residuals: use lam='aic' or 'cv'"
            )
        left = 1.0 - self.freedom / self.n
        usable = np.where(left > 0.0, left, np.nan)
        value: Float = np.nan_to_num(self.residual / usable**2, nan=np.inf)
        return value

    @property
    def aic(self) -> Float:
        """Akaike's criterion (L,)."""
        return self.deviance + 2.0 * self.freedom

    @property
    def bic(self) -> Float:
        """Schwarz's criterion (L,)."""
        value: Float = self.deviance + np.log(self.n) * self.freedom
        return value

    @property
    def ebic(self) -> Float:
        """The extended criterion (L,), for many candidate columns."""
        value: Float = self.bic + 2.0 * _log_binomial(self.coordinates, self.nonzeros)
        return value

    def index(self, name: str) -> int:
        """Where on the path ``name`` ("aic", "bic", "ebic" or "gcv") is smallest; the strongest of equals."""
        return int(np.argmin(self.value(name)))

    def value(self, name: str) -> Float:
        """The criterion ``name`` (L,), infinite where a strength does not compete."""
        return np.where(self.allowed, CRITERIA[name](self), np.inf)


CRITERIA: dict[str, Callable[[Criteria], Float]] = {
    "aic": lambda criteria: criteria.aic,
    "bic": lambda criteria: criteria.bic,
    "ebic": lambda criteria: criteria.ebic,
    "gcv": lambda criteria: criteria.gcv,
}


def path_criteria(spec: PathSpec, path: LinearPath, data: Data) -> Criteria:
    """Criteria of a linear path on the rows that it was fitted on.

    Raises ValueError for a loss without a likelihood (Huber) or a penalty whose degrees of freedom are not
    known.
    """
    problem = scale_problem(spec.linear_problem(data.X, data.y, data.weight, data.offset), data.weight)
    total = data.size
    etas = list(np.moveaxis(decisions(path, data.X, len(path), data.offset), 1, 0))
    deviance = np.array([deviance_of(path.loss, eta, data.y, problem.weight, total) for eta in etas])
    freedom = degrees_of_freedom(problem, path.lambdas, path.standardized_coefs, etas)
    nonzeros = np.array([np.count_nonzero(coef) for coef in path.coefs])
    allowed = _bounded(problem, freedom, total)
    residual = _residual(path.loss, etas, data.y, problem.weight)
    return Criteria(path.lambdas, deviance, freedom, nonzeros, total, path.coefs[0].size, allowed, residual)


def _residual(loss: Loss, etas: list[Float], y: Float, weight: Float) -> Float | None:
    if not loss.traits.constant_curvature:
        return None
    return np.array([loss.bind(y, weight).value(eta) for eta in etas])


def _bounded(problem: ScaledProblem, freedom: Float, total: float) -> NDArray[np.bool_]:
    if problem.loss.traits.constant_curvature and problem.matrix.shape[1] >= total:
        return np.asarray(freedom <= max(total / 2.0, freedom.min()))
    return np.ones(freedom.shape, dtype=bool)


def deviance_of(loss: Loss, eta: Float, y: Float, weight: Float, total: float) -> float:
    """−2 log likelihood of ``total`` rows whose weights ``weight`` sum to one."""
    likelihood = family_of(loss).likelihood
    if likelihood is None:
        raise ValueError(f"{type(loss).__name__} has no likelihood, so no AIC or BIC; use lam='cv'")
    return likelihood(loss.bind(y, weight).value(eta), y, weight, total)


def _log_binomial(n: int, k: NDArray[np.intp]) -> Float:
    value: Float = (
        scipy.special.gammaln(n + 1.0) - scipy.special.gammaln(k + 1.0) - scipy.special.gammaln(n - k + 1.0)
    )
    return value
