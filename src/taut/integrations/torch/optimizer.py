"""Proximal: an optimiser of torch.optim that takes its own step, then the prox of the penalties."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor
from torch.optim import Optimizer

from taut.integrations.torch.metrics import Group, State, StepMetric, metric_of
from taut.integrations.torch.proximal import ProximalStep
from taut.integrations.torch.regularizer import Regularizer
from taut.messages import outside, written

StepOf = Callable[[dict[str, Any], dict[str, Any]], Any]
"""A group of the optimiser and a parameter's state → the step of each weight: a number, or a tensor shaped as it."""

SCALER = ("grad_scale", "found_inf")
STEP_HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
STATE_HOOKS = (
    "_optimizer_state_dict_pre_hooks", "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks", "_optimizer_load_state_dict_post_hooks",
)  # fmt: skip


def proximal(optimizer: Optimizer, reg: Regularizer, metric: StepOf | None = None) -> Proximal:
    """The ``optimizer`` with the prox of ``reg`` after each step: exact zeros, and the minimum of data loss + λΩ.

    Takes SGD, Adam, AdamW, NAdam, RMSprop and Adagrad; the step of the prox is their own effective one (momentum
    counts). For another optimiser ``metric(group, state)`` returns it. Parameters without a gradient are left alone, and
    so is each weight that never had one (v = 0 in Adam, RMSprop, Adagrad; within groups it goes with its group).
    State, schedulers, closures, GradScaler, copies and pickles work as the optimizer's. Source: Yun, Lozano and Yang,
    NeurIPS 2021, algorithm 1. Raises ValueError for an optimizer whose step is not known, or that holds nothing penalised.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"proximal() wraps a torch.optim.Optimizer, got {written(optimizer)}")
    if not isinstance(reg, Regularizer):
        raise TypeError(f"reg must be a taut.torch.Regularizer, got {written(reg)}")
    if metric is None:
        metric_of(optimizer)
        _warn(optimizer)
    held = {p for group in optimizer.param_groups for p in group["params"]}
    if not any(term.parameter in held for term in reg.terms):
        raise ValueError(
            "the optimizer holds no parameter that reg penalises: were both made from the same model?"
        )
    return Proximal(optimizer, reg, metric)


def _warn(optimizer: Optimizer) -> None:
    """Say what is no penalty, and what leaves zeros out."""
    for group in optimizer.param_groups:
        decoupled = group.get("decoupled_weight_decay", isinstance(optimizer, torch.optim.AdamW))
        if decoupled and group["weight_decay"]:
            warnings.warn(
                f"decoupled weight_decay={group['weight_decay']:g} ({type(optimizer).__name__}) belongs to no objective, so the"
                " result is no minimum of loss + λΩ: set weight_decay=0 and use taut.ElasticNet",
                stacklevel=outside(),
            )
            return
    forgetful = isinstance(optimizer, torch.optim.SGD | torch.optim.RMSprop)
    if forgetful and any(group["momentum"] == 0 for group in optimizer.param_groups):
        warnings.warn(
            f"{type(optimizer).__name__} without momentum remembers no gradient, so on mini-batches their noise carries"
            " weights off zero again: momentum=0.9 keeps the zeros (with full batches nothing is to be done)",
            stacklevel=outside(),
        )


@final
class Proximal(Optimizer):  # type: ignore[misc]  # torch is not checked
    """What ``proximal`` returns: groups, state and defaults are those of the ``optimizer`` inside."""

    def __init__(self, optimizer: Optimizer, regularizer: Regularizer, metric: StepOf | None) -> None:
        self.__setstate__({"optimizer": optimizer, "regularizer": regularizer, "metric": metric})

    def __getstate__(self) -> dict[str, Any]:
        return {key: self.__dict__[key] for key in ("optimizer", "regularizer", "metric")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for hooks in STATE_HOOKS:
            self.__dict__[hooks] = self.optimizer.__dict__[hooks]
        self.__dict__.update({hooks: OrderedDict() for hooks in STEP_HOOKS})
        self._prox = ProximalStep()
        self._patch_step_function()

    def __getattr__(self, name: str) -> Any:
        """What this class has not is the optimizer's, such as its support of GradScaler."""
        if name == "optimizer":
            raise AttributeError(name)
        return getattr(self.optimizer, name)

    @property
    def param_groups(self) -> Any:
        """The optimizer's groups."""
        return self.optimizer.param_groups

    @property
    def state(self) -> Any:
        """The optimizer's state."""
        return self.optimizer.state

    @property
    def defaults(self) -> Any:
        """The optimizer's defaults."""
        return self.optimizer.defaults

    def state_dict(self) -> Any:
        """The optimizer's: λ is the regularizer's, and not in it."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what ``state_dict`` of this or of the plain optimizer returned."""
        self.optimizer.load_state_dict(state_dict)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """The optimizer's."""
        self.optimizer.zero_grad(set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """The optimizer's; parameters that the regularizer penalises are penalised here too."""
        self.optimizer.add_param_group(param_group)

    def __repr__(self) -> str:
        return f"proximal({self.optimizer!r})"

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """The optimizer's step, then the prox of every penalised parameter that it moved."""
        skipped = self.__dict__.get("found_inf")
        scaling = {name: self.__dict__[name] for name in SCALER if name in self.__dict__}
        self.optimizer.__dict__.update(scaling)
        try:
            loss = self.optimizer.step(closure)
        finally:
            for name in scaling:
                del self.optimizer.__dict__[name]
        self.regularizer.note_loss(loss)
        self._shrink(skipped)
        return loss

    def _shrink(self, skipped: Tensor | None) -> None:
        """The prox, or the zeros held where they are; nothing where GradScaler had the step skipped."""
        metric = self.metric_function()
        for group in self.param_groups:
            for parameter in group["params"]:
                term = self.regularizer.term_of.get(parameter)
                if term is None or parameter.grad is None:
                    continue
                if parameter.grad.is_sparse:
                    raise ValueError(
                        f"{term.name} has sparse gradients, whose steps move some rows alone: use sparse=False"
                    )
                if self.regularizer.holds_zeros:
                    self.regularizer.hold(term)
                else:
                    self._prox(
                        term, self.regularizer.lam, _unless(skipped, metric(group, self.state[parameter]))
                    )

    def metric_function(self) -> Callable[[Group, State], StepMetric]:
        """How the optimizer steps: as its class does, or as ``metric`` says."""
        if self.metric is None:
            return metric_of(self.optimizer)
        given: StepOf = self.metric
        return lambda group, state: StepMetric(None, given(dict(group), dict(state)))


def _unless(skipped: Tensor | None, metric: StepMetric) -> StepMetric:
    """No step where ``skipped`` is 1; it may lie on a device, and is read on the host only if it is there."""
    if skipped is None:
        return metric
    share = 1.0 - (float(skipped) if skipped.device.type == "cpu" else skipped)
    return metric._replace(scale=metric.scale * share)
