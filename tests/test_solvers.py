"""Every engine keeps the laws, agrees with every other and with references; a wrong engine breaks a law."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, PoissonRegressor

import taut
from taut.laws import check_solver
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, Penalty
from taut.solvers.base import Certificate, LinearProblem, Measure, MemberPath, Solver
from taut.solvers.choose import solver_for
from taut.solvers.first_order.proximal_gradient import ProximalGradient
from taut.solvers.groups.descent_solver import GroupDescent
from taut.solvers.groups.eigenbases import GroupBases
from taut.solvers.groups.newton_parts import group_parts
from taut.solvers.matrix import as_matrix
from taut.solvers.moments.solver import GramPath
from taut.solvers.newton.parts import independent_parts, separable_parts, softmax_parts, squared_parts
from taut.solvers.newton.restricted import RestrictedProblem
from taut.solvers.newton.small_solver import SmallNewton
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.problem.certificate import relative_gap
from taut.solvers.problem.scaling import scale_problem
from taut.solvers.ridge.rotated_solver import RotatedRidge
from taut.solvers.working_set import columns, squared_fold
from taut.solvers.working_set.columns import Columns
from taut.solvers.working_set.solver import WorkingSet

Float = NDArray[np.float64]
INF = float("inf")
ENET = ElasticNet(1.0, 0.5, 0.25)
SEPARABLE = (L1(), L2(), ENET, MCP(), SCAD())
ZEROS = (L1(), ENET, MCP(), SCAD())


# One draw of the seed: each stands for many problems, and to shrink it says nothing.
ONE = settings(max_examples=1, phases=[Phase.explicit, Phase.reuse, Phase.generate])


class Duty(NamedTuple):
    """What an engine is made for."""

    engine: Solver
    losses: tuple[Loss, ...]
    penalties: tuple[Penalty, ...]
    rounds: int = 1

    def __str__(self) -> str:
        names = [type(x).__name__ for x in (*self.losses, *self.penalties)]
        return "-".join([type(self.engine).__name__, *(names if len(names) < 4 else names[:1])])


DUTIES = [
    Duty(ProximalNewton(squared_parts), (SquaredError(),), SEPARABLE),
    Duty(GramPath(), (SquaredError(),), SEPARABLE),
    Duty(WorkingSet(), (SquaredError(),), ZEROS),
    Duty(WorkingSet(), (Logistic(),), ZEROS),
    Duty(WorkingSet(), (Poisson(),), ZEROS),
    Duty(WorkingSet(), (Huber(),), ZEROS),
    Duty(ProximalNewton(independent_parts), (Logistic(),), (L1(), L2(), MCP())),
    Duty(ProximalNewton(softmax_parts), (Multinomial(),), (L1(), L2(), MCP())),
    Duty(ProximalNewton(partial(separable_parts, joint=1)), (Multinomial(),), (L1(),)),
    Duty(SmallNewton(), (Logistic(), Multinomial()), (L1(), L2(), ENET), rounds=2),
    Duty(ProximalNewton(independent_parts), (Poisson(),), (ENET, MCP())),
    Duty(ProximalNewton(independent_parts), (Huber(),), (L1(), L2())),
    Duty(ProximalNewton(independent_parts), (SquaredError(),), (L1(), SCAD())),
    Duty(GroupDescent(), (SquaredError(),), (GroupLasso(),)),
    Duty(
        ProximalNewton(group_parts), (SquaredError(), Logistic(), Poisson(), Multinomial()), (GroupLasso(),)
    ),
    Duty(ProximalGradient(), (SquaredError(), Logistic()), (GroupLasso(),)),
    Duty(ProximalGradient(), (Poisson(),), (L1(),)),
]


@pytest.mark.parametrize("duty", DUTIES, ids=str)
@ONE
@given(seed=st.integers(0, 2**16))
def test_every_engine_keeps_the_laws(duty: Duty, seed: int) -> None:
    check_solver(duty.engine, seed, losses=duty.losses, penalties=duty.penalties, rounds=duty.rounds)


@ONE
@given(seed=st.integers(0, 2**16))
def test_the_rotation_keeps_the_laws(seed: int) -> None:
    """It takes L2 without factors and bounds only, of which many draws may have none."""
    check_solver(RotatedRidge(), seed, losses=[SquaredError(), Logistic()], penalties=[L2()])


def test_an_engine_that_refuses_a_whole_kind_must_be_told_so() -> None:
    with pytest.raises(AssertionError, match=r"refuses every problem with Logistic\(\)"):
        check_solver(ProximalNewton(squared_parts), losses=[SquaredError(), Logistic()], penalties=[L1()])


# Engines that are wrong in one way each, and the law that says so.


@dataclass(frozen=True)
class Wrong(Solver):
    """Coordinate descent, with what goes in or comes out changed."""

    problem: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    engine: Solver = field(default_factory=ProximalNewton)

    def paths(
        self, problem: LinearProblem, weights: Float, lambdas: Any, progress: Any = None
    ) -> tuple[MemberPath, ...]:
        changed = replace(problem, **{k: v(problem) for k, v in self.problem.items()})
        found = self.engine.paths(changed, self.weights(weights), lambdas, progress)
        return tuple(replace(path, **{k: v(path) for k, v in self.answer.items()}) for path in found)

    def weights(self, weights: Float) -> Float:
        return weights


def optimal(path: MemberPath) -> tuple[Certificate, ...]:
    """Certificates that claim value 0."""
    return tuple(replace(c, value=0.0, note="") for c in path.certificates)


class IgnoresWeights(Wrong):
    def weights(self, weights: Float) -> Float:
        return np.ones_like(weights)


class SwallowsInterrupts(Wrong):
    def paths(
        self, problem: LinearProblem, weights: Float, lambdas: Any, progress: Any = None
    ) -> tuple[MemberPath, ...]:
        found = super().paths(problem, weights, lambdas)
        for _ in lambdas if isinstance(lambdas, Sequence) and progress else ():
            for _ in weights:
                try:
                    progress(1)
                except KeyboardInterrupt:
                    pass
        return found


class OneMemberOnly(Wrong):
    def paths(
        self, problem: LinearProblem, weights: Float, lambdas: Any, progress: Any = None
    ) -> tuple[MemberPath, ...]:
        return super().paths(problem, np.broadcast_to(weights[0], weights.shape), lambdas, progress)


class ColdShoulder(Wrong):
    """Solves the first strength for all."""

    def paths(
        self, problem: LinearProblem, weights: Float, lambdas: Any, progress: Any = None
    ) -> tuple[MemberPath, ...]:
        found = super().paths(problem, weights, lambdas, progress)
        return tuple(replace(p, coefs=np.broadcast_to(p.coefs[:1], p.coefs.shape)) for p in found)


def early(**answer: Any) -> Wrong:
    """Stops at a loose tolerance, reports the one asked for."""
    tight = {"certificates": lambda p: tuple(replace(c, tol=1e-8) for c in p.certificates)}
    return Wrong({"tol": lambda p: 0.05}, tight | answer)


WRONG: list[tuple[str, Solver, str]] = [
    ("stops early and claims value 0", early(certificates=lambda p: tuple(replace(c, value=0.0, tol=1e-8, note="") for c in p.certificates)), "no point is better than the gap allows"),
    ("stops early", early(), "a well-posed convex problem is solved to tol"),
    ("misses without a note", early(certificates=lambda p: tuple(replace(c, tol=1e-8, note="") for c in p.certificates)), "solved to tol|has a note"),
    ("doubles the penalty", Wrong({"penalty": lambda p: 2.0 * p.penalty}, {"certificates": optimal}), "penalty is λΩ|better than the gap"),
    ("halves coefficients", Wrong(answer={"coefs": lambda p: 0.5 * p.coefs}), "standardized_coef is coef"),
    ("loses the intercept", Wrong(answer={"intercepts": lambda p: 0.0 * p.intercepts}), "data_loss is L"),
    ("fits an intercept unasked", Wrong({"fit_intercept": lambda p: True}), "no intercept where none|column of ones|standardized_coef is coef"),
    ("never standardises", Wrong({"standardize": lambda p: False}), "standardized_coef is coef"),
    ("ignores offsets", Wrong({"offset": lambda p: None}), "standardized_coef is coef|data_loss is L|null_loss"),
    ("ignores factors", Wrong({"penalty": lambda p: replace(p.penalty, factors=None)}), "penalty is λΩ|better than the gap|null_loss|excluded"),
    ("ignores bounds", Wrong({"penalty": lambda p: replace(p.penalty, lower=None, upper=None)}), "penalty is λΩ|better than the gap|lambda_max"),
    ("never penalises the intercept", Wrong({"penalize_intercept": lambda p: False}), "column of ones|standardized_coef"),
    ("reports another loss", Wrong(answer={"data_losses": lambda p: 2.0 * p.data_losses}), "data_loss is L"),
    ("reports another null loss", Wrong(answer={"null_loss": lambda p: 2.0 * p.null_loss}), "null_loss is L of the null model"),
    ("reports a residual", Wrong(answer={"certificates": lambda p: tuple(replace(c, measure=Measure.KKT_RESIDUAL) for c in p.certificates)}), "the certificate is a relative duality gap"),
    ("ignores weights", IgnoresWeights(), "data_loss is L|standardized_coef|repetitions"),
    ("fits one member only", OneMemberOnly(), "members are independent"),
    ("answers one strength", ColdShoulder(), "standardized_coef is coef"),
    ("drops a strength", Wrong(answer={k: (lambda p, k=k: getattr(p, k)[1:]) for k in ("lambdas", "coefs", "intercepts", "standardized_coefs", "data_losses", "penalties", "certificates", "iterations")}), "every strength is answered"),
    ("rounds small coefficients away", Wrong(answer={k: (lambda p, k=k: np.where(np.abs(getattr(p, k)) < 0.2 * np.abs(getattr(p, k)).max(), 0.0, getattr(p, k))) for k in ("coefs", "standardized_coefs")}), "standardized_coef|better"),
    ("swallows interrupts", SwallowsInterrupts(), "an interrupt ends the call"),
    ("claims less than its residual", Wrong(answer={"certificates": optimal, "coefs": lambda p: p.coefs * (1 + 1e-3)}), "standardized_coef is coef"),
]  # fmt: skip


@pytest.mark.parametrize(("solver", "law"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_engine_breaks_a_law(solver: Solver, law: str) -> None:
    with pytest.raises(AssertionError, match=law) as caught:
        check_solver(solver, 3, losses=[SquaredError()], penalties=[L1(), ENET], rounds=12)
    assert "breaks the law" in str(caught.value)


# Engines against each other.


def table(seed: int, n: int = 60, p: int = 8) -> tuple[Float, Float, Float]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    return X, X[:, 0] - X[:, 1] + 0.5 * X[:, 2] + rng.normal(size=n), rng.uniform(0.2, 2.0, size=n)


def response(loss: Loss, eta: Float, seed: int = 0) -> Float:
    rng = np.random.default_rng(seed + 1)
    if isinstance(loss, Logistic):
        return (eta + rng.logistic(size=len(eta)) > 0).astype(float)
    if isinstance(loss, Multinomial):
        return np.digitize(eta + rng.logistic(size=len(eta)), [-1.0, 1.0]).astype(float)
    return rng.poisson(np.exp(eta / 3)).astype(float) if isinstance(loss, Poisson) else eta


def problem_of(X: Any, y: Float, s: Float, loss: Loss, penalty: Penalty, **options: Any) -> LinearProblem:
    return LinearProblem(as_matrix(X), y, s, loss, penalty, **({"tol": 1e-13} | options))


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


@pytest.mark.parametrize("shape", [(60, 8), (30, 60)])
def test_block_descent_agrees_with_the_proximal_gradient(shape: tuple[int, int]) -> None:
    """With groups of several sizes, free columns, a constant column, a column twice and rows without weight."""
    X, y, s = table(6, *shape)
    s[::7] = 0.0
    X[:, 5], X[:, 6] = 3.0, X[:, 7]
    penalty = GroupLasso(groups=np.array([-1, 0, 0, 1, *[2 + j // 3 for j in range(shape[1] - 4)]]))
    problem = problem_of(X, y, s, SquaredError(), penalty, tol=1e-11)
    found, plain = (
        e.paths(problem, s[None], 6)[0] for e in (GroupDescent(), ProximalGradient(max_iter=100_000))
    )
    assert all(c.met for c in (*found.certificates, *plain.certificates))
    np.testing.assert_allclose(found.coefs, plain.coefs, atol=1e-5 * np.abs(plain.coefs).max())


def group_cases() -> list[tuple[Loss, int, dict[str, Any]]]:
    """Loss, outputs, options."""
    return [
        (SquaredError(), 1, {}), (SquaredError(), 3, {}), (Huber(), 1, {}), (Huber(), 3, {}), (Poisson(), 1, {}),
        (Poisson(), 1, {"penalize_intercept": True}), (Logistic(), 1, {}), (Logistic(), 1, {"fit_intercept": False}),
        (Logistic(), 1, {"offset": np.linspace(-1.0, 1.0, 60)}), (Multinomial(), 1, {}),
    ]  # fmt: skip


@pytest.mark.parametrize(("loss", "outputs", "options"), group_cases(), ids=repr)
def test_steps_by_groups_agree_with_the_proximal_gradient(
    loss: Loss, outputs: int, options: dict[str, Any]
) -> None:
    """F to 1e-9 and predictors to 1e-3, with groups of several sizes, a free column, a constant, a column twice."""
    X, eta, s = table(6)
    s[::7] = 0.0
    X[:, 5], X[:, 6] = 3.0, X[:, 7]
    y = response(loss, eta)
    y = np.column_stack([y, y[::-1], X[:, 0] - y]) if outputs > 1 else y
    penalty = GroupLasso(groups=np.array([-1, 0, 0, 1, 2, 2, 2, 3]))
    problem = problem_of(X, y, s, loss, penalty, **({"tol": 1e-9} | options))
    found, plain = (
        e.paths(problem, s[None], 5)[0]
        for e in (ProximalNewton(group_parts), ProximalGradient(max_iter=100_000))
    )
    assert all(c.met for c in (*found.certificates, *plain.certificates))
    F = [path.data_losses + path.penalties for path in (found, plain)]
    np.testing.assert_allclose(F[0], F[1], atol=3e-9)
    etas = [np.tensordot(path.coefs, X, (1, 1)) for path in (found, plain)]
    if not isinstance(loss, Multinomial):
        np.testing.assert_allclose(etas[0], etas[1], atol=1e-3 * np.abs(etas[1]).max())


def softmax_cases() -> list[tuple[Penalty, dict[str, Any]]]:
    free = [0.0, *[1.0] * 7]
    return [
        (L1(), {}), (L1(), {"fit_intercept": False}), (ENET, {}), (L2(), {}), (L1(lower=-0.2, upper=0.3), {}),
        (L1(factors=free), {}), (L1(factors=free, lower=-0.2, upper=0.3), {}), (ENET, {"penalize_intercept": True}),
        (L1(factors=[np.inf, *[1.0] * 7]), {"offset": np.linspace(-1.0, 1.0, 180).reshape(60, 3)}),
    ]  # fmt: skip


@pytest.mark.parametrize(("penalty", "options"), softmax_cases(), ids=repr)
def test_softmax_paths_agree_with_the_proximal_gradient(penalty: Penalty, options: dict[str, Any]) -> None:
    """F to 1e-9 and probabilities to 1e-5: classes that move together may leave coefficients a choice."""
    X, eta, s = table(3)
    s[::7] = 0.0
    X[:, 5], X[:, 6] = 3.0, X[:, 7]  # a constant, and a column twice
    problem = problem_of(
        X, response(Multinomial(), eta), s, Multinomial(), penalty, **({"tol": 1e-9} | options)
    )
    everywhere = penalty.factors is None or 0.0 not in penalty.factors
    engines = [ProximalGradient(), ProximalNewton(softmax_parts), *[SmallNewton()] * everywhere]
    plain, *others = (e.paths(problem, s[None], 5)[0] for e in engines)
    for found in others:
        assert all(c.met for c in found.certificates)
        F = [path.data_losses + path.penalties for path in (found, plain)]
        np.testing.assert_allclose(F[0], F[1], atol=3e-9)
        p = [Multinomial().inverse_link(X @ path.coefs + path.intercepts[:, None]) for path in (found, plain)]
        np.testing.assert_allclose(p[0], p[1], atol=1e-4)


@pytest.mark.parametrize("classes", [2, 4, 5])
@pytest.mark.parametrize("penalty", [L1(), ENET], ids=repr)
def test_small_tables_of_classes_to_the_last_digits(classes: int, penalty: Penalty) -> None:
    """Far down, where an even number of classes leaves flat directions; the certificate is that of its coefficients."""
    rng = np.random.default_rng(classes)
    X, s = rng.normal(size=(60, 6)), rng.uniform(0.2, 2.0, size=60)
    y = (
        (X @ rng.normal(size=(6, classes)) + 2.0 * rng.gumbel(size=(60, classes)))
        .argmax(axis=1)
        .astype(float)
    )
    problem = problem_of(X, y, s, Multinomial(), penalty, tol=1e-12)
    lambdas = np.geomspace(0.3, 1e-4, 20)
    small, large = (
        e.paths(problem, s[None], lambdas)[0] for e in (SmallNewton(), ProximalNewton(softmax_parts))
    )
    scaled = scale_problem(problem, s)
    for lam, coef, one in zip(lambdas, small.standardized_coefs, small.certificates, strict=True):
        state = scaled.polish(scaled.state(coef, np.zeros(classes)))
        assert one.met
        assert relative_gap(scaled, lam, state) <= one.value + 1e-14
    F = [path.data_losses + path.penalties for path in (small, large)]
    np.testing.assert_allclose(F[0], F[1], atol=1e-11)


def test_exact_hessians_converge_quadratically() -> None:
    """Six more digits cost a step or two; a Hessian that is kept pays for every digit."""
    X, eta, s = table(3)
    y = response(Multinomial(), eta)
    steps = [
        SmallNewton()
        .paths(problem_of(X, y, s, Multinomial(), L1(), tol=tol), s[None], 30)[0]
        .iterations.sum()
        for tol in (1e-6, 1e-12)
    ]
    assert steps[1] - steps[0] <= 2 * 30


def test_a_fold_without_one_of_the_classes() -> None:
    """Its probability goes to zero with no coefficient's help; all else is the path of the other classes."""
    X, eta, _ = table(3)
    y = response(Multinomial(), eta)
    weights = np.stack([np.ones(60), (y != 2).astype(float)])
    problem = problem_of(X, y, weights[0], Multinomial(), L1(), tol=1e-8)
    lambdas = [0.1, 0.03, 0.01]
    whole, fold = SmallNewton().paths(problem, weights, lambdas)
    assert all(c.met for c in whole.certificates)
    # Its intercept has no optimum, which the note says; the others' gap is met all the same.
    assert all(c.value <= c.tol and not c.met for c in fold.certificates)
    assert all(c.note.startswith("does not exist") for c in fold.certificates)
    two = problem_of(X[y != 2], y[y != 2], np.ones(int((y != 2).sum())), Multinomial(), L1(), tol=1e-8)
    alone = SmallNewton().paths(two, two.weight[None], lambdas)[0]
    np.testing.assert_allclose(fold.data_losses, alone.data_losses, atol=1e-6)


def test_softmax_paths_of_separated_classes_and_many_columns() -> None:
    """Few rows, many columns, sparse and dense: the same path, certified down to a hundredth of lambda_max."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 300)) * (rng.random((40, 300)) < 0.5)
    y = np.arange(40.0) % 4
    X[:, :4] += 3.0 * np.eye(4)[y.astype(int)]
    paths = []
    for store in (np.asarray, sp.csc_array):
        problem = problem_of(store(X), y, np.ones(40), Multinomial(), L1(), tol=1e-9)
        paths.append(ProximalNewton(softmax_parts).paths(problem, np.ones((1, 40)), 10)[0])
        assert all(c.met for c in paths[-1].certificates)
    np.testing.assert_allclose(paths[0].data_losses, paths[1].data_losses, atol=1e-7)


@pytest.mark.parametrize("loss", [SquaredError(), Logistic()], ids=repr)
def test_ridge_engines_agree_on_wide_data(loss: Loss) -> None:
    X, eta, s = table(2, 30, 50)
    problem = problem_of(X, response(loss, eta), s, loss, L2(), tol=1e-12)
    # Far below, tol = 1e-12 no longer holds the coefficients to 1e-6.
    grid = float(RotatedRidge().paths(problem, s[None], 1)[0].lambdas[0]) * np.geomspace(1.0, 1e-2, 5)
    rotated, plain = (
        e.paths(problem, s[None], grid)[0] for e in (RotatedRidge(), ProximalNewton(independent_parts))
    )
    np.testing.assert_allclose(rotated.coefs, plain.coefs, atol=1e-6 * np.abs(plain.coefs).max())


# References: scipy for bounds, scikit-learn and scipy without a penalty.


def bounded_reference(X: Float, y: Float, loss: Loss, lam: float, lower: Float, upper: Float) -> float:
    """min F over w = w⁺ − w⁻ ≥ 0 in the box, by L-BFGS-B."""
    n, p = X.shape
    box = [(0.0, max(b, 0.0)) for b in upper] + [(0.0, max(-b, 0.0)) for b in lower]

    def objective(t: Float) -> tuple[float, Float]:
        eta = t[0] + X @ (t[1 : p + 1] - t[p + 1 :])
        row = np.asarray(loss.derivative(eta, y)) / n
        value = float(np.mean(loss.pointwise(eta, y))) + lam * float(t[1:].sum())
        return value, np.concatenate([[row.sum()], X.T @ row + lam, lam - X.T @ row])

    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}
    return float(
        scipy.optimize.minimize(
            objective,
            np.zeros(2 * p + 1),
            jac=True,
            method="L-BFGS-B",
            bounds=[(None, None), *box],
            options=options,
        ).fun
    )


@pytest.mark.parametrize("lam", [0.1, 0.003, 0.0])
@pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Poisson(), Huber()], ids=repr)
def test_bounds_against_scipy(loss: Loss, lam: float) -> None:
    X, eta, _ = table(4)
    y = response(loss, eta)
    for lower, upper in (
        ([0.0] * 8, [INF] * 8),
        ([-0.1, -INF, 0, 0, -0.2, 0, 0, 0], [0.3, 0, INF, 0, 0.2, 0, 1, 1]),
    ):
        path = taut.fit_path(
            X,
            y,
            loss=loss,
            penalty=L1(lower=lower, upper=upper),
            lambdas=[1.0, lam],
            standardize=False,
            tol=1e-10,
        )
        assert path.certificates[-1].met
        assert np.all((path.coefs[-1] >= lower) & (path.coefs[-1] <= upper))
        best = bounded_reference(X, y, loss, lam, np.asarray(lower), np.asarray(upper))
        assert path.objectives[-1] == pytest.approx(best, abs=1e-9)


def test_nonnegative_least_squares() -> None:
    X, y, _ = table(5)
    ours = taut.fit_path(X, y, penalty=L1(lower=0), lambdas=[0.0], fit_intercept=False, standardize=False)
    np.testing.assert_allclose(ours.coefs[0], scipy.optimize.nnls(X, y)[0], atol=1e-10)


@pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Poisson(), Huber()], ids=repr)
def test_unpenalised_columns_within_bounds(loss: Loss) -> None:
    """Factor 0 with a bound: part of the null model, and exact along the path."""
    X, eta, _ = table(6)
    lower = np.array([0.0, 0.0, *[-INF] * 6])
    penalty = L1(factors=[0, 0, 1, 1, 1, 1, 1, 1], lower=lower)
    path = taut.fit_path(X, response(loss, eta), loss=loss, penalty=penalty, lambdas=5, tol=1e-8)
    assert all(c.met for c in path.certificates)
    assert path.coefs[0, 0] > 0.0
    assert np.all(path.coefs[:, 1] == 0.0)  # its effect is negative
    assert np.all(path.coefs[0, 2:] == 0.0)


class TestWithoutPenalty:
    """λ = 0 against numpy's least squares, scikit-learn's unpenalised fits and scipy."""

    def test_least_squares(self) -> None:
        X, y, s = table(7)
        path = taut.fit_path(X, y, sample_weight=s, lambdas=[0.1, 0.0])
        A = np.column_stack([np.ones(60), X]) * np.sqrt(s)[:, None]
        reference = np.linalg.lstsq(A, y * np.sqrt(s), rcond=None)[0]
        np.testing.assert_allclose(np.append(path.intercepts[-1], path.coefs[-1]), reference, atol=1e-12)
        assert path.certificates[-1] == replace(path.certificates[-1], measure=Measure.GRADIENT_NORM, note="")
        assert path.certificates[-1].value < 1e-13

    def test_several_outputs(self) -> None:
        X, y, _ = table(7)
        Y = np.column_stack([y, 3.0 * X[:, 1] + 1e6, np.arange(60.0)])
        path = taut.fit_path(X, Y, lambdas=[0.0])
        reference = np.linalg.lstsq(np.column_stack([np.ones(60), X]), Y, rcond=None)[0]
        np.testing.assert_allclose(path.coefs[0], reference[1:], atol=1e-8)

    @pytest.mark.parametrize("loss", [Logistic(), Multinomial()], ids=repr)
    def test_logistic_regression(self, loss: Loss) -> None:
        X, eta, s = table(8, 200, 4)
        y = response(loss, eta)
        path = taut.fit_path(X, y, loss=loss, sample_weight=s, lambdas=[0.1, 0.0])
        model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=100_000).fit(X, y, s)
        ours, theirs = path.coefs[-1].T.reshape(model.coef_.shape), model.coef_
        np.testing.assert_allclose(
            ours - ours.mean(axis=0) * (len(theirs) > 1),
            theirs - theirs.mean(axis=0) * (len(theirs) > 1),
            atol=1e-5,
        )
        if isinstance(loss, Multinomial):
            np.testing.assert_allclose(ours.sum(axis=0), 0.0, atol=1e-9)
        assert not path.certificates[-1].note

    def test_poisson_regression(self) -> None:
        X, eta, s = table(9)
        y = response(Poisson(), eta)
        path = taut.fit_path(X, y, loss="poisson", sample_weight=s, lambdas=[0.0])
        model = PoissonRegressor(alpha=0.0, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(X, y, s)
        np.testing.assert_allclose(path.coefs[0], model.coef_, atol=1e-8)

    def test_huber(self) -> None:
        X, y, _ = table(10)
        loss = Huber(0.7)
        path = taut.fit_path(X, y, loss=loss, lambdas=[0.0], standardize=False)
        A = np.column_stack([np.ones(60), X])

        def objective(t: Float) -> tuple[float, Float]:
            return float(np.mean(loss.pointwise(A @ t, y))), A.T @ np.asarray(loss.derivative(A @ t, y)) / 60

        found = scipy.optimize.minimize(objective, np.zeros(9), jac=True, options={"gtol": 1e-10})
        np.testing.assert_allclose(np.append(path.intercepts[0], path.coefs[0]), found.x, atol=1e-6)

    @pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Poisson(), Huber()], ids=repr)
    def test_dependent_columns_are_not_unique(self, loss: Loss) -> None:
        X, eta, _ = table(11)
        for extra in (X[:, :1], X[:, :1] + X[:, 1:2], np.ones((60, 1))):
            path = taut.fit_path(
                np.column_stack([X, extra]), response(loss, eta), loss=loss, lambdas=[0.1, 0.0]
            )
            assert path.certificates[-1].note.startswith("not unique")
            assert path.certificates[-1].met
            assert not path.certificates[0].note

    def test_the_solution_of_least_norm_is_taken(self) -> None:
        X, y, _ = table(12, 20, 40)
        path = taut.fit_path(X, y, lambdas=[0.0], standardize=False, fit_intercept=False)
        np.testing.assert_allclose(path.coefs[0], np.linalg.pinv(X) @ y, atol=1e-10)
        assert path.certificates[0].note.startswith("not unique")

    @pytest.mark.parametrize("classes", [2, 3])
    def test_separated_classes_have_no_fit(self, classes: int) -> None:
        X, _, _ = table(13)
        y = np.digitize(X[:, 0], [0.0] if classes == 2 else [-0.5, 0.5]).astype(float)
        path = taut.fit_path(
            X, y, loss="logistic" if classes == 2 else "multinomial", lambdas=[0.1, 1e-3, 0.0]
        )
        assert path.certificates[-1].note.startswith("does not exist")
        assert all(c.met and not c.note for c in path.certificates[:2])

    def test_partly_separated_classes_have_no_fit(self) -> None:
        X, eta, _ = table(14)
        y = response(Logistic(), eta)
        X[:, 3], y[:6] = np.arange(60) < 6, 1.0
        path = taut.fit_path(X, y, loss="logistic", lambdas=[0.0])
        assert path.certificates[0].note.startswith("does not exist")

    def test_a_column_of_zero_counts_has_no_fit(self) -> None:
        X, eta, _ = table(15)
        y = response(Poisson(), eta)
        X[:, 3], y[:6] = np.arange(60) < 6, 0.0
        path = taut.fit_path(X, y, loss="poisson", lambdas=[0.0])
        assert path.certificates[0].note.startswith("does not exist")

    def test_a_row_far_out_is_no_separation(self) -> None:
        """|η| = 300 in one row, and a finite maximum of the likelihood."""
        X, eta, _ = table(16)
        y = response(Logistic(), eta)
        X[0, 0], y[0] = 500.0, 1.0
        path = taut.fit_path(X, y, loss="logistic", lambdas=[0.0])
        model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=100_000).fit(X, y)
        assert not path.certificates[0].note
        np.testing.assert_allclose(path.coefs[0], model.coef_[0], atol=1e-4)

    def test_notes_of_unpenalised_columns_hold_at_every_strength(self) -> None:
        X, eta, _ = table(17)
        X[:, 1] = X[:, 0]
        penalty = L1(factors=[0, 0, 1, 1, 1, 1, 1, 1])
        for loss in (SquaredError(), Logistic()):
            path = taut.fit_path(X, response(loss, eta), loss=loss, penalty=penalty, lambdas=3)
            assert all(c.met and c.note.startswith("not unique") for c in path.certificates)
        separating = (X[:, 0] > 0).astype(float)
        path = taut.fit_path(
            X, separating, loss="logistic", penalty=L1(factors=[0, *[1] * 7]), lambdas=[0.1, 0.01]
        )
        assert all(c.note.startswith("does not exist") for c in path.certificates)


# Degenerate and badly scaled input: certified, or reported.

LOSSES = [SquaredError(), Logistic(), Multinomial(), Poisson(), Huber()]


def spoilt(kind: str, X: Float) -> Float:
    n = len(X)
    return {
        "constant": lambda: np.column_stack([X, np.full(n, 1e12 / 3)]),
        "zero": lambda: np.column_stack([X, np.zeros(n)]),
        "duplicate": lambda: np.column_stack([X, X[:, :2]]),
        "nearly duplicate": lambda: np.column_stack([X, X[:, 0] + 1e-9 * X[:, 1]]),
        "collinear": lambda: np.column_stack([X, X[:, :3].sum(axis=1)]),
        "opposite": lambda: np.column_stack([X, -X[:, 0]]),
        "one column": lambda: X[:, :1],
        "two rows": lambda: X[:2],
        "wide": lambda: X[:4],
        "one row differs": lambda: np.column_stack([X, np.arange(n) == 7]),
        "mixed units": lambda: X * 10.0 ** np.arange(-12, 12, 3),
    }[kind]()


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize(
    "kind",
    ["constant", "zero", "duplicate", "nearly duplicate", "collinear", "opposite", "one column", "two rows", "wide", "one row differs", "mixed units"],
)  # fmt: skip
def test_degenerate_columns(kind: str, loss: Loss, standardize: bool) -> None:
    """No warning, finite numbers, and at each strength a met certificate; F is what coefficients give."""
    X, eta, _ = table(18)
    y = response(loss, eta)
    if kind in ("two rows", "wide"):
        y[:4] = [0, 1, 2, 1] if isinstance(loss, Multinomial) else [0, 1, 0, 1]
        loss = Logistic() if kind == "two rows" and isinstance(loss, Multinomial) else loss
    X = spoilt(kind, X)
    y = y[: len(X)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = taut.fit_path(X, y, loss=loss, lambdas=5, standardize=standardize)
    assert np.isfinite(path.coefs).all()
    assert np.isfinite(path.intercepts).all()
    assert all(c.met for c in path.certificates)
    fitted = [float(loss.value(path.decision_at(X, i), y)) for i in range(len(path))]
    unit = float(np.var(y)) if standardize and isinstance(loss, SquaredError) else 1.0
    if not (standardize and isinstance(loss, Huber)):
        np.testing.assert_allclose(np.array(fitted) / unit, path.losses, atol=1e-6)
    if kind in ("constant", "zero"):
        assert np.all(path.coefs[:, -1] == 0.0)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("shape", [(60, 8), (20, 40)])
@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_units_of_the_response_and_the_columns(
    unit: float, shape: tuple[int, int], standardize: bool
) -> None:
    X, y, _ = table(19, *shape)
    base = taut.fit_path(X, y, lambdas=5, tol=1e-12, standardize=standardize)
    for scaled, factor in (
        (taut.fit_path(X, unit * y, lambdas=5, tol=1e-12, standardize=standardize), 1 / unit),
        (taut.fit_path(unit * X, y, lambdas=5, tol=1e-12, standardize=standardize), unit),
    ):
        np.testing.assert_allclose(factor * scaled.coefs, base.coefs, atol=1e-5)
        assert all(c.met for c in scaled.certificates)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(
    "penalty", [L1(), ElasticNet(1.0, 0.7, 0.1), L1(lower=0.0, upper=2.0), MCP(1.0, 4.0)], ids=str
)
def test_descent_entry_by_entry(
    penalty: Penalty, standardize: bool, fit_intercept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sparse columns, weights and folds: the same solutions as on Gram matrices, whichever costs less."""
    rng = np.random.default_rng(5)
    X = sp.csc_array(rng.normal(size=(90, 140)) * (rng.random((90, 140)) < 0.08))
    y = X @ np.r_[rng.normal(size=8), np.zeros(132)] + 0.3 * rng.normal(size=90) + 2.0
    first = rng.uniform(0.5, 2.0, size=90)
    weights = np.stack([first, *(first * (np.arange(90) % 3 != k) for k in range(3))])
    options = {"standardize": standardize, "fit_intercept": fit_intercept}
    problem = problem_of(X, y, first, SquaredError(), penalty, tol=1e-10, **options)
    calls: list[int] = []
    real = squared_fold.walk_rows
    monkeypatch.setattr(squared_fold, "walk_rows", lambda *a: (calls.append(1), real(*a))[1])
    found = {}
    for longer in (np.inf, 0.0):
        monkeypatch.setattr(columns, "_LONGER", longer)
        found[longer] = WorkingSet().paths(problem, weights, 30)
        assert bool(calls) == (longer == 0.0)
    for one, two in zip(found[np.inf], found[0.0], strict=True):
        assert all(certificate.met for certificate in two.certificates)
        if penalty.traits.convex:
            np.testing.assert_allclose(
                two.data_losses + two.penalties, one.data_losses + one.penalties, rtol=1e-9
            )
            assert two.held_out is None or np.allclose(two.held_out, one.held_out, rtol=1e-2)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("store", [np.asarray, sp.csc_array])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("unit", [1e-140, 1e25])
def test_units_beyond_single_precision(unit: float, loss: str, store: Any, standardize: bool) -> None:
    X, eta, _ = table(21, 60, 2_200)
    y = eta if loss == "squared" else (eta > 0).astype(float)
    options = {"loss": loss, "lambdas": 5, "standardize": standardize}
    base = taut.fit_path(X, y, **options)
    path = taut.fit_path(store(unit * X), y, **options)
    assert all(c.met for c in path.certificates)
    assert base.nonzeros[-1] > 5
    np.testing.assert_allclose(path.losses + path.penalties, base.losses + base.penalties, rtol=1e-5)


@pytest.mark.parametrize("unit", [1e-12, 1e9])
@pytest.mark.parametrize("loss", ["poisson", "huber"])
def test_units_of_other_responses(loss: str, unit: float) -> None:
    """Poisson's coefficients do not depend on the unit of y, Huber's are in it (δ with them)."""
    X, eta, _ = table(20)
    y = response(taut.families.as_loss(loss), eta)
    chosen = {"poisson": (Poisson(), Poisson()), "huber": (Huber(1.0), Huber(unit))}[loss]
    factor = unit if loss == "poisson" else unit**2
    base = taut.fit_path(X, y, loss=chosen[0], lambdas=4, tol=1e-9, standardize=False)
    path = taut.fit_path(X, unit * y, loss=chosen[1], lambdas=4, tol=1e-9, standardize=False)
    np.testing.assert_allclose(
        path.losses - path.saturated_loss, factor * (base.losses - base.saturated_loss), rtol=1e-5
    )
    coefs = path.coefs / (1.0 if loss == "poisson" else unit)
    np.testing.assert_allclose(coefs, base.coefs, atol=1e-4)


@pytest.mark.parametrize("store", [np.asarray, sp.csc_array])
@pytest.mark.parametrize("shape", [(60, 8), (20, 40)])
@pytest.mark.parametrize("far", [1e4, 1e6, 1e8])
def test_columns_far_from_zero(far: float, shape: tuple[int, int], store: Any) -> None:
    """What a common offset of the columns costs in digits is in the certificate, not in the answer."""
    X, y, _ = table(21, *shape)
    X = np.round(X * 1024) / 1024
    base = taut.fit_path(X, y, lambdas=4, tol=1e-9)
    path = taut.fit_path(store(X + far), y, lambdas=base.lambdas, tol=1e-9)
    met = np.array([c.met for c in path.certificates])
    assert met.all() or far > 1e5
    np.testing.assert_allclose(path.coefs[met], base.coefs[met], atol=2e-4)


def test_the_choice_of_an_engine() -> None:
    X, y, s = table(22)
    wide = np.tile(X, 10)
    cases = [
        (X, y, SquaredError(), L1(), GramPath), (wide, y, SquaredError(), L1(), WorkingSet),
        (wide, y, SquaredError(), L2(), RotatedRidge), (wide, y, SquaredError(), L1(factors=[0, *[1] * 79]), ProximalNewton),
        (wide, np.column_stack([y, y]), SquaredError(), L1(), ProximalNewton), (X, y > 0, Logistic(), L1(), SmallNewton),
        (X, y > 0, Logistic(), L2(), SmallNewton), (X, np.digitize(y, [0, 1]), Multinomial(), ENET, SmallNewton),
        (X, y > 0, Logistic(), MCP(), WorkingSet), (X, y > 0, Logistic(), L1(factors=[0, *[1] * 7]), SmallNewton),
        (np.tile(wide, 10), y > 0, Logistic(), L1(), WorkingSet), (np.tile(wide, 10), np.digitize(y, [0, 1]), Multinomial(), L1(), ProximalNewton),
        (X, y, SquaredError(), GroupLasso(), GroupDescent), (X, y > 0, Logistic(), GroupLasso(), ProximalNewton), (X, y, SquaredError(), L1(factors=[0, *[1] * 7], lower=0), ProximalNewton),
    ]  # fmt: skip
    for A, target, loss, penalty, engine in cases:
        assert type(solver_for(problem_of(A, np.asarray(target, dtype=float), s, loss, penalty))) is engine


@pytest.mark.parametrize(
    ("engine", "loss", "penalty", "options"),
    [
        (ProximalNewton(squared_parts), Logistic(), L1(), {}),
        (ProximalNewton(squared_parts), SquaredError(), GroupLasso(), {}),
        (GramPath(), Logistic(), L1(), {}),
        (GramPath(), SquaredError(), L1(), {"penalize_intercept": True}),
        (GramPath(), SquaredError(), L1(factors=0.0, lower=0.0), {}),
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


# ---- an engine by name --------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("store", [np.asarray, sp.csc_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("penalty", [L1(), ENET], ids=repr)
def test_single_precision_products_cost_no_accuracy(store: Any, penalty: Penalty) -> None:
    """Looser tolerances take Gram matrices in single precision; certificates and folds are those of double precision.

    Columns that are nearly the same make its rounding matter: the exact correlations must put it right.
    """
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, 40))
    X[:, 20:] = X[:, :20] + 1e-3 * rng.normal(size=(80, 20))
    y = X[:, :3].sum(axis=1) + rng.normal(size=80)
    weights = np.stack([np.ones(80), *(np.arange(80) % 4 != k for k in range(4))]).astype(float)
    lambdas = np.geomspace(2.0, 2e-3, 20)
    single, double = (
        WorkingSet().paths(
            problem_of(store(X), y, weights[0], SquaredError(), penalty, tol=tol), weights, lambdas
        )
        for tol in (2e-9, 1e-12)
    )
    for one, two in zip(single, double, strict=True):
        assert all(certificate.met for certificate in (*one.certificates, *two.certificates))
        np.testing.assert_allclose(
            one.data_losses + one.penalties, two.data_losses + two.penalties, rtol=1e-8
        )
        if one.held_out is not None and two.held_out is not None:
            np.testing.assert_allclose(one.held_out, two.held_out, rtol=1e-3)


@pytest.mark.parametrize(
    ("solver", "tol"),
    [
        ("small-newton", 1e-12),
        ("small-newton", 1e-6),
        ("softmax", 1e-12),
        ("working-set", 1e-12),
        ("newton", 1e-12),
    ],
)
def test_classes_that_separate_are_certified(solver: str, tol: float) -> None:
    """Where the loss itself becomes small its rounding does not: neither may it turn a good step back."""
    for seed, n, p in ((10, 49, 38), (23, 13, 29), (27, 12, 29)):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((n, p)), rng.integers(0, 3 if solver == "softmax" else 2, n)
        loss = (
            "multinomial" if solver == "softmax" or (solver == "small-newton" and seed == 23) else "logistic"
        )
        path = taut.fit_path(X, y, loss=loss, solver=solver, tol=tol, lambdas=np.geomspace(0.3, 1e-5, 40))
        assert all(certificate.met for certificate in path.certificates)


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
