"""Likelihood passes: what one pass over all rows says of many coefficient vectors, whatever the likelihood."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from taut.losses import Loss
from taut.types import Float

TOGETHER = 1 << 22
"""Predictors that are held together."""


class Evaluated(NamedTuple):
    """Sums over a member's training rows of each kind (K, M, L), their gradients (K, M, L, p) in the sums' units, and
    what held-out and test rows say: Σ w ℓ (M, L) and (L,)."""

    loss: Float
    slope: Float
    cross: Float
    spread: Float
    gradient: Float
    held_out: Float
    tested: Float


class Totals(NamedTuple):
    """Σ w y of the training rows (M,) and of the test part and each fold (M,), and Σ w y x of the training rows (M, p)."""

    trained: Float
    parts: Float
    crossed: Float


class LikelihoodPass(ABC):
    """Gathers the sums of ``Evaluated`` at coefficients ``W`` (M, L, p) and intercepts ``b`` (M, L), in the sums' units.

    Member 0 trains on all folds, member k on all but fold k. ``hessian_at``: the places of strengths at which the Hessian
    Σ w ℓ″ (1, x)(1, x)ᵀ of member 0 is summed up, too: ``hessians`` (k, p + 1, p + 1).
    """

    def __init__(self, W: Float, b: Float, hessian_at: tuple[int, ...] = ()) -> None:
        self.W, self.b, self.hessian_at = W, b, hessian_at
        p = W.shape[2]
        self.hessians = np.zeros((len(hessian_at), p + 1, p + 1))

    @abstractmethod
    def add(self, X: Float, y: Float, weight: Float | None, parts: NDArray[np.intp]) -> None:
        """Add rows X (n, p) in the sums' units, y (n,), with their weights (None: 1) and parts."""

    def pieces(
        self, rows: NDArray[np.intp], weight: Float | None
    ) -> Iterator[tuple[NDArray[np.intp], Float]]:
        """Some of the ``rows`` at a time, as many as have predictors that are held together, and their weights."""
        size = max(1, TOGETHER // self.b.size)
        for start in range(0, len(rows), size):
            own = rows[start : start + size]
            yield own, np.ones(len(own)) if weight is None else weight[own]

    def add_hessians(self, X: Float, bends: Float) -> None:
        """Add Σ (1, x)(1, x)ᵀ w ℓ″ of rows X (n, p), ``bends`` (n, k) = w ℓ″ of member 0 where Hessians are summed."""
        for total, root in zip(self.hessians, np.sqrt(bends.T), strict=True):
            scaled = np.column_stack([root, X * root[:, None]])
            total += scaled.T @ scaled

    @abstractmethod
    def finished(self, totals: Totals) -> tuple[Evaluated, Float]:
        """The sums, and by how much each intercept (M, L) was moved to where its slope is 0."""


class StreamedLikelihood(ABC):
    """A likelihood that is linear in y but for a term of η alone: its loss, the strata of a sample, and its passes."""

    loss: Loss
    needs: str

    @abstractmethod
    def suits(self, y: Float) -> NDArray[np.bool_]:
        """Which targets (n,) can be fitted."""

    @abstractmethod
    def kinds(self, y: Float) -> NDArray[np.bool_]:
        """The stratum (n,) of each row in a sample: the rarer kind is drawn more often."""

    @abstractmethod
    def start(self, W: Float, b: Float, hessian_at: tuple[int, ...]) -> LikelihoodPass:
        """A pass at W (M, L, p) and b (M, L), with Hessians at some λ."""

    def null_loss(self, mean: Float) -> Float:
        """The mean loss (M,) of the best constant where the target's mean is ``mean`` (M,): ℓ is linear in y."""
        best = np.array([float(self.loss.null(np.array([m]), np.ones(1))) for m in mean.tolist()])
        return np.asarray(self.loss.pointwise(best, mean))
