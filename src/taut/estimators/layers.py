"""The chosen model as plain layers in the units of the data: to predict with, to average, to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from taut.network import ACTIVATIONS, as_activation
from taut.path import Path
from taut.types import Float


@dataclass(frozen=True, eq=False)
class Layers:
    """η = MLP(X) + X·skip: one (in, out) matrix of ``coefs`` and one (out,) of ``intercepts`` per layer.

    Inputs and outputs are in the units of the data, ``skip`` (p, k) or None. A hidden layer may have no
    neuron at all: the model is then linear. A linear model has one layer and no skip.
    """

    coefs: tuple[Float, ...]
    intercepts: tuple[Float, ...]
    skip: Float | None
    activation: str

    def decision(self, X: Any) -> Float:
        """η (n, k), before the inverse link; X may be sparse for a linear model."""
        activation = ACTIVATIONS[self.activation]
        values = X
        for coef, intercept in zip(self.coefs[:-1], self.intercepts[:-1], strict=True):
            values = np.asarray(activation.value(values @ coef + intercept))
        eta: Float = np.asarray(values @ self.coefs[-1])
        if self.skip is not None:
            eta = eta + X @ self.skip
        # Last: where y is far from zero, whatever is added to it is rounded to its digits.
        return eta + self.intercepts[-1]


def linear_layers(coef: Float, intercept: Float, hidden: int, activation: str) -> Layers:
    """The linear model ``coef`` (p, k), ``intercept`` (k,) as a network whose ``hidden`` layers died out."""
    if hidden == 0:
        return Layers((coef,), (intercept,), None, activation)
    p, k = coef.shape
    sizes = [p, *[0] * hidden, k]
    coefs = tuple(np.zeros(shape) for shape in pairwise(sizes))
    return Layers(coefs, (*(np.zeros(0) for _ in range(hidden)), intercept), coef, activation)


def network_layers(path: Path, index: int) -> Layers:
    """The network at grid position ``index`` of its path."""
    from taut.path import NetworkPath

    assert isinstance(path, NetworkPath)  # the other kind of path is linear
    params, activation = path.params_at(index), as_activation(path.network.activation).name
    coefs, intercepts = (tuple(_only(a) for a in arrays) for arrays in (params.weights, params.biases))
    return Layers(coefs, intercepts, None if params.skip is None else _only(params.skip), activation)


def average(members: Sequence[Layers]) -> Layers:
    """The mean of the members' η as one network: hidden layers side by side, outputs divided by their number.

    The first layers stand beside each other, those after them are block-diagonal, the last are stacked.
    """
    last = len(members[0].coefs) - 1
    output = np.mean([member.intercepts[last] for member in members], axis=0)
    if last == 0:
        return Layers(
            (_mean([member.coefs[0] for member in members]),), (output,), None, members[0].activation
        )
    coefs = [_joined([member.coefs[layer] for member in members], layer, last) for layer in range(last + 1)]
    hidden = [np.concatenate([member.intercepts[layer] for member in members]) for layer in range(last)]
    skips = [member.skip for member in members if member.skip is not None]
    skip = _mean(skips) if skips else None
    return Layers(tuple(coefs), (*hidden, output), skip, members[0].activation)


def _joined(blocks: list[Float], layer: int, last: int) -> Float:
    if layer == 0:
        return np.hstack(blocks)
    if layer == last:
        return np.vstack(blocks) / len(blocks)
    return np.asarray(scipy.linalg.block_diag(*blocks))


def _only(stack: NDArray[Any]) -> Float:
    """The one member of a stack."""
    return np.asarray(stack[0], dtype=np.float64)


def _mean(arrays: Sequence[Float]) -> Float:
    mean: Float = np.mean(arrays, axis=0)
    return mean
