"""Keras: L1, L2 and L1L2 are the same numbers, its Huber is half ours, its row weights are divided by n."""

from __future__ import annotations

import numpy as np
import pytest

import taut
from tests.agreement import assert_agrees, table

keras = pytest.importorskip("keras", reason="Keras with the JAX backend is not installed")

TABLE = table(n=50)
WEIGHTS = np.random.default_rng(0).normal(size=(6, 3))


@pytest.fixture(autouse=True)
def float64():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (taut.L1(0.03), keras.regularizers.L1(0.03)),
        (taut.L2(0.2), keras.regularizers.L2(0.2)),
        (taut.ElasticNet(1.0, 0.03, 0.2), keras.regularizers.L1L2(0.03, 0.2)),
        (taut.ElasticNet(0.5, 0.06, 0.4), keras.regularizers.L1L2(0.03, 0.2)),
    ],
    ids=["L1", "L2", "L1L2", "L1L2 times alpha"],
)
def test_penalty_values_are_the_same_numbers(ours: taut.Penalty, theirs: object) -> None:
    assert_agrees(ours.value(WEIGHTS), np.asarray(theirs(WEIGHTS)))


def test_their_huber_is_half_of_ours() -> None:
    eta = TABLE.y + np.linspace(-4.0, 4.0, len(TABLE.y))
    theirs = keras.losses.Huber(delta=1.5)(TABLE.y[:, None], eta[:, None])
    assert_agrees(taut.Huber(1.5).value(eta, TABLE.y) / 2, np.asarray(theirs))


def test_their_row_weights_are_divided_by_n_ours_by_their_sum() -> None:
    eta = TABLE.X[:, 0]
    theirs = keras.losses.MeanSquaredError()(TABLE.y[:, None], eta[:, None], sample_weight=TABLE.weight)
    ours = taut.SquaredError().value(eta, TABLE.y, TABLE.weight)
    assert_agrees(ours * TABLE.weight.sum() / len(eta), np.asarray(theirs))
