"""Rows of the softmax loss, class by class in blocks that stay in the cache: arrays are (k, n), one class to a row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.solvers._kernels import compile
from taut.solvers._kernels.float64 import exponential, logarithm, logarithm_beside_one
from taut.solvers._kernels.quadratic import copy
from taut.types import Float, Index

BLOCK = 512


@compile()
def softmax_rows(eta: Float, target: Float, s: Float, pull: Float) -> float:
    """Σ s ℓ(η, π), and ``pull`` ← −s ∂ℓ/∂η = s (π − p); all but s (n,) are (k, n).

    ℓ = log(1 + r) + Σ π (top − η), r what the other classes have beside the likeliest, summed without its one: a sure, right
    row keeps its digits.
    """
    classes, n = eta.shape
    highest, others, room, loss = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    total = 0.0
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        top, r, w, rows = highest[:m], others[:m], s[start : start + m], loss[:m]
        copy(eta[0][start : start + m], top)
        for c in range(1, classes):
            e = eta[c][start : start + m]
            for i in range(m):
                top[i] = max(top[i], e[i])
        for i in range(m):
            rows[i] = 0.0
        for c in range(classes):
            e, y, p = eta[c][start : start + m], target[c][start : start + m], pull[c][start : start + m]
            for i in range(m):
                p[i] = e[i] - top[i]
                rows[i] -= y[i] * p[i]
            exponential(p, room[:m])
        _add_all_but_one(pull, start, top, r)
        for i in range(m):
            top[i] = w[i] / (1.0 + r[i])
        for c in range(classes):
            y, p = target[c][start : start + m], pull[c][start : start + m]
            for i in range(m):
                p[i] = top[i] * ((y[i] - p[i]) + y[i] * r[i])
        logarithm_beside_one(r, room[:m])
        for i in range(m):
            total += w[i] * (r[i] + rows[i])
    return total


@compile()
def _add_all_but_one(powers: Float, start: int, ones: Float, rest: Float) -> None:
    """``rest`` ← Σ over classes less one of the ones, of rows from ``start``: those below it first, for their digits."""
    classes, n = powers.shape[0], rest.size
    for i in range(n):
        rest[i] = 0.0
        ones[i] = -1.0
    for c in range(classes):
        p = powers[c][start : start + n]
        for i in range(n):
            below = p[i] < 1.0
            rest[i] += p[i] if below else 0.0
            ones[i] += 0.0 if below else 1.0
    for i in range(n):
        rest[i] += ones[i]


@compile()
def softmax_variances(p: Float, out: Float) -> None:
    """``out`` ← p(1 − p), both (k, n), where 1 − p of a class above ½ is the sum of the others, which keeps its digits."""
    classes, n = p.shape
    others = np.zeros(n)
    for c in range(classes):
        row = p[c]
        for i in range(n):
            others[i] += 0.0 if row[i] > 0.5 else row[i]
    for c in range(classes):
        row, spread = p[c], out[c]
        for i in range(n):
            spread[i] = row[i] * (others[i] if row[i] > 0.5 else 1.0 - row[i])


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
