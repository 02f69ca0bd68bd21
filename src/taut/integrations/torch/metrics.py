"""Metrics: the effective step of every weight in the optimisers of torch.optim, as their own formulas give it.

A point stays where it is under gradient step and prox together only if both have the same step: what an optimiser with
momentum moves a weight by when the gradient stays the same. With any other the limit solves another λ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

Group: TypeAlias = "Mapping[str, Any]"
State: TypeAlias = "Mapping[str, Any]"


class StepMetric(NamedTuple):
    """The step scale/(√squares + epsilon) of each weight, 0 where squares is 0: such a weight never had a gradient.

    Without squares the step is ``scale`` for all. Numbers are tensors where the optimiser keeps them on a device.
    """

    squares: Tensor | None
    scale: Any
    epsilon: Any = 0.0

    def steps(self) -> Any:
        """The steps: a number, or a tensor shaped as the squares."""
        if self.squares is None:
            return self.scale
        steps = self.scale / (self.squares.sqrt() + self.epsilon)
        return torch.where(self.squares > 0, steps, torch.zeros_like(steps))


def sgd(group: Group, state: State) -> StepMetric:
    """lr·(1 − dampening)/(1 − momentum), with or without Nesterov's acceleration."""
    momentum, rate = group["momentum"], _number(group["lr"])
    return StepMetric(None, rate * (1 - group["dampening"]) / (1 - momentum) if momentum else rate)


def adam(group: Group, state: State) -> StepMetric:
    """lr/(√v̂ + ε) with v̂ = v/(1 − β₂ᵗ), for AMSGrad the largest v so far: Adam and AdamW."""
    root = _root(1 - _number(group["betas"][1]) ** _number(state["step"]))
    squares = state["max_exp_avg_sq"] if group["amsgrad"] else state["exp_avg_sq"]
    return StepMetric(squares, _number(group["lr"]) * root, group["eps"] * root)


def nadam(group: Group, state: State) -> StepMetric:
    """lr·[(1 − μ_t)/(1 − Πμ) + μ_{t+1}(1 − β₁ᵗ)/(1 − Πμ·μ_{t+1})]/(√v̂ + ε)."""
    (beta1, beta2), t, product = group["betas"], _number(state["step"]), _number(state["mu_product"])
    now, then = (beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
    moved = (1 - now) / (1 - product) + then * (1 - beta1**t) / (1 - product * then)
    root = _root(1 - beta2**t)
    return StepMetric(state["exp_avg_sq"], _number(group["lr"]) * moved * root, group["eps"] * root)


def rmsprop(group: Group, state: State) -> StepMetric:
    """lr/(√v + ε), with momentum divided by 1 − momentum."""
    return StepMetric(state["square_avg"], _number(group["lr"]) / (1 - group["momentum"]), group["eps"])


def adagrad(group: Group, state: State) -> StepMetric:
    """lr/(1 + (t − 1)·lr_decay)/(√Σg² + ε)."""
    rate = _number(group["lr"]) / (1 + (_number(state["step"]) - 1) * group["lr_decay"])
    return StepMetric(state["sum"], rate, group["eps"])


KNOWN: dict[type[torch.optim.Optimizer], Callable[[Group, State], StepMetric]] = {
    torch.optim.SGD: sgd,
    torch.optim.Adam: adam,
    torch.optim.AdamW: adam,
    torch.optim.NAdam: nadam,
    torch.optim.RMSprop: rmsprop,
    torch.optim.Adagrad: adagrad,
}
"""The optimisers whose step is known, each exactly: a subclass may step otherwise."""

UNCENTRED = (
    "RMSprop(centered=True) divides by √(v − ḡ²), which is about 0 where the gradient stays the same: its prox has no bounded"
    " step; leave centered=True out"
)
CLOSURES = "LBFGS searches along a line with its own curvature, not with a step per weight"
ROWS = "SparseAdam steps the rows of a batch alone: use Adam with an embedding that is not sparse"
REFUSED: dict[str, str] = {"LBFGS": CLOSURES, "SparseAdam": ROWS}
"""Optimisers for which no step per weight exists, by name, and why."""


def metric_of(optimizer: torch.optim.Optimizer) -> Callable[[Group, State], StepMetric]:
    """How the optimiser steps; raises ValueError, naming it, where that is not known."""
    name = type(optimizer).__name__
    if type(optimizer) not in KNOWN:
        known = ", ".join(kind.__name__ for kind in KNOWN)
        reason = REFUSED.get(name, f"the step of {name} is not known here")
        raise ValueError(f"proximal() takes {known}, not {name}: {reason}, or give metric=")
    if any(group.get("centered") for group in optimizer.param_groups):
        raise ValueError(f"proximal() refuses {UNCENTRED}")
    return KNOWN[type(optimizer)]


def _number(value: Any) -> Any:
    """A number; a tensor on the host as the number it holds, one on a device as it is, since to read it would wait."""
    return float(value) if not isinstance(value, Tensor) or value.device.type == "cpu" else value


def _root(value: Any) -> Any:
    return value.sqrt() if isinstance(value, Tensor) else math.sqrt(value)
