"""Gathering: from a source of rows to its moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from taut.streaming.checkpoint import PassCheckpoint, key_of_pass
from taut.streaming.learning import MomentsRequest, learn_shared, survey_blocks
from taut.streaming.moments import Moments
from taut.streaming.passing import PassState
from taut.streaming.shared import PreparedRows, SharedPreparation
from taut.streaming.sources import RowBlock, RowSource, check_unchanged

Progress = Callable[[int], None]


def sum_up(
    source: RowSource,
    asked: MomentsRequest | SharedPreparation,
    first_row: int = 0,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Moments:
    """The moments of a source, whose preparation is given or learnt in a pass of its own.

    ``checkpoint``: a file in which an unfinished second pass is kept, with the preparation that the first one learnt.
    ``DataError`` where files change meanwhile, or a part of the rows is too small to be summed up.
    """
    before = source.signature()
    kept = None if checkpoint is None else PassCheckpoint(checkpoint, key_of_pass(asked, first_row, before))
    shared = asked if isinstance(asked, SharedPreparation) else kept.shared() if kept is not None else None
    if shared is None:
        assert isinstance(asked, MomentsRequest)  # no preparation was given
        shared = learn(source, asked, progress)
        check_unchanged(before, source.signature())
    found = gather(source, shared, first_row, progress, kept)
    check_unchanged(before, source.signature())
    found.check()
    if kept is not None:
        kept.remove()
    return found


def sum_up_with_sample(
    source: RowSource, asked: MomentsRequest, progress: Progress | None = None
) -> tuple[Moments, PreparedRows]:
    """The moments of a source, and those of its training rows from which the preparation's medians were learnt.

    Errors as those of ``sum_up``.
    """
    before = source.signature()
    survey = survey_blocks(source.checked({}), asked, progress)
    shared = learn_shared(survey, asked)
    sample = shared.prepared(*survey.sample(), "the sample")
    found = sum_up(source, shared, asked.first_row, progress)
    check_unchanged(before, source.signature())
    return found, sample


def learn(source: RowSource, asked: MomentsRequest, progress: Progress | None = None) -> SharedPreparation:
    """The first pass: what the training rows say of the columns."""
    schema: dict[str, Any] = {}
    return learn_shared(survey_blocks(source.checked(schema), asked, progress), asked)


def gather(
    source: RowSource,
    shared: SharedPreparation,
    first_row: int = 0,
    progress: Progress | None = None,
    checkpoint: PassCheckpoint | None = None,
) -> Moments:
    """The second pass: the sums of all rows; with a ``checkpoint`` it goes on from where that was written last."""
    state = checkpoint.state(shared) if checkpoint is not None else PassState.start(shared)
    for block in _blocks(source, state):
        state.add(block, shared, first_row)
        if progress is not None:
            progress(block.frame.height)
        if checkpoint is not None:
            checkpoint.keep(state, shared, block.frame.height * shared.width)
    return state.moments(shared, source.name)


def _blocks(source: RowSource, state: PassState) -> Iterator[RowBlock]:
    schema: dict[str, Any] = {}
    return source.checked(schema, state.next_row)
