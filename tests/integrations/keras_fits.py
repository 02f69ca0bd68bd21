"""Fits by Keras on the backend that KERAS_BACKEND names, to be run in a process of their own; prints what they miss."""

from __future__ import annotations

import json
import warnings
from itertools import repeat

import keras
import numpy as np

import taut
import taut.keras
from tests.integrations.small_problems import group_lasso, lasso

K = keras.optimizers
STEPS = 1200


def falling(rate: float) -> object:
    return K.schedules.CosineDecay(rate, STEPS)


OPTIMIZERS = {
    "SGD": lambda: K.SGD(0.05),
    "momentum": lambda: K.SGD(falling(0.01), momentum=0.9),
    "Nesterov": lambda: K.SGD(0.01, momentum=0.9, nesterov=True),
    "Adam": lambda: K.Adam(falling(0.01)),
    "AMSGrad": lambda: K.Adam(falling(0.01), amsgrad=True),
    "AdamW": lambda: K.AdamW(falling(0.01), weight_decay=0.0),
    "Nadam": lambda: K.Nadam(falling(0.01)),
    "RMSprop": lambda: K.RMSprop(falling(0.01)),
    "RMSprop, momentum": lambda: K.RMSprop(falling(0.003), momentum=0.9),
    "Adagrad": lambda: K.Adagrad(0.1),
}


def one_layer(inputs: int, shape: tuple[int, int]) -> keras.Model:
    """A kernel of ``shape`` that meets all inputs, flattened."""

    class Flat(keras.layers.Layer):
        def build(self, _: object) -> None:
            self.kernel = self.add_weight(shape=shape, initializer="zeros", name="kernel")

        def call(self, x: object) -> object:
            return keras.ops.matmul(x, keras.ops.reshape(self.kernel, (inputs, 1)))

    return keras.Sequential([keras.Input((inputs,)), Flat(name="dense")])


EAGER = ", eager"
"""The end of a name under which nothing is compiled."""


def fitted(
    problem: object, optimizer: object, penalty: taut.Penalty, shape: tuple[int, int], eager: bool = False
) -> np.ndarray:
    model = one_layer(60, shape)
    reg = taut.keras.Regularizer(model, {"dense/kernel": penalty}, lam=problem.lam)
    model.compile(optimizer=taut.keras.proximal(optimizer, reg), loss="mse", run_eagerly=eager)
    batches = (
        batch for batch in repeat((problem.X, problem.y[:, None]))
    )  # one epoch of many steps: an epoch each costs more than a step
    model.fit(batches, steps_per_epoch=STEPS, verbose=0)
    return np.asarray(model.get_weights()[0])


def main(names: list[str]) -> None:
    keras.config.set_floatx("float64")
    warnings.filterwarnings("ignore", message=".*without momentum")
    found = {}
    for name in names:
        problem = lasso()
        optimizer = OPTIMIZERS[name.removesuffix(EAGER)]()
        w = fitted(problem, optimizer, taut.L1(), (60, 1), eager=name.endswith(EAGER)).reshape(-1)
        found[name] = [float(np.abs(w - problem.solution).max()), int((w == 0).sum())]
    problem = group_lasso()
    w = fitted(problem, K.Adam(falling(0.01)), taut.GroupLasso(), (12, 5))
    found["groups"] = [float(np.abs(w.reshape(-1) - problem.solution).max()), int((w == 0).all(axis=1).sum())]
    print(json.dumps(found))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:] or list(OPTIMIZERS))
