"""The journal of one network on its way along λ: the points that it reached, and the state from which it goes on."""

from __future__ import annotations

from threading import Lock

import numpy as np

from taut.path.network_walk import Position, Walker
from taut.solvers.base import CheckpointStore, StoredPart
from taut.solvers.networks.quasi_newton import Point


class PointLog:
    """Points of one member over ``length`` strengths, climbed from the last to the first; kept where there is a journal.

    Kept points count only down to the one whose state was kept, too: from there the walker goes on. ``lock``: one journal
    serves members that several threads walk.
    """

    def __init__(self, journal: CheckpointStore | None, name: str, length: int, lock: Lock) -> None:
        self.journal, self.name, self.lock = journal, name, lock
        state = None if journal is None else journal.recall(f"{name}-state")
        self.state = state if state is not None and self._complete(state, length) else None

    def _complete(self, state: StoredPart, length: int) -> bool:
        return all(self._kept(index) is not None for index in range(int(state.document["index"]), length))

    def _kept(self, index: int) -> StoredPart | None:
        return None if self.journal is None else self.journal.recall(f"{self.name}-{index}")

    def climb(self, walker: Walker, position: Position) -> Point | None:
        """The point at ``position``: as it was kept, or reached and kept."""
        if self.state is None or position.index < self.state.document["index"]:
            return self._reached(walker, position)
        with self.lock:
            part = self._kept(position.index)
        assert part is not None  # _complete has looked
        if position.index == self.state.document["index"]:
            walker.resume(self.state.document, self.state.arrays)
        return point_of(part)

    def _reached(self, walker: Walker, position: Position) -> Point | None:
        point = walker.climb(position)
        if self.journal is not None:
            numbers, arrays = walker.state()
            with self.lock:
                self.journal.keep(f"{self.name}-{position.index}", point_part(point))
                self.journal.renew(
                    f"{self.name}-state", StoredPart({**numbers, "index": position.index}, arrays)
                )
        return point


def point_part(point: Point | None) -> StoredPart:
    """A point as a part; the gradient, which only the descent needed, is not kept."""
    if point is None:
        return StoredPart({"reached": False}, {})
    numbers = np.array([point.data, point.penalty, point.residual], dtype=np.float64)
    return StoredPart({"reached": True}, {"vector": point.vector.astype(np.float64), "numbers": numbers})


def point_of(part: StoredPart) -> Point | None:
    """The point that ``point_part`` took apart."""
    if not part.document["reached"]:
        return None
    data, penalty, residual = part.arrays["numbers"].tolist()
    return Point(part.arrays["vector"], data, penalty, np.empty(0), residual)
