"""A whole stretch of a path in coefficient space: strong sets, descent on a contiguous block, verification, at every λ."""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.quadratic import copy, descend, largest_distance, quadratic_gap, refresh
from taut.solvers.matrix import Float


@compile()
def strong_set(
    w: Float, q: Float, l1: Float, lower: Float, upper: Float, ratio: float, inside: Float
) -> int:
    """Mark the support and |q_j| ≥ (2 − λ_previous/λ) λ v_j in ``inside``; columns held at 0 by their box stay out."""
    count = 0
    for j in range(w.size):
        held = lower[j] == 0.0 and upper[j] == 0.0
        if not held and (w[j] != 0.0 or abs(q[j]) >= (2.0 - ratio) * l1[j]):
            inside[j] = 1.0
            count += 1
        else:
            inside[j] = 0.0
    return count


@compile()
def take(inside: Float, count: int) -> Float:
    """Positions of the marked columns."""
    index = np.empty(count, dtype=np.int64)
    k = 0
    for j in range(inside.size):
        if inside[j] > 0.0:
            index[k] = j
            k += 1
    return index


@compile()
def part_of(values: Float, index: Float) -> Float:
    """values[index]."""
    part = np.empty(index.size)
    for k in range(index.size):
        part[k] = values[index[k]]
    return part


@compile()
def add_violators(q: Float, l1: Float, lower: Float, upper: Float, inside: Float) -> int:
    """Mark unmarked columns whose q leaves [−l1, l1] on a side that the box leaves open."""
    count = 0
    for j in range(q.size):
        if inside[j] == 0.0:
            up = q[j] > l1[j] and upper[j] > 0.0
            down = -q[j] > l1[j] and lower[j] < 0.0
            if up or down:
                inside[j] = 1.0
                count += 1
    return count


@compile()
def solve_block(
    H: Float, c: Float, bb: float, index: Float, w: Float,
    l1: Float, l2: Float, lower: Float, upper: Float, kind: int, gamma: float, tol: float, max_epochs: int,
) -> int:  # fmt: skip
    """Descend on the columns ``index`` alone, the others being 0."""
    m = index.size
    block = np.empty((m, m))
    for a in range(m):
        row = H[index[a]]
        for b in range(m):
            block[a, b] = row[index[b]]
    part = part_of(w, index)
    target = part_of(c, index)
    residual = np.empty(m)
    refresh(block, target, part, residual)
    epochs, _ = descend(
        block, target, bb, part, residual,
        part_of(l1, index), part_of(l2, index), part_of(lower, index), part_of(upper, index),
        kind, gamma, tol, max_epochs,
    )  # fmt: skip
    for a in range(m):
        w[index[a]] = part[a]
    return epochs


@compile()
def solve_strength(
    H: Float, c: Float, bb: float, w: Float, q: Float, ratio: float,
    l1: Float, l2: Float, lower: Float, upper: Float, kind: int, gamma: float,
    tol: float, max_epochs: int, inside: Float,
) -> tuple[int, float]:  # fmt: skip
    """One λ: returns epochs and the measure (absolute gap, or stationarity distance) over all columns."""
    count = strong_set(w, q, l1, lower, upper, ratio, inside)
    epochs = 0
    measure = np.inf
    goal = 0.5 * tol
    for _ in range(60):
        epochs += solve_block(
            H, c, bb, take(inside, count), w, l1, l2, lower, upper, kind, gamma, goal, max_epochs
        )
        refresh(H, c, w, q)
        if kind == 0:
            measure = quadratic_gap(w, q, c, bb, l1, l2, lower, upper)
        else:
            measure = largest_distance(w, q, l1, l2, lower, upper, kind, gamma)
        new = add_violators(q, l1, lower, upper, inside)
        if measure <= tol:
            break
        if new == 0:
            goal *= 0.1
            if goal < 1e-6 * tol:
                break
        count += new
    return epochs, measure


@compile()
def walk(
    H: Float, c: Float, bb: float, lambdas: Float, previous: float, w: Float, q: Float,
    v1: Float, v2: Float, lower: Float, upper: Float, kind: int, gamma: float, tol: float, max_epochs: int,
    coefs: Float, correlations: Float, measures: Float, epochs: Float,
) -> None:  # fmt: skip
    """Solve at each of ``lambdas`` in turn, from w and q; rows of the four outputs are filled."""
    inside = np.zeros(w.size)
    scaled1 = np.empty(w.size)
    scaled2 = np.empty(w.size)
    for i in range(lambdas.size):
        lam = lambdas[i]
        for j in range(w.size):
            scaled1[j] = lam * v1[j]
            scaled2[j] = lam * v2[j]
        if i >= 2:
            extrapolate_path(w, coefs[i - 2], (lambdas[i] - lambdas[i - 1]) / (lambdas[i - 1] - lambdas[i - 2]))
        count, measure = solve_strength(
            H, c, bb, w, q, previous / lam, scaled1, scaled2, lower, upper, kind, gamma, tol, max_epochs, inside
        )
        previous = lam
        copy(w, coefs[i])
        copy(q, correlations[i])
        measures[i] = measure
        epochs[i] = count


@compile()
def extrapolate_path(w: Float, before: Float, ratio: float) -> None:
    """Continue the last change of w in λ; a sign that would flip becomes 0."""
    for j in range(w.size):
        if w[j] != 0.0:
            ahead = w[j] + ratio * (w[j] - before[j])
            w[j] = ahead if ahead * w[j] > 0.0 else 0.0


