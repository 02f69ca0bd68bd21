"""The compiled kernels against slow definitions: grid searches, brute-force duals, plain products."""

from __future__ import annotations

import gc
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from taut.losses import Logistic, Multinomial, Poisson, RowwiseLoss
from taut.penalties import L1, MCP, SCAD, ElasticNet
from taut.solvers._kernels import compile, descent, face, quadratic
from taut.solvers._kernels import small_newton as classes
from taut.solvers._kernels.float64 import exponential, logarithm
from taut.solvers._kernels.newton import dual_penalty, into_units, penalty_sum, update
from taut.solvers._kernels.screen import correlate_dense, correlate_sparse, find_missed
from taut.solvers._kernels.segment import walk
from taut.solvers._kernels.sparse_products import add_sparse_columns, correlate_columns, sparse_products
from taut.solvers.groups.eigenbases import GroupBases
from taut.solvers.problem.rows import LogisticRows, rows_of

Float = NDArray[np.float64]
INF = float("inf")


class Small(NamedTuple):
    """min ½‖Aw − b‖² + Σρ(w) with its products and a table (4, m) of l1, l2, lower, upper."""

    A: Float
    b: Float
    rho: Float

    @property
    def H(self) -> Float:
        return np.ascontiguousarray(self.A.T @ self.A)

    @property
    def c(self) -> Float:
        return self.A.T @ self.b

    @property
    def bb(self) -> float:
        return float(self.b @ self.b)

    def q(self, w: Float) -> Float:
        return self.c - self.H @ w

    def objective(self, w: Float, knee: float = 0.0, flat: float = INF) -> float:
        rows = zip(w, *self.rho[:2], strict=True)
        residual = self.A @ w - self.b
        penalty = sum(quadratic.magnitude(x, l1, l2, knee, flat) for x, l1, l2 in rows if x != 0.0)
        return 0.5 * float(residual @ residual) + penalty


def small(rng: np.random.Generator, rows: int = 12, m: int = 5, boxed: bool = True) -> Small:
    A = rng.normal(size=(rows, m)) @ (np.eye(m) + 0.4 * rng.normal(size=(m, m)))
    rho = np.empty((4, m))
    rho[0] = rng.choice([0.0, 0.5, 2.0], size=m)
    rho[1] = np.where(rho[0] == 0.0, 0.7, rng.choice([0.0, 0.3], size=m))
    rho[2] = rng.choice([-INF, -0.4, 0.0], size=m) if boxed else -INF
    rho[3] = rng.choice([INF, 0.4, 0.0], size=m, p=[0.5, 0.3, 0.2]) if boxed else INF
    return Small(A, rng.normal(size=rows) * 2.0, rho)


def inside(rng: np.random.Generator, problem: Small) -> Float:
    w = rng.normal(size=problem.c.size) * (rng.uniform(size=problem.c.size) < 0.7)
    return np.clip(w, problem.rho[2], problem.rho[3])


seeds = st.integers(0, 2**32 - 1)


KNOTS = {"quadratic": (0.0, INF), "MCP": (0.0, 3.0), "SCAD": (1.0, 3.7), "SCAD, c = 2": (0.5, 1.85)}


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


@settings(max_examples=40)
@given(seed=seeds, shape=st.sampled_from(sorted(KNOTS)))
def test_epochs_and_extrapolation_never_go_uphill(seed: int, shape: str) -> None:
    """Objective after every epoch and after every Anderson step; q is kept up to date."""
    rng = np.random.default_rng(seed)
    knee, flat = KNOTS[shape]
    problem = small(rng, boxed=flat == INF)
    if flat < INF:
        problem.rho[1] = 0.0
    H, c, w = problem.H, problem.c, inside(rng, problem)
    q, past, values = problem.q(w), np.empty((descent.DEPTH + 1, 5)), [problem.objective(w, knee, flat)]
    for count in range(24):
        quadratic.epoch(H, w, q, problem.rho, knee, flat)
        values.append(problem.objective(w, knee, flat))
        past[count % 6] = w
        if count % 6 == 5:
            moved = descent.extrapolate(H, c, past, w, q, problem.rho, knee, flat)
            values.append(problem.objective(w, knee, flat))
            assert not moved or values[-1] < values[-2] + 1e-12
        np.testing.assert_allclose(q, problem.q(w), atol=1e-10)
        assert np.all((w >= problem.rho[2]) & (w <= problem.rho[3]))
    assert np.all(np.diff(values) <= 1e-12 * (1 + np.abs(values[0])))


def test_extrapolation_shortens_a_slow_descent() -> None:
    """On a badly conditioned problem it must be accepted, and leave a far smaller gap than plain epochs do."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(40, 1))
    problem = Small(base + 0.15 * rng.normal(size=(40, 8)), rng.normal(size=40), np.zeros((4, 8)))
    problem.rho[0], problem.rho[2], problem.rho[3] = 1e-3, -INF, INF
    plain, plain_q, epochs = np.zeros(8), problem.c.copy(), descent.PATIENCE - 1
    for _ in range(epochs):
        quadratic.epoch(problem.H, plain, plain_q, problem.rho, 0.0, INF)
    fast, fast_q = np.zeros(8), problem.c.copy()
    descent.descend(problem.H, problem.c, problem.bb, fast, fast_q, problem.rho, 0.0, INF, 0.0, epochs)
    gaps = [
        quadratic.quadratic_gap(w, problem.q(w), problem.c, problem.bb, problem.rho) for w in (plain, fast)
    ]
    assert gaps[1] < 1e-3 * gaps[0]


@settings(max_examples=60)
@given(seed=seeds)
def test_a_look_at_the_face_ends_lower_and_inside_at_its_minimum(seed: int) -> None:
    """From anywhere F falls, nothing leaves the box or changes its sign, and where the face kept all it has no slope."""
    rng = np.random.default_rng(seed)
    problem = small(rng)
    start = inside(rng, problem)
    w, q = start.copy(), problem.q(start)
    descent.to_face(problem.H, problem.c, w, q, problem.rho, 0.0, np.inf)
    np.testing.assert_allclose(q, problem.q(w), atol=1e-10)
    assert problem.objective(w) <= problem.objective(start)
    assert np.all((w >= problem.rho[2]) & (w <= problem.rho[3]))
    assert np.all((w * start >= 0.0) | (problem.rho[0] == 0.0))
    index, slope = np.empty(5, np.int64), np.empty(5)
    count = face.face(w, q, problem.rho, 0, index, slope)
    np.testing.assert_allclose(slope[:count], 0.0, atol=1e-9)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("l1", [0.0, 1e-4])
def test_columns_that_depend_on_each_other_cost_few_epochs(single: bool, l1: float) -> None:
    """Three directions make 60 nearly dependent columns; scipy's active sets solve the same on an augmented system."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 60)) + 1e-2 * rng.normal(size=(80, 60))
    rho = np.zeros((4, 60))
    rho[0], rho[1], rho[3] = l1, 1e-5, INF
    problem = Small(A, A @ rng.uniform(size=60) + rng.normal(size=80), rho)
    # ½‖Aw − b‖² + l2‖w‖² + l1 Σw on w ≥ 0, the linear term taken into the added rows' target.
    root = np.sqrt(2.0 * rho[1, 0])
    augmented = np.vstack([A, root * np.eye(60)])
    best, _ = scipy.optimize.nnls(augmented, np.append(problem.b, np.full(60, -l1 / root)), maxiter=10_000)
    H = problem.H.astype(np.float32 if single else np.float64)
    w, q = np.zeros(60), problem.c.copy()
    epochs, gap = descent.descend(H, problem.c, problem.bb, w, q, rho, 0.0, INF, 1e-13 * problem.bb, 20_000)
    assert epochs < 3_000
    assert gap <= 1e-13 * problem.bb
    if not single:  # a rounded H has a minimum of its own
        np.testing.assert_allclose(w, best, atol=1e-6 * best.max())


def test_elimination_solves_a_small_system() -> None:
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 5))
    A, x = A @ A.T + np.eye(5), rng.normal(size=5)
    solution = x.copy()
    face.eliminate(A.copy(), solution, 0.0)
    np.testing.assert_allclose(A @ solution, x, atol=1e-12)


@settings(max_examples=20)
@given(seed=seeds, flat=st.sampled_from([INF, 3.0]))
def test_walk_is_each_strength_alone(seed: int, flat: float) -> None:
    """Strong sets, warm starts and extrapolation along λ change no solution and claim no smaller gap than there is."""
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(60, 10)), rng.normal(size=60)
    shape = np.zeros((4, 10))
    shape[0], shape[2], shape[3] = 1.0, rng.choice([-INF, 0.0], size=10), INF
    unit = Small(A / np.sqrt(30.0), (A[:, 0] - A[:, 1] + b) / np.sqrt(30.0), shape)
    lambdas = np.abs(unit.c).max() * np.geomspace(0.9, 0.01, 8)
    coefs, correlations, measures, epochs = np.empty((8, 10)), np.empty((8, 10)), np.empty(8), np.empty(8)
    w, q = np.zeros(10), unit.c.copy()
    walk(unit.H, unit.c, unit.bb, lambdas, lambdas[0], np.zeros(10), w, q, shape, 0.0, flat, 1e-11, 10_000,
         coefs, correlations, measures, epochs)  # fmt: skip
    for lam, coef, correlation, measure in zip(lambdas, coefs, correlations, measures, strict=True):
        rho = shape * np.array([[lam], [lam], [1.0], [1.0]])
        rho[2:] = shape[2:]
        alone, alone_q = np.zeros(10), unit.c.copy()
        descent.descend(unit.H, unit.c, unit.bb, alone, alone_q, rho, 0.0, flat, 1e-11, 10_000)
        np.testing.assert_allclose(coef, alone, atol=1e-5)
        np.testing.assert_allclose(correlation, unit.q(coef), atol=1e-10)
        true = (
            quadratic.largest_distance(coef, correlation, rho, 0.0, flat)
            if flat < INF
            else quadratic.quadratic_gap(coef, correlation, unit.c, unit.bb, rho)
        )
        assert measure == pytest.approx(true, abs=1e-12)
        assert measure <= 1e-11


@pytest.mark.parametrize("half", [False, True])
def test_products_of_sparse_columns(half: bool) -> None:
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(30, 9)) * (rng.random((30, 9)) < 0.3)
    row = rng.normal(size=30) * (rng.random(30) < 0.8)
    right = np.array([7, 0, 4])
    left = right if half else np.array([8, 1, 0, 5])
    at = np.full(9, left.size)
    at[left] = np.arange(left.size)
    by_column, by_row = sp.csc_array(dense), sp.csr_array(dense)
    out, sums = np.zeros((3, left.size + 1)), np.zeros(3)
    layouts = [(X.data, X.indices, X.indptr) for X in (by_column, by_row)]
    sparse_products(*layouts, right, at, row, half, out, sums)
    np.testing.assert_allclose(out[:, :-1], dense[:, right].T @ (row[:, None] * dense[:, left]), atol=1e-13)
    np.testing.assert_allclose(sums, row @ dense[:, right], atol=1e-13)


def test_sparse_columns_times_a_vector() -> None:
    rng = np.random.default_rng(2)
    dense = rng.normal(size=(30, 9)) * (rng.random((30, 9)) < 0.3)
    coef, residual, X = rng.normal(size=9) * (rng.random(9) < 0.5), rng.normal(size=30), sp.csc_array(dense)
    parts, eta, correlations = (X.data, X.indices, X.indptr), np.ones(30), np.empty(5)
    add_sparse_columns(parts, coef, eta)
    np.testing.assert_allclose(eta, 1.0 + dense @ coef, atol=1e-13)
    correlate_columns(parts, residual, 4, correlations)
    np.testing.assert_allclose(correlations, dense[:, 4:].T @ residual, atol=1e-13)


@pytest.mark.parametrize("centred", [True, False])
def test_products_in_units(centred: bool) -> None:
    """Of weighted columns, centred by their own weighted means or by given ones; a column that does not move is 0."""
    rng = np.random.default_rng(3)
    z, row, mean, inverse = rng.normal(size=(20, 4)) + 1.0, rng.random(20), rng.normal(size=4), rng.random(4)
    inverse[2] = 0.0
    left, right = np.array([0, 2, 3]), np.array([1, 0])
    product, sums = (z[:, left].T * row) @ z[:, right], row @ z
    total = row.sum() if centred else -row.sum()
    into_units(
        product, sums[left], sums[right], total, mean[left], mean[right], inverse[left], inverse[right]
    )
    x = (z - (sums / row.sum() if centred else mean)) * inverse
    np.testing.assert_allclose(product, (x[:, left].T * row) @ x[:, right], atol=1e-12)


def test_groups_in_their_bases() -> None:
    """H keeps its eigenvalues, the groups' own blocks become diagonal, and the way back undoes the way there."""
    rng = np.random.default_rng(4)
    A = rng.normal(size=(20, 6))
    H, bases, vector = A.T @ A, GroupBases(), rng.normal(size=6)
    bases.rotate(H, np.array([3, 3, 1, 0, 0, 0]))
    np.testing.assert_array_equal(bases.starts, [0, 2, 3, 6])
    np.testing.assert_allclose(np.linalg.eigvalsh(bases.turned), np.linalg.eigvalsh(H), rtol=1e-5)
    for start, stop in pairwise(bases.starts):
        block = bases.turned[start:stop, start:stop]
        np.testing.assert_allclose(block, np.diag(np.diag(block)), atol=1e-5)
    np.testing.assert_allclose(bases.turn_back(bases.turn(vector)), vector, atol=1e-14)
    np.testing.assert_allclose(bases.turned @ bases.turn(vector), bases.turn(H @ vector), atol=1e-4)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_screening_products(count: int) -> None:
    rng = np.random.default_rng(count)
    X, residuals = rng.normal(size=(50, 7)), rng.normal(size=(50, count))
    single, out = X.astype(np.float32), np.empty((count, 7), dtype=np.float32)
    columns, rows = np.ascontiguousarray(single.T), np.ascontiguousarray(residuals.T.astype(np.float32))
    correlate_dense(columns, rows, out)
    np.testing.assert_allclose(out, residuals.T @ X, atol=1e-4)
    sparse = sp.csc_array(X * (np.abs(X) > 0.8) * (np.arange(7) != 2))
    padded = np.zeros((50, 8 * (-(-count // 8))))
    padded[:, :count] = residuals
    for dtype, atol in ((np.float32, 1e-4), (np.float64, 1e-12)):
        found = np.empty((count, 7), dtype)
        correlate_sparse(
            sparse.data.astype(dtype), sparse.indices, sparse.indptr, padded.astype(dtype), found
        )
        np.testing.assert_allclose(found, residuals.T @ sparse, atol=atol)


def test_exponential_to_two_units_in_the_last_place() -> None:
    x = np.concatenate([np.random.default_rng(0).uniform(-708, 709, 10_000), [0.0, -0.0, 1e-300, -708.0]])
    found = x.copy()
    exponential(found, np.empty_like(x))
    np.testing.assert_allclose(found, np.exp(x), rtol=4.5e-16, atol=0)
    beyond = np.array([-1e4, 1e4])
    exponential(beyond, np.empty(2))
    assert 0.0 < beyond[0] < 1e-300
    assert 1e300 < beyond[1] < INF


def test_logarithm_to_two_units_in_the_last_place() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([np.exp(rng.uniform(-700, 700, 10_000)), 1 + rng.uniform(-0.5, 0.5, 10_000), [1.0]])
    found = x.copy()
    logarithm(found, np.empty_like(x))
    np.testing.assert_allclose(found, np.log(x), rtol=4.5e-16, atol=0)
    zero = np.zeros(1)
    logarithm(zero, np.empty(1))
    assert zero[0] == pytest.approx(np.log(np.finfo(float).tiny))


@pytest.fixture
def logistic() -> tuple[LogisticRows, RowwiseLoss, Float]:
    """More rows than a block, classes and fractions, rows that do not count, a predictor with sure rows."""
    rng = np.random.default_rng(1)
    n = 1300
    y = np.where(rng.random(n) < 0.3, rng.random(n), (rng.random(n) < 0.5).astype(float))
    weight = rng.choice([0.0, 1.0, 2.5], size=n)
    compiled, plain = (
        rows_of(Logistic(), y, weight / weight.sum()),
        RowwiseLoss(Logistic(), y, weight / weight.sum()),
    )
    assert isinstance(compiled, LogisticRows)
    return compiled, plain, rng.normal(size=n) * rng.choice([0.1, 3.0, 60.0], size=n)


def test_logistic_rows_are_those_of_the_loss(logistic: tuple[LogisticRows, RowwiseLoss, Float]) -> None:
    compiled, plain, eta = logistic
    (loss, pull), (expected, pulls) = compiled.at(eta), plain.at(eta)
    assert loss == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(pull, pulls, rtol=1e-14, atol=0)


@pytest.mark.parametrize("shrink", [1.0, 0.9, 0.1, 0.0])
def test_logistic_conjugate_is_that_of_the_loss(
    logistic: tuple[LogisticRows, RowwiseLoss, Float], shrink: float
) -> None:
    compiled, plain, eta = logistic
    pull = plain.at(eta)[1]
    assert compiled.conjugate(pull, -shrink) == pytest.approx(plain.conjugate(pull, -shrink), rel=1e-13)


@pytest.mark.parametrize("m", [1, 4, 7])
def test_logistic_step_is_a_product_rows_and_a_product(
    logistic: tuple[LogisticRows, RowwiseLoss, Float], m: int
) -> None:
    compiled, plain, start = logistic
    rng = np.random.default_rng(2)
    X, move = np.asfortranarray(rng.normal(size=(start.size, m))), rng.normal(size=m)
    eta = start.copy()
    loss, pull, correlations = compiled.step(X, move, eta)
    np.testing.assert_allclose(eta, start + X @ move, rtol=1e-12, atol=1e-13)
    expected, pulls = plain.at(start + X @ move)
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(pull, pulls, rtol=1e-10, atol=1e-16)
    np.testing.assert_allclose(correlations, X.T @ pulls, rtol=1e-10, atol=1e-14)


def test_other_losses_take_the_plain_rows() -> None:
    assert isinstance(rows_of(Poisson(), np.ones(2), np.full(2, 0.5)), RowwiseLoss)


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


def test_bfgs_update_meets_the_secant_and_refuses_negative_curvature() -> None:
    rng = np.random.default_rng(4)
    H, move = small(rng).H, rng.normal(size=5)
    change = H @ move * 1.3 + 0.01 * rng.normal(size=5)
    new = H.copy()
    assert update(new, move, change)
    np.testing.assert_allclose(new @ move, change, rtol=1e-10)
    np.testing.assert_allclose(new, new.T, rtol=1e-12)
    kept = new.copy()
    assert not update(new, move, -change)
    np.testing.assert_array_equal(new, kept)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missed_columns_are_those_that_may_pass_their_threshold(dtype: type) -> None:
    rng = np.random.default_rng(6)
    p = 400
    values = rng.normal(size=p).astype(dtype)
    mean, deviation, lengths = (
        rng.normal(size=p),
        rng.uniform(0.5, 2.0, size=p),
        rng.uniform(0.0, 3.0, size=p),
    )
    terms = np.stack([np.full(p, 1.8), np.zeros(p), rng.choice([-INF, 0.0], p), rng.choice([INF, 0.0], p)])
    candidate, size = rng.random(p) < 0.7, np.empty(p)
    signed = (values - 0.3 * mean) / deviation
    margin = 0.1 * lengths / deviation
    expected = candidate & (
        ((signed + margin > 0.9) & (terms[3] > 0)) | ((margin - signed > 0.9) & (terms[2] < 0))
    )
    count = find_missed(values, 0.3, 0.1, lengths, mean, deviation, terms, 0.5, candidate, size)
    np.testing.assert_array_equal(candidate, expected)
    assert count == expected.sum()
    assert 0 < count < p
    np.testing.assert_allclose(size, np.abs(signed))


def test_a_walk_reaches_a_tight_tolerance() -> None:
    rng = np.random.default_rng(7)
    A = rng.normal(size=(60, 30)) @ (np.eye(30) + 0.5 * rng.normal(size=(30, 30)))
    b = rng.normal(size=60)
    H, c, bb = np.ascontiguousarray(A.T @ A), A.T @ b, float(b @ b)
    rho = np.stack([np.ones(30), np.zeros(30), np.full(30, -INF), np.full(30, INF)])
    lambdas = np.abs(c).max() * np.geomspace(0.5, 0.01, 8)
    out = [np.empty((8, 30)), np.empty((8, 30)), np.empty(8), np.empty(8)]
    walk(
        H,
        c,
        bb,
        lambdas,
        np.abs(c).max(),
        np.zeros(30),
        np.zeros(30),
        c.copy(),
        rho,
        0,
        INF,
        1e-13 * bb,
        20_000,
        *out,
    )
    assert (out[2] <= 1e-13 * bb).all()
    for lam, w in zip(lambdas, out[0], strict=True):
        q = c - H @ w
        assert np.abs(q).max() <= lam * (1 + 1e-9)
        np.testing.assert_allclose(q[w != 0], lam * np.sign(w[w != 0]), rtol=1e-6)


# ---- small tables: the quadratic to the last digits, and what a Newton step is made of ----------------------


@given(seed=st.integers(0, 2**16), boxed=st.booleans(), flat=st.booleans())
def test_the_face_solver_finds_the_minimum(seed: int, boxed: bool, flat: bool) -> None:
    """No coordinate is further from its own optimum than rounding; copies of a column leave flat directions."""
    rng = np.random.default_rng(seed)
    case = small(rng, m=6, boxed=boxed)
    if flat:
        case.A[:, 3:] = case.A[:, :3]
    w, q = np.zeros(6), case.c.copy()
    face.minimise(case.H, 0, w, q, case.rho, 1e-12, 1000)
    np.testing.assert_allclose(q, case.q(w), atol=1e-8 * np.abs(case.c).max())
    np.testing.assert_array_equal(w, np.clip(w, case.rho[2], case.rho[3]))
    worst = quadratic.largest_distance(w, case.q(w), case.rho, 0.0, INF)
    assert worst <= 1e-8 * np.abs(case.c).max()


def test_elimination_goes_nowhere_along_flat_directions_without_a_slope() -> None:
    rng = np.random.default_rng(0)
    B = rng.normal(size=(5, 8))
    A, x = B @ B.T, rng.normal(size=5)
    found = x.copy()
    face.eliminate(A.copy(), found, face.FLAT)
    np.testing.assert_allclose(found, np.linalg.solve(A, x), rtol=1e-9)
    twice = np.block([[A, A], [A, A]])
    flat = np.concatenate([x, x])
    face.eliminate(twice.copy(), flat, face.FLAT)
    np.testing.assert_allclose(twice @ flat, np.concatenate([x, x]), atol=1e-5)


def class_point(k: int, seed: int = 0) -> tuple[Float, ...]:
    """Z with a row of ones, targets, weights, offsets and coefficients (k·m,)."""
    rng = np.random.default_rng(seed)
    Z = np.concatenate([np.ones((1, 30)), rng.normal(size=(3, 30))])
    y = rng.integers(0, max(k, 2), 30)
    target = np.ascontiguousarray((y == np.arange(k)[:, None]) * 1.0)
    s = rng.uniform(0.5, 1.5, 30)
    return Z, target, s / s.sum(), 0.3 * rng.normal(size=(k, 30)), 0.5 * rng.normal(size=k * 4)


def loss_and_pull(k: int, point: tuple[Float, ...], theta: Float, first: int) -> tuple[float, Float, Float]:
    """L and pulls where ``arrive`` comes to, and the coefficients there."""
    Z, target, s, base, _ = point
    eta, pull, theta = np.empty_like(target), np.empty_like(target), theta.copy()
    return classes.arrive(Z, target, s, base, first, theta, eta, pull), pull, theta


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_rows_of_small_tables_are_those_of_the_losses(k: int) -> None:
    point = class_point(k)
    Z, target, s, base, theta = point
    loss, pull, _ = loss_and_pull(k, point, theta, 0)
    eta = base + theta.reshape(k, 4) @ Z
    definition, y = (Logistic(), target[0]) if k == 1 else (Multinomial(), target.T)
    eta = eta[0] if k == 1 else eta.T
    assert loss == pytest.approx(float(s @ definition.pointwise(eta, y)), rel=1e-13)
    slope = np.asarray(definition.derivative(eta, y)).reshape(30, k)
    np.testing.assert_allclose(pull, -(s[:, None] * slope).T, atol=1e-15)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_intercepts_arrive_at_their_optimum(k: int) -> None:
    """From where every row is sure of the wrong class, too."""
    point = class_point(k)
    far = point[4].reshape(k, 4) + np.array([40.0, 0.0, 0.0, 0.0]) * (-1.0) ** np.arange(k)[:, None]
    _, pull, _ = loss_and_pull(k, point, far.ravel(), 1)
    np.testing.assert_allclose(pull.sum(axis=1), 0.0, atol=1e-14)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_hessian_of_small_tables_is_a_derivative(k: int) -> None:
    """Of the gradient by the coefficients, the intercepts following."""
    point = class_point(k)
    Z, target, s, *_ = point
    _, pull, theta = loss_and_pull(k, point, point[4], 1)
    lead = max(k - 1, 1)
    index = np.array([*(4 * c for c in range(lead)), *(j for j in range(4 * k) if j % 4)])
    H = classes.hessian(Z, target, s, pull, index, lead)[lead:, lead:]
    step, pairs = 1e-5, index[lead:]
    numerical = np.empty_like(H)
    for row, j in zip(numerical, pairs, strict=True):
        ends = [loss_and_pull(k, point, theta + sign * step * np.eye(4 * k)[j], 1)[1] for sign in (1, -1)]
        row[:] = ((ends[1] - ends[0]) @ Z.T).ravel()[pairs] / (2.0 * step)
    np.testing.assert_allclose(H, numerical, atol=1e-8)


@pytest.mark.parametrize("k", [1, 3])
def test_the_gap_of_small_tables_is_primal_minus_dual(k: int) -> None:
    point = class_point(k)
    Z, target, s, base, _ = point
    loss, pull, theta = loss_and_pull(k, point, point[4], 1)
    lam, q = 0.02, np.empty(4 * k)
    rho = np.tile(np.array([[0.0, lam, lam, lam], [0.0] * 4, [-INF] * 4, [INF] * 4]), (1, k))
    gap = classes.look(Z, target, s, base, loss, theta, pull, rho, q)
    np.testing.assert_allclose(q, (pull @ Z.T).ravel(), atol=1e-15)
    penalised = np.arange(4 * k) % 4 != 0
    shrink = min(1.0, lam / np.abs(q[penalised]).max())
    definition, y = (Logistic(), target[0]) if k == 1 else (Multinomial(), target.T)
    slopes = -(shrink * pull / s)
    conjugate = definition.conjugate(slopes[0] if k == 1 else slopes.T, y)
    dual = -float(s @ np.asarray(conjugate)) - shrink * float(np.vdot(pull, base))
    assert gap == pytest.approx(loss + float(L1(lam).value(theta[penalised])) - dual, rel=1e-12)


@pytest.mark.parametrize("enabled", [True, False])
def test_compiling_leaves_the_collector_as_it_was(enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(gc, "disable", lambda: seen.append("off"))
    monkeypatch.setattr(gc, "enable", lambda: seen.append("on"))
    monkeypatch.setattr(gc, "isenabled", lambda: enabled)

    def fails(x: float) -> float:
        return x.no_such_attribute  # type: ignore[attr-defined, no-any-return]

    # What cannot be compiled is never found in the cache.
    with pytest.raises(Exception, match="no_such_attribute"):
        compile()(fails)(1.0)
    assert seen == (["off", "on"] if enabled else ["off"])
