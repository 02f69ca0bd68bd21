"""Display: the numbers of a path as a page shows them, and a path's own compact page in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from taut.report import ReportContent, Series, framed, packed_series, rounded, shown
from taut.solvers import Certificate
from taut.types import Float

MAX_NUMBERS = 30_000
"""A page holds the strongest features, as many as make this many numbers along the path."""
MAX_FEATURES = 300


class Drawing(NamedTuple):
    """What a page draws of a path's weights.

    ``kind`` and ``title`` of the model; ``values`` (p, k, L), one line per feature and output, called ``label``; ``units``
    (p, k) turn them into the table's units, None where there are none; ``network``: its pictures.
    """

    kind: str
    title: str
    label: str
    values: Float
    units: Float | None = None
    network: dict[str, Any] | None = None


class Drawable(Protocol):
    """What is read of a path."""

    @property
    def lambdas(self) -> Float:
        """(L,), the strongest first."""

    @property
    def losses(self) -> Float:
        """(L,), the data loss."""

    @property
    def penalties(self) -> Float:
        """(L,), the penalty."""

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """One per strength."""

    @property
    def n_features(self) -> int:
        """How many columns X has."""

    @property
    def nonzeros(self) -> NDArray[np.intp]:
        """(L,), how many weights are kept."""

    @property
    def deviance_explained(self) -> Float:
        """(L,), the share of the null model's loss that is explained."""

    def drawn(self, names: Sequence[str], per_sd: Float | None = None, unit: str = "") -> Drawing:
        """The weights along the path, for features of these names."""

    def __len__(self) -> int:
        """How many strengths there are."""


@dataclass(frozen=True, eq=False)
class Labels:
    """What a path does not know: names of features and outputs, where it is marked, the units of its numbers.

    ``per_sd`` (p,) turns a coefficient in the table's units into one per standard deviation, which is in ``unit``; None
    takes the path's own. ``loss_scale`` turns F into the units of the data.
    """

    features: Sequence[str]
    outputs: Sequence[str]
    marks: dict[str, int]
    index: int
    per_sd: Float | None = None
    loss_scale: float = 1.0
    unit: str = ""
    loss: str = "Loss"


def path_data(path: Drawable, labels: Labels, drawing: Drawing | None = None) -> dict[str, Any]:
    """The numbers of a path as JSON: strengths, the two terms of F, coefficients of the strongest features.

    ``drawing``: what the path has drawn for these labels, where that is known.
    """
    drawn = drawing or path.drawn(labels.features, labels.per_sd, labels.unit)
    kept = _strongest(drawn.values)
    return {
        "kind": drawn.kind,
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
        "coefLabel": drawn.label,
        "total": path.n_features,
        "used": np.count_nonzero(drawn.values, axis=0).tolist(),
        "features": [shown(labels.features[j]) for j in kept],
        "places": kept,
        "classes": [shown(name) for name in labels.outputs],
        "coefs": packed_series(Series(drawn.values[kept])),
        "units": None if drawn.units is None else rounded(drawn.units[kept]),
        **({} if drawn.network is None else {"network": drawn.network}),
    }


def linear_drawing(coefs: Float, standardized: Float, per_sd: Float | None, unit: str) -> Drawing:
    """Coefficients (L, p[, k]) per standard deviation, and what turns them into the table's units.

    ``per_sd`` (p,) does so from the table's units; None takes the path's own ``standardized`` coefficients.
    """
    length, p = coefs.shape[:2]
    label = f"Coefficient per sd of the feature{f' ({unit})' if unit else ''}"
    coefs, standardized = coefs.reshape(length, p, -1), standardized.reshape(length, p, -1)
    if per_sd is not None:
        turned = per_sd[:, None]
        back = np.divide(1.0, turned, out=np.zeros_like(turned), where=turned > 0)
        units = np.repeat(back, coefs.shape[2], axis=1)
        return Drawing("linear", "Linear model", label, np.moveaxis(coefs * turned, 0, 2), units)
    largest = np.abs(standardized).argmax(axis=0)[None]
    own, of_table = (np.take_along_axis(a, largest, axis=0)[0] for a in (standardized, coefs))
    units = np.divide(of_table, own, out=np.zeros_like(own), where=own != 0)
    return Drawing("linear", "Linear model", label, np.moveaxis(standardized, 0, 2), units)


def _strongest(values: Float) -> list[int]:
    """Places of the features that a page has room for, in the table's order."""
    _, outputs, length = values.shape
    room = max(20, min(MAX_FEATURES, MAX_NUMBERS // (outputs * length)))
    order = np.argsort(-np.abs(values).max(axis=(1, 2)), kind="stable")[:room]
    return sorted(int(j) for j in order)


def path_content(path: Drawable) -> ReportContent:
    """A path without its table: features by number, no folds."""
    names = [f"x{j}" for j in range(path.n_features)]
    drawing = path.drawn(names)
    outputs = [f"output {k}" for k in range(drawing.values.shape[1])]
    labels = Labels(
        names,
        outputs if len(outputs) > 1 else [],
        {},
        len(path) // 2,
        loss="Objective on the standardised scale",
    )
    words = f"{len(path)} strengths λ, {path.n_features} features"
    data = path_data(path, labels, drawing)
    return ReportContent(f"{drawing.title}: regularization path", words, data=data)


def path_html(path: Drawable) -> str:
    """A path in a notebook: the compact page in a frame of its own."""
    return framed(path_content(path), repr(path))
