"""Unpenalised fits within bounds: least squares by an active-set method, Newton steps on it for the other losses."""

from __future__ import annotations

import numpy as np
import scipy.optimize

from taut.losses import Loss, SquaredError
from taut.solvers._kernels.descent import descend
from taut.solvers._kernels.quadratic import largest_distance
from taut.solvers.free import NOT_UNIQUE, FreeFit, gradient_scale, line_search, unbounded_note
from taut.solvers.hessian import hessian, row_gradient
from taut.solvers.matrix import Float

_EPOCHS = 20_000
_RANK = 1e-11
"""Singular values (of a Hessian: eigenvalues) below this fraction of the largest count as zero."""


def fit_bounded(
    loss: Loss, design: Float, base: Float, y: Float, weight: Float, bounds: tuple[Float, Float], start: Float,
    iterations: int = 100,
) -> FreeFit:  # fmt: skip
    """Minimise Σ s_i ℓ(base_i + d_iᵀ coef, y_i) over lower ≤ coef ≤ upper, (m,) bounds that hold for every output.

    The norm is that of the gradient where the bounds leave room to follow it. Stark and Parker, *Computational
    Statistics* 10 (1995) (bounded-variable least squares).
    """
    lower, upper = bounds
    if isinstance(loss, SquaredError):
        root = np.sqrt(weight)
        target = ((y - base).T * root).T.reshape(len(weight), -1)
        columns = [_within(design * root[:, None], column, lower, upper) for column in target.T]
        coef = np.stack(columns, axis=1).reshape(design.shape[1], *base.shape[1:])
        return _judged(loss, design, base, y, weight, bounds, coef, 1, 0.0)
    coef, move, step = start, 0.0, 0
    for step in range(iterations):  # noqa: B007 - the count is reported
        direction = _newton_step(loss, design, base + design @ coef, y, weight, bounds, coef)
        gradient = design.T @ row_gradient(loss, base + design @ coef, y, weight)
        value = float(weight @ loss.pointwise(base + design @ coef, y))
        move = float(np.abs(design @ direction)[weight > 0].max(initial=0.0))
        size = line_search(
            loss, design, base, y, weight, coef, direction, value, float(np.vdot(gradient, direction))
        )
        coef = coef + size * direction
        if size == 0.0 or move <= 1e-15 * (1.0 + float(np.abs(design @ coef).max(initial=0.0))):
            break
    return _judged(loss, design, base, y, weight, bounds, coef, step + 1, move)


def _within(A: Float, b: Float, lower: Float, upper: Float) -> Float:
    """argmin ‖A x − b‖ on the box; columns that are zero keep the coefficient 0."""
    norms = np.linalg.norm(A, axis=0)
    moving = norms > 0.0
    x = np.zeros(A.shape[1])
    scale = norms[moving]
    found = scipy.optimize.lsq_linear(
        A[:, moving] / scale,
        b,
        (lower[moving] * scale, upper[moving] * scale),
        method="bvls",
        max_iter=20 * A.shape[1] + 20,
    )
    x[moving] = (
        _cycled(A[:, moving] / scale, b, found.x, lower[moving] * scale, upper[moving] * scale) / scale
    )
    return np.clip(x, lower, upper)


def _cycled(A: Float, b: Float, x: Float, lower: Float, upper: Float) -> Float:
    """Coordinate descent from where the active-set method stopped, which it may do early where columns are dependent."""
    w, H, c = np.clip(x, lower, upper), np.ascontiguousarray(A.T @ A), A.T @ b
    q, rho = c - H @ w, np.stack([np.zeros_like(w), np.zeros_like(w), lower, upper])
    if largest_distance(w, q, rho, 0, np.inf) > 1e-12 * float(np.abs(c).max(initial=0.0)):
        descend(H, c, float(b @ b), w, q, rho, 0, np.inf, 0.0, _EPOCHS)
    return w


def _newton_step(
    loss: Loss, design: Float, eta: Float, y: Float, weight: Float, bounds: tuple[Float, Float], coef: Float
) -> Float:
    """The minimiser of the local quadratic on the box, as a least-squares problem in a root of the Hessian."""
    H = hessian(loss, design, eta, y, weight)
    gradient = (design.T @ row_gradient(loss, eta, y, weight)).T.ravel()
    values, vectors = np.linalg.eigh(H)
    root = np.sqrt(np.maximum(values, _RANK * values.max(initial=1e-300)))
    A, b = root[:, None] * vectors.T, -(vectors.T @ gradient) / root
    now = coef.T.ravel()
    outputs = now.size // coef.shape[0]
    room = [np.tile(bound, outputs) - now for bound in bounds]
    return _within(A, b, *room).reshape(coef.T.shape).T


def _judged(
    loss: Loss, design: Float, base: Float, y: Float, weight: Float, bounds: tuple[Float, Float], coef: Float,
    steps: int, move: float,
) -> FreeFit:  # fmt: skip
    eta = base + design @ coef
    gradient = design.T @ row_gradient(loss, eta, y, weight)
    lower, upper = ((bound[:, None] if coef.ndim == 2 else bound) for bound in bounds)
    blocked = ((coef <= lower) & (gradient > 0.0)) | ((coef >= upper) & (gradient < 0.0))
    norm = float(np.abs(np.where(blocked, 0.0, gradient)).max(initial=0.0))
    inside = (
        np.any((coef > lower) & (coef < upper), axis=1) if coef.ndim == 2 else (coef > lower) & (coef < upper)
    )
    active = design[:, inside] * np.sqrt(weight)[:, None]
    deficient = (
        np.linalg.matrix_rank(active, tol=_RANK * float(np.linalg.norm(active) or 1.0)) < active.shape[1]
    )
    note = unbounded_note(loss, eta[weight > 0], move, False) or (NOT_UNIQUE if deficient else "")
    return FreeFit(coef, norm / gradient_scale(loss, design, base, y, weight), steps, note)
