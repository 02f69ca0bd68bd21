"""Row-weight vectors that differ from the first by zeros only are folds: their moments come by subtraction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from taut.solvers.base import LinearProblem
from taut.solvers.moments.moments import SecondMoments, first_means, gather, partition
from taut.solvers.problem.units import along
from taut.types import Float, Index


@dataclass(frozen=True, eq=False)
class FoldMoments:
    """A member's training moments, those of the rows it holds out, and the shift that both were taken about.

    ``lost``: how many times the rounding of the moments of all rows is larger beside the training rows' own.
    """

    train: SecondMoments
    held_out: SecondMoments | None
    shift: Float
    weight: Float
    rows: int
    lost: float = 1.0


def fold_moments(problem: LinearProblem, weights: Float) -> Iterator[FoldMoments]:
    """The moments of every member; blocks of disjoint folds are read once, whatever the number of folds."""
    y = targets(problem)
    shift = _shift(problem, y, weights[0])
    held = [held_out_rows(weights[0], weight) for weight in weights]
    owner, owned = _owners(weights.shape[1], held)
    total, blocks = _blocks(problem, y, weights[0], shift, owner, owned)
    for m, weight in enumerate(weights):
        rows = int(np.count_nonzero(weight))
        if m in blocks:
            train = total - blocks[m]
            yield FoldMoments(train, blocks[m], shift, weight, rows, _lost(total, train))
        elif m == 0:
            yield FoldMoments(total, None, shift, weight, rows)
        else:
            train = gather(problem.matrix, y, weight, shift, problem.fit_intercept)
            yield FoldMoments(train, None, shift, weight, rows)


def _lost(total: SecondMoments, train: SecondMoments) -> float:
    """The largest share of a second moment that was taken off: a fold without the one heavy row has few digits left."""
    whole, left = np.diag(total.products), np.diag(train.products)
    there = left > 0.0
    return float((whole[there] / left[there]).max(initial=1.0))


def _owners(n: int, held: list[Index | None]) -> tuple[Index, list[int]]:
    """For every row the fold that holds it out (0 where none does, else 1, 2, …), and the members that are such folds."""
    owner, owned = np.zeros(n, dtype=np.intp), []
    for m, rows in enumerate(held):
        if rows is not None and not owner[rows].any():
            owned.append(m)
            owner[rows] = len(owned)
    return owner, owned


def _blocks(
    problem: LinearProblem, y: Float, weight: Float, shift: Float, owner: Index, owned: list[int]
) -> tuple[SecondMoments, dict[int, SecondMoments]]:
    """All rows' moments and those of each fold's held-out rows."""
    if not owned:
        return gather(problem.matrix, y, weight, shift, problem.fit_intercept), {}
    parts = partition(problem.matrix, y, weight, owner, len(owned) + 1, shift)
    return sum(parts[1:], parts[0]), dict(zip(owned, parts[1:], strict=True))


def held_out_rows(first: Float, weight: Float) -> Index | None:
    """Rows that ``weight`` zeroes and ``first`` does not; None unless it keeps all others as they are, or zeroes none."""
    changed = np.flatnonzero(weight != first)
    return None if changed.size == 0 or weight[changed].any() else changed


def targets(problem: LinearProblem) -> Float:
    """y without the offset: (n, q)."""
    y = problem.y if problem.offset is None else problem.y - along(problem.offset, problem.y)
    return np.ascontiguousarray(y.reshape(y.shape[0], -1))


def _shift(problem: LinearProblem, y: Float, weight: Float) -> Float:
    """About the first rows' means where columns are centred anyway and lie far from zero; none where nothing is gained."""
    means = first_means(problem.matrix, y, weight)
    if not problem.fit_intercept:
        return np.zeros_like(means)
    rows = np.flatnonzero(weight)[:512]
    spread = np.concatenate([problem.matrix.rows(rows).std(axis=0), y[rows].std(axis=0)])
    return means if np.any(np.abs(means) > 2.0 * spread) else np.zeros_like(means)
