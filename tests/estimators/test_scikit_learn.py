"""scikit-learn's contract: checks, clones, pickles, pipelines, searches, metadata."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from taut import Classifier, Regressor
from tests.estimators.samples import DATA, QUICK, N, P, X


def all_defaults() -> list[Any]:
    """One check of scikit-learn's to a test, so that workers share them; its array API check skips without that switch."""
    estimators = [Regressor(), Classifier(), Regressor(hidden=(8,)), Classifier(hidden=(8,))]
    pairs = [pair for estimator in estimators for pair in estimator_checks_generator(estimator)]
    return [
        pytest.param(estimator, check, id=f"{estimator}-{check.func.__name__}")
        for estimator, check in pairs
        if check.func.__name__ != "check_array_api_input"
    ]


@pytest.mark.sampled(25)
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
    big = np.random.default_rng(0).normal(size=(20_000, 3))
    fitted = Regressor(cv=3, lambdas=3).fit(big, big[:, 0])
    kept = len(pickle.dumps(fitted))  # of held-out errors at most 500 quantiles a fold, with their weights
    assert kept < big.nbytes / 15
    assert kept == pytest.approx(
        len(pickle.dumps(Regressor(cv=3, lambdas=3).fit(big[:5000], big[:5000, 0]))), rel=0.01
    )
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
