"""Penalties as records, and inside other array libraries."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, NeuronLasso, Penalty
from tests.penalties.shapes import INF, SEPARABLE, W


class TestSteps:
    """Groups in a diagonal metric: the prox against its optimality conditions, at steps that differ a million times."""

    @pytest.mark.parametrize(
        "p", [GroupLasso(), GroupLasso(groups=[0, 0, 1, 1, 1, -1, 2, 2]), NeuronLasso()], ids=repr
    )
    @pytest.mark.parametrize("spread", [1e3, 1e6])
    def test_the_prox_is_stationary(self, p: Any, spread: float) -> None:
        rng = np.random.default_rng(1)
        for shape in ((8,), (8, 3), (8, 3, 2, 2)):
            for strength in (1e-3, 1e-1, 1.0, 10.0):
                z, step = rng.normal(size=shape), spread ** -rng.uniform(size=shape)
                x = (strength * p).prox(z, step)
                assert np.max((strength * p).distance(x, (x - z) / step) * step) < 1e-13

    def test_a_coordinate_that_may_not_move_holds_its_group(self) -> None:
        x = GroupLasso(1.0, [0, 0, 1, 1]).prox(np.array([3.0, 0.5, 0.0, 0.5]), np.array([0.0, 1.0, 0.0, 1.0]))
        assert x[0] == 3.0
        assert 0 < x[1] < 0.5
        assert_array_equal(x[2:], 0.0)

    def test_single_precision_keeps_its_digits(self) -> None:
        rng = np.random.default_rng(2)
        z, step = rng.normal(size=(50, 20)), 1e3 ** -rng.uniform(size=(50, 20))
        single = GroupLasso(0.5).prox(z.astype("f4"), step.astype("f4"))
        assert np.abs(single - GroupLasso(0.5).prox(z, step)).max() < 1e-6

    def test_it_is_compiled_and_mapped(self) -> None:
        jax = pytest.importorskip("jax", reason="jax is not installed")
        rng = np.random.default_rng(3)
        z, step = rng.normal(size=(6, 4)), rng.uniform(0.1, 1.0, (6, 4))
        arrays, strengths = (jax.numpy.asarray(z), jax.numpy.asarray(step)), np.array([0.1, 0.5, 2.0])
        for p in (
            GroupLasso(1.0, [0, 0, 1, 1, 2, -1]),
            NeuronLasso(),
            L1(),
            ElasticNet(1.0, 1.0, 0.3),
            MCP(1.0, 3.0),
        ):
            mapped = jax.jit(jax.vmap(lambda lam, p=p: (lam * p).prox(*arrays)))(strengths)
            for lam, x in zip(strengths, mapped, strict=True):
                assert np.abs(np.asarray(x) - (lam * p).prox(z, step)).max() < 1e-13


RECORDS = [
    L1(0.5),
    L2(factors=[1, INF, 0]),
    ElasticNet(1, 2, 3, lower=0, factors={"a": 1}),
    MCP(upper=np.array([1.0, 2.0])),
    SCAD(2, 5),
    GroupLasso(2, [[0, 2], [1]]),
    GroupLasso(2, {"a": "x"}),
]


class TestRecords:
    @pytest.mark.parametrize("p", RECORDS, ids=repr)
    def test_copies_are_equal(self, p: Penalty) -> None:
        for twin in (copy.copy(p), copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
            assert twin == p
            assert hash(twin) == hash(p)
            assert repr(twin) == repr(p)

    def test_different_ones_are_not(self) -> None:
        assert len({*RECORDS, *RECORDS}) == len(RECORDS)
        assert L1() != L2()
        assert L1(factors=1) != L1(factors=[1, 1])
        assert L1() != "l1"

    def test_repr_is_short(self) -> None:
        assert repr(L1(0.5)) == "L1(lam=0.5)"
        assert repr(MCP(1, 3, lower=0)) == "MCP(lam=1.0, gamma=3.0, lower=0.0)"

    def test_nothing_can_change(self) -> None:
        factors = np.array([1.0, 2.0])
        p = L1(factors=factors)
        factors[0] = 7
        assert_array_equal(p.factors, [1, 2])
        with pytest.raises(ValueError, match="read-only"):
            p.factors[0] = 7  # type: ignore[index]
        with pytest.raises(AttributeError):
            p.lam = 2  # type: ignore[misc]

    @pytest.mark.parametrize("p", RECORDS, ids=repr)
    def test_scikit_learn_clones_them(self, p: Penalty) -> None:
        base = pytest.importorskip("sklearn.base")

        class Estimator(base.BaseEstimator):  # type: ignore[misc]
            def __init__(self, penalty: Penalty | None = None) -> None:
                self.penalty = penalty

        twin = base.clone(Estimator(p))
        assert twin.penalty == p
        assert "penalty=" in repr(twin)

    def test_traits(self) -> None:
        assert L1().traits == (True, False, True, 0)
        assert L2().traits == (True, True, True, 0)
        assert not L2(lower=0).traits.smooth
        assert not L2(factors=[1, INF]).traits.smooth
        assert MCP(1, 4).traits == (False, False, True, 0.25)
        assert SCAD(1, 5).traits.weak_convexity == 0.25
        assert not GroupLasso().traits.separable


class TestArrays:
    def test_lists_and_integers(self) -> None:
        assert L1(0.5).value([1, -2]) == 1.5
        assert_allclose(L2(0.5).gradient(np.array([1, 2])), [1, 2])

    @pytest.mark.parametrize(
        "p", [*(c(factors=[1, 2, INF], lower=0) for c in SEPARABLE), GroupLasso()], ids=repr
    )
    def test_float32_stays_float32(self, p: Penalty) -> None:
        w = W.astype(np.float32)
        step = np.full(3, 0.1)
        for result in (p.value(w), p.gradient(w), p.prox(w, 0.1), p.prox(w, step), p.distance(w, W)):
            assert result.dtype == np.float32

    @pytest.mark.parametrize("p", [*(c() for c in SEPARABLE), GroupLasso(groups=[0, 0, 1, 1])], ids=repr)
    def test_torch_differentiates_the_value(self, p: Penalty) -> None:
        torch = pytest.importorskip("torch", reason="torch is not installed")
        w = torch.tensor([1.5, -0.3, 0.0, 0.0], dtype=torch.float64, requires_grad=True)
        p.value(w).backward()
        assert_allclose(w.grad.numpy(), p.gradient(w.detach()).numpy())

    @pytest.mark.sampled(1)
    @pytest.mark.parametrize(
        "p", [*(c(upper=2) for c in SEPARABLE), GroupLasso(groups=[0, 0, 1, 1])], ids=repr
    )
    def test_jax_compiles_and_differentiates(self, p: Penalty) -> None:
        jax = pytest.importorskip("jax", reason="jax is not installed")
        w = jax.numpy.asarray([1.5, -0.3, 0.0, 0.0])
        steps = jax.numpy.full(4, 0.3)
        for f in (
            p.value,
            p.gradient,
            p.conjugate if p.traits.convex else p.value,
            lambda x: p.distance(x, x),
        ):
            assert_allclose(jax.jit(f)(w), f(w), rtol=1e-6)
        assert_allclose(jax.jit(p.prox)(w, steps), p.prox(w, steps), rtol=1e-6)
        assert_allclose(jax.grad(p.value)(w), p.gradient(w), rtol=1e-6)

    def test_jax_marks_steps_that_it_could_not_check(self) -> None:
        jax = pytest.importorskip("jax", reason="jax is not installed")
        z = jax.numpy.ones(2)
        assert np.isnan(jax.jit(MCP().prox)(z, jax.numpy.asarray([1.0, 5.0]))).tolist() == [False, True]
