"""The quadratic of coordinate descent, ½ wᵀHw − cᵀw + Σ_j ρ_j(w_j): one coordinate, one epoch, its gap and objective.

ρ_j is column j of ``rho`` (4, m), the rows l1, l2, lower and upper of a penalty table, on the box: l1|w| + l2 w² where ``flat``
is inf; else MCP or SCAD, whose slope is l1 up to knee·l1, falls in a straight line and is 0 from flat·l1 on. q = c − Hw
throughout.
Friedman, Hastie and Tibshirani, *J. Statistical Software* 33 (2010), §2.2 (covariance updates); Breheny and Huang,
*Ann. Appl. Stat.* 5 (2011), §2 (MCP and SCAD steps).
"""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.types import Float


@compile()
def soft(z: float, t: float) -> float:
    """S(z, t)."""
    if z > t:
        return z - t
    if z < -t:
        return z + t
    return 0.0


@compile()
def magnitude(w: float, l1: float, l2: float, knee: float, flat: float) -> float:
    """ρ(w)."""
    a = abs(w)
    if flat == np.inf:
        return l1 * a + l2 * a * a
    a = min(a, flat * l1)
    past = max(a - knee * l1, 0.0)
    return l1 * a - past * past / (2.0 * (flat - knee))


@compile()
def lowest(z: float, h: float, l1: float, top: float, knee: float, flat: float) -> float:
    """argmin of ½ h a² − z a + ρ(a) over 0 ≤ a ≤ top where MCP or SCAD may be concave: the best end or vertex of a piece."""
    best, least = 0.0, 0.0
    start = 0.0
    for piece in range(3):
        if piece == 0:
            end, bend, slope = knee * l1, 0.0, l1
        elif piece == 1:
            end, bend, slope = flat * l1, -1.0 / (flat - knee), flat * l1 / (flat - knee)
        else:
            end, bend, slope = np.inf, 0.0, 0.0
        end = min(end, top)
        vertex = (z - slope) / (h + bend) if h + bend > 0.0 else end
        a = min(max(vertex, start), end)
        value = 0.5 * h * a * a - z * a + magnitude(a, l1, 0.0, knee, flat)
        if value < least:
            best, least = a, value
        if end >= top:
            break
        start = end
    return best


@compile()
def minimiser(
    z: float, h: float, l1: float, l2: float, lower: float, upper: float, knee: float, flat: float
) -> float:
    """argmin over the box of ½ h w² − z w + ρ(w)."""
    if flat == np.inf:
        w = soft(z, l1) / (h + 2.0 * l2)
    elif lower == upper:
        w = 0.0
    elif h * (flat - knee) <= 1.0:
        w = lowest(z, h, l1, upper, knee, flat) if z > 0.0 else -lowest(-z, h, l1, -lower, knee, flat)
    elif abs(z) <= l1 * (1.0 + knee * h):
        w = soft(z, l1) / h
    elif abs(z) <= flat * l1 * h:
        w = soft(z, flat * l1 / (flat - knee)) / (h - 1.0 / (flat - knee))
    else:
        w = z / h
    return min(max(w, lower), upper)


@compile()
def conjugate(u: float, l1: float, l2: float, lower: float, upper: float) -> float:
    """sup over the box of u w − l1|w| − l2 w²; inf where unbounded."""
    excess, bound = (u - l1, upper) if u > 0.0 else (-u - l1, -lower)
    if excess <= 0.0 or bound == 0.0:
        return 0.0
    if l2 > 0.0 and excess < 2.0 * l2 * bound:
        return excess * (excess / (4.0 * l2))
    return excess * bound - l2 * bound * bound if bound < np.inf else np.inf


@compile()
def feasible_scale(q: Float, rho: Float) -> float:
    """The largest a ≤ 1 for which the conjugate at a·q is finite, coordinates without any penalty left out."""
    a = 1.0
    for j in range(q.size):
        if abs(q[j]) * a <= rho[0, j]:
            continue
        bound = rho[3, j] if q[j] > 0.0 else -rho[2, j]
        if rho[1, j] == 0.0 and rho[0, j] > 0.0 and bound == np.inf:
            a = rho[0, j] / abs(q[j])
    return a


@compile()
def quadratic_gap(w: Float, q: Float, c: Float, bb: float, rho: Float) -> float:
    """Duality gap of ½‖Aw − b‖² + Σρ, H = AᵀA, c = Aᵀb, bb = bᵀb.

    Where neither penalty nor bound holds a coordinate back its q must be 0: what it is short of that, |q|(1 + |w|), is added.
    """
    cw = 0.0
    qw = 0.0
    penalty = 0.0
    for j in range(w.size):
        cw += c[j] * w[j]
        qw += q[j] * w[j]
        if w[j] != 0.0:
            penalty += rho[0, j] * abs(w[j]) + rho[1, j] * w[j] * w[j]
    a = feasible_scale(q, rho)
    dual = a * (bb - cw) - 0.5 * a * a * (bb - cw - qw)
    for j in range(w.size):
        value = conjugate(a * q[j], rho[0, j], rho[1, j], rho[2, j], rho[3, j])
        if value < np.inf:
            dual -= value
        elif rho[0, j] == 0.0:
            dual -= abs(q[j]) * (1.0 + abs(w[j]))
    return 0.5 * (bb - cw - qw) + penalty - dual


@compile()
def largest_distance(w: Float, q: Float, rho: Float, knee: float, flat: float) -> float:
    """max_j of the distance of q_j to ∂ρ_j(w_j): zero at a stationary point."""
    worst = 0.0
    for j in range(w.size):
        a = abs(w[j])
        slope = rho[0, j] + 2.0 * rho[1, j] * a
        if flat < np.inf and a > knee * rho[0, j]:
            slope = max(flat * rho[0, j] - a, 0.0) / (flat - knee)
        high = slope if w[j] >= 0.0 else -slope
        low = slope if w[j] > 0.0 else -slope
        above = q[j] - high if w[j] < rho[3, j] else 0.0
        below = low - q[j] if w[j] > rho[2, j] else 0.0
        worst = max(worst, above, below)
    return worst


@compile()
def measured(w: Float, q: Float, c: Float, bb: float, rho: Float, knee: float, flat: float) -> float:
    """What a tolerance is held to: the gap, or the stationarity distance where the penalty is not convex."""
    return quadratic_gap(w, q, c, bb, rho) if flat == np.inf else largest_distance(w, q, rho, knee, flat)


@compile(fastmath=True)
def subtract(q: Float, factor: float, row: Float) -> None:
    """q ← q − factor·row."""
    for i in range(q.size):
        q[i] -= factor * row[i]


@compile(fastmath=True)
def dot(a: Float, b: Float) -> float:
    """aᵀb."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@compile()
def copy(source: Float, target: Float) -> None:
    """target ← source."""
    for i in range(target.size):
        target[i] = source[i]


@compile(fastmath=True)
def refresh(H: Float, c: Float, w: Float, q: Float) -> None:
    """q ← c − Hw from scratch, support by support."""
    for i in range(q.size):
        q[i] = c[i]
    for j in range(w.size):
        if w[j] != 0.0:
            subtract(q, w[j], H[j])


@compile(fastmath=True)
def epoch(H: Float, w: Float, q: Float, rho: Float, knee: float, flat: float) -> float:
    """One cyclic pass; returns the largest h_j Δ_j², the decrease scale of the biggest move."""
    largest = 0.0
    for j in range(w.size):
        h = float(H[j, j])
        if h <= 0.0:
            continue
        new = minimiser(q[j] + h * w[j], h, rho[0, j], rho[1, j], rho[2, j], rho[3, j], knee, flat)
        move = new - w[j]
        if move != 0.0:
            w[j] = new
            subtract(q, move, H[j])
            largest = max(largest, h * move * move)
    return largest


@compile()
def objective(w: Float, q: Float, c: Float, rho: Float, knee: float, flat: float) -> float:
    """½ wᵀHw − cᵀw + Σρ from w and q."""
    total = 0.0
    for j in range(w.size):
        if w[j] != 0.0:
            total += magnitude(w[j], rho[0, j], rho[1, j], knee, flat) - 0.5 * (c[j] + q[j]) * w[j]
    return total
