"""The rows that everything here fits and judges, validated once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

import taut.path as paths
from taut.arrays import is_sparse
from taut.losses import Loss
from taut.solvers import as_matrix
from taut.types import Float, Index

if TYPE_CHECKING:
    from taut.path import Path, PathSpec


@dataclass(frozen=True, eq=False)
class Data:
    """What a cross-validation fits and judges: X (n, p), y as the loss wants it, weights (n,), offset.

    ``counts`` (n,): how many rows each one stands for, where the weights were said to count repetitions; None is one each.
    The unit of the weights has no say in ``size``.
    """

    X: Any
    y: Float
    weight: Float
    offset: Float | None = None
    counts: Float | None = None

    @property
    def size(self) -> float:
        """How many rows of positive weight there are, each as often as it counts."""
        used = self.weight > 0.0
        return float(used.sum() if self.counts is None else self.counts[used].sum())

    def weighted(self, weight: Float) -> Data:
        """The same rows with the weights of a fold or a resample: a row that it weighs twice counts twice."""
        times = np.divide(weight, self.weight, out=np.zeros_like(weight), where=self.weight > 0.0)
        return replace(self, weight=weight, counts=times if self.counts is None else times * self.counts)

    def rows(self, index: Index) -> tuple[Any, Float, Float, Float | None]:
        """The chosen rows of X, y, the weights and the offset."""
        offset = None if self.offset is None else self.offset[index]
        return self.X[index], self.y[index], self.weight[index], offset


def as_data(
    spec: PathSpec,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    offset: Any = None,
    frequencies: Any = None,
) -> Data:
    """Validated rows for ``spec``; sparse X in a form whose rows can be taken.

    ``frequencies`` (n,): how often each row was seen, where that is known; whole numbers.
    """
    matrix = as_matrix(X)
    weight = paths.as_weight(sample_weight, matrix.shape[0])
    problem = spec.linear_problem(matrix, y, weight, offset)
    rows = scipy.sparse.csr_array(X) if is_sparse(X) else np.asarray(X, dtype=np.float64)
    counts = None if frequencies is None else paths.as_counts(frequencies, matrix.shape[0])
    return Data(rows, problem.y, weight, problem.offset, counts)


def strata(loss: Loss, y: Float) -> Float | None:
    """What to stratify by: the class of each row, where every row has exactly one."""
    coded = y.ndim == 1 and loss.traits.classes and bool((y == np.round(y)).all())
    return y if coded else None


def decisions(path: Path, X: Any, length: int, offset: Float | None = None) -> Float:
    """η at the first ``length`` strengths: (n, length) or (n, length, k)."""
    if isinstance(path, paths.LinearPath):
        return path.decisions(X, slice(length), offset)
    return np.stack([path.decision_at(X, index, offset) for index in range(length)], axis=1)
