"""Cross-validation of paths: scikit-learn's curves, no leak, weights as repetitions, units of the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import ElasticNetCV, LassoCV
from sklearn.metrics import log_loss, mean_poisson_deviance
from sklearn.model_selection import KFold, RepeatedKFold, TimeSeriesSplit

import taut
from taut.losses import Huber
from taut.path import PathSpec, fit_paths, make_spec
from taut.selection import (
    as_data,
    from_splits,
    held_out_losses,
    make_folds,
    paired_gain,
    repeated,
    score_folds,
)
from taut.selection.crossval import CrossValidation
from tests.agreement import assert_agrees, table

DATA = table()
N = len(DATA.y)
FOLDS = KFold(5, shuffle=True, random_state=0)
LAMBDAS = np.geomspace(1.0, 1e-3, 12)


def cv(y=DATA.y, X=DATA.X, **options):
    options = {"cv": FOLDS, "lambdas": LAMBDAS, "tol": 1e-10} | options
    return taut.cross_validate(X, y, **options)


# ---- scikit-learn ------------------------------------------------------------------------------------------


def test_the_curve_of_lasso_cv():
    alphas = np.geomspace(2.0, 2e-3, 30)
    reference = LassoCV(alphas=alphas, cv=FOLDS, tol=1e-13, max_iter=100_000).fit(DATA.X, DATA.y)
    scores = cv(lambdas=2 * alphas, standardize=False, tol=1e-12).scores
    assert_agrees(scores.folds, reference.mse_path_.T)
    assert scores.lam_min / 2 == pytest.approx(reference.alpha_)


def test_the_curve_of_elastic_net_cv():
    alphas, ratio = np.geomspace(2.0, 2e-3, 30), 0.6
    reference = ElasticNetCV(alphas=alphas, l1_ratio=ratio, cv=FOLDS, tol=1e-13, max_iter=100_000)
    reference.fit(DATA.X, DATA.y)
    # alpha·l1_ratio = λ1/2 and alpha·(1 − l1_ratio) = 2·λ2 · ½
    penalty = taut.ElasticNet(1.0, ratio, (1 - ratio) / 2)
    scores = cv(lambdas=2 * alphas, penalty=penalty, standardize=False, tol=1e-12).scores
    assert_agrees(scores.folds, reference.mse_path_.T)
    assert scores.lam_min / 2 == pytest.approx(reference.alpha_)


# ---- nothing leaks from the held-out rows ------------------------------------------------------------------


def test_a_fold_is_the_path_of_its_training_rows_alone():
    fitted = cv()
    for path, (train, _) in zip(fitted.paths[1:], FOLDS.split(DATA.X), strict=True):
        alone = taut.fit_path(DATA.X[train], DATA.y[train], lambdas=LAMBDAS, tol=1e-10)
        assert_agrees(path.coefs, alone.coefs)
        assert_agrees(path.intercepts, alone.intercepts)


def test_held_out_rows_do_not_touch_the_scaling():
    # An outlier in the first fold's held-out rows moves the scale of the whole table, and so whoever
    # standardises before splitting; the fold's own path must not move at all.
    train, test = next(iter(FOLDS.split(DATA.X)))
    spoiled = DATA.X.copy()
    spoiled[test[0]] *= 100
    clean, dirty = (cv(X=X, cv=[(train, test)]).paths[1] for X in (DATA.X, spoiled))
    # Not to the last digit: an engine may take a fold's moments as the table's less the held-out rows' own.
    assert_agrees(dirty.coefs, clean.coefs, 1e-9)

    def leaky(X):
        scaled = (X - X.mean(axis=0)) / X.std(axis=0)
        return taut.fit_path(scaled[train], DATA.y[train], lambdas=LAMBDAS, standardize=False)

    assert np.abs(leaky(spoiled).decisions(DATA.X) - leaky(DATA.X).decisions(DATA.X)).max() > 0.1


def test_the_grid_comes_from_all_rows():
    fitted = cv(lambdas=10)
    full = taut.fit_path(DATA.X, DATA.y, lambdas=10)
    for path in fitted.paths:
        np.testing.assert_allclose(path.lambdas, full.lambdas, rtol=1e-12)


# ---- weights -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "y"), [("squared", DATA.y), ("logistic", DATA.binary), ("huber", DATA.y)])
def test_whole_weights_are_repetitions(loss, y):
    counts = np.random.default_rng(1).integers(0, 4, N)
    splits = list(FOLDS.split(DATA.X))
    where = np.repeat(np.arange(N), counts)
    repeated = [(np.flatnonzero(np.isin(where, a)), np.flatnonzero(np.isin(where, b))) for a, b in splits]
    options = {"loss": loss, "lambdas": LAMBDAS[:6]}
    weighted = cv(y, cv=splits, sample_weight=counts.astype(float), **options).scores
    rows = cv(y[where], DATA.X[where], cv=repeated, **options).scores
    assert_agrees(weighted.folds, rows.folds)
    assert_agrees(weighted.standard_error, rows.standard_error, 1e-5)
    np.testing.assert_allclose(weighted.fold_weights, rows.fold_weights)


def test_the_scale_of_the_weights_does_not_matter():
    once, thrice = (cv(sample_weight=scale * DATA.weight).scores for scale in (1.0, 3.0))
    assert_agrees(thrice.mean, once.mean, 1e-9)
    assert_agrees(thrice.standard_error, once.standard_error, 1e-8)


# ---- units -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "y", "expected"),
    [
        ("squared", DATA.y, lambda y, mean, w: np.average((y - mean) ** 2, weights=w)),
        ("squared", DATA.outputs, lambda y, mean, w: np.average(((y - mean) ** 2).mean(axis=1), weights=w)),
        ("logistic", DATA.binary, lambda y, mean, w: log_loss(y, mean, sample_weight=w)),
        ("multinomial", DATA.classes, lambda y, mean, w: log_loss(y, mean, sample_weight=w)),
        ("poisson", DATA.counts, lambda y, mean, w: mean_poisson_deviance(y, mean, sample_weight=w)),
    ],
    ids=["mse", "mse of several outputs", "binary log loss", "log loss", "poisson"],
)
def test_scores_are_the_usual_measure_of_the_held_out_rows(loss, y, expected):
    fitted = cv(y, loss=loss, sample_weight=DATA.weight, lambdas=LAMBDAS[3:6], tol=1e-6)
    for fold, (_, test) in enumerate(FOLDS.split(DATA.X)):
        for index, lam in enumerate(fitted.scores.lambdas):
            mean = fitted.paths[fold + 1].predict(DATA.X[test], lam)
            assert fitted.scores.folds[fold, index] == pytest.approx(
                expected(y[test], mean, DATA.weight[test])
            )


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_scores_follow_the_units_of_y(loss):
    # λ is free of units, so the same λ on 100·y + 7 gives the same model in other units and the loss times
    # 100².
    metres, centimetres = (cv(y, loss=loss, lambdas=LAMBDAS[:5]).scores for y in (DATA.y, 100 * DATA.y + 7))
    assert_agrees(centimetres.mean, 1e4 * metres.mean)
    assert_agrees(centimetres.standard_error, 1e4 * metres.standard_error, 1e-5)


def test_the_huber_threshold_is_told_in_the_units_of_y():
    scores = cv(loss="huber", lambdas=LAMBDAS[3:5])
    _, test = next(iter(FOLDS.split(DATA.X)))
    eta = scores.paths[1].decision_at(DATA.X[test], 0)
    expected = np.mean(Huber(1.345 * DATA.y.std()).pointwise(eta, DATA.y[test]))
    assert scores.scores.folds[0, 0] == pytest.approx(expected)


def test_the_offset_counts_in_held_out_rows():
    offset = np.random.default_rng(2).normal(size=N)
    shifted = cv(DATA.y + offset, offset=offset).scores
    assert_agrees(shifted.folds, cv().scores.folds)


def test_scorers_see_the_offset():
    offset = np.random.default_rng(2).normal(size=N)
    shifted, plain = (
        cv(y, offset=given, scoring="neg_mean_absolute_error").measures["neg_mean_absolute_error"]
        for y, given in ((DATA.y + offset, offset), (DATA.y, None))
    )
    assert_agrees(shifted.folds, plain.folds)


@pytest.mark.parametrize("weight", [None, DATA.weight], ids=["rows alike", "weighted"])
@pytest.mark.parametrize(
    "splitter",
    [FOLDS, RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), TimeSeriesSplit(4)],
    ids=["k-fold", "repeated", "time"],
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"y": DATA.binary, "loss": "logistic"},
        {"offset": DATA.X[:, 0]},
        {"y": np.stack([DATA.y, DATA.X[:, 1]], axis=1)},
    ],
    ids=["squared", "logistic", "offset", "outputs"],
)
def test_an_engine_that_knows_its_held_out_losses_knows_those_of_the_rows(
    monkeypatch, options, splitter, weight
):
    options = {"cv": splitter, "sample_weight": weight, "tol": 1e-8} | options
    rows = cv(**options).scores
    assert rows.losses is not None
    monkeypatch.setattr("taut.selection.crossval.KEPT_BYTES", 0)
    engine = cv(**options).scores
    assert engine.losses is None
    np.testing.assert_allclose(engine.folds, rows.folds, rtol=1e-9)
    np.testing.assert_allclose(engine.standard_error, rows.standard_error, rtol=1e-7)


# ---- row by row --------------------------------------------------------------------------------------------


def test_losses_and_predictions_of_each_row():
    fitted = cv(sample_weight=DATA.weight)
    scores = fitted.scores
    assert scores.losses.shape == scores.predictions.shape == (N, len(LAMBDAS))
    np.testing.assert_allclose(scores.losses, (scores.predictions - DATA.y[:, None]) ** 2)
    for fold, (_, test) in enumerate(FOLDS.split(DATA.X)):
        each = np.average(scores.losses[test], axis=0, weights=DATA.weight[test])
        np.testing.assert_allclose(scores.folds[fold], each)


def test_rows_never_held_out_are_not_judged_and_repeats_are_averaged():
    half = cv(cv=[(np.arange(60, N), np.arange(30)), (np.arange(30), np.arange(30, 60))]).scores
    assert np.isfinite(half.losses[:60]).all()
    assert np.isnan(half.losses[60:]).all()
    twice = cv(cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)).scores
    assert twice.repeats == pytest.approx(2.0)
    np.testing.assert_allclose(np.mean(twice.losses, axis=0), np.average(twice.mean[None], axis=0))


def test_losses_that_were_not_kept_are_found_again():
    spec = PathSpec()
    data = as_data(spec, DATA.X, DATA.y, DATA.weight)
    folds = from_splits(FOLDS.split(DATA.X), N)
    fitted = score_folds(spec, data, folds, LAMBDAS)
    scores = fitted.scores
    forgotten = taut.Scores(scores.lambdas, scores.folds, scores.fold_weights)
    again = held_out_losses(spec, CrossValidation(forgotten, fitted.paths), 4, data, folds)
    np.testing.assert_allclose(again, scores.losses[:, 4])


def test_sparse_rows_score_like_dense_ones():
    X = DATA.X * (np.random.default_rng(3).uniform(size=DATA.X.shape) < 0.4)
    for make in (sp.csr_array, sp.csc_array, sp.coo_array):
        assert_agrees(cv(X=make(X)).scores.folds, cv(X=X).scores.folds)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("logistic", DATA.binary, "fold 1 of 2 trains on no row of class 0: .*StratifiedKFold"),
        ("multinomial", DATA.classes, "fold 1 of 2 trains on no row of class 0: .*StratifiedKFold"),
        ("poisson", DATA.counts, "fold 1 of 2 trains on no y above 0: give fewer folds or shuffled ones"),
    ],
)
@pytest.mark.parametrize("adaptive", [0.0, 1.0])
def test_a_fold_that_lacks_a_class_is_refused(loss, y, message, adaptive):
    # Its intercept would be the bound of an infinite one, and that bound would decide the scores.
    lacks = (y > 0) if loss != "poisson" else (y == 0)
    splits = [(np.flatnonzero(lacks), np.flatnonzero(~lacks)), (np.arange(40, N), np.arange(40))]
    with pytest.raises(ValueError, match=message):
        cv(y, loss=loss, cv=splits, lambdas=[0.1, 0.05], tol=1e-6, adaptive=adaptive)
    # Rows of no weight are no rows.
    weight, halves = np.where(lacks | (np.arange(N) < 40), 1.0, 0.0), [np.arange(40), np.arange(40, N)]
    with pytest.raises(ValueError, match="fold 2 of 2"):
        cv(y, loss=loss, cv=[halves, halves[::-1]], sample_weight=weight, lambdas=[0.1], tol=1e-6)


def test_a_fold_without_a_free_intercept_needs_no_class():
    y = DATA.binary
    splits = [(np.flatnonzero(y > 0), np.flatnonzero(y == 0)), (np.arange(40, N), np.arange(40))]
    scores = cv(y, loss="logistic", cv=splits, lambdas=[0.1], tol=1e-8, fit_intercept=False).scores
    assert np.isfinite(scores.mean).all()


def test_a_fold_of_one_number_is_its_null_model():
    y = np.where(np.arange(N) < 40, 2.0, DATA.y)
    splits = [(np.arange(40), np.arange(40, N)), (np.arange(40, N), np.arange(40))]
    found = cv(y, cv=splits, lambdas=[0.1])
    assert_agrees(found.scores.folds[0], np.mean((y[40:] - 2.0) ** 2)[None])
    with pytest.raises(ValueError, match="fold 1 of 2 trains on rows of one y alone"):
        cv(y, cv=splits, lambdas=[0.1], adaptive=1.0)


def test_every_fit_of_a_call_is_looked_at():
    weights = np.vstack([np.ones(N), np.ones(N), DATA.binary.astype(float)])
    for hidden in ((), (2,)):
        spec = PathSpec(taut.Logistic(), hidden=hidden)
        with pytest.raises(ValueError, match="of 3 fits, fit 3 gets no row of class 0"):
            fit_paths(spec, DATA.X, DATA.binary, weights, [0.1])


@pytest.mark.parametrize("kept", [1 << 22, 0], ids=["losses kept", "losses let go"])
def test_the_1se_rule_counts_groups_and_averages_repeats_first(kept, monkeypatch):
    monkeypatch.setattr("taut.selection.crossval.KEPT_BYTES", kept)
    groups = np.arange(N) // 4
    draws = [
        make_folds(3, DATA.X, DATA.y, sample_weight=DATA.weight, groups=groups, random_state=r)
        for r in (0, 1)
    ]
    folds, spec = repeated(draws), make_spec(loss="squared")
    data = as_data(spec, DATA.X, DATA.y, DATA.weight)
    fitted = score_folds(spec, data, folds, 12)
    for index in (0, 5, 11):
        losses = held_out_losses(spec, fitted, index, data, folds)
        expected = paired_gain(losses, np.zeros(N), DATA.weight, None, groups)[1]
        assert fitted.scores.standard_error[index] == pytest.approx(expected)
    one = replace(fitted.scores, errors=np.full(12, np.inf))
    assert one.index_1se == 0
