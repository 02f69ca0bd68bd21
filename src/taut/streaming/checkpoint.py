"""Checkpoint: how far a pass over many rows has come, in one file, so that the same call goes on from there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from taut.design import DataError
from taut.model_file import ModelFileError, Reader, read_archive, write_archive
from taut.streaming.learning import MomentsRequest
from taut.streaming.moments import Moments
from taut.streaming.passing import PassState
from taut.streaming.shared import SharedPreparation
from taut.streaming.storing import from_archive, to_archive
from taut.streaming.sums import Gathering

KIND = "unfinished moments"
EVERY = 1 << 28
"""Cells that are summed up between two writes: 2 GB of numbers."""


def key_of_pass(asked: MomentsRequest | SharedPreparation, first_row: int, signature: Any) -> str:
    """A name for a pass over these files with these options."""
    named = repr(asked.compared if isinstance(asked, SharedPreparation) else asked)
    return hashlib.sha256(json.dumps([named, first_row, signature]).encode()).hexdigest()


@final
@dataclass
class PassCheckpoint:
    """The file in which an unfinished pass is kept; ``key`` names the pass, ``waiting`` counts cells since the last write."""

    path: Path
    key: str
    every: int = EVERY
    waiting: int = 0

    def shared(self) -> SharedPreparation | None:
        """The preparation that the unfinished pass has learnt; None where there is none. ``DataError`` for another pass."""
        return self._read()[0].preparation if self.path.exists() else None

    def state(self, shared: SharedPreparation) -> PassState:
        """Where the pass stands; at the beginning where there is no file."""
        if not self.path.exists():
            return PassState.start(shared)
        found, waiting, filled, row = self._read()
        gathering = replace(
            Gathering.start(len(filled), shared.shift, shared.scale),
            sums=found.sums, waiting=waiting, filled=filled,
        )  # fmt: skip
        return PassState(gathering, found.told, found.dropped, row)

    def keep(self, state: PassState, shared: SharedPreparation, cells: int) -> None:
        """Write the state if enough has been done since the last time."""
        self.waiting += cells
        if self.waiting >= EVERY:
            self.write(state, shared)
            self.waiting = 0

    def write(self, state: PassState, shared: SharedPreparation) -> None:
        """Write the state: the file is either the old one or the whole new one."""
        gathering = state.gathering
        moments = Moments(shared, gathering.sums, (), state.dropped, state.told)
        archive = to_archive(moments, KIND)
        archive.document.update(key=self.key, row=state.next_row)
        filled = [gathering.waiting[part, :, :count] for part, count in enumerate(gathering.filled.tolist())]
        archive.tensors.update(
            waiting=np.concatenate(filled, axis=1), filled=gathering.filled.astype(np.int64)
        )
        write_archive(self.path, archive)

    def remove(self) -> None:
        """Delete the file of a pass that is done."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> tuple[Moments, Any, Any, int]:
        archive = read_archive(self.path)
        reader = Reader(self.path.name, archive.tensors)
        if archive.labels.get("kind") != KIND:
            raise ModelFileError(
                f"{self.path.name}: no unfinished moments; remove it, or name another checkpoint"
            )
        if archive.document.get("key") != self.key:
            raise DataError(
                f"{self.path.name}: the unfinished pass is of other rows, options or files that have changed; remove it"
            )
        try:
            found = Moments(*from_archive(archive.document, reader))
            own = found.preparation
            empty = Gathering.start(len(found.sums.counts), own.shift, own.scale)
            filled = reader.take("filled", len(found.sums.counts), dtype=np.int64)
            kept = reader.take("waiting", own.width, int(filled.sum()))
            if filled.min() < 0 or filled.max() > empty.waiting.shape[2]:
                raise ModelFileError(f"{self.path.name}: more rows wait than there is room for")
            for part, rows in enumerate(np.split(kept, np.cumsum(filled)[:-1], axis=1)):
                empty.waiting[part, :, : rows.shape[1]] = rows
            return found, empty.waiting, filled.astype(np.intp), int(archive.document["row"])
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ModelFileError(f"{self.path.name}: the checkpoint is damaged; remove it") from error
