"""Coordinate descent in coefficient space: min ½ wᵀHw − cᵀw + Σ_j ρ_j(w_j) with the gradient q = c − Hw kept up to date.

Every few epochs are extrapolated; where many have not been enough, Newton steps go to the minimum on the face of w.
``rho``, ``knee`` and ``flat`` are those of ``quadratic.py``.
Bertrand and Massias, AISTATS 2021, §3 (Anderson extrapolation); Bertsekas, *SIAM J. Control Optim.* 20 (1982), §2
(projected Newton steps).
"""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.face import eliminate, face, toward_face
from taut.solvers._kernels.quadratic import copy, dot, epoch, measured, objective, refresh, subtract
from taut.types import Float, Index

DEPTH = 5
"""How many past epochs an extrapolation combines."""
PATIENCE = 100
"""Epochs before the face is looked at; then again after as many, or after as many as cost what the look did."""
ROUNDS = 30
"""Newton steps per look."""
HALVINGS = 10
"""Lengths of a Newton step that are tried; the last only reaches the first bound."""


@compile()
def combination(past: Float, weights: Float) -> bool:
    """Fill ``weights`` (DEPTH,), summing to one, that make the combined last moves smallest; False where singular."""
    moves = np.empty((DEPTH, past.shape[1]))
    for i in range(DEPTH):
        for j in range(past.shape[1]):
            moves[i, j] = past[i + 1, j] - past[i, j]
    gram = np.empty((DEPTH, DEPTH))
    trace = 0.0
    for i in range(DEPTH):
        for k in range(DEPTH):
            gram[i, k] = dot(moves[i], moves[k])
        trace += gram[i, i]
    for i in range(DEPTH):
        gram[i, i] += 1e-12 * trace
        weights[i] = 1.0
    if trace <= 0.0:
        return False
    eliminate(gram, weights, 0.0)
    total = 0.0
    for i in range(DEPTH):
        total += weights[i]
    for i in range(DEPTH):
        weights[i] /= total
    return np.isfinite(total) and total != 0.0


@compile()
def blend(past: Float, weights: Float, w: Float, rho: Float, trial: Float) -> None:
    """The past epochs combined, within the box, on the support of w."""
    for j in range(w.size):
        trial[j] = 0.0
    for i in range(DEPTH):
        subtract(trial, -weights[i], past[i + 1])
    for j in range(w.size):
        trial[j] = min(max(trial[j], rho[2, j]), rho[3, j]) if w[j] != 0.0 else 0.0


@compile(inline=True)
def extrapolate(
    H: Float, c: Float, past: Float, w: Float, q: Float, rho: Float, knee: float, flat: float
) -> bool:
    """Replace w by the combination of its past epochs where that lowers the objective."""
    weights = np.empty(DEPTH)
    if not combination(past, weights):
        return False
    trial, trial_q = np.empty(w.size), np.empty(w.size)
    blend(past, weights, w, rho, trial)
    refresh(H, c, trial, trial_q)
    before = objective(w, q, c, rho, knee, flat)
    if objective(trial, trial_q, c, rho, knee, flat) >= before:
        return False
    copy(trial, w)
    copy(trial_q, q)
    return True


@compile()
def moved(w: Float, rho: Float, index: Index, move: Float, share: float, trial: Float) -> float:
    """``trial`` ← w + share·move held to its bounds and signs; returns the share of ``move`` at which the first is held."""
    copy(w, trial)
    first = np.inf
    for a in range(index.size):
        j = index[a]
        low, high = rho[2, j], rho[3, j]
        if rho[0, j] > 0.0:
            low, high = (max(low, 0.0), high) if w[j] > 0.0 else (low, min(high, 0.0))
        end = w[j] + share * move[a]
        trial[j] = min(max(end, low), high)
        if trial[j] != end:
            first = min(first, (trial[j] - w[j]) / move[a])
    return first


@compile()
def to_face(H: Float, c: Float, w: Float, q: Float, rho: Float, knee: float, flat: float) -> int:
    """Newton steps on the face of w, which loses what reaches a bound or zero, until its minimum is inside; flat = inf alone.

    Returns how many epochs of descent cost as much.

    Descent needs the more epochs the more columns depend on each other; a linear system does not. Releasing a
    coordinate is left to descent.
    """
    index, slope = np.empty(w.size, np.int64), np.empty(w.size)
    trial, trial_q = np.empty(w.size), np.empty(w.size)
    cost = 0
    for _ in range(ROUNDS):
        m = face(w, q, rho, 0, index, slope)
        cost += m // 8
        toward_face(H, rho, index[:m], slope[:m])
        before, fell = objective(w, q, c, rho, knee, flat), False
        share, first = 1.0, np.inf
        for power in range(HALVINGS):
            first = min(first, moved(w, rho, index[:m], slope, share, trial))
            refresh(H, c, trial, trial_q)
            fell = objective(trial, trial_q, c, rho, knee, flat) < before
            if fell:
                copy(trial, w)
                copy(trial_q, q)
                break
            share = 0.5 * share if power < HALVINGS - 2 else min(first, share)
        if not fell or first == np.inf:
            break
    return cost


@compile(inline=True)
def epochs_of_descent(
    H: Float,
    c: Float,
    bb: float,
    w: Float,
    q: Float,
    rho: Float,
    knee: float,
    flat: float,
    tol: float,
    max_epochs: int,
) -> tuple[int, float]:
    """``descend`` by epochs alone."""
    past = np.empty((DEPTH + 1, w.size))
    filled = 0
    measure = np.inf
    for count in range(1, max_epochs + 1):
        largest = epoch(H, w, q, rho, knee, flat)
        if count % 32 == 0:
            refresh(H, c, w, q)
        measure = measured(w, q, c, bb, rho, knee, flat)
        if measure <= tol or largest == 0.0:
            return count, measure
        copy(w, past[filled])
        filled += 1
        if filled == DEPTH + 1:
            extrapolate(H, c, past, w, q, rho, knee, flat)
            filled = 0
    return max_epochs, measure


def descend(
    H: Float,
    c: Float,
    bb: float,
    w: Float,
    q: Float,
    rho: Float,
    knee: float,
    flat: float,
    tol: float,
    max_epochs: int,
) -> tuple[int, float]:
    """Descend until the gap (flat = inf; the stationarity distance otherwise) is at most ``tol``; w and q are updated.

    Returns the number of epochs and the final measure. Not compiled, so that steps on the face are compiled only where
    descent needs them: most first fits do not.
    """
    problem = (H, c, bb, w, q, rho, knee, flat, tol)
    count, measure, due = 0, np.inf, PATIENCE if flat == np.inf else max_epochs
    while count < max_epochs:
        most = min(due, max_epochs - count)
        made, measure = epochs_of_descent(*problem, most)
        count += made
        if measure <= tol or made < most or count >= max_epochs:
            break
        due = max(PATIENCE, to_face(H, c, w, q, rho, knee, flat))
    return count, measure
