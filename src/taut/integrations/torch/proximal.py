"""The proximal step: after the optimiser's own, in the optimiser's own metric; compiled on the host, torch's elsewhere."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from taut.integrations.shrinking import shrunk
from taut.integrations.torch.metrics import StepMetric
from taut.integrations.torch.terms import PenalizedParameter
from taut.solvers import HostMetric, InPlace, UniformPenalty

COMPILED = (torch.float32, torch.float64)


@final
class ProximalStep:
    """The prox of a term in place. Compiled loops serve contiguous tensors of the host, torch's operations all others."""

    def __init__(self) -> None:
        self._kernels = InPlace()

    def __call__(self, term: PenalizedParameter, lam: float, metric: StepMetric) -> None:
        """w ← prox_{t·λΩ}(w) with the steps t of ``metric``."""
        if not (_on_host(term.parameter, metric) and self._compiled(term, lam, metric)):
            in_torch(term, lam, metric)

    def _compiled(self, term: PenalizedParameter, lam: float, metric: StepMetric) -> bool:
        """Whether a compiled loop did it."""
        w, steps = _numbers(term.parameter), _host_metric(metric)
        penalty, shape = term.lowered(lam)
        if shape is not None:
            self._kernels.shrink(w, steps, UniformPenalty(*shape))
            return True
        axis = term.group_axis
        if axis is None:
            return False
        whole = term.parameter.shape
        before, inside = whole[:axis].numel(), whole[axis + 1 :].numel()
        weight = penalty.lam * (before * inside) ** 0.5  # type: ignore[attr-defined]
        self._kernels.shrink_groups(w.reshape(before, whole[axis], inside), steps, weight)
        return True


def _on_host(parameter: Tensor, metric: StepMetric) -> bool:
    squares = metric.squares
    plain = squares is None or (squares.is_contiguous() and squares.dtype == parameter.dtype)
    known = parameter.device.type == "cpu" and parameter.dtype in COMPILED and parameter.is_contiguous()
    return known and plain and not isinstance(metric.scale, Tensor)


def _numbers(x: Tensor) -> Any:
    """The memory of a contiguous tensor of the host as a NumPy array (n,)."""
    return x.detach().numpy().reshape(-1)


def _host_metric(metric: StepMetric) -> HostMetric:
    squares = None if metric.squares is None else _numbers(metric.squares)
    return HostMetric(squares, metric.scale, metric.epsilon)


def in_torch(term: PenalizedParameter, lam: float, metric: StepMetric) -> None:
    """The same by operations of torch, on any device, without a copy to the host."""
    w, step = term.parameter, metric.steps()
    penalty, shape = term.lowered(lam)
    if shape is not None and shape[3] == float("inf"):
        return _quadratic(w, step, *shape[:2])
    if isinstance(step, Tensor) and step.ndim > 0:
        step = term.seen(step)
    w.copy_(term.seen(shrunk(penalty, term.seen(w), step)))
    return None


def _quadratic(w: Tensor, step: Any, l1: float, l2: float) -> None:
    """S(w, step·l1)/(1 + 2·step·l2) in place."""
    if l1 > 0:
        bound = step * l1
        w.sub_(torch.clamp(w, -bound, bound))
    if l2 > 0:
        w.div_(1 + 2 * step * l2)
