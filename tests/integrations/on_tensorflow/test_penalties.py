"""Penalties on TensorFlow's tensors say what they say on NumPy's arrays, at once and inside a compiled function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import taut
from taut.arrays import is_array, namespace

PENALTIES = [
    taut.L1(0.3),
    taut.L2(0.7),
    taut.ElasticNet(0.5, 0.5, 2.0),
    taut.MCP(0.4, 3.0),
    taut.SCAD(0.4, 3.7),
    taut.NeuronLasso(0.3),
    taut.GroupLasso(0.3),
    taut.GroupLasso(0.3, groups=[0, 0, 1, -1]),
    taut.L1(0.3, factors=[0.0, 1.0, 2.0, 1.0]),
    taut.L1(0.3, lower=0.0),
]
Z = np.random.default_rng(0).normal(size=(4, 3, 2))
STEPS = np.random.default_rng(1).uniform(0.0, 3.0, Z.shape)
STEPS[:2, 0] = 0.0


def shrunk(penalty: taut.Penalty, z: Any, steps: Any) -> Any:
    return penalty.prox_at_any_step(z, penalty.shared_steps(steps))


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "tf.function"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_prox_value_and_slope(penalty: taut.Penalty, dtype: str, compiled: bool) -> None:
    def both(z: Any, steps: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = penalty.value(z)
        return shrunk(penalty, z, steps), value, tape.gradient(value, z)

    call = tf.function(both) if compiled else both
    z = Z.copy()
    z[0] = 0.0
    found = call(tf.constant(z, dtype), tf.constant(STEPS, dtype))
    wanted = shrunk(penalty, z, STEPS), penalty.value(z), penalty.gradient(z)
    if penalty.bounded:  # its value is infinite beyond the bounds
        found, wanted = found[:1], wanted[:1]
    for mine, reference in zip(found, wanted, strict=True):
        assert mine.dtype == dtype
        tolerance = 1e-12 if dtype == "float64" else 2e-5
        np.testing.assert_allclose(mine.numpy(), reference, rtol=tolerance, atol=tolerance)


def test_variables_are_arrays_too_and_other_kinds_stay_what_they_are() -> None:
    assert is_array(tf.Variable([1.0]))
    assert not is_array(1.0)
    with pytest.raises(TypeError):
        namespace(tf.constant([1.0]), np.zeros(1))
