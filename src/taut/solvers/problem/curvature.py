"""Second derivatives of the data loss with respect to coefficients, for one output, independent outputs or coupled classes."""

from __future__ import annotations

import numpy as np
import scipy

from taut.losses import MAJORANT, BoundLoss
from taut.solvers._kernels.softmax import softmax_variances
from taut.solvers.problem.tolerances import EPS, FLOOR, SQUARED_RANK
from taut.solvers.problem.units import along
from taut.types import Float

_FLAT = SQUARED_RANK**2
"""Share of the largest curvature beside which a coordinate has none."""
_LEAST = 1e-280
"""Curvature whose inverse is still a number."""


def hessian(bound: BoundLoss, design: Float, eta: Float, floor: float = 0.0) -> Float:
    """Dᵀ diag(s ∘ ℓ'') D, of size (k·m, k·m) with outputs outermost; classes of a softmax are coupled by −p_c p_d.

    ``floor``: a row has at least this share of the largest row's curvature or of the mean slope, a class this probability.
    """
    weight = bound.weight
    if bound.loss.traits.couples_outputs:
        p = np.asarray(bound.loss.inverse_link(eta))
        return softmax_hessian(design, np.maximum(p, floor) if floor else p, weight)
    curvature = bound.curvature(eta).reshape(eta.shape[0], -1)
    if floor:
        # Where every row is saturated the largest curvature is none, too: what rows pull then says how large one may be.
        pull = np.abs(bound.gradient(eta).reshape(curvature.shape)).sum(axis=0)
        curvature = np.maximum(curvature, floor * np.maximum(curvature[weight > 0.0].max(axis=0), pull))
    blocks = [weighted_gram(design, weight * curve) for curve in curvature.T]
    return blocks[0] if len(blocks) == 1 else np.asarray(scipy.linalg.block_diag(*blocks))


def row_bends(bound: BoundLoss, eta: Float, neg_gradient: Float, share: float = MAJORANT) -> Float:
    """s ∘ ``curvature``, shaped as η, no row having less than a share of its output's largest, or than it pulls.

    A row that bends as little as it pulls, such as a count of 0 that is nearly met, holds no step back.
    """
    curvature, weight = bound.curvature(eta, share), along(bound.weight, eta)
    floor = weight * (FLOOR * curvature.max(axis=0))
    return np.asarray(np.maximum(weight * curvature, np.minimum(floor, np.abs(neg_gradient))))


def eta_noise(bound: BoundLoss, eta: Float) -> float:
    """What rounding may do to a gradient on columns of unit length: ε √Σ s (ℓ'' η + μ)², of the worst output.

    η's own rounding turns a slope by ℓ'' η ε; where η is not in y's units, the slope of a canonical loss is a difference from a
    mean μ with as many digits.
    """
    rows = bound.weight > 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        noise = (bound.curvature(eta) * np.abs(eta))[rows]
        if bound.traits.canonical and not bound.traits.in_units_of_y:
            noise = noise + np.abs(bound.loss.inverse_link(eta[rows]))
        size = float(np.sqrt(bound.weight[rows] @ noise**2).max(initial=0.0))
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
    """Joint Hessian of all classes (p (n, k)): blocks Dᵀ diag(s p_c (δ_cd − p_d)) D, classes outermost."""
    m, k, spread = design.shape[1], p.shape[1], variances(p.T)
    H = np.empty((k * m, k * m))
    for c in range(k):
        for d in range(c, k):
            row = weight * (spread[c] if c == d else -p[:, c] * p[:, d])
            block = design.T @ (design * row[:, None])
            H[c * m : (c + 1) * m, d * m : (d + 1) * m] = block
            H[d * m : (d + 1) * m, c * m : (c + 1) * m] = block.T
    return H


def variances(p: Float) -> Float:
    """p(1 − p) of every class (k, n): what changes no probability, all classes together, stays zero beside small curvatures."""
    spread = np.empty(p.shape)
    softmax_variances(np.ascontiguousarray(p), spread)
    return spread
