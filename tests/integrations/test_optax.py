"""optax: the certified solutions under jit and scan, a map over λ, known transformations by structure, refusals by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import taut
from tests.integrations.small_problems import group_lasso, lasso

jax = pytest.importorskip("jax", reason="jax is not installed")
optax = pytest.importorskip("optax", reason="optax is not installed")
jnp = jax.numpy

STEPS = 1500
FALLING = optax.cosine_decay_schedule(0.01, STEPS)

INNER: dict[str, Callable[[], Any]] = {
    "adam": lambda: optax.adam(FALLING),
    "adam, constant": lambda: optax.adam(0.01),
    "nadam": lambda: optax.nadam(FALLING),
    "adamw": lambda: optax.adamw(FALLING, weight_decay=0.0),
    "amsgrad": lambda: optax.amsgrad(FALLING),
    "sgd": lambda: optax.sgd(0.05),
    "momentum": lambda: optax.sgd(0.01, momentum=0.9),
    "Nesterov": lambda: optax.sgd(0.01, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optax.rmsprop(FALLING),
    "rmsprop, momentum": lambda: optax.rmsprop(optax.cosine_decay_schedule(0.003, STEPS), momentum=0.9),
    "adagrad": lambda: optax.adagrad(0.1),
    "clipped": lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.clip(0.5), optax.adam(FALLING)),
    "injected": lambda: optax.inject_hyperparams(optax.adam)(learning_rate=0.01),
}


def fitted(inner: Any, lam: Any, rules: Any = None, steps: int = STEPS) -> Any:
    """The weights after ``steps`` of a scan."""
    problem = lasso()
    X, y = jnp.asarray(problem.X), jnp.asarray(problem.y)
    optimizer = taut.optax.proximal(
        inner, taut.optax.Regularizer(rules or {"w": taut.L1(), "*": None}, lam=lam)
    )
    params = {"w": jnp.zeros(60), "b": jnp.zeros(())}

    def body(carry: Any, _: Any) -> Any:
        params, state = carry
        grads = jax.grad(lambda p: jnp.mean((y - X @ p["w"] - p["b"]) ** 2))(params)
        updates, state = optimizer.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(body, (params, optimizer.init(params)), None, length=steps)[0][0]["w"]


@pytest.mark.filterwarnings("ignore:.*without momentum")
@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_it_reaches_the_lasso(inner: Any) -> None:
    w, solution = np.asarray(jax.jit(lambda: fitted(inner(), 0.1))()), lasso().solution
    assert np.abs(w - solution).max() < 1e-6
    assert ((w != 0) == (solution != 0)).all()
    assert (w == 0).sum() == 45


def test_one_compiled_function_maps_over_strengths() -> None:
    lambdas = np.array([0.05, 0.1, 0.2])
    found = np.asarray(jax.jit(jax.vmap(lambda lam: fitted(optax.adam(FALLING), lam)))(lambdas))
    path = taut.fit_path(lasso().X, lasso().y, lambdas=lambdas[::-1], tol=1e-13, standardize=False)
    assert np.abs(found - path.coefs[::-1]).max() < 1e-6
    assert ((found == 0) == (path.coefs[::-1] == 0)).all()


def test_adam_reaches_the_group_lasso() -> None:
    problem = group_lasso()
    X, y = jnp.asarray(problem.X), jnp.asarray(problem.y)
    schedule = optax.cosine_decay_schedule(0.01, 2000)
    optimizer = taut.optax.proximal(
        optax.adam(schedule), taut.optax.Regularizer({"*": taut.GroupLasso()}, lam=problem.lam)
    )
    w = jnp.zeros((12, 5))

    def body(carry: Any, _: Any) -> Any:
        w, state = carry
        grads = jax.grad(lambda w: jnp.mean((y - X @ w.reshape(-1)) ** 2))(w)
        updates, state = optimizer.update(grads, state, w)
        return (optax.apply_updates(w, updates), state), None

    found = np.asarray(jax.jit(lambda: jax.lax.scan(body, (w, optimizer.init(w)), None, length=2000)[0][0])())
    assert np.abs(found.reshape(-1) - problem.solution).max() < 1e-6
    assert (found == 0).all(axis=1).sum() == 9


def test_weights_that_never_had_a_gradient_stay() -> None:
    optimizer = taut.optax.proximal(optax.adam(0.1), taut.optax.Regularizer({"*": taut.L1()}, lam=100.0))
    w = jnp.ones(3)
    updates, _ = optimizer.update(jnp.asarray([0.0, 1.0, 1.0]), optimizer.init(w), w)
    assert optax.apply_updates(w, updates).tolist() == [1.0, 0.0, 0.0]


def test_convolutions_have_channels_last() -> None:
    optimizer = taut.optax.proximal(
        optax.sgd(1.0, momentum=0.5),
        taut.optax.Regularizer({"a": taut.NeuronLasso(), "b": taut.GroupLasso()}, lam=0.1),
    )
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 4, 5))
    small = kernel * np.where(np.arange(5) == 2, 1e-3, 1.0)
    rows = kernel * np.where(np.arange(4) == 1, 1e-3, 1.0)[:, None]
    params = {"a": jnp.asarray(small), "b": jnp.asarray(rows)}
    zeros = jax.tree.map(jnp.zeros_like, params)
    updates, _ = optimizer.update(zeros, optimizer.init(params), params)
    after = optax.apply_updates(params, updates)
    assert [(np.asarray(after["a"])[..., k] == 0).all() for k in range(5)] == [k == 2 for k in range(5)]
    assert [(np.asarray(after["b"])[:, :, k] == 0).all() for k in range(4)] == [k == 1 for k in range(4)]


def test_what_has_no_known_step_is_refused_by_name() -> None:
    reg = taut.optax.Regularizer({"*": taut.L1()})
    for inner, name in (
        (optax.lion(1e-3), "scale_by_lion"),
        (optax.rmsprop(1e-3, centered=True), "scale_by_stddev"),
        (optax.masked(optax.adam(1e-3), True), "masked"),
        (optax.adamax(1e-3), "scale_by_adamax"),
    ):
        with pytest.raises(ValueError, match=name):
            taut.optax.proximal(inner, reg)
        w = jnp.ones(2)
        given = taut.optax.proximal(
            inner, reg, metric=lambda state, params: jax.tree.map(jnp.ones_like, params)
        )
        updates, _ = given.update(jnp.zeros(2), given.init(w), w)
        assert (optax.apply_updates(w, updates) == 0).all()


def test_what_is_no_penalty_or_forgets_is_warned_of() -> None:
    reg = taut.optax.Regularizer({"*": taut.L1()})
    with pytest.warns(UserWarning, match="belongs to no objective"):
        taut.optax.proximal(optax.adamw(1e-3), reg)
    with pytest.warns(UserWarning, match="momentum=0.9 keeps the zeros"):
        taut.optax.proximal(optax.sgd(1e-3), reg)


def test_errors_say_what_to_do() -> None:
    reg, params = taut.optax.Regularizer({"kernal": taut.L1()}), {"kernel": jnp.ones(2)}
    with pytest.raises(ValueError, match="did you mean 'kernel'"):
        taut.optax.proximal(optax.adam(1e-3), reg).init(params)
    optimizer = taut.optax.proximal(optax.adam(1e-3), taut.optax.Regularizer({"*": taut.L1()}))
    with pytest.raises(ValueError, match=r"update\(grads, state, params\)"):
        optimizer.update(params, optimizer.init(params))
    with pytest.raises(TypeError, match="GradientTransformation"):
        taut.optax.proximal(taut.L1(), reg)


def test_the_account_and_the_slope_at_0(tmp_path: Any) -> None:
    params = {"dense": {"kernel": jnp.asarray([[0.0, 1.0], [0.0, -2.0]]), "bias": jnp.ones(2)}}
    reg = taut.optax.Regularizer({"*/bias": None, "*": taut.L1()}, lam=0.5)
    grads = jax.grad(reg.value)(params)
    assert grads["dense"]["kernel"].tolist() == [[0.0, 0.5], [0.0, -0.5]]
    numbers = reg.log(params, jax.tree.map(jnp.zeros_like, params), loss=1.0)
    assert numbers["penalty"] == 1.5
    assert numbers["objective"] == 2.5
    assert numbers["live_neurons/dense/kernel"] == 1
    assert numbers["residual"] == pytest.approx(0.5**0.5)
    assert "1 of 2" in str(reg.account(params))
    assert "dense/kernel" in reg.report(tmp_path / "tree.html", params).read_text(encoding="utf-8")
