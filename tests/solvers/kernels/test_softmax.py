"""Compiled sweeps over softmax rows against extended precision: sure rows keep their digits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from taut.losses import Multinomial, Poisson
from taut.solvers._kernels.small_newton import likelihood
from taut.solvers._kernels.softmax import softmax_rows, softmax_variances
from taut.solvers.problem.curvature import row_bends
from taut.solvers.problem.rows import compiled

Float = NDArray[np.float64]

SURE = np.array(
    [[0.0, -40.0, -55.0], [30.0, 0.0, -30.0], [1.0, 1.0, 1.0], [0.5, 20.0, -1.0], [-3.0, 2.0, 0.1]]
)
CODES = np.array([0, 0, 2, 1, 2])
WEIGHT = np.array([0.4, 0.3, 0.1, 0.1, 0.1])


def long(eta: Float, codes: NDArray[np.intp]) -> tuple[Float, Float, Float]:
    """ℓ, p − π and p(1 − p) of every row in extended precision, nothing subtracted from one."""
    powers = np.exp((eta - eta.max(axis=1, keepdims=True)).astype(np.longdouble))
    total, rows = powers.sum(axis=1), np.arange(len(codes))
    others = np.stack([np.delete(powers, c, axis=1).sum(axis=1) for c in range(eta.shape[1])], axis=1)
    slope = powers / total[:, None]
    slope[rows, codes] = -(others / total[:, None])[rows, codes]
    loss = np.log1p(others[rows, codes] / powers[rows, codes])
    return tuple(
        np.asarray(part, dtype=float) for part in (loss, slope, powers * others / total[:, None] ** 2)
    )


def test_sure_rows_keep_their_digits() -> None:
    loss, slope, bends = long(SURE, CODES)
    target, pull = np.ascontiguousarray(np.eye(3)[CODES].T), np.empty((3, 5))
    for row in range(5):
        alone = np.where(np.arange(5) == row, 1.0, 0.0)
        value = softmax_rows(np.ascontiguousarray(SURE.T), target, alone, pull)
        assert value == pytest.approx(loss[row], rel=1e-14)
    softmax_rows(np.ascontiguousarray(SURE.T), target, WEIGHT, pull)
    np.testing.assert_allclose(pull.T, -WEIGHT[:, None] * slope, rtol=1e-14)
    spread = np.empty((3, 5))
    softmax_variances(np.ascontiguousarray((slope + np.eye(3)[CODES]).T), spread)
    np.testing.assert_allclose(spread[:, 2:].T, bends[2:], rtol=1e-9)
    np.testing.assert_allclose(Multinomial().pointwise(SURE, CODES), loss, rtol=1e-14)
    np.testing.assert_allclose(Multinomial().derivative(SURE, CODES), slope, rtol=1e-14)
    np.testing.assert_allclose(Multinomial().curvature(SURE, CODES), bends, rtol=1e-14)


def test_small_tables_see_the_same_rows() -> None:
    loss, slope, _ = long(SURE, CODES)
    pull = np.empty((3, 5))
    value = likelihood(np.ascontiguousarray(SURE.T), np.ascontiguousarray(np.eye(3)[CODES].T), WEIGHT, pull)
    assert value == pytest.approx(float(WEIGHT @ loss), rel=1e-14)
    np.testing.assert_allclose(pull.T, -WEIGHT[:, None] * slope, rtol=1e-14)


def test_the_compiled_loss_is_the_loss() -> None:
    plain = Multinomial().bind(CODES.astype(float), WEIGHT)
    swift = compiled(plain)
    assert type(swift) is not type(plain)
    assert swift.value(SURE) == pytest.approx(plain.value(SURE), rel=1e-14)
    assert swift.saturated() == plain.saturated()
    u = swift.gradient(SURE)
    np.testing.assert_allclose(u, plain.gradient(SURE), rtol=1e-14)
    np.testing.assert_array_equal(swift.curvature(SURE), plain.curvature(SURE))
    assert swift.conjugate(u, 0.5) == plain.conjugate(u, 0.5)
    np.testing.assert_array_equal(-swift.at(SURE)[1], u)


def test_rows_that_bend_as_little_as_they_pull_are_left_alone() -> None:
    """Beside η = 6 a count of 0 at η = −30 keeps its own curvature, and a count that is far too small gets a share."""
    eta, y = np.array([6.0, -30.0, -30.0]), np.array([400.0, 0.0, 5.0])
    rows = Poisson().bind(y, np.full(3, 1 / 3))
    bends = 3.0 * row_bends(rows, eta, -rows.gradient(eta))
    np.testing.assert_allclose(bends, [np.exp(6.0), np.exp(-30.0), 1e-9 * np.exp(6.0)], rtol=1e-12)
