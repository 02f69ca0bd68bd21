"""Warm starts: where a fit begins, and what it may not have seen."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

import taut
from taut import Classifier, Regressor
from tests.agreement import assert_agrees
from tests.estimators.samples import DATA, P, X
from tests.estimators.test_networks import BENT, NETWORK


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (Regressor(lam=0.1, warm_start=True), DATA.y),
        (Regressor(lam=0.1, penalty="elasticnet", standardize=False, warm_start=True), DATA.outputs),
        (Regressor(lam=0.01, loss="poisson", warm_start=True), DATA.counts),
        (Classifier(lam=0.05, warm_start=True), DATA.binary),
        (Classifier(lam=0.05, warm_start=True, penalty="l2"), DATA.classes),
        (Regressor(lam=0.1, penalty=taut.L1(factors=[0.0] * 2 + [1.0] * (P - 2)), warm_start=True), DATA.y),
    ],
    ids=["squared", "outputs", "poisson", "two classes", "classes", "free columns"],
)
def test_a_linear_solution_that_still_holds_is_kept(estimator, y):
    first = clone(estimator).fit(X, y)
    coef, passes = first.coef_.copy(), first.n_iter_
    again = first.fit(X, y)
    np.testing.assert_allclose(again.coef_, coef, rtol=1e-12, atol=1e-14)
    assert again.path_.iterations.tolist() == [0] < [passes]
    assert again.path_.certificates[0].met
    elsewhere = again.set_params(lam=0.5 * estimator.lam).fit(X, y)
    cold = clone(estimator).set_params(lam=0.5 * estimator.lam).fit(X, y)
    assert_agrees(elsewhere.coef_, cold.coef_)
    assert elsewhere.path_.iterations[0] > 0


def test_a_warm_start_on_other_rows_is_the_solution_of_those():
    warm = Regressor(lam=0.1, warm_start=True).fit(X, DATA.y).fit(X[10:], DATA.y[10:])
    assert_agrees(warm.coef_, Regressor(lam=0.1).fit(X[10:], DATA.y[10:]).coef_)
    fewer = warm.fit(X[:, :3], DATA.y)
    assert_agrees(fewer.coef_, Regressor(lam=0.1).fit(X[:, :3], DATA.y).coef_)


@pytest.mark.parametrize("skip", [True, False])
def test_a_network_trains_on_from_its_weights(skip):
    y = 5 + 3 * np.abs(BENT[:, 0]) + 0.1 * BENT[:, 1]
    options = {"lam": 0.01, "max_epochs": 3, "random_state": 0, "skip": skip}
    model = Regressor((8, 4), warm_start=True, **options).fit(BENT + 1, y)
    totals = [model.path_.objectives[0]]
    for _ in range(4):
        totals.append(model.fit(BENT + 1, y).path_.objectives[0])
    assert totals[-1] < 0.97 * totals[0]
    assert (np.diff(totals) < 0.02 * totals[0]).all()
    cold = Regressor((8, 4), **options).fit(BENT + 1, y).fit(BENT + 1, y)
    assert cold.path_.objectives[0] == totals[0]


def test_the_start_is_the_model_that_was_left():
    y = 5 + 3 * np.abs(BENT[:, 0])
    model = Regressor((8,), lam=0.01, max_epochs=3, random_state=0, warm_start=True).fit(BENT + 1, y)
    stay = clone(model).set_params(max_epochs=0)
    stay._layers = model._layers
    stay.fit(BENT + 1, y)
    assert stay.path_.objectives[0] <= model.path_.objectives[0] * (1 + 1e-6)


def test_folds_never_start_from_weights_that_saw_their_rows():
    y = np.abs(BENT[:, 0])
    options = NETWORK | {"lambdas": [0.05, 0.01], "max_epochs": 3, "fallback": "never"}
    once = Regressor((6,), **options).fit(BENT, y)
    twice = Regressor((6,), warm_start=True, **options).fit(BENT, y).fit(BENT, y)
    np.testing.assert_array_equal(twice.scores_.mean, once.scores_.mean)
