"""The quadratic model along a coordinate: minimiser, penalty, dual and gap, against grids and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.penalties import MCP, SCAD, ElasticNet
from taut.solvers._kernels import descent, quadratic
from taut.solvers._kernels.newton import dual_penalty, penalty_sum
from tests.solvers.kernels.coordinates import INF, KNOTS, Float, Small, inside, seeds, small


@settings(max_examples=200)
@given(seed=seeds, knee=st.sampled_from([0.0, 0.5, 1.0, 2.0]), concave=st.booleans())
def test_minimiser_beats_a_grid(seed: int, knee: float, concave: bool) -> None:
    """Convex and concave pieces, curvature far below the penalty's concavity, one- and two-sided boxes."""
    rng = np.random.default_rng(seed)
    h, z = float(rng.choice([0.05, 0.2, 0.3, 0.5, 2.0])), float(3.0 * rng.normal())
    l1, l2 = float(rng.choice([0.0, 0.3, 1.0, 2.0])), float(rng.choice([0.0, 0.5])) * (not concave)
    flat = knee + float(rng.choice([0.5, 1.1, 3.0, 3.7, 10.0])) if concave else INF
    lower, upper = float(rng.choice([-INF, -1.0, 0.0])), float(rng.choice([INF, 0.7, 0.0]))
    w = quadratic.minimiser(z, h, l1, l2, lower, upper, knee, flat)

    def value(x: float) -> float:
        return 0.5 * h * x * x - z * x + quadratic.magnitude(x, l1, l2, knee, flat)

    reach = abs(z) / h + 1.0
    grid = np.append(np.linspace(max(lower, -reach), min(upper, reach), 501), 0.0)
    assert lower <= w <= upper
    assert value(w) <= min(value(x) for x in grid.tolist()) + 1e-12


@pytest.mark.parametrize(
    "penalty",
    [MCP(0.7, 3.0), SCAD(0.7, 3.7), SCAD(0.7, 3.7, curvature=2.0), ElasticNet(1.0, 0.7, 0.2)],
    ids=repr,
)
def test_magnitude_is_the_penalty(penalty) -> None:
    table = penalty.table(1)
    for w in np.linspace(-4, 4, 81).tolist():
        value = quadratic.magnitude(w, table.l1[0], table.l2[0], table.knee, table.flat)
        assert value == pytest.approx(float(penalty.value(np.array([w]))), abs=1e-14)


def dual_by_hand(problem: Small, w: Float) -> float:
    """D(a r) for r = b − Aw and the largest a ≤ 1 in the domain: conjugates by a bounded scalar search each."""
    r = problem.b - problem.A @ w
    u = problem.A.T @ r
    endless = (problem.rho[1] == 0.0) & np.isinf(np.where(u > 0, problem.rho[3], problem.rho[2]))
    a = min([1.0, *(problem.rho[0] / np.abs(u))[endless]])
    total = 0.0
    for j, (l1, l2, lower, upper) in enumerate(problem.rho.T):
        low, high = max(lower, -1e3), min(upper, 1e3)
        slope = a * u[j] * (1 - 1e-12 * endless[j])

        def loss(x: float, slope=slope, l1=l1, l2=l2) -> float:
            return l1 * abs(x) + l2 * x * x - slope * x

        candidates = [0.0, low, high]
        if low < high:
            found = scipy.optimize.minimize_scalar(
                loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
            )
            candidates.append(float(found.x))
        total += -min(loss(x) for x in candidates)
    return float(a * r @ problem.b - 0.5 * a * a * r @ r) - total


@settings(max_examples=60)
@given(seed=seeds)
def test_quadratic_gap_is_primal_less_dual(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = small(rng)
    w = inside(rng, problem)
    gap = quadratic.quadratic_gap(w, problem.q(w), problem.c, problem.bb, problem.rho)
    by_hand = problem.objective(w) - dual_by_hand(problem, w)
    assert gap == pytest.approx(by_hand, rel=1e-6, abs=1e-6)
    assert gap >= -1e-12


@settings(max_examples=60)
@given(seed=seeds)
def test_gap_bounds_the_distance_to_the_minimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = small(rng)
    start, best = inside(rng, problem), np.zeros(5)
    q = problem.q(best)
    _, measure = descent.descend(
        problem.H, problem.c, problem.bb, best, q, problem.rho, 0.0, INF, 1e-13, 20_000
    )
    gap = quadratic.quadratic_gap(start, problem.q(start), problem.c, problem.bb, problem.rho)
    assert measure <= 1e-13
    assert problem.objective(start) - problem.objective(best) <= gap + 1e-12


def test_what_pulls_at_a_coordinate_that_nothing_holds_is_in_the_gap() -> None:
    A, b = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([2.0, 1.0])
    problem = Small(A, b, np.array([[0.0, 0.5], [0.0, 0.0], [0.0, -INF], [INF, INF]]))
    away, fitted = np.array([1.0, 0.5]), np.array([2.0, 0.5])
    far = quadratic.quadratic_gap(away, problem.q(away), problem.c, problem.bb, problem.rho)
    assert far >= problem.objective(away) - problem.objective(fitted) > 0.1
    gap = quadratic.quadratic_gap(fitted, problem.q(fitted), problem.c, problem.bb, problem.rho)
    assert gap == pytest.approx(0.0, abs=1e-15)


@settings(max_examples=60)
@given(seed=seeds, kind=st.sampled_from([0, 1, 2]))
def test_largest_distance_is_the_penalty_s_own(seed: int, kind: int) -> None:
    rng = np.random.default_rng(seed)
    box = {"lower": rng.choice([-INF, -0.4, 0.0], size=5), "upper": rng.choice([INF, 0.4], size=5)}
    factors = rng.choice([0.0, 0.5, 1.0, INF], size=5)
    penalty = (ElasticNet(1.0, 0.7, 0.2, factors=factors, **box), MCP(0.7, factors=factors, **box),
               SCAD(0.7, factors=factors, **box))[kind]  # fmt: skip
    table = penalty.table(5)
    w = np.clip(rng.normal(size=5) * (rng.uniform(size=5) < 0.6), table.lower, table.upper)
    q = 2.0 * rng.normal(size=5)
    worst = quadratic.largest_distance(w, q, table.terms(), table.knee, table.flat)
    assert worst == pytest.approx(float(np.max(penalty.distance(w, -q))), abs=1e-12)


@pytest.mark.parametrize(("knee", "flat"), KNOTS.values())
def test_penalty_sum_adds_up_magnitudes(knee: float, flat: float) -> None:
    w, rho = np.array([0.0, 0.4, -2.0, 9.0]), small(np.random.default_rng(3), m=4).rho
    rho[1] = 0.0 if flat < INF else rho[1]
    terms = [quadratic.magnitude(x, *rho[:2, j], knee, flat) for j, x in enumerate(w) if x != 0.0]
    assert penalty_sum(w, rho, knee, flat) == pytest.approx(sum(terms))


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_dual_penalty_is_the_conjugate_where_it_is_finite(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = small(rng)
    q = rng.normal(size=5) * 3
    a, value = dual_penalty(q, problem.rho)
    assert 0.0 < a <= 1.0
    free = (problem.rho[1] == 0.0) & np.isinf(np.where(q > 0, problem.rho[3], -problem.rho[2]))
    assert (np.abs(a * q) <= problem.rho[0] * (1 + 1e-12))[free].all()
    tight = np.abs(a * q) >= problem.rho[0] * (1 - 1e-12)
    assert a == 1.0 or (tight & free).any()
    conjugates = [quadratic.conjugate(0.999999 * a * q[j], *problem.rho[:, j]) for j in range(5)]
    assert value == pytest.approx(sum(conjugates), rel=1e-4, abs=1e-9)
