"""Leaks: columns that say what the target is, alone or a few together, and so will not be known when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from taut.design.faults import brief
from taut.design.values import Float

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
SHOWN = 3


def find_leaks(X: Float, y: Float, sources: Sequence[str], classes: bool) -> tuple[str, ...]:
    """Return what is suspicious in the training rows X (n, p), y (n,), in words; ``sources`` names X's columns.

    For numbers: a rank correlation above 0.9999, levels that leave no variance, or up to four columns whose
    least-squares combination leaves less than 1e-6 of it (found greedily; Pati, Rezaiifar and Krishnaprasad,
    *Asilomar* 1993). For classes: a column whose values, or levels, never share a class.
    """
    if len(y) < (FEWEST_FOR_CLASSES if classes else FEWEST_ROWS):
        return ()
    alone = _separating(X, y, sources) if classes else _ordering(X, y, sources)
    alone |= _telling_levels(X, y, sources, classes, alone.keys())
    said = [f"{brief(name)} {why}" for name, why in list(alone.items())[:SHOWN]]
    if len(alone) > SHOWN:
        said.append(f"and {len(alone) - SHOWN} more columns likewise")
    return tuple(said) if alone or classes else _combination(X, y, sources)


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
    ranks, target = rankdata(X, axis=0), rankdata(y)
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


def _telling_levels(
    X: Float, y: Float, sources: Sequence[str], classes: bool, known: object
) -> dict[str, str]:
    """Categories of which every level has one class, or one value of y."""
    places: dict[str, list[int]] = {}
    for j, source in enumerate(sources):
        places.setdefault(source, []).append(j)
    return {
        source: "has one target for each of its levels"
        for source, columns in places.items()
        if 1 < len(columns) <= len(y) / ROWS_PER_LEVEL and _tells(X[:, columns], y)
    }


def _tells(levels: Float, y: Float) -> bool:
    """Whether rows with the same 0/1 features always have the same y."""
    if not ((levels == 0.0) | (levels == 1.0)).all():
        return False
    code = np.unique(levels @ np.arange(1.0, levels.shape[1] + 1.0), return_inverse=True)[1]
    low = np.full(code.max() + 1, np.inf)
    high = -low
    np.minimum.at(low, code, y)
    np.maximum.at(high, code, y)
    return bool((low == high).all())


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
            names = list(dict.fromkeys(brief(sources[j]) for j in chosen))
            joined = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
            return (f"the target is all but a linear combination of {joined}",)
    return ()
