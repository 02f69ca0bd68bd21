"""The rows that everything here fits and judges, validated once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from taut.path import LinearPath, Path, PathSpec, as_weight
from taut.selection.folds import Float, Index
from taut.solvers.matrix import as_matrix


@dataclass(frozen=True, eq=False)
class Data:
    """What a cross-validation fits and judges: X (n, p), y as the loss wants it, weights (n,), offset."""

    X: Any
    y: Float
    weight: Float
    offset: Float | None = None

    def rows(self, index: Index) -> tuple[Any, Float, Float, Float | None]:
        """The chosen rows of X, y, the weights and the offset."""
        offset = None if self.offset is None else self.offset[index]
        return self.X[index], self.y[index], self.weight[index], offset


def as_data(spec: PathSpec, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Data:
    """Validated rows for ``spec``; sparse X in a form whose rows can be taken."""
    matrix = as_matrix(X)
    weight = as_weight(sample_weight, matrix.shape[0])
    problem = spec.linear_problem(matrix, y, weight, offset)
    rows = sp.csr_array(X) if sp.issparse(X) else np.asarray(X, dtype=np.float64)
    return Data(rows, problem.y, weight, problem.offset)


def decisions(path: Path, X: Any, length: int, offset: Float | None = None) -> Float:
    """η at the first ``length`` strengths: (n, length) or (n, length, k)."""
    if isinstance(path, LinearPath):
        return path.decisions(X, slice(length), offset)
    return np.stack([path.decision_at(X, index, offset) for index in range(length)], axis=1)
