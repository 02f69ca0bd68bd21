"""Compaction: what exact zeros have switched off leaves the network, and no prediction changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.network import Network, Params, as_activation
from taut.types import Mask, Real


@dataclass(frozen=True, eq=False)
class Live:
    """What takes part in the predictions: inputs (p,), and the neurons of each hidden layer."""

    inputs: Mask
    neurons: tuple[Mask, ...]


@dataclass(frozen=True, eq=False)
class Compact:
    """A smaller network with the same predictions; it reads the columns ``inputs`` of X, in that order."""

    network: Network
    params: Params
    inputs: NDArray[np.intp]

    def decision(self, X: Any) -> Real:
        """η (n, q) for rows with all the columns of the original X."""
        eta: Real = self.network.forward(self.params, np.asarray(X)[:, self.inputs])[0][0]
        return eta


def compact(network: Network, params: Params) -> Compact:
    """Remove dead inputs and neurons from a network of one member.

    A neuron whose incoming weights are all zero is the constant φ(b): it moves into the biases of the next
    layer. A neuron whose outgoing weights are all zero reaches nothing. An input that reaches no live neuron
    and no output is not read.
    """
    folded = fold_constants(network, params)
    live = live_of(folded)
    kept = (live.inputs, *live.neurons, np.ones(folded.biases[-1].shape[1], dtype=bool))
    weights = tuple(w[:, a][:, :, b] for w, a, b in zip(folded.weights, kept, kept[1:], strict=False))
    biases = tuple(b[:, k] for b, k in zip(folded.biases, kept[1:], strict=True))
    skip = None if folded.skip is None else folded.skip[:, live.inputs]
    smaller = replace(network, hidden=tuple(int(k.sum()) for k in live.neurons))
    return Compact(smaller, Params(weights, biases, skip), np.flatnonzero(live.inputs))


def find_live(network: Network, params: Params) -> Live:
    """The inputs and neurons of a network of one member that its predictions depend on."""
    return live_of(fold_constants(network, params))


def live_of(folded: Params) -> Live:
    """``find_live`` for parameters whose constants are folded."""
    return _reached(folded, _fed(folded))


def fold_constants(network: Network, params: Params) -> Params:
    """Constants of unfed neurons moved into the next layer's biases, their outgoing weights zeroed."""
    phi = as_activation(network.activation)
    weights, biases = list(params.weights), list(params.biases)
    for k in range(len(weights) - 1):
        constant = ~(weights[k] != 0).any(axis=1)
        level = np.where(constant, phi.value(biases[k]), 0.0)
        biases[k + 1] = biases[k + 1] + (level[:, None] @ weights[k + 1])[:, 0]
        weights[k + 1] = np.where(constant[:, :, None], 0.0, weights[k + 1])
    return Params(tuple(weights), tuple(biases), params.skip)


def _fed(params: Params) -> tuple[Mask, ...]:
    """Neurons of each hidden layer with any incoming weight."""
    return tuple((w[0] != 0).any(axis=0) for w in params.weights[:-1])


def _reached(params: Params, fed: tuple[Mask, ...]) -> Live:
    """``fed`` without what reaches no output, from the last layer back to the inputs."""
    target = np.ones(params.biases[-1].shape[1], dtype=bool)
    neurons: list[Mask] = []
    for weight, alive in zip(reversed(params.weights[1:]), reversed(fed), strict=True):
        target = alive & (weight[0][:, target] != 0).any(axis=1)
        neurons.append(target)
    inputs = (params.weights[0][0][:, target] != 0).any(axis=1)
    if params.skip is not None:
        inputs = inputs | (params.skip[0] != 0).any(axis=1)
    return Live(inputs, tuple(reversed(neurons)))
