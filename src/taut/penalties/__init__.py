"""Penalties: shapes Ω with value, gradient, prox and conjugate; the strength is outside, ``lam * penalty``."""

from taut.penalties.base import Kind, Penalty, Table, Traits
from taut.penalties.separable import L1, L2, ElasticNet

__all__ = ["L1", "L2", "ElasticNet", "Kind", "Penalty", "Table", "Traits"]
