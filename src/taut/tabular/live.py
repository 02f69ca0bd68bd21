"""What a model depends on: its layers as a network of one member, and the inputs and neurons that matter to its outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.estimators import Layers
from taut.network import Network, Params
from taut.path import find_live


def network_of(layers: Layers) -> tuple[Network, Params]:
    """Layers as a network and the parameters of one member."""
    hidden = tuple(coef.shape[1] for coef in layers.coefs[:-1])
    network = Network(hidden, layers.activation, layers.skip is not None)
    weights, biases = tuple(c[None] for c in layers.coefs), tuple(b[None] for b in layers.intercepts)
    return network, Params(weights, biases, None if layers.skip is None else layers.skip[None])


def live_parts(layers: Layers) -> tuple[NDArray[np.bool_], list[int]]:
    """Which inputs (p,) the predictions depend on, and how many neurons of each hidden layer."""
    live = find_live(*network_of(layers))
    return live.inputs, [int(mask.sum()) for mask in live.neurons]


def nonzero_weights(layers: Layers) -> int:
    """Weights of a network that are not exactly zero, biases not counted."""
    matrices = layers.coefs if layers.skip is None else (*layers.coefs, layers.skip)
    return sum(int(np.count_nonzero(matrix)) for matrix in matrices)
