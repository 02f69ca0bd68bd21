"""What each argument means, what is refused, and what is said of a fit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, Ridge

import taut
from taut import Classifier, Regressor
from tests.agreement import assert_agrees
from tests.estimators.samples import DATA, QUICK, N, P, X


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


def test_passes_are_counted():
    assert Regressor(lam=0.1).fit(X, DATA.y).n_iter_ >= 1


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
