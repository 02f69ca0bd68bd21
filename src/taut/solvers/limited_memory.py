"""Limited-memory quasi-Newton directions: the two-loop recursion over the last few (step, change) pairs.

Nocedal and Wright, *Numerical Optimization* (2006), algorithm 7.4.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from taut.solvers.layout import Vector

Pair = tuple[Vector, Vector, float]


@dataclass(eq=False)
class LimitedMemory:
    """The last ten pairs (s, y, 1/sᵀy) with positive curvature. Updated in place."""

    pairs: deque[Pair] = field(default_factory=lambda: deque(maxlen=10))

    def remember(self, step: Vector, change: Vector) -> None:
        """Keep the pair if sᵀy > 0, so that the approximation stays positive definite."""
        curvature = float(step @ change)
        if curvature > 1e-10 * float(step @ step):
            self.pairs.append((step, change, 1.0 / curvature))

    def forget(self) -> None:
        """Drop all pairs."""
        self.pairs.clear()

    def times(self, vector: Vector) -> Vector:
        """H·vector, H the inverse Hessian approximation; the vector itself where nothing is known yet."""
        if not self.pairs:
            return vector.copy()
        q, coefficients = vector.copy(), []
        for step, change, inverse in reversed(self.pairs):
            coefficient = inverse * float(step @ q)
            coefficients.append(coefficient)
            q -= coefficient * change
        _, change, inverse = self.pairs[-1]
        q *= 1.0 / (inverse * float(change @ change))
        for (step, change, inverse), coefficient in zip(self.pairs, reversed(coefficients), strict=True):
            q += (coefficient - inverse * float(change @ q)) * step
        return np.asarray(q)
