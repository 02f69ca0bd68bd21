"""When a strength is left: the penalty of a table, and whether F has stopped falling."""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels import compile
from taut.solvers._kernels.float32 import ZERO
from taut.types import Single


@compile(fastmath=True)
def table_sum(theta: Single, table: Single) -> float:
    """Σ l1|w| + l2 w²; a weight with l1 = ∞ is zero and adds nothing."""
    total = 0.0
    for j in range(theta.size):
        w = theta[j]
        if w != ZERO:
            total += table[0, j] * abs(w) + table[1, j] * w * w
    return total


@compile()
def stalled(pace: Any, total: float, least: float, patience: int) -> bool:
    """Whether F, ``total`` after an epoch, fell by less than the share ``least`` for ``patience`` epochs running.

    ``pace`` (3,) goes from epoch to epoch: the last F, infinite before the first, how many epochs it has not fallen, and
    how many there were.
    """
    falling = np.isinf(pace[0]) or pace[0] - total > least * abs(pace[0])
    pace[0] = total
    pace[1] = 0.0 if falling else pace[1] + 1.0
    pace[2] += 1.0
    return bool(pace[1] >= patience)
