"""Dense networks in compiled loops over float32 arrays: forward, backward, and one epoch of proximal Adam per call.

The parameters are one flat vector, all matrices first and then all biases, the skip connection beside the first
matrix (``solvers.networks.flat_params``). ``plan`` (layers, 7) says for each layer: inputs, columns, width (columns without the
skip), where its matrix and its biases start, and where its inputs a and products z lie in a buffer, per row of
the batch. ``codes`` holds skip, activation and loss; ``rows_data`` (2, n) offsets and weights; ``affine`` (2, p)
centres and inverse scales. Buffers are made once per call; matrix products are BLAS calls on views of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.float32 import (
    DENSITY_AT_0,
    HALF,
    ONE,
    TWO,
    ZERO,
    exponential,
    log_one_plus,
    normal_distribution,
)
from taut.solvers._kernels.stopping import stalled, table_sum
from taut.types import Int64, Single

INPUTS, COLUMNS, WIDTH, MATRIX, BIAS, A_AT, Z_AT = range(7)
RELU, TANH, SIGMOID, GELU, IDENTITY = range(5)
SQUARED, LOGISTIC, MULTINOMIAL, POISSON, HUBER = range(5)

TINY = np.float32(1e-30)
"""Moments below this are flushed to zero before they turn denormal, which would cost a hundred times more."""


@compile(fastmath=True)
def gather(X: Single, affine: Single, rows: Int64, x: Single) -> None:
    """The standardised rows of X in ``x`` (m, p)."""
    for i in range(rows.size):
        r = rows[i]
        for j in range(X.shape[1]):
            x[i, j] = (X[r, j] - affine[0, j]) * affine[1, j]


@compile(fastmath=True)
def activate(z: Single, bias: Single, a: Single, code: int, spare: Single) -> None:
    """z += b and a = φ(z), for the columns of z that have a bias; a is (n, width) and contiguous."""
    factor = -TWO if code == TANH else (-ONE if code == SIGMOID else ONE)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            t = z[i, j] + bias[j]
            z[i, j] = t
            if code == RELU:
                a[i, j] = max(t, ZERO)
            elif code == GELU:
                a[i, j] = -HALF * t * t
            else:
                a[i, j] = factor * t
    if code in (RELU, IDENTITY):
        return
    flat = a.reshape(a.size)
    exponential(flat, spare)
    if code == GELU:
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                a[i, j] = z[i, j] * normal_distribution(z[i, j], a[i, j])
    else:
        for i in range(flat.size):
            flat[i] = -factor / (ONE + flat[i]) + factor + ONE


@compile(fastmath=True)
def chain(down: Single, z: Single, a: Single, code: int, spare: Single) -> None:
    """The first columns of z ← down ∘ φ'(z); down and a are (n, width)."""
    n, width = a.shape
    if code == GELU:
        decay = spare[: n * width]
        for i in range(n):
            for j in range(width):
                decay[i * width + j] = -HALF * z[i, j] * z[i, j]
        exponential(decay, spare[n * width :])
        for i in range(n):
            for j in range(width):
                e = decay[i * width + j]
                z[i, j] = down[i, j] * (normal_distribution(z[i, j], e) + z[i, j] * e * DENSITY_AT_0)
        return
    for i in range(n):
        for j in range(width):
            if code == RELU:
                z[i, j] = down[i, j] if z[i, j] > ZERO else ZERO
            elif code == TANH:
                z[i, j] = down[i, j] * (ONE - a[i, j] * a[i, j])
            elif code == SIGMOID:
                z[i, j] = down[i, j] * (a[i, j] * (ONE - a[i, j]))
            else:
                z[i, j] = down[i, j]


@compile(fastmath=True)
def soft_max(eta: Single, y: Single, rows: Int64, weight: Single, scale: Any, spare: Single) -> float:
    """η ← scale·s ∘ (softmax(η) − π); returns Σ s_i ℓ_i."""
    n, q = eta.shape
    total = 0.0
    fits = spare[:n]
    for i in range(n):
        top = eta[i, 0]
        for j in range(1, q):
            top = max(top, eta[i, j])
        fits[i] = ZERO
        for j in range(q):
            eta[i, j] -= top
            fits[i] += eta[i, j] * y[rows[i], j]
    exponential(eta.reshape(n * q), spare[n:])
    for i in range(n):
        r = rows[i]
        mass = ZERO
        for j in range(q):
            mass += eta[i, j]
        total += weight[r] * (np.log(mass) - fits[i])
        factor = weight[r] * scale
        for j in range(q):
            eta[i, j] = eta[i, j] * (factor / mass) - y[r, j] * factor
    return total


@compile(fastmath=True)
def one_output(
    eta: Single, y: Single, rows: Int64, weight: Single, scale: Any, code: int, spare: Single
) -> float:
    """η ← scale·s ∘ ℓ'(η) for the logistic and Poisson losses; returns Σ s_i ℓ_i."""
    total = 0.0
    n = rows.size
    powers = spare[:n]
    for i in range(n):
        powers[i] = eta[i, 0] if code == POISSON else -abs(eta[i, 0])
    exponential(powers, spare[n:])
    logs = spare[n : 2 * n]
    if code == LOGISTIC:
        log_one_plus(powers, logs)
    for i in range(n):
        t, target, s, e = eta[i, 0], y[rows[i], 0], weight[rows[i]], powers[i]
        if code == POISSON:
            total += s * (e - target * t)
            mean = e
        else:
            total += s * (logs[i] + max(t, ZERO) - target * t)
            mean = (ONE if t >= ZERO else e) / (ONE + e)
        eta[i, 0] = (mean - target) * s * scale
    return total


@compile(fastmath=True)
def residuals(eta: Single, y: Single, rows: Int64, weight: Single, scale: Any, delta: Any) -> float:
    """η ← scale·s ∘ ℓ'(η) for Huber's loss, which is the squared one where δ is infinite; returns Σ s_i ℓ_i."""
    total = 0.0
    n, q = eta.shape
    share = ONE / np.float32(q)
    for i in range(n):
        s = weight[rows[i]] * share
        for j in range(q):
            r = eta[i, j] - y[rows[i], j]
            c = min(max(r, -delta), delta)
            total += s * c * (r + r - c)
            eta[i, j] = TWO * c * s * scale
    return total


@compile(fastmath=True)
def output(z: Single, first: Single, bias: Single, offset: Single, rows: Int64, skip: bool) -> None:
    """η = z + b + offset in place, and with a skip its share, the last columns of ``first``."""
    n, q = z.shape
    at = first.shape[1] - q
    for i in range(n):
        for j in range(q):
            z[i, j] += bias[j] + offset[rows[i]]
            if skip:
                z[i, j] += first[i, at + j]


@compile(fastmath=True)
def back_to_skip(deta: Single, first: Single) -> None:
    """∂L/∂η in the last columns of ``first``: the skip reads the same inputs as the first layer."""
    at = first.shape[1] - deta.shape[1]
    for i in range(deta.shape[0]):
        for j in range(deta.shape[1]):
            first[i, at + j] = deta[i, j]


@compile(fastmath=True)
def column_sums(z: Single, out: Single) -> None:
    """Sums over the rows of z of as many columns as ``out`` has entries; four rows at a time spare three of four stores."""
    for j in range(out.size):
        out[j] = ZERO
    fours = z.shape[0] - z.shape[0] % 4
    for i in range(0, fours, 4):
        for j in range(out.size):
            out[j] += (z[i, j] + z[i + 1, j]) + (z[i + 2, j] + z[i + 3, j])
    for i in range(fours, z.shape[0]):
        for j in range(out.size):
            out[j] += z[i, j]


@compile(fastmath=True)
def outer(column: Single, row: Single, out: Single) -> None:
    """``out`` ← column rowᵀ: one output's gradient going down a layer, for which a matrix product is slow."""
    for i in range(out.shape[0]):
        factor = column[i, 0]
        for j in range(out.shape[1]):
            out[i, j] = factor * row[j]


@compile(fastmath=True)
def adam_prox(
    theta: Single, moments: Single, g: Single, table: Single, rate: Any, beta1: Any, beta2: Any, epsilon: Any,
    correction1: Any, correction2: Any,
) -> None:  # fmt: skip
    """Adam's moments of g, then S(w − d·m̂, d·l1) / (1 + 2d·l2) with d = rate / (√v̂ + ε), in one pass.

    Numerator and denominator are multiplied by √v̂ + ε, which leaves one division of the two.
    """
    for j in range(theta.size):
        m = beta1 * moments[0, j] + (ONE - beta1) * g[j]
        v = beta2 * moments[1, j] + (ONE - beta2) * g[j] * g[j]
        m = m if abs(m) > TINY else ZERO
        v = v if v > TINY else ZERO
        moments[0, j], moments[1, j] = m, v
        metric = np.sqrt(v * correction2) + epsilon
        z = theta[j] * metric - rate * m * correction1
        t = rate * table[0, j]
        theta[j] = (z - min(max(z, -t), t)) / (metric + TWO * rate * table[1, j])


@compile()
def matrix(values: Single, start: int, rows: int, columns: int) -> Single:
    """The (rows, columns) matrix that starts there, a view."""
    return values[start : start + rows * columns].reshape(rows, columns)


@compile(inline=True)
def forward(
    theta: Single, X: Single, affine: Single, rows_data: Single, rows: Int64, plan: Int64, codes: Int64,
    buffer: Single, spare: Single,
) -> Single:  # fmt: skip
    """η (n, q) for ``rows``; the buffer keeps a and z of every layer."""
    layers, n = plan.shape[0], rows.size
    a = matrix(buffer, n * plan[0, A_AT], n, plan[0, INPUTS])
    gather(X, affine, rows, a)
    z = first = matrix(buffer, n * plan[0, Z_AT], n, plan[0, COLUMNS])
    for k in range(layers):
        inputs, columns = plan[k, INPUTS], plan[k, COLUMNS]
        z = matrix(buffer, n * plan[k, Z_AT], n, columns)
        np.dot(a, matrix(theta, plan[k, MATRIX], inputs, columns), z)
        bias = theta[plan[k, BIAS] : plan[k, BIAS] + plan[k, WIDTH]]
        if k < layers - 1:
            a = matrix(buffer, n * plan[k + 1, A_AT], n, bias.size)
            activate(z, bias, a, codes[1], spare)
        else:
            output(z, first, bias, rows_data[0], rows, codes[0] == 1)
    return z


@compile(inline=True)
def differentiate(
    eta: Single,
    y: Single,
    rows_data: Single,
    rows: Int64,
    scale: Any,
    codes: Int64,
    delta: Any,
    spare: Single,
) -> float:
    """η ← scale times the gradient of Σ s_i ℓ_i over ``rows``; returns that sum."""
    if codes[2] == MULTINOMIAL:
        total = soft_max(eta, y, rows, rows_data[1], scale, spare)
    elif codes[2] == LOGISTIC or codes[2] == POISSON:
        total = one_output(eta, y, rows, rows_data[1], scale, codes[2], spare)
    else:
        total = residuals(eta, y, rows, rows_data[1], scale, delta)
    return total


@compile(inline=True)
def backward(
    theta: Single, out: Single, deta: Single, plan: Int64, codes: Int64, buffer: Single, spare: Single
) -> None:
    """``out`` ← the gradient in all parameters, from ``deta`` = ∂L/∂η and what ``forward`` left in the buffer."""
    n, z = deta.shape[0], deta
    if codes[0] == 1:
        back_to_skip(deta, matrix(buffer, n * plan[0, Z_AT], n, plan[0, COLUMNS]))
    for k in range(plan.shape[0] - 1, -1, -1):
        inputs, columns = plan[k, INPUTS], plan[k, COLUMNS]
        a = matrix(buffer, n * plan[k, A_AT], n, inputs)
        np.dot(a.T, z, matrix(out, plan[k, MATRIX], inputs, columns))
        column_sums(z, out[plan[k, BIAS] : plan[k, BIAS] + plan[k, WIDTH]])
        if k > 0:
            down = matrix(buffer, buffer.size - n * inputs, n, inputs)
            start = plan[k, MATRIX]
            if columns == 1:
                outer(z, theta[start : start + inputs], down)
            else:
                np.dot(z, matrix(theta, start, inputs, columns).T, down)
            z = matrix(buffer, n * plan[k - 1, Z_AT], n, plan[k - 1, COLUMNS])
            chain(down, z, a, codes[1], spare)


@compile(inline=True)
def batch_gradient(
    theta: Single, out: Single, scale: Any, X: Single, affine: Single, y: Single, rows_data: Single, order: Int64,
    room: Int64, plan: Int64, codes: Int64, delta: Any, buffer: Single, spare: Single,
) -> float:  # fmt: skip
    """``out`` ← ``scale`` times the gradient of Σ s_i ℓ_i over those rows in ``order`` that have a weight; that sum."""
    count = 0
    for i in range(order.size):
        if rows_data[1, order[i]] > ZERO:
            room[count] = order[i]
            count += 1
    rows = room[:count]
    eta = forward(theta, X, affine, rows_data, rows, plan, codes, buffer, spare)
    total = differentiate(eta, y, rows_data, rows, scale, codes, delta, spare)
    backward(theta, out, eta, plan, codes, buffer, spare)
    return total


@compile()
def sweep(
    theta: Single, total_gradient: Single, moments: Single, steps: int, X: Single, affine: Single, y: Single,
    rows_data: Single, orders: Int64, cuts: Int64, plan: Int64, codes: Int64, delta: Any, table: Single, hyper: Single,
    rates: Single, pace: Any, least: float, patience: int, buffer: Single, spare: Single,
) -> float:  # fmt: skip
    """Passes over the rows in each of ``orders`` (E, n), cut into batches at ``cuts``; the last one's Σ s_i ℓ_i along the way.

    With ``steps`` ≥ 0, how many there were before: proximal Adam at ``rates`` (E,), theta and its moments (2, P) in
    place, until ``stalled``; a batch's gradient counts n/size times. With steps < 0, one pass: theta stays and
    ``total_gradient`` becomes ∇L. ``hyper``: unused, β₁, β₂, ε; ``table`` (2, P): l1 and l2. ``buffer`` and ``spare``:
    ``solvers.compiled.Plan``. Many epochs in one call, because on few rows a call takes as long as its epoch.
    """
    g = np.empty_like(theta)
    room = np.empty(orders.shape[1], np.int64)
    total = 0.0
    for e in range(orders.shape[0]):
        total = 0.0
        for c in range(cuts.size - 1):
            batch = orders[e, cuts[c] : cuts[c + 1]]
            scale = np.float32(X.shape[0] / batch.size) if steps >= 0 else ONE
            total += batch_gradient(
                theta, g, scale, X, affine, y, rows_data, batch, room, plan, codes, delta, buffer, spare
            )  # fmt: skip
            if steps >= 0:
                steps += 1
                correction1 = np.float32(1.0 / (1.0 - np.float64(hyper[1]) ** steps))
                correction2 = np.float32(1.0 / (1.0 - np.float64(hyper[2]) ** steps))
                adam_prox(
                    theta, moments, g, table, rates[e], hyper[1], hyper[2], hyper[3], correction1, correction2
                )  # fmt: skip
            else:
                for j in range(g.size):
                    total_gradient[j] += g[j]
        if steps >= 0 and stalled(pace, total + table_sum(theta, table), least, patience):
            break
    return total
