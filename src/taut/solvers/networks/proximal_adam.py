"""Proximal Adam: Adam's moments of the data gradient alone, then the penalty's prox in Adam's own diagonal
metric.

    m ← β₁m + (1 − β₁)g,   v ← β₂v + (1 − β₂)g²,   g = ∇L
    d = η_t / (√v̂ + ε),    w ← prox_{d·Ω}(w − d·m̂)

The penalty never enters the moments, so L1 gives exact zeros and L2 is the penalty's true effect; a point
that the step leaves in place is stationary for L + Ω, whatever the metric. Kingma and Ba, ICLR 2015,
algorithm 1 (the moments); Yun, Lozano and Yang, NeurIPS 2021, algorithm 1 (the proximal step in a diagonal
metric). The group lasso's prox in that metric is one equation per group (``taut.penalties.diagonal``).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from taut.solvers.networks.data_loss import Rows
from taut.solvers.networks.flat_penalty import VectorPenalty
from taut.solvers.networks.settings import Training
from taut.types import Real


class Batches(Protocol):
    """The data loss by parts: a ``Member``, or its compiled counterpart."""

    @property
    @abstractmethod
    def weight(self) -> Real:
        """The rows' shares s (n,)."""

    @abstractmethod
    def batch(self, vector: Real, rows: Rows) -> tuple[float, Real]:
        """Σ_{i in rows} s_i ℓ_i and its gradient (P,)."""


@dataclass(eq=False)
class AdamMoments:
    """Adam's running moments of ∇L (P,), and the steps that went into them; kept along the path, in place."""

    first: Real
    second: Real
    steps: int = 0

    @staticmethod
    def zeros(vector: Real) -> AdamMoments:
        """No steps yet."""
        return AdamMoments(np.zeros_like(vector), np.zeros_like(vector))


def proximal_adam_step(
    vector: Real,
    moments: AdamMoments,
    gradient: Real,
    rate: float,
    penalties: VectorPenalty,
    lam: float,
    training: Training,
) -> Real:
    """One step from ``vector`` (P,) with the data gradient ``gradient``; ``moments`` are updated."""
    moments.steps += 1
    moments.first *= training.beta1
    moments.first += (1 - training.beta1) * gradient
    moments.second *= training.beta2
    moments.second += (1 - training.beta2) * gradient * gradient
    corrected = moments.second / (1 - training.beta2**moments.steps)
    step = np.minimum(rate / (np.sqrt(corrected) + training.epsilon), penalties.largest_step(lam))
    move = step * moments.first / (1 - training.beta1**moments.steps)
    return penalties.prox(vector - move, step, lam)


def proximal_adam_epoch(
    member: Batches,
    vector: Real,
    moments: AdamMoments,
    batches: list[Rows],
    rate: float,
    penalties: VectorPenalty,
    lam: float,
    training: Training,
) -> tuple[Real, float]:
    """One pass over the mini-batches: the new vector, and the data loss summed along the way.

    A batch's gradient is Σ_{i in batch} s_i∇ℓ_i times n over its size: an unbiased estimate of ∇L for any
    row weights.
    """
    total = 0.0
    for rows in batches:
        inside = rows[member.weight[rows] > 0]
        value, gradient = member.batch(vector, inside)
        total += value
        gradient *= member.weight.size / rows.size
        vector = proximal_adam_step(vector, moments, gradient, rate, penalties, lam, training)
    return vector, total
