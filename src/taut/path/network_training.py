"""The training of one network along λ, dense to sparse, and its comparison with its neighbours and the linear model.

Every λ is trained from the parameters of the last one, weakest first. A warm network can sit in a basin above even
the null model when λ is large, so each point is then compared with the linear solution of the same λ,
which the network contains (its skip connection; without one, the null model), and the lower F is kept, from the
strongest λ down until the network has left the linear model behind for a few strengths running. And each is held to
what its neighbours know: the weaker one's parameters θ' give F = L(θ') + λΩ(θ') here, and F never falls as λ grows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from taut.path.compaction import fold_constants, live_of
from taut.solvers import Certificate, Measure, Orders, TrainedPoint, Trainer, Training
from taut.types import Real

TIE = 1e-6
"""One point must be better than another by this share of F: the linear solution has a certificate, for one thing."""
BEHIND = 0.05
"""A linear solution whose F is higher by this share of it is left behind."""
LEFT = "stationarity residual above finish_tol: more finish_iterations lower it"


class BaselineSolutions(Protocol):
    """The linear solutions of one member along the grid."""

    def vector(self, index: int) -> Real:
        """The network that equals the linear solution at grid position ``index``."""

    def certificate(self, index: int) -> Certificate:
        """How far that solution is from optimal among the linear ones."""


@dataclass(frozen=True, eq=False)
class Step:
    """One λ finished: the point kept, its certificate, and whether the linear model won."""

    point: TrainedPoint
    certificate: Certificate
    linear: bool


@dataclass(frozen=True)
class GridPosition:
    """Where on the grid: index, strength, whether it is trained first, and the seed of its mini-batches."""

    index: int
    lam: float
    first: bool
    seed: int


@dataclass(eq=False)
class MemberTraining:
    """One member trained along λ: its trainer, its linear baseline, the null model's F and the unit of its residuals."""

    trainer: Trainer
    linear: BaselineSolutions
    fresh: Real
    null: float
    scale: float
    losses: int = 0

    @property
    def training(self) -> Training:
        """The settings."""
        return self.trainer.training

    def reach(self, position: GridPosition) -> TrainedPoint | None:
        """Train one λ from where the last one ended; None once the network has died or stays above the null model."""
        if self.losses >= self.training.linear_wins:
            return None
        self._train(position, self.training.epochs(position.first))
        point = self._finish(position)
        if self.trainer.is_linear:
            self.losses = self.training.linear_wins
            return None
        self.losses = self.losses + 1 if point.total >= self.null else 0
        self._shrink(point, position.lam)
        return point

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Everything that the next strength depends on: words and numbers, and arrays."""
        numbers, arrays = self.trainer.state()
        return {**numbers, "losses": self.losses}, arrays

    def resume(self, numbers: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from a ``state``."""
        self.trainer.resume(numbers, arrays)
        self.losses = int(numbers["losses"])

    def compare(self, positions: list[GridPosition], points: list[TrainedPoint | None]) -> list[Step]:
        """The step of every λ, ``positions`` and ``points`` strongest first, held to the linear solutions and each other."""
        steps = self._against_linear(positions, points)
        steps = self._retried(positions, steps)
        for index in range(len(steps) - 2, -1, -1):
            weaker, lam = steps[index + 1], positions[index].lam
            held = weaker.point.data + self.trainer.penalties.value(weaker.point.vector, lam)
            if not weaker.linear and _better(held, steps[index].point.total):
                steps[index] = self._from(weaker, positions[index])
        for index in range(1, len(steps)):
            # Only where F would rise as λ falls: what is sparser than it needs to be has the lower F and predicts worse.
            if _better(steps[index - 1].point.total, steps[index].point.total):
                steps[index] = self._from(steps[index - 1], positions[index])
        return steps

    def _from(self, neighbour: Step, position: GridPosition) -> Step:
        """Down from the neighbour's parameters: never above what they give at this λ."""
        self.trainer.restart(neighbour.point.vector)
        return self._own(self._finish(position))

    def as_reached(self, points: list[TrainedPoint]) -> list[Step]:
        """The points as they were reached."""
        return [self._own(point) for point in points]

    def reported(self, step: Step) -> Step:
        """With the data loss in float64, of what is alive: it is what is reported, while training compares in float32."""
        point = step.point
        member = self.trainer.member
        params = fold_constants(member.network, member.layout.params(point.vector))
        live = live_of(params)
        # To take the columns of inputs out of X costs as much as to multiply with them, unless most are dead.
        inputs = live.inputs if 2 * live.inputs.sum() <= live.inputs.size else np.ones_like(live.inputs)
        layout, places = member.layout.part(inputs, live.neurons)
        data = member.part(inputs, layout).value(member.layout.vector(params)[places])
        return replace(step, point=replace(point, data=data))

    def _against_linear(self, positions: list[GridPosition], points: list[TrainedPoint | None]) -> list[Step]:
        """From the strongest λ down, until the linear solution has been left behind for some strengths running."""
        steps, behind = [], 0
        for position, own in zip(positions, points, strict=True):
            if own is not None and behind >= self.training.linear_wins:
                steps.append(self._own(own))
                continue
            linear = self.trainer.evaluate(self.linear.vector(position.index), position.lam)
            if own is None or not _better(own.total, linear.total):
                behind = 0
                steps.append(Step(linear, self.linear.certificate(position.index), linear=True))
            else:
                behind = behind + 1 if own.total < (1.0 - BEHIND) * linear.total else 0
                steps.append(self._own(own))
        return steps

    def _retried(self, positions: list[GridPosition], steps: list[Step]) -> list[Step]:
        """Where the linear solution overtakes the network, trained once more from there, up to ``linear_wins`` times."""
        steps, lost = list(steps), 0
        weakest = max((i for i, step in enumerate(steps) if step.linear), default=-1)
        if weakest == len(steps) - 1 and len(steps) > 1:
            return steps
        for index in range(weakest, -1, -1):
            if lost >= self.training.linear_wins:
                break
            position, linear = positions[index], steps[index].point
            self.trainer.restart(np.where(linear.vector != 0, linear.vector, self.fresh))
            self._train(position, self.training.epochs(first=True))
            own = self._finish(position)
            if _better(own.total, linear.total):
                steps[index], lost = self._own(own), 0
            else:
                lost += 1
        return steps

    def _train(self, position: GridPosition, epochs: int) -> None:
        self.trainer.train(Orders(position.seed, position.index), position.lam, epochs)

    def _finish(self, position: GridPosition) -> TrainedPoint:
        return self.trainer.finish(position.lam, self.training.finish_tol * self.scale)

    def _shrink(self, point: TrainedPoint, lam: float) -> None:
        """Go on without dead neurons, and without inputs that no gradient at this λ calls back."""
        layout, penalties = self.trainer.member.layout, self.trainer.penalties
        network = self.trainer.member.network
        params = fold_constants(network, layout.params(point.vector))
        live, vector = live_of(params), layout.vector(params)
        pull = layout.matrices(penalties.least_norm(point.vector, point.gradient, lam))[0]
        columns = np.concatenate([live.neurons[0], np.ones(pull.shape[1] - len(live.neurons[0]), dtype=bool)])
        self.trainer.narrow(vector, live.inputs | pull[:, columns].any(axis=1), live.neurons)

    def _own(self, point: TrainedPoint) -> Step:
        value, tol = point.residual / self.scale, self.training.finish_tol
        certificate = Certificate(Measure.STATIONARITY, value, tol, "" if value <= tol else LEFT)
        return Step(point, certificate, linear=False)


def _better(total: float, than: float) -> bool:
    return total < than - TIE * abs(than)
