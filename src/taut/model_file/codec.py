"""Codec: paths, scores and layers to arrays and back; kinds are numbers of fixed lists, never names of
classes to look up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np

from taut.estimators import HeldOutErrors, Layers
from taut.families import family_named, family_of, is_registered, parameters
from taut.losses import Loss
from taut.model_file.archive import ModelFileError, Reader, Tensors, pack, unpack
from taut.network import ACTIVATIONS, Network, Params, as_activation
from taut.path import LinearPath, NetworkPath, Path
from taut.selection import Scores
from taut.solvers import Certificate, Measure, Units
from taut.types import Float

Document = dict[str, Any]

MEASURES = tuple(Measure)


def encode_loss(loss: Loss) -> tuple[Document, float]:
    """The file's word for a loss, with all of its numbers where they are several, and the first of them, 1 where it has none.

    Raises ValueError for a loss that no record of ``taut.families`` names.
    """
    family, numbers = family_of(loss), parameters(loss) if is_registered(loss) else ()
    if not is_registered(loss) or family.make(*numbers) != loss:
        raise ValueError(
            f"a model file cannot hold the loss {loss!r}: it holds numbers, not code; taut.families.register gives a loss"
            " the name to be found by"
        )
    several: Document = {"loss_parameters": list(numbers)} if len(numbers) > 1 else {}
    return {"loss": family.name} | several, numbers[0] if numbers else 1.0


def decode_loss(document: Document, number: float, source: str) -> Loss:
    """The loss that ``encode_loss`` wrote; ``ModelFileError`` where nothing here has that name."""
    try:
        family = family_named(str(document["loss"]))
    except ValueError as error:
        raise ModelFileError(f"{source}: {error}; import the package that registers it first") from None
    count = len(fields(family.loss))
    numbers = document["loss_parameters"] if count > 1 else [number][:count]
    return family.make(*(float(each) for each in numbers))


def encode_path(path: Path) -> tuple[Document, Tensors]:
    """The document and tensors of a path of either kind."""
    loss, number = encode_loss(path.loss)
    tensors = {
        "path.lambdas": path.lambdas,
        "path.losses": path.losses,
        "path.penalties": path.penalties,
        "path.certificates": np.array([[c.value, c.tol] for c in path.certificates]).reshape(-1, 2),
        "path.measures": np.array([MEASURES.index(c.measure) for c in path.certificates], dtype=np.uint8),
        "path.reference": np.array([path.null_loss, path.saturated_loss, number]),
    }
    notes = [c.note for c in path.certificates]
    document: Document = {
        **loss,
        "notes": notes,
        "interrupted": path.interrupted,
        "p": path.n_features,
        "offset": path.has_offset,
    }
    more, own = _encode_network(path) if isinstance(path, NetworkPath) else _encode_linear(path)
    return document | more, tensors | own


def _encode_linear(path: Path) -> tuple[Document, Tensors]:
    assert isinstance(path, LinearPath)  # there are two kinds of path
    standardized = pack("path.standardized_coefs", path.standardized_coefs)
    tensors = {"path.intercepts": path.intercepts} | pack("path.coefs", path.coefs) | standardized
    return {"kind": "linear", "outputs": list(path.coefs.shape[2:])}, tensors


def _encode_network(path: NetworkPath) -> tuple[Document, Tensors]:
    network, units = path.network, path.units
    stacked = [np.concatenate(parts) for parts in zip(*(p.weights for p in path.params), strict=True)]
    biases = [np.concatenate(parts) for parts in zip(*(p.biases for p in path.params), strict=True)]
    tensors: Tensors = {f"path.biases.{k}": b for k, b in enumerate(biases)}
    for k, weights in enumerate(stacked):
        tensors |= pack(f"path.weights.{k}", weights)
    skips = [p.skip for p in path.params if p.skip is not None]
    if skips:
        tensors |= pack("path.skip", np.concatenate(skips))
    tensors |= {
        "path.linear": path.linear.astype(np.uint8),
        "path.center": units.center,
        "path.scale": units.scale,
        "path.y_units": np.array([float(units.y_center), float(units.y_scale)]),
    }
    return {
        "kind": "network",
        "hidden": list(network.hidden),
        "activation": as_activation(network.activation).name,
        "skip": bool(skips),
        "outputs": [biases[-1].shape[1]],
        "single": path.single_output,
    }, tensors


def decode_path(document: Document, reader: Reader) -> Path:
    """The path that ``encode_path`` wrote; ``ModelFileError``, KeyError, TypeError or ValueError on
    anything else."""
    return PATH_KINDS[document["kind"]](document, reader, _common(document, reader))


def _common(document: Document, reader: Reader) -> dict[str, Any]:
    """The fields that both kinds of path share."""
    lambdas = reader.take("path.lambdas", None)
    length = len(lambdas)
    if not length or not np.isfinite(lambdas).all() or (lambdas < 0).any() or (np.diff(lambdas) > 0).any():
        raise ModelFileError(f"{reader.name}: the path's λ are not finite, at least 0 and descending")
    null, saturated, number = reader.take("path.reference", 3).tolist()
    return {
        "lambdas": lambdas,
        "losses": reader.take("path.losses", length),
        "penalties": reader.take("path.penalties", length),
        "certificates": _certificates(document["notes"], reader, length),
        "null_loss": null,
        "saturated_loss": saturated,
        "loss": decode_loss(document, number, reader.name),
        "n_features": int(document["p"]),
        "interrupted": bool(document["interrupted"]),
        "has_offset": bool(document.get("offset", False)),  # absent from older files
    }


def _decode_linear(document: Document, reader: Reader, common: dict[str, Any]) -> Path:
    length, outputs = len(common["lambdas"]), tuple(int(k) for k in document["outputs"])
    shape = (length, common["n_features"], *outputs)
    return LinearPath(
        **common,
        coefs=unpack("path.coefs", reader, shape),
        intercepts=reader.take("path.intercepts", length, *outputs),
        standardized_coefs=unpack("path.standardized_coefs", reader, shape),
        problem=None,
    )


def _decode_network(document: Document, reader: Reader, common: dict[str, Any]) -> Path:
    length, p, outputs = len(common["lambdas"]), common["n_features"], int(document["outputs"][0])
    network = Network(
        tuple(map(int, document["hidden"])), str(document["activation"]), bool(document["skip"])
    )
    widths = (p, *network.hidden, outputs)
    weights = [
        unpack(f"path.weights.{k}", reader, (length, *pair)) for k, pair in enumerate(pairwise(widths))
    ]
    biases = [reader.take(f"path.biases.{k}", length, width) for k, width in enumerate(widths[1:])]
    skip = unpack("path.skip", reader, (length, p, outputs)) if network.skip else None
    center, scale = reader.take("path.center", None), reader.take("path.scale", None)
    if len(center) != len(scale) or len(center) < p:
        raise ModelFileError(f"{reader.name}: the units of the path do not fit its inputs")
    return NetworkPath(
        **common,
        network=network,
        params=tuple(_params_at(i, weights, biases, skip) for i in range(length)),
        linear=reader.take("path.linear", length, dtype=np.uint8).astype(bool),
        units=Units(center, scale, *reader.take("path.y_units", 2).tolist()),
        single_output=bool(document["single"]),
    )


def _params_at(index: int, weights: list[Float], biases: list[Float], skip: Float | None) -> Params:
    """The parameters (one member) at one place of a path."""
    one = slice(index, index + 1)
    return Params(
        tuple(w[one] for w in weights), tuple(b[one] for b in biases), None if skip is None else skip[one]
    )


PATH_KINDS: dict[str, Callable[[Document, Reader, dict[str, Any]], Path]] = {
    "linear": _decode_linear,
    "network": _decode_network,
}


def _certificates(notes: list[str], reader: Reader, length: int) -> tuple[Certificate, ...]:
    values = reader.take("path.certificates", length, 2).tolist()
    kinds = reader.take("path.measures", length, dtype=np.uint8).tolist()
    return tuple(
        Certificate(MEASURES[kind], value, tol, str(note))
        for (value, tol), kind, note in zip(values, kinds, notes, strict=True)
    )


def encode_scores(scores: Scores | None) -> Tensors:
    """The tensors of scores: fold means, their weights, how often rows were held out. Rows' own losses are
    not kept."""
    if scores is None:
        return {}
    measures = {f"scores.measure.{k}": own.folds for k, own in enumerate(scores.measures.values())}
    errors = {} if scores.errors is None else {"scores.errors": scores.errors}
    return (
        measures
        | errors
        | {
            "scores.lambdas": scores.lambdas,
            "scores.folds": scores.folds,
            "scores.weights": scores.fold_weights,
            "scores.repeats": np.array([scores.repeats]),
        }
    )


def decode_scores(reader: Reader, measures: Sequence[str] = ()) -> Scores | None:
    """The scores that ``encode_scores`` wrote; ``measures`` are the names of the scorers, in their order."""
    if not reader.has("scores.folds"):
        return None
    lambdas = reader.take("scores.lambdas", None)
    folds = reader.take("scores.folds", None, len(lambdas))
    weights = reader.take("scores.weights", len(folds))
    repeats = float(reader.take("scores.repeats", 1)[0])
    values = [reader.take(f"scores.measure.{k}", len(weights), len(lambdas)) for k in range(len(measures))]
    own = {
        name: Scores(lambdas, value, weights, repeats) for name, value in zip(measures, values, strict=True)
    }
    errors = reader.take("scores.errors", len(lambdas)) if reader.has("scores.errors") else None
    return Scores(lambdas, folds, weights, repeats, errors=errors, measures=own)


def encode_layers(layers: Layers, name: str = "layers") -> tuple[Document, Tensors]:
    """The document and tensors of a model's layers; the tensors are called ``name`` and more."""
    tensors: Tensors = {}
    for k, coef in enumerate(layers.coefs):  # a mean of networks is block-diagonal, a lasso mostly zero
        tensors |= pack(f"{name}.coefs.{k}", coef)
    tensors |= {f"{name}.intercepts.{k}": b for k, b in enumerate(layers.intercepts)}
    if layers.skip is not None:
        tensors |= pack(f"{name}.skip", layers.skip)
    return {"count": len(layers.coefs), "activation": layers.activation}, tensors


def decode_layers(document: Document, reader: Reader, p: int, name: str = "layers") -> Layers:
    """The layers that ``encode_layers`` wrote, each checked to fit the one before it."""
    activation = document["activation"]
    if activation not in ACTIVATIONS:
        raise ModelFileError(f"{reader.name}: unknown activation {activation!r}")
    count = int(document["count"])
    intercepts = tuple(reader.take(f"{name}.intercepts.{k}", None) for k in range(count))
    widths = [p, *map(len, intercepts)]
    coefs = [unpack(f"{name}.coefs.{k}", reader, pair) for k, pair in enumerate(pairwise(widths))]
    width = widths[-1]
    skips = reader.has(f"{name}.skip") or reader.has(f"{name}.skip.places")
    skip = unpack(f"{name}.skip", reader, (p, width)) if skips else None
    return Layers(tuple(coefs), intercepts, skip, activation)


def encode_errors(errors: HeldOutErrors | None) -> tuple[Document | None, Tensors]:
    """The document and tensors of what held-out rows say: the folds' models, and their errors, sorted."""
    if errors is None:
        return None, {}
    tensors: Tensors = {
        "errors.values": errors.errors,
        "errors.weights": errors.weights,
        "errors.effective": np.array([errors.effective]),
    }
    members = []
    for k, layers in enumerate(errors.members):
        member, own = encode_layers(layers, f"errors.{k}")
        members.append(member)
        tensors |= own
    return {"members": members, "counts": errors.counts.tolist()}, tensors


def decode_errors(document: Document | None, reader: Reader, p: int) -> HeldOutErrors | None:
    """What ``encode_errors`` wrote, its parts checked against each other."""
    if document is None:
        return None
    counts = np.array([int(count) for count in document["counts"]], dtype=np.intp)
    errors = reader.take("errors.values", None)
    weights = reader.take("errors.weights", len(errors))
    members = tuple(
        decode_layers(member, reader, p, f"errors.{k}") for k, member in enumerate(document["members"])
    )
    effective = float(reader.take("errors.effective", 1)[0])
    sound = len(members) == len(counts) and (counts > 0).all() and counts.sum() == len(errors) > 0
    if not sound or not np.isfinite(errors).all() or not (weights > 0).all() or not effective > 0.0:
        raise ModelFileError(f"{reader.name}: the errors of held-out rows do not fit together")
    return HeldOutErrors(members, counts, errors, weights, effective)
