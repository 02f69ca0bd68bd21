"""Products of sparse columns, some of them with columns that are held both by column and by row."""

from __future__ import annotations

from typing import Any

from taut.solvers._kernels import compile
from taut.types import Float, Index


@compile()
def sparse_products(
    by_column: Any, by_row: Any, right: Index, at: Index, row: Float, half: bool, out: Float, sums: Float
) -> None:
    """out[r, at[l]] += Σ_i row_i x_il x_ir and sums[r] += Σ_i row_i x_ir for the columns r of ``right`` and all columns l.

    Both layouts are (data, indices, indptr), sorted. Columns that nobody asks for go to the last column of ``out``. With
    ``half`` only l ≤ r are summed, and then mirrored (``at`` numbers ``right``). Only pairs that share a row cost.
    """
    data, rows, starts = by_column
    row_data, columns, row_starts = by_row
    for r in range(right.size):
        last, target = right[r], out[r]
        for k in range(starts[last], starts[last + 1]):
            i = rows[k]
            s = row[i] * data[k]
            if s == 0.0:
                continue
            sums[r] += s
            for e in range(row_starts[i], row_starts[i + 1]):
                if half and columns[e] > last:
                    break
                target[at[columns[e]]] += s * row_data[e]
    if half:
        for r in range(right.size):
            for left in range(right.size):
                if right[left] < right[r]:
                    out[left, r] = out[r, left]


@compile()
def add_sparse_columns(X: Any, coef: Float, out: Float) -> None:
    """out += X coef; columns without a coefficient are not read."""
    data, rows, starts = X
    for j in range(coef.size):
        w = coef[j]
        if w != 0.0:
            for k in range(starts[j], starts[j + 1]):
                out[rows[k]] += w * data[k]


@compile(fastmath=True)
def correlate_columns(X: Any, residual: Float, start: int, out: Float) -> None:
    """out[j − start] = Σ_i x_ij residual_i for the columns from ``start`` on."""
    data, rows, starts = X
    for j in range(start, starts.size - 1):
        total = 0.0
        for k in range(starts[j], starts[j + 1]):
            total += data[k] * residual[rows[k]]
        out[j - start] = total
