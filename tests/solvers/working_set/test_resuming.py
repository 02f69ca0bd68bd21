"""Resume states: from every round of a working-set path the same call goes on to the bits of one that was never cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import taut
from taut.families import as_loss
from taut.path import PathSpec
from taut.solvers.base import CheckpointStore, MemberPath, StoredPart
from taut.solvers.problem.resume import Arrays, stacked, unstacked
from taut.solvers.working_set.solver import WorkingSet

CASES: dict[str, dict[str, Any]] = {
    "squared": {},
    "few columns, all in use": {"shape": (900, 40)},
    "double precision": {"tol": 1e-11},
    "no intercept": {"fit_intercept": False},
    "a coarse grid, columns missed": {"shape": (90, 3000), "lambdas": 6},
    "λ = 0 at the end": {"lambdas": [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.0]},
    "bootstrap": {"bootstrap": True},
    "not convex": {"penalty": taut.MCP(1.0, 3.0)},
    "sparse": {"sparse": True},
    "sparse, entry by entry": {"sparse": True, "shape": (300, 4000)},
    "logistic": {"loss": "logistic"},
    "logistic, tall": {"loss": "logistic", "shape": (900, 40)},
    "logistic, sparse": {"loss": "logistic", "sparse": True},
    "logistic, not convex": {"loss": "logistic", "penalty": taut.SCAD(1.0, 3.7)},
    "poisson": {"loss": "poisson"},
    "huber": {"loss": "huber"},
}


class Memory(CheckpointStore):
    """Keeps every state; begins from ``start``."""

    def __init__(self, start: Arrays | None = None) -> None:
        self.start, self.states, self.kept = start, list[Arrays](), list[str]()

    def call(self) -> str:
        return "1"

    def recall(self, name: str) -> StoredPart | None:
        return StoredPart({}, self.start) if self.start is not None and name == "1-state" else None

    def keep(self, name: str, part: StoredPart) -> None:
        self.kept.append(name)

    def due(self) -> bool:
        return True

    def renew(self, name: str, part: StoredPart) -> None:
        self.states.append({name: array.copy() for name, array in part.arrays.items()})

    def forget(self, name: str) -> None:
        self.kept.append(f"forget {name}")


def rows(
    sparse: bool = False, shape: tuple[int, int] = (90, 400), loss: str = "squared", bootstrap: bool = False
) -> tuple[Any, Any, Any]:
    """X, y and the weights of all rows, and of three folds or draws."""
    rng = np.random.default_rng(4)
    X = sp.random_array(shape, density=0.02, rng=rng, format="csc") if sparse else rng.standard_normal(shape)
    eta = np.asarray(X[:, :20] @ rng.standard_normal(20))
    eta = eta / eta.std() + 0.5 * rng.standard_normal(shape[0])
    y = {"logistic": eta > 0.0, "poisson": rng.poisson(np.exp(eta))}.get(loss, eta)
    weights = np.ones((4, shape[0]))
    for m in range(3):
        weights[m + 1] = rng.multinomial(shape[0], weights[0] / shape[0]) if bootstrap else 1.0
        weights[m + 1, m::3] *= bootstrap
    return X, np.asarray(y, dtype=np.float64), weights


def bits(members: tuple[MemberPath, ...]) -> list[bytes]:
    """Everything but the notes."""
    return [
        np.ascontiguousarray(array).tobytes()
        for m in members
        for array in (
            m.lambdas, m.coefs, m.intercepts, m.standardized_coefs, m.data_losses, m.penalties, m.iterations,
            np.array([c.value for c in m.certificates]), np.array([]) if m.held_out is None else m.held_out,
        )
    ]  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize("case", CASES)
def test_every_round_can_be_gone_on_from(case: str) -> None:
    options = {"loss": "squared", "lambdas": 16} | CASES[case]
    own = {key: options.pop(key) for key in ("sparse", "shape", "bootstrap") if key in options}
    X, y, weights = rows(loss=options["loss"], **own)
    grid, loss = options.pop("lambdas"), as_loss(options.pop("loss"))
    problem = PathSpec(loss, **options).linear_problem(X, y, weights[0])
    solver, whole = WorkingSet(), Memory()
    expected = bits(solver.paths(problem, weights, grid))
    assert bits(solver.paths(problem, weights, grid, None, whole)) == expected
    assert len(whole.states) >= 2
    assert {a.dtype.str for a in whole.states[0].values()} <= {"<f8", "<i8", "|u1"}  # what a checkpoint holds
    for state in whole.states:
        later, shown = Memory(state), list[int]()
        assert bits(solver.paths(problem, weights, grid, shown.append, later)) == expected
        assert len(later.states) < len(whole.states)
        assert later.kept == ["1-0", "1-1", "1-2", "1-3", "forget 1-state"]
        assert sum(shown) == 4 * (grid if isinstance(grid, int) else len(grid))


def test_arrays_of_all_shapes_are_stacked() -> None:
    rng = np.random.default_rng(1)
    shapes = [(0, 0), (2, 3), (0, 4), (5, 1)]
    members = [{"a": rng.standard_normal(shape), "b": np.array(float(i))} for i, shape in enumerate(shapes)]
    for before, after in zip(members, unstacked(stacked(members)), strict=True):
        assert before.keys() == after.keys()
        assert all(np.array_equal(before[k], after[k]) and before[k].shape == after[k].shape for k in before)
