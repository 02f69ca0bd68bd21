"""Metrics: the effective step of a transformation of optax, read from its structure.

At a fixed point every transformation multiplies a constant gradient by a number per weight, its gain, and a chain by the
product of its parts' gains; minus that is the step of the prox. What a transformation was made with (β, ε, the rate) is not
in its state but in the functions that optax closes over it, where it is looked up by the name that optax gives it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

Gain: TypeAlias = Any
"""A tree of arrays shaped as the parameters."""


class ChainPart(NamedTuple):
    """A transformation: its name, what it was made with, and its states before and after an update."""

    name: str
    made_with: Mapping[str, Any]
    before: Any
    after: Any


def steps(found: list[ChainPart], responses: tuple[Any, ...], params: Any) -> tuple[Any, tuple[Any, ...]]:
    """The step of every weight, a tree shaped as ``params``, and the responses of the traces so far, one each.

    A trace with decay μ answers a constant gradient by 1/(1 − μ) times it; one that comes after the rate, as in rmsprop, by
    r ← μr + rate, which lags behind a rate that falls.
    """
    number: Any = 1.0
    shaped: Any = None
    later: list[Any] = []
    for part in found:
        if part.name == "trace":
            number = _response(part.made_with["decay"], number, responses[len(later)])
            later.append(number)
        elif part.name in ADAPTIVE:
            gain = ADAPTIVE[part.name](part)
            shaped = gain if shaped is None else jax.tree.map(jnp.multiply, shaped, gain)
        else:
            number = number * PLAIN[part.name](part)
    if shaped is None:
        shaped = jax.tree.map(jnp.ones_like, params)
    return jax.tree.map(lambda p, gain: jnp.asarray(-number * gain, p.dtype), params, shaped), tuple(later)


def no_responses(found: list[ChainPart]) -> tuple[Any, ...]:
    """Of traces that have answered nothing yet: NaN each."""
    return tuple(jnp.asarray(jnp.nan) for part in found if part.name == "trace")


def _response(decay: Any, number: Any, before: Any) -> Any:
    steady = number / (1 - decay)
    return jnp.where(jnp.isnan(before), steady, decay * before + number)


def parts(update: Callable[..., Any], before: Any = None, after: Any = None) -> list[ChainPart]:
    """The transformations that ``update`` applies one after the other; raises ValueError, naming it, for an unknown one."""
    name, made_with = _opened(update)
    if name == "with_extra_args_support":
        return parts(made_with["tx"].update, before, after)
    if name == "chain":
        updates = made_with["update_fns"]
        states = [zip(before, after, strict=True) if before is not None else [(None, None)] * len(updates)]
        return [p for one, (b, a) in zip(updates, *states, strict=True) for p in parts(one, b, a)]
    if name == "inject_hyperparams":
        return _injected(made_with, before, after)
    if name not in KNOWN:
        raise ValueError(
            f"proximal() does not know the step of {name or 'this transformation'}: it takes adam, adamw, amsgrad, sgd, rmsprop"
            " and adagrad, with schedules, clipping and weight decay in chains; or give metric="
        )
    return [ChainPart(name, made_with, before, after)]


def _opened(update: Callable[..., Any]) -> tuple[str, Mapping[str, Any]]:
    """The function of optax that made ``update``, and what it closed over."""
    if not inspect.isfunction(update):
        return getattr(update, "__name__", type(update).__name__), {}
    return update.__qualname__.partition(".")[0], inspect.getclosurevars(update).nonlocals


def _injected(made_with: Mapping[str, Any], before: Any, after: Any) -> list[ChainPart]:
    """The transformation with the hyperparameters that its state holds."""
    if before is None:  # no state to read yet
        return []
    inner = made_with["inner_factory"](**made_with["other_hps"], **after.hyperparams)
    return parts(inner.update, before.inner_state, after.inner_state)


def _adaptive(squares: Any, inverse_root: Callable[[Any], Any]) -> Gain:
    """1/√v as the transformation computes it, and 0 where v is 0: such a weight never had a gradient."""
    return jax.tree.map(lambda v: jnp.where(v > 0, inverse_root(v), 0.0), squares)


def _adam(part: ChainPart) -> Gain:
    """1/(√(v̂ + ε_root) + ε); Nesterov's looks one step ahead."""
    made, t = part.made_with, part.after.count
    b1, correction = made["b1"], 1 - made["b2"] ** t
    ahead = b1 * (1 - b1**t) / (1 - b1 ** (t + 1)) + (1 - b1) / (1 - b1**t) if made["nesterov"] else 1.0
    return _adaptive(
        part.after.nu, lambda v: ahead / (jnp.sqrt(v / correction + made["eps_root"]) + made["eps"])
    )


def _amsgrad(part: ChainPart) -> Gain:
    """1/(√(max v̂ + ε_root) + ε), times 1 − β₁ᵗ without the correction of m."""
    made = part.made_with
    share = 1.0 if made["bias_correction_mu"] else 1 - made["b1"] ** part.after.count
    return _adaptive(part.after.nu_max, lambda v: share / (jnp.sqrt(v + made["eps_root"]) + made["eps"]))


def _rms(part: ChainPart) -> Gain:
    """1/√(v + ε) or 1/(√v + ε)."""
    made = part.made_with
    correction = 1 - made["decay"] ** part.after.count if made["bias_correction"] else 1.0
    if made["eps_in_sqrt"]:
        return _adaptive(part.after.nu, lambda v: jax.lax.rsqrt(v / correction + made["eps"]))
    return _adaptive(part.after.nu, lambda v: 1 / (jnp.sqrt(v / correction) + made["eps"]))


def _rss(part: ChainPart) -> Gain:
    """1/√(Σg² + ε)."""
    return _adaptive(part.after.sum_of_squares, lambda v: jax.lax.rsqrt(v + part.made_with["eps"]))


def _none(part: ChainPart) -> Any:
    """Clipping and weight decay are of the gradient: at a fixed point they change it, not what becomes of it."""
    return 1.0


ADAPTIVE: dict[str, Callable[[ChainPart], Gain]] = {
    "scale_by_adam": _adam,
    "scale_by_amsgrad": _amsgrad,
    "scale_by_rms": _rms,
    "scale_by_rss": _rss,
}
"""Gains per weight, by the names of the functions of optax that make the transformations."""

PLAIN: dict[str, Callable[[ChainPart], Any]] = {
    "scale": lambda part: part.made_with["step_size"],
    "scale_by_schedule": lambda part: part.made_with["step_size_fn"](part.before.count),
    "add_decayed_weights": _none,
    "clip": _none,
    "clip_by_global_norm": _none,
    "clip_by_block_rms": _none,
    "zero_nans": _none,
    "identity": _none,
}
"""Gains that are the same for every weight."""

KNOWN = {*ADAPTIVE, *PLAIN, "trace"}
REMEMBERS = {"scale_by_adam", "scale_by_amsgrad", "scale_by_rss", "trace"}
