"""Logistic sums: what one pass over all rows says of many coefficient vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.losses import Logistic, Loss
from taut.streaming.assignment import TEST
from taut.streaming.likelihood_pass import Evaluated, LikelihoodPass, StreamedLikelihood, Totals
from taut.types import Float

SMALLEST = 1e-100
"""Probabilities of a row's own class are not taken smaller: bounds of certificates stay finite."""


@final
class LogisticPass(LikelihoodPass):
    """Gathers Σ w ℓ, Σ w u, Σ w u η, Σ w q/(1 − q) and Σ w u x of coefficients ``W`` (M, L, p) and intercepts ``b`` (M, L).

    u = ∂ℓ/∂η, q = |u| the probability of the class that a row has not, and ℓ″ = q(1 − q).
    """

    def __init__(self, W: Float, b: Float, hessian_at: tuple[int, ...] = ()) -> None:
        super().__init__(W, b, hessian_at)
        M, L, p = W.shape
        loss, slope, cross, spread = np.zeros((4, 2, M, L))
        gradient = np.zeros((2, M, L, p))
        self.sums = Evaluated(loss, slope, cross, spread, gradient, np.zeros((M, L)), np.zeros(L))

    def add(self, X: Float, y: Float, weight: Float | None, parts: NDArray[np.intp]) -> None:
        """Add rows X (n, p) in the sums' units, y (n,) of 0 and 1, with their weights (None: 1) and parts."""
        order = np.lexsort((y, parts))
        keys = (2 * parts + y.astype(np.intp))[order]
        for key in np.unique(keys).tolist():
            rows = order[np.searchsorted(keys, key) : np.searchsorted(keys, key, side="right")]
            for own, share in self.pieces(rows, weight):
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
        first = wrong[:, list(self.hessian_at)]
        self.add_hessians(X, share[:, None] * first * (1.0 - first))
        wrong *= share[:, None]
        self.sums.gradient[kind, trained] += sign * (wrong.T @ X).reshape(M, L, p)[trained]

    def finished(self, totals: Totals) -> tuple[Evaluated, Float]:
        """The sums; intercepts stay where they are."""
        return self.sums, np.zeros(self.b.shape)


@final
@dataclass(frozen=True)
class StreamedLogistic(StreamedLikelihood):
    """Logistic: 0 and 1."""

    loss: Loss = field(default_factory=Logistic)
    needs: str = "a logistic path needs 0 and 1"

    def suits(self, y: Float) -> NDArray[np.bool_]:
        """0 and 1."""
        return np.asarray((y == 0) | (y == 1))

    def kinds(self, y: Float) -> NDArray[np.bool_]:
        """The classes."""
        return np.asarray(y == 1)

    def start(self, W: Float, b: Float, hessian_at: tuple[int, ...]) -> LogisticPass:
        """A pass at W (M, L, p) and b (M, L)."""
        return LogisticPass(W, b, hessian_at)
