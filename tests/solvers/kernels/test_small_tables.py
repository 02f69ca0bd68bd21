"""Newton's method on small tables of classes: rows, Hessian, intercepts, gap."""

from __future__ import annotations

import numpy as np
import pytest

from taut.losses import Logistic, Multinomial
from taut.penalties import L1
from taut.solvers._kernels import small_newton as classes
from tests.solvers.kernels.coordinates import INF, Float


def class_point(k: int, seed: int = 0) -> tuple[Float, ...]:
    """Z with a row of ones, targets, weights, offsets and coefficients (k·m,)."""
    rng = np.random.default_rng(seed)
    Z = np.concatenate([np.ones((1, 30)), rng.normal(size=(3, 30))])
    y = rng.integers(0, max(k, 2), 30)
    target = np.ascontiguousarray((y == np.arange(k)[:, None]) * 1.0)
    s = rng.uniform(0.5, 1.5, 30)
    return Z, target, s / s.sum(), 0.3 * rng.normal(size=(k, 30)), 0.5 * rng.normal(size=k * 4)


def loss_and_pull(k: int, point: tuple[Float, ...], theta: Float, first: int) -> tuple[float, Float, Float]:
    """L and pulls where ``arrive`` comes to, and the coefficients there."""
    Z, target, s, base, _ = point
    eta, pull, theta = np.empty_like(target), np.empty_like(target), theta.copy()
    return classes.arrive(Z, target, s, base, first, theta, eta, pull), pull, theta


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_rows_of_small_tables_are_those_of_the_losses(k: int) -> None:
    point = class_point(k)
    Z, target, s, base, theta = point
    loss, pull, _ = loss_and_pull(k, point, theta, 0)
    eta = base + theta.reshape(k, 4) @ Z
    definition, y = (Logistic(), target[0]) if k == 1 else (Multinomial(), target.T)
    eta = eta[0] if k == 1 else eta.T
    assert loss == pytest.approx(float(s @ definition.pointwise(eta, y)), rel=1e-13)
    slope = np.asarray(definition.derivative(eta, y)).reshape(30, k)
    np.testing.assert_allclose(pull, -(s[:, None] * slope).T, atol=1e-15)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_intercepts_arrive_at_their_optimum(k: int) -> None:
    """From where every row is sure of the wrong class, too."""
    point = class_point(k)
    far = point[4].reshape(k, 4) + np.array([40.0, 0.0, 0.0, 0.0]) * (-1.0) ** np.arange(k)[:, None]
    _, pull, _ = loss_and_pull(k, point, far.ravel(), 1)
    np.testing.assert_allclose(pull.sum(axis=1), 0.0, atol=1e-14)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_hessian_of_small_tables_is_a_derivative(k: int) -> None:
    """Of the gradient by the coefficients, the intercepts following."""
    point = class_point(k)
    Z, target, s, *_ = point
    _, pull, theta = loss_and_pull(k, point, point[4], 1)
    lead = max(k - 1, 1)
    index = np.array([*(4 * c for c in range(lead)), *(j for j in range(4 * k) if j % 4)])
    H = classes.hessian(Z, target, s, pull, index, lead)[lead:, lead:]
    step, pairs = 1e-5, index[lead:]
    numerical = np.empty_like(H)
    for row, j in zip(numerical, pairs, strict=True):
        ends = [loss_and_pull(k, point, theta + sign * step * np.eye(4 * k)[j], 1)[1] for sign in (1, -1)]
        row[:] = ((ends[1] - ends[0]) @ Z.T).ravel()[pairs] / (2.0 * step)
    np.testing.assert_allclose(H, numerical, atol=1e-8)


@pytest.mark.parametrize("k", [1, 3])
def test_the_gap_of_small_tables_is_primal_minus_dual(k: int) -> None:
    point = class_point(k)
    Z, target, s, base, _ = point
    loss, pull, theta = loss_and_pull(k, point, point[4], 1)
    lam, q = 0.02, np.empty(4 * k)
    rho = np.tile(np.array([[0.0, lam, lam, lam], [0.0] * 4, [-INF] * 4, [INF] * 4]), (1, k))
    gap = classes.look(Z, target, s, base, loss, theta, pull, rho, q)
    np.testing.assert_allclose(q, (pull @ Z.T).ravel(), atol=1e-15)
    penalised = np.arange(4 * k) % 4 != 0
    shrink = min(1.0, lam / np.abs(q[penalised]).max())
    definition, y = (Logistic(), target[0]) if k == 1 else (Multinomial(), target.T)
    slopes = -(shrink * pull / s)
    conjugate = definition.conjugate(slopes[0] if k == 1 else slopes.T, y)
    dual = -float(s @ np.asarray(conjugate)) - shrink * float(np.vdot(pull, base))
    assert gap == pytest.approx(loss + float(L1(lam).value(theta[penalised])) - dual, rel=1e-12)
