"""How Newton methods begin at a strength and how far they step: the last change once more, and halving until F falls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from taut.types import Float

P = TypeVar("P")


class Accepted(NamedTuple, Generic[P]):
    """A point that a line search accepts, the part of the whole step that leads to it, and how many longer ones were not."""

    point: P
    step: float
    tried: int


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
    shorter: Callable[[], float] = lambda: 0.5,
) -> Accepted[P] | None:
    """The first of the points ``at`` the steps 1, t, t/2, t/4, … that is accepted, t what ``shorter`` says, ½ by default.

    ``total`` is F of a point, ``before`` that without a step, ``promised`` ≤ 0 the change that a whole step has promised.
    None where ``halvings`` points were not.
    """
    step = 1.0
    for tried in range(halvings):
        if tried:
            step = 0.5 * step if tried > 1 else shorter()
        point = at(step)
        if accepts(total(point) - before, step, promised, level):
            return Accepted(point, step, tried)
    return None
