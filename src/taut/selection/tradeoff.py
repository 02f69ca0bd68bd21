"""The bias-variance trade-off, measured: bootstrap fits at every strength, judged on the rows they did not draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from taut.losses import Multinomial
from taut.path import LinearPath, Path, PathSpec
from taut.selection.crossval import Data, decisions
from taut.selection.folds import Float, Index
from taut.solvers.base import Progress

TOGETHER = 10
"""Fits that are asked of the engine at once, so that it may share its passes over X."""


@dataclass(frozen=True, eq=False)
class TradeOff:
    """Out-of-bag squared error of L strengths, split in two, and how often each of p features was used.

    With f_b the prediction (the mean: a number, a probability, a rate) of bootstrap fit b, f̄ their mean on a
    row over the fits that did not draw it, and means over rows by sample weight (and over outputs):

        error = E(f_b − y)² = variance + bias,    variance = E(f_b − f̄)²,    bias = E(f̄ − y)²  (bias² +
        noise)

    ``corrected_variance`` and ``corrected_bias`` remove f̄'s own noise and keep the sum: with B_i fits on row
    i, variance·B_i/(B_i − 1) and bias − variance/(B_i − 1). ``frequencies`` (L, p) is the share of the
    ``fits`` that used a feature (stability selection: Meinshausen and Bühlmann 2010, J. R. Statist. Soc. B
    72:417). ``rows`` were judged.
    """

    lambdas: Float
    error: Float
    variance: Float
    bias: Float
    corrected_variance: Float
    corrected_bias: Float
    frequencies: Float
    fits: int
    rows: int


def bootstrap(
    spec: PathSpec,
    data: Data,
    lambdas: Float,
    fits: int = 50,
    random_state: Any = None,
    progress: Progress | None = None,
) -> TradeOff:
    """Fit ``spec`` to ``fits`` ≥ 2 resamples of the rows at every λ, and measure bias, variance and use of features.

    A resample draws as many rows as have positive weight, with replacement; a row drawn twice counts twice.
    Raises ValueError where no row is left out by two fits.
    """
    if fits < 2:
        raise ValueError(f"fits = {fits}: bias and variance need at least 2 bootstrap fits")
    random, length = check_random_state(random_state), len(lambdas)
    spread = _Spread(_target(spec, data.y), length)
    used = np.zeros((length, data.X.shape[1]))
    for counts, path in _resampled(spec, data, lambdas, fits, random, progress):
        left_out = np.flatnonzero((counts == 0) & (data.weight > 0))
        spread.add(left_out, _predictions(path, data, left_out, length))
        used += uses(path)
    return spread.split(lambdas, data.weight, used / fits, fits)


def uses(path: Path) -> NDArray[np.bool_]:
    """Whether a path's predictions depend on each feature: (L, p)."""
    if isinstance(path, LinearPath):
        kept = path.coefs != 0
        return np.asarray(kept.any(axis=2) if kept.ndim == 3 else kept)
    from taut.path.network import (
        NetworkPath,  # imported where networks are used: it brings their engine along
    )

    assert isinstance(path, NetworkPath)  # the other kind of path is linear
    return path.kept_inputs


@final
class _Spread:
    """Running moments of the predictions of each row (n, L, k), by Welford's update, and their squared errors."""

    def __init__(self, target: Float, length: int) -> None:
        self.target = target
        self.count = np.zeros(target.shape[0])
        self.mean = np.zeros((target.shape[0], length, target.shape[1]))
        self.squares = np.zeros_like(self.mean)
        self.error = np.zeros(self.mean.shape[:2])

    def add(self, rows: Index, predictions: Float) -> None:
        """Predictions (m, L, k) of one fit for distinct rows."""
        self.count[rows] += 1
        step = predictions - self.mean[rows]
        self.mean[rows] += step / self.count[rows][:, None, None]
        self.squares[rows] += step * (predictions - self.mean[rows])
        self.error[rows] += ((predictions - self.target[rows][:, None]) ** 2).mean(axis=2)

    def split(self, lambdas: Float, weight: Float, frequencies: Float, fits: int) -> TradeOff:
        """Average over the rows that at least two fits left out."""
        judged = np.flatnonzero(self.count >= 2)
        if judged.size == 0:
            raise ValueError(f"no row was left out by two of {fits} bootstrap fits; use more fits")
        share, count = weight[judged] / weight[judged].sum(), self.count[judged][:, None]
        variance = self.squares[judged].mean(axis=2) / count
        bias = ((self.mean[judged] - self.target[judged][:, None]) ** 2).mean(axis=2)
        noise = variance / (count - 1)  # what f̄ still varies by: it is in the bias and lacks in the variance
        return TradeOff(
            lambdas,
            error=share @ (self.error[judged] / count),
            variance=share @ variance,
            bias=share @ bias,
            corrected_variance=share @ (variance + noise),
            corrected_bias=share @ (bias - noise),
            frequencies=frequencies,
            fits=fits,
            rows=judged.size,
        )


def _resampled(
    spec: PathSpec, data: Data, lambdas: Float, fits: int, random: Any, progress: Progress | None
) -> Iterator[tuple[Float, Path]]:
    """How often each row was drawn, and the path of that resample."""
    rows = np.flatnonzero(data.weight > 0)
    for start in range(0, fits, TOGETHER):
        drawn = [random.choice(rows, rows.size) for _ in range(min(TOGETHER, fits - start))]
        counts = np.array([np.bincount(draw, minlength=data.y.shape[0]) for draw in drawn], dtype=np.float64)
        paths = spec.fit(data.X, data.y, counts * data.weight, lambdas, data.offset, progress)
        if any(len(path) < len(lambdas) for path in paths):
            raise KeyboardInterrupt
        yield from zip(counts, paths, strict=True)


def _predictions(path: Path, data: Data, rows: Index, length: int) -> Float:
    """Means (m, L, k) of the rows at every λ."""
    X, _, _, offset = data.rows(rows)
    eta = decisions(path, X, length, offset)
    means = [np.asarray(path.loss.inverse_link(eta[:, index])) for index in range(length)]
    return np.stack([mean.reshape(rows.size, -1) for mean in means], axis=1)


def _target(spec: PathSpec, y: Float) -> Float:
    """What the predictions (n, k) should be: class codes become one column per class."""
    if isinstance(spec.loss, Multinomial) and y.ndim == 1:
        return np.eye(spec.loss.outputs(y))[y.astype(np.intp)]
    return y.reshape(y.shape[0], -1)
