"""How lam is chosen: folds, groups, rules, criteria, averages, and weights that must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LassoCV
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedKFold,
)

from taut import Classifier, Regressor
from tests.agreement import assert_agrees
from tests.estimators.samples import DATA, QUICK, N, X


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


def test_a_linear_model_is_that_of_all_rows_whatever_final_says():
    average, refit = (Regressor(final=final, **QUICK).fit(X, DATA.y) for final in ("average", "refit"))
    np.testing.assert_array_equal(average.coef_, refit.coef_)
    assert_agrees(average.coef_, average.path_.coef(average.lam_))


def test_too_many_folds_are_said_once():
    with pytest.warns(UserWarning, match="6 folds are used, because there are 6 rows") as record:
        Regressor(lambdas=4).fit(X[:6], DATA.y[:6])
    assert len(record) == 1


@pytest.mark.parametrize("hidden", [(), (3,)])
def test_mixes_of_an_elastic_net_reach_from_ridge_to_lasso_on_shared_folds(hidden: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 20))
    options = {
        "penalty": "elasticnet",
        "l1_ratio": [0, 0.1, 0.5, 1],
        "hidden": hidden,
        "max_epochs": 2,
        "random_state": 0,
    }
    mixes = {}
    for few in (False, True):
        eta = X[:, 0] * 4.0 if few else X.sum(axis=1)
        y = eta + 2.0 * rng.standard_normal(150) > 0.0
        model = Classifier(lambdas=20, **options).fit(X, y)
        mixes[few] = model.l1_ratio_
        assert model.lam_ > 0.0
    assert mixes[False] == 0.0 < mixes[True]
