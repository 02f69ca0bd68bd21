"""JAX: an epoch as one compiled scan; all λ and folds in one vmap from random weights, or a single fit."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.networks.problem import Array, Problem
from benchmarks.networks.runners.protocol import batches, main, middle, rates

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def _objective(loss: str, params: Any, lam: Any, weight: Any, X: Any, y: Any) -> Any:
    w1, w2, b1, b2 = params
    eta = jax.nn.relu(X @ w1 + b1) @ w2 + b2
    if loss == "multinomial":
        rows = jax.nn.logsumexp(eta, axis=1) - jnp.take_along_axis(eta, y[:, None], axis=1)[:, 0]
    elif loss == "logistic":
        rows = jnp.logaddexp(0.0, eta[:, 0]) - y * eta[:, 0]
    else:
        rows = (eta[:, 0] - y) ** 2
    return jnp.mean(weight * rows) + lam * (jnp.abs(w1).sum() + jnp.abs(w2).sum())


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def _epoch(loss: str, state: Any, lams: Any, weights: Any, X: Any, y: Any, order: Any, rate: Any) -> Any:
    """One pass for all members: params, both moments and the step count."""

    def step(state: Any, rows: Any) -> tuple[Any, None]:
        params, first, second, count = state
        count = count + 1
        slope = jax.vmap(jax.grad(partial(_objective, loss)), in_axes=(0, 0, 0, None, None))
        g = slope(params, lams, weights[:, rows], X[rows], y[rows])
        first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, g)
        second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, g)
        a, b = rate / (1 - BETA1**count), 1 / (1 - BETA2**count)
        params = jax.tree.map(lambda w, m, v: w - a * m / (jnp.sqrt(v * b) + EPSILON), params, first, second)
        return (params, first, second, count), None

    return jax.lax.scan(step, state, order)[0]


def _fit(problem: Problem, lams: Array, weights: Array, epochs: int) -> Array:
    params = [jnp.stack([jnp.asarray(a)] * len(lams)) for a in problem.first_weights()]
    zeros = [jax.tree.map(jnp.zeros_like, params) for _ in range(2)]
    state = (params, *zeros, jnp.float32(0))
    X = jnp.asarray(problem.X)
    y = jnp.asarray(problem.y.astype(np.int32 if problem.loss == "multinomial" else np.float32))
    rng, lams, weights = (
        np.random.default_rng(problem.seed),
        jnp.asarray(lams, jnp.float32),
        jnp.asarray(weights, jnp.float32),
    )
    for rate in rates(epochs):
        order = jnp.asarray(np.stack(list(batches(problem, rng))))
        state = _epoch(problem.loss, state, lams, weights, X, y, order, jnp.float32(rate))
    found = [np.asarray(a) for a in state[0]]
    return np.stack([np.concatenate([a[m].ravel() for a in found]) for m in range(len(lams))])


def vmap(problem: Problem, epochs: int) -> Array:
    """Every fold and λ side by side."""
    weights = (problem.folds != np.unique(problem.folds)[:, None]).astype(float)
    weights /= weights.mean(axis=1, keepdims=True)
    strengths = len(problem.lambdas)
    found = _fit(
        problem, np.tile(problem.lambdas, len(weights)), np.repeat(weights, strengths, axis=0), epochs
    )
    return found.reshape(len(weights), strengths, -1)


def single(problem: Problem, epochs: int) -> Array:
    """One λ, all rows."""
    return _fit(problem, np.array([middle(problem)]), np.ones((1, len(problem.y))), epochs)[None]


if __name__ == "__main__":
    main({"vmap": vmap, "single": single}, jax.__version__)
