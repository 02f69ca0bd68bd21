"""Laws of sums: no block, no order and no machine changes a bit; what differs does not add."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import taut
from taut.design import DataError
from taut.streaming import points_of
from tests.streaming.samples import blocks, same_bits, table

FRAME = table()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, FRAME.height), max_size=6))
def test_any_blocks_give_the_same_bits(ends: list[int]) -> None:
    whole = taut.moments(FRAME, "y", 3, sample=500)
    assert same_bits(whole, taut.moments(blocks(FRAME, *sorted(ends)), "y", 3, sample=500))


def test_any_order_of_adding_gives_the_same_bits() -> None:
    whole = taut.moments(FRAME, "y", 3)
    starts = (0, 700, 1500, 2200)
    parts = [
        taut.moments(part, preparation=whole, first_row=start)
        for start, part in zip(starts, blocks(FRAME, *starts[1:]), strict=True)
    ]
    sums = [sum(order) for order in itertools.permutations(parts)]
    sums.append((parts[0] + parts[3]) + (parts[2] + parts[1]))
    assert all(same_bits(sums[0], one) for one in sums)
    assert np.allclose(sums[0].sums.values, whole.sums.values, rtol=1e-13, atol=1e-9)
    assert (sums[0].sums.counts == whole.sums.counts).all()


def test_sums_are_those_of_the_rows() -> None:
    moments = taut.moments(FRAME, "y", 3, sample=500)
    own = moments.preparation
    rows = own.prepared(FRAME, np.arange(FRAME.height), "table")
    a = np.column_stack([rows.X, rows.y])
    for part in range(4):
        mean, cov = a[rows.parts == part].mean(axis=0), np.cov(a[rows.parts == part].T, bias=True)
        total, found, about = moments.centred(part)
        assert total == (rows.parts == part).sum()
        assert np.allclose(found, mean, rtol=1e-13)
        assert np.allclose(
            about * np.multiply.outer(own.scale, own.scale), cov, rtol=1e-9, atol=1e-12 * np.diag(cov).max()
        )


def test_points_have_the_sums() -> None:
    moments = taut.moments(FRAME, "y", 3)
    points = points_of(moments, range(4))
    assert points.counts.sum() == pytest.approx(moments.rows)
    for part in range(4):
        own = points.parts == part
        total, mean, about = moments.centred(part)
        a = (np.column_stack([points.X, points.y])[own] - mean) / moments.preparation.scale
        assert points.weight[own].sum() == pytest.approx(total)
        assert np.allclose(points.weight[own] @ a / total, 0.0, atol=1e-12)
        assert np.allclose((a.T * points.weight[own]) @ a / total, about, atol=1e-12)


def test_no_digit_is_lost_far_from_zero() -> None:
    """Variances of columns at 10⁸ of their deviations from zero have their digits: sums are taken about the sample's means."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(5_000, 2))
    frame = pl.DataFrame({"far": 1e8 + x[:, 0], "near": x[:, 1], "y": x.sum(axis=1) + rng.normal(size=5_000)})
    moments = taut.moments(frame, "y", 2)
    assert moments.digits > 14
    _, _, about = moments.centred(1)
    parts = moments.preparation.assignment.parts(frame, np.arange(5_000))
    exact = np.var(frame["far"].to_numpy()[parts == 1] - 1e8) / moments.preparation.scale[0] ** 2
    assert about[0, 0] == pytest.approx(exact, rel=1e-12)


def test_lost_digits_are_told() -> None:
    """Another site, far from where the sums are taken."""
    first = taut.moments(FRAME, "y", 2)
    moved = FRAME.with_columns(pl.col("a") + 1e6)
    assert taut.moments(moved, preparation=first).digits < 6 < first.digits


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folds": 3}, "the folds \\(folds 2 and 3\\)"),
        ({"seed": 1}, "the folds \\(seed 0 and 1\\)"),
        ({"drop": "a"}, "the preparation of the columns \\(column 'a'\\)"),
        ({"target": "a", "drop": "y"}, "the target \\('y' and 'a'\\)"),
        ({"weights": "d"}, "column"),
    ],
)
def test_what_differs_does_not_add(options: dict[str, object], said: str) -> None:
    frame = FRAME.with_columns(pl.col("d").abs())
    one = taut.moments(frame, "y", 2)
    two = taut.moments(frame, **{"target": "y", "folds": 2, **options})
    with pytest.raises(DataError, match=said):
        one + two


def test_levels_and_medians_of_other_rows_do_not_add() -> None:
    one = taut.moments(FRAME, "y", 2)
    with pytest.raises(DataError, match="the levels of 'town'"):
        one + taut.moments(FRAME.with_columns(town=pl.lit("Zz") + pl.col("town")), "y", 2)
    with pytest.raises(DataError, match="the median of 'a'"):
        one + taut.moments(FRAME.with_columns(pl.col("a") + 1), "y", 2)


def test_groups_stay_together() -> None:
    frame = FRAME.with_columns(patient=pl.Series([f"p{i % 200}" for i in range(FRAME.height)]))
    moments = taut.moments(frame, "y", 4, groups="patient")
    parts = moments.preparation.assignment.parts(frame, np.arange(frame.height))
    for i in range(200):
        assert len({*parts[i::200].tolist()}) == 1
    assert "patient" not in moments.names
