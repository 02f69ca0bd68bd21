"""taut.sklearn: the equivalence with scikit-learn's estimators, and the L1 that its networks gain."""

from __future__ import annotations

import inspect
import pickle
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
import sklearn
from sklearn import linear_model, neural_network
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import taut.sklearn as drop_in
from tests.agreement import assert_agrees, table

DATA = table()
X, N = DATA.X, len(DATA.y)


@pytest.mark.parametrize("name", drop_in.__all__)
def test_signatures_are_scikit_learns(name):
    ours = getattr(drop_in, name)
    theirs = getattr(linear_model, name, None) or getattr(neural_network, name)
    own = dict(inspect.signature(ours).parameters)
    if name.startswith("MLP"):
        assert own.pop("l1").default == 0.0
    given = inspect.signature(theirs).parameters
    assert [(p.name, p.kind, p.default) for p in own.values()] == [
        (p.name, p.kind, p.default) for p in given.values()
    ]
    assert isinstance(clone(ours()), theirs)


@pytest.mark.parametrize(
    ("name", "options", "y"),
    [
        ("Lasso", {"alpha": 0.2, "tol": 1e-12}, DATA.y),
        ("ElasticNet", {"alpha": 0.2, "l1_ratio": 0.3, "tol": 1e-12}, DATA.outputs),
        ("LassoCV", {"tol": 1e-10, "cv": 4}, DATA.y),
        ("ElasticNetCV", {"l1_ratio": [0.2, 0.8], "tol": 1e-10, "cv": 4}, DATA.y),
        ("Ridge", {"alpha": [0.5, 3.0, 10.0]}, DATA.outputs),
        ("RidgeCV", {"store_cv_results": True}, DATA.y),
        ("LogisticRegression", {"C": 0.5, "tol": 1e-10, "max_iter": 10_000}, DATA.binary),
        ("LogisticRegression", {"C": 0.5, "tol": 1e-8, "max_iter": 10_000}, DATA.classes),
        (
            "LogisticRegressionCV",
            {
                "Cs": 4,
                "tol": 1e-10,
                "max_iter": 10_000,
                "l1_ratios": (0.0,),
                "scoring": "neg_log_loss",
                "use_legacy_attributes": False,
            },
            DATA.classes,
        ),
    ],
)
def test_every_fitted_attribute_is_scikit_learns(name, options, y):
    weight = None if name == "ElasticNet" else DATA.weight
    ours = getattr(drop_in, name)(**options).fit(X, y, sample_weight=weight)
    theirs = getattr(linear_model, name)(**options).fit(X, y, sample_weight=weight)
    numbers = {
        key
        for key, value in vars(theirs).items()
        if key.endswith("_") and np.asarray(value).dtype.kind in "fi"
    }
    assert numbers <= vars(ours).keys()
    for key in numbers - {"n_iter_", "dual_gap_", "n_features_in_"}:
        assert_agrees(getattr(ours, key), getattr(theirs, key), 2e-5)
    again = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(again.predict(X), ours.predict(X))


@pytest.mark.parametrize("y", [DATA.binary, DATA.classes], ids=["two classes", "several"])
def test_a_warm_start_keeps_a_logistic_solution_that_still_holds(y, monkeypatch):
    warm = drop_in.LogisticRegression(C=0.5, warm_start=True).fit(X, y)
    first = warm.coef_.copy()
    with monkeypatch.context() as patch:
        patch.delattr("taut.sklearn.logistic.fit_path")  # nothing is fitted
        assert_agrees(warm.fit(X, y).coef_, first, 1e-12)
    # Another strength, other rows: the solution before no longer holds, and is only where the fit begins.
    for options, rows in (({"C": 0.05}, slice(None)), ({"C": 0.5}, slice(None, None, 2))):
        moved = warm.set_params(**options).fit(X[rows], y[rows])
        cold = drop_in.LogisticRegression(**options).fit(X[rows], y[rows])
        assert_agrees(moved.coef_, cold.coef_, 1e-5)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("rows", [90, 400])
def test_a_positive_ridge_is_non_negative_least_squares(rows, intercept):
    """On sparse columns that nearly depend on each other: descent alone leaves the fourth digit wrong."""
    rng = np.random.default_rng(0)
    directions = sp.random(rows, 3, 0.5, random_state=0) @ rng.uniform(size=(3, 80))
    columns = sp.csr_matrix(directions * (1 + 1e-2 * rng.normal(size=(rows, 80))))
    y = columns @ rng.uniform(size=80) + rng.normal(size=rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = drop_in.Ridge(alpha=1e-2, positive=True, fit_intercept=intercept).fit(columns, y)
    # ‖y − Xw‖² + alpha‖w‖² as the least squares of an augmented system; centring takes the intercept out.
    shift = float(intercept)
    centred = columns.toarray() - shift * np.asarray(columns.mean(axis=0))
    system, target = np.vstack([centred, 0.1 * np.eye(80)]), np.append(y - shift * y.mean(), np.zeros(80))
    expected, _ = scipy.optimize.nnls(system, target, maxiter=10_000)
    assert 0 < (expected == 0).sum() < 80
    assert_agrees(ours.coef_, expected, 1e-6)


SLOWED = (
    (drop_in.Lasso(alpha=0.01), DATA.y, "Objective did not converge"),
    (drop_in.ElasticNet(alpha=0.01, positive=True), DATA.y, "Objective did not converge"),
    (drop_in.LassoCV(eps=1e-4, cv=3), DATA.y, "Objective did not converge"),
    (drop_in.Ridge(positive=True, alpha=1e-3), DATA.y, "lbfgs solver did not converge"),
    (drop_in.LogisticRegression(), DATA.binary, "lbfgs failed to converge"),
    (drop_in.LogisticRegression(solver="saga", l1_ratio=0.5), DATA.classes, "max_iter was reached"),
    (drop_in.LogisticRegressionCV(solver="liblinear", l1_ratios=(0.0,), use_legacy_attributes=False,
                                  scoring="accuracy"), DATA.binary, "Liblinear failed to converge"),
)  # fmt: skip


@pytest.mark.parametrize(("model", "y", "words"), SLOWED, ids=lambda value: type(value).__name__)
def test_max_iter_bounds_the_iterations_and_the_gap_that_it_leaves_is_told(model, y, words):
    with pytest.warns(ConvergenceWarning, match=rf"{words}.*gap is \d") as told:
        short = clone(model).set_params(max_iter=1).fit(X + 3.0, y)
    assert {Path(warning.filename) for warning in told} == {Path(__file__)}
    if short.__dict__.get("n_iter_") is not None:
        assert np.max(short.n_iter_) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        full = clone(model).set_params(tol=1e-8).fit(X + 3.0, y)
    assert np.abs(full.coef_ - short.coef_).max() > 1e-4


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("model", "y"),
    [
        (drop_in.Lasso(alpha=0.01), DATA.y),
        (drop_in.LogisticRegression(fit_intercept=False), DATA.binary),
        (drop_in.LogisticRegression(solver="saga", l1_ratio=0.5), DATA.classes),
        (drop_in.LogisticRegression(C=np.inf), DATA.binary),
    ],
)
def test_warm_fits_of_one_iteration_go_on_to_the_optimum(model, y):
    full = clone(model).set_params(tol=1e-9).fit(X, y)
    warm = clone(model).set_params(tol=1e-9, max_iter=1, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        away = [np.abs(warm.fit(X, y).coef_ - full.coef_).max() for _ in range(100)]
    assert away[0] > 1e-3
    assert away[-1] < 1e-6


def test_verbose_says_how_a_fit_went(capsys):
    drop_in.LogisticRegression(verbose=1).fit(X, DATA.binary)
    drop_in.LassoCV(verbose=True, alphas=7, cv=3).fit(X, DATA.y)
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\[LogisticRegression\] iterations: \d+, relative duality gap [\d.e-]+", first)
    assert re.fullmatch(r"\[LassoCV\] 21 fits to folds, the largest relative duality gap is [\d.e-]+", second)


def test_a_gram_matrix_of_another_x_is_refused():
    centred = X - X.mean(axis=0)
    gram = centred.T @ centred
    plain = drop_in.Lasso(alpha=0.1).fit(centred, DATA.y)
    np.testing.assert_array_equal(
        drop_in.Lasso(alpha=0.1, precompute=gram).fit(centred, DATA.y).coef_, plain.coef_
    )
    for wrong in (gram + np.eye(len(gram)), gram[:3, :3]):
        with pytest.raises(ValueError, match=r"Gram matrix.*did not pass validation.*it is not XᵀX"):
            drop_in.Lasso(precompute=wrong).fit(centred, DATA.y)


# What scikit-learn warns of where it is left to the defaults, for they will change.
WITHOUT_CHANGES = {
    "LogisticRegressionCV": {"l1_ratios": (0.0,), "scoring": "accuracy", "use_legacy_attributes": False}
}


@pytest.mark.parametrize("name", drop_in.__all__)
def test_arrays_of_another_library_are_fitted_or_refused(name, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # scikit-learn dispatches with it alone
    y = DATA.binary if name.startswith(("Log", "MLPC")) else DATA.y
    model = getattr(drop_in, name)(**WITHOUT_CHANGES.get(name, {}))
    with sklearn.config_context(array_api_dispatch=True):
        if name.startswith("MLP"):
            with pytest.raises(TypeError, match=r"NumPy arrays only, got torch\.Tensor: pass np\.asarray"):
                model.fit(torch.asarray(X), torch.asarray(y))
            return
        found = clone(model).fit(torch.asarray(X), torch.asarray(y)).predict(torch.asarray(X))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(np.asarray(found), clone(model).fit(X, y).predict(X), rtol=1e-12)
    # Without dispatch scikit-learn makes NumPy arrays of them.
    assert isinstance(clone(model).fit(torch.asarray(X), torch.asarray(y)).predict(X), np.ndarray)


FIRST = np.array([[5.0, 1.0], [1.0, 2.0], [2.0, -1.0], [4.0, 0.5], [3.0, 3.0], [1.5, 1.0], [0.5, -2.0]])


@pytest.mark.sampled(21)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Lasso", {"alpha": 0.01, "tol": 1e-12}),
        ("ElasticNet", {"alpha": 0.01, "tol": 1e-12}),
        ("Ridge", {"alpha": 0.1}),
        ("Ridge", {"alpha": 0.1, "positive": True}),
        ("RidgeCV", {}),
        ("LassoCV", {"cv": 2, "tol": 1e-12}),
        ("ElasticNetCV", {"cv": 2, "tol": 1e-12}),
    ],
)
@pytest.mark.parametrize("ignored", [0.0, 3.0, -7.0])
@pytest.mark.parametrize("value", [0.0, 3.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_row_of_no_weight_has_no_say_in_a_constant_target(name, options, ignored, value, fit_intercept):
    # Through the origin a constant target is a regression like any other; what the first row has does not matter.
    y, weight = np.array([ignored, *[value] * 6]), np.array([0.0, 1, 1, 1, 1, 2, 1])
    ours, theirs = (
        getattr(module, name)(fit_intercept=fit_intercept, **options).fit(FIRST, y, weight)
        for module in (drop_in, linear_model)
    )
    assert_agrees(ours.coef_, theirs.coef_, 1e-4)
    assert_agrees(ours.intercept_, theirs.intercept_, 1e-4)
    assert np.any(ours.coef_) == (value != 0.0 and not fit_intercept)


SCORERS = [
    "accuracy", "neg_log_loss", "neg_brier_score", "d2_log_loss_score", "top_k_accuracy", "roc_auc_ovr", "roc_auc_ovo",
    "roc_auc_ovr_weighted", "f1_macro", "precision_macro", "recall_macro", "jaccard_macro", "f1_weighted",
]  # fmt: skip


def judged(module, y, scoring, **options):
    made = {"Cs": [0.01, 0.1, 1.0], "l1_ratios": (0,), "use_legacy_attributes": False, "tol": 1e-8} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weight = made.pop("sample_weight", None)
        return module.LogisticRegressionCV(scoring=scoring, **made).fit(X, y, sample_weight=weight)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("scoring", SCORERS)
def test_every_scorer_is_told_of_the_classes_that_a_fold_lacks(scoring):
    y = DATA.classes.copy()
    y[np.flatnonzero(y == 2)[3:]] = 0  # three rows of a class, in five folds
    ours, theirs = (judged(module, y, scoring, cv=5) for module in (drop_in, linear_model))
    assert ours.C_ == theirs.C_
    np.testing.assert_allclose(ours.scores_, theirs.scores_, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "f1", "roc_auc"])
@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"]])
def test_scores_of_two_classes_are_scikit_learns(scoring, labels):
    y = np.array(labels)[DATA.binary]
    ours, theirs = (judged(module, y, scoring, cv=3) for module in (drop_in, linear_model))
    assert ours.C_ == theirs.C_
    np.testing.assert_allclose(ours.scores_, theirs.scores_, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("y", [DATA.binary, DATA.classes])
@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss"])
def test_a_fold_that_trains_on_no_row_of_a_class_chooses_as_in_scikit_learn(y, scoring):
    gone = (np.arange(N) < 30) & (y == 0)
    halves = [(np.arange(30), np.arange(30, N)), (np.arange(30, N), np.arange(30))]
    dropped = [(np.flatnonzero(~gone[:30]), np.arange(30, N)), halves[1]]
    for options in ({"cv": halves, "sample_weight": np.where(gone, 0.0, 1.0)}, {"cv": dropped}):
        ours, theirs = (judged(module, y, scoring, **options) for module in (drop_in, linear_model))
        assert ours.C_ == theirs.C_
        np.testing.assert_allclose(ours.scores_[1], theirs.scores_[1], rtol=1e-4, atol=1e-6)
        assert np.isfinite(ours.scores_).all()
    with pytest.raises(ValueError, match="at least one non-zero"):
        judged(drop_in, y, scoring, cv=halves, sample_weight=(np.arange(N) >= 30) * 1.0)


def test_callbacks_are_not_called_and_that_is_said():
    pytest.importorskip("sklearn.callback")
    with pytest.warns(UserWarning, match="calls no callbacks"):
        drop_in.LogisticRegression().set_callbacks()


def test_liblinear_penalises_the_intercept():
    options = {"solver": "liblinear", "C": 0.05, "tol": 1e-10, "intercept_scaling": 2.0}
    ours = drop_in.LogisticRegression(**options).fit(X + 1, DATA.binary)
    theirs = linear_model.LogisticRegression(**options).fit(X + 1, DATA.binary)
    assert_agrees(ours.coef_, theirs.coef_, 1e-5)
    assert_agrees(ours.intercept_, theirs.intercept_, 1e-5)


def test_lbfgs_reaches_scikit_learns_optimum():
    options = {
        "hidden_layer_sizes": (),
        "solver": "lbfgs",
        "alpha": 1.0,
        "tol": 1e-9,
        "max_iter": 5000,
        "random_state": 0,
    }
    for name, y in (
        ("MLPRegressor", DATA.y),
        ("MLPClassifier", DATA.binary),
        ("MLPClassifier", DATA.classes),
    ):
        ours, theirs = (getattr(home, name)(**options).fit(X, y) for home in (drop_in, neural_network))
        assert_agrees(ours.coefs_[0], theirs.coefs_[0], 1e-3)
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # zeros come long before the end
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_l1_makes_weights_exactly_zero(solver):
    options = {
        "hidden_layer_sizes": (20,),
        "solver": solver,
        "random_state": 0,
        "max_iter": 300,
        "learning_rate_init": 0.01,
    }
    dense = drop_in.MLPRegressor(**options).fit(X, DATA.y / DATA.y.std())
    sparse = drop_in.MLPRegressor(l1=1.0, **options).fit(X, DATA.y / DATA.y.std())
    assert (dense.coefs_[0] != 0).mean() > 0.99
    assert (sparse.coefs_[0] == 0).mean() > 0.3
    assert sparse.score(X, DATA.y / DATA.y.std()) > 0.4


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)  # where training ends does not matter
def test_an_l1_where_scikit_learn_trains_is_refused():
    for options in ({"solver": "sgd"}, {"early_stopping": True}):
        with pytest.raises(ValueError, match="l1 > 0 needs"):
            drop_in.MLPRegressor(l1=0.1, **options).fit(X, DATA.y)
    for model, y in (
        (drop_in.MLPRegressor(l1=0.1), DATA.y),
        (drop_in.MLPRegressor(l1=0.1, max_iter=2).fit(X, DATA.y), DATA.y),
    ):
        with pytest.raises(ValueError, match="l1 > 0 needs fit, not partial_fit"):
            model.partial_fit(X, y)
    with pytest.raises(ValueError, match="l1 > 0 needs fit, not partial_fit"):
        drop_in.MLPClassifier(l1=0.1).partial_fit(X, DATA.binary, classes=[0, 1])
    with pytest.raises(ValueError, match="neither multilabel nor constant"):
        drop_in.MLPRegressor(l1=0.1).fit(X, np.zeros(N))
    with pytest.raises(ValueError, match="at least 0"):
        drop_in.MLPClassifier(l1=-1.0).fit(X, DATA.binary)


def test_training_goes_on_in_partial_fit_and_warm_starts():
    model = drop_in.MLPClassifier((5,), random_state=0, max_iter=300, tol=1e-3).fit(X, DATA.binary)
    before = model.loss_
    model.partial_fit(X, DATA.binary)
    assert model.loss_ == pytest.approx(before, rel=0.05)
    warm = drop_in.MLPClassifier((5,), random_state=0, max_iter=300, tol=1e-3, warm_start=True).fit(
        X, DATA.binary
    )
    cold = warm.loss_curve_[0]
    assert warm.fit(X, DATA.binary).loss_ < cold
