"""Newton's steps of logistic and softmax losses on small tables: few calls a step, each with all rows and columns.

Arrays are class by class: coefficients θ (k·m,), η and pulls −∂L/∂η (k, n), on the standardised columns Z (m, n); with an
intercept (``first`` = 1) row 0 of Z is one, and no penalty holds its coefficients. One class alone is one against a class
whose η is 0: the logistic loss. ``rho`` (4, k·m) is the penalty's table.
Friedman, Hastie and Tibshirani, *J. Statistical Software* 33 (2010), §3, §4; Lee, Sun and Saunders, *SIAM J. Optimization*
24 (2014), §2 (proximal Newton and its line search).
"""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.face import FLAT, eliminate
from taut.solvers._kernels.newton import dual_penalty, penalty_sum
from taut.solvers._kernels.quadratic import copy, dot, subtract
from taut.types import Float, Index

REACH = 4.0
"""The longest step of an intercept: where probabilities saturate, curvature says nothing of how far to go."""
FAINTEST = 1e-15
"""Curvature of an intercept beside which that of saturated rows is rounding."""
ROUNDING, STUCK = 1e-15, 1e-12
"""Shares of the pulls that the intercepts' gradient may have left, and may stop at where it no longer halves."""
EPS = 2.220446049250313e-16
LEVEL = 1e-15
"""What is rounding in the loss of a row, however small that has become: η's own."""


@compile()
def likelihood(eta: Float, target: Float, s: Float, pull: Float) -> float:
    """Σ s ℓ(η, π), and ``pull`` ← s (π − p), the likeliest class apart so that a sure, right row keeps its digits."""
    k, n = eta.shape
    total = 0.0
    for i in range(n):
        # The class whose η is 0, of which no row is kept, is number −1.
        top, which = (0.0, -1) if k == 1 else (eta[0, i], 0)
        for c in range(k):
            if eta[c, i] > top:
                top, which = eta[c, i], c
        rest, own = (np.exp(-top), 0.0) if k == 1 and which == 0 else (0.0, 0.0)
        left = 1.0
        for c in range(k):
            pull[c, i] = np.exp(eta[c, i] - top)
            rest += 0.0 if c == which else pull[c, i]
            own += target[c, i] * (top - eta[c, i])
            left -= target[c, i]
        if k == 1:
            own += left * top
        total += s[i] * (np.log1p(rest) + own)
        for c in range(k):
            apart = (target[c, i] - 1.0) + target[c, i] * rest
            pull[c, i] = s[i] * (
                apart / (1.0 + rest) if c == which else target[c, i] - pull[c, i] / (1.0 + rest)
            )
    return total


@compile()
def intercept_step(target: Float, s: Float, pull: Float, step: Float) -> None:
    """``step`` ← Newton's, from the pulls' sums in ``step``, up to ``REACH``; of several classes the last stays."""
    k, n = pull.shape
    m = max(k - 1, 1)
    A = np.zeros((m, m))
    for c in range(m):
        A[c, c] = FAINTEST
    for i in range(n):
        for c in range(m):
            p = target[c, i] - pull[c, i] / s[i]
            A[c, c] += s[i] * p
            for d in range(m):
                A[c, d] -= s[i] * p * (target[d, i] - pull[d, i] / s[i])
    if k > 1:
        step[m] = 0.0
    eliminate(A, step[:m], FLAT)
    longest = REACH
    for c in range(m):
        longest = max(longest, abs(step[c]))
    for c in range(m):
        step[c] *= REACH / longest


@compile()
def shift(theta: Float, eta: Float, step: Float) -> None:
    """Intercepts move by ``step``."""
    m = theta.size // step.size
    for c in range(step.size):
        theta[c * m] += step[c]
        for i in range(eta.shape[1]):
            eta[c, i] += step[c]


@compile()
def arrive(
    Z: Float, target: Float, s: Float, base: Float, first: int, theta: Float, eta: Float, pull: Float
) -> float:
    """η and pulls for θ, once the intercepts are at their optimum, gradients up to rounding; returns L."""
    k, m, most = target.shape[0], Z.shape[0], 60 * first
    for c in range(k):
        copy(base[c], eta[c])
        for j in range(m):
            if theta[c * m + j] != 0.0:
                subtract(eta[c], -theta[c * m + j], Z[j])
    step, loss, before = np.zeros(k), np.inf, np.inf
    for count in range(most + 1):
        value = likelihood(eta, target, s, pull)
        if count < most and value > loss + max(1e-14 * abs(loss), LEVEL):
            # Too far: half of the way back.
            for c in range(k):
                step[c] *= -0.5 if before > 0.0 else 0.5
            shift(theta, eta, step)
            before = -1.0
            continue
        loss, size, total = value, 0.0, 0.0
        for c in range(k):
            step[c] = 0.0
            for i in range(s.size):
                step[c] += pull[c, i]
                total += abs(pull[c, i])
            size = max(size, abs(step[c]))
        stuck = before > 0.0 and size > 0.5 * before and size <= STUCK * total
        if count == most or stuck or size <= ROUNDING * total:
            break
        before = size
        intercept_step(target, s, pull, step)
        shift(theta, eta, step)
    return loss


@compile()
def search(
    Z: Float, target: Float, s: Float, base: Float, first: int, rho: Float, theta: Float, move: Float, before: float,
    gain: float, level: float, most: int, new: Float, eta: Float, pull: Float,
) -> tuple[float, float]:  # fmt: skip
    """Halve ``move`` until F falls from ``before`` by a share of ``gain``: L there, and the fall, which is −inf if nowhere.

    A change of at most ``level`` is rounding. ``new``, ``eta`` and ``pull`` become those of the point.
    """
    loss, share = 0.0, 1.0
    for power in range(most):
        for j in range(theta.size):
            # A bound is met exactly.
            new[j] = min(max(theta[j] + share * move[j], rho[2, j]), rho[3, j])
        loss = arrive(Z, target, s, base, first, new, eta, pull)
        fall = before - loss - penalty_sum(new, rho, 0, np.inf)
        if fall >= 1e-3 * share * gain or (most > 1 and power == 0 and abs(fall) <= level):
            return loss, fall
        share *= 0.5
    return loss, -np.inf


@compile()
def look(
    Z: Float,
    target: Float,
    s: Float,
    base: Float,
    loss: float,
    theta: Float,
    pull: Float,
    rho: Float,
    q: Float,
) -> float:
    """``q`` ← −∇L on all columns; F − D at the pulls scaled into the dual's domain, no less than the rounding of F.

    log Σ e^η is rounded as a number near one is, however small a loss it leaves.

    A dual point asks that nothing pulls at what has neither penalty nor bound: what does, |q|(1 + |θ|), is added.
    """
    k, n = target.shape
    for j in range(q.size):
        q[j] = dot(pull[j // Z.shape[0]], Z[j % Z.shape[0]])
    shrink, total = dual_penalty(q, rho)
    for j in range(q.size):
        if rho[0, j] == 0.0 and rho[1, j] == 0.0 and (rho[3, j] if q[j] > 0.0 else -rho[2, j]) == np.inf:
            total += abs(q[j]) * (1.0 + abs(theta[j]))
    for i in range(n):
        # Σ_c v_c log v_c with v = π − shrink·pull/s: the conjugate.
        rest = 1.0
        for c in range(k):
            v = target[c, i] - shrink * pull[c, i] / s[i]
            rest -= v
            total += shrink * pull[c, i] * base[c, i]
            total += s[i] * v * np.log(v) if v > 0.0 else 0.0
        if k == 1 and rest > 0.0:
            total += s[i] * rest * np.log(rest)
    gap = max(loss + penalty_sum(theta, rho, 0, np.inf) + total, EPS * abs(loss))
    return gap + 4.0 * EPS


@compile()
def near(theta: Float, q: Float, rho: Float, share: float, first: int, k: int) -> tuple[Index, int]:
    """Intercepts, the last class's left out, then the pairs that have a coefficient or come near what holds them."""
    m = theta.size // k
    index, lead = np.empty(theta.size, dtype=np.int64), first * max(k - 1, 1)
    for c in range(lead):
        index[c] = c * m
    count = lead
    for j in range(theta.size):
        held = (rho[2, j] == 0.0 and rho[3, j] == 0.0) or j % m < first
        if not held and (theta[j] != 0.0 or abs(q[j]) >= share * rho[0, j]):
            index[count] = j
            count += 1
    return index[:count], lead


@compile(fastmath=True)
def products(rows: Float, index: Index, m: int, H: Float) -> None:
    """H[a, b] = H[b, a] = ±Σ_i rows_a rows_b: rows[1] within a class, −rows[0] between two."""
    for a in range(index.size):
        for b in range(a + 1):
            total, same = 0.0, index[a] // m == index[b] // m
            kind = 1 if same else 0
            for i in range(rows.shape[2]):
                total += rows[kind, a, i] * rows[kind, b, i]
            H[a, b] = H[b, a] = total if same else -total


@compile()
def hessian(Z: Float, target: Float, s: Float, pull: Float, index: Index, lead: int) -> Float:
    """Second derivatives for the pairs ``index``; the ``lead`` ones, which come first, are eliminated from those below."""
    m, n, size = Z.shape[0], s.size, index.size
    root, rows, H = np.empty((2, target.shape[0], n)), np.empty((2, size, n)), np.empty((size, size))
    for c in range(target.shape[0]):
        for i in range(n):
            p = min(max(target[c, i] - pull[c, i] / s[i], 0.0), 1.0)
            root[0, c, i] = np.sqrt(s[i]) * p
            root[1, c, i] = np.sqrt(s[i] * p * (1.0 - p))
    for kind in range(2):
        for a in range(size):
            own, x, row = root[kind, index[a] // m], Z[index[a] % m], rows[kind, a]
            for i in range(n):
                row[i] = own[i] * x[i]
    products(rows, index, m, H)
    for i in range(lead):
        for r in range(i + 1, size):
            if H[i, i] > 0.0:
                subtract(H[r], H[r, i] / H[i, i], H[i])
    return H
