"""Second derivatives of the data loss with respect to coefficients, for one output, independent outputs or coupled classes."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from taut.losses import Huber, Loss, Multinomial
from taut.solvers.matrix import Float
from taut.solvers.tolerances import SQUARED_RANK

_MAJORANT = 1e-3
"""Little enough that Newton's last steps are Newton's, enough that rows beyond δ hold a step where no others do."""


def row_gradient(loss: Loss, eta: Float, y: Float, weight: Float) -> Float:
    """s_i ℓ'(η_i): (n,) or (n, k)."""
    slope = np.asarray(loss.derivative(eta, y))
    return slope * (weight[:, None] if slope.ndim == 2 else weight)


def hessian(loss: Loss, design: Float, eta: Float, y: Float, weight: Float) -> Float:
    """Dᵀ diag(s ∘ ℓ'') D, of size (k·m, k·m) with outputs outermost; classes of a softmax are coupled by −p_c p_d."""
    if eta.ndim == 1:
        return weighted_gram(design, weight * row_curvature(loss, eta, y))
    if isinstance(loss, Multinomial):
        return softmax_hessian(design, np.asarray(loss.inverse_link(eta)), weight)
    curvature = row_curvature(loss, eta, y)
    blocks = [weighted_gram(design, weight * curvature[:, c]) for c in range(eta.shape[1])]
    return np.asarray(scipy.linalg.block_diag(*blocks))


def row_curvature(loss: Loss, eta: Float, y: Float) -> Float:
    """ℓ''(η); for Huber, which has none beyond δ, there a share of its quadratic majorant's, 2δ/|r| over the outputs."""
    curvature = np.asarray(loss.curvature(eta, y))
    if not isinstance(loss, Huber):
        return curvature
    outputs = eta.shape[1] if eta.ndim == 2 else 1
    beyond = _MAJORANT * 2.0 / outputs * loss.delta / np.maximum(np.abs(eta - y), loss.delta)
    return np.asarray(np.maximum(curvature, beyond))


def pseudo_inverse(H: Float) -> Float:
    """H⁺ of a positive semidefinite H, its rank judged with every coordinate brought to length one."""
    curvature = np.diag(H)
    bent = curvature > 0.0
    scale = np.where(bent, 1.0 / np.sqrt(np.where(bent, curvature, 1.0)), 0.0)
    inner = H * np.multiply.outer(scale, scale)
    return np.asarray(
        np.linalg.pinv(inner, rcond=SQUARED_RANK, hermitian=True) * np.multiply.outer(scale, scale)
    )


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
