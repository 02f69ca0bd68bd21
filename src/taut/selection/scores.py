"""Scores: what the held-out rows say about every strength of a path, and the two rules that choose one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from taut.path import Path
from taut.types import Float

SomePath = TypeVar("SomePath", bound=Path)


@dataclass(frozen=True, eq=False, repr=False)
class Scores:
    """Out-of-fold loss of L strengths in K folds, in the units of the data (squared: MSE; classes: log loss; Poisson:
    deviance).

    ``lambdas`` (L,) descending; ``folds`` (K, L) mean loss over the held-out rows of each fold, by sample
    weight; ``fold_weights`` (K,) the weight w_k of those rows; ``repeats`` R how often a row is held out (1
    for K-fold); ``losses`` (n, L) loss of each row where it was held out, NaN where it never was (the mean
    over repeats); ``predictions`` (n, L) or (n, L, k) the out-of-fold η. The last two are None where they
    would take too much memory. ``errors`` (L,) the standard errors by blocks, groups or stretches of time, where the folds
    have some. ``measures`` has the same by the scorers that were asked for, as losses: minus the score.
    ``measure`` names what is measured, ``is_score`` says that it is minus a score, and ``nonzeros`` (L,) counts what the fit to
    all rows keeps, None where that is not known. ``print(scores)`` shows the table of R's ``print(cv.glmnet)``.

        mean = Σ_k w_k m_k / Σ_k w_k,       SE = √( Σ_k w_k (m_k − mean)² / Σ_k w_k / (K/R − 1) )

    For plain K-fold this is the standard error of R's glmnet (``cv.glmnet``, ``cvsd``). Repeating the folds
    does not add rows, so R repeats must not shrink the error by √R: K/R folds are counted. With blocks it is
    ``error_of_blocks``, a row's losses averaged over the repeats first.
    """

    lambdas: Float
    folds: Float
    fold_weights: Float
    repeats: float = 1.0
    losses: Float | None = None
    predictions: Float | None = None
    errors: Float | None = None
    measures: Mapping[str, Scores] = field(default_factory=dict)
    measure: str = "loss"
    is_score: bool = False
    nonzeros: NDArray[np.intp] | None = None

    @property
    def deciding(self) -> Scores:
        """The scores that choose: those of the first scorer that was asked for, else these."""
        return next(iter(self.measures.values()), self)

    @property
    def mean(self) -> Float:
        """Mean loss (L,) over the folds, by their weight."""
        return _average(self.folds, self.fold_weights)

    @property
    def standard_error(self) -> Float:
        """Standard error (L,) of ``mean``; NaN where there is a single fold."""
        if self.errors is not None:
            return self.errors
        counted = int((self.fold_weights > 0).sum())
        if counted < 2:
            return np.full(self.lambdas.shape, np.nan)
        apart = self.folds - self.mean
        # By powers of two, which change no digit: a loss far outside the data may be too large to be squared.
        unit = np.ldexp(
            1.0, np.frexp(np.abs(apart).max(axis=0, where=np.isfinite(apart), initial=0.0))[1] - 1
        )
        variance = _average((apart / unit) ** 2, self.fold_weights)
        effective = max(counted / max(self.repeats, 1.0), min(counted, 2.0))
        error: Float = np.sqrt(variance / (effective - 1.0)) * unit
        return error

    @property
    def index_min(self) -> int:
        """Where the mean loss is smallest; the strongest of equals."""
        mean = self.mean
        if not np.isfinite(mean).any():
            raise ValueError("no strength has a finite out-of-fold loss; check the target and the folds")
        return int(np.nanargmin(mean))

    @property
    def index_1se(self) -> int:
        """The strongest λ whose mean loss is at most one standard error above the smallest one."""
        best = self.index_min
        error = np.nan_to_num(self.standard_error[best])
        within = self.mean <= self.mean[best] + error
        return int(np.flatnonzero(within)[0])

    @property
    def lam_min(self) -> float:
        """The λ of ``index_min``."""
        return float(self.lambdas[self.index_min])

    @property
    def lam_1se(self) -> float:
        """The λ of ``index_1se``."""
        return float(self.lambdas[self.index_1se])

    def index(self, rule: str) -> int:
        """Where on the path ``rule`` ("min" or "1se") chooses."""
        if rule not in RULES:
            raise ValueError(f"rule must be one of {sorted(RULES)}, got {rule!r}")
        return RULES[rule](self)

    def __str__(self) -> str:
        shown, rows = self.deciding, [("", "λ", "Index", "Measure", "SE", "Nonzero")]
        for rule in RULES:
            place = shown.index(rule)
            mean = -shown.mean[place] if shown.is_score else shown.mean[place]
            kept = "" if self.nonzeros is None else f"{self.nonzeros[place]}"
            numbers = (f"{shown.lambdas[place]:.4g}", f"{place}", f"{mean:.4g}")
            rows.append((rule, *numbers, f"{shown.standard_error[place]:.3g}", kept))
        widths = [max(len(row[j]) for row in rows) for j in range(6 if self.nonzeros is not None else 5)]
        lines = ["  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=False)) for row in rows]
        return "\n".join([f"Measure: {shown.measure}, {len(self.folds)} folds", "", *lines])

    def __repr__(self) -> str:
        size = f"{len(self.lambdas)} λ × {len(self.folds)} folds"
        return f"<Scores of {size}: lam_min = {self.deciding.lam_min:.4g}, lam_1se = {self.deciding.lam_1se:.4g}>"


RULES: dict[str, Callable[[Scores], int]] = {
    "min": lambda scores: scores.index_min,
    "1se": lambda scores: scores.index_1se,
}


def error_of_blocks(sums: Float, weights: Float) -> Float:
    """Standard error of a weighted mean whose rows come in G blocks, which alone are independent of each other.

    ``sums`` (G, …) Σ_{i∈g} w_i d_i of each block, ``weights`` (G,) Σ_{i∈g} w_i; blocks without weight do not count, and
    of a single one nothing is known: infinity.

        SE² = G/(G − 1) · Σ_g (Σ_{i∈g} w_i (d_i − d̄))² / (Σ w)²

    the variance of a ratio of totals over clusters: Cochran, *Sampling Techniques* (3rd ed., 1977), §9.
    """
    counted = weights > 0
    own, total, count = sums[counted], weights.sum(), int(counted.sum())
    if count < 2:
        return np.full(sums.shape[1:], np.inf)
    centred = own - np.multiply.outer(weights[counted], own.sum(axis=0) / total)
    error: Float = np.sqrt(count / (count - 1) * (centred**2).sum(axis=0)) / total
    return error


def marked(path: SomePath, scores: Scores | None) -> SomePath:
    """The path with the strengths that the scores choose under their rules' names, where there are scores."""
    if scores is None:
        return path
    deciding = scores.deciding
    return replace(path, named={rule: float(deciding.lambdas[deciding.index(rule)]) for rule in RULES})


def with_measures(scores: Scores, measures: Mapping[str, Scores]) -> Scores:
    """The scores with those of scorers beside them, each called by its name."""
    named = {
        name: replace(own, measure=name, is_score=True, nonzeros=scores.nonzeros)
        for name, own in measures.items()
    }
    return replace(scores, measures=named)


def _average(values: Float, weights: Float) -> Float:
    """Weighted mean over the folds, infinite where their sum is beyond all numbers; one without weight has no say."""
    kept = weights > 0
    with np.errstate(over="ignore"):
        mean: Float = weights[kept] @ values[kept] / weights[kept].sum()
    return mean
