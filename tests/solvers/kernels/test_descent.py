"""Coordinate descent: epochs, extrapolation, faces, elimination, and whole walks over strengths."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from taut.solvers._kernels import compile, descent, face, quadratic
from taut.solvers._kernels.newton import update
from taut.solvers._kernels.screen import find_missed
from taut.solvers._kernels.segment import walk
from tests.solvers.kernels.coordinates import INF, KNOTS, Small, inside, seeds, small


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
