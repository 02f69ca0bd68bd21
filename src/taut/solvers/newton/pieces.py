"""Losses that go on as lines, like Huber's, where Newton's own steps see one kink after the other: what their pieces know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from taut.losses import Loss
from taut.solvers.base import LinearProblem
from taut.solvers.problem.huber_fit import fit_huber, line_minimum
from taut.types import Float

_STEPS = 100
"""Newton steps of a refit, at most."""
_NARROWING = 3.0
"""Ratio of one δ to the next where a loss is reached from a wider one."""
_NARROW = 0.02
"""δ over a typical residual of the null model below which lengths from pieces, not a Hessian that is kept, lead on."""


def is_nearly_absolute(problem: LinearProblem) -> bool:
    """Whether a loss of one output goes on as lines from so small a δ that nearly all rows of the null model are on theirs."""
    delta = problem.loss.linear_beyond
    if delta is None:
        return False
    y = problem.y if problem.offset is None else problem.y - problem.offset
    away = y[problem.weight > 0.0]
    with np.errstate(over="ignore"):  # beyond all numbers δ is small, too
        typical = float(np.median(np.abs(away - np.median(away))))
        unit = float(np.std(away)) if problem.standardize else 1.0
        return bool(delta * unit < _NARROW * typical)


@final
@dataclass(frozen=True, eq=False)
class Pieces:
    """The loss mean_c h_δ(η_c − y_c) on rows of ``weight`` (n,), y (k, n), δ of ``Loss.linear_beyond``."""

    loss: Loss
    delta: float
    y: Float
    weight: Float

    @classmethod
    def of(cls, loss: Loss, y: Float, weight: Float) -> Pieces | None:
        """The pieces of a loss for y (n,) or (n, k); None where it has none."""
        delta = loss.linear_beyond
        return None if delta is None else cls(loss, delta, y.reshape(len(y), -1).T, weight)

    def refitted(self, basis: Float, eta: Float, fine: float) -> Float:
        """γ (m, k) at which η (k, n) and the columns of ``basis`` (n, m) times γ fit best, output by output."""
        moves = [
            fit_huber(basis, own, self.weight, self.delta, fine, _STEPS)
            for own in np.ascontiguousarray(eta - self.y)
        ]
        return np.stack(moves, axis=1)

    def longest(self, eta: Float, toward: Float, charge: float) -> float:
        """The step below 1 at which loss and a penalty's chord, ``charge`` for a whole step, are least; ½ where none is."""
        weight = np.broadcast_to(self.weight, toward.shape).ravel()
        # A row gradient is 2/k of what ``line_minimum`` knows of.
        own = 0.5 * len(self.y) * charge
        found = line_minimum((eta - self.y).ravel(), toward.ravel(), weight, self.delta, own)
        return found if 0.0 < found < 1.0 else 0.5

    def wider(self, eta: Float) -> list[Loss]:
        """Losses whose δ comes down from the largest residual at η (k, n) towards their own."""
        largest = float(np.abs((eta - self.y)[:, self.weight > 0.0]).max(initial=0.0))
        count = int(np.ceil(np.log(max(largest / self.delta, 1.0)) / np.log(_NARROWING)))
        return [self.loss.in_units(_NARROWING**power) for power in range(count, 0, -1)]
