"""Unpenalised fits within bounds: least squares by an active-set method, Newton steps on it for the other losses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.losses import BoundLoss
from taut.solvers._kernels.descent import descend
from taut.solvers._kernels.quadratic import largest_distance
from taut.solvers.problem.curvature import hessian
from taut.solvers.problem.line_search import Standstill, held_back, is_untold, line_search
from taut.solvers.problem.tolerances import RANK, rounding
from taut.solvers.problem.unpenalized import (
    NOT_EXIST,
    NOT_UNIQUE,
    UNSETTLED,
    FreeFit,
    gradient_scale,
    has_none,
    newton_direction,
    runs_away,
    scale_here,
    settles,
)
from taut.solvers.problem.unpenalized_basis import FreeBasis
from taut.types import Float

_FACES = 20
"""Faces on which a least squares is sought, and one more for each column."""
_HELD = 1e-8
"""Curvature, of columns of length one, that holds a descent near where it begins."""
_KKT = 1e-13
"""Gradient that is rounding, relative to the largest at zero."""
_STEP_EPOCHS, _STEP_SHARE = 1_000, 1e-12
"""Of a Newton step: the next one is a better place to go on."""
_ROUNDED = 1e-14
"""Relative gradient, within the bounds, that is rounding."""
_FLAT = 1e-12
"""Share of a Hessian's curvature by which it is ridged, so that directions without any do not run away in one step."""

_SMALL = 1e-10
"""Relative gradient below which one step that does not halve it, and promises no more than rounding, is the last."""
_LEAST = 1e-250
"""Curvature that stands for none: the square of a step by it is still a number."""
_ROUND = 25
"""Steps on the box after which those on the face where they are have their turn, and of these in turn."""
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
    starts = start.reshape(design.shape[1], -1)
    columns = [_within(design * root[:, None], *one, *bounds) for one in zip(target.T, starts.T, strict=True)]
    coef = np.stack(columns, axis=1).reshape(start.shape)
    return _judged(bound, design, base, bounds, coef, 1, False)


def _newton(
    bound: BoundLoss, design: Float, base: Float, bounds: tuple[Float, Float], start: Float,
    iterations: int,
) -> FreeFit:  # fmt: skip
    """Newton's steps on the box and on the face where they have led, in turn, until neither lowers the loss."""
    coef, total, ended = start, 0, False
    while not ended:
        most = min(_ROUND, iterations - total)
        coef, norm, steps = _boxed_steps(bound, design, base, bounds, coef, most)
        moved, more = _face_steps(bound, design, base, bounds, coef)
        total += steps + more
        ended = total >= iterations or (moved is None and steps < most)
        coef = coef if moved is None else moved
    inside = _inside(coef, bounds)
    held = design[:, ~inside] @ coef[~inside]
    basis = FreeBasis.of(design[:, inside], bound.weight).rows
    runs = runs_away(bound, basis, design[:, inside] @ coef[inside], base + held)
    cone = np.where(np.isinf(bounds[0]), -1.0, 0.0), np.where(np.isinf(bounds[1]), 1.0, 0.0)
    eta = base + design @ coef
    left = _open_gradient(coef, _gradient(bound, design, eta), bounds)
    sure = norm <= UNSETTLED and settles(bound, eta, left)
    runs = has_none(bound, design, cone, sure, runs)
    return _judged(bound, design, base, bounds, coef, total, runs)


def _boxed_steps(
    bound: BoundLoss, design: Float, base: Float, bounds: tuple[Float, Float], coef: Float, most: int
) -> tuple[Float, float, int]:
    """Each step to the minimum of the local quadratic on the box; the coefficients, their relative gradient, and the steps."""
    scale = gradient_scale(bound, design, base + design @ coef)
    norm, step, rest = 0.0, 0, Standstill()
    for step in range(most):  # noqa: B007 - the count is reported
        eta = base + design @ coef
        gradient = _gradient(bound, design, eta)
        norm = _largest(_open_gradient(coef, gradient, bounds)) / scale_here(scale, bound, design, eta)
        if norm <= _ROUNDED:
            break
        direction = _newton_step(bound, design, eta, bounds, coef, gradient)
        if not np.isfinite(direction).all():
            break
        direction, toward = held_back(direction, design, eta, bound.weight)
        slope = float(np.vdot(gradient, direction))
        untold = is_untold(bound, eta, slope)
        if rest.reached(norm, not untold) or (untold and rest.idle and norm <= _SMALL):
            break
        size = line_search(bound, eta, toward, slope)
        if size == 0.0:
            break
        coef = _held(coef + size * direction, bounds)
    return coef, norm, step + 1


def _face_steps(
    bound: BoundLoss, design: Float, base: Float, bounds: tuple[Float, Float], coef: Float
) -> tuple[Float | None, int]:
    """Newton's steps of the columns that no bound holds, in an orthonormal basis of them, each up to the first bound.

    Along what nearly dependent columns differ in, descent on single ones hardly moves. None where nothing is to gain; how
    many steps there were.
    """
    first = here = bound.value(base + design @ coef)
    count = 0
    for count in range(_ROUND):  # noqa: B007 - the count is reported
        inside = _inside(coef, bounds)
        if not inside.any() or not np.array_equal(inside, _inside(coef, bounds, every=True)):
            break  # classes that bounds hold elsewhere have no face in common
        eta, basis = base + design @ coef, FreeBasis.of(design[:, inside], bound.weight)
        gradient = basis.rows.T @ bound.gradient(eta)
        step, _ = newton_direction(bound, basis.rows, eta, gradient)
        step, toward = held_back(step, basis.rows, eta, bound.weight)
        direction = np.zeros_like(coef)
        direction[inside] = basis.coefficients(step)
        room = _room(coef, direction, bounds)
        share = min(1.0, room)
        length = share * line_search(bound, eta, share * toward, share * float(np.vdot(gradient, step)))
        trial = _held(coef + min(length, room) * direction, bounds)
        value = bound.value(base + design @ trial)
        if not value < here - rounding(here, 0.0):
            break
        coef, here = trial, value
    return (coef if here < first else None), count


def _room(coef: Float, direction: Float, bounds: tuple[Float, Float]) -> float:
    """How many times a step reaches from the coefficients (m[, k]) to the first bound."""
    lower, upper = ((end[:, None] if coef.ndim == 2 else end) for end in bounds)
    moving = direction != 0.0
    end = np.where(direction > 0.0, upper, lower)
    rooms = np.divide(end - coef, direction, out=np.full(coef.shape, np.inf), where=moving)
    return float(rooms.min(initial=np.inf))


def _gradient(bound: BoundLoss, design: Float, eta: Float) -> Float:
    """∇L (m[, k]); of a softmax without the rounding along what is common to all classes, where nothing bends."""
    gradient = design.T @ bound.gradient(eta)
    return gradient - gradient.mean(axis=1, keepdims=True) if bound.loss.traits.couples_outputs else gradient


def _within(A: Float, b: Float, x: Float, lower: Float, upper: Float) -> Float:
    """argmin ‖A x − b‖ over lower ≤ x ≤ upper, all (m,), from x; columns have length one.

    Descent on the box finds a face, and an orthonormal basis of its columns, which may be dependent, what is least there.
    Descent is held near where it begins by a little curvature, or dependent columns would carry each other off.
    """
    w, H, c = np.clip(x, lower, upper), np.ascontiguousarray(A.T @ A), A.T @ b
    held = H + _HELD * np.eye(len(w))
    still = _KKT * float(np.abs(c).max(initial=0.0))
    for _ in range(_FACES + A.shape[1]):
        near = c + _HELD * w
        w = _descended(held, near, w, lower, upper, float(b @ b), 0.0, _STEP_EPOCHS)
        w = _on_face(A, b, w, (lower, upper))
        if _largest(_open_gradient(w, A.T @ (A @ w - b), (lower, upper))) <= still:
            break
    return w


def _on_face(A: Float, b: Float, w: Float, bounds: tuple[Float, Float]) -> Float:
    """The least squares of the columns that no bound holds, with a step to the first bound for each that is in the way."""
    room = 0.0
    for _ in range(A.shape[1] + 1):
        inside = _inside(w, bounds)
        if not inside.any() or room >= 1.0:
            break
        basis = FreeBasis.of(A[:, inside], np.ones(len(A)))
        direction = np.zeros_like(w)
        direction[inside] = basis.coefficients(basis.rows.T @ (b - A @ w))
        room = _room(w, direction, bounds)
        w = np.clip(w + min(room, 1.0) * direction, *bounds)
    return w


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
    scale = np.sqrt(np.maximum(curvature, max(_FLAT * float(curvature.max(initial=0.0)), _LEAST)))
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


def _open_gradient(coef: Float, gradient: Float, bounds: tuple[Float, Float]) -> Float:
    """The gradient where the bounds leave room to follow it, else 0."""
    lower, upper = ((end[:, None] if coef.ndim == 2 else end) for end in bounds)
    blocked = ((coef <= lower) & (gradient > 0.0)) | ((coef >= upper) & (gradient < 0.0))
    return np.where(blocked, 0.0, gradient)


def _largest(gradient: Float) -> float:
    return float(np.abs(gradient).max(initial=0.0))


def _inside(coef: Float, bounds: tuple[Float, Float], every: bool = False) -> NDArray[np.bool_]:
    """Columns that no bound holds in some output, or in ``every`` one."""
    inside = ((coef.T - bounds[0] > 0.0) & (bounds[1] - coef.T > 0.0)).T
    return np.asarray((inside.all(axis=1) if every else inside.any(axis=1)) if coef.ndim == 2 else inside)


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
    norm = _largest(_open_gradient(coef, gradient, bounds))
    active = design[:, _inside(coef, bounds)] * np.sqrt(bound.weight)[:, None]
    deficient = (
        np.linalg.matrix_rank(active, tol=RANK * float(np.linalg.norm(active) or 1.0)) < active.shape[1]
    )
    note = NOT_EXIST if runs else (NOT_UNIQUE if deficient else "")
    return FreeFit(coef, norm / gradient_scale(bound, design, base), steps, note)
