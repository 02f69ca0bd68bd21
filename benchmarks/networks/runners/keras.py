"""Keras on JAX: kernel_regularizer=L1 in ``fit``, one λ."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

from benchmarks.networks.problem import Array, Problem
from benchmarks.networks.runners.protocol import RATE, main, middle

LOSSES = {
    "squared": lambda: keras.losses.MeanSquaredError(),
    "logistic": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    "multinomial": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
}


def single(problem: Problem, epochs: int) -> Array:
    """One λ, all rows."""
    penalty = keras.regularizers.L1(middle(problem))
    hidden = keras.layers.Dense(problem.hidden, activation="relu", kernel_regularizer=penalty)
    model = keras.Sequential(
        [
            keras.Input(problem.X.shape[1:]),
            hidden,
            keras.layers.Dense(problem.outputs, kernel_regularizer=penalty),
        ]
    )
    w1, w2, b1, b2 = problem.first_weights()
    model.set_weights([w1, b1, w2, b2])
    model.compile(keras.optimizers.Adam(RATE), LOSSES[problem.loss]())
    target = problem.y.astype(np.int32 if problem.loss == "multinomial" else np.float32)
    model.fit(problem.X, target, batch_size=problem.batch, epochs=epochs, verbose=0)
    w1, b1, w2, b2 = model.get_weights()
    return np.concatenate([w1.ravel(), w2.ravel(), b1, b2])[None, None]


if __name__ == "__main__":
    main({"single": single}, keras.__version__)
