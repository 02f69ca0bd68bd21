"""Layer penalties lowered to the tables that compiled steps read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from taut.penalties import MCP, SCAD, GroupLasso, Kind
from taut.solvers.concave_table import ConcaveTable
from taut.solvers.group_table import GroupTable
from taut.solvers.layer_penalties import Block, LayerPenalties
from taut.solvers.layout import Vector
from taut.solvers.vector_penalty import Index, QuadraticTable, TablePenalty


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
        if table is None or table.kind != Kind.QUADRATIC:
            return None
        l1[block.where] = np.repeat(table.l1, block.shape[1])
        l2[block.where] = np.repeat(table.l2, block.shape[1])
    return QuadraticTable(l1, l2)


def _concave_table(penalties: LayerPenalties) -> ConcaveTable | None:
    """Blocks of one concave shape, and such as are free or excluded throughout."""
    v = np.zeros(penalties.layout.size)
    shapes = {type(b.penalty): b.penalty for b in penalties.blocks if isinstance(b.penalty, MCP | SCAD)}
    if len(shapes) != 1:
        return None
    shape = next(iter(shapes.values()))
    for block in penalties.blocks:
        if block.penalty is None:
            continue
        table = block.penalty.table(block.shape[0])
        if table is None or (table.gamma != shape.gamma and not np.isinf(table.l1).all()):
            return None
        v[block.where] = np.repeat(table.l1, block.shape[1])
    return ConcaveTable(replace(shape, lam=1.0, factors=None), v)


def _group_table(penalties: LayerPenalties) -> GroupTable | None:
    """Blocks of group lassos, of L1 (groups of one), and free ones."""
    group, weights, count = np.zeros(penalties.layout.size, np.int64), [], 0
    for block in penalties.blocks:
        own = _groups_of(block)
        if own is None:
            return None
        labels, block_weights = own
        group[block.where] = count + labels
        weights.append(block_weights)
        count += block_weights.size
    return GroupTable(group, np.concatenate(weights))


def _groups_of(block: Block) -> tuple[Index, Vector] | None:
    """The group of each coordinate of a block, 0..G−1, and their weights at strength 1."""
    (rows, columns), penalty = block.shape, block.penalty
    alone = np.arange(rows * columns)
    if penalty is None:
        return alone, np.zeros(alone.size)
    if isinstance(penalty, GroupLasso):
        # A row in no group is as many groups of one as it has entries, and they weigh nothing.
        named = penalty.labels(rows)
        labels = np.where(named[:, None] < 0, -1 - alone.reshape(rows, columns), named[:, None]).ravel()
        found, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        return group, np.where(found < 0, 0.0, penalty.lam * np.sqrt(sizes))
    table = penalty.table(rows)
    if table is None or table.kind != Kind.QUADRATIC or table.l2.any():
        return None
    return alone, np.repeat(table.l1, columns)
