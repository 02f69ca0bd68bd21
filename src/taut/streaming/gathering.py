"""Gathering: from a source of rows to its moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from taut.design import Told
from taut.streaming.learning import MomentsRequest, learn_shared, survey_blocks
from taut.streaming.moments import Moments
from taut.streaming.shared import SharedPreparation
from taut.streaming.sources import RowBlock, RowSource
from taut.streaming.sums import Gathering

Progress = Callable[[int], None]


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
        return PassState(Gathering.start(shared.assignment.folds + 1, shared.width))

    def add(self, block: RowBlock, shared: SharedPreparation, first_row: int) -> None:
        """Take up a block."""
        rows = first_row + block.first + np.arange(block.frame.height, dtype=np.int64)
        found = shared.prepared(block.frame, rows, block.place)
        if len(found.y):
            weight = None if shared.weights is None else found.weight
            self.gathering.add(shared.in_units(found), weight, found.parts)
        self.told.add(found.told)
        self.dropped += found.dropped
        self.next_row = block.first + block.frame.height

    def moments(self, shared: SharedPreparation, name: str) -> Moments:
        """The moments of all rows."""
        return Moments(shared, self.gathering.finished(), (name,), self.dropped, self.told)


def learn(source: RowSource, asked: MomentsRequest, progress: Progress | None = None) -> SharedPreparation:
    """The first pass: what the training rows say of the columns."""
    schema: dict[str, Any] = {}
    return learn_shared(survey_blocks(source.checked(schema), asked, progress), asked)


def gather(
    source: RowSource, shared: SharedPreparation, first_row: int = 0, progress: Progress | None = None
) -> Moments:
    """The second pass: the sums of all rows."""
    state = PassState.start(shared)
    for block in _blocks(source, state):
        state.add(block, shared, first_row)
        if progress is not None:
            progress(block.frame.height)
    return state.moments(shared, source.name)


def _blocks(source: RowSource, state: PassState) -> Iterator[RowBlock]:
    schema: dict[str, Any] = {}
    return source.checked(schema, state.next_row)
