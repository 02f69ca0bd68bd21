"""The benchmark's certificate against brute force on tiny problems."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, sparse

from benchmarks import gap
from benchmarks.problem import Problem
from benchmarks.runners import scikit_learn as scikit_learn_runner
from benchmarks.runners import taut as taut_runner
from tests.benchmarks.tiny import CASES, tiny

LOSS_VALUES = {
    "squared": lambda eta, y: np.mean((eta[:, 0] - y) ** 2),
    "logistic": lambda eta, y: np.mean(np.log1p(np.exp(eta[:, 0])) - y * eta[:, 0]),
    "multinomial": lambda eta, y: np.mean(
        np.log(np.exp(eta).sum(axis=1)) - eta[np.arange(len(y)), y.astype(int)]
    ),
    "poisson": lambda eta, y: np.mean(np.exp(eta[:, 0]) - y * eta[:, 0] - y + y * np.log(np.maximum(y, 1.0))),
}


def objective(case: Problem, w: np.ndarray, lam: float) -> float:
    w = w.reshape(case.X.shape[1], -1)
    penalty = case.l1_ratio * np.abs(w).sum() + (1 - case.l1_ratio) / 2 * (w**2).sum()
    return float(LOSS_VALUES[case.loss](case.X @ w, case.y) + lam * penalty)


def minimum(case: Problem, lam: float) -> np.ndarray:
    """Brute force: w = a − b with a, b ≥ 0, where the penalty is smooth, by a bounded quasi-Newton method."""
    size = case.X.shape[1] * case.outputs

    def split(z: np.ndarray) -> float:
        a, b = z[:size], z[size:]
        w = a - b
        ridge = (1 - case.l1_ratio) / 2 * (w**2).sum()
        eta = case.X @ w.reshape(case.X.shape[1], -1)
        return float(LOSS_VALUES[case.loss](eta, case.y) + lam * (case.l1_ratio * z.sum() + ridge))

    options = {"maxiter": 5000, "maxfun": 10**6, "ftol": 1e-15, "gtol": 1e-9}
    z = optimize.minimize(split, np.full(2 * size, 0.1), bounds=[(0, None)] * (2 * size), options=options).x
    return z[:size] - z[size:]


@pytest.mark.parametrize(("loss", "l1_ratio"), CASES)
def test_gap_bounds_the_suboptimality_and_vanishes_at_the_minimum(loss: str, l1_ratio: float) -> None:
    case = tiny(loss, l1_ratio)
    best = [minimum(case, lam) for lam in case.lambdas]
    shape = (len(case.lambdas), case.X.shape[1], case.outputs)
    at_minimum = gap.relative_gaps(case, np.array(best).reshape(shape))
    assert np.all(at_minimum < 1e-4)
    assert np.all(at_minimum > -1e-10)
    rng = np.random.default_rng(1)
    null = objective(case, np.zeros(case.X.shape[1] * case.outputs), 0.0)
    for size in (0.01, 0.1, 1.0):
        moved = np.array(best) + size * rng.standard_normal((len(best), best[0].size))
        gaps = gap.relative_gaps(case, moved.reshape(shape))
        excess = [
            objective(case, w, lam) - objective(case, b, lam)
            for w, b, lam in zip(moved, best, case.lambdas, strict=True)
        ]
        assert np.all(gaps >= np.array(excess) / null - 1e-8)
        assert np.all(gaps > 10 * at_minimum)


@pytest.mark.parametrize(("loss", "l1_ratio"), CASES)
def test_null_model_has_no_gap_at_the_top_of_the_grid(loss: str, l1_ratio: float) -> None:
    case = tiny(loss, l1_ratio)
    zeros = np.zeros((len(case.lambdas), case.X.shape[1], case.outputs))
    gaps = gap.relative_gaps(case, zeros)
    if l1_ratio > 0:
        assert abs(gaps[0]) < 1e-12
    assert np.all(np.diff(gaps) > 0)


def test_rows_left_out_count_as_if_they_were_not_there() -> None:
    case = tiny("logistic", 1.0)
    rows = np.arange(5, 25)
    coefs = np.random.default_rng(0).standard_normal((4, 3))
    np.testing.assert_allclose(
        gap.relative_gaps(case, coefs, rows), gap.relative_gaps(case.subset(rows), coefs), rtol=1e-12
    )


def test_sparse_and_dense_agree_and_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    case = tiny("squared", 0.5)
    coefs = np.random.default_rng(0).standard_normal((4, 3))
    dense = gap.relative_gaps(case, coefs)
    monkeypatch.setattr(gap, "BLOCK", 3)
    other = Problem(sparse.csc_matrix(case.X), case.y, case.lambdas, case.loss, case.l1_ratio)
    np.testing.assert_allclose(gap.relative_gaps(other, coefs), dense, rtol=1e-12)


def test_worst_gap_takes_the_worst_fold() -> None:
    case = tiny("squared", 1.0)
    case = Problem(case.X, case.y, case.lambdas, task="cv", folds=np.arange(25) % 3)
    fits = np.random.default_rng(0).standard_normal((3, 4, 3))
    each = [
        gap.relative_gaps(case, fit, train).max() for fit, (train, _) in zip(fits, case.splits(), strict=True)
    ]
    assert gap.worst_gap(case, fits) == max(each)


def test_leave_one_out_is_what_leaving_one_out_gives() -> None:
    case = tiny("squared", 0.0, n=12)
    errors = np.empty((12, 4))
    for i in range(12):
        keep = np.arange(12) != i
        X, y = case.X[keep], case.y[keep]
        for j, lam in enumerate(case.lambdas):
            w = np.linalg.solve(X.T @ X / 11 + lam / 2 * np.eye(3), X.T @ y / 11)
            errors[i, j] = (case.y[i] - case.X[i] @ w) ** 2
    np.testing.assert_allclose(gap.leave_one_out_curve(case), errors.mean(axis=0), rtol=1e-10)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_groups_are_certified_and_asked_for_in_the_right_units(loss: str) -> None:
    """At our solutions the gap is small; at others it bounds what they exceed the minimum by."""
    case = tiny(loss, 1.0, p=6, group=3)
    coefs = taut_runner.path(case, {"method": "auto", "tol": 1e-8})
    gaps = gap.relative_gaps(case, coefs)
    assert 0.0 < gaps.max() <= 1.001e-8
    assert np.abs(coefs[0]).max() < 1e-12

    def value(w: np.ndarray, lam: float) -> float:
        penalty = lam * np.sqrt(3) * np.sqrt((w.reshape(2, 3) ** 2).sum(axis=1)).sum()
        return float(LOSS_VALUES[loss]((case.X @ w)[:, None], case.y) + penalty)

    null = float(LOSS_VALUES[loss](np.zeros((len(case.y), 1)), case.y))
    moved = coefs + 0.1 * np.random.default_rng(1).standard_normal(coefs.shape)
    excess = [value(w, lam) - value(b, lam) for w, b, lam in zip(moved, coefs, case.lambdas, strict=True)]
    assert np.all(gap.relative_gaps(case, moved) >= np.array(excess) / null - 1e-8)


def test_cross_validations_agree_with_the_coefficients_that_certify_them() -> None:
    case = tiny("squared", 1.0, n=40)
    case = Problem(case.X, case.y, case.lambdas, task="cv", folds=np.arange(40) % 4)
    for runner, method in ((taut_runner, "auto"), (scikit_learn_runner, "gram")):
        answer = runner.cross_validate(case, {"method": method, "tol": 1e-10})
        fits = answer.certify() if answer.certify else answer.fits
        assert gap.worst_gap(case, np.array(fits)) < 1e-8
        np.testing.assert_allclose(answer.curve, gap.fold_curve(case, np.array(fits)), rtol=1e-6)
