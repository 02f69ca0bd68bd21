"""Rows of the softmax loss, class by class in blocks that stay in the cache: arrays are (k, n), one class to a row."""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.float64 import exponential, logarithm
from taut.solvers._kernels.quadratic import copy
from taut.solvers.matrix import Float

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
