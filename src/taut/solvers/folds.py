"""Row-weight vectors that differ from the first by zeros only are folds: their moments come by subtraction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from taut.solvers.base import Float, LinearProblem
from taut.solvers.matrix import Index
from taut.solvers.moments import Moments, first_means, gather


@dataclass(frozen=True, eq=False)
class FoldMoments:
    """A member's training moments, those of the rows it holds out, and the shift that both were taken about."""

    train: Moments
    held_out: Moments | None
    shift: Float
    weight: Float
    rows: int


def fold_moments(problem: LinearProblem, weights: Float) -> Iterator[FoldMoments]:
    """The moments of every member; blocks of disjoint folds are read once, whatever the number of folds."""
    y = _targets(problem)
    shift = _shift(problem, y, weights[0])
    held = [held_out_rows(weights[0], weight) for weight in weights]
    blocks = {
        m: gather(problem.matrix, y, weights[0], rows, shift)
        for m, rows in enumerate(held)
        if rows is not None
    }
    total = _total(problem, y, weights[0], shift, held, blocks)
    for m, weight in enumerate(weights):
        rows = int(np.count_nonzero(weight))
        if m in blocks:
            yield FoldMoments(total - blocks[m], blocks[m], shift, weight, rows)
        elif m == 0:
            yield FoldMoments(total, None, shift, weight, rows)
        else:
            yield FoldMoments(gather(problem.matrix, y, weight, None, shift), None, shift, weight, rows)


def held_out_rows(first: Float, weight: Float) -> Index | None:
    """Rows that ``weight`` zeroes and ``first`` does not; None unless it keeps all others as they are, or zeroes none."""
    held = (weight == 0.0) & (first != 0.0)
    if not held.any() or not np.array_equal(weight[~held], first[~held]):
        return None
    return np.flatnonzero(held)


def _total(
    problem: LinearProblem,
    y: Float,
    weight: Float,
    shift: Float,
    held: list[Index | None],
    blocks: dict[int, Moments],
) -> Moments:
    """The sum of the blocks where they are a partition of the rows, else a pass of its own."""
    lists = [rows for rows in held if rows is not None]
    covered = np.concatenate(lists) if lists else np.empty(0, dtype=np.intp)
    used = np.count_nonzero(weight)
    if covered.size == used and np.unique(covered).size == used:
        parts = list(blocks.values())
        return sum(parts[1:], parts[0])
    return gather(problem.matrix, y, weight, None, shift)


def _targets(problem: LinearProblem) -> Float:
    y = problem.y if problem.offset is None else (problem.y.T - problem.offset).T
    return np.ascontiguousarray(y.reshape(y.shape[0], -1))


def _shift(problem: LinearProblem, y: Float, weight: Float) -> Float:
    """About the first rows' means where columns are centred anyway and lie far from zero; none where nothing is gained."""
    means = first_means(problem.matrix, y, weight)
    if not problem.fit_intercept:
        return np.zeros_like(means)
    rows = np.flatnonzero(weight)[:512]
    spread = np.concatenate([problem.matrix.rows(rows).std(axis=0), y[rows].std(axis=0)])
    return means if np.any(np.abs(means) > 2.0 * spread) else np.zeros_like(means)
