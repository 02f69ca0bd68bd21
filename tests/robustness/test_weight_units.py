"""Row weights are relative: their unit changes no fit, however large or small their sum is."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

import taut
import taut.sklearn as drop_in
from taut.path import PathSpec, as_weight, fit_paths
from taut.selection import as_data

random = np.random.default_rng(5)
N = 60
X = random.normal(size=(N, 4))
Y = X @ [1.0, -2.0, 0.0, 0.5] + random.normal(size=N)
COUNTS = random.poisson(np.exp(0.3 * X[:, 0])).astype(float)
TWO, THREE = (Y > 0) * 1, np.digitize(Y, [-1.0, 1.0])
WEIGHTS = random.uniform(0.5, 2.0, N)
WEIGHTS[3] = 0.0
QUICK: dict[str, Any] = {"lambdas": 5, "cv": 3, "random_state": 0}
NETWORK: dict[str, Any] = {"hidden": (4,), "lambdas": 2, "max_epochs": 3, "random_state": 0}
UNITS = [4096.0, 1e307, 1e-300]


@pytest.fixture(autouse=True)
def nothing_overflows() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def path(y: Any, **options: Any) -> Callable[[float], Any]:
    return lambda unit: taut.fit_path(X, y, sample_weight=unit * WEIGHTS, **options).predict_at(
        X, 1, options.get("offset")
    )


def scores(**options: Any) -> Callable[[float], Any]:
    def scored(unit: float) -> Any:
        found = taut.cross_validate(X, Y, sample_weight=unit * WEIGHTS, **options)
        return np.r_[found.scores.folds.ravel(), found.paths[0].predict_at(X, 1)]

    return scored


def member(hidden: tuple[int, ...]) -> Callable[[float], Any]:
    """What a specification is given by hand; the second fit leaves out half of the rows."""
    spec = PathSpec(hidden=hidden, random_state=0)
    halves = np.array([WEIGHTS, WEIGHTS * (np.arange(N) % 2)])
    return lambda unit: fit_paths(spec, X, Y, unit * halves, [0.1])[1].predict_at(X, 0)


def fitted(model: Any, y: Any, **summed: float) -> Callable[[float], Any]:
    """``summed``: strengths beside a sum over the rows, to which the weights' unit belongs, by its exponent there."""

    def predicted(unit: float) -> Any:
        own = {name: getattr(model, name) * unit**power for name, power in summed.items()}
        one = type(model)(**model.get_params() | own).fit(X, y, sample_weight=unit * WEIGHTS)
        return one.predict_proba(X) if hasattr(one, "predict_proba") else one.predict(X)

    return predicted


ALPHAS = np.array([0.1, 1.0, 10.0])
CALLS: dict[str, Callable[[float], Any]] = {
    "fit_path": path(Y, lambdas=3),
    "fit_path, huber": path(Y, lambdas=3, loss="huber"),
    "fit_path, logistic": path(TWO, lambdas=3, loss="logistic"),
    "fit_path, multinomial": path(THREE, lambdas=3, loss="multinomial"),
    "fit_path, poisson": path(COUNTS, lambdas=3, loss="poisson"),
    "fit_path, offset": path(COUNTS, lambdas=3, loss="poisson", offset=0.1 * X[:, 1]),
    "fit_path, hidden": path(Y, **NETWORK),
    "members": member(()),
    "members, hidden": member((4,)),
    "cross_validate": scores(**QUICK),
    "cross_validate, scoring, adaptive, relax": scores(scoring="r2", adaptive=1.0, relax=0.0, **QUICK),
    "cross_validate, hidden": scores(**NETWORK, cv=3),
    "bias_variance": lambda unit: (
        taut.bias_variance(X, Y, fits=4, lambdas=3, random_state=0, sample_weight=unit * WEIGHTS).variance
    ),
    "Regressor": fitted(taut.Regressor(**QUICK), Y),
    "Regressor, loo": fitted(taut.Regressor(lam="loo", penalty="l2"), Y),
    "Regressor, bic": fitted(taut.Regressor(lam="bic"), Y),
    "Regressor, hidden": fitted(taut.Regressor(fallback="never", cv=3, **NETWORK), Y),
    "Classifier": fitted(taut.Classifier(**QUICK), THREE),
    "Classifier, balanced": fitted(
        taut.Classifier(class_weight="balanced", scoring="accuracy", **QUICK), TWO
    ),
    "Lasso": fitted(drop_in.Lasso(0.1), Y),
    "ElasticNet": fitted(drop_in.ElasticNet(0.1, l1_ratio=0.0), Y),
    "LassoCV": fitted(drop_in.LassoCV(cv=3, alphas=5), Y),
    "Ridge": fitted(drop_in.Ridge(0.1), Y, alpha=1),
    "Ridge, positive": fitted(drop_in.Ridge(0.1, positive=True), Y, alpha=1),
    "RidgeCV": fitted(drop_in.RidgeCV(ALPHAS), Y, alphas=1),
    "RidgeCV, scoring": fitted(drop_in.RidgeCV(ALPHAS, scoring="r2"), Y, alphas=1),
    "RidgeCV, cv": fitted(drop_in.RidgeCV(ALPHAS, cv=3), Y, alphas=1),
    "LogisticRegression": fitted(drop_in.LogisticRegression(C=0.1), THREE, C=-1),
    "LogisticRegression, balanced": fitted(
        drop_in.LogisticRegression(C=0.1, l1_ratio=1.0, solver="saga", class_weight="balanced"), TWO, C=-1
    ),
    "LogisticRegressionCV": fitted(
        drop_in.LogisticRegressionCV(
            Cs=ALPHAS, cv=3, scoring="neg_log_loss", l1_ratios=(0,), use_legacy_attributes=False
        ),
        THREE,
        Cs=-1,
    ),
    "MLPRegressor": fitted(
        drop_in.MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", random_state=0, max_iter=20), Y
    ),
}


@pytest.mark.sampled(12)
@pytest.mark.filterwarnings("ignore:lbfgs. Maximum iterations")
@pytest.mark.parametrize("name", CALLS)
def test_the_unit_of_the_weights_changes_nothing(name: str) -> None:
    """Where the penalty stands beside a sum over the rows, as in scikit-learn's Ridge, its strength has that unit too."""
    plain = CALLS[name](1.0)
    for unit in UNITS:
        np.testing.assert_allclose(CALLS[name](unit), plain, rtol=1e-8, atol=1e-10, err_msg=str(unit))


@pytest.mark.parametrize("weight", [1e-320, 1e308])
def test_equal_weights_are_no_weights(weight: float) -> None:
    plain, found = (taut.fit_path(X, Y, lambdas=3, sample_weight=one) for one in (None, np.full(N, weight)))
    np.testing.assert_allclose(found.coefs, plain.coefs, rtol=1e-12)
    assert np.array_equal(as_weight(weight, N), np.full(N, as_weight(weight, 1)[0]))


def test_a_power_of_two_changes_no_digit() -> None:
    assert np.array_equal(as_weight(2.0**1000 * WEIGHTS, N), as_weight(2.0**-900 * WEIGHTS, N))
    assert as_weight(WEIGHTS, N) is not WEIGHTS
    assert np.array_equal(as_weight(WEIGHTS, N), WEIGHTS)


@pytest.mark.parametrize("unit", UNITS)
def test_a_table_may_have_any_unit(unit: float) -> None:
    """Of the fit, of its test and of scikit-learn's Ridge, whose penalty stands beside a sum over the rows."""
    table = pl.DataFrame(X, schema=["a", "b", "c", "d"]).with_columns(y=Y, w=WEIGHTS)
    options: dict[str, Any] = {"weights": "w", "penalty": "l2", "lam": 0.1, "bootstrap": 3}
    plain = taut.fit(table, "y", **options)
    fit = taut.fit(table.with_columns(w=unit * WEIGHTS), "y", **options)
    np.testing.assert_allclose(fit.predict(table), plain.predict(table))
    assert fit.tested is not None
    assert plain.tested is not None
    assert fit.tested[0].score == pytest.approx(plain.tested[0].score)
    assert fit.spread.weight == pytest.approx(min(unit * plain.spread.weight, sys.float_info.max))


def test_repetitions_are_counted_in_full() -> None:
    """However many there are, though the weights of the fit are brought to another unit."""
    times = np.where(np.arange(N) % 2, 3000.0, 1000.0)
    data = as_data(PathSpec(), X, Y, times, frequencies=times)
    assert data.size == times.sum()
    assert data.weighted(2 * data.weight).size == 2 * times.sum()
    assert data.weight.max() < 3000
    counted = taut.Regressor(lam="bic", frequency_weights=True)
    with pytest.raises(ValueError, match=r"weights count repetitions, and row 1 has 1e\+300"):
        counted.fit(X, Y, sample_weight=np.full(N, 1e300))
