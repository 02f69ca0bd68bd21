"""Temperature: one number that makes probabilities as sure as they have been right on held-out rows."""

from __future__ import annotations

import numpy as np
import scipy

from taut.losses import Loss
from taut.selection.choice import paired_gain
from taut.selection.data import Data
from taut.types import Float, Index

RANGE = (1 / 30, 30.0)
"""Temperatures that are looked at."""
ERRORS_NEEDED = 1.0
"""A temperature is kept where it lowers the loss by more than this many standard errors."""


def find_temperature(loss: Loss, eta: Float, data: Data, blocks: Index | None = None) -> float:
    """The T > 0 at which η/T has the smallest loss on rows that were held out, or 1 where that gains too little.

    ``eta`` (n,) or (n, k): out-of-fold η, NaN where a row never was held out. T > 1 means that probabilities were too sure
    of themselves. The loss is convex in 1/T; what it gains is judged row by row, or by ``blocks``, as a network is
    (``paired_gain``): by more than one standard error.

    Guo, Pleiss, Sun and Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017, §4.2.
    """
    judged = np.isfinite(eta.reshape(len(eta), -1)).all(axis=1) & (data.weight > 0)
    y, weight = data.y[judged], data.weight[judged]

    def losses(log_temperature: float) -> Float:
        return np.asarray(loss.pointwise(eta[judged] / np.exp(log_temperature), y))

    found = scipy.optimize.minimize_scalar(
        lambda log: float(weight @ losses(log)), bounds=tuple(np.log(RANGE)), method="bounded"
    )
    counts = None if data.counts is None else data.counts[judged]
    own = None if blocks is None else blocks[judged]
    gain, error = paired_gain(losses(0.0), losses(found.x), weight, counts, own)
    return float(np.exp(found.x)) if gain > ERRORS_NEEDED * error else 1.0
