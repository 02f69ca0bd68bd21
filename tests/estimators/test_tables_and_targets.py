"""Units, several outputs, counts, sparse tables, classes and their weights."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from taut import Classifier, Regressor
from tests.agreement import assert_agrees, standardized
from tests.estimators.samples import DATA, QUICK, N, P, X


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
