"""Ridge's exact leave-one-out and generalised cross-validation, against refits and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import RidgeCV

import taut
from taut import Regressor
from taut.path import PathSpec, fit_linear
from taut.selection import as_data, leave_one_out_scores, path_criteria
from tests.agreement import assert_agrees, table

DATA = table()
ROWS = np.arange(25)
X, Y, WEIGHT = DATA.X[ROWS], DATA.y[ROWS], DATA.weight[ROWS]
LAMBDAS = np.array([2.0, 0.3, 0.01])
WIDE = np.random.default_rng(1).normal(size=(25, 60))
FACTORS = np.array([0.0, 1.0, 2.0, np.inf, 0.5, 1.0, 3.0])


def refits(design, y, weight, factors=None, intercept=1.0, bias_factor=0.0):
    """Predictions of each row by ridge fits to the others, from their normal equations; nothing is shared with taut."""
    n, p = design.shape
    outputs = 1 if y.ndim == 1 else y.shape[1]
    factors = np.ones(p) if factors is None else factors
    kept = np.isfinite(factors)
    columns = np.column_stack([np.full(n, intercept), design[:, kept]])
    penalty = np.array([bias_factor, *factors[kept]])
    held = []
    for row in range(n):
        rest = np.arange(n) != row
        share = weight[rest] / weight[rest].sum()
        A, b = columns[rest].T @ (share[:, None] * columns[rest]), columns[rest].T @ (share * y[rest].T).T
        fits = [np.linalg.lstsq(A + outputs * lam * np.diag(penalty), b, rcond=None)[0] for lam in LAMBDAS]
        held.append([columns[row] @ fit for fit in fits])
    return np.array(held)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("design", "y", "options", "reference"),
    [
        (X, Y, {}, {}),
        (X, Y, {"fit_intercept": False}, {"intercept": 0.0}),
        (X, DATA.outputs[ROWS], {}, {}),
        (X, Y, {"penalty": taut.L2(factors=FACTORS)}, {"factors": FACTORS}),
        (X, Y, {"penalize_biases": True}, {"bias_factor": 1.0}),
        (WIDE, Y, {}, {}),
    ],
    ids=["plain", "no intercept", "outputs", "factors", "penalised intercept", "wide"],
)
def test_leave_one_out_is_n_refits(design, y, options, reference, weighted):
    weight = WEIGHT if weighted else np.ones(len(y))
    spec = PathSpec(**{"penalty": taut.L2()} | options, standardize=False)
    scores = leave_one_out_scores(spec, as_data(spec, design, y, weight), LAMBDAS)
    expected = refits(design, y, weight, **reference)
    assert_agrees(scores.predictions, expected, 1e-9)
    losses = (expected - y[:, None]) ** 2
    losses = losses.mean(axis=2) if losses.ndim == 3 else losses
    assert_agrees(scores.mean, weight @ losses / weight.sum(), 1e-9)


@pytest.mark.parametrize(
    ("design", "y", "options"),
    [
        (X, Y, {"penalty": taut.L2()}),
        (X, DATA.outputs[ROWS], {"penalty": taut.L2(), "fit_intercept": False}),
        (X, DATA.outputs[ROWS], {"penalty": taut.L2(factors=FACTORS)}),
        (X, Y, {"penalty": taut.L2(), "penalize_biases": True, "standardize": False}),
        (WIDE, Y, {"penalty": taut.L2()}),
        (sp.csr_array(X * (X > 0)), Y, {"penalty": taut.L2()}),
    ],
    ids=["plain", "outputs", "factors", "penalised intercept", "wide", "sparse"],
)
def test_the_path_beside_the_scores_is_the_path(design, y, options):
    lambdas = [*LAMBDAS, 0.0] if design.shape[1] < 25 else LAMBDAS
    model = Regressor(lam="loo", lambdas=lambdas, tol=1e-12, **options).fit(design, y, sample_weight=WEIGHT)
    expected = taut.fit_path(design, y, lambdas=lambdas, sample_weight=WEIGHT, tol=1e-12, **options)
    assert all(certificate.met for certificate in model.path_.certificates)
    # A gap of 1e-12 holds the objective to that, and coefficients to its root.
    assert_agrees(model.path_.losses + model.path_.penalties, expected.losses + expected.penalties, 1e-11)
    assert_agrees(model.path_.coefs, expected.coefs, 1e-5)
    assert_agrees(model.path_.intercepts, expected.intercepts, 1e-5)


def test_an_offset_stays_in_the_prediction():
    spec = PathSpec(penalty=taut.L2(), standardize=False)
    offset = X[:, 1] - 0.5
    scores = leave_one_out_scores(spec, as_data(spec, X, Y, WEIGHT, offset), LAMBDAS)
    expected = refits(X, Y - offset, WEIGHT) + offset[:, None]
    assert_agrees(scores.predictions, expected, 1e-9)


def test_standardisation_is_held_fixed():
    scale = X.std(axis=0)
    moved = PathSpec(penalty=taut.L2())
    held = PathSpec(penalty=taut.L2(), standardize=False)
    y = (Y - Y.mean()) / Y.std()
    one = leave_one_out_scores(moved, as_data(moved, X * 7 + 3, Y), LAMBDAS)
    other = leave_one_out_scores(held, as_data(held, X / scale, y), LAMBDAS)
    assert_agrees(one.mean, other.mean * Y.var())


def test_a_row_that_nothing_else_predicts_has_no_score():
    design = np.eye(4)[:, :3]
    spec = PathSpec(penalty=taut.L2(factors=[0.0, 1.0, 1.0]), fit_intercept=False, standardize=False)
    scores = leave_one_out_scores(spec, as_data(spec, design, np.arange(4.0)), np.array([0.1]))
    assert np.isnan(scores.losses[:, 0]).tolist() == [True, False, False, False]


def test_rows_of_no_weight_do_not_count():
    weight = np.where(ROWS < 5, 0.0, 1.0)
    spec = PathSpec(penalty=taut.L2())
    some = leave_one_out_scores(spec, as_data(spec, X, Y, weight), LAMBDAS)
    rest = leave_one_out_scores(spec, as_data(spec, X[5:], Y[5:]), LAMBDAS)
    assert_agrees(some.mean, rest.mean)
    assert_agrees(some.standard_error, rest.standard_error)


def test_the_choice_of_scikit_learn():
    alphas = np.geomspace(0.1, 100, 30)
    reference = RidgeCV(alphas=alphas, store_cv_results=True).fit(DATA.X, DATA.y)
    n = len(DATA.y)
    # Their strength stays while a row is left out, ours is a mean's: it becomes (n − 1)λ.
    ours = Regressor(penalty="l2", lam="loo", lambdas=alphas / (n - 1), standardize=False).fit(DATA.X, DATA.y)
    assert_agrees(ours.scores_.losses, reference.cv_results_[:, ::-1], 1e-8)
    assert ours.lam_ * (n - 1) == pytest.approx(reference.alpha_)


def test_generalised_cross_validation_by_its_hat_matrix():
    spec = PathSpec(penalty=taut.L2(), standardize=False, tol=1e-8)
    data = as_data(spec, X, Y)
    path = fit_linear(spec, X, Y, np.ones((1, 25)), LAMBDAS)[0]
    expected = []
    for lam in LAMBDAS:
        centred = X - X.mean(axis=0)
        hat = centred @ np.linalg.solve(centred.T @ centred + 25 * lam * np.eye(7), centred.T) + 1 / 25
        residual = Y - hat @ Y
        expected.append(np.mean(residual**2) / (1 - np.trace(hat) / 25) ** 2)
    assert_agrees(path_criteria(spec, path, data).gcv, expected, 1e-8)


def test_gcv_chooses():
    fitted = Regressor(penalty="l2", lam="gcv", lambdas=30).fit(DATA.X, DATA.y)
    assert fitted.lam_ == fitted.path_.lambdas[np.argmin(fitted.criteria_.gcv)]
    assert fitted.scores_ is None


def test_sparse_rows():
    dense = Regressor(penalty="l2", lam="loo", lambdas=5).fit(X, Y)
    sparse = Regressor(penalty="l2", lam="loo", lambdas=5).fit(sp.csr_array(X), Y)
    assert_agrees(sparse.scores_.mean, dense.scores_.mean)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lam": "loo"}, "L2 alone"),
        ({"lam": "loo", "penalty": taut.L2(lower=0.0)}, "without bounds"),
        ({"lam": "loo", "penalty": "l2", "loss": "huber"}, "squared loss"),
        ({"lam": "loo", "penalty": "l2", "hidden": (3,)}, "use hidden=\\(\\)"),
        ({"lam": "gcv", "penalty": "l2", "loss": "poisson"}, "squared residuals"),
        ({"lam": "loo", "penalty": "l2", "scoring": "r2"}, "needs lam='cv'"),
    ],
)
def test_what_has_no_closed_form_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Regressor(lambdas=3, max_epochs=1, fallback="never", **options).fit(X, np.abs(Y))
