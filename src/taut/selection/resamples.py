"""Resamples: rows drawn anew, class by class where there are classes, so that every one of them can be fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from taut.messages import warn
from taut.path import PathSpec, tells_nothing
from taut.selection.data import Data, strata
from taut.types import Float, Index

ATTEMPTS = 100
"""Draws per fit that is asked for, at most: where one y is as rare as that, nothing is measured."""


def resamples(spec: PathSpec, data: Data, fits: int, resample: str, random: Any) -> Iterator[Float]:
    """How often each of n rows is drawn, for ``fits`` resamples.

    Where every row has one class, each class is drawn on its own and is in every resample; the row of a class that has
    only one is always drawn. A resample in which a constant explains y, or no intercept is best (counts that are all 0),
    is drawn anew, and one warning says how many were. Raises ValueError where that leads to nothing.
    """
    groups, drawn, again = _groups(spec, data), 0, 0
    gone = spec.loss.lacking(data.y, data.weight) if spec.free_intercept else ""
    if gone:
        raise ValueError(
            f"there is {gone} with a positive weight: leave such a class out, or give rows with other values"
        )
    while drawn < fits:
        together = RESAMPLES[resample](groups, data.y.shape[0], random)[: fits - drawn]
        if any(_tells_nothing(spec, data, counts * data.weight) for counts in together):
            again += 1
            if again > ATTEMPTS * fits:
                raise ValueError(
                    f"of {again} draws nearly all have one y alone: give more rows with other values, or resample='bootstrap'"
                )
            continue
        drawn += len(together)
        yield from together
    if again:
        warn(f"{again} resamples had one y alone, of which nothing is learned, and were drawn anew")


def _groups(spec: PathSpec, data: Data) -> list[Index]:
    """The rows of positive weight, by class where there are classes."""
    rows, labels = np.flatnonzero(data.weight > 0), strata(spec.loss, data.y)
    if labels is None:
        return [rows]
    return [rows[labels[rows] == label] for label in np.unique(labels[rows])]


def _tells_nothing(spec: PathSpec, data: Data, weight: Float) -> bool:
    if not spec.free_intercept:
        return False
    alone = tells_nothing(data.y, weight, spec.loss, data.offset)
    return alone or bool(spec.loss.lacking(data.y, weight))


def _with_replacement(groups: Sequence[Index], n: int, random: Any) -> list[Float]:
    """As many draws from each group as it has rows, with replacement."""
    drawn = np.concatenate([random.choice(rows, rows.size) for rows in groups])
    return [np.bincount(drawn, minlength=n).astype(np.float64)]


def _halves(groups: Sequence[Index], n: int, random: Any) -> list[Float]:
    """Half of the rows of each group, and the others; of odd groups' last rows half too, and a single row in both."""
    halves, last = np.zeros((2, n)), []
    for rows in groups:
        order, half = random.permutation(rows), rows.size // 2
        halves[0, order[:half]] = halves[1, order[half : 2 * half]] = 1.0
        if rows.size == 1 and len(groups) > 1:
            halves[:, rows] = 1.0
        else:
            last += order[2 * half :].tolist()
    if len(last) > 1:
        order, half = random.permutation(last), len(last) // 2
        halves[0, order[:half]] = halves[1, order[half : 2 * half]] = 1.0
    return list(halves)


RESAMPLES: dict[str, Callable[[Sequence[Index], int, Any], list[Float]]] = {
    "bootstrap": _with_replacement,
    "half": _halves,
}
"""Ways to draw rows: Efron's bootstrap, and the complementary halves of Shah and Samworth (2013)."""
