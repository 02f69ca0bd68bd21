"""Storing: moments as one file of numbers and names, every part of it checked when it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from taut.design import (
    DataError,
    Quantity,
    Told,
    from_document,
    target_from_document,
    target_to_document,
    to_document,
)
from taut.model_file import Archive, ModelFileError, Reader, read_archive, write_archive
from taut.streaming.assignment import Assignment
from taut.streaming.record import MomentsRecord
from taut.streaming.shared import SharedPreparation
from taut.streaming.sums import Sums
from taut.types import Float

KIND = "moments"
HEADER = 1 << 12
"""Bytes that a header of moments takes at most."""
LABEL = rb"\"kind\": \"moments\""
Made = TypeVar("Made", bound=MomentsRecord)


def save(moments: MomentsRecord, path: Path) -> Path:
    """Write the moments so that the file is either the old one or the whole new one; rows of its levels are not in it."""
    moments.check()
    write_archive(path, to_archive(moments, KIND))
    return path


def to_archive(moments: MomentsRecord, kind: str) -> Archive:
    """All that moments are."""
    own, sums, told = moments.preparation, moments.sums, moments.told
    document = {
        "preparation": to_document(own.preparation),
        "target": target_to_document(own.target),
        "folds": own.assignment.folds,
        "test_size": own.assignment.test_size,
        "seed": own.assignment.seed,
        "groups": own.assignment.groups,
        "weights": own.weights,
        "weight_unit": own.weight_unit,
        "columns": own.columns,
        "asked": dict(sorted(own.asked.items())),
        "reason": own.reason,
        "sampled": own.sampled,
        "sources": list(moments.sources),
        "dropped": moments.dropped,
        "products": sums.products,
        "told": [told.rows, dict(told.infinite), dict(told.unreadable), dict(told.gaps)],
    }
    tensors = {
        "shift": own.shift,
        "scale": own.scale,
        "counts": sums.counts,
        "coarse": _packed(sums.coarse),
        "fine": _packed(sums.fine),
    }
    return Archive({"kind": kind}, document, tensors)


def is_moments(path: Path) -> bool:
    """Whether a file says in its header that it holds moments; False where it is none, or cannot be read."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            return size <= HEADER and LABEL in file.read(size)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False


def load(path: Path, make: Callable[..., Made]) -> Made:
    """What ``make`` makes of the fields that ``save`` wrote; ``ModelFileError`` where anything does not fit."""
    archive = read_archive(path)
    if archive.labels.get("kind") != KIND:
        raise ModelFileError(f"{path.name}: a model, not moments; taut.load reads it")
    try:
        found = make(*from_archive(archive.document, Reader(path.name, archive.tensors)))
        found.check()
    except ModelFileError:
        raise
    except DataError as error:
        raise ModelFileError(f"{path.name}: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise ModelFileError(
            f"{path.name}: the moments are damaged ({error or type(error).__name__})"
        ) from error
    return found


def from_archive(
    document: dict[str, Any], reader: Reader
) -> tuple[SharedPreparation, Sums, tuple[str, ...], int, Told]:
    """The fields that ``to_archive`` wrote down, every part checked against the others."""
    shared = _shared(document, reader)
    parts, width = shared.assignment.folds + 1, shared.width
    size = width * (width + 1) // 2
    coarse, fine = (reader.take(name, parts, size) for name in ("coarse", "fine"))
    counts = reader.take("counts", parts, dtype=np.int64)
    if not (np.isfinite(coarse).all() and np.isfinite(fine).all()):
        raise ModelFileError(f"{reader.name}: the sums are not finite")
    sums = Sums(_unpacked(coarse, width), _unpacked(fine, width), counts, int(document["products"]))
    if ((np.diagonal(sums.values, axis1=1, axis2=2)[counts > 0]) < 0).any() or (counts < 0).any():
        raise ModelFileError(f"{reader.name}: sums of squares below zero")
    rows, *counters = document["told"]
    infinite, unreadable, gaps = (Counter({str(k): int(v) for k, v in one.items()}) for one in counters)
    told = Told(int(rows), infinite, unreadable, gaps)
    return shared, sums, tuple(map(str, document["sources"])), int(document["dropped"]), told


def _shared(document: dict[str, Any], reader: Reader) -> SharedPreparation:
    target = target_from_document(document["target"])
    if not isinstance(target, Quantity):
        raise ModelFileError(f"{reader.name}: sums of squares of classes")
    preparation = from_document(document["preparation"])
    shift, scale = (reader.take(name, len(preparation.names) + 1) for name in ("shift", "scale"))
    unit = float(document["weight_unit"])
    if not (np.isfinite(shift).all() and np.isfinite(scale).all() and (scale > 0).all() and unit > 0):
        raise ModelFileError(f"{reader.name}: the units of the sums are no numbers above 0")
    groups, weights = document["groups"], document["weights"]
    assignment = Assignment(
        int(document["folds"]), float(document["test_size"]), int(document["seed"]),
        None if groups is None else str(groups),
    )  # fmt: skip
    assignment.check()
    return SharedPreparation(
        preparation, target, assignment, None if weights is None else str(weights), shift, scale,
        int(document["columns"]), unit, _asked(document["asked"]), str(document["reason"]), int(document["sampled"]),
    )  # fmt: skip


def _asked(document: dict[str, Any]) -> dict[str, Any]:
    """What was said of columns: names, numbers and truth values alone."""
    lists = {name: list(map(str, document[name])) for name in ("categorical", "numeric", "drop", "keep")}
    numbers = {name: int(document[name]) for name in ("degree", "splines")}
    return {**lists, **numbers, "interactions": bool(document["interactions"])}


def _packed(sums: Float) -> NDArray[np.float64]:
    """The lower triangle of each part's sums (parts, width (width + 1)/2)."""
    packed: NDArray[np.float64] = sums[:, *np.tril_indices(sums.shape[1])]
    return packed


def _unpacked(packed: Float, width: int) -> Float:
    sums = np.empty((len(packed), width, width))
    rows, columns = np.tril_indices(width)
    sums[:, rows, columns] = packed
    sums[:, columns, rows] = packed
    return sums
