"""The convex quadratic of a Newton step, min ½ wᵀHw − cᵀw + Σ_j (l1_j|w_j| + l2_j w_j²) on a box, to the last digits.

Descent finds which coordinates are 0, of which sign, or at a bound; while those stand, the others solve a linear system.
``rho`` (4, m) holds l1, l2, lower and upper; q = c − Hw throughout. The first ``lead`` coordinates have been eliminated from
the rows of H below theirs, and follow.
Bertsekas, *SIAM J. Control and Optimization* 20 (1982), §2 (Newton's step on the coordinates that are free).
"""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.quadratic import soft, subtract
from taut.solvers.matrix import Float

EVERY = 4
"""Passes of descent for one linear system, which costs more than a pass and is in vain before the signs stand."""
FLAT = 1e-10
"""Least share of a diagonal that a pivot counts as; below, its direction is flat."""


@compile()
def sweep(H: Float, lead: int, w: Float, q: Float, rho: Float) -> float:
    """One cyclic pass of descent; returns the largest h_j |Δ_j|, how far a coordinate was from its own optimum."""
    largest = 0.0
    for j in range(lead, w.size):
        h = H[j, j]
        if h + rho[1, j] > 0.0:
            new = soft(q[j] + h * w[j], rho[0, j]) / (h + 2.0 * rho[1, j])
            move = min(max(new, rho[2, j]), rho[3, j]) - w[j]
            if move != 0.0:
                w[j] += move
                subtract(q, move, H[j])
                largest = max(largest, h * abs(move))
    return largest


@compile()
def eliminate(A: Float, x: Float) -> None:
    """x ← A⁻¹ x for a symmetric positive A, whose upper triangle is used up.

    Along a flat direction x goes far where it has a slope there, and nowhere where that slope is rounding.
    """
    m = x.size
    least = np.empty(m)
    for i in range(m):
        least[i] = FLAT * A[i, i]
    for i in range(m):
        A[i, i] = max(A[i, i], least[i])
        for r in range(i + 1, m):
            if A[i, i] > 0.0:
                share = A[i, r] / A[i, i]
                subtract(A[r, r:], share, A[i, r:])
                x[r] -= share * x[i]
    for i in range(m - 1, -1, -1):
        for r in range(i + 1, m):
            x[i] -= A[i, r] * x[r]
        x[i] = x[i] / A[i, i] if A[i, i] > 0.0 else 0.0


@compile()
def land(H: Float, lead: int, w: Float, q: Float, rho: Float) -> bool:
    """Towards the minimum on the face of w, no further than to where a coordinate meets 0 or a bound; whether one did."""
    index, m, share = np.empty(w.size, dtype=np.int64), 0, 1.0
    for j in range(lead, w.size):
        if rho[2, j] < w[j] < rho[3, j] and (w[j] != 0.0 or rho[0, j] == 0.0):
            index[m] = j
            m += 1
    A, step = np.empty((m, m)), np.empty(m)
    for a in range(m):
        j = index[a]
        for b in range(m):
            A[a, b] = H[j, index[b]]
        A[a, a] += 2.0 * rho[1, j]
        step[a] = q[j] - 2.0 * rho[1, j] * w[j] - np.sign(w[j]) * rho[0, j]
    eliminate(A, step)
    met, place = -1, 0.0
    for a in range(m):
        j = index[a]
        end = rho[3, j] if step[a] > 0.0 else rho[2, j]
        if rho[0, j] > 0.0 and w[j] * step[a] < 0.0:
            end = 0.0
        if share * abs(step[a]) > abs(end - w[j]):
            share, met, place = (end - w[j]) / step[a], j, end
    for a in range(m):
        j = index[a]
        new = place if j == met else w[j] + share * step[a]
        subtract(q, new - w[j], H[j])
        w[j] = new
    return met >= 0


@compile()
def minimise(H: Float, lead: int, w: Float, q: Float, rho: Float, share: float, most: int) -> None:
    """w ← the minimiser, up to ``share`` of how far a first pass of descent moves; the leading ones then follow from 0."""
    start = w.copy()
    first = sweep(H, lead, w, q, rho)
    for count in range(most):
        while count % EVERY == 0 and land(H, lead, w, q, rho):
            pass
        if sweep(H, lead, w, q, rho) <= share * first:
            break
    for i in range(lead - 1, -1, -1):
        total = 0.0
        for r in range(i + 1, w.size):
            total += H[i, r] * (w[r] - start[r])
        w[i] = start[i] - total / H[i, i] if H[i, i] > 0.0 else start[i]
