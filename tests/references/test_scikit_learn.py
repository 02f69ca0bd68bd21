"""scikit-learn finds taut's solution when its parameters are translated as docs/mathematics.md says.

Standardised columns, mean loss, λ₁ Σ|w| + λ₂ Σw². Each test is one row of the table, to 1e-6.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor

import taut
from tests.agreement import Float, assert_agrees, table

TABLE = table()
N = len(TABLE.y)
TIGHT = 1e-14
MIXES = [(0.3, 0.0), (0.2, 0.1), (0.02, 0.4)]


def path_at(y: Float, lam1: float, lam2: float, **options: object) -> taut.Path:
    """The one-point path of λ₁ Σ|w| + λ₂ Σw², on the arrays as given."""
    options |= {"lambdas": [1.0], "standardize": False, "tol": TIGHT}
    return taut.fit_path(TABLE.X, y, penalty=taut.ElasticNet(1.0, lam1, lam2), **options)


@pytest.mark.parametrize(("lam1", "lam2"), MIXES)
@pytest.mark.parametrize("weighted", [False, True])
def test_elastic_net_alpha_is_half_lam1_plus_lam2(lam1: float, lam2: float, weighted: bool) -> None:
    weight = TABLE.weight if weighted else None
    ours = path_at(TABLE.y, lam1, lam2, sample_weight=weight)
    alpha = lam1 / 2 + lam2
    theirs = ElasticNet(alpha=alpha, l1_ratio=lam1 / 2 / alpha, tol=1e-14, max_iter=100_000)
    theirs.fit(TABLE.X, TABLE.y, sample_weight=weight)
    assert_agrees(ours.coefs[0], theirs.coef_)
    assert_agrees(ours.intercepts[0], theirs.intercept_)


def test_lasso_alpha_is_half_lam1() -> None:
    theirs = Lasso(alpha=0.15, tol=1e-14, max_iter=100_000).fit(TABLE.X, TABLE.y)
    assert_agrees(path_at(TABLE.y, 0.3, 0.0).coefs[0], theirs.coef_)


@pytest.mark.parametrize(("lam1", "lam2"), MIXES)
def test_elastic_net_with_q_outputs_multiplies_by_q(lam1: float, lam2: float) -> None:
    outputs = TABLE.outputs.shape[1]
    ours = path_at(TABLE.outputs, lam1, lam2)
    alpha = outputs * (lam1 / 2 + lam2)
    theirs = ElasticNet(alpha=alpha, l1_ratio=outputs * lam1 / 2 / alpha, tol=1e-14, max_iter=100_000)
    theirs.fit(TABLE.X, TABLE.outputs)
    assert_agrees(ours.coefs[0].T, theirs.coef_)


def test_ridge_alpha_is_n_lam2() -> None:
    theirs = Ridge(alpha=N * 0.1).fit(TABLE.X, TABLE.y)
    ours = path_at(TABLE.y, 0.0, 0.1)
    assert_agrees(ours.coefs[0], theirs.coef_)
    assert_agrees(ours.intercepts[0], theirs.intercept_)


def test_ridge_with_row_weights_has_their_sum_in_place_of_n() -> None:
    theirs = Ridge(alpha=TABLE.weight.sum() * 0.1).fit(TABLE.X, TABLE.y, sample_weight=TABLE.weight)
    assert_agrees(path_at(TABLE.y, 0.0, 0.1, sample_weight=TABLE.weight).coefs[0], theirs.coef_)


def test_ridge_with_q_outputs_alpha_is_n_q_lam2() -> None:
    theirs = Ridge(alpha=N * TABLE.outputs.shape[1] * 0.1).fit(TABLE.X, TABLE.outputs)
    assert_agrees(path_at(TABLE.outputs, 0.0, 0.1).coefs[0].T, theirs.coef_)


@pytest.mark.parametrize(
    ("lam1", "lam2", "C", "l1_ratio", "solver"),
    [
        (0.05, 0.0, 1 / (N * 0.05), 1.0, "saga"),
        (0.0, 0.05, 1 / (2 * N * 0.05), 0.0, "newton-cholesky"),
        (0.04, 0.03, 1 / (N * (0.04 + 2 * 0.03)), 0.04 / (0.04 + 2 * 0.03), "saga"),
    ],
    ids=["l1", "l2", "both"],
)
@pytest.mark.parametrize("loss", ["logistic", "multinomial"])
def test_logistic_regression(
    loss: str, lam1: float, lam2: float, C: float, l1_ratio: float, solver: str
) -> None:
    y = TABLE.binary if loss == "logistic" else TABLE.classes
    theirs = LogisticRegression(C=C, l1_ratio=l1_ratio, solver=solver, tol=1e-13, max_iter=100_000)
    theirs.fit(TABLE.X, y)
    ours = path_at(y, lam1, lam2, loss=loss)
    assert_agrees(ours.coefs[0].T.reshape(theirs.coef_.shape), theirs.coef_)
    assert_agrees(*(identified(b, loss) for b in (ours.intercepts[0], theirs.intercept_)))


def identified(intercepts: Float, loss: str) -> Float:
    """Of several classes only differences are fixed: a constant added to every one changes no probability."""
    column = np.atleast_1d(intercepts)
    return column - column.mean() if loss == "multinomial" else column


@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")  # at tol=1e-12 it never says that it has
def test_liblinear_is_another_model_for_it_penalises_the_intercept() -> None:
    y = (TABLE.X[:, 0] + 1.0 > 0).astype(int)  # far from balanced: the intercept matters
    theirs = LogisticRegression(
        C=1 / (N * 0.05), l1_ratio=1.0, solver="liblinear", tol=1e-12, max_iter=100_000
    )
    difference = theirs.fit(TABLE.X, y).intercept_ - path_at(y, 0.05, 0.0, loss="logistic").intercepts[0]
    assert np.abs(difference).max() > 1e-2


def network_of(mlp: MLPRegressor | MLPClassifier) -> tuple[taut.Network, taut.Params]:
    network = taut.Network(hidden=mlp.hidden_layer_sizes, activation=mlp.activation)
    params = taut.Params(
        weights=tuple(w[None].copy() for w in mlp.coefs_),
        biases=tuple(b[None].copy() for b in mlp.intercepts_),
        skip=None,
    )
    return network, params


MLP_ROWS = pytest.mark.parametrize(
    ("kind", "target", "loss", "scale"),
    [
        (MLPRegressor, TABLE.y, taut.SquaredError(), 2.0),  # scikit-learn's squared error carries a half
        (MLPClassifier, TABLE.binary, taut.Logistic(), 1.0),
        (MLPClassifier, TABLE.classes, taut.Multinomial(), 1.0),
    ],
    ids=["squared", "logistic", "multinomial"],
)


@MLP_ROWS
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_mlp_gradient(kind: type, target: Float, loss: taut.Loss, scale: float, activation: str) -> None:
    """A full-batch descent step at learning rate 1 moves scikit-learn's weights by its gradient."""
    lam2 = 0.07
    plain_descent = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1.0, "batch_size": N}
    alpha = 2 * N * lam2 / scale
    mlp = kind(hidden_layer_sizes=(5, 4), activation=activation, alpha=alpha, random_state=0, **plain_descent)
    classes = {"classes": np.unique(target)} if kind is MLPClassifier else {}
    mlp.partial_fit(TABLE.X, target, **classes)
    network, before = network_of(mlp)
    mlp.partial_fit(TABLE.X, target)
    _, after = network_of(mlp)

    objective = taut.Objective(loss, network, weights=taut.L2(lam2))
    assert_agrees(objective.forward(before, TABLE.X, target).total, scale * mlp.loss_)
    gradient = objective.backward(before, TABLE.X, target)
    for ours, old, new in zip(gradient.weights, before.weights, after.weights, strict=True):
        assert_agrees(ours, scale * (old - new))
    for ours, old, new in zip(gradient.biases, before.biases, after.biases, strict=True):
        assert_agrees(ours, scale * (old - new))


@MLP_ROWS
def test_mlp_lbfgs_objective(kind: type, target: Float, loss: taut.Loss, scale: float) -> None:
    lam2 = 0.02
    alpha = 2 * N * lam2 / scale
    mlp = kind(hidden_layer_sizes=(4,), alpha=alpha, solver="lbfgs", max_iter=2000, tol=1e-9, random_state=0)
    mlp.fit(TABLE.X, target)
    network, params = network_of(mlp)
    objective = taut.Objective(loss, network, weights=taut.L2(lam2))
    assert_agrees(objective.forward(params, TABLE.X, target).total, scale * mlp.loss_)


def test_an_objective_without_the_half_would_be_noticed() -> None:
    """The rows above can fail: scikit-learn's own alpha, untranslated, is far from our solution."""
    theirs = Lasso(alpha=0.3, tol=1e-14, max_iter=100_000).fit(TABLE.X, TABLE.y)
    assert np.abs(theirs.coef_ - path_at(TABLE.y, 0.3, 0.0).coefs[0]).max() > 1e-2
