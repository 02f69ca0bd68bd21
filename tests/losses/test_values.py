"""Values from elsewhere, far tails, and the null model of every loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.losses.links import NEVER

ETA = np.array([-700.0, -40.0, -3.0, -0.1, 0.0, 0.2, 2.5, 30.0, 600.0])


class TestValuesFromElsewhere:
    def test_logistic_is_minus_log_expit(self) -> None:
        for y, sign in ((1.0, 1.0), (0.0, -1.0)):
            rows = Logistic().pointwise(ETA, np.full(len(ETA), y))
            np.testing.assert_allclose(rows, -special.log_expit(sign * ETA), rtol=1e-14)

    def test_logistic_of_a_probability_is_the_cross_entropy(self) -> None:
        y, eta = np.linspace(0, 1, 7), np.linspace(-5, 5, 7)
        expected = -y * special.log_expit(eta) - (1 - y) * special.log_expit(-eta)
        np.testing.assert_allclose(Logistic().pointwise(eta, y), expected, rtol=1e-13)

    def test_logistic_derivative_keeps_the_digits_of_a_sure_row(self) -> None:
        slope = Logistic().derivative(np.array([40.0, -40.0]), np.array([1.0, 0.0]))
        np.testing.assert_allclose(slope, [-special.expit(-40.0), special.expit(-40.0)], rtol=1e-14)

    def test_multinomial_is_minus_log_softmax(self) -> None:
        eta = np.random.default_rng(0).normal(size=(8, 4)) * 20
        codes = np.arange(8) % 4
        expected = -special.log_softmax(eta, axis=1)[np.arange(8), codes]
        np.testing.assert_allclose(Multinomial().pointwise(eta, codes), expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(Multinomial().inverse_link(eta), special.softmax(eta, axis=1), rtol=1e-13)

    def test_two_classes_are_the_logistic_loss(self) -> None:
        y, eta = np.arange(9) % 2, np.linspace(-8, 8, 9)
        pair = np.stack([np.zeros(9), eta], axis=1)
        expected = Logistic().pointwise(eta, y)
        np.testing.assert_allclose(Multinomial().pointwise(pair, y), expected, rtol=1e-12)

    def test_huber_is_twice_scipys(self) -> None:
        y, eta = np.linspace(-4, 4, 41), np.full(41, 0.3)
        for delta in (0.1, 1.345, 10.0):
            np.testing.assert_allclose(
                Huber(delta).pointwise(eta, y), 2 * special.huber(delta, eta - y), rtol=1e-13, atol=1e-15
            )

    def test_poisson_is_minus_the_log_likelihood_without_the_factorial(self) -> None:
        stats = pytest.importorskip("scipy.stats")
        y, eta = np.array([0, 1, 2, 7, 30]), np.array([-2.0, 0.0, 1.5, 2.0, 3.4])
        expected = -stats.poisson.logpmf(y, np.exp(eta)) - special.gammaln(y + 1)
        np.testing.assert_allclose(Poisson().pointwise(eta, y), expected, rtol=1e-12)

    def test_squared_error_is_the_mean_over_outputs(self) -> None:
        y, eta = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[2.0, 2.0], [0.0, 1.0]])
        np.testing.assert_array_equal(SquaredError().pointwise(eta, y), [0.5, 12.5])
        assert SquaredError().value(eta, y, [1, 3]) == 9.5

    @pytest.mark.parametrize(
        ("loss", "y", "u"),
        [
            (SquaredError(), 0.7, -1.3),
            (Huber(0.8), -0.4, 1.5),
            (Logistic(), 1.0, -0.3),
            (Logistic(), 0.4, 0.35),
            (Poisson(), 3.0, -1.7),
            (Poisson(), 0.0, 2.2),
        ],
        ids=repr,
    )
    def test_conjugate_is_the_supremum(self, loss: Loss, y: float, u: float) -> None:
        def drop(eta: float) -> float:
            return float(loss.pointwise(np.array([eta]), np.array([y]))[0]) - u * eta

        best = optimize.minimize_scalar(drop, bounds=(-30, 30), method="bounded", options={"xatol": 1e-10})
        assert loss.conjugate(np.array([u]), np.array([y]))[0] == pytest.approx(-best.fun, rel=1e-9)

    def test_multinomial_conjugate_is_the_supremum(self) -> None:
        u, y = np.array([[-0.6, 0.5, 0.1]]), np.array([0])
        drop = optimize.minimize(
            lambda eta: float(Multinomial().pointwise(eta[None], y)[0] - u[0] @ eta), np.zeros(3)
        )
        # k = 3 is told by eta's shape, not by the single code
        assert Multinomial().conjugate(u, y)[0] == pytest.approx(-drop.fun, rel=1e-8)

    @pytest.mark.parametrize(
        ("loss", "y", "u"),
        [
            (Huber(1.0), [0.0, 0.0], [2.1, -2.1]),
            (Logistic(), [1.0, 0.0], [0.1, -0.1]),
            (Poisson(), [3.0, 0.0], [-3.1, -0.1]),
            (Multinomial(), [0, 1], [[0.1, -0.1], [0.3, -0.4]]),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_conjugate_is_infinite_outside_its_domain(self, loss: Loss, y: Any, u: Any) -> None:
        assert np.all(np.isinf(loss.conjugate(np.array(u), np.array(y))))

    def test_saturated(self) -> None:
        y = np.array([0.0, 0.25, 1.0])
        np.testing.assert_allclose(Logistic().saturated(y), special.entr(y) + special.entr(1 - y))
        np.testing.assert_allclose(Poisson().saturated(np.array([0.0, 1.0, 5.0])), [0, 1, 5 - 5 * np.log(5)])
        rows = np.array([[0.2, 0.8], [0.0, 1.0]])
        np.testing.assert_allclose(Multinomial().saturated(rows), special.entr(rows).sum(axis=1))
        assert not Multinomial().saturated(np.array([0, 1, 2])).any()

    def test_torch_has_the_same_losses(self) -> None:
        torch = pytest.importorskip("torch")
        F, rng = torch.nn.functional, np.random.default_rng(3)
        eta, y = torch.tensor(rng.normal(size=9)), torch.tensor(rng.normal(size=9))
        labels, logits = torch.tensor(np.arange(9) % 3), torch.tensor(rng.normal(size=(9, 3)))
        pairs = [
            (SquaredError().value(eta, y), F.mse_loss(eta, y)),
            (Huber(0.7).value(eta, y), 2 * F.huber_loss(eta, y, delta=0.7)),
            (Logistic().value(eta, y > 0), F.binary_cross_entropy_with_logits(eta, (y > 0).double())),
            (Multinomial().value(logits, labels), F.cross_entropy(logits, labels)),
            (Poisson().value(eta, y.abs()), F.poisson_nll_loss(eta, y.abs())),
        ]
        for mine, theirs in pairs:
            assert float(mine) == pytest.approx(float(theirs), rel=1e-12)


class TestSafety:
    def test_limits_at_extreme_predictors(self) -> None:
        eta = np.array([1e4, -1e4, 1e4, -1e4])
        y = np.array([1.0, 1.0, 0.0, 0.0])
        with np.errstate(all="raise", under="ignore"):
            np.testing.assert_array_equal(Logistic().pointwise(eta, y), [0, 1e4, 1e4, 0])
            np.testing.assert_array_equal(Logistic().derivative(eta, y), [0, -1, 1, 0])
            np.testing.assert_array_equal(Logistic().curvature(eta, y), np.zeros(4))
            np.testing.assert_array_equal(
                Multinomial().pointwise(np.array([[1e4, -1e4]] * 2), [0, 1]), [0, 2e4]
            )
            np.testing.assert_array_equal(Huber(1.0).derivative(eta, y), [2, -2, 2, -2])
            np.testing.assert_array_equal(Poisson().derivative(-np.abs(eta), y), -y)

    @pytest.mark.parametrize(("dtype", "last"), [("float64", 708.0), ("float32", 87.0)])
    def test_poisson_is_exact_as_far_as_the_dtype_goes(self, dtype: str, last: float) -> None:
        eta = np.array([last, 1e4], dtype=dtype)
        mean = Poisson().inverse_link(eta)
        np.testing.assert_allclose(mean[0], np.exp(np.float64(last)), rtol=1e-5)
        assert mean[0] < mean[1] < np.inf


class TestNullModels:
    def test_they_are_the_links_of_the_mean(self) -> None:
        w = np.array([1.0, 2.0, 5.0])
        assert Logistic().null(np.array([0, 1, 1]), w) == pytest.approx(special.logit(7 / 8))
        assert Poisson().null(np.array([0, 3, 2]), w) == pytest.approx(np.log(16 / 8))
        assert SquaredError().null(np.array([0, 3, 2]), w) == pytest.approx(2)
        shares = special.softmax(Multinomial().null(np.array([0, 2, 1]), w))
        np.testing.assert_allclose(shares, [1 / 8, 5 / 8, 2 / 8])

    def test_multinomial_null_is_centred(self) -> None:
        assert Multinomial().null(np.array([0, 1, 1, 2])).sum() == pytest.approx(0, abs=1e-14)

    def test_they_are_finite_where_no_best_constant_exists(self) -> None:
        assert Logistic().null(np.ones(3)) == -NEVER
        assert Logistic().null(np.zeros(3)) == NEVER
        assert Poisson().null(np.zeros(3)) == NEVER
        assert np.all(np.isfinite(Multinomial().null(np.array([0, 1, 2]), np.array([1.0, 1.0, 0.0]))))

    def test_huber_is_the_midpoint_where_an_interval_is_optimal(self) -> None:
        assert Huber(1.0).null(np.array([0.0, 10.0])) == pytest.approx(5)

    @given(seed=st.integers(0, 2**16), n=st.integers(1, 9), delta=st.sampled_from([0.05, 0.5, 1.345, 20.0]))
    def test_huber_solves_its_equation(self, seed: int, n: int, delta: float) -> None:
        rng = np.random.default_rng(seed)
        y = np.round(3 * rng.normal(size=n), int(rng.integers(0, 4)))
        weight = np.where(np.arange(n) == 0, 1, rng.integers(0, 4, size=n))
        location = Huber(delta).null(y, weight)
        psi = weight @ np.clip(location - y, -delta, delta) / weight.sum()
        assert psi == pytest.approx(0, abs=1e-12 * max(1, delta))

    @pytest.mark.parametrize("delta", [1e-9, 1e-6, 1e-4])
    @pytest.mark.parametrize("n", [1, 4, 7])
    def test_huber_with_a_delta_that_no_digit_of_y_holds_is_the_median(self, delta: float, n: int) -> None:
        y = 1e10 + np.round(100 * np.random.default_rng(n).normal(size=n), 3)
        assert Huber(delta).null(y) == pytest.approx(np.median(y), abs=1e-4)
        assert Huber(delta).null(y, 2.0 + (np.arange(n) == 0) * 100.0) == pytest.approx(y[0], abs=1e-4)

    def test_huber_with_a_wide_delta_is_the_mean(self) -> None:
        y = np.random.default_rng(0).normal(size=(20, 2))
        np.testing.assert_allclose(Huber(100.0).null(y), y.mean(axis=0), rtol=1e-12)
