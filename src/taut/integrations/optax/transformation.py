"""proximal: a gradient transformation whose updates lead to the prox of where another's lead."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from taut.integrations.optax.metrics import ADAPTIVE, REMEMBERS, no_responses, parts, steps
from taut.integrations.optax.regularizer import Regularizer, seen, unseen
from taut.integrations.shrinking import shrunk
from taut.messages import outside, written

StepOf = Callable[[Any, Any], Any]
"""The inner state after an update and the parameters → the step of every weight, a tree shaped as the parameters."""


class ProximalState(NamedTuple):
    """The state of the transformation inside, and how its traces answer a constant gradient."""

    inner: Any
    responses: tuple[Any, ...] = ()


def proximal(
    inner: Any, reg: Regularizer, metric: StepOf | None = None
) -> optax.GradientTransformationExtraArgs:
    """``inner`` with the prox of ``reg`` after each update: exact zeros, and the minimum of data loss + λΩ.

    ``optax.apply_updates`` makes exact zeros of its updates. The step of the prox is the effective one of ``inner``: adam,
    adamw, amsgrad, sgd, rmsprop, adagrad with momentum, schedules, clipping and weight decay in chains, and
    inject_hyperparams. For others ``metric(state, params)`` returns it. A weight that never had a gradient stays as it is;
    within groups it goes with its group. Works under jit, scan and vmap, also over λ. Raises ValueError for a
    transformation whose step is not known.
    """
    if not isinstance(inner, optax.GradientTransformation):
        raise TypeError(f"proximal() wraps an optax.GradientTransformation, got {written(inner)}")
    if not isinstance(reg, Regularizer):
        raise TypeError(f"reg must be a taut.optax.Regularizer, got {written(reg)}")
    if metric is None:
        _warn([part for part in parts(inner.update) if not _is_idle(part)])
    wrapped = optax.with_extra_args_support(inner)

    def init(params: Any) -> ProximalState:
        reg.penalties(params)
        inside = wrapped.init(params)
        return ProximalState(inside, () if metric else no_responses(parts(inner.update, inside, inside)))

    def update(
        updates: Any, state: ProximalState, params: Any = None, **extra: Any
    ) -> tuple[Any, ProximalState]:
        if params is None:
            raise ValueError("proximal() needs the parameters: update(grads, state, params)")
        moves, after = wrapped.update(updates, state.inner, params, **extra)
        each, responses = (metric(after, params), ()) if metric else known_steps(state, after, params)
        leaves, tree = jax.tree.flatten(params)
        rows = zip(leaves, jax.tree.leaves(moves), jax.tree.leaves(each), reg.penalties(params), strict=True)
        return jax.tree.unflatten(tree, [_moved(*row) for row in rows]), ProximalState(after, responses)

    def known_steps(state: ProximalState, after: Any, params: Any) -> tuple[Any, tuple[Any, ...]]:
        return steps(parts(inner.update, state.inner, after), state.responses, params)

    return optax.GradientTransformationExtraArgs(init, update)


def _moved(w: Any, move: Any, step: Any, penalty: Any) -> Any:
    """The update that leads to the prox: w + (x − w) is 0 exactly where x is."""
    if penalty is None:
        return move
    each = step if jnp.ndim(step) == 0 else seen(step)
    return unseen(shrunk(penalty, seen(w + move), each)) - w


def _is_idle(part: Any) -> bool:
    """Weight decay of 0, as far as that can be known before it runs."""
    decay = part.made_with.get("weight_decay")
    return part.name == "add_decayed_weights" and isinstance(decay, int | float) and decay == 0


def _warn(found: list[Any]) -> None:
    """Say what is no penalty, and what leaves zeros out."""
    names = [part.name for part in found]
    adaptive = next((k for k, name in enumerate(names) if name in ADAPTIVE), len(names))
    if "add_decayed_weights" in names[adaptive:]:
        warnings.warn(
            "weight decay after an adaptive step (adamw, whose default is 1e-4) belongs to no objective, so the result is no"
            " minimum of loss + λΩ: set weight_decay=0 and use taut.ElasticNet",
            stacklevel=outside(),
        )
    elif names and not set(names) & REMEMBERS:
        warnings.warn(
            "without momentum no gradient is remembered, so on mini-batches their noise carries weights off zero again:"
            " momentum=0.9 keeps the zeros (with full batches nothing is to be done)",
            stacklevel=outside(),
        )
