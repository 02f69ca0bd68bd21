"""Ridge's leave-one-out predictions for a whole path in closed form: one eigendecomposition, no fit per row.

Without row i, of share s_i of the weight, F is Σ_{k≠i} s_k r_k²/(1 − s_i) + λ Σ l2_j w_j²: the same problem at strength
(1 − s_i)λ with the row taken out, so its residual is e_i/(1 − h_i), e and h at that strength. Allen, *Technometrics* 16
(1974); Golub, Heath and Wahba, *Technometrics* 21 (1979). Exact for standardisation held fixed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from taut.losses import SquaredError
from taut.penalties import Kind, Table
from taut.solvers.base import Float, LinearProblem
from taut.solvers.scaled import ScaledProblem, scale_problem

_RANK = 1e-13
"""Share of the largest eigenvalue below which a direction is rounding."""
_FREE = 1e-10
"""1 − h below which a row is fitted whatever the others say: it has no prediction from them."""


class _Rotated(NamedTuple):
    """Rows A (n, r) in the eigenbasis with values d² (r,), their products with y (r, q), and the unpenalised part.

    ``fitted`` (n, q) and ``leverage`` (n,), the latter without its row weight, of the columns without penalty.
    """

    rows: Float
    values: Float
    products: Float
    fitted: Float
    leverage: Float


def leave_one_out(problem: LinearProblem, lambdas: Float) -> Float:
    """Prediction of each row by the ridge fit to the others, in the units of y: (n, L) or (n, L, q).

    A row that the others say nothing about (its leverage is 1) has NaN; a row of weight 0 the fit's own prediction.
    Raises ValueError unless the loss is squared and the penalty a sum of squares without bounds.
    """
    scaled = scale_problem(problem, problem.weight)
    table = _squares(scaled)
    y = scaled.y.reshape(scaled.y.shape[0], -1)
    if scaled.offset is not None:
        y = y - scaled.offset.reshape(y.shape[0], -1)
    held = _predictions(_rotate(scaled, table, y), scaled.weight, y, np.asarray(lambdas))
    if scaled.offset is not None:
        held = held + scaled.offset.reshape(y.shape[0], 1, -1)
    held = held * scaled.units.y_scale + scaled.units.y_center
    return held if problem.y.ndim == 2 else held[:, :, 0]


def _squares(problem: ScaledProblem) -> Table:
    table = problem.penalty.table(problem.matrix.shape[1])
    if table is not None and isinstance(problem.loss, SquaredError) and table.kind == Kind.QUADRATIC:
        bounded = np.isfinite(table.lower) | np.isfinite(table.upper)
        excluded = (table.lower == 0.0) & (table.upper == 0.0)
        if not (bounded & ~excluded).any() and not (table.l1[~excluded] > 0.0).any():
            return table
    raise ValueError(
        "leave-one-out in closed form is ridge's: it needs the squared loss and L2 alone, without bounds"
    )


def _rotate(problem: ScaledProblem, table: Table, y: Float) -> _Rotated:
    weight = problem.weight[:, None]
    free = problem.free_design(np.flatnonzero(problem.unpenalised))
    R = np.linalg.qr(np.sqrt(weight) * free, mode="r") if free.shape[1] else np.zeros((0, 0))
    basis = free @ np.linalg.pinv(R, rcond=1e-12)
    index = np.flatnonzero((table.l2 > 0.0) & (table.upper > 0.0))
    design = problem.columns(index) / np.sqrt(table.l2[index])
    if basis.shape[1]:
        design -= basis @ (basis.T @ (weight * design))
    fitted = basis @ (basis.T @ (weight * y))
    rows, values, products = _eigen(design, weight, y - fitted)
    return _Rotated(rows, values, products, fitted, np.einsum("nj,nj->n", basis, basis))


def _eigen(design: Float, weight: Float, y: Float) -> tuple[Float, Float, Float]:
    """XV, d² and VᵀXᵀSy from XᵀSX = V d² Vᵀ, on the smaller side of X."""
    n, p = design.shape
    if p <= n:
        half = np.sqrt(weight) * design
        values, V = np.linalg.eigh(half.T @ half)
        kept = values > _RANK * values.max(initial=0.0)
        V, values = V[:, kept], values[kept]
        return design @ V, values, V.T @ (design.T @ (weight * y))
    root = np.sqrt(weight)
    K = design @ design.T
    values, W = np.linalg.eigh(root * K * root.T)
    kept = values > _RANK * values.max(initial=0.0)
    W, values = W[:, kept], values[kept]
    singular = np.sqrt(values)
    return K @ (root * W) / singular, values, singular[:, None] * (W.T @ (root * y))


def _predictions(rotated: _Rotated, weight: Float, y: Float, lambdas: Float) -> Float:
    """y − e/(1 − h): (n, L, q); rows of one weight share their strengths."""
    n, q = y.shape
    held = np.empty((n, lambdas.size, q))
    squares = rotated.rows**2
    for share in np.unique(weight):
        rows = np.flatnonzero(weight == share)
        # The loss is a mean over outputs, the penalty a sum: for each output alone the strength is q λ.
        inverse = 1.0 / (rotated.values[:, None] + (1.0 - share) * q * lambdas)
        leverage = share * (squares[rows] @ inverse + rotated.leverage[rows, None])
        left = np.where(1.0 - leverage > _FREE, 1.0 - leverage, np.nan)
        for output in range(q):
            fit = rotated.rows[rows] @ (inverse * rotated.products[:, output, None])
            residual = y[rows, output, None] - rotated.fitted[rows, output, None] - fit
            held[rows, :, output] = y[rows, output, None] - residual / left
    return held
