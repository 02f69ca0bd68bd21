"""Layer penalties lowered to the tables that compiled steps read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from taut.penalties import WeaklyConvex
from taut.solvers.networks.concave_table import ConcaveTable
from taut.solvers.networks.flat_penalty import QuadraticTable, TablePenalty
from taut.solvers.networks.group_table import GroupTable
from taut.solvers.networks.layer_penalties import Block, LayerPenalties
from taut.types import Int64, Real


def lowered(penalties: LayerPenalties) -> TablePenalty | None:
    """The penalties as one table, or None where no compiled step knows their shape."""
    return quadratic_table(penalties) or _group_table(penalties) or _concave_table(penalties)


def quadratic_table(penalties: LayerPenalties) -> QuadraticTable | None:
    """The penalties as one table, or None where a block is not of the quadratic kind."""
    size = penalties.layout.size
    l1, l2 = np.zeros(size), np.zeros(size)
    for block in penalties.blocks:
        if block.penalty is None:
            continue
        table = block.penalty.table(block.shape[0])
        if table is None or not table.convex:
            return None
        l1[block.where] = np.repeat(table.l1, block.shape[1])
        l2[block.where] = np.repeat(table.l2, block.shape[1])
    return QuadraticTable(l1, l2)


def _concave_table(penalties: LayerPenalties) -> ConcaveTable | None:
    """Blocks of one concave shape, and such as are free or excluded throughout."""
    v = np.zeros(penalties.layout.size)
    shapes = {b.penalty.knots: b.penalty for b in penalties.blocks if isinstance(b.penalty, WeaklyConvex)}
    if len(shapes) != 1:
        return None
    shape = next(iter(shapes.values()))
    for block in penalties.blocks:
        if block.penalty is None:
            continue
        table = block.penalty.table(block.shape[0])
        if table is None or ((table.knee, table.flat) != shape.knots and not np.isinf(table.l1).all()):
            return None
        v[block.where] = np.repeat(table.l1, block.shape[1])
    return ConcaveTable(replace(shape, lam=1.0, factors=None), v)


def _group_table(penalties: LayerPenalties) -> GroupTable | None:
    """Blocks of group lassos, of the quadratic kind (groups of one), and free ones."""
    size = penalties.layout.size
    group, weights, l2, count = np.zeros(size, np.int64), [], np.zeros(size), 0
    for block in penalties.blocks:
        own = _groups_of(block)
        if own is None:
            return None
        labels, block_weights, l2[block.where] = own
        group[block.where] = count + labels
        weights.append(block_weights)
        count += block_weights.size
    return GroupTable(group, np.concatenate(weights), l2)


def _groups_of(block: Block) -> tuple[Int64, Real, Real] | None:
    """The group of each coordinate of a block, 0..G−1, their weights and the coordinates' l2 at strength 1."""
    (rows, columns), penalty = block.shape, block.penalty
    alone = np.arange(rows * columns)
    nothing = np.zeros(alone.size)
    if penalty is None:
        return alone, nothing, nothing
    blocks = penalty.blocks(rows, columns)
    if blocks is not None:
        # A row in no group is as many groups of one as it has entries, and they weigh nothing.
        labels = np.where(blocks.labels.ravel() < 0, -1 - alone, blocks.labels.ravel())
        found, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        return group, np.where(found < 0, 0.0, blocks.strength * np.sqrt(sizes)), nothing
    table = penalty.table(rows)
    if table is None or not table.convex:
        return None
    return alone, np.repeat(table.l1, columns), np.repeat(table.l2, columns)
