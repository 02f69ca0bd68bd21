"""The fuzzer's own solutions, against closed forms and published ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scripts.numeric_fuzz.bound import distances, lower_bound
from scripts.numeric_fuzz.case import Case
from scripts.numeric_fuzz.draws import drawn
from scripts.numeric_fuzz.existence import attained
from scripts.numeric_fuzz.extended import EXTENDED
from scripts.numeric_fuzz.problems import Problem, Shape
from scripts.numeric_fuzz.reference import minimised
from tests.robustness.numeric_fuzz.problems import HADAMARD, RNG, SEED, TALL, problem

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > EXTENDED, reason="the reference needs a long double of 64 binary digits"
)


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
    assert attained(task, task.unpenalized, loss) is exists
    # Bounds on both sides leave the intercept alone, which only an all-zero count drives away.
    box = Shape("l1", 1.0, lower=np.array([-1.0]), upper=np.array([1.0]))
    held = Case(replace(asked, shape=box)).scaled.task(0.0)
    assert attained(held, held.unpenalized, loss) is (loss != "poisson" or any(y))
