"""proximal: a Keras optimiser whose update ends in the prox of the penalties."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from taut.integrations.keras.metrics import Step, momentum_of, step_of
from taut.integrations.keras.regularizer import Regularizer, seen, tensor, unseen
from taut.integrations.shrinking import shrunk
from taut.messages import outside, written

BACKENDS = ("jax", "torch", "tensorflow")


def proximal(optimizer: Any, reg: Regularizer) -> Any:
    """The ``optimizer`` itself, whose updates now end in the prox of ``reg``: exact zeros, the minimum of loss + λΩ.

    Takes SGD, Adam, AdamW, Nadam, RMSprop and Adagrad; the step of the prox is their own effective one. Clipping, schedules,
    gradient accumulation and averages of weights work as before. A weight that never had a gradient stays as it is; within
    groups it goes with its group. A model that is saved and loaded has a plain optimizer: call ``proximal`` again. Raises
    ValueError for an optimizer whose step is not known, for one that has been used, and on other backends than JAX, PyTorch and
    TensorFlow.
    """
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(f"proximal() takes a keras optimizer, got {written(optimizer)}")
    if not isinstance(reg, Regularizer):
        raise TypeError(f"reg must be a taut.keras.Regularizer, got {written(reg)}")
    if keras.backend.backend() not in BACKENDS:
        raise ValueError(
            f"taut.keras works on the backends {', '.join(BACKENDS)}, not on {keras.backend.backend()}: set KERAS_BACKEND"
        )
    step = step_of(optimizer)
    if "_backend_update_step" in vars(optimizer) or optimizer.built:
        raise ValueError(
            "proximal() takes an optimizer that is new: it has been used, or is proximal already"
        )
    _warn(optimizer)
    momentum = momentum_of(optimizer)
    if momentum:
        _remember_rates(optimizer)
    optimizer._backend_update_step = _updating(optimizer, reg, step, momentum)
    return optimizer


def _remember_rates(optimizer: Any) -> None:
    """One more number in the optimizer's state: what its momentum made of the rates so far."""
    build: Callable[[Any], None] = optimizer.build

    def build_with_response(variables: Any) -> None:
        build(variables)
        if getattr(optimizer, "_taut_response", None) is None:
            optimizer._taut_response = optimizer.add_variable((), name="response")

    optimizer.build = build_with_response


def _updating(
    optimizer: Any, reg: Regularizer, step: Step, momentum: float
) -> Callable[[Sequence[Any], Sequence[Any], Any], None]:
    """The optimizer's update of all variables, then their prox."""
    update = optimizer._backend_update_step

    def update_and_shrink(grads: Sequence[Any], variables: Sequence[Any], learning_rate: Any) -> None:
        kept = [tensor(v) != 0 for v in variables] if reg.holds_zeros else []
        update(grads, variables, learning_rate)
        rate = _response(optimizer, momentum, learning_rate) if momentum else learning_rate
        for k, v in enumerate(variables):
            if id(v) in reg.penalty_of:
                v.assign(_held(v, kept[k]) if kept else _shrunk(optimizer, reg, step, v, rate))

    return update_and_shrink


def _held(variable: Any, kept: Any) -> Any:
    """The variable with its zeros where they were."""
    w = tensor(variable)
    return ops.where(kept, w, ops.zeros_like(w))


def _response(optimizer: Any, momentum: float, learning_rate: Any) -> Any:
    """r ← μr + rate, from its limit rate/(1 − μ)."""
    kept = optimizer._taut_response
    rate = ops.cast(learning_rate, kept.dtype)
    before = tensor(kept)
    kept.assign(ops.where(before > 0, momentum * before + rate, rate / (1.0 - momentum)))
    return tensor(kept)


def _shrunk(optimizer: Any, reg: Regularizer, step: Step, variable: Any, rate: Any) -> Any:
    """The prox at a variable that has just been updated."""
    w = tensor(variable)
    t = ops.cast(optimizer.iterations + 1, variable.dtype)
    steps = step(optimizer, optimizer._get_variable_index(variable), ops.cast(rate, variable.dtype), t)
    each = seen(steps) if len(steps.shape) else steps
    return unseen(shrunk(reg.penalty_of[id(variable)].at(reg.lam), seen(w), each))


def _warn(optimizer: Any) -> None:
    """Say what is no penalty, and what leaves zeros out."""
    name = type(optimizer).__name__
    if optimizer.weight_decay:
        warnings.warn(
            f"weight_decay={optimizer.weight_decay:g} of Keras' {name} is decoupled and belongs to no objective, so the result"
            " is no minimum of loss + λΩ: set weight_decay=None and use taut.ElasticNet",
            stacklevel=outside(),
        )
    elif name in ("SGD", "RMSprop") and not optimizer.momentum:
        warnings.warn(
            f"{name} without momentum remembers no gradient, so on mini-batches their noise carries weights off zero"
            " again: momentum=0.9 keeps the zeros (with full batches nothing is to be done)",
            stacklevel=outside(),
        )
