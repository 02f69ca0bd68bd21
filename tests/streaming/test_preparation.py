"""What the first pass learns is what all training rows say, whatever its sample holds; nothing tells of single rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import taut
from taut.design import DataError, LeftOut, Reason
from tests.streaming.samples import table

FRAME = table()


def test_a_whole_sample_gives_the_preparation_of_a_fit() -> None:
    frame = FRAME.filter(pl.col("town") != "Rare")
    fit, moments = taut.fit(frame, "y", test_size=0.0, lambdas=3), taut.moments(frame, "y", 2, test_size=0.0)
    own, other = fit.setting.preparation, moments.preparation.preparation
    assert own.names == other.names
    assert own.numbers == other.numbers
    assert own.left_out == other.left_out == (LeftOut("c again", Reason.DUPLICATE, "same as c"),)


def test_gaps_levels_and_copies_are_exact_beside_a_small_sample() -> None:
    """A gap, a level and a difference between two columns that no sample of 200 rows is likely to hold."""
    rows = 20_000
    rng = np.random.default_rng(4)
    x = rng.normal(size=rows)
    late = np.where(np.arange(rows) >= rows - 30, "late", "early")
    nearly = np.where(np.arange(rows) == 777, x + 1, x)
    gaps = [None if 5_000 <= i < 5_040 else v for i, v in enumerate(rng.normal(size=rows).tolist())]
    frame = pl.DataFrame(
        {"x": x, "nearly": nearly, "same": x, "gaps": gaps, "when": late, "y": x + rng.normal(size=rows)}
    )
    moments = taut.moments(frame, "y", 2, test_size=0.0, sample=200)
    assert {*moments.names} == {"x", "nearly", "gaps", "gaps missing", "when=late"}
    assert "drawn from all: of rank 50 % ± 6.9 %" in str(moments)
    exact = [float(np.nanmedian(frame[c].cast(pl.Float64).to_numpy())) for c in ("x", "nearly", "gaps")]
    shares = [
        (frame[c] < m).mean()
        for c, m in zip(("x", "nearly", "gaps"), moments.preparation.preparation.numbers.medians, strict=True)
    ]
    assert np.abs(np.array(shares) - 0.5).max() < 0.15
    assert np.abs(np.array(exact) - moments.preparation.preparation.numbers.medians).max() < 0.4


def test_levels_and_gaps_of_few_rows_are_pooled_and_their_names_are_not_kept() -> None:
    frame = FRAME.with_columns(few=pl.Series([None if i < 9 else float(i % 5) for i in range(FRAME.height)]))
    moments = taut.moments(frame, "y", 2, test_size=0.0)
    assert "town=Rare" not in moments.names
    assert "town rare" not in moments.names  # three rows
    assert "few missing" not in moments.names
    assert "Rare" not in str(moments.preparation.preparation)
    assert {"town=Aa", "town=Dd", "few"} < {*moments.names}
    fit = taut.fit(moments)
    with pytest.warns(UserWarning, match="town: 'Rare' not seen in training"):
        assert np.isfinite(fit.predict(frame)).all()


def test_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="sums of fewer than 10 rows"):
        taut.moments(FRAME[:60], "y", 10)


def test_levels_of_few_rows_in_a_fold_are_told() -> None:
    moments = taut.moments(FRAME, "y", 10)
    assert "town=Dd" in moments.exposed
    assert "town=Aa" not in moments.exposed
    assert "Privacy  " in str(moments)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "town"}, "target 'town' holds String, and sums are of numbers"),
        ({"target": "z"}, "no target column 'z'"),
        ({"weights": "a"}, "weights must be finite and at least 0"),
        ({"target": "two"}, "give task='regression'"),
        ({"folds": 1}, "folds must be a whole number of at least 2"),
        ({"groups": "b"}, "every row needs a group"),
        ({"drop": "q"}, "no column 'q'"),
        ({"target": "large"}, "cannot be squared"),
    ],
)
def test_bad_input_gets_a_sentence(change: dict[str, object], said: str) -> None:
    frame = FRAME.with_columns(two=pl.col("a") > 0, large=pl.lit(1e200) * pl.col("a"))
    with pytest.raises(ValueError, match=said):
        taut.moments(frame, **{"target": "y", **change})


def test_two_values_are_numbers_where_that_is_asked_for() -> None:
    frame = FRAME.with_columns(two=(pl.col("a") > 0).cast(pl.Int8)).drop("y")
    fit = taut.fit(taut.moments(frame, "two", task="regression"))
    assert fit.loss == taut.SquaredError()


def test_what_a_second_site_has_more_is_told() -> None:
    first = taut.moments(FRAME, "y", 2)
    second = FRAME.with_columns(
        pl.when(pl.col("a") > 1).then(None).otherwise(pl.col("a")).alias("a"),
        pl.when(pl.col("sold") == "yes").then(pl.lit("New")).otherwise(pl.col("sold")).alias("sold"),
    )
    told = str(first + taut.moments(second, preparation=first))
    assert "a: " in told
    assert "missing, filled with the training median" in told
    assert "sold: 'New' not seen in training, read as no level" in told


def test_interactions_and_splines_are_features_of_sums() -> None:
    moments = taut.moments(FRAME.select("a", "d", "y"), "y", 2, degree=2, interactions=True)
    assert len(moments.names) == 5
    assert taut.fit(moments).tested[0].score < 1.9
