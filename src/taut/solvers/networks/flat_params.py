"""One network's parameters as one flat vector: first all weight matrices, then all biases, and the way to
and fro.

The skip connection lies beside the first layer, [W_1 | A] of shape (p, h_1 + q): both read the inputs, so
one product serves both, and an input's weights, skip coefficient included, are one row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.network import Params
from taut.types import Mask, Real


@dataclass(frozen=True)
class FlatLayout:
    """Where the parameters of a network with these numbers of units lie in a vector (P,)."""

    n_inputs: int
    hidden: tuple[int, ...]
    n_outputs: int
    skip: bool

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(in, out) of the matrices, the skip counted among the outputs of the first."""
        units = (self.n_inputs, *self.hidden, self.n_outputs)
        extra = self.n_outputs if self.has_skip else 0
        return tuple((a, b + (extra if k == 0 else 0)) for k, (a, b) in enumerate(pairwise(units)))

    @property
    def has_skip(self) -> bool:
        """A linear model is its own skip connection."""
        return self.skip and bool(self.hidden)

    @property
    def bias_sizes(self) -> tuple[int, ...]:
        """Units per layer after the inputs."""
        return (*self.hidden, self.n_outputs)

    @cached_property
    def matrix_slices(self) -> tuple[slice, ...]:
        """Where each matrix lies, row-major."""
        return _slices([a * b for a, b in self.shapes], 0)

    @cached_property
    def bias_slices(self) -> tuple[slice, ...]:
        """Where each layer's biases lie."""
        return _slices(list(self.bias_sizes), self.n_weights)

    @cached_property
    def n_weights(self) -> int:
        """Weights of all matrices together: the vector's first part."""
        return sum(a * b for a, b in self.shapes)

    @property
    def size(self) -> int:
        """The number of parameters P."""
        return self.n_weights + sum(self.bias_sizes)

    def matrices(self, vector: Real) -> tuple[Real, ...]:
        """The matrices (in, out) as views."""
        return tuple(
            vector[s].reshape(shape) for s, shape in zip(self.matrix_slices, self.shapes, strict=True)
        )

    def params(self, vector: Real) -> Params:
        """The vector as ``Params`` of one member, all views."""
        first, *others = (matrix[None] for matrix in self.matrices(vector))
        width = self.bias_sizes[0]
        weights = (first[:, :, :width], *others)
        biases = tuple(vector[s][None] for s in self.bias_slices)
        return Params(weights=weights, biases=biases, skip=first[:, :, width:] if self.has_skip else None)

    def kept(self, inputs: Mask, neurons: tuple[Mask, ...]) -> FlatLayout:
        """The layout of the network of these inputs (p,) and neurons."""
        hidden = tuple(int(mask.sum()) for mask in neurons)
        return replace(self, n_inputs=int(inputs.sum()), hidden=hidden)

    def part(self, inputs: Mask, neurons: tuple[Mask, ...]) -> tuple[FlatLayout, NDArray[np.intp]]:
        """``kept``, and where its parameters lie in this vector."""
        kept = (inputs, *neurons, np.ones(self.n_outputs, dtype=bool))
        places = np.arange(self.size)
        columns = list(kept[1:])
        if self.has_skip:
            columns[0] = np.concatenate([columns[0], kept[-1]])
        matrices = zip(self.matrix_slices, self.shapes, kept, columns, strict=False)
        found = [places[s].reshape(shape)[np.ix_(a, b)].ravel() for s, shape, a, b in matrices]
        found += [places[s][mask] for s, mask in zip(self.bias_slices, kept[1:], strict=True)]
        return self.kept(inputs, neurons), np.concatenate(found)

    def vector(self, params: Params, dtype: Any = np.float64) -> Real:
        """``Params`` of one member as a vector: a copy."""
        first = (
            params.weights[0]
            if params.skip is None
            else np.concatenate([params.weights[0], params.skip], axis=2)
        )
        parts = [first, *params.weights[1:], *params.biases]
        return np.concatenate([np.asarray(part, dtype=dtype).ravel() for part in parts])


def _slices(sizes: list[int], start: int) -> tuple[slice, ...]:
    ends = np.cumsum([start, *sizes]).tolist()
    return tuple(slice(a, b) for a, b in pairwise(ends))
