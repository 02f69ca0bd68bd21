"""Unpenalised fits: least squares by QR for the squared loss, damped Newton for the rest (null models, lam = 0, refits)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from taut.losses import BoundLoss
from taut.solvers.problem.curvature import hessian, inverse_lengths
from taut.solvers.problem.existence import Cone, attained
from taut.solvers.problem.huber_fit import fit_huber
from taut.solvers.problem.line_search import held_back, is_rounding, is_untold, line_search
from taut.solvers.problem.tolerances import FLOOR, RANK, SQUARED_RANK
from taut.solvers.problem.unpenalized_basis import FreeBasis
from taut.types import Float

_ROUNDED = 1e-10
"""Relative gradient below which a step that does not halve it has met rounding, if F says so, too."""
_ARRIVED = 1e-12
"""Relative gradient of a start that is the minimum by formula: what is left is rounding."""
_RUNNING = 1e-3
"""Move of η per Newton step above which a fit at such |η| still runs to infinity: at a minimum the last moves vanish."""
_OWN = 6
"""Newton steps before a piecewise loss is taken by its pieces, and after."""
_FINE = 1e-15
"""Share of the row gradients that its minimum over the pieces leaves."""
_CLEARLY = 10.0
"""By how much a row gradient must be larger than what is left of their sum."""
UNSETTLED = 1e-8
"""Relative gradient above which a fit that came to rest has not arrived."""

NOT_UNIQUE = "not unique: the columns are linearly dependent, this is the solution of least norm"
CONSTANT_COLUMNS = "not unique: constant columns keep the coefficient 0, the intercept has their part"
NOT_EXIST = "does not exist: the fit separates the data, coefficients grow without bound; use lam > 0"


@dataclass(frozen=True, eq=False)
class FreeFit:
    """Coefficients (m[, k]) of an unpenalised fit, its relative gradient norm, and what a user must know about it.

    ``gradient_norm`` is the largest entry of QᵀS∇ℓ in an orthonormal basis Q of the columns, relative to its size at the
    start: it does not depend on the columns' units.
    """

    coef: Float
    gradient_norm: float
    iterations: int
    note: str


def fit_free(
    bound: BoundLoss,
    design: Float,
    base: Float,
    start: Float | None = None,
    iterations: int = 500,
    basis: FreeBasis | None = None,
) -> FreeFit:
    """Minimise Σ s_i ℓ(base_i + d_iᵀ coef, y_i) over coef, for a dense design (n, m) and s summing to one.

    Where the columns are dependent the least-norm solution is returned and said to be not unique; where no minimum
    exists (separable classes) the note says so. Golub and Van Loan, *Matrix Computations*, §5.5 (rank-revealing QR).
    ``basis`` is that of the design, where it is known.
    """
    if bound.loss.traits.constant_curvature:
        return _least_squares(design, bound.y - base, bound.weight)
    coef = np.zeros((design.shape[1], *base.shape[1:])) if start is None else start
    basis = FreeBasis.of(design, bound.weight) if basis is None else basis
    gamma, delta = basis.forward @ coef, bound.loss.linear_beyond
    if delta is None or iterations <= _OWN:
        return _newton(bound, basis, base, gamma, iterations)
    fit = _newton(bound, basis, base, gamma, _OWN)
    if fit.iterations < _OWN:
        return fit
    gamma = _by_pieces(bound, delta, basis.rows, base, basis.forward @ fit.coef, iterations)
    return _newton(bound, basis, base, gamma, _OWN)


def _by_pieces(
    bound: BoundLoss, delta: float, design: Float, base: Float, gamma: Float, iterations: int
) -> Float:
    """Where the minima of a piecewise loss lead, output by output: Newton's own steps see one kink after the other."""
    away = (base + design @ gamma - bound.y).reshape(len(bound.y), -1)
    moves = [fit_huber(design, own, bound.weight, delta, _FINE, iterations) for own in away.T]
    return np.asarray(gamma + np.stack(moves, axis=1).reshape(gamma.shape))


def _least_squares(design: Float, target: Float, weight: Float) -> FreeFit:
    # Columns that are zero on every weighted row keep the coefficient 0; QR would spend its rank test on them.
    moving = np.any(design[weight > 0] != 0.0, axis=0)
    if not moving.all():
        part = _least_squares(design[:, moving], target, weight)
        coef = np.zeros((design.shape[1], *target.shape[1:]))
        coef[moving] = part.coef
        return FreeFit(coef, part.gradient_norm, part.iterations, part.note)
    root = np.sqrt(weight)
    A, b = design * root[:, None], target * (root[:, None] if target.ndim == 2 else root)
    norms = np.linalg.norm(A, axis=0)
    norms[norms == 0.0] = 1.0
    A /= norms
    coef, unique = _pivoted_solve(A, b, norms)
    gradient = A.T @ (b - A @ (coef.T * norms).T)
    size = np.linalg.norm(b) or 1.0
    return FreeFit(coef, float(np.abs(gradient).max(initial=0.0) / size), 1, "" if unique else NOT_UNIQUE)


def _pivoted_solve(A: Float, b: Float, norms: Float) -> tuple[Float, bool]:
    """Solve min ‖A x − b‖ by QR with column pivoting; x is returned in units where column j of A was multiplied by norms_j.

    Says whether the solution is unique; the one of least norm is returned where it is not.
    """
    Q, R, pivot = scipy.linalg.qr(A, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int(np.count_nonzero(diagonal > RANK * diagonal.max(initial=0.0)))
    if rank < A.shape[1]:
        basis = FreeBasis.of(A * norms, np.ones(len(A)))
        gamma = basis.rows.T @ b
        gamma = gamma + basis.rows.T @ (b - basis.rows @ gamma)
        return basis.coefficients(gamma), False
    solution = np.empty((A.shape[1], *b.shape[1:]))
    solution[pivot] = _solve_triangular(R, Q.T @ b)
    correction = np.empty_like(solution)
    residual = np.asarray(b.astype(np.longdouble) - _extended_product(A, solution), dtype=np.float64)
    correction[pivot] = _solve_triangular(R, Q.T @ residual)
    return np.asarray(((solution + correction).T / norms).T, dtype=np.float64), True


def _solve_triangular(R: Float, b: Float) -> Float:
    """R⁻¹ b, column after column: with several at once LAPACK wakes its threads, which took 8 ms for a 1 × 1 matrix."""
    if b.ndim == 1 or b.size == 0:
        return np.asarray(scipy.linalg.solve_triangular(R, b))
    return np.stack([scipy.linalg.solve_triangular(R, column) for column in b.T], axis=1)


def _extended_product(A: Float, x: Float) -> np.ndarray[tuple[int, ...], np.dtype[np.longdouble]]:
    """A @ x in extended precision, column by column: one step of refinement needs the residual's own digits."""
    total = np.zeros((A.shape[0], *x.shape[1:]), dtype=np.longdouble)
    for j in range(A.shape[1]):
        total += np.multiply.outer(A[:, j].astype(np.longdouble), x[j])
    return total


def _newton(bound: BoundLoss, basis: FreeBasis, base: Float, gamma: Float, iterations: int) -> FreeFit:
    """Newton's steps in the coordinates of the basis."""
    design, before, step, flat = basis.rows, np.inf, 0, False
    scale = gradient_scale(bound, design, base + design @ gamma)
    norm = np.inf
    for step in range(iterations):
        eta = base + design @ gamma
        gradient = design.T @ bound.gradient(eta)
        size = float(np.abs(gradient).max(initial=0.0))
        before, norm = norm, size / scale_here(scale, bound, design, eta)
        if norm <= 1e-15:
            break
        if step == 0 and norm <= _ARRIVED and not _extreme(bound, eta - base, base):
            break
        direction, flat = newton_direction(bound, design, eta, gradient)
        direction, toward = held_back(direction, design, eta, bound.weight)
        slope, stalled = float(np.vdot(gradient, direction)), 0.5 * before <= norm <= _ROUNDED
        if is_rounding(toward, eta) or (stalled and is_untold(bound, eta, slope)):
            break
        length = line_search(bound, eta, toward, slope)
        if length == 0.0:
            break
        gamma = gamma + length * direction
    runs = runs_away(bound, design, design @ gamma, base)
    eta = base + design @ gamma
    sure = norm <= UNSETTLED and settles(bound, eta, design.T @ bound.gradient(eta))
    note = NOT_EXIST if has_none(bound, design, None, sure, runs) else ""
    if bound.loss.traits.couples_outputs:
        # Of all fits with the same probabilities, the one of least norm.
        gamma = gamma - gamma.mean(axis=1, keepdims=True)
    note = note or ("" if basis.unique and not flat else NOT_UNIQUE)
    return FreeFit(basis.coefficients(gamma), norm, step + 1, note)


def gradient_scale(bound: BoundLoss, design: Float, eta: Float) -> float:
    """The gradient's size at the start, or a thousandth of what it would be if its rows did not cancel."""
    rows = bound.gradient(eta)
    size = float(np.abs(design.T @ rows).max(initial=0.0))
    return max(size, 1e-3 * _without_cancelling(design, rows), 1e-300)


def scale_here(scale: float, bound: BoundLoss, design: Float, eta: Float) -> float:
    """``scale``, or where a start expected counts far beyond any that are here, the size of a gradient's terms at η."""
    terms = bound.loss.slope_terms(eta, bound.y)
    return scale if terms is None else min(scale, _without_cancelling(design, bound.weight * terms) or scale)


def _without_cancelling(design: Float, rows: Float) -> float:
    """max |D|ᵀ|r|: the largest gradient if no terms cancelled."""
    return float((np.abs(design).T @ np.abs(rows)).max(initial=0.0))


def newton_direction(bound: BoundLoss, design: Float, eta: Float, gradient: Float) -> tuple[Float, bool]:
    """Newton's step on the basis ``design``, of least norm, and whether the Hessian had fewer ranks than it could have.

    What of the gradient lies where saturated rows have left no curvature is followed on a Hessian whose rows have some.
    """
    H = hessian(bound, design, eta)
    step, deficient = _least_step(bound, H, gradient)
    left = H @ step.T.ravel() + gradient.T.ravel()
    if np.abs(left).max(initial=0.0) > 0.1 * np.abs(gradient).max(initial=0.0):
        step, _ = _least_step(bound, hessian(bound, design, eta, FLOOR), gradient)
    return step, deficient


def _least_step(bound: BoundLoss, H: Float, gradient: Float) -> tuple[Float, bool]:
    """−H⁺ gradient (m[, k]), every coordinate at length one, and whether H has fewer ranks than it can have."""
    scale, flat = inverse_lengths(H), gradient.T.ravel()
    solved, _, rank, _ = np.linalg.lstsq(
        H * np.multiply.outer(scale, scale), -flat * scale, rcond=SQUARED_RANK
    )
    # Softmax probabilities do not change when all classes move together.
    outputs = flat.size // gradient.shape[0] - int(bound.loss.traits.couples_outputs)
    return (solved * scale).reshape(gradient.T.shape).T, int(rank) < outputs * gradient.shape[0]


def has_none(bound: BoundLoss, design: Float, cone: Cone | None, sure: bool, runs: bool) -> bool:
    """Whether a fit that came to rest has no minimum to come to, unless it is ``sure`` that it has.

    Where it is in doubt, or ``runs`` away, a linear program decides; where that is too large or does not say, what the fit
    has done.
    """
    if not runs and sure:
        return False
    found = attained(bound, design, cone)
    return runs if found is None else not found


def settles(bound: BoundLoss, eta: Float, gradient: Float) -> bool:
    """Whether a fit whose ``gradient``, in an orthonormal basis, is what it is left with proves that there is a minimum.

    Along a direction of length one that only gains, the gradient is a sum of row gradients of one sign over a move that is one
    or more in some row: none of the row gradients may be nearly as small as what is left.
    """
    rows = np.abs(bound.gradient(eta)[bound.weight > 0.0])
    return bool(rows.min(initial=np.inf) > _CLEARLY * np.linalg.norm(gradient))


def runs_away(bound: BoundLoss, design: Float, fitted: Float, base: Float) -> bool:
    """Whether η = base + fitted is extreme where a fit has come to rest, and would still move, or has lost all curvature.

    At a minimum the last moves vanish. ``design`` is a basis of the columns that are fitted.
    """
    if not design.shape[1] or not _extreme(bound, fitted, base):
        return False
    eta = base + fitted
    gradient = design.T @ bound.gradient(eta)
    step, deficient = _least_step(bound, hessian(bound, design, eta), gradient)
    move = float(np.abs(design @ step)[bound.weight > 0.0].max(initial=0.0))
    return deficient or move > _RUNNING


def _extreme(bound: BoundLoss, fitted: Float, base: Float) -> bool:
    """Whether a fitted probability is 0 or 1, or a fitted count 0, to all digits, and the fit has brought it there.

    ``fitted`` is η without its ``base``: an offset alone may be as extreme as it likes.
    """
    low, high = bound.loss.traits.rest
    if np.isinf(low) and np.isinf(high):
        return False
    rows = bound.weight > 0.0
    own, eta = fitted[rows], (base + fitted)[rows]
    if bound.loss.traits.couples_outputs:
        own, eta = np.ptp(own, axis=1), np.ptp(eta, axis=1)
    far, whole = ((values < low) | (values > high) for values in (own, eta))
    return bool(np.any(far & whole))
