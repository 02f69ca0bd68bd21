"""Offsets: a shift of the target, exposures of rates, and what predicting needs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from taut import Classifier, Regressor
from tests.estimators.samples import DATA, QUICK, N, X

OFFSET = np.linspace(-1.0, 2.0, N)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lam": "bic"},
        {"lam": "loo", "penalty": "l2"},
        {"lam": 0.1},
        {"relax": "cv"},
        {"adaptive": 1.0},
        {"scoring": "neg_mean_absolute_error"},
    ],
    ids=str,
)
def test_for_a_squared_loss_an_offset_is_a_shift_of_y(options):
    """Fit, choice of the strength, prediction and score: all of them as for y − offset."""
    model = Regressor(**QUICK | options).fit(X, DATA.y, offset=OFFSET)
    plain = Regressor(**QUICK | options).fit(X, DATA.y - OFFSET)
    assert model.lam_ == pytest.approx(plain.lam_)
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-7)
    np.testing.assert_allclose(model.predict(X, offset=OFFSET), plain.predict(X) + OFFSET, atol=1e-6)
    assert model.score(X, DATA.y, offset=OFFSET) == r2_score(DATA.y, model.predict(X, offset=OFFSET))


def test_the_huber_threshold_is_that_of_y_without_its_offset():
    options = {"loss": "huber", **QUICK}
    model, plain = (
        Regressor(**options).fit(X, DATA.y, offset=OFFSET),
        Regressor(**options).fit(X, DATA.y - OFFSET),
    )
    np.testing.assert_allclose(model.scores_.mean, plain.scores_.mean, rtol=1e-6)


@pytest.mark.parametrize("hidden", [(), (3,)])
def test_rates_are_multiplied_by_their_exposure(hidden):
    options = {
        "loss": "poisson",
        "hidden": hidden,
        "fallback": "never",
        "final": "refit",
        "max_epochs": 3,
        **QUICK,
        "lambdas": 3,
    }
    counts = np.random.default_rng(0).poisson(np.exp(OFFSET + 0.3 * X[:, 0]))
    model = Regressor(**options).fit(X, counts, offset=OFFSET)
    rate = model.predict(X, offset=0 * OFFSET)
    np.testing.assert_allclose(model.predict(X, offset=OFFSET), np.exp(OFFSET) * rate)
    assert model.predict(X, offset=OFFSET).mean() == pytest.approx(counts.mean(), rel=1e-3)


def test_classes_take_an_offset():
    model = Classifier(lam=0.05).fit(X, DATA.binary, offset=OFFSET)
    eta = model.decision_function(X, offset=OFFSET)
    np.testing.assert_allclose(eta, OFFSET + X @ model.coef_[0] + model.intercept_)
    np.testing.assert_allclose(model.predict_proba(X, offset=OFFSET)[:, 1], 1 / (1 + np.exp(-eta)))
    assert model.score(X, DATA.binary, offset=OFFSET) == np.mean((eta > 0) == DATA.binary)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "score"])
def test_a_model_with_an_offset_refuses_to_predict_without(method):
    model = pickle.loads(pickle.dumps(Classifier(lam=0.05).fit(X, DATA.binary, offset=OFFSET)))
    rows = (X, DATA.binary) if method == "score" else (X,)
    with pytest.raises(
        ValueError, match=r"this Classifier was fitted with an offset.*give offset="
    ) as caught:
        getattr(model, method)(*rows)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (OFFSET[:-1], "one number per row"),
        (np.where(OFFSET > 1, np.nan, OFFSET), "nan in row"),
        (["a"] * N, "numbers"),
    ],
)
def test_offsets_that_are_none(offset, message):
    with pytest.raises(ValueError, match=message):
        Regressor(lam=0.1).fit(X, DATA.y, offset=offset)
    model = Regressor(lam=0.1).fit(X, DATA.y, offset=OFFSET)
    with pytest.raises(ValueError, match=message):
        model.predict(X, offset=offset)


def test_offsets_are_routed():
    with config_context(enable_metadata_routing=True):
        model = Regressor(loss="poisson", lam=0.1).set_fit_request(offset=True)
        model = model.set_predict_request(offset=True).set_score_request(offset=True)
        counts = np.round(np.exp(OFFSET))
        routed = make_pipeline(StandardScaler(), model).fit(X, counts, offset=OFFSET)
        predicted, score = routed.predict(X, offset=OFFSET), routed.score(X, counts, offset=OFFSET)
        scores = cross_validate(routed, X, counts, cv=3, params={"offset": OFFSET})["test_score"]
    np.testing.assert_allclose(predicted, model.predict(StandardScaler().fit_transform(X), offset=OFFSET))
    assert score > 0.5
    assert np.isfinite(scores).all()
