"""Temperature: the truth it recovers, the equation it solves, and when it is let be."""

from __future__ import annotations

import numpy as np
import pytest

from taut.losses import Logistic, Multinomial
from taut.selection import Data, find_temperature

RNG = np.random.default_rng(5)


def two_classes(n, temperature):
    """Log odds that are ``temperature`` times too large, and classes drawn at the true ones."""
    truth = RNG.normal(scale=2.0, size=n)
    y = (RNG.uniform(size=n) < 1 / (1 + np.exp(-truth))).astype(float)
    return truth * temperature, y


def data(y, weight=None):
    return Data(np.zeros((len(y), 1)), y, np.ones(len(y)) if weight is None else weight)


@pytest.mark.parametrize("temperature", [0.4, 2.0, 5.0])
def test_the_temperature_of_two_classes_is_found_and_solves_its_equation(temperature):
    eta, y = two_classes(4000, temperature)
    found = find_temperature(Logistic(), eta, data(y))
    assert found == pytest.approx(temperature, rel=0.1)
    # The loss at eta * b has its minimum where sum eta (p - y) = 0.
    p = 1 / (1 + np.exp(-eta / found))
    assert abs(np.mean(eta * (p - y))) < 1e-4 * np.mean(np.abs(eta))


def test_the_temperature_of_many_classes_is_found():
    truth = RNG.normal(scale=1.5, size=(4000, 4))
    shares = np.exp(truth) / np.exp(truth).sum(axis=1, keepdims=True)
    y = (RNG.uniform(size=(4000, 1)) > shares.cumsum(axis=1)).sum(axis=1).astype(float)
    assert find_temperature(Multinomial(), 3.0 * truth, data(y)) == pytest.approx(3.0, rel=0.1)


def test_probabilities_that_are_right_are_let_be():
    """Near the truth the gain is z²/2n and its error |z|/n for the score z of 1/T: kept where |z| > 2, in 5 % of the draws."""
    found = [
        find_temperature(Logistic(), eta, data(y)) for eta, y in (two_classes(400, 1.0) for _ in range(80))
    ]
    assert sum(temperature != 1.0 for temperature in found) <= 10


def test_what_few_blocks_say_is_not_enough():
    """The same rows: a gain that rows show clearly, and four blocks, one of which gains all of it, do not."""
    eta, y = two_classes(400, 1.0)
    wild = np.arange(400) < 100
    eta = np.where(wild, 6.0 * eta, eta)
    alone = find_temperature(Logistic(), eta, data(y))
    assert alone > 1.2
    assert find_temperature(Logistic(), eta, data(y), np.arange(400) // 100) == 1.0


def test_rows_count_by_weight_and_where_they_were_held_out():
    eta, y = two_classes(600, 3.0)
    weight = RNG.integers(0, 3, 600).astype(float)
    where = np.repeat(np.arange(600), weight.astype(int))
    weighted = find_temperature(Logistic(), eta, data(y, weight))
    assert weighted == pytest.approx(find_temperature(Logistic(), eta[where], data(y[where])), rel=1e-4)
    more, others = np.append(eta, [np.nan]), np.append(y, [0.0])
    again = find_temperature(Logistic(), more, data(others, np.append(weight, 9.0)))
    assert again == pytest.approx(weighted, rel=1e-6)
