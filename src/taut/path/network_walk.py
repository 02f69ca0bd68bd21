"""The walk of one network along λ, dense to sparse: train from the last λ's weights, finish, compare with
the linear model.

A warm network can sit in a basin above even the null model when λ is large, so every λ's result is compared
with the linear solution of the same λ, which the network contains (its skip connection; without one, the
null model), and the lower F is kept. After the linear one has won a few strengths running, the rest of the
path is linear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from taut.path.base import Float
from taut.solvers.base import Certificate, Measure
from taut.solvers.full_batch import Point
from taut.solvers.layout import Vector
from taut.solvers.member import Rows
from taut.solvers.trainer import Trainer
from taut.solvers.training import Training

TIE = 1e-6
"""A network must be better by this share of F: below it the linear solution, which has a certificate, is taken."""
LEFT = "stationarity residual above finish_tol: raise finish_iterations, or max_epochs"


class Linear(Protocol):
    """The linear solutions of one member along the grid."""

    def vector(self, index: int) -> Vector:
        """The network that equals the linear solution at grid position ``index``."""

    def certificate(self, index: int) -> Certificate:
        """How far that solution is from optimal among the linear ones."""


@dataclass(frozen=True, eq=False)
class Step:
    """One λ finished: the point kept, its certificate, and whether the linear model won."""

    point: Point
    certificate: Certificate
    linear: bool


@dataclass(frozen=True)
class Position:
    """Where on the grid: index, strength, whether it is trained first, and the seed of its mini-batches."""

    index: int
    lam: float
    first: bool
    seed: int

    def order(self, epoch: int, n: int) -> Rows:
        """The row order of ``epoch``: the same for all members, however many epochs the others took."""
        return np.random.default_rng([self.seed, self.index, epoch]).permutation(n)


@dataclass(eq=False)
class Walker:
    """One member on its way: its trainer, the unit of its residuals, and the linear model's wins running."""

    trainer: Trainer
    linear: Linear
    fresh: Vector
    scale: float
    wins: int = 0
    ahead: bool = False

    @property
    def training(self) -> Training:
        """The settings."""
        return self.trainer.training

    def step(self, position: Position) -> Step:
        """Solve one λ and move on to it: warm; and where the linear solution is better, once more from there."""
        rival = self.linear.vector(position.index)
        if self.wins < self.training.linear_wins:
            bound = self.trainer.objective(rival, position.lam)
            for start in (None, self._beside(rival))[: 1 + self.ahead]:
                own = self._solve(position, start)
                if own.total < bound - TIE * abs(bound):
                    self.wins, self.ahead = 0, True
                    return Step(own, self._certificate(own), linear=False)
            self.wins += self.ahead or self.trainer.is_linear
        point = self.trainer.evaluate(rival, position.lam)
        return Step(point, self.linear.certificate(position.index), linear=True)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Everything that the next step depends on: words and numbers, and arrays."""
        numbers, arrays = self.trainer.state()
        return {**numbers, "wins": self.wins, "ahead": self.ahead}, arrays

    def resume(self, numbers: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from a ``state``."""
        self.trainer.resume(numbers, arrays)
        self.wins, self.ahead = int(numbers["wins"]), bool(numbers["ahead"])

    def _beside(self, linear: Vector) -> Vector:
        """The linear solution with the first, small hidden weights beside it."""
        return np.where(linear != 0, linear, self.fresh)

    def _solve(self, position: Position, start: Vector | None) -> Point:
        if start is not None:
            self.trainer.restart(start)
        self._train(position, self.training.epochs(position.first or start is not None))
        return self.trainer.finish(position.lam, self.training.finish_tol * self.scale)

    def _train(self, position: Position, epochs: int) -> None:
        """Up to ``epochs``, until F has stopped falling."""
        last, stale = np.inf, 0
        for epoch in range(epochs):
            order = position.order(epoch, self.trainer.member.n)
            data = self.trainer.epoch(order, self.training.rate(epoch, epochs), position.lam)
            total = data + self.trainer.penalties.value(self.trainer.vector, position.lam)
            falling = np.isinf(last) or last - total > self.training.min_decrease * abs(last)
            last, stale = total, 0 if falling else stale + 1
            if stale >= self.training.patience:
                break

    def _certificate(self, point: Point) -> Certificate:
        value, tol = point.residual / self.scale, self.training.finish_tol
        return Certificate(Measure.STATIONARITY, value, tol, "" if value <= tol else LEFT)


def gradient_scale(gradient: Float) -> float:
    """The largest entry of ∇L at the null model, the unit of residuals; 1 where it is zero."""
    largest = float(np.abs(gradient).max(initial=0.0))
    return largest if largest > 0 else 1.0
