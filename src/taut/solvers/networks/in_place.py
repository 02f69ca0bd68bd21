"""The prox of penalties in place, on arrays of networks that others train: the door to the kernels for their integrations."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from taut.solvers._kernels import optimizer_steps

Real = NDArray[Any]


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
        of = w.dtype.type
        if shape.l1 == 0 and shape.l2 == 0:
            return None
        if metric.squares is not None and shape.l2 == 0 and shape.flat == np.inf:
            scale = of(metric.scale * shape.l1)
            return optimizer_steps.soft_threshold(w, metric.squares, scale, of(metric.epsilon))
        steps = self._steps(w, metric)
        if shape.flat == np.inf:
            return optimizer_steps.shrink_quadratic(w, steps, of(shape.l1), of(shape.l2))
        return optimizer_steps.shrink_concave(w, steps, of(shape.l1), of(shape.knee), of(shape.flat))

    def shrink_groups(self, w: Real, metric: HostMetric, weight: float) -> None:
        """w (A, G, B) ← the prox of weight·Σ_g ‖w[:, g]‖₂; without a gradient a weight takes its group's mean step."""
        if weight == 0:
            return
        steps, room = self._take(w.size, w.dtype), np.empty((4, w.shape[1]), w.dtype)
        steps[:] = self._steps(w.reshape(-1), metric)
        steps = steps.reshape(w.shape)
        optimizer_steps.share_steps(steps, room[0], room[1])
        optimizer_steps.shrink_groups(w, steps, w.dtype.type(weight), room)

    def _steps(self, w: Real, metric: HostMetric) -> Real:
        """The steps (n,), or (1,) where they are all the same."""
        of = w.dtype.type
        if metric.squares is None:
            return np.array([metric.scale], w.dtype)
        steps = self._take(w.size, w.dtype)
        optimizer_steps.fill_steps(steps, metric.squares, of(metric.scale), of(metric.epsilon))
        return steps

    def _take(self, size: int, dtype: Any) -> Real:
        """Room for ``size`` numbers."""
        if dtype not in self._room or self._room[dtype].size < size:
            self._room[dtype] = np.empty(size, dtype)
        return self._room[dtype][:size]
