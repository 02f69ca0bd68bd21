"""Rows of the logistic loss in one sweep, a block at a time so that every array in between stays in the cache.

``logistic_step`` also takes the predictor along a move and the correlations in the same sweep, so that X is read once.
"""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.float64 import HALFWAY, LN2, exponential, logarithm, twice_artanh
from taut.solvers._kernels.quadratic import dot
from taut.types import Float

BLOCK = 512


@compile()
def logistic_rows(eta: Float, y: Float, s: Float, pull: Float) -> float:
    """Σ s ℓ(η, y), and ``pull`` ← −s ℓ'(η, y). Sums stay as written, so that a sure, right row keeps its digits."""
    decay, room = np.empty(BLOCK), np.empty(BLOCK)
    total = 0.0
    for start in range(0, eta.size, BLOCK):
        m = min(BLOCK, eta.size - start)
        e, t, w = eta[start : start + m], y[start : start + m], s[start : start + m]
        out, d = pull[start : start + m], decay[:m]
        for i in range(m):
            d[i] = -abs(e[i])
        exponential(d, room[:m])
        for i in range(m):
            above = d[i] > HALFWAY
            z = (d[i] - 1.0 if above else d[i]) / (d[i] + 3.0 if above else d[i] + 2.0)
            log_sum = twice_artanh(z) + (LN2 if above else 0.0)
            positive = e[i] >= 0.0
            slope = (1.0 - t[i]) - t[i] * d[i] if positive else (1.0 - t[i]) * d[i] - t[i]
            out[i] = -w[i] * slope / (1.0 + d[i])
            d[i] = log_sum + e[i] * (1.0 - t[i] if positive else -t[i])
        total += dot(w, d)
    return total


@compile(fastmath=True)
def logistic_curvature(eta: Float, out: Float) -> None:
    """``out`` ← p(1 − p) = e^−|η| / (1 + e^−|η|)²."""
    room = np.empty(BLOCK)
    for start in range(0, eta.size, BLOCK):
        m = min(BLOCK, eta.size - start)
        e, d = eta[start : start + m], out[start : start + m]
        for i in range(m):
            d[i] = -abs(e[i])
        exponential(d, room[:m])
        for i in range(m):
            d[i] = d[i] / ((1.0 + d[i]) * (1.0 + d[i]))


@compile(fastmath=True)
def logistic_conjugate(pull: Float, y: Float, s: Float, shrink: float) -> float:
    """Σ s ℓ*(−shrink·pull/s, y) = Σ s (v log v + (1 − v) log(1 − v)) with v = y − shrink·pull/s, held to [0, 1]."""
    value, other, room = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    total = 0.0
    for start in range(0, y.size, BLOCK):
        m = min(BLOCK, y.size - start)
        p, t, w = pull[start : start + m], y[start : start + m], s[start : start + m]
        v, rest = value[:m], other[:m]
        for i in range(m):
            part = shrink * p[i] / w[i] if w[i] > 0.0 else 0.0
            v[i] = min(max(t[i] - part, 0.0), 1.0)
            rest[i] = 1.0 - v[i]
        logarithm(v, room[:m])
        logarithm(rest, room[:m])
        for i in range(m):
            part = shrink * p[i] / w[i] if w[i] > 0.0 else 0.0
            inside = min(max(t[i] - part, 0.0), 1.0)
            total += w[i] * (inside * v[i] + (1.0 - inside) * rest[i])
    return total


@compile(fastmath=True)
def add_columns(X: Float, coef: Float, start: int, out: Float) -> None:
    """out += rows ``start``, … of X (column-major) times coef, four columns to a pass."""
    stop, j = start + out.size, 0
    while j + 4 <= coef.size:
        a, b, c, d = coef[j], coef[j + 1], coef[j + 2], coef[j + 3]
        xa, xb = X[start:stop, j], X[start:stop, j + 1]
        xc, xd = X[start:stop, j + 2], X[start:stop, j + 3]
        for i in range(out.size):
            out[i] += a * xa[i] + b * xb[i] + c * xc[i] + d * xd[i]
        j += 4
    while j < coef.size:
        a, xa = coef[j], X[start:stop, j]
        for i in range(out.size):
            out[i] += a * xa[i]
        j += 1


@compile(fastmath=True)
def add_correlations(X: Float, pull: Float, start: int, out: Float) -> None:
    """out += rows ``start``, … of X (column-major), transposed, times pull, four columns to a pass."""
    stop, j = start + pull.size, 0
    while j + 4 <= out.size:
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        xa, xb = X[start:stop, j], X[start:stop, j + 1]
        xc, xd = X[start:stop, j + 2], X[start:stop, j + 3]
        for i in range(pull.size):
            v = pull[i]
            a += v * xa[i]
            b += v * xb[i]
            c += v * xc[i]
            d += v * xd[i]
        out[j] += a
        out[j + 1] += b
        out[j + 2] += c
        out[j + 3] += d
        j += 4
    while j < out.size:
        a, xa = 0.0, X[start:stop, j]
        for i in range(pull.size):
            a += pull[i] * xa[i]
        out[j] += a
        j += 1


@compile(fastmath=True)
def logistic_step(
    X: Float, move: Float, y: Float, s: Float, eta: Float, pull: Float, correlations: Float
) -> float:
    """η += X move, ``pull`` ← −s ℓ'(η, y), ``correlations`` += Xᵀ pull; returns Σ s ℓ(η, y)."""
    total = 0.0
    for start in range(0, eta.size, BLOCK):
        stop = min(start + BLOCK, eta.size)
        e, p = eta[start:stop], pull[start:stop]
        add_columns(X, move, start, e)
        total += logistic_rows(e, y[start:stop], s[start:stop], p)
        add_correlations(X, p, start, correlations)
    return total
