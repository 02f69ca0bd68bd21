"""How Newton methods begin at a strength and how far they step: the last change once more, and halving until F falls.

Nocedal and Wright, *Numerical Optimization* (2nd ed.), §3.1 (backtracking).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar, final

import numpy as np

from taut.losses import BoundLoss
from taut.solvers.problem.rows import level_of
from taut.solvers.problem.tolerances import EPS, rounding
from taut.types import Float

P = TypeVar("P")

_REACH = 1e3
"""How far a Newton step may take η, in units of η's own size beyond 1."""
LONGER = 0.55
"""Share of its slope by which a whole Newton step lowers F, ½ where F is its model, from which longer steps are tried."""
_HALVINGS = 40
"""Of a step of an unpenalised fit, at most."""
_IDLE = 4
"""Steps after which those that neither lower F by more than rounding nor halve the measure have come to rest."""


@final
class Standstill:
    """Whether steps have come to rest on rounding: those that neither lower F by more than it nor halve a measure."""

    def __init__(self, measure: float = np.inf) -> None:
        self.least, self._mark, self.idle = measure, 0.5 * measure, 0

    def reached(self, measure: float, told: bool) -> bool:
        """Take note of a step's measure; ``told``: whether F falls by more than its rounding."""
        moving = told or measure <= self._mark
        self.least = min(self.least, measure)
        self._mark, self.idle = (0.5 * self.least, 0) if moving else (self._mark, self.idle + 1)
        return self.idle >= _IDLE


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


def is_rounding(toward: Float, eta: Float) -> bool:
    """Whether a step changes η by no more than its last digits."""
    return bool(np.all(np.abs(toward) <= 2.0 * EPS * np.maximum(1.0, np.abs(eta))))


def is_untold(bound: BoundLoss, eta: Float, slope: float) -> bool:
    """Whether a step of this slope promises no more than the rounding of the loss at η.

    Where one row has nearly all the weight, the others' share of a gradient may look like rounding and is not.
    """
    return -slope <= max(1e-13 * abs(bound.value(eta)), level_of(bound.loss))


def held_back(direction: Float, design: Float, eta: Float, weight: Float) -> tuple[Float, Float]:
    """A step and what it does to η, ``design`` (n, m) times it, no longer than η's own size by a thousand.

    Where every row is saturated curvature says nothing of how far to go; one that is beyond all numbers goes nowhere.
    """
    rows = weight > 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        toward = design @ direction
    move = float(np.abs(toward[rows]).max(initial=0.0))
    if not np.isfinite(move):
        return np.zeros_like(direction), np.zeros_like(toward)
    most = _REACH * (1.0 + float(np.abs(eta[rows]).max(initial=0.0)))
    if move <= most:
        return direction, toward
    return direction * (most / move), toward * (most / move)


def line_search(bound: BoundLoss, eta: Float, toward: Float, slope: float) -> float:
    """A length of the step η + t·toward along which L falls by a share of its ``slope``; 0.0 where rounding leaves none.

    Halved until it does, or doubled where L falls by more than a quadratic would.
    """
    if not slope < 0.0:
        return 0.0

    def loss(step: float) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return bound.value(eta + step * toward)

    value, first = bound.value(eta), loss(1.0)
    rounded = 1e-14 * max(1.0, abs(value))
    if first - value <= LONGER * slope:
        return _longer(loss, first, rounded)
    # Where the promised fall is rounding, L may not tell it from none; it must not rise either.
    level = rounding(value, 0.0) if abs(slope) <= rounded else 0.0
    found = backtrack(lambda t: first if t == 1.0 else loss(t), float, value, slope, level, _HALVINGS)
    return 0.0 if found is None else found.step


def _longer(loss: Callable[[float], float], least: float, level: float) -> float:
    """The last of the steps 2, 4, 8, … that goes on lowering L, by more than ``level``."""
    step = 1.0
    while (found := loss(2.0 * step)) < least - level:
        step, least = 2.0 * step, found
    return step
