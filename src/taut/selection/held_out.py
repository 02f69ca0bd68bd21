"""What is known of held-out rows: their loss in the units of the data, gathered over the folds."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from taut.families import family_of
from taut.losses import Loss
from taut.path import PathSpec
from taut.selection.data import Data
from taut.selection.folds import Folds
from taut.selection.scores import error_of_blocks
from taut.types import Float, Index


class HeldOutLoss(NamedTuple):
    """The loss in the units of the data: one loss, or one per output.

    A Huber threshold lives on the standardised y, so in the data's units it is δ·sd(y − offset), sd of all rows: one
    measure for all folds.
    A loss whose record asks for that (``Family.deviance``) is judged by its deviance, 2(ℓ − ℓ(saturated)).
    """

    losses: tuple[Loss, ...]

    @classmethod
    def of(cls, spec: PathSpec, data: Data) -> HeldOutLoss:
        """The measure that scores of ``spec`` on these rows are given in."""
        if not (spec.loss.traits.in_units_of_y and spec.standardize) or spec.loss.in_units(2.0) == spec.loss:
            return cls((spec.loss,))
        weight, y = data.weight, data.y
        if data.offset is not None:
            y = y - data.offset.reshape(-1, *[1] * (y.ndim - 1))
        center = weight @ y / weight.sum() if spec.fit_intercept else 0.0
        spread = np.atleast_1d(np.sqrt(weight @ (y - center) ** 2 / weight.sum()))
        scales = np.where(spread > 0, spread, 1.0)
        return cls(tuple(spec.loss.in_units(float(scale)) for scale in scales))

    def rows(self, eta: Float, y: Float) -> Float:
        """Loss of each row (n,); the mean over the outputs where there are several."""
        if len(self.losses) == 1:
            return _rows(self.losses[0], eta, y)
        columns = [_rows(loss, eta[:, j], y[:, j]) for j, loss in enumerate(self.losses)]
        mean: Float = np.mean(columns, axis=0)
        return mean


def _rows(loss: Loss, eta: Float, y: Float) -> Float:
    values = np.asarray(loss.pointwise(eta, y))
    return 2.0 * (values - loss.saturated(y)) if family_of(loss).deviance else values


@final
class BlockSums:
    """Gathers weighted losses of held-out rows by the blocks of the folds; a row held out several times counts once."""

    def __init__(self, blocks: Index, share: Float, weights: Float, length: int) -> None:
        self._blocks, self._share, self._weights = blocks, share, weights
        self._sums = np.zeros((weights.size, length))

    @classmethod
    def of(cls, folds: Folds, weight: Float, length: int) -> BlockSums:
        """Nothing gathered yet of rows of these weights (n,) at ``length`` strengths."""
        assert folds.blocks is not None  # asked by the caller
        times = np.bincount(np.concatenate(folds.test), minlength=weight.size)
        share = np.divide(weight, times, out=np.zeros_like(weight), where=times > 0)
        weights = np.bincount(folds.blocks, np.where(times > 0, weight, 0.0))
        return cls(folds.blocks, share, np.asarray(weights, dtype=np.float64), length)

    def add(self, rows: Index, losses: Float) -> None:
        """Add the losses (m, L) of distinct rows (m,)."""
        np.add.at(self._sums, self._blocks[rows], self._share[rows, None] * losses)

    def error(self) -> Float:
        """The standard error (L,) of the mean loss."""
        return error_of_blocks(self._sums, self._weights)


@final
class Collector:
    """Gathers values of held-out rows; rows held out several times are averaged, the others stay NaN."""

    def __init__(self, n: int, shape: tuple[int, ...]) -> None:
        self._sum = np.zeros((n, *shape))
        self._count = np.zeros(n)

    def add(self, rows: Index, values: Float) -> None:
        """Add the values of distinct rows."""
        self._sum[rows] += values
        self._count[rows] += 1

    def mean(self) -> Float:
        """The average of what was added."""
        count = self._count.reshape(-1, *[1] * (self._sum.ndim - 1))
        return np.divide(self._sum, count, out=np.full_like(self._sum, np.nan), where=count > 0)
