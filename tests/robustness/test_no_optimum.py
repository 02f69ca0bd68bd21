"""What has no optimum is said, and an offset excuses nothing that it does not settle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import taut
from taut.solvers.problem.scaling import FREE_NOT_EXIST
from tests.robustness.estimators import CODES, ROWS, X, Y, one_sentence


def test_what_no_penalty_holds_and_has_no_optimum_is_said() -> None:
    """A larger λ does not help, and the note does not say so."""
    gone = taut.fit_path(X, CODES, loss="multinomial", lambdas=[0.1], sample_weight=(CODES != 1) * 1.0)
    free = taut.L1(factors=[0.0, 1.0, 1.0])
    apart = taut.fit_path(X, (X[:, 0] > 0) * 1.0, loss="logistic", penalty=free, lambdas=[0.1])
    for path in (gone, apart):
        assert path.certificates[0].note == FREE_NOT_EXIST
        assert not path.certificates[0].met


@pytest.mark.parametrize("hidden", [(), (3,)])
@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        ("logistic", 1.0, "y has one class only (every value is 1)"),
        ("logistic", 0.0, "y has one class only (every value is 0)"),
        ("multinomial", 1.0, "every y is 1"),
        ("multinomial", [0.0, 1.0, 0.0], "y is constant (every value is [0, 1, 0])"),
        ("poisson", 0.0, "y is constant (every value is 0)"),
    ],
)
def test_an_offset_makes_no_infinite_intercept_finite(
    loss: str, y: Any, words: str, hidden: tuple[int, ...]
) -> None:
    """The sentence is that of a fit without one."""
    options: dict[str, Any] = {"loss": loss, "hidden": hidden, "lambdas": [0.1], "max_epochs": 1}
    rows = np.tile(y, (ROWS, 1)) if isinstance(y, list) else np.full(ROWS, y)
    for offset in (None, X[:, 1]):
        one_sentence(lambda own=offset: taut.fit_path(X, rows, offset=own, **options), words)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("loss", "y"), [("squared", 2.0), ("huber", 0.0), ("poisson", 3.0), ("logistic", 0.3)]
)
def test_an_offset_excuses_a_constant_that_has_a_best_intercept(loss: str, y: float) -> None:
    path = taut.fit_path(X, np.full(ROWS, y), loss=loss, offset=X[:, 1], lambdas=[1e-3])
    assert path.certificates[0].met
    assert path.coefs[0, 1] < -0.5


@pytest.mark.parametrize("loss", ["squared", "huber", "poisson"])
def test_an_offset_that_is_the_same_in_every_row_excuses_nothing(loss: str) -> None:
    one_sentence(
        lambda: taut.fit_path(X, np.full(ROWS, 3.0), loss=loss, offset=np.ones(ROWS)), "y is constant"
    )


@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize(("y", "offset"), [(0.0, 1e-300), (1.0, 1e200), (1e200, 1e200), (1e-200, 0.0)])
def test_what_is_left_beside_an_offset_has_squares(loss: str, y: float, offset: float) -> None:
    one_sentence(
        lambda: taut.fit_path(X, y * np.sign(Y), loss=loss, offset=np.full(ROWS, offset)),
        "the largest number in y", "can not be squared: give y in another unit",
    )  # fmt: skip
