"""Degrees of freedom and information criteria against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import comb, expit, gammaln, softmax

import taut
from taut.families import as_loss
from taut.path import PathSpec, fit_linear
from taut.selection import path_criteria
from taut.selection.crossval import as_data
from tests.agreement import table

DATA = table(n=60, p=5)
X, N = DATA.X, len(DATA.y)
EVEN = np.full(N, 1.0 / N)


def criteria(y=DATA.y, columns=X, *, lambdas=(0.3, 0.1, 0.0), weight=None, frequencies=None, **options):
    options = {"tol": 1e-12, "standardize": False} | options
    spec = PathSpec(loss=as_loss(options.pop("loss", "squared")), **options)
    data = as_data(spec, columns, y, weight, frequencies=frequencies)
    return path_criteria(spec, fit_linear(spec, data.X, data.y, data.weight[None], lambdas)[0], data)


# ---- degrees of freedom ------------------------------------------------------------------------------------

PENALTIES = {
    "lasso": taut.L1(),
    "ridge": taut.L2(),
    "elastic net": taut.ElasticNet(1.0, 0.5, 0.25),
    "one column not penalised": taut.L2(factors=np.array([0.0, 1.0, 2.0, 1.0, 1.0])),
}


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_degrees_of_freedom_are_the_sensitivity_of_the_fit(name, fit_intercept):
    # df = Σ_i ∂ŷ_i/∂y_i (Stein 1981; Efron 2004), here by central differences of exact fits.
    lam, h = 0.2, 1e-4

    def fitted(y):
        path = taut.fit_path(
            X,
            y,
            penalty=PENALTIES[name],
            lambdas=[lam],
            tol=1e-13,
            standardize=False,
            fit_intercept=fit_intercept,
        )
        return path.decision_at(X, 0)

    bumps = h * np.eye(N)
    slopes = [(fitted(DATA.y + b)[i] - fitted(DATA.y - b)[i]) / (2 * h) for i, b in enumerate(bumps)]
    found = criteria(penalty=PENALTIES[name], lambdas=[lam], fit_intercept=fit_intercept).freedom[0]
    assert found == pytest.approx(sum(slopes), rel=1e-5)


def test_ridge_with_more_columns_than_rows():
    wide = np.random.default_rng(0).normal(size=(20, 50))
    y, lam = wide[:, 0], 0.7
    centred = wide - wide.mean(axis=0)
    expected = np.trace(centred @ np.linalg.solve(centred.T @ centred + 20 * lam * np.eye(50), centred.T)) + 1
    assert criteria(y, wide, penalty=taut.L2(), lambdas=[lam]).freedom[0] == pytest.approx(expected)


def test_standardisation_is_part_of_the_penalty():
    # On the standardised scale the ridge sees unit columns, whatever their units were.
    stretched = X * np.geomspace(0.1, 50.0, X.shape[1])
    options = {"penalty": taut.L2(), "standardize": True}
    np.testing.assert_allclose(criteria(columns=stretched, **options).freedom, criteria(**options).freedom)


@pytest.mark.parametrize(("loss", "y"), [("logistic", DATA.binary), ("poisson", DATA.counts)])
def test_likelihoods_weigh_by_their_curvature(loss, y):
    lam = 0.05
    path = taut.fit_path(X, y, loss=loss, penalty=taut.L2(), lambdas=[lam], tol=1e-12, standardize=False)
    eta = path.decision_at(X, 0)
    curvature = expit(eta) * expit(-eta) if loss == "logistic" else np.exp(eta)
    design = np.column_stack([np.ones(N), X])
    H = design.T @ (curvature[:, None] * design) / N
    ridge = 2 * lam * np.diag([0.0, *np.ones(X.shape[1])])
    expected = np.trace(np.linalg.solve(H + ridge, H))
    found = criteria(y, loss=loss, penalty=taut.L2(), lambdas=[lam]).freedom[0]
    assert found == pytest.approx(expected, rel=1e-6)


def test_classes_of_a_softmax_are_coupled():
    lam = 0.05
    options = {"loss": "multinomial", "penalty": taut.L2(), "lambdas": [lam], "tol": 1e-10}
    path = taut.fit_path(X, DATA.classes, standardize=False, **options)
    p = softmax(path.decision_at(X, 0), axis=1)
    design = np.column_stack([np.ones(N), X])
    blocks = [np.kron(np.diag(q) - np.outer(q, q), np.outer(d, d)) for q, d in zip(p, design, strict=True)]
    H = np.mean(blocks, axis=0)
    ridge = 2 * lam * np.diag(np.tile([0.0, *np.ones(X.shape[1])], 3))
    expected = np.trace(np.linalg.pinv(H + ridge) @ H)
    assert criteria(DATA.classes, **options).freedom[0] == pytest.approx(expected, rel=1e-5)


def test_an_unpenalised_softmax_has_one_class_less():
    found = criteria(DATA.classes, loss="multinomial", lambdas=[10.0], tol=1e-6)
    assert found.freedom[0] == 2


# ---- criteria ----------------------------------------------------------------------------------------------


def test_least_squares_has_the_textbook_criteria():
    design = np.column_stack([np.ones(N), X])
    rss = np.linalg.lstsq(design, DATA.y, rcond=None)[1][0]
    deviance = N * (np.log(2 * np.pi * rss / N) + 1)
    found = criteria(lambdas=[0.0])
    assert found.aic[0] == pytest.approx(deviance + 2 * 6)
    assert found.bic[0] == pytest.approx(deviance + np.log(N) * 6)
    assert found.ebic[0] == pytest.approx(deviance + np.log(N) * 6 + 2 * np.log(comb(5, 5)))


@pytest.mark.parametrize(
    ("loss", "y", "log_likelihood"),
    [
        ("logistic", DATA.binary, lambda y, mean: np.log(np.where(y == 1, mean, 1 - mean)).sum()),
        ("multinomial", DATA.classes, lambda y, mean: np.log(mean[np.arange(N), y]).sum()),
        ("poisson", DATA.counts, lambda y, mean: (y * np.log(mean) - mean - gammaln(y + 1)).sum()),
    ],
)
def test_deviances_are_likelihoods(loss, y, log_likelihood):
    path = taut.fit_path(X, y, loss=loss, lambdas=[0.02], standardize=False, tol=1e-12)
    expected = -2 * log_likelihood(y, path.predict_at(X, 0))
    assert criteria(y, loss=loss, lambdas=[0.02]).deviance[0] == pytest.approx(expected)


def test_ebic_counts_the_models_of_each_size():
    found = criteria(lambdas=np.geomspace(3, 0.01, 8))
    expected = found.bic + 2 * np.log(comb(5, found.nonzeros))
    np.testing.assert_allclose(found.ebic, expected)
    assert found.index("bic") == np.argmin(found.bic)


TARGETS = {"squared": DATA.y, "logistic": DATA.binary, "multinomial": DATA.classes, "poisson": DATA.counts}


@pytest.mark.parametrize("loss", TARGETS)
@pytest.mark.parametrize("penalty", [taut.L1(), taut.L2()])
def test_frequency_weights_are_repetitions(loss, penalty):
    counts = np.random.default_rng(1).integers(0, 4, N)
    where, y, options = np.repeat(np.arange(N), counts), TARGETS[loss], {"loss": loss, "penalty": penalty}
    options["tol"] = 1e-6 if loss == "multinomial" else 1e-12
    weighted = criteria(y, weight=counts.astype(float), frequencies=counts.astype(float), **options)
    rows = criteria(y[where], X[where], **options)
    assert weighted.n == rows.n == counts.sum()
    for name in ("aic", "bic", "ebic", *(["gcv"] if loss == "squared" else [])):
        np.testing.assert_allclose(
            weighted.value(name), rows.value(name), rtol=1e-5 if loss == "multinomial" else 1e-7
        )


def test_weights_that_count_are_whole():
    with pytest.raises(ValueError, match=r"row 3 has 0\.5"):
        criteria(frequencies=np.where(np.arange(N) == 2, 0.5, 1.0))


@pytest.mark.parametrize("loss", TARGETS)
@settings(max_examples=8)
@given(
    unit=st.sampled_from([1e-6, 1e-3, 0.7, 1e3, 1e6]),
    seed=st.integers(0, 10_000),
    penalty=st.sampled_from([taut.L1(), taut.L2(), taut.ElasticNet(1.0, 0.5, 0.25)]),
)
def test_the_unit_of_the_weights_changes_no_criterion(loss, unit, seed, penalty):
    weight = np.random.default_rng(seed).uniform(0.2, 2.0, N) * (np.arange(N) % 9 > 0)
    options = {"loss": loss, "penalty": penalty, "lambdas": [0.5, 0.1, 0.02], "tol": 1e-7}
    one, other = (criteria(TARGETS[loss], weight=w, **options) for w in (weight, unit * weight))
    assert one.n == other.n == np.count_nonzero(weight)
    for name in ("aic", "bic", "ebic", *(["gcv"] if loss == "squared" else [])):
        np.testing.assert_allclose(other.value(name), one.value(name), rtol=1e-6)


def test_weighted_least_squares_has_the_criteria_of_r():
    # R's logLik.lm: ½(Σ log w − n(log 2π + 1 − log n + log Σ w r²)), n the rows of positive weight; differences of models.
    weight = np.random.default_rng(2).uniform(0.2, 3.0, N)
    weight[:7] = 0.0

    def by_r(columns):
        design, root, n = np.column_stack([np.ones(N), X[:, columns]]), np.sqrt(weight), N - 7
        rss = np.linalg.lstsq(design * root[:, None], DATA.y * root, rcond=None)[1][0]
        fit = 0.5 * (np.log(weight[7:]).sum() - n * (np.log(2 * np.pi) + 1 - np.log(n) + np.log(rss)))
        df = len(columns) + 1  # R counts σ too, which is the same for both models
        return np.array([-2 * fit + 2 * df, -2 * fit + np.log(n) * df])

    def ours(columns):
        found = criteria(columns=X[:, columns], weight=weight, lambdas=[0.0])
        return np.array([found.aic[0], found.bic[0]])

    np.testing.assert_allclose(ours([0, 1, 2]) - ours([3]), by_r([0, 1, 2]) - by_r([3]), rtol=1e-8)


def test_a_saturated_likelihood_does_not_win():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(40, 100))
    y = 3 * wide[:, 0] + rng.normal(size=40)
    found = criteria(y, wide, lambdas=100, tol=1e-6, standardize=True)
    assert np.argmin(found.bic) > found.index("bic")
    assert found.freedom[found.index("bic")] <= 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "huber", "tol": 1e-6}, "Huber has no likelihood"),
        ({"penalty": taut.GroupLasso(1.0, [[0, 1], [2, 3, 4]]), "tol": 1e-6}, "GroupLasso are not known"),
    ],
)
def test_what_has_no_criterion_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        criteria(lambdas=[0.5], **options)
