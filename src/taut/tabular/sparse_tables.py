"""Sparse tables: the target that lies beside one, and writing it out where what is asked for needs that."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from taut.design import (
    SHARE,
    DataError,
    Expansion,
    Found,
    Preparation,
    Source,
    Sparse,
    as_sparse,
    brief,
    memory,
)
from taut.tabular.options import Options

LINEAR_INSTEAD = "fit a linear model (no --hidden; compare: --linear)"


def beside(frame: Sparse, source: Source, options: Options) -> tuple[Sparse, Source, Options]:
    """The table, and a target from the .npy file of that name, which is then called by the file's name alone."""
    target, file = options.target, Path(options.target)
    if target in frame.columns or file.suffix != ".npy":
        return frame, source, options
    try:
        data = file.read_bytes()
        y = np.load(io.BytesIO(data), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"target {brief(target)}: not a readable .npy file of numbers or texts") from error
    digest = hashlib.sha256(source.digest.encode() + data).hexdigest()
    name = file.name if file.stem in frame.columns else file.stem
    own = {**{name: column.to_native() for name, column in frame.own.items()}, name: y}
    table = as_sparse(frame.X, frame.names, own, source.name)
    return table, replace(source, digest=digest), replace(options, target=name)


def as_dense_as_asked(frame: Sparse, source: Source, options: Options, networks: bool) -> Found:
    """The table written out where the options need that; ``DataError`` where it would be too large."""
    asked = (
        (options.hidden or networks, "networks", LINEAR_INSTEAD),
        (options.expansion != Expansion(), "derived features", "make them before"),
        (options.categorical, "categorical columns", "encode them before"),
        (options.text, "text columns", "make words of them before"),
    )
    wanted = next(((what, instead) for is_asked, what, instead in asked if is_asked), None)
    if wanted is None:
        return Found(frame, source)
    what, instead = wanted
    size = _affordable(len(frame), len(frame.columns), source, "the sparse table", what, instead)
    said = f"sparse, and written out ({size / 1e6:.3g} MB) for {what}"
    return Found(frame.written_out(), replace(source, notes=(*source.notes, said)))


def needs_dense_words(
    preparation: Preparation, rows: int, source: Source, options: Options, networks: bool
) -> bool:
    """Whether words of texts are written out, as networks need them; ``DataError`` where that would be too large."""
    if not preparation.words or not (options.hidden or networks):
        return False
    _affordable(
        rows, len(preparation.names), source, "the table with the words of texts", "networks", LINEAR_INSTEAD
    )
    return True


def _affordable(rows: int, columns: int, source: Source, whole: str, what: str, instead: str) -> int:
    """The bytes of so many dense cells; ``DataError`` where they are more than their share of the memory."""
    size, most = 8 * rows * columns, memory() // SHARE
    if size > most:
        raise DataError(
            f"{source.name}: {what} need dense columns, and {whole} written out takes {size / 1e9:.3g} GB,"
            f" more than {most / 1e9:.3g}, an eighth of the memory; {instead}"
        )
    return size
