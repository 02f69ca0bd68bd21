"""Poisson sums: what one pass over all rows says of many Poisson coefficient vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.losses import Loss, Poisson
from taut.streaming.assignment import TEST
from taut.streaming.likelihood_pass import Evaluated, LikelihoodPass, StreamedLikelihood, Totals
from taut.types import Float

LARGEST_ETA = 50.0
"""Predictors are held below this: a rate of 10²¹."""


@final
class PoissonPass(LikelihoodPass):
    """Σ w μ, Σ w μη, Σ w yη, Σ w y²/μ and Σ w μx, μ = e^η: from these follow the sums at the best intercept, exactly."""

    def __init__(self, W: Float, b: Float, hessian_at: tuple[int, ...] = ()) -> None:
        super().__init__(W, b, hessian_at)
        M, L, p = W.shape
        self.rate, self.rate_eta, self.y_eta, self.square = np.zeros((4, M, L))
        self.gradient = np.zeros((M, L, p))
        self.out_rate, self.out_eta = np.zeros((2, M, L))

    def add(self, X: Float, y: Float, weight: Float | None, parts: NDArray[np.intp]) -> None:
        """Add rows X (n, p) in the sums' units, y (n,), with their weights (None: 1) and parts."""
        for part in np.unique(parts).tolist():
            for own, share in self.pieces(np.flatnonzero(parts == part), weight):
                self._add_part(X[own], y[own], share, part)

    def _add_part(self, X: Float, y: Float, share: Float, part: int) -> None:
        M, L, p = self.W.shape
        members = 1 if part == TEST else M
        eta = np.minimum(X @ self.W[:members].reshape(-1, p).T + self.b[:members].reshape(-1), LARGEST_ETA)
        rate = np.exp(eta)
        rates, products = (share @ rate).reshape(-1, L), ((share * y) @ eta).reshape(-1, L)
        self.out_rate[part] += rates[0 if part == TEST else part]
        self.out_eta[part] += products[0 if part == TEST else part]
        if part == TEST:
            return
        trained = [m for m in range(M) if m != part]
        found = (
            (self.rate, rates),
            (self.rate_eta, (share @ (rate * eta)).reshape(M, L)),
            (self.y_eta, products),
            (self.square, ((share * y**2) @ (1.0 / rate)).reshape(M, L)),
            (self.gradient, ((rate * share[:, None]).T @ X).reshape(M, L, p)),
        )
        for total, own in found:
            total[trained] += own[trained]
        self.add_hessians(X, share[:, None] * rate[:, list(self.hessian_at)])

    def finished(self, totals: Totals) -> tuple[Evaluated, Float]:
        """At intercepts moved by log c, c = Σ w y/Σ w μ, where the slope is 0: every sum follows from those at hand."""
        y = totals.trained[:, None]
        c = y / self.rate
        moved = np.log(c)
        loss = c * self.rate - self.y_eta - moved * y
        cross = c * self.rate_eta + moved * c * self.rate - self.y_eta - moved * y
        spread = c * self.rate - 2.0 * y + self.square / c
        gradient = c[..., None] * self.gradient - totals.crossed[:, None]
        # The test part, the first, is judged by member 0, fold k by member k.
        out = c * self.out_rate - self.out_eta - moved * totals.parts[:, None]
        slope = np.zeros_like(loss)[None]
        found = Evaluated(loss[None], slope, cross[None], spread[None], gradient[None], out, out[TEST])
        return found, moved


@final
@dataclass(frozen=True)
class StreamedPoisson(StreamedLikelihood):
    """Poisson: whole or other numbers ≥ 0."""

    loss: Loss = field(default_factory=Poisson)
    needs: str = "a Poisson path needs numbers of at least 0"

    def suits(self, y: Float) -> NDArray[np.bool_]:
        """At least 0."""
        return np.asarray(y >= 0)

    def kinds(self, y: Float) -> NDArray[np.bool_]:
        """Above 0, or not."""
        return np.asarray(y > 0)

    def start(self, W: Float, b: Float, hessian_at: tuple[int, ...]) -> PoissonPass:
        """A pass at W (M, L, p) and b (M, L)."""
        return PoissonPass(W, b, hessian_at)
