"""Unpenalised fits within bounds: least squares by an active-set method, Newton steps on it for the other losses."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from taut.losses import BoundLoss
from taut.solvers._kernels.descent import descend
from taut.solvers._kernels.quadratic import largest_distance
from taut.solvers.problem.curvature import hessian
from taut.solvers.problem.line_search import held_back, is_untold, line_search
from taut.solvers.problem.tolerances import RANK
from taut.solvers.problem.unpenalized import (
    NOT_EXIST,
    NOT_UNIQUE,
    FreeFit,
    gradient_scale,
    has_none,
    runs_away,
    scale_here,
)
from taut.solvers.problem.unpenalized_basis import FreeBasis
from taut.types import Float

_EPOCHS = 20_000
_STEP_EPOCHS, _STEP_SHARE = 1_000, 1e-12
"""Of a Newton step: the next one is a better place to go on."""
_ROUNDED = 1e-14
"""Relative gradient, within the bounds, that is rounding."""
_FLAT = 1e-12
"""Share of a Hessian's curvature by which it is ridged, so that directions without any do not run away in one step."""

_COMMON = 1e-3
"""Share of its mean curvature that a column is given along what moves all classes alike."""


def fit_bounded(
    bound: BoundLoss, design: Float, base: Float, bounds: tuple[Float, Float], start: Float,
    iterations: int = 500,
) -> FreeFit:  # fmt: skip
    """Minimise Σ s_i ℓ(base_i + d_iᵀ coef, y_i) over lower ≤ coef ≤ upper, (m,) bounds that hold for every output.

    Columns with a bound are brought to length one, the others into an orthonormal basis, so that neither their units nor how
    they depend on each other matters; columns of zeros keep the coefficient 0. The norm is that of the gradient where the
    bounds leave room to follow it. Stark and Parker, *Computational Statistics* 10 (1995) (bounded-variable least squares).
    """
    weight, lengths = bound.weight, np.sqrt(bound.weight @ design**2)
    endless = np.isneginf(bounds[0]) & np.isposinf(bounds[1])
    # A column of zeros, or one that its box holds at 0, has nothing to fit.
    boxed = (lengths > 0.0) & (bounds[0] < bounds[1]) & ~endless
    basis, length = FreeBasis.of(design[:, endless], weight), lengths[boxed]
    r = basis.rows.shape[1]
    inner = np.asfortranarray(np.concatenate([basis.rows, design[:, boxed] / length], axis=1))
    ends = tuple(
        np.concatenate([np.full(r, far), end[boxed] * length])
        for far, end in zip((-np.inf, np.inf), bounds, strict=True)
    )
    box = ends[0], ends[1]
    begin = np.concatenate([basis.forward @ start[endless], (start[boxed].T * length).T])
    solve = _least_squares if bound.loss.traits.constant_curvature else _newton
    fit = solve(bound, inner, base, box, _held(begin, box), iterations)
    coef = np.zeros_like(start)
    coef[endless], coef[boxed] = basis.coefficients(fit.coef[:r]), (fit.coef[r:].T / length).T
    note = fit.note or ("" if basis.unique else NOT_UNIQUE)
    return FreeFit(_held(coef, bounds), fit.gradient_norm, fit.iterations, note)


def _held(coef: Float, bounds: tuple[Float, Float]) -> Float:
    """``coef`` (m[, k]) within the bounds (m,)."""
    return np.asarray(np.clip(coef.T, *bounds).T)


def _least_squares(
    bound: BoundLoss, design: Float, base: Float, bounds: tuple[Float, Float], start: Float,
    iterations: int,
) -> FreeFit:  # fmt: skip
    """The least squares of each output alone, by an active-set method."""
    del iterations
    root = np.sqrt(bound.weight)
    target = ((bound.y - base).T * root).T.reshape(len(root), -1)
    columns = [_within(design * root[:, None], column, *bounds) for column in target.T]
    coef = np.stack(columns, axis=1).reshape(start.shape)
    return _judged(bound, design, base, bounds, coef, 1, False)


def _newton(
    bound: BoundLoss, design: Float, base: Float, bounds: tuple[Float, Float], start: Float,
    iterations: int,
) -> FreeFit:  # fmt: skip
    """Each step to the minimum of the local quadratic on the box."""
    coef, step, before, norm = start, 0, np.inf, 0.0
    scale = gradient_scale(bound, design, base + design @ start)
    for step in range(iterations):  # noqa: B007 - the count is reported
        eta = base + design @ coef
        gradient = _gradient(bound, design, eta)
        norm = _open_gradient(coef, gradient, bounds) / scale_here(scale, bound, design, eta)
        if norm <= _ROUNDED:
            break
        direction = _newton_step(bound, design, eta, bounds, coef, gradient)
        if not np.isfinite(direction).all():
            break
        direction, toward = held_back(direction, design @ direction, eta, bound.weight)
        slope, stalled, before = float(np.vdot(gradient, direction)), 0.5 * before <= norm <= 1e-10, norm
        if stalled and is_untold(bound, eta, slope):
            break
        size = line_search(bound, eta, toward, slope)
        if size == 0.0:
            break
        coef = _held(coef + size * direction, bounds)
    inside = _inside(coef, bounds)
    held = design[:, ~inside] @ coef[~inside]
    basis = FreeBasis.of(design[:, inside], bound.weight).rows
    runs = runs_away(bound, basis, design[:, inside] @ coef[inside], base + held)
    cone = np.where(np.isinf(bounds[0]), -1.0, 0.0), np.where(np.isinf(bounds[1]), 1.0, 0.0)
    runs = has_none(bound, design, cone, norm, runs)
    return _judged(bound, design, base, bounds, coef, step + 1, runs)


def _gradient(bound: BoundLoss, design: Float, eta: Float) -> Float:
    """∇L (m[, k]); of a softmax without the rounding along what is common to all classes, where nothing bends."""
    gradient = design.T @ bound.gradient(eta)
    return gradient - gradient.mean(axis=1, keepdims=True) if bound.loss.traits.couples_outputs else gradient


def _within(A: Float, b: Float, lower: Float, upper: Float) -> Float:
    """argmin ‖A x − b‖ over lower ≤ x ≤ upper, all (m,)."""
    found = scipy.optimize.lsq_linear(A, b, (lower, upper), method="bvls", max_iter=20 * A.shape[1] + 20)
    return np.clip(_cycled(A, b, found.x, lower, upper), lower, upper)


def _cycled(A: Float, b: Float, x: Float, lower: Float, upper: Float) -> Float:
    """Coordinate descent from where the active-set method stopped, which it may do early where columns are dependent."""
    w, H, c = np.clip(x, lower, upper), np.ascontiguousarray(A.T @ A), A.T @ b
    return _descended(H, c, w, lower, upper, float(b @ b), 0.0, _EPOCHS)


def _descended(
    H: Float, c: Float, w: Float, lower: Float, upper: Float, bb: float, tol: float, most: int
) -> Float:
    """argmin ½wᵀHw − cᵀw on the box, from w, which is changed."""
    q, rho = c - H @ w, np.stack([np.zeros_like(w), np.zeros_like(w), lower, upper])
    if largest_distance(w, q, rho, 0, np.inf) > 1e-12 * float(np.abs(c).max(initial=0.0)):
        descend(H, c, bb, w, q, rho, 0, np.inf, tol, most)
    return w


def _newton_step(
    bound: BoundLoss, design: Float, eta: Float, bounds: tuple[Float, Float], coef: Float, gradient: Float
) -> Float:
    """The minimiser of the local quadratic on the box, in coordinates in which every curvature is one."""
    H = hessian(bound, design, eta)
    if bound.loss.traits.couples_outputs:
        H = _held_common(H, eta.shape[1])
    curvature = np.diag(H)
    scale = np.sqrt(np.maximum(curvature, _FLAT * curvature.max(initial=1e-300)))
    H = np.ascontiguousarray(H / np.multiply.outer(scale, scale))
    H[np.diag_indices_from(H)] += _FLAT
    now = coef.T.ravel()
    outputs = now.size // coef.shape[0]
    low, high = ((np.tile(end, outputs) - now) * scale for end in bounds)
    c = -gradient.T.ravel() / scale
    goal = _STEP_SHARE * float(c @ c)
    move = _descended(H, c, np.zeros_like(c), low, high, float(c @ c) / _FLAT, goal, _STEP_EPOCHS)
    return np.asarray((move / scale).reshape(coef.T.shape).T)


def _held_common(H: Float, classes: int) -> Float:
    """H (k·m, k·m) of a softmax with a little curvature along what moves all classes alike, which has none of its own.

    There a gradient is rounding; only bounds give a reason to go that way.
    """
    blocks = H.reshape(classes, -1, classes, H.shape[0] // classes)
    own = np.diag(H).reshape(classes, -1).mean(axis=0)
    for j, size in enumerate(own):
        blocks[:, j, :, j] += _COMMON * size / classes
    return H


def _open_gradient(coef: Float, gradient: Float, bounds: tuple[Float, Float]) -> float:
    """The largest entry of the gradient that the bounds leave room to follow."""
    lower, upper = ((end[:, None] if coef.ndim == 2 else end) for end in bounds)
    blocked = ((coef <= lower) & (gradient > 0.0)) | ((coef >= upper) & (gradient < 0.0))
    return float(np.abs(np.where(blocked, 0.0, gradient)).max(initial=0.0))


def _inside(coef: Float, bounds: tuple[Float, Float]) -> NDArray[np.bool_]:
    """Columns that no bound holds in some output."""
    inside = ((coef.T - bounds[0] > 0.0) & (bounds[1] - coef.T > 0.0)).T
    return np.asarray(inside.any(axis=1) if coef.ndim == 2 else inside)


def _judged(
    bound: BoundLoss,
    design: Float,
    base: Float,
    bounds: tuple[Float, Float],
    coef: Float,
    steps: int,
    runs: bool,
) -> FreeFit:
    eta = base + design @ coef
    gradient = design.T @ bound.gradient(eta)
    norm = _open_gradient(coef, gradient, bounds)
    active = design[:, _inside(coef, bounds)] * np.sqrt(bound.weight)[:, None]
    deficient = (
        np.linalg.matrix_rank(active, tol=RANK * float(np.linalg.norm(active) or 1.0)) < active.shape[1]
    )
    note = NOT_EXIST if runs else (NOT_UNIQUE if deficient else "")
    return FreeFit(coef, norm / gradient_scale(bound, design, base), steps, note)
