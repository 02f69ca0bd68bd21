"""Units of columns and responses, degenerate columns, columns far from zero."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import taut
import taut.families
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.penalties import L1, MCP, ElasticNet, Penalty
from taut.solvers.working_set import columns, squared_fold
from taut.solvers.working_set.solver import WorkingSet
from tests.solvers.problems import ENET, Float, problem_of, response, table

LOSSES = [SquaredError(), Logistic(), Multinomial(), Poisson(), Huber()]


def spoilt(kind: str, X: Float) -> Float:
    n = len(X)
    return {
        "constant": lambda: np.column_stack([X, np.full(n, 1e12 / 3)]),
        "zero": lambda: np.column_stack([X, np.zeros(n)]),
        "duplicate": lambda: np.column_stack([X, X[:, :2]]),
        "nearly duplicate": lambda: np.column_stack([X, X[:, 0] + 1e-9 * X[:, 1]]),
        "collinear": lambda: np.column_stack([X, X[:, :3].sum(axis=1)]),
        "opposite": lambda: np.column_stack([X, -X[:, 0]]),
        "one column": lambda: X[:, :1],
        "two rows": lambda: X[:2],
        "wide": lambda: X[:4],
        "one row differs": lambda: np.column_stack([X, np.arange(n) == 7]),
        "mixed units": lambda: X * 10.0 ** np.arange(-12, 12, 3),
    }[kind]()


@pytest.mark.sampled(40)
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize(
    "kind",
    ["constant", "zero", "duplicate", "nearly duplicate", "collinear", "opposite", "one column", "two rows", "wide", "one row differs", "mixed units"],
)  # fmt: skip
def test_degenerate_columns(kind: str, loss: Loss, standardize: bool) -> None:
    """No warning, finite numbers, and at each strength a met certificate; F is what coefficients give."""
    X, eta, _ = table(18)
    y = response(loss, eta)
    if kind in ("two rows", "wide"):
        y[:4] = [0, 1, 2, 1] if isinstance(loss, Multinomial) else [0, 1, 0, 1]
        loss = Logistic() if kind == "two rows" and isinstance(loss, Multinomial) else loss
    X = spoilt(kind, X)
    y = y[: len(X)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = taut.fit_path(X, y, loss=loss, lambdas=5, standardize=standardize)
    assert np.isfinite(path.coefs).all()
    assert np.isfinite(path.intercepts).all()
    assert all(c.met for c in path.certificates)
    fitted = [float(loss.value(path.decision_at(X, i), y)) for i in range(len(path))]
    unit = float(np.var(y)) if standardize and isinstance(loss, SquaredError) else 1.0
    if not (standardize and isinstance(loss, Huber)):
        np.testing.assert_allclose(np.array(fitted) / unit, path.losses, atol=1e-6)
    if kind in ("constant", "zero"):
        assert np.all(path.coefs[:, -1] == 0.0)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("shape", [(60, 8), (20, 40)])
@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_units_of_the_response_and_the_columns(
    unit: float, shape: tuple[int, int], standardize: bool
) -> None:
    X, y, _ = table(19, *shape)
    base = taut.fit_path(X, y, lambdas=5, tol=1e-12, standardize=standardize)
    for scaled, factor in (
        (taut.fit_path(X, unit * y, lambdas=5, tol=1e-12, standardize=standardize), 1 / unit),
        (taut.fit_path(unit * X, y, lambdas=5, tol=1e-12, standardize=standardize), unit),
    ):
        np.testing.assert_allclose(factor * scaled.coefs, base.coefs, atol=1e-5)
        assert all(c.met for c in scaled.certificates)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(
    "penalty", [L1(), ElasticNet(1.0, 0.7, 0.1), L1(lower=0.0, upper=2.0), MCP(1.0, 4.0)], ids=str
)
def test_descent_entry_by_entry(
    penalty: Penalty, standardize: bool, fit_intercept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sparse columns, weights and folds: the same solutions as on Gram matrices, whichever costs less."""
    rng = np.random.default_rng(5)
    X = sp.csc_array(rng.normal(size=(90, 140)) * (rng.random((90, 140)) < 0.08))
    y = X @ np.r_[rng.normal(size=8), np.zeros(132)] + 0.3 * rng.normal(size=90) + 2.0
    first = rng.uniform(0.5, 2.0, size=90)
    weights = np.stack([first, *(first * (np.arange(90) % 3 != k) for k in range(3))])
    options = {"standardize": standardize, "fit_intercept": fit_intercept}
    problem = problem_of(X, y, first, SquaredError(), penalty, tol=1e-10, **options)
    calls: list[int] = []
    real = squared_fold.walk_rows
    monkeypatch.setattr(squared_fold, "walk_rows", lambda *a: (calls.append(1), real(*a))[1])
    found = {}
    for longer in (np.inf, 0.0):
        monkeypatch.setattr(columns, "_LONGER", longer)
        found[longer] = WorkingSet().paths(problem, weights, 30)
        assert bool(calls) == (longer == 0.0)
    for one, two in zip(found[np.inf], found[0.0], strict=True):
        assert all(certificate.met for certificate in two.certificates)
        if penalty.traits.convex:
            np.testing.assert_allclose(
                two.data_losses + two.penalties, one.data_losses + one.penalties, rtol=1e-9
            )
            assert two.held_out is None or np.allclose(two.held_out, one.held_out, rtol=1e-2)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("store", [np.asarray, sp.csc_array])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("unit", [1e-140, 1e25])
def test_units_beyond_single_precision(unit: float, loss: str, store: Any, standardize: bool) -> None:
    X, eta, _ = table(21, 60, 2_200)
    y = eta if loss == "squared" else (eta > 0).astype(float)
    options = {"loss": loss, "lambdas": 5, "standardize": standardize}
    base = taut.fit_path(X, y, **options)
    path = taut.fit_path(store(unit * X), y, **options)
    assert all(c.met for c in path.certificates)
    assert base.nonzeros[-1] > 5
    np.testing.assert_allclose(path.losses + path.penalties, base.losses + base.penalties, rtol=1e-5)


@pytest.mark.parametrize("unit", [1e-12, 1e9])
@pytest.mark.parametrize("loss", ["poisson", "huber"])
def test_units_of_other_responses(loss: str, unit: float) -> None:
    """Poisson's coefficients do not depend on the unit of y, Huber's are in it (δ with them)."""
    X, eta, _ = table(20)
    y = response(taut.families.as_loss(loss), eta)
    chosen = {"poisson": (Poisson(), Poisson()), "huber": (Huber(1.0), Huber(unit))}[loss]
    factor = unit if loss == "poisson" else unit**2
    base = taut.fit_path(X, y, loss=chosen[0], lambdas=4, tol=1e-9, standardize=False)
    path = taut.fit_path(X, unit * y, loss=chosen[1], lambdas=4, tol=1e-9, standardize=False)
    np.testing.assert_allclose(
        path.losses - path.saturated_loss, factor * (base.losses - base.saturated_loss), rtol=1e-5
    )
    coefs = path.coefs / (1.0 if loss == "poisson" else unit)
    np.testing.assert_allclose(coefs, base.coefs, atol=1e-4)


@pytest.mark.parametrize("store", [np.asarray, sp.csc_array])
@pytest.mark.parametrize("shape", [(60, 8), (20, 40)])
@pytest.mark.parametrize("far", [1e4, 1e6, 1e8])
def test_columns_far_from_zero(far: float, shape: tuple[int, int], store: Any) -> None:
    """What a common offset of the columns costs in digits is in the certificate, not in the answer."""
    X, y, _ = table(21, *shape)
    X = np.round(X * 1024) / 1024
    base = taut.fit_path(X, y, lambdas=4, tol=1e-9)
    path = taut.fit_path(store(X + far), y, lambdas=base.lambdas, tol=1e-9)
    met = np.array([c.met for c in path.certificates])
    assert met.all() or far > 1e5
    np.testing.assert_allclose(path.coefs[met], base.coefs[met], atol=2e-4)


@pytest.mark.parametrize("store", [np.asarray, sp.csc_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("penalty", [L1(), ENET], ids=repr)
def test_single_precision_products_cost_no_accuracy(store: Any, penalty: Penalty) -> None:
    """Looser tolerances take Gram matrices in single precision; certificates and folds are those of double precision.

    Columns that are nearly the same make its rounding matter: the exact correlations must put it right.
    """
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, 40))
    X[:, 20:] = X[:, :20] + 1e-3 * rng.normal(size=(80, 20))
    y = X[:, :3].sum(axis=1) + rng.normal(size=80)
    weights = np.stack([np.ones(80), *(np.arange(80) % 4 != k for k in range(4))]).astype(float)
    lambdas = np.geomspace(2.0, 2e-3, 20)
    single, double = (
        WorkingSet().paths(
            problem_of(store(X), y, weights[0], SquaredError(), penalty, tol=tol), weights, lambdas
        )
        for tol in (2e-9, 1e-12)
    )
    for one, two in zip(single, double, strict=True):
        assert all(certificate.met for certificate in (*one.certificates, *two.certificates))
        np.testing.assert_allclose(
            one.data_losses + one.penalties, two.data_losses + two.penalties, rtol=1e-8
        )
        if one.held_out is not None and two.held_out is not None:
            np.testing.assert_allclose(one.held_out, two.held_out, rtol=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_sums_of_columns_far_from_zero_that_nothing_penalises_are_not_trusted(seed: int) -> None:
    """Without an intercept such columns are nearly one; projecting them out takes the digits of what is left."""
    rng = np.random.default_rng(seed)
    X = rng.normal(np.array([5.6e3, 0.0, 3.7e5, 0.0, 7e2, 2.4e5]), size=(11, 6))
    y = X[:, 0] + X[:, 3] - X[:, 2] + rng.normal(size=11)
    options = {
        "penalty": taut.ElasticNet(0.5, lam1=0.6, lam2=0.1, factors=[2, 1, 2, 1, 0, 0]),
        "fit_intercept": False, "standardize": False,
    }  # fmt: skip
    path = taut.fit_path(X, y, lambdas=5, tol=1e-4, **options)
    best = taut.fit_path(X, y, lambdas=path.lambdas, tol=1e-9, solver="coordinate-descent", **options)
    told = np.array([c.value for c in path.certificates]) * best.null_loss
    left = np.array([c.value for c in best.certificates]) * best.null_loss
    excess = path.objectives - best.objectives
    assert np.all(excess <= told + 1e-9 * best.null_loss)
    assert np.all(-excess <= left + 1e-9 * best.null_loss)
