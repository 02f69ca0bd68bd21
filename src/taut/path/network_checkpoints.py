"""Checkpoints of one network trained along λ: the points that it reached, and the state from which it goes on."""

from __future__ import annotations

from threading import Lock

import numpy as np

from taut.path.network_training import GridPosition, MemberTraining
from taut.solvers import CheckpointStore, StoredPart, TrainedPoint


class StoredPoints:
    """Points of one member over ``length`` strengths, reached from the last to the first; kept where there is a store.

    Kept points count only down to the one whose state was kept, too: from there the training goes on. ``lock``: one store
    serves members that several threads train.
    """

    def __init__(self, store: CheckpointStore | None, name: str, length: int, lock: Lock) -> None:
        self.store, self.name, self.lock = store, name, lock
        state = None if store is None else store.recall(f"{name}-state")
        self.state = state if state is not None and self._complete(state, length) else None

    def _complete(self, state: StoredPart, length: int) -> bool:
        return all(self._kept(index) is not None for index in range(int(state.document["index"]), length))

    def _kept(self, index: int) -> StoredPart | None:
        return None if self.store is None else self.store.recall(f"{self.name}-{index}")

    def reach(self, training: MemberTraining, position: GridPosition) -> TrainedPoint | None:
        """The point at ``position``: as it was kept, or reached and kept."""
        if self.state is None or position.index < self.state.document["index"]:
            return self._reached(training, position)
        with self.lock:
            part = self._kept(position.index)
        assert part is not None  # _complete has looked
        if position.index == self.state.document["index"]:
            training.resume(self.state.document, self.state.arrays)
        return point_of(part)

    def _reached(self, training: MemberTraining, position: GridPosition) -> TrainedPoint | None:
        point = training.reach(position)
        if self.store is not None:
            numbers, arrays = training.state()
            with self.lock:
                self.store.keep(f"{self.name}-{position.index}", point_part(point))
                self.store.renew(
                    f"{self.name}-state", StoredPart({**numbers, "index": position.index}, arrays)
                )
        return point


def point_part(point: TrainedPoint | None) -> StoredPart:
    """A point as a part; the gradient, which only the descent needed, is not kept."""
    if point is None:
        return StoredPart({"reached": False}, {})
    numbers = np.array([point.data, point.penalty, point.residual], dtype=np.float64)
    return StoredPart({"reached": True}, {"vector": point.vector.astype(np.float64), "numbers": numbers})


def point_of(part: StoredPart) -> TrainedPoint | None:
    """The point that ``point_part`` took apart."""
    if not part.document["reached"]:
        return None
    data, penalty, residual = part.arrays["numbers"].tolist()
    return TrainedPoint(part.arrays["vector"], data, penalty, np.empty(0), residual)
