"""Split: the rows that are held out for the test, never seen by preparation, path or choice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from taut.design.faults import DataError
from taut.design.values import Float

Rows = NDArray[np.int64]


class Split(NamedTuple):
    """Row numbers, ascending; ``test`` may be empty."""

    train: Rows
    test: Rows


def split_rows(rows: Rows, codes: Float | None, test_size: float, seed: int) -> Split:
    """Hold out the share ``test_size`` of ``rows`` at random; by class where ``codes`` allow it."""
    if not 0.0 <= test_size < 1.0:
        raise ValueError(f"test_size must be at least 0 and below 1, got {test_size:g}")
    if test_size == 0.0:
        return Split(rows, rows[:0])
    try:
        train, test = train_test_split(
            rows, test_size=test_size, random_state=seed, stratify=_strata(rows, codes, test_size)
        )
    except ValueError as error:
        raise DataError(f"{len(rows)} rows cannot be split into train and test ({error})") from error
    return Split(np.sort(train), np.sort(test))


def _strata(rows: Rows, codes: Float | None, test_size: float) -> Float | None:
    """The classes to stratify by; None where a class, or the test part, has too few rows for that."""
    if codes is None:
        return None
    _, counts = np.unique(codes[rows], return_counts=True)
    held_out = round(len(rows) * test_size)
    return codes[rows] if counts.min() >= 2 and min(held_out, len(rows) - held_out) >= len(counts) else None
