"""The target's task and codes, and the rows that are held out for the test."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from taut.design import (
    Classes,
    DataError,
    Quantity,
    split_rows,
    target_from_document,
    target_to_document,
    understand_target,
)
from tests.design.samples import N, cycle, table


class TestTarget:
    @pytest.mark.parametrize(
        ("cells", "expected"),
        [
            (cycle(1.5, 2.5, 3.5), Quantity("t")),
            (cycle(1, 2), Classes("t", (1, 2))),
            (cycle("7", "8", "9"), Quantity("t")),
            (cycle("yes", "no"), Classes("t", ("no", "yes"))),
            (cycle("a", "b", "c"), Classes("t", ("a", "b", "c"))),
            (cycle(True, False), Classes("t", (False, True))),
            (cycle(0.5, 1.5, None), Classes("t", (0.5, 1.5))),
        ],
    )
    def test_the_task_follows_from_the_values(self, cells: list[Any], expected: Any) -> None:
        found = understand_target(table(t=cells), "t")
        assert found.target == expected
        assert target_from_document(json.loads(json.dumps(target_to_document(found.target)))) == expected

    def test_codes_are_places_among_the_labels(self) -> None:
        found = understand_target(table(t=cycle("b", None, "a")), "t")
        assert found.y[:2].tolist() == pytest.approx([1.0, np.nan], nan_ok=True)
        assert found.y[2] == 0.0

    def test_the_task_can_be_asked_for(self) -> None:
        frame = table(t=cycle(1, 2, 3))
        assert understand_target(frame, "t", "classification").target == Classes("t", (1, 2, 3))
        assert understand_target(table(t=cycle(0, 1)), "t", "regression").target == Quantity("t")
        with pytest.raises(DataError, match="'a', which is no number"):
            understand_target(table(t=cycle("a", "b")), "t", "regression")
        with pytest.raises(ValueError, match="task must be"):
            understand_target(frame, "t", "ranking")

    @pytest.mark.parametrize(
        ("cells", "task", "message"),
        [
            (["x"] * N, None, "only the value 'x'"),
            ([None] * N, None, "no value"),
            (list(range(N)), "classification", "too many for classes"),
        ],
    )
    def test_a_target_that_cannot_serve_is_refused(
        self, cells: list[Any], task: str | None, message: str
    ) -> None:
        with pytest.raises(DataError, match=message):
            understand_target(table(t=cells), "t", task)


class TestSplit:
    def test_the_parts_are_disjoint_whole_and_the_same_for_a_seed(self) -> None:
        rows = np.arange(3, 103)
        split = split_rows(rows, None, 0.2, 7)
        assert sorted([*split.train, *split.test]) == rows.tolist()
        assert len(split.test) == 20
        assert np.array_equal(split.test, split_rows(rows, None, 0.2, 7).test)
        assert not np.array_equal(split.test, split_rows(rows, None, 0.2, 8).test)

    def test_classes_keep_their_shares(self) -> None:
        codes = np.array([0.0] * 80 + [1.0] * 20)
        split = split_rows(np.arange(100), codes, 0.25, 0)
        assert codes[split.test].mean() == pytest.approx(0.2)

    def test_a_class_with_a_single_row_does_not_stop_it(self) -> None:
        codes = np.array([0.0] * 19 + [1.0])
        assert len(split_rows(np.arange(20), codes, 0.2, 0).test) == 4

    def test_no_test_part(self) -> None:
        assert split_rows(np.arange(5), None, 0.0, 0).test.size == 0
        with pytest.raises(ValueError, match="test_size"):
            split_rows(np.arange(5), None, 1.0, 0)
        with pytest.raises(DataError, match="cannot be split"):
            split_rows(np.arange(1), None, 0.5, 0)
