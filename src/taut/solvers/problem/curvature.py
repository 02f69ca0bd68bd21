"""Second derivatives of the data loss with respect to coefficients, for one output, independent outputs or coupled classes."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from taut.losses import Huber, Loss, Multinomial
from taut.losses.links import IdentityLink
from taut.solvers.problem.tolerances import EPS, SQUARED_RANK
from taut.types import Float

MAJORANT = 1e-3
"""Little enough that Newton's last steps are Newton's, enough that rows beyond δ hold a step where no others do."""
_FLAT = SQUARED_RANK**2
"""Share of the largest curvature beside which a coordinate has none."""
_LEAST = 1e-280
"""Curvature whose inverse is still a number."""


def row_gradient(loss: Loss, eta: Float, y: Float, weight: Float) -> Float:
    """s_i ℓ'(η_i): (n,) or (n, k)."""
    slope = np.asarray(loss.derivative(eta, y))
    return slope * (weight[:, None] if slope.ndim == 2 else weight)


def hessian(loss: Loss, design: Float, eta: Float, y: Float, weight: Float, floor: float = 0.0) -> Float:
    """Dᵀ diag(s ∘ ℓ'') D, of size (k·m, k·m) with outputs outermost; classes of a softmax are coupled by −p_c p_d.

    ``floor``: a row has at least this share of the largest row's curvature, a class this probability.
    """
    if isinstance(loss, Multinomial):
        p = np.asarray(loss.inverse_link(eta))
        return softmax_hessian(design, np.maximum(p, floor) if floor else p, weight)
    curvature = row_curvature(loss, eta, y).reshape(eta.shape[0], -1)
    curvature = np.maximum(curvature, floor * curvature[weight > 0.0].max(axis=0, initial=0.0))
    blocks = [weighted_gram(design, weight * curve) for curve in curvature.T]
    return blocks[0] if len(blocks) == 1 else np.asarray(scipy.linalg.block_diag(*blocks))


def row_curvature(loss: Loss, eta: Float, y: Float, share: float = MAJORANT) -> Float:
    """ℓ''(η); for Huber, which has none beyond δ, there a ``share`` of its quadratic majorant's, 2δ/|r| over the outputs.

    A step on the whole majorant, share 1, never raises the loss.
    """
    curvature = np.asarray(loss.curvature(eta, y))
    if not isinstance(loss, Huber):
        return curvature
    outputs = eta.shape[1] if eta.ndim == 2 else 1
    beyond = MAJORANT * 2.0 / outputs * loss.delta / np.maximum(np.abs(eta - y), loss.delta)
    return np.asarray(np.maximum(curvature, beyond))


def eta_noise(loss: Loss, eta: Float, y: Float, weight: Float) -> float:
    """What rounding may do to a gradient on columns of unit length: ε √Σ s (ℓ'' η + μ)², of the worst output.

    η's own rounding turns a slope by ℓ'' η ε; where η has a link, the slope is a difference from a mean μ with as many digits.
    """
    rows = weight > 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        noise = row_curvature(loss, eta[rows], y[rows]) * np.abs(eta[rows])
        if not isinstance(loss.link, IdentityLink):
            noise = noise + loss.inverse_link(eta[rows])
        size = float(np.sqrt(weight[rows] @ noise**2).max(initial=0.0))
    return EPS * size if np.isfinite(size) else 0.0


def solve_bent(H: Float, gradient: Float) -> Float:
    """H⁻¹ gradient for a positive semidefinite H, every coordinate brought to length one; 0 where nothing bends."""
    scale = inverse_lengths(H)
    inner = H * np.multiply.outer(scale, scale)
    inner[np.diag_indices_from(inner)] = 1.0 + SQUARED_RANK
    return np.asarray(scale * np.linalg.solve(inner, scale * gradient))


def pseudo_inverse(H: Float) -> Float:
    """H⁺ of a positive semidefinite H, its rank judged with every coordinate brought to length one."""
    scale = inverse_lengths(H)
    inner = H * np.multiply.outer(scale, scale)
    return np.asarray(
        np.linalg.pinv(inner, rcond=SQUARED_RANK, hermitian=True) * np.multiply.outer(scale, scale)
    )


def inverse_lengths(H: Float) -> Float:
    """1/√h of every coordinate, 0 where nothing bends beside the others."""
    curvature = np.diag(H)
    bent = curvature > max(_FLAT * float(curvature.max(initial=0.0)), _LEAST)
    return np.where(bent, 1.0 / np.sqrt(np.where(bent, curvature, 1.0)), 0.0)


def weighted_gram(design: Float, row: Float) -> Float:
    """Dᵀ diag(row) D for row ≥ 0, as one symmetric product."""
    A = design * np.sqrt(row)[:, None]
    return np.asarray(A.T @ A)


def softmax_hessian(design: Float, p: Float, weight: Float) -> Float:
    """Joint Hessian of all classes: blocks Dᵀ diag(s p_c (δ_cd − p_d)) D, classes outermost."""
    m, k = design.shape[1], p.shape[1]
    H = np.empty((k * m, k * m))
    for c in range(k):
        for d in range(c, k):
            row = weight * p[:, c] * ((c == d) - p[:, d])
            block = design.T @ (design * row[:, None])
            H[c * m : (c + 1) * m, d * m : (d + 1) * m] = block
            H[d * m : (d + 1) * m, c * m : (c + 1) * m] = block.T
    return H
