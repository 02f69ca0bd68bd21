"""Probing: whether bends of single columns and random neurons predict better than the linear fit, on its folds, in little time.

Ridge regression on columns, on hinges of each at its quartiles and on a layer of random neurons: a network whose first layer
is not trained. Rahimi and Recht, *Advances in Neural Information Processing Systems* 21 (2008) (random features).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from taut.selection import Scores
from taut.tabular.one_model import draw_folds
from taut.tabular.words.metrics import metric_of
from taut.tabular.words.numbers import with_error

if TYPE_CHECKING:
    from taut.selection import Folds
    from taut.tabular.fitted import Fit
    from taut.tabular.inputs import PreparedData, SplitRows
    from taut.types import Float

NEURONS = 64
QUARTILES = (0.25, 0.5, 0.75)
FEWEST = 5
"""Values of a column from which it may bend."""
SHARE, LEAST, LONGEST = 0.2, 0.5, 10.0
"""Of the fit's time that a probe may take; seconds that it may take at least, and at most."""
PACE = 1e9
"""Multiplications in a second, at least."""
STRENGTHS = np.geomspace(10.0, 1e-5, 8)
"""Of the ridge, relative to the mean eigenvalue."""
LEAST_GAIN = 0.02
"""Part of the loss that is worth a hint."""


class Probe(NamedTuple):
    """Held-out losses of the probe and of the linear fit by fold (K,), and the weights (K,) of the folds."""

    own: Float
    linear: Float
    weights: Float
    repeats: float

    @property
    def is_better(self) -> bool:
        """Whether the mean of the paired differences is above its standard error, and worth a word."""
        gain = self._score(self.linear - self.own)
        least = LEAST_GAIN * float(self._score(self.linear).mean[0])
        return float(gain.mean[0]) > max(float(gain.standard_error[0]), least)

    def scores(self) -> list[Scores]:
        """The probe's own, and the linear fit's."""
        return [self._score(self.own), self._score(self.linear)]

    def _score(self, losses: Float) -> Scores:
        return Scores(np.ones(1), losses[:, None], self.weights, self.repeats)


def probe_hint(prepared: PreparedData, fit: Fit) -> str:
    """What to try where more than a line is in the columns; empty where a probe found no more, or had no time."""
    if not _is_plain(prepared, fit):
        return ""
    folds = draw_folds(fit.setting.options, prepared.train, None)
    X = _features(prepared.train, fit.setting.options.seed)
    if len(folds) * (X.shape[0] + 10 * X.shape[1]) * X.shape[1] ** 2 / PACE > _allowed(fit.seconds):
        return ""
    found = probe(X, prepared.train, folds, fit)
    if not found.is_better:
        return ""
    metric = metric_of(fit.loss)
    own, linear = (
        with_error(
            float(metric.show(one.mean[0])), float(metric.show_error(one.mean[0], one.standard_error[0]))
        )
        for one in found.scores()
    )
    return (
        f"bends of single columns and {NEURONS} random neurons predict better: CV {metric.name} {own} against {linear}"
        f" (--auto, or --hidden {NEURONS})"
    )


def probe(X: Float, train: SplitRows, folds: Folds, fit: Fit) -> Probe:
    """The best ridge on the features X beside the linear fit, both judged by the rows that each fold holds out."""
    assert fit.scores is not None
    weights = folds.weights(train.weight)[1:]
    own = np.stack(
        [_held_out(X, train.y, w, train.weight, test) for w, test in zip(weights, folds.test, strict=True)]
    )
    best = int(np.argmin(fit.scores.fold_weights @ own))
    return Probe(own[:, best], fit.scores.folds[:, fit.index], fit.scores.fold_weights, fit.scores.repeats)


def _is_plain(prepared: PreparedData, fit: Fit) -> bool:
    """A lasso or the like for numbers, by folds, on dense columns: what a probe may be compared with."""
    options, train = fit.setting.options, prepared.train
    asked = (
        options.hidden or options.search or options.lam != "cv" or options.log_target or fit.scores is None
    )
    return not (asked or train.folds is not None or train.offset is not None) and (
        fit.is_linear and fit.loss.traits.constant_curvature and isinstance(train.X, np.ndarray)
    )


def _allowed(seconds: float) -> float:
    return min(max(SHARE * seconds, LEAST), LONGEST)


def _features(train: SplitRows, seed: int) -> Float:
    """Standardised columns (n, p), their hinges, and the random neurons; constant ones are left out."""
    spread = train.X.std(axis=0)
    Z = (train.X[:, spread > 0.0] - train.X.mean(axis=0)[spread > 0.0]) / spread[spread > 0.0]
    rng = np.random.default_rng(seed)
    neurons = Z @ rng.normal(size=(Z.shape[1], NEURONS)) / np.sqrt(max(Z.shape[1], 1)) + rng.normal(
        size=NEURONS
    )
    bent = [column for column in Z.T if np.unique(column).size >= FEWEST]
    hinges = [
        np.maximum(column - knot, 0.0)
        for column in bent
        for knot in np.unique(np.quantile(column, QUARTILES))
    ]
    whole = np.column_stack([Z, *hinges, np.maximum(neurons, 0.0)])
    return np.asarray(whole[:, np.ptp(whole, axis=0) > 0.0])


def _held_out(X: Float, y: Float, weight: Float, sample_weight: Float, test: np.ndarray) -> Float:
    """Mean squared error (L,) on the rows ``test`` of the ridges that are fitted with ``weight`` (n,)."""
    share = weight / weight.sum()
    center, middle = share @ X, share @ y
    root = np.sqrt(share)[:, None]
    A = root * (X - center)
    values, vectors = np.linalg.eigh(A.T @ A)
    turned = vectors.T @ (A.T @ (root[:, 0] * (y - middle)))
    lam = STRENGTHS * max(float(values.mean()), np.finfo(float).tiny)
    coef = vectors @ (turned[:, None] / (np.maximum(values, 0.0)[:, None] + lam))
    away = y[test, None] - middle - (X[test] - center) @ coef
    held = sample_weight[test] / sample_weight[test].sum()
    return np.asarray(held @ away**2)
