"""Bounds on coefficients, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

import taut
from taut.losses import Huber, Logistic, Loss, Poisson, SquaredError
from taut.penalties import L1
from tests.solvers.problems import Float, response, table

INF = float("inf")


def bounded_reference(X: Float, y: Float, loss: Loss, lam: float, lower: Float, upper: Float) -> float:
    """min F over w = w⁺ − w⁻ ≥ 0 in the box, by L-BFGS-B."""
    n, p = X.shape
    box = [(0.0, max(b, 0.0)) for b in upper] + [(0.0, max(-b, 0.0)) for b in lower]

    def objective(t: Float) -> tuple[float, Float]:
        eta = t[0] + X @ (t[1 : p + 1] - t[p + 1 :])
        row = np.asarray(loss.derivative(eta, y)) / n
        value = float(np.mean(loss.pointwise(eta, y))) + lam * float(t[1:].sum())
        return value, np.concatenate([[row.sum()], X.T @ row + lam, lam - X.T @ row])

    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}
    return float(
        scipy.optimize.minimize(
            objective,
            np.zeros(2 * p + 1),
            jac=True,
            method="L-BFGS-B",
            bounds=[(None, None), *box],
            options=options,
        ).fun
    )


@pytest.mark.parametrize("lam", [0.1, 0.003, 0.0])
@pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Poisson(), Huber()], ids=repr)
def test_bounds_against_scipy(loss: Loss, lam: float) -> None:
    X, eta, _ = table(4)
    y = response(loss, eta)
    for lower, upper in (
        ([0.0] * 8, [INF] * 8),
        ([-0.1, -INF, 0, 0, -0.2, 0, 0, 0], [0.3, 0, INF, 0, 0.2, 0, 1, 1]),
    ):
        path = taut.fit_path(
            X,
            y,
            loss=loss,
            penalty=L1(lower=lower, upper=upper),
            lambdas=[1.0, lam],
            standardize=False,
            tol=1e-10,
        )
        assert path.certificates[-1].met
        assert np.all((path.coefs[-1] >= lower) & (path.coefs[-1] <= upper))
        best = bounded_reference(X, y, loss, lam, np.asarray(lower), np.asarray(upper))
        assert path.objectives[-1] == pytest.approx(best, abs=1e-9)


def test_nonnegative_least_squares() -> None:
    X, y, _ = table(5)
    ours = taut.fit_path(X, y, penalty=L1(lower=0), lambdas=[0.0], fit_intercept=False, standardize=False)
    np.testing.assert_allclose(ours.coefs[0], scipy.optimize.nnls(X, y)[0], atol=1e-10)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from([12, 60]))
def test_bounded_least_squares_against_scipy(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, 9)) + rng.normal(size=(n, 1)), rng.normal(size=n)
    lower, upper = -rng.exponential(0.3, size=9), rng.exponential(0.3, size=9)
    lower[:3], upper[2:5] = -INF, INF
    ours = taut.fit_path(
        X, y, penalty=L1(lower=lower, upper=upper), lambdas=[0.0], fit_intercept=False, standardize=False
    )
    best = scipy.optimize.lsq_linear(X, y, (lower, upper), method="bvls", tol=1e-14).x
    np.testing.assert_allclose(ours.coefs[0], best, atol=1e-9)


@pytest.mark.parametrize("size", [1.0, 1e3])
def test_dependent_columns_within_bounds_have_modest_coefficients(size: float) -> None:
    """A column that is the sum of two others, all with a bound: nothing is gained by coefficients beyond all reason."""
    X, y, _ = table(8)
    X = np.column_stack([X[:, :4], X[:, 4] * size, X[:, 5], X[:, 4] * size + X[:, 5]])
    penalty = L1(factors=0, lower=[-INF, 0.0, -INF, -0.1, 0.0, 0.0, -INF])
    path = taut.fit_path(X, y, penalty=penalty, lambdas=[1.0, 0.1], standardize=False)
    assert all(c.met for c in path.certificates)
    assert np.abs(path.coefs).max() < 1e2
    fewer = L1(factors=0, lower=[-INF, 0.0, -INF, -0.1, -INF, -INF])
    assert path.null_loss >= taut.fit_path(X[:, :6], y, penalty=fewer, lambdas=[1.0]).null_loss - 1e-12


@pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Poisson(), Huber()], ids=repr)
def test_unpenalised_columns_within_bounds(loss: Loss) -> None:
    """Factor 0 with a bound: part of the null model, and exact along the path."""
    X, eta, _ = table(6)
    lower = np.array([0.0, 0.0, *[-INF] * 6])
    penalty = L1(factors=[0, 0, 1, 1, 1, 1, 1, 1], lower=lower)
    path = taut.fit_path(X, response(loss, eta), loss=loss, penalty=penalty, lambdas=5, tol=1e-8)
    assert all(c.met for c in path.certificates)
    assert path.coefs[0, 0] > 0.0
    assert np.all(path.coefs[:, 1] == 0.0)  # its effect is negative
    assert np.all(path.coefs[0, 2:] == 0.0)
