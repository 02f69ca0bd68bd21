"""Metrics: the effective step of every weight in Keras' optimisers, in their own conventions for ε.

Written in ``keras.ops``, so that it is traced as the optimiser's own step is. ``t`` counts this step; ``response`` is what a
momentum that holds the rate (SGD's, RMSprop's) makes of a gradient that stays the same: r ← μr + rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops, optimizers

from taut.integrations.keras.regularizer import tensor

Step = Callable[[Any, int, Any, Any], Any]
"""The optimiser, a variable's place in it, its response and t, in the variable's dtype → the steps."""


def _held(squares: Any, steps: Any) -> Any:
    """The steps, and 0 where no gradient ever was."""
    return ops.where(squares > 0, steps, ops.zeros_like(steps))


def _sgd(optimizer: Any, place: int, rate: Any, t: Any) -> Any:
    """rate/(1 − momentum) where the rate stays the same."""
    return rate


def _adam(optimizer: Any, place: int, rate: Any, t: Any) -> Any:
    """rate·√(1 − β₂ᵗ)/(√v + ε), for AMSGrad with the largest v so far."""
    kept = optimizer._velocity_hats if optimizer.amsgrad else optimizer._velocities
    squares = tensor(kept[place])
    share = ops.sqrt(1.0 - ops.power(ops.cast(optimizer.beta_2, squares.dtype), t))
    return _held(squares, rate * share / (ops.sqrt(squares) + optimizer.epsilon))


def _nadam(optimizer: Any, place: int, rate: Any, t: Any) -> Any:
    """rate·[(1 − μ_t)/(1 − Πμ) + μ_{t+1}(1 − β₁ᵗ)/(1 − Πμ·μ_{t+1})]/(√v̂ + ε)."""
    squares = tensor(optimizer._velocities[place])
    of = squares.dtype
    beta1, beta2, product = (
        ops.cast(x, of) for x in (optimizer.beta_1, optimizer.beta_2, optimizer._u_product)
    )
    now, then = (beta1 * (1.0 - 0.5 * ops.power(ops.cast(0.96, of), k)) for k in (t, t + 1))
    moved = (1.0 - now) / (1.0 - product) + then * (1.0 - ops.power(beta1, t)) / (1.0 - product * then)
    corrected = squares / (1.0 - ops.power(beta2, t))
    return _held(squares, rate * moved / (ops.sqrt(corrected) + optimizer.epsilon))


def _rmsprop(optimizer: Any, place: int, rate: Any, t: Any) -> Any:
    """rate/√(v + ε), with momentum divided by 1 − momentum where the rate stays the same."""
    squares = tensor(optimizer._velocities[place])
    return _held(squares, rate / ops.sqrt(squares + optimizer.epsilon))


def _adagrad(optimizer: Any, place: int, rate: Any, t: Any) -> Any:
    """rate/√(Σg² + ε)."""
    squares = tensor(optimizer._accumulators[place])
    return _held(squares, rate / ops.sqrt(squares + optimizer.epsilon))


KNOWN: dict[str, tuple[type, Step]] = {
    "SGD": (optimizers.SGD, _sgd),
    "Adam": (optimizers.Adam, _adam),
    "AdamW": (optimizers.AdamW, _adam),
    "Nadam": (optimizers.Nadam, _nadam),
    "RMSprop": (optimizers.RMSprop, _rmsprop),
    "Adagrad": (optimizers.Adagrad, _adagrad),
}


def step_of(optimizer: Any) -> Step:
    """How the optimiser steps; raises ValueError, naming it, where that is not known."""
    name = type(optimizer).__name__
    kind, step = KNOWN.get(name, (None, None))
    if kind is None or step is None or not isinstance(optimizer, kind):
        raise ValueError(f"proximal() takes {', '.join(KNOWN)}, not {name}, whose step is not known here")
    if getattr(optimizer, "centered", False):
        raise ValueError(
            "proximal() refuses RMSprop(centered=True): it divides by √(v − ḡ²), which is about 0 where the gradient stays the"
            " same, so that its prox has no bounded step"
        )
    return step


def momentum_of(optimizer: Any) -> float:
    """The momentum that holds the rate, 0 without one."""
    return float(optimizer.momentum) if isinstance(optimizer, optimizers.SGD | optimizers.RMSprop) else 0.0
