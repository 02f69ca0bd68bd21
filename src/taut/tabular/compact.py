"""Compaction: the chosen model alone, reading only the columns and holding only the neurons that it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from taut.estimators import Layers
from taut.network import Network, Params
from taut.path import Compact, LinearPath, NetworkPath, Path, compact
from taut.tabular.diagnostics import Diagnostics
from taut.tabular.live import network_of
from taut.tabular.record import FitRecord, Scales
from taut.types import Index

Record = TypeVar("Record", bound=FitRecord)


def compacted(fit: Record) -> Record:
    """The fit with one λ, without dead inputs and neurons; a model that keeps nothing keeps its first
    column."""
    small = compact(*network_of(fit.layers))
    path = _path_at(fit.path, fit.index)
    used = small.inputs if small.inputs.size else np.arange(1)
    if isinstance(path, NetworkPath):
        used = np.union1d(used, compact(path.network, path.params[0]).inputs)
    spread = Scales(fit.spread.features[used], fit.spread.target, fit.spread.weight)
    return replace(
        fit,
        setting=replace(fit.setting, preparation=fit.setting.preparation.take(used.tolist())),
        path=_with_inputs(path, used),
        index=0,
        scores=None,
        layers=_layers(small, used),
        spread=spread,
        evidence=Diagnostics(),
        errors=None,
        tried=(),
    )


def _layers(small: Compact, used: Index) -> Layers:
    """The compact network reading the columns ``used``, of which it may need only some."""
    params, place = small.params, np.searchsorted(used, small.inputs)

    def spread_out(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = np.zeros((len(used), matrix.shape[1]))
        whole[place] = matrix
        return whole

    first = spread_out(params.weights[0][0])
    skip = None if params.skip is None else spread_out(params.skip[0])
    coefs = (first, *(w[0] for w in params.weights[1:]))
    return Layers(coefs, tuple(b[0] for b in params.biases), skip, _name(small.network))


def _name(network: Network) -> str:
    assert isinstance(network.activation, str)  # network_of takes it from layers, where it is a name
    return network.activation


def _path_at(path: Path, index: int) -> Path:
    one = slice(index, index + 1)
    common: dict[str, Any] = {
        "lambdas": path.lambdas[one],
        "losses": path.losses[one],
        "penalties": path.penalties[one],
        "certificates": path.certificates[one],
        "named": {},
    }
    if isinstance(path, NetworkPath):
        return replace(path, **common, params=path.params[one], linear=path.linear[one])
    assert isinstance(path, LinearPath)  # there are two kinds of path
    standardized = path.standardized_coefs[one]
    return replace(
        path,
        **common,
        coefs=path.coefs[one],
        intercepts=path.intercepts[one],
        standardized_coefs=standardized,
        problem=None,
    )


def _with_inputs(path: Path, used: Index) -> Path:
    """A path that reads only the inputs ``used``: all others are dead."""
    count = len(used)
    if isinstance(path, NetworkPath):
        whole = path.units
        units = replace(whole, center=whole.center[used], scale=whole.scale[used])
        params = tuple(_params_of(p, used) for p in path.params)
        return replace(path, n_features=count, params=params, units=units)
    assert isinstance(path, LinearPath)  # there are two kinds of path
    coefs, standardized = path.coefs[:, used], path.standardized_coefs[:, used]
    return replace(path, n_features=count, coefs=coefs, standardized_coefs=standardized)


def _params_of(params: Params, used: Sequence[int] | Index) -> Params:
    weights = (params.weights[0][:, used], *params.weights[1:])
    return Params(weights, params.biases, None if params.skip is None else params.skip[:, used])
