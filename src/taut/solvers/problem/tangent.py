"""Concave penalties inside a Newton step: as they are where that descends, by their tangents where it does not."""

from __future__ import annotations

import numpy as np

from taut.penalties import Kind, Table
from taut.types import Float


def step_models(table: Table, w: Float) -> list[tuple[Table, int]]:
    """What a step minimises, and how often it may be halved: a concave penalty itself, or failing that its tangent."""
    if table.kind == Kind.QUADRATIC:
        return [(table, 30)]
    return [(table, 3), (tangent(table, w), 30)]


def tangent(table: Table, w: Float) -> Table:
    """The tangent in |w| of a concave penalty, which lies above it (Zou and Li, *Ann. Statist.* 36 (2008), §2).

    Newton's model is then convex and its minimiser a descent direction. The tangent is written as the start of an MCP
    that is flat far away only.
    """
    slope, used = table.l1.copy(), np.flatnonzero(w)
    past = np.abs(w[used]) - table.knee * slope[used]
    slope[used] = np.clip(slope[used] - np.clip(past, 0.0, None) / (table.flat - table.knee), 0.0, None)
    return table._replace(l1=slope, knee=0.0, flat=1e300)
