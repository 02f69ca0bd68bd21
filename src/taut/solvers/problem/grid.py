"""The λ grid of a path: log-spaced from the smallest strength at which every penalised coefficient is zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from taut.penalties import Penalty
from taut.types import Float


class Start(Protocol):
    """What a grid needs to know of a problem on F's scale."""

    @property
    def penalty(self) -> Penalty:
        """The penalty at strength 1."""

    @property
    def null_gradient(self) -> Float:
        """∇L at the null model, zero on unpenalised columns."""

    @property
    def reference(self) -> float:
        """Null loss minus saturated loss."""

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows that count, and columns."""

    @property
    def squared(self) -> bool:
        """Whether the loss is the squared one."""


def lambda_max(start: Start) -> float:
    """Smallest strength at which every penalised coefficient is zero; inf for L2 alone, which never zeroes one."""
    return float(start.penalty.lambda_max(start.null_gradient))


def grid_top(start: Start) -> float:
    """λ_max; for L2 alone the top of glmnet's grid, 1000·max|g|/(2 sd(y)) for squared loss and 500·max|g| otherwise."""
    top = lambda_max(start)
    if np.isfinite(top):
        return top
    largest = float(np.abs(start.null_gradient).max(initial=0.0))
    if not start.squared:
        return 500.0 * largest
    # The null loss of the squared loss is the variance of y.
    return 1000.0 * largest / (2.0 * np.sqrt(start.reference)) if start.reference > 0 else 0.0


def grid_for(start: Start, lambdas: int | Sequence[float] | Float) -> Float:
    """The strengths as given, or ``lambdas`` of them log-spaced from λ_max to λ_max·ε, ε = 1e-4 where n > p, else 1e-2.

    For L2 alone, whose top is a thousand times where anything happens, ε is squared.
    """
    if not isinstance(lambdas, int):
        return np.asarray(lambdas, dtype=np.float64)
    top = grid_top(start)
    if top <= 0.0:
        # Nothing correlates with the target: any strength gives the null model, one is enough to say so.
        return np.array([1.0])
    return spaced(top, start, lambdas)


def spaced(top: float, start: Start, count: int) -> Float:
    """``count`` strengths from ``top`` down."""
    rows, p = start.sizes
    power = 1.0 if np.isfinite(lambda_max(start)) else 2.0
    return np.asarray(top * np.geomspace(1.0, (1e-4 if rows > p else 1e-2) ** power, count))
