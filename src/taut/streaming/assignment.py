"""Assignment: which rows are held out for the test and which fold holds out each other row, whatever the blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from taut.design import DataError, brief, mixed, text_keys, texts
from taut.messages import written

if TYPE_CHECKING:
    import polars as pl

TEST = 0
"""The part of the rows that are held out for the test; folds are 1 to K."""
FOLD_SALT = 0xF01D
MOST_FOLDS = 1000


@dataclass(frozen=True)
class Assignment:
    """Rows to parts: by a hash of a row's number in the whole table, or of its cell in the column ``groups``."""

    folds: int = 10
    test_size: float = 0.2
    seed: int = 0
    groups: str | None = None

    def check(self) -> None:
        """ValueError for numbers that are none."""
        if isinstance(self.folds, bool) or not isinstance(self.folds, int) or self.folds < 2:
            raise ValueError(f"folds must be a whole number of at least 2, got {written(self.folds)}")
        if self.folds > MOST_FOLDS:
            raise ValueError(f"folds must be at most {MOST_FOLDS}, got {self.folds}")
        if not 0.0 <= self.test_size < 1.0:
            raise ValueError(f"test_size must be at least 0 and below 1, got {self.test_size:g}")

    def parts(self, frame: pl.DataFrame, rows: NDArray[np.int64]) -> NDArray[np.intp]:
        """The part (n,) of each row; ``rows`` (n,) are their numbers in the whole table."""
        keys = rows.astype(np.uint64) if self.groups is None else self._keys(frame, self.groups, rows)
        drawn = mixed(keys, self.seed)
        tested = (drawn >> np.uint64(11)) * 2.0**-53 < self.test_size
        fold = 1 + mixed(drawn, FOLD_SALT) % np.uint64(self.folds)
        return np.where(tested, TEST, fold.astype(np.intp))

    def _keys(self, frame: pl.DataFrame, name: str, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        cells = texts(nw.from_native(frame[name], series_only=True))
        found = [cell for cell in cells if cell is not None]
        if len(found) < len(cells):
            row = int(rows[[cell is None for cell in cells].index(True)])
            raise DataError(f"groups column {brief(name)}, row {row + 1}: missing; every row needs a group")
        return text_keys(found)
