"""The bias-variance trade-off, measured: bootstrap fits at every strength, judged on the rows they did not draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Integral
from typing import Any, Unpack, final

import numpy as np

from taut.messages import written
from taut.options import SpecOptions
from taut.path import Path, PathSpec, check_lambdas, make_spec, strength_count
from taut.selection.adaptive import fit_members
from taut.selection.data import Data, as_data, decisions
from taut.selection.resamples import RESAMPLES, resamples
from taut.signature import explains_arguments
from taut.solvers import Progress
from taut.splitters import generator
from taut.types import Float, Index

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
    ``fits`` that used a feature, ``ever_used`` (L, p) the share that used it at this strength or a stronger one:
    what ``taut.stability`` selects by. ``rows`` were judged; ``resample`` says how the rows were drawn.
    """

    lambdas: Float
    error: Float
    variance: Float
    bias: Float
    corrected_variance: Float
    corrected_bias: Float
    frequencies: Float
    ever_used: Float
    fits: int
    rows: int
    resample: str = "bootstrap"


@explains_arguments(SpecOptions)
def bias_variance(
    X: Any,
    y: Any,
    *,
    fits: int = 50,
    resample: str = "bootstrap",
    lambdas: int | Sequence[float] | Float | None = None,
    sample_weight: Any = None,
    offset: Any = None,
    adaptive: float = 0.0,
    progress: Progress | None = None,
    **options: Unpack[SpecOptions],
) -> TradeOff:
    """Measure bias² + noise, variance and out-of-bag error at every λ of a path, and how often each feature is used.

    ``fits`` ≥ 2 resamples of the rows: ``resample="bootstrap"`` draws n rows with replacement, ``"half"`` n/2 without,
    in complementary pairs (what the error bound of ``taut.stability`` assumes; bias and variance are then those of
    half the rows). Classes are drawn each on its own, so that no resample lacks one; the row of a class that has only one
    is always drawn and never judged. A resample with one y alone is drawn anew, and a warning says how many were.

    ``lambdas``: as in ``fit_path``, the grid of all rows; None is 100, or 30 for a network. ``options`` are the other
    arguments of ``fit_path``: ``loss``, ``penalty``, ``hidden``, ``tol``, ``random_state`` (which also draws the rows) and
    so on; ``adaptive`` as in ``cross_validate``. Returns a ``TradeOff``. Raises ValueError for an argument that is not
    valid, and where no row is left out by two fits.

    Breiman (1996, bagging, *Machine Learning* 24:123); Geman, Bienenstock and Doursat (1992, *Neural Comp.* 4:1).
    """
    spec = make_spec(**options)
    data = as_data(spec, X, y, sample_weight, offset)
    wanted = check_lambdas(strength_count(lambdas, spec.hidden))
    if isinstance(wanted, int):
        wanted = spec.grid(spec.linear_problem(data.X, data.y, data.weight, data.offset), wanted)
    return bootstrap(spec, data, wanted, fits, spec.random_state, progress, resample, adaptive)


def bootstrap(
    spec: PathSpec,
    data: Data,
    lambdas: Float,
    fits: int = 50,
    random_state: Any = None,
    progress: Progress | None = None,
    resample: str = "bootstrap",
    adaptive: float = 0.0,
) -> TradeOff:
    """Fit ``spec`` to ``fits`` ≥ 2 resamples of the rows at every λ, and measure bias, variance and use of features.

    A resample draws as many rows as have positive weight, with replacement; a row drawn twice counts twice. Classes are
    drawn on their own, as in ``bias_variance``. Raises ValueError where no row is left out by two fits.
    """
    if not isinstance(fits, Integral) or fits < 2:
        raise ValueError(f"fits = {written(fits)}: bias and variance need at least 2 bootstrap fits")
    if resample not in [*RESAMPLES]:
        raise ValueError(f"resample must be one of {sorted(RESAMPLES)}, got {resample!r}")
    random, length = generator(random_state), len(lambdas)
    spread = _Spread(_target(spec, data.y), length)
    used = np.zeros((length, data.X.shape[1]))
    ever = np.zeros_like(used)
    counts = resamples(spec, data, fits, resample, random)
    for drawn, path in _resampled(spec, data, lambdas, counts, progress, adaptive):
        left_out = np.flatnonzero((drawn == 0) & (data.weight > 0))
        if left_out.size:  # of few rows a resample may draw every one
            spread.add(left_out, _predictions(path, data, left_out, length))
        now = path.used
        used += now
        ever += np.logical_or.accumulate(now, axis=0)
    return spread.split(lambdas, data.weight, (used / fits, ever / fits), fits, resample)


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

    def split(
        self, lambdas: Float, weight: Float, used: tuple[Float, Float], fits: int, resample: str
    ) -> TradeOff:
        """Average over the rows that at least two fits left out."""
        judged = np.flatnonzero(self.count >= 2)
        if judged.size == 0:
            raise ValueError(
                f"no row was left out by two of {fits} fits to resamples: give more fits, or more rows"
            )
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
            frequencies=used[0],
            ever_used=used[1],
            fits=fits,
            rows=judged.size,
            resample=resample,
        )


def _resampled(
    spec: PathSpec,
    data: Data,
    lambdas: Float,
    draws: Iterator[Float],
    progress: Progress | None,
    adaptive: float,
) -> Iterator[tuple[Float, Path]]:
    """How often each row was drawn, and the path of that resample; a few at a time."""
    while batch := list(islice(draws, TOGETHER)):
        counts = np.array(batch)
        paths = fit_members(spec, data, counts * data.weight, lambdas, progress, adaptive)
        if len(paths) < len(batch) or any(len(path) < len(lambdas) for path in paths):
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
    if spec.loss.traits.couples_outputs and y.ndim == 1:
        return np.eye(spec.loss.outputs(y))[y.astype(np.intp)]
    return y.reshape(y.shape[0], -1)
