"""Small tables that the tests of ``taut.fit`` share: quick to fit, with every kind of column."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl

import taut

N = 90


@cache
def table() -> pl.DataFrame:
    """Numbers with gaps, a category of three levels, one of two, an id, and targets of every kind."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(N, 3))
    town = np.array(["Aa", "Bb", "Cc"])[rng.integers(3, size=N)]
    size = np.array(["big", "small"])[rng.integers(2, size=N)]
    signal = 2 * x[:, 0] - x[:, 1] + (town == "Bb") + 0.5 * (size == "small")
    gaps = [None if i % 9 == 0 else float(v) for i, v in enumerate(x[:, 2])]
    price = 100 + 10 * (signal + rng.normal(scale=0.5, size=N))
    kind = np.digitize(signal + rng.normal(scale=0.5, size=N), [-1.0, 1.0])
    return pl.DataFrame(
        {
            "row_id": [f"r{i}" for i in range(N)],
            "x1": x[:, 0],
            "x2": 1000 * x[:, 1],
            "x3": gaps,
            "town": town,
            "size": size,
            "price": price,
            "count": rng.poisson(np.exp(0.5 * signal - 0.5)),
            "sold": np.where(signal + rng.normal(scale=1.0, size=N) > 0.3, "yes", "no"),
            "kind": np.array(["low", "middle", "high"])[kind],
            "weight": rng.integers(1, 4, size=N),
        }
    )


def features(target: str, *more: str) -> pl.DataFrame:
    """The table with one target, and the columns ``more`` that are none."""
    targets = {"price", "count", "sold", "kind", "weight"} - {target, *more}
    return table().drop(*targets)


@cache
def fitted(target: str = "price", **options: Any) -> taut.Fit:
    """A fit of the table, made once."""
    return taut.fit(features(target), target, **{"cv": 3, "lambdas": 8, **options})
