"""Logistic sums: what one pass over all rows says of many coefficient vectors; and the certificates of any likelihood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from taut.losses import Logistic, Loss
from taut.penalties import Penalty
from taut.streaming.assignment import TEST
from taut.streaming.evaluated import TOGETHER, Evaluated, LikelihoodPass, StreamedLikelihood, Totals
from taut.types import Float

SMALLEST = 1e-100
"""Probabilities of a row's own class are not taken smaller: bounds of certificates stay finite."""


@final
@dataclass(eq=False)
class LogisticPass(LikelihoodPass):
    """Gathers Σ w ℓ, Σ w u, Σ w u η, Σ w q/(1 − q) and Σ w u x of coefficients ``W`` (M, L, p) and intercepts ``b`` (M, L).

    u = ∂ℓ/∂η, q = |u| the probability of the class that a row has not. Member 0 trains on all folds, member k on all but
    fold k. ``knots``: strengths at which the Hessian Σ w q(1 − q) (1, x)(1, x)ᵀ of member 0 is summed up, too: ``hessians``
    (k, p + 1, p + 1).
    """

    W: Float
    b: Float
    knots: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        M, L, p = self.W.shape
        self.hessians = np.zeros((len(self.knots), p + 1, p + 1))
        loss, slope, cross, spread = np.zeros((4, 2, M, L))
        gradient = np.zeros((2, M, L, p))
        self.sums = Evaluated(loss, slope, cross, spread, gradient, np.zeros((M, L)), np.zeros(L))

    def add(self, X: Float, y: Float, weight: Float | None, parts: NDArray[np.intp]) -> None:
        """Add rows X (n, p) in the sums' units, y (n,) of 0 and 1, with their weights (None: 1) and parts."""
        M, L, _ = self.W.shape
        order = np.lexsort((y, parts))
        size = max(1, TOGETHER // (M * L))
        keys = (2 * parts + y.astype(np.intp))[order]
        for key in np.unique(keys).tolist():
            rows = order[np.searchsorted(keys, key) : np.searchsorted(keys, key, side="right")]
            for start in range(0, len(rows), size):
                own = rows[start : start + size]
                share = np.ones(len(own)) if weight is None else weight[own]
                self._add_part(X[own], key % 2, share, key // 2)

    def _add_part(self, X: Float, kind: int, share: Float, part: int) -> None:
        """Rows of one class and one part."""
        M, L, p = self.W.shape
        members = range(1) if part == TEST else range(M)
        W, b = self.W[: len(members)].reshape(-1, p), self.b[: len(members)].reshape(-1)
        margin = X @ W.T
        margin += b
        if not kind:
            np.negative(margin, out=margin)
        small = np.exp(-np.abs(margin))
        loss = share @ (np.log1p(small) + np.maximum(-margin, 0.0))
        if part == TEST:
            self.sums.tested[:] += loss
            return
        shape, trained = (M, L), [m for m in members if m != part]
        self.sums.held_out[part] += loss.reshape(shape)[part]
        wrong = np.where(margin >= 0, small, 1.0) / (1.0 + small)
        sign = -1.0 if kind else 1.0
        found = (
            (self.sums.loss, loss),
            (self.sums.slope, sign * (share @ wrong)),
            (self.sums.cross, -(share @ (wrong * margin))),
            (self.sums.spread, share @ (wrong / np.maximum(1.0 - wrong, SMALLEST))),
        )
        for total, own in found:
            total[kind, trained] += own.reshape(shape)[trained]
        for total, i in zip(self.hessians, self.knots, strict=True):
            root = np.sqrt(share * wrong[:, i] * (1.0 - wrong[:, i]))
            scaled = np.column_stack([root, X * root[:, None]])
            total += scaled.T @ scaled
        wrong *= share[:, None]
        self.sums.gradient[kind, trained] += sign * (wrong.T @ X).reshape(M, L, p)[trained]

    def finished(self, totals: Totals) -> tuple[Evaluated, Float]:
        """The sums; intercepts stay where they are."""
        return self.sums, np.zeros(self.b.shape)


@final
@dataclass(frozen=True)
class TwoClasses(StreamedLikelihood):
    """Logistic: 0 and 1."""

    loss: Loss = field(default_factory=Logistic)
    needs: str = "a logistic path needs 0 and 1"

    def suits(self, y: Float) -> NDArray[np.bool_]:
        """0 and 1."""
        return np.asarray((y == 0) | (y == 1))

    def kinds(self, y: Float) -> NDArray[np.bool_]:
        """The classes."""
        return np.asarray(y == 1)

    def start(self, W: Float, b: Float, knots: tuple[int, ...]) -> LogisticPass:
        """A pass at W (M, L, p) and b (M, L)."""
        return LogisticPass(W, b, knots)


class Bounded(NamedTuple):
    """F (M, L), its gradient in standardised units (M, L, p) and slope of the intercept (M, L), and the duality gap (M, L)."""

    objective: Float
    gradient: Float
    slope: Float
    gap: Float


def bounded(
    sums: Evaluated, weight: Float, center: Float, scale: Float, coefs: Float, strengths: list[Penalty]
) -> Bounded:
    """F, its gradient and its gap for every member (weights (M,), centres and scales (M, p)) and strength λΩ.

    The dual of Σ s ℓ + λΩ is −Σ s ℓ*(σ u) − (λΩ)*(−Σ s σ u x̃) for any σ of which Σ s σ u = 0. The residuals of one class
    are shrunk until that holds, and all of them until the penalty's conjugate is finite. Along σ the dual of a class is

        Σ s (ℓ − uη) + (1 − σ) Σ s uη − ½(1 − σ)²/σ · Σ s q/(1 − q)     at least,

    because the second derivative of ℓ*(σu) is q/(σ(1 − σq)) ≤ q/(σ(1 − q)): sums of one pass bound it for every σ.
    """
    per = weight[:, None]
    loss, slope, cross, spread = (part / per for part in sums[:4])
    moved = sums.gradient - center[None, :, None] * sums.slope[..., None]
    gradient = moved / (scale[:, None] * weight[:, None, None])
    shrunk = _without_slope(slope)
    dual = (shrunk[..., None] * gradient).sum(axis=0)
    objective, gap = np.empty(per.shape[:1] + loss.shape[2:]), np.empty(per.shape[:1] + loss.shape[2:])
    for m, i in np.ndindex(*objective.shape):
        penalty = strengths[i]
        value = float(penalty.value(coefs[m, i]))
        conjugate, share = _feasible(penalty, dual[m, i])
        sigma = share * shrunk[:, m, i]
        own = loss[:, m, i] - sigma * cross[:, m, i] - 0.5 * (1.0 - sigma) ** 2 / sigma * spread[:, m, i]
        objective[m, i] = loss[:, m, i].sum() + value
        gap[m, i] = objective[m, i] - own.sum() + conjugate
    return Bounded(objective, gradient.sum(axis=0), slope.sum(axis=0), gap)


def _without_slope(slope: Float) -> Float:
    """By how much residuals of each kind (K, M, L) are shrunk so that they sum to 0: one kind alone sums to it already."""
    if len(slope) == 1:
        return np.ones_like(slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(-slope[1] / slope[0], nan=1.0, posinf=np.inf)
    return np.stack([np.minimum(1.0, ratio), np.minimum(1.0, 1.0 / np.maximum(ratio, 1e-300))])


def _feasible(penalty: Penalty, gradient: Float) -> tuple[float, float]:
    """(λΩ)*(−σg) and the largest σ ≤ 1 for which it is finite."""
    found = float(penalty.conjugate(-gradient))
    if np.isfinite(found):
        return found, 1.0
    share = (1.0 - 1e-12) / penalty.lambda_max(gradient)  # of the penalty at λ: 1 where 0 is a solution
    return float(penalty.conjugate(-share * gradient)), share
