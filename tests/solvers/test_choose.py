"""Which engine is chosen, which may be asked for, and what each refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import taut
from taut.losses import Logistic, Loss, Multinomial, SquaredError
from taut.penalties import L1, L2, MCP, GroupLasso, Penalty
from taut.solvers.base import Solver
from taut.solvers.choose import solver_for
from taut.solvers.groups.descent_solver import GroupDescent
from taut.solvers.groups.newton_parts import group_parts
from taut.solvers.matrix import as_matrix
from taut.solvers.moments.solver import GramPath
from taut.solvers.newton.parts import independent_parts, softmax_parts, squared_parts
from taut.solvers.newton.ridge_solver import RidgeNewton
from taut.solvers.newton.small_solver import SmallNewton
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.ridge.rotated_solver import RotatedRidge
from taut.solvers.working_set.solver import WorkingSet
from tests.solvers.problems import ENET, problem_of, table


def test_the_choice_of_an_engine() -> None:
    X, y, s = table(22)
    wide, several = np.tile(X, 50), np.tile(X, 10)
    cases = [
        (X, y, SquaredError(), L1(), GramPath), (wide, y, SquaredError(), L1(), WorkingSet),
        (wide, y, SquaredError(), L2(), RotatedRidge), (wide, y, SquaredError(), L1(factors=[0, *[1] * 399]), ProximalNewton),
        (wide, np.column_stack([y, y]), SquaredError(), L1(), ProximalNewton), (X, y > 0, Logistic(), L1(), SmallNewton),
        (X, y > 0, Logistic(), L2(), SmallNewton), (X, np.digitize(y, [0, 1]), Multinomial(), ENET, SmallNewton),
        (X, y > 0, Logistic(), MCP(), WorkingSet), (X, y > 0, Logistic(), L1(factors=[0, *[1] * 7]), SmallNewton),
        (several, y, SquaredError(), L1(), GramPath), (several, y, SquaredError(), L2(), GramPath),
        (np.tile(wide, 10), y > 0, Logistic(), L1(), WorkingSet), (np.tile(wide, 10), np.digitize(y, [0, 1]), Multinomial(), L1(), ProximalNewton),
        (X, y, SquaredError(), GroupLasso(), GroupDescent), (X, y > 0, Logistic(), GroupLasso(), ProximalNewton), (X, y, SquaredError(), L1(factors=[0, *[1] * 7], lower=0), ProximalNewton),
    ]  # fmt: skip
    for A, target, loss, penalty, engine in cases:
        assert type(solver_for(problem_of(A, np.asarray(target, dtype=float), s, loss, penalty))) is engine


@pytest.mark.parametrize("standardize", [True, False])
def test_lines_with_next_to_no_curvature_are_no_work_for_a_hessian_that_is_kept(standardize: bool) -> None:
    """Residuals a hundred times δ, and more: Newton steps as long as the pieces say."""
    X, y, s = table(22)
    engines = {
        delta: type(
            solver_for(replace(problem_of(X, y + 5.0, s, taut.Huber(delta), L1()), standardize=standardize))
        )
        for delta in (1.0, 0.1, 1e-3)
    }
    assert engines == {1.0: WorkingSet, 0.1: WorkingSet, 1e-3: ProximalNewton}
    path = taut.fit_path(X, y, loss=taut.Huber(1e-4), lambdas=10, standardize=standardize)
    assert all(c.met for c in path.certificates)


def test_squared_problems_of_some_hundred_columns_are_solved_from_moments_where_rows_are_many() -> None:
    rng = np.random.default_rng(0)

    def engine(n: int, p: int, penalty: Penalty, members: int = 11) -> type:
        X, s = rng.normal(size=(n, p)), np.full(n, 1 / n)
        return type(solver_for(problem_of(X, X[:, 0], s, SquaredError(), penalty), members))

    assert engine(40, 300, L1()) is engine(40, 300, L2()) is GramPath
    assert engine(40, 301, L1()) is WorkingSet
    assert engine(550, 1_100, L1()) is GramPath
    assert engine(550, 1_100, L2()) is RotatedRidge
    assert engine(549, 1_100, L1()) is engine(600, 1_101, L1()) is WorkingSet
    assert engine(550, 1_100, L1(), members=100) is WorkingSet


@pytest.mark.parametrize(
    ("engine", "loss", "penalty", "options"),
    [
        (ProximalNewton(squared_parts), Logistic(), L1(), {}),
        (ProximalNewton(squared_parts), SquaredError(), GroupLasso(), {}),
        (GramPath(), Logistic(), L1(), {}),
        (GramPath(), SquaredError(), L1(), {"penalize_intercept": True}),
        (GramPath(), SquaredError(), L1(factors=0.0, lower=0.0), {}),
        (RidgeNewton(), Logistic(), L1(), {}),
        (RidgeNewton(), SquaredError(), L2(), {}),
        (RidgeNewton(), Multinomial(), L2(lower=0), {}),
        (WorkingSet(), SquaredError(), L2(), {}),
        (WorkingSet(), SquaredError(), L1(factors=[0, *[1] * 7]), {}),
        (RotatedRidge(), SquaredError(), L1(), {}),
        (RotatedRidge(), SquaredError(), L2(lower=0), {}),
        (ProximalNewton(independent_parts), SquaredError(), GroupLasso(), {}),
        (ProximalNewton(independent_parts), Multinomial(), L1(), {}),
        (GroupDescent(), Logistic(), GroupLasso(), {}),
        (GroupDescent(), SquaredError(), L1(), {}),
        (ProximalNewton(softmax_parts), Logistic(), L1(), {}),
        (ProximalNewton(softmax_parts), Multinomial(), GroupLasso(), {}),
        (ProximalNewton(group_parts), Logistic(), L1(), {}),
        (SmallNewton(), SquaredError(), L1(), {}),
        (SmallNewton(), Logistic(), L1(factors=[0, *[1] * 7], lower=0), {}),
        (SmallNewton(), Multinomial(), MCP(), {}),
    ],
    ids=repr,
)
def test_an_engine_refuses_what_it_is_not_made_for(
    engine: Solver, loss: Loss, penalty: Penalty, options: dict[str, bool]
) -> None:
    X, y, s = table(23)
    problem = problem_of(X, (y > 0).astype(float), s, loss, penalty, **options)
    with pytest.raises(TypeError):
        engine.paths(problem, s[None], 3)


@pytest.mark.parametrize(
    "name", ["moments", "working-set", "coordinate-descent", "newton", "proximal-gradient"]
)
def test_a_forced_engine_finds_the_same_path(name: str) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 8))
    y = X @ rng.normal(size=8) + rng.normal(size=60)
    options: dict[str, Any] = {"penalty": ENET, "lambdas": [0.5, 0.1, 0.02], "tol": 1e-10}
    forced = taut.fit_path(X, y, solver=name, **options)
    np.testing.assert_allclose(forced.coefs, taut.fit_path(X, y, **options).coefs, atol=1e-5)
    assert all(certificate.met for certificate in forced.certificates)


def test_an_engine_that_cannot_or_does_not_exist_says_so() -> None:
    X, y = np.eye(4), np.arange(4.0)
    with pytest.raises(TypeError, match="L2 alone"):
        taut.fit_path(X, y, solver="rotated-ridge")
    with pytest.raises(ValueError, match="solver must be one of moments, working-set"):
        taut.fit_path(X, y, solver="saga")


def test_ridges_of_classes_form_no_hessian_where_it_is_large_or_columns_are_sparse() -> None:
    rng = np.random.default_rng(0)

    def engine(n: int, p: int, classes: int = 2, sparse: bool = False) -> type:
        X, y = rng.normal(size=(n, p)), rng.integers(0, classes, n).astype(float)
        loss = Logistic() if classes == 2 else Multinomial()
        problem = problem_of(X, y, np.full(n, 1 / n), loss, L2())
        return type(solver_for(replace(problem, matrix=as_matrix(sp.csr_array(X))) if sparse else problem))

    assert engine(400, 300) is engine(300, 300, 9) is RidgeNewton
    assert engine(20_000, 60) is engine(3_000, 100, 20) is ProximalNewton
    assert engine(300, 400) is RotatedRidge
    assert engine(300, 400, sparse=True) is RidgeNewton
