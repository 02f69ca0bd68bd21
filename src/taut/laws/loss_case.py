"""A loss with targets and predictors to check it at, and what a broken law says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from taut.laws.requirement import require
from taut.losses import Loss
from taut.types import Real

TINY = 1e-9


@dataclass(frozen=True)
class Case:
    """A loss, targets it takes, and a source of predictors at one scale."""

    loss: Loss
    y: Real
    scale: float
    rng: np.random.Generator

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of η: (n,) or (n, k)."""
        n = len(self.y)
        return (n, self.loss.outputs(self.y)) if self.loss.multi_output(self.y) else (n,)

    def predictors(self) -> Real:
        """Any η, about as large as ``scale``."""
        return self.scale * self.rng.normal(size=self.shape)

    def constant(self, value: Any) -> Real:
        """η with the same ``value``, 0-d or (k,), in every row."""
        return np.broadcast_to(np.asarray(value, dtype=np.float64), self.shape).copy()

    def weights(self) -> Real:
        """Row weights that do not sum to 1, a quarter of them 0."""
        weight = self.rng.uniform(0.5, 3, size=len(self.y)) * (self.rng.uniform(size=len(self.y)) > 0.25)
        weight[0] = 1.0
        return weight

    def inner(self, u: Real, eta: Real) -> Real:
        """⟨u_i, η_i⟩ of every row."""
        return np.asarray(np.sum((u * eta).reshape(len(self.y), -1), axis=1))

    def directions(self) -> Iterator[Real]:
        """The coordinate directions of a row's η, the same in all rows."""
        if len(self.shape) == 1:
            yield np.ones(self.shape)
            return
        for unit in np.eye(self.shape[1]):
            yield self.constant(unit)

    def require(self, law: str, excess: Any, tol: Any = 0.0) -> None:
        """Raise AssertionError, naming the law, unless every ``excess`` is ≤ ``tol``; NaN fails too."""
        require(repr(self.loss), law, excess, tol)

    def equal(self, law: str, actual: Any, expected: Any, tol: float = TINY) -> None:
        """``require`` that two results are the same, entry by entry, relative to their size beyond 1."""
        a, b = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
        self.require(f"{law}: shapes {a.shape} and {b.shape} agree", a.shape != b.shape)
        with np.errstate(invalid="ignore"):
            gap = np.where(a == b, 0.0, np.abs(a - b))
        self.require(law, gap, tol * np.maximum(1.0, np.where(np.isfinite(b), np.abs(b), 1.0)))


Law: TypeAlias = Callable[[Case], None]
