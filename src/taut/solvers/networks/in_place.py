"""The prox of penalties in place, on arrays of networks that others train: the door to the kernels for their integrations."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from taut.solvers._kernels import optimizer_steps

Real = NDArray[Any]

LARGEST = {of: np.finfo(of).max for of in (np.float32, np.float64)}
"""The square from which on a step is nothing."""


class HostMetric(NamedTuple):
    """The step of each weight: scale/(√squares + epsilon), and 0 where squares is 0; ``scale`` alone without squares."""

    squares: Real | None
    scale: float
    epsilon: float


class UniformPenalty(NamedTuple):
    """A separable penalty that is the same for every weight: what the fields of ``taut.penalties.Table`` hold."""

    l1: float
    l2: float
    knee: float
    flat: float


@final
class InPlace:
    """Proxes of contiguous arrays of float32 or float64, which are overwritten; steps have room that is kept between calls."""

    def __init__(self) -> None:
        self._room: dict[Any, Real] = {}

    def shrink(self, w: Real, metric: HostMetric, shape: UniformPenalty) -> None:
        """w (n,) ← the prox of the separable ``shape``, for MCP and SCAD at any step."""
        of, (squares, scale, epsilon), (l1, l2, knee, flat) = w.dtype.type, metric, shape
        if l1 == 0 and l2 == 0:
            return None
        if squares is not None and l2 == 0 and flat == np.inf:
            return optimizer_steps.shrink_l1(w, squares, of(scale * l1), of(epsilon), LARGEST[of])
        each = w[:0] if squares is None else squares
        steps = each, of(scale), of(epsilon), LARGEST[of]
        if flat == np.inf:
            return optimizer_steps.shrink_quadratic(w, *steps, of(l1), of(l2))
        return optimizer_steps.shrink_concave(w, *steps, of(l1), of(knee), of(flat))

    def shrink_groups(self, w: Real, metric: HostMetric, weight: float) -> None:
        """w (A, G, B) ← the prox of weight·Σ_g ‖w[:, g]‖₂; without a gradient a weight takes its group's mean step."""
        if weight == 0:
            return
        steps, room = self._steps(w, metric), np.empty((4, w.shape[1]), w.dtype)
        optimizer_steps.share_steps(steps, room[0], room[1])
        optimizer_steps.shrink_groups(w, steps, w.dtype.type(weight), room)

    def _steps(self, w: Real, metric: HostMetric) -> Real:
        """The steps, shaped as w, in room for as many numbers."""
        if w.dtype not in self._room or self._room[w.dtype].size < w.size:
            self._room[w.dtype] = np.empty(w.size, w.dtype)
        steps = self._room[w.dtype][: w.size]
        if metric.squares is None:
            steps[:] = metric.scale
        else:
            of = w.dtype.type
            optimizer_steps.fill_steps(
                steps, metric.squares, of(metric.scale), of(metric.epsilon), LARGEST[of]
            )
        return steps.reshape(w.shape)
