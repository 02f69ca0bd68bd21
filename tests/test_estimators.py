"""Regressor and Classifier: scikit-learn's contract, what each argument means, units, choices and errors."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import ElasticNet, LassoCV, LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import taut
from agreement import assert_agrees, standardized, table
from taut import Classifier, Regressor

DATA = table()
X, N, P = DATA.X, len(DATA.y), DATA.X.shape[1]
QUICK = {"cv": 4, "lambdas": np.geomspace(0.5, 5e-3, 8), "random_state": 0}


# ---- scikit-learn's own checks -----------------------------------------------------------------------------


def all_defaults() -> list[Any]:
    """One check of scikit-learn's to a test, so that workers share them; its array API check skips without that switch."""
    estimators = [Regressor(), Classifier(), Regressor(hidden=(8,)), Classifier(hidden=(8,))]
    pairs = [pair for estimator in estimators for pair in estimator_checks_generator(estimator)]
    return [
        pytest.param(estimator, check, id=f"{estimator}-{check.func.__name__}")
        for estimator, check in pairs
        if check.func.__name__ != "check_array_api_input"
    ]


@pytest.mark.parametrize(("estimator", "check"), all_defaults())
def test_scikit_learn_accepts_the_defaults(estimator: Any, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks' tables have fewer rows than folds, and it is said
        check(estimator)


# A tight tolerance, because one check compares repeated rows with weights to 1e-7; few strengths, for speed.
@pytest.mark.parametrize(
    "estimator",
    [
        Regressor((3,), lam=0.1, max_epochs=2, fallback="never"),
        Regressor(lam=0.01, penalty="elasticnet", tol=1e-12),
        Regressor(lam="bic", lambdas=15, tol=1e-12),
        Classifier(lam=0.05, penalty="l2", tol=1e-12),
    ],
    ids=["hidden, number", "number", "bic", "classes, number"],
)
def test_scikit_learn_accepts_the_estimators(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert [(r["check_name"], str(r["exception"])) for r in results if r["status"] == "failed"] == []


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (Regressor(**QUICK), DATA.y),
        (Regressor((4,), lam=0.05, random_state=0), DATA.y),
        (Classifier(**QUICK), DATA.binary),
        (Classifier((4,), lam=0.05, random_state=0), np.array(["a", "b", "c"])[DATA.classes]),
    ],
    ids=["path", "network", "classes", "network of classes"],
)
def test_clones_and_pickles(estimator, y):
    fitted = clone(estimator).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.path_.lambdas.tolist() == fitted.path_.lambdas.tolist()
    assert not vars(clone(fitted)).keys() & {"coef_", "coefs_"}


def test_a_pickle_carries_no_training_rows():
    big = np.random.default_rng(0).normal(size=(5000, 3))
    fitted = Regressor(cv=3, lambdas=3).fit(big, big[:, 0])
    assert len(pickle.dumps(fitted)) < big.nbytes / 5
    assert pickle.loads(pickle.dumps(fitted)).scores_.mean.tolist() == fitted.scores_.mean.tolist()


def test_a_search_over_classifiers_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), Classifier(lam=0.1))
    search = GridSearchCV(
        pipeline, {"classifier__lam": [0.01, 1.0], "classifier__hidden": [()]}, cv=3, scoring="neg_log_loss"
    )
    search.fit(pd.DataFrame(X, columns=[f"c{j}" for j in range(P)]), DATA.classes)
    assert search.best_params_["classifier__lam"] == 0.01
    own = cross_val_score(
        pipeline.set_params(classifier__lam=0.01), X, DATA.classes, cv=3, scoring="neg_log_loss"
    )
    assert search.best_score_ == pytest.approx(own.mean())


def test_inside_pipelines_and_searches():
    pipeline = make_pipeline(StandardScaler(), Regressor(**QUICK))
    assert cross_val_score(pipeline, X, DATA.y, cv=3).min() > 0.3
    search = GridSearchCV(Regressor(lam=0.1), {"penalty": ["l1", "l2"], "lam": [0.01, 1.0]}, cv=3)
    assert search.fit(X, DATA.y).best_params_["lam"] == 0.01


# ---- what the arguments mean -------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.3, 1.0])
def test_l1_ratio_is_that_of_scikit_learn(ratio):
    ours = Regressor(penalty="elasticnet", l1_ratio=ratio, lam=0.4, standardize=False, tol=1e-12)
    reference = ElasticNet(alpha=0.2, l1_ratio=ratio, tol=1e-12, max_iter=100_000).fit(X, DATA.y)
    assert_agrees(ours.fit(X, DATA.y).coef_, reference.coef_)
    assert ours.intercept_ == pytest.approx(reference.intercept_)


def test_l2_is_the_sum_of_squares():
    ours = Regressor(penalty="l2", lam=0.2, standardize=False, tol=1e-12).fit(X, DATA.y)
    assert_agrees(ours.coef_, Ridge(alpha=0.2 * N).fit(X, DATA.y).coef_)


def test_a_penalty_object_is_the_shape_that_lam_multiplies():
    named = Regressor(penalty="l1", lam=0.3).fit(X, DATA.y)
    given = Regressor(penalty=taut.L1(0.1), lam=3.0).fit(X, DATA.y)
    assert_agrees(given.coef_, named.coef_)


def test_factors_may_be_given_by_column_name():
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(P)])
    free = Regressor(penalty=taut.L1(factors={"c5": 0.0}), lam=10.0).fit(frame, DATA.y)
    assert np.flatnonzero(free.coef_).tolist() == [5]
    assert free.feature_names_in_.tolist() == list(frame.columns)


def test_lam_by_cross_validation_is_lasso_cv():
    folds = KFold(5, shuffle=True, random_state=3)
    alphas = np.geomspace(2, 2e-3, 20)
    reference = LassoCV(alphas=alphas, cv=folds, tol=1e-12, max_iter=100_000).fit(X, DATA.y)
    ours = Regressor(cv=5, random_state=3, lambdas=2 * alphas, standardize=False, tol=1e-12).fit(X, DATA.y)
    assert ours.lam_ == pytest.approx(2 * reference.alpha_)
    assert_agrees(ours.coef_, reference.coef_)
    assert_agrees(ours.scores_.folds, reference.mse_path_.T)


def test_classes_are_stratified_by_the_same_splitter():
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    number = Classifier(**QUICK).fit(X, DATA.binary)
    splitter = Classifier(**QUICK | {"cv": folds}).fit(X, DATA.binary)
    np.testing.assert_array_equal(number.scores_.folds, splitter.scores_.folds)


def test_groups_reach_the_splitter():
    groups = np.arange(N) % 6
    grouped = Regressor(cv=GroupKFold(3), lambdas=5).fit(X, DATA.y, groups=groups)
    listed = Regressor(cv=list(GroupKFold(3).split(X, DATA.y, groups)), lambdas=5).fit(X, DATA.y)
    np.testing.assert_array_equal(grouped.scores_.folds, listed.scores_.folds)


def test_both_rules_are_marks_of_the_same_scores():
    strict, best = (Regressor(rule=rule, **QUICK).fit(X, DATA.y) for rule in ("1se", "min"))
    assert strict.lam_ == best.scores_.lam_1se > best.lam_ == best.scores_.lam_min


@pytest.mark.parametrize("name", ["aic", "bic", "ebic"])
def test_information_criteria_hold_out_no_row(name):
    fitted = Regressor(lam=name, lambdas=20).fit(X, DATA.y)
    assert fitted.scores_ is None
    assert fitted.lam_ == fitted.path_.lambdas[fitted.criteria_.index(name)]


@pytest.mark.parametrize("lam", ["aic", "bic", "ebic", "gcv"])
@pytest.mark.parametrize("unit", [1 / N, 1e3])
def test_the_unit_of_the_weights_chooses_nothing(lam, unit):
    options = {"lam": lam, "lambdas": 20}
    models = [
        (Regressor(**options), DATA.y),
        (Regressor(penalty="elasticnet", l1_ratio=[0.2, 0.9], **options), DATA.y),
    ]
    if lam != "gcv":
        models += [(Regressor(loss="poisson", **options), DATA.counts)]
        models += [
            (Classifier(class_weight=weight, **options), DATA.classes) for weight in (None, "balanced")
        ]
    for model, y in models:
        once, other = (clone(model).fit(X, y, sample_weight=k * DATA.weight) for k in (1.0, unit))
        assert other.lam_ == pytest.approx(once.lam_)
        assert_agrees(other.coef_, once.coef_, 1e-5)
        assert other.criteria_.n == once.criteria_.n == N


def test_the_unit_of_class_weights_chooses_nothing():
    once, other = (
        Classifier(lam="aic", class_weight={0: k, 1: 2 * k}).fit(X, DATA.binary) for k in (1.0, 1e-3)
    )
    assert_agrees(other.coef_, once.coef_, 1e-5)
    assert np.any(once.coef_)


def test_the_pilot_does_not_see_the_unit_of_the_weights():
    once, other = (
        Regressor(adaptive=1.0, lam=0.1).fit(X, DATA.y, sample_weight=k * DATA.weight) for k in (1.0, 1 / N)
    )
    assert_agrees(other.coef_, once.coef_, 1e-6)
    assert np.any(once.coef_)


@pytest.mark.parametrize("options", [{"lam": "bic"}, {"lam": 0.05, "adaptive": 1.0}])
@pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 3.0}, "balanced"])
def test_frequency_weights_are_repetitions(options, class_weight):
    counts = np.random.default_rng(1).integers(0, 4, N)
    where = np.repeat(np.arange(N), counts)
    make = Classifier(frequency_weights=True, class_weight=class_weight, **options)
    pairs = [(make, DATA.binary), (Regressor(frequency_weights=True, **options), DATA.y)]
    for model, y in pairs:
        weighted = clone(model).fit(X, y, sample_weight=counts)
        rows = clone(model).set_params(frequency_weights=False).fit(X[where], y[where])
        assert_agrees(weighted.coef_, rows.coef_, 1e-5)
        assert weighted.criteria_ is None or weighted.criteria_.n == rows.criteria_.n == counts.sum()


def test_weights_that_count_repetitions_are_whole():
    with pytest.raises(ValueError, match=r"row 1 has 0\.5"):
        Regressor(lam="aic", frequency_weights=True).fit(X, DATA.y, sample_weight=np.full(N, 0.5))


def test_lam_zero_is_least_squares():
    fitted = Regressor(lam=0).fit(X, DATA.y)
    design = np.column_stack([np.ones(N), X])
    expected = np.linalg.lstsq(design, DATA.y, rcond=None)[0]
    assert_agrees([fitted.intercept_, *fitted.coef_], expected)


def test_the_average_of_the_folds():
    fitted = Regressor(final="average", **QUICK).fit(X, DATA.y)
    folds = KFold(4, shuffle=True, random_state=0).split(X)
    parts = [taut.fit_path(X[train], DATA.y[train], lambdas=fitted.path_.lambdas) for train, _ in folds]
    expected = np.mean([part.coefs[part.index(fitted.lam_)] for part in parts], axis=0)
    assert_agrees(fitted.coef_, expected)


def test_an_average_needs_folds_even_at_a_given_strength():
    fitted = Regressor(lam=0.1, final="average", cv=3).fit(X, DATA.y)
    assert fitted.lam_ == 0.1
    assert fitted.scores_.folds.shape == (3, 1)


def test_coefficients_are_in_the_units_given():
    scales = np.geomspace(0.01, 100, P)
    plain = Regressor(lam=0.1, tol=1e-12).fit(X, DATA.y)
    other = Regressor(lam=0.1, tol=1e-12).fit(X * scales + 3, 10 * DATA.y)
    assert_agrees(other.coef_ * scales, 10 * plain.coef_)
    assert_agrees(other.predict(X * scales + 3), 10 * plain.predict(X))


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_several_outputs(loss):
    fitted = Regressor(loss=loss, lam=0.05).fit(X, DATA.outputs)
    assert fitted.coef_.shape == (3, P)
    assert fitted.intercept_.shape == (3,)
    assert fitted.predict(X).shape == (N, 3)
    np.testing.assert_allclose(fitted.predict(X), X @ fitted.coef_.T + fitted.intercept_)


def test_poisson_predicts_rates():
    fitted = Regressor(loss="poisson", lam=0.01).fit(X, DATA.counts)
    np.testing.assert_allclose(fitted.predict(X), np.exp(X @ fitted.coef_ + fitted.intercept_))
    assert fitted.predict(X).mean() == pytest.approx(DATA.counts.mean(), rel=1e-3)


def test_sparse_tables():
    mask = np.random.default_rng(0).uniform(size=X.shape) < 0.4
    dense = Regressor(**QUICK).fit(X * mask, DATA.y)
    sparse = Regressor(**QUICK).fit(sp.csr_array(X * mask), DATA.y)
    assert_agrees(sparse.coef_, dense.coef_)
    assert_agrees(sparse.predict(sp.csc_array(X)), dense.predict(X))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        Regressor((4,)).fit(sp.csr_array(X), DATA.y)


@pytest.mark.parametrize("name", ["binary", "classes"])
def test_sparse_tables_of_classes(name):
    y, sparse_X = getattr(DATA, name), X * (np.random.default_rng(0).uniform(size=X.shape) < 0.4)
    dense = Classifier(**QUICK).fit(sparse_X, y)
    sparse = Classifier(**QUICK).fit(sp.csc_array(sparse_X), y)
    assert_agrees(sparse.coef_, dense.coef_)
    assert_agrees(sparse.scores_.folds, dense.scores_.folds)
    assert_agrees(sparse.predict_proba(sp.csr_array(X)), dense.predict_proba(X))


# ---- classes -----------------------------------------------------------------------------------------------


def test_two_classes_are_logistic_regression():
    lam, names = 0.02, np.array(["no", "yes"])
    fitted = Classifier(lam=lam, penalty="l2", tol=1e-12).fit(X, names[DATA.binary])
    reference = LogisticRegression(C=1 / (2 * N * lam), tol=1e-10, max_iter=10_000)
    reference.fit(standardized(X), names[DATA.binary])
    assert fitted.coef_.shape == (1, P)
    assert fitted.intercept_.shape == (1,)
    assert_agrees(fitted.predict_proba(X), reference.predict_proba(standardized(X)))
    assert fitted.predict(X).tolist() == reference.predict(standardized(X)).tolist()
    assert_agrees(fitted.decision_function(X), X @ fitted.coef_[0] + fitted.intercept_)


def test_more_classes_are_multinomial():
    lam = 0.02
    fitted = Classifier(lam=lam, penalty="l2", tol=1e-10).fit(X, DATA.classes + 5)
    reference = LogisticRegression(C=1 / (2 * N * lam), tol=1e-10, max_iter=10_000).fit(X, DATA.classes + 5)
    assert fitted.coef_.shape == (3, P)
    assert fitted.classes_.tolist() == [5, 6, 7]
    assert_agrees(fitted.predict_proba(X), reference.predict_proba(X), 1e-5)
    assert fitted.intercept_.sum() == pytest.approx(0, abs=1e-10)


def test_class_weights_multiply_sample_weights():
    y = DATA.binary
    each = {0: 1.0, 1: 3.0}
    weighted = Classifier(class_weight=each, **QUICK).fit(X, y, sample_weight=DATA.weight)
    rows = Classifier(**QUICK).fit(X, y, sample_weight=DATA.weight * np.where(y == 1, 3.0, 1.0))
    assert_agrees(weighted.coef_, rows.coef_)
    assert_agrees(weighted.scores_.mean, rows.scores_.mean)


def test_several_classes_have_weights_by_name():
    names = np.array(["a", "b", "c"])[DATA.classes]
    each = {"a": 2.0, "b": 1.0, "c": 0.5}
    weighted = Classifier(class_weight=each, lam=0.05, tol=1e-12).fit(X, names)
    rows = Classifier(lam=0.05, tol=1e-12).fit(X, names, sample_weight=[each[name] for name in names])
    assert_agrees(weighted.coef_, rows.coef_)
    assert np.abs(weighted.coef_ - Classifier(lam=0.05, tol=1e-12).fit(X, names).coef_).max() > 1e-2


def test_balanced_classes_weigh_the_same():
    y = (np.arange(N) < 15).astype(int)
    balanced = Classifier(class_weight="balanced", lam=100.0).fit(X, y, sample_weight=DATA.weight)
    np.testing.assert_allclose(balanced.predict_proba(X), 0.5, atol=1e-6)


# ---- network or linear -------------------------------------------------------------------------------------

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


# ---- what goes wrong is said -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Regressor(penalty="l3"), "penalty must be one of"),
        (Regressor(penalty="ridge"), "it is called 'l2' here"),
        (Regressor(adaptive="strong"), "adaptive must be a power"),
        (Regressor(hidden=2.5), "hidden must be the sizes"),
        (Regressor(loss="gaussian"), "it is called 'squared' here"),
        (Regressor(cv="five"), "got 'five'"),
        (Regressor(cv=[1, 2]), r"pairs \(train, test\) of row numbers, and cv\[0\] is 1"),
        (Regressor(cv=iter(())), "cv gave no split"),
        (Regressor(penalty="elasticnet", l1_ratio=2.0), "l1_ratio must lie between"),
        (Regressor(lam="lo"), "lam must be a number or one of"),
        (Regressor(lam=-1.0), "lam must be a finite number"),
        (Regressor(rule="2se"), "rule must be one of"),
        (Regressor(final="best"), "final must be one of"),
        (Regressor(fallback="maybe"), "fallback must be one of"),
        (Regressor(loss="logistic"), "use taut.Classifier"),
        (Regressor(loss="sqared"), "there is no loss 'sqared'"),
        (Regressor(hidden=(4, 0)), "hidden must be the sizes"),
        (Regressor(hidden=(4,), lam="aic"), "use lam='cv'"),
        (Regressor(cv=1), "at least 2 folds"),
        (Regressor(hidden=(4,), activation="step", lam=0.1), "there is no activation"),
    ],
)
def test_arguments_that_mean_nothing(estimator, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, DATA.y)


def test_rows_that_cannot_be_fitted():
    with pytest.raises(ValueError, match="only one class"):
        Classifier().fit(X, np.zeros(N))
    with pytest.raises(ValueError, match="no row of positive weight"):
        Classifier().fit(X, DATA.binary, sample_weight=DATA.binary)
    with pytest.raises(ValueError, match="NaN"):
        Regressor().fit(np.where(X > 2, np.nan, X), DATA.y)
    with pytest.raises(ValueError, match="could not convert string to float"):
        Regressor().fit(np.array([["red"]] * N), DATA.y)
    with pytest.raises(ValueError, match=r"negative|at least 0"):
        Regressor().fit(X, DATA.y, sample_weight=-np.ones(N))
    with pytest.raises(ValueError, match="n_samples"):
        Regressor().fit(X[:1], DATA.y[:1])


def test_too_many_folds_are_said_once():
    with pytest.warns(UserWarning, match="6 folds are used, because there are 6 rows") as record:
        Regressor(lambdas=4).fit(X[:6], DATA.y[:6])
    assert len(record) == 1


@pytest.mark.parametrize(
    ("estimator", "y", "paths"),
    [
        (Regressor(), DATA.y, 1),
        (Classifier(), DATA.binary, 1),
        (Classifier(), DATA.classes, 1),
        (Regressor((3,), max_epochs=2), DATA.y, 2),
    ],
    ids=["squared", "two classes", "classes", "network and its rival"],
)
def test_progress_counts_every_strength_of_every_fold(estimator, y, paths):
    done = []
    clone(estimator).set_params(cv=4, lambdas=7, random_state=0).fit(X, y, progress=done.append)
    assert sum(done) == 7 * 5 * paths


def test_a_callback_that_raises_ends_the_fit():
    def refuse(count: int) -> None:
        raise RuntimeError(f"enough after {count}")

    with pytest.raises(RuntimeError, match="enough after"):
        Classifier(cv=4, lambdas=7).fit(X, DATA.classes, progress=refuse)


# ---- inside scikit-learn's machinery -----------------------------------------------------------------------


def test_polars_tables_name_the_features():
    frame = pl.DataFrame({f"c{j}": X[:, j] for j in range(P)})
    fitted = Regressor(lam=0.1).fit(frame, DATA.y)
    assert fitted.feature_names_in_.tolist() == frame.columns
    np.testing.assert_allclose(fitted.predict(frame), Regressor(lam=0.1).fit(X, DATA.y).predict(X))


def test_metadata_reaches_fit_through_a_pipeline():
    groups, weight = np.arange(N) % 6, DATA.weight
    with config_context(enable_metadata_routing=True):
        model = Regressor(cv=GroupKFold(3), lambdas=5).set_fit_request(sample_weight=True, groups=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, model).fit(X, DATA.y, sample_weight=weight, groups=groups)
    direct = Regressor(cv=GroupKFold(3), lambdas=5).fit(
        StandardScaler().fit_transform(X), DATA.y, sample_weight=weight, groups=groups
    )
    np.testing.assert_array_equal(routed[-1].scores_.folds, direct.scores_.folds)


def test_a_notebook_shows_the_estimator():
    """Its arguments, whether it is fitted, and where it stands in a pipeline."""
    plain = Regressor(lam=0.125)
    assert "0.125" in plain._repr_html_()
    assert "Not fitted" in plain._repr_html_()
    assert "Not fitted" not in plain.fit(X, DATA.y)._repr_html_()
    assert "Classifier" in make_pipeline(StandardScaler(), Classifier(hidden=(8,)))._repr_html_()


def test_passes_are_counted():
    assert Regressor(lam=0.1).fit(X, DATA.y).n_iter_ >= 1


# ---- warm starts -------------------------------------------------------------------------------------------


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


# ---- output of pipelines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_of_a_pipeline(library):
    frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[library]({f"c{j}": X[:, j] for j in range(P)})
    pipeline = make_pipeline(StandardScaler(), SelectFromModel(Regressor(lam=0.3)), Regressor(lam=0.1))
    pipeline.set_output(transform=library).fit(frame, DATA.y)
    kept = [name for name, used in zip(frame.columns, pipeline[1].get_support(), strict=True) if used]
    assert 0 < len(kept) < P
    assert pipeline[-1].feature_names_in_.tolist() == kept
    assert type(pipeline[:-1].transform(frame)) is type(frame)
    np.testing.assert_allclose(
        pipeline.predict(frame),
        make_pipeline(StandardScaler(), SelectFromModel(Regressor(lam=0.3)), Regressor(lam=0.1))
        .fit(X, DATA.y)
        .predict(X),
    )


def test_metadata_reaches_the_scores_and_fits_of_a_search():
    groups, weight = np.arange(N) % 6, DATA.weight
    with config_context(enable_metadata_routing=True):
        model = Regressor(lam=0.1).set_fit_request(sample_weight=True, groups=False)
        model.set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"lam": [0.01, 1.0]}, cv=GroupKFold(3))
        search.fit(X, DATA.y, sample_weight=weight, groups=groups)
    first = next(GroupKFold(3).split(X, DATA.y, groups))
    train, test = first
    own = Regressor(lam=0.01).fit(X[train], DATA.y[train], sample_weight=weight[train])
    score = own.score(X[test], DATA.y[test], sample_weight=weight[test])
    assert search.cv_results_["split0_test_score"][0] == pytest.approx(score)


# ---- offsets -----------------------------------------------------------------------------------------------

OFFSET = np.linspace(-1.0, 2.0, N)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lam": "bic"},
        {"lam": "loo", "penalty": "l2"},
        {"lam": 0.1},
        {"final": "average"},
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


# ---- certificates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", ["cv", "bic", 0.1])
def test_what_is_not_solved_to_its_tolerance_is_said_once(lam):
    beyond_rounding = 1e-18
    for model, y in ((Regressor(**QUICK), DATA.y), (Classifier(**QUICK), DATA.binary)):
        with pytest.warns(ConvergenceWarning, match=r"miss tol=1e-18.*take a larger lam") as told:
            model.set_params(lam=lam, tol=beyond_rounding).fit(X, y)
        assert len(told) == 1
        assert told[0].filename == __file__
        chosen = model.path_.certificates[list(model.path_.lambdas).index(model.lam_)]
        assert f"at the chosen lam it is {chosen.value:.1e}" in str(told[0].message)


def test_nothing_is_said_where_everything_is_solved():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for tol in (1e-6, 1e-3):  # small tables are solved further than they ask for
            Regressor(**QUICK, tol=tol).fit(X, DATA.y)
        Classifier(**QUICK).fit(X, DATA.binary)
        Regressor(hidden=(2,), lam=0.1, max_epochs=1, random_state=0).fit(X, DATA.y)
