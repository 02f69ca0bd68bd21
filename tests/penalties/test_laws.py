"""Every penalty that taut exports passes every law, over factors, boxes and shapes; broken ones do not."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taut import penalties
from taut.arrays import installed_kinds
from taut.laws import check_penalty
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, Penalty

CLASSES = sorted(
    (
        c
        for c in (getattr(penalties, name) for name in penalties.__all__)
        if isinstance(c, type) and issubclass(c, Penalty) and not c.__abstractmethods__
    ),
    key=lambda c: c.__name__,
)
INF = float("inf")


def entries(n: int, *values: float) -> st.SearchStrategy[Any]:
    """None, one number, or one per coordinate."""
    one = st.sampled_from(values)
    return st.none() | one | st.lists(one, min_size=n, max_size=n)


@st.composite
def strength(draw: st.DrawFn, above: float = 0.0) -> float:
    return above + draw(st.sampled_from([0.05, 0.3, 1.0, 1.7, 4.0]))


def argument(name: str, n: int, metadata: dict[str, float]) -> st.SearchStrategy[Any]:
    """Values for a constructor's argument: whatever is not known by name is a strength."""
    known = {
        "factors": entries(n, 0.0, 0.5, 1.0, 2.5, INF),
        "lower": entries(n, -INF, -3.0, -0.2, 0.0),
        "upper": entries(n, INF, 3.0, 0.2, 0.0),
        "curvature": st.none() | st.sampled_from([0.5, 1.0, 2.0]),
        "groups": st.none() | st.lists(st.integers(-1, 2), min_size=n, max_size=n),
    }
    return known.get(name, strength(**metadata))


@st.composite
def instances(draw: st.DrawFn, cls: type[Penalty], n: int) -> Penalty:
    assert all(f.default is not MISSING for f in fields(cls)), "a penalty's parameters have defaults"
    return cls(**{f.name: draw(argument(f.name, n, dict(f.metadata))) for f in fields(cls)})


@pytest.mark.sampled(4)
@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
@settings(max_examples=25)
@given(data=st.data(), n=st.integers(1, 5), outputs=st.sampled_from([None, 1, 3]), seed=st.integers(0, 2**16))
def test_laws_hold(cls: type[Penalty], data: st.DataObject, n: int, outputs: int | None, seed: int) -> None:
    check_penalty(data.draw(instances(cls, n)), n, seed, outputs=outputs, kinds=["numpy"])


@pytest.mark.sampled(5)
@pytest.mark.parametrize("kind", ["torch", "jax"])
@pytest.mark.parametrize("outputs", [None, 2])
@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
@settings(max_examples=3)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_laws_hold_for_other_arrays(
    cls: type[Penalty], outputs: int | None, kind: str, data: st.DataObject, seed: int
) -> None:
    if kind not in installed_kinds():
        pytest.skip(f"{kind} is not installed")
    check_penalty(data.draw(instances(cls, 4)), 4, seed, outputs=outputs, kinds=[kind])


def test_no_strength_at_all_is_lawful() -> None:
    for p in (L1(0), L2(0), ElasticNet(0), MCP(0), SCAD(0), GroupLasso(0), L1(factors=0), L2(factors=INF)):
        check_penalty(p, 3, kinds=["numpy"])


# Penalties that are wrong in one method each, and the law that says so.


class IdentityProx(ElasticNet):
    def prox(self, z, step):
        return z


class HalfProx(L1):
    def shrink(self, z, step, v):
        return L1(self.lam / 2).shrink(z, step, v)


class UnclippedProx(L1):
    def prox(self, z, step):
        return L1(self.lam).prox(z, step)


class SlopeOneAtZero(L1):
    def gradient(self, w):
        return self.lam * np.where(w >= 0, 1.0, -1.0)


class SlopeMinusOneAtZero(L1):
    def gradient(self, w):
        return self.lam * np.where(w > 0, 1.0, -1.0)


class HiddenHalf(L2):
    def gradient(self, w):
        return self.lam * w


class WrongSign(L2):
    def gradient(self, w):
        return -2 * self.lam * w


class TooSmallConjugate(L2):
    def conjugate(self, u):
        return super().conjugate(u) / 2


class TooLargeConjugate(L2):
    def conjugate(self, u):
        return 2 * super().conjugate(u)


class ConjugateThatAllowsAll(L1):
    def conjugate(self, u):
        return np.float64(0.0)


class ConjugateThatForbidsAll(L1):
    def conjugate(self, u):
        return np.where(np.any(u != 0), np.inf, 0.0)


class ConjugateOfConcave(MCP):
    def conjugate(self, u):
        return np.float64(0.0)


class TooLargeLambdaMax(L1):
    def lambda_max(self, g0):
        return 1.01 * super().lambda_max(g0)


class TooSmallLambdaMax(L1):
    def lambda_max(self, g0):
        return 0.9999 * super().lambda_max(g0)


class FiniteLambdaMax(L2):
    def lambda_max(self, g0):
        return float(1000 * np.max(np.abs(g0)))


class TwoSidedLambdaMax(L1):
    def lambda_max(self, g0):
        return L1(self.lam).lambda_max(g0)


class NoDistance(SCAD):
    def distance(self, w, g):
        return 0 * w


class SmoothDistance(L1):
    def distance(self, w, g):
        return np.abs(g + self.gradient(w))


class TableWithoutFactors(L1):
    def table(self, n):
        return L1(self.lam).table(n)


class WrongKind(SCAD):
    def table(self, n):
        return MCP(self.lam, self.gamma).table(n)


class MovingGamma(MCP):
    def at(self, lam):
        return MovingGamma(lam * self.lam, self.gamma + lam)


class CurvatureOnly(MCP):
    def at_curvature(self, curvature):
        return CurvatureOnly(self.lam / curvature, self.gamma, curvature=curvature)


class StuckStrength(L1):
    def at(self, lam):
        return self


class AverageStep(L1):
    def prox(self, z, step):
        return super().prox(z, float(np.mean(step)))


class WrongValue(GroupLasso):
    def value(self, w):
        return self.lam * np.sum(np.abs(w))


class ExpansiveProx(L1):
    def shrink(self, z, step, v):
        return np.where(np.abs(z) > 2 * step * self.lam, z, 0 * z)  # hard thresholding


class DoublePrecisionOnly(L1):
    def gradient(self, w):
        return super().gradient(w).astype(np.float64)


class IgnoresBox(L1):
    def value(self, w):
        return L1(self.lam).value(w)


class WrongSum(L2):
    def merged(self, other):
        return self


def box() -> dict[str, Any]:
    return {"lower": 0.0, "upper": [0.3, INF, 0.3, 0.3, 0.3]}


BROKEN = [
    (IdentityProx(), "no rival beats the prox"),
    (HalfProx(), "no rival beats the prox"),
    (UnclippedProx(**box()), "value is finite where the prox leads"),
    (ExpansiveProx(), "no rival beats the prox"),
    (AverageStep(), "no rival beats the prox"),
    (SlopeOneAtZero(), "gradient is 0 where the weight is 0"),
    (SlopeMinusOneAtZero(), "gradient is 0 where the weight is 0"),
    (HiddenHalf(), "gradient is a subgradient"),
    (WrongSign(), "gradient is a subgradient"),
    (TooSmallConjugate(), "Fenchel–Young"),
    (TooLargeConjugate(), "Fenchel–Young is an equality"),
    (ConjugateThatAllowsAll(), "Fenchel–Young"),
    (ConjugateThatForbidsAll(), "Fenchel–Young is an equality"),
    (ConjugateOfConcave(), "conjugate of a non-convex penalty"),
    (TooLargeLambdaMax(), "at 0.999 lambda_max some weight is not 0"),
    (TooSmallLambdaMax(), "at lambda_max the weights are 0"),
    (FiniteLambdaMax(), "at lambda_max the weights are 0"),
    (TwoSidedLambdaMax(lower=0.0), "at 0.999 lambda_max some weight is not 0"),
    (NoDistance(), r"distance\(w, g\) is"),
    (SmoothDistance(), "prox is stationary"),
    (TableWithoutFactors(factors=2.0), "table gives the same value"),
    (WrongKind(), "table gives the same value"),
    (MovingGamma(), "keeps the weak convexity"),
    (CurvatureOnly(), "lambda_max does not depend on the curvature|a curvature that is given stays"),
    (StuckStrength(), "at lambda_max the weights are 0|0 \\* p is 0"),
    (WrongValue(groups=[0, 0, 1, 1, 1]), "gradient is the derivative of value"),
    (IgnoresBox(**box()), "value is inf outside the box|table gives the same value"),
    (WrongSum(), r"value of p \+ p"),
    (DoublePrecisionOnly(), "in dtype"),
]


@pytest.mark.parametrize(("broken", "law"), BROKEN, ids=lambda x: type(x).__name__)
def test_a_broken_penalty_breaks_a_law(broken: Penalty, law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check_penalty(broken, 5, 1, kinds=["numpy"])


def test_the_message_names_the_penalty() -> None:
    with pytest.raises(AssertionError, match=r"IdentityProx\(alpha=1.0, lam1=1.0, lam2=1.0\) breaks the law"):
        check_penalty(IdentityProx(), 3, kinds=["numpy"])


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="numpy"):
        check_penalty(L1(), 3, kinds=["tensorflow"])
