"""The elementary functions and the rows of the logistic loss."""

from __future__ import annotations

import numpy as np
import pytest

from taut.losses import Logistic, Poisson, RowwiseLoss
from taut.solvers._kernels.float64 import exponential, logarithm
from taut.solvers.problem.rows import LogisticRows, rows_of
from tests.solvers.kernels.coordinates import INF, Float


def test_exponential_to_two_units_in_the_last_place() -> None:
    x = np.concatenate([np.random.default_rng(0).uniform(-708, 709, 10_000), [0.0, -0.0, 1e-300, -708.0]])
    found = x.copy()
    exponential(found, np.empty_like(x))
    np.testing.assert_allclose(found, np.exp(x), rtol=4.5e-16, atol=0)
    beyond = np.array([-1e4, 1e4])
    exponential(beyond, np.empty(2))
    assert 0.0 < beyond[0] < 1e-300
    assert 1e300 < beyond[1] < INF


def test_logarithm_to_two_units_in_the_last_place() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([np.exp(rng.uniform(-700, 700, 10_000)), 1 + rng.uniform(-0.5, 0.5, 10_000), [1.0]])
    found = x.copy()
    logarithm(found, np.empty_like(x))
    np.testing.assert_allclose(found, np.log(x), rtol=4.5e-16, atol=0)
    zero = np.zeros(1)
    logarithm(zero, np.empty(1))
    assert zero[0] == pytest.approx(np.log(np.finfo(float).tiny))


@pytest.fixture
def logistic() -> tuple[LogisticRows, RowwiseLoss, Float]:
    """More rows than a block, classes and fractions, rows that do not count, a predictor with sure rows."""
    rng = np.random.default_rng(1)
    n = 1300
    y = np.where(rng.random(n) < 0.3, rng.random(n), (rng.random(n) < 0.5).astype(float))
    weight = rng.choice([0.0, 1.0, 2.5], size=n)
    compiled, plain = (
        rows_of(Logistic(), y, weight / weight.sum()),
        RowwiseLoss(Logistic(), y, weight / weight.sum()),
    )
    assert isinstance(compiled, LogisticRows)
    return compiled, plain, rng.normal(size=n) * rng.choice([0.1, 3.0, 60.0], size=n)


def test_logistic_rows_are_those_of_the_loss(logistic: tuple[LogisticRows, RowwiseLoss, Float]) -> None:
    compiled, plain, eta = logistic
    (loss, pull), (expected, pulls) = compiled.at(eta), plain.at(eta)
    assert loss == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(pull, pulls, rtol=1e-14, atol=0)


@pytest.mark.parametrize("shrink", [1.0, 0.9, 0.1, 0.0])
def test_logistic_conjugate_is_that_of_the_loss(
    logistic: tuple[LogisticRows, RowwiseLoss, Float], shrink: float
) -> None:
    compiled, plain, eta = logistic
    pull = plain.at(eta)[1]
    assert compiled.conjugate(pull, -shrink) == pytest.approx(plain.conjugate(pull, -shrink), rel=1e-13)


@pytest.mark.parametrize("m", [1, 4, 7])
def test_logistic_step_is_a_product_rows_and_a_product(
    logistic: tuple[LogisticRows, RowwiseLoss, Float], m: int
) -> None:
    compiled, plain, start = logistic
    rng = np.random.default_rng(2)
    X, move = np.asfortranarray(rng.normal(size=(start.size, m))), rng.normal(size=m)
    eta = start.copy()
    loss, pull, correlations = compiled.step(X, move, eta)
    np.testing.assert_allclose(eta, start + X @ move, rtol=1e-12, atol=1e-13)
    expected, pulls = plain.at(start + X @ move)
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(pull, pulls, rtol=1e-10, atol=1e-16)
    np.testing.assert_allclose(correlations, X.T @ pulls, rtol=1e-10, atol=1e-14)


def test_other_losses_take_the_plain_rows() -> None:
    assert isinstance(rows_of(Poisson(), np.ones(2), np.full(2, 0.5)), RowwiseLoss)
