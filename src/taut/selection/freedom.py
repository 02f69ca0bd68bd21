"""Degrees of freedom of a penalised linear fit: how many free parameters it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from taut.solvers import ScaledProblem, hessian
from taut.types import Float


def degrees_of_freedom(problem: ScaledProblem, lambdas: Float, coefs: Float, etas: Sequence[Float]) -> Float:
    """Degrees of freedom (L,) of a path with standardised coefficients (L, p) or (L, p, k) and predictors η.

    Without a squared term in the penalty: the number of non-zero coefficients (Zou, Hastie and Tibshirani
    2007, Annals of Statistics 35:2173). With it: tr[(H + 2Λ)⁻¹H], H the Hessian of the data loss over the
    non-zero coefficients and Λ their squared terms; for the squared loss this is tr[X_A(X_AᵀX_A + nλ2
    I)⁻¹X_Aᵀ] with X_A centred. The intercept is one more (k − 1 more for k classes).
    """
    spectra = _Spectra(problem)
    return np.array([
        _freedom(spectra, float(lam), coef, eta) for lam, coef, eta in zip(lambdas, coefs, etas, strict=True)
    ])  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Eigenvalues of X_AᵀHX_A on its smaller side, remembered per support where the curvature is constant."""

    problem: ScaledProblem
    known: dict[bytes, Float] = field(default_factory=dict)

    def of(self, support: NDArray[np.intp], row: Float) -> Float:
        """Eigenvalues for the columns ``support`` and the row curvatures ``row`` (n,)."""
        if not self.problem.loss.traits.constant_curvature:
            return _eigenvalues(self._columns(support, row))
        key = support.tobytes()
        if key not in self.known:
            self.known[key] = _eigenvalues(self._columns(support, row))
        values: Float = self.known[key]
        return values

    def _columns(self, support: NDArray[np.intp], row: Float) -> Float:
        columns = self.problem.columns(support)
        if self.problem.fit_intercept:
            columns -= row @ columns / max(float(row.sum()), np.finfo(float).tiny)
        columns *= np.sqrt(row)[:, None]
        return columns


def _eigenvalues(columns: Float) -> Float:
    n, p = columns.shape
    gram = columns.T @ columns if p <= n else columns @ columns.T
    return np.asarray(np.maximum(np.linalg.eigvalsh(gram), 0.0))


def _freedom(spectra: _Spectra, lam: float, coef: Float, eta: Float) -> float:
    problem = spectra.problem
    kept, ridge = _kept(problem, coef), 2.0 * _squared_terms(problem, lam)
    support = np.flatnonzero(kept.any(axis=1))
    free = _intercepts(problem, eta)
    if not ridge[support].any():
        return free + float(np.count_nonzero(kept))
    if eta.ndim == 1 and np.ptp(ridge[support]) == 0:
        row = problem.weight * np.asarray(problem.loss.curvature(eta, problem.y))
        values = spectra.of(support, row)
        return free + float(np.sum(values / (values + ridge[support[0]])))
    return _trace(problem, kept, ridge, eta)


def _kept(problem: ScaledProblem, coef: Float) -> NDArray[np.bool_]:
    """Which coefficients (p, k) are not zero; a penalised intercept is a column, always counted."""
    kept = coef.reshape(coef.shape[0], -1) != 0
    return np.vstack([kept, np.ones((1, kept.shape[1]), dtype=bool)]) if problem.bias_column else kept


def _intercepts(problem: ScaledProblem, eta: Float) -> float:
    """Free intercepts; for a softmax one less than classes: a constant added to all η changes nothing."""
    outputs = 1 if eta.ndim == 1 else eta.shape[1]
    return float(problem.fit_intercept) * (outputs - problem.loss.traits.couples_outputs)


def _squared_terms(problem: ScaledProblem, lam: float) -> Float:
    table = (lam * problem.penalty).table(problem.matrix.shape[1]) if lam > 0 else None
    if table is None and lam > 0:
        raise ValueError(
            f"the degrees of freedom of {type(problem.penalty).__name__} are not known; use lam='cv' instead"
        )
    return np.zeros(problem.matrix.shape[1]) if table is None else np.asarray(table.l2, dtype=np.float64)


def _trace(problem: ScaledProblem, kept: NDArray[np.bool_], ridge: Float, eta: Float) -> float:
    """tr[(H + 2Λ)⁺H] with the intercepts as unpenalised columns of the design."""
    support = np.flatnonzero(kept.any(axis=1))
    lead = int(problem.fit_intercept)
    design = np.column_stack([np.ones((eta.shape[0], lead)), problem.columns(support)])
    k = kept.shape[1]
    used = np.vstack([np.ones((lead, k), dtype=bool), kept[support]]).T.ravel()
    diagonal = np.tile(np.concatenate([np.zeros(lead), ridge[support]]), k)[used]
    # The loss's own y may be on another scale than η here, but a squared loss's curvature does not look at
    # either.
    H = hessian(problem.bound, design, eta)[np.ix_(used, used)]
    return float(np.trace(np.linalg.lstsq(H + np.diag(diagonal), H, rcond=None)[0]))
