"""A stretch of a path in coefficient space: strong sets, descent on a contiguous block, verification, at every λ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.solvers._kernels import compile
from taut.solvers._kernels.descent import PATIENCE, epochs_of_descent, to_face
from taut.solvers._kernels.quadratic import copy, measured, refresh
from taut.types import Float, Index


@compile()
def strong_set(w: Float, q: Float, rho: Float, ratio: float, inside: NDArray[np.bool_]) -> None:
    """Mark the support and |q_j| ≥ (2 − λ_previous/λ) λ v_j; columns held at 0 by their box stay out."""
    for j in range(w.size):
        held = rho[2, j] == 0.0 and rho[3, j] == 0.0
        inside[j] = not held and (w[j] != 0.0 or abs(q[j]) >= (2.0 - ratio) * rho[0, j])


@compile()
def add_violators(q: Float, rho: Float, inside: NDArray[np.bool_]) -> bool:
    """Mark unmarked columns whose q leaves [−l1, l1] on a side that the box leaves open; says whether there are any."""
    found = False
    for j in range(q.size):
        up = q[j] > rho[0, j] and rho[3, j] > 0.0
        down = -q[j] > rho[0, j] and rho[2, j] < 0.0
        if (up or down) and not inside[j]:
            inside[j] = True
            found = True
    return found


@compile()
def positions(inside: NDArray[np.bool_]) -> Index:
    """Where the marks are."""
    index = np.empty(inside.size, dtype=np.int64)
    count = 0
    for j in range(inside.size):
        if inside[j]:
            index[count] = j
            count += 1
    return index[:count]


@compile(fastmath=True)
def standardise_block(
    gram: Float, index: Index, part: Float, share: float, mean: Float, scale: Float, block: Float
) -> None:
    """block ← ((gram[index, index] − part)·share − mean meanᵀ) · scale scaleᵀ; an empty ``part`` takes nothing away."""
    for a in range(index.size):
        j = index[a]
        for b in range(index.size):
            block[a, b] = gram[j, index[b]]
        if part.size:
            for b in range(index.size):
                block[a, b] -= part[a, b]
        for b in range(index.size):
            block[a, b] = (share * block[a, b] - mean[a] * mean[b]) * (scale[a] * scale[b])


@compile()
def anchor(H: Float, w: Float, q: Float, c: Float, bb: float) -> float:
    """c ← q + Hw, so that the quadratic of H has the gradient −q at w whatever the precision of H; returns its bᵀb."""
    total = bb
    for j in range(c.size):
        total -= c[j] * w[j]
    refresh(H, q, -w, c)
    for j in range(c.size):
        total += c[j] * w[j]
    return total


@compile(inline=True)
def solve_block(
    H: Float,
    c: Float,
    bb: float,
    index: Index,
    w: Float,
    rho: Float,
    knee: float,
    flat: float,
    tol: float,
    max_epochs: int,
) -> int:
    """Descend on the columns ``index`` alone, the others being 0."""
    m = index.size
    block, terms = np.empty((m, m), H.dtype), np.empty((4, m))
    part, target, residual = np.empty(m), np.empty(m), np.empty(m)
    for a in range(m):
        j = index[a]
        part[a] = w[j]
        target[a] = c[j]
        for row in range(4):
            terms[row, a] = rho[row, j]
        for b in range(m):
            block[a, b] = H[j, index[b]]
    refresh(block, target, part, residual)
    epochs = epochs_of_descent(block, target, bb, part, residual, terms, knee, flat, tol, max_epochs)[0]
    for a in range(m):
        w[index[a]] = part[a]
    return epochs


@compile()
def ahead(shape: Float, lam: float, step: float, slope: Float, rho: Float, last: Float, w: Float) -> None:
    """The penalty's table at ``lam``, and w moved by ``step`` in λ as it moved before; ``last`` is w as it was."""
    for j in range(w.size):
        rho[0, j] = lam * shape[0, j]
        rho[1, j] = lam * shape[1, j]
        last[j] = w[j]
        # A sign that would flip becomes 0.
        moved = w[j] + step * slope[j]
        w[j] = moved if moved * w[j] > 0.0 else 0.0


@compile()
def arrive(step: float, last: Float, w: Float, slope: Float) -> None:
    """dw/dλ on the way from ``last`` to w."""
    if step != 0.0:
        for j in range(w.size):
            slope[j] = (w[j] - last[j]) / step


@compile()
def stretch(
    H: Float, c: Float, bb: float, lambdas: Float, previous: float, slope: Float, w: Float, q: Float,
    shape: Float, knee: float, flat: float, tol: float, max_epochs: int,
    coefs: Float, correlations: Float, measures: Float, epochs: Float,
) -> int:  # fmt: skip
    """``walk`` by descent alone, up to the first strength that ``max_epochs`` have left unsolved; how many lie before it."""
    m = w.size
    inside = np.zeros(m, dtype=np.bool_)
    rho, last = shape.copy(), np.empty(m)
    for i in range(lambdas.size):
        lam = lambdas[i]
        ahead(shape, lam, lam - previous, slope, rho, last, w)
        strong_set(w, q, rho, min(previous / lam, 2.0), inside)
        goal, count = 0.5 * tol, 0
        for _ in range(60):
            count += solve_block(H, c, bb, positions(inside), w, rho, knee, flat, goal, max_epochs - count)
            refresh(H, c, w, q)
            measures[i] = measured(w, q, c, bb, rho, knee, flat)
            new = add_violators(q, rho, inside)
            if measures[i] <= tol or count >= max_epochs:
                break
            if not new:
                goal *= 0.1
                if goal < 1e-6 * tol:
                    break
        arrive(lam - previous, last, w, slope)
        previous = lam
        copy(w, coefs[i])
        copy(q, correlations[i])
        epochs[i] = count
        if measures[i] > tol and count >= max_epochs:
            return i
    return lambdas.size


def walk(
    H: Float, c: Float, bb: float, lambdas: Float, previous: float, slope: Float, w: Float, q: Float,
    shape: Float, knee: float, flat: float, tol: float, max_epochs: int,
    coefs: Float, correlations: Float, measures: Float, epochs: Float,
) -> None:  # fmt: skip
    """Solve at each of ``lambdas`` in turn, from w and q; rows of the four outputs are filled.

    w is the solution at ``previous`` and ``slope`` its change per unit of λ on the way there; all three are brought up to date.
    ``shape`` (4, m) is the penalty's table at strength 1; ``measures`` are absolute gaps, or stationarity distances, over
    all columns; ``tol`` is what they are held to, within ``max_epochs`` at each strength. Not compiled, as ``descend`` is not.
    """
    first, outputs = 0, (coefs, correlations, measures, epochs)
    terms = (slope, w, q, shape, knee, flat, tol)
    patience = min(PATIENCE, max_epochs) if flat == np.inf else max_epochs
    while first < lambdas.size:
        rest = lambdas[first:]
        first += stretch(H, c, bb, rest, previous, *terms, patience, *(out[first:] for out in outputs))
        if first == lambdas.size:
            return
        previous, made, due = float(lambdas[first]), int(epochs[first]), patience
        here, rho = lambdas[first : first + 1], shape.copy()
        rho[:2] *= previous
        while measures[first] > tol and made < max_epochs and epochs[first] >= due:
            due = min(max(PATIENCE, to_face(H, c, w, q, rho, knee, flat)), max_epochs - made)
            stretch(H, c, bb, here, previous, *terms, due, *(out[first : first + 1] for out in outputs))
            made += int(epochs[first])
        epochs[first] = made
        first += 1
