"""The benchmark of networks judges what a tool returns by the objective that taut itself reports."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.networks.problem import Problem, build, judge, rowwise
from benchmarks.networks.runners import taut as runner
from taut.path import fit_paths
from taut.solvers.networks.settings import Training


@pytest.fixture(params=["squared", "logistic", "multinomial"])
def problem(request: pytest.FixtureRequest) -> Problem:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    score = np.abs(X[:, 0]) + X[:, 1]
    y = {"squared": score, "logistic": (score > 0.8) * 1.0, "multinomial": np.digitize(score, [0.3, 1.2])}
    return build(X, y[request.param], request.param, 6, 16)


def test_the_judge_finds_the_objectives_that_the_paths_report(problem: Problem) -> None:
    weights = (problem.folds != np.unique(problem.folds)[:, None]).astype(float)
    spec = runner._spec(problem, Training(max_epochs=2, batch_size=problem.batch))
    paths = fit_paths(spec, problem.X, problem.y, weights, problem.lambdas)
    total, held_out = judge(problem, runner.path(problem, 2))
    assert total == pytest.approx(sum(path.objectives.sum() for path in paths), rel=1e-4)
    assert 0 < held_out < 2 * rowwise(problem, np.zeros(runner.path(problem, 1).shape[-1])).mean()


def test_a_single_fit_has_one_solution_of_the_right_size(problem: Problem) -> None:
    solution = runner.single(problem, 3)
    assert solution.shape == (1, 1, sum(int(np.prod(shape)) for shape in problem.shapes))
    assert np.isfinite(solution).all()
