"""R's glmnet at thresh = 1e-20 and explicit lambdas: its rows of the equivalence table, then real data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import taut
from tests.agreement import Float, assert_agrees, table
from tests.references import reference_data
from tests.references.r_glmnet import RFit, glmnet

TABLE = table()
MIXES = [(0.3, 0.0), (0.2, 0.1), (0.0, 0.4)]
STRENGTHS = np.array([1.0, 0.3, 0.05])
MIX = pytest.mark.parametrize(("lam1", "lam2"), MIXES)


def ours(y: Float, lam1: float, lam2: float, **options: object) -> taut.Path:
    shape = taut.ElasticNet(1.0, lam1, lam2, factors=options.pop("factors", None))
    return taut.fit_path(
        TABLE.X, y, penalty=shape, lambdas=STRENGTHS, standardize=False, tol=1e-14, **options
    )


def theirs(y: Float, l1: float, l2: float, family: str, **options: object) -> RFit:
    """Glmnet where lambda · alpha = l1 and lambda · (1 − alpha) = l2, times each of STRENGTHS."""
    return glmnet(TABLE.X, y, STRENGTHS * (l1 + l2), family, alpha=l1 / (l1 + l2), **options)


def assert_same_fit(path: taut.Path, reference: RFit) -> None:
    for ours_one, theirs_one in zip(path.coefs, reference.coefs, strict=True):
        assert_agrees(ours_one, theirs_one)
    assert_agrees(path.intercepts, reference.intercepts)


@pytest.mark.sampled(1)
@MIX
@pytest.mark.parametrize("weighted", [False, True])
def test_gaussian(lam1: float, lam2: float, weighted: bool) -> None:
    weight = TABLE.weight if weighted else np.ones(len(TABLE.y))
    spread = np.sqrt(np.average((TABLE.y - np.average(TABLE.y, weights=weight)) ** 2, weights=weight))
    reference = theirs(TABLE.y, lam1 / 2, lam2 * spread, "gaussian", weights=weight)
    assert_same_fit(ours(TABLE.y, lam1, lam2, sample_weight=weight), reference)


@pytest.mark.sampled(1)
@MIX
def test_gaussian_without_intercept_scales_by_the_root_mean_square(lam1: float, lam2: float) -> None:
    reference = theirs(TABLE.y, lam1 / 2, lam2 * np.sqrt(np.mean(TABLE.y**2)), "gaussian", intercept=False)
    path = ours(TABLE.y, lam1, lam2, fit_intercept=False)
    assert_agrees(path.coefs, reference.coefs)


@pytest.mark.sampled(1)
@MIX
def test_gaussian_family_as_an_object_has_no_sd(lam1: float, lam2: float) -> None:
    assert_same_fit(ours(TABLE.y, lam1, lam2), theirs(TABLE.y, lam1 / 2, lam2, "gaussian()"))


def test_penalty_factor_is_rescaled_to_sum_to_p() -> None:
    factors = np.array([0.0, 0.5, 1.0, 2.0, 1.0, 3.0, 4.0])
    rescale = factors.mean()
    reference = theirs(
        TABLE.y, 0.3 / 2 * rescale, 0.1 * TABLE.y.std() * rescale, "gaussian", penalty_factor=factors
    )
    assert_same_fit(ours(TABLE.y, 0.3, 0.1, factors=factors), reference)


@pytest.mark.sampled(1)
@MIX
@pytest.mark.parametrize(
    ("family", "loss", "y"),
    [("binomial", "logistic", TABLE.binary), ("poisson", "poisson", TABLE.counts)],
    ids=["binomial", "poisson"],
)
def test_binomial_and_poisson(lam1: float, lam2: float, family: str, loss: str, y: Float) -> None:
    assert_same_fit(ours(y, lam1 / 4, lam2 / 4, loss=loss), theirs(y, lam1 / 4, lam2 / 2, family))


@pytest.mark.sampled(1)
@MIX
def test_multinomial(lam1: float, lam2: float) -> None:
    path = ours(TABLE.classes, lam1 / 4, lam2 / 4, loss="multinomial")
    reference = theirs(TABLE.classes, lam1 / 4, lam2 / 2, "multinomial")
    assert_same_classes(path, reference)


def assert_same_classes(path: taut.Path, reference: RFit) -> None:
    for ours_one, theirs_one in zip(path.coefs, reference.coefs, strict=True):
        assert_agrees(ours_one, theirs_one)
    # A constant added to every class changes no probability, so intercepts are compared about their mean.
    centred = [b - b.mean(axis=1, keepdims=True) for b in (path.intercepts, reference.intercepts)]
    assert_agrees(*centred)


REGRESSIONS = pytest.mark.parametrize("data", reference_data.REGRESSIONS, ids=lambda data: data.__name__)
RATIO = pytest.mark.parametrize("l1_ratio", [1.0, 0.5])


def shape(l1_ratio: float) -> taut.Penalty:
    return taut.ElasticNet(1.0, l1_ratio, (1 - l1_ratio) / 2)


def standardized_path(data: reference_data.Arrays, l1_ratio: float, loss: str) -> taut.Path:
    return taut.fit_path(data.X, data.y, loss=loss, penalty=shape(l1_ratio), lambdas=20, tol=1e-14)


@pytest.mark.sampled(1)
@REGRESSIONS
@RATIO
def test_gaussian_paths_on_published_data(data: Callable[[], reference_data.Arrays], l1_ratio: float) -> None:
    """With standardize=True λ has no unit: glmnet's lambda is λ/2 in the standard deviations of y."""
    arrays = data()
    path = standardized_path(arrays, l1_ratio, "squared")
    reference = glmnet(
        arrays.X, arrays.y, path.lambdas / 2 * arrays.y.std(), alpha=l1_ratio, standardize=True
    )
    assert_paths_agree(path, reference, arrays.X)


@pytest.mark.sampled(1)
@RATIO
def test_logistic_path_on_published_data(l1_ratio: float) -> None:
    arrays = reference_data.saheart()
    path = standardized_path(arrays, l1_ratio, "logistic")
    reference = glmnet(arrays.X, arrays.y, path.lambdas, "binomial", alpha=l1_ratio, standardize=True)
    assert_paths_agree(path, reference, arrays.X)


@pytest.mark.sampled(1)
@RATIO
def test_multinomial_path_on_published_data(l1_ratio: float) -> None:
    arrays = reference_data.three_classes()
    path = standardized_path(arrays, l1_ratio, "multinomial")
    reference = glmnet(arrays.X, arrays.y, path.lambdas, "multinomial", alpha=l1_ratio, standardize=True)
    assert_same_classes(path, reference)


def assert_paths_agree(path: taut.Path, reference: RFit, X: Float) -> None:
    """Coefficients per standard deviation of their column, so that no column's unit hides another's error."""
    spread = X.std(axis=0)
    assert_agrees(path.coefs * spread, reference.coefs * spread)
    assert_agrees(path.intercepts, reference.intercepts)
