"""An intercept alone at its optimum: a root of a monotone sum, bracketed, so that no loss and no offset can miss it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from taut.losses import Huber, Loss, Multinomial, Poisson, SquaredError
from taut.losses.links import NEVER
from taut.solvers.matrix import Float
from taut.solvers.rows import Rows, rows_of

_STEPS = 500
_ROUNDED = 1e-15
"""Share of the row gradients that their sum may have left: what n roundings leave of a sum of n terms."""


class Centred(NamedTuple):
    """How far the intercept moved, and η, loss and negative row gradients there."""

    shift: float
    eta: Float
    loss: float
    pull: Float


def centre(rows: Rows, eta: Float, size: float = 0.0, fine: float = _ROUNDED) -> Centred:
    """Move all of η by the number at which the row gradients sum to at most ``fine`` of their sizes.

    ``size`` is that of the intercept in η, whose last digit no step can be below.

    Newton's method within a bracket, which is found by steps that grow: Brent, *Algorithms for Minimization without
    Derivatives* (1973), ch. 4, has the idea.
    """
    here = Centred(0.0, eta, *rows.at(eta))
    low, high, reach, gallop = -np.inf, np.inf, 1.0, 0
    for _ in range(_STEPS):
        total = float(here.pull.sum())
        if abs(total) <= fine * float(np.abs(here.pull).sum()):
            break
        low, high = (here.shift, high) if total > 0.0 else (low, here.shift)
        slope = rows.slopes(here.eta)
        step = total / slope if slope > 0.0 and np.isfinite(total / slope) else np.copysign(np.inf, total)
        if abs(step) <= 2e-16 * max(1.0, size + abs(here.shift)):
            break
        if np.isfinite(low) and np.isfinite(high):
            gallop += 1
            target = here.shift + step
            if not low < target < high or gallop % 4 == 0:
                target = 0.5 * (low + high)
            if target in (low, high):
                break
        else:
            # Three steps one way: where the loss is exponential, Newton's are all as short.
            gallop += 1
            length = reach if gallop > 3 else min(abs(step), reach)
            target, reach = here.shift + np.copysign(length, total), 2.0 * reach
        moved = eta + target
        here = Centred(float(target), moved, *rows.at(moved))
    return here


def best_intercept(loss: Loss, base: Float, y: Float, weight: Float) -> Float:
    """argmin_b Σ s_i ℓ(base_i + b, y_i): (), or (k,) where base is (n, k); −36.04 beyond the data where it is infinite.

    Poisson: log Σ s y − log Σ s e^base. A number added to every class of a softmax changes nothing, so that for classes a
    base that is the same for all of them has none.
    """
    if isinstance(loss, Poisson):
        counted = weight > 0.0
        mean = float(weight @ y)
        top = logsumexp(base[counted], b=weight[counted])
        return np.asarray((np.log(mean) if mean > 0.0 else NEVER) - top)
    if isinstance(loss, SquaredError | Huber):
        return np.asarray(loss.null(y - base, weight))
    start = np.asarray(loss.null(y, weight))
    if isinstance(loss, Multinomial) or not base.any():
        return start
    start = start - weight @ base
    return np.asarray(start + centre(rows_of(loss, y, weight), base + start, abs(float(start))).shift)
