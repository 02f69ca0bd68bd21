"""Prediction intervals and sets from the folds: how wrong each fold's model was on the rows that it had not seen.

CV+ (Barber, Candès, Ramdas and Tibshirani, *Ann. Statist.* 49 (2021)): with R_i = |y_i − μ₋ₖ₍ᵢ₎(x_i)| the error of the model
of the fold that held row i out, the interval of new x ends at the ⌈(n + 1)c⌉-th smallest of μ₋ₖ₍ᵢ₎(x) + R_i and, below, of the
same of −μ₋ₖ₍ᵢ₎(x) + R_i. For classes (Romano, Sesia and Candès, NeurIPS 2020) the error is the probability of all classes that
come before the row's own, so that a set holds classes from the most probable one on, as many as held-out rows needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taut.estimators.layers import Layers
from taut.losses import Loss
from taut.messages import written
from taut.path import with_offset
from taut.types import Float, Index

if TYPE_CHECKING:
    from taut.selection import Data, Folds

POINTS = 500
"""Errors of one fold that are kept: of more rows, so many quantiles of them, each rounded up."""
TOGETHER = 1 << 21
"""Ends of intervals that are sorted together."""
ROUNDING = 1e-9
NO_ERRORS = "intervals come from the errors on rows that folds held out, and this model has none"
"""What is said where there is nothing to make an interval of."""


@dataclass(frozen=True, eq=False)
class HeldOutErrors:
    """What N held-out rows say of the models (K) of their folds.

    ``members`` the folds' models at the chosen λ; ``counts`` (K,) how many of the ``errors`` (N,) are of each, ascending within
    a fold; ``weights`` (N,) of the rows behind them; ``effective`` how many independent rows, or groups, these weights are
    worth: (Σ w)² / Σ_g (Σ_{i∈g} w_i)².
    """

    members: tuple[Layers, ...]
    counts: Index
    errors: Float
    weights: Float
    effective: float

    def interval(self, loss: Loss, X: Any, coverage: float, offset: Any = None) -> Float:
        """Lower and upper ends (n, 2) of what the target of each row may be, in the units that were fitted."""
        level = self._level(coverage)
        if level > 1.0 + ROUNDING:
            ends = np.full((X.shape[0], 2), np.inf) * [-1.0, 1.0]
        else:
            means = np.column_stack([_mean(loss, member, X, offset) for member in self.members])
            ends = np.column_stack([-self._quantile(-means, level), self._quantile(means, level)])
        return np.asarray(np.clip(ends, loss.traits.lowest, loss.traits.highest))

    def sets(self, loss: Loss, X: Any, coverage: float, offset: Any = None) -> NDArray[np.bool_]:
        """Which classes (n, k) each row may be of."""
        total: Float = np.zeros(())
        level = self._level(coverage) * self.weights.sum() * (1.0 - ROUNDING)
        for member, errors, weights in self._folds():
            before = mass_before(class_shares(_mean(loss, member, X, offset)))
            heavier = np.concatenate([[0.0], np.cumsum(weights)])
            total = total + heavier[np.searchsorted(errors, before, side="left")]
        return np.asarray(total < level)

    def _level(self, coverage: float) -> float:
        """The share of the weight that is to lie below, a new row counted among them."""
        return check_coverage(coverage) * (1.0 + 1.0 / self.effective)

    def _folds(self) -> Iterator[tuple[Layers, Float, Float]]:
        cuts = np.cumsum(self.counts)[:-1]
        parts = (np.split(array, cuts) for array in (self.errors, self.weights))
        return zip(self.members, *parts, strict=True)

    def _quantile(self, means: Float, level: float) -> Float:
        """The smallest q (n,) for each row of ``means`` (n, K) with a share ``level`` of mean + error up to it."""
        owner = np.repeat(np.arange(len(self.members)), self.counts)
        wanted, found = level * self.weights.sum() * (1.0 - ROUNDING), []
        equal = bool((self.weights == self.weights[0]).all())
        place = min(max(math.ceil(wanted / self.weights[0]), 1), owner.size) - 1
        step = max(1, TOGETHER // owner.size)
        for start in range(0, len(means), step):
            ends = means[start : start + step, owner] + self.errors
            if equal:
                found.append(np.partition(ends, place, axis=1)[:, place])
                continue
            order = np.argsort(ends, axis=1)
            below = np.cumsum(self.weights[order], axis=1)
            where = np.minimum((below < wanted).sum(axis=1), owner.size - 1)
            found.append(np.take_along_axis(ends, order, axis=1)[np.arange(len(ends)), where])
        return np.concatenate(found) if found else np.zeros(0)


def gather_errors(
    loss: Loss, members: Sequence[Layers], data: Data, folds: Folds | None
) -> HeldOutErrors | None:
    """The errors of the folds' models on their held-out rows; None where there are no folds that judge all the other rows.

    Folds in order of time have none: the errors of the past say nothing certain of the future.
    """
    if folds is None or data.y.ndim > 1 or len(folds) < 2 or not folds.judge_the_rest(data.weight):
        return None
    errors, weights = [], []
    for member, test in zip(members, folds.test, strict=True):
        X, y, weight, offset = data.rows(test[data.weight[test] > 0])
        mean = _mean(loss, member, X, offset)
        found = (
            mass_before(class_shares(mean))[np.arange(y.size), y.astype(np.intp)]
            if loss.traits.classes
            else np.abs(y - mean)
        )
        own = _kept(found, weight)
        errors.append(own[0])
        weights.append(own[1])
    counts = np.array([one.size for one in errors])
    return HeldOutErrors(
        tuple(members), counts, np.concatenate(errors), np.concatenate(weights), _effective(data, folds)
    )


def check_coverage(coverage: Any) -> float:
    """``coverage`` as a share between 0 and 1."""
    if isinstance(coverage, bool | np.bool_) or not isinstance(coverage, int | float | np.number):
        raise ValueError(f"the coverage must be a share such as 0.9, got {written(coverage)}")
    if not 0.0 < float(coverage) < 1.0:
        raise ValueError(f"the coverage must lie between 0 and 1, such as 0.9, and it is {float(coverage):g}")
    return float(coverage)


def class_shares(mean: Float) -> Float:
    """Probabilities (n, k) from fitted means, (n,) for two classes."""
    return np.column_stack([1.0 - mean, mean]) if mean.ndim == 1 else mean


def mass_before(shares: Float) -> Float:
    """For every class (n, k) the probability of all that come before it, the most probable class first."""
    order = np.argsort(-shares, axis=1, kind="stable")
    ranked = np.take_along_axis(shares, order, axis=1)
    before = np.empty_like(shares)
    np.put_along_axis(before, order, np.cumsum(ranked, axis=1) - ranked, axis=1)
    return before


def _mean(loss: Loss, member: Layers, X: Any, offset: Any) -> Float:
    eta = member.decision(X)
    eta = eta[:, 0] if eta.shape[1] == 1 else eta
    return np.asarray(loss.inverse_link(with_offset(eta, offset, False, "this model")))


def _kept(errors: Float, weight: Float) -> tuple[Float, Float]:
    """Errors in ascending order with their weights, or ``POINTS`` quantiles of them, each rounded up."""
    order = np.argsort(errors, kind="stable")
    errors, weight = errors[order], weight[order]
    if errors.size <= POINTS:
        return errors, weight
    below, total = np.cumsum(weight), float(weight.sum())
    shares = total * np.arange(1, POINTS + 1) / POINTS
    where = np.minimum(np.searchsorted(below, shares * (1.0 - ROUNDING)), errors.size - 1)
    return errors[where], np.full(POINTS, total / POINTS)


def _effective(data: Data, folds: Folds) -> float:
    """How many independent rows or groups the rows that were held out are worth."""
    rows = np.unique(np.concatenate(folds.test))
    rows = rows[data.weight[rows] > 0]
    weight = data.weight[rows]
    if folds.blocks is not None:
        own = np.unique(folds.blocks[rows], return_inverse=True)[1]
        return float(weight.sum() ** 2 / (np.bincount(own, weight) ** 2).sum())
    counts = np.ones(rows.size) if data.counts is None else data.counts[rows]
    return float(weight.sum() ** 2 / (weight**2 / counts).sum())
