"""The path of a network: parameters, live neurons, kept inputs and predictions per λ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import taut.solvers as solvers
from taut.arrays import is_sparse
from taut.network import Network, Params
from taut.path.base import Path
from taut.path.compaction import Compact, Live, compact, find_live
from taut.path.linear import checked_matrix
from taut.types import Float

if TYPE_CHECKING:
    from taut.path.display import Drawing
    from taut.solvers import Units


@dataclass(frozen=True, eq=False, repr=False)
class NetworkPath(Path):
    """Networks along λ: ``params[i]`` (one member) on the standardised scale; ``linear[i]`` where the linear
    model won.

    At such a λ the hidden weights are zero, the skip holds the linear coefficients, and the certificate is
    the linear one; elsewhere it is the stationarity residual of the network, and nothing more is claimed.
    """

    network: Network
    params: tuple[Params, ...]
    linear: NDArray[np.bool_]
    units: Units
    single_output: bool

    @property
    def layer_nonzeros(self) -> NDArray[np.intp]:
        """Weights that are not zero per λ and matrix, (L, layers [+ 1 for the skip, last])."""
        return np.array([[np.count_nonzero(w) for w in _matrices(params)] for params in self.params])

    @property
    def nonzeros(self) -> NDArray[np.intp]:
        """Weights that are not zero per λ, biases not counted."""
        return np.asarray(self.layer_nonzeros.sum(axis=1))

    @property
    def live_neurons(self) -> NDArray[np.intp]:
        """Neurons that the predictions depend on, per λ and hidden layer."""
        return np.array([[mask.sum() for mask in self.live(i).neurons] for i in range(len(self))])

    @property
    def kept_inputs(self) -> NDArray[np.bool_]:
        """Whether the predictions depend on an input: (L, p)."""
        return np.array([self.live(i).inputs for i in range(len(self))])

    @property
    def used(self) -> NDArray[np.bool_]:
        """``kept_inputs``."""
        return self.kept_inputs

    def live(self, index: int) -> Live:
        """The inputs and neurons that matter at grid position ``index``."""
        return find_live(self.network, self.params[index])

    def params_at(self, index: int) -> Params:
        """The parameters at grid position ``index`` of the same network on X and y in the units given."""
        return unscaled(self.params[index], self.units)

    def compact(self, index: int) -> Compact:
        """The network at ``index`` in the units of the data, without its dead inputs and neurons."""
        return compact(self.network, self.params_at(index))

    def decision_at(self, X: Any, index: int, offset: Any = None) -> Float:
        """offset + the network's output at grid position ``index``: (n,) or (n, k)."""
        output = self._output(_checked(X, self.n_features), index)
        return self.shifted(np.asarray(output[:, 0] if self.single_output else output), offset)

    def _output(self, X: Float, index: int) -> Float:
        """The network's output (n, k), computed on the standardised scale: columns far from 0 would cost digits."""
        rows = (X - self.units.center) / self.units.scale
        output = self.network.forward(self.params[index], rows)[0][0]
        return np.asarray(output * self.units.y_scale + self.units.y_center)

    def drawn(self, names: Sequence[str], per_sd: Float | None = None, unit: str = "") -> Drawing:
        """Norms of what each input sends into the network, and pictures of its matrices; it has no unit but its own."""
        from taut.path.network_display import network_drawing

        return network_drawing(self, names)

    def decision(self, X: Any, lam: float | str, offset: Any = None) -> Float:
        """offset + the network's output at ``lam``, on the grid: networks are never interpolated."""
        return self.decision_at(X, self.index(lam), offset)


def unscaled(params: Params, units: Units) -> Params:
    """Parameters on the standardised scale turned into those of the same network in the units of the data.

    x̃ = (x − c)/s goes into the first layer and the skip, ỹ = (y − c_y)/s_y into the last: zeros stay zeros.
    """
    read = params.reading(*solvers.input_units(units, params.weights[0].shape[1]))
    weights = (*read.weights[:-1], read.weights[-1] * units.y_scale)
    biases = (*read.biases[:-1], read.biases[-1] * units.y_scale + units.y_center)
    return Params(weights, biases, None if read.skip is None else read.skip * units.y_scale)


def _matrices(params: Params) -> tuple[Any, ...]:
    return params.weights if params.skip is None else (*params.weights, params.skip)


def _checked(X: Any, p: int) -> Float:
    checked_matrix(X, p)
    return np.asarray(X.toarray() if is_sparse(X) else X, dtype=np.float64)
