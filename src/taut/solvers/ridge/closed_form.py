"""Ridge in closed form for a whole path, its leave-one-out predictions included: one eigendecomposition, no fit per row.

Without row i, of share s_i of the weight, F is Σ_{k≠i} s_k r_k²/(1 − s_i) + λ Σ l2_j w_j²: the same problem at strength
(1 − s_i)λ with the row taken out, so its residual is e_i/(1 − h_i), e and h at that strength. Allen, *Technometrics* 16
(1974); Golub, Heath and Wahba, *Technometrics* 21 (1979). Exact for standardisation held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taut.penalties import Table
from taut.solvers.base import LinearProblem
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaling import scale_problem
from taut.solvers.problem.tolerances import SQUARED_RANK
from taut.types import Float, Index

_FREE = 1e-10
"""1 − h below which a row is fitted whatever the others say: it has no prediction from them."""


@dataclass(frozen=True, eq=False)
class ClosedRidge:
    """One ridge problem in its eigenbasis, on F's scale.

    The penalised columns D (n, p'), divided by √l2 and with the free ones Z projected out, have DᵀSD = V d² Vᵀ: ``rows``
    DV (n, r), ``directions`` V (p', r) in coefficients of the scaled columns, ``values`` d² (r,), ``products`` VᵀDᵀSy
    (r, q). ``basis`` ZT (n, f) and ``inverse`` T (m, f) are those of ``FreeBasis``; ``y`` (n, q) without the offset.
    """

    scaled: ScaledProblem
    penalised: Index
    design: Float
    rows: Float
    directions: Float
    values: Float
    products: Float
    basis: Float
    inverse: Float
    y: Float

    @classmethod
    def of(cls, problem: LinearProblem) -> ClosedRidge:
        """Decompose; ValueError unless the loss is squared and the penalty a sum of squares without bounds."""
        scaled = scale_problem(problem, problem.weight)
        table = require_squares(scaled)
        weight = scaled.weight[:, None]
        y = scaled.y.reshape(scaled.y.shape[0], -1)
        if scaled.offset is not None:
            y = y - scaled.offset.reshape(y.shape[0], -1)
        basis, inverse = scaled.free_basis.rows, scaled.free_basis.back
        penalised = np.flatnonzero((table.l2 > 0.0) & (table.upper > 0.0))
        design = scaled.columns(penalised)
        scale = np.sqrt(table.l2[penalised])
        bare = design / scale
        if basis.shape[1]:
            bare -= basis @ (basis.T @ (weight * bare))
        rows, directions, values, products = _eigen(bare, weight, y - basis @ (basis.T @ (weight * y)))
        return cls(
            scaled, penalised, design, rows, directions / scale[:, None], values, products, basis, inverse, y
        )

    @property
    def _strength(self) -> float:
        """The loss is a mean over outputs, the penalty a sum: for each output alone λ counts q-fold."""
        return float(self.y.shape[1])

    def coefficients(self, lambdas: Float) -> tuple[Float, Float]:
        """Coefficients (L, p[, q]) and intercepts (L[, q]) in the units of the data; of least norm at λ = 0."""
        scaled = self.scaled
        standardized, constant = (
            values.reshape(len(values), -1, self.y.shape[1]) for values in self.standardized(lambdas)
        )
        coef = standardized / scaled.units.scale[:, None] * scaled.units.y_scale
        intercept = scaled.units.y_center + constant[:, 0] * scaled.units.y_scale
        intercept = intercept - np.einsum("p,lpq->lq", scaled.units.center, coef)
        if scaled.bias_column:
            intercept, coef = intercept + coef[:, -1], coef[:, :-1]
        return (coef, intercept) if scaled.outputs else (coef[..., 0], intercept[:, 0])

    def standardized(self, lambdas: Float) -> tuple[Float, Float]:
        """Coefficients (L, p[, q]) and intercepts (L[, q]) on F's scale."""
        scaled, q = self.scaled, self.y.shape[1]
        strength = self._strength * np.asarray(lambdas)
        shrunk = self.products / (self.values[:, None] + strength[:, None, None])
        w = self.directions @ shrunk
        held = self.basis.T * scaled.weight
        free = self.inverse @ (held @ self.y - (held @ self.design) @ w)
        lead = int(scaled.fit_intercept)
        coef = np.zeros((len(strength), scaled.matrix.shape[1], q))
        coef[:, self.penalised] = w
        coef[:, np.flatnonzero(scaled.unpenalized)] = free[:, lead:]
        constant = free[:, 0] if lead else np.zeros((len(strength), q))
        return (coef, constant) if scaled.outputs else (coef[..., 0], constant[:, 0])

    def leave_one_out(self, lambdas: Float, per_row: bool = True) -> Float:
        """Prediction of each row by the ridge fit to the others, in the units of y: (n, L[, q]).

        λ is per unit of weight, as the loss is a mean: without a row the penalty weighs (1 − s_i)λ of what it did; with
        ``per_row=False`` it stays what it was, as where the loss is a sum. A row that the others say nothing about (its
        leverage is 1) has NaN; a row of weight 0 the fit's own prediction.
        """
        scaled = self.scaled
        held = self._held(np.asarray(lambdas), per_row)
        if scaled.offset is not None:
            held = held + scaled.offset.reshape(self.y.shape[0], 1, -1)
        held = held * scaled.units.y_scale + scaled.units.y_center
        return held if scaled.outputs else held[:, :, 0]

    def _held(self, lambdas: Float, per_row: bool) -> Float:
        """y − e/(1 − h): (n, L, q); rows of one weight share their strengths."""
        weight, (n, q) = self.scaled.weight, self.y.shape
        fitted = self.basis @ (self.basis.T @ (weight[:, None] * self.y))
        leverage = np.einsum("nf,nf->n", self.basis, self.basis)
        held, squares = np.empty((n, lambdas.size, q)), self.rows**2
        for share in np.unique(weight):
            same = np.flatnonzero(weight == share)
            rows = slice(None) if same.size == n else same  # a view of them all, no copy
            kept = (1.0 - share) if per_row else 1.0
            inverse = 1.0 / (self.values[:, None] + kept * self._strength * lambdas)
            taken = share * (squares[rows] @ inverse + leverage[rows, None])
            left = np.where(1.0 - taken > _FREE, 1.0 - taken, np.nan)
            for output in range(q):
                fit = fitted[rows, output, None] + self.rows[rows] @ (
                    inverse * self.products[:, output, None]
                )
                own = self.y[rows, output, None]
                held[rows, :, output] = own - (own - fit) / left
        return held


def require_squares(problem: ScaledProblem) -> Table:
    """The penalty's table; ValueError unless the loss is squared and the penalty a sum of squares without bounds."""
    table = problem.penalty.table(problem.matrix.shape[1])
    if table is not None and problem.loss.traits.constant_curvature and table.convex:
        excluded = (table.lower == 0.0) & (table.upper == 0.0)
        if not (table.bounded & ~excluded).any() and not (table.l1[~excluded] > 0.0).any():
            return table
    raise ValueError(
        "leave-one-out in closed form is ridge's: it needs the squared loss and L2 alone, without bounds; use lam='cv'"
    )


def _eigen(design: Float, weight: Float, y: Float) -> tuple[Float, Float, Float, Float]:
    """DV, V, d² and VᵀDᵀSy from DᵀSD = V d² Vᵀ, on the smaller side of D."""
    n, p = design.shape
    if p <= n:
        half = np.sqrt(weight) * design  # of a matrix and its own transpose BLAS computes half
        values, V = np.linalg.eigh(half.T @ half)
        kept = values > SQUARED_RANK * values.max(initial=0.0)
        V, values = V[:, kept], values[kept]
        return design @ V, V, values, V.T @ (design.T @ (weight * y))
    root = np.sqrt(weight)
    K = design @ design.T
    values, W = np.linalg.eigh(root * K * root.T)
    kept = values > SQUARED_RANK * values.max(initial=0.0)
    W, values = W[:, kept], values[kept]
    singular = np.sqrt(values)
    V = (design.T @ (root * W)) / singular
    return K @ (root * W) / singular, V, values, singular[:, None] * (W.T @ (root * y))
