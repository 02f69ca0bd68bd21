"""The one certificate of the benchmark: relative duality gaps, computed alike for every tool.

For row weights s summing to 1, residual point ρ_i = −ℓ'(x_iᵀw, y_i), dual point θ = c·s∘ρ and u = Xᵀθ:

    D(θ) = Σ_i s_i d(c·ρ_i, y_i) − Ω*(u),      gap = (F(w) − D(θ)) / (F(0) − saturated loss)

    squared      d(v, y) = v·y − v²/4           logistic     d(v, y) = H(y − v), binary entropy
    multinomial  d(v, y) = H(y − v), entropy over the classes
    poisson      d(v, y) = −m log m + m + y log y − y with m = y − v ≥ 0
    Ω*: lasso    0 where max_j |u_j| ≤ λ, so c = min(1, λ / max_j |u_j|)
        groups   0 where max_g ‖u_g‖/√|g| ≤ λ
        elastic net   Σ_j (|u_j| − λρ)₊² / (2λ(1 − ρ)), c = 1

so gap ≥ (F(w) − min F) / F(0): an upper bound on the suboptimality that needs no reference solution.
All λ of a block share two matrix products with X.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import entr, log_softmax, softmax

from benchmarks.problem import Array, Problem

BLOCK = 100


@dataclass(frozen=True)
class Loss:
    """Row-wise pieces on arrays (rows, …, outputs): ``value`` = ℓ, ``point`` = −ℓ' and ``dual`` = d."""

    value: Callable[[Array, Array], Array]
    point: Callable[[Array, Array], Array]
    dual: Callable[[Array, Array], Array]


def _logistic_value(eta: Array, y: Array) -> Array:
    return np.logaddexp(0.0, eta[..., 0]) - y[..., 0] * eta[..., 0]


def _sigmoid_point(eta: Array, y: Array) -> Array:
    return y - 0.5 * (1.0 + np.tanh(0.5 * eta))


LOSSES = {
    "squared": Loss(
        value=lambda eta, y: np.sum((eta - y) ** 2, axis=-1),
        point=lambda eta, y: 2.0 * (y - eta),
        dual=lambda v, y: np.sum(v * y - v**2 / 4.0, axis=-1),
    ),
    "logistic": Loss(
        value=_logistic_value,
        point=_sigmoid_point,
        dual=lambda v, y: (entr(np.clip(y - v, 0, 1)) + entr(np.clip(1 - y + v, 0, 1)))[..., 0],
    ),
    "multinomial": Loss(
        value=lambda eta, y: -np.sum(y * log_softmax(eta, axis=-1), axis=-1),
        point=lambda eta, y: y - softmax(eta, axis=-1),
        dual=lambda v, y: np.sum(entr(np.clip(y - v, 0, 1)), axis=-1),
    ),
    "poisson": Loss(
        value=lambda eta, y: (np.exp(eta) - y * eta - y - entr(y))[..., 0],
        point=lambda eta, y: y - np.exp(eta),
        dual=lambda v, y: (entr(np.maximum(y - v, 0)) + np.maximum(y - v, 0) - y - entr(y))[..., 0],
    ),
}


def target(problem: Problem) -> Array:
    """y as (n, 1, k): one column per output, broadcast over the λ of a block."""
    columns = (
        np.eye(problem.outputs)[problem.y.astype(int)]
        if problem.loss == "multinomial"
        else problem.y[:, None]
    )
    return columns[:, None, :].astype(np.float64)


def lengths(u: Array, group: int) -> Array:
    """‖u_g‖/√|g| over runs of ``group`` along the first axis; |u| for single ones."""
    return np.abs(u) if group == 1 else np.sqrt(np.mean(u.reshape(-1, group, *u.shape[1:]) ** 2, axis=1))


def penalty(w: Array, lambdas: Array, l1_ratio: float, group: int = 1) -> Array:
    """λ (ρ Σ|w| + (1 − ρ)/2 Σw²), or λ √|g| Σ‖w_g‖, for w of shape (L, p, k)."""
    if group > 1:
        return lambdas * group * lengths(np.moveaxis(w, 0, 1), group).sum(axis=(0, 2))
    return lambdas * (l1_ratio * np.abs(w).sum(axis=(1, 2)) + (1 - l1_ratio) / 2 * (w**2).sum(axis=(1, 2)))


def _conjugate(u: Array, lambdas: Array, l1_ratio: float, group: int) -> tuple[Array, Array]:
    """(c, Ω*(c·u)) for u of shape (p, L, k)."""
    if l1_ratio == 1.0:
        largest = lengths(u, group).max(axis=(0, 2))
        return np.minimum(1.0, lambdas / np.maximum(largest, 1e-300)), np.zeros_like(lambdas)
    excess = np.maximum(np.abs(u) - l1_ratio * lambdas[:, None], 0.0)
    return np.ones_like(lambdas), (excess**2).sum(axis=(0, 2)) / (2 * lambdas * (1 - l1_ratio))


def _product(X: Array | sparse.spmatrix, columns: Array) -> Array:
    """X times (p, L, k) → (n, L, k), in one product."""
    return (X @ columns.reshape(columns.shape[0], -1)).reshape(X.shape[0], *columns.shape[1:])


def _correlations(X: Array | sparse.spmatrix, rows: Array) -> Array:
    """Xᵀ times (n, L, k) → (p, L, k), in one product."""
    return (X.T @ rows.reshape(rows.shape[0], -1)).reshape(X.shape[1], *rows.shape[1:])


def _block(problem: Problem, loss: Loss, y: Array, s: Array, lambdas: Array, w: Array) -> Array:
    eta = _product(problem.X, np.ascontiguousarray(np.moveaxis(w, 0, 1)))
    point = loss.point(eta, y)
    primal = s @ loss.value(eta, y) + penalty(w, lambdas, problem.l1_ratio, problem.group)
    u = _correlations(problem.X, s[:, None, None] * point)
    scale, conjugate = _conjugate(u, lambdas, problem.l1_ratio, problem.group)
    return primal - (s @ loss.dual(scale[:, None] * point, y) - conjugate)


def null_loss(problem: Problem, s: Array) -> float:
    """F(0): the scale that gaps are relative to (the saturated loss is 0 for all losses)."""
    y = target(problem)
    return float((s @ LOSSES[problem.loss].value(np.zeros_like(y), y))[0])


def relative_gaps(problem: Problem, coefs: Array, rows: Array | None = None) -> Array:
    """Relative gap at each λ for ``coefs`` (L, p) or (L, p, k) on the training rows ``rows``, default all.

    Held-out rows get weight zero, so every fold uses X as it lies in memory.
    """
    s = np.zeros(len(problem.y))
    s[slice(None) if rows is None else rows] = 1.0
    s /= s.sum()
    y, loss, w = target(problem), LOSSES[problem.loss], coefs.reshape(*coefs.shape[:2], -1)
    blocks = [slice(start, start + BLOCK) for start in range(0, len(problem.lambdas), BLOCK)]
    gaps = [_block(problem, loss, y, s, problem.lambdas[block], w[block]) for block in blocks]
    return np.concatenate(gaps) / null_loss(problem, s)


def worst_gap(problem: Problem, coefs: Array) -> float:
    """The largest relative gap over all λ and fits, ``coefs`` (fits, L, p[, k]): one per fold, or one."""
    rows = [train for train, _ in problem.splits()] or [None]
    return float(
        max(relative_gaps(problem, fit, train).max() for fit, train in zip(coefs, rows, strict=True))
    )


def fold_curve(problem: Problem, coefs: Array) -> Array:
    """Mean over folds of the held-out mean squared error at each λ, from coefficients (fits, L, p)."""
    errors = [
        np.mean((problem.y[held, None] - problem.X[held] @ fit.T) ** 2, axis=0)
        for fit, (_, held) in zip(coefs, problem.splits(), strict=True)
    ]
    return np.mean(errors, axis=0)


def leave_one_out_curve(problem: Problem) -> Array:
    """Exact leave-one-out mean squared error of the ridge at each λ, by one singular value decomposition.

    Without row i the mean is over n − 1 rows, so e_i/(1 − h_i) with the hat matrix at penalty (n − 1)λ/2.
    """
    U, singular, _ = np.linalg.svd(problem.X, full_matrices=False)
    z, n = U.T @ problem.y, len(problem.y)
    shrink = singular[:, None] ** 2 / (singular[:, None] ** 2 + (n - 1) * problem.lambdas / 2)
    residuals = problem.y[:, None] - U @ (shrink * z[:, None])
    return np.mean((residuals / (1.0 - U**2 @ shrink)) ** 2, axis=0)
