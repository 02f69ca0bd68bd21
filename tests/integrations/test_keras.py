"""Keras on JAX and PyTorch: certified solutions by model.fit, and an optimiser that stays Keras' own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut

keras = pytest.importorskip("keras", reason="Keras with the JAX backend is not installed")
HERE = Path(__file__).resolve().parent


def fits(backend: str, *names: str) -> Any:
    """What ``keras_fits.py`` prints on a backend: the backend is fixed once Keras is imported, so in a process of its own."""
    path = os.pathsep.join([str(HERE), *sys.path])
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path}
    call = [sys.executable, str(HERE / "keras_fits.py"), *names]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("backend", "names"),
    [
        ("jax", ["momentum", "Adam", "Nadam", "RMSprop, momentum"]),
        ("torch", ["Adam"]),
    ],
)
def test_it_reaches_the_certified_solutions(backend: str, names: list[str]) -> None:
    if backend == "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    found = fits(backend, *names)
    groups_off, dead = found.pop("groups")
    assert groups_off < 1e-6
    assert dead == 9
    assert {name: off for name, (off, zeros) in found.items() if off > 1e-6 or zeros != 45} == {}


def model_of(*layers: Any) -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((6,)), *layers])


def two_layers() -> Any:
    return model_of(keras.layers.Dense(5, activation="relu", name="a"), keras.layers.Dense(1, name="b"))


X = np.random.default_rng(0).normal(size=(64, 6)).astype("f4")
Y = np.abs(X[:, :1])


def trained(model: Any, reg: Any, epochs: int = 30, **options: Any) -> Any:
    model.compile(optimizer=taut.keras.proximal(keras.optimizers.Adam(0.02, **options), reg), loss="mse")
    model.fit(X, Y, epochs=epochs, batch_size=16, verbose=0)
    return model


def test_a_network_gets_exact_zeros_and_says_so(tmp_path: Any) -> None:
    model = two_layers()
    reg = taut.keras.Regularizer(model, {"*bias": None, "a/*": taut.NeuronLasso(), "*": taut.L1()}, lam=0.1)
    trained(model, reg)
    kernels = [v.numpy() for v in model.trainable_variables if v.name == "kernel"]
    assert reg.log()["zeros"] == sum(int((w == 0).sum()) for w in kernels) > 0
    assert ((kernels[0] == 0).any(axis=0) == (kernels[0] == 0).all(axis=0)).all()
    assert "NeuronLasso" in str(reg)
    assert "a/kernel" in reg.report(tmp_path / "net.html").read_text(encoding="utf-8")


def test_accumulated_gradients_shrink_once_per_update() -> None:
    model = two_layers()
    reg = taut.keras.Regularizer(model, {"*": taut.L1()}, lam=1e3)
    optimizer = taut.keras.proximal(
        keras.optimizers.SGD(0.01, momentum=0.9, gradient_accumulation_steps=2), reg
    )
    model.compile(optimizer=optimizer, loss="mse")
    model.train_on_batch(X, Y)
    assert any((v.numpy() != 0).any() for v in model.trainable_variables)
    model.train_on_batch(X, Y)
    assert all((v.numpy() == 0).all() for v in model.trainable_variables)


def test_channels_of_convolutions_come_last() -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 2)), keras.layers.Conv2D(3, 3, name="c"), keras.layers.GlobalAveragePooling2D()]
    )
    reg = taut.keras.Regularizer(model, {"c/kernel": taut.NeuronLasso(), "*": None}, lam=0.01)
    (kernel, bias) = model.get_weights()
    kernel[..., 1] *= 1e-4
    model.set_weights([kernel, bias])
    model.compile(optimizer=taut.keras.proximal(keras.optimizers.SGD(0.1, momentum=0.9), reg), loss="mse")
    model.train_on_batch(np.zeros((4, 8, 8, 2), "f4"), np.zeros((4, 3), "f4"))
    assert [(model.get_weights()[0][..., k] == 0).all() for k in range(3)] == [False, True, False]


def test_a_path_compiles_each_strength() -> None:
    model = two_layers()
    reg = taut.keras.Regularizer(model, {"*bias": None, "*": taut.L1()})
    path = reg.path(
        lambda: trained(model, reg, 20), lambda: model.evaluate(X, Y, verbose=0), lambdas=3, refit=True
    )
    assert path.sparsity[0] == 0
    assert path.sparsity[-1] > 0.3
    assert path[1].refit_score is not None
    for point in path.points[1:]:
        for before, after in zip(point.snapshot, point.refit_snapshot, strict=True):
            if before.ndim == 2:
                assert (after[before == 0] == 0).all()


def test_the_regularizer_of_a_layer_has_slope_0_at_0() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    w = jax.numpy.asarray([[0.0, 2.0], [-1.0, 0.0]])
    ours = taut.keras.L1(0.5)
    assert float(ours(w)) == float(keras.regularizers.L1(0.5)(w)) == 1.5
    assert jax.grad(lambda w: ours(w))(w).tolist() == [[0.0, 0.5], [-0.5, 0.0]]
    assert taut.keras.L1.from_config(ours.get_config()).lam == 0.5


def test_refusals_say_what_to_do() -> None:
    model = two_layers()
    reg = taut.keras.Regularizer(model, {"*": taut.L1()})
    for optimizer, words in (
        (keras.optimizers.Ftrl(), "not Ftrl"),
        (keras.optimizers.Lion(), "not Lion"),
        (keras.optimizers.RMSprop(centered=True), "centered=True"),
    ):
        with pytest.raises(ValueError, match=words):
            taut.keras.proximal(optimizer, reg)
    once = taut.keras.proximal(keras.optimizers.Adam(), reg)
    with pytest.raises(ValueError, match="proximal already"):
        taut.keras.proximal(once, reg)
    with pytest.raises(ValueError, match="no variables yet"):
        taut.keras.Regularizer(keras.Sequential([keras.layers.Dense(1)]), {"*": taut.L1()})
    with pytest.raises(ValueError, match="did you mean"):
        taut.keras.Regularizer(model, {"a/kernal": taut.L1()})
    with pytest.warns(UserWarning, match="decoupled"):
        taut.keras.proximal(keras.optimizers.AdamW(), reg)
    with pytest.warns(UserWarning, match=r"momentum=0\.9 keeps"):
        taut.keras.proximal(keras.optimizers.SGD(), reg)


def test_ftrl_of_keras_reaches_zeros_too() -> None:
    """What the README says of Keras."""
    keras.utils.set_random_seed(0)
    model = model_of(keras.layers.Dense(1, use_bias=False))
    optimizer = keras.optimizers.Ftrl(learning_rate=0.5, l1_regularization_strength=5.0)
    model.compile(optimizer=optimizer, loss="mse")
    model.fit(X, X[:, :1], epochs=60, batch_size=64, verbose=0)
    assert (model.get_weights()[0] == 0).sum() == 5
