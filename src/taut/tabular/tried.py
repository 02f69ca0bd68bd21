"""Tried: what became of each model that an automatic fit compared."""

from __future__ import annotations

import math
from typing import NamedTuple

ENDED = "not finished: the budget ended"
NEEDS_DENSE = "not tried: X is sparse, and a network needs dense columns"


class Tried(NamedTuple):
    """A model that was compared with others on the same folds.

    ``asks``: the words that ask ``taut fit`` for it alone; ``mark``: ``taken``, ``best``, ``close`` (no worse than the best by
    more than one standard error of their difference, fold by fold) or none of these; ``note``: why it has no score, or
    empty; ``score`` and ``error``: cross-validated, at its own λ, as they are shown; ``kept``: features that its predictions
    depend on.
    """

    name: str
    asks: str
    mark: str
    note: str = ""
    score: float = math.nan
    error: float = math.nan
    kept: int = 0
