"""Penalties at points worked out by hand, with factors and boxes, and their algebra."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, Kind, Penalty
from tests.penalties.shapes import INF, SEPARABLE, W


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
