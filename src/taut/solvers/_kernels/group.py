"""Block descent in coefficient space: min ½ wᵀHw − cᵀw + Σ_g t_g ‖w_g‖ with q = c − Hw kept up to date.

Group g is the run ``starts[g]`` to ``stops[g]``, rotated so that its block of H is diagonal; a step then solves one
equation for ‖w_g‖. Qin, Scheinberg and Goldfarb, *Math. Program. Comput.* 5 (2013), §2.2; Simon and Tibshirani,
*Statistica Sinica* 22 (2012), §2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.descent import DEPTH, combination
from taut.solvers._kernels.quadratic import copy, dot, refresh, subtract
from taut.types import Float, Index


@compile()
def radius(z: Float, d: Float, t: float) -> float:
    """‖w‖ at the minimum of ½ Σ d_i w_i² − zᵀw + t‖w‖: the root r of Σ z_i²/(d_i r + t)² = 1, by Newton from the left."""
    steepest = 0.0
    for i in range(d.size):
        steepest = max(steepest, d[i])
    length = float(np.sqrt(dot(z, z)))
    if length <= t or steepest <= 0.0:
        return 0.0
    r = (length - t) / steepest
    for _ in range(100):
        value, slope = -1.0, 0.0
        for i in range(d.size):
            part = z[i] / (d[i] * r + t)
            value += part * part
            slope -= 2.0 * part * part * d[i] / (d[i] * r + t)
        if value <= 1e-15 or slope >= 0.0:
            break
        r -= value / slope
    return r


@compile()
def group_gap(
    w: Float, q: Float, c: Float, bb: float, starts: Index, stops: Index, strengths: Float
) -> float:
    """Duality gap with the residual shrunk until ‖q_g‖ ≤ t_g for the groups that are given."""
    a, penalty = 1.0, 0.0
    for g in range(strengths.size):
        part, pull = w[starts[g] : stops[g]], q[starts[g] : stops[g]]
        penalty += strengths[g] * np.sqrt(dot(part, part))
        length = np.sqrt(dot(pull, pull))
        if length > strengths[g]:
            a = min(a, strengths[g] / length)
    cw, qw = dot(c, w), dot(q, w)
    return 0.5 * (bb - cw - qw) + penalty - a * (bb - cw) + 0.5 * a * a * (bb - cw - qw)


@compile()
def group_objective(w: Float, q: Float, c: Float, starts: Index, stops: Index, strengths: Float) -> float:
    """½ wᵀHw − cᵀw + Σ t_g ‖w_g‖ from w and q."""
    total = -0.5 * (dot(c, w) + dot(q, w))
    for g in range(strengths.size):
        part = w[starts[g] : stops[g]]
        total += strengths[g] * np.sqrt(dot(part, part))
    return total


@compile()
def group_epoch(
    H: Float, w: Float, q: Float, starts: Index, stops: Index, strengths: Float, z: Float, d: Float
) -> bool:
    """One pass over the groups, with room for the largest; says whether anything moved."""
    moved = False
    for g in range(strengths.size):
        start, size, t = starts[g], stops[g] - starts[g], strengths[g]
        square = 0.0
        for i in range(size):
            d[i] = H[start + i, start + i]
            z[i] = q[start + i] + d[i] * w[start + i]
            square += z[i] * z[i]
        r = radius(z[:size], d[:size], t) if square > t * t else 0.0
        for i in range(size):
            move = z[i] * r / (d[i] * r + t) - w[start + i] if r > 0.0 else -w[start + i]
            if move != 0.0:
                moved = True
                w[start + i] += move
                subtract(q, move, H[start + i])
    return moved


@compile()
def group_descend(
    H: Float, c: Float, bb: float, w: Float, q: Float, starts: Index, stops: Index, strengths: Float, tol: float,
    max_epochs: int,
) -> int:  # fmt: skip
    """Descend from w until the gap is at most ``tol``; returns the epochs. Every DEPTH of them are extrapolated.

    Only the given groups move; q = c − Hw is kept of all coordinates. H may have more rows and columns than they.
    """
    trial, trial_q = np.empty(w.size), np.empty(w.size)
    past, weights, filled = np.empty((DEPTH + 1, w.size)), np.empty(DEPTH), 0
    z, d = np.empty(w.size), np.empty(w.size)
    refresh(H, c, w, q)
    for count in range(1, max_epochs + 1):
        moved = group_epoch(H, w, q, starts, stops, strengths, z, d)
        if count % 32 == 0:
            refresh(H, c, w, q)
        if group_gap(w, q, c, bb, starts, stops, strengths) <= tol or not moved:
            return count
        copy(w, past[filled])
        filled += 1
        if filled == DEPTH + 1:
            filled = 0
            if combination(past, weights):
                trial[:] = 0.0
                for i in range(DEPTH):
                    subtract(trial, -weights[i], past[i + 1])
                refresh(H, c, trial, trial_q)
                before = group_objective(w, q, c, starts, stops, strengths)
                if group_objective(trial, trial_q, c, starts, stops, strengths) < before:
                    copy(trial, w)
                    copy(trial_q, q)
    return max_epochs


@compile(fastmath=True)
def restrict(
    H: Float, c: Float, w: Float, starts: Index, stops: Index, block: Any, start: Float, q: Float
) -> None:
    """H on the runs ``starts`` to ``stops`` (``block``), w there (``start``), and q = c − Hw there; w is 0 elsewhere."""
    at = 0
    for g in range(starts.size):
        for i in range(starts[g], stops[g]):
            start[at] = w[i]
            at += 1
    row = 0
    for g in range(starts.size):
        for i in range(starts[g], stops[g]):
            to, total = 0, 0.0
            target = block[row]
            for other in range(starts.size):
                size = stops[other] - starts[other]
                source, part = H[i, starts[other] : stops[other]], start[to : to + size]
                for j in range(size):
                    target[to + j] = source[j]
                    total += source[j] * part[j]
                to += size
            q[row] = c[i] - total
            row += 1


@compile()
def turn_rows(A: Float, starts: Index, turns: Float, at: Index) -> Float:
    """VᵀA, V block-diagonal: the block of group g is (size, size) row by row from ``turns[at[g]]`` on."""
    out = np.zeros_like(A)
    for g in range(starts.size - 1):
        start, size = starts[g], starts[g + 1] - starts[g]
        for i in range(size):
            for j in range(size):
                subtract(out[start + i], -turns[at[g] + j * size + i], A[start + j])
    return out


@compile()
def unturned(vector: Float, starts: Index, turns: Float, at: Index) -> Float:
    """V vector, with V as in ``turn_rows``."""
    out = np.zeros_like(vector)
    for g in range(starts.size - 1):
        start, size = starts[g], starts[g + 1] - starts[g]
        for i in range(size):
            for j in range(size):
                out[start + i] += turns[at[g] + i * size + j] * vector[start + j]
    return out
