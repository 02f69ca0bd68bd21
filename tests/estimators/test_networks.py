"""Networks as estimators: where they win, where the linear model stays, averages of folds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold, ShuffleSplit, TimeSeriesSplit

import taut
from taut import Classifier, Regressor
from tests.agreement import assert_agrees

BENT = np.random.default_rng(0).normal(size=(300, 3))
NETWORK = {"cv": 3, "lambdas": 6, "max_epochs": 20, "random_state": 0}


def test_a_network_wins_where_the_truth_is_bent():
    y = np.abs(BENT[:, 0]) + 0.1 * BENT[:, 1]
    fitted = Regressor((16,), final="refit", **NETWORK).fit(BENT, y)
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
    never = Regressor((8,), fallback="never", final="refit", **NETWORK).fit(BENT, y)
    always = Regressor((8,), fallback="always", **NETWORK).fit(BENT, y)
    assert (never.chosen_.model, always.chosen_.model) == ("network", "linear")
    assert never.coefs_[0].shape == (3, 8)
    assert np.isfinite(never.chosen_.gain)
    assert np.isnan(always.chosen_.gain)


@pytest.mark.parametrize("hidden", [(6,), (5, 4)])
def test_the_default_network_is_the_mean_of_some_ten_of_the_folds(hidden):
    """With three folds each is trained from three first weights, and the linear rival on the same grid."""
    y = np.abs(BENT[:, 0])
    options = NETWORK | {"lambdas": [0.05, 0.01], "max_epochs": 5}
    fitted = Regressor(hidden, fallback="never", **options).fit(BENT, y)
    folds = KFold(3, shuffle=True, random_state=0)
    turns = [
        taut.cross_validate(BENT, y, hidden=hidden, **options | {"cv": folds, "random_state": seed})
        for seed in range(3)
    ]
    members = [path for turn in turns for path in turn.paths[1:]]
    assert [c.shape[1] for c in fitted.coefs_] == [*(9 * size for size in hidden), 1]
    assert_agrees(
        fitted.predict(BENT), np.mean([path.predict(BENT, fitted.lam_) for path in members], axis=0)
    )


@pytest.mark.parametrize(
    ("options", "members"),
    [
        ({"cv": 3}, 9),
        ({"cv": 10}, 10),
        ({"cv": 12}, 12),
        ({"cv": 3, "final": "refit"}, 1),
        ({"lam": 0.05}, 1),
        ({"cv": TimeSeriesSplit(4)}, 1),
        ({"cv": ShuffleSplit(1, test_size=0.5)}, 1),
    ],
    ids=str,
)
def test_how_many_networks_the_final_one_is_the_mean_of(options, members):
    """One where nothing was held out, and where the folds' networks know less than the one of all rows does."""
    y = np.abs(BENT[:, 0])
    given = {"lambdas": [0.05, 0.02], "max_epochs": 1, "random_state": 0, "fallback": "never"}
    fitted = Regressor((2,), **given | options).fit(BENT, y)
    assert fitted.coefs_[0].shape == (3, 2 * members)
    if members == 1:
        assert_agrees(fitted.predict(BENT), fitted.path_.predict(BENT, fitted.lam_))


def test_a_network_of_classes():
    y = np.digitize(np.abs(BENT[:, 0]), [0.4, 1.1])
    fitted = Classifier((16,), final="refit", **NETWORK | {"lambdas": [0.05, 0.005]}).fit(BENT, y)
    assert fitted.chosen_.model == "network"
    assert fitted.coefs_[-1].shape == (16, 3)
    assert fitted.score(BENT, y) > 0.8
    np.testing.assert_allclose(fitted.predict_proba(BENT).sum(axis=1), 1)


NOISY = {"cv": 3, "lambdas": [1e-3, 1e-4], "max_epochs": 60, "fallback": "never", "random_state": 0}


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_as_sure_as_held_out_rows_were_right(classes):
    """A network that has learnt noise by heart: its temperature is kept apart, and no coefficient knows it."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(240, 6))
    y = np.digitize(X[:, 0] + 1.5 * rng.normal(size=240), [0.0, 1.0][: classes - 1])
    fitted = Classifier((24,), **NOISY).fit(X, y)
    assert fitted.temperature_ > 1.3
    eta = fitted.decision_function(X)
    hidden = np.maximum(X @ fitted.coefs_[0] + fitted.intercepts_[0], 0)
    own = hidden @ fitted.coefs_[1] + fitted.intercepts_[1] + X @ fitted.skip_coef_
    assert_agrees(eta, own[:, 0] if classes == 2 else own)
    assert_agrees(np.log(fitted.predict_proba(X)), log_shares(eta / fitted.temperature_))
    fresh = rng.normal(size=(2000, 6))
    truth = np.digitize(fresh[:, 0] + 1.5 * rng.normal(size=2000), [0.0, 1.0][: classes - 1])
    raw = log_shares(fitted.decision_function(fresh))
    tempered = np.log(fitted.predict_proba(fresh))
    assert tempered[np.arange(2000), truth].mean() > raw[np.arange(2000), truth].mean()


def log_shares(eta):
    """Log probabilities of classes from their scores, two classes from one."""
    scores = np.column_stack([np.zeros(len(eta)), eta]) if eta.ndim == 1 else eta
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


@pytest.mark.parametrize("options", [{"hidden": ()}, {"lam": 1e-4}, {"offset": True}], ids=str)
def test_no_temperature_without_held_out_networks(options):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(120, 6))
    y = X[:, 0] + 1.5 * rng.normal(size=120) > 0
    given = {"hidden": (8,), **NOISY, "max_epochs": 5} | options
    offset = np.zeros(120) if given.pop("offset", False) else None
    assert Classifier(**given).fit(X, y, offset=offset).temperature_ == 1.0


def test_a_number_for_lam_holds_out_no_row():
    fitted = Regressor((4,), lam=0.05, random_state=0, max_epochs=5).fit(BENT, BENT[:, 0])
    assert fitted.scores_ is None
    assert str(fitted.chosen_).startswith("network: not compared")


# ---- grids that go on ------------------------------------------------------------------------------------------


SMOOTH = {"cv": 3, "random_state": 0}


def test_the_grid_goes_on_while_the_folds_gain():
    """A function without noise wants hardly a penalty: by a factor of ten at a time, and no further than that helps."""
    X = np.random.default_rng(0).uniform(size=(800, 3))
    y = np.exp(2 * X[:, 0] - X[:, 1]) + np.abs(X[:, 2] - 0.4)
    fitted = Regressor((16,), **SMOOTH).fit(X, y)
    usual = Regressor((16,), lambdas=30, final="refit", **SMOOTH).fit(X, y)
    path, scores = fitted.path_, fitted.scores_
    step = path.lambdas[1] / path.lambdas[0]
    added, per_turn = len(path) - 30, round(np.log(0.1) / np.log(step))
    assert added > 0
    assert added % per_turn == 0
    np.testing.assert_allclose(path.lambdas[1:] / path.lambdas[:-1], step)
    for own, other in (
        (path.lambdas, usual.path_.lambdas),
        (path.objectives, usual.path_.objectives),
        (scores.mean, usual.scores_.mean),
    ):
        np.testing.assert_array_equal(own[:30], other)
    assert scores.folds.shape == (3, len(path))
    assert scores.losses.shape == (800, len(path))
    assert scores.mean.min() < usual.scores_.mean.min()
    assert (np.diff(path.objectives) <= 1e-6).all()
    assert path.index(fitted.lam_) == scores.index_min >= 30
    assert fitted.coefs_[0].shape == (3, 9 * 16)


@pytest.mark.parametrize(
    "options",
    [{"lambdas": 12}, {"hidden": ()}, {"penalty": "l1", "noise": 2.0}],
    ids=["asked for", "linear", "noise"],
)
def test_the_grid_stays_where_it_was_given_or_nothing_is_gained(options):
    noise = options.get("noise", 0.0) * np.random.default_rng(4).normal(size=300)
    y = np.sin(2 * BENT[:, 0]) + BENT[:, 1] * BENT[:, 2] + noise
    given = {"hidden": (8,), "penalty": "l2"} | {k: v for k, v in options.items() if k != "noise"}
    fitted = Regressor(**given, **SMOOTH, max_epochs=10, final="refit").fit(BENT, y)
    assert len(fitted.path_) == (options.get("lambdas") or (30 if given["hidden"] else 100))
