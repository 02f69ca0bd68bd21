"""Display: the numbers of a path as a page shows them, and a path's own compact page in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taut.path.base import Float, Path
from taut.path.linear import LinearPath
from taut.path.network import NetworkPath
from taut.path.network_display import network_data
from taut.report import Series, Story, framed, packed_series, rounded, shown

MAX_NUMBERS = 30_000
"""A page holds the strongest features, as many as make this many numbers along the path."""
MAX_FEATURES = 300


@dataclass(frozen=True, eq=False)
class Labels:
    """What a path does not know: names of features and outputs, where it is marked, the units of its numbers.

    ``per_sd`` (p,) turns a coefficient in the table's units into one per standard deviation; None takes the path's own.
    ``loss_scale`` turns F into the units of the data.
    """

    features: Sequence[str]
    outputs: Sequence[str]
    marks: dict[str, int]
    index: int
    per_sd: Float | None = None
    loss_scale: float = 1.0
    coefficient: str = "Coefficient per standard deviation"
    loss: str = "Loss"


def path_data(path: Path, labels: Labels) -> dict[str, Any]:
    """The numbers of a path as JSON: strengths, the two terms of F, coefficients of the strongest features."""
    values, units = _coefficients(path, labels)
    kept = _strongest(values)
    return {
        "kind": "network" if isinstance(path, NetworkPath) else "linear",
        "lambdas": [float(lam) for lam in path.lambdas],
        "index": labels.index,
        "marks": labels.marks,
        "nonzeros": path.nonzeros.tolist(),
        "explained": rounded(path.deviance_explained),
        "loss": {
            "label": labels.loss,
            "data": rounded(path.losses * labels.loss_scale),
            "penalty": rounded(path.penalties * labels.loss_scale),
        },
        "certificates": [[c.measure.value, *rounded([c.value], 2), c.met] for c in path.certificates],
        "coefLabel": labels.coefficient,
        "total": path.n_features,
        "features": [shown(labels.features[j]) for j in kept],
        "places": kept,
        "classes": [shown(name) for name in labels.outputs],
        "coefs": packed_series(Series(values[kept])),
        "units": None if units is None else rounded(units[kept]),
        **({"network": network_data(path, labels.features)} if isinstance(path, NetworkPath) else {}),
    }


def _coefficients(path: Path, labels: Labels) -> tuple[Float, Float | None]:
    """(p, k, L) per standard deviation, and what turns them (p, k) into the table's units; norms for a network."""
    if isinstance(path, NetworkPath):
        return _norms(path), None
    assert isinstance(path, LinearPath)  # there are two kinds of path
    length, p = path.coefs.shape[:2]
    coefs = path.coefs.reshape(length, p, -1)
    if labels.per_sd is not None:
        turned = labels.per_sd[:, None]
        back = np.divide(1.0, turned, out=np.zeros_like(turned), where=turned > 0)
        return np.moveaxis(coefs * turned, 0, 2), np.repeat(back, coefs.shape[2], axis=1)
    standardized = path.standardized_coefs.reshape(length, p, -1)
    largest = np.abs(standardized).argmax(axis=0)[None]
    own, unit = (np.take_along_axis(a, largest, axis=0)[0] for a in (standardized, coefs))
    return np.moveaxis(standardized, 0, 2), np.divide(unit, own, out=np.zeros_like(own), where=own != 0)


def _norms(path: NetworkPath) -> Float:
    """(p, 1, L): the norm of what each input sends, on the standardised scale; 0 where no prediction depends on it."""
    norms = np.zeros((path.n_features, 1, len(path)))
    for i, params in enumerate(path.params):
        sent = (
            params.weights[0][0] if params.skip is None else np.hstack([params.weights[0][0], params.skip[0]])
        )
        norms[:, 0, i] = np.where(path.live(i).inputs, np.linalg.norm(sent, axis=1), 0.0)
    return norms


def _strongest(values: Float) -> list[int]:
    """Places of the features that a page has room for, in the table's order."""
    _, outputs, length = values.shape
    room = max(20, min(MAX_FEATURES, MAX_NUMBERS // (outputs * length)))
    order = np.argsort(-np.abs(values).max(axis=(1, 2)), kind="stable")[:room]
    return sorted(int(j) for j in order)


def path_story(path: Path) -> Story:
    """A path without its table: features by number, no folds."""
    name = "Network" if isinstance(path, NetworkPath) else "Linear model"
    outputs = (
        1
        if isinstance(path, NetworkPath)
        else int(np.prod(path.coefs.shape[2:]))
        if isinstance(path, LinearPath)
        else 1
    )
    labels = Labels(
        [f"x{j}" for j in range(path.n_features)],
        [f"output {k}" for k in range(outputs)] if outputs > 1 else [],
        {},
        len(path) // 2,
        coefficient=coefficient_label(path),
        loss="Objective on the standardised scale",
    )
    words = f"{len(path)} strengths λ, {path.n_features} features"
    return Story(f"{name}: regularization path", words, data=path_data(path, labels))


def coefficient_label(path: Path, unit: str = "") -> str:
    """What the numbers drawn along the path are."""
    if isinstance(path, NetworkPath):
        return "Norm of an input's weights, per sd"
    return f"Coefficient per sd of the feature{f' ({unit})' if unit else ''}"


def path_html(path: Path) -> str:
    """A path in a notebook: the compact page in a frame of its own."""
    return framed(path_story(path), repr(path))
