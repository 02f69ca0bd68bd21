"""An intercept alone at its optimum: a root of a monotone sum, bracketed, so that no loss and no offset can miss it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from taut.losses import BoundLoss
from taut.solvers.problem.rows import compiled
from taut.solvers.problem.tolerances import EPS
from taut.types import Float

_STEPS = 500
_PATIENCE = 6
"""Steps after which a closed form is asked for, where the loss has one: a few steps are faster."""
_LONGEST = 1e300
"""A step that stands for one without end."""
_ROUNDED = 1e-15
"""Share of the row gradients that their sum may have left: what n roundings leave of a sum of n terms."""


_BOUNDLESS = 1e100
"""A null model's loss whose square, times anything, may be beyond all numbers."""


def check_null_loss(loss: float) -> float:
    """``loss`` of the null model; ValueError where offsets expect counts so large that no fit can be told from another."""
    if not loss <= _BOUNDLESS:
        raise ValueError(
            f"without a coefficient the loss is {loss:.0e}, beyond what can be fitted: an offset is the logarithm of an "
            "exposure, not the exposure; fit an intercept without penalty, or subtract a constant from the offset"
        )
    return loss


class Centred(NamedTuple):
    """How far the intercept moved, and η, loss and negative row gradients there."""

    shift: float
    eta: Float
    loss: float
    pull: Float


def centre(rows: BoundLoss, eta: Float, fine: float = _ROUNDED) -> Centred:
    """Move all of η by the number at which the row gradients sum to at most ``fine`` of their sizes.

    Newton's method within a bracket, which is found by steps that grow: Brent, *Algorithms for Minimization without
    Derivatives* (1973), ch. 4, has the idea. It ends where what is left is the rounding of the sum, or of η itself.
    """
    here, bracket, reach, count = Centred(0.0, eta, *rows.at(eta)), (-np.inf, np.inf), rows.reach, 0
    for count in range(_STEPS):
        total = float(here.pull.sum())
        if not abs(total) > fine * float(np.abs(here.pull).sum()):
            break  # also where nothing is a number any more
        bends = rows.weight * rows.curvature(here.eta)
        if abs(total) <= _eta_rounding(bends, here.eta):
            break
        bracket = (here.shift, bracket[1]) if total > 0.0 else (bracket[0], here.shift)
        target, reach = _next(here.shift, total, float(bends.sum()), bracket, reach, count)
        closed = rows.loss.best_shift(eta, rows.y, rows.weight) if count == _PATIENCE else None
        target = target if closed is None else float(closed)
        if target in (here.shift, *bracket):
            break
        moved = eta + target
        here = Centred(target, moved, *rows.at(moved))
    return here


def _eta_rounding(bends: Float, eta: Float) -> float:
    """What the rounding of η does to the sum of row gradients; 0 where that is beyond all numbers."""
    with np.errstate(over="ignore"):
        error = EPS * float(bends @ np.abs(eta))
    return error if np.isfinite(error) else 0.0


def _next(
    at: float, total: float, slope: float, bracket: tuple[float, float], reach: float, count: int
) -> tuple[float, float]:
    """Where to look for the root of the sum next, and the longest step after that."""
    step = total / slope if slope > abs(total) / _LONGEST else float(np.copysign(_LONGEST, total))
    low, high = bracket
    if np.isfinite(low) and np.isfinite(high):
        inside = low < at + step < high and count % 4 != 3
        return (at + step if inside else 0.5 * (low + high)), reach
    # After three steps one way: where the loss is exponential, Newton's are all as short.
    length = reach if count > 3 else min(abs(step), reach)
    return at + float(np.copysign(length, total)), 2.0 * reach


def best_intercept(bound: BoundLoss, base: Float) -> Float:
    """argmin_b Σ s_i ℓ(base_i + b, y_i): (), or (k,) where base is (n, k); −36.04 beyond the data where it is infinite.

    In closed form where the loss has one (``Loss.best_shift``), else by ``centre`` from the null model.
    """
    loss, y, weight = bound.loss, bound.y, bound.weight
    closed = loss.best_shift(base, y, weight)
    if closed is not None:
        return closed
    start = np.asarray(loss.null(y, weight))
    if not base.any():
        return start
    start = start - weight @ base
    return np.asarray(start + centre(compiled(bound), base + start).shift)
