"""Words: the names that penalties have as arguments, and the lists of them for a network's layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from taut.messages import suggestion, written
from taut.penalties.base import Penalty
from taut.penalties.nonconvex import MCP, SCAD
from taut.penalties.quadratic import L1, L2, ElasticNet

PENALTIES: dict[str, Callable[[float], Penalty]] = {
    "l1": lambda ratio: L1(),
    "l2": lambda ratio: L2(),
    "elasticnet": lambda ratio: ElasticNet(1.0, ratio, (1.0 - ratio) / 2.0),
    "mcp": lambda ratio: MCP(),
    "scad": lambda ratio: SCAD(),
}
"""Shapes by name; ``ratio`` is the ρ of scikit-learn and the alpha of glmnet: ρ Σ|w| + (1 − ρ)/2 Σw²."""


def as_penalty(penalty: Any, l1_ratio: Any = 0.5) -> Penalty:
    """The shape that ``penalty`` names or is; raises for anything else, and for a ratio outside [0, 1]."""
    if isinstance(penalty, Penalty):
        return penalty
    known = f"penalty must be one of {', '.join(PENALTIES)} or a taut.Penalty such as taut.L1(), got {written(penalty)}"
    if not isinstance(penalty, str):
        raise TypeError(known)
    if penalty not in PENALTIES:
        raise ValueError(f"{known}{suggestion(penalty, PENALTIES)}")
    number = isinstance(l1_ratio, Real) and not isinstance(l1_ratio, bool | np.bool_)
    if not number or not 0.0 <= float(l1_ratio) <= 1.0:
        raise ValueError(f"l1_ratio must lie between 0 (ridge) and 1 (lasso), got {written(l1_ratio)}")
    return PENALTIES[penalty](float(l1_ratio))


def as_layers(
    given: Any,
    l1_ratio: Any,
    hidden: Sequence[int],
    names: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
) -> list[Penalty | None] | None:
    """The penalties of a network's layers from words and penalties; the first is bound to the ``names`` of columns."""
    if given is None:
        return None
    if np.ndim(l1_ratio) > 0:
        raise ValueError(
            "several l1_ratios compete in penalty='elasticnet' alone: give layers with one l1_ratio"
        )
    several = isinstance(given, Iterable) and not isinstance(given, str)
    each = list(given) if several else [given] * (len(hidden) + 1)
    shapes = [None if shape is None else as_penalty(shape, l1_ratio) for shape in each]
    first = shapes[0] if shapes else None
    return shapes if first is None or names is None else [first.bind(names, sources), *shapes[1:]]
