"""Certificates of streamed paths: objectives, gradients and duality gaps of any likelihood, from the sums of one pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from taut.penalties import Penalty
from taut.streaming.likelihood_pass import Evaluated
from taut.types import Float


class Bounded(NamedTuple):
    """F (M, L), its gradient in standardised units (M, L, p) and slope of the intercept (M, L), and the duality gap (M, L)."""

    objective: Float
    gradient: Float
    slope: Float
    gap: Float


def bounded(
    sums: Evaluated, weight: Float, center: Float, scale: Float, coefs: Float, strengths: list[Penalty]
) -> Bounded:
    """F, its gradient and its gap for every member (weights (M,), centres and scales (M, p)) and strength λΩ.

    The dual of Σ s ℓ + λΩ is −Σ s ℓ*(σ u) − (λΩ)*(−Σ s σ u x̃) for any σ of which Σ s σ u = 0. The residuals of one class
    are shrunk until that holds, and all of them until the penalty's conjugate is finite. Along σ the dual of a class is

        Σ s (ℓ − uη) + (1 − σ) Σ s uη − ½(1 − σ)²/σ · Σ s q/(1 − q)     at least,

    because the second derivative of ℓ*(σu) is q/(σ(1 − σq)) ≤ q/(σ(1 − q)): sums of one pass bound it for every σ.
    """
    per = weight[:, None]
    loss, slope, cross, spread = (part / per for part in sums[:4])
    moved = sums.gradient - center[None, :, None] * sums.slope[..., None]
    gradient = moved / (scale[:, None] * weight[:, None, None])
    shrunk = _without_slope(slope)
    dual = (shrunk[..., None] * gradient).sum(axis=0)
    objective, gap = np.empty(per.shape[:1] + loss.shape[2:]), np.empty(per.shape[:1] + loss.shape[2:])
    for m, i in np.ndindex(*objective.shape):
        penalty = strengths[i]
        value = float(penalty.value(coefs[m, i]))
        conjugate, share = _feasible(penalty, dual[m, i])
        sigma = share * shrunk[:, m, i]
        own = loss[:, m, i] - sigma * cross[:, m, i] - 0.5 * (1.0 - sigma) ** 2 / sigma * spread[:, m, i]
        objective[m, i] = loss[:, m, i].sum() + value
        gap[m, i] = objective[m, i] - own.sum() + conjugate
    return Bounded(objective, gradient.sum(axis=0), slope.sum(axis=0), gap)


def _without_slope(slope: Float) -> Float:
    """By how much residuals of each kind (K, M, L) are shrunk so that they sum to 0: one kind alone sums to it already."""
    if len(slope) == 1:
        return np.ones_like(slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(-slope[1] / slope[0], nan=1.0, posinf=np.inf)
    return np.stack([np.minimum(1.0, ratio), np.minimum(1.0, 1.0 / np.maximum(ratio, 1e-300))])


def _feasible(penalty: Penalty, gradient: Float) -> tuple[float, float]:
    """(λΩ)*(−σg) and the largest σ ≤ 1 for which it is finite."""
    found = float(penalty.conjugate(-gradient))
    if np.isfinite(found):
        return found, 1.0
    share = (1.0 - 1e-12) / penalty.lambda_max(gradient)  # of the penalty at λ: 1 where 0 is a solution
    return float(penalty.conjugate(-share * gradient)), share
