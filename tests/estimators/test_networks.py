"""Networks as estimators: where they win, where the linear model stays, averages of folds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import (
    KFold,
)

import taut
from taut import Classifier, Regressor
from tests.agreement import assert_agrees

BENT = np.random.default_rng(0).normal(size=(300, 3))
NETWORK = {"cv": 3, "lambdas": 6, "max_epochs": 20, "random_state": 0}


def test_a_network_wins_where_the_truth_is_bent():
    y = np.abs(BENT[:, 0]) + 0.1 * BENT[:, 1]
    fitted = Regressor((16,), **NETWORK).fit(BENT, y)
    assert fitted.chosen_.model == "network"
    assert fitted.chosen_.gain > 2 * fitted.chosen_.standard_error
    assert str(fitted.chosen_).startswith("network: ")
    assert [c.shape for c in fitted.coefs_] == [(3, 16), (16, 1)]
    assert [b.shape for b in fitted.intercepts_] == [(16,), (1,)]
    hidden = np.maximum(BENT @ fitted.coefs_[0] + fitted.intercepts_[0], 0)
    eta = hidden @ fitted.coefs_[1] + fitted.intercepts_[1] + BENT @ fitted.skip_coef_
    assert_agrees(fitted.predict(BENT), eta[:, 0])
    assert_agrees(fitted.predict(BENT), fitted.path_.predict(BENT, fitted.lam_))
    assert fitted.scores_.mean.min() < 0.5 * fitted.rival_scores_.mean.min()


def test_the_linear_model_stays_where_the_truth_is_linear():
    y = BENT[:, 0] + np.random.default_rng(1).normal(size=300)
    fitted = Regressor((8,), **NETWORK).fit(BENT, y)
    assert fitted.chosen_.model == "linear"
    linear = Regressor(**NETWORK).fit(BENT, y)
    assert [c.shape for c in fitted.coefs_] == [(3, 0), (0, 1)]
    assert_agrees(fitted.skip_coef_[:, 0], linear.coef_)
    assert_agrees(fitted.predict(BENT), linear.predict(BENT))
    assert fitted.lam_ == linear.lam_


def test_fallback_never_and_always():
    y = BENT[:, 0] + np.random.default_rng(1).normal(size=300)
    never = Regressor((8,), fallback="never", **NETWORK).fit(BENT, y)
    always = Regressor((8,), fallback="always", **NETWORK).fit(BENT, y)
    assert (never.chosen_.model, always.chosen_.model) == ("network", "linear")
    assert never.coefs_[0].shape == (3, 8)
    assert np.isfinite(never.chosen_.gain)
    assert np.isnan(always.chosen_.gain)


@pytest.mark.parametrize("hidden", [(6,), (5, 4)])
def test_the_average_network_is_the_mean_of_the_folds(hidden):
    y = np.abs(BENT[:, 0])
    options = NETWORK | {"lambdas": [0.05, 0.01], "max_epochs": 5}
    fitted = Regressor(hidden, final="average", fallback="never", **options).fit(BENT, y)
    folds = KFold(3, shuffle=True, random_state=0)
    paths = taut.cross_validate(BENT, y, hidden=hidden, **options | {"cv": folds}).paths[1:]
    assert [c.shape[1] for c in fitted.coefs_] == [*(3 * size for size in hidden), 1]
    assert_agrees(fitted.predict(BENT), np.mean([path.predict(BENT, fitted.lam_) for path in paths], axis=0))


def test_a_network_of_classes():
    y = np.digitize(np.abs(BENT[:, 0]), [0.4, 1.1])
    fitted = Classifier((16,), **NETWORK | {"lambdas": [0.05, 0.005]}).fit(BENT, y)
    assert fitted.chosen_.model == "network"
    assert fitted.coefs_[-1].shape == (16, 3)
    assert fitted.score(BENT, y) > 0.8
    np.testing.assert_allclose(fitted.predict_proba(BENT).sum(axis=1), 1)


def test_a_number_for_lam_holds_out_no_row():
    fitted = Regressor((4,), lam=0.05, random_state=0, max_epochs=5).fit(BENT, BENT[:, 0])
    assert fitted.scores_ is None
    assert str(fitted.chosen_).startswith("network: not compared")
