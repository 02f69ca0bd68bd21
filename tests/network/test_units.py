"""Networks on data far from zero: the standardised problem is the same, and no digit of it is lost but those of the data."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from taut.estimators import Classifier, Regressor
from taut.families import as_loss
from taut.path import fit_path
from taut.path.network import NetworkPath
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, NeuronLasso

Float = NDArray[np.float64]
LAMBDAS = [0.5, 0.1, 0.02]


def quarters(values: Float) -> Float:
    """In steps of ¼ with a mean of exactly zero: 2⁵⁰ can be added and taken off again, and no digit is lost."""
    steps = np.round(4.0 * values)
    steps[-1] -= steps.sum(axis=0)
    return np.asarray(steps / 4.0)


def rows(outputs: int) -> tuple[Float, Float]:
    rng = np.random.default_rng(5)
    X = quarters(3.0 * rng.normal(size=(64, 4)))
    y = quarters(6.0 * np.abs(X[:, 0]) + 3.0 * X[:, 1] + rng.normal(size=64))
    return X, (np.column_stack([y, quarters(X[:, 2] - y)]) if outputs == 2 else y)


def network(X: Float, y: Float, **options: Any) -> NetworkPath:
    settings: dict[str, Any] = {"hidden": (6,), "lambdas": LAMBDAS, "random_state": 0, "max_epochs": 5}
    path = fit_path(X, y, **(settings | options))
    assert isinstance(path, NetworkPath)
    return path


@pytest.mark.parametrize("shift", [2.0**44, -(2.0**47), 2.0**50])
@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize("outputs", [1, 2])
class TestShifts:
    def test_of_the_response_change_nothing_but_the_predictions(
        self, shift: float, loss: str, outputs: int
    ) -> None:
        X, y = rows(outputs)
        plain, moved = network(X, y, loss=loss), network(X, y + shift, loss=loss)
        self._same(plain, moved)
        for index in range(len(LAMBDAS)):
            away = moved.decision_at(X, index) - shift
            np.testing.assert_allclose(away, plain.decision_at(X, index), atol=np.spacing(abs(shift)))
            np.testing.assert_allclose(
                moved.compact(index).decision(X).reshape(y.shape) - shift,
                away,
                atol=2 * np.spacing(abs(shift)),
            )

    def test_of_the_columns_change_nothing(self, shift: float, loss: str, outputs: int) -> None:
        X, y = rows(outputs)
        plain, moved = network(X, y, loss=loss), network(X + shift, y, loss=loss)
        self._same(plain, moved)
        for index in range(len(LAMBDAS)):
            np.testing.assert_allclose(
                moved.decision_at(X + shift, index), plain.decision_at(X, index), atol=1e-6
            )

    @staticmethod
    def _same(plain: NetworkPath, moved: NetworkPath) -> None:
        assert moved.null_loss == pytest.approx(plain.null_loss, rel=1e-12)
        np.testing.assert_array_equal(moved.linear, plain.linear)
        np.testing.assert_allclose(moved.losses, plain.losses, rtol=1e-7)
        np.testing.assert_allclose(moved.penalties, plain.penalties, rtol=1e-7, atol=1e-12)


@pytest.mark.sampled(8)
@pytest.mark.parametrize("shift", [1e13, 3e13, 1e14, 1e15])
@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("penalize_biases", [True, False])
def test_the_network_is_never_above_what_it_contains(
    shift: float, loss: str, skip: bool, penalize_biases: bool
) -> None:
    """y is linear in X, so that the linear solution wins somewhere and must be there to the last digit."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 4))
    y = X[:, 1] + 0.5 * rng.normal(size=60) + shift
    options: dict[str, Any] = {"loss": loss, "lambdas": 8, "penalize_biases": penalize_biases}
    linear = fit_path(X, y, **options)
    path = network(X, y, skip=skip, **(options | {"lambdas": linear.lambdas}))
    assert linear.null_loss == pytest.approx(path.null_loss, rel=1e-9)
    above = path.objectives - (linear.objectives if skip else linear.null_loss)
    assert (above <= 2e-6 * linear.null_loss).all()  # the walk compares in float32
    assert linear.deviance_explained[-1] > 0.5


@pytest.mark.sampled(8)
@pytest.mark.parametrize("shift", [1e13, 3e13, 1e14, 1e15])
@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize(
    "options",
    [
        {"lam": 0.01},
        {"lam": 0.01, "skip": False},
        {"cv": 3, "lambdas": 4, "fallback": "never", "max_epochs": 5},
        {"cv": 3, "lambdas": 4, "final": "average", "max_epochs": 5},
    ],
    ids=["one strength", "no skip", "refit", "average"],
)
def test_the_estimator_explains_what_the_linear_model_explains(
    shift: float, loss: str, options: dict[str, Any]
) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(120, 4))
    y = shift + (2 * np.abs(X[:, 0]) + X[:, 1] + 0.2 * rng.normal(size=120))
    linear = Regressor(lam=0.001, loss=loss).fit(X, y).score(X, y)
    assert linear > 0.49
    fitted = Regressor(hidden=(8,), loss=loss, random_state=0, **options).fit(X, y)
    assert fitted.score(X, y) >= linear - 1e-3


@pytest.mark.parametrize("value", [1e6, 1e10, 1e25, 1e100])
@pytest.mark.parametrize("where", ["X", "y"])
def test_what_a_row_without_weight_has_costs_the_others_no_digit(where: str, value: float) -> None:
    X, y = rows(1)
    weight = np.ones(64)
    weight[[0, 1]] = 0.0
    plain = network(X, y, sample_weight=weight)
    far, other = X.copy(), y.copy()
    (far[:, 2] if where == "X" else other)[:2] = value, -value / 3
    moved = network(far, other, sample_weight=weight)
    np.testing.assert_allclose(moved.objectives, plain.objectives, rtol=0.02)
    linear = fit_path(far, other, lambdas=LAMBDAS, sample_weight=weight)
    assert (moved.objectives <= linear.objectives + 2e-6).all()
    assert moved.objectives[-1] < 0.5 * linear.objectives[-1]


@pytest.mark.parametrize("lam", [0.1, 0.0])
def test_a_constant_column_is_not_read(lam: float) -> None:
    X, y = rows(1)
    X[:, 3] = 1 / 3
    path = network(X, y, lambdas=[lam])
    assert not path.kept_inputs[0, 3]
    elsewhere = X.copy()
    elsewhere[:, 3] = 1e3
    np.testing.assert_array_equal(path.decision_at(elsewhere, 0), path.decision_at(X, 0))


PENALTIES = [
    L1(), L2(), ElasticNet(0.5), MCP(), SCAD(), GroupLasso(groups=[[0, 1], [2, 3]]), NeuronLasso(),
]  # fmt: skip


@pytest.mark.sampled(9)
@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: type(penalty).__name__)
@pytest.mark.parametrize("loss", ["squared", "huber", "logistic", "multinomial", "poisson"])
def test_no_fit_warns_of_its_numbers(loss: str, penalty: Any) -> None:
    X, score = rows(1)
    y = {
        "logistic": (score > 0).astype(float),
        "multinomial": np.digitize(score, [-4.0, 4.0]).astype(float),
        "poisson": np.round(np.exp(score / 20)),
    }.get(loss, score)
    weight = np.ones(64)
    weight[::4] = 0.0
    X[:, 2], X[0, 3] = 1 / 3, 1e60
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        options: dict[str, Any] = {"loss": loss, "penalty": penalty, "max_epochs": 3}
        for skip in (True, False):
            path = network(X, y, sample_weight=weight, lambdas=[1.0, 0.1, 0.0], skip=skip, **options)
            assert np.isfinite(path.objectives).all()
        assert as_loss(loss).outputs(y) == path.params[0].biases[-1].shape[1]


@pytest.mark.parametrize("target", ["numbers", "counts", "classes"])
@pytest.mark.parametrize("final", ["refit", "average"])
def test_no_choice_warns_of_its_numbers(target: str, final: str) -> None:
    """One row is 1e9 times as far as the others: the rate that is predicted for it where it is held out has no square."""
    X, score = rows(1)
    X[-1] *= 1e9
    options: dict[str, Any] = {
        "hidden": (4,), "cv": 3, "lambdas": 4, "final": final, "random_state": 0, "max_epochs": 3,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        if target == "classes":
            Classifier(**options).fit(X, score > 0)
        elif target == "counts":
            Regressor(loss="poisson", **options).fit(X, np.round(np.exp(score / 8)))
        else:
            Regressor(**options).fit(X, score)
