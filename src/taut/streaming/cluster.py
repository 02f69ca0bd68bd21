"""Cluster: the partitions of a Dask collection become sums on its workers, and a tree of fixed shape adds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.design import DataError, Survey
from taut.streaming.learning import MomentsRequest, learn_shared, survey_blocks
from taut.streaming.moments import Moments
from taut.streaming.passing import PassState
from taut.streaming.shared import SharedPreparation
from taut.streaming.sources import Frames, as_polars

if TYPE_CHECKING:
    import polars as pl

FAN = 4
"""Sums that are added together."""


def is_distributed(source: Any) -> bool:
    """Whether a source is a collection of Dask."""
    return (
        type(source).__module__.partition(".")[0] == "dask"
        and getattr(source, "to_delayed", None) is not None
    )


def sum_up_partitions(source: Any, asked: MomentsRequest | SharedPreparation, first_row: int = 0) -> Moments:
    """The moments of a Dask data frame or array, each partition summed up where it lies.

    Dask computes a task anew whose worker is lost; sums are the same bits in whatever order they come.
    """
    import dask

    parts, name = _partitions(source)
    heights = _heights(source, parts)
    numbered = list(zip(parts, [0, *np.cumsum(heights)[:-1].tolist()], strict=True))
    if isinstance(asked, MomentsRequest):
        surveys = [dask.delayed(_survey)(part, first, asked) for part, first in numbered]
        asked = learn_shared(dask.compute(_tree(surveys, dask.delayed(_merged)))[0], asked)
    shared = dask.delayed(asked)
    sums = [dask.delayed(_summed)(part, first_row + first, shared, name) for part, first in numbered]
    found: Moments = dask.compute(_tree(sums, dask.delayed(_added)))[0]
    found.check()
    return found


def _partitions(source: Any) -> tuple[list[Any], str]:
    """The partitions as delayed frames, and what the source is called."""
    if getattr(source, "chunks", None) is None:
        return list(source.to_delayed()), "dask frame"
    if source.ndim != 2:
        raise DataError(f"a dask array of shape {source.shape} is no table; give one of rows and columns")
    import dask

    width = int(source.shape[1])
    names = [f"x{j}" for j in range(1, width + 1)]
    blocks = source.rechunk({1: width}).to_delayed().ravel().tolist()
    return [dask.delayed(_named)(block, names) for block in blocks], "dask array"


def _heights(source: Any, parts: list[Any]) -> list[int]:
    """The rows of each partition, by one column of a data frame.

    The column is asked of each partition as it is: optimised, several partitions of a file are read as one where a column of
    them is small, and their rows could not be told apart.
    """
    import dask

    if getattr(source, "chunks", None) is None and len(source.columns):
        parts = source[[source.columns[0]]].simplify().to_delayed(optimize_graph=False)
    return list(dask.compute(*map(dask.delayed(len), parts)))


def _named(block: Any, names: list[str]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(np.asarray(block), schema=names)


def _tree(parts: Sequence[Any], add: Callable[..., Any]) -> Any:
    """The sum of all parts, ``FAN`` at a time: the shape does not depend on which worker is done first."""
    if not parts:
        raise DataError("a collection without partitions has no rows")
    while len(parts) > 1:
        parts = [add(parts[start : start + FAN]) for start in range(0, len(parts), FAN)]
    return parts[0]


def _blocks_of(part: Any, first: int) -> Any:
    frame = as_polars(part, "a partition")
    rows = Frames(lambda: [frame], f"partition from row {first + 1}")
    return (block._replace(first=first + block.first) for block in rows.checked({}))


def _survey(part: Any, first: int, asked: MomentsRequest) -> Survey:
    """Runs on a worker: what a partition says of the columns."""
    return survey_blocks(_blocks_of(part, first), asked, None)


def _merged(surveys: Sequence[Survey]) -> Survey:
    whole = Survey(surveys[0].size)
    for one in surveys:
        whole.merge(one)
    return whole


def _summed(part: Any, first: int, shared: SharedPreparation, name: str) -> Moments:
    """Runs on a worker: the sums of a partition."""
    state = PassState.start(shared)
    for block in _blocks_of(part, first):
        state.add(block, shared, 0)
    return state.moments(shared, name)


def _added(parts: Sequence[Moments]) -> Moments:
    found = parts[0]
    for other in parts[1:]:
        found = found + other
    return found
