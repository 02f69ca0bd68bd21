"""The prox of penalties in place, in the metric of an optimiser that is not ours: step t = scale/(√v + ε) per weight.

Single and double precision: every constant is made of an argument, because a double in a loop of single precision would
make all of it double. A weight whose v is 0 never had a gradient, and stays as it is (t = 0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.solvers._kernels import compile

Real = NDArray[Any]

MOST_STEPS = 8
"""Newton steps for the norm of a group; see ``taut.penalties.diagonal``."""


@compile(fastmath=True, finite=True)
def _step(v: Any, scale: Any, epsilon: Any, largest: Any) -> Any:
    """scale/(√v + ε), and 0 where v is 0, or so large that the step is nothing (it may have overflowed)."""
    zero = scale - scale
    return scale / (np.sqrt(v) + epsilon) if (v > zero) & (v < largest) else zero


@compile(fastmath=True, finite=True)
def fill_steps(steps: Real, squares: Real, scale: Any, epsilon: Any, largest: Any) -> None:
    """The step of each weight."""
    for j in range(steps.size):
        steps[j] = _step(squares[j], scale, epsilon, largest)


@compile(fastmath=True, finite=True)
def shrink_l1(w: Real, squares: Real, scale: Any, epsilon: Any, largest: Any) -> None:
    """w ← S(w, t), ``scale`` with the strength in it."""
    for j in range(w.size):
        t, x = _step(squares[j], scale, epsilon, largest), w[j]
        w[j] = x - min(max(x, -t), t)


@compile(fastmath=True)
def _quadratic(x: Any, t: Any, l1: Any, l2: Any) -> Any:
    """S(x, t·l1)/(1 + 2t·l2), one of l1 and l2 positive."""
    one = (l1 + l2) / (l1 + l2)
    return (x - min(max(x, -t * l1), t * l1)) / (one + (t + t) * l2)


@compile(fastmath=True, finite=True)
def shrink_quadratic(
    w: Real, squares: Real, scale: Any, epsilon: Any, largest: Any, l1: Any, l2: Any
) -> None:
    """w ← S(w, t·l1)/(1 + 2t·l2), one of l1 and l2 positive; without squares t is ``scale`` for all."""
    if squares.size == 0:
        for j in range(w.size):
            w[j] = _quadratic(w[j], scale, l1, l2)
    else:
        for j in range(w.size):
            w[j] = _quadratic(w[j], _step(squares[j], scale, epsilon, largest), l1, l2)


@compile(fastmath=True)
def _concave(x: Any, t: Any, lam: Any, knee: Any, flat: Any) -> Any:
    """The prox of MCP or SCAD at any step, all branches computed, so that a loop over it vectorises."""
    zero, one, a = lam - lam, flat / flat, abs(x)
    bend, half = one / (flat - knee), one / (one + one)
    soft = max(a - t * lam, zero)
    firm = max(a - t * bend * flat * lam, zero) / (one - t * bend)
    gentle = firm if a > (knee + t) * lam else soft
    gentle = a if a >= flat * lam else gentle
    near, far = min(soft, knee * lam), max(a, flat * lam)
    cost = half * (near - a) * (near - a) + t * lam * near
    beyond = half * (far - a) * (far - a) + t * half * lam * lam * (flat + knee)
    steep = near if cost <= beyond else far
    moved = gentle if t * bend < one else steep
    return moved if x > zero else -moved


@compile(fastmath=True)
def shrink_concave(
    w: Real, squares: Real, scale: Any, epsilon: Any, largest: Any, lam: Any, knee: Any, flat: Any
) -> None:
    """w ← the prox of MCP or SCAD, see ``WeaklyConvex.prox_at_any_step``; without squares t is ``scale`` for all."""
    if squares.size == 0:
        for j in range(w.size):
            w[j] = _concave(w[j], scale, lam, knee, flat)
    else:
        for j in range(w.size):
            w[j] = _concave(w[j], _step(squares[j], scale, epsilon, largest), lam, knee, flat)


@compile(fastmath=True)
def share_steps(steps: Real, means: Real, counts: Real) -> None:
    """In every group of ``steps`` (A, G, B) what is 0 becomes the mean of what is not; ``means``, ``counts`` (G,) are room."""
    zero = means[0] - means[0]
    means[:], counts[:] = zero, zero
    for a in range(steps.shape[0]):
        for g in range(steps.shape[1]):
            for b in range(steps.shape[2]):
                t = steps[a, g, b]
                means[g] += t
                counts[g] += np.float32(t > zero)
    for g in range(means.size):
        means[g] = means[g] / counts[g] if counts[g] > zero else zero
    for a in range(steps.shape[0]):
        for g in range(steps.shape[1]):
            for b in range(steps.shape[2]):
                if steps[a, g, b] == zero:
                    steps[a, g, b] = means[g]


@compile(fastmath=True)
def _bounds_of_norms(w: Real, steps: Real, c: Any, room: Real) -> None:
    """Rows of ``room`` (4, G): Σz², max tc, max(|z| − tc), and Σ(z/(tc))² in every group."""
    zero = c - c
    room[:] = zero
    for a in range(w.shape[0]):
        for g in range(w.shape[1]):
            total, largest, least, held = room[0, g], room[1, g], room[2, g], room[3, g]
            for b in range(w.shape[2]):
                z, tc = w[a, g, b], steps[a, g, b] * c
                total += z * z
                largest, least = max(largest, tc), max(least, abs(z) - tc)
                share = z / tc if tc > zero else zero
                held += share * share
            room[0, g], room[1, g], room[2, g], room[3, g] = total, largest, least, held


@compile(fastmath=True)
def _sums_of_runs(w: Real, steps: Real, c: Any, radius: Real, moving: Real, total: Real, slope: Real) -> None:
    """Σz²/(r + tc)² and Σz²/(r + tc)³ of every group that is still moving."""
    zero, one = c - c, c / c
    for a in range(w.shape[0]):
        for g in range(w.shape[1]):
            if moving[g] > zero:
                r, s, d = radius[g], total[g], slope[g]
                for b in range(w.shape[2]):
                    inverse = one / (r + steps[a, g, b] * c)
                    share = w[a, g, b] * inverse
                    s += share * share
                    d += share * share * inverse
                total[g], slope[g] = s, d


@compile(fastmath=True)
def _sums_of_columns(w: Real, steps: Real, c: Any, radius: Real, total: Real, slope: Real) -> None:
    """The same where groups are neighbours in memory: all of them, without a branch, so that the loop vectorises."""
    one = c / c
    for a in range(w.shape[0]):
        for g in range(w.shape[1]):
            inverse = one / (radius[g] + steps[a, g, 0] * c)
            share = w[a, g, 0] * inverse
            total[g] += share * share
            slope[g] += share * share * inverse


@compile(fastmath=True)
def shrink_groups(w: Real, steps: Real, c: Any, room: Real) -> None:
    """w ← argmin_x Σ (x − w)²/(2t) + c Σ_g ‖x_g‖₂, the groups along the middle axis of (A, G, B).

    ``room`` (4, G). Groups without any step stay as they are; in the others every step is positive.
    """
    zero, one = c - c, c / c
    _bounds_of_norms(w, steps, c, room)
    radius, moving, total, slope = room[0], room[1], room[2], room[3]
    for g in range(radius.size):
        held, at_rest = room[3, g] <= one, room[1, g] == zero
        lower = max(np.sqrt(room[0, g]) - room[1, g], room[2, g])
        radius[g] = max(lower, zero) if at_rest or not held else zero
        moving[g] = zero if at_rest or held else one
    for _ in range(MOST_STEPS):
        total[:], slope[:] = zero, zero
        if w.shape[2] == 1:
            _sums_of_columns(w, steps, c, radius, total, slope)
        else:
            _sums_of_runs(w, steps, c, radius, moving, total, slope)
        if not _moved(radius, moving, total, slope, one):
            break
    for a in range(w.shape[0]):
        for g in range(w.shape[1]):
            r = radius[g]
            for b in range(w.shape[2]):
                t = steps[a, g, b]
                w[a, g, b] = (
                    w[a, g, b] * (r / (r + t * c)) if r > zero else (w[a, g, b] if t == zero else zero)
                )


@compile(fastmath=True)
def newton_step_of_norm(total: Any, slope: Any) -> Any:
    """(√S − 1)·S/T, the step of Newton's method for the norm r of a group, with S = Σz²/(r + tc)² and T = Σz²/(r + tc)³."""
    return (np.sqrt(total) - total / total) * total / slope


@compile()
def _moved(radius: Real, moving: Real, total: Real, slope: Real, one: Any) -> bool:
    """A Newton step of every group that is still moving; whether any moved by more than a tenth of the root of rounding.

    A step squares the distance to the root, so that after such a small one it is at rounding.
    """
    zero, small = one - one, np.sqrt(np.spacing(one)) / (one + one) / (one + one) / (one + one)
    any_moved = False
    for g in range(radius.size):
        if moving[g] > zero:
            change = newton_step_of_norm(total[g], slope[g])
            radius[g] = max(radius[g] + change, zero)
            if abs(change) > small * radius[g]:
                any_moved = True
            else:
                moving[g] = zero
    return any_moved
