"""The benchmark's tools: asked in the right units, timed in the same way, reported as measured."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from benchmarks import chart, gap, report, run, tune
from benchmarks.launch import Machine, Row, measure, prepare
from benchmarks.runners import scikit_learn as scikit_learn_runner
from benchmarks.runners import taut as taut_runner
from benchmarks.runners.protocol import Answer, timed
from benchmarks.tools import PEERS
from tests.benchmarks.tiny import CASES, tiny


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


def test_ridge_leave_one_out_of_scikit_learn_is_the_mean_loss_one() -> None:
    case = tiny("squared", 0.0)
    answer = scikit_learn_runner.leave_one_out(case, {"method": "svd"})
    np.testing.assert_allclose(answer.curve, gap.leave_one_out_curve(case), rtol=1e-8)


@pytest.mark.sampled(2)
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
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "benchopt" / "taut.py"
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
