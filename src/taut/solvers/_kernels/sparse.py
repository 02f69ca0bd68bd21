"""Products of sparse columns that are held both by column and by row."""

from __future__ import annotations

from typing import Any

from taut.solvers._kernels import compile
from taut.solvers.matrix import Float, Index


@compile()
def sparse_products(
    by_column: Any, by_row: Any, right: Index, row: Float, half: bool, out: Float, sums: Float
) -> None:
    """out[r, l] += Σ_i row_i x_il x_ir and sums[r] += Σ_i row_i x_ir for the columns r of ``right`` and all columns l.

    Both layouts are (data, indices, indptr), sorted; with ``half`` only l ≤ r are filled. Only pairs that share a row cost.
    """
    data, rows, starts = by_column
    row_data, columns, row_starts = by_row
    for r in range(right.size):
        last = right[r]
        for k in range(starts[last], starts[last + 1]):
            i = rows[k]
            s = row[i] * data[k]
            if s == 0.0:
                continue
            sums[r] += s
            for e in range(row_starts[i], row_starts[i + 1]):
                if half and columns[e] > last:
                    break
                out[r, columns[e]] += s * row_data[e]
