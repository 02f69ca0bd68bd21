"""Split: the rows that are held out for the test, never seen by preparation, path or choice."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taut.design.faults import DataError
from taut.splitters import splitters
from taut.types import Float

Rows = NDArray[np.int64]


class Split(NamedTuple):
    """Row numbers, ascending; ``test`` may be empty."""

    train: Rows
    test: Rows


def split_rows(rows: Rows, codes: Float | None, test_size: float, seed: int) -> Split:
    """Hold out the share ``test_size`` of ``rows`` at random; by class where ``codes`` allow it."""
    _check_share(test_size)
    if test_size == 0.0:
        return Split(rows, rows[:0])
    try:
        train, test = splitters().train_test_split(
            rows, test_size=test_size, random_state=seed, stratify=_strata(rows, codes, test_size)
        )
    except ValueError as error:
        raise DataError(f"{len(rows)} rows cannot be split into train and test ({error})") from error
    return Split(np.sort(train), np.sort(test))


def split_groups(rows: Rows, groups: NDArray[Any], test_size: float, seed: int) -> Split:
    """Hold out whole groups at random, the share ``test_size`` of them; ``groups`` is the group of every row."""
    _check_share(test_size)
    if test_size == 0.0:
        return Split(rows, rows[:0])
    try:
        halves = (
            splitters()
            .GroupShuffleSplit(1, test_size=test_size, random_state=seed)
            .split(rows, groups=groups[rows])
        )
        train, test = next(halves)
    except ValueError as error:
        count = len(np.unique(groups[rows]))
        raise DataError(f"{count} groups cannot be split into train and test ({error})") from error
    return Split(rows[train], rows[test])


def split_times(rows: Rows, times: NDArray[Any], test_size: float) -> Split:
    """Hold out the latest rows, the share ``test_size`` of them; rows of one time are never parted."""
    _check_share(test_size)
    if test_size == 0.0:
        return Split(rows, rows[:0])
    own = np.sort(times[rows])
    first = own[min(len(own) - 1, round(len(own) * (1.0 - test_size)))]
    late = times[rows] >= first
    if late.all():
        raise DataError(f"{len(rows)} rows cannot be split by time: too many of them are of one time")
    return Split(rows[~late], rows[late])


def _check_share(test_size: float) -> None:
    if not 0.0 <= test_size < 1.0:
        raise ValueError(f"test_size must be at least 0 and below 1, got {test_size:g}")


def _strata(rows: Rows, codes: Float | None, test_size: float) -> Float | None:
    """The classes to stratify by; None where a class, or the test part, has too few rows for that."""
    if codes is None:
        return None
    _, counts = np.unique(codes[rows], return_counts=True)
    held_out = round(len(rows) * test_size)
    return codes[rows] if counts.min() >= 2 and min(held_out, len(rows) - held_out) >= len(counts) else None
