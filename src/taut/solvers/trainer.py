"""Trainers: one network in training, by the NumPy reference or by compiled epochs; which one is decided here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from taut.solvers.compiled import CompiledMember, Single
from taut.solvers.full_batch import Point, descend, evaluate
from taut.solvers.layer_penalties import LayerPenalties, quadratic_table
from taut.solvers.layout import Vector
from taut.solvers.member import Member, Rows, spread_evenly
from taut.solvers.proximal import Moments, proximal_adam_epoch
from taut.solvers.training import Training
from taut.solvers.vector_penalty import QuadraticTable, VectorPenalty


class Passes(Protocol):
    """The data loss by parts and in full: a ``Member``, or its compiled counterpart."""

    @property
    def weight(self) -> Vector:
        """The rows' shares s (n,)."""

    def batch(self, vector: Vector, rows: Rows) -> tuple[float, Vector]:
        """Σ_{i in rows} s_i ℓ_i and its gradient (P,)."""

    def value_and_gradient(self, vector: Vector) -> tuple[float, Vector]:
        """L(θ) and ∇L(θ) (P,)."""


@dataclass(eq=False)
class Trainer(ABC):
    """A member's parameters on their way along the path, updated in place."""

    member: Member
    penalties: VectorPenalty
    training: Training

    @property
    @abstractmethod
    def vector(self) -> Vector:
        """The parameters (P,) now, in float64."""

    @abstractmethod
    def restart(self, vector: Vector) -> None:
        """Go on from these parameters, with Adam's moments forgotten."""

    @abstractmethod
    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """One pass of proximal Adam over the rows in ``order``; the data loss summed along the way."""

    @abstractmethod
    def finish(self, lam: float, tol: float) -> Point:
        """Full-batch descent from the parameters, which move along; the point reached, evaluated in float64."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The parameters, Adam's moments (both in float64, exactly) and the steps behind them."""

    @abstractmethod
    def resume(self, numbers: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from a ``state``, bit for bit."""

    def evaluate(self, vector: Vector, lam: float) -> Point:
        """F, ∇L and the stationarity residual at any parameters, in float64."""
        return evaluate(self.member, self.penalties, lam, vector)

    @property
    def is_linear(self) -> bool:
        """Whether all hidden weights are zero."""
        first, *others = self.member.layout.matrices(self.vector)
        hidden = first[:, : self.member.layout.bias_sizes[0]]
        return not (hidden.any() and all(matrix.any() for matrix in others))

    def objective(self, vector: Vector, lam: float) -> float:
        """F at any parameters, in float64."""
        return self.member.value(vector) + self.penalties.value(vector, lam)


@final
@dataclass(eq=False)
class ReferenceTrainer(Trainer):
    """The step in NumPy, for every shape; ``passes`` through the network by the member itself or compiled.

    With the member's own passes all is float64 NumPy: what the compiled routes are tested against.
    """

    current: Vector
    passes: Passes
    moments: Moments = field(init=False)

    def __post_init__(self) -> None:
        self.restart(self.current)

    @property
    def vector(self) -> Vector:
        """The parameters."""
        return self.current.astype(np.float64)

    def restart(self, vector: Vector) -> None:
        """Parameters and zero moments."""
        self.current = vector.astype(self.current.dtype)
        self.moments = Moments.zeros(self.current)

    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """``proximal_adam_epoch``."""
        batches = spread_evenly(order, self.training.rows_per_step(self.member.n))
        self.current, data = proximal_adam_epoch(
            self.passes, self.current, self.moments, batches, rate, self.penalties, lam, self.training
        )
        return data

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Parameters, moments, steps."""
        moments = np.stack([self.moments.first, self.moments.second])
        arrays = {"current": self.vector, "moments": moments.astype(np.float64)}
        return {"steps": self.moments.steps}, arrays

    def resume(self, numbers: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Parameters, moments, steps."""
        self.restart(arrays["current"])
        first, second = arrays["moments"].astype(self.current.dtype)
        self.moments = Moments(first, second, int(numbers["steps"]))

    def finish(self, lam: float, tol: float) -> Point:
        """``descend``."""
        iterations = self.training.finish_iterations
        self.current = descend(self.passes, self.penalties, lam, self.current, iterations, tol).vector
        return self.evaluate(self.vector, lam)


@final
@dataclass(eq=False)
class CompiledTrainer(Trainer):
    """Compiled passes in float32, for penalties with a quadratic table."""

    penalties: QuadraticTable
    compiled: CompiledMember
    current: Vector
    narrow: QuadraticTable = field(init=False)
    moments: Single = field(init=False)
    steps: int = field(init=False)

    def __post_init__(self) -> None:
        self.narrow = QuadraticTable(
            self.penalties.l1.astype(np.float32), self.penalties.l2.astype(np.float32)
        )
        self.restart(self.current)

    @property
    def vector(self) -> Vector:
        """The parameters, exact in float64."""
        return self.current.astype(np.float64)

    def restart(self, vector: Vector) -> None:
        """Parameters and zero moments, in float32."""
        self.current, self.moments = vector.astype(np.float32), np.zeros((2, vector.size), np.float32)
        self.steps = 0

    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """``CompiledMember.epoch``."""
        t = self.training
        hyper = np.array([rate, t.beta1, t.beta2, t.epsilon], np.float32)
        table, rows_per_step = np.stack(self.narrow.at(lam)), t.rows_per_step(self.member.n)
        data, made = self.compiled.epoch(
            self.current, self.moments, self.steps, order, rows_per_step, table, hyper
        )
        self.steps += made
        return data

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Parameters, moments, steps."""
        return {"steps": self.steps}, {"current": self.vector, "moments": self.moments.astype(np.float64)}

    def resume(self, numbers: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Parameters, moments, steps."""
        self.restart(arrays["current"])
        self.moments, self.steps = arrays["moments"].astype(np.float32), int(numbers["steps"])

    def finish(self, lam: float, tol: float) -> Point:
        """``descend`` over compiled passes, then one evaluation in float64."""
        iterations = self.training.finish_iterations
        self.current = descend(self.compiled, self.narrow, lam, self.current, iterations, tol).vector
        return self.evaluate(self.vector, lam)


def trainer_for(
    member: Member, penalties: LayerPenalties, training: Training, vector: Vector, X: Single
) -> Trainer:
    """Compiled steps for quadratic tables, NumPy steps over compiled passes otherwise; ``X`` is a float32 copy."""
    table, compiled = quadratic_table(penalties), CompiledMember.of(member, X)
    if table is None:
        return ReferenceTrainer(member, penalties, training, vector.astype(np.float32), compiled)
    return CompiledTrainer(member, table, training, compiled, vector)
