"""Concave penalties inside a Newton step: as they are where that descends, by their tangents where it does not."""

from __future__ import annotations

import numpy as np

from taut.penalties import Kind, Table
from taut.solvers.matrix import Float


def step_models(table: Table, w: Float) -> list[tuple[Table, int]]:
    """What a step minimises, and how often it may be halved: a concave penalty itself, or failing that its tangent."""
    if table.kind == Kind.QUADRATIC:
        return [(table, 30)]
    return [(table, 3), (tangent(table, w), 30)]


def tangent(table: Table, w: Float) -> Table:
    """The tangent in |w| of a concave penalty, which lies above it (Zou and Li, *Ann. Statist.* 36 (2008), §2).

    Newton's model is then convex and its minimiser a descent direction. The tangent is written as the start of an MCP
    that bends far away.
    """
    a = np.abs(w)
    bent = (
        (table.l1 - a / table.gamma)
        if table.kind == Kind.MCP
        else (table.gamma * table.l1 - a) / (table.gamma - 1.0)
    )
    return table._replace(kind=int(Kind.MCP), l1=np.clip(bent, 0.0, table.l1), gamma=1e300)
