"""Confusion: which classes the chosen model takes for which on the test rows, and how well it puts them in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.types import Float


@dataclass(frozen=True, eq=False)
class Confusion:
    """The test rows by class: ``counts`` (k, k), the weight of the rows of class i that are predicted to be of class j.

    ``auc``: the area under the ROC curve, P(η of a row of the class > η of another row) + ½ P(equal); for more than two
    classes the mean over the classes that have test rows, each against the others. NaN where all test rows are of one class.

    Hanley and McNeil, *Radiology* 143 (1982).
    """

    counts: Float
    auc: float


def confusion_of(eta: Float, y: Float, weight: Float, k: int) -> Confusion:
    """The confusion of k classes from η (n,) or (n, k), codes y (n,) and row weights (n,)."""
    single = eta.ndim == 1
    predicted = (eta > 0).astype(np.intp) if single else eta.argmax(axis=1)
    cells = np.bincount(y.astype(np.intp) * k + predicted, weight, k * k).astype(np.float64)
    scores = eta[:, None] if single else eta
    areas = [
        area_under_curve(scores[:, j], y == (1 if single else j), weight) for j in range(scores.shape[1])
    ]
    known = [area for area in areas if np.isfinite(area)]
    return Confusion(cells.reshape(k, k), float(np.mean(known)) if known else float("nan"))


def area_under_curve(score: Float, positive: NDArray[np.bool_], weight: Float) -> float:
    """P(score of a positive row > that of a negative one) + ½ P(equal), rows (n,) drawn by their weights; NaN without both."""
    place: Any = np.unique(score, return_inverse=True)[1]
    has, has_not = (np.bincount(place, weight * kind) for kind in (positive, ~positive))
    total = has.sum() * has_not.sum()
    below = np.cumsum(has_not) - 0.5 * has_not
    return float(has @ below / total) if total > 0 else float("nan")
