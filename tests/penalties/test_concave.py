"""MCP and SCAD on a path are those of the literature: published closed forms, Huber beside squares, the objective of skglm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

import taut

Float = NDArray[np.float64]

Z = np.array([1.5, 2.5, 5.0])
PUBLISHED = [
    (taut.SCAD(gamma=3.7), [0.5, (2.7 * 2.5 - 3.7) / 1.7, 5.0]),
    (taut.MCP(gamma=3.0), [0.75, 2.25, 5.0]),
]
"""Breheny and Huang, *Ann. Appl. Stat.* 5 (2011), §2: the minimisers of ½(w − z)² + p(w; 1, γ) at z = 1.5, 2.5, 5."""


def orthonormal(n: int = 40, p: int = 3) -> Float:
    """Columns of mean 0 with XᵀX/n = I."""
    A = np.random.default_rng(0).normal(size=(n, p))
    return np.linalg.qr(A - A.mean(axis=0))[0] * np.sqrt(n)


def targets(X: Float, outputs: int | None) -> Float:
    """y whose least-squares coefficients are Z, of each output in another order."""
    return X @ (Z if outputs is None else np.stack([np.roll(Z, k) for k in range(outputs)], axis=1))


@pytest.mark.parametrize("solver", [None, "coordinate-descent", "newton", "proximal-gradient"])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("outputs", [None, 1, 3])
@pytest.mark.parametrize(("penalty", "expected"), PUBLISHED, ids=["SCAD", "MCP"])
def test_the_published_closed_forms(
    penalty: taut.Penalty, expected: list[float], outputs: int | None, standardize: bool, solver: str | None
) -> None:
    """At λ/c = 1, c = 2/q; with a standardised y coefficients and λ are divided by sd(y)."""
    X = orthonormal()
    y, c = targets(X, outputs), 2.0 / (outputs or 1)
    lam = c / float(np.std(y, axis=0).max()) if standardize else c
    path = taut.fit_path(
        X, y, penalty=penalty, lambdas=[lam], standardize=standardize, solver=solver, tol=1e-12
    )
    wanted = np.array(expected)
    if outputs is not None:
        wanted = np.stack([np.roll(wanted, k) for k in range(outputs)], axis=1)
    np.testing.assert_allclose(path.coefs[0], wanted, atol=1e-7)


@pytest.mark.parametrize("penalty", [taut.MCP(), taut.SCAD()], ids=repr)
def test_the_first_coefficient_enters_where_the_lasso_s_does(penalty: taut.Penalty) -> None:
    X = orthonormal()
    for y in (targets(X, None), targets(X, 3)):
        tops = [taut.fit_path(X, y, penalty=shape, lambdas=3).lambdas[0] for shape in (penalty, taut.L1())]
        assert tops[0] == pytest.approx(tops[1], rel=1e-14)


def correlated(n: int = 120, p: int = 6) -> tuple[Float, Float]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.2 * rng.normal(size=(p, p)))
    return X, X @ np.array([1.5, -1.0, 0.6, 0.3, 0.0, 0.0]) + rng.normal(size=n)


@pytest.mark.parametrize("outputs", [None, 2])
@pytest.mark.parametrize("penalty", [taut.MCP(), taut.SCAD()], ids=repr)
def test_huber_is_the_squared_loss_where_every_residual_is_small(
    penalty: taut.Penalty, outputs: int | None
) -> None:
    X, y = correlated()
    y = y if outputs is None else np.stack([y, y[::-1]], axis=1)
    options: dict[str, Any] = {"penalty": penalty, "lambdas": [0.3, 0.1], "tol": 1e-11}
    squared, huber = (taut.fit_path(X, y, loss=loss, **options) for loss in ("squared", taut.Huber(100.0)))
    np.testing.assert_allclose(huber.coefs, squared.coefs, atol=1e-8)
    np.testing.assert_allclose(huber.penalties, squared.penalties, atol=1e-8)


def slope(penalty: taut.Penalty, a: Float, lam: float, gamma: float) -> Float:
    """p'(a; λ, γ) of ncvreg and skglm for a > 0: no words of taut's are used."""
    if isinstance(penalty, taut.MCP):
        return np.maximum(lam - a / gamma, 0.0)
    return np.where(a <= lam, lam, np.maximum(gamma * lam - a, 0.0) / (gamma - 1.0))


# A logistic loss bends a quarter as much as its unit: small γ jump from 0 to beyond the last knot.
@pytest.mark.parametrize(
    ("loss", "gamma"), [("squared", 3.0), ("squared", 6.0), ("logistic", 12.0), ("logistic", 30.0)]
)
@pytest.mark.parametrize("cls", [taut.MCP, taut.SCAD])
def test_the_solution_is_stationary_for_the_objective_of_skglm(loss: str, cls: Any, gamma: float) -> None:
    """(1/2n)‖y − Xw − b‖² + Σ p(w; λ/2, γ) and (1/n) Σ log(1 + e^{−yη}) + Σ p(w; λ, γ), on the arrays as given."""
    X, y = correlated()
    penalty, tol = cls(gamma=gamma), 1e-11
    target = y if loss == "squared" else (y > 0).astype(float)
    path = taut.fit_path(X, target, loss=loss, penalty=penalty, lambdas=30, standardize=False, tol=tol)
    seen = set()
    for lam, w, b in zip(path.lambdas, path.coefs, path.intercepts, strict=True):
        eta = X @ w + b
        residual = eta - target if loss == "squared" else special.expit(eta) - target
        theirs, gradient = (lam / 2 if loss == "squared" else lam), X.T @ residual / len(y)
        used, bend = np.flatnonzero(w), slope(penalty, np.abs(w), theirs, gamma)
        np.testing.assert_allclose(gradient[used], -np.sign(w[used]) * bend[used], atol=1e-8)
        assert np.abs(np.delete(gradient, used)).max(initial=0.0) <= theirs + 1e-8
        seen |= set(np.digitize(np.abs(w[used]), [theirs, gamma * theirs]).tolist())
    assert seen >= {1, 2}  # between the knots, and where nothing is shrunk


@pytest.mark.parametrize("outputs", [None, 2])
@pytest.mark.parametrize("penalty", [taut.MCP(), taut.SCAD()], ids=repr)
def test_a_network_its_linear_model_and_an_objective_charge_the_same(
    penalty: taut.Penalty, outputs: int | None
) -> None:
    X, y = correlated()
    y = y if outputs is None else np.stack([y, y[::-1]], axis=1)
    options: dict[str, Any] = {"penalty": penalty, "lambdas": [1.0, 0.3, 0.02], "tol": 1e-9}
    linear = taut.fit_path(X, y, **options)
    network = taut.fit_path(X, y, hidden=(3,), max_epochs=20, random_state=0, **options)
    units, F = network.units, taut.Objective(taut.SquaredError(), network.network)
    Z, target = (X - units.center) / units.scale, (y - units.y_center) / units.y_scale
    for i, lam in enumerate(linear.lambdas.tolist()):
        F = taut.Objective(taut.SquaredError(), network.network, lam * penalty)
        terms = F.forward(network.params[i], Z, target)
        assert terms.penalty == pytest.approx(network.penalties[i], rel=1e-6, abs=1e-12)
        assert network.objectives[i] <= linear.objectives[i] * (1 + 1e-6)
        if network.linear[i]:
            assert network.penalties[i] == pytest.approx(linear.penalties[i], rel=1e-6, abs=1e-12)
    assert network.linear[0]


def test_off_the_grid_and_in_the_estimators_the_penalty_is_the_same() -> None:
    X, y = correlated()
    path = taut.fit_path(X, y, penalty=taut.MCP(), lambdas=[0.5, 0.2, 0.1], tol=1e-11)
    off = taut.fit_path(X, y, penalty=taut.MCP(), lambdas=[0.5, 0.2, 0.15], tol=1e-11)
    np.testing.assert_allclose(path.coef(0.15), off.coefs[-1], atol=1e-8)
    model = taut.Regressor(penalty=taut.MCP(), lam=0.2, tol=1e-11).fit(X, y)
    np.testing.assert_allclose(model.coef_, path.coefs[1], atol=1e-8)


def test_a_curvature_that_is_given_is_kept() -> None:
    """MCP(curvature=1) beside a squared loss without ½: λ|w| − w²/(2γ), whose unit is not the loss's."""
    X = orthonormal()
    path = taut.fit_path(
        X, targets(X, None), penalty=taut.MCP(curvature=1.0), lambdas=[2.0], standardize=False, tol=1e-12
    )
    # (w − z)² + 2w − w²/6 at z = 1.5 and 2.5; 5 lies below its knot at 6: w = (2z − 2)/(2 − 1/3).
    np.testing.assert_allclose(path.coefs[0], (2 * Z - 2) / (2 - 1 / 3), atol=1e-8)
