"""Trainers: one network in training, by the NumPy reference or by compiled epochs; which one is decided here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np

from taut.solvers._kernels import network as kernels
from taut.solvers._kernels import network_finish as finish_kernels
from taut.solvers.compiled import CompiledMember, Single
from taut.solvers.full_batch import Point, descend, evaluate
from taut.solvers.layer_penalties import LayerPenalties, quadratic_table
from taut.solvers.layout import Vector
from taut.solvers.member import Member, Rows, spread_evenly
from taut.solvers.proximal import Moments, proximal_adam_epoch
from taut.solvers.training import Training
from taut.solvers.vector_penalty import QuadraticTable, VectorPenalty


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
    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """One pass of proximal Adam over the rows in ``order``; the data loss summed along the way."""

    @abstractmethod
    def finish(self, lam: float, tol: float) -> Point:
        """Full-batch descent from the parameters, which move along; the point reached, evaluated in float64."""

    def evaluate(self, vector: Vector, lam: float) -> Point:
        """F, ∇L and the stationarity residual at any parameters, in float64."""
        return evaluate(self.member, self.penalties, lam, vector)


@dataclass(eq=False)
class ReferenceTrainer(Trainer):
    """NumPy in float64: every shape and loss; what the compiled route is tested against."""

    current: Vector
    moments: Moments = field(init=False)

    def __post_init__(self) -> None:
        self.moments = Moments.zeros(self.current)

    @property
    def vector(self) -> Vector:
        """The parameters."""
        return self.current

    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """``proximal_adam_epoch``."""
        batches = spread_evenly(order, self.training.rows_per_step(self.member.n))
        self.current, data = proximal_adam_epoch(
            self.member, self.current, self.moments, batches, rate, self.penalties, lam, self.training
        )
        return data

    def finish(self, lam: float, tol: float) -> Point:
        """``descend``."""
        iterations = self.training.finish_iterations
        point = descend(self.member, self.penalties, lam, self.current, iterations, tol)
        self.current = point.vector
        return point


@dataclass(eq=False)
class CompiledTrainer(Trainer):
    """float32 kernels for epochs and full passes; penalties with a quadratic table."""

    table: QuadraticTable
    compiled: CompiledMember
    current: Single
    moments: Single = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        self.moments = np.zeros((2, self.current.size), np.float32)

    @property
    def vector(self) -> Vector:
        """The parameters, exact in float64."""
        return self.current.astype(np.float64)

    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """``kernels.epoch``."""
        t, m = self.training, self.compiled
        batches = spread_evenly(order, t.rows_per_step(self.member.n))
        cuts = np.cumsum([0, *(rows.size for rows in batches)])
        strengths = self._strengths(lam)
        hyper = np.array([rate, t.beta1, t.beta2, t.epsilon], np.float32)
        buffer, spare = m.room(int(np.diff(cuts).max()))
        data = kernels.epoch(
            self.current, self.moments, self.steps, m.X, m.affine, m.y, m.rows_data, order, cuts, m.plan.layers,
            m.codes, m.delta, strengths, hyper, buffer, spare,
        )  # fmt: skip
        self.steps += len(batches)
        return float(data)

    def finish(self, lam: float, tol: float) -> Point:
        """``network_finish.descend`` in float32, then one evaluation in float64."""
        m, strengths = self.compiled, self._strengths(lam)
        chunk = min(CHUNK, m.rows.size)
        finish_kernels.descend(
            self.current, m.X, m.affine, m.y, m.rows_data, m.rows, m.plan.layers, m.codes, m.delta, strengths,
            self.training.finish_iterations, tol, *m.room(chunk), chunk,
        )  # fmt: skip
        return self.evaluate(self.vector, lam)

    def _strengths(self, lam: float) -> Single:
        return np.stack([lam * self.table.l1 if lam > 0 else 0 * self.table.l2, lam * self.table.l2]).astype(np.float32)


def trainer_for(
    member: Member, penalties: LayerPenalties, training: Training, vector: Vector, X: Single
) -> Trainer:
    """Compiled where the penalty is a quadratic table, the reference otherwise; ``X`` is float32, shared by members."""
    table = quadratic_table(penalties)
    if table is None:
        return ReferenceTrainer(member, penalties, training, vector)
    compiled = CompiledMember.of(member, X)
    return CompiledTrainer(member, penalties, training, table, compiled, vector.astype(np.float32))
