"""Leaks: columns that say what the target is, alone or a few together, and so will not be known when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from taut.design.faults import brief
from taut.types import Float, Int64

FEWEST_ROWS = 20
"""Below this many rows agreement is no evidence."""
FEWEST_FOR_CLASSES = 50
ROWS_PER_LEVEL = 5
SAMPLE = 200
LARGER_SAMPLE = 5_000
RANKS = 0.9999
"""Rank correlation from which two columns are taken to order the rows alike."""
UNEXPLAINED = 1e-6
"""Share of the target's variance that a combination may leave."""
MOST_COLUMNS = 4
MOST_CATEGORIES = 12
SHOWN = 3
SUSPECTS = 100
SUSPECT_CELLS = 1 << 24
"""Of a sparse table so many columns are looked at, and not more than so many cells."""
MOST_CLASSES = 20


def find_leaks(X: Float, y: Float, sources: Sequence[str], classes: bool) -> tuple[str, ...]:
    """Return what is suspicious in the training rows X (n, p), y (n,), in words; ``sources`` names X's columns.

    For numbers: a rank correlation above 0.9999, levels that leave no variance, or up to four columns whose
    least-squares combination leaves less than 1e-6 of it (found greedily; Pati, Rezaiifar and Krishnaprasad,
    *Asilomar* 1993). For classes: a column whose values, or up to three whose levels, never share a class.
    """
    if len(y) < (FEWEST_FOR_CLASSES if classes else FEWEST_ROWS):
        return ()
    alone = _separating(X, y, sources) if classes else _ordering(X, y, sources)
    if not alone:
        alone = _telling_levels(X, y, sources, classes)
    said = [f"{brief(name)} {why}" for name, why in list(alone.items())[:SHOWN]]
    if len(alone) > SHOWN:
        said.append(f"and {len(alone) - SHOWN} more columns likewise")
    return tuple(said) if alone or classes else _combination(X, y, sources)


def suspects(X: Any, y: Float, classes: bool) -> NDArray[np.intp]:
    """The columns of a sparse X (n, p) to look at for leaks: those that correlate most with y (n,) or with a class of it."""
    n = X.shape[0]
    mean = np.asarray(X.mean(axis=0)).ravel()
    spread = np.sqrt(np.maximum(np.asarray(X.multiply(X).mean(axis=0)).ravel() - mean**2, 0.0))
    codes, counts = np.unique(y, return_counts=True) if classes else (np.zeros(1), np.zeros(1))
    strongest = np.zeros(X.shape[1])
    for code in codes[np.argsort(-counts, kind="stable")[:MOST_CLASSES]]:
        target = (y == code).astype(np.float64) if classes else y
        pull = np.abs(X.T @ (target - target.mean())) / n
        size = spread * target.std()
        np.maximum(strongest, np.divide(pull, size, out=np.zeros_like(pull), where=size > 0), out=strongest)
    most = max(MOST_COLUMNS, min(SUSPECTS, SUSPECT_CELLS // n))
    return np.sort(np.argsort(-strongest, kind="stable")[:most])


def _rows(n: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.unique(np.linspace(0, n - 1, min(n, count)).astype(np.int64))


def _ordering(X: Float, y: Float, sources: Sequence[str]) -> dict[str, str]:
    """Columns that order the rows as y does: a few rows acquit most columns, more rows judge the rest."""
    few = np.arange(X.shape[1])
    for size in (SAMPLE, LARGER_SAMPLE):
        rows = _rows(len(y), size)
        rank = np.abs(_rank_correlations(X[np.ix_(rows, few)], y[rows]))
        few = few[rank > (0.99 if size == SAMPLE else RANKS)]
        if not few.size:
            return {}
    return dict.fromkeys((sources[j] for j in few.tolist()), "orders the rows as the target does")


def _rank_correlations(X: Float, y: Float) -> Float:
    ranks, target = scipy.stats.rankdata(X, axis=0), scipy.stats.rankdata(y)
    ranks -= ranks.mean(axis=0)
    target -= target.mean()
    size = np.sqrt((ranks**2).sum(axis=0) * (target @ target))
    return np.asarray(np.divide(target @ ranks, size, out=np.zeros(X.shape[1]), where=size > 0))


def _separating(X: Float, y: Float, sources: Sequence[str]) -> dict[str, str]:
    """Columns whose values never overlap between classes."""
    codes = np.unique(y)
    low = np.stack([X[y == code].min(axis=0) for code in codes])
    high = np.stack([X[y == code].max(axis=0) for code in codes])
    order = np.argsort(low, axis=0)
    low, high = np.take_along_axis(low, order, axis=0), np.take_along_axis(high, order, axis=0)
    apart = (high[:-1] < low[1:]).all(axis=0)
    return dict.fromkeys(
        (sources[j] for j in np.flatnonzero(apart).tolist()), "alone tells the classes apart without error"
    )


def _telling_levels(X: Float, y: Float, sources: Sequence[str], classes: bool) -> dict[str, str]:
    """Categories of which every level has one class, or one value of y; else two or three of them that do together."""
    codes = _codes(X, sources)
    for size in (1, 2, 3) if classes else (1,):
        for names in combinations(codes, size):
            if _tell([codes[name] for name in names], y):
                why = (
                    "has one target for each of its levels"
                    if size == 1
                    else f"and {_listed(names[1:])} together tell the target"
                )
                return {names[0]: why}
    return {}


def _codes(X: Float, sources: Sequence[str]) -> dict[str, Int64]:
    """The level of each row, for the columns that are 0/1 features alone; those of few levels first, and not too many."""
    places: dict[str, list[int]] = {}
    for j, source in enumerate(sources):
        places.setdefault(source, []).append(j)
    plain = {
        source: columns
        for source, columns in places.items()
        if len(columns) <= len(X) / ROWS_PER_LEVEL and all(_is_indicator(X[:, j]) for j in columns)
    }
    few = set(sorted(plain, key=lambda s: len(plain[s]))[:MOST_CATEGORIES])
    return {s: _code(X, plain[s]) for s in places if s in few}


def _is_indicator(column: Float) -> bool:
    """Whether a column is 0 or 1: a few rows acquit most others."""
    some = column[:SAMPLE]
    return bool(((some == 0.0) | (some == 1.0)).all() and ((column == 0.0) | (column == 1.0)).all())


def _code(X: Float, columns: Sequence[int]) -> Int64:
    """Σ (k + 1) x_k over the 0/1 columns of one category: which of them is 1, 0 for none."""
    code = np.zeros(len(X), dtype=np.int64)
    for k, j in enumerate(columns):
        code += (k + 1) * X[:, j].astype(np.int64)
    return code


def _tell(codes: Sequence[Int64], y: Float) -> bool:
    """Whether rows with the same levels always have the same y, with rows enough for that to mean something."""
    joint = np.unique(
        np.ravel_multi_index(tuple(codes), [int(c.max()) + 1 for c in codes]), return_inverse=True
    )[1]
    cells = int(joint.max()) + 1
    if not len(np.unique(y)) <= cells <= len(y) / ROWS_PER_LEVEL:
        return False
    low = np.full(cells, np.inf)
    high = -low
    np.minimum.at(low, joint, y)
    np.maximum.at(high, joint, y)
    return bool((low == high).all())


def _listed(names: Sequence[str]) -> str:
    quoted = [brief(name) for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _combination(X: Float, y: Float, sources: Sequence[str]) -> tuple[str, ...]:
    rows = _rows(len(y), LARGER_SAMPLE)
    Z, target = X[rows] - X[rows].mean(axis=0), y[rows] - y[rows].mean()
    spread = np.sqrt((Z**2).sum(axis=0))
    Z = np.divide(Z, spread, out=np.zeros_like(Z), where=spread > 0)
    rest, chosen = target, []
    for _ in range(min(MOST_COLUMNS, X.shape[1], len(rows) // 5)):
        chosen.append(int(np.argmax(np.abs(rest @ Z))))
        rest = target - Z[:, chosen] @ np.linalg.lstsq(Z[:, chosen], target, rcond=None)[0]
        if rest @ rest <= UNEXPLAINED * (target @ target):
            names = list(dict.fromkeys(sources[j] for j in chosen))
            return (f"the target is all but a linear combination of {_listed(names)}",)
    return ()
