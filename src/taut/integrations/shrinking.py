"""Shrinking: the prox as an optimiser needs it, at steps that it did not choose."""

from __future__ import annotations

from typing import Any

from taut.arrays import Array
from taut.penalties import Penalty


def shrunk(penalty: Penalty, z: Array, steps: Any) -> Array:
    """The prox at ``z`` as penalties read it; ``steps`` is a number, or an array shaped as z with 0 where no gradient was.

    MCP and SCAD at any step. In a group a weight that never had a gradient takes the mean step of the others, because held
    at what it was it would keep the whole group alive.
    """
    if not isinstance(steps, float) and steps.ndim > 0:
        steps = penalty.shared_steps(steps)
    return penalty.prox_at_any_step(z, steps)
