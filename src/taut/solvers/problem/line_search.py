"""How Newton methods begin at a strength and how far they step: the last change once more, and halving until F falls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from taut.types import Float

P = TypeVar("P")


def extrapolated(coef: Float, before: Float) -> Float:
    """``coef`` after its last change from ``before`` once more (a grid's ratios are near one); a sign that would flip is 0."""
    further = coef + (coef - before)
    return np.where(further * coef > 0.0, further, 0.0)


def accepts(fall: float, step: float, promised: float, level: float) -> bool:
    """Whether F, changed by ``fall``, has kept a share of what ``step`` of a move has promised (Lee et al. 2014, eq. 2.18).

    A whole step may also change F by no more than rounding, ``level``.
    """
    return fall <= 1e-3 * step * promised or (step == 1.0 and abs(fall) <= level)


def backtrack(
    at: Callable[[float], P],
    total: Callable[[P], float],
    before: float,
    promised: float,
    level: float,
    halvings: int,
) -> tuple[P, int] | None:
    """The first of the points ``at`` the steps 1, ½, ¼, … that is accepted, and how often the step was halved.

    ``total`` is F of a point, ``before`` that without a step, ``promised`` ≤ 0 the change that a whole step has promised.
    None where ``halvings`` points were not.
    """
    for power in range(halvings):
        point = at(0.5**power)
        if accepts(total(point) - before, 0.5**power, promised, level):
            return point, power
    return None
