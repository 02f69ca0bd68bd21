"""A fit of moments is the fit of the rows that they are sums of."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import taut
from tests.data import data_path
from tests.streaming.samples import both_fits, largest_difference, table

REAL = {
    "california": (("california_housing", "housing.csv"), "median_house_value", ()),
    "wage": (("wage", "Wage.csv"), "wage", ("rownames", "logwage")),
    "hitters": (("hitters", "Hitters.csv"), "Salary", ("rownames",)),
    "carseats": (("carseats", "Carseats.csv"), "Sales", ("rownames",)),
    "students": (("student_performance", "student-por.csv"), "G3", ()),
}
SAME = 1e-10
TO_THE_GAP = 1e-8
"""What two paths of gaps up to 1e-13 may differ by, in a fold that a level has a single row in."""


@pytest.mark.parametrize("name", REAL)
def test_real_sets(name: str) -> None:
    parts, target, drop = REAL[name]
    rows, sums = both_fits(data_path(*parts), target, drop=drop)
    assert largest_difference(rows, sums) < SAME
    assert (rows.index, rows.scores.index_1se) == (sums.index, sums.scores.index_1se)
    assert np.allclose(rows.spread.features, sums.spread.features, rtol=SAME)


def test_sparse_one_hot() -> None:
    """Two hundred columns that are nearly always 0, as the levels of wide categories are."""
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 100, (6_000, 2))
    X = np.zeros((6_000, 200))
    X[np.arange(6_000)[:, None], levels + np.array([0, 100])] = 1.0
    y = X[:, :20].sum(axis=1) - X[:, 150:160].sum(axis=1) + rng.normal(size=6_000)
    frame = pl.DataFrame(X, schema=[f"x{j}" for j in range(200)]).with_columns(pl.Series("y", y))
    assert largest_difference(*both_fits(frame, "y")) < SAME


@pytest.mark.parametrize(
    "options",
    [
        {"penalty": "l2"},
        {"penalty": "elasticnet", "l1_ratio": 0.5},
        {"penalty": taut.MCP()},
        {"penalty": taut.L1(lower=0.0)},
        {"adaptive": 1.0},
        {"relax": "cv"},
        {"standardize": False, "drop": ("c",)},
        {"lam": "bic"},
        {"lam": "gcv", "penalty": "l2"},
    ],
    ids=str,
)
def test_options(options: dict[str, object]) -> None:
    rows, sums = both_fits(table(), "y", **options)
    assert largest_difference(rows, sums) < TO_THE_GAP
    assert rows.index == sums.index


def test_test_part_is_judged_from_its_sums() -> None:
    frame = table()
    moments = taut.moments(frame, "y", 4, seed=3)
    fit = taut.fit(moments)
    parts = moments.preparation.assignment.parts(frame, np.arange(frame.height))
    held = frame.filter((parts == 0) & frame["y"].is_not_null().to_numpy())
    with pytest.warns(UserWarning, match="town: 'Rare' not seen in training"):
        error = np.sqrt(np.mean((held["y"].to_numpy() - fit.predict(held)) ** 2))
    assert fit.tested[0].score == pytest.approx(error, rel=1e-10)
    assert fit.setting.sizes.test == held.height


def test_weights_are_those_of_rows() -> None:
    frame = table().with_columns(w=np.random.default_rng(1).integers(0, 4, 3_000) * 1e-9)
    rows, sums = both_fits(frame, "y", weights="w", lam=0.05)
    assert largest_difference(rows, sums) < TO_THE_GAP


def test_fit_of_moments_is_saved_and_told(tmp_path) -> None:
    fit = taut.fit(taut.moments(table(), "y", 4))
    again = taut.load(fit.save(tmp_path / "model"))
    assert "fitted from sums of 4 folds" in str(again)
    assert fit.evidence.groups is None
    assert fit.scores.losses is None
    fit.report(tmp_path / "page.html")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hidden": (4,)}, "hidden: a network is trained on rows"),
        ({"bootstrap": 10}, "bootstrap: resamples"),
        ({"scoring": "r2"}, "scoring: scorers judge rows"),
        ({"loss": "huber"}, "loss 'huber'"),
        ({"lam": "loo"}, "lam='loo'"),
        ({"cv": 7}, "cv=7: 4 was settled"),
        ({"test_size": 0.5}, "test_size=0.5: 0.2 was settled"),
        ({"task": "classification"}, "know no classes"),
        ({"target": "z"}, "for the target 'y'"),
    ],
)
def test_what_sums_do_not_know_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        taut.fit(taut.moments(table(), "y", 4), **given)
