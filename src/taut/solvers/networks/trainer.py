"""Trainers: one network in training, by the NumPy reference or by compiled epochs; which one is decided here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from taut.defaults import default
from taut.penalties import Kind
from taut.solvers._kernels.stopping import stalled
from taut.solvers.networks.batches import Orders, epochs_at_once
from taut.solvers.networks.compiled import CompiledMember, EpochRun, Pace, fresh_pace, is_compiled
from taut.solvers.networks.data_loss import Member, Rows, spread_evenly
from taut.solvers.networks.flat_penalty import Lowered, QuadraticTable, TablePenalty, VectorPenalty
from taut.solvers.networks.layer_penalties import LayerPenalties
from taut.solvers.networks.lowering import lowered
from taut.solvers.networks.proximal_adam import AdamMoments, Batches, proximal_adam_epoch
from taut.solvers.networks.quasi_newton import Smooth, TrainedPoint, admissible, descend, evaluate, point_at
from taut.solvers.networks.settings import Training
from taut.types import Mask, Real, Single

WORTH = 0.9
"""A part is cut out of the network only where it has at most this share of the parameters in use."""


class Passes(Batches, Smooth, Protocol):
    """The data loss by parts and in full: a ``Member``, or its compiled counterpart."""


@dataclass(eq=False)
class Trainer(ABC):
    """A member's parameters on their way along the path, updated in place; ``stop`` ends training and finish early."""

    member: Member
    penalties: VectorPenalty
    training: Training
    stop: Event = field(default_factory=Event, kw_only=True)

    @property
    @abstractmethod
    def vector(self) -> Real:
        """The parameters (P,) now, in float64."""

    @abstractmethod
    def restart(self, vector: Real) -> None:
        """Go on from these parameters, with Adam's moments forgotten."""

    @abstractmethod
    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """One pass of proximal Adam over the rows in ``order``; the data loss summed along the way, plus λΩ after it."""

    def train(self, orders: Orders, lam: float, epochs: int) -> None:
        """Up to ``epochs`` at one strength, until F has stopped falling."""
        n, pace = self.member.n, fresh_pace()
        rates, size = self.training.rates(epochs), epochs_at_once(n)
        for number, first in enumerate(self.heeding(range(0, epochs, size))):
            part = rates[first : first + size]
            if self.stretch(orders.block(n, number)[: part.size], part, lam, pace):
                break

    def heeding(self, rounds: Iterable[int]) -> Iterator[int]:
        """``rounds``, unless they are to stop: a thread that is not the main one hears no Ctrl-C."""
        for each in rounds:
            if self.stop.is_set():
                raise KeyboardInterrupt
            yield each

    @default
    def stretch(self, orders: Rows, rates: Real, lam: float, pace: Pace) -> bool:
        """Epochs in these ``orders`` (E, n) at these ``rates`` (E,); whether F has stopped falling, ``pace`` brought along."""
        least, patience = self.training.min_decrease, self.training.patience
        for order, rate in zip(orders, rates.tolist(), strict=True):
            if stalled(pace, self.epoch(order, rate, lam), least, patience):
                return True
        return False

    @abstractmethod
    def narrow(self, vector: Real, inputs: Mask, neurons: tuple[Mask, ...]) -> None:
        """Steps from ``vector`` on may leave out the weights of all inputs (p,) and neurons but these."""

    @abstractmethod
    def finish(self, lam: float, tol: float) -> TrainedPoint:
        """Full-batch descent from the parameters, which move along; the point reached."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The parameters, Adam's moments (both in float64, exactly) and the steps behind them."""

    @abstractmethod
    def resume(self, numbers: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from a ``state``, bit for bit."""

    @abstractmethod
    def evaluate(self, vector: Real, lam: float) -> TrainedPoint:
        """F, ∇L and the stationarity residual at any parameters."""

    @property
    def is_linear(self) -> bool:
        """Whether all hidden weights are zero."""
        first, *others = self.member.layout.matrices(self.vector)
        hidden = first[:, : self.member.layout.bias_sizes[0]]
        return not (hidden.any() and all(matrix.any() for matrix in others))


@final
@dataclass(eq=False)
class ReferenceTrainer(Trainer):
    """The step in NumPy, for every shape; ``passes`` through the network by the member itself or compiled.

    With the member's own passes all is float64 NumPy: what the compiled routes are tested against.
    """

    current: Real
    passes: Passes
    moments: AdamMoments = field(init=False)

    def __post_init__(self) -> None:
        self.restart(self.current)

    @property
    def vector(self) -> Real:
        """The parameters (P,) now, copied to float64."""
        return self.current.astype(np.float64)

    def restart(self, vector: Real) -> None:
        """Go on from these parameters in the trainer's own precision, with zero moments."""
        self.current = vector.astype(self.current.dtype)
        self.moments = AdamMoments.zeros(self.current)

    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """One epoch of proximal Adam in NumPy."""
        batches = spread_evenly(order, self.training.rows_per_step(self.member.n))
        self.current, data = proximal_adam_epoch(
            self.passes, self.current, self.moments, batches, rate, self.penalties, lam, self.training
        )
        return data + self.penalties.value(self.current, lam)

    def evaluate(self, vector: Real, lam: float) -> TrainedPoint:
        """F, ∇L and the residual, all in float64."""
        return evaluate(self.member, self.penalties, lam, vector)

    def narrow(self, vector: Real, inputs: Mask, neurons: tuple[Mask, ...]) -> None:
        """Nothing: the reference stays as wide as it is."""

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Parameters, moments, steps."""
        moments = np.stack([self.moments.first, self.moments.second])
        arrays = {"current": self.vector, "moments": moments.astype(np.float64)}
        return {"steps": self.moments.steps}, arrays

    def resume(self, numbers: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Parameters, moments, steps."""
        self.restart(arrays["current"])
        first, second = arrays["moments"].astype(self.current.dtype)
        self.moments = AdamMoments(first, second, int(numbers["steps"]))

    def finish(self, lam: float, tol: float) -> TrainedPoint:
        """Quasi-Newton descent over the passes."""
        iterations = self.heeding(range(self.training.finish_steps(self.member.n)))
        self.current = descend(self.passes, self.penalties, lam, self.current, iterations, tol).vector
        return self.evaluate(self.vector, lam)


@final
@dataclass(eq=False)
class CompiledTrainer(Trainer):
    """Compiled passes in float32, for penalties with a table, over the part of the network that is alive."""

    penalties: TablePenalty
    compiled: CompiledMember
    start: Real
    part: SubNetwork = field(init=False)
    strength: tuple[SubNetwork, float, Lowered] | None = field(init=False, default=None)
    moments: Single = field(init=False)
    steps: int = field(init=False)

    def __post_init__(self) -> None:
        self.restart(self.start)

    @property
    def vector(self) -> Real:
        """The parameters, exact in float64."""
        return self.part.spread(self.part.current, np.zeros(self.start.size))

    def restart(self, vector: Real) -> None:
        """Parameters and zero moments, in float32."""
        layout = self.member.layout
        live = np.ones(layout.n_inputs + sum(layout.hidden), dtype=bool)
        self.part = SubNetwork.of(self.compiled, self.penalties, np.arange(vector.size), live, vector)
        self.moments, self.steps = np.zeros((2, vector.size), np.float32), 0

    def evaluate(self, vector: Real, lam: float) -> TrainedPoint:
        """The data loss by compiled passes over the whole network, in float32; the penalty in float64."""
        return evaluate(self.compiled, self.penalties, lam, vector)

    def narrow(self, vector: Real, inputs: Mask, neurons: tuple[Mask, ...]) -> None:
        """Fewer inputs and neurons in the buffers, the moments of those that stay kept."""
        if not self.folds or not all(mask.any() for mask in (inputs, *neurons)):
            return
        size = self.member.layout.kept(inputs, neurons).size
        if WORTH * self.part.places.size < size <= self.part.places.size:
            return
        self._cut(vector, inputs, neurons)

    def _cut(self, vector: Real, inputs: Mask, neurons: tuple[Mask, ...]) -> None:
        layout, places = self.member.layout.part(inputs, neurons)
        everywhere = np.zeros((2, self.start.size), np.float32)
        self.moments = np.ascontiguousarray(self.part.spread(self.moments, everywhere)[:, places])
        live = np.concatenate([inputs, *neurons])
        self.part = SubNetwork.of(self.compiled.part(inputs, layout), self.penalties, places, live, vector)

    @property
    def folds(self) -> bool:
        """Whether constants may move into biases: none of those is penalised."""
        return self.penalties.spares(slice(self.member.layout.n_weights, None))

    def epoch(self, order: Rows, rate: float, lam: float) -> float:
        """One epoch in one compiled call."""
        data = self._learn(EpochRun.of(order, rate), lam)
        return data + self.part.penalties.value(self.part.current, lam)

    def stretch(self, orders: Rows, rates: Real, lam: float, pace: Pace) -> bool:
        """In one call where the penalty's sum is one over a table."""
        if self._at(lam).kind != Kind.QUADRATIC:
            return super().stretch(orders, rates, lam, pace)
        t = self.training
        self._learn(EpochRun(orders, rates.astype(np.float32), pace, t.min_decrease, t.patience), lam)
        return bool(pace[1] >= t.patience)

    def _learn(self, stretch: EpochRun, lam: float) -> float:
        """The data loss of the last epoch made."""
        part, rows_per_step = self.part, self.training.rows_per_step(self.member.n)
        hyper = self._hyper(float(stretch.rates[0]), lam)
        data, made = part.compiled.learn(
            part.current, self.moments, self.steps, stretch, rows_per_step, self._at(lam), hyper
        )
        self.steps += made
        return data

    def _hyper(self, rate: float, lam: float) -> Single:
        """Rate, β₁, β₂, ε; knee, flat and the largest step, which concave shapes alone read."""
        t, at, largest = self.training, self._at(lam), self.part.penalties.largest_step(lam)
        return np.array([rate, t.beta1, t.beta2, t.epsilon, at.knee, at.flat, largest], np.float32)

    def _at(self, lam: float) -> Lowered:
        """The part's penalty at ``lam``, lowered once for all epochs of a strength."""
        if self.strength is None or self.strength[0] is not self.part or self.strength[1] != lam:
            self.strength = (self.part, lam, self.part.penalties.at(lam))
        return self.strength[2]

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Parameters, moments, steps, and which part of the network takes them."""
        moments = self.part.spread(self.moments, np.zeros((2, self.start.size)))
        arrays = {"current": self.vector, "moments": moments, "live": self.part.live.astype(np.uint8)}
        return {"steps": self.steps}, arrays

    def resume(self, numbers: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Parameters, moments, steps, and which part of the network takes them."""
        self.restart(arrays["current"])
        self.moments, self.steps = arrays["moments"].astype(np.float32), int(numbers["steps"])
        live, layout = arrays["live"].astype(bool), self.member.layout
        if not live.all():
            inputs, *neurons = np.split(live, np.cumsum([layout.n_inputs, *layout.hidden])[:-1])
            self._cut(arrays["current"], inputs, tuple(neurons))

    def finish(self, lam: float, tol: float) -> TrainedPoint:
        """``descend`` over compiled passes of the part, then one evaluation of the whole, where that is more."""
        part, iterations = self.part, self.training.finish_steps(self.member.n)
        if iterations == 0:
            part.current[:] = admissible(part.penalties, lam, part.current)
            return self.evaluate(self.vector, lam)
        found = descend(
            part.compiled, part.penalties, lam, part.current, self.heeding(range(iterations)), tol
        )
        part.current[:] = found.vector
        if part.places.size < self.start.size:
            return self.evaluate(self.vector, lam)
        return point_at(self.vector, found.data, found.gradient, self.penalties, lam)


@dataclass(frozen=True, eq=False)
class SubNetwork:
    """A network within a network: its rows, penalties and parameters in float32, its places in the whole vector,
    and which inputs and neurons (p + Σ hidden) it has."""

    compiled: CompiledMember
    penalties: TablePenalty
    places: NDArray[np.intp]
    live: Mask
    current: Single

    @staticmethod
    def of(
        compiled: CompiledMember,
        penalties: TablePenalty,
        places: NDArray[np.intp],
        live: Mask,
        vector: Real,
    ) -> SubNetwork:
        """The part at ``places`` of ``vector``."""
        return SubNetwork(compiled, penalties.take(places), places, live, vector[places].astype(np.float32))

    def spread(self, values: Real, whole: Real) -> Real:
        """``whole`` (…, P) with ``values`` at the places of this part."""
        whole[..., self.places] = values
        return whole


def trainer_for(
    member: Member, penalties: LayerPenalties, training: Training, vector: Real, X: Single
) -> Trainer:
    """Compiled steps for penalties with a table, NumPy steps over compiled passes otherwise; ``X`` is a float32 copy.

    A loss that no kernel knows is trained in NumPy alone.
    """
    if not is_compiled(member.loss):
        return ReferenceTrainer(member, penalties, training, vector.astype(np.float64), member)
    table = lowered(penalties)
    compiled = CompiledMember.of(member, X, not isinstance(table, QuadraticTable | None))
    if table is None:
        return ReferenceTrainer(member, penalties, training, vector.astype(np.float32), compiled)
    return CompiledTrainer(member, table, training, compiled, vector)
