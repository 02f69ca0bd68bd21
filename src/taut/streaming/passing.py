"""Passing: the state of a pass that sums up rows, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from taut.design import Told
from taut.streaming.moments import Moments
from taut.streaming.shared import SharedPreparation
from taut.streaming.sources import RowBlock
from taut.streaming.sums import Gathering


@dataclass
class PassState:
    """How far a pass has come: what is summed, what waits, and the number of the next row."""

    gathering: Gathering
    told: Told = field(default_factory=Told)
    dropped: int = 0
    next_row: int = 0

    @staticmethod
    def start(shared: SharedPreparation) -> PassState:
        """No row yet."""
        return PassState(Gathering.start(shared.assignment.folds + 1, shared.shift, shared.scale))

    def add(self, block: RowBlock, shared: SharedPreparation, first_row: int) -> None:
        """Take up a block."""
        rows = first_row + block.first + np.arange(block.frame.height, dtype=np.int64)
        found = shared.prepared(block.frame, rows, block.place)
        if len(found.y):
            weight = None if shared.weights is None else found.weight
            self.gathering.add(found.X, found.y, weight, found.parts)
        # The names of pooled levels are not kept, so that a rare one cannot be told from a new one.
        found.told.unseen = {levels: new for levels, new in found.told.unseen.items() if not levels.pooled}
        self.told.add(found.told)
        self.dropped += found.dropped
        self.next_row = block.first + block.frame.height

    def moments(self, shared: SharedPreparation, name: str) -> Moments:
        """The moments of all rows."""
        return Moments(shared, self.gathering.finished(), (name,), self.dropped, self.told)
