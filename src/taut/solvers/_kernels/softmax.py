"""Rows of the softmax loss, class by class in blocks that stay in the cache: arrays are (k, n), one class to a row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.solvers._kernels import compile
from taut.solvers._kernels.float64 import exponential, logarithm
from taut.solvers._kernels.quadratic import copy
from taut.types import Float, Index

BLOCK = 512


@compile()
def softmax_rows(eta: Float, target: Float, s: Float, pull: Float) -> float:
    """Σ s ℓ(η, π), and ``pull`` ← −s ∂ℓ/∂η = s (π − p); all but s (n,) are (k, n)."""
    classes, n = eta.shape
    highest, summed, room, loss = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    total = 0.0
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        top, z, w, rows = highest[:m], summed[:m], s[start : start + m], loss[:m]
        copy(eta[0][start : start + m], top)
        for c in range(1, classes):
            e = eta[c][start : start + m]
            for i in range(m):
                top[i] = max(top[i], e[i])
        for i in range(m):
            z[i] = 0.0
            rows[i] = 0.0
        for c in range(classes):
            e, y, p = eta[c][start : start + m], target[c][start : start + m], pull[c][start : start + m]
            for i in range(m):
                p[i] = e[i] - top[i]
                rows[i] -= y[i] * p[i]
            exponential(p, room[:m])
            for i in range(m):
                z[i] += p[i]
        for c in range(classes):
            y, p = target[c][start : start + m], pull[c][start : start + m]
            for i in range(m):
                p[i] = w[i] * (y[i] - p[i] / z[i])
        logarithm(z, room[:m])
        for i in range(m):
            total += w[i] * (z[i] + rows[i])
    return total


@compile()
def softmax_conjugate(pull: Float, target: Float, s: Float, shrink: float) -> float:
    """Σ s ℓ*(−shrink·pull/s, π) = Σ s Σ_c v_c log v_c with v = π − shrink·pull/s, held to v ≥ 0."""
    classes, n = pull.shape
    value, logs, room = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    total = 0.0
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        w, v, log_v = s[start : start + m], value[:m], logs[:m]
        for c in range(classes):
            y, p = target[c][start : start + m], pull[c][start : start + m]
            for i in range(m):
                part = shrink * p[i] / w[i] if w[i] > 0.0 else 0.0
                v[i] = max(y[i] - part, 0.0)
                log_v[i] = v[i]
            logarithm(log_v, room[:m])
            for i in range(m):
                total += w[i] * v[i] * log_v[i]
    return total


@compile()
def row_sizes(values: Float, out: Float) -> None:
    """out[i] = max_j |values[i, j]|."""
    for i in range(values.shape[0]):
        largest = 0.0
        for j in range(values.shape[1]):
            largest = max(largest, abs(values[i, j]))
        out[i] = largest


@compile()
def rows_used(values: Float) -> Index:
    """The rows with an entry that is not 0."""
    rows, count = np.empty(values.shape[0], dtype=np.intp), 0
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            if values[i, j] != 0.0:
                rows[count] = i
                count += 1
                break
    return rows[:count]


@compile()
def gradient_rows(
    raw: Float, total: Float, center: Float, scale: Float, constant: NDArray[np.bool_], out: Float
) -> None:
    """out[j] = −(raw[j] − center[j]·total)/scale[j], 0 where the column is constant: ∇L from Xᵀ pulls and the pulls' sums."""
    for j in range(raw.shape[0]):
        for c in range(raw.shape[1]):
            out[j, c] = 0.0 if constant[j] else (center[j] * total[c] - raw[j, c]) / scale[j]
