"""The record of moments: the sums, what they share with others, and what they can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np

from taut.design import FEWEST_ROWS, DataError, Told
from taut.streaming.shared import SharedPreparation
from taut.streaming.sums import FINE, Sums
from taut.types import Float

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False, repr=False)
class MomentsRecord(ABC):
    """The numbers of moments; see ``Moments``, which are these, for the fields."""

    preparation: SharedPreparation
    sums: Sums
    sources: tuple[str, ...] = ()
    dropped: int = 0
    told: Told = field(default_factory=Told)

    @property
    def names(self) -> tuple[str, ...]:
        """The p features."""
        return self.preparation.names

    @property
    def target(self) -> str:
        """The column that is predicted."""
        return self.preparation.target.name

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return self.preparation.assignment.folds

    @property
    def rows(self) -> int:
        """How many rows of positive weight there are, those of the test part included."""
        return int(self.sums.counts.sum())

    @property
    def digits(self) -> float:
        """Decimal digits that every feature's variance has at least, of the 16 of a double: the rest went with the rounding.

        A product has the relative rounding ε, a sum of products that of its grid; both grow by what centring cancels.
        """
        total = self.sums.values.sum(axis=0)
        raw = np.diag(total)[1:] / total[0, 0]
        centred = raw - (total[0, 1:] / total[0, 0]) ** 2
        moving = centred > EPS * raw
        if not moving.any():
            return 0.0
        noise = EPS * raw + FINE * self.sums.products / total[0, 0]
        return float(max(0.0, -np.log10(np.max(noise[moving] / centred[moving]))))

    @property
    def exposed(self) -> tuple[str, ...]:
        """Levels and gaps of fewer than 10 rows in some fold (not none): their sums may tell of single rows there.

        Empty where rows have weights: sums of weights count no rows.
        """
        if self.preparation.weights is not None:
            return ()
        found, own = self.sums.values, self.preparation
        ones = np.rint(found[:, 0, 1:-1] * own.scale[:-1] + own.shift[:-1] * found[:, :1, 0])
        first = len(own.preparation.numbers.reads)
        indicators = np.array([j >= first for j in own.preparation.selected][: len(self.names)], dtype=bool)
        indicators = np.pad(indicators, (0, len(self.names) - len(indicators)))
        few = ((ones > 0) & (ones < FEWEST_ROWS)).any(axis=0) & indicators
        return tuple(np.array(self.names, dtype=object)[few].tolist())

    def check(self) -> None:
        """``DataError`` where a part has fewer than 10 rows."""
        counts = self.sums.counts if self.preparation.assignment.test_size else self.sums.counts[1:]
        if counts.min() < FEWEST_ROWS:
            raise DataError(
                f"a part of the rows has {counts.min()} of them, and sums of fewer than {FEWEST_ROWS} rows may tell of single"
                " ones; use more rows, fewer folds or no test part, or taut.fit"
            )

    def centred(self, part: int) -> tuple[float, Float, Float]:
        """Σ w, the mean and the covariance of the rows (x, y) of a part, in the units of the table but for the covariance,
        which is in those of the sums."""
        found = self.sums.values[part]
        total = found[0, 0]
        mean = found[0, 1:] / total
        about = found[1:, 1:] / total - np.multiply.outer(mean, mean)
        own = self.preparation
        return total * own.weight_unit, own.shift + own.scale * mean, about

    @abstractmethod
    def __str__(self) -> str:
        """What is known of the sums, in lines."""
