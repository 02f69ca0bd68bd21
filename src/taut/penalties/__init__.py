"""Penalties: shapes Ω with value, gradient, prox and conjugate; the strength is outside, ``lam * shape``.

A new penalty is one final class in one file and one line here; the laws then test it by themselves.
"""

from taut.penalties.base import Blocks, Kind, Penalty, Table, Traits
from taut.penalties.diagonal import RowGroups, prox_in_diagonal_metric
from taut.penalties.group import GroupLasso
from taut.penalties.neurons import NeuronLasso
from taut.penalties.nonconvex import MCP, SCAD, WeaklyConvex
from taut.penalties.parameters import number
from taut.penalties.quadratic import L1, L2, ElasticNet
from taut.penalties.separable import Separable
from taut.penalties.words import as_layers, as_penalty

__all__ = [
    "L1",
    "L2",
    "MCP",
    "SCAD",
    "Blocks",
    "ElasticNet",
    "GroupLasso",
    "Kind",
    "NeuronLasso",
    "Penalty",
    "RowGroups",
    "Separable",
    "Table",
    "Traits",
    "WeaklyConvex",
    "as_layers",
    "as_penalty",
    "number",
    "prox_in_diagonal_metric",
]
