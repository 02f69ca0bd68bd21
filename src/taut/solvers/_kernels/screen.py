"""Correlations of every column with several residuals in one pass over X: the verification of a working set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.solvers._kernels import compile
from taut.solvers.matrix import Float

Single = NDArray[np.float32]


@compile(fastmath=True)
def correlate_dense(columns: Single, residuals: Single, out: Single) -> None:
    """out[j, k] = columns[j] · residuals[k]; both row-contiguous, four residuals to a pass so that a column stays in cache."""
    p, n = columns.shape
    K = residuals.shape[0]
    for j in range(p):
        x = columns[j]
        k = 0
        while k + 4 <= K:
            a, b, c, d = residuals[k], residuals[k + 1], residuals[k + 2], residuals[k + 3]
            sa = x[0] * a[0]
            sb = x[0] * b[0]
            sc = x[0] * c[0]
            sd = x[0] * d[0]
            for i in range(1, n):
                sa += x[i] * a[i]
                sb += x[i] * b[i]
                sc += x[i] * c[i]
                sd += x[i] * d[i]
            out[j, k] = sa
            out[j, k + 1] = sb
            out[j, k + 2] = sc
            out[j, k + 3] = sd
            k += 4
        while k < K:
            a = residuals[k]
            sa = x[0] * a[0]
            for i in range(1, n):
                sa += x[i] * a[i]
            out[j, k] = sa
            k += 1


@compile(fastmath=True)
def correlate_sparse(data: Float, indices: Float, indptr: Float, residuals: Float, out: Float) -> None:
    """out[j] = Σ over stored entries x_ij of residuals[i] (n, K): K sums at once for each entry that is read."""
    K = residuals.shape[1]
    for j in range(indptr.size - 1):
        row = out[j]
        for k in range(K):
            row[k] = 0.0
        for at in range(indptr[j], indptr[j + 1]):
            value = data[at]
            source = residuals[indices[at]]
            for k in range(K):
                row[k] += value * source[k]


@compile()
def find_missed(
    values: Float, total: float, error: float, lengths: Float, mean: Float, deviation: Float,
    terms: Float, candidate: NDArray[np.bool_], size: Float,
) -> int:  # fmt: skip
    """Mark in ``candidate`` the columns whose correlation may leave [−l1, l1] on a side that the box leaves open.

    x̃ᵀr = (value − mean·total)/deviation, off by at most error·length/deviation; its magnitude goes to ``size``.
    ``terms`` has the
    rows l1, l2, lower and upper. Unmarked columns stay unmarked; returns how many are marked.
    """
    count = 0
    for j in range(values.size):
        signed = (values[j] - mean[j] * total) / deviation[j]
        margin = error * lengths[j] / deviation[j]
        size[j] = abs(signed)
        up = signed + margin > terms[0, j] and terms[3, j] > 0.0
        down = margin - signed > terms[0, j] and terms[2, j] < 0.0
        candidate[j] = candidate[j] and (up or down)
        count += candidate[j]
    return count
