"""The full-batch finish of a network in compiled loops: ``solvers.full_batch.descend`` for quadratic penalty tables.

Float32 throughout but for the sums of F. The direction is the two-loop recursion (Nocedal and Wright, *Numerical
Optimization*, algorithm 7.4); ``table`` (2, P) holds l1 and l2, strength included.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.float32 import ONE, TWO, ZERO, Single
from taut.solvers._kernels.network import Index, gradient

PAIRS = 10
HALVINGS = 20
SUFFICIENT = 1e-4
CURVATURE = 1e-10


@compile(fastmath=True)
def dot(a: Single, b: Single) -> Any:
    """aᵀb."""
    total = ZERO
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@compile(fastmath=True)
def add(a: Single, factor: Any, b: Single) -> None:
    """a += factor·b."""
    f = np.float32(factor)
    for j in range(a.size):
        a[j] += f * b[j]


@compile(fastmath=True)
def penalty_value(w: Single, table: Single) -> float:
    """Σ_j l1_j|w_j| + l2_j w_j², excluded weights being zero."""
    total = 0.0
    for j in range(w.size):
        if w[j] != ZERO:
            total += table[0, j] * abs(w[j]) + table[1, j] * w[j] * w[j]
    return total


@compile(fastmath=True)
def slopes(w: Single, g: Single, table: Single, out: Single) -> Any:
    """``out`` ← the least-norm element of g + ∂Ω(w); returns the largest entry of w − prox(w − g)."""
    largest = ZERO
    for j in range(w.size):
        t, curve = table[0, j], TWO * table[1, j]
        held = g[j] - min(max(g[j], -t), t)
        sign = ONE if w[j] > ZERO else -ONE
        out[j] = held if w[j] == ZERO else g[j] + t * sign + curve * w[j]
        z = w[j] - g[j]
        largest = max(largest, abs(w[j] - (z - min(max(z, -t), t)) / (ONE + curve)))
    return largest


@compile(fastmath=True)
def quasi_newton(
    slope: Single, steps: Single, changes: Single, inverse: Single, count: int, newest: int, out: Single
) -> None:
    """``out`` ← −H·slope, set to zero where it would go uphill."""
    share = np.empty(PAIRS, np.float32)
    for j in range(slope.size):
        out[j] = slope[j]
    for back in range(count):
        slot = (newest - back) % PAIRS
        share[slot] = inverse[slot] * dot(steps[slot], out)
        add(out, -share[slot], changes[slot])
    if count > 0:
        scale = ONE / (inverse[newest] * dot(changes[newest], changes[newest]))
        for j in range(out.size):
            out[j] *= scale
    for back in range(count - 1, -1, -1):
        slot = (newest - back) % PAIRS
        add(out, share[slot] - inverse[slot] * dot(changes[slot], out), steps[slot])
    for j in range(out.size):
        out[j] = -out[j] if out[j] * slope[j] > ZERO else ZERO


@compile(fastmath=True)
def step_held(w: Single, direction: Single, slope: Single, table: Single, step: Any, out: Single) -> float:
    """``out`` ← w + step·direction, zero where that leaves the orthant of w (of −slope at 0); slopeᵀ(out − w)."""
    foretold = 0.0
    for j in range(w.size):
        heading = w[j] if w[j] != ZERO else -slope[j]
        t = w[j] + step * direction[j]
        if table[0, j] > ZERO and t * heading <= ZERO:
            t = ZERO
        out[j] = t
        foretold += slope[j] * (t - w[j])
    return foretold


@compile(fastmath=True)
def step_proximal(w: Single, g: Single, table: Single, step: Any, out: Single) -> float:
    """``out`` ← prox(w − step·g); returns −‖out − w‖²/step."""
    moved = 0.0
    for j in range(w.size):
        z, t = w[j] - step * g[j], step * table[0, j]
        out[j] = (z - min(max(z, -t), t)) / (ONE + TWO * step * table[1, j])
        moved += (out[j] - w[j]) * (out[j] - w[j])
    return -moved / step


@compile(fastmath=True)
def record(
    w: Single, new: Single, g: Single, new_g: Single, table: Single, step: Single, change: Single
) -> tuple[Any, Any]:
    """``step`` and ``change`` of slope from w to new, which w and g become; returns sᵀy and sᵀs."""
    curvature, square = 0.0, 0.0
    for j in range(w.size):
        s = new[j] - w[j]
        y = new_g[j] - g[j]
        if w[j] * new[j] > ZERO:
            y += TWO * table[1, j] * s
        step[j], change[j] = s, y
        curvature += s * y
        square += s * s
        w[j], g[j] = new[j], new_g[j]
    return curvature, square


@compile()
def full_pass(
    theta: Single, out: Single, part: Single, X: Single, affine: Single, y: Single, rows_data: Single, rows: Index,
    plan: Index, codes: Index, delta: Any, buffer: Single, spare: Single, chunk: int,
) -> float:  # fmt: skip
    """``out`` ← ∇L over all ``rows``, ``chunk`` at a time; returns L."""
    total = 0.0
    for j in range(out.size):
        out[j] = ZERO
    for begin in range(0, rows.size, chunk):
        some = rows[begin : min(begin + chunk, rows.size)]
        total += gradient(
            theta, part, X, affine, y, rows_data, some, ONE, plan, codes, delta, buffer, spare
        )  # fmt: skip
        add(out, ONE, part)
    return total


@compile()
def descend(
    w: Single, X: Single, affine: Single, y: Single, rows_data: Single, rows: Index, plan: Index, codes: Index,
    delta: Any, table: Single, iterations: int, tol: float, buffer: Single, spare: Single, chunk: int,
) -> int:  # fmt: skip
    """Lower F from w in place until the residual is ≤ ``tol``, nothing helps or ``iterations`` are used."""
    size = w.size
    g, new_g, new = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    slope, direction, part = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    steps, changes = np.empty((PAIRS, size), np.float32), np.empty((PAIRS, size), np.float32)
    inverse = np.empty(PAIRS, np.float32)
    count, newest = 0, -1
    F = full_pass(w, g, part, X, affine, y, rows_data, rows, plan, codes, delta, buffer, spare, chunk)
    F += penalty_value(w, table)
    for iteration in range(iterations):
        if slopes(w, g, table, slope) <= tol:
            return iteration
        lower = False
        for proximal in range(2):
            count = 0 if proximal == 1 else count
            quasi_newton(slope, steps, changes, inverse, count, newest, direction)
            step = ONE
            if count == 0 and proximal == 0:
                step = np.float32(1.0 / max(1.0, np.sqrt(dot(slope, slope))))
            for _ in range(HALVINGS):
                if proximal == 1:
                    foretold = step_proximal(w, g, table, step, new)
                else:
                    foretold = step_held(w, direction, slope, table, step, new)
                if foretold < 0.0:
                    total = full_pass(
                        new, new_g, part, X, affine, y, rows_data, rows, plan, codes, delta, buffer, spare, chunk
                    )  # fmt: skip
                    total += penalty_value(new, table)
                    lower = total <= F + SUFFICIENT * foretold
                    if lower:
                        F = total
                        break
                step *= np.float32(0.5)
            if lower:
                break
        if not lower:
            return iteration
        slot = (newest + 1) % PAIRS
        curvature, square = record(w, new, g, new_g, table, steps[slot], changes[slot])
        if curvature > CURVATURE * square:
            inverse[slot] = np.float32(1.0 / curvature)
            newest, count = slot, min(count + 1, PAIRS)
    return iterations
