"""Codec: paths, scores and layers to arrays and back; kinds are numbers of fixed lists, never names of classes to look up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.estimators.layers import Layers
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.model_file.archive import ModelFileError, Reader, Tensors
from taut.network import ACTIVATIONS
from taut.path import LinearPath, Path
from taut.selection import Scores
from taut.solvers.base import Certificate, Measure

Float = NDArray[np.float64]
Document = dict[str, Any]

LOSS_KINDS: dict[str, Callable[[float], Loss]] = {
    "squared": lambda number: SquaredError(),
    "logistic": lambda number: Logistic(),
    "multinomial": lambda number: Multinomial(),
    "poisson": lambda number: Poisson(),
    "huber": lambda number: Huber(number),
}
"""Every loss that a file can name; the number is Huber's δ."""

MEASURES = tuple(Measure)


def loss_kind(loss: Loss) -> tuple[str, float]:
    """The file's word and number for a loss. Raises ValueError for a loss of the user's own."""
    number = loss.delta if isinstance(loss, Huber) else 1.0
    for name, make in LOSS_KINDS.items():
        if make(number) == loss:
            return name, number
    raise ValueError(f"a model file cannot hold the loss {loss!r}: it holds numbers, not code")


def encode_path(path: Path) -> tuple[Document, Tensors]:
    """The document and tensors of a path of any kind."""
    kind, number = loss_kind(path.loss)
    tensors = {
        "path.lambdas": path.lambdas,
        "path.losses": path.losses,
        "path.penalties": path.penalties,
        "path.certificates": np.array([[c.value, c.tol] for c in path.certificates]).reshape(-1, 2),
        "path.measures": np.array([MEASURES.index(c.measure) for c in path.certificates], dtype=np.uint8),
        "path.reference": np.array([path.null_loss, path.saturated_loss, number]),
    }
    notes = [c.note for c in path.certificates]
    document: Document = {"loss": kind, "notes": notes, "interrupted": path.interrupted, "p": path.n_features}
    if not isinstance(path, LinearPath):
        raise ValueError(f"a model file cannot hold a {type(path).__name__}")
    tensors |= {
        "path.coefs": path.coefs,
        "path.intercepts": path.intercepts,
        "path.standardized_coefs": path.standardized_coefs,
    }
    return document, tensors


def decode_path(document: Document, reader: Reader) -> Path:
    """The path that ``encode_path`` wrote; raises ``ModelFileError``, KeyError, TypeError or ValueError on anything else."""
    lambdas = reader.take("path.lambdas", None)
    length, p = len(lambdas), int(document["p"])
    null, saturated, number = reader.take("path.reference", 3).tolist()
    coefs = reader.take("path.coefs", length, p, *_outputs(reader, "path.intercepts"))
    return LinearPath(
        lambdas=lambdas,
        losses=reader.take("path.losses", length),
        penalties=reader.take("path.penalties", length),
        certificates=_certificates(document["notes"], reader, length),
        null_loss=null,
        saturated_loss=saturated,
        loss=LOSS_KINDS[document["loss"]](number),
        n_features=p,
        interrupted=bool(document["interrupted"]),
        coefs=coefs,
        intercepts=reader.take("path.intercepts", length, *coefs.shape[2:]),
        standardized_coefs=reader.take("path.standardized_coefs", *coefs.shape),
        problem=None,
    )


def _outputs(reader: Reader, key: str) -> tuple[None, ...]:
    """One free axis for the outputs where the tensor has it."""
    return (None,) * (reader.axes(key) - 1)


def _certificates(notes: list[str], reader: Reader, length: int) -> tuple[Certificate, ...]:
    values = reader.take("path.certificates", length, 2).tolist()
    kinds = reader.take("path.measures", length, dtype=np.uint8).tolist()
    return tuple(
        Certificate(MEASURES[kind], value, tol, str(note))
        for (value, tol), kind, note in zip(values, kinds, notes, strict=True)
    )


def encode_scores(scores: Scores | None) -> Tensors:
    """The tensors of scores: fold means, their weights, how often rows were held out. Rows' own losses are not kept."""
    if scores is None:
        return {}
    return {
        "scores.lambdas": scores.lambdas,
        "scores.folds": scores.folds,
        "scores.weights": scores.fold_weights,
        "scores.repeats": np.array([scores.repeats]),
    }


def decode_scores(reader: Reader) -> Scores | None:
    """The scores that ``encode_scores`` wrote."""
    if not reader.has("scores.folds"):
        return None
    lambdas = reader.take("scores.lambdas", None)
    folds = reader.take("scores.folds", None, len(lambdas))
    weights = reader.take("scores.weights", len(folds))
    return Scores(lambdas, folds, weights, float(reader.take("scores.repeats", 1)[0]))


def encode_layers(layers: Layers) -> tuple[Document, Tensors]:
    """The document and tensors of a model's layers."""
    tensors = {f"layers.coefs.{k}": coef for k, coef in enumerate(layers.coefs)}
    tensors |= {f"layers.intercepts.{k}": b for k, b in enumerate(layers.intercepts)}
    if layers.skip is not None:
        tensors["layers.skip"] = layers.skip
    return {"count": len(layers.coefs), "activation": layers.activation}, tensors


def decode_layers(document: Document, reader: Reader, p: int) -> Layers:
    """The layers that ``encode_layers`` wrote, each checked to fit the one before it."""
    activation = document["activation"]
    if activation not in ACTIVATIONS:
        raise ModelFileError(f"{reader.name}: unknown activation {activation!r}")
    coefs, width = [], p
    for k in range(int(document["count"])):
        coefs.append(reader.take(f"layers.coefs.{k}", width, None))
        width = coefs[-1].shape[1]
    intercepts = tuple(reader.take(f"layers.intercepts.{k}", c.shape[1]) for k, c in enumerate(coefs))
    skip = reader.take("layers.skip", p, width) if reader.has("layers.skip") else None
    return Layers(tuple(coefs), intercepts, skip, activation)
