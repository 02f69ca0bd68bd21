"""Engines agree with each other, start where they are told, and end when they are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import taut
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.penalties import L1, L2, MCP, SCAD, Penalty
from taut.solvers.base import LinearProblem
from taut.solvers.first_order.proximal_gradient import ProximalGradient
from taut.solvers.groups.eigenbases import GroupBases
from taut.solvers.matrix import as_matrix
from taut.solvers.moments.solver import GramPath
from taut.solvers.newton.parts import independent_parts, softmax_parts, squared_parts
from taut.solvers.newton.restricted import RestrictedProblem
from taut.solvers.newton.small_solver import SmallNewton
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.problem.scaling import scale_problem
from taut.solvers.working_set.columns import Columns
from taut.solvers.working_set.solver import WorkingSet
from tests.solvers.problems import ENET, problem_of, response, table


@settings(max_examples=5)
@given(seed=st.integers(0, 2**16), penalty=st.sampled_from([L1(), ENET, MCP(1.0, 6.0), SCAD(1.0, 8.0)]))
def test_engines_agree_on_the_squared_loss(seed: int, penalty: Penalty) -> None:
    """To 1e-6; the concave penalties bend less than this table's Gram matrix, so that the minimum is unique."""
    X, y, s = table(seed)
    X = np.linalg.qr(X - np.average(X, axis=0, weights=s))[0] + 2.0
    problem = problem_of(X, y, s, SquaredError(), penalty, tol=1e-12)
    engines = [
        GramPath(),
        ProximalNewton(squared_parts),
        WorkingSet(),
        ProximalNewton(independent_parts),
        ProximalGradient(),
    ]
    paths = [engine.paths(problem, s[None], 6)[0] for engine in engines]
    for path in paths[1:]:
        np.testing.assert_allclose(path.lambdas, paths[0].lambdas, rtol=1e-9)
        np.testing.assert_allclose(path.coefs, paths[0].coefs, atol=1e-6 * np.abs(paths[0].coefs).max())


@pytest.mark.parametrize("loss", [Logistic(), Poisson(), Huber()], ids=repr)
@pytest.mark.parametrize("penalty", [L1(), ENET], ids=repr)
def test_engines_agree_on_other_losses(loss: Loss, penalty: Penalty) -> None:
    X, eta, s = table(1)
    problem = problem_of(X, response(loss, eta), s, loss, penalty, tol=1e-13)
    engines = [ProximalNewton(independent_parts), WorkingSet(), ProximalGradient()]
    engines += [SmallNewton()] if isinstance(loss, Logistic) else []
    paths = [engine.paths(problem, s[None], 6)[0] for engine in engines]
    for path in paths[1:]:
        np.testing.assert_allclose(path.coefs, paths[0].coefs, atol=1e-6 * np.abs(paths[0].coefs).max())


def test_the_last_digits_are_those_of_coefficients() -> None:
    """A loss that curves little lets a gap of 1e-12 pass at coefficients that differ in the eighth digit."""
    rng = np.random.default_rng(58)
    X, y, times = rng.random((15, 30)), rng.integers(0, 3, 15), rng.integers(1, 4, 15)
    options: dict[str, Any] = {"loss": "multinomial", "tol": 1e-12, "lambdas": np.geomspace(0.1, 2e-5, 60)}
    weighted = taut.fit_path(X, y, sample_weight=times, **options)
    repeated = taut.fit_path(X.repeat(times, axis=0), y.repeat(times), **options)
    np.testing.assert_allclose(weighted.coefs, repeated.coefs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("loss", [SquaredError(), Logistic()], ids=repr)
def test_a_coarse_grid_takes_few_columns_into_use(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between strengths that lie far apart nearly every column comes near; to take them all would need p² numbers."""
    rng = np.random.default_rng(8)
    X, taken, add = rng.normal(size=(60, 20_000)), [], Columns.add
    y = response(loss, 3.0 * X[:, 0] + rng.normal(size=60))
    monkeypatch.setattr(Columns, "add", lambda self, new: (taken.append(new.size), add(self, new))[1])
    path = WorkingSet().paths(problem_of(X, y, np.ones(60), loss, L1(), tol=1e-6), np.ones((1, 60)), 5)[0]
    assert all(certificate.met for certificate in path.certificates)
    assert sum(taken) < 5000


# ---- bounded work -------------------------------------------------------------------------------------------


BOUNDED = (
    (GramPath(), SquaredError(), L1(), 20, False),
    (WorkingSet(), SquaredError(), L1(), 90, False),
    (WorkingSet(), SquaredError(), L1(), 3_000, True),
    (WorkingSet(), Logistic(), L1(), 90, False),
    (ProximalNewton(squared_parts), SquaredError(), L2(lower=0.0), 20, False),
    (ProximalNewton(independent_parts), Logistic(), L2(), 20, False),
    (ProximalNewton(softmax_parts), Multinomial(), L1(), 20, False),
)


def collinear(loss: Loss, p: int, sparse: bool) -> LinearProblem:
    """60 rows whose columns lie near three directions."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) @ rng.normal(size=(3, p)) + 0.2 * rng.normal(size=(60, p))
    if sparse:
        X = sp.csr_array(X * (rng.uniform(size=X.shape) < 0.1))
    y = {SquaredError: rng.normal(size=60), Logistic: np.arange(60) % 2.0, Multinomial: np.arange(60) % 3.0}[
        type(loss)
    ]
    return LinearProblem(as_matrix(X), y, np.ones(60), loss, L1(), tol=1e-10)


@pytest.mark.parametrize(("solver", "loss", "penalty", "p", "sparse"), BOUNDED)
def test_max_iter_bounds_the_iterations_at_every_strength(solver, loss, penalty, p, sparse) -> None:
    """The certificate is that of the coefficients that the bound leaves: a bound further off is never claimed nearer."""
    problem = replace(collinear(loss, p, sparse), penalty=penalty)
    full = solver.paths(problem, problem.weight[None], [0.1, 0.03])[0]
    assert all(certificate.met for certificate in full.certificates)
    assert full.iterations.max() > 2
    short = solver.paths(replace(problem, max_iter=2), problem.weight[None], [0.1, 0.03])[0]
    assert short.iterations.max() <= 2
    assert not short.certificates[-1].met
    for one, best in zip(short.solutions, full.solutions, strict=True):
        above = (one.data_loss + one.penalty) - (best.data_loss + best.penalty)
        unit = full.null_loss - full.saturated_loss
        assert -1e-9 * unit <= above <= one.certificate.value * unit + 1e-12


@pytest.mark.parametrize(("solver", "loss", "penalty", "p", "sparse"), BOUNDED[4:])
def test_a_start_at_the_solution_stays_there(solver, loss, penalty, p, sparse) -> None:
    problem = replace(collinear(loss, p, sparse), penalty=penalty)
    cold = solver.paths(problem, problem.weight[None], [0.03])[0]
    warm = solver.paths(replace(problem, start=cold.coefs[0]), problem.weight[None], [0.03])[0]
    assert warm.iterations[0] <= 1 < cold.iterations[0]
    np.testing.assert_allclose(warm.coefs, cold.coefs, atol=1e-6 * np.abs(cold.coefs).max())


@pytest.mark.parametrize("penalty", [L1(), MCP(), SCAD()], ids=repr)
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_a_goal_below_rounding_ends_the_descent_on_a_squared_loss(
    penalty: Penalty, outputs: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where y is orthogonal to X all gradients are rounding: neither epochs nor steps go on to the most that there may be."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((6, 2)), rng.standard_normal((6, outputs))
    Y -= X @ np.linalg.lstsq(X, Y, rcond=None)[0]
    problem = LinearProblem(
        as_matrix(X),
        Y if outputs > 1 else Y[:, 0],
        np.ones(6),
        SquaredError(),
        penalty,
        fit_intercept=False,
        tol=1e-8,
    )
    unit = scale_problem(problem, np.ones(6)).gradient_unit
    steps, step = [], RestrictedProblem._steps
    monkeypatch.setattr(RestrictedProblem, "_steps", lambda *args: steps.append(1) or step(*args))
    path = ProximalNewton(squared_parts).paths(
        problem, np.ones((1, 6)), [0.9 * unit, 0.3 * unit, 0.01 * unit]
    )[0]
    assert len(steps) < 200
    assert path.iterations.max() < 2_000


def test_the_bases_of_no_group_turn_nothing() -> None:
    """A Hessian has no coordinates where no group comes near its threshold."""
    bases = GroupBases()
    bases.rotate(np.zeros((0, 0)), np.empty(0, dtype=np.intp))
    assert bases.turned.shape == (0, 0)
    assert bases.turn(np.empty(0)).size == bases.turn_back(np.empty(0)).size == 0


def test_a_reference_that_cannot_arrive_ends_and_says_so() -> None:
    """Columns of correlation 1 − 1e-8 and λ near 0: where the last steps' pace leads nowhere, the rest of them are not made."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(30, 1))
    X, y = base + 1e-4 * rng.normal(size=(30, 5)), rng.integers(0, 3, 30)
    path = taut.fit_path(
        X, y, loss="multinomial", penalty="l1", lambdas=[1e-6], tol=1e-10, solver="proximal-gradient"
    )
    assert not path.certificates[0].met
    assert path.certificates[0].note.startswith("tolerance not reached")
    assert path.iterations[0] < 10_000
