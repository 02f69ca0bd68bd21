"""Unpenalised fits: least squares by QR for the squared loss, damped Newton for the rest (null models, lam = 0, polishing)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from taut.losses import Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.solvers.hessian import hessian, row_gradient
from taut.solvers.matrix import Float

_RANK = 1e-11
"""Pivots of a QR factorisation below this fraction of the largest count as zero."""
_EXTREME = 30.0
"""|η| beyond which a fitted mean equals 0 or 1 (or 0 for counts) to 1e-13."""
_ROUNDED = 1e-10
"""Relative gradient below which a step that does not halve it has met rounding."""
_ARRIVED = 1e-12
"""Relative gradient of a start that is the minimum by formula: what is left is rounding."""
_RUNNING = 1e-3
"""Move of η per Newton step above which a fit at such |η| still runs to infinity: at a minimum the last moves vanish."""

NOT_UNIQUE = "not unique: the columns are linearly dependent, this is the solution of least norm"
NOT_EXIST = "does not exist: the fit separates the data, coefficients grow without bound; use lam > 0"


@dataclass(frozen=True, eq=False)
class FreeFit:
    """Coefficients (m[, k]) of an unpenalised fit, its relative gradient norm, and what a user must know about it."""

    coef: Float
    gradient_norm: float
    iterations: int
    note: str


def fit_free(
    loss: Loss,
    design: Float,
    base: Float,
    y: Float,
    weight: Float,
    start: Float | None = None,
    iterations: int = 100,
) -> FreeFit:
    """Minimise Σ s_i ℓ(base_i + d_iᵀ coef, y_i) over coef, for a dense design (n, m) and s summing to one.

    Where the columns are dependent the least-norm solution is returned and said to be not unique; where no minimum
    exists (separable classes) the note says so. Golub and Van Loan, *Matrix Computations*, §5.5 (rank-revealing QR).
    """
    if isinstance(loss, SquaredError):
        return _least_squares(design, y - base, weight)
    coef = np.zeros((design.shape[1], *base.shape[1:])) if start is None else start
    return _newton(loss, design, base, y, weight, coef, iterations)


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
    coef, rank = _pivoted_solve(A, b, norms)
    gradient = A.T @ (b - A @ (coef.T * norms).T)
    size = np.linalg.norm(b) or 1.0
    return FreeFit(
        coef, float(np.abs(gradient).max(initial=0.0) / size), 1, NOT_UNIQUE if rank < A.shape[1] else ""
    )


def _pivoted_solve(A: Float, b: Float, norms: Float) -> tuple[Float, int]:
    """Solve min ‖A x − b‖ by QR with column pivoting; x is returned in units where column j of A was multiplied by norms_j."""
    Q, R, pivot = scipy.linalg.qr(A, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int(np.count_nonzero(diagonal > _RANK * diagonal.max(initial=0.0)))
    if rank < A.shape[1]:
        scaled = np.linalg.lstsq(A * norms, b, rcond=_RANK)[0]
        return np.asarray(scaled, dtype=np.float64), rank
    solution = np.empty((A.shape[1], *b.shape[1:]))
    solution[pivot] = _solve_triangular(R, Q.T @ b)
    correction = np.empty_like(solution)
    residual = np.asarray(b.astype(np.longdouble) - _extended_product(A, solution), dtype=np.float64)
    correction[pivot] = _solve_triangular(R, Q.T @ residual)
    return np.asarray(((solution + correction).T / norms).T, dtype=np.float64), rank


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


def _newton(
    loss: Loss, design: Float, base: Float, y: Float, weight: Float, coef: Float, iterations: int
) -> FreeFit:
    norm, step, move, deficient = np.inf, 0, 0.0, False
    scale = gradient_scale(loss, design, base + design @ coef, y, weight)
    for step in range(iterations):
        eta = base + design @ coef
        gradient = design.T @ row_gradient(loss, eta, y, weight)
        value = float(weight @ loss.pointwise(eta, y))
        before, norm = norm, float(np.abs(gradient).max(initial=0.0)) / scale
        if norm <= 1e-15 or 0.5 * before <= norm <= _ROUNDED:
            break
        if step == 0 and norm <= _ARRIVED and not _extreme(loss, eta):
            break
        direction, deficient = _direction(loss, design, eta, y, weight, gradient)
        move = float(np.abs(design @ direction)[weight > 0].max(initial=0.0))
        step_size = line_search(
            loss, design, base, y, weight, coef, direction, value, float(np.vdot(gradient, direction))
        )
        if step_size == 0.0:
            break
        coef = coef + step_size * direction
    note = unbounded_note(loss, (base + design @ coef)[weight > 0], move, deficient) or (
        NOT_UNIQUE if deficient else ""
    )
    if isinstance(loss, Multinomial):
        # Of all fits with the same probabilities, the one of least norm.
        coef = coef - coef.mean(axis=1, keepdims=True)
    return FreeFit(coef, norm, step + 1, note)


def gradient_scale(loss: Loss, design: Float, eta: Float, y: Float, weight: Float) -> float:
    """The gradient's size at the start, or a thousandth of what it would be if its rows did not cancel."""
    rows = row_gradient(loss, eta, y, weight)
    size = float(np.abs(design.T @ rows).max(initial=0.0))
    return max(size, 1e-3 * float((np.abs(design).T @ np.abs(rows)).max(initial=0.0)), 1e-300)


def _direction(
    loss: Loss, design: Float, eta: Float, y: Float, weight: Float, gradient: Float
) -> tuple[Float, bool]:
    """Newton's step, of least norm, and whether the Hessian had fewer ranks than it could have."""
    H = hessian(loss, design, eta, y, weight)
    scale = np.sqrt(np.maximum(np.diag(H), 1e-300))
    solved, _, rank, _ = np.linalg.lstsq(
        H / np.multiply.outer(scale, scale), -gradient.T.ravel() / scale, rcond=1e-13
    )
    shaped = (solved / scale).reshape(gradient.T.shape).T
    # Softmax probabilities do not change when all classes move together.
    outputs = gradient.size // gradient.shape[0] - int(isinstance(loss, Multinomial))
    return shaped, int(rank) < outputs * np.count_nonzero(np.any(design != 0.0, axis=0))


def line_search(
    loss: Loss,
    design: Float,
    base: Float,
    y: Float,
    weight: Float,
    coef: Float,
    direction: Float,
    value: float,
    slope: float,
) -> float:
    """Backtrack to an Armijo decrease (Nocedal and Wright, *Numerical Optimization*, §3.1); 0.0 where rounding leaves none."""
    if not slope < 0.0:
        return 0.0
    for step in _halvings():
        trial = float(weight @ loss.pointwise(base + design @ (coef + step * direction), y))
        if trial <= value + 1e-4 * step * slope or (
            step == 1.0 and abs(slope) <= 1e-14 * max(1.0, abs(value))
        ):
            return step
    return 0.0


def _halvings() -> Iterator[float]:
    for power in range(40):
        yield 0.5**power


def unbounded_note(loss: Loss, eta: Float, move: float, deficient: bool) -> str:
    """NOT_EXIST where η is extreme and still moves, or moves in directions that have lost all curvature."""
    return NOT_EXIST if (move > _RUNNING or deficient) and _extreme(loss, eta) else ""


def _extreme(loss: Loss, eta: Float) -> bool:
    """Whether a fitted probability is 0 or 1, or a fitted count 0, to all digits."""
    if isinstance(loss, Poisson):
        return bool(eta.min(initial=0.0) < -_EXTREME)
    if not isinstance(loss, Logistic | Multinomial):
        return False
    spread = np.ptp(eta, axis=1) if eta.ndim == 2 else np.abs(eta)
    return bool(spread.max(initial=0.0) > _EXTREME)
