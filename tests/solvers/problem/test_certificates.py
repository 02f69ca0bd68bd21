"""Certificates against their definition, written out longhand with nothing of the library's in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, xlogy

import taut
import taut.families
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso
from taut.solvers.base import Certificate, LinearProblem, Measure
from taut.solvers.matrix import as_matrix
from taut.solvers.problem.certificate import MISSED, certify, relative_gap
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.solvers.problem.scaling import scale_problem

Float = NDArray[np.float64]
INF = float("inf")
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Longhand:
    """A loss: value, slope, saturated value and conjugate of a row, in η without offset."""

    name: str
    value: Callable[[Float, Float], Float]
    slope: Callable[[Float, Float], Float]
    saturated: Callable[[Float], Float]
    conjugate: Callable[[Float, Float], Float]


def entropy(v: Float) -> Float:
    return xlogy(v, v) + xlogy(1 - v, 1 - v)


DELTA = 1.345
LOSSES = [
    Longhand("squared", lambda e, y: (e - y) ** 2, lambda e, y: 2 * (e - y), lambda y: 0 * y,
             lambda u, y: u * y + u**2 / 4),
    Longhand("logistic", lambda e, y: np.logaddexp(0, e) - y * e, lambda e, y: expit(e) - y, lambda y: -entropy(y),
             lambda u, y: entropy(np.clip(u + y, 0, 1))),
    Longhand("poisson", lambda e, y: np.exp(e) - y * e, lambda e, y: np.exp(e) - y, lambda y: y - xlogy(y, y),
             lambda u, y: xlogy(np.maximum(u + y, 0), np.maximum(u + y, 0)) - np.maximum(u + y, 0)),
    Longhand("huber", lambda e, y: np.where(np.abs(e - y) <= DELTA, (e - y) ** 2, 2 * DELTA * np.abs(e - y) - DELTA**2),
             lambda e, y: 2 * np.clip(e - y, -DELTA, DELTA), lambda y: 0 * y, lambda u, y: u * y + u**2 / 4),
]  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A problem on arrays as given, a point of it, and the parts of its penalty: l1|w| + l2 w² on a box."""

    X: Float
    y: Float
    s: Float
    l1: Float
    l2: Float
    lower: Float
    upper: Float
    offset: Float

    @property
    def penalty(self) -> ElasticNet:
        """The same with factors 1: its strengths are the arrays' own."""
        if np.all(self.l2 == 0):
            return L1(1.0, factors=self.l1, lower=self.lower, upper=self.upper)
        return ElasticNet(1.0, 1.0, 0.5, factors=self.l1, lower=self.lower, upper=self.upper)

    def scaled(self, loss: str) -> ScaledProblem:
        problem = LinearProblem(
            as_matrix(self.X), self.y, self.s, taut.families.as_loss(loss), self.penalty, self.offset,
            standardize=False,
        )  # fmt: skip
        return scale_problem(problem, self.s)


def draw(loss: str, seed: int) -> Drawn:
    rng = np.random.default_rng(seed)
    n, p = 25, 6
    X = rng.normal(size=(n, p)) * rng.choice([0.2, 1.0, 5.0], size=p)
    eta = X[:, :2] @ rng.normal(size=2)
    y = {
        "squared": eta + rng.normal(size=n), "huber": eta + rng.standard_t(2, size=n),
        "logistic": np.where(np.arange(n) < 6, np.arange(n) % 2, (eta + rng.logistic(size=n) > 0) * 1.0),
        "poisson": rng.poisson(np.exp(np.clip(eta, -2, 2))) + (np.arange(n) == 0) * 1.0,
    }[loss]  # fmt: skip
    s = rng.uniform(0.2, 2, size=n) * (np.arange(n) % 5 != 4)
    l1 = rng.choice([0.5, 1.0, 2.0], size=p)
    l2 = 0.5 * l1 * rng.integers(2)
    lower, upper = rng.choice([-INF, -0.3, 0.0], size=p), rng.choice([INF, 0.3], size=p)
    return Drawn(X, y, s / s.sum(), l1, l2, lower, upper, 0.3 * rng.normal(size=n) * rng.integers(2))


def best_intercept(loss: Longhand, drawn: Drawn, base: Float) -> float:
    """argmin_b by a bracketed root of the slope: what makes Σθ = 0."""

    def slope(b: float) -> float:
        return float(drawn.s @ loss.slope(base + b, drawn.y))

    return float(scipy.optimize.brentq(slope, -60.0, 60.0, xtol=1e-15, rtol=1e-15))


def gap_by_hand(loss: Longhand, drawn: Drawn, lam: float, w: Float) -> float:
    """F − D at θ = −s∘ℓ'(η), shrunk into the domain of Ω*, relative to null loss − saturated loss."""
    X, y, s = drawn.X, drawn.y, drawn.s
    base = drawn.offset + X @ w
    eta = base + best_intercept(loss, drawn, base)
    theta = -s * loss.slope(eta, y)
    u = X.T @ theta
    l1, l2 = lam * drawn.l1, lam * drawn.l2
    reach = np.where(u > 0, drawn.upper, -drawn.lower)
    hard = (l2 == 0) & np.isinf(reach) & (np.abs(u) > l1)
    a = min(1.0, float(np.min(l1[hard] / np.abs(u[hard]), initial=1.0)))
    excess = np.maximum(a * np.abs(u) - l1, 0.0) * ~hard
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.where(excess > 0, np.minimum(reach, np.where(l2 > 0, excess / (2 * l2), INF)), 0.0)
    at = np.where(excess > 0, at, 0.0)
    rows = s > 0
    slope = -a * theta[rows] / s[rows]
    conjugate = s[rows] @ loss.conjugate(slope, y[rows]) + a * theta[rows] @ drawn.offset[rows]
    dual = -conjugate - np.sum(excess * at - l2 * at**2)
    primal = s @ loss.value(eta, y) + l1 @ np.abs(w) + l2 @ w**2
    null = drawn.offset + best_intercept(loss, drawn, drawn.offset)
    return float((primal - dual) / (s @ loss.value(null, y) - s @ loss.saturated(y)))


def point(drawn: Drawn, seed: int) -> Float:
    rng = np.random.default_rng(seed + 1)
    w = 0.3 * rng.normal(size=drawn.X.shape[1]) * (rng.uniform(size=drawn.X.shape[1]) < 0.6)
    return np.clip(w, drawn.lower, drawn.upper)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@settings(max_examples=40)
@given(seed=seeds, lam=st.sampled_from([0.003, 0.03, 0.3]))
def test_the_gap_is_its_definition(loss: Longhand, seed: int, lam: float) -> None:
    drawn = draw(loss.name, seed)
    w = point(drawn, seed)
    problem = drawn.scaled(loss.name)
    state = problem.polish(problem.state(w, np.zeros(())))
    by_hand = gap_by_hand(loss, drawn, lam, w)
    assert relative_gap(problem, lam, state) == pytest.approx(by_hand, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@settings(max_examples=10)
@given(seed=seeds)
def test_no_point_beats_the_bound(loss: Longhand, seed: int) -> None:
    """F at the minimum that L-BFGS-B finds (w = w⁺ − w⁻ in its box) is never below F − gap of any other point."""
    drawn, lam = draw(loss.name, seed), 0.05
    _, p = drawn.X.shape
    box = [(0.0, max(0.0, b)) for b in drawn.upper] + [(0.0, max(0.0, -b)) for b in drawn.lower]

    def objective(t: Float) -> tuple[float, Float]:
        w = t[1 : p + 1] - t[p + 1 :]
        eta = drawn.offset + t[0] + drawn.X @ w
        row = drawn.s * loss.slope(eta, drawn.y)
        g = drawn.X.T @ row + 2 * lam * drawn.l2 * w
        value = drawn.s @ loss.value(eta, drawn.y) + lam * (
            drawn.l1 @ (t[1 : p + 1] + t[p + 1 :]) + drawn.l2 @ w**2
        )
        return float(value), np.concatenate([[row.sum()], g + lam * drawn.l1, lam * drawn.l1 - g])

    found = scipy.optimize.minimize(
        objective, np.zeros(2 * p + 1), jac=True, method="L-BFGS-B", bounds=[(None, None), *box],
        options={"ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    problem = drawn.scaled(loss.name)
    state = problem.polish(problem.state(point(drawn, seed), np.zeros(())))
    value = problem.data_loss(state.eta) + float((lam * problem.penalty).value(state.coef))
    assert value - relative_gap(problem, lam, state) * problem.reference <= found.fun + 1e-9


@settings(max_examples=20)
@given(seed=seeds, lam=st.sampled_from([0.01, 0.1]))
def test_the_gap_of_a_softmax(seed: int, lam: float) -> None:
    """D = −Σ s Σ_c v_c log v_c at v = θ/s + indicators, for the joint classes."""
    rng = np.random.default_rng(seed)
    X, s = rng.normal(size=(30, 4)), rng.uniform(0.5, 2, size=30)
    s /= s.sum()
    y = np.where(np.arange(30) < 6, np.arange(30) % 3, rng.integers(3, size=30)).astype(float)
    problem = scale_problem(LinearProblem(as_matrix(X), y, s, taut.Multinomial(), L1(), standardize=False), s)
    state = problem.polish(problem.state(0.2 * rng.normal(size=(4, 3)), np.zeros(3)))
    p = np.exp(state.eta - np.logaddexp.reduce(state.eta, axis=1, keepdims=True))
    indicator = np.eye(3)[y.astype(int)]
    theta = s[:, None] * (indicator - p)
    assert np.abs(theta.sum(axis=0)).max() < 1e-12
    a = min(1.0, lam / np.abs(X.T @ theta).max())
    v = indicator - a * theta / s[:, None]
    dual = -s @ xlogy(v, v).sum(axis=1)
    primal = -s @ np.log(p[np.arange(30), y.astype(int)]) + lam * np.abs(state.coef).sum()
    shares = s @ indicator
    assert relative_gap(problem, lam, state) == pytest.approx(
        (primal - dual) / -(shares @ np.log(shares)), rel=1e-8
    )


@settings(max_examples=20)
@given(seed=seeds, lam=st.sampled_from([0.01, 0.1]))
def test_the_gap_of_groups(seed: int, lam: float) -> None:
    """Ω*(u) is 0 where every ‖u_g‖ ≤ λ√|g|, so θ is shrunk by the worst group."""
    rng = np.random.default_rng(seed)
    X, y, groups = rng.normal(size=(30, 6)), rng.normal(size=30), np.array([0, 0, 1, 1, 1, 2])
    s = np.full(30, 1 / 30)
    X -= X.mean(axis=0)
    y -= y.mean()
    problem = scale_problem(
        LinearProblem(as_matrix(X), y, s, taut.SquaredError(), GroupLasso(groups=groups), standardize=False),
        s,
    )
    state = problem.polish(problem.state(0.2 * rng.normal(size=6), np.zeros(())))
    r = y - X @ state.coef
    theta = 2 * r / 30
    sizes = np.sqrt([2, 3, 1])
    norms = np.array([np.linalg.norm((X.T @ theta)[groups == g]) for g in range(3)])
    a = min(1.0, float(np.min(lam * sizes / norms)))
    dual = a * theta @ y - a**2 * theta @ theta * 30 / 4
    weights = np.array([np.linalg.norm(state.coef[groups == g]) for g in range(3)])
    primal = r @ r / 30 + lam * sizes @ weights
    assert relative_gap(problem, lam, state) == pytest.approx((primal - dual) / (y @ y / 30), rel=1e-8)


@pytest.mark.parametrize("penalty", [MCP(1.0, 3.0), SCAD(1.0, 3.7)])
def test_the_distance_of_a_concave_penalty(penalty) -> None:
    """Zero coefficient: |g| beyond λ; others: |g + ρ'(|w|) sign w|, by numerical differences of ρ."""
    rng = np.random.default_rng(0)
    X, y, s, lam = rng.normal(size=(40, 5)), rng.normal(size=40), np.full(40, 1 / 40), 0.1
    X -= X.mean(axis=0)
    y -= y.mean()
    problem = scale_problem(
        LinearProblem(as_matrix(X), y, s, taut.SquaredError(), penalty, standardize=False), s
    )
    w = np.array([0.0, 0.05, -0.15, 0.25, 3.0])
    state = problem.polish(problem.state(w, np.zeros(())))
    g, h, beside = 2 * X.T @ (X @ w - y) / 40, 1e-6, penalty.at_curvature(2.0)
    slope = [
        float((lam * beside).value(np.array([x + h])) - (lam * beside).value(np.array([x - h]))) / (2 * h)
        for x in w
    ]
    distance = np.abs(g + slope)
    distance[0] = max(abs(g[0]) - lam, 0.0)
    null = np.abs(2 * X.T @ y / 40).max()
    certificate = certify(problem, lam, state, 1e-6)
    assert certificate.measure is Measure.KKT_RESIDUAL
    assert certificate.value == pytest.approx(distance.max() / null, rel=1e-5)


def test_a_missed_tolerance_says_so() -> None:
    drawn = draw("squared", 0)
    problem = drawn.scaled("squared")
    certificate = certify(problem, 0.01, problem.null, 1e-6)
    assert not certificate.met
    assert certificate.note == MISSED


def test_no_gap_below_rounding_is_claimed() -> None:
    drawn = draw("logistic", 0)
    problem = drawn.scaled("logistic")
    gap = relative_gap(problem, 1e3, problem.null)
    assert 0.0 < gap < 1e-14


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_the_unit_of_a_gap_is_that_of_the_loss(unit: float) -> None:
    """A null model is not exact because y is given in a large unit."""
    drawn = draw("squared", 3)
    s = drawn.s
    problem = LinearProblem(
        as_matrix(drawn.X), unit * drawn.y, s, taut.SquaredError(), L2(), standardize=False
    )
    scaled = scale_problem(problem, s)
    variance = unit**2 * float(s @ (drawn.y - s @ drawn.y) ** 2)
    assert scaled.unit == pytest.approx(variance, rel=1e-9)
    assert certify(scaled, 1e-3, scaled.null, 1e-6).value > 0.01


def test_an_exact_null_model_is_certified() -> None:
    """y is a constant plus its offset: nothing is left, and what rounding leaves is not an explanation."""
    rng = np.random.default_rng(0)
    X, offset, s = rng.normal(size=(20, 3)), rng.normal(size=20), np.full(20, 0.05)
    for standardize in (True, False):
        problem = LinearProblem(
            as_matrix(X), 1e6 / 3 + offset, s, taut.SquaredError(), L1(), offset, standardize=standardize
        )
        scaled = scale_problem(problem, s)
        assert certify(scaled, 1e-9, scaled.null, 1e-9).met


def test_met_is_value_within_tol() -> None:
    for value, met in ((0.5, True), (1.0, True), (1.5, False), (float("nan"), False)):
        assert Certificate(Measure.DUALITY_GAP, value, 1.0).met is met


def test_states_are_points_with_their_predictor() -> None:
    drawn = draw("squared", 1)
    problem = drawn.scaled("squared")
    w = np.arange(6.0)
    state = problem.state(w, np.float64(2.0))
    centred = drawn.X - drawn.s @ drawn.X
    assert isinstance(state, State)
    np.testing.assert_allclose(state.eta, drawn.offset + centred @ w + 2.0, atol=1e-12)
