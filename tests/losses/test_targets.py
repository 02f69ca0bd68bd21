"""Which targets a loss takes, its names, and its links."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.families import as_loss
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.losses.links import IdentityLink, Link, LogitLink, LogLink, SoftmaxLink
from tests.losses.samples import Float


class TestTargets:
    @pytest.mark.parametrize(
        ("loss", "y", "message"),
        [
            (SquaredError(), [1.0, np.nan], r"y\[1\] is nan: drop or impute"),
            (SquaredError(), ["a", "b"], r"numeric y.*'a'"),
            (SquaredError(), [], "at least one row"),
            (SquaredError(), np.zeros((2, 2, 2)), r"\(2, 2, 2\)"),
            (Huber(), [[1.0, np.inf]], r"y\[\(0, 1\)\] is inf"),
            (Logistic(), [1, -1, 1], r"y\[1\] is -1.0: code the two classes as 0 and 1"),
            (Logistic(), [0, 1, 2], r"y\[2\] is 2.0.*Multinomial"),
            (Logistic(), [[0], [1]], r"shape \(n,\), and this one is \(2, 1\)"),
            (Poisson(), [3, -2], r"y\[1\] is -2.0"),
            (Poisson(), [[3, 2]], r"\(1, 2\)"),
            (Multinomial(), [0, 1.5], r"y\[1\] is 1.5: code the classes"),
            (Multinomial(), [0, -1], r"y\[1\] is -1.0"),
            (Multinomial(), [1, 2, 3], r"no row has class 0"),
            (Multinomial(), [0, 0], "at least two classes"),
            (Multinomial(), [[0.5, 0.6], [0.5, 0.5]], r"row 0 of y sums to 1.1"),
            (Multinomial(), [[1.5, -0.5]], r"y\[\(0, 1\)\] is -0.5"),
            (Multinomial(), [[1.0]], r"at least two columns"),
        ],
        ids=str,
    )
    def test_an_error_names_the_value(self, loss: Loss, y: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            loss.check_target(y)

    def test_float32_probabilities_are_rescaled(self) -> None:
        rows = np.random.default_rng(0).dirichlet(np.ones(5), size=50).astype(np.float32)
        np.testing.assert_allclose(Multinomial().check_target(rows).sum(axis=1), 1, rtol=1e-15)

    def test_booleans_are_zeros_and_ones(self) -> None:
        assert Logistic().check_target([True, False]).tolist() == [1.0, 0.0]

    @pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Poisson(), Huber()], ids=repr)
    def test_a_predictor_of_another_shape_is_refused(self, loss: Loss) -> None:
        with pytest.raises(ValueError, match=r"eta is \(3, 1\)"):
            loss.pointwise(np.zeros((3, 1)), np.zeros(3))
        with pytest.raises(ValueError, match=r"\(3, 1\)"):
            loss.derivative(np.zeros(3), np.zeros((3, 1)))

    def test_outputs(self) -> None:
        assert SquaredError().outputs(np.zeros((4, 3))) == 3
        assert not SquaredError().multi_output(np.zeros(4))
        assert Multinomial().outputs(np.array([0, 2, 1])) == 3
        assert Multinomial().outputs(np.zeros((5, 4))) == 4


class TestNames:
    def test_a_name_or_a_loss(self) -> None:
        assert as_loss("poisson") == Poisson()
        assert as_loss(Huber(2.0)) == Huber(2.0)

    def test_errors_help(self) -> None:
        with pytest.raises(ValueError, match="did you mean 'logistic'"):
            as_loss("logistics")
        with pytest.raises(TypeError, match="squared"):
            as_loss(3)  # type: ignore[arg-type]

    @pytest.mark.parametrize("delta", [0.0, -1.0, np.nan, np.inf])
    def test_huber_refuses_a_delta_that_is_none(self, delta: float) -> None:
        with pytest.raises(ValueError, match=str(delta)):
            Huber(delta)


@pytest.mark.parametrize(
    ("link", "mean"),
    [
        (IdentityLink(), np.array([-2.0, 0.0, 3.0])),
        (LogitLink(), np.array([1e-20, 0.3, 1 - 1e-10])),
        (LogLink(), np.array([1e-20, 1.0, 1e9])),
        (SoftmaxLink(), np.array([[0.1, 0.2, 0.7], [1e-12, 0.5, 0.5 - 1e-12]])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_links_go_there_and_back(link: Link, mean: Float) -> None:
    np.testing.assert_allclose(link.inverse(link.forward(mean)), mean, rtol=1e-12)
