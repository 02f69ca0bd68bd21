"""Keras on TensorFlow: certified solutions by model.fit, in the function that it traces and eagerly."""

from __future__ import annotations

from tests.integrations.test_keras import fits


def test_it_reaches_the_certified_solutions() -> None:
    found = fits("tensorflow", "momentum", "Adam", "Nadam", "RMSprop, momentum", "Adam, eager")
    groups_off, dead = found.pop("groups")
    assert groups_off < 1e-6
    assert dead == 9
    assert {name: off for name, (off, zeros) in found.items() if off > 1e-6 or zeros != 45} == {}
