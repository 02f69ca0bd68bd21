"""The convex quadratic of a Newton step, min ½ wᵀHw − cᵀw + Σ_j (l1_j|w_j| + l2_j w_j²) on a box, to the last digits.

Descent finds which coordinates are 0, of which sign, or at a bound; while those stand, the others solve a linear system.
``rho`` (4, m) holds l1, l2, lower and upper; q = c − Hw throughout. The first ``lead`` coordinates have been eliminated from
the rows of H below theirs, and follow.
Bertsekas, *SIAM J. Control and Optimization* 20 (1982), §2 (Newton's step on the coordinates that are free).
"""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.quadratic import dot, soft, subtract
from taut.types import Float, Index

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
def eliminate(A: Float, x: Float, flat: float) -> None:
    """x ← A⁻¹ x for a symmetric positive A, by Cholesky in its lower triangle (LAPACK would cost more to compile than to run).

    A pivot of less than the share ``flat`` of its diagonal counts as that much: along such a direction x goes far where
    it has a slope there, and nowhere where that slope is rounding.
    """
    for i in range(x.size):
        for j in range(i):
            A[i, j] = (A[i, j] - dot(A[i, :j], A[j, :j])) * A[j, j]
        pivot = max(A[i, i] - dot(A[i, :i], A[i, :i]), flat * A[i, i])
        A[i, i] = 1.0 / np.sqrt(pivot) if pivot > 0.0 else 0.0
        x[i] = (x[i] - dot(A[i, :i], x[:i])) * A[i, i]
    for i in range(x.size - 1, -1, -1):
        x[i] *= A[i, i]
        subtract(x[:i], x[i], A[i, :i])


@compile()
def face(w: Float, q: Float, rho: Float, lead: int, index: Index, slope: Float) -> int:
    """The coordinates from ``lead`` on that may move both ways, and minus the objective's slope there; how many there are."""
    count = 0
    for j in range(lead, w.size):
        if rho[2, j] < w[j] < rho[3, j] and (w[j] != 0.0 or rho[0, j] == 0.0):
            index[count] = j
            slope[count] = q[j] - 2.0 * rho[1, j] * w[j] - (rho[0, j] if w[j] > 0.0 else -rho[0, j])
            count += 1
    return count


@compile()
def toward_face(H: Float, rho: Float, index: Index, slope: Float) -> None:
    """``slope`` ← the move to the minimum on the face."""
    A = np.empty((index.size, index.size))
    for a in range(index.size):
        for b in range(a + 1):
            A[a, b] = H[index[a], index[b]]
        A[a, a] += 2.0 * rho[1, index[a]]
    eliminate(A, slope, FLAT)


@compile()
def land(H: Float, lead: int, w: Float, q: Float, rho: Float) -> bool:
    """Towards the minimum on the face of w, no further than to where a coordinate meets 0 or a bound; whether one did."""
    index, step, share = np.empty(w.size, np.int64), np.empty(w.size), 1.0
    m = face(w, q, rho, lead, index, step)
    toward_face(H, rho, index[:m], step[:m])
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
