"""The journal of one network on its way along λ: its finished steps, and the state from which the next one starts."""

from __future__ import annotations

import numpy as np

from taut.path.journal import MEASURES, Journal, Part
from taut.path.network_walk import Position, Step, Walker
from taut.solvers.base import Certificate
from taut.solvers.full_batch import Point


class StepLog:
    """Steps of one member of ``length`` strengths, walked from the last to the first.

    Kept steps count only down to the one whose state was kept, too: from there the walker goes on.
    """

    def __init__(self, journal: Journal, name: str, length: int) -> None:
        self.journal, self.name = journal, name
        state = journal.recall(f"{name}-state")
        self.state = state if state is not None and self._complete(state, length) else None

    def _complete(self, state: Part, length: int) -> bool:
        names = (self._step(index) for index in range(int(state.document["index"]), length))
        return all(self.journal.recall(name) is not None for name in names)

    def _step(self, index: int) -> str:
        return f"{self.name}-{index}"

    def step(self, walker: Walker, position: Position) -> Step:
        """The step at ``position``: as it was kept, or made and kept."""
        if self.state is None or position.index < self.state.document["index"]:
            return self._made(walker, position)
        part = self.journal.recall(self._step(position.index))
        assert part is not None  # _complete has looked
        if position.index == self.state.document["index"]:
            walker.resume(self.state.document, self.state.arrays)
        return step_of(part)

    def _made(self, walker: Walker, position: Position) -> Step:
        step = walker.step(position)
        numbers, arrays = walker.state()
        self.journal.keep(self._step(position.index), step_part(step))
        self.journal.renew(f"{self.name}-state", Part({**numbers, "index": position.index}, arrays))
        return step


def step_part(step: Step) -> Part:
    """A finished step as a part; the gradient, which only the descent needed, is not kept."""
    point, certificate = step.point, step.certificate
    numbers = [point.data, point.penalty, point.residual, certificate.value, certificate.tol]
    words = {
        "measure": MEASURES.index(certificate.measure),
        "note": certificate.note,
        "linear": bool(step.linear),
    }
    return Part(
        words, {"vector": point.vector.astype(np.float64), "numbers": np.array(numbers, dtype=np.float64)}
    )


def step_of(part: Part) -> Step:
    """The step that ``step_part`` took apart."""
    words = part.document
    data, penalty, residual, value, tol = part.arrays["numbers"].tolist()
    point = Point(part.arrays["vector"], data, penalty, np.empty(0), residual)
    certificate = Certificate(MEASURES[words["measure"]], value, tol, words["note"])
    return Step(point, certificate, words["linear"])
