"""Keras on JAX: an L1 regularizer in ``fit``, one λ, or a plain loop over folds and λ with one compiled model for all."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

from benchmarks.networks.problem import Array, Problem
from benchmarks.networks.runners.protocol import RATE, main, middle, rates

LOSSES = {
    "squared": lambda: keras.losses.MeanSquaredError(),
    "logistic": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    "multinomial": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
}


class Strength(keras.layers.Layer):
    """λ as a variable of the model, so that another λ compiles nothing; the inputs pass through."""

    def __init__(self) -> None:
        super().__init__()
        self.lam = self.add_weight(name="lam", shape=(), trainable=False)

    def call(self, inputs):
        return inputs


class Penalty(keras.regularizers.Regularizer):
    """λ Σ|w|."""

    def __init__(self, strength: Strength) -> None:
        self.strength = strength

    def __call__(self, x):
        return self.strength.lam * keras.ops.sum(keras.ops.abs(x))


class Fits:
    """One compiled model, fitted again and again from the same first weights."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.strength = problem, Strength()
        penalty = Penalty(self.strength)
        self.layers = [
            keras.layers.Dense(problem.hidden, activation="relu", kernel_regularizer=penalty),
            keras.layers.Dense(problem.outputs, kernel_regularizer=penalty),
        ]
        self.model = keras.Sequential([keras.Input(problem.X.shape[1:]), self.strength, *self.layers])
        self.model.compile(keras.optimizers.Adam(RATE), LOSSES[problem.loss]())
        self.model.optimizer.build(self.model.trainable_variables)
        self.y = problem.y.astype(np.int32 if problem.loss == "multinomial" else np.float32)

    def fit(self, lam: float, epochs: int, weights: Array | None = None, decay: bool = False) -> Array:
        """W1, W2, b1 and b2 in one vector; the rate falls from epoch to epoch where it decays."""
        w1, w2, b1, b2 = self.problem.first_weights()
        self.strength.lam.assign(lam)
        self.layers[0].set_weights([w1, b1])
        self.layers[1].set_weights([w2, b2])
        for variable in self.model.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        self.model.optimizer.learning_rate = RATE
        steps = rates(epochs)
        schedule = [keras.callbacks.LearningRateScheduler(lambda epoch, _: float(steps[epoch]))]
        self.model.fit(
            self.problem.X, self.y, sample_weight=weights, batch_size=self.problem.batch, epochs=epochs,
            verbose=0, callbacks=schedule if decay else None,
        )  # fmt: skip
        (w1, b1), (w2, b2) = (layer.get_weights() for layer in self.layers)
        return np.concatenate([w1.ravel(), w2.ravel(), b1, b2])


COMPILED: dict[int, Fits] = {}
"""By the X of its problem: what the untimed run has compiled serves the timed ones."""


def _fits(problem: Problem) -> Fits:
    fits = COMPILED.get(id(problem.X)) or COMPILED.setdefault(id(problem.X), Fits(problem))
    keras.utils.set_random_seed(problem.seed)
    fits.problem = problem
    return fits


def single(problem: Problem, epochs: int) -> Array:
    """One λ, all rows."""
    return _fits(problem).fit(middle(problem), epochs)[None, None]


def loop(problem: Problem, epochs: int) -> Array:
    """Every fold and λ on its own, from random weights; rows held out weigh nothing."""
    weights = (problem.folds != np.unique(problem.folds)[:, None]).astype(np.float32)
    fits = _fits(problem)
    return np.array(
        [[fits.fit(float(lam), epochs, w / w.mean(), decay=True) for lam in problem.lambdas] for w in weights]
    )


if __name__ == "__main__":
    main({"single": single, "loop": loop}, keras.__version__)
