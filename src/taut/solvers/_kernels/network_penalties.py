"""One epoch of proximal Adam for penalties whose prox is more than a soft threshold: groups, MCP and SCAD.

A file of its own, so that a first fit compiles only the steps that its penalty asks for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.float32 import ONE, TWO, ZERO
from taut.solvers._kernels.network import TINY, batch_gradient
from taut.solvers._kernels.optimizer_steps import MOST_STEPS, newton_step_of_norm
from taut.types import Int64, Single

GROUPS = 2

AT_REST = np.float32(4e-5)
"""A Newton step squares the distance to the root, so that after one so small, relative to it, it is at rounding."""


@compile(fastmath=True)
def update_moments(moments: Single, g: Single, beta1: Any, beta2: Any) -> None:
    """m ← β₁m + (1 − β₁)g and v ← β₂v + (1 − β₂)g², what is tiny flushed to zero."""
    for j in range(g.size):
        m = beta1 * moments[0, j] + (ONE - beta1) * g[j]
        v = beta2 * moments[1, j] + (ONE - beta2) * g[j] * g[j]
        moments[0, j] = m if abs(m) > TINY else ZERO
        moments[1, j] = v if v > TINY else ZERO


@compile(fastmath=True)
def step_in_groups(
    theta: Single, moments: Single, table: Single, runs: Int64, groups: Int64, rate: Any, epsilon: Any,
    correction1: Any, correction2: Any, drawn: Single,
) -> None:  # fmt: skip
    """z = w − d·m̂ in every weight, d = rate / (√v̂ + ε), then in every group the prox of ω‖w‖ + l2‖w‖² in the metric 1/d.

    With a = 1 + 2d·l2 that is the prox of ω‖w‖ alone at z/a with steps d/a; ``drawn`` (P,) is room for (d/a)·ω.
    """
    for j in range(theta.size):
        d = rate / (np.sqrt(moments[1, j] * correction2) + epsilon)
        bent = ONE / (ONE + TWO * d * table[1, j])
        theta[j] = (theta[j] - d * correction1 * moments[0, j]) * bent
        drawn[j] = d * bent * table[0, j]
    for k in range(groups.size - 1):
        own = runs[groups[k] : groups[k + 1]]
        if table[0, own[0, 0]] > ZERO:
            r = _norm_of_prox(theta, drawn, own)
            for i in range(own.shape[0]):
                for j in range(own[i, 0], own[i, 1]):
                    theta[j] = theta[j] * r / (r + drawn[j]) if r > ZERO else ZERO


@compile(fastmath=True)
def _norm_of_prox(theta: Single, drawn: Single, runs: Int64) -> Any:
    """The root r = ‖w‖ of Σ z²/(r + t)² = 1 over the stretches of a group, 0 without one (``penalties.diagonal``)."""
    square, largest, least, held = ZERO, ZERO, ZERO, ZERO
    for i in range(runs.shape[0]):
        for j in range(runs[i, 0], runs[i, 1]):
            z, t = theta[j], drawn[j]
            square += z * z
            largest, least = max(largest, t), max(least, abs(z) - t)
            held += (z / t) * (z / t)
    if held <= ONE:
        return ZERO
    r = max(np.sqrt(square) - largest, least)
    for _ in range(MOST_STEPS):
        total, slope = ZERO, ZERO
        for i in range(runs.shape[0]):
            for j in range(runs[i, 0], runs[i, 1]):
                inverse = ONE / (r + drawn[j])
                share = theta[j] * inverse
                total += share * share
                slope += share * share * inverse
        change = newton_step_of_norm(total, slope)
        r = max(r + change, ZERO)
        if abs(change) <= AT_REST * r:
            break
    return r


@compile(fastmath=True)
def step_concave(
    theta: Single, moments: Single, strengths: Single, knee: Any, flat: Any, rate: Any, epsilon: Any,
    correction1: Any, correction2: Any, largest: Any,
) -> None:  # fmt: skip
    """z = w − d·m̂, then the prox of MCP or SCAD with strengths λv, d = rate / (√v̂ + ε) but at most ``largest``."""
    bend = ONE / (flat - knee)
    for j in range(theta.size):
        d = min(rate / (np.sqrt(moments[1, j] * correction2) + epsilon), largest)
        z = theta[j] - d * moments[0, j] * correction1
        lam, size = strengths[j], abs(z)
        if size >= flat * lam:
            theta[j] = z
        elif size <= (knee + d) * lam:
            t = d * lam
            theta[j] = z - min(max(z, -t), t)
        else:
            t = d * bend * flat * lam
            theta[j] = (z - min(max(z, -t), t)) / (ONE - d * bend)


@compile()
def sweep_shaped(
    theta: Single, total_gradient: Single, moments: Single, steps: int, X: Single, affine: Single, y: Single,
    rows_data: Single, order: Int64, cuts: Int64, plan: Int64, codes: Int64, delta: Any, table: Single, hyper: Single,
    buffer: Single, spare: Single, kind: int, runs: Int64, groups: Int64,
) -> float:  # fmt: skip
    """``network.sweep`` for groups, MCP and SCAD; ``hyper``: rate, β₁, β₂, ε, knee, flat and the largest step.

    ``table``: the weight of each coordinate's group and its l2, or λ of each coordinate; ``runs``, ``groups``:
    ``solvers.vector_penalty.Lowered``.
    """
    g = np.empty_like(theta)
    room = np.empty(order.size, np.int64)
    total = 0.0
    for c in range(cuts.size - 1):
        batch = order[cuts[c] : cuts[c + 1]]
        scale = np.float32(X.shape[0] / batch.size) if steps >= 0 else ONE
        total += batch_gradient(
            theta, g, scale, X, affine, y, rows_data, batch, room, plan, codes, delta, buffer, spare
        )  # fmt: skip
        if steps >= 0:
            steps += 1
            correction1 = np.float32(1.0 / (1.0 - np.float64(hyper[1]) ** steps))
            correction2 = np.float32(1.0 / (1.0 - np.float64(hyper[2]) ** steps))
            update_moments(moments, g, hyper[1], hyper[2])
            if kind == GROUPS:
                step_in_groups(
                    theta, moments, table, runs, groups, hyper[0], hyper[3], correction1, correction2, g
                )  # fmt: skip
            else:
                step_concave(
                    theta, moments, table[0], hyper[4], hyper[5], hyper[0], hyper[3], correction1, correction2, hyper[6]
                )  # fmt: skip
        else:
            for j in range(g.size):
                total_gradient[j] += g[j]
    return total
