"""Random numerical problems end well (scripts/numeric_fuzz is the long run), and the fuzzer itself finds what it should."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scripts import fuzz
from scripts.numeric_fuzz import calls, run
from scripts.numeric_fuzz.bound import distances, lower_bound
from scripts.numeric_fuzz.calls import called
from scripts.numeric_fuzz.case import Case
from scripts.numeric_fuzz.draws import drawn
from scripts.numeric_fuzz.existence import attained
from scripts.numeric_fuzz.extended import EXTENDED
from scripts.numeric_fuzz.judge import judged
from scripts.numeric_fuzz.problems import LAYOUTS, Problem, Shape
from scripts.numeric_fuzz.reference import minimised

import taut
from taut.solvers.base import Certificate

SEED, PER_TEST = 20, 30
pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > EXTENDED, reason="the reference needs a long double of 64 binary digits"
)


@pytest.mark.parametrize("first", range(0, 300, PER_TEST))
def test_random_problems_have_no_findings(first: int) -> None:
    total = run.Tally()
    for index in range(first, first + PER_TEST):
        total.add(run.guarded(SEED, index))
    assert not total.rows, "\n".join(row.line(SEED) for row in total.rows)


# The reference, where the answer is known.

HADAMARD = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
TARGET = HADAMARD @ np.array([2.0, -0.3, 0.05]) + 7.0
RNG = np.random.default_rng(0)
TALL = RNG.normal(size=(30, 4)) * [1.0, 1e3, 1e-3, 1.0] + [0.0, 5e3, 0.0, 1.0]


def problem(loss: str, shape: Shape, X: Any = HADAMARD, y: Any = TARGET, **options: Any) -> Problem:
    return replace(Problem(np.asarray(X), np.asarray(y), loss, shape, standardize=False), **options)


def solved(asked: Problem, lam: float) -> tuple[Case, np.ndarray]:
    case = Case(asked)
    found = case.best(lam)
    assert found.gap <= case.wanted()
    return case, found.theta.astype(float)


def test_lasso_on_orthonormal_columns_is_soft_thresholding() -> None:
    theta = solved(problem("squared", Shape("l1", 1.0)), 0.2)[1]
    np.testing.assert_allclose(theta[:, 0], [1.9, -0.2, 0.0, 0.0], atol=1e-14)
    assert theta[2, 0] == 0.0


def test_ridge_on_orthonormal_columns_divides() -> None:
    theta = solved(problem("squared", Shape("l2", second=1.0)), 0.2)[1]
    np.testing.assert_allclose(theta[:3, 0], np.array([2.0, -0.3, 0.05]) / 1.2, rtol=1e-14)


def test_a_group_on_orthonormal_columns_shrinks_as_one() -> None:
    theta = solved(problem("squared", Shape("group", 1.0, labels=np.zeros(3, int))), 0.5)[1]
    w = np.array([2.0, -0.3, 0.05])
    np.testing.assert_allclose(theta[:3, 0], w * (1 - 0.5 * np.sqrt(3) / 2 / np.linalg.norm(w)), rtol=1e-13)
    assert not solved(problem("squared", Shape("group", 1.0, labels=np.zeros(3, int))), 5.0)[1][:3].any()


def test_a_box_holds_a_coefficient_and_lets_the_others_be() -> None:
    shape = Shape("l1", 1.0, upper=np.array([1.5, np.inf, 0.0]))
    np.testing.assert_allclose(
        solved(problem("squared", shape), 0.02)[1][:, 0], [1.5, -0.29, 0.0, 0.0], atol=1e-14
    )


def test_without_a_penalty_it_is_least_squares() -> None:
    y = TALL @ [1.0, 2e-3, 3e3, -1.0] + RNG.normal(size=30)
    case, theta = solved(problem("squared", Shape("l1", 1.0), TALL, y), 0.0)
    design = np.column_stack([TALL - TALL.mean(axis=0), np.ones(30)])
    np.testing.assert_allclose(
        theta[:, 0], np.linalg.lstsq(design, y - y.mean(), rcond=None)[0], rtol=1e-7, atol=1e-9
    )
    assert abs(case.null.value - y.var()) <= 1e-14 * y.var()


def test_an_intercept_alone_has_the_log_odds_the_shares_and_the_log_of_the_rate() -> None:
    labels, shape = np.array([0.0, 0.0, 0.0, 1.0]), Shape("l1", 1.0)
    theta = solved(problem("logistic", shape, y=labels), 10.0)[1]
    np.testing.assert_allclose(theta[-1], np.log(1 / 3), rtol=1e-15)
    codes = np.array([0.0, 1.0, 2.0, 2.0])
    theta = solved(problem("multinomial", shape, y=codes), 10.0)[1]
    np.testing.assert_allclose(theta[-1, 2] - theta[-1, :2], np.log([2.0, 2.0]), rtol=1e-15)
    offset, counts = np.array([-300.0, 5.0, 400.0, 0.0]), np.array([0.0, 2.0, 7.0, 1.0])
    theta = solved(problem("poisson", shape, y=counts, offset=offset), 1e9)[1]
    np.testing.assert_allclose(theta[-1], np.log(10.0) - np.logaddexp.reduce(offset), rtol=1e-15)


def test_huber_location_has_a_gradient_of_zero() -> None:
    y = np.array([0.0, 1.0, 2.0, 50.0])
    theta = solved(problem("huber", Shape("l1", 1.0), y=y, delta=1.0), 1e3)[1]
    np.testing.assert_allclose(theta[-1, 0] + y.mean(), 1.5, rtol=1e-14)  # clipped residuals 1, 1/2, -1/2, -1


@pytest.mark.parametrize("first", [0, 40])
def test_its_bound_is_below_whatever_is_tried_and_next_to_what_it_finds(first: int) -> None:
    """Weak duality is what makes the bound a bound: no point in the box is below it."""
    proved = tried = 0
    with np.errstate(all="ignore"):
        for index in range(first, first + 40):
            case = Case(drawn(SEED, index))
            if not case.problem.shape.convex:
                continue
            lam = 0.1 * case.top or 1.0
            task, rng = case.scaled.task(lam), np.random.default_rng(index)
            if not case.exists(lam):
                continue
            found = case.best(lam)
            tried, proved = tried + 1, proved + (found.gap <= 1e-10 * case.size)
            for scale in (1e-6, 1e-3, 1.0):
                point = task.clipped(found.theta + scale * rng.normal(size=task.shape))
                assert lower_bound(task, point) <= float(found.value) + 1e-14 * case.size
                assert found.bound <= float(task.objective(point)) + 1e-14 * case.size
    assert proved >= 0.9 * tried > 5


@pytest.mark.parametrize(
    ("shape", "images"),
    [
        (Shape("scad", 1.0, gamma=3.7), [0.5, 3.05 / 1.7, 5.0]),
        (Shape("mcp", 1.0, gamma=3.0), [0.75, 2.25, 5.0]),
    ],
)
def test_concave_penalties_map_as_published_on_orthonormal_columns(shape: Shape, images: list[float]) -> None:
    """Fan and Li 2001, eq. 2.8, and Zhang 2010, eq. 2.6, at a threshold of 1: γ is measured in the loss's curvature."""
    asked = problem("squared", shape, y=HADAMARD @ [1.5, 2.5, 5.0])
    task = Case(asked).scaled.task(2.0)  # (w - z)² has twice the curvature of (w - z)²/2
    theta = np.array([*images, 0.0], dtype=np.longdouble)[:, None]
    assert distances(task, theta, task.gradient(theta)).max() < 1e-14
    for j in range(3):
        step = np.zeros_like(theta)
        step[j] = 1e-6
        slope = (task.penalty(theta + step) - task.penalty(theta - step)) / 2e-6
        assert abs(slope + task.gradient(theta)[j, 0]) < 1e-9
    likelihood = Case(replace(asked, loss="logistic", y=np.array([0.0, 1.0, 0.0, 1.0]))).scaled.task(2.0)
    assert likelihood.concave is not None
    assert likelihood.concave.c == 1.0


def test_a_start_at_the_far_end_leads_to_the_same_minimum() -> None:
    case = Case(problem("logistic", Shape("l1", 1.0), TALL, (np.arange(30) % 3 == 0) * 1.0, standardize=True))
    task, here = case.scaled.task(0.01), case.best(0.01)
    far = minimised(task, [np.full(task.shape, np.longdouble(40))], 1e-15)
    np.testing.assert_allclose(far.theta.astype(float), here.theta.astype(float), atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "y", "exists"),
    [
        ("logistic", [0, 0, 0, 1, 1, 1], False),
        ("logistic", [0, 1, 0, 1, 0, 1], True),
        ("logistic", [0, 0, 0.5, 1, 1, 1], False),
        ("logistic", [0, 0.2, 0.5, 1, 1, 1], True),
        ("logistic", [0.1, 0.2, 0.5, 1, 1, 0], True),
        ("multinomial", [0, 0, 1, 1, 2, 2], False),
        ("multinomial", [0, 1, 2, 0, 1, 2], True),
        ("poisson", [0, 0, 0, 0, 0, 0], False),
        ("poisson", [0, 0, 0, 0, 0, 5], False),
        ("poisson", [1, 0, 3, 0, 0, 5], True),
        ("huber", [0, 0, 0, 1, 1, 1], True),
    ],
)
def test_separation_is_seen(loss: str, y: list[float], exists: bool) -> None:
    asked = problem(loss, Shape("l1", 1.0), np.arange(6.0)[:, None], np.array(y, dtype=float))
    task = Case(asked).scaled.task(0.0)
    assert attained(task, task.unpenalised, loss) is exists
    # Bounds on both sides leave the intercept alone, which only an all-zero count drives away.
    box = Shape("l1", 1.0, lower=np.array([-1.0]), upper=np.array([1.0]))
    held = Case(replace(asked, shape=box)).scaled.task(0.0)
    assert attained(held, held.unpenalised, loss) is (loss != "poisson" or any(y))


# The judge, on planted faults.

PLAIN = problem(
    "squared", Shape("l1", 1.0, factors=np.array([1.0, 0.0, 1.0, 1.0]), upper=np.array([np.inf, np.inf, 2e3, np.inf])),
    RNG.normal(size=(30, 4)) * [1.0, 10.0, 1e-3, 1.0], None, standardize=True, tol=1e-8,
)  # fmt: skip
PLAIN = replace(PLAIN, y=PLAIN.X @ [1.0, 0.1, 3e3, 0.0] + RNG.normal(size=30))


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


# Calls and runs.


def test_a_call_that_takes_too_long_or_warns_or_fails_is_a_finding() -> None:
    def endless() -> None:
        for _ in itertools.count():
            pass

    def failing(error: Exception) -> Callable[[], None]:
        def fails() -> None:
            raise error

        return fails

    assert [f.kind for f in called(endless, limit=0.2).findings] == ["slow"]
    assert [f.kind for f in called(lambda: np.float64(1.0) / np.zeros(2)).findings] == ["warning"]
    assert called(lambda: warnings.warn("tell", UserWarning, stacklevel=1)).findings == []
    for error in (
        KeyError("a"),
        np.linalg.LinAlgError("b"),
        ValueError("not taut's own"),
        ZeroDivisionError(),
    ):
        assert [f.kind for f in called(failing(error)).findings] == ["exception"]
    refused = called(lambda: taut.fit_path(np.ones((3, 1)), np.ones(2)))
    assert refused.findings == []
    assert refused.refusal.startswith("ValueError")
    assert called(lambda: 3).result == 3


def test_a_problem_is_its_number(tmp_path: Any) -> None:
    assert {drawn(1, index).layout for index in range(60)} == set(LAYOUTS)
    for index in range(12):
        one, two = drawn(3, index), drawn(3, index)
        assert one.told() == two.told()
        np.testing.assert_array_equal(one.X, two.X)
        np.testing.assert_array_equal(one.y, two.y)
        stored = one.stored(str(tmp_path))
        stored = stored.toarray() if hasattr(stored, "toarray") else np.asarray(stored, dtype=np.float64)
        np.testing.assert_array_equal(stored, one.X)
    assert drawn(3, 1).told() != drawn(4, 1).told()


def test_the_command_line_tells_what_was_tried(capsys: pytest.CaptureFixture[str]) -> None:
    code = fuzz.main(["numeric", "--count", "3", "--seed", "7"])
    told = capsys.readouterr().out
    assert code in (0, 1)
    assert "problems: 3" in told
    assert "findings: " in told
    fuzz.main(["numeric", "--only", "2", "--seed", "7"])
    assert drawn(7, 2).told() in capsys.readouterr().out


def test_workers_try_the_same_problems(capsys: pytest.CaptureFixture[str]) -> None:
    alone = run.run(11, range(6), 1, 60.0)
    shared = run.run(11, range(6), 2, 60.0)
    assert shared.counts == alone.counts
    assert sorted(shared.rows) == sorted(alone.rows)


def test_a_fault_of_the_fuzzer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("reference")

    monkeypatch.setattr(run, "tried", fails)
    assert [row.finding.kind for row in run.guarded(1, 1).rows] == ["fuzzer"]


def test_the_limit_of_a_call_is_a_few_seconds() -> None:
    assert calls.LIMIT == 5.0
