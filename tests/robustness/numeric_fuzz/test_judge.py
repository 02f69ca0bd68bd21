"""The fuzzer finds what it should: every fault that is planted is a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import taut
from scripts.numeric_fuzz.case import Case
from scripts.numeric_fuzz.extended import EXTENDED
from scripts.numeric_fuzz.judge import judged
from scripts.numeric_fuzz.problems import Problem, Shape
from taut.solvers.base import Certificate
from tests.robustness.numeric_fuzz.problems import PLAIN, RNG, problem

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > EXTENDED, reason="the reference needs a long double of 64 binary digits"
)


def answered(asked: Problem, lambdas: list[float]) -> SimpleNamespace:
    path = taut.fit_path(asked.X, asked.y, lambdas=lambdas, **asked.options())
    names = ("lambdas", "coefs", "intercepts", "losses", "penalties")
    arrays = {name: np.array(getattr(path, name)) for name in names}
    rest = {name: getattr(path, name) for name in ("null_loss", "saturated_loss", "certificates")}
    return SimpleNamespace(**arrays, **rest)


def kinds(asked: Problem, path: Any) -> set[str]:
    return {finding.kind for finding in judged(Case(asked), path)}


def moved(name: str, place: Any, by: float) -> Callable[[SimpleNamespace], None]:
    def plant(path: SimpleNamespace) -> None:
        getattr(path, name)[place] += by

    return plant


def certified(value: float, note: str = "") -> Callable[[SimpleNamespace], None]:
    def plant(path: SimpleNamespace) -> None:
        old = path.certificates[0]
        path.certificates = (Certificate(old.measure, value, old.tol, note), *path.certificates[1:])

    return plant


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (moved("coefs", (0, 0), 1e-2), {"not solved", "told loss", "told penalty"}),
        (moved("coefs", (0, 0), 1e-3), {"not solved", "told loss", "told penalty"}),
        (moved("coefs", (0, 1), 1e-3), {"not solved", "told loss"}),
        (moved("intercepts", 0, 1e-2), {"not solved", "told loss"}),
        (moved("coefs", (0, 2), 1.0), {"box", "told loss", "told penalty"}),
        (moved("coefs", (0, 3), np.nan), {"not finite"}),
        (moved("losses", 0, 1e-6), {"told loss"}),
        (moved("penalties", 0, 1e-6), {"told penalty"}),
        (certified(np.nan), {"not finite"}),
        (certified(1.0, "does not exist"), {"existence denied"}),
        (lambda path: setattr(path, "null_loss", path.null_loss * 1.001), {"null loss"}),
        (lambda path: setattr(path, "saturated_loss", 0.001), {"saturated loss"}),
    ],
    ids=[
        "coefficient", "coefficient a little", "free coefficient", "intercept", "box", "nan", "told loss",
        "told penalty", "nan certificate", "note", "null loss", "saturated loss",
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(plant: Callable[[SimpleNamespace], None], expected: set[str]) -> None:
    path = answered(PLAIN, [0.05])
    assert path.coefs[0, 2] == 2e3
    assert kinds(PLAIN, path) == set()
    plant(path)
    assert kinds(PLAIN, path) == expected


def test_a_certificate_that_is_too_small_is_found() -> None:
    """Loosely solved and told so it is honest, told to be a tenth of what it is wrong by it is not."""
    asked = replace(PLAIN, tol=1e-1)
    path = answered(asked, [0.05])
    case = Case(asked)
    path.coefs[0, 0] *= 0.95
    scaled, best = case.scaled, case.best(0.05)
    theta = scaled.point(path.coefs[0], path.intercepts[0])
    task = scaled.task(0.05)
    path.losses[0], path.penalties[0] = float(task.data_loss(theta)), float(task.penalty(theta))
    wrong = float(task.objective(theta) - best.value) / case.unit
    assert 1e-6 < wrong < 1e-1
    certified(1.01 * wrong)(path)
    assert kinds(asked, path) == set()
    certified(0.99 * wrong)(path)
    assert kinds(asked, path) == {"optimistic"}


@pytest.mark.parametrize(
    ("place", "by"), [(("coefs", (0, 0)), 1e-4), (("coefs", (0, 1)), 1e-5), (("intercepts", 0), 1e-4)]
)
def test_a_point_that_is_not_stationary_is_found(place: tuple[str, Any], by: float) -> None:
    """For a likelihood, whose concave penalties have no scale of their own."""
    y = (PLAIN.X[:, 0] + RNG.normal(size=30) > 0).astype(float)
    shape = Shape("mcp", 1.0, gamma=3.0, factors=np.array([1.0, 0.0, 1.0, 1.0]))
    asked = replace(PLAIN, loss="logistic", shape=shape, y=y)
    path = answered(asked, [0.05])
    assert kinds(asked, path) == set()
    moved(*place, by)(path)
    assert "not stationary" in kinds(asked, path)


def test_what_has_no_minimum_must_say_so_and_not_be_met() -> None:
    asked = problem("logistic", Shape("l1", 1.0), np.arange(6.0)[:, None], np.repeat([0.0, 1.0], 3))
    path = answered(asked, [0.1])
    path.lambdas[:] = 0.0
    for value, note, expected in (
        (1e-16, "not unique", {"no minimum"}), (1e-16, "does not exist", set()), (1.0, "", {"no minimum"}), (1.0, "does not exist", set()),
        (np.inf, "does not exist", set()),
    ):  # fmt: skip
        certified(value, note)(path)
        assert kinds(asked, path) == expected


def test_an_unpenalised_fit_that_is_not_one_is_found() -> None:
    asked = replace(PLAIN, shape=Shape("l1", 1.0))
    path = answered(asked, [0.0])
    assert kinds(asked, path) == set()
    path.coefs[0, 0] += 0.01
    assert kinds(asked, path) == {"gradient", "told loss", "λ = 0 not solved"}


def test_constant_and_excluded_columns_have_no_coefficient() -> None:
    X = PLAIN.X.copy()
    X[:, 3] = 0.1
    asked = replace(PLAIN, X=X, shape=Shape("l1", 1.0, factors=np.array([1.0, 1.0, np.inf, 0.0])))
    path = answered(asked, [0.05])
    path.coefs[:] = 1e-9
    assert {"constant column", "excluded"} <= kinds(asked, path)
