"""The benchmark's certificate against brute force on tiny problems; its workloads' shapes and units."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from benchmarks import chart, gap, problem, report, run, tune, workloads
from benchmarks.launch import Machine, Row, measure, prepare
from benchmarks.problem import Problem
from benchmarks.runners import scikit_learn as scikit_learn_runner
from benchmarks.runners import taut as taut_runner
from benchmarks.runners.protocol import Answer, read_fits, timed, write_fits
from benchmarks.tools import PEERS
from scipy import optimize, sparse
from sklearn.linear_model import Lasso

LOSS_VALUES = {
    "squared": lambda eta, y: np.mean((eta[:, 0] - y) ** 2),
    "logistic": lambda eta, y: np.mean(np.log1p(np.exp(eta[:, 0])) - y * eta[:, 0]),
    "multinomial": lambda eta, y: np.mean(
        np.log(np.exp(eta).sum(axis=1)) - eta[np.arange(len(y)), y.astype(int)]
    ),
    "poisson": lambda eta, y: np.mean(np.exp(eta[:, 0]) - y * eta[:, 0] - y + y * np.log(np.maximum(y, 1.0))),
}


def tiny(loss: str, l1_ratio: float, n: int = 25, p: int = 3, seed: int = 0, group: int = 1) -> Problem:
    rng = np.random.default_rng(seed)
    X = workloads.standardized(rng.standard_normal((n, p)))
    eta = X @ rng.standard_normal(p) + 0.5 * rng.standard_normal(n)
    numbers = eta / np.sqrt(np.mean(eta**2))  # as in the workloads: glmnet's ridge part depends on y's scale
    kinds = {"squared": numbers, "logistic": (eta > 0) * 1.0, "poisson": np.floor(np.exp(numbers))}
    y = np.digitize(eta, [-0.5, 0.5]) * 1.0 if loss == "multinomial" else kinds[loss]
    return workloads.with_grid(Problem(X, y, np.empty(0), loss, l1_ratio, group=group), 0.05, 4)


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


CASES = [
    ("squared", 1.0),
    ("squared", 0.5),
    ("squared", 0.0),
    ("logistic", 1.0),
    ("logistic", 0.5),
    ("multinomial", 1.0),
    ("poisson", 1.0),
]


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


def test_tuning_prefers_the_fastest_that_meets_the_gap_and_admits_when_none_does() -> None:
    rows = [Row("w", "tool", {"tol": 10.0**-k}, cpu_seconds=k, gap=10.0**-k) for k in (3, 5, 7)]
    assert tune.choose(rows, 1e-4) == {"tol": 1e-5, "seconds": 5, "gap": 1e-5}
    assert tune.choose(rows[:1], 1e-4) == {"tol": 1e-3, "seconds": 3, "gap": 1e-3}
    assert tune.choose([Row("w", "tool", {}, failure="over 9 s")], 1e-4) == {"failure": "over 9 s"}
    both = {"1e-04": {"tol": 1e-5, "seconds": 1}, "1e-06": {"tol": 1e-5, "seconds": 1}}
    assert run.tuned_settings(both) == [{"tol": 1e-5}]


def test_the_chart_draws_every_workload() -> None:
    entry = {"taut": 1.0, "peer": "celer", "peer_seconds": 3.0, "ratio": 3.0}
    drawn = chart.draw({"w1": {"1e-04": entry}, "w2": {"1e-06": entry | {"ratio": 0.5}}})
    assert drawn.count("<rect") == 2
    assert all(name in drawn for name in ("w1", "w2"))


@pytest.mark.parametrize(("loss", "l1_ratio"), CASES)
def test_taut_is_asked_in_the_right_units(loss: str, l1_ratio: float) -> None:
    case = tiny(loss, l1_ratio)
    coefs = taut_runner.path(case, {"method": "auto", "tol": 1e-7})
    assert gap.relative_gaps(case, coefs).max() <= 1.001e-7


@pytest.mark.parametrize(
    ("loss", "l1_ratio", "method"),
    [
        ("squared", 1.0, "gram"),
        ("squared", 0.5, "residual"),
        ("squared", 0.0, "cholesky"),
        ("logistic", 1.0, "liblinear"),
    ],
)
def test_scikit_learn_is_asked_in_the_right_units(loss: str, l1_ratio: float, method: str) -> None:
    case = tiny(loss, l1_ratio)
    coefs = scikit_learn_runner.path(case, {"method": method, "tol": 1e-10})
    assert gap.relative_gaps(case, coefs).max() <= 1e-6


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


def test_ridge_leave_one_out_of_scikit_learn_is_the_mean_loss_one() -> None:
    case = tiny("squared", 0.0)
    answer = scikit_learn_runner.leave_one_out(case, {"method": "svd"})
    np.testing.assert_allclose(answer.curve, gap.leave_one_out_curve(case), rtol=1e-8)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not on this machine")
@pytest.mark.parametrize(("loss", "l1_ratio"), CASES)
def test_glmnet_runs_in_its_own_process_and_in_the_right_units(
    tmp_path: Path, loss: str, l1_ratio: float
) -> None:
    case = tiny(loss, l1_ratio, n=60)
    glmnet = next(tool for tool in PEERS if tool.name == "glmnet")
    machine = Machine(repeats=1, work=tmp_path)
    prepare(machine, "case", case)
    row = measure(machine, glmnet, "case", case, {"method": glmnet.methods(case)[0], "tol": 1e-20})
    if "glmnet" in row.failure:
        pytest.skip("R has no glmnet")
    assert row.failure == ""
    assert row.gap < 1e-6


def test_short_runs_are_timed_in_batches_and_long_ones_within_the_box(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock that only the runs move: each run takes its seconds, and reading the clock none."""
    clock = [0.0]
    runs = []
    monkeypatch.setattr("benchmarks.runners.protocol.time.perf_counter", lambda: clock[0])

    def run(seconds: float) -> Answer:
        clock[0] += seconds
        runs.append(seconds)
        return Answer()

    _, short, _, _ = timed(lambda: run(0.01), 3, 10.0)
    assert short == pytest.approx([0.01] * 3)
    assert len(runs) > 3 * 5
    _, long, _, _ = timed(lambda: run(0.15), 5, 0.4)
    assert long == pytest.approx([0.15] * 2)


def test_the_report_names_the_fastest_peer_that_reached_the_gap(tmp_path: Path) -> None:
    rows = [
        {
            "workload": "w1",
            "tool": "taut",
            "setting": {"tol": 1e-6},
            "seconds": 1.0,
            "cpu_seconds": 1.0,
            "gap": 9e-7,
        },
        {
            "workload": "w1",
            "tool": "celer",
            "setting": {"tol": 1e-3},
            "seconds": 0.5,
            "cpu_seconds": 0.5,
            "gap": 2e-4,
        },
        {
            "workload": "w1",
            "tool": "adelie",
            "setting": {"tol": 1e-9},
            "seconds": 4.0,
            "cpu_seconds": 4.0,
            "gap": 5e-5,
        },
        {"workload": "w1", "tool": "glmnet", "setting": {}, "failure": "over 9 s"},
    ]
    results = tmp_path / "results.json"
    results.write_text(json.dumps({"about": {}, "rows": rows}))
    report.write(results)
    figures = json.loads((tmp_path / "figures.json").read_text())["w1"]
    assert figures["1e-04"]["peer"] == "adelie"
    assert figures["1e-04"]["ratio"] == 4.0
    assert not figures["1e-06"]["peer_reached"]
    text = (tmp_path / "results.md").read_text()
    assert "≥ 4.00 (5e-05)" in text
    assert "over 9 s" in text


def test_memory_is_what_the_first_run_needs():
    memory = timed(lambda: Answer([np.ones(4_000_000)]), 2, 10.0)[3]
    assert 25e6 < memory < 60e6
    assert timed(lambda: Answer([]), 2, 10.0)[3] < 10e6


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_the_benchopt_solver_solves_the_lasso_of_that_benchmark(fit_intercept: bool, monkeypatch) -> None:
    """benchopt itself is not needed: a solver is a class with these methods on its base."""
    base = types.ModuleType("benchopt")
    base.BaseSolver = type("BaseSolver", (), {})
    monkeypatch.setitem(sys.modules, "benchopt", base)
    file = Path(__file__).resolve().parents[1] / "benchmarks" / "benchopt" / "taut.py"
    source = importlib.util.spec_from_file_location("benchopt_taut", file)
    module = importlib.util.module_from_spec(source)
    source.loader.exec_module(module)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 60))
    y = X[:, :3].sum(axis=1) + rng.normal(size=40) + 1.0
    strength = 0.1 * np.abs(X.T @ y).max()
    solver = module.Solver()
    solver.set_objective(X, y, strength, fit_intercept)
    solver.warm_up()
    solver.run(1e-12)
    reference = Lasso(alpha=strength / 40, fit_intercept=fit_intercept, tol=1e-12, max_iter=10**6).fit(X, y)
    expected = np.append(reference.coef_, reference.intercept_) if fit_intercept else reference.coef_
    np.testing.assert_allclose(solver.get_result()["beta"], expected, atol=1e-6)
