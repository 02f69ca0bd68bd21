"""Gamma and Tweedie losses beside glmnet's family object and scikit-learn's regressors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import taut
from tests.references.r_glmnet import Float, glmnet

RNG = np.random.default_rng(8)
X = RNG.normal(size=(120, 6)) * [1.0, 3.0, 0.2, 1.0, 1.0, 10.0] + [0.0, 5.0, 0.0, 1.0, 0.0, 0.0]
MEAN = np.exp(0.5 * X[:, 0] - 0.15 * X[:, 1] + 1.5)
AMOUNTS = RNG.gamma(2.0, MEAN / 2.0)
CLAIMS = AMOUNTS * (RNG.uniform(size=120) < 0.6)
WEIGHT, OFFSET = RNG.uniform(0.2, 2.0, size=120), RNG.normal(scale=0.4, size=120)


@pytest.mark.parametrize("ratio", [1.0, 0.4])
def test_gamma_paths_are_those_of_glmnet(ratio: float) -> None:
    lambdas = np.array([0.3, 0.1, 0.03, 0.01])
    theirs = glmnet(
        X, AMOUNTS, lambdas, "Gamma(link=log)", alpha=ratio, standardize=True, weights=WEIGHT, offset=OFFSET
    )
    penalty = taut.ElasticNet(1.0, lam1=ratio, lam2=(1.0 - ratio) / 2.0)
    path = taut.fit_path(
        X,
        AMOUNTS,
        loss="gamma",
        penalty=penalty,
        lambdas=lambdas,
        sample_weight=WEIGHT,
        offset=OFFSET,
        tol=1e-12,
    )
    assert (path.coefs[0] == 0.0).any()
    np.testing.assert_allclose(path.coefs, theirs.coefs, atol=2e-6)
    np.testing.assert_allclose(path.intercepts, theirs.intercepts, atol=2e-6)


def scikit_learn(loss: taut.Loss, alpha: float) -> Any:
    linear_model = pytest.importorskip("sklearn.linear_model")
    options = {"alpha": alpha, "tol": 1e-12, "max_iter": 1000, "solver": "newton-cholesky"}
    if isinstance(loss, taut.Tweedie):
        return linear_model.TweedieRegressor(power=loss.power, link="log", **options)
    return linear_model.GammaRegressor(**options)


@pytest.mark.parametrize(
    ("loss", "y"),
    [(taut.Gamma(), AMOUNTS), (taut.Tweedie(1.2), CLAIMS), (taut.Tweedie(1.8), CLAIMS)],
    ids=["gamma", "tweedie 1.2", "tweedie 1.8"],
)
def test_lam2_is_half_of_scikit_learns_alpha(loss: taut.Loss, y: Float) -> None:
    path = taut.fit_path(
        X, y, loss=loss, penalty="l2", lambdas=[0.1], sample_weight=WEIGHT, standardize=False, tol=1e-13
    )
    same = scikit_learn(loss, 0.2).fit(X, y, sample_weight=WEIGHT)
    np.testing.assert_allclose(path.coefs[0], same.coef_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(path.predict(X, lam=0.1), same.predict(X), rtol=1e-7)


def test_the_ends_of_tweedies_powers_are_poisson_and_gamma() -> None:
    near_poisson, near_gamma = (
        taut.fit_path(X, AMOUNTS, loss=taut.Tweedie(power), lambdas=[0.02], tol=1e-10).coefs
        for power in (1 + 1e-6, 2 - 1e-6)
    )
    for near, loss in ((near_poisson, "poisson"), (near_gamma, "gamma")):
        end = taut.fit_path(X, AMOUNTS, loss=loss, lambdas=[0.02], tol=1e-10)
        np.testing.assert_allclose(near, end.coefs, atol=1e-4)


@pytest.mark.parametrize("power", [1.0, 2.0, 0.0, 3.0, np.nan])
def test_a_power_without_a_convex_loss_is_refused(power: float) -> None:
    with pytest.raises(ValueError, match="between 1 \\(Poisson\\) and 2 \\(Gamma\\)"):
        taut.Tweedie(power)


def test_amounts_that_a_loss_does_not_take_are_named() -> None:
    with pytest.raises(ValueError, match=r"Gamma needs y > 0, and y\[1\] is 0"):
        taut.Gamma().check_target([1.0, 0.0])
    with pytest.raises(ValueError, match=r"Tweedie needs y ≥ 0, and y\[2\] is -1"):
        taut.Tweedie().check_target([1.0, 0.0, -1.0])


@pytest.mark.parametrize("power", [1.0001, 1.5, 1.9, 1.9999])
def test_the_conjugate_meets_the_loss_where_its_slope_is_met(power: float) -> None:
    """Fenchel and Young: ℓ(η) + ℓ*(ℓ'(η)) = ηℓ'(η), at any power."""
    loss, y = taut.Tweedie(power), np.array([0.0, 1e-3, 1.0, 50.0])
    for at in np.linspace(-8.0, 8.0, 17):
        eta = np.full(4, at)
        slope, rows = loss.derivative(eta, y), loss.pointwise(eta, y)
        size = 1.0 + np.abs(rows) + np.abs(slope * eta)
        np.testing.assert_allclose((rows + loss.conjugate(slope, y) - slope * eta) / size, 0.0, atol=1e-10)
