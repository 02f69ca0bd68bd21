"""Knots: where along the grid features enter the model and leave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taut.types import Float


@dataclass(frozen=True)
class Entry:
    """At ``lam``, place ``index`` of the grid, a feature enters the model, or leaves it where ``enters`` is False."""

    lam: float
    index: int
    feature: str | int
    enters: bool


def entries(lambdas: Float, used: NDArray[np.bool_], names: Sequence[str] = ()) -> tuple[Entry, ...]:
    """Every change of ``used`` (L, p) from one λ to the next weaker one; before the first nothing is used."""
    p = used.shape[1]
    if len(names) not in (0, p):
        raise ValueError(f"there are {p} features, and {len(names)} names; give one name for each, or none")
    before = np.vstack([np.zeros((1, p), dtype=bool), used[:-1]])
    return tuple(
        Entry(float(lambdas[i]), int(i), names[j] if len(names) else int(j), bool(used[i, j]))
        for i, j in np.argwhere(used != before)
    )
