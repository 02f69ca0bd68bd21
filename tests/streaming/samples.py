"""Tables and comparisons that the tests of moments share."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

import taut
from taut.design import read_table

ROWS = 3_000


def table(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Numbers far from zero and of many sizes, gaps, a copy, a category with rare levels, one of two, a target with gaps."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)) * [1, 1e-4, 1e6, 3] + [0, 1, 1e7, -5]
    town = rng.choice(["Aa", "Bb", "Cc", "Dd"], rows, p=[0.5, 0.3, 0.19, 0.01]).astype("<U4")
    town[:3] = "Rare"
    sold = rng.choice(["no", "yes"], rows)
    y = x[:, 0] + 1e-6 * x[:, 2] + 2.0 * (town == "Bb") + (sold == "yes") + rng.normal(size=rows)
    return pl.DataFrame(
        {
            "a": x[:, 0],
            "b": [None if i % 7 == 0 else v for i, v in enumerate(x[:, 1].tolist())],
            "c": x[:, 2],
            "c again": x[:, 2],
            "d": np.round(x[:, 3]).astype(int),
            "town": town,
            "sold": sold,
            "y": [None if i % 50 == 3 else v for i, v in enumerate(y.tolist())],
        }
    )


def blocks(frame: pl.DataFrame, *ends: int) -> list[pl.DataFrame]:
    """The frame cut at some rows."""
    cuts = [0, *ends, frame.height]
    return [frame[start:end] for start, end in pairwise(cuts)]


def same_bits(one: taut.Moments, two: taut.Moments) -> bool:
    """Whether two sums are the same to the last bit."""
    pairs = [(getattr(one.sums, name), getattr(two.sums, name)) for name in ("coarse", "fine", "counts")]
    return not one.preparation.difference(two.preparation) and all(np.array_equal(a, b) for a, b in pairs)


def both_fits(source: Any, target: str, folds: int = 5, **options: Any) -> tuple[taut.Fit, taut.Fit]:
    """The fit of the rows and that of their moments, with the same preparation and the same folds."""
    whole = taut.fit(source, target, test_size=0.0, lambdas=5, **options)
    moments = taut.moments(
        source, target, folds, test_size=0.0, preparation=whole, weights=options.get("weights")
    )
    frame = read_table(source).frame
    known = np.flatnonzero(~np.isnan(whole.setting.target.encode(frame)))
    parts = moments.preparation.assignment.parts(pl.DataFrame(), np.arange(len(frame)))[known]
    splits = [(np.flatnonzero(parts != k), np.flatnonzero(parts == k)) for k in range(1, folds + 1)]
    fit = taut.fit(source, target, test_size=0.0, cv=splits, tol=1e-13, **options)
    kept = {name: value for name, value in options.items() if name not in ("drop",)}
    return fit, taut.fit(moments, tol=1e-13, **kept)


def largest_difference(one: taut.Fit, two: taut.Fit) -> float:
    """Of standardised coefficients, relative to the largest, and of the folds' scores, relative to each."""
    coefs = [fit.path.standardized_coefs for fit in (one, two)]
    found = float(np.abs(coefs[0] - coefs[1]).max() / np.abs(coefs[0]).max())
    if one.scores is None or two.scores is None:
        return found
    return max(found, float(np.abs(one.scores.folds / two.scores.folds - 1.0).max()))
