"""Network display: weights at every strength as small pictures with their exact zeros, and what stays alive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from taut.network import Network, Params, as_activation
from taut.path.display import Drawing
from taut.report import packed_bytes, shown
from taut.solvers import Units
from taut.types import Float

MAX_CELLS = 150_000
"""Cells of all pictures at all strengths that a page holds; larger layers show their strongest units."""
SIDES = (256, 128, 96, 64, 48, 32, 24, 16, 8)
LEVELS = 126
BINS = 41


class DrawableNetwork(Protocol):
    """What is read of a network's path."""

    @property
    def network(self) -> Network:
        """The architecture."""

    @property
    def params(self) -> tuple[Params, ...]:
        """One network (one member) per strength, on the standardised scale."""

    @property
    def units(self) -> Units:
        """The scale that the parameters live on."""

    @property
    def linear(self) -> NDArray[np.bool_]:
        """(L,), whether the linear model won."""

    @property
    def live_neurons(self) -> NDArray[np.intp]:
        """(L, hidden layers), the neurons that predictions depend on."""

    @property
    def kept_inputs(self) -> NDArray[np.bool_]:
        """(L, p), whether predictions depend on an input."""


def network_drawing(path: DrawableNetwork, names: Sequence[str]) -> Drawing:
    """The norm of what each input sends, (p, 1, L) on the standardised scale, 0 where no prediction depends on it."""
    norms = sent_norms(path, path.units.scale, path.units.y_scale)
    label = "Norm of an input's weights, per sd"
    return Drawing("network", "Network", label, norms, network=network_data(path, names))


def sent_norms(path: DrawableNetwork, features: Float, target: float | Float) -> Float:
    """The norm of what each input sends per ``features`` (p,) of its units, (p, 1, L): into the first layer, and by the skip
    connection in units of ``target``; 0 where no prediction depends on the input."""
    kept, scale = path.kept_inputs, features / path.units.scale
    norms = np.zeros((kept.shape[1], 1, len(kept)))
    for i, params in enumerate(path.params):
        direct = [] if params.skip is None else [params.skip[0] * (path.units.y_scale / target)]
        sent = np.hstack([params.weights[0][0], *direct])
        norms[:, 0, i] = np.where(kept[i], np.linalg.norm(sent, axis=1) * scale, 0.0)
    return norms


def network_data(path: DrawableNetwork, names: Sequence[str]) -> dict[str, Any]:
    """Pictures (signed bytes, 0 only where a weight is exactly zero), histograms, live neurons and inputs."""
    stacks = _stacks(path)
    units = _units(stacks, path.network.skip)
    side = next((s for s in SIDES if _cells(stacks, s) <= MAX_CELLS), SIDES[-1])
    return {
        "hidden": list(path.network.hidden),
        "activation": as_activation(path.network.activation).name,
        "linear": [bool(flag) for flag in path.linear],
        "live": path.live_neurons.tolist(),
        "inputs": path.kept_inputs.sum(axis=1).tolist(),
        "matrices": [
            _matrix(stack, place, units, side, names, path.network.skip and place == len(stacks) - 1)
            for place, stack in enumerate(stacks)
        ],
    }


def _stacks(path: DrawableNetwork) -> list[Float]:
    """Every matrix at every strength: (L, in, out), the skip connection last."""
    stacks = [np.concatenate(parts) for parts in zip(*(p.weights for p in path.params), strict=True)]
    skips = [p.skip for p in path.params if p.skip is not None]
    return [*stacks, *([np.concatenate(skips)] if skips else [])]


def _units(stacks: list[Float], skip: bool) -> list[NDArray[np.intp]]:
    """Units of each layer, inputs first, strongest first: by the largest norm of what they send or receive."""
    layers = stacks[:-1] if skip else stacks
    sent = [np.linalg.norm(stack, axis=2).max(axis=0) for stack in layers]
    got = [np.linalg.norm(stack, axis=1).max(axis=0) for stack in layers]
    if skip:
        sent[0] = np.maximum(sent[0], np.linalg.norm(stacks[-1], axis=2).max(axis=0))
    strengths = [sent[0], *(np.minimum(a, b) for a, b in zip(sent[1:], got[:-1], strict=True))]
    order = [np.argsort(-strength, kind="stable") for strength in strengths]
    return [*order, np.arange(layers[-1].shape[2])]


def _ends(place: int, units: list[NDArray[np.intp]], skip: bool, side: int) -> tuple[NDArray[np.intp], ...]:
    """Rows and columns of a matrix that are drawn."""
    rows, columns = (units[0], units[-1]) if skip else (units[place], units[place + 1])
    return rows[:side], columns[:side]


def _cells(stacks: list[Float], side: int) -> int:
    shapes = (stack.shape for stack in stacks)
    return sum(length * min(rows, side) * min(columns, side) for length, rows, columns in shapes)


def _matrix(
    stack: Float, place: int, units: list[NDArray[np.intp]], side: int, names: Sequence[str], skip: bool
) -> dict[str, Any]:
    rows, columns = _ends(place, units, skip, side)
    drawn = stack[:, rows][:, :, columns]
    largest = float(np.abs(stack).max()) or 1.0
    level = np.sign(drawn) * np.maximum(1.0, np.round(LEVELS * np.sqrt(np.abs(drawn) / largest)))
    edges = np.linspace(-largest, largest, BINS + 1)
    counts = [np.histogram(one[one != 0], edges)[0].tolist() for one in stack]
    return {
        "name": "Skip connection" if skip else f"Layer {place + 1}",
        "rows": len(rows),
        "columns": len(columns),
        "shape": list(stack.shape[1:]),
        "labels": [shown(names[j]) for j in rows] if place == 0 or skip else [],
        "largest": largest,
        "cells": packed_bytes(np.where(drawn == 0, 0, level).astype(np.int8).tobytes()),
        "nonzeros": [int(np.count_nonzero(one)) for one in stack],
        "histogram": counts,
    }
