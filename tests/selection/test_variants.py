"""Variants of the choice: several l1_ratios, scorers beside the loss, relaxed and adaptive fits, stability selection."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import ElasticNetCV, LinearRegression, LogisticRegression
from sklearn.metrics import f1_score, get_scorer, make_scorer, median_absolute_error
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

import taut
from taut import Classifier, Regressor
from taut.path import PathSpec
from taut.selection import adaptive_penalty, as_data, paired_gain
from tests.agreement import assert_agrees, table
from tests.references.r_glmnet import relaxed_glmnet

DATA = table()
X, Y, N = DATA.X, DATA.y, len(DATA.y)
FOLDS = KFold(4, shuffle=True, random_state=1)
LAMBDAS = np.geomspace(0.8, 1e-3, 8)


# ---- several l1_ratios --------------------------------------------------------------------------------------


def test_a_grid_over_l1_ratio_is_elastic_net_cv():
    ratios, alphas = [0.1, 0.5, 1.0], LAMBDAS / 2
    reference = ElasticNetCV(l1_ratio=ratios, alphas=alphas, cv=FOLDS, tol=1e-12, max_iter=10**6).fit(X, Y)
    options = {"penalty": "elasticnet", "cv": FOLDS, "lambdas": LAMBDAS, "standardize": False, "tol": 1e-12}
    ours = Regressor(l1_ratio=ratios, **options).fit(X, Y)
    assert (ours.l1_ratio_, ours.lam_) == (reference.l1_ratio_, pytest.approx(2 * reference.alpha_))
    assert_agrees(ours.coef_, reference.coef_)
    alone = [Regressor(l1_ratio=ratio, **options).fit(X, Y).scores_.mean.min() for ratio in ratios]
    assert ours.scores_.mean.min() == min(alone)


def test_several_l1_ratios_need_an_elastic_net_and_a_choice():
    with pytest.raises(ValueError, match="penalty='elasticnet'"):
        Regressor(l1_ratio=[0.1, 0.9]).fit(X, Y)
    with pytest.raises(ValueError, match="a number for lam chooses nothing"):
        Regressor(l1_ratio=[0.1, 0.9], penalty="elasticnet", lam=0.1).fit(X, Y)


# ---- scorers ------------------------------------------------------------------------------------------------


def test_any_scorer_judges_every_strength_and_fold():
    scoring = ["r2", "neg_mean_absolute_error"]
    found = taut.cross_validate(X, Y, cv=FOLDS, lambdas=LAMBDAS, scoring=scoring, sample_weight=DATA.weight)
    assert list(found.measures) == scoring
    for (_, test), path, *rows in zip(
        FOLDS.split(X), found.paths[1:], *(found.measures[name].folds for name in scoring), strict=True
    ):
        for name, row in zip(scoring, rows, strict=True):
            model = LinearRegression().fit(X, Y)
            for index in range(len(LAMBDAS)):
                model.coef_, model.intercept_ = path.coefs[index], path.intercepts[index]
                expected = get_scorer(name)(model, X[test], Y[test], sample_weight=DATA.weight[test])
                assert row[index] == pytest.approx(-expected)


def test_a_scorer_of_classes_sees_their_labels_and_chooses():
    labels = np.array(["no", "yes"])[DATA.binary]
    f1 = make_scorer(lambda y, predicted, **_: np.mean(y == predicted))
    fitted = Classifier(cv=4, lambdas=LAMBDAS, scoring={"own": f1, "auc": "roc_auc"}, random_state=0).fit(
        X, labels
    )
    own = fitted.measures_["own"]
    assert fitted.lam_ == own.lam_min
    assert 0.5 < -own.mean.min() <= 1.0
    assert -fitted.measures_["auc"].mean.min() > 0.5
    plain = Classifier(cv=4, lambdas=LAMBDAS, random_state=0).fit(X, labels)
    np.testing.assert_array_equal(fitted.scores_.folds, plain.scores_.folds)


def test_a_scorer_of_more_classes_and_of_a_network():
    fitted = Classifier(cv=3, lambdas=3, scoring="neg_log_loss", random_state=0).fit(X, DATA.classes)
    assert_agrees(fitted.measures_["neg_log_loss"].folds, fitted.scores_.folds)
    options = {"lambdas": [0.2, 0.1], "max_epochs": 2, "random_state": 0, "cv": 3}
    network = taut.cross_validate(X, Y, hidden=(3,), scoring="neg_mean_squared_error", **options)
    assert_agrees(network.measures["neg_mean_squared_error"].folds, network.scores.folds)


@pytest.mark.filterwarnings(
    "ignore:F-score is ill-defined::sklearn.metrics"
)  # of the class that is not held out
def test_a_scorer_is_told_of_the_classes_that_a_fold_does_not_hold_out():
    y = DATA.classes.copy()
    y[np.flatnonzero(y == 2)[3:]] = 0
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y == 1))
    assert any(not (y[test] == 2).any() for _, test in folds)
    scoring = ["f1_macro", "roc_auc_ovo", "neg_log_loss"]
    fitted = Classifier(cv=folds, lambdas=[0.2, 0.1, 0.05], scoring=scoring).fit(
        X, np.array(["a", "b", "c"])[y]
    )
    assert all(np.isfinite(fitted.measures_[name].folds).all() for name in scoring if "roc" not in name)
    assert_agrees(fitted.measures_["neg_log_loss"].folds, fitted.scores_.folds)
    path = taut.cross_validate(X, y, loss="multinomial", cv=folds, lambdas=fitted.path_.lambdas).paths[1]
    predicted = path.predict_at(X[folds[0][1]], 2).argmax(axis=1)
    expected = f1_score(y[folds[0][1]], predicted, average="macro", labels=[0, 1, 2])
    assert -fitted.measures_["f1_macro"].folds[0, 2] == pytest.approx(expected)


def test_a_scorer_without_a_name():
    scorer = make_scorer(median_absolute_error, greater_is_better=False)
    fitted = Regressor(cv=FOLDS, lambdas=LAMBDAS, scoring=scorer).fit(X, Y)
    assert fitted.lam_ == fitted.measures_["score"].lam_min
    with pytest.raises(ValueError, match="accuracies"):
        Classifier(cv=3, scoring="accuracies").fit(X, DATA.binary)


# ---- splits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("splitter", "repeats"),
    [
        (RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0), 2.0),
        (GroupKFold(3), 1.0),
        (TimeSeriesSplit(3), 1.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_repeated_grouped_and_time_ordered_folds(splitter, repeats):
    groups = np.arange(N) // 5 if isinstance(splitter, GroupKFold) else None
    found = taut.cross_validate(X, DATA.binary, loss="logistic", cv=splitter, groups=groups, lambdas=LAMBDAS)
    splits = list(splitter.split(X, DATA.binary, groups))
    for (train, test), path, row in zip(splits, found.paths[1:], found.scores.folds, strict=True):
        alone = taut.fit_path(X[train], DATA.binary[train], loss="logistic", lambdas=LAMBDAS)
        assert_agrees(path.coefs, alone.coefs, 1e-4)
        p = np.clip(alone.predict_at(X[test], 3), 1e-15, 1)
        y = DATA.binary[test]
        assert row[3] == pytest.approx(-np.mean(y * np.log(p) + (1 - y) * np.log1p(-p)), rel=1e-4)
    assert found.scores.repeats == pytest.approx(repeats)


# ---- relaxed ------------------------------------------------------------------------------------------------


def test_a_relaxed_path_is_least_squares_on_what_is_kept():
    path = taut.fit_path(X, Y, lambdas=LAMBDAS, sample_weight=DATA.weight)
    relaxed = taut.relax(path)
    for index, kept in enumerate(path.coefs != 0):
        assert ((relaxed.coefs[index] != 0) == kept).all()
        if kept.any():
            reference = LinearRegression().fit(X[:, kept], Y, sample_weight=DATA.weight)
            assert_agrees(relaxed.coefs[index][kept], reference.coef_)
            assert relaxed.intercepts[index] == pytest.approx(reference.intercept_)
    assert all(certificate.met for certificate in relaxed.certificates)
    assert (relaxed.losses <= path.losses + 1e-12).all()
    explained = 1 - np.average(
        (Y[:, None] - relaxed.decisions(X)) ** 2, axis=0, weights=DATA.weight
    ) / np.average((Y - np.average(Y, weights=DATA.weight)) ** 2, weights=DATA.weight)
    assert_agrees(relaxed.deviance_explained, explained)


def test_a_relaxed_likelihood_is_unpenalised_too():
    path = taut.fit_path(X, DATA.binary, loss="logistic", lambdas=[0.05])
    kept = path.coefs[0] != 0
    assert 0 < kept.sum() < len(kept)
    reference = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(X[:, kept], DATA.binary)
    assert_agrees(taut.relax(path).coefs[0][kept], reference.coef_[0], 1e-5)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_the_relaxed_path_of_glmnet(gamma):
    path = taut.fit_path(X, Y, lambdas=LAMBDAS[:6], standardize=False, tol=1e-14)
    reference = relaxed_glmnet(X, Y, path.lambdas / 2, gamma)
    ours = taut.relax(path, gamma)
    assert_agrees(ours.coefs, reference.coefs)
    assert_agrees(ours.intercepts, reference.intercepts)


def test_bounds_and_free_columns_stay_in_a_refit():
    kept = taut.L1(lower=0.0, factors=[0.0, 1, 1, 1, 1, 1, 1])
    path = taut.fit_path(X, Y, penalty=kept, lambdas=[2.0, 0.1])
    relaxed = taut.relax(path)
    assert (relaxed.coefs >= 0).all()
    assert_agrees(relaxed.coefs[0], path.coefs[0])


def test_the_blend_is_chosen_on_the_folds():
    rng = np.random.default_rng(0)
    design = rng.normal(size=(120, 30))
    y = design[:, :3] @ [3.0, -2.0, 2.0] + rng.normal(size=120)
    fitted = Regressor(relax="cv", cv=5, lambdas=20, random_state=0).fit(design, y)
    losses = {
        gamma: Regressor(relax=gamma, cv=5, lambdas=20, random_state=0).fit(design, y).scores_.mean.min()
        for gamma in (1.0, 0.75, 0.5, 0.25, 0.0)
    }
    assert fitted.gamma_ == min(losses, key=losses.get) < 1.0
    assert fitted.scores_.mean.min() == pytest.approx(losses[fitted.gamma_])
    with pytest.raises(ValueError, match="on held-out rows"):
        Regressor(relax="cv", lam=0.1).fit(X, Y)
    with pytest.raises(ValueError, match="relax must be"):
        Regressor(relax=2.0).fit(X, Y)
    with pytest.raises(ValueError, match="network is not relaxed"):
        Regressor((3,), relax=0.0, max_epochs=1, lambdas=2, cv=3).fit(X, Y)


# ---- adaptive -----------------------------------------------------------------------------------------------


def test_adaptive_factors_are_the_pilots_inverse():
    spec = PathSpec(tol=1e-10)
    penalty = adaptive_penalty(spec, as_data(spec, X, Y), 2.0)
    pilot = Regressor(penalty="l2", lam="aic", lambdas=40, tol=1e-10).fit(X, Y)
    beta = pilot.coef_ * X.std(axis=0) / Y.std()
    assert_agrees(penalty.factors, np.abs(beta) ** -2.0)
    given = PathSpec(penalty=taut.L1(factors=[0, 2, 1, 1, 1, 1, np.inf]))
    combined = adaptive_penalty(given, as_data(given, X, Y), 2.0).factors
    assert_agrees(combined[:6], np.array([0, 2, 1, 1, 1, 1]) * penalty.factors[:6], 1e-5)
    assert np.isinf(combined[6])


def test_adaptive_folds_learn_their_factors_from_their_own_rows():
    splits = list(FOLDS.split(X))
    found = taut.cross_validate(X, Y, cv=splits, lambdas=LAMBDAS, adaptive=1.0)
    moved = Y + np.where(np.isin(np.arange(N), splits[0][1]), 100.0, 0.0) * X[:, 0]
    leaked = taut.cross_validate(X, moved, cv=splits, lambdas=LAMBDAS, adaptive=1.0)
    np.testing.assert_array_equal(leaked.paths[1].coefs, found.paths[1].coefs)
    assert np.abs(leaked.paths[2].coefs - found.paths[2].coefs).max() > 0.1


def test_the_adaptive_lasso_keeps_fewer_false_columns():
    rng = np.random.default_rng(1)
    false = {None: 0, 1.0: 0}
    for _ in range(5):
        design = rng.normal(size=(100, 40))
        y = design[:, :4] @ [3.0, -3.0, 2.0, 2.0] + rng.normal(size=100)
        for adaptive in false:
            fitted = Regressor(adaptive=adaptive, cv=5, lambdas=30, random_state=0).fit(design, y)
            assert (fitted.coef_[:4] != 0).all()
            false[adaptive] += np.count_nonzero(fitted.coef_[4:])
    assert false[1.0] < 0.5 * false[None]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adaptive": -1.0}, "power of at least 0"),
        ({"adaptive": 1.0, "penalty": taut.GroupLasso(1.0, [0, 0, 1, 1, 2, 2, 2])}, "no factors per column"),
        ({"adaptive": 1.0, "hidden": (3,)}, "use hidden=\\(\\)"),
        ({"adaptive": 1.0, "lam": "bic"}, "need lam='cv'"),
    ],
)
def test_what_can_not_adapt_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Regressor(lambdas=3, cv=3, **options).fit(X, Y)


# ---- stability selection ------------------------------------------------------------------------------------


def test_stability_from_the_definitions():
    measured = taut.bias_variance(X, Y, fits=10, resample="half", lambdas=LAMBDAS, random_state=3)
    random = np.random.RandomState(3)
    used = []
    for _ in range(5):
        order = random.permutation(N)
        for rows in (order[: N // 2], order[N // 2 : 2 * (N // 2)]):
            used.append(taut.fit_path(X[rows], Y[rows], lambdas=LAMBDAS).coefs != 0)
    np.testing.assert_array_equal(measured.frequencies, np.mean(used, axis=0))
    ever = np.logical_or.accumulate(used, axis=1)
    np.testing.assert_array_equal(measured.ever_used, np.mean(ever, axis=0))
    q = ever.sum(axis=2).mean(axis=0)
    found = taut.stability(measured, threshold=0.8, false_selections=2.0)
    assert found.index == np.flatnonzero(q**2 / (0.6 * X.shape[1]) <= 2.0)[-1]
    assert found.bound == pytest.approx(q[found.index] ** 2 / (0.6 * X.shape[1]))
    np.testing.assert_array_equal(found.frequencies, np.mean(used, axis=0)[: found.index + 1].max(axis=0))
    np.testing.assert_array_equal(found.selected, found.frequencies >= 0.8)


def test_false_selections_stay_within_the_bound():
    rng = np.random.default_rng(0)
    false, true = [], []
    for seed in range(10):
        design = rng.normal(size=(100, 60))
        y = design[:, :4] @ np.full(4, 1.5) + rng.normal(size=100)
        found = taut.stability_selection(design, y, fits=20, lambdas=20, random_state=seed)
        assert found.bound <= 1.0
        false.append(found.selected[4:].sum())
        true.append(found.selected[:4].mean())
    assert np.mean(false) <= 1.0
    assert np.mean(true) > 0.9


def test_a_bound_that_can_not_be_met_is_said():
    measured = taut.bias_variance(X, Y, fits=4, lambdas=[0.01], random_state=0)
    with pytest.raises(ValueError, match="start the grid higher"):
        taut.stability(measured, false_selections=0.1)
    with pytest.raises(ValueError, match="more than half"):
        taut.stability(measured, threshold=0.5)


# ---- ties ---------------------------------------------------------------------------------------------------


def test_rounding_is_no_gain():
    losses = np.random.default_rng(0).uniform(1, 2, 30)
    assert paired_gain(losses, losses * (1 + 1e-16), np.ones(30)) == (0.0, 0.0)
    constant = Regressor((3,), max_epochs=2, lambdas=[50.0, 40.0], cv=3, random_state=0).fit(X, Y)
    assert str(constant.chosen_) == "linear: on every held-out row the network's loss is the linear model's"
