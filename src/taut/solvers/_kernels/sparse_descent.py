"""Coordinate descent on few-entried columns: what the rows see is kept up to date, not H, which would be dense.

x̃_j = (z_j − mean_j)·scale_j with z sparse and Σ_i s_i x̃_ij = 0 (or mean 0), H = X̃ᵀSX̃. From a start w° with q° = c − Hw°,
q_j = q°_j − scale_j (Σ_i z_ij E_i + total·mean_j·shift) with E = s ∘ Σ_j (w − w°)_j scale_j z_j, shift = −Σ_j (w − w°)_j
scale_j mean_j, total = Σ s: one coordinate costs its stored entries, nothing is centred in place. A ``view`` of the problem
is (parts, index, frame, origin, start): the sparse matrix by column (data, rows, starts), which of its columns are j = 0, 1,
…, (s, total, mean, scale, diagonal of H), w° and q°.
Friedman, Hastie and Tibshirani, *J. Statistical Software* 33 (2010), §2.3 (sparse updates with implicit centring).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.descent import DEPTH, blend, combination
from taut.solvers._kernels.quadratic import copy, measured, minimiser, objective
from taut.solvers._kernels.segment import add_violators, ahead, arrive, positions, strong_set
from taut.types import Float, Index


@compile(fastmath=True)
def seen_rows(view: Any, w: Float, E: Float) -> float:
    """E at w from scratch; returns the shift."""
    (data, rows, starts), index, (s, _, mean, scale, _), origin, _ = view
    shift = 0.0
    for i in range(E.size):
        E[i] = 0.0
    for a in range(index.size):
        step = (w[a] - origin[a]) * scale[a]
        if step != 0.0:
            shift -= step * mean[a]
            for k in range(starts[index[a]], starts[index[a] + 1]):
                E[rows[k]] += step * data[k]
    for i in range(E.size):
        E[i] *= s[i]
    return shift


@compile(fastmath=True)
def row_sum(parts: Any, column: int, E: Float) -> float:
    """Σ_i z_ij E_i."""
    data, rows, starts = parts
    total = 0.0
    for k in range(starts[column], starts[column + 1]):
        total += data[k] * E[np.uintp(rows[k])]
    return total


@compile()
def row_correlations(view: Any, where: Index, E: Float, shift: float, q: Float) -> None:
    """q of the columns ``where``."""
    parts, index, (_, total, mean, scale, _), _, start = view
    for b in range(where.size):
        a = where[b]
        q[b] = start[a] - scale[a] * (row_sum(parts, index[a], E) + total * mean[a] * shift)


@compile()
def curvatures(parts: Any, index: Index, s: Float, total: float, mean: Float, scale: Float, h: Float) -> None:
    """h_j = H_jj."""
    data, rows, starts = parts
    for a in range(index.size):
        square = 0.0
        for k in range(starts[index[a]], starts[index[a] + 1]):
            square += s[rows[k]] * data[k] * data[k]
        h[a] = scale[a] * scale[a] * max(square - total * mean[a] * mean[a], 0.0)


@compile()
def row_epoch(
    view: Any, where: Index, w: Float, E: Float, shift: float, rho: Float, knee: float, flat: float
) -> tuple[float, float]:
    """One cyclic pass over ``where``; returns the largest h_j Δ_j² and the shift."""
    parts, index, (s, total, mean, scale, h), _, start = view
    data, rows, starts = parts
    largest = 0.0
    for b in range(where.size):
        a = where[b]
        if h[a] <= 0.0:
            continue
        column = index[a]
        q = start[a] - scale[a] * (row_sum(parts, column, E) + total * mean[a] * shift)
        new = minimiser(q + h[a] * w[a], h[a], rho[0, a], rho[1, a], rho[2, a], rho[3, a], knee, flat)
        move = new - w[a]
        if move != 0.0:
            w[a] = new
            step = move * scale[a]
            shift -= step * mean[a]
            for k in range(starts[column], starts[column + 1]):
                i = np.uintp(rows[k])
                E[i] += step * data[k] * s[i]
            largest = max(largest, h[a] * move * move)
    return largest, shift


@compile()
def leap(
    view: Any, where: Index, part: Float, left: Float, target: Float, past: Float, w: Float, E: Float, shift: float,
    terms: Float, knee: float, flat: float,
) -> float:  # fmt: skip
    """Replace w by the combination of its past epochs where that lowers the objective; returns the shift."""
    weights, trial, trial_q = np.empty(DEPTH), np.empty(where.size), np.empty(where.size)
    if not combination(past, weights):
        return shift
    blend(past, weights, part, terms, trial)
    moved, spare = w.copy(), np.empty(E.size)
    for b in range(where.size):
        moved[where[b]] = trial[b]
    there = seen_rows(view, moved, spare)
    row_correlations(view, where, spare, there, trial_q)
    before = objective(part, left, target, terms, knee, flat)
    if objective(trial, trial_q, target, terms, knee, flat) >= before:
        return shift
    copy(moved, w)
    copy(spare, E)
    return there


@compile()
def descend_rows(
    view: Any, where: Index, c: Float, bb: float, w: Float, E: Float, shift: float,
    rho: Float, knee: float, flat: float, tol: float, max_epochs: int,
) -> tuple[int, float]:  # fmt: skip
    """Descend on ``where`` until its gap (distance, where not convex) is at most ``tol``; returns epochs and shift."""
    m = where.size
    part, left, target, terms = np.empty(m), np.empty(m), np.empty(m), np.empty((4, m))
    for b in range(m):
        target[b] = c[where[b]]
        for row in range(4):
            terms[row, b] = rho[row, where[b]]
    past, filled = np.empty((DEPTH + 1, m)), 0
    for count in range(1, max_epochs + 1):
        largest, shift = row_epoch(view, where, w, E, shift, rho, knee, flat)
        for b in range(m):
            part[b] = w[where[b]]
        copy(part, past[filled])
        filled += 1
        # A look costs an epoch.
        if count > 2 and filled <= DEPTH and largest > 0.0:
            continue
        row_correlations(view, where, E, shift, left)
        if measured(part, left, target, bb, terms, knee, flat) <= tol or largest == 0.0:
            return count, shift
        if filled > DEPTH:
            shift = leap(view, where, part, left, target, past, w, E, shift, terms, knee, flat)
            filled = 0
    return max_epochs, shift


@compile()
def solve_rows(
    view: Any, inside: Any, c: Float, bb: float, w: Float, q: Float, E: Float,
    rho: Float, knee: float, flat: float, tol: float, max_epochs: int,
) -> int:  # fmt: skip
    """Descend on the columns ``inside`` and take in those that were missed, until all agree; returns epochs."""
    every = np.arange(w.size)
    shift = seen_rows(view, w, E)
    goal, count = 0.5 * tol, 0
    for _ in range(60):
        done, shift = descend_rows(
            view, positions(inside), c, bb, w, E, shift, rho, knee, flat, goal, max_epochs - count
        )
        count += done
        row_correlations(view, every, E, shift, q)
        new = add_violators(q, rho, inside)
        if measured(w, q, c, bb, rho, knee, flat) <= tol or count >= max_epochs:
            break
        if not new:
            goal *= 0.1
            if goal < 1e-6 * tol:
                break
    return count


@compile()
def walk_rows(
    parts: Any, index: Index, s: Float, mean: Float, scale: Float, c: Float, bb: float,
    lambdas: Float, previous: float, slope: Float, w: Float, q: Float,
    shape: Float, knee: float, flat: float, tol: float, max_epochs: int, coefs: Float, epochs: Float,
) -> None:  # fmt: skip
    """``path.walk`` on the sparse columns ``index`` of ``parts`` (data, rows, starts), in their rows."""
    h, total = np.empty(w.size), 0.0
    for i in range(s.size):
        total += s[i]
    curvatures(parts, index, s, total, mean, scale, h)
    view = (parts, index, (s, total, mean, scale, h), w.copy(), q.copy())
    inside, E = np.zeros(w.size, dtype=np.bool_), np.empty(s.size)
    rho, last = shape.copy(), np.empty(w.size)
    for i in range(lambdas.size):
        lam = lambdas[i]
        ahead(shape, lam, lam - previous, slope, rho, last, w)
        strong_set(w, q, rho, min(previous / lam, 2.0), inside)
        epochs[i] = solve_rows(view, inside, c, bb, w, q, E, rho, knee, flat, tol, max_epochs)
        arrive(lam - previous, last, w, slope)
        previous = lam
        copy(w, coefs[i])
