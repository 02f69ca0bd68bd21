"""Whole lasso, elastic-net and logistic paths on published data agree with scikit-learn's, to 1e-6."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, enet_path

import taut
from tests.agreement import Float, assert_agrees, standardized
from tests.references import reference_data

REGRESSIONS = pytest.mark.parametrize("data", reference_data.REGRESSIONS, ids=lambda data: data.__name__)


def path_of(arrays: reference_data.Arrays, l1_ratio: float, loss: str, lambdas: int) -> taut.Path:
    shape = taut.ElasticNet(1.0, l1_ratio, (1 - l1_ratio) / 2)
    return taut.fit_path(arrays.X, arrays.y, loss=loss, penalty=shape, lambdas=lambdas, tol=1e-14)


@pytest.mark.sampled(3)
@REGRESSIONS
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_squared_error(data: Callable[[], reference_data.Arrays], l1_ratio: float) -> None:
    """On standardised X and y scikit-learn's alpha is λ/2."""
    arrays = data()
    path = path_of(arrays, l1_ratio, "squared", 20)
    y = (arrays.y - arrays.y.mean()) / arrays.y.std()
    _, reference, _ = enet_path(
        standardized(arrays.X), y, l1_ratio=l1_ratio, alphas=path.lambdas / 2, tol=1e-14, max_iter=1_000_000
    )
    assert_agrees(path.standardized_coefs, reference.T)
    assert_agrees(path.coefs * arrays.X.std(axis=0), arrays.y.std() * reference.T)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize(
    ("data", "loss"), [(reference_data.saheart, "logistic"), (reference_data.three_classes, "multinomial")]
)
def test_classification(data: Callable[[], reference_data.Arrays], loss: str, l1_ratio: float) -> None:
    arrays = data()
    path = path_of(arrays, l1_ratio, loss, 4)
    for lam, ours in zip(path.lambdas[1:], path.standardized_coefs[1:], strict=True):
        reference = logistic_regression(arrays, lam, l1_ratio)
        assert_agrees(ours.T.reshape(reference.shape), reference)


def logistic_regression(arrays: reference_data.Arrays, lam: float, l1_ratio: float) -> Float:
    """With ρ the l1_ratio, λ₁ = ρλ and 2λ₂ = (1 − ρ)λ, so C = 1/(nλ) and the ratio is the same ρ."""
    model = LogisticRegression(
        C=1 / (len(arrays.y) * lam), l1_ratio=l1_ratio, solver="saga", tol=1e-12, max_iter=1_000_000
    )
    return np.asarray(model.fit(standardized(arrays.X), arrays.y).coef_)
