"""Penalties at points worked out by hand, their constructors, names, algebra, and life inside other tools."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, Kind, NeuronLasso, Penalty

INF = float("inf")
SEPARABLE = [L1, L2, ElasticNet, MCP, SCAD]
W = np.array([2.0, -0.5, 0.0])


class TestFormulas:
    """The table of MATH, §1."""

    def test_l1(self) -> None:
        p = L1(0.3)
        assert p.value(W) == pytest.approx(0.75)
        assert_allclose(p.gradient(W), [0.3, -0.3, 0])
        assert_allclose(p.prox(W, 2.0), [1.4, 0, 0])
        assert p.conjugate(np.array([0.3, -0.3, 0.1])) == 0
        assert p.conjugate(np.array([0.3001, 0, 0])) == INF
        assert p.lambda_max(np.array([0.6, -0.9])) == pytest.approx(3)

    def test_l2_has_no_hidden_half(self) -> None:
        p = L2(0.3)
        assert p.value(W) == pytest.approx(0.3 * 4.25)
        assert_allclose(p.gradient(W), 0.6 * W)
        assert_allclose(p.prox(W, 2.0), W / 2.2)
        assert p.conjugate(W) == pytest.approx(4.25 / 1.2)

    def test_elastic_net(self) -> None:
        p = ElasticNet(2.0, 0.3, 0.1)
        assert p.value(W) == pytest.approx(2 * (0.3 * 2.5 + 0.1 * 4.25))
        assert_allclose(p.gradient(W), 2 * (0.3 * np.sign(W) + 0.2 * W))
        assert_allclose(p.prox(W, 0.5), [1.7 / 1.2, -0.2 / 1.2, 0])
        assert p.conjugate(W) == pytest.approx(1.4**2 / 0.8)
        assert p.lambda_max(np.array([-3.0, 1.0])) == pytest.approx(5)

    def test_group_lasso(self) -> None:
        p = GroupLasso(0.5, [[0, 2], [1]])
        w = np.array([3.0, -2.0, 4.0])
        assert p.value(w) == pytest.approx(0.5 * (np.sqrt(2) * 5 + 2))
        assert_allclose(p.gradient(w), 0.5 * np.array([np.sqrt(2) * 0.6, -1, np.sqrt(2) * 0.8]))
        assert_allclose(p.prox(w, 1.0), (1 - np.sqrt(0.5) / 5) * w * [1, 0, 1] + [0, -1.5, 0])
        assert_array_equal(p.prox(w, 10.0), 0)

    def test_group_lasso_counts_entries_of_all_outputs(self) -> None:
        w = np.array([[3.0, 0.0], [0.0, 4.0], [1.0, 0.0]])
        assert GroupLasso(1, [[0, 1], [2]]).value(w) == pytest.approx(2 * 5 + np.sqrt(2))

    def test_mcp(self) -> None:
        p = MCP(1.0, 3.0)
        assert_allclose([p.value(np.array([x])) for x in (0.0, 1.5, 3.0, 9.0)], [0, 1.5 - 2.25 / 6, 1.5, 1.5])
        assert_allclose(p.gradient(np.array([0.0, -1.5, 3.0, 9.0])), [0, -0.5, 0, 0])
        assert_allclose(p.prox(np.array([0.5, 1.5, -2.0, 3.0, 9.0]), 1.0), [0, 0.75, -1.5, 3, 9])

    def test_scad(self) -> None:
        p = SCAD(1.0, 3.7)
        at = np.array([0.5, 1.0, 2.0, 3.7, 9.0])
        expected = [0.5, 1, (2 * 3.7 * 2 - 4 - 1) / 5.4, 2.35, 2.35]
        assert_allclose([p.value(np.array([x])) for x in at], expected)
        assert_allclose(p.gradient(at), [1, 1, 1.7 / 2.7, 0, 0])
        assert_allclose(p.prox(np.array([0.5, 1.5, 3.0, -9.0]), 1.0), [0, 0.5, (2.7 * 3 - 3.7) / 1.7, -9])

    @pytest.mark.parametrize("curvature", [2.0, 0.5])
    @pytest.mark.parametrize("cls", [MCP, SCAD])
    def test_the_unit_of_curvature(self, cls: Any, curvature: float) -> None:
        """c·p(w; λ/c, γ), whose prox at step 1/c is that of p at step 1."""
        plain, measured = cls(2.0 / curvature), cls(2.0).at_curvature(curvature)
        w = np.linspace(-20.0, 20.0, 41)
        for x in w:
            assert measured.value(np.array([x])) == pytest.approx(curvature * plain.value(np.array([x])))
        assert_allclose(measured.gradient(w), curvature * plain.gradient(w), atol=1e-12)
        assert_allclose(measured.prox(w, 1.0 / curvature), plain.prox(w, 1.0))
        assert measured.lambda_max(np.array([3.0])) == cls(2.0).lambda_max(np.array([3.0])) == 1.5

    def test_a_unit_of_curvature_that_is_given_stays(self) -> None:
        assert MCP(1.0, 4.0, curvature=2.0).at_curvature(1.0) == MCP(1.0, 4.0, curvature=2.0)
        assert MCP(1.0, 4.0, curvature=2.0).traits.weak_convexity == 0.5
        assert (3.0 * SCAD().at_curvature(2.0)) == SCAD(3.0, curvature=2.0)
        assert repr(SCAD().at_curvature(2.0)) == "SCAD(lam=1.0, gamma=3.7, curvature=2.0)"
        for p in (L1(), L2(), ElasticNet(), GroupLasso()):
            assert p.at_curvature(2.0) is p

    @pytest.mark.parametrize("bad", [0.0, -1.0, INF])
    def test_a_unit_of_curvature_is_positive(self, bad: float) -> None:
        with pytest.raises(ValueError, match="curvature must be a finite number > 0"):
            MCP(curvature=bad)


class TestFactorsAndBox:
    @pytest.mark.parametrize("cls", SEPARABLE)
    def test_a_factor_multiplies_the_strength_of_its_coordinate(self, cls: Any) -> None:
        many, z = cls(factors=[0.5, 2.0, 0.0]), np.array([0.9, -2.0, 3.0])
        for j, p in enumerate([0.5 * cls(), 2.0 * cls(), 0.0 * cls()]):
            assert many.prox(z, 0.3)[j] == p.prox(z, 0.3)[j]
            assert many.gradient(z)[j] == p.gradient(z)[j]
            assert many.distance(z, z)[j] == p.distance(z, z)[j]
        assert many.value(z) == pytest.approx((0.5 * cls()).value(z[:1]) + (2 * cls()).value(z[1:2]))

    @pytest.mark.parametrize("cls", SEPARABLE)
    def test_factor_zero_is_free_and_infinite_is_excluded(self, cls: Any) -> None:
        p = cls(factors=[0, INF])
        assert p.value(np.array([5.0, 0.0])) == 0
        assert p.value(np.array([0.0, 1e-9])) == INF
        assert_array_equal(p.prox(np.array([5.0, 1e9]), 0.1), [5, 0])
        assert p.lambda_max(np.array([3.0, 4.0])) == 0
        table = p.table(2)
        assert_array_equal([table.l1, table.upper, table.lower], [[0, INF], [INF, 0], [-INF, 0]])

    @pytest.mark.parametrize("cls", [L1, ElasticNet, MCP, SCAD])
    def test_lambda_max_is_one_sided_at_a_bound_of_zero(self, cls: Any) -> None:
        g = np.array([-1.0, 4.0])
        assert cls(lower=0).lambda_max(g) == pytest.approx(1)
        assert cls(upper=0).lambda_max(g) == pytest.approx(4)
        assert cls(lower=0, upper=0).lambda_max(g) == 0
        assert cls(lower=-1, upper=[2, 3]).lambda_max(g) == pytest.approx(4)

    def test_lambda_max_of_l2_alone(self) -> None:
        assert L2().lambda_max(np.array([0.0, 1e-3])) == INF
        assert L2().lambda_max(np.zeros(2)) == 0
        assert L2(factors=[1, 0]).lambda_max(np.array([0.0, 1.0])) == 0
        assert L2(lower=0).lambda_max(np.array([1.0, 1.0])) == 0

    def test_lambda_max_gives_zeros_to_the_last_digit(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(200):
            g, p = rng.normal(size=4), L1(rng.uniform(0.1, 3), factors=rng.uniform(0.1, 3, 4))
            assert_array_equal((p.lambda_max(g) * p).prox(-g, 1.0), 0)

    def test_box_conjugate(self) -> None:
        assert L1(1, lower=0).conjugate(np.array([-9.0])) == 0
        assert L1(1, upper=2).conjugate(np.array([4.0])) == pytest.approx(6)
        assert L2(1, upper=1).conjugate(np.array([6.0])) == pytest.approx(5)
        assert L1(1, factors=0).conjugate(np.array([1e-6, 0.0])) == INF
        assert L1(1, factors=INF).conjugate(np.array([1e6])) == 0

    def test_conjugate_forgives_rounding_only(self) -> None:
        assert L1(3.0).conjugate(np.array([3.0 * (1 + 1e-13)])) == 0
        assert L1(3.0).conjugate(np.array([3.0 * (1 + 1e-11)])) == INF
        assert L1(3.0, factors=[0, 1]).conjugate(np.array([1e-16, 2.0])) == 0

    def test_distance(self) -> None:
        p, g = L1(1, lower=-1, upper=2), np.array([-3.0, 3.0, -3.0, 0.0, 0.5])
        assert_allclose(p.distance(np.array([2.0, 2.0, 0.0, 5.0, -1.0]), g), [0, 4, 2, INF, 0.5])

    def test_factors_hold_for_all_outputs_of_a_feature(self) -> None:
        p, w = L1(factors=[1, 2]), np.ones((2, 2))
        assert p.value(w) == 6
        assert_array_equal(p.gradient(w), [[1, 1], [2, 2]])
        assert_array_equal(p.prox(w, np.array([0.25, 0.5])), [[0.75, 0.75], [0, 0]])

    def test_table(self) -> None:
        table = ElasticNet(2, 0.5, 0.25, factors=[1, 2], lower=0, upper=[1, INF]).table(2)
        assert table.kind == Kind.QUADRATIC
        assert_array_equal([table.l1, table.l2], [[1, 2], [0.5, 1]])
        assert_array_equal([table.lower, table.upper], [[0, 0], [1, INF]])
        assert (table.knee, table.flat) == (0.0, INF)
        for penalty, knots in (
            (MCP(2), (0.0, 3.0)),
            (SCAD(2), (1.0, 3.7)),
            (SCAD(2, 5, curvature=0.5), (2, 10)),
        ):
            concave = penalty.table(1)
            assert (concave.kind, concave.knee, concave.flat, concave.l1.tolist()) == (
                Kind.CONCAVE,
                *knots,
                [2],
            )
        assert GroupLasso().table(3) is None


class TestStrength:
    def test_strength_is_outside(self) -> None:
        assert 0.5 * L1(3) == L1(3) * 0.5 == L1(3).at(0.5) == L1(1.5)
        assert 2 * ElasticNet(1.5, 2, 3) == ElasticNet(3, 2, 3)
        assert 2 * GroupLasso(1, [0, 0]) == GroupLasso(2, [0, 0])
        assert np.float64(2) * L2(3, factors=[1, 2]) == L2(6, factors=[1, 2])
        assert [lam * L1() for lam in np.array([2.0, 1.0])] == [L1(2), L1(1)]

    @pytest.mark.parametrize("cls", [MCP, SCAD])
    def test_gamma_stays_along_a_path(self, cls: Any) -> None:
        assert 2 * cls(3, 5) == cls(6, 5)
        assert (2 * cls()).value(2 * W) == pytest.approx(4 * cls().value(W))
        assert (2 * cls()).value(W) != pytest.approx(2 * cls().value(W))

    def test_sums(self) -> None:
        assert L1(2) + L2(3) == L2(3) + L1(2) == ElasticNet(1, 2, 3)
        assert ElasticNet(2, 1, 1) + L1(1) == ElasticNet(1, 3, 2)
        assert ElasticNet(2, 1, 1) + L2(1) + ElasticNet() == ElasticNet(1, 3, 4)
        assert L1(1, factors=[1, 2], lower=0) + L1(2, factors=[1, 2], lower=0) == L1(
            3, factors=[1, 2], lower=0
        )
        assert L2(1) + L2(2) == L2(3)
        assert GroupLasso(1, [0, 1]) + GroupLasso(2, [0, 1]) == GroupLasso(3, [0, 1])

    @pytest.mark.parametrize(
        ("p", "q"),
        [
            (L1(), GroupLasso()),
            (GroupLasso(groups=[0, 0]), GroupLasso(groups=[0, 1])),
            (L1(factors=[1, 2]), L2()),
            (L1(lower=0), L1()),
            (MCP(), MCP()),
            (MCP(), L2()),
            (L1(), SCAD()),
        ],
    )
    def test_sums_without_an_exact_prox_raise(self, p: Penalty, q: Penalty) -> None:
        with pytest.raises(ValueError, match="no exact prox"):
            p + q

    def test_only_penalties_add_and_only_numbers_multiply(self) -> None:
        with pytest.raises(TypeError):
            L1() + 1
        for wrong in ("2", [1, 2], np.ones(2)):
            with pytest.raises(TypeError):
                wrong * L1()


class TestConstructors:
    @pytest.mark.parametrize("bad", [-1, INF, float("nan")])
    def test_strengths_are_finite_and_not_negative(self, bad: float) -> None:
        for make in (L1, L2, MCP, SCAD, GroupLasso, lambda x: ElasticNet(1, x), lambda x: x * L1()):
            with pytest.raises(ValueError, match=r"must be a finite number ≥ 0, got"):
                make(bad)

    def test_a_strength_is_a_number(self) -> None:
        with pytest.raises(TypeError, match="lam must be a number, got 'strong'"):
            L1("strong")  # type: ignore[arg-type]

    @pytest.mark.parametrize(("cls", "gamma"), [(MCP, 1), (SCAD, 2)])
    def test_gamma_has_a_lower_limit(self, cls: Any, gamma: float) -> None:
        with pytest.raises(ValueError, match=f"gamma must be a finite number > {gamma}, got {gamma}"):
            cls(1, gamma)

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"factors": [1, -2]}, r"factors\[1\] must be ≥ 0, got -2"),
            ({"factors": {"age": -1}}, r"factors\['age'\] must be ≥ 0"),
            ({"factors": float("nan")}, "factors must be ≥ 0, got nan"),
            ({"factors": [[1.0]]}, "one number per coordinate, got shape"),
            ({"lower": 1}, "lower must be ≤ 0, got 1"),
            ({"upper": [0, -1e-9]}, r"upper\[1\] must be ≥ 0"),
        ],
    )
    @pytest.mark.parametrize("cls", SEPARABLE)
    def test_factors_and_box(self, cls: Any, wrong: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            cls(**wrong)

    def test_lengths_must_fit(self) -> None:
        for p in (L1(factors=[1, 2]), L1(lower=[0, 0]), GroupLasso(groups=[0, 0])):
            with pytest.raises(ValueError, match="2 entries for 3 coordinates"):
                p.value(W)

    @pytest.mark.parametrize(
        ("groups", "message"),
        [
            ([[0, 1], [1, 2]], "coordinate 1 is in more than one group"),
            ([[0], [2]], "coordinate 1 is in no group"),
            ([[-1], [0]], "coordinate 0 is in no group"),
            ([[0], []], "at least one integer"),
            ([[0.5]], "at least one integer"),
            ([0, -2], "labels|label ≥ 0"),
            ([0.5, 1.0], "label ≥ 0"),
            ([], "label ≥ 0"),
        ],
    )
    def test_groups(self, groups: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            GroupLasso(1, groups)

    def test_labels(self) -> None:
        assert GroupLasso().labels(3).tolist() == [0, 1, 2]
        assert GroupLasso(1, [5, -1, 5]).labels(3).tolist() == [5, -1, 5]

    def test_lambda_max_refuses_what_is_not_finite(self) -> None:
        for p in (L1(), GroupLasso()):
            for bad in (float("nan"), INF):
                with pytest.raises(ValueError, match="finite gradient"):
                    p.lambda_max(np.array([1.0, bad]))

    def test_index_lists_are_labels(self) -> None:
        assert GroupLasso(1, [[3, 0], (1,), np.array([2])]) == GroupLasso(1, [0, 1, 2, 0])

    @pytest.mark.parametrize("cls", SEPARABLE)
    def test_a_step_is_not_negative(self, cls: Any) -> None:
        for step in (-1.0, np.array([1.0, 0.1, -0.1])):
            with pytest.raises(ValueError, match="step must be ≥ 0"):
                cls().prox(W, step)

    def test_the_prox_of_a_weakly_convex_penalty_needs_a_small_step(self) -> None:
        MCP(1, 3).prox(W, 2.99)
        for p, step in ((MCP(1, 3), 3.0), (SCAD(1, 3.7), 2.7), (MCP(1, 3), np.array([0.1, 0.1, 3.0]))):
            with pytest.raises(ValueError, match="needs a step <"):
                p.prox(W, step)

    @pytest.mark.parametrize(
        "p",
        [
            MCP(1, 3),
            SCAD(0.7, 3.7),
            MCP(1, 2, lower=0, upper=[0.5, INF, 1, 2.5, 9]),
            SCAD(1, 2.5, factors=[0, 1, 2, 3, INF]),
        ],
    )
    def test_at_any_step_nothing_is_lower(self, p: Any) -> None:
        rng, grid = np.random.default_rng(0), np.linspace(-12, 12, 24001)
        table = p.table(5)
        for _ in range(40):
            z, step = rng.uniform(-6, 6, 5), np.exp(rng.uniform(-3, 3, 5))
            x = p.prox_at_any_step(z, step)
            for j in range(5):
                one = type(p)(p.lam, p.gamma)
                lam = table.l1[j] if np.isfinite(table.l1[j]) else 0.0
                rivals = np.append(np.clip(grid, table.lower[j], table.upper[j]), x[j])
                costs = (rivals - z[j]) ** 2 / (2 * step[j]) + one.magnitude(np.abs(rivals), lam / p.lam)
                assert costs[-1] <= costs.min() + 1e-6
        gentle = np.full(5, 0.9 / p.weak_convexity)
        assert_array_equal(p.prox_at_any_step(z, gentle), p.prox(z, gentle))


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


class TestNames:
    NAMES = ("age", "city=Oslo", "city=Bergen", "income")
    SOURCES = ("age", "city", "city", "income")

    def test_factors_and_box_by_name(self) -> None:
        p = L1(2, factors={"city": 3, "age": 0}, lower={"income": 0}, upper=5).bind(self.NAMES, self.SOURCES)
        assert p == L1(2, factors=[0, 3, 3, 1], lower=[-INF, -INF, -INF, 0], upper=5)

    def test_a_design_column_goes_before_its_source(self) -> None:
        p = L1(factors={"city": 3, "city=Oslo": 0}).bind(self.NAMES, self.SOURCES)
        assert_array_equal(p.factors, [1, 0, 3, 1])

    def test_arrays_and_numbers_stay(self) -> None:
        for p in (L1(), L2(factors=2), MCP(factors=[1, 2, 3, 4]), GroupLasso(groups=[0, 0, 1, -1])):
            assert p.bind(self.NAMES, self.SOURCES) == p

    def test_an_unknown_name_shows_close_ones(self) -> None:
        with pytest.raises(ValueError, match=r"factors names a column 'incom' that is not there: .*'income'"):
            L1(factors={"incom": 1}).bind(self.NAMES)
        with pytest.raises(ValueError, match=r"'city' that is not there"):
            L1(factors={"city": 1}).bind(("age", "income"))
        with pytest.raises(ValueError, match=r"the columns are 'age'"):
            GroupLasso(groups={"zzz": 1}).bind(self.NAMES)

    def test_lengths_must_fit(self) -> None:
        for p in (L1(factors=[1, 2]), GroupLasso(groups=[0, 0])):
            with pytest.raises(ValueError, match="2 entries for 4 coordinates"):
                p.bind(self.NAMES)
        with pytest.raises(ValueError, match="sources"):
            L1(factors={"age": 1}).bind(self.NAMES, ("age",))

    def test_unbound_names_do_not_compute(self) -> None:
        for p in (L1(factors={"age": 1}), SCAD(upper={"age": 1}), GroupLasso(groups={"age": 1})):
            with pytest.raises(ValueError, match=r"call bind\(names\) first"):
                p.value(W)

    def test_groups_of_one_table_column(self) -> None:
        assert GroupLasso().bind(self.NAMES, self.SOURCES) == GroupLasso(groups=[0, 1, 1, 2])
        assert GroupLasso().bind(self.NAMES) == GroupLasso(groups=[0, 1, 2, 3])

    def test_groups_by_name(self) -> None:
        p = GroupLasso(groups={"age": "person", "income": "person"}).bind(self.NAMES, self.SOURCES)
        assert p == GroupLasso(groups=[0, 1, 1, 0])
        assert GroupLasso(groups={"city": -1}).bind(self.NAMES, self.SOURCES).groups.tolist()[1:3] == [-1, -1]


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
