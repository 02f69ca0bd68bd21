"""Correlations of every column with several residuals in one pass over X: the verification of a working set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.solvers._kernels import compile
from taut.types import Float, Single

WIDTH = 8
"""Residuals that are taken at once where columns are sparse: one register of single precision."""


@compile(fastmath=True)
def correlate_dense(columns: Single, residuals: Single, out: Single) -> None:
    """out[k, j] = columns[j] · residuals[k]; both row-contiguous, four residuals to a pass so that a column stays in cache."""
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
            out[k, j] = sa
            out[k + 1, j] = sb
            out[k + 2, j] = sc
            out[k + 3, j] = sd
            k += 4
        while k < K:
            a = residuals[k]
            sa = x[0] * a[0]
            for i in range(1, n):
                sa += x[i] * a[i]
            out[k, j] = sa
            k += 1


@compile(fastmath=True)
def correlate_sparse(data: Float, indices: Float, indptr: Float, residuals: Float, out: Float) -> None:
    """out[k, j] = Σ over stored entries x_ij of residuals[i, k]; all of one precision, ``residuals`` padded to ``WIDTH`` k.

    Every entry is read once for ``WIDTH`` sums, and a sum is written once for four entries.
    """
    sums = np.zeros(WIDTH, data.dtype)
    for start in range(0, residuals.shape[1], WIDTH):
        part = residuals[:, start : start + WIDTH]
        for j in range(indptr.size - 1):
            for k in range(WIDTH):
                sums[k] = 0.0
            at, end = indptr[j], indptr[j + 1]
            while at + 3 < end:
                a, b, c, d = data[at], data[at + 1], data[at + 2], data[at + 3]
                # Unsigned: a negative row number would count from the end, and the check for it costs a third.
                ia, ib = np.uintp(indices[at]), np.uintp(indices[at + 1])
                ic, ie = np.uintp(indices[at + 2]), np.uintp(indices[at + 3])
                for k in range(WIDTH):
                    sums[k] += (a * part[ia, k] + b * part[ib, k]) + (c * part[ic, k] + d * part[ie, k])
                at += 4
            while at < end:
                a, ia = data[at], np.uintp(indices[at])
                for k in range(WIDTH):
                    sums[k] += a * part[ia, k]
                at += 1
            for k in range(min(WIDTH, out.shape[0] - start)):
                out[start + k, j] = sums[k]


@compile()
def find_missed(
    values: Float, total: float, error: float, lengths: Float, mean: Float, deviation: Float,
    terms: Float, lam: float, candidate: NDArray[np.bool_], size: Float,
) -> int:  # fmt: skip
    """Keep in ``candidate`` the columns whose correlation may leave λ[−l1, l1] on a side that the box leaves open.

    x̃ᵀr = (value − mean·total)/deviation, off by at most error·length/deviation; its magnitude goes to ``size``.
    ``terms`` has the rows l1, l2, lower and upper. Unmarked columns stay unmarked; returns how many are marked.
    """
    count = 0
    for j in range(values.size):
        signed = (values[j] - mean[j] * total) / deviation[j]
        margin = error * lengths[j] / deviation[j]
        size[j] = abs(signed)
        up = signed + margin > lam * terms[0, j] and terms[3, j] > 0.0
        down = margin - signed > lam * terms[0, j] and terms[2, j] < 0.0
        candidate[j] = candidate[j] and (up or down)
        count += candidate[j]
    return count
