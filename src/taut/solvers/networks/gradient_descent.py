"""Gradient descent on F = L + Ω as the formulas are written: the penalty's (sub)gradient is added in the
backward pass.

    w ← w − η (∇L(w) + ∂Ω(w))

It is what a reader of the mathematics looks for, and shows why L1 needs the prox: with the term λ·sign(w) a
weight steps across zero and back, and is never exactly zero.
"""

from __future__ import annotations

from taut.solvers.networks.data_loss import Member
from taut.solvers.networks.flat_penalty import VectorPenalty
from taut.types import Real


def gradient_step(
    vector: Real, data_gradient: Real, rate: float, penalties: VectorPenalty, lam: float
) -> Real:
    """w − η (∇L + ∂λΩ(w)), ∂ the least-norm subgradient."""
    stepped: Real = vector - rate * (data_gradient + penalties.gradient(vector, lam))
    return stepped


def gradient_descent(
    member: Member, vector: Real, penalties: VectorPenalty, lam: float, rate: float, steps: int
) -> Real:
    """``steps`` full-batch steps of size ``rate`` from ``vector`` (P,)."""
    for _ in range(steps):
        _, gradient = member.value_and_gradient(vector)
        vector = gradient_step(vector, gradient, rate, penalties, lam)
    return vector
