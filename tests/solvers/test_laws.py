"""Every engine keeps the laws; a wrong engine breaks a law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from taut.laws import check_solver
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.penalties import L1, L2, MCP, SCAD, GroupLasso, Penalty
from taut.solvers.base import Certificate, LinearProblem, Measure, MemberPath, Solver
from taut.solvers.first_order.proximal_gradient import ProximalGradient
from taut.solvers.groups.descent_solver import GroupDescent
from taut.solvers.groups.newton_parts import group_parts
from taut.solvers.moments.solver import GramPath
from taut.solvers.newton.parts import independent_parts, separable_parts, softmax_parts, squared_parts
from taut.solvers.newton.ridge_solver import RidgeNewton
from taut.solvers.newton.small_solver import SmallNewton
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.ridge.rotated_solver import RotatedRidge
from taut.solvers.working_set.solver import WorkingSet
from tests.solvers.problems import ENET, Float

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


@pytest.mark.sampled(4)
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


@ONE
@given(seed=st.integers(0, 2**16))
def test_ridges_of_classes_keep_the_laws(seed: int) -> None:
    check_solver(RidgeNewton(), seed, losses=[Logistic(), Multinomial()], penalties=[L2()])


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
