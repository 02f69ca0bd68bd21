"""What makes a penalty: numbers, names of columns, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso
from tests.penalties.shapes import INF, SEPARABLE, W


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
