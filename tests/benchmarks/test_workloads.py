"""The benchmark's workloads: shapes, correlation, noise, and their way over the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from benchmarks import problem, workloads
from benchmarks.runners.protocol import read_fits, write_fits
from tests.benchmarks.tiny import tiny

SHAPES = {
    "w1": (500, 20_000),
    "w2": (100_000, 200),
    "w3": (2000, 5000),
    "w4": (20_000, 100_000),
    "w4b": (2000, 200_000),
    "w5a": (500, 10_000),
    "w5b": (50_000, 100),
    "w6a": (1000, 5000),
    "w6b": (100_000, 100),
    "w7": (5000, 1000),
    "w7loo": (5000, 1000),
    "w8": (500, 5000),
    "w9a": (500, 5000),
    "w9b": (20_000, 200),
    "w9c": (500, 5000),
}


@pytest.mark.parametrize("workload", workloads.WORKLOADS, ids=lambda workload: workload.name)
def test_workloads_are_what_they_are_said_to_be(workload: workloads.Workload) -> None:
    case = workload.build(0.02, 0)
    n, p = SHAPES[workload.name]
    assert case.X.shape == (
        workloads.scaled(n, 0.02),
        workloads.scaled(p, 0.02, 60 if workload.name == "w4" else 20),
    )
    assert len(case.lambdas) == 100
    assert np.all(np.diff(case.lambdas) < 0)
    if workload.name == "w4":
        assert sparse.isspmatrix_csc(case.X)
        np.testing.assert_allclose(np.sqrt(case.X.multiply(case.X).sum(axis=1)), 1.0)
    elif workload.name == "w4b":
        assert sparse.isspmatrix_csc(case.X)
        assert case.X.nnz == 10 * case.X.shape[1]
    else:
        np.testing.assert_allclose(case.X.mean(axis=0), 0.0, atol=1e-12)
        np.testing.assert_allclose(case.X.std(axis=0), 1.0)
    if case.loss == "logistic":
        assert set(case.y) == {0.0, 1.0}
    elif case.loss == "poisson":
        assert np.array_equal(case.y, np.round(case.y))
        assert case.y.min() == 0.0
    else:
        np.testing.assert_allclose([case.y.mean(), np.mean(case.y**2)], [0.0, 1.0], atol=1e-12)
    if case.folds is not None:
        assert np.ptp(np.bincount(case.folds)) <= 1


def test_columns_are_autoregressive_and_the_noise_a_quarter() -> None:
    X = workloads.autoregressive(np.random.default_rng(0), 20_000, 4)
    correlation = X.T @ X / 20_000
    np.testing.assert_allclose(
        correlation, 0.5 ** np.abs(np.subtract.outer(np.arange(4), np.arange(4))), atol=0.03
    )
    signal = X[:, 0]
    y = workloads.numbers(np.random.default_rng(1), signal)
    assert abs((signal @ y / 20_000) ** 2 - 0.75) < 0.02


def test_a_problem_survives_the_disk(tmp_path: Path) -> None:
    dense = workloads.WORKLOADS[6].build(0.02, 0)
    text = workloads.WORKLOADS[3].build(0.005, 0)
    for case in (dense, text):
        problem.write(case, tmp_path / "problem")
        back = problem.read(tmp_path / "problem")
        assert (back.loss, back.task, back.l1_ratio) == (case.loss, case.task, case.l1_ratio)
        np.testing.assert_array_equal(
            back.X.toarray() if back.is_sparse else back.X, case.X.toarray() if case.is_sparse else case.X
        )
        np.testing.assert_array_equal(back.lambdas, case.lambdas)
        for path in (tmp_path / "problem").glob("*.npy"):
            path.unlink()


@pytest.mark.parametrize("outputs", [1, 3])
def test_coefficients_survive_the_disk(tmp_path: Path, outputs: int) -> None:
    case = tiny("squared" if outputs == 1 else "multinomial", 1.0)
    shape = (4, 3) if outputs == 1 else (4, 3, 3)
    fits = [np.random.default_rng(seed).standard_normal(shape) for seed in range(2)]
    write_fits(tmp_path, fits)
    np.testing.assert_array_equal(read_fits(tmp_path, case), np.array(fits))
