"""Unpenalised fits of a Huber loss: Newton steps on its quadratic pieces, each as long as the loss falls along it.

The loss is piecewise quadratic, and so is it along a line: where its slope is zero is found among the sorted places at which a
residual enters or leaves δ. Madsen and Nielsen, *BIT* 30 (1990) (finite algorithms for Huber's M-estimator); Clark and
Osborne, *SIAM J. Sci. Stat. Comput.* 7 (1986), §3.
"""

from __future__ import annotations

import numpy as np
import scipy

from taut.solvers.problem.tolerances import EPS, SQUARED_RANK
from taut.types import Float

_SHARE = 1e-3
"""Of its majorant's curvature that a row beyond δ is given: a step goes somewhere where too few rows are within δ."""

_STILL = 1e-150
"""Part of the longest move up to which a row stays where it is: the step that leads it anywhere may be beyond all numbers."""


def fit_huber(design: Float, away: Float, weight: Float, delta: float, fine: float, most: int) -> Float:
    """argmin_γ Σ s_i h(away_i + d_iᵀγ), h(r) = r² up to |r| = δ and 2δ|r| − δ² beyond.

    ``design`` (n, m) is a basis (DᵀSD = I), ``away`` (n,) are the residuals at γ = 0. It ends where no entry of the gradient
    is larger than ``fine`` times the sum of the rows' own, or where the rounding of the residuals is all that is left.
    """
    gamma, r = np.zeros(design.shape[1]), away
    noise = EPS * float(weight @ np.abs(away))
    for _ in range(most):
        slopes = weight * np.clip(r, -delta, delta)
        gradient, total = design.T @ slopes, float(np.abs(slopes).sum())
        if not float(np.abs(gradient).max(initial=0.0)) > max(fine * total, noise):
            break
        direction = _direction(design, r, weight, delta, gradient)
        toward = design @ direction
        step = line_minimum(r, toward, weight, delta)
        moved = gamma + step * direction
        if step == 0.0 or np.array_equal(moved, gamma):
            break
        gamma = moved
        r = away + design @ gamma
    return gamma


def _direction(design: Float, r: Float, weight: Float, delta: float, gradient: Float) -> Float:
    """−H⁻¹ gradient, H that of the rows within δ and a little of the others' majorants'."""
    size = np.abs(r)
    bend = weight * np.where(size <= delta, 1.0, _SHARE * delta / np.maximum(size, delta))
    root = np.sqrt(bend)[:, None] * design
    H = root.T @ root
    scale = np.sqrt(np.maximum(np.diag(H), 1e-280))
    H = H / np.multiply.outer(scale, scale)
    H[np.diag_indices_from(H)] += SQUARED_RANK
    return np.asarray(-scipy.linalg.solve(H, gradient / scale, assume_a="pos", check_finite=False) / scale)


def line_minimum(r: Float, toward: Float, weight: Float, delta: float, charge: float = 0.0) -> float:
    """The step t ≥ 0 at which ½ Σ s_i h(r_i + t·toward_i) + t·charge is least; 0 where it does not fall."""
    longest = float(np.abs(toward[weight > 0.0]).max(initial=0.0))
    if not 0.0 < longest < np.inf:
        return 0.0
    moving = (np.abs(toward) > _STILL * longest) & (weight > 0.0)
    # Squares of a step of length one are neither beyond all numbers nor below the least.
    r, toward, weight = r[moving], toward[moving] / longest, weight[moving]
    slope = float(weight * toward @ np.clip(r, -delta, delta)) + charge / longest
    return _first_flat(r, toward, weight, delta, slope) / longest if slope < 0.0 else 0.0


def _first_flat(r: Float, toward: Float, weight: Float, delta: float, slope: float) -> float:
    """The step at which a ``slope`` that is negative at 0 has risen to zero."""
    # Row i is within δ from ``middle`` − ``half`` to ``middle`` + ``half``: there the slope rises by s·toward² per unit of t.
    middle, half = -r / toward, delta / np.abs(toward)
    bend = weight * toward**2
    places = np.concatenate([middle - half, middle + half])
    changes = np.concatenate([bend, -bend])
    ahead = places > 0.0
    now = float(bend[(middle - half <= 0.0) & (middle + half > 0.0)].sum())
    order = np.argsort(places[ahead])
    places, bends = places[ahead][order], now + np.concatenate([[0.0], np.cumsum(changes[ahead][order])])
    widths = np.diff(places, prepend=0.0)
    slopes = slope + np.concatenate([[0.0], np.cumsum(bends[:-1] * widths)])
    past = np.flatnonzero(slopes[1:] >= 0.0)
    if not past.size:
        return float(places[-1]) if places.size else 0.0
    piece = int(past[0])
    start = float(places[piece - 1]) if piece else 0.0
    return start - float(slopes[piece]) / float(bends[piece]) if bends[piece] > 0.0 else float(places[piece])
