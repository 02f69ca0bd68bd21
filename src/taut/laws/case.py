"""Random points at which the laws of a penalty are checked, and the ways to say that one is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.arrays import to_numpy
from taut.laws.requirement import require
from taut.penalties import Penalty
from taut.types import Float

TINY = 1e-9
"""Rounding, relative: a few steps in double precision lose far less, a wrong formula far more."""


@dataclass(frozen=True)
class PenaltyCase:
    """A penalty, the shape of its weights, and a source of random points at one scale."""

    penalty: Penalty
    shape: tuple[int, ...]
    scale: float
    rng: np.random.Generator

    @property
    def n(self) -> int:
        """The number of features."""
        return self.shape[0]

    def points(self) -> Float:
        """Any points, about as large as ``scale``, none within a hundredth of it from 0."""
        sign = self.rng.choice([-1.0, 1.0], size=self.shape)
        return sign * self.scale * self.rng.uniform(0.01, 2.0, size=self.shape)

    def projected(self, w: Float) -> Float:
        """The points of the penalty's domain next to w: a prox with hardly any step."""
        return to_numpy(self.penalty.prox(w, 1e-13 * self.scale))

    def weights(self) -> Float:
        """Points of the domain, a third of them 0."""
        return self.projected(self.points()) * (self.rng.uniform(size=self.shape) > 1 / 3)

    def step(self) -> float:
        """A step at which the prox is defined."""
        limit = 0.9 / max(self.penalty.traits.weak_convexity, 0.1)
        return float(limit * np.exp(self.rng.uniform(np.log(1e-3), 0.0)))

    def steps(self) -> Float:
        """Steps for a diagonal metric; all the same where the penalty refuses steps that differ, as one without a
        closed form may."""
        each = np.array([self.step() for _ in range(int(np.prod(self.shape)))]).reshape(self.shape)
        try:
            self.penalty.prox(np.zeros(self.shape), each)
        except ValueError:
            if self.penalty.traits.separable:
                raise
            return np.full(self.shape, self.step())
        return each

    def free(self) -> NDArray[np.bool_]:
        """Which entries may leave 0 without a price."""
        found = np.zeros(self.shape, dtype=bool)
        for index in np.ndindex(self.shape):
            for sign in (-1.0, 1.0):
                w = np.zeros(self.shape)
                w[index] = sign * self.scale
                w = self.projected(w)
                found[index] |= bool(w[index] != 0 and self.penalty.value(w) == 0)
        return found

    def require(self, law: str, excess: Any, tol: float = 0.0) -> None:
        """Raise AssertionError, naming the law, unless all entries of ``excess`` are ≤ ``tol``; NaN fails."""
        require(repr(self.penalty), law, excess, tol)

    def equal(self, law: str, actual: Any, expected: Any, tol: float = TINY) -> None:
        """``require`` that two results are the same, relative to their size beyond 1."""
        a, b = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            gap = np.where(a == b, 0.0, np.abs(a - b))
        finite = np.abs(b[np.isfinite(b)])
        self.require(law, gap, tol * float(np.max(finite, initial=1.0)))


def inner(a: Float, b: Float) -> float:
    """⟨a, b⟩."""
    return float(np.sum(a * b))
