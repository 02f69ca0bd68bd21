"""What a proximal Newton step needs beside descent: the penalty, its conjugate at the dual point, the BFGS update."""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.quadratic import conjugate, feasible_scale, magnitude
from taut.types import Float


@compile()
def penalty_sum(w: Float, rho: Float, knee: float, flat: float) -> float:
    """Σ_j ρ_j(w_j)."""
    total = 0.0
    for j in range(w.size):
        if w[j] != 0.0:
            total += magnitude(w[j], rho[0, j], rho[1, j], knee, flat)
    return total


@compile()
def dual_penalty(q: Float, rho: Float) -> tuple[float, float]:
    """The largest a ≤ 1 for which Σ_j ρ_j*(a q_j) is finite, and that sum."""
    a = feasible_scale(q, rho)
    total = 0.0
    for j in range(q.size):
        if abs(a * q[j]) <= rho[0, j]:
            continue
        value = conjugate(a * q[j], rho[0, j], rho[1, j], rho[2, j], rho[3, j])
        # Infinite here means that a·q_j passes l1_j by rounding, where no l2 makes it a number beyond all others.
        total += value if value < np.inf or rho[1, j] > 0.0 else 0.0
    return a, total


@compile(fastmath=True)
def update(H: Float, move: Float, change: Float) -> bool:
    """BFGS: H ← H + y yᵀ/yᵀs − Hs (Hs)ᵀ/sᵀHs for the step s = ``move`` and the gradient's y = ``change``.

    Returns False, and leaves H as it is, where yᵀs is not clearly positive.
    """
    Hs = H @ move
    curvature, expected = 0.0, 0.0
    for i in range(move.size):
        curvature += move[i] * change[i]
        expected += move[i] * Hs[i]
    if not (expected > 0.0 and curvature > 1e-10 * expected):
        return False
    for i in range(move.size):
        a, b = change[i] / curvature, Hs[i] / expected
        row = H[i]
        for j in range(move.size):
            row[j] += a * change[j] - b * Hs[j]
    return True


@compile()
def into_units(
    product: Any, left: Float, right: Float, total: float, left_mean: Float, right_mean: Float,
    left_inverse: Float, right_inverse: Float,
) -> None:  # fmt: skip
    """Σ row x̃ x̃ᵀ from Σ row z zᵀ, in place: ``left`` and ``right`` are Σ row z, x̃ = (z − mean)·inverse.

    With total = Σ row the intercept is eliminated, which centres by these rows and leaves the means out; −Σ row says that
    there is none.
    """
    for i in range(left.size):
        for j in range(right.size):
            if total > 0.0:
                shift = left[i] * right[j] / total
            else:
                shift = (
                    left[i] * right_mean[j] + left_mean[i] * right[j] + total * left_mean[i] * right_mean[j]
                )
            product[i, j] = (product[i, j] - shift) * left_inverse[i] * right_inverse[j]
